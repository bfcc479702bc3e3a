//! `findings`: what the registry's scan found in the image is within limits.
//!
//! Limits hold for each platform on its own: an index is not scanned, its platforms are. A scan that is not over, is
//! too old, is of another image or is told in words that are not known tells nothing, unless what is known is a no
//! already.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use sluice_core::{Period, Problem};

use super::reports::{Limits, Severity};
use crate::{Outcome, Policy, Question, State};

/// How many findings there may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The limits, for each platform.
    pub limits: Limits,
    /// The oldest scan that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Period>,
    /// How long after a scan, and after the push, its findings may still come in.
    pub settle: Period,
    /// What is accepted, for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Ignore>,
}

/// A vulnerability that is accepted, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignore {
    /// Its name: `CVE-2026-1234`.
    pub id: String,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for that.
    pub owner: String,
    /// The last day, in UTC.
    pub until: Date,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The digest that was looked at.
    pub digest: String,
    /// When the registry took the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_at: Option<Timestamp>,
    /// The images that must have been scanned: those of an index, or the one.
    pub images: Vec<Scanned>,
}

/// An image with its scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// What it runs on, where that is told: `linux/amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its digest.
    pub digest: String,
    /// Its scan; `None`: the registry says that there is none.
    pub scan: Option<Scan>,
}

/// What the registry tells of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The digest that is told of.
    pub digest: Option<String>,
    /// The registry's word for how far it is: `COMPLETE`.
    pub status: Option<String>,
    /// The registry's explanation of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What was found; `None`: nothing is told of it.
    pub found: Option<Found>,
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// When the image was last scanned.
    pub completed_at: Option<Timestamp>,
    /// How many findings there are by the registry's words for severities, as the registry counts them.
    pub counts: BTreeMap<String, u64>,
    /// The findings.
    pub vulnerabilities: Vec<Vulnerability>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// Its name: `CVE-2026-1234`.
    pub id: String,
    /// The registry's word for how bad it is.
    pub severity: String,
    /// The registry's word for whether it still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The packages that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

/// How far two clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// How many findings are shown.
const SHOWN: usize = 5;
const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

impl Findings {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self) -> Result<(), Problem> {
        if self.limits.is_empty() {
            return Err(Problem::misconfigured("the findings have no limit")
                .why("without one every image would do")
                .help("say how many findings there may be, as `critical: 0`"));
        }
        for Ignore { id, reason, owner, .. } in &self.ignore {
            for (name, value) in [("id", id), ("reason", reason), ("owner", owner)] {
                if value.trim().is_empty() {
                    return Err(Problem::misconfigured(format!("what is ignored has no {name}"))
                        .help("write `{id: CVE-..., reason: ..., owner: ..., until: 2026-12-31}`"));
                }
            }
        }
        Ok(())
    }

    fn limit(&self, severity: Severity) -> Option<u32> {
        let Limits { critical, high, medium, low, unknown, .. } = self.limits;
        match severity {
            Severity::Critical => critical,
            Severity::High => high,
            Severity::Medium => medium,
            Severity::Low => low,
            Severity::Unknown => unknown,
        }
    }
}

/// A word of the registry's for how bad a finding is.
enum Word {
    Severity(Severity),
    /// It is worth knowing, and no harm.
    Harmless,
    /// It is not known, and may be anything.
    Strange,
}

impl Word {
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFinding.html>,
    /// <https://docs.aws.amazon.com/inspector/latest/user/findings-understanding-severity.html>
    fn of(word: &str) -> Self {
        match word {
            "CRITICAL" => Self::Severity(Severity::Critical),
            "HIGH" => Self::Severity(Severity::High),
            "MEDIUM" => Self::Severity(Severity::Medium),
            "LOW" => Self::Severity(Severity::Low),
            "UNDEFINED" | "UNTRIAGED" => Self::Severity(Severity::Unknown),
            "INFORMATIONAL" => Self::Harmless,
            _ => Self::Strange,
        }
    }
}

impl Policy for Findings {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        let Some(digest) = question.digest.as_deref() else {
            return Outcome::new(State::Undecided, "the image's digest is not known");
        };
        if facts.digest != digest {
            return Outcome::new(
                State::Undecided,
                format!("{} was looked at instead of {digest}", facts.digest),
            );
        }
        if facts.images.is_empty() {
            return Outcome::new(State::Undecided, "the index holds no image that could have been scanned")
                .evidence([digest.to_owned()]);
        }
        let mut outcomes: Vec<Outcome> =
            facts.images.iter().map(|image| self.judge_image(image, facts.pushed_at, question.now)).collect();
        // What weighs most is the answer; the others are told below it.
        outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.state));
        let worst = outcomes.remove(0);
        outcomes
            .into_iter()
            .fold(worst, |worst, other| worst.evidence([other.reason]).evidence(other.evidence))
    }
}

impl Findings {
    fn judge_image(&self, image: &Scanned, pushed_at: Option<Timestamp>, now: Timestamp) -> Outcome {
        let name = image.platform.as_deref().unwrap_or(&image.digest);
        let told = |state, reason: String| Outcome::new(state, format!("{name}: {reason}"));
        let Some(scan) = &image.scan else {
            return told(State::Undecided, "it has not been scanned".to_owned())
                .help("turn scanning on for the repository, or start a scan of the image");
        };
        if scan.digest.as_deref().is_some_and(|digest| digest != image.digest) || scan.digest.is_none() {
            let other = scan.digest.as_deref().unwrap_or("an image without a name");
            return told(State::Undecided, format!("the scan is of {other}, not of {}", image.digest));
        }
        let found = scan.found.as_ref();
        let tally = found.map(|found| self.tally(found, now)).unwrap_or_default();
        let exceeded: Vec<Severity> = SEVERITIES
            .into_iter()
            .filter(|severity| {
                self.limit(*severity).is_some_and(|limit| tally.count(*severity) > u64::from(limit))
            })
            .collect();
        let measure = |severities: &[Severity]| {
            let parts: Vec<String> = severities
                .iter()
                .filter_map(|severity| {
                    Some(format!(
                        "{} {severity} ({} allowed)",
                        tally.count(*severity),
                        self.limit(*severity)?
                    ))
                })
                .collect();
            parts.join(", ")
        };
        let outcome = if !exceeded.is_empty() {
            // What is found is found, however far the scan is.
            told(State::Rejected, measure(&exceeded)).evidence(tally.listed(&exceeded)).help(
                "build the image with what was mended, or ignore by name what is accepted: with reason, owner and last day",
            )
        } else if let Some((reason, help)) = is_open(scan, found, self, &tally, pushed_at, now) {
            told(State::Undecided, reason).help(help)
        } else {
            told(State::Approved, measure(&SEVERITIES))
        };
        outcome.evidence(tally.notes)
    }

    /// Counts what is found and not accepted.
    fn tally(&self, found: &Found, now: Timestamp) -> Tally {
        let mut tally = Tally::default();
        let mut listed: BTreeMap<&str, u64> = BTreeMap::new();
        for vulnerability in &found.vulnerabilities {
            let Vulnerability { id, severity, status, packages } = vulnerability;
            *listed.entry(severity).or_default() += 1;
            match status.as_deref() {
                Some("CLOSED") => continue,
                Some("SUPPRESSED") => {
                    tally.note(format!("suppressed in Inspector, not counted: {severity} {id}"));
                    continue;
                }
                _ => {}
            }
            if let Some(accepted) = self.ignore.iter().find(|ignore| ignore.id == *id) {
                let Ignore { reason, owner, until, .. } = accepted;
                if is_over(*until, now) {
                    tally.note(format!("no longer ignored since {until} ({owner}): {severity} {id}"));
                } else {
                    tally.note(format!(
                        "ignored until {until}, not counted: {severity} {id} ({owner}: {reason})"
                    ));
                    continue;
                }
            }
            tally.add(severity, 1);
            if let Word::Severity(severity) = Word::of(severity) {
                tally.lines.push((
                    severity,
                    format!("{severity:8}  {id}  {}", packages.join(", ")).trim_end().to_owned(),
                ));
            }
        }
        // What is counted and not listed is there all the same.
        for (severity, count) in &found.counts {
            tally.add(
                severity,
                count.saturating_sub(listed.get(severity.as_str()).copied().unwrap_or_default()),
            );
        }
        tally
    }
}

/// What counts, by severity.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<Severity, u64>,
    /// A word for a severity that is not known.
    strange: Option<String>,
    lines: Vec<(Severity, String)>,
    notes: Vec<String>,
}

impl Tally {
    fn add(&mut self, word: &str, count: u64) {
        match Word::of(word) {
            _ if count == 0 => {}
            Word::Severity(severity) => *self.counts.entry(severity).or_default() += count,
            Word::Harmless => {}
            Word::Strange => self.strange = Some(word.to_owned()),
        }
    }

    fn count(&self, severity: Severity) -> u64 {
        self.counts.get(&severity).copied().unwrap_or_default()
    }

    fn note(&mut self, note: String) {
        // The same vulnerability is in several packages.
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn listed(&self, severities: &[Severity]) -> Vec<String> {
        let mut lines: Vec<&(Severity, String)> =
            self.lines.iter().filter(|(severity, _)| severities.contains(severity)).collect();
        lines.sort_by_key(|(severity, _)| *severity);
        let more = (lines.len() > SHOWN).then(|| format!("… and {} more", lines.len() - SHOWN));
        lines.into_iter().take(SHOWN).map(|(_, line)| line.clone()).chain(more).collect()
    }
}

/// Why a scan that found not too much is no yes, and what to do.
fn is_open(
    scan: &Scan,
    found: Option<&Found>,
    policy: &Findings,
    tally: &Tally,
    pushed_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<(String, &'static str)> {
    const AGAIN: &str = "ask again when the scan is over";
    let status = scan.status.as_deref().unwrap_or("in no state that is told");
    let help = match status {
        "COMPLETE" | "ACTIVE" => None,
        "IN_PROGRESS" | "PENDING" => Some(AGAIN),
        "UNSUPPORTED_IMAGE" => Some("have another scanner write a report, and use `reports`"),
        "FAILED" | "FINDINGS_UNAVAILABLE" | "LIMIT_EXCEEDED" => Some("start the scan anew"),
        "SCAN_ELIGIBILITY_EXPIRED" | "IMAGE_ARCHIVED" => {
            Some("push or restore the image, so that it is scanned again")
        }
        _ => Some("see what ECR means by it: this version does not know the word"),
    };
    if let Some(help) = help {
        let why = scan.description.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        return Some((format!("the scan is {status}{why}"), help));
    }
    let Some(found) = found else {
        return Some(("the scan is over, and nothing is told of what it found".to_owned(), AGAIN));
    };
    if let Some(word) = &tally.strange {
        return Some((
            format!("\"{word}\" is no severity that is known"),
            "see what it means: this version does not know the word",
        ));
    }
    let Some(completed) = found.completed_at else {
        return Some(("it is not told when the scan was".to_owned(), AGAIN));
    };
    let since = |time: Timestamp| now.duration_since(time);
    let period = |period: Period| SignedDuration::try_from(period.0).unwrap_or(SignedDuration::MAX);
    if since(completed) < -SKEW {
        return Some((
            "the scan is from the future: a clock is wrong".to_owned(),
            "set the clock of this machine",
        ));
    }
    if policy.max_age.is_some_and(|limit| since(completed) > period(limit)) {
        return Some((format!("the scan is too old: it is from {completed:.0}"), "scan the image again"));
    }
    let last = pushed_at.map_or(completed, |pushed| pushed.max(completed));
    if since(last) < period(policy.settle) {
        return Some((
            format!("findings may still come in: the scan was {completed:.0}"),
            "ask again in a while",
        ));
    }
    None
}

/// Whether the last day is over, in UTC.
fn is_over(until: Date, now: Timestamp) -> bool {
    now.to_zoned(TimeZone::UTC).date() > until
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conditions::image::tests::{DIGEST, asked};

    const LINUX: &str = "sha256:bbbb";

    fn policy() -> Findings {
        Findings {
            limits: Limits { critical: Some(0), high: Some(1), unknown: Some(0), ..Limits::default() },
            max_age: Some("7d".parse().unwrap()),
            settle: "1m".parse().unwrap(),
            ignore: vec![Ignore {
                id: "CVE-1".into(),
                reason: "not reachable".into(),
                owner: "security".into(),
                until: "2026-11-21".parse().unwrap(),
            }],
        }
    }

    fn vulnerability(id: &str, severity: &str) -> Vulnerability {
        Vulnerability {
            id: id.into(),
            severity: severity.into(),
            status: None,
            packages: vec!["zlib 1.2".into()],
        }
    }

    fn facts(vulnerabilities: Vec<Vulnerability>) -> Facts {
        let mut counts = BTreeMap::new();
        for vulnerability in &vulnerabilities {
            *counts.entry(vulnerability.severity.clone()).or_default() += 1;
        }
        let found =
            Found { completed_at: Some("2026-11-21T11:00:00Z".parse().unwrap()), counts, vulnerabilities };
        let scan = Scan {
            digest: Some(LINUX.into()),
            status: Some("COMPLETE".into()),
            description: Some("as it is said".into()),
            found: Some(found),
        };
        let image = Scanned { platform: Some("linux/amd64".into()), digest: LINUX.into(), scan: Some(scan) };
        Facts {
            digest: DIGEST.into(),
            pushed_at: Some("2026-11-21T10:00:00Z".parse().unwrap()),
            images: vec![image],
        }
    }

    fn judge(facts: &Facts) -> Outcome {
        policy().judge(facts, &asked())
    }

    fn told(outcome: &Outcome) -> String {
        let lines = std::iter::once(format!("{:?}: {}", outcome.state, outcome.reason));
        lines.chain(outcome.evidence.iter().map(|line| format!("  {line}"))).collect::<Vec<_>>().join("\n")
    }

    fn with(change: impl FnOnce(&mut Scan)) -> String {
        let mut facts = facts(vec![]);
        change(facts.images[0].scan.as_mut().unwrap());
        told(&judge(&facts))
    }

    #[test]
    fn findings_within_limits_are_a_yes() {
        insta::assert_snapshot!(told(&judge(&facts(vec![vulnerability("CVE-2", "HIGH"), vulnerability("CVE-3", "INFORMATIONAL")]))), @"Approved: linux/amd64: 0 critical (0 allowed), 1 high (1 allowed), 0 unknown (0 allowed)");
    }

    #[test]
    fn findings_past_limits_are_a_no_with_their_names() {
        let facts = facts(vec![
            vulnerability("CVE-2", "HIGH"),
            vulnerability("CVE-3", "HIGH"),
            vulnerability("CVE-4", "CRITICAL"),
        ]);
        insta::assert_snapshot!(told(&judge(&facts)), @"
        Rejected: linux/amd64: 1 critical (0 allowed), 2 high (1 allowed)
          critical  CVE-4  zlib 1.2
          high      CVE-2  zlib 1.2
          high      CVE-3  zlib 1.2
        ");
    }

    #[test]
    fn every_word_for_how_bad_a_finding_is_has_its_limit() {
        let limits = |severity: Severity| {
            let mut limits =
                Limits { critical: Some(9), high: Some(9), medium: Some(9), low: Some(9), unknown: Some(9) };
            match severity {
                Severity::Critical => limits.critical = Some(0),
                Severity::High => limits.high = Some(0),
                Severity::Medium => limits.medium = Some(0),
                Severity::Low => limits.low = Some(0),
                Severity::Unknown => limits.unknown = Some(0),
            }
            limits
        };
        let words =
            ["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNDEFINED", "UNTRIAGED", "INFORMATIONAL", "BRAND_NEW"];
        let told = words.map(|word| {
            let facts = facts(vec![vulnerability("CVE-2", word)]);
            let states = SEVERITIES.map(|severity| {
                Findings { limits: limits(severity), ..policy() }.judge(&facts, &asked()).state
            });
            format!("{word}: {states:?}")
        });
        insta::assert_snapshot!(told.join("\n"), @"
CRITICAL: [Rejected, Approved, Approved, Approved, Approved]
HIGH: [Approved, Rejected, Approved, Approved, Approved]
MEDIUM: [Approved, Approved, Rejected, Approved, Approved]
LOW: [Approved, Approved, Approved, Rejected, Approved]
UNDEFINED: [Approved, Approved, Approved, Approved, Rejected]
UNTRIAGED: [Approved, Approved, Approved, Approved, Rejected]
INFORMATIONAL: [Approved, Approved, Approved, Approved, Approved]
BRAND_NEW: [Undecided, Undecided, Undecided, Undecided, Undecided]
");
    }

    #[test]
    fn a_strange_word_for_what_is_closed_leaves_nothing_open() {
        let closed = Vulnerability { status: Some("CLOSED".into()), ..vulnerability("CVE-2", "BRAND_NEW") };
        assert_eq!(judge(&facts(vec![closed])).state, State::Approved);
        assert_eq!(judge(&facts(vec![vulnerability("CVE-2", "BRAND_NEW")])).state, State::Undecided);
    }

    #[test]
    fn what_is_accepted_counts_from_the_day_after_its_last() {
        let facts = facts(vec![vulnerability("CVE-1", "CRITICAL")]);
        insta::assert_snapshot!(told(&judge(&facts)), @"
        Approved: linux/amd64: 0 critical (0 allowed), 0 high (1 allowed), 0 unknown (0 allowed)
          ignored until 2026-11-21, not counted: CRITICAL CVE-1 (security: not reachable)
        ");
        let later = Question { now: "2026-11-22T00:00:00Z".parse().unwrap(), ..asked() };
        insta::assert_snapshot!(told(&policy().judge(&facts, &later)), @"
        Rejected: linux/amd64: 1 critical (0 allowed)
          critical  CVE-1  zlib 1.2
          no longer ignored since 2026-11-21 (security): CRITICAL CVE-1
        ");
    }

    #[test]
    fn only_the_very_name_is_accepted() {
        for id in ["CVE-10", "cve-1", "CVE-1 ", "CVE"] {
            assert_eq!(judge(&facts(vec![vulnerability(id, "CRITICAL")])).state, State::Rejected, "{id}");
        }
    }

    #[test]
    fn what_is_counted_and_not_listed_is_there_all_the_same() {
        let mut facts = facts(vec![vulnerability("CVE-1", "CRITICAL")]);
        facts.images[0].scan.as_mut().unwrap().found.as_mut().unwrap().counts.insert("CRITICAL".into(), 2);
        assert_eq!(judge(&facts).state, State::Rejected);
    }

    #[test]
    fn what_inspector_suppressed_is_told_and_what_it_closed_is_gone() {
        let of = |status: &str| Vulnerability {
            status: Some(status.into()),
            ..vulnerability("CVE-2", "CRITICAL")
        };
        insta::assert_snapshot!(told(&judge(&facts(vec![of("SUPPRESSED"), of("CLOSED")]))), @"
        Approved: linux/amd64: 0 critical (0 allowed), 0 high (1 allowed), 0 unknown (0 allowed)
          suppressed in Inspector, not counted: CRITICAL CVE-2
        ");
        for status in ["ACTIVE", "BRAND_NEW"] {
            assert_eq!(judge(&facts(vec![of(status)])).state, State::Rejected, "{status}");
        }
    }

    #[test]
    fn every_word_for_a_scan_s_state_is_known_or_closes_the_gate() {
        let told: Vec<String> = [
            "COMPLETE",
            "ACTIVE",
            "IN_PROGRESS",
            "PENDING",
            "FAILED",
            "UNSUPPORTED_IMAGE",
            "SCAN_ELIGIBILITY_EXPIRED",
            "FINDINGS_UNAVAILABLE",
            "LIMIT_EXCEEDED",
            "IMAGE_ARCHIVED",
            "BRAND_NEW",
            "complete",
        ]
        .into_iter()
        .map(|status| {
            let mut facts = facts(vec![]);
            facts.images[0].scan.as_mut().unwrap().status = Some(status.into());
            let outcome = judge(&facts);
            format!("{} ({})", told(&outcome), outcome.help.unwrap_or_default())
        })
        .collect();
        insta::assert_snapshot!(told.join("\n"), @"
Approved: linux/amd64: 0 critical (0 allowed), 0 high (1 allowed), 0 unknown (0 allowed) ()
Approved: linux/amd64: 0 critical (0 allowed), 0 high (1 allowed), 0 unknown (0 allowed) ()
Undecided: linux/amd64: the scan is IN_PROGRESS: as it is said (ask again when the scan is over)
Undecided: linux/amd64: the scan is PENDING: as it is said (ask again when the scan is over)
Undecided: linux/amd64: the scan is FAILED: as it is said (start the scan anew)
Undecided: linux/amd64: the scan is UNSUPPORTED_IMAGE: as it is said (have another scanner write a report, and use `reports`)
Undecided: linux/amd64: the scan is SCAN_ELIGIBILITY_EXPIRED: as it is said (push or restore the image, so that it is scanned again)
Undecided: linux/amd64: the scan is FINDINGS_UNAVAILABLE: as it is said (start the scan anew)
Undecided: linux/amd64: the scan is LIMIT_EXCEEDED: as it is said (start the scan anew)
Undecided: linux/amd64: the scan is IMAGE_ARCHIVED: as it is said (push or restore the image, so that it is scanned again)
Undecided: linux/amd64: the scan is BRAND_NEW: as it is said (see what ECR means by it: this version does not know the word)
Undecided: linux/amd64: the scan is complete: as it is said (see what ECR means by it: this version does not know the word)
");
    }

    #[test]
    fn a_scan_that_tells_nothing_is_no_yes() {
        let time = |text: &str| Some(text.parse().unwrap());
        let cases = [
            with(|scan| scan.status = None),
            with(|scan| scan.found = None),
            with(|scan| scan.digest = Some("sha256:other".into())),
            with(|scan| scan.digest = None),
            with(|scan| scan.found.as_mut().unwrap().completed_at = None),
            with(|scan| scan.found.as_mut().unwrap().completed_at = time("2026-11-14T11:59:59Z")),
            with(|scan| scan.found.as_mut().unwrap().completed_at = time("2026-11-21T12:06:00Z")),
            with(|scan| scan.found.as_mut().unwrap().completed_at = time("2026-11-21T11:59:30Z")),
            with(|scan| scan.found.as_mut().unwrap().vulnerabilities.push(vulnerability("CVE-9", "SEVERE"))),
            with(|scan| {
                scan.found.as_mut().unwrap().vulnerabilities.push(vulnerability("CVE-9", "critical"));
            }),
            with(|scan| {
                scan.found.as_mut().unwrap().counts.insert("SEVERE".into(), 1);
            }),
        ];
        insta::assert_snapshot!(cases.join("\n"), @r#"
        Undecided: linux/amd64: the scan is in no state that is told: as it is said
        Undecided: linux/amd64: the scan is over, and nothing is told of what it found
        Undecided: linux/amd64: the scan is of sha256:other, not of sha256:bbbb
        Undecided: linux/amd64: the scan is of an image without a name, not of sha256:bbbb
        Undecided: linux/amd64: it is not told when the scan was
        Undecided: linux/amd64: the scan is too old: it is from 2026-11-14T11:59:59Z
        Undecided: linux/amd64: the scan is from the future: a clock is wrong
        Undecided: linux/amd64: findings may still come in: the scan was 2026-11-21T11:59:30Z
        Undecided: linux/amd64: "SEVERE" is no severity that is known
        Undecided: linux/amd64: "critical" is no severity that is known
        Undecided: linux/amd64: "SEVERE" is no severity that is known
        "#);
    }

    #[test]
    fn every_platform_must_be_scanned() {
        let mut facts = facts(vec![]);
        let other =
            Scanned { platform: Some("linux/arm64".into()), digest: "sha256:cccc".into(), scan: None };
        facts.images.push(other);
        insta::assert_snapshot!(told(&judge(&facts)), @"
        Undecided: linux/arm64: it has not been scanned
          linux/amd64: 0 critical (0 allowed), 0 high (1 allowed), 0 unknown (0 allowed)
        ");
        facts.images.clear();
        assert_eq!(judge(&facts).state, State::Undecided);
    }

    #[test]
    fn another_image_s_scan_says_nothing() {
        let other = Facts { digest: "sha256:other".into(), ..facts(vec![]) };
        assert_eq!(judge(&other).state, State::Undecided);
        let mut swapped = facts(vec![]);
        swapped.images[0].digest = "sha256:cccc".into();
        assert_eq!(judge(&swapped).state, State::Undecided);
    }

    #[test]
    fn a_new_image_s_findings_may_still_come_in() {
        let mut facts = facts(vec![]);
        facts.pushed_at = Some("2026-11-21T11:59:30Z".parse().unwrap());
        assert_eq!(judge(&facts).state, State::Undecided);
    }

    #[test]
    fn the_very_end_of_a_time_is_within_it() {
        let state = |completed: &str| {
            let mut facts = facts(vec![]);
            facts.pushed_at = None;
            facts.images[0].scan.as_mut().unwrap().found.as_mut().unwrap().completed_at =
                Some(completed.parse().unwrap());
            judge(&facts).state
        };
        assert_eq!(state("2026-11-14T12:00:00Z"), State::Approved);
        assert_eq!(state("2026-11-14T11:59:59Z"), State::Undecided);
        assert_eq!(state("2026-11-21T11:59:00Z"), State::Approved);
        assert_eq!(state("2026-11-21T11:59:01Z"), State::Undecided);
    }

    #[test]
    fn a_list_that_is_cut_says_how_much_more_there_is() {
        let shown = |count: usize| {
            let all = (0..count).map(|index| vulnerability(&format!("CVE-9{index}"), "CRITICAL")).collect();
            judge(&facts(all)).evidence
        };
        assert_eq!(shown(SHOWN).len(), SHOWN);
        assert_eq!(shown(SHOWN + 2)[SHOWN..], ["… and 2 more"]);
    }

    #[test]
    fn a_rule_has_limits_and_says_who_accepts_what_and_why() {
        assert!(Findings { limits: Limits::default(), ..policy() }.check().is_err());
        for field in ["id", "reason", "owner"] {
            let mut policy = serde_json::to_value(policy()).unwrap();
            policy["ignore"][0][field] = " ".into();
            let policy: Findings = serde_json::from_value(policy).unwrap();
            assert_eq!(policy.check().unwrap_err().what, format!("what is ignored has no {field}"));
        }
        assert!(policy().check().is_ok());
    }

    proptest! {
        /// One more finding, whatever it is, only ever closes the gate.
        #[test]
        fn one_more_finding_never_turns_to_yes(
            severities in prop::collection::vec(prop::sample::select(vec!["CRITICAL", "HIGH", "LOW", "UNDEFINED", "ODD", "INFORMATIONAL"]), 0..5),
            more in prop::sample::select(vec!["CRITICAL", "HIGH", "LOW", "UNDEFINED", "ODD", "INFORMATIONAL"]),
            id in prop::sample::select(vec!["CVE-1", "CVE-2"]),
            status in prop::sample::select(vec!["COMPLETE", "ACTIVE", "PENDING", "ODD"]),
        ) {
            let all = |severities: &[&str]| {
                let mut facts = facts(severities.iter().map(|severity| vulnerability(id, severity)).collect());
                facts.images[0].scan.as_mut().unwrap().status = Some(status.to_owned());
                judge(&facts).state
            };
            let (before, after) = (all(&severities), all(&[&severities[..], &[more]].concat()));
            prop_assert!(after >= before);
        }
    }
}
