//! The token that an EKS cluster takes for a password.
//!
//! No call makes it: it is a presigned `GetCallerIdentity`, which the cluster sends on to STS to learn who asks.
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster>

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sluice_core::Secret;
use sluice_sigv4::{Credentials, Service, Unsignable, dns_suffix, presign};

/// How long the address is good for, as AWS's own tools write it. The cluster goes by the date, not by this.
const EXPIRES: Duration = Duration::from_mins(1);
/// A cluster takes a token for fifteen minutes from its date; a minute is left for clocks that differ.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(14);

/// What a cluster takes for a password, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token. It is to be masked.
    pub secret: Secret,
    /// When to make a new one, at the latest. Credentials that expire sooner end it sooner.
    pub expires: Timestamp,
}

/// Makes the token for a cluster of that name in a region.
pub fn eks_token(
    credentials: &Credentials,
    region: &str,
    cluster: &str,
    now: Timestamp,
) -> Result<Token, Unsignable> {
    let address =
        format!("https://sts.{region}.{}/?Action=GetCallerIdentity&Version=2011-06-15", dns_suffix(region));
    let headers = [("x-k8s-aws-id", cluster)];
    let presigned = presign(credentials, Service::STS, region, &address, &headers, EXPIRES, now)?;
    let secret = Secret::new(format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(presigned.expose())));
    Ok(Token { secret, expires: now.saturating_add(GOOD_FOR).unwrap_or(now) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vector {
        access_key: String,
        secret_key: String,
        session_token: String,
        region: String,
        cluster: String,
        token: String,
    }

    /// The vector was made with botocore, as `aws eks get-token` does it.
    #[test]
    fn a_token_is_what_aws_makes() {
        let vector: Vector = serde_json::from_str(include_str!("../tests/eks-token.json")).unwrap();
        let credentials = Credentials {
            access_key_id: vector.access_key,
            secret_access_key: Secret::new(vector.secret_key),
            session_token: Some(Secret::new(vector.session_token)),
        };
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let token = eks_token(&credentials, &vector.region, &vector.cluster, now).unwrap();
        assert_eq!(token.secret.expose(), vector.token);
        assert_eq!(token.expires.to_string(), "2026-01-02T03:18:05Z");
        assert!(!format!("{token:?}").contains("k8s-aws-v1"));
    }
}
