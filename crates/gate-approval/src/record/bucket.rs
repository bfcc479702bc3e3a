//! Records in a bucket of S3, one object a record, each put there once.
//!
//! A record's key is its number. An object is put only where none is: of two that want to be the next one,
//! S3 takes one and the other comes after it. Numbers have no gaps, so the last one is found by looking
//! ahead in steps that double, then halve: a dozen requests for a thousand records.
//!
//! It takes the permissions `s3:PutObject`, `s3:GetObject` and `s3:ListBucket` (without the last S3 does
//! not tell an object that is not there from one that may not be read), and `s3:PutObjectRetention` to hold
//! records for a time: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>.

use std::time::{Duration, Instant};

use sluice_core::{Context, Problem};
use sluice_gate::record::{Record, Sealed};
use sluice_http::{Client, HeaderValue, Response};
use sluice_sigv4::{Access, Call, Lock, PutObject, Reason, Refusal, accept, is_transient};

use super::{Bucket, Kept, TRIES, broken, folder, name, outrun, sealed, step_back};
use crate::network::Network;

/// How long one call may be tried.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn append(
    bucket: &Bucket,
    record: &Record,
    cx: &Context,
    network: &Network<'_>,
) -> Result<Kept, Problem> {
    let access = Access::from_lookup(|name| cx.variable(name).map(str::to_owned), None)?;
    access.secrets().for_each(|secret| cx.mask(secret));
    let folder = format!("{}{}/", bucket.prefix, folder(&record.question.environment));
    let chain = Chain { client: network.client()?, access, cx, bucket, folder };
    chain.append(record).await
}

struct Chain<'a> {
    client: Client,
    access: Access,
    cx: &'a Context,
    bucket: &'a Bucket,
    /// Ends with a slash.
    folder: String,
}

impl Chain<'_> {
    async fn append(&self, record: &Record) -> Result<Kept, Problem> {
        let mut last = self.last().await?;
        for tries in 1..=TRIES {
            let sealed = sealed(record, last.as_ref())?;
            let number = sealed.record.number;
            match self.put(&sealed).await {
                Ok(()) => return Ok(Kept { location: self.address(number), hash: sealed.hash }),
                Err(refusal) if refusal.reason() == Reason::Exists => {}
                Err(refusal) => return Err(self.refused("put a record into", &refusal)),
            }
            match self.get(number).await? {
                // A try before had its effect, and its reply was lost.
                Some(there) if there.hash == sealed.hash => {
                    return Ok(Kept { location: self.address(number), hash: sealed.hash });
                }
                Some(there) => last = Some(there),
                // Someone is putting it there right now, and may yet fail.
                None => {}
            }
            step_back(tries).await;
        }
        Err(outrun(&self.place()))
    }

    /// The last record.
    async fn last(&self) -> Result<Option<Sealed>, Problem> {
        let Some(mut last) = self.get(1).await? else { return Ok(None) };
        // The first number that was looked for in vain.
        let mut end = None;
        loop {
            let known = last.record.number;
            let next = match end {
                None => known.saturating_mul(2),
                Some(end) if end - known == 1 => return Ok(Some(last)),
                Some(end) => known.midpoint(end),
            };
            match self.get(next).await? {
                Some(record) => last = record,
                None => end = Some(next),
            }
        }
    }

    async fn get(&self, number: u64) -> Result<Option<Sealed>, Problem> {
        let key = self.key(number);
        let call = Call::get_object(&self.bucket.name, &key).ok_or_else(|| self.no_bucket())?;
        match self.send(&call).await? {
            Ok(response) => {
                let place = self.address(number);
                let sealed = Sealed::read(&response.body).map_err(|error| broken(&place, &error))?;
                if sealed.record.number == number {
                    return Ok(Some(sealed));
                }
                let why = format!("it holds the record number {}", sealed.record.number);
                Err(Problem::undecided(format!("could not go on with the records in {place}")).why(why))
            }
            // A bucket that is not there is no empty one.
            Err(refusal) if refusal.code.as_deref() == Some("NoSuchKey") => Ok(None),
            Err(refusal) => Err(self.refused("read the records in", &refusal)),
        }
    }

    async fn put(&self, sealed: &Sealed) -> Result<(), Refusal> {
        let refused = |why: &str| Refusal::new(None, None, Some(why));
        let key = self.key(sealed.record.number);
        let body = [&sealed.line[..], b"\n"].concat();
        let object = PutObject::new(&self.bucket.name, &key, body)
            .ok_or_else(|| refused("no bucket is called so"))?
            .content_type(HeaderValue::from_static("application/json"))
            .only_new();
        let object = match self.bucket.retention {
            Some(time) => {
                let until = self.cx.now().checked_add(time).map_err(|error| refused(&error.to_string()))?;
                object.locked(Lock::Compliance(until))
            }
            None => object,
        };
        self.send(&object.call()).await.map_err(|problem| refused(&problem.to_string()))?.map(|_| ())
    }

    async fn send(&self, call: &Call) -> Result<Result<Response, Refusal>, Problem> {
        let could_not = |why: &dyn std::fmt::Display| {
            Problem::undecided(format!("could not reach {}", self.place())).why(why)
        };
        let request = self.access.sign(call, self.cx.now()).map_err(|error| could_not(&error))?;
        let deadline = Instant::now() + PATIENCE;
        let tried = self.client.send_with_retry(request, &<_>::default(), deadline, is_transient).await;
        Ok(accept(tried.outcome.map_err(|error| could_not(&error))?))
    }

    fn refused(&self, what: &str, refusal: &Refusal) -> Problem {
        let problem = Problem::undecided(format!("could not {what} {}", self.place())).why(refusal);
        match refusal.reason() {
            Reason::Denied { .. } => {
                problem.help("let the role have s3:PutObject, s3:GetObject and s3:ListBucket, and s3:PutObjectRetention to hold records for a time")
            }
            _ => problem,
        }
    }

    fn no_bucket(&self) -> Problem {
        Problem::misconfigured(format!("no bucket of S3 can be called \"{}\"", self.bucket.name))
    }

    fn key(&self, number: u64) -> String {
        format!("{}{}", self.folder, name(number))
    }

    fn address(&self, number: u64) -> String {
        format!("s3://{}/{}", self.bucket.name, self.key(number))
    }

    /// The chain, for people.
    fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket.name, self.folder)
    }
}
