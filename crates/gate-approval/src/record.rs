//! Keeps the record of a decision where it was asked to be kept: in a `file`, on a `branch`, in a `bucket`.
//!
//! Wherever that is, records are only ever added, each behind the last one there. Who adds at the same
//! time as others reads the last one again and comes after it: no record is lost, and none has two after it.

mod branch;
mod bucket;
mod file;

use std::{path::PathBuf, time::Duration};

use sluice_core::{Context, Period, Problem};
use sluice_gate::record::{Record, Sealed, Unreadable};

use crate::network::Network;

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A file, one record a line.
    File(PathBuf),
    /// A branch of this repository, one file a record.
    Branch(String),
    /// A bucket of S3, one object a record.
    Bucket(Bucket),
}

/// A bucket of S3, and how it holds records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    name: String,
    /// Empty, or ends with a slash.
    prefix: String,
    /// How long nobody can remove a record.
    retention: Option<Duration>,
}

/// A record that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Where.
    pub(crate) location: String,
    /// Its hash, `sha256:...`.
    pub(crate) hash: String,
}

impl Destination {
    /// Reads `FILE`, `branch:NAME` or `s3://BUCKET/PREFIX`.
    pub(crate) fn new(text: &str, retention: Option<Period>, cx: &Context) -> Result<Self, Problem> {
        let wrong = |why: &str| {
            Problem::misconfigured(format!("records can't go to \"{text}\""))
                .why(why)
                .help("write a file, `branch:NAME` or `s3://BUCKET/PREFIX`")
        };
        let destination = if let Some(address) = text.strip_prefix("s3://") {
            let (name, prefix) = address.split_once('/').unwrap_or((address, ""));
            let prefix = prefix.trim_matches('/');
            if name.is_empty() {
                return Err(wrong("it names no bucket"));
            }
            Self::Bucket(Bucket {
                name: name.to_owned(),
                prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
                retention: retention.map(|retention| retention.0),
            })
        } else if let Some(branch) = text.strip_prefix("branch:") {
            if branch.is_empty() {
                return Err(wrong("it names no branch"));
            }
            Self::Branch(branch.to_owned())
        } else if text.contains("://") {
            return Err(wrong("only S3 has an address that is known here"));
        } else {
            Self::File(cx.folder().join(text))
        };
        if retention.is_some() && !matches!(destination, Self::Bucket(_)) {
            return Err(Problem::misconfigured("only a bucket of S3 can hold records for a time")
                .why(format!("records go to {text}"))
                .help("leave the retention out, or let them go to `s3://BUCKET/PREFIX`"));
        }
        Ok(destination)
    }

    /// Puts a record behind the last one there.
    pub(crate) async fn keep(
        &self,
        record: &Record,
        cx: &Context,
        network: &Network<'_>,
    ) -> Result<Kept, Problem> {
        match self {
            Self::File(path) => file::append(path, record, cx),
            Self::Branch(branch) => branch::append(branch, record, cx, network).await,
            Self::Bucket(bucket) => bucket::append(bucket, record, cx, network).await,
        }
    }
}

/// How often it is tried to be the next one.
const TRIES: u32 = 20;

/// Waits a little, longer with each try, and no two alike.
async fn step_back(tries: u32) {
    let longest = Duration::from_millis(100).saturating_mul(tries.min(10));
    tokio::time::sleep(longest.mul_f64(sluice_http::jitter())).await;
}

/// Others were faster every time.
fn outrun(place: &str) -> Problem {
    Problem::undecided(format!("could not add a record to {place}"))
        .why(format!("others added theirs first, {TRIES} times"))
        .help("run the gate again")
}

/// What is there is no chain to go on with.
fn broken(place: &str, why: &Unreadable) -> Problem {
    Problem::undecided(format!("could not go on with the records in {place}"))
        .why(why)
        .help("see what happened to it (`gate-approval verify`), and begin a new chain elsewhere")
}

fn sealed(record: &Record, last: Option<&Sealed>) -> Result<Sealed, Problem> {
    let sealed = record.clone().seal(last);
    sealed.map_err(|error| Problem::undecided("could not write the record").why(error))
}

/// The name of a record's file: in the order of numbers.
fn name(number: u64) -> String {
    format!("{number:08}.json")
}

/// An environment's name as that of a folder: what may mean something to a file system is encoded.
fn folder(environment: &str) -> String {
    let mut folder = String::new();
    for byte in environment.bytes() {
        let is_plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_')
            || (byte == b'.' && !folder.is_empty());
        if is_plain {
            folder.push(char::from(byte));
        } else {
            folder.extend(format!("%{byte:02X}").chars());
        }
    }
    folder
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sluice_gate::{Question, record::policy_digest};

    use super::*;

    /// A record of a decision about nothing.
    pub(super) fn record(run: &str) -> Record {
        let question = Question { policy: policy_digest([]).unwrap(), ..crate::condition::tests::question() };
        Record::new(question, Some(run.into()), Vec::new())
    }

    #[test]
    fn a_destination_is_a_file_a_branch_or_a_bucket() {
        let cx = crate::condition::tests::context(Path::new("/repository"));
        let year = Some(Period(Duration::from_hours(24 * 365)));
        let read = |text: &str, retention| Destination::new(text, retention, &cx);
        let bucket = |name: &str, prefix: &str, retention| {
            Destination::Bucket(Bucket { name: name.into(), prefix: prefix.into(), retention })
        };
        assert_eq!(read("a/b.jsonl", None), Ok(Destination::File("/repository/a/b.jsonl".into())));
        assert_eq!(read("/tmp/b.jsonl", None), Ok(Destination::File("/tmp/b.jsonl".into())));
        assert_eq!(read("branch:audit/log", None), Ok(Destination::Branch("audit/log".into())));
        assert_eq!(read("s3://shop", None), Ok(bucket("shop", "", None)));
        assert_eq!(read("s3://shop/", None), Ok(bucket("shop", "", None)));
        assert_eq!(
            read("s3://shop/a/b/", year),
            Ok(bucket("shop", "a/b/", Some(Duration::from_hours(24 * 365))))
        );
        for (text, retention) in [
            ("s3://", None),
            ("s3:///a", None),
            ("branch:", None),
            ("https://example.com", None),
            ("gs://a/b", None),
            ("a.jsonl", year),
            ("branch:a", year),
        ] {
            assert_eq!(
                read(text, retention).unwrap_err().verdict,
                sluice_core::Verdict::Misconfigured,
                "{text}"
            );
        }
    }

    #[test]
    fn an_environment_is_one_folder() {
        assert_eq!(folder("production"), "production");
        assert_eq!(folder("eu-west_1.b"), "eu-west_1.b");
        assert_eq!(folder("../a/b"), "%2E%2E%2Fa%2Fb".replace("%2E%2E", "%2E."));
        assert_eq!(folder("é %"), "%C3%A9%20%25");
        assert_eq!(folder("."), "%2E");
        assert_eq!(name(7), "00000007.json");
    }
}
