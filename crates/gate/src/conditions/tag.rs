//! `tag`: at the end, the image's tag still points to the digest that was judged.
//!
//! No key of a gate asks for it: it is asked whenever the image was named by a tag, after all other conditions, so that
//! a tag that is moved while they are asked, or while people are waited for, is seen.

use serde::{Deserialize, Serialize};

use super::image::moved;
use crate::{Outcome, Policy, Question, State};

/// The tag must not have moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The image, with its tag.
    pub image: String,
}

/// Where the tag points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The digest that it points to; `None`: the registry knows no such tag any more.
    pub digest: Option<String>,
}

impl Policy for Tag {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        let Some(digest) = question.digest.as_deref() else {
            return Outcome::new(State::Undecided, "the image's digest is not known");
        };
        moved(&self.image, facts.digest.as_deref(), digest).unwrap_or_else(|| {
            Outcome::new(State::Approved, format!("{} still points to {digest}", self.image))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::image::tests::{DIGEST, asked};

    #[test]
    fn only_the_same_digest_is_a_yes() {
        let policy = Tag { image: "registry.example.com/shop:v1".into() };
        let state =
            |digest: Option<&str>| policy.judge(&Facts { digest: digest.map(str::to_owned) }, &asked()).state;
        assert_eq!(state(Some(DIGEST)), State::Approved);
        assert_eq!(state(Some("sha256:aaa")), State::Rejected);
        assert_eq!(state(None), State::Rejected);
        let unknown = Question { digest: None, ..asked() };
        assert_eq!(policy.judge(&Facts { digest: None }, &unknown).state, State::Undecided);
    }
}
