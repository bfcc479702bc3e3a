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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_core::Verdict;
    use sluice_gate::record::broken_link;
    use sluice_moto::{Moto, REGION};

    use super::{super::tests::record, *};
    use crate::network::Access as NetworkAccess;

    fn moto() -> Moto {
        let moto = Moto::start();
        moto.bucket("shop-records");
        moto
    }

    fn bucket(retention: Option<Duration>) -> Bucket {
        Bucket { name: "shop-records".into(), prefix: "gate/".into(), retention }
    }

    #[expect(clippy::disallowed_methods, reason = "moto has the time of this machine")]
    fn now() -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn context(moto: &Moto) -> Context {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "AK"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", REGION),
            ("AWS_ENDPOINT_URL", &moto.endpoint()),
        ];
        Context::new(variables.into_iter().collect(), "/", now)
    }

    fn add(moto: &Moto, bucket: &Bucket, run: &str) -> Result<Kept, Problem> {
        let cx = context(moto);
        let access = NetworkAccess::default();
        let network = Network::new(&cx, &access);
        cx.block_on(append(bucket, &record(run), &cx, &network)).unwrap()
    }

    /// The answer to a call of our own.
    fn call(moto: &Moto, call: &Call) -> Result<Response, Refusal> {
        let cx = context(moto);
        let access = NetworkAccess::default();
        let network = Network::new(&cx, &access);
        let signer = Access::from_lookup(|name| cx.variable(name).map(str::to_owned), None).unwrap();
        let request = signer.sign(call, cx.now()).unwrap();
        let client = network.client().unwrap();
        accept(cx.block_on(client.send(request)).unwrap().unwrap())
    }

    fn object(moto: &Moto, number: u64) -> Response {
        let key = format!("gate/production/{}", name(number));
        call(moto, &Call::get_object("shop-records", &key).unwrap()).unwrap()
    }

    fn records(moto: &Moto, count: u64) -> Vec<Sealed> {
        (1..=count).map(|number| Sealed::read(&object(moto, number).body).unwrap()).collect()
    }

    #[test]
    fn records_are_put_behind_each_other_and_the_last_is_found_among_many() {
        let moto = moto();
        let mut kept = Vec::new();
        for run in 0..11 {
            kept.push(add(&moto, &bucket(None), &run.to_string()).unwrap());
        }
        let records = records(&moto, 11);
        assert_eq!(broken_link(&records), None);
        assert_eq!(kept[10].location, "s3://shop-records/gate/production/00000011.json");
        assert_eq!(kept[10].hash, records[10].hash);
        assert_eq!(records[10].record.run.as_deref(), Some("10"));
    }

    #[test]
    fn of_many_at_once_none_is_lost() {
        let moto = moto();
        std::thread::scope(|scope| {
            for run in 0..5 {
                let moto = &moto;
                scope.spawn(move || add(moto, &bucket(None), &run.to_string()).unwrap());
            }
        });
        let records = records(&moto, 5);
        assert_eq!(broken_link(&records), None);
        let mut runs: Vec<_> = records.into_iter().map(|sealed| sealed.record.run.unwrap()).collect();
        runs.sort();
        assert_eq!(runs, ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn an_object_is_held_for_a_time_and_never_replaced() {
        let moto = moto();
        add(&moto, &bucket(Some(Duration::from_hours(24))), "one").unwrap();
        let response = object(&moto, 1);
        assert_eq!(response.header("x-amz-object-lock-mode"), Some("COMPLIANCE"));
        let until = response.header("x-amz-object-lock-retain-until-date").unwrap();
        let until: jiff::Timestamp = until.parse().unwrap();
        let left = until.duration_since(now());
        assert!((23..=24).contains(&left.as_hours()), "{until}");

        let again = PutObject::new("shop-records", "gate/production/00000001.json", "{}").unwrap();
        let refusal = call(&moto, &again.only_new().call()).unwrap_err();
        assert_eq!(refusal.reason(), Reason::Exists);
        assert_eq!(records(&moto, 1).len(), 1);
    }

    #[test]
    fn a_put_whose_reply_was_lost_is_found_again() {
        let moto = moto();
        add(&moto, &bucket(None), "one").unwrap();
        let first = records(&moto, 1).remove(0);
        let second = record("two").seal(Some(&first)).unwrap();
        let key = format!("gate/production/{}", name(2));
        call(&moto, &PutObject::new("shop-records", &key, second.line).unwrap().call()).unwrap();
        // As it is for who puts it: not there when looked for, there when put.
        let body = "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>";
        moto.answer(
            &json!({"to": format!("GET /shop-records/{key}"), "status": 404, "body": body, "times": 1}),
        );
        let kept = add(&moto, &bucket(None), "two").unwrap();
        assert_eq!((kept.hash, kept.location), (second.hash, format!("s3://shop-records/{key}")));
        let third = format!("gate/production/{}", name(3));
        assert!(call(&moto, &Call::get_object("shop-records", &third).unwrap()).is_err());
    }

    #[test]
    fn a_put_that_fails_for_a_moment_is_tried_again() {
        let moto = moto();
        let to = format!("PUT /shop-records/gate/production/{}", name(1));
        moto.answer(&json!({"to": to, "status": 503, "body": "", "times": 1}));
        let kept = add(&moto, &bucket(None), "one").unwrap();
        assert_eq!(records(&moto, 1)[0].hash, kept.hash);
    }

    #[test]
    fn faults_are_no_record() {
        let moto = moto();
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        for (to, status, code) in [
            ("GET", 403, "AccessDenied"),
            ("GET", 404, "NoSuchBucket"),
            ("GET", 404, ""),
            ("GET", 200, ""),
            ("PUT", 403, "AccessDenied"),
            ("PUT", 400, "InvalidRequest"),
        ] {
            let to = format!("{to} /shop-records/gate/production/00000001.json");
            moto.answer(&json!({"to": to, "status": status, "body": error(code), "times": 1}));
            let problem = add(&moto, &bucket(None), "one").unwrap_err();
            assert_eq!(problem.verdict, Verdict::Undecided, "{to} {status} {code}");
        }
    }

    #[test]
    fn what_is_no_chain_is_not_gone_on_with() {
        let moto = moto();
        let of_another_place = record("one").seal(None).unwrap().line;
        for (number, content) in [(1, b"{}".to_vec()), (2, of_another_place)] {
            let moto = if number == 1 { &moto } else { &self::moto() };
            if number == 2 {
                add(moto, &bucket(None), "one").unwrap();
            }
            let key = format!("gate/production/{}", name(number));
            call(moto, &PutObject::new("shop-records", &key, content).unwrap().call()).unwrap();
            let problem = add(moto, &bucket(None), "two").unwrap_err();
            assert_eq!(problem.verdict, Verdict::Undecided);
            assert!(problem.what.contains(&name(number)), "{problem}");
        }
    }
}
