//! What was judged is still what goes there: asked last, before a yes.
//!
//! Between the first look and the yes someone may push to the branch, or move the tag of the image. Whoever
//! deploys the branch or the tag, and not the commit or the digest, would then deploy what nobody approved.

use serde::{Deserialize, Serialize};

use crate::{Outcome, Policy, Question, State};

/// What must still stand where it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchanged {
    /// The branch or tag that the commit is deployed from, as `heads/main`; `None` when there is none.
    pub reference: Option<String>,
    /// The image, when it was named by a tag.
    pub image: Option<String>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The commit that the branch or tag is now.
    pub commit: Option<String>,
    /// The digest that the image's tag is now.
    pub digest: Option<String>,
}

impl Policy for Unchanged {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        let mut moved = Vec::new();
        let named = [
            (&self.reference, &facts.commit, &question.commit),
            (&self.image, &facts.digest, &question.digest),
        ];
        for (name, now, judged) in named {
            let Some(name) = name else { continue };
            match (now, judged) {
                (Some(now), Some(judged)) if now == judged => {}
                (Some(now), Some(_)) => moved.push(format!("{name} is {now} now")),
                _ => return Outcome::new(State::Undecided, format!("{name} was not looked at again")),
            }
        }
        if moved.is_empty() {
            return Outcome::new(State::Approved, "what was judged is still what is there");
        }
        Outcome::new(State::Rejected, "something else is there by now")
            .evidence(moved)
            .help("run the gate for what is there now")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::question;

    #[test]
    fn only_what_still_stands_is_let_through() {
        let all = Unchanged { reference: Some("heads/main".into()), image: Some("shop:1".into()) };
        let asked = Question { digest: Some("sha256:1".into()), ..question("2026-11-18T12:00:00Z") };
        let state = |policy: &Unchanged, commit: Option<&str>, digest: Option<&str>| {
            let facts = Facts { commit: commit.map(str::to_owned), digest: digest.map(str::to_owned) };
            policy.judge(&facts, &asked).state
        };
        let (commit, other) = ("a".repeat(40), "b".repeat(40));
        assert_eq!(state(&all, Some(&commit), Some("sha256:1")), State::Approved);
        assert_eq!(state(&all, Some(&other), Some("sha256:1")), State::Rejected);
        assert_eq!(state(&all, Some(&commit), Some("sha256:2")), State::Rejected);
        assert_eq!(state(&all, None, Some("sha256:1")), State::Undecided);
        assert_eq!(state(&all, Some(&commit), None), State::Undecided);
        let branch = Unchanged { image: None, ..all };
        assert_eq!(state(&branch, Some(&commit), None), State::Approved);
        assert_eq!(state(&branch, Some(&other), None), State::Rejected);
    }
}
