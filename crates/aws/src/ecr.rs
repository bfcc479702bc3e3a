//! Images, and what the scans of ECR found in them.

mod answer;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sluice_core::{ImageReference, Secret};
use sluice_sigv4::{Call, Refusal, Service, dns_suffix};

use crate::{Aws, Error};

/// The calls of ECR, in one region.
#[derive(Clone, Debug)]
pub struct Ecr {
    aws: Aws,
    region: String,
}

/// A repository of a private registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The account that owns the registry.
    pub account: String,
    /// The region that it lies in.
    pub region: String,
    /// Its name in the registry: `shop/backend`.
    pub name: String,
}

/// Which image of a repository is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// The one that a tag points to now.
    Tag(&'a str),
    /// The one with this digest.
    Digest(&'a str),
}

/// What ECR knows of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDetail {
    /// Its digest.
    pub digest: String,
    /// When it was pushed.
    pub pushed_at: Option<Timestamp>,
    /// `ACTIVE`, or else it can't be pulled. Older registries do not tell.
    pub status: Option<String>,
}

/// Whether tags may be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutability {
    /// `IMMUTABLE`, `MUTABLE`, or either `_WITH_EXCLUSION`.
    pub rule: String,
    /// The tags for which it is the other way round, with `*` for anything.
    pub exclusions: Vec<String>,
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The image that is told of.
    pub digest: Option<String>,
    /// ECR's word for how far the scan is: `COMPLETE`.
    pub status: Option<String>,
    /// ECR's explanation of it.
    pub description: Option<String>,
    /// What was found; `None` when ECR tells nothing of it, which is not the same as nothing.
    pub found: Option<Found>,
}

/// The findings of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// When the image was last scanned.
    pub completed_at: Option<Timestamp>,
    /// How many findings there are by severity, as ECR counts them.
    pub counts: BTreeMap<String, u64>,
    /// The findings, all pages.
    pub vulnerabilities: Vec<Vulnerability>,
}

/// One vulnerability in one package or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vulnerability {
    /// Its name: `CVE-2026-1234`.
    pub id: String,
    /// ECR's word for how bad it is: `CRITICAL`.
    pub severity: String,
    /// Inspector's word for whether it still counts: `ACTIVE`, `SUPPRESSED`, `CLOSED`. Basic scans have none.
    pub status: Option<String>,
    /// The packages that it is in: `openssl 3.0.1`.
    pub packages: Vec<String>,
}

/// A scan of more pages than this is not read to its end.
const PAGES: usize = 100;
const A_PAGE: u32 = 1000;

/// The forms of a manifest that are asked for: else ECR would turn one into another, with another digest.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

impl Repository {
    /// The repository that an image's name is of; `None` when its registry is not ECR's.
    ///
    /// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html>
    pub fn of(image: &ImageReference) -> Option<Self> {
        let host = image.registry()?;
        let name = image.name().strip_prefix(host)?.strip_prefix('/')?;
        let (account, rest) = host.split_once('.')?;
        let (kind, rest) = match rest.strip_prefix("dkr.") {
            Some(rest) => rest.split_once('.')?,
            None => rest.split_once('.')?,
        };
        let (region, suffix) = rest.split_once('.')?;
        let is_ecr = match kind {
            "ecr" | "ecr-fips" => suffix == dns_suffix(region),
            "dkr-ecr" | "dkr-ecr-fips" => suffix == "on.aws",
            _ => false,
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (is_ecr && is_account).then(|| Self {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl Which<'_> {
    fn identifier(self) -> Value {
        match self {
            Self::Tag(tag) => json!({"imageTag": tag}),
            Self::Digest(digest) => json!({"imageDigest": digest}),
        }
    }
}

/// One of the calls that are made: the name that a request carries, and the IAM action that it needs.
///
/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html>
struct Operation {
    target: &'static str,
    action: &'static str,
}

const DESCRIBE_IMAGES: Operation =
    Operation { target: "AmazonEC2ContainerRegistry_V20150921.DescribeImages", action: "ecr:DescribeImages" };
const BATCH_GET_IMAGE: Operation =
    Operation { target: "AmazonEC2ContainerRegistry_V20150921.BatchGetImage", action: "ecr:BatchGetImage" };
const GET_DOWNLOAD_URL: Operation = Operation {
    target: "AmazonEC2ContainerRegistry_V20150921.GetDownloadUrlForLayer",
    action: "ecr:GetDownloadUrlForLayer",
};
const DESCRIBE_REPOSITORIES: Operation = Operation {
    target: "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
    action: "ecr:DescribeRepositories",
};
const DESCRIBE_FINDINGS: Operation = Operation {
    target: "AmazonEC2ContainerRegistry_V20150921.DescribeImageScanFindings",
    action: "ecr:DescribeImageScanFindings",
};

impl Ecr {
    pub(crate) fn new(aws: Aws, region: &str) -> Self {
        Self { aws, region: region.to_owned() }
    }

    async fn ask<T: DeserializeOwned>(&self, operation: &Operation, input: &Value) -> Result<T, Error> {
        let call = Call::json(Service::ECR, operation.target, input);
        self.aws.ask(operation.action, &self.region, call).await
    }

    /// What ECR knows of an image.
    pub async fn image(&self, repository: &Repository, which: Which<'_>) -> Result<ImageDetail, Error> {
        let input = json!({"registryId": repository.account, "repositoryName": repository.name,
            "imageIds": [which.identifier()]});
        let answer: answer::Images = self.ask(&DESCRIBE_IMAGES, &input).await?;
        let without = |what| Error::incomplete(DESCRIBE_IMAGES.action, what);
        let mut details = answer.image_details.unwrap_or_default();
        let (Some(detail), true) = (details.pop(), details.is_empty()) else {
            return Err(without("the one image that was asked for"));
        };
        Ok(ImageDetail {
            digest: detail.digest.ok_or_else(|| without("the image's digest"))?,
            pushed_at: detail.pushed_at.and_then(timestamp),
            status: detail.status,
        })
    }

    /// The manifest of an image, byte by byte.
    pub async fn manifest(&self, repository: &Repository, digest: &str) -> Result<Vec<u8>, Error> {
        let input = json!({"registryId": repository.account, "repositoryName": repository.name,
            "imageIds": [Which::Digest(digest).identifier()], "acceptedMediaTypes": MEDIA_TYPES});
        let answer: answer::Manifests = self.ask(&BATCH_GET_IMAGE, &input).await?;
        if let Some(failure) = answer.failures.iter().flatten().next() {
            let (code, reason) = (failure.failure_code.as_deref(), failure.failure_reason.as_deref());
            return Err(Error::refused(BATCH_GET_IMAGE.action, Refusal::new(None, code, reason)));
        }
        let manifest = answer.images.unwrap_or_default().pop().and_then(|image| image.image_manifest);
        let manifest = manifest.map(String::into_bytes);
        manifest.ok_or_else(|| Error::incomplete(BATCH_GET_IMAGE.action, "the manifest"))
    }

    /// Where a layer or a configuration can be fetched from, for a while and by anyone.
    pub async fn blob(&self, repository: &Repository, digest: &str) -> Result<Secret, Error> {
        let input = json!({"registryId": repository.account, "repositoryName": repository.name,
            "layerDigest": digest});
        let answer: answer::Blob = self.ask(&GET_DOWNLOAD_URL, &input).await?;
        let url = answer.download_url.map(Secret::new);
        url.ok_or_else(|| Error::incomplete(GET_DOWNLOAD_URL.action, "an address"))
    }

    /// Whether the tags of a repository may be moved.
    pub async fn mutability(&self, repository: &Repository) -> Result<Mutability, Error> {
        let input = json!({"registryId": repository.account, "repositoryNames": [repository.name]});
        let answer: answer::Repositories = self.ask(&DESCRIBE_REPOSITORIES, &input).await?;
        let without = |what| Error::incomplete(DESCRIBE_REPOSITORIES.action, what);
        let found = answer.repositories.unwrap_or_default().pop().ok_or_else(|| without("the repository"))?;
        let filters = found.image_tag_mutability_exclusion_filters.unwrap_or_default();
        Ok(Mutability {
            rule: found.image_tag_mutability.ok_or_else(|| without("imageTagMutability"))?,
            exclusions: filters.into_iter().map(|filter| filter.filter).collect(),
        })
    }

    /// What the scan of one image found, all pages. An index is not scanned: its platforms are.
    pub async fn scan(&self, repository: &Repository, digest: &str) -> Result<Scan, Error> {
        let action = DESCRIBE_FINDINGS.action;
        let mut input = json!({"registryId": repository.account, "repositoryName": repository.name,
            "imageId": Which::Digest(digest).identifier(), "maxResults": A_PAGE});
        let mut scan = Scan::default();
        let mut token: Option<String> = None;
        for page in 0..PAGES {
            let answer: answer::Scan = self.ask(&DESCRIBE_FINDINGS, &input).await?;
            let told_of = answer.image.and_then(|image| image.image_digest);
            let answer::Status { status, description } = answer.status.unwrap_or_default();
            if page == 0 {
                scan = Scan { digest: told_of, status, description, found: None };
            } else if (&scan.digest, &scan.status) != (&told_of, &status) {
                return Err(changed(action));
            }
            if let Some(found) = answer.found {
                scan.found
                    .get_or_insert_default()
                    .add(found)
                    .ok_or_else(|| Error::incomplete(action, "the name of each finding"))?;
            }
            match answer.next.filter(|next| !next.is_empty()) {
                None => return Ok(scan),
                Some(next) if token.as_ref() == Some(&next) => return Err(changed(action)),
                Some(next) => {
                    input["nextToken"] = next.clone().into();
                    token = Some(next);
                }
            }
        }
        Err(Error::CouldNotTell {
            why: format!("{action}: there are more than {PAGES} pages of findings"),
            help: "mend what was found: no one reads so many".to_owned(),
        })
    }
}

/// Pages that do not belong together.
fn changed(action: &str) -> Error {
    Error::CouldNotTell {
        why: format!("{action}: the answer changed while it was read"),
        help: "run again, when the scan has ended".to_owned(),
    }
}

impl Found {
    /// Adds a page. `None` when a finding has no name.
    fn add(&mut self, page: answer::Found) -> Option<()> {
        self.completed_at = page.image_scan_completed_at.and_then(timestamp).or(self.completed_at);
        for (severity, count) in page.finding_severity_counts.unwrap_or_default() {
            // Each page repeats the counts of all.
            let known = self.counts.entry(severity).or_default();
            *known = count.max(*known);
        }
        for finding in page.findings.unwrap_or_default() {
            self.vulnerabilities.push(basic(finding)?);
        }
        for finding in page.enhanced_findings.unwrap_or_default() {
            self.vulnerabilities.push(enhanced(finding)?);
        }
        Some(())
    }
}

fn basic(finding: answer::Finding) -> Option<Vulnerability> {
    let attribute = |key: &str| {
        let found = finding.attributes.iter().flatten().find(|attribute| attribute.key == key)?;
        found.value.clone()
    };
    let package = answer::Package { name: attribute("package_name"), version: attribute("package_version") };
    Some(Vulnerability {
        packages: package.name().into_iter().collect(),
        severity: finding.severity.unwrap_or_default(),
        status: None,
        id: finding.name?,
    })
}

fn enhanced(finding: answer::EnhancedFinding) -> Option<Vulnerability> {
    let details = finding.package_vulnerability_details.unwrap_or_default();
    let packages = details.vulnerable_packages.unwrap_or_default();
    // A finding that is no vulnerability of a package has a title only.
    let id = details.vulnerability_id.or(finding.title).or(finding.finding_arn);
    Some(Vulnerability {
        packages: packages.into_iter().filter_map(answer::Package::name).collect(),
        severity: finding.severity.unwrap_or_default(),
        status: finding.status,
        id: id?,
    })
}

impl answer::Package {
    fn name(self) -> Option<String> {
        Some(match (self.name?, self.version) {
            (name, Some(version)) => format!("{name} {version}"),
            (name, None) => name,
        })
    }
}

/// A time as ECR writes it: seconds since 1970, with a fraction.
fn timestamp(seconds: f64) -> Option<Timestamp> {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(image: &str) -> Option<(String, String, String)> {
        let Repository { account, region, name } = Repository::of(&image.parse().unwrap())?;
        Some((account, region, name))
    }

    #[test]
    fn a_repository_is_known_by_its_host() {
        let of = |account: &str, region: &str, name: &str| Some((account.into(), region.into(), name.into()));
        assert_eq!(
            repository("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/backend:v1"),
            of("123456789012", "eu-west-1", "shop/backend")
        );
        assert_eq!(
            repository("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/shop"),
            of("123456789012", "us-gov-west-1", "shop")
        );
        assert_eq!(
            repository("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop"),
            of("123456789012", "cn-north-1", "shop")
        );
        assert_eq!(
            repository("123456789012.dkr-ecr.eu-west-1.on.aws/shop"),
            of("123456789012", "eu-west-1", "shop")
        );
    }

    #[test]
    fn what_only_looks_like_ecr_is_not() {
        for image in [
            "public.ecr.aws/nginx/nginx",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example/shop",
            "123456789012.dkr.ecr.eu-west-1.evil.example/shop",
            "12345.dkr.ecr.eu-west-1.amazonaws.com/shop",
            "123456789012.dkr.ecs.eu-west-1.amazonaws.com/shop",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com/shop",
            "ghcr.io/123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop",
            "redis",
        ] {
            assert_eq!(repository(image), None, "{image}");
        }
    }
}
