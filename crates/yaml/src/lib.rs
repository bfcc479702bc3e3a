//! YAML with places: strict reading, byte-exact splicing.
//!
//! Reading: [`from_slice`] turns a file of one document into a type. Whatever is wrong comes back as one [`Error`]:
//! what, where, and the nearest valid name for a typo. [`Source`] is such a file before it is read: its tree tells
//! what to read it as. [`Placed`] keeps the place of a value for messages that can only be made later; [`Unread`]
//! stands for a part that the reader passes over.
//!
//! Editing: [`Document::parse_all`] gives a tree of [`Node`]s with their bytes, [`Edit`] says what to change, and
//! [`apply`] changes it and leaves every other byte as it is: comments, quotes, order, line breaks. What it can't change
//! with certainty it refuses. [`Document::parse_block`] looks into a literal block that holds YAML itself; what is found
//! there is edited the same way.
//!
//! The modules, top-down:
//! - `read`: the entries to typed reading; `typed` hands a tree to serde, `members` finds the entries of its mappings,
//!   `value` tells what its scalars stand for, `mismatch` is what types say against them;
//! - `placed`, `unread`: the two types for fields;
//! - `node`: a file as a tree of nodes with byte spans; `parse` builds it, `syntax` words what is not YAML;
//! - `block`: the text of a literal block as a tree of nodes, with their bytes in the file;
//! - `splice`: makes the edits of a file; `edit` is one of them, `file` the trees that edits
//!   are made in, `plan` says which bytes it writes and where, `refuse` which
//!   are not made, `scalar` writes a text as a scalar, `check` parses the result and holds it against the file before;
//! - `error`: the error and the place.

mod block;
mod check;
mod edit;
mod error;
mod file;
mod members;
mod mismatch;
mod node;
mod parse;
mod placed;
mod plan;
mod read;
mod refuse;
mod scalar;
mod splice;
mod syntax;
mod typed;
mod unread;
mod value;

pub use edit::{Edit, Item};
pub use error::{Error, Place, Refusal};
pub use node::{Document, Entry, Node, Style};
pub use placed::Placed;
pub use read::{Source, from_slice, from_slice_with};
pub use scalar::needs_quotes;
pub use splice::{apply, apply_to};
pub use unread::Unread;
