//! The conditions, one file each, and the enum that joins them.

pub mod approvals;
pub mod checks;
pub mod cluster;
pub mod confirm;
pub mod findings;
pub mod freeze;
pub mod image;
pub mod quota;
pub mod reports;
pub mod soak;
pub mod source;
pub mod unchanged;

use serde::{Deserialize, Serialize};

use crate::{Case, Outcome, Question};

/// Writes the enum of the conditions: a variant is the key of the gate, as configurations and records write it.
macro_rules! conditions {
    ($($(#[$doc:meta])* $variant:ident($policy:ty) = $key:literal,)*) => {
        /// One condition of a gate: its policy, and what was seen.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(tag = "condition")]
        pub enum Condition {
            $($(#[$doc])* #[serde(rename = $key)] $variant(Case<$policy>),)*
        }

        impl Condition {
            /// Its key in the gate.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $key,)*
                }
            }

            /// What is asked for, as records write it.
            pub fn policy(&self) -> Result<serde_json::Value, serde_json::Error> {
                match self {
                    $(Self::$variant(case) => serde_json::to_value(&case.policy),)*
                }
            }

            /// The judgement.
            pub fn judge(&self, question: &Question) -> Outcome {
                match self {
                    $(Self::$variant(case) => case.judge(question),)*
                }
            }
        }

        $(impl From<Case<$policy>> for Condition {
            fn from(case: Case<$policy>) -> Self {
                Self::$variant(case)
            }
        })*
    };
}

conditions! {
    /// A phrase was typed.
    Confirm(confirm::Confirm) = "confirm",
    /// The commit comes from where it must.
    Source(source::Source) = "source",
    /// Enough of the right people said yes.
    Approvals(approvals::Approvals) = "approvals",
    /// What tests the commit is green.
    Checks(checks::Checks) = "checks",
    /// The image is there, and is what was meant.
    Image(image::Image) = "image",
    /// What the registry's scan found in the image is within limits.
    Findings(findings::Findings) = "findings",
    /// The findings in the reports of scanners and linters are within limits.
    Reports(reports::Reports) = "reports",
    /// No freeze is on.
    Freeze(freeze::Freeze) = "freeze",
    /// The same image has run in another environment for long enough.
    Soak(soak::Soak) = "soak",
    /// Not more is deployed in a time than agreed.
    Quota(quota::Quota) = "quota",
    /// The cluster, its nodes and its add-ons are well.
    Cluster(cluster::Cluster) = "cluster",
    /// What was judged is still what goes there.
    Unchanged(unchanged::Unchanged) = "unchanged",
}
