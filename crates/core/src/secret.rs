//! Values that no one may read: they print as `***`.

use std::sync::{Mutex, PoisonError};

/// A secret value. `Debug` and `Display` print `***`; only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(value))
    }
}

/// Shorter values are words, not secrets: to strike them out would garble every text.
const SHORTEST: usize = 4;

/// The secrets of one run, to be struck out of whatever it says.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Mutex<Vec<Secret>>);

impl Secrets {
    /// Remembers a secret; `true` when it is new.
    pub(crate) fn add(&self, secret: &Secret) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = !known.contains(secret);
        if new {
            known.push(secret.clone());
            // A secret that holds another one goes first, else a part of it would stay behind.
            known.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
        }
        new
    }

    /// Whether there is nothing to strike out.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The text with every secret, and every line of one, replaced by `***`.
    pub(crate) fn redact(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in known.iter() {
            for part in std::iter::once(secret.0.as_str()).chain(secret.0.lines()) {
                if part.len() >= SHORTEST && text.contains(part) {
                    text = text.replace(part, "***");
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("hunter22");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }

    #[test]
    fn secrets_are_struck_out_whole_and_line_by_line() {
        let secrets = Secrets::default();
        secrets.add(&Secret::new("token-1"));
        secrets.add(&Secret::new("token-1-long"));
        secrets.add(&Secret::new("BEGIN KEY\nabcdef"));
        secrets.add(&Secret::new("of"));
        assert_eq!(secrets.redact("a of token-1-long, token-1; abcdef"), "a of ***, ***; ***");
    }
}
