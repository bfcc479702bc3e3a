//! Images, and what the scans of ECR found in them.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{self, ImageIdentifier};
use jiff::Timestamp;
use sluice_core::{ImageReference, Secret};
use sluice_sigv4::{Refusal, dns_suffix};

use crate::Error;

/// The calls of ECR, in one region.
#[derive(Clone, Debug)]
pub struct Ecr {
    client: aws_sdk_ecr::Client,
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
const A_PAGE: i32 = 1000;

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
    fn identifier(self) -> ImageIdentifier {
        match self {
            Self::Tag(tag) => ImageIdentifier::builder().image_tag(tag),
            Self::Digest(digest) => ImageIdentifier::builder().image_digest(digest),
        }
        .build()
    }
}

impl Ecr {
    pub(crate) const fn new(client: aws_sdk_ecr::Client) -> Self {
        Self { client }
    }

    /// What ECR knows of an image.
    pub async fn image(&self, repository: &Repository, which: Which<'_>) -> Result<ImageDetail, Error> {
        const ACTION: &str = "ecr:DescribeImages";
        let call = self.client.describe_images().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).image_ids(which.identifier());
        let answer = call.send().await.map_err(|error| Error::of(ACTION, &error))?;
        let mut details = answer.image_details.unwrap_or_default();
        let (Some(detail), true) = (details.pop(), details.is_empty()) else {
            return Err(Error::incomplete(ACTION, "the one image that was asked for"));
        };
        Ok(ImageDetail {
            digest: detail.image_digest.ok_or_else(|| Error::incomplete(ACTION, "the image's digest"))?,
            pushed_at: detail.image_pushed_at.and_then(timestamp),
            status: detail.image_status.map(|status| status.as_str().to_owned()),
        })
    }

    /// The manifest of an image, byte by byte.
    pub async fn manifest(&self, repository: &Repository, digest: &str) -> Result<Vec<u8>, Error> {
        const ACTION: &str = "ecr:BatchGetImage";
        let call = self.client.batch_get_image().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).image_ids(Which::Digest(digest).identifier());
        let call = call.set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()));
        let answer = call.send().await.map_err(|error| Error::of(ACTION, &error))?;
        if let Some(failure) = answer.failures().first() {
            let code = failure.failure_code().map(types::ImageFailureCode::as_str);
            return Err(Error::refused(ACTION, Refusal::new(None, code, failure.failure_reason())));
        }
        let manifest = answer.images.unwrap_or_default().pop().and_then(|image| image.image_manifest);
        manifest.map(String::into_bytes).ok_or_else(|| Error::incomplete(ACTION, "the manifest"))
    }

    /// Where a layer or a configuration can be fetched from, for a while and by anyone.
    pub async fn blob(&self, repository: &Repository, digest: &str) -> Result<Secret, Error> {
        const ACTION: &str = "ecr:GetDownloadUrlForLayer";
        let call = self.client.get_download_url_for_layer().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).layer_digest(digest);
        let answer = call.send().await.map_err(|error| Error::of(ACTION, &error))?;
        answer.download_url.map(Secret::new).ok_or_else(|| Error::incomplete(ACTION, "an address"))
    }

    /// Whether the tags of a repository may be moved.
    pub async fn mutability(&self, repository: &Repository) -> Result<Mutability, Error> {
        const ACTION: &str = "ecr:DescribeRepositories";
        let call = self.client.describe_repositories().registry_id(&repository.account);
        let answer = call
            .repository_names(&repository.name)
            .send()
            .await
            .map_err(|error| Error::of(ACTION, &error))?;
        let found = answer.repositories.unwrap_or_default().pop();
        let found = found.ok_or_else(|| Error::incomplete(ACTION, "the repository"))?;
        let rule =
            found.image_tag_mutability.ok_or_else(|| Error::incomplete(ACTION, "imageTagMutability"))?;
        let filters = found.image_tag_mutability_exclusion_filters.unwrap_or_default();
        Ok(Mutability {
            rule: rule.as_str().to_owned(),
            exclusions: filters.into_iter().map(|filter| filter.filter).collect(),
        })
    }

    /// What the scan of one image found, all pages. An index is not scanned: its platforms are.
    pub async fn scan(&self, repository: &Repository, digest: &str) -> Result<Scan, Error> {
        const ACTION: &str = "ecr:DescribeImageScanFindings";
        let mut scan = Scan::default();
        let mut token: Option<String> = None;
        for page in 0..PAGES {
            let call = self.client.describe_image_scan_findings().registry_id(&repository.account);
            let call = call.repository_name(&repository.name).image_id(Which::Digest(digest).identifier());
            let call = call.max_results(A_PAGE).set_next_token(token.clone());
            let answer = call.send().await.map_err(|error| Error::of(ACTION, &error))?;

            let told_of = answer.image_id.and_then(|image| image.image_digest);
            let status = answer.image_scan_status.as_ref().and_then(|status| status.status());
            let status = status.map(|status| status.as_str().to_owned());
            if page == 0 {
                scan.description = answer.image_scan_status.and_then(|status| status.description);
                scan.digest = told_of;
                scan.status = status;
            } else if (&scan.digest, &scan.status) != (&told_of, &status) {
                return Err(changed(ACTION));
            }
            if let Some(found) = answer.image_scan_findings {
                scan.found
                    .get_or_insert_default()
                    .add(found)
                    .ok_or_else(|| Error::incomplete(ACTION, "the name of each finding"))?;
            }
            match answer.next_token.filter(|next| !next.is_empty()) {
                None => return Ok(scan),
                Some(next) if token.as_ref() == Some(&next) => return Err(changed(ACTION)),
                next => token = next,
            }
        }
        Err(Error::CouldNotTell {
            why: format!("{ACTION}: there are more than {PAGES} pages of findings"),
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
    fn add(&mut self, page: types::ImageScanFindings) -> Option<()> {
        self.completed_at = page.image_scan_completed_at.and_then(timestamp).or(self.completed_at);
        for (severity, count) in page.finding_severity_counts.unwrap_or_default() {
            // Each page repeats the counts of all.
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            let known = self.counts.entry(severity.as_str().to_owned()).or_default();
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

fn basic(finding: types::ImageScanFinding) -> Option<Vulnerability> {
    let attribute = |key: &str| {
        let found = finding.attributes.iter().flatten().find(|attribute| attribute.key == key)?;
        found.value.as_deref()
    };
    let packages = attribute("package_name").map(|name| match attribute("package_version") {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    });
    Some(Vulnerability {
        packages: packages.into_iter().collect(),
        severity: finding.severity.map(|severity| severity.as_str().to_owned()).unwrap_or_default(),
        status: None,
        id: finding.name?,
    })
}

fn enhanced(finding: types::EnhancedImageScanFinding) -> Option<Vulnerability> {
    let details = finding.package_vulnerability_details;
    let packages = details
        .iter()
        .flat_map(types::PackageVulnerabilityDetails::vulnerable_packages)
        .filter_map(|package| {
            Some(match package.version() {
                Some(version) => format!("{} {version}", package.name()?),
                None => package.name()?.to_owned(),
            })
        });
    let packages = packages.collect();
    // A finding that is no vulnerability of a package has a title only.
    let id = details.and_then(|details| details.vulnerability_id).or(finding.title).or(finding.finding_arn);
    Some(Vulnerability {
        packages,
        severity: finding.severity.unwrap_or_default(),
        status: finding.status,
        id: id?,
    })
}

fn timestamp(time: aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(time.as_nanos()).ok()
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
