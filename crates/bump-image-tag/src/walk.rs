//! Walking through a document: its mappings, and the way to each as yq writes it.

use std::collections::BTreeMap;

use sluice_yaml::{Document, Entry, Node};

/// A node, and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) path: String,
    /// The key that it is the value of, or that its list is.
    pub(crate) key: Option<&'a str>,
}

impl<'a> Found<'a> {
    /// A document; `#1` names the second one where it has no name of its own.
    pub(crate) fn root(document: &'a Document, number: usize, several: bool) -> Self {
        let root = document.root();
        let text = |node: Node<'a>, key: &str| node.get(key).ok().flatten().and_then(Node::as_str);
        let metadata = root.get("metadata").ok().flatten();
        let named = || {
            let (kind, metadata) = (text(root, "kind")?, metadata?);
            let namespace = text(metadata, "namespace").map_or_else(String::new, |name| format!("{name}/"));
            Some(format!("{kind} {namespace}{}", text(metadata, "name")?))
        };
        let path = match named() {
            Some(name) if several => name,
            None if several => format!("#{number}"),
            _ => String::new(),
        };
        Self { node: root, path, key: None }
    }

    /// A value of this mapping, as it is written there.
    pub(crate) fn below(&self, entry: Entry<'a>) -> Self {
        let key = entry.key.as_str().unwrap_or_default();
        Self { node: entry.value, path: self.path_of(key), key: Some(key) }
    }

    /// The value of a key; none where it is missing or given twice.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        self.node.entry(key).ok().flatten().map(|entry| self.below(entry))
    }

    /// The way to a key of this mapping.
    pub(crate) fn path_of(&self, key: &str) -> String {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
        if !key.is_empty() && key.chars().all(is_plain) {
            [&self.path, ".", key].concat()
        } else {
            format!("{}.{key:?}", self.path)
        }
    }

    /// The items of this list: by their names where each has one of its own, else by their positions.
    pub(crate) fn items(&self) -> Vec<Self> {
        let name = |node: Node<'a>| node.get("name").ok().flatten().and_then(Node::as_str);
        let mut times = BTreeMap::new();
        for name in self.node.items().filter_map(name) {
            *times.entry(name).or_insert(0) += 1;
        }
        let item = |(index, node): (usize, Node<'a>)| {
            let own = name(node).filter(|name| {
                let plain = !name.is_empty() && !name.contains(['[', ']', '=', '"', '{']);
                plain && times.get(name) == Some(&1)
            });
            let path = match own {
                Some(name) => format!("{}[name={name}]", self.path),
                None => format!("{}[{index}]", self.path),
            };
            Self { node, path, key: self.key }
        };
        self.node.items().enumerate().map(item).collect()
    }

    /// All mappings from here on, outermost first. What an alias stands for is seen at its anchor.
    pub(crate) fn mappings(self) -> Vec<Self> {
        let mut found = Vec::new();
        self.collect(&|_| true, &mut found);
        found
    }

    /// The same, without what is below keys that are not `entered`.
    pub(crate) fn mappings_below(self, entered: &dyn Fn(&str) -> bool) -> Vec<Self> {
        let mut found = Vec::new();
        self.collect(entered, &mut found);
        found
    }

    fn collect(self, entered: &dyn Fn(&str) -> bool, found: &mut Vec<Self>) {
        if self.node.is_alias() {
            return;
        }
        if self.node.is_sequence() {
            for item in self.items() {
                item.collect(entered, found);
            }
        } else if self.node.is_mapping() {
            // Most values are texts, which hold nothing.
            let holds = |node: Node<'_>| node.is_sequence() || node.is_mapping();
            let below: Vec<Self> = self
                .node
                .entries()
                .filter(|entry| holds(entry.value) && entered(entry.key.as_str().unwrap_or_default()))
                .map(|entry| self.below(entry))
                .collect();
            found.push(self);
            for one in below {
                one.collect(entered, found);
            }
        }
    }
}
