//! Roles, which STS gives credentials for.

use std::path::PathBuf;

use roxmltree::{Document, Node};
use sluice_core::Secret;
use sluice_http::Response;
use sluice_sigv4::{Access, Call, Service};

use super::{Issued, Source};
use crate::{Aws, Error};

/// A role that trusts the token of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebIdentity {
    pub(super) arn: String,
    /// The file with the token, which may be written anew while we run.
    pub(super) token: PathBuf,
    pub(super) session: Option<String>,
}

/// A role that trusts who has other credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(super) arn: String,
    pub(super) session: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) by: Box<Source>,
}

/// The version of STS's API: <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>.
const VERSION: &str = "2011-06-15";
/// What a session is called that nobody named: it stands in the trail of AWS.
const SESSION: &str = "sluice";

impl WebIdentity {
    pub(super) async fn issue(&self, aws: &Aws) -> Result<Issued, Error> {
        const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
        let token = std::fs::read_to_string(&self.token).map(Secret::new).map_err(|error| {
            let file = self.token.display();
            Error::no_credentials(
                format!("the token in {file} (AWS_WEB_IDENTITY_TOKEN_FILE) can't be read: {error}"),
                "let the step that writes the token run in this job, before this one",
            )
        })?;
        let session = self.session.as_deref().unwrap_or(SESSION);
        let parameters = [
            ("RoleArn", self.arn.as_str()),
            ("RoleSessionName", session),
            ("WebIdentityToken", token.expose().trim()),
        ];
        let call = Call::query(Service::STS, "AssumeRoleWithWebIdentity", VERSION, parameters).repeatable();
        let request =
            aws.endpoints().unsigned(&call, region(aws)?).map_err(|error| Error::of(ACTION, &error))?;
        let answer = aws.send(ACTION, request).await.map_err(|error| {
            refused(error, &self.arn, "let its trust policy trust this job's token: compare `sub` and `aud`")
        })?;
        issued(ACTION, &answer)
    }
}

impl Role {
    pub(super) async fn issue(&self, aws: &Aws) -> Result<Issued, Error> {
        const ACTION: &str = "sts:AssumeRole";
        let session = self.session.as_deref().unwrap_or(SESSION);
        let mut parameters = vec![("RoleArn", self.arn.as_str()), ("RoleSessionName", session)];
        parameters.extend(self.external_id.as_deref().map(|id| ("ExternalId", id)));
        let call = Call::query(Service::STS, "AssumeRole", VERSION, parameters).repeatable();
        // A role may be taken on by another, and that by another.
        let keys = Box::pin(self.by.issue(aws)).await?.keys;
        let access = Access::new(keys, region(aws)?, aws.endpoints().clone())?;
        let request = access.sign(&call, aws.now()).map_err(|error| Error::of(ACTION, &error))?;
        let answer = aws.send(ACTION, request).await.map_err(|error| {
            refused(
                error,
                &self.arn,
                "let its trust policy trust who takes it on, and that one's policy allow sts:AssumeRole",
            )
        })?;
        issued(ACTION, &answer)
    }
}

/// The region whose STS is asked.
fn region(aws: &Aws) -> Result<&str, Error> {
    aws.region().ok_or_else(|| {
        Error::no_credentials(
            "a role is to be taken on, and no region is named whose STS to ask",
            "set AWS_REGION",
        )
    })
}

/// A refusal for good is that of the role; anything else may be of the day.
fn refused(error: Error, arn: &str, help: &str) -> Error {
    match error {
        Error::Denied { refusal, .. } | Error::NotFound(refusal) => {
            Error::no_credentials(format!("the role {arn} can't be taken on: {refusal}"), help)
        }
        other => other,
    }
}

/// Reads the credentials of an answer. What is wrong with it is told without them.
fn issued(action: &str, answer: &Response) -> Result<Issued, Error> {
    let incomplete = || Error::incomplete(action, "credentials");
    let text = std::str::from_utf8(&answer.body).map_err(|_| incomplete())?;
    let document = Document::parse(text).map_err(|_| incomplete())?;
    let credentials = document.descendants().find(|node| node.tag_name().name() == "Credentials");
    credentials.and_then(read).ok_or_else(incomplete)
}

fn read(credentials: Node<'_, '_>) -> Option<Issued> {
    let field = |name: &str| {
        let child = credentials.children().find(|child| child.tag_name().name() == name)?;
        child.text().map(str::trim).filter(|text| !text.is_empty())
    };
    let expires = field("Expiration")?.parse().ok()?;
    Some(Issued::new(field("AccessKeyId")?, field("SecretAccessKey")?, field("SessionToken")?, expires))
}
