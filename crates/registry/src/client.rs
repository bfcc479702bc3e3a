//! The calls of the distribution API: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>.

use std::time::{Duration, Instant};

use serde::Deserialize;
use sluice_core::{Problem, Secret, retry::Policy};
use sluice_http::{BodyLimit, Client, HeaderValue, Request, Response, StatusCode, Url, header, is_transient};

use crate::{
    Config, Keyring, Location, Manifest, Unreadable, challenge::Challenge, digest_of, matches_digest,
};

/// How long all tries of one call may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// "Registries should enforce a limit" of 4 MiB.
const LARGEST: usize = 4 << 20;

const ACCEPT: HeaderValue = HeaderValue::from_static(
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json",
);

/// One registry's API, asked for one image.
#[derive(Clone, Debug)]
pub struct Registry {
    client: Client,
    location: Location,
    login: Option<Secret>,
}

/// Which image of a repository is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// The one that a tag points to now.
    Tag(&'a str),
    /// The one with this digest.
    Digest(&'a str),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The registry says that there is no such thing.
    #[error("{registry} answers {code}")]
    NotFound {
        /// The registry.
        registry: String,
        /// Its own word: `MANIFEST_UNKNOWN`.
        code: String,
    },
    /// The registry does not let us look.
    #[error("{registry} does not let us read {repository}: {status}{}", if *.has_login { "" } else { ", and no login was given" })]
    Denied {
        /// The registry.
        registry: String,
        /// The image's name there.
        repository: String,
        /// What it answered.
        status: StatusCode,
        /// Whether it was shown a login.
        has_login: bool,
    },
    /// What came has another digest than was asked for.
    #[error("{registry} answers with other bytes than {expected}")]
    WrongDigest {
        /// The registry.
        registry: String,
        /// What was asked for.
        expected: String,
    },
    /// What came is not what was asked for.
    #[error("{registry}: {why}")]
    Unreadable {
        /// The registry.
        registry: String,
        /// Why.
        why: String,
    },
    /// It can't answer, or can't be reached.
    #[error("{registry}: {why}")]
    Unavailable {
        /// The registry.
        registry: String,
        /// Why.
        why: String,
    },
}

impl From<Error> for Problem {
    /// Undecided: whoever knows what a "not found" means says so instead.
    fn from(error: Error) -> Self {
        let help = match &error {
            Error::NotFound { .. } => "check the image's name, and that it was pushed",
            Error::Denied { has_login: true, .. } => {
                "check that the login of `registry-auth` may pull the image"
            }
            Error::Denied { has_login: false, .. } => {
                "check the image's name; if the image is private, give `registry-auth`"
            }
            Error::WrongDigest { .. } => {
                "do not deploy from there: a registry or a cache between answers wrongly"
            }
            Error::Unreadable { .. } => "check that the address is that of a registry",
            Error::Unavailable { .. } => "run again later",
        };
        Self::undecided("could not find out from the registry").why(error).help(help)
    }
}

/// What a registry says instead of success.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Vec<RefusalError>,
}

#[derive(Deserialize)]
struct RefusalError {
    code: String,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    /// The registry of an image.
    pub fn new(client: Client, location: Location, keyring: &Keyring) -> Self {
        let login = keyring.get(&location.registry).cloned();
        Self { client, location, login }
    }

    /// The manifest of an image, and its digest. What is asked for by digest has that digest.
    pub async fn manifest(&self, which: Which<'_>) -> Result<(String, Manifest), Error> {
        let (Which::Tag(reference) | Which::Digest(reference)) = which;
        let answer = self.get(&format!("/manifests/{reference}")).await?;
        let digest = match which {
            Which::Digest(digest) => self.verified(&answer, digest)?,
            Which::Tag(_) => {
                let digest = digest_of(&answer.body);
                match answer.header("docker-content-digest") {
                    Some(said) if said.starts_with("sha256:") => self.verified(&answer, said)?,
                    _ => digest,
                }
            }
        };
        let manifest = Manifest::parse(&answer.body).map_err(|error| self.unreadable(&error))?;
        Ok((digest, manifest))
    }

    /// The configuration of an image.
    pub async fn config(&self, digest: &str) -> Result<Config, Error> {
        let answer = self.get(&format!("/blobs/{digest}")).await?;
        self.verified(&answer, digest)?;
        Config::parse(&answer.body).map_err(|error| self.unreadable(&error))
    }

    /// The `Authorization` that the registry wants for `access` (`pull,push`); `None` when it wants none.
    pub async fn authorization(&self, access: &str) -> Result<Option<HeaderValue>, Error> {
        let answer = self.send(&format!("{}/tags/list", self.location.base()), None).await?;
        let shown = match challenge(&answer) {
            None => None,
            Some(Challenge::Basic) => self.login.clone().map(|login| ("Basic", login)),
            Some(Challenge::Bearer { realm, service }) => {
                Some(("Bearer", self.token(&realm, service.as_deref(), access).await?))
            }
        };
        shown.map(|(scheme, secret)| self.credentials(scheme, &secret)).transpose()
    }

    fn credentials(&self, scheme: &str, secret: &Secret) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::from_str(&format!("{scheme} {}", secret.expose()))
            .map_err(|_| self.unreadable(&"its credentials hold a character that no header takes"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn verified(&self, answer: &Response, digest: &str) -> Result<String, Error> {
        if matches_digest(&answer.body, digest) {
            return Ok(digest.to_owned());
        }
        Err(Error::WrongDigest { registry: self.location.registry.clone(), expected: digest.to_owned() })
    }

    async fn get(&self, path: &str) -> Result<Response, Error> {
        let url = format!("{}{path}", self.location.base());
        let first = self.send(&url, None).await?;
        let answer = match challenge(&first) {
            None => first,
            Some(Challenge::Basic) => match &self.login {
                None => first,
                Some(login) => self.send(&url, Some(("Basic", login.clone()))).await?,
            },
            Some(Challenge::Bearer { realm, service }) => {
                let token = self.token(&realm, service.as_deref(), "pull").await?;
                self.send(&url, Some(("Bearer", token))).await?
            }
        };
        self.accept(answer)
    }

    /// Gets a token from the service that the registry names.
    async fn token(&self, realm: &str, service: Option<&str>, access: &str) -> Result<Secret, Error> {
        let is_local = self.location.base().starts_with("http://");
        if !realm.starts_with("https://") && !is_local {
            return Err(self.unreadable(&"its token service is not asked over HTTPS"));
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        let scope = format!("repository:{}:{access}", self.location.repository);
        let query = query.append_pair("scope", &scope).finish();
        let joint = if realm.contains('?') { '&' } else { '?' };
        let login = self.login.clone().map(|login| ("Basic", login));
        let answer = self.accept(self.send(&format!("{realm}{joint}{query}"), login).await?)?;
        let token: Token = serde_json::from_slice(&answer.body)
            .map_err(|_| self.unreadable(&"its token service did not answer with a token"))?;
        token
            .token
            .or(token.access_token)
            .map(Secret::new)
            .ok_or_else(|| self.unreadable(&"its token service did not answer with a token"))
    }

    /// Blobs are redirected to where they are stored; credentials stay behind.
    async fn send(&self, url: &str, credentials: Option<(&str, Secret)>) -> Result<Response, Error> {
        let url = Url::parse(url).map_err(|error| self.unreadable(&error))?;
        let mut request = Request::get(url)
            .header(header::ACCEPT, ACCEPT)
            .redirects(3)
            .body_limit(BodyLimit::Fail(LARGEST));
        if let Some((scheme, secret)) = credentials {
            request = request.header(header::AUTHORIZATION, self.credentials(scheme, &secret)?);
        }
        let deadline = Instant::now() + PATIENCE;
        let tried = self.client.send_with_retry(request, &Policy::default(), deadline, is_transient).await;
        tried.outcome.map_err(|error| self.unavailable(&error))
    }

    fn accept(&self, answer: Response) -> Result<Response, Error> {
        let registry = || self.location.registry.clone();
        let status = answer.status;
        if status == StatusCode::OK {
            return Ok(answer);
        }
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let unknown = refusal
            .errors
            .into_iter()
            .map(|error| error.code)
            .find(|code| matches!(code.as_str(), "MANIFEST_UNKNOWN" | "NAME_UNKNOWN" | "BLOB_UNKNOWN"));
        match (status.as_u16(), unknown) {
            (404, Some(code)) => Err(Error::NotFound { registry: registry(), code }),
            (401 | 403, _) => Err(Error::Denied {
                registry: registry(),
                repository: self.location.repository.clone(),
                status,
                has_login: self.login.is_some(),
            }),
            (408 | 429 | 500..=599, _) => Err(self.unavailable(&status)),
            _ => Err(self.unreadable(&format!("{status}, not in a registry's words"))),
        }
    }

    fn unreadable(&self, why: &dyn std::fmt::Display) -> Error {
        Error::Unreadable { registry: self.location.registry.clone(), why: why.to_string() }
    }

    fn unavailable(&self, why: &dyn std::fmt::Display) -> Error {
        Error::Unavailable { registry: self.location.registry.clone(), why: why.to_string() }
    }
}

fn challenge(answer: &Response) -> Option<Challenge> {
    let asks = answer.status == StatusCode::UNAUTHORIZED;
    asks.then(|| answer.header("www-authenticate")).flatten().and_then(Challenge::parse)
}

impl From<Unreadable> for Problem {
    fn from(error: Unreadable) -> Self {
        Self::undecided("the registry's answer can't be read").why(error)
    }
}
