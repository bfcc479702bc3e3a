//! The entries of a mapping as readers see them: its own, and those that merge keys bring.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::mismatch::Mismatch;
use crate::node::{Content, given_twice};
use crate::value::{is_null, whole};
use crate::{Error, Node, Place, Style};

/// A key and its value, and the alias that they come through, if any.
pub(crate) struct Member<'a> {
    pub(crate) key: Node<'a>,
    pub(crate) value: Node<'a>,
    pub(crate) used: Option<Place>,
}

/// The entries of `mapping`, its own first. Where a key is merged more than once, the first counts.
///
/// Errors where a mapping has a key twice, or merges what is no mapping.
pub(crate) fn members(mapping: Node<'_>, used: Option<Place>) -> Result<Vec<Member<'_>>, Mismatch> {
    let mut members = Vec::new();
    let mut keys = BTreeMap::new();
    let sources = own(mapping, used, &mut members, &mut keys)?;
    if !sources.is_empty() {
        let mut merging = Merging { members, keys, done: BTreeSet::from([mapping.resolved().id]) };
        sources.into_iter().try_for_each(|source| merging.merge(source, used))?;
        members = merging.members;
    }
    Ok(members)
}

/// Adds the mapping's own entries, and returns what it merges.
fn own<'a>(
    mapping: Node<'a>,
    used: Option<Place>,
    members: &mut Vec<Member<'a>>,
    keys: &mut BTreeMap<Cow<'a, str>, Node<'a>>,
) -> Result<Vec<Node<'a>>, Error> {
    let mut sources = Vec::new();
    for entry in mapping.entries() {
        if entry.key.is_merge_key() {
            sources.push(entry.value);
            continue;
        }
        if let Some(first) = keys.insert(identity(entry.key), entry.key) {
            return Err(given_twice(first, entry.key));
        }
        members.push(Member { key: entry.key, value: entry.value, used });
    }
    Ok(sources)
}

struct Merging<'a> {
    members: Vec<Member<'a>>,
    keys: BTreeMap<Cow<'a, str>, Node<'a>>,
    /// The mappings that are merged: a second time they bring nothing.
    done: BTreeSet<usize>,
}

impl<'a> Merging<'a> {
    /// Adds what `source`, a mapping or a list of them, has and the mapping has not.
    fn merge(&mut self, source: Node<'a>, used: Option<Place>) -> Result<(), Mismatch> {
        let used = used.or_else(|| source.is_alias().then(|| source.place()));
        if source.is_sequence() {
            return source.items().try_for_each(|source| self.merge_mapping(source, used));
        }
        self.merge_mapping(source, used)
    }

    fn merge_mapping(&mut self, source: Node<'a>, used: Option<Place>) -> Result<(), Mismatch> {
        if is_null(source) {
            return Ok(());
        }
        if !source.is_mapping() {
            return Err(Mismatch::expected("a mapping to merge").at(source));
        }
        if !self.done.insert(source.resolved().id) {
            return Ok(());
        }
        let used = used.or_else(|| source.is_alias().then(|| source.place()));
        let (mut members, mut keys) = (Vec::new(), BTreeMap::new());
        let sources = own(source, used, &mut members, &mut keys)?;
        for member in members {
            if let std::collections::btree_map::Entry::Vacant(new) = self.keys.entry(identity(member.key)) {
                new.insert(member.key);
                self.members.push(member);
            }
        }
        sources.into_iter().try_for_each(|source| self.merge(source, used))
    }
}

/// What tells keys apart: `11` and `0xB` are one key, and so is `"11"` to a type that wants text.
fn identity(key: Node<'_>) -> Cow<'_, str> {
    let node = key.resolved();
    match &node.data().content {
        Content::Scalar { value, style } => {
            let number = (*style == Style::Plain && value.starts_with(|first: char| !first.is_alphabetic()))
                .then(|| whole(value));
            number.flatten().map_or(Cow::Borrowed(value), |number| number.to_string().into())
        }
        _ => written_out(node).into(),
    }
}

/// A collection in one line. An alias within is told by what it stands for, and not unfolded.
fn written_out(collection: Node<'_>) -> String {
    let mut line = String::new();
    for node in &collection.document.nodes[collection.id..collection.document.end_of_subtree(collection.id)] {
        // A text can always be written to.
        let _ = match &node.content {
            Content::Scalar { value, .. } => write!(line, "{value:?},"),
            Content::Alias { target } => write!(line, "*{target},"),
            Content::Sequence { children, .. } => write!(line, "[{},", children.len()),
            Content::Mapping { children, .. } => write!(line, "{{{},", children.len()),
        };
    }
    line
}
