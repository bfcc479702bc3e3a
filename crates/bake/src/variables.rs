//! `{{ name }}` in queries.

use sluice_core::nearest;

/// What names stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variables<'a>(pub(crate) &'a [(String, String)]);

impl Variables<'_> {
    /// Fills a text in, once: what a variable holds is not looked into again.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        self.fill_with(text, |_, _| Ok(()))
    }

    /// Fills `PromQL` in: a value must not end the string, or the selector, that it stands in.
    pub(crate) fn fill_query(&self, text: &str) -> Result<String, String> {
        self.fill_with(text, |name, value| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/@+".contains(c);
            if value.chars().all(is_plain) {
                return Ok(());
            }
            Err(format!(
                "the variable \"{name}\" can't stand in a query: it holds more than letters, digits and . _ - : / @ +"
            ))
        })
    }

    fn fill_with(
        &self,
        text: &str,
        check: impl Fn(&str, &str) -> Result<(), String>,
    ) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                return Err("\"{{\" is not closed by \"}}\"".to_owned());
            };
            let name = name.trim();
            let value = self.find(name)?;
            check(name, value)?;
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn find(&self, name: &str) -> Result<&str, String> {
        if let Some((_, value)) = self.0.iter().find(|(known, _)| known == name) {
            return Ok(value);
        }
        let known = || self.0.iter().map(|(name, _)| name.as_str());
        Err(match nearest(name, known()) {
            Some(meant) => format!("unknown variable \"{name}\", did you mean \"{meant}\"?"),
            None if self.0.is_empty() => format!("unknown variable \"{name}\": no `variables` are given"),
            None => {
                let known: Vec<&str> = known().collect();
                format!("unknown variable \"{name}\", the known ones are {}", known.join(", "))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variables() -> Vec<(String, String)> {
        [("colour", "green"), ("evil", "x\"} or vector(1) #"), ("nested", "{{ colour }}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn names_are_filled_in_once() {
        let known = variables();
        let fill = |text: &str| Variables(&known).fill(text);
        assert_eq!(fill("a{colour=\"{{ colour }}\"}/{{colour}}").unwrap(), "a{colour=\"green\"}/green");
        assert_eq!(fill("{{ nested }}").unwrap(), "{{ colour }}");
        assert_eq!(fill("{{ color }}").unwrap_err(), "unknown variable \"color\", did you mean \"colour\"?");
        assert!(fill("{{ colour").is_err());
    }

    #[test]
    fn a_value_does_not_break_out_of_a_query() {
        let known = variables();
        assert!(Variables(&known).fill_query("x{a=\"{{ evil }}\"}").is_err());
        assert!(Variables(&known).fill_query("x{a=\"{{ colour }}\"}").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_filled_or_refused(text in "[a-z{} ]{0,40}") {
            let _ = Variables(&variables()).fill(&text);
        }
    }
}
