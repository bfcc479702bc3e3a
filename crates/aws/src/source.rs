//! Where credentials come from.
//!
//! The first place that says anything is the place, in the order of AWS's own SDKs: the variables with keys, the profile,
//! the token of the job, the container's agent, the machine's metadata service. What is wrong with it is told; no other
//! is tried in its stead.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

mod container;
mod machine;
mod metadata;
mod profile;
mod role;

use std::path::PathBuf;

use jiff::Timestamp;
use sluice_core::Secret;
use sluice_sigv4::Credentials;

use self::{
    container::Container,
    machine::Machine,
    profile::Profiles,
    role::{Role, WebIdentity},
};
use crate::{Aws, Error};

/// The place that credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Keys that stay.
    Keys(Credentials),
    /// A role, for the token of the job.
    WebIdentity(WebIdentity),
    /// A role, taken on by who has other credentials.
    Role(Role),
    /// The agent beside a container.
    Container(Container),
    /// The metadata service of the machine.
    Machine(Machine),
    /// Nothing names any, and the machine is not to be asked.
    Nowhere,
}

/// Keys, and how long they are good.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) keys: Credentials,
    /// `None`: until someone takes them away.
    expires: Option<Timestamp>,
}

/// What lies around a run and names credentials: variables and files.
pub(crate) struct Surroundings<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    profiles: Profiles,
}

/// What to do where nothing is said of credentials.
const SIGN_IN: &str = "let a step of aws-actions/configure-aws-credentials run before this one, in a job with `permissions: id-token: write`";

impl<'a> Surroundings<'a> {
    pub(crate) fn read(variable: &'a dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let profiles = Profiles::read(|name| find(variable, name))?;
        Ok(Self { variable, profiles })
    }

    /// The region that is asked unless another is named.
    pub(crate) fn region(&self) -> Option<String> {
        let named = self.variable("AWS_REGION").or_else(|| self.variable("AWS_DEFAULT_REGION"));
        named.or_else(|| self.profiles.region().map(str::to_owned))
    }

    fn variable(&self, name: &str) -> Option<String> {
        find(self.variable, name)
    }
}

fn find(variable: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

impl Source {
    pub(crate) fn find(surroundings: &Surroundings<'_>) -> Result<Self, Error> {
        let variable = |name: &str| surroundings.variable(name);
        if let Some(keys) = Self::environment(surroundings)? {
            return Ok(keys);
        }
        if let Some(source) = surroundings.profiles.source(surroundings)? {
            return Ok(source);
        }
        if let (Some(arn), Some(token)) = (variable("AWS_ROLE_ARN"), variable("AWS_WEB_IDENTITY_TOKEN_FILE"))
        {
            let session = variable("AWS_ROLE_SESSION_NAME");
            return Ok(Self::WebIdentity(WebIdentity { arn, token: PathBuf::from(token), session }));
        }
        if let Some(container) = Container::find(surroundings)? {
            return Ok(Self::Container(container));
        }
        Ok(Machine::find(surroundings)?.map_or(Self::Nowhere, Self::Machine))
    }

    /// The variables with keys.
    fn environment(surroundings: &Surroundings<'_>) -> Result<Option<Self>, Error> {
        if surroundings.variable("AWS_ACCESS_KEY_ID").is_none() {
            return Ok(None);
        }
        let keys = Credentials::from_lookup(|name| surroundings.variable(name));
        keys.map(|keys| Some(Self::Keys(keys))).map_err(|_| {
            Error::no_credentials("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not", SIGN_IN)
        })
    }

    /// The region that the machine is in, where that is what is asked for credentials.
    pub(crate) async fn region(&self) -> Option<String> {
        match self {
            Self::Machine(machine) => machine.region().await.ok(),
            _ => None,
        }
    }

    /// Gets credentials.
    pub(crate) async fn issue(&self, aws: &Aws) -> Result<Issued, Error> {
        match self {
            Self::Keys(keys) => Ok(Issued { keys: keys.clone(), expires: None }),
            Self::WebIdentity(role) => role.issue(aws).await,
            Self::Role(role) => role.issue(aws).await,
            Self::Container(container) => container.issue(aws).await,
            Self::Machine(machine) => machine.issue().await,
            Self::Nowhere => Err(Error::no_credentials(
                "neither the environment nor a profile holds or names any, and the machine's metadata service is not to be asked (AWS_EC2_METADATA_DISABLED)",
                SIGN_IN,
            )),
        }
    }
}

impl Issued {
    pub(crate) fn new(id: &str, secret: &str, token: &str, expires: Timestamp) -> Self {
        let keys = Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: Some(Secret::new(token)),
        };
        Self { keys, expires: Some(expires) }
    }

    pub(crate) fn are_good_at(&self, time: Timestamp) -> bool {
        self.expires.is_none_or(|expires| time < expires)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn found(variables: &[(&str, &str)]) -> String {
        let set: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let lookup = |name: &str| set.get(name).map(|value| (*value).to_owned());
        let source = Surroundings::read(&lookup).and_then(|around| Source::find(&around));
        match source {
            Ok(Source::Keys(keys)) => format!("keys {}", keys.access_key_id),
            Ok(Source::WebIdentity(role)) => format!("token for {}", role.arn),
            Ok(Source::Role(role)) => format!("role {}", role.arn),
            Ok(Source::Container(_)) => "container".to_owned(),
            Ok(Source::Machine(_)) => "machine".to_owned(),
            Ok(Source::Nowhere) => "nowhere".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    const TOKEN: [(&str, &str); 2] =
        [("AWS_ROLE_ARN", "arn:role"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")];
    const CONTAINER: (&str, &str) = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");

    #[test]
    fn the_first_place_that_says_anything_is_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials");
        std::fs::write(&file, "[default]\naws_access_key_id = OF-PROFILE\naws_secret_access_key = x\n")
            .unwrap();
        let profile = ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
        let all = [&KEYS[..], &[profile], &TOKEN[..], &[CONTAINER]].concat();
        assert_eq!(found(&all), "keys AK");
        assert_eq!(found(&all[2..]), "keys OF-PROFILE");
        assert_eq!(found(&all[3..]), "token for arn:role");
        assert_eq!(found(&all[5..]), "container");
        assert_eq!(found(&[]), "machine");
        assert_eq!(found(&[("AWS_EC2_METADATA_DISABLED", "TRUE")]), "nowhere");
    }

    #[test]
    fn a_half_of_keys_is_not_passed_by() {
        assert_eq!(
            found(&[KEYS[0], TOKEN[0], TOKEN[1]]),
            "no AWS credentials: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"
        );
        // A variable that is set to nothing is not set.
        assert_eq!(found(&[("AWS_ACCESS_KEY_ID", " "), CONTAINER]), "container");
    }

    #[test]
    fn what_is_issued_ends_when_it_says() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let issued = Issued::new("AK", "secret", "token", at(100));
        assert!(issued.are_good_at(at(99)) && !issued.are_good_at(at(100)));
        assert!(!format!("{issued:?}").contains("\"secret\""));
    }
}
