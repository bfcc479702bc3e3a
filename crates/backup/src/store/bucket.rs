//! Backups in S3.
//!
//! Each file is put only where none is, with its SHA-256 for S3 to check, and the manifest last. It takes the permissions
//! `s3:PutObject` (with a retention `s3:PutObjectTagging`, with KMS `kms:GenerateDataKey`) to export, `s3:ListBucket` and
//! `s3:GetObject` (with KMS `kms:Decrypt`) to read.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sluice_aws::Aws;
use sluice_core::{Context, Problem};
use sluice_http::{BodyLimit, CONNECT_TIMEOUT, Client, HeaderValue, Options, Proxies, Response};
use sluice_sigv4::{
    Access, Call, Endpoints, InvalidAccess, ObjectList, PutObject, Reason, Refusal, accept, is_transient,
};

use super::{Marks, Spool};
use crate::manifest::{self, Entry};

/// How long one call may be tried.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many calls are made at once.
const AT_ONCE: usize = 8;
/// The largest file: etcd takes objects of 1.5 MiB, and a manifest has a few hundred bytes an object.
const LARGEST: usize = 64 << 20;
/// The tag that a lifecycle rule goes by.
const RETENTION: &str = "sluice-retention";

pub(crate) struct Bucket<'a> {
    name: String,
    prefix: String,
    client: Client,
    access: Access,
    cx: &'a Context,
}

impl<'a> Bucket<'a> {
    /// Finds credentials and region as the AWS CLI does.
    pub(super) async fn open(
        name: String,
        prefix: String,
        network: &Options,
        cx: &'a Context,
    ) -> Result<Self, Problem> {
        let variable = |name: &str| cx.variable(name).map(str::to_owned);
        let bundle = variable("AWS_CA_BUNDLE").map(Into::into);
        let options = Options { ca_file: network.ca_file.clone().or(bundle) };
        let client = Proxies::from_lookup(variable)
            .and_then(|proxies| Client::new(&options, &proxies, CONNECT_TIMEOUT))
            .map_err(|error| Problem::misconfigured("could not use the network").why(error))?;
        let now = cx.now();
        let connect = sluice_aws::Access { client: client.clone(), region: None, variable: &variable, now };
        let aws = Aws::connect(connect).await?;
        let region = aws.region().ok_or(InvalidAccess::NoRegion)?;
        let access = Access::new(aws.credentials().await?, region, Endpoints::from_lookup(variable)?)?;
        access.secrets().for_each(|secret| cx.mask(secret));
        Ok(Self { name, prefix, client, access, cx })
    }

    /// Puts the files of a manifest, then it itself.
    pub(super) async fn keep(
        &self,
        spool: &Spool<'_>,
        files: &[Entry],
        manifest: &[u8],
        marks: &Marks,
    ) -> Result<(), Problem> {
        let puts = files.iter().map(|Entry { path, .. }| async move {
            let content = spool.read(path)?;
            self.put(path, &content, marks).await
        });
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        self.put(manifest::FILE, manifest, marks).await
    }

    async fn put(&self, path: &str, content: &[u8], marks: &Marks) -> Result<(), Problem> {
        let mut put = PutObject::new(&self.name, &self.key(path), content.to_vec())
            .ok_or_else(|| self.no_bucket())?
            .content_type(HeaderValue::from_static("application/octet-stream"))
            .only_new();
        if let Some(encryption) = &marks.encryption {
            put = put.encrypted(encryption);
        }
        if let Some(retention) = &marks.retention {
            put = put.tagged([(RETENTION, retention.as_str())]);
        }
        match self.send(&put.call()).await? {
            Ok(response) => self.check(path, &response, marks),
            // Put by a try whose answer was lost, or by another export: the content tells.
            Err(refusal) if refusal.reason() == Reason::Exists => {
                if self.read(path).await? == content {
                    return Ok(());
                }
                Err(Problem::undecided(format!("could not keep {}", self.place(path)))
                    .why("another export writes to the same place")
                    .help("give each export a prefix of its own"))
            }
            Err(refusal) => Err(self.refused("keep", path, &refusal)),
        }
    }

    /// Whether S3 did as it was told.
    fn check(&self, path: &str, response: &Response, marks: &Marks) -> Result<(), Problem> {
        let Some(expected) = marks.encryption.as_ref().map(sluice_sigv4::Encryption::name) else {
            return Ok(());
        };
        match response.header("x-amz-server-side-encryption") {
            Some(found) if found == expected => Ok(()),
            found => {
                Err(Problem::undecided(format!("{} is not encrypted as it was asked for", self.place(path)))
                    .why(format!("asked for {expected}, S3 says {}", found.unwrap_or("nothing"))))
            }
        }
    }

    pub(super) async fn paths(&self) -> Result<Vec<String>, Problem> {
        let (mut paths, mut after) = (Vec::new(), None);
        loop {
            let call = Call::list_objects(&self.name, &self.prefix, after.as_deref())
                .ok_or_else(|| self.no_bucket())?;
            let answer = self.send(&call).await?.map_err(|refusal| self.refused("list", "", &refusal))?;
            let list = ObjectList::read(&answer.body)
                .map_err(|why| Problem::undecided(format!("could not list {}", self.place(""))).why(why))?;
            // A folder that someone made by hand in a console is an object of its own, with nothing in it.
            let keys = list.keys.iter().filter(|key| !key.ends_with('/'));
            paths.extend(keys.filter_map(|key| key.strip_prefix(&self.prefix)).map(str::to_owned));
            match list.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        paths.sort();
        Ok(paths)
    }

    pub(super) async fn read(&self, path: &str) -> Result<Vec<u8>, Problem> {
        let call = Call::get_object(&self.name, &self.key(path)).ok_or_else(|| self.no_bucket())?;
        match self.send(&call).await? {
            Ok(response) => Ok(response.body.to_vec()),
            Err(refusal) => Err(self.refused("read", path, &refusal)),
        }
    }

    async fn send(&self, call: &Call) -> Result<Result<Response, Refusal>, Problem> {
        let could_not = |why: &dyn std::fmt::Display| {
            Problem::undecided(format!("could not reach {}", self.place(""))).why(why)
        };
        let request = self
            .access
            .sign(call, self.cx.now())
            .map_err(|error| could_not(&error))?
            .timeout(PATIENCE)
            .body_limit(BodyLimit::Fail(LARGEST));
        let deadline = Instant::now() + PATIENCE;
        let tried = self.client.send_with_retry(request, &<_>::default(), deadline, is_transient).await;
        Ok(accept(tried.outcome.map_err(|error| could_not(&error))?))
    }

    fn refused(&self, what: &str, path: &str, refusal: &Refusal) -> Problem {
        let problem = Problem::undecided(format!("could not {what} {}", self.place(path))).why(refusal);
        match refusal.reason() {
            Reason::Denied { .. } => problem.help(
                "let the role have s3:PutObject to export (s3:PutObjectTagging for a retention), s3:GetObject and s3:ListBucket to read, and the key of KMS",
            ),
            _ => problem,
        }
    }

    fn no_bucket(&self) -> Problem {
        Problem::misconfigured(format!("no bucket of S3 can be called \"{}\"", self.name))
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    fn place(&self, path: &str) -> String {
        format!("s3://{}/{}{path}", self.name, self.prefix)
    }
}
