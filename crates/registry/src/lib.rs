//! Images in OCI registries, read by the distribution API.
//!
//! [`Registry`] asks: a tag for the digest that it points to now, a digest for its [`Manifest`], a configuration for the
//! platform that an image is for. [`Keyring`] holds what registries want to be shown.
//!
//! # What a caller may rely on
//!
//! - **What is read is what was meant.** Whatever is asked for by digest is hashed, and anything else is
//!   [`Error::WrongDigest`]. The digest of a tag is that of the bytes that came, not what a header says.
//! - **"Not there" is a registry's own word** (`MANIFEST_UNKNOWN`, `NAME_UNKNOWN`): a bare 404 may come from anything.
//! - **Credentials go to the registry that they are for**, and to the token service that it names over HTTPS.
//!
//! `manifest` reads manifests, of whatever registry; `name` finds the registry of an image; `keyring` holds credentials;
//! `challenge` and `client` ask.

mod challenge;
mod client;
mod keyring;
mod manifest;
mod name;

pub use self::{
    client::{Error, Registry, Which},
    keyring::{InvalidKeyring, Keyring},
    manifest::{Config, Entry, Manifest, Platform, Unreadable, digest_of, matches_digest},
    name::Location,
};
