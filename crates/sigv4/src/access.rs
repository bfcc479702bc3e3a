//! Whose calls they are, and where they go: what the environment says of AWS.

use sluice_core::{Problem, Secret};

use crate::Endpoints;

/// The keys that sign calls. `Debug` prints no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id, which is no secret.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: Secret,
    /// What makes the keys of an assumed role good; keys of a user have none.
    pub session_token: Option<Secret>,
}

/// What the environment says of AWS: credentials, region, endpoints.
///
/// The names are those of the AWS CLI and all SDKs:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>.
#[derive(Clone, Debug)]
pub struct Access {
    pub(crate) credentials: Credentials,
    pub(crate) region: String,
    pub(crate) endpoints: Endpoints,
}

/// Why the environment says not enough.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccess {
    /// A part of the credentials is missing.
    #[error("no AWS credentials: {missing} is not set")]
    NoCredentials {
        /// The variable.
        missing: &'static str,
    },
    /// Neither the caller nor the environment names a region.
    #[error("no AWS region: neither AWS_REGION nor AWS_DEFAULT_REGION is set")]
    NoRegion,
    /// The region is no name that a host can have.
    #[error("\"{region}\" is no AWS region")]
    InvalidRegion {
        /// The region.
        region: String,
    },
    /// An endpoint is set that can't be used.
    #[error("cannot use the endpoint in {variable}: {why}")]
    InvalidEndpoint {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        why: String,
    },
}

impl From<InvalidAccess> for Problem {
    fn from(error: InvalidAccess) -> Self {
        let help = match &error {
            InvalidAccess::NoCredentials { .. } => {
                "let a step of aws-actions/configure-aws-credentials run before this one, or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a role, AWS_SESSION_TOKEN"
            }
            InvalidAccess::NoRegion | InvalidAccess::InvalidRegion { .. } => {
                "name the region, as `eu-west-1`"
            }
            InvalidAccess::InvalidEndpoint { .. } => {
                "write it as https://host[:port], or leave the variable out"
            }
        };
        Self::misconfigured(error.to_string()).help(help)
    }
}

impl Credentials {
    /// Reads `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` through `lookup`.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidAccess> {
        let find = |name: &'static str| {
            lookup(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
                .ok_or(InvalidAccess::NoCredentials { missing: name })
        };
        Ok(Self {
            access_key_id: find("AWS_ACCESS_KEY_ID")?,
            secret_access_key: Secret::new(find("AWS_SECRET_ACCESS_KEY")?),
            session_token: find("AWS_SESSION_TOKEN").ok().map(Secret::new),
        })
    }

    /// What must not be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.secret_access_key).chain(&self.session_token)
    }
}

impl Access {
    /// Whose calls go to which region, by credentials that were found elsewhere.
    pub fn new(credentials: Credentials, region: &str, endpoints: Endpoints) -> Result<Self, InvalidAccess> {
        if !is_region(region) {
            return Err(InvalidAccess::InvalidRegion { region: region.to_owned() });
        }
        Ok(Self { credentials, region: region.to_owned(), endpoints })
    }

    /// Reads the credentials, `AWS_REGION` or `AWS_DEFAULT_REGION` unless a region is given, and the [`Endpoints`],
    /// through `lookup`.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        region: Option<&str>,
    ) -> Result<Self, InvalidAccess> {
        let find = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let region = region
            .map(str::to_owned)
            .or_else(|| find("AWS_REGION"))
            .or_else(|| find("AWS_DEFAULT_REGION"))
            .ok_or(InvalidAccess::NoRegion)?;
        let endpoints = Endpoints::from_lookup(&lookup)?;
        Self::new(Credentials::from_lookup(&lookup)?, &region, endpoints)
    }

    /// The region that calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// What must not be shown: to be masked before anything is said.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.credentials.secrets()
    }
}

/// A region becomes part of a host's name.
fn is_region(region: &str) -> bool {
    region.len() <= 32
        && region.starts_with(|c: char| c.is_ascii_lowercase())
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const KEYS: [(&str, &str); 3] = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "session"),
    ];

    fn access(more: &[(&str, &str)], region: Option<&str>) -> Result<Access, InvalidAccess> {
        let all = [&KEYS[..], more].concat();
        Access::from_lookup(
            |name| {
                all.iter().rev().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            },
            region,
        )
    }

    #[test]
    fn a_region_is_given_or_found() {
        let both = [("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "us-east-1")];
        assert_eq!(access(&both, Some("eu-north-1")).unwrap().region(), "eu-north-1");
        assert_eq!(access(&both, None).unwrap().region(), "eu-west-1");
        assert_eq!(access(&both[1..], None).unwrap().region(), "us-east-1");
        assert_eq!(access(&[], None).unwrap_err(), InvalidAccess::NoRegion);
    }

    #[test]
    fn a_region_is_no_way_to_another_host() {
        for region in ["evil.example/", "eu-west-1.evil.example", "EU-WEST-1", "eu west", "", "-", "@evil"] {
            assert!(access(&[], Some(region)).is_err(), "{region:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |empty: &'static str| {
            let error = access(&[("AWS_REGION", "eu-west-1"), (empty, " ")], None).unwrap_err();
            Problem::from(error).what
        };
        assert_eq!(missing("AWS_ACCESS_KEY_ID"), "no AWS credentials: AWS_ACCESS_KEY_ID is not set");
        assert_eq!(missing("AWS_SECRET_ACCESS_KEY"), "no AWS credentials: AWS_SECRET_ACCESS_KEY is not set");
        let user = access(&[("AWS_REGION", "eu-west-1"), ("AWS_SESSION_TOKEN", "")], None).unwrap();
        assert_eq!(user.secrets().count(), 1);
    }

    #[test]
    fn no_secret_is_printed() {
        let access = access(&[("AWS_REGION", "eu-west-1")], None).unwrap();
        let printed = format!("{access:?}");
        assert!(!printed.contains("\"secret\"") && !printed.contains("session\""), "{printed}");
    }
}
