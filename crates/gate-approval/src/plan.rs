//! What is evaluated: inputs and configuration, merged once.

use sluice_config::File;
use sluice_core::{Context, ImageReference, Problem};

use crate::{Evaluate, Policy, condition::Condition, conditions, policy, trust};

/// What is evaluated.
pub(crate) struct Plan {
    pub(crate) environment: String,
    /// The file that holds the policy.
    pub(crate) policy: String,
    /// Never empty.
    pub(crate) conditions: Vec<Box<dyn Condition>>,
    pub(crate) commit: Option<Commit>,
    pub(crate) image: Option<ImageReference>,
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
        Ok(Self {
            conditions: conditions::of(gate, &inputs, config)?,
            policy: config.name.clone(),
            commit: cx.variable("GITHUB_SHA").map(|id| Commit {
                id: id.to_owned(),
                reference: cx.variable("GITHUB_REF_NAME").unwrap_or("HEAD").to_owned(),
            }),
            environment: inputs.environment,
            image: inputs.image,
        })
    }
}
