//! SHA-256, as backups write it.

use ring::digest::{SHA256, digest};

/// The hash in small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash with its algorithm: `sha256:...`.
pub(crate) fn of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}
