//! The metadata service of an EC2 machine, by its second version.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use sluice_http::{Client, HeaderName, HeaderValue, Method, Request, Response, Url};

use super::{Issued, SIGN_IN, Surroundings, metadata};
use crate::Error;

/// Where the metadata service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    base: Url,
}

const SERVICE: &str = "neither the environment nor a profile holds or names any, and the machine's metadata service does not either";
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

/// How long the session with the service may last, in seconds: it is for the calls of one go.
const SESSION: HeaderValue = HeaderValue::from_static("60");
const SESSION_HEADER: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");

/// A session with the service, without which it tells nothing.
struct Session {
    client: Client,
    token: HeaderValue,
}

impl Machine {
    /// `None` when it is not to be asked.
    pub(super) fn find(surroundings: &Surroundings<'_>) -> Result<Option<Self>, Error> {
        let variable = |name: &str| surroundings.variable(name);
        let says =
            |name: &str, word: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        if says("AWS_EC2_METADATA_DISABLED", "true") {
            return Ok(None);
        }
        let usual = if says("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6") { IPV6 } else { IPV4 };
        let base = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| usual.to_owned());
        let base = Url::parse(base.trim_end_matches('/')).map_err(|error| {
            Error::no_credentials(error.to_string(), "correct AWS_EC2_METADATA_SERVICE_ENDPOINT")
        })?;
        Ok(Some(Self { base }))
    }

    pub(super) async fn issue(&self) -> Result<Issued, Error> {
        self.role_s().await.map_err(|why| metadata::failed(SERVICE, &why, SIGN_IN))
    }

    pub(super) async fn region(&self) -> Result<String, String> {
        let session = self.session().await?;
        text(&self.get(&session, "/latest/meta-data/placement/region").await?)
    }

    /// The credentials of the role that the machine has.
    async fn role_s(&self) -> Result<Issued, String> {
        const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
        let session = self.session().await?;
        let role = text(&self.get(&session, ROLES).await?)?;
        metadata::issued(&self.get(&session, &format!("{ROLES}{role}")).await?)
    }

    async fn session(&self) -> Result<Session, String> {
        let client = metadata::direct()?;
        let request =
            Request::new(Method::PUT, self.url("/latest/api/token")?).header(SESSION_HEADER, SESSION);
        let answer = metadata::ask(&client, request).await?;
        let mut token = HeaderValue::from_str(&text(&answer)?)
            .map_err(|_| "its token is no header's value".to_owned())?;
        token.set_sensitive(true);
        Ok(Session { client, token })
    }

    async fn get(&self, session: &Session, path: &str) -> Result<Response, String> {
        let request = Request::get(self.url(path)?).header(TOKEN_HEADER, session.token.clone());
        metadata::ask(&session.client, request).await
    }

    fn url(&self, path: &str) -> Result<Url, String> {
        Url::parse(&format!("{}{path}", self.base.reveal().trim_end_matches('/')))
            .map_err(|error| error.to_string())
    }
}

/// The one line of an answer.
fn text(answer: &Response) -> Result<String, String> {
    let text = std::str::from_utf8(&answer.body).ok().map(str::trim);
    let line = text.and_then(|text| text.lines().next()).filter(|line| !line.is_empty());
    line.map(str::to_owned).ok_or_else(|| "it answered without a word".to_owned())
}
