//! SHA-256, as backups write it.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};

/// The hash in small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The hash with its algorithm: `sha256:...`.
pub(crate) fn of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}
