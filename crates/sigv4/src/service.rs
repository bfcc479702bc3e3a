//! The services that are called, and their hosts.

use crate::endpoints::Kind;

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
    /// ECR: images.
    pub const ECR: Self = Self::new("ECR", "ECR", "ecr", "api.ecr");
    /// EKS: clusters.
    pub const EKS: Self = Self::new("EKS", "EKS", "eks", "eks");
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

    pub(crate) const ALL: [Self; 7] =
        [Self::CLOUDWATCH, Self::ECR, Self::EKS, Self::EVENTBRIDGE, Self::S3, Self::SNS, Self::STS];

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

    /// AWS's host for it.
    ///
    /// <https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html>, and the rules that AWS publishes
    /// with its SDKs: <https://github.com/boto/botocore/tree/develop/botocore/data>.
    pub(crate) fn host_in(self, region: &str, kind: Kind) -> String {
        let suffix = dns_suffix(region);
        let fips = if kind.is_fips { "-fips" } else { "" };
        if self == Self::S3 {
            let dual_stack = if kind.is_dual_stack { ".dualstack" } else { "" };
            return format!("s3{fips}{dual_stack}.{region}.{suffix}");
        }
        if kind.is_dual_stack {
            let label = self.host.trim_start_matches("api.");
            return format!("{label}{fips}.{region}.{}", dual_stack_suffix(suffix));
        }
        // In GovCloud most hosts are of this kind, whatever they are called.
        let is_named_so = kind.is_fips && (self == Self::ECR || !region.starts_with("us-gov-"));
        match (is_named_so, self) {
            (false, _) => format!("{}.{region}.{suffix}", self.host),
            (true, Self::EKS) if suffix == "amazonaws.com" => format!("fips.eks.{region}.{suffix}"),
            (true, _) => format!("{}-fips.{region}.{suffix}", self.host),
        }
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

/// What the hosts of a partition that answer over IPv6 too end with, by what its others end with.
fn dual_stack_suffix(dns_suffix: &str) -> &'static str {
    match dns_suffix {
        "amazonaws.com.cn" => "api.amazonwebservices.com.cn",
        "amazonaws.eu" => "api.amazonwebservices.eu",
        "c2s.ic.gov" => "api.aws.ic.gov",
        "sc2s.sgov.gov" => "api.aws.scloud",
        "csp.hci.ic.gov" => "api.aws.hci.ic.gov",
        "cloud.adc-e.uk" => "api.cloud-aws.adc-e.uk",
        _ => "api.aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_of_its_region_s_partition() {
        assert_eq!(
            Service::CLOUDWATCH.host_in("eu-west-1", Kind::default()),
            "monitoring.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            Service::EVENTBRIDGE.host_in("cn-north-1", Kind::default()),
            "events.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(Service::SNS.host_in("us-gov-west-1", Kind::default()), "sns.us-gov-west-1.amazonaws.com");
        assert_eq!(
            Service::STS.host_in("us-isob-east-1", Kind::default()),
            "sts.us-isob-east-1.sc2s.sgov.gov"
        );
    }
    /// What AWS's own SDKs make of the same: those of botocore's and of the Rust SDK's tests.
    #[test]
    fn each_kind_of_host_is_the_one_that_aws_s_sdks_ask() {
        let kinds = [(false, false), (false, true), (true, false), (true, true)];
        let hosts = |service: Service, region: &str| {
            kinds
                .map(|(is_fips, is_dual_stack)| service.host_in(region, Kind { is_fips, is_dual_stack }))
                .join(" ")
        };
        let services = [Service::ECR, Service::EKS, Service::STS, Service::CLOUDWATCH, Service::S3];
        let regions = ["eu-west-1", "us-gov-west-1", "cn-north-1"];
        let told = services.iter().flat_map(|service| regions.map(|region| hosts(*service, region)));
        let told: Vec<String> = told.collect();
        insta::assert_snapshot!(told.join("\n"), @"
        api.ecr.eu-west-1.amazonaws.com ecr.eu-west-1.api.aws api.ecr-fips.eu-west-1.amazonaws.com ecr-fips.eu-west-1.api.aws
        api.ecr.us-gov-west-1.amazonaws.com ecr.us-gov-west-1.api.aws api.ecr-fips.us-gov-west-1.amazonaws.com ecr-fips.us-gov-west-1.api.aws
        api.ecr.cn-north-1.amazonaws.com.cn ecr.cn-north-1.api.amazonwebservices.com.cn api.ecr-fips.cn-north-1.amazonaws.com.cn ecr-fips.cn-north-1.api.amazonwebservices.com.cn
        eks.eu-west-1.amazonaws.com eks.eu-west-1.api.aws fips.eks.eu-west-1.amazonaws.com eks-fips.eu-west-1.api.aws
        eks.us-gov-west-1.amazonaws.com eks.us-gov-west-1.api.aws eks.us-gov-west-1.amazonaws.com eks-fips.us-gov-west-1.api.aws
        eks.cn-north-1.amazonaws.com.cn eks.cn-north-1.api.amazonwebservices.com.cn eks-fips.cn-north-1.amazonaws.com.cn eks-fips.cn-north-1.api.amazonwebservices.com.cn
        sts.eu-west-1.amazonaws.com sts.eu-west-1.api.aws sts-fips.eu-west-1.amazonaws.com sts-fips.eu-west-1.api.aws
        sts.us-gov-west-1.amazonaws.com sts.us-gov-west-1.api.aws sts.us-gov-west-1.amazonaws.com sts-fips.us-gov-west-1.api.aws
        sts.cn-north-1.amazonaws.com.cn sts.cn-north-1.api.amazonwebservices.com.cn sts-fips.cn-north-1.amazonaws.com.cn sts-fips.cn-north-1.api.amazonwebservices.com.cn
        monitoring.eu-west-1.amazonaws.com monitoring.eu-west-1.api.aws monitoring-fips.eu-west-1.amazonaws.com monitoring-fips.eu-west-1.api.aws
        monitoring.us-gov-west-1.amazonaws.com monitoring.us-gov-west-1.api.aws monitoring.us-gov-west-1.amazonaws.com monitoring-fips.us-gov-west-1.api.aws
        monitoring.cn-north-1.amazonaws.com.cn monitoring.cn-north-1.api.amazonwebservices.com.cn monitoring-fips.cn-north-1.amazonaws.com.cn monitoring-fips.cn-north-1.api.amazonwebservices.com.cn
        s3.eu-west-1.amazonaws.com s3.dualstack.eu-west-1.amazonaws.com s3-fips.eu-west-1.amazonaws.com s3-fips.dualstack.eu-west-1.amazonaws.com
        s3.us-gov-west-1.amazonaws.com s3.dualstack.us-gov-west-1.amazonaws.com s3-fips.us-gov-west-1.amazonaws.com s3-fips.dualstack.us-gov-west-1.amazonaws.com
        s3.cn-north-1.amazonaws.com.cn s3.dualstack.cn-north-1.amazonaws.com.cn s3-fips.cn-north-1.amazonaws.com.cn s3-fips.dualstack.cn-north-1.amazonaws.com.cn
        ");
    }
}
