//! Holds the result of an edit against the file before: what was meant differs, and nothing else.

use crate::edit::{Change, Edit, Item};
use crate::error::Refusal;
use crate::file::File;
use crate::node::Content;
use crate::{Document, Error, Node, Place, Style, scalar};

/// Parses `result` and compares it, node by node, with what `before` must have become. Returns its documents.
pub(crate) fn only_meant_values_differ(
    before: &File<'_>,
    edits: &[Edit],
    result: &str,
) -> Result<Vec<Document>, Error> {
    let unfaithful = |place: Place, what: String| Err(Error::refused(place, Refusal::Unfaithful, what));
    let edited = edits.first().map_or(Ok(Place::START), |edit| edit.node_in(before).map(Node::place))?;

    let after = match Document::parse_all(result.as_bytes()) {
        Ok(after) => after,
        Err(error) => return unfaithful(edited, format!("the edit would break the file: {}", error.what)),
    };
    let mut expected: Vec<Vec<Fact<'_>>> = before.documents.iter().map(facts).collect();
    for (block, documents) in &before.blocks {
        let mut within = documents.iter().map(facts).collect::<Vec<_>>();
        make(edits.iter().filter(|edit| edit.within == Some(*block)), before, &mut within)?;
        expected[block.0][block.1].kind = Kind::Block { documents: within };
    }
    make(edits.iter().filter(|edit| edit.within.is_none()), before, &mut expected)?;
    let found: Vec<Vec<Fact<'_>>> = after.iter().map(facts).collect();
    if all_agree(&expected, &found) {
        Ok(after)
    } else {
        unfaithful(edited, "the edit would change more than the value that is meant".to_owned())
    }
}

fn all_agree(expected: &[Vec<Fact<'_>>], found: &[Vec<Fact<'_>>]) -> bool {
    expected.len() == found.len()
        && expected.iter().zip(found).all(|(expected, found)| {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| expected.agrees(found))
        })
}

/// What a node means, and how it is written as far as that bears on the meaning.
#[derive(Debug, PartialEq)]
struct Fact<'a> {
    tag: Option<&'a str>,
    anchor: Option<&'a str>,
    kind: Kind<'a>,
}

#[derive(Debug, PartialEq)]
enum Kind<'a> {
    Scalar {
        value: &'a str,
        style: Style,
    },
    /// A scalar that every reader takes for this text, in whatever style.
    Text {
        value: &'a str,
    },
    /// A scalar that every reader takes for what it looks like.
    Plain {
        value: &'a str,
    },
    /// A literal block whose text is a file of its own.
    Block {
        documents: Vec<Vec<Fact<'a>>>,
    },
    Sequence {
        length: usize,
        flow: bool,
    },
    Mapping {
        length: usize,
        flow: bool,
    },
    /// The anchor it stands for, counted from the start of the document.
    Alias {
        anchor: usize,
    },
}

impl Fact<'_> {
    fn agrees(&self, found: &Fact<'_>) -> bool {
        let kinds_agree = match (&self.kind, &found.kind) {
            (Kind::Text { value: meant }, Kind::Scalar { value, style }) => {
                meant == value && (*style != Style::Plain || !scalar::needs_quotes(value))
            }
            (Kind::Plain { value: meant }, Kind::Scalar { value, style }) => {
                meant == value && *style == Style::Plain
            }
            (Kind::Block { documents: meant }, Kind::Scalar { value, style: Style::Literal }) => {
                Document::parse_all(value.as_bytes())
                    .is_ok_and(|found| all_agree(meant, &found.iter().map(facts).collect::<Vec<_>>()))
            }
            (expected, found) => expected == found,
        };
        kinds_agree && self.tag == found.tag && self.anchor == found.anchor
    }
}

/// The facts of a document, in the order of the file. With the lengths of the collections they tell the whole tree.
fn facts(document: &Document) -> Vec<Fact<'_>> {
    let mut anchors = 0;
    let anchor_numbers: Vec<usize> = document
        .nodes
        .iter()
        .map(|node| {
            anchors += usize::from(node.anchor.is_some());
            anchors
        })
        .collect();
    let facts = document.nodes.iter().map(|node| Fact {
        tag: node.tag.as_ref().map(|tag| tag.name.as_str()),
        anchor: node.anchor.as_ref().map(|anchor| anchor.name.as_str()),
        kind: match &node.content {
            Content::Scalar { value, style } => Kind::Scalar { value, style: *style },
            Content::Sequence { children, flow } => Kind::Sequence { length: children.len(), flow: *flow },
            Content::Mapping { children, flow } => Kind::Mapping { length: children.len(), flow: *flow },
            Content::Alias { target } => Kind::Alias { anchor: anchor_numbers[*target] },
        },
    });
    facts.collect()
}

/// Makes the edits in the facts: the values that are set, then the entries that are inserted, last place first.
fn make<'a>(
    edits: impl Iterator<Item = &'a Edit>,
    before: &File<'_>,
    facts: &mut [Vec<Fact<'a>>],
) -> Result<(), Error> {
    let mut inserts = Vec::new();
    for edit in edits {
        let node = edit.node_in(before)?;
        let facts = &mut facts[edit.document];
        let end = node.document.end_of_subtree(edit.node);
        let inserted = match &edit.change {
            Change::Set { value } => {
                facts[edit.node].kind = Kind::Text { value };
                continue;
            }
            Change::SetPlain { value } => {
                facts[edit.node].kind = Kind::Plain { value };
                continue;
            }
            Change::Insert { key, value } => {
                grow(node, facts, 2);
                vec![text(key), text(value)]
            }
            Change::Append { items } => {
                grow(node, facts, items.len());
                let flow = matches!(node.data().content, Content::Mapping { flow: true, .. })
                    || node.parent().is_some_and(|list| {
                        matches!(list.data().content, Content::Sequence { flow: true, .. })
                    });
                items.iter().flat_map(|item| mapping(item, flow)).collect()
            }
            Change::InsertList { key, items } => {
                grow(node, facts, 2);
                let list = bare(Kind::Sequence { length: items.len(), flow: false });
                let items = items.iter().flat_map(|item| mapping(item, false));
                [text(key), list].into_iter().chain(items).collect()
            }
        };
        inserts.push((edit.document, end, inserted));
    }
    inserts.sort_by_key(|(document, at, _)| (*document, *at));
    for (document, at, inserted) in inserts.into_iter().rev() {
        facts[document].splice(at..at, inserted);
    }
    Ok(())
}

/// Makes the collection around a node longer.
fn grow(node: Node<'_>, facts: &mut [Fact<'_>], by: usize) {
    if let Some(Kind::Mapping { length, .. } | Kind::Sequence { length, .. }) =
        node.parent().map(|parent| &mut facts[parent.id].kind)
    {
        *length += by;
    }
}

fn bare(kind: Kind<'_>) -> Fact<'_> {
    Fact { tag: None, anchor: None, kind }
}

fn text(text: &str) -> Fact<'_> {
    bare(Kind::Text { value: text })
}

fn mapping(item: &Item, flow: bool) -> Vec<Fact<'_>> {
    let texts = item.iter().flat_map(|(key, value)| [text(key), text(value)]);
    std::iter::once(bare(Kind::Mapping { length: item.len() * 2, flow })).chain(texts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "a: &x v1 # c\nb: [*x, {c: !t d}]\ne: &x f\ng: *x\n";

    /// Checks `result` as the outcome of setting `a` to `1.10` in the file above.
    fn check_set(result: &str) -> Result<(), Error> {
        let documents = Document::parse_all(BEFORE.as_bytes()).unwrap();
        let before = File::of(BEFORE.as_bytes(), &documents, &[]).unwrap();
        let edit = Edit::set(before.documents[0].root().get("a").unwrap().unwrap(), "1.10");
        only_meant_values_differ(&before, &[edit], result).map(|_| ())
    }

    #[test]
    fn accepts_the_value_that_is_meant_in_any_quotes() {
        for value in ["\"1.10\"", "'1.10'"] {
            assert_eq!(check_set(&BEFORE.replace("v1", value)), Ok(()));
        }
    }

    #[test]
    fn refuses_whatever_else_differs() {
        let quoted = BEFORE.replace("v1", "'1.10'");
        let differences = [
            ("'1.10'", "v1"),
            ("'1.10'", "1.10"),
            ("'1.10'", "'1.1'"),
            ("'1.10'", "['1.10']"),
            ("'1.10'", "'1.10'\nh: i"),
            ("&x '1.10'", "!t &x '1.10'"),
            ("&x f", "&y f"),
            ("&x f", "f"),
            ("!t d", "d"),
            ("!t d", "!u d"),
            ("!t d", "!t 'd'"),
            ("c: !t d", "j: !t d"),
            ("{c: !t d}", "{c: !t d}, k"),
            ("[*x, {c: !t d}]", "\n- *x\n- {c: !t d}"),
            ("e: &x f", "e: f"),
            ("g: *x", "g: f"),
            ("g: *x\n", "g: *x\n---\n"),
            ("b: [", "b: [["),
        ];
        for (from, to) in differences {
            let result = quoted.replacen(from, to, 1);
            assert_ne!(result, quoted);
            assert_eq!(check_set(&result).unwrap_err().refusal, Some(Refusal::Unfaithful), "{result}");
        }
    }

    #[test]
    fn an_entry_is_one_more_and_in_its_place() {
        let text = b"a: {b: c}\nd: e\n";
        let documents = Document::parse_all(text).unwrap();
        let before = File::of(text, &documents, &[]).unwrap();
        let edit = Edit::insert_after(before.documents[0].root().entry("a").unwrap().unwrap(), "k", "v");
        let check = |result| only_meant_values_differ(&before, std::slice::from_ref(&edit), result).is_ok();
        assert!(check("a: {b: c}\nk: v\nd: e\n"));
        assert!(!check("a: {b: c}\nd: e\nk: v\n"));
        assert!(!check("a: {b: c, k: v}\nd: e\n"));
        assert!(!check("a: {b: c}\nk: w\nd: e\n"));
        assert!(!check("a: {b: c}\nd: e\n"));
    }
}
