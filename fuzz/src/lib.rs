//! What the targets share: a file and an edit out of arbitrary bytes, and the judge of what an edit did.

pub mod judge;
pub mod request;
