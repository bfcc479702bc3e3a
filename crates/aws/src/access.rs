//! Who asks, and in which region.

use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use sluice_core::Secret;
use sluice_http::Client;
use sluice_sigv4::Credentials;

use crate::{Ecr, Eks, Error, transport::Transport};

/// AWS, as one caller sees it. Clones are cheap and share credentials.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
}

/// How AWS is reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// The HTTP client that all calls go over.
    pub client: Client,
    /// The region, where the environment and the profile are not to say it.
    pub region: Option<String>,
}

impl Aws {
    /// Finds region and credentials as the AWS CLI does:
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.
    ///
    /// Credentials are fetched with the first call. The SDK reads the variables `AWS_*` and the profiles itself; SSO and
    /// processes, which are for people, are not asked.
    pub async fn connect(access: Access) -> Self {
        Self::load(aws_config::defaults(BehaviorVersion::latest()), access).await
    }

    /// Finds what the loader was not told.
    pub(crate) async fn load(loader: ConfigLoader, access: Access) -> Self {
        let mut loader =
            loader.http_client(Transport::new(access.client)).retry_config(RetryConfig::standard());
        if let Some(region) = access.region {
            loader = loader.region(Region::new(region));
        }
        // What the SDK waits with is large, and would make every future that it is a part of as large.
        Self { config: Box::pin(loader.load()).await }
    }

    /// The region that is asked unless another is named.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// The keys that calls are signed with now. They are to be masked.
    pub async fn credentials(&self) -> Result<Credentials, Error> {
        let none = || Error::NoCredentials { why: "no place holds any".to_owned() };
        let provider = self.config.credentials_provider().ok_or_else(none)?;
        let found = provider.provide_credentials().await.map_err(|error| Error::of_credentials(&error))?;
        Ok(Credentials {
            access_key_id: found.access_key_id().to_owned(),
            secret_access_key: Secret::new(found.secret_access_key()),
            session_token: found.session_token().map(Secret::new),
        })
    }

    /// ECR in a region.
    pub fn ecr(&self, region: &str) -> Ecr {
        let config = aws_sdk_ecr::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        Ecr::new(aws_sdk_ecr::Client::from_conf(config.build()))
    }

    /// EKS in a region.
    pub fn eks(&self, region: &str) -> Eks {
        let config = aws_sdk_eks::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        Eks::new(aws_sdk_eks::Client::from_conf(config.build()))
    }
}
