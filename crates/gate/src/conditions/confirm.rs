//! `confirm`: a phrase was typed, exactly.
//!
//! Nothing is trimmed and no case is folded: who types the phrase shows that they read it.

use serde::{Deserialize, Serialize};
use sluice_core::Problem;

use crate::{Outcome, Policy, Question, State};

/// The phrase to type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// The phrase.
    pub phrase: String,
}

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The text; `None` for nothing.
    pub typed: Option<String>,
}

impl Confirm {
    /// What is wrong with the phrase: one that nobody can see how to type holds for nobody.
    pub fn check(&self) -> Result<(), Problem> {
        let phrase = &self.phrase;
        if phrase.is_empty() {
            return Err(Problem::misconfigured("the phrase to confirm with is empty")
                .help("write what must be typed, as `DEPLOY TO PRODUCTION`"));
        }
        if phrase.trim() != phrase || phrase.contains(char::is_control) {
            return Err(Problem::misconfigured("the phrase to confirm with can't be typed")
                .why("it begins or ends with white space, or holds a line break")
                .help("write it on one line, without a block sign (`|`, `>`)"));
        }
        Ok(())
    }
}

impl Policy for Confirm {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, _: &Question) -> Outcome {
        let rejected =
            |reason| Outcome::new(State::Rejected, reason).help(format!("type exactly: {}", self.phrase));
        match facts.typed.as_deref() {
            None | Some("") => rejected("nothing was typed"),
            Some(typed) if typed == self.phrase => Outcome::new(State::Approved, "the phrase was typed"),
            Some(typed) => {
                rejected("something else was typed").evidence([format!("typed: {}", shown(typed))])
            }
        }
    }
}

/// What was typed, so that it can be read and not pasted: a letter of another alphabet, a space that is
/// none, a mark that does not show are all written out.
fn shown(typed: &str) -> String {
    const LONGEST: usize = 100;
    let text: String = typed.chars().take(LONGEST).flat_map(char::escape_default).collect();
    let more = if typed.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("\"{text}\"{more}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::question::tests::question;

    const PHRASE: &str = "DEPLOY TO PRODUCTION";

    fn ask(phrase: &str, typed: Option<&str>) -> Outcome {
        Confirm { phrase: phrase.into() }
            .judge(&Facts { typed: typed.map(str::to_owned) }, &question("2026-11-18T12:00:00Z"))
    }

    #[test]
    fn only_the_phrase_itself_is_a_yes() {
        assert_eq!(ask(PHRASE, Some(PHRASE)).state, State::Approved);
        for typed in [
            "deploy to production",
            "DEPLOY TO PRODUCTION ",
            " DEPLOY TO PRODUCTION",
            "DEPLOY TO PRODUCTION\n",
            "DEPLOY  TO PRODUCTION",
            "DEPLOY\u{a0}TO PRODUCTION",
            "DEPLOY TO PR\u{41e}DUCTION",
            "DEPLOY TO PRODUCTION\u{200b}",
            "\"DEPLOY TO PRODUCTION\"",
            "DEPLOY TO PRODUCTION; DEPLOY TO PRODUCTION",
            "yes",
            "true",
        ] {
            assert_eq!(ask(PHRASE, Some(typed)).state, State::Rejected, "{typed:?}");
        }
    }

    #[test]
    fn nothing_typed_is_a_no_even_for_an_empty_phrase() {
        assert_eq!(ask(PHRASE, None).state, State::Rejected);
        assert_eq!(ask(PHRASE, Some("")).state, State::Rejected);
        assert_eq!(ask("", Some("")).state, State::Rejected);
        assert_eq!(ask("", None).state, State::Rejected);
    }

    #[test]
    fn a_no_says_what_to_type_and_shows_what_was_typed_in_the_open() {
        let outcome = ask(PHRASE, Some("DEPLOY TO PR\u{41e}DUCTION \u{202e}\n::error::x"));
        assert_eq!(outcome.help.as_deref(), Some("type exactly: DEPLOY TO PRODUCTION"));
        insta::assert_snapshot!(outcome.evidence.join("\n"), @r#"typed: "DEPLOY TO PR\u{41e}DUCTION \u{202e}\n::error::x""#);
        assert!(ask(PHRASE, Some(&"x".repeat(1000))).evidence[0].len() < 120);
    }

    #[test]
    fn a_phrase_that_nobody_can_type_is_refused() {
        for phrase in ["", " ", "YES ", " YES", "YES\n", "YES\nNO", "YES\u{7}"] {
            assert!(Confirm { phrase: phrase.into() }.check().is_err(), "{phrase:?}");
        }
        for phrase in ["YES", PHRASE, "Größe: ändern!"] {
            assert_eq!(Confirm { phrase: phrase.into() }.check(), Ok(()), "{phrase:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_the_phrase_is_taken(typed in any::<String>()) {
            prop_assert_eq!(ask(PHRASE, Some(&typed)).state == State::Approved, typed == PHRASE);
        }
    }
}
