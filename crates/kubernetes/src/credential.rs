//! What a cluster takes for a password.

use std::{path::PathBuf, sync::Arc};

use http::HeaderValue;
use jiff::Timestamp;
use sluice_aws::{Aws, Token, eks_token};
use sluice_core::{Clock, Secret};
use tokio::sync::Mutex;

use crate::Error;

/// What a cluster takes for a password. Clones share what was made.
#[derive(Clone)]
pub(crate) enum Credential {
    /// Nothing: a client certificate tells who asks, or no one does.
    None,
    /// A token that stays.
    Token(Secret),
    /// A file with a token, which another keeps fresh.
    File(PathBuf),
    /// A token of EKS, made of AWS credentials.
    Eks(Arc<EksToken>),
}

pub(crate) struct EksToken {
    aws: Aws,
    cluster: String,
    region: String,
    clock: Clock,
    made: Mutex<Option<Token>>,
}

impl Credential {
    pub(crate) const fn file(path: PathBuf) -> Self {
        Self::File(path)
    }

    pub(crate) fn eks(aws: Aws, cluster: &str, region: &str, now: Timestamp) -> Self {
        Self::Eks(Arc::new(EksToken {
            aws,
            cluster: cluster.to_owned(),
            region: region.to_owned(),
            clock: Clock::starting(now),
            made: Mutex::default(),
        }))
    }

    /// The header that tells who asks.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Token(token) => bearer(token).map(Some),
            Self::File(path) => {
                let unreadable = |why: &dyn std::fmt::Display| {
                    Error::access(
                        format!("the token file {} can't be read: {why}", path.display()),
                        "check the path, and that this user may read it",
                    )
                };
                // It is small and in memory, and read anew each time: kubelet replaces it while we run.
                let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
                match text.trim() {
                    "" => Err(unreadable(&"it is empty")),
                    token => bearer(&Secret::new(token)).map(Some),
                }
            }
            Self::Eks(token) => bearer(&token.current().await?).map(Some),
        }
    }

    /// Forgets what the cluster refused; tells whether there may be another.
    pub(crate) async fn renew(&self) -> bool {
        match self {
            Self::None | Self::Token(_) => false,
            Self::File(_) => true,
            Self::Eks(token) => {
                *token.made.lock().await = None;
                true
            }
        }
    }
}

impl EksToken {
    async fn current(&self) -> Result<Secret, Error> {
        let mut made = self.made.lock().await;
        let now = self.clock.now();
        if let Some(token) = made.as_ref().filter(|token| now < token.expires) {
            return Ok(token.secret.clone());
        }
        let credentials = self.aws.credentials().await.map_err(crate::eks::problem)?;
        let token = eks_token(&credentials, &self.region, &self.cluster, now)
            .map_err(|error| Error::access(error, "check the region and the name of the EKS cluster"))?;
        Ok(made.insert(token).secret.clone())
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
        Error::access("the token has letters that no token has", "renew it in the kubeconfig")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
