//! Who asks, and in which region.

use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use sluice_core::Clock;
use sluice_http::Client;
use sluice_sigv4::{Credentials, Endpoints};
use tokio::sync::Mutex;

use crate::{
    Ecr, Eks, Error,
    source::{Issued, Source, Surroundings},
};

/// AWS, as one caller sees it. Clones are cheap and share credentials.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    region: Option<String>,
    endpoints: Endpoints,
    clock: Clock,
    source: Source,
    issued: Mutex<Option<Issued>>,
}

/// How AWS is reached.
pub struct Access<'a> {
    /// The HTTP client that all calls go over.
    pub client: Client,
    /// The region, where the environment and the profile are not to say it.
    pub region: Option<String>,
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The time now.
    pub now: Timestamp,
}

/// Credentials that end sooner than this are changed for new ones.
const TIME_LEFT: SignedDuration = SignedDuration::from_mins(1);

impl Aws {
    /// Finds region and credentials as the AWS CLI does:
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.
    ///
    /// Where credentials come from is settled here, from variables and profiles alone; they are fetched with the first
    /// call. SSO and processes, which are for people, are not asked.
    pub async fn connect(access: Access<'_>) -> Result<Self, Error> {
        let Access { client, region, variable, now } = access;
        let surroundings = Surroundings::read(variable)?;
        let source = Source::find(&surroundings)?;
        let region = match region.or_else(|| surroundings.region()) {
            None => source.region().await,
            named => named,
        };
        let endpoints = Endpoints::from_lookup(variable)?;
        let clock = Clock::starting(now);
        let issued = Mutex::default();
        Ok(Self { shared: Arc::new(Shared { client, region, endpoints, clock, source, issued }) })
    }

    /// The region that is asked unless another is named.
    pub fn region(&self) -> Option<&str> {
        self.shared.region.as_deref()
    }

    /// The keys that calls are signed with now. They are to be masked.
    pub async fn credentials(&self) -> Result<Credentials, Error> {
        let mut issued = self.shared.issued.lock().await;
        let soon = self.now().saturating_add(TIME_LEFT).unwrap_or(Timestamp::MAX);
        if let Some(issued) = issued.as_ref().filter(|issued| issued.are_good_at(soon)) {
            return Ok(issued.keys.clone());
        }
        let new = self.shared.source.issue(self).await?;
        Ok(issued.insert(new).keys.clone())
    }

    /// ECR in a region.
    pub fn ecr(&self, region: &str) -> Ecr {
        Ecr::new(self.clone(), region)
    }

    /// EKS in a region.
    pub fn eks(&self, region: &str) -> Eks {
        Eks::new(self.clone(), region)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.shared.endpoints
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.shared.region).finish_non_exhaustive()
    }
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("region", &self.region).finish_non_exhaustive()
    }
}
