//! The configuration as this crate sees it: something that is read from bytes, or absent.

use crate::Problems;

/// The part of `.github/sluice.yml` that an action reads.
pub trait Configuration: Sized {
    /// Reads it from the file's bytes; `file` is the name that problems give as their place.
    fn parse(bytes: &[u8], file: &str) -> Result<Self, Problems>;

    /// What holds when there is no file.
    fn absent() -> Self;
}

impl Configuration for () {
    fn parse(_: &[u8], _: &str) -> Result<Self, Problems> {
        Ok(())
    }

    fn absent() -> Self {}
}
