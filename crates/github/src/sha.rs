//! The names of git objects.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

/// The name of a git object: 40 lower-case hexadecimal digits, or 64 in a SHA-256 repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Sha(String);

/// The text is not the full name of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the full name of a git object: it has 40 (or 64) of the digits 0-9 and a-f")]
pub struct InvalidSha;

impl Sha {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sha {
    type Err = InvalidSha;

    fn from_str(text: &str) -> Result<Self, InvalidSha> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex && matches!(text.len(), 40 | 64) { Ok(Self(text.to_owned())) } else { Err(InvalidSha) }
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sha {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_are_taken() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(sha.parse::<Sha>().unwrap().to_string(), sha);
        assert!("a".repeat(64).parse::<Sha>().is_ok());
        for text in ["", "0123456", "../../../x", &sha.to_uppercase(), &sha.replace('0', "é"), &sha[1..]] {
            assert_eq!(text.parse::<Sha>(), Err(InvalidSha), "{text:?}");
        }
    }
}
