//! What ECR answers: of its fields those that are decided on.
//!
//! All may be missing, as <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Types.html> has it: whoever
//! decides on one says what that means. What is there must be of its type.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Images {
    pub(super) image_details: Option<Vec<ImageDetail>>,
}

#[derive(Deserialize)]
pub(super) struct ImageDetail {
    #[serde(rename = "imageDigest")]
    pub(super) digest: Option<String>,
    #[serde(rename = "imagePushedAt")]
    pub(super) pushed_at: Option<f64>,
    #[serde(rename = "imageStatus")]
    pub(super) status: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Manifests {
    pub(super) images: Option<Vec<Manifest>>,
    pub(super) failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) image_manifest: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    pub(super) failure_code: Option<String>,
    pub(super) failure_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    pub(super) download_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Repositories {
    pub(super) repositories: Option<Vec<Repository>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Repository {
    pub(super) image_tag_mutability: Option<String>,
    pub(super) image_tag_mutability_exclusion_filters: Option<Vec<Filter>>,
}

#[derive(Deserialize)]
pub(super) struct Filter {
    pub(super) filter: String,
}

#[derive(Deserialize)]
pub(super) struct Scan {
    #[serde(rename = "imageId")]
    pub(super) image: Option<ImageId>,
    #[serde(rename = "imageScanStatus")]
    pub(super) status: Option<Status>,
    #[serde(rename = "imageScanFindings")]
    pub(super) found: Option<Found>,
    #[serde(rename = "nextToken")]
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageId {
    pub(super) image_digest: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Status {
    pub(super) status: Option<String>,
    pub(super) description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    pub(super) image_scan_completed_at: Option<f64>,
    pub(super) finding_severity_counts: Option<BTreeMap<String, u64>>,
    pub(super) findings: Option<Vec<Finding>>,
    pub(super) enhanced_findings: Option<Vec<EnhancedFinding>>,
}

/// A finding of a basic scan.
#[derive(Deserialize)]
pub(super) struct Finding {
    pub(super) name: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) attributes: Option<Vec<Attribute>>,
}

#[derive(Deserialize)]
pub(super) struct Attribute {
    pub(super) key: String,
    pub(super) value: Option<String>,
}

/// A finding of Inspector.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnhancedFinding {
    pub(super) finding_arn: Option<String>,
    pub(super) title: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) status: Option<String>,
    pub(super) package_vulnerability_details: Option<Vulnerability>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vulnerability {
    pub(super) vulnerability_id: Option<String>,
    pub(super) vulnerable_packages: Option<Vec<Package>>,
}

#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
}
