//! The record of a decision: all that it rests on, written in one way, chained to the one before.
//!
//! A record holds the [`Question`], every condition with its policy, its facts and where they are from, and
//! what was decided. It is written as canonical JSON ([RFC 8785](https://www.rfc-editor.org/rfc/rfc8785)),
//! on one line, under its SHA-256; it names the hash of the record before it. So:
//!
//! - [`Sealed::read`] refuses a record in which any byte was changed;
//! - [`Record::replay`] repeats the decision, without a network;
//! - [`broken_link`] finds where records were changed, taken out or put in between.
//!
//! Who writes all records of a chain anew leaves no trace in it: keep the hash of the last one where they
//! can't write, or the records where nobody can write twice.

use ring::digest::{SHA256, digest as hash};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::Place;

use crate::{Condition, Outcome, Question, State, decide};

/// The version of the record's form. A reader refuses every other.
pub const SCHEMA: u32 = 1;

/// The record of one decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of this form.
    pub schema: u32,
    /// Its place in the chain, counted from 1.
    pub number: u64,
    /// The hash of the record before it; none before the first.
    pub previous: Option<String>,
    /// What was asked.
    pub question: Question,
    /// The address of the workflow run that asked.
    pub run: Option<String>,
    /// The conditions, with their answers.
    pub conditions: Vec<Answered>,
    /// What was decided.
    pub state: State,
}

/// A condition with its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// Where it stands in the configuration.
    pub place: Place,
    /// Its policy, and what was seen.
    pub condition: Condition,
    /// What was answered.
    pub outcome: Outcome,
}

/// A record under its hash, as it is kept.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The record.
    pub record: Record,
    /// `sha256:` and the SHA-256 of the record's canonical JSON.
    pub hash: String,
    /// The whole, in canonical JSON, on one line without its end.
    pub line: Vec<u8>,
}

/// Why bytes are no record.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It can't be written, or is not written, as records are.
    #[error("it is no record: {0}")]
    NoRecord(serde_json::Error),
    /// The same in other words is not the same.
    #[error("it is not written in canonical JSON (RFC 8785): it was changed after it was written")]
    NotCanonical,
    /// It was changed.
    #[error("its hash is {told}, and it should be {is}: it was changed after it was written")]
    Changed {
        /// The hash that it tells.
        told: String,
        /// The hash that it has.
        is: String,
    },
    /// It is of another version.
    #[error("it is written in form {0}, and this version reads form {SCHEMA}")]
    OtherSchema(u64),
}

impl Record {
    /// A record that is not in a chain yet.
    pub fn new(question: Question, run: Option<String>, conditions: Vec<Answered>) -> Self {
        let state = decide(conditions.iter().map(|answered| answered.outcome.state));
        Self { schema: SCHEMA, number: 1, previous: None, question, run, conditions, state }
    }

    /// Puts it behind another record, or at the beginning.
    pub fn seal(mut self, previous: Option<&Sealed>) -> Result<Sealed, Unreadable> {
        self.number = previous.map_or(1, |previous| previous.record.number.saturating_add(1));
        self.previous = previous.map(|previous| previous.hash.clone());
        let hash = digest(&self).map_err(Unreadable::NoRecord)?;
        let line = canonical(&Envelope { hash: &hash, record: &self }).map_err(Unreadable::NoRecord)?;
        Ok(Sealed { record: self, hash, line })
    }

    /// Judges again, from what the record holds alone.
    pub fn replay(&self) -> Replay {
        let outcomes: Vec<Outcome> =
            self.conditions.iter().map(|answered| answered.condition.judge(&self.question)).collect();
        let state = decide(outcomes.iter().map(|outcome| outcome.state));
        let mut differences = Vec::new();
        for (answered, outcome) in self.conditions.iter().zip(&outcomes) {
            if *outcome != answered.outcome {
                let name = answered.condition.name();
                let Outcome { state, reason, .. } = &answered.outcome;
                differences.push(format!(
                    "{name}: recorded is {state:?} ({reason}), judged again it is {:?} ({})",
                    outcome.state, outcome.reason
                ));
            }
        }
        // The last look before a yes is not asked for by the policy.
        let of_policy = self.conditions.iter().map(|answered| &answered.condition);
        let of_policy = of_policy.filter(|condition| !matches!(condition, Condition::Unchanged(_)));
        if policy_digest(of_policy.map(Condition::policy)).ok() != Some(self.question.policy.clone()) {
            differences
                .push("the digest of the policies is another one than the decision was bound to".to_owned());
        }
        if state != self.state {
            differences.push(format!("recorded is {:?}, judged again it is {state:?}", self.state));
        }
        Replay { state, outcomes, differences }
    }
}

/// What comes out when a decision is repeated.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The decision.
    pub state: State,
    /// What each condition answers, in the order of the record.
    pub outcomes: Vec<Outcome>,
    /// What differs from the record, a line each; empty when nothing does.
    pub differences: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    hash: String,
    record: Value,
}

#[derive(Serialize)]
struct Envelope<'a> {
    hash: &'a str,
    record: &'a Record,
}

impl Sealed {
    /// Reads a record: one line, with or without its end.
    pub fn read(line: &[u8]) -> Result<Self, Unreadable> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let whole: Value = serde_json::from_slice(line).map_err(Unreadable::NoRecord)?;
        // A key that is there twice is there once in what was read: then the two are not the same.
        if canonical(&whole).map_err(Unreadable::NoRecord)? != line {
            return Err(Unreadable::NotCanonical);
        }
        let Parts { hash: told, record } = serde_json::from_value(whole).map_err(Unreadable::NoRecord)?;
        let is = digest(&record).map_err(Unreadable::NoRecord)?;
        if told != is {
            return Err(Unreadable::Changed { told, is });
        }
        match record.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema != u64::from(SCHEMA) => return Err(Unreadable::OtherSchema(schema)),
            _ => {}
        }
        let record = serde_json::from_value(record).map_err(Unreadable::NoRecord)?;
        Ok(Self { record, hash: is, line: line.to_vec() })
    }
}

/// Where a chain of records is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLink {
    /// The record that does not fit the one before it: its index among those that were given.
    pub index: usize,
    /// Why, to be read after "the record".
    pub why: String,
}

/// The first record that does not fit the one before it. A chain that does not begin with its first record
/// is looked at from where it begins.
pub fn broken_link(records: &[Sealed]) -> Option<BrokenLink> {
    let broken = |index, why: String| Some(BrokenLink { index, why });
    if let Some(Sealed { record: first, .. }) = records.first()
        && (first.number == 1) != first.previous.is_none()
    {
        return broken(
            0,
            format!(
                "is number {}, and {}",
                first.number,
                match &first.previous {
                    Some(previous) => format!("names {previous} before it"),
                    None => "names none before it".to_owned(),
                }
            ),
        );
    }
    for (index, pair) in (1..).zip(records.windows(2)) {
        let [before, Sealed { record, .. }] = pair else { continue };
        let expected = before.record.number.saturating_add(1);
        if record.number != expected {
            return broken(index, format!("is number {}, and should be number {expected}", record.number));
        }
        if record.previous.as_deref() != Some(before.hash.as_str()) {
            let previous = record.previous.as_deref().unwrap_or("none");
            return broken(index, format!("names {previous} before it, and that is {}", before.hash));
        }
    }
    None
}

/// The digest of policies, each as [`Condition::policy`] writes it: what a decision is bound to.
pub fn policy_digest(
    policies: impl IntoIterator<Item = Result<Value, serde_json::Error>>,
) -> Result<String, serde_json::Error> {
    digest(&policies.into_iter().collect::<Result<Vec<Value>, _>>()?)
}

/// `sha256:` and the SHA-256 of a value's canonical JSON.
fn digest(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(sha256(&canonical(value)?))
}

/// `sha256:` and the SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = hash(&SHA256, bytes);
    digest.as_ref().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

fn canonical(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value).map_err(serde::ser::Error::custom)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        Case, Gathered, Obstacle, Seen, Source, confirm, freeze, question::tests::question, reports,
    };

    fn answered(condition: impl Into<Condition>, question: &Question) -> Answered {
        let condition = condition.into();
        let outcome = condition.judge(question);
        Answered { place: Place::at(".github/sluice.yml", 9, 5), condition, outcome }
    }

    fn at() -> Source {
        Source { url: "reports/é\u{1}\n\"\\.sarif".into(), at: "2026-11-18T12:00:00Z".parse().unwrap() }
    }

    fn record(typed: Option<&str>) -> Record {
        let mut question = question("2026-11-18T12:00:00Z");
        let confirm = Case {
            policy: confirm::Confirm { phrase: "YES".into() },
            seen: Seen::Facts(Gathered::given(confirm::Facts { typed: typed.map(str::to_owned) })),
        };
        let mut scan = reports::Scan::default();
        scan.accept(reports::Found {
            severity: reports::Severity::Unknown,
            rule: "R".into(),
            message: "é \u{2028} 🦀".into(),
            location: "x:1".into(),
        });
        let report = reports::Report {
            tools: vec!["a".into()],
            about: vec![reports::About::default()],
            told: reports::Told::Findings(scan),
        };
        let limits = reports::Limits { critical: Some(0), ..Default::default() };
        let reports = Case {
            policy: reports::Reports { path: "reports/*".into(), limits, ..Default::default() },
            seen: Seen::Facts(Gathered::read(
                reports::Facts {
                    readings: vec![reports::Reading {
                        name: "a".into(),
                        content: reports::Content::Report(report),
                    }],
                },
                vec![at()],
            )),
        };
        let windows = [("Fri 15:00", "Mon 07:00")].map(|(from, until)| {
            let text = freeze::WindowText {
                from: from.into(),
                until: until.into(),
                zone: "Europe/Berlin".into(),
                reason: None,
            };
            freeze::Window::try_from(text).unwrap()
        });
        let freeze = Case {
            policy: freeze::Freeze { windows: windows.into(), break_glass: None },
            seen: Seen::Facts(Gathered::given(freeze::Facts::default())),
        };
        let conditions: [Condition; 3] = [confirm.into(), reports.into(), freeze.into()];
        question.policy = policy_digest(conditions.iter().map(Condition::policy)).unwrap();
        let answers = conditions.into_iter().map(|condition| answered(condition, &question)).collect();
        Record::new(question, Some("https://example.com/run/1".into()), answers)
    }

    fn chain(length: u64) -> Vec<Sealed> {
        let mut chain: Vec<Sealed> = Vec::new();
        for _ in 0..length {
            let next = record(Some("YES")).seal(chain.last()).unwrap();
            chain.push(next);
        }
        chain
    }

    #[test]
    fn a_record_reads_as_this() {
        let Sealed { line, hash, .. } = record(Some("NO")).seal(None).unwrap();
        let text = String::from_utf8(line).unwrap();
        insta::assert_snapshot!(text, @r##"{"hash":"sha256:cbb45ac546d27a729c5c10fd4a83e1e5d7ac4f9c4f02b5176bb5f5cff485aa6b","record":{"conditions":[{"condition":{"condition":"confirm","policy":{"phrase":"YES"},"seen":{"facts":{"facts":{"typed":"NO"},"sources":[]}}},"outcome":{"evidence":["typed: \"NO\""],"help":"type exactly: YES","reason":"something else was typed","state":"rejected"},"place":{"column":5,"file":".github/sluice.yml","line":9}},{"condition":{"condition":"reports","policy":{"limits":{"critical":0},"path":"reports/*"},"seen":{"facts":{"facts":{"readings":[{"content":{"report":{"about":[{}],"told":{"findings":{"accepted":{"critical":0,"high":0,"low":0,"medium":0,"unknown":1},"counts":{"critical":0,"high":0,"low":0,"medium":0,"unknown":0},"found":[],"suppressed":[{"location":"x:1","message":"é   🦀","rule":"R","severity":"unknown"}]}},"tools":["a"]}},"name":"a"}]},"sources":[{"at":"2026-11-18T12:00:00Z","url":"reports/é\u0001\n\"\\.sarif"}]}}},"outcome":{"evidence":["a: nothing found by a","suppressed, not counted: unknown   R  x:1  é   🦀"],"reason":"reports/*: 0 critical (0 allowed)","state":"approved"},"place":{"column":5,"file":".github/sluice.yml","line":9}},{"condition":{"condition":"freeze","policy":{"windows":[{"from":"Fri 15:00","until":"Mon 07:00","zone":"Europe/Berlin"}]},"seen":{"facts":{"facts":{},"sources":[]}}},"outcome":{"reason":"open until Fri 2026-11-20 15:00 CET (Europe/Berlin)","state":"approved"},"place":{"column":5,"file":".github/sluice.yml","line":9}}],"number":1,"previous":null,"question":{"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","digest":null,"environment":"production","image":null,"now":"2026-11-18T12:00:00Z","policy":"sha256:87be3808faa151ef07786209aaa3d470db62e4a91afb2f9e552fa64693c09e1c","repository":"acme/shop"},"run":"https://example.com/run/1","schema":1,"state":"rejected"}}"##);
        assert!(text.contains(&hash));
    }

    fn written(value: &Value) -> Vec<u8> {
        canonical(value).unwrap()
    }

    /// The vectors of RFC 8785: 3.2.2 and 3.2.3, and some of appendix B.
    #[test]
    fn json_is_canonical() {
        let canonical = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            String::from_utf8(written(&value)).unwrap()
        };
        assert_eq!(
            canonical(
                r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001], "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#
            ),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        assert_eq!(
            canonical(
                r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}"#
            ),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        );
        assert_eq!(
            canonical("[9007199254740992, 0, -0.0, 1e21, 1e20]"),
            "[9007199254740992,0,0,1e+21,100000000000000000000]"
        );
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_judged_as_it_was() {
        for typed in [Some("YES"), Some("NO"), None] {
            let sealed = record(typed).seal(None).unwrap();
            let read = Sealed::read(&sealed.line).unwrap();
            assert_eq!(read.hash, sealed.hash);
            let replay = read.record.replay();
            assert_eq!(replay.differences, [""; 0]);
            assert_eq!(replay.state, if typed == Some("YES") { State::Approved } else { State::Rejected });
            assert_eq!(replay.state, read.record.state);
            assert!(Sealed::read(&[&sealed.line[..], b"\n"].concat()).is_ok());
            assert!(Sealed::read(&[&sealed.line[..], b"\n\n"].concat()).is_err());
        }
    }

    #[test]
    fn a_record_that_says_something_else_than_comes_out_is_told() {
        let differences = |change: fn(&mut Record)| {
            let mut record = record(Some("NO"));
            change(&mut record);
            // Even when it is sealed anew.
            Sealed::read(&record.seal(None).unwrap().line).unwrap().record.replay().differences.join("; ")
        };
        assert_eq!(differences(|_| {}), "");
        insta::assert_snapshot!(differences(|record| record.state = State::Approved), @"recorded is Approved, judged again it is Rejected");
        insta::assert_snapshot!(differences(|record| record.conditions[0].outcome.state = State::Approved), @"confirm: recorded is Approved (something else was typed), judged again it is Rejected (something else was typed)");
        insta::assert_snapshot!(differences(|record| record.conditions[0].outcome.reason = "the phrase was typed".into()), @"confirm: recorded is Rejected (the phrase was typed), judged again it is Rejected (something else was typed)");
        insta::assert_snapshot!(differences(|record| record.question.policy = "sha256:0".into()), @"the digest of the policies is another one than the decision was bound to");
        insta::assert_snapshot!(differences(|record| drop(record.conditions.remove(0))), @"the digest of the policies is another one than the decision was bound to; recorded is Rejected, judged again it is Approved");
        insta::assert_snapshot!(differences(|record| record.question.now = "2026-11-21T12:00:00Z".parse().unwrap()), @"freeze: recorded is Approved (open until Fri 2026-11-20 15:00 CET (Europe/Berlin)), judged again it is Rejected (closed from Fri 15:00 until Mon 07:00 (Europe/Berlin))");
        insta::assert_snapshot!(differences(|record| {
            let Condition::Confirm(case) = &mut record.conditions[0].condition else { panic!() };
            case.seen = Seen::Obstacle(Obstacle { is_misconfigured: false, reason: "x".into(), help: None });
        }), @"confirm: recorded is Rejected (something else was typed), judged again it is Undecided (x); recorded is Rejected, judged again it is Undecided");
    }

    #[test]
    fn the_first_broken_link_is_named() {
        let records = chain(4);
        assert_eq!(broken_link(&[]), None);
        assert_eq!(broken_link(&records), None);
        assert_eq!(broken_link(&records[2..]), None);
        let broken = |order: &[usize]| {
            let records: Vec<Sealed> = order.iter().map(|index| records[*index].clone()).collect();
            broken_link(&records).map(|broken| {
                (
                    broken.index,
                    broken
                        .why
                        .replace(|char: char| char.is_ascii_hexdigit() && char.is_ascii_lowercase(), ""),
                )
            })
        };
        assert_eq!(broken(&[0, 2, 3]).unwrap().0, 1);
        assert_eq!(broken(&[0, 1, 3]).unwrap().0, 2);
        assert_eq!(broken(&[0, 1, 1, 2]).unwrap().0, 2);
        assert_eq!(broken(&[1, 0]).unwrap().0, 1);
        assert_eq!(broken(&[3, 2]).unwrap().0, 1);

        // One of another chain with the right number.
        let other = record(None).seal(None).unwrap();
        let swapped = [other.clone(), records[1].clone()];
        assert_eq!(broken_link(&swapped).unwrap().index, 1);
        assert!(broken_link(&swapped).unwrap().why.starts_with("names sha256:"));
        let mut headless = records[0].record.clone();
        headless.number = 7;
        let line = canonical(&Envelope { hash: &digest(&headless).unwrap(), record: &headless }).unwrap();
        assert_eq!(
            broken_link(&[Sealed::read(&line).unwrap()]).unwrap().why,
            "is number 7, and names none before it"
        );
        let mut first = records[1].record.clone();
        first.number = 1;
        let line = canonical(&Envelope { hash: &digest(&first).unwrap(), record: &first }).unwrap();
        assert_eq!(broken_link(&[Sealed::read(&line).unwrap()]).unwrap().index, 0);
    }

    #[test]
    fn what_is_no_record_says_why() {
        let told = |text: &str| Sealed::read(text.as_bytes()).unwrap_err().to_string();
        insta::assert_snapshot!(told(""), @"it is no record: EOF while parsing a value at line 1 column 0");
        insta::assert_snapshot!(told("{}"), @"it is no record: missing field `hash`");
        insta::assert_snapshot!(told(r#"{"hash":"x","record":{}}"#), @"its hash is x, and it should be sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a: it was changed after it was written");
        insta::assert_snapshot!(told(r#"{"hash":"x", "record":{}}"#), @"it is not written in canonical JSON (RFC 8785): it was changed after it was written");
        insta::assert_snapshot!(told(r#"{"hash":"x","hash":"x","record":{}}"#), @"it is not written in canonical JSON (RFC 8785): it was changed after it was written");
        let of_schema = |schema: u32| {
            let mut value = serde_json::to_value(record(None)).unwrap();
            value["schema"] = schema.into();
            let hash = digest(&value).unwrap();
            told(
                std::str::from_utf8(&canonical(&serde_json::json!({"hash": hash, "record": value})).unwrap())
                    .unwrap(),
            )
        };
        insta::assert_snapshot!(of_schema(2), @"it is written in form 2, and this version reads form 1");
        insta::assert_snapshot!(of_schema(0), @"it is written in form 0, and this version reads form 1");
    }

    static LINE: LazyLock<Vec<u8>> = LazyLock::new(|| record(Some("NO")).seal(None).unwrap().line);
    static CHAIN: LazyLock<Vec<Sealed>> = LazyLock::new(|| chain(6));

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Any byte of a record: changed, taken out, put in.
        #[test]
        fn no_byte_of_a_record_is_changed_unseen(at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3) {
            let mut line = LINE.clone();
            let at = at.index(line.len());
            match how {
                0 => line[at] = byte,
                1 => drop(line.remove(at)),
                _ => line.insert(at, byte),
            }
            prop_assert_eq!(Sealed::read(&line).is_ok(), line == *LINE);
        }

        /// One record of a chain: changed and sealed anew, taken out, or put elsewhere.
        #[test]
        fn no_record_of_a_chain_is_changed_unseen(at in 0_usize..5, to in 0_usize..5, how in 0..3) {
            let mut records = CHAIN.clone();
            let changed = match how {
                0 => {
                    records[at].record.run = None;
                    let previous = at.checked_sub(1).map(|before| records[before].clone());
                    records[at] = records[at].record.clone().seal(previous.as_ref()).unwrap();
                    true
                }
                1 => { records.remove(at); at > 0 }
                _ => { records.swap(at, to); at != to }
            };
            prop_assert_eq!(broken_link(&records).is_some(), changed);
        }
    }
}
