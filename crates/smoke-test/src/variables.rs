//! Variables: `{{ name }}` in the texts of a checks file.
//!
//! A text is filled in once: what a variable holds is not looked into again. Every name must be known.

use std::collections::BTreeMap;
use std::ops::Range;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::nearest;

use crate::forms::{self, Form, Forms};

/// What a variable of a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// This text.
    Text(String),
    /// What the environment variable of this name holds: a secret.
    Env(String),
}

/// The mapping that a secret is written as.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromEnv {
    /// The name of an environment variable. Its value is a secret: it is never printed.
    env: String,
}

impl Forms for Variable {
    type Item = forms::Never;
    type Mapping = FromEnv;
    const EXPECTED: &'static str = "text (a number in quotes) or `{env: NAME}`";

    fn read(form: Form<forms::Never, FromEnv>) -> Result<Self, String> {
        match form {
            Form::Text(text) => Ok(Self::Text(text)),
            Form::Mapping(FromEnv { env }) => Ok(Self::Env(env)),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

forms::deserialize_forms!(Variable);

impl JsonSchema for Variable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Variable".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let secret = FromEnv::json_schema(generator);
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, secret] })
    }
}

/// The variables that a file may use, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    values: BTreeMap<String, String>,
    /// The names that are known only once a check has captured them.
    captures: IndexMap<String, usize>,
}

impl Scope {
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether anything is captured at all.
    pub(crate) fn has_captures(&self) -> bool {
        !self.captures.is_empty()
    }

    /// Notes that a check, by its position in the file, captures this name; the check that did so before.
    pub(crate) fn capture(&mut self, name: &str, check: usize) -> Option<usize> {
        self.captures.insert(name.to_owned(), check)
    }

    /// The positions of the checks whose captures a text uses, each once.
    pub(crate) fn captured_in(&self, text: &str) -> Vec<usize> {
        let mut checks = Vec::new();
        for reference in references(text).flatten() {
            let check = self.captures.get(reference.name).filter(|_| !self.has(reference.name));
            checks.extend(check.filter(|check| !checks.contains(*check)));
        }
        checks
    }

    /// Fills a text in; `None` where there is nothing to fill in.
    ///
    /// A capture that is not known yet is filled in with what fits most places, so that the rest can be read.
    pub(crate) fn fill(&self, text: &str) -> Result<Option<String>, String> {
        if !text.contains("{{") {
            return Ok(None);
        }
        let mut filled = String::with_capacity(text.len());
        let mut end = 0;
        for reference in references(text) {
            let Reference { name, span } = reference?;
            filled.push_str(&text[end..span.start]);
            let is_whole = span == (0..text.len());
            match self.values.get(name) {
                Some(value) => filled.push_str(value),
                // A whole URL may be captured.
                None if self.captures.contains_key(name) => {
                    filled.push_str(if is_whole { "/1" } else { "1" });
                }
                None => return Err(self.unknown(name)),
            }
            end = span.end;
        }
        filled.push_str(&text[end..]);
        Ok(Some(filled))
    }

    fn unknown(&self, name: &str) -> String {
        let known = || self.values.keys().chain(self.captures.keys()).map(String::as_str);
        match nearest(name, known()) {
            Some(meant) => format!("unknown variable \"{name}\", did you mean \"{meant}\"?"),
            None if known().next().is_none() => {
                format!("unknown variable \"{name}\": the file has no `variables`, and none are given")
            }
            None => {
                let known: Vec<&str> = known().collect();
                format!("unknown variable \"{name}\", the known ones are {}", known.join(", "))
            }
        }
    }
}

/// Whether this can name a variable.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A `{{ name }}` in a text.
struct Reference<'a> {
    name: &'a str,
    span: Range<usize>,
}

/// The references of a text, one after the other.
fn references(text: &str) -> impl Iterator<Item = Result<Reference<'_>, String>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find("{{")?;
        let Some(length) = text[start..].find("}}") else {
            at = text.len();
            return Some(Err("\"{{\" is not closed: write a variable as {{ name }}".to_owned()));
        };
        at = start + length + 2;
        let name = text[start + 2..at - 2].trim();
        if is_name(name) {
            Some(Ok(Reference { name, span: start..at }))
        } else {
            Some(Err(format!("\"{}\" names no variable: write {{{{ name }}}}", &text[start..at])))
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.set("base_url", "https://shop.example.com");
        scope.set("nested", "{{ base_url }}");
        scope.capture("order", 3);
        scope
    }

    #[test]
    fn a_text_is_filled_in_once() {
        let filled = |text| scope().fill(text).unwrap();
        assert_eq!(filled("no variable }}"), None);
        assert_eq!(filled("{{ base_url }}/x").unwrap(), "https://shop.example.com/x");
        assert_eq!(filled("{{base_url}}{{ nested }}").unwrap(), "https://shop.example.com{{ base_url }}");
        assert_eq!(filled("/orders/{{ order }}").unwrap(), "/orders/1");
        assert_eq!(filled("{{ order }}").unwrap(), "/1");
    }

    #[test]
    fn what_is_no_known_variable_is_told() {
        let wrong = |text| scope().fill(text).unwrap_err();
        assert_eq!(wrong("{{ base_ulr }}"), "unknown variable \"base_ulr\", did you mean \"base_url\"?");
        assert_eq!(
            wrong("{{ xyz }}"),
            "unknown variable \"xyz\", the known ones are base_url, nested, order"
        );
        assert_eq!(wrong("{{ a b }}"), "\"{{ a b }}\" names no variable: write {{ name }}");
        assert_eq!(wrong("{{ base_url"), "\"{{\" is not closed: write a variable as {{ name }}");
        assert!(Scope::default().fill("{{ x }}").unwrap_err().contains("has no `variables`"));
    }

    #[test]
    fn the_checks_that_capture_are_known() {
        assert_eq!(scope().captured_in("a: {{ order }} b: {{ order }} {{ base_url }} {{ ?"), [3]);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_only_references_change(text in "[a-z{} é]{0,20}") {
            match scope().fill(&text) {
                Ok(None) => prop_assert!(!text.contains("{{")),
                Ok(Some(_)) => prop_assert!(text.contains("}}")),
                Err(why) => prop_assert!(!why.is_empty()),
            }
        }
    }
}
