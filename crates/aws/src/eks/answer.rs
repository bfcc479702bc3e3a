//! What EKS answers: of its fields those that are decided on.
//!
//! All may be missing, as <https://docs.aws.amazon.com/eks/latest/APIReference/API_Types.html> has it: whoever decides
//! on one says what that means. What is there must be of its type.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct OfCluster {
    pub(super) cluster: Option<Cluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cluster {
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) version: Option<String>,
    pub(super) health: Option<Health>,
    pub(super) endpoint: Option<String>,
    pub(super) certificate_authority: Option<Certificate>,
    pub(super) compute_config: Option<ComputeConfig>,
}

#[derive(Deserialize)]
pub(super) struct Certificate {
    pub(super) data: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ComputeConfig {
    pub(super) enabled: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Health {
    pub(super) issues: Option<Vec<Issue>>,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeGroups {
    pub(super) nodegroups: Option<Vec<String>>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct OfNodeGroup {
    pub(super) nodegroup: Option<NodeGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeGroup {
    pub(super) nodegroup_name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) health: Option<Health>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddOns {
    pub(super) addons: Option<Vec<String>>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct OfAddOn {
    pub(super) addon: Option<AddOn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddOn {
    pub(super) addon_name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) health: Option<Health>,
}
