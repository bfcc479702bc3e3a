//! Where services answer: AWS's own hosts, or what the environment says instead.

use std::collections::BTreeMap;

use sluice_http::Url;

use crate::{InvalidAccess, Service};

/// What the environment says of where services answer.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>,
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    all: Option<Url>,
    each: BTreeMap<&'static str, Url>,
    kind: Kind,
}

/// Which of AWS's hosts for a service are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Those whose cryptography is validated by FIPS 140.
    pub(crate) is_fips: bool,
    /// Those that answer over IPv6 too.
    pub(crate) is_dual_stack: bool,
}

impl Endpoints {
    /// Reads for each service `AWS_ENDPOINT_URL_<SERVICE>` or `AWS_ENDPOINT_URL`, unless
    /// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is true; and `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`, for
    /// the services whose hosts are AWS's.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidAccess> {
        let find = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let is_set = |name: &str| find(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let kind = Kind {
            is_fips: is_set("AWS_USE_FIPS_ENDPOINT"),
            is_dual_stack: is_set("AWS_USE_DUALSTACK_ENDPOINT"),
        };
        if is_set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            return Ok(Self { kind, ..Self::default() });
        }
        let endpoint = |variable: &str| {
            find(variable)
                .map(|url| endpoint(&url).map_err(|why| invalid_endpoint(variable, why)))
                .transpose()
        };
        let mut each = BTreeMap::new();
        for service in Service::ALL {
            let variable = format!("AWS_ENDPOINT_URL_{}", service.variable());
            if let Some(url) = endpoint(&variable)? {
                each.insert(service.variable(), url);
            }
        }
        Ok(Self { all: endpoint("AWS_ENDPOINT_URL")?, each, kind })
    }

    /// The endpoint that the environment sets for a service.
    pub(crate) fn own(&self, service: Service) -> Option<&Url> {
        self.each.get(service.variable()).or(self.all.as_ref())
    }

    /// AWS's host for a service.
    pub(crate) fn host(&self, service: Service, region: &str) -> String {
        service.host_in(region, self.kind)
    }

    /// Where a service answers: the endpoint that is set, or AWS's own. No slash at its end.
    pub(crate) fn base(&self, service: Service, region: &str) -> String {
        match self.own(service) {
            Some(url) => url.reveal().trim_end_matches('/').to_owned(),
            None => format!("https://{}", self.host(service, region)),
        }
    }
}

fn endpoint(url: &str) -> Result<Url, String> {
    let url = Url::parse(url.trim()).map_err(|error| error.to_string())?;
    if url.reveal().contains('?') { Err("it holds a query".to_owned()) } else { Ok(url) }
}

fn invalid_endpoint(variable: &str, why: String) -> InvalidAccess {
    InvalidAccess::InvalidEndpoint { variable: variable.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(set: &[(&str, &str)]) -> Result<Endpoints, InvalidAccess> {
        Endpoints::from_lookup(|name| {
            set.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_endpoint_is_one_service_s_or_all_services() {
        let all = ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000/");
        let s3 = ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000");
        let set = endpoints(&[all, s3]).unwrap();
        assert_eq!(set.base(Service::S3, "eu-west-1"), "http://127.0.0.1:9000");
        assert_eq!(set.base(Service::SNS, "eu-west-1"), "http://127.0.0.1:5000");
        let ignored = endpoints(&[all, s3, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]).unwrap();
        assert_eq!(ignored.base(Service::S3, "eu-west-1"), "https://s3.eu-west-1.amazonaws.com");
    }

    #[test]
    fn an_endpoint_that_can_not_be_used_is_not_passed_by() {
        for url in ["127.0.0.1:5000", "ftp://host", "https://host/?query", "https://me:secret@host"] {
            let error = endpoints(&[("AWS_ENDPOINT_URL_SNS", url)]).unwrap_err().to_string();
            assert!(error.starts_with("cannot use the endpoint in AWS_ENDPOINT_URL_SNS: "), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_kind_of_host_is_the_environment_s() {
        let fips = endpoints(&[("AWS_USE_FIPS_ENDPOINT", "true")]).unwrap();
        assert_eq!(fips.base(Service::STS, "us-east-1"), "https://sts-fips.us-east-1.amazonaws.com");
        let both = [("AWS_USE_FIPS_ENDPOINT", "True"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")];
        assert_eq!(
            endpoints(&both).unwrap().base(Service::ECR, "us-east-1"),
            "https://ecr-fips.us-east-1.api.aws"
        );
        let neither = endpoints(&[("AWS_USE_FIPS_ENDPOINT", "false")]).unwrap();
        assert_eq!(neither.base(Service::STS, "us-east-1"), "https://sts.us-east-1.amazonaws.com");
    }
}
