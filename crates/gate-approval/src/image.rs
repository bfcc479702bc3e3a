//! The image that the gate is asked about, whatever registry it lies in.

use sluice_aws::{Ecr, Error as AwsError, Repository, Which};
use sluice_core::{ImageReference, Problem};
use sluice_http::{Client, Request, Url};
use sluice_registry::{Config, Error as RegistryError, Location, Manifest, matches_digest};

use crate::{network::Network, plan::Plan};

/// What the image's digest was found to be.
#[derive(Clone, Debug)]
pub(crate) enum Resolved {
    /// No condition needs to know, or no image is named.
    Unasked,
    /// It was given, or the tag pointed to it.
    Digest(String),
    /// The registry has no such tag.
    NotThere,
    /// It could not be found out.
    Unknown(Problem),
}

impl Resolved {
    /// Takes the digest that was given; looks the tag up where a condition needs the digest.
    pub(crate) async fn of(plan: &Plan, network: &Network<'_>) -> Self {
        let Some(image) = &plan.image else { return Self::Unasked };
        if let Some(digest) = image.digest() {
            return Self::Digest(digest.to_owned());
        }
        if !plan.needs_digest {
            return Self::Unasked;
        }
        let found = async { Registry::of(image, network).await?.tagged().await }.await;
        match found {
            Ok(Some(digest)) => Self::Digest(digest),
            Ok(None) => Self::NotThere,
            Err(problem) => Self::Unknown(problem),
        }
    }

    pub(crate) fn digest(&self) -> Option<&str> {
        match self {
            Self::Digest(digest) => Some(digest),
            _ => None,
        }
    }
}

/// The registry of one image.
pub(crate) struct Registry<'a> {
    image: &'a ImageReference,
    kind: Kind,
}

enum Kind {
    Ecr(Elastic),
    Other(sluice_registry::Registry),
}

/// What it takes to ask ECR.
pub(crate) struct Elastic {
    pub(crate) ecr: Ecr,
    pub(crate) repository: Repository,
    client: Client,
}

impl<'a> Registry<'a> {
    pub(crate) async fn of(image: &'a ImageReference, network: &Network<'_>) -> Result<Self, Problem> {
        let client = network.client()?;
        let kind = if let Some(repository) = Repository::of(image) {
            let ecr = network.aws(&repository.region).await?.ecr(&repository.region);
            Kind::Ecr(Elastic { ecr, repository, client })
        } else {
            let location = Location::of(image);
            Kind::Other(sluice_registry::Registry::new(client, location, &network.keyring()?))
        };
        Ok(Self { image, kind })
    }

    /// ECR, where the image lies there.
    pub(crate) const fn elastic(&self) -> Option<&Elastic> {
        match &self.kind {
            Kind::Ecr(elastic) => Some(elastic),
            Kind::Other(_) => None,
        }
    }

    /// The digest that the image's tag points to now; `None`: the registry has no such tag.
    pub(crate) async fn tagged(&self) -> Result<Option<String>, Problem> {
        let tag = self.image.tag().unwrap_or("latest");
        match &self.kind {
            Kind::Ecr(Elastic { ecr, repository, .. }) => {
                Ok(there(ecr.image(repository, Which::Tag(tag)).await)?.map(|image| image.digest))
            }
            Kind::Other(registry) => {
                let found = registry.manifest(sluice_registry::Which::Tag(tag)).await;
                Ok(found_there(found)?.map(|(digest, _)| digest))
            }
        }
    }

    /// The manifest that has a digest; `None`: the registry has none.
    pub(crate) async fn manifest(&self, digest: &str) -> Result<Option<Manifest>, Problem> {
        match &self.kind {
            Kind::Ecr(Elastic { ecr, repository, .. }) => {
                let Some(bytes) = there(ecr.manifest(repository, digest).await)? else { return Ok(None) };
                check(&bytes, digest)?;
                Ok(Some(Manifest::parse(&bytes)?))
            }
            Kind::Other(registry) => {
                let found = registry.manifest(sluice_registry::Which::Digest(digest)).await;
                Ok(found_there(found)?.map(|(_, manifest)| manifest))
            }
        }
    }

    /// The configuration that has a digest.
    pub(crate) async fn config(&self, digest: &str) -> Result<Config, Problem> {
        match &self.kind {
            Kind::Ecr(Elastic { ecr, repository, client }) => {
                let address = ecr.blob(repository, digest).await?;
                let failed = |why: &dyn std::fmt::Display| {
                    Problem::undecided("could not fetch the image's configuration")
                        .why(why)
                        .help("run again later")
                };
                let url = Url::parse(address.expose()).map_err(|error| failed(&error))?;
                let answer = client.send(Request::get(url)).await.map_err(|error| failed(&error))?;
                if !answer.status.is_success() {
                    return Err(failed(&answer.status));
                }
                check(&answer.body, digest)?;
                Ok(Config::parse(&answer.body)?)
            }
            Kind::Other(registry) => Ok(registry.config(digest).await?),
        }
    }
}

fn check(bytes: &[u8], digest: &str) -> Result<(), Problem> {
    if matches_digest(bytes, digest) {
        return Ok(());
    }
    Err(Problem::undecided("the registry answers with something else than was asked for")
        .why(format!("what came is not {digest}"))
        .help("do not deploy from there: a registry or a cache between answers wrongly"))
}

fn there<T>(answer: Result<T, AwsError>) -> Result<Option<T>, Problem> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(AwsError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn found_there<T>(answer: Result<T, RegistryError>) -> Result<Option<T>, Problem> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(RegistryError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
