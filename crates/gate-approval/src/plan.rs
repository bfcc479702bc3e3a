//! What is evaluated: inputs and configuration, merged once.

use std::path::Path;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use sluice_config::File;
use sluice_core::{Context, ImageReference, Period, Place, Problem};
use sluice_gate::{Question, unchanged::Unchanged};

use crate::{
    Evaluate, Policy,
    condition::Condition,
    conditions::{self, unchanged},
    network::Access,
    policy,
};

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
    pub(crate) terraform: Option<TerraformPlan>,
    pub(crate) access: Access,
    /// How long people are waited for.
    pub(crate) wait: Option<Period>,
    /// Whether an issue asks them.
    pub(crate) has_issue: bool,
    /// What is asked last, before a yes.
    pub(crate) unchanged: Option<Condition>,
}

/// The commit that the run is about, as the runner names it.
pub(crate) struct Commit {
    pub(crate) id: String,
    /// The branch or tag.
    pub(crate) reference: String,
}

impl Plan {
    pub(crate) fn new(inputs: Evaluate, config: &File<Policy>, cx: &Context) -> Result<Self, Problem> {
        let gate = policy::gate(config, &inputs.environment)?;
        let own_branch = cx.variable("GITHUB_REF").and_then(|name| name.strip_prefix("refs/heads/"));
        let branch = policy::source_branch(config, &inputs.environment).or(own_branch).map(str::to_owned);
        let commit = inputs.commit.clone().or_else(|| cx.variable("GITHUB_SHA").map(str::to_owned));
        let tag = cx.variable("GITHUB_REF").and_then(|name| name.strip_prefix("refs/tags/"));
        let reference = match (tag, &branch) {
            (Some(tag), _) => Some(format!("tags/{tag}")),
            (None, Some(branch)) => Some(format!("heads/{branch}")),
            (None, None) => None,
        };
        // Only a gate that judged a commit can be wrong about it.
        let judges_commit = gate.source.is_some() || gate.approvals.is_some() || gate.checks.is_some();
        let unchanged = reference.filter(|_| judges_commit).map(|reference| {
            let policy = Unchanged { reference: Some(reference), image: None };
            Condition::new(Place::file(&config.name), unchanged::Gatherer(policy))
        });
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
            terraform: inputs.plan.map(|file| TerraformPlan::read(&file, cx)).transpose()?,
            wait: inputs.wait,
            has_issue: gate.approvals.as_ref().is_some_and(|rule| rule.issue),
            unchanged,
            access: Access {
                options: inputs.network,
                token: inputs.token,
                org_token: inputs.org_token,
                ..Access::default()
            },
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
            plan: self.terraform.as_ref().map(|plan| plan.digest.clone()),
            policy: self.policy_digest(),
            now,
        }
    }

    fn policy_digest(&self) -> String {
        let policies: serde_json::Value = self.conditions.iter().map(Condition::policy).collect();
        sha256(policies.to_string().as_bytes())
    }
}

/// A Terraform plan: what is applied is this file, byte for byte.
pub(crate) struct TerraformPlan {
    /// The file, as people name it.
    pub(crate) name: String,
    pub(crate) digest: String,
}

impl TerraformPlan {
    fn read(file: &Path, cx: &Context) -> Result<Self, Problem> {
        let name = cx.name_of(file);
        let bytes = std::fs::read(cx.folder().join(file)).map_err(|error| {
            Problem::misconfigured(format!("could not read the plan {name}"))
                .why(error)
                .help("let the step that writes it (`terraform plan -out`) run before the gate")
        })?;
        Ok(Self { name, digest: sha256(&bytes) })
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
