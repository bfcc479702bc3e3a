//! `image`: the image is there, is what was meant, and is for the platforms that it must run on.
//!
//! What is decided on is the digest of the question. A tag counts as evidence only: where it points to another
//! digest, someone moved it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sluice_core::{Period, Problem};

use crate::{Outcome, Policy, Question, State};

/// What the image must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// It is there. What else is asked for asks for this too.
    pub exists: bool,
    /// It is for these platforms: `linux/amd64`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// It is not older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Period>,
    /// Its tag can't be moved.
    #[serde(default)]
    pub immutable: bool,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The image; `None`: the registry says that there is none.
    pub found: Option<Found>,
}

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The digest of what was read.
    pub digest: String,
    /// The platforms that it is for, as far as they are told.
    pub platforms: Vec<Built>,
    /// When the registry took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_at: Option<Timestamp>,
    /// The registry's word for whether it can be pulled; few have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The tag that the image was named by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
}

/// The image of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// The platform: `linux/arm64/v8`.
    pub platform: String,
    /// Its digest.
    pub digest: String,
    /// When it was made, as its maker says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// The digest that it points to; `None`: the registry knows no such tag any more.
    pub digest: Option<String>,
    /// Whether it can be moved, where the registry tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}

/// How far two clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// What says that it was made before says nothing: reproducible builds take a fixed time, mostly 1970.
const FIRST_IMAGE: Timestamp = Timestamp::constant(1_356_998_400, 0);

impl Image {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self) -> Result<(), Problem> {
        if *self == Self::default() {
            return Err(Problem::misconfigured("the image condition asks for nothing")
                .help("say what must hold, as `exists: true`"));
        }
        match self.platforms.iter().find(|platform| !is_platform(platform)) {
            Some(platform) => Err(Problem::misconfigured(format!("\"{platform}\" is no platform"))
                .help("write system and processor, as `linux/amd64` or `linux/arm/v7`")),
            None => Ok(()),
        }
    }
}

fn is_platform(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
    };
    (2..=3).contains(&parts.len()) && parts.into_iter().all(word)
}

impl Policy for Image {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        let Some(found) = &facts.found else {
            return Outcome::new(State::Rejected, "the registry has no such image")
                .evidence(question.image.clone())
                .help("push it, or deploy one that is there");
        };
        let Some(digest) = question.digest.as_deref() else {
            return Outcome::new(State::Undecided, "the image's digest is not known");
        };
        let verdicts = [
            is_meant(found, digest),
            can_be_pulled(found),
            tag_points_to(found, digest),
            self.has_platforms(found),
            self.is_young(found, question.now),
            self.is_fixed(found),
        ];
        let mut verdicts: Vec<Outcome> = verdicts.into_iter().flatten().collect();
        // What weighs most is the answer; what else is wrong is told below it.
        verdicts.sort_by_key(|outcome| std::cmp::Reverse(outcome.state));
        let mut verdicts = verdicts.into_iter();
        let outcome = match verdicts.next() {
            None => Outcome::new(State::Approved, "it is there, and is what was asked for"),
            Some(worst) => worst.evidence(verdicts.map(|other| other.reason)),
        };
        outcome.evidence(seen(found, digest))
    }
}

impl Image {
    fn has_platforms(&self, found: &Found) -> Option<Outcome> {
        let is_built = |wanted: &&String| !found.platforms.iter().any(|built| is(&built.platform, wanted));
        let missing: Vec<&str> = self.platforms.iter().filter(is_built).map(String::as_str).collect();
        (!missing.is_empty()).then(|| {
            Outcome::new(State::Rejected, format!("it is not for {}", missing.join(", ")))
                .help("build it for all platforms that it must run on")
        })
    }

    fn is_young(&self, found: &Found, now: Timestamp) -> Option<Outcome> {
        let limit = self.max_age?;
        let undecided =
            |why: &str| {
                Some(Outcome::new(State::Undecided, why).help(
                    "use a registry that tells when an image was pushed, or build without a fixed time",
                ))
            };
        // The registry's word counts more than the maker's; of several makers' the oldest counts.
        let created = || {
            let all: Option<Vec<Timestamp>> = found.platforms.iter().map(|built| built.created).collect();
            all?.into_iter().min().filter(|created| *created > FIRST_IMAGE)
        };
        let Some(since) = found.pushed_at.or_else(created) else {
            return undecided("its age is not told");
        };
        let age = now.duration_since(since);
        if age < -SKEW {
            return undecided("it is from the future: a clock is wrong");
        }
        (age > SignedDuration::try_from(limit.0).unwrap_or(SignedDuration::MAX)).then(|| {
            Outcome::new(State::Rejected, format!("it is older than {limit}: it is from {since:.0}"))
                .help("build it anew, with what was mended since")
        })
    }

    fn is_fixed(&self, found: &Found) -> Option<Outcome> {
        let tag = found.tag.as_ref().filter(|_| self.immutable)?;
        match tag.immutable {
            Some(true) => None,
            Some(false) => Some(
                Outcome::new(State::Rejected, format!("its tag {} can be moved", tag.name))
                    .help("make the repository's tags immutable, or deploy by digest alone"),
            ),
            None => Some(
                Outcome::new(State::Undecided, "this registry does not tell whether tags can be moved")
                    .help("deploy by digest alone: name@sha256:..."),
            ),
        }
    }
}

/// What was seen, for people.
fn seen(found: &Found, digest: &str) -> Vec<String> {
    let platforms: Vec<&str> = found.platforms.iter().map(|built| built.platform.as_str()).collect();
    let mut lines = vec![digest.to_owned()];
    if !platforms.is_empty() {
        lines.push(format!("for {}", platforms.join(", ")));
    }
    lines.extend(found.pushed_at.map(|pushed| format!("pushed {pushed:.0}")));
    lines
}

/// What came is held to the digest that is decided on once more.
fn is_meant(found: &Found, digest: &str) -> Option<Outcome> {
    (found.digest != digest)
        .then(|| Outcome::new(State::Undecided, format!("{} was looked at instead", found.digest)))
}

fn can_be_pulled(found: &Found) -> Option<Outcome> {
    let status = found.status.as_deref().filter(|status| *status != "ACTIVE")?;
    Some(
        Outcome::new(State::Rejected, format!("it can't be pulled: its registry calls it {status}"))
            .help("restore it from the archive, and wait until it is active"),
    )
}

fn tag_points_to(found: &Found, digest: &str) -> Option<Outcome> {
    let Tag { name, digest: points_to, .. } = found.tag.as_ref()?;
    let reason = match points_to {
        Some(now) if now == digest => return None,
        Some(now) => format!("the tag {name} points to {now} now, not to {digest}"),
        None => format!("the tag {name} is gone"),
    };
    let help = "find out who moved it, and ask the gate about what is to be deployed";
    Some(Outcome::new(State::Rejected, reason).help(help))
}

/// Whether a platform is the one that is wanted. A variant counts where it is named; `v8` is the only one of `arm64`.
fn is(platform: &str, wanted: &str) -> bool {
    let plain = |text: &str| {
        text.strip_suffix("/v8").filter(|rest| rest.ends_with("/arm64")).unwrap_or(text).to_owned()
    };
    let (platform, wanted) = (plain(platform), plain(wanted));
    let names_variant = wanted.split('/').count() > 2;
    platform == wanted
        || !names_variant && platform.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::question::tests::question;

    pub(crate) const DIGEST: &str = "sha256:aaaa";

    pub(crate) fn asked() -> Question {
        Question { digest: Some(DIGEST.to_owned()), ..question("2026-11-21T12:00:00Z") }
    }

    fn found() -> Found {
        let built = |platform: &str| Built {
            platform: platform.to_owned(),
            digest: "sha256:bbbb".to_owned(),
            created: Some("2026-11-20T12:00:00Z".parse().unwrap()),
        };
        Found {
            digest: DIGEST.to_owned(),
            platforms: vec![built("linux/amd64"), built("linux/arm64/v8")],
            pushed_at: None,
            status: None,
            tag: Some(Tag { name: "v1".into(), digest: Some(DIGEST.into()), immutable: Some(true) }),
        }
    }

    fn policy() -> Image {
        Image {
            exists: true,
            platforms: vec!["linux/amd64".into(), "linux/arm64".into()],
            max_age: Some("2d".parse().unwrap()),
            immutable: true,
        }
    }

    fn told(change: impl FnOnce(&mut Found)) -> String {
        let mut found = found();
        change(&mut found);
        let outcome = policy().judge(&Facts { found: Some(found) }, &asked());
        format!("{:?}: {}", outcome.state, outcome.reason)
    }

    #[test]
    fn all_that_is_asked_for_must_hold() {
        let outcome = policy().judge(&Facts { found: Some(found()) }, &asked());
        assert_eq!(outcome.state, State::Approved);
        assert_eq!(outcome.evidence, [DIGEST, "for linux/amd64, linux/arm64/v8"]);
        let time = |text: &str| Some(text.parse().unwrap());
        let cases = [
            told(|found| found.digest = "sha256:other".into()),
            told(|found| found.tag.as_mut().unwrap().digest = Some("sha256:other".into())),
            told(|found| found.tag.as_mut().unwrap().digest = None),
            told(|found| found.tag.as_mut().unwrap().immutable = Some(false)),
            told(|found| found.tag.as_mut().unwrap().immutable = None),
            told(|found| found.status = Some("ARCHIVED".into())),
            told(|found| found.platforms.remove(0).platform.clear()),
            told(|found| found.platforms.clear()),
            told(|found| found.platforms[0].created = None),
            told(|found| found.platforms[0].created = time("1970-01-01T00:00:00Z")),
            told(|found| found.platforms[0].created = time("2026-11-19T11:59:59Z")),
            told(|found| found.pushed_at = time("2026-11-21T13:00:00Z")),
            told(|found| found.pushed_at = time("2026-11-01T00:00:00Z")),
        ];
        insta::assert_snapshot!(cases.join("\n"), @"
        Undecided: sha256:other was looked at instead
        Rejected: the tag v1 points to sha256:other now, not to sha256:aaaa
        Rejected: the tag v1 is gone
        Rejected: its tag v1 can be moved
        Undecided: this registry does not tell whether tags can be moved
        Rejected: it can't be pulled: its registry calls it ARCHIVED
        Rejected: it is not for linux/amd64
        Rejected: it is not for linux/amd64, linux/arm64
        Undecided: its age is not told
        Undecided: its age is not told
        Rejected: it is older than 2d: it is from 2026-11-19T11:59:59Z
        Undecided: it is from the future: a clock is wrong
        Rejected: it is older than 2d: it is from 2026-11-01T00:00:00Z
        ");
    }

    #[test]
    fn an_image_that_is_not_there_is_a_no_and_an_unknown_digest_is_not() {
        assert_eq!(policy().judge(&Facts { found: None }, &asked()).state, State::Rejected);
        let unknown = Question { digest: None, ..asked() };
        assert_eq!(policy().judge(&Facts { found: Some(found()) }, &unknown).state, State::Undecided);
    }

    #[test]
    fn a_digest_alone_has_no_tag_to_be_moved() {
        let found = Found { tag: None, ..found() };
        assert_eq!(policy().judge(&Facts { found: Some(found) }, &asked()).state, State::Approved);
    }

    #[test]
    fn the_registry_s_time_counts_before_the_maker_s() {
        let mut found = found();
        found.platforms[0].created = None;
        found.pushed_at = Some("2026-11-20T00:00:00Z".parse().unwrap());
        assert_eq!(policy().judge(&Facts { found: Some(found) }, &asked()).state, State::Approved);
    }

    #[test]
    fn the_very_end_of_a_time_is_within_it() {
        let pushed = |at: &str| told(|found| found.pushed_at = Some(at.parse().unwrap()));
        let built = |at: Timestamp| {
            told(|found| found.platforms.iter_mut().for_each(|built| built.created = Some(at)))
        };
        let cases = [
            pushed("2026-11-19T12:00:00Z"),
            pushed("2026-11-19T11:59:59Z"),
            pushed("2026-11-21T11:59:59Z"),
            pushed("2026-11-21T12:05:00Z"),
            pushed("2026-11-21T12:05:01Z"),
            built(FIRST_IMAGE),
            built(FIRST_IMAGE + SignedDuration::from_secs(1)),
        ];
        insta::assert_snapshot!(cases.join("\n"), @"
        Approved: it is there, and is what was asked for
        Rejected: it is older than 2d: it is from 2026-11-19T11:59:59Z
        Approved: it is there, and is what was asked for
        Approved: it is there, and is what was asked for
        Undecided: it is from the future: a clock is wrong
        Undecided: its age is not told
        Rejected: it is older than 2d: it is from 2013-01-01T00:00:01Z
        ");
    }

    #[test]
    fn a_variant_counts_where_it_is_named() {
        assert!(is("linux/amd64", "linux/amd64") && is("linux/arm64/v8", "linux/arm64"));
        assert!(!is("linux/arm/v7/x", "linux/arm/v7"));
        assert!(is("linux/arm64", "linux/arm64/v8") && is("linux/arm/v7", "linux/arm/v7"));
        assert!(is("linux/amd64/v3", "linux/amd64"));
        for (platform, wanted) in [
            ("linux/arm/v6", "linux/arm/v7"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/amd64x", "linux/amd64"),
            ("windows/amd64", "linux/amd64"),
            ("", "linux/amd64"),
        ] {
            assert!(!is(platform, wanted), "{platform} {wanted}");
        }
    }

    #[test]
    fn a_rule_asks_for_something_and_names_platforms() {
        assert!(Image::default().check().is_err());
        let platforms = |text: &str| Image { platforms: vec![text.to_owned()], ..Image::default() }.check();
        for good in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
            assert!(platforms(good).is_ok(), "{good}");
        }
        for bad in ["amd64", "linux/", "linux/amd64/v2/x", "Linux/amd64", ""] {
            assert!(platforms(bad).is_err(), "{bad}");
        }
    }
}
