//! An edit of a file, out of arbitrary bytes.

use std::ops::Range;

use sluice_yaml::{Document, Edit, Entry, Node};

/// The bytes of a file, and behind a NUL what to do to it: `FILE \0 TEXT \0 KIND POSITION`.
///
/// A YAML file is a request as it is: its first value is to become `1.10`. So files serve as seeds.
pub struct Request<'a> {
    pub file: &'a [u8],
    pub text: &'a str,
    kind: u8,
    position: usize,
}

/// An edit, and what it means to an independent reader.
pub struct Planned {
    pub edits: Vec<Edit>,
    pub meant: Meant,
}

/// What is to be new in the events of a file.
pub enum Meant {
    /// The texts of scalars, from what to what, in the order of the file, in these bytes.
    Texts { texts: Vec<(String, String)>, written: Range<usize> },
    /// These scalars, within new collections or not, at one place.
    Inserted { scalars: Vec<String> },
}

impl<'a> Request<'a> {
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = bytes.splitn(3, |byte| *byte == 0);
        let file = parts.next()?;
        let text = parts.next().map_or(Some("1.10"), |text| str::from_utf8(text).ok())?;
        let (kind, position) = match parts.next() {
            Some([kind, position, ..]) => (*kind, usize::from(*position)),
            _ => (0, 0),
        };
        Some(Self { file, text, kind, position })
    }

    /// The edit that is asked for, where the file has a place for it.
    pub fn plan(&self, documents: &[Document]) -> Option<Planned> {
        let mut nodes = Vec::new();
        for document in documents {
            values(document.root(), &mut nodes);
        }
        // A file that is one scalar is no file of anyone, and libyaml reads what follows it in ways of its own.
        let is_root =
            |node: &Node<'_>| documents.iter().any(|document| document.root().span() == node.span());
        let scalars = || nodes.iter().copied().filter(|node| node.as_str().is_some() && !is_root(node));
        let entries = || nodes.iter().copied().filter(|node| !node.is_alias()).flat_map(Node::entries);
        let nth = |count: usize| (count > 0).then(|| self.position % count);
        let text = self.text;
        // What is not written is an empty text to the other reader.
        let said = |node: Node<'_>| {
            if node.span().is_empty() { "" } else { node.as_str().unwrap_or_default() }.to_owned()
        };
        let became = |node: Node<'_>| (said(node), text.to_owned());
        let pair = vec![("newTag".to_owned(), text.to_owned())];
        Some(match self.kind % 6 {
            0 => {
                let node = scalars().nth(nth(scalars().count())?)?;
                Planned {
                    edits: vec![Edit::set(node, text)],
                    meant: Meant::Texts { texts: vec![became(node)], written: node.span() },
                }
            }
            1 => {
                let node = scalars().nth(nth(scalars().count())?)?;
                Planned {
                    edits: vec![Edit::set_plain(node, text)],
                    meant: Meant::Texts { texts: vec![became(node)], written: node.span() },
                }
            }
            2 => {
                let (first, second) =
                    (scalars().nth(nth(scalars().count())?)?, scalars().nth(nth(scalars().count())? + 1)?);
                // Where a value that is not written would stand is not told.
                let start = if first.span().is_empty() { 0 } else { first.span().start };
                let end = if second.span().is_empty() { self.file.len() } else { second.span().end };
                Planned {
                    edits: vec![Edit::set(second, text), Edit::set(first, text)],
                    meant: Meant::Texts { texts: vec![became(first), became(second)], written: start..end },
                }
            }
            3 => {
                let entry: Entry<'_> = entries().nth(nth(entries().count())?)?;
                Planned {
                    edits: vec![Edit::insert_after(entry, "newTag", text)],
                    meant: Meant::Inserted { scalars: vec!["newTag".to_owned(), text.to_owned()] },
                }
            }
            4 => {
                let lists = || nodes.iter().copied().filter(|node| !node.is_alias()).flat_map(Node::items);
                let item = lists().nth(nth(lists().count())?)?;
                Planned {
                    edits: vec![Edit::append_after(item, vec![pair])],
                    meant: Meant::Inserted { scalars: vec!["newTag".to_owned(), text.to_owned()] },
                }
            }
            _ => {
                let entry = entries().nth(nth(entries().count())?)?;
                let scalars = ["images", "newTag", text].map(str::to_owned).to_vec();
                Planned {
                    edits: vec![Edit::insert_list_after(entry, "images", vec![pair])],
                    meant: Meant::Inserted { scalars },
                }
            }
        })
    }
}

/// All values from `node` on, keys left out, in the order of the file.
fn values<'a>(node: Node<'a>, found: &mut Vec<Node<'a>>) {
    found.push(node);
    if !node.is_alias() {
        for value in node.items().chain(node.entries().map(|entry| entry.value)) {
            values(value, found);
        }
    }
}
