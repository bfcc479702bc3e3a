//! What is evaluated: inputs and configuration, merged once.

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use sluice_config::File;
use sluice_core::{Context, ImageReference, Problem};
use sluice_gate::Question;

use crate::{Evaluate, Policy, condition::Condition, conditions, network::Access, policy, trust};

/// What is evaluated.
pub(crate) struct Plan {
    pub(crate) environment: String,
    /// `owner/name`, as the runner names it.
    pub(crate) repository: Option<String>,
    /// The file that holds the policy.
    pub(crate) policy: String,
    /// Never empty.
    pub(crate) conditions: Vec<Condition>,
    pub(crate) commit: Option<Commit>,
    pub(crate) image: Option<ImageReference>,
    pub(crate) access: Access,
}

/// The commit that the run is about, as the runner names it.
pub(crate) struct Commit {
    pub(crate) id: String,
    /// The branch or tag.
    pub(crate) reference: String,
}

impl Plan {
    pub(crate) fn new(inputs: Evaluate, config: &File<Policy>, cx: &Context) -> Result<Self, Problem> {
        trust::check(cx.variable("GITHUB_EVENT_NAME"), cx.is_in_actions(), &config.name)?;
        let gate = policy::gate(config, &inputs.environment)?;
        let own_branch = cx.variable("GITHUB_REF").and_then(|name| name.strip_prefix("refs/heads/"));
        let branch = policy::source_branch(config, &inputs.environment).or(own_branch).map(str::to_owned);
        let commit = inputs.commit.clone().or_else(|| cx.variable("GITHUB_SHA").map(str::to_owned));
        Ok(Self {
            conditions: conditions::of(gate, &inputs, branch.as_deref(), config)?,
            policy: config.name.clone(),
            repository: inputs.repository.or_else(|| cx.variable("GITHUB_REPOSITORY").map(str::to_owned)),
            commit: commit.map(|id| Commit {
                id,
                reference: branch
                    .unwrap_or_else(|| cx.variable("GITHUB_REF_NAME").unwrap_or("HEAD").to_owned()),
            }),
            environment: inputs.environment,
            image: inputs.image,
            access: Access { options: inputs.network, token: inputs.token, org_token: inputs.org_token },
        })
    }

    /// What is decided, at a time.
    pub(crate) fn question(&self, now: Timestamp) -> Question {
        Question {
            environment: self.environment.clone(),
            repository: self.repository.clone(),
            commit: self.commit.as_ref().map(|commit| commit.id.clone()),
            image: self.image.as_ref().map(ToString::to_string),
            digest: self.image.as_ref().and_then(|image| image.digest()).map(str::to_owned),
            policy: self.policy_digest(),
            now,
        }
    }

    fn policy_digest(&self) -> String {
        let policies: serde_json::Value = self.conditions.iter().map(Condition::policy).collect();
        let digest = digest(&SHA256, policies.to_string().as_bytes());
        digest.as_ref().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }
}
