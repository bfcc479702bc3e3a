//! What a report is about, and whether that is what the gate is asked about.
//!
//! A clean report of another image or another commit is no news of this one.

use serde::{Deserialize, Serialize};
use sluice_core::ImageReference;

use crate::Question;

/// What a report, or a part of it, says that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The image that was looked at, when it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The commits that were looked at, by their full or short names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<String>,
}

/// An image, as a report names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// All of its names, `registry/name:tag` or `registry/name@sha256:...`.
    pub names: Vec<String>,
    /// Digests that the report tells apart from a name: `sha256:...`.
    pub digests: Vec<String>,
}

/// How a report stands to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Nothing in it speaks against that it is about the same.
    Same,
    /// It does not say enough to be compared. To be read after the report's name.
    NotSaid(String),
    /// It is about something else. To be read after the report's name.
    Foreign(String),
}

impl Relation {
    pub(super) fn foreign(self) -> Option<String> {
        if let Self::Foreign(what) = self { Some(what) } else { None }
    }

    pub(super) fn not_said(self) -> Option<String> {
        if let Self::NotSaid(what) = self { Some(what) } else { None }
    }
}

impl About {
    pub(super) fn relation_to(&self, question: &Question) -> Relation {
        if let Some(commit) = &question.commit
            && let Some(other) = self.commits.iter().find(|named| !is_same_commit(named, commit))
        {
            return Relation::Foreign(format!("is about the commit {other}, not {commit}"));
        }
        match &self.image {
            Some(image) => image.relation_to(question),
            None => Relation::Same,
        }
    }
}

impl Image {
    fn relation_to(&self, question: &Question) -> Relation {
        let names = || self.names.iter().filter_map(|name| name.parse::<ImageReference>().ok());
        match (&question.digest, &question.image) {
            (Some(digest), _) => {
                let mut digests: Vec<String> = self.digests.clone();
                digests.extend(names().filter_map(|name| name.digest().map(str::to_owned)));
                if digests.contains(digest) {
                    Relation::Same
                } else if let Some(other) = digests.first() {
                    Relation::Foreign(format!("is about the image {other}, not {digest}"))
                } else {
                    let name = self.names.first().map_or("an image", String::as_str);
                    Relation::NotSaid(format!("is about {name}, and does not tell its digest"))
                }
            }
            (None, Some(asked)) => {
                let is_same = asked
                    .parse::<ImageReference>()
                    .is_ok_and(|asked| names().any(|name| is_same_image(&name, &asked)));
                if is_same {
                    Relation::Same
                } else {
                    let name = self.names.first().map_or("an image without a name", String::as_str);
                    Relation::Foreign(format!("is about {name}, not {asked}"))
                }
            }
            (None, None) => Relation::Same,
        }
    }
}

/// Whether a commit is meant by its full name or by a short one that git itself would print.
fn is_same_commit(named: &str, commit: &str) -> bool {
    const SHORTEST: usize = 7;
    named.len() >= SHORTEST
        && commit.get(..named.len()).is_some_and(|start| start.eq_ignore_ascii_case(named))
}

/// Whether two names without digests can mean one image: a tag that one of them lacks speaks against
/// nothing.
fn is_same_image(one: &ImageReference, other: &ImageReference) -> bool {
    let is_same_tag = match (one.tag(), other.tag()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    is_same_tag && familiar(one.name()) == familiar(other.name())
}

/// The name without what Docker adds to a short one: `nginx` is `docker.io/library/nginx`.
///
/// <https://pkg.go.dev/github.com/distribution/reference#FamiliarName>
fn familiar(name: &str) -> &str {
    let name =
        name.strip_prefix("index.docker.io/").or_else(|| name.strip_prefix("docker.io/")).unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{Relation::*, *};
    use crate::question::tests::question;

    const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

    fn image(names: &[String], digests: &[&str]) -> About {
        let image = Image {
            names: names.to_vec(),
            digests: digests.iter().map(|digest| (*digest).to_owned()).collect(),
        };
        About { image: Some(image), commits: vec![] }
    }

    fn asked(image: Option<&str>, digest: Option<&str>) -> Question {
        let mut question = question("2026-11-18T12:00:00Z");
        question.image = image.map(str::to_owned);
        question.digest = digest.map(str::to_owned);
        question
    }

    #[test]
    fn an_image_is_the_same_by_its_digest_alone() {
        let question = asked(Some("registry.example.com/shop/backend:v1"), Some(ONE));
        let named = |digest: &str| vec![format!("registry.example.com/shop/backend@{digest}")];
        assert_eq!(image(&named(ONE), &[]).relation_to(&question), Same);
        assert_eq!(image(&[], &[ONE]).relation_to(&question), Same);
        assert_eq!(image(&named(TWO), &[TWO, ONE]).relation_to(&question), Same);
        assert!(matches!(image(&named(TWO), &[]).relation_to(&question), Foreign(_)));
        assert!(matches!(image(&[], &[TWO]).relation_to(&question), Foreign(_)));
        let tagged = ["registry.example.com/shop/backend:v1".to_owned()];
        assert!(matches!(image(&tagged, &[TWO]).relation_to(&question), Foreign(_)));
        assert_eq!(
            image(&tagged, &[]).relation_to(&question),
            NotSaid("is about registry.example.com/shop/backend:v1, and does not tell its digest".into())
        );
        assert!(matches!(image(&["not a name".into()], &[]).relation_to(&question), NotSaid(_)));
        assert!(matches!(image(&[], &[]).relation_to(&question), NotSaid(_)));
    }

    #[test]
    fn without_a_digest_the_name_and_the_tag_are_compared() {
        let relation = |named: &str, image_asked: &str| {
            image(&[named.into()], &[]).relation_to(&asked(Some(image_asked), None))
        };
        assert_eq!(relation("shop/backend:v1", "shop/backend:v1"), Same);
        assert_eq!(relation("docker.io/library/nginx:1", "nginx:1"), Same);
        assert_eq!(relation("index.docker.io/acme/shop:1", "acme/shop"), Same);
        assert!(matches!(relation("shop/backend:v1", "shop/backend:v2"), Foreign(_)));
        assert!(matches!(relation("shop/frontend:v1", "shop/backend:v1"), Foreign(_)));
        assert!(matches!(relation("evil.example.com/shop/backend:v1", "shop/backend:v1"), Foreign(_)));
        assert!(matches!(relation("", "shop/backend:v1"), Foreign(_)));
    }

    #[test]
    fn who_asks_about_no_image_and_who_tells_of_none_is_not_compared() {
        assert_eq!(image(&["a/b:c".into()], &[ONE]).relation_to(&asked(None, None)), Same);
        assert_eq!(About::default().relation_to(&asked(Some("a/b:c"), Some(ONE))), Same);
    }

    #[test]
    fn a_commit_is_the_same_by_its_name_or_a_short_one() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let mut question = asked(None, None);
        question.commit = Some(commit.into());
        let relation = |commits: &[&str]| {
            let commits = commits.iter().map(|commit| (*commit).to_owned()).collect();
            About { image: None, commits }.relation_to(&question)
        };
        assert_eq!(relation(&[]), Same);
        assert_eq!(relation(&[commit]), Same);
        assert_eq!(relation(&["0123456", "0123456789ABCDEF"]), Same);
        for other in [
            "012345",
            "",
            "1123456789abcdef0123456789abcdef01234567",
            "main",
            "0123456789abcdef0123456789abcdef012345678",
        ] {
            assert!(matches!(relation(&[commit, other]), Foreign(_)), "{other}");
        }
        question.commit = None;
        assert_eq!(About { image: None, commits: vec!["main".into()] }.relation_to(&question), Same);
    }
}
