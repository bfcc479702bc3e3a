//! The crate from outside: typed reading and its messages, edits case by case, and properties that hold for any file.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may the functions that it is made of")]

mod block;
mod guided;
mod properties;
mod read;
mod splice;
mod written;
