//! Which kinds of objects are meant: names as people write them.

use sluice_core::{Problem, nearest};

use crate::leave::OF_THE_MOMENT;

/// A kind, by the names that it goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Names<'a> {
    /// Empty for the core group.
    pub(crate) group: &'a str,
    /// `Deployment`.
    pub(crate) kind: &'a str,
    /// `deployments`.
    pub(crate) plural: &'a str,
}

/// The kinds that are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Nothing stands for all but those of the moment.
    pub(crate) kinds: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// Whether Secrets are asked for where not named.
    pub(crate) secrets: bool,
}

impl Names<'_> {
    /// Whether a word means this kind: `deployments`, `Deployment`, `deployments.apps`, `*.apps`.
    fn are_meant_by(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let (name, group) =
            word.split_once('.').map_or((word.as_str(), None), |(name, group)| (name, Some(group)));
        group.is_none_or(|group| group == self.group)
            && (name == self.plural || name == self.kind.to_lowercase() || (name == "*" && group.is_some()))
    }
}

impl Choice {
    /// Whether this kind is chosen.
    pub(crate) fn takes(&self, names: &Names<'_>) -> bool {
        let any = |words: &[String]| words.iter().any(|word| names.are_meant_by(word));
        let is_secret = (names.group, names.plural) == ("", "secrets");
        let is_of_the_moment = OF_THE_MOMENT.contains(&(names.plural, names.group));
        let taken = if self.kinds.is_empty() { !is_secret && !is_of_the_moment } else { any(&self.kinds) };
        (taken || (is_secret && self.secrets)) && !any(&self.exclude)
    }

    /// Whether Secrets are asked for.
    pub(crate) fn takes_secrets(&self) -> bool {
        self.takes(&Names { group: "", kind: "Secret", plural: "secrets" })
    }

    /// Whether a whole group is left out, so that nobody needs to know what is in it.
    pub(crate) fn excludes_group(&self, group: &str) -> bool {
        self.exclude.iter().any(|word| word.strip_prefix("*.").is_some_and(|name| name == group))
    }

    /// A word that means no kind of all that `place` has, nearly always a typo.
    ///
    /// A kind to leave out may well be absent: it is in many clusters' configuration, and served by some.
    pub(crate) fn check(&self, all: &[Names<'_>], place: &str) -> Result<(), Problem> {
        let Some(word) = self.kinds.iter().find(|word| !all.iter().any(|names| names.are_meant_by(word)))
        else {
            return Ok(());
        };
        let problem = Problem::misconfigured(format!("{place} has no kind of objects called \"{word}\""));
        let known = all.iter().flat_map(|names| [names.plural, names.kind]);
        Err(match nearest(word, known) {
            Some(name) => problem.help(format!("did you mean \"{name}\"?")),
            None => problem.help("name it by its plural, as `kubectl api-resources` does"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENTS: Names<'_> = Names { group: "apps", kind: "Deployment", plural: "deployments" };
    const SECRETS: Names<'_> = Names { group: "", kind: "Secret", plural: "secrets" };
    const EVENTS: Names<'_> = Names { group: "events.k8s.io", kind: "Event", plural: "events" };
    const WIDGETS: Names<'_> = Names { group: "example.com", kind: "Widget", plural: "widgets" };
    const ALL: [Names<'_>; 4] = [DEPLOYMENTS, SECRETS, EVENTS, WIDGETS];

    fn chosen(kinds: &[&str], exclude: &[&str], secrets: bool) -> String {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let choice = Choice { kinds: words(kinds), exclude: words(exclude), secrets };
        let taken: Vec<&str> =
            ALL.iter().filter(|names| choice.takes(names)).map(|names| names.plural).collect();
        taken.join(" ")
    }

    #[test]
    fn all_but_secrets_and_what_is_of_the_moment() {
        assert_eq!(chosen(&[], &[], false), "deployments widgets");
        assert_eq!(chosen(&[], &[], true), "deployments secrets widgets");
        assert_eq!(chosen(&[], &["*.example.com"], false), "deployments");
        assert_eq!(chosen(&[], &["deployment"], true), "secrets widgets");
    }

    #[test]
    fn a_kind_has_several_names() {
        for word in ["deployments", "Deployment", "deployment", "deployments.apps", "*.apps"] {
            assert_eq!(chosen(&[word], &[], false), "deployments", "{word}");
        }
        for word in ["deploy", "deployments.example.com", "*", "deployments.", ""] {
            assert_eq!(chosen(&[word], &[], false), "", "{word}");
        }
        assert_eq!(chosen(&["events", "secret"], &[], false), "secrets events");
        assert_eq!(chosen(&["widgets"], &[], true), "secrets widgets");
        assert_eq!(chosen(&["secrets"], &["secrets"], true), "");
    }

    #[test]
    fn a_typo_is_told_with_the_nearest_kind() {
        let check = |word: &str| {
            Choice { kinds: vec![word.to_owned()], ..Choice::default() }
                .check(&ALL, "the cluster")
                .unwrap_err()
                .help
                .unwrap()
        };
        assert_eq!(check("deploymens"), "did you mean \"deployments\"?");
        assert!(check("gateways").starts_with("name it by its plural"));
        assert_eq!(
            Choice { exclude: vec!["gateways".into()], ..Choice::default() }.check(&ALL, "the cluster"),
            Ok(())
        );
    }
}
