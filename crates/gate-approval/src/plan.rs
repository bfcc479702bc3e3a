//! What is evaluated: inputs and configuration, merged once.

use std::path::Path;

use jiff::Timestamp;
use sluice_config::{File, Gate};
use sluice_core::{Context, ImageReference, Period, Place, Problem};
use sluice_gate::{Question, record, unchanged::Unchanged};

use crate::{
    Evaluate, Policy,
    condition::Condition,
    conditions::{self, unchanged},
    network::Access,
    policy,
    record::Destination,
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
    /// Where the record goes, if it is kept.
    pub(crate) destination: Option<Destination>,
    /// The digest of what all conditions ask for.
    policy_digest: String,
    /// How long people are waited for.
    pub(crate) wait: Option<Period>,
    /// Whether an issue asks them.
    pub(crate) has_issue: bool,
    /// What is asked last, before a yes.
    pub(crate) unchanged: Option<Condition>,
    /// Whether a condition is about the image's digest.
    pub(crate) needs_digest: bool,
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
        let reference = reference.filter(|_| judges_commit);
        let looks_at_image = gate.image.is_some() || gate.findings.is_some();
        let needs_digest = looks_at_image || gate.soak.is_some();
        let names_digest = inputs.image.as_ref().is_some_and(|image| image.digest().is_some());
        let tagged = inputs.image.clone().filter(|image| image.tag().is_some() || !names_digest);
        // A gate that never asks the registry takes a digest that was given for what it is.
        let tagged = tagged.filter(|_| looks_at_image || needs_digest && !names_digest);
        let unchanged = (reference.is_some() || tagged.is_some()).then(|| {
            let policy = Unchanged { reference, image: tagged.map(|image| image.to_string()) };
            Condition::new(Place::file(&config.name), unchanged::Gatherer(policy))
        });
        let conditions = conditions::of(gate, &inputs, branch.as_deref(), config)?;
        let policy_digest = record::policy_digest(conditions.iter().map(Condition::policy))
            .map_err(|error| Problem::undecided("could not write the policy down").why(error))?;
        Ok(Self {
            destination: destination(&inputs, gate, config, cx)?,
            policy_digest,
            conditions,
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
            needs_digest,
            access: Access {
                options: inputs.network,
                token: inputs.token,
                org_token: inputs.org_token,
                registry_auth: inputs.registry_auth,
                ..Access::default()
            },
        })
    }

    /// What is decided, at a time, about the digest that the image was found to have.
    pub(crate) fn question(&self, digest: Option<&str>, now: Timestamp) -> Question {
        Question {
            environment: self.environment.clone(),
            repository: self.repository.clone(),
            commit: self.commit.as_ref().map(|commit| commit.id.clone()),
            image: self.image.as_ref().map(ToString::to_string),
            digest: digest.map(str::to_owned),
            plan: self.terraform.as_ref().map(|plan| plan.digest.clone()),
            policy: self.policy_digest.clone(),
            now,
        }
    }
}

/// Where the record goes: as the input says, else the configuration; else, in a workflow, into the runner's folder
/// for temporary files, from where it can be uploaded.
fn destination(
    inputs: &Evaluate,
    gate: &Gate,
    config: &File<Policy>,
    cx: &Context,
) -> Result<Option<Destination>, Problem> {
    if let Some(to) = &inputs.record {
        return Destination::new(to, inputs.record_retention, cx).map(Some);
    }
    if let Some(record) = &gate.record {
        let retention = inputs.record_retention.or(record.retention);
        let destination = Destination::new(&record.to, retention, cx);
        return destination.map(Some).map_err(|problem| problem.at(config.place_of(&record.to)));
    }
    if inputs.record_retention.is_some() {
        return Err(Problem::misconfigured("it is not said where the record goes")
            .why("it is to be held for a time")
            .help("give `record` as `s3://BUCKET/PREFIX`"));
    }
    Ok(cx.reports().map(|folder| Destination::File(folder.join(RECORDS))))
}

/// The file of records beside the reports of a job. It is none of them: those end in `.json`.
const RECORDS: &str = "records.jsonl";

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
        Ok(Self { name, digest: record::sha256(&bytes) })
    }
}
