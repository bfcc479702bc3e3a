//! One report, four faces: a terminal, Markdown, JSON and annotations.

mod annotations;
mod json;
mod markdown;
mod terminal;

pub(crate) use self::{annotations::annotations, json::json};
pub use self::{markdown::markdown, terminal::terminal};
