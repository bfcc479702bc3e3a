//! What the event that started the workflow says about the commits to compare.

use gix::ObjectId;
use serde_json::Value;
use sluice_core::{Context, Problem};

/// The event, as far as it names commits.
///
/// <https://docs.github.com/webhooks/webhook-events-and-payloads>
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The run is no step of a workflow.
    None,
    /// Commits were pushed; `before` is none when the push created the branch, `after` when it deleted it.
    Push { before: Option<ObjectId>, after: Option<ObjectId> },
    /// Something happened to a pull request. `commit` is the one that the workflow runs for: while the
    /// pull request is open, a merge of `head` into its base branch that GitHub made to try it out.
    PullRequest { base: ObjectId, head: ObjectId, commit: Option<ObjectId> },
    /// A merge queue wants to know.
    MergeGroup { base: ObjectId, head: ObjectId },
    /// An event that names no two commits.
    Other(String),
}

impl Event {
    /// Reads the event of the run.
    pub(crate) fn read(cx: &Context) -> Result<Self, Problem> {
        let Some(name) = cx.variable("GITHUB_EVENT_NAME").filter(|_| cx.is_in_actions()) else {
            return Ok(Self::None);
        };
        let payload = cx.event()?.unwrap_or_default();
        Self::of(name, cx.variable("GITHUB_SHA"), &payload)
    }

    fn of(name: &str, commit: Option<&str>, payload: &Value) -> Result<Self, Problem> {
        let id = |pointer: &str| id(name, payload, pointer);
        Ok(match name {
            "push" => Self::Push { before: unless_zero(id("/before")?), after: unless_zero(id("/after")?) },
            "pull_request" => Self::PullRequest {
                base: id("/pull_request/base/sha")?,
                head: id("/pull_request/head/sha")?,
                commit: commit.and_then(|commit| ObjectId::from_hex(commit.as_bytes()).ok()),
            },
            "merge_group" => {
                Self::MergeGroup { base: id("/merge_group/base_sha")?, head: id("/merge_group/head_sha")? }
            }
            _ => Self::Other(name.to_owned()),
        })
    }
}

/// A push names no commit by zeros only.
fn unless_zero(id: ObjectId) -> Option<ObjectId> {
    (!id.is_null()).then_some(id)
}

fn id(event: &str, payload: &Value, pointer: &str) -> Result<ObjectId, Problem> {
    let text = payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    ObjectId::from_hex(text.as_bytes()).map_err(|_| {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        Problem::undecided(format!("the payload of the event `{event}` does not say what to compare"))
            .why(format!("its field `{field}` holds no commit"))
            .help("give `base` and `head`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn sha(text: &str) -> ObjectId {
        ObjectId::from_hex(text.as_bytes()).unwrap()
    }

    #[test]
    fn events_name_their_commits() {
        let push = serde_json::json!({"before": A, "after": B});
        assert_eq!(
            Event::of("push", Some(B), &push).unwrap(),
            Event::Push { before: Some(sha(A)), after: Some(sha(B)) }
        );
        let request = serde_json::json!({"pull_request": {"base": {"sha": A}, "head": {"sha": B}}});
        assert_eq!(
            Event::of("pull_request", Some(C), &request).unwrap(),
            Event::PullRequest { base: sha(A), head: sha(B), commit: Some(sha(C)) }
        );
        let group = serde_json::json!({"merge_group": {"base_sha": A, "head_sha": B}});
        assert_eq!(
            Event::of("merge_group", Some(B), &group).unwrap(),
            Event::MergeGroup { base: sha(A), head: sha(B) }
        );
        assert_eq!(Event::of("schedule", None, &Value::Null).unwrap(), Event::Other("schedule".into()));
    }

    #[test]
    fn zeros_are_no_commit() {
        let push = serde_json::json!({"before": ZERO, "after": B});
        assert_eq!(
            Event::of("push", Some(B), &push).unwrap(),
            Event::Push { before: None, after: Some(sha(B)) }
        );
    }

    #[test]
    fn a_payload_that_lacks_a_commit_is_an_error() {
        for payload in [Value::Null, serde_json::json!({"before": "main", "after": B})] {
            let problem = Event::of("push", None, &payload).unwrap_err();
            assert_eq!(problem.why.as_deref(), Some("its field `before` holds no commit"));
        }
    }
}
