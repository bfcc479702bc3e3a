//! A file as a tree of nodes: what each one holds, and the bytes that it stands in.
//!
//! A document keeps its nodes in one list, in the order of the file; a [`Node`] is a position in that list. Reading
//! follows aliases and merge keys, as every reader of YAML does; editing refuses to go through them.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::error::quoted;
use crate::{Error, Place};

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Bare: `value`.
    Plain,
    /// `'value'`.
    SingleQuoted,
    /// `"value"`.
    DoubleQuoted,
    /// A block that keeps its line breaks: `|`.
    Literal,
    /// A block that folds its line breaks: `>`.
    Folded,
}

/// One document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// The document's position in its file, from 0.
    pub(crate) number: usize,
    /// The literal block whose text it is a document of: its document's position in the file, its own in that one.
    pub(crate) within: Option<(usize, usize)>,
    /// Where the document starts: its `---`, or else its first node.
    pub(crate) place: Place,
    /// The nodes in the order of the file; the root is the first.
    pub(crate) nodes: Vec<Data>,
    /// Which of the nodes are aliases.
    pub(crate) aliases: Vec<usize>,
}

/// What a document's list holds for one node.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    pub(crate) content: Content,
    /// The bytes of the value itself, without tag and anchor. Empty for a value that is not written: then it sits
    /// behind the key and *before* its `:`, or behind the tag or anchor, or behind the `-` of a list.
    /// A block collection ends with its last value.
    pub(crate) span: Range<usize>,
    pub(crate) place: Place,
    /// Few nodes have one: in a box it takes no room in the others.
    pub(crate) tag: Option<Box<Tag>>,
    pub(crate) anchor: Option<Box<Anchor>>,
    pub(crate) parent: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Scalar {
        value: String,
        style: Style,
    },
    Sequence {
        children: Vec<usize>,
        flow: bool,
    },
    /// Keys and values take turns.
    Mapping {
        children: Vec<usize>,
        flow: bool,
    },
    Alias {
        target: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The tag with its handle resolved.
    pub(crate) name: String,
    /// The type's name when it is one of YAML's own (`str`, `int`, `timestamp`).
    pub(crate) core: Option<String>,
    pub(crate) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
}

/// A node of a document: a scalar, a sequence, a mapping or an alias.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    pub(crate) document: &'a Document,
    pub(crate) id: usize,
    /// The merge key (`<<`) that the node was found through.
    pub(crate) merged: Option<usize>,
}

/// A key of a mapping and its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key.
    pub key: Node<'a>,
    /// The value; a value that is not written is a null.
    pub value: Node<'a>,
}

impl Document {
    /// The documents of a file, in order. An empty file has none.
    ///
    /// Errors where the bytes are not UTF-8 or not YAML.
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        crate::parse::documents(bytes)
    }

    /// The node that holds all others.
    pub fn root(&self) -> Node<'_> {
        Node { document: self, id: 0, merged: None }
    }

    /// The place where the document starts: its `---`, or else its first node.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The position behind a node and all that it contains: each of these has its parent at or behind the node.
    pub(crate) fn end_of_subtree(&self, id: usize) -> usize {
        let within =
            self.nodes[id + 1..].iter().take_while(|node| node.parent.is_some_and(|parent| parent >= id));
        id + 1 + within.count()
    }

    /// What a file without a value holds.
    pub(crate) fn null() -> Self {
        let content = Content::Scalar { value: String::new(), style: Style::Plain };
        let root = Data { content, span: 0..0, place: Place::START, tag: None, anchor: None, parent: None };
        Self { number: 0, within: None, place: Place::START, nodes: vec![root], aliases: Vec::new() }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn data(self) -> &'a Data {
        &self.document.nodes[self.id]
    }

    pub(crate) fn with_id(self, id: usize) -> Self {
        Self { id, ..self }
    }

    /// The place of the node's own text, behind its tag and anchor.
    pub fn place(self) -> Place {
        self.data().place
    }

    /// The bytes of the node's own text, without its tag and anchor; empty for a value that is not written.
    pub fn span(self) -> Range<usize> {
        self.data().span.clone()
    }

    /// The name of the node's anchor (`&name`).
    pub fn anchor(self) -> Option<&'a str> {
        self.data().anchor.as_ref().map(|anchor| anchor.name.as_str())
    }

    /// The node's tag, with its handle resolved: `!!str` is `tag:yaml.org,2002:str`.
    pub fn tag(self) -> Option<&'a str> {
        self.data().tag.as_ref().map(|tag| tag.name.as_str())
    }

    /// Whether the node is an alias (`*name`).
    pub fn is_alias(self) -> bool {
        matches!(self.data().content, Content::Alias { .. })
    }

    /// The text of a scalar, whatever its type, as the file means it: unquoted, unescaped, unfolded.
    pub fn as_str(self) -> Option<&'a str> {
        match &self.resolved().data().content {
            Content::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// How a scalar is written.
    pub fn style(self) -> Option<Style> {
        match self.resolved().data().content {
            Content::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    /// Whether the node is a null: not written, or a plain `null` or `~`.
    pub fn is_null(self) -> bool {
        self.resolved().data().tag.is_none() && self.looks_null()
    }

    /// Whether the node, without a tag, is a null.
    pub(crate) fn looks_null(self) -> bool {
        self.style() == Some(Style::Plain)
            && matches!(self.as_str(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// Whether the value is not written at all, as in `key:`.
    pub(crate) fn is_unwritten(self) -> bool {
        self.data().span.is_empty() && matches!(self.data().content, Content::Scalar { .. })
    }

    /// The nodes of a sequence, in order.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        let node = self.resolved();
        let children = match &node.data().content {
            Content::Sequence { children, .. } => children.as_slice(),
            _ => &[],
        };
        children.iter().map(move |id| node.with_id(*id))
    }

    /// The entries of a mapping, in order, as written: a merge key (`<<`) is an entry like any other.
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        let node = self.resolved();
        let children = match &node.data().content {
            Content::Mapping { children, .. } => children.as_slice(),
            _ => &[],
        };
        children
            .chunks_exact(2)
            .map(move |pair| Entry { key: node.with_id(pair[0]), value: node.with_id(pair[1]) })
    }

    /// Whether the node is a sequence.
    pub fn is_sequence(self) -> bool {
        matches!(self.resolved().data().content, Content::Sequence { .. })
    }

    /// Whether the node is a mapping.
    pub fn is_mapping(self) -> bool {
        matches!(self.resolved().data().content, Content::Mapping { .. })
    }

    /// The value of `key` in a mapping; none where the node has no such key or is no mapping.
    ///
    /// Errors where the mapping has the key twice: readers disagree on which one counts.
    pub fn get(self, key: &str) -> Result<Option<Node<'a>>, Error> {
        Ok(self.entry(key)?.map(|entry| entry.value))
    }

    /// Like [`Node::get`], with the key's own node.
    pub fn entry(self, key: &str) -> Result<Option<Entry<'a>>, Error> {
        // Most mappings merge nothing: that is told in one pass.
        let may_hold = |entry: Entry<'_>| entry.key.as_str() == Some(key) || entry.key.is_merge_key();
        if !self.entries().any(may_hold) {
            return Ok(None);
        }
        let mut seen = BTreeSet::new();
        let mut pending = vec![self];
        while let Some(mapping) = pending.pop() {
            if !seen.insert(mapping.resolved().id) {
                continue;
            }
            let mut found = mapping.entries().filter(|entry| entry.key.as_str() == Some(key));
            match (found.next(), found.next()) {
                (Some(first), Some(second)) => return Err(given_twice(first.key, second.key)),
                (Some(entry), None) => return Ok(Some(entry)),
                (None, _) => pending.extend(mapping.merge_sources()),
            }
        }
        Ok(None)
    }

    /// The mappings that are merged into this one, the one that counts most last.
    fn merge_sources(self) -> Vec<Node<'a>> {
        let mut sources = Vec::new();
        for merge in self.entries().filter(|entry| entry.key.is_merge_key()) {
            let value = Node { merged: self.merged.or(Some(merge.key.id)), ..merge.value };
            if value.is_sequence() { sources.extend(value.items()) } else { sources.push(value) }
        }
        sources.reverse();
        sources
    }

    /// Whether the node, as a key, merges other mappings into its own: <https://yaml.org/type/merge.html>.
    pub(crate) fn is_merge_key(self) -> bool {
        let tag = self.resolved().data().tag.as_ref();
        self.style() == Some(Style::Plain)
            && self.as_str() == Some("<<")
            && tag.is_none_or(|tag| tag.core.as_deref() == Some("merge"))
    }

    /// The node that an alias stands for; any other node is itself.
    pub(crate) fn resolved(self) -> Self {
        match self.data().content {
            Content::Alias { target } => self.with_id(target),
            _ => self,
        }
    }

    pub(crate) fn parent(self) -> Option<Self> {
        self.data().parent.map(|id| self.with_id(id))
    }

    /// Whether `other` stands within this node.
    pub(crate) fn encloses(self, other: Self) -> bool {
        std::iter::successors(other.parent(), |node| node.parent()).any(|node| node.id == self.id)
    }

    /// Whether the node is a key of a mapping.
    pub(crate) fn is_key(self) -> bool {
        self.parent().is_some_and(|parent| parent.entries().any(|entry| entry.key.id == self.id))
    }

    /// The key of a value.
    pub fn key(self) -> Option<Self> {
        self.parent()?.entries().find(|entry| entry.value.id == self.id).map(|entry| entry.key)
    }

    /// What the node is, in words: `found ...`.
    pub(crate) fn description(self) -> String {
        let node = self.resolved();
        match &node.data().content {
            Content::Sequence { .. } => "a list".to_owned(),
            Content::Mapping { .. } => "a mapping".to_owned(),
            _ if node.is_null() => "nothing".to_owned(),
            _ => quoted(node.as_str().unwrap_or_default()),
        }
    }
}

impl Style {
    /// Whether the scalar is a literal or folded block.
    pub(crate) fn is_block(self) -> bool {
        matches!(self, Self::Literal | Self::Folded)
    }
}

/// The error for a key that stands in a mapping twice.
pub(crate) fn given_twice(first: Node<'_>, second: Node<'_>) -> Error {
    let key = second.as_str().map_or_else(|| "a key".to_owned(), |name| format!("the key {}", quoted(name)));
    Error::new(second.place(), format!("{key} is given twice, first at {}", first.place()))
}
