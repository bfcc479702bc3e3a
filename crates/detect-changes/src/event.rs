//! What the event that started the workflow says about the commits to compare.

use gix::ObjectId;
use serde_json::Value;
use sluice_core::{Context, Problem};

/// The event, as far as it tells what to compare.
///
/// <https://docs.github.com/webhooks/webhook-events-and-payloads>
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The run is no step of a workflow.
    None,
    /// Commits were pushed to a branch.
    Push(Push),
    /// A tag was pushed, or released. `before` is what it stood for until then; none when it is new.
    Tag { name: String, before: Option<ObjectId>, commit: ObjectId },
    /// Something happened to a pull request.
    PullRequest(PullRequest),
    /// A merge queue wants to know.
    MergeGroup { base: ObjectId, head: ObjectId },
    /// A run of another workflow ended.
    Run(Run),
    /// An event of its name that has no commits of its own: a clock or a person started the workflow.
    Since(String),
    /// An event of its name that tells nothing about commits.
    Other(String),
}

/// Commits were pushed to a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Push {
    pub(crate) branch: String,
    pub(crate) default_branch: Option<String>,
    /// None when the push created the branch.
    pub(crate) before: Option<ObjectId>,
    /// None when the push deleted it.
    pub(crate) after: Option<ObjectId>,
}

/// Something happened to a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PullRequest {
    pub(crate) base: ObjectId,
    pub(crate) head: ObjectId,
    /// The one that the workflow runs for: while the pull request is open, a merge of `head` into its base
    /// branch that GitHub made to try it out.
    pub(crate) commit: Option<ObjectId>,
    /// Whether the workflow runs for the base branch: `pull_request_target`.
    pub(crate) is_target: bool,
}

/// A run of another workflow ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: u64,
    /// The name of the workflow's file: `test.yml`.
    pub(crate) workflow: String,
    pub(crate) branch: String,
    pub(crate) head: ObjectId,
    /// Whether it ran for a pull request.
    pub(crate) is_for_request: bool,
    /// The base of the pull request where GitHub names it: it does not for one from a fork.
    pub(crate) base: Option<ObjectId>,
    pub(crate) default_branch: Option<String>,
}

impl Event {
    /// Reads the event of the run.
    pub(crate) fn read(cx: &Context) -> Result<Self, Problem> {
        let Some(name) = cx.variable("GITHUB_EVENT_NAME").filter(|_| cx.is_in_actions()) else {
            return Ok(Self::None);
        };
        let payload = cx.event()?.unwrap_or_default();
        Self::of(&Payload { event: name, content: &payload, commit: cx.variable("GITHUB_SHA") })
    }

    fn of(payload: &Payload<'_>) -> Result<Self, Problem> {
        Ok(match payload.event {
            "push" => return payload.push(),
            "pull_request" | "pull_request_target" => Self::PullRequest(PullRequest {
                base: payload.id("/pull_request/base/sha")?,
                head: payload.id("/pull_request/head/sha")?,
                commit: payload.commit().ok(),
                is_target: payload.event == "pull_request_target",
            }),
            "merge_group" => Self::MergeGroup {
                base: payload.id("/merge_group/base_sha")?,
                head: payload.id("/merge_group/head_sha")?,
            },
            "release" => Self::Tag {
                name: payload.text("/release/tag_name")?.to_owned(),
                before: None,
                commit: payload.commit()?,
            },
            "workflow_run" => Self::Run(payload.run()?),
            "schedule" | "workflow_dispatch" | "repository_dispatch" => Self::Since(payload.event.to_owned()),
            _ => Self::Other(payload.event.to_owned()),
        })
    }
}

/// What GitHub tells of an event: strangers have written parts of it.
struct Payload<'a> {
    event: &'a str,
    content: &'a Value,
    /// The commit that the workflow runs for.
    commit: Option<&'a str>,
}

impl Payload<'_> {
    fn push(&self) -> Result<Event, Problem> {
        let reference = self.text("/ref").unwrap_or_default();
        let (before, after) = (unless_zero(self.id("/before")?), unless_zero(self.id("/after")?));
        Ok(match (reference.strip_prefix("refs/tags/"), after) {
            (Some(name), Some(commit)) => Event::Tag { name: name.to_owned(), before, commit },
            _ => Event::Push(Push {
                branch: reference.strip_prefix("refs/heads/").unwrap_or(reference).to_owned(),
                default_branch: self.default_branch(),
                before,
                after,
            }),
        })
    }

    fn run(&self) -> Result<Run, Problem> {
        Ok(Run {
            id: self.number("/workflow_run/id")?,
            workflow: workflow_file(self.text("/workflow_run/path")?).to_owned(),
            branch: self.text("/workflow_run/head_branch")?.to_owned(),
            head: self.id("/workflow_run/head_sha")?,
            is_for_request: self.text("/workflow_run/event")?.starts_with("pull_request"),
            base: self.id("/workflow_run/pull_requests/0/base/sha").ok(),
            default_branch: self.default_branch(),
        })
    }

    fn default_branch(&self) -> Option<String> {
        self.text("/repository/default_branch").ok().map(str::to_owned)
    }

    fn commit(&self) -> Result<ObjectId, Problem> {
        let text = self.commit.unwrap_or_default();
        ObjectId::from_hex(text.as_bytes()).map_err(|_| self.lacks("GITHUB_SHA", "commit"))
    }

    fn id(&self, pointer: &str) -> Result<ObjectId, Problem> {
        let text = self.content.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        ObjectId::from_hex(text.as_bytes()).map_err(|_| self.lacks(pointer, "commit"))
    }

    fn text(&self, pointer: &str) -> Result<&str, Problem> {
        let text = self.content.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| self.lacks(pointer, "text"))
    }

    fn number(&self, pointer: &str) -> Result<u64, Problem> {
        self.content.pointer(pointer).and_then(Value::as_u64).ok_or_else(|| self.lacks(pointer, "number"))
    }

    fn lacks(&self, pointer: &str, what: &str) -> Problem {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        Problem::undecided(format!("the payload of the event `{}` does not say what to compare", self.event))
            .why(format!("its field `{field}` holds no {what}"))
            .help("give `base` and `head`")
    }
}

/// The name of a workflow's file, from its path: `.github/workflows/test.yml`, maybe followed by `@` and
/// where it was read.
pub(crate) fn workflow_file(path: &str) -> &str {
    let path = path.split_once('@').map_or(path, |(path, _)| path);
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A push names no commit by zeros only.
fn unless_zero(id: ObjectId) -> Option<ObjectId> {
    (!id.is_null()).then_some(id)
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

    fn event(name: &str, content: &Value) -> Result<Event, Problem> {
        Event::of(&Payload { event: name, content, commit: Some(C) })
    }

    #[test]
    fn a_push_names_branch_and_commits() {
        let push = |before: &str, after: &str| {
            let repository = serde_json::json!({"default_branch": "main"});
            let content = serde_json::json!({
                "ref": "refs/heads/feature/x", "before": before, "after": after, "repository": repository
            });
            event("push", &content).unwrap()
        };
        let expected = |before, after| {
            let (branch, default_branch) = ("feature/x".to_owned(), Some("main".to_owned()));
            Event::Push(Push { branch, default_branch, before, after })
        };
        assert_eq!(push(A, B), expected(Some(sha(A)), Some(sha(B))));
        assert_eq!(push(ZERO, B), expected(None, Some(sha(B))));
        assert_eq!(push(A, ZERO), expected(Some(sha(A)), None));
    }

    #[test]
    fn a_tag_is_pushed_or_released() {
        let content = serde_json::json!({"ref": "refs/tags/v1", "before": ZERO, "after": B});
        let tag = |commit| Event::Tag { name: "v1".into(), before: None, commit };
        assert_eq!(event("push", &content).unwrap(), tag(sha(B)));
        let content = serde_json::json!({"release": {"tag_name": "v1"}});
        assert_eq!(event("release", &content).unwrap(), tag(sha(C)));
    }

    #[test]
    fn a_pull_request_names_base_and_head() {
        let content = serde_json::json!({"pull_request": {"base": {"sha": A}, "head": {"sha": B}}});
        for (name, is_target) in [("pull_request", false), ("pull_request_target", true)] {
            let (base, head, commit) = (sha(A), sha(B), Some(sha(C)));
            let expected = Event::PullRequest(PullRequest { base, head, commit, is_target });
            assert_eq!(event(name, &content).unwrap(), expected);
        }
    }

    #[test]
    fn a_run_names_its_commit_and_why_it_ran() {
        let run = |event_name: &str, pull_requests: Value| {
            let content = serde_json::json!({
                "workflow_run": {
                    "id": 7, "path": ".github/workflows/test.yml", "event": event_name, "head_branch": "main", "head_sha": B,
                    "pull_requests": pull_requests
                },
                "repository": {"default_branch": "main"}
            });
            let Event::Run(run) = event("workflow_run", &content).unwrap() else { panic!("it is a run") };
            assert_eq!((run.id, &*run.workflow, &*run.branch, run.head), (7, "test.yml", "main", sha(B)));
            assert_eq!(run.default_branch.as_deref(), Some("main"));
            (run.is_for_request, run.base)
        };
        assert_eq!(run("push", serde_json::json!([])), (false, None));
        assert_eq!(run("pull_request", serde_json::json!([])), (true, None));
        let requests = serde_json::json!([{"base": {"sha": A}}]);
        assert_eq!(run("pull_request_target", requests), (true, Some(sha(A))));
    }

    #[test]
    fn a_workflow_is_known_by_its_file() {
        for path in
            ["acme/shop/.github/workflows/test.yml@refs/heads/main", ".github/workflows/test.yml", "test.yml"]
        {
            assert_eq!(workflow_file(path), "test.yml");
        }
    }

    #[test]
    fn other_events_are_known_by_name() {
        let content = serde_json::json!({"merge_group": {"base_sha": A, "head_sha": B}});
        let group = Event::MergeGroup { base: sha(A), head: sha(B) };
        assert_eq!(event("merge_group", &content).unwrap(), group);
        for name in ["schedule", "workflow_dispatch", "repository_dispatch"] {
            assert_eq!(event(name, &Value::Null).unwrap(), Event::Since(name.into()));
        }
        assert_eq!(event("issues", &Value::Null).unwrap(), Event::Other("issues".into()));
    }

    #[test]
    fn a_payload_that_lacks_a_commit_is_an_error() {
        let reference = "refs/heads/main";
        for payload in
            [serde_json::json!({"ref": reference}), serde_json::json!({"ref": reference, "before": "main"})]
        {
            let problem = event("push", &payload).unwrap_err();
            assert_eq!(problem.why.as_deref(), Some("its field `before` holds no commit"));
        }
        let why = |name: &str| event(name, &Value::Null).unwrap_err().why.unwrap();
        assert_eq!(why("workflow_run"), "its field `workflow_run.id` holds no number");
        assert_eq!(why("release"), "its field `release.tag_name` holds no text");
    }
}
