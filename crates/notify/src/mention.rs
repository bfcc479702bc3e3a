//! Whom a message mentions: only what the configuration or an input names, never text of the pipeline.

use std::str::FromStr;

/// A name as the channel knows it: `here`, a member's id, a login. Each channel mentions those that it understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention(String);

impl Mention {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be the login of a user, or of a team as `acme/team`, on GitHub.
    pub(crate) fn is_login(&self) -> bool {
        !matches!(self.0.as_str(), "here" | "channel" | "everyone")
            && self.0.starts_with(|c: char| c.is_ascii_lowercase())
    }
}

impl FromStr for Mention {
    type Err = &'static str;

    /// Letters, digits, `.`, `_`, `-` and `/`: nothing that could end a mention or begin another one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix('@').unwrap_or(text);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
        if text.is_empty() || !text.bytes().all(is_plain) {
            return Err(
                "a mention is the channel's own id of somebody, made of letters, digits, `.`, `_`, `-` and `/`",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_a_plain_name() {
        assert_eq!("@octocat".parse::<Mention>().unwrap().as_str(), "octocat");
        for text in ["", "@", "<!channel>", "a b", "U1|x", "é"] {
            assert!(text.parse::<Mention>().is_err(), "{text}");
        }
        assert!("octocat".parse::<Mention>().unwrap().is_login());
        assert!(
            !"here".parse::<Mention>().unwrap().is_login() && !"U123".parse::<Mention>().unwrap().is_login()
        );
    }
}
