//! The services that are called, and their hosts.

use crate::Access;

/// An AWS service, by the names that it goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name for people.
    name: &'static str,
    /// Its part of `AWS_ENDPOINT_URL_<SERVICE>`.
    variable: &'static str,
    /// Its name in a signature.
    signing: &'static str,
    /// The first label of its host.
    host: &'static str,
}

impl Service {
    /// CloudWatch: metrics.
    pub const CLOUDWATCH: Self = Self::new("CloudWatch", "CLOUDWATCH", "monitoring", "monitoring");
    /// EventBridge: events.
    pub const EVENTBRIDGE: Self = Self::new("EventBridge", "EVENTBRIDGE", "events", "events");
    /// S3: objects.
    pub const S3: Self = Self::new("S3", "S3", "s3", "s3");
    /// SNS: messages to topics.
    pub const SNS: Self = Self::new("SNS", "SNS", "sns", "sns");
    /// STS: who one is.
    pub const STS: Self = Self::new("STS", "STS", "sts", "sts");

    /// The service of AWS's test suite.
    #[cfg(test)]
    pub(crate) const EXAMPLE: Self = Self::new("Service", "SERVICE", "service", "service");

    pub(crate) const ALL: [Self; 5] = [Self::CLOUDWATCH, Self::EVENTBRIDGE, Self::S3, Self::SNS, Self::STS];

    const fn new(
        name: &'static str,
        variable: &'static str,
        signing: &'static str,
        host: &'static str,
    ) -> Self {
        Self { name, variable, signing, host }
    }

    /// Its name for people: `CloudWatch`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    pub(crate) const fn variable(self) -> &'static str {
        self.variable
    }

    pub(crate) const fn signing(self) -> &'static str {
        self.signing
    }

    /// Where it answers: the endpoint that is set, or AWS's own. No slash at its end.
    pub(crate) fn base(self, access: &Access) -> String {
        match access.endpoint(self) {
            Some(url) => url.reveal().trim_end_matches('/').to_owned(),
            None => format!("https://{}", self.host_in(&access.region)),
        }
    }

    pub(crate) fn host_in(self, region: &str) -> String {
        format!("{}.{region}.{}", self.host, dns_suffix(region))
    }
}

/// What the hosts of a region's partition end with.
///
/// <https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json>
pub fn dns_suffix(region: &str) -> &'static str {
    let is = |prefix: &str| region.starts_with(prefix);
    if is("cn-") {
        "amazonaws.com.cn"
    } else if is("eusc-") {
        "amazonaws.eu"
    } else if is("us-iso-") {
        "c2s.ic.gov"
    } else if is("us-isob-") {
        "sc2s.sgov.gov"
    } else if is("us-isof-") {
        "csp.hci.ic.gov"
    } else if is("eu-isoe-") {
        "cloud.adc-e.uk"
    } else {
        "amazonaws.com"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_of_its_region_s_partition() {
        assert_eq!(Service::CLOUDWATCH.host_in("eu-west-1"), "monitoring.eu-west-1.amazonaws.com");
        assert_eq!(Service::EVENTBRIDGE.host_in("cn-north-1"), "events.cn-north-1.amazonaws.com.cn");
        assert_eq!(Service::SNS.host_in("us-gov-west-1"), "sns.us-gov-west-1.amazonaws.com");
        assert_eq!(Service::STS.host_in("us-isob-east-1"), "sts.us-isob-east-1.sc2s.sgov.gov");
    }
}
