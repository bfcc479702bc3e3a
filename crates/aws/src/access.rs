//! Who asks, and in which region.

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
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
        let mut config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(Transport::new(access.client))
            .retry_config(RetryConfig::standard());
        if let Some(region) = access.region {
            config = config.region(Region::new(region));
        }
        Self { config: config.load().await }
    }

    /// With these credentials, at this endpoint, whatever the environment says. The region must be given.
    pub fn at(access: Access, endpoint: &str, credentials: Credentials) -> Self {
        let token = credentials.session_token.map(|token| token.expose().to_owned());
        let keys = aws_credential_types::Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key.expose(),
            token,
            None,
            "sluice",
        );
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(Transport::new(access.client))
            .retry_config(RetryConfig::standard())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .region(access.region.map(Region::new))
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(keys));
        Self { config: config.build() }
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
