//! What is refused, because it would change more than is meant.

use crate::edit::{Change, Edit};
use crate::error::{Refusal, quoted};
use crate::node::Content;
use crate::{Error, Node, Place, Style, syntax};

/// What readers disagree on: a file with one of these may be two files. The first three end a line in YAML 1.1, which
/// kubectl reads, and do not in YAML 1.2; the last is a byte order mark, of no width to some and a character to others.
/// <https://yaml.org/spec/1.2.2/#54-line-break-characters>
const READ_IN_TWO_WAYS: [char; 4] = ['\u{85}', '\u{2028}', '\u{2029}', syntax::BYTE_ORDER_MARK];

/// A file that readers divide into lines and columns in different ways.
pub(crate) fn divided_text(text: &str) -> Result<(), Error> {
    let text = text.strip_prefix(syntax::BYTE_ORDER_MARK).unwrap_or(text);
    let Some(at) = text.find(READ_IN_TWO_WAYS) else { return Ok(()) };
    let what =
        "readers disagree on what this invisible character is: remove it, or escape it in double quotes";
    Err(Error::refused(Place::at(text, at), Refusal::Character, what))
}

/// A node that is used elsewhere too, itself or within a collection, would change there as well.
pub(crate) fn shared(node: Node<'_>) -> Result<(), Error> {
    if let Some(merge) = node.merged {
        let what = "the value comes through a merge key: write it here, or set it where its anchor is";
        return Err(Error::refused(node.with_id(merge).place(), Refusal::Merged, what));
    }
    for alias in node.document.aliases.iter().map(|id| node.with_id(*id)) {
        let target = alias.resolved();
        if std::iter::successors(Some(node), |node| node.parent()).any(|node| node.id == target.id) {
            let what = format!(
                "the value is used here too, through its anchor {}",
                quoted(target.anchor().unwrap_or_default())
            );
            return Err(Error::refused(alias.place(), Refusal::Shared, what));
        }
    }
    Ok(())
}

/// Returns the style of a scalar that may be set.
pub(crate) fn unless_settable(node: Node<'_>) -> Result<Style, Error> {
    let refused = |refusal, what: &str| Err(Error::refused(node.place(), refusal, what));
    let typed = node.data().tag.as_ref().and_then(|tag| tag.core.as_deref()).filter(|core| *core != "str");
    match node.data().content {
        Content::Alias { .. } => refused(Refusal::Alias, "the value is an alias: set it where its anchor is"),
        Content::Sequence { .. } => refused(Refusal::NotAScalar, "the value is a list"),
        Content::Mapping { .. } => refused(Refusal::NotAScalar, "the value is a mapping"),
        Content::Scalar { .. } if node.is_key() => refused(Refusal::NotAScalar, "this is a key, not a value"),
        Content::Scalar { .. } if is_merged(node) => {
            refused(Refusal::NotAScalar, "a merge key takes mappings only")
        }
        Content::Scalar { style, .. } if style.is_block() => {
            refused(Refusal::BlockScalar, "the value is a block of text (`|` or `>`): write it in one line")
        }
        Content::Scalar { .. } if typed.is_some() => {
            refused(Refusal::Typed, "the value has a tag that does not go with text: remove the tag")
        }
        Content::Scalar { style, .. } => Ok(style),
    }
}

/// Whether the node stands where a merge key wants a mapping.
fn is_merged(node: Node<'_>) -> bool {
    let key = node.key().or_else(|| node.parent()?.key());
    key.is_some_and(Node::is_merge_key)
}

/// Two edits must not write to the same value or the same key.
pub(crate) fn second(before: &[Edit], edit: &Edit, node: Node<'_>) -> Result<(), Error> {
    let parent = node.parent().map(|parent| parent.id);
    let collides = before
        .iter()
        .filter(|other| (other.within, other.document) == (edit.within, edit.document))
        .any(|other| {
            let sibling = node.with_id(other.node).parent().map(|parent| parent.id) == parent;
            match (&other.change, &edit.change) {
                (Change::Insert { key: first, .. }, Change::Insert { key: second, .. }) => {
                    sibling && first == second
                }
                (
                    Change::Set { .. } | Change::SetPlain { .. },
                    Change::Set { .. } | Change::SetPlain { .. },
                )
                | (Change::Append { .. }, Change::Append { .. })
                | (Change::InsertList { .. }, Change::InsertList { .. }) => other.node == edit.node,
                _ => false,
            }
        });
    if collides {
        Err(Error::refused(node.place(), Refusal::Taken, "two edits for one value"))
    } else {
        Ok(())
    }
}
