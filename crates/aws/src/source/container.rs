//! The agent beside a container: that of ECS, and EKS Pod Identity.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use std::{net::IpAddr, path::PathBuf};

use sluice_core::Secret;
use sluice_http::{HeaderValue, Request, Url, header};

use super::{Issued, Surroundings, metadata};
use crate::{Aws, Error};

/// Where the agent is, and what it wants to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    url: Url,
    authorization: Option<Authorization>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Authorization {
    /// A file, which the agent's keeper writes anew before its content ends.
    File(PathBuf),
    Value(Secret),
}

const AGENT: &str = "the container's credential agent";
const HELP: &str = "see what the agent says: whether a role is given to this task or pod";

/// The agents of ECS and of EKS, which answer without TLS.
const AGENTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

impl Container {
    pub(super) fn find(surroundings: &Surroundings<'_>) -> Result<Option<Self>, Error> {
        let variable = |name: &str| surroundings.variable(name);
        let address = match variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) => Some(format!("http://{}{path}", AGENTS[0])),
            None => variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        };
        let Some(address) = address else { return Ok(None) };
        let help = "correct AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI";
        let url = agent(&address).map_err(|why| metadata::failed(AGENT, &why, help))?;
        let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(PathBuf::from);
        let value = || variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new);
        let authorization = file.map(Authorization::File).or_else(|| value().map(Authorization::Value));
        Ok(Some(Self { url, authorization }))
    }

    pub(super) async fn issue(&self, aws: &Aws) -> Result<Issued, Error> {
        self.ask(aws).await.map_err(|why| metadata::failed(AGENT, &why, HELP))
    }

    async fn ask(&self, aws: &Aws) -> Result<Issued, String> {
        let client = if is_https(&self.url) { aws.client().clone() } else { metadata::direct()? };
        let mut request = Request::get(self.url.clone());
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.value()?);
        }
        metadata::issued(&metadata::ask(&client, request).await?)
    }
}

impl Authorization {
    fn value(&self) -> Result<HeaderValue, String> {
        let text = match self {
            Self::Value(value) => value.expose().to_owned(),
            Self::File(file) => std::fs::read_to_string(file)
                .map_err(|error| format!("its token in {} can't be read: {error}", file.display()))?,
        };
        let mut value =
            HeaderValue::from_str(text.trim()).map_err(|_| "its token is no header's value".to_owned())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// The agent's address.
fn agent(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    if may_be_told(&url) {
        return Ok(url);
    }
    Err(format!("{} is neither https nor the container's own: it could be anyone", url.origin()))
}

/// Whether a token and credentials may go this way: over TLS, or to what is as near as the machine itself.
fn may_be_told(url: &Url) -> bool {
    let is_near = || match url.host().parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || AGENTS.iter().any(|agent| agent.parse() == Ok(address)),
        Err(_) => url.host().eq_ignore_ascii_case("localhost"),
    };
    is_https(url) || is_near()
}

fn is_https(url: &Url) -> bool {
    url.origin().starts_with("https:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_no_stranger() {
        let may = |url: &str| may_be_told(&Url::parse(url).unwrap());
        for near in [
            "http://169.254.170.2/v2/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://127.0.0.1:9000/x",
            "http://[::1]/x",
            "http://localhost/x",
            "https://agent.example.com/x",
        ] {
            assert!(may(near), "{near}");
        }
        for stranger in [
            "http://169.254.170.2.evil.example/x",
            "http://169.254.169.254/x",
            "http://agent.example.com/x",
            "http://[fd00:ec2::24]/x",
            "http://localhost.evil.example/",
        ] {
            assert!(!may(stranger), "{stranger}");
        }
    }
}
