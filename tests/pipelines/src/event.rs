//! What happens in a repository, as GitHub tells a workflow of it.

use serde::Serialize;
use serde_json::{Value, json};
use sluice_github_fake::Repository;

/// An event: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    pub(crate) name: &'static str,
    pub(crate) payload: Value,
    /// The reference that the run is for.
    #[serde(rename = "ref")]
    pub(crate) reference: String,
    /// The commit that the run is for.
    pub(crate) sha: String,
    pub(crate) actor: String,
    pub(crate) base_ref: Option<String>,
    pub(crate) head_ref: Option<String>,
}

impl Event {
    /// A branch moved by one commit, its newest.
    pub fn push(repository: &Repository, branch: &str) -> Self {
        let sha = repository.head(branch).unwrap();
        let before = repository.git(&["rev-list", "--max-count=1", "--skip=1", "--first-parent", &sha]);
        let before = if before.is_empty() { "0".repeat(40) } else { before };
        Self::of("push", repository, branch, json!({"before": before, "after": sha}))
    }

    /// Somebody starts a workflow by hand, on the default branch.
    pub fn dispatch(repository: &Repository, workflow: &str, inputs: &Value) -> Self {
        let path = format!(".github/workflows/{workflow}");
        Self::of("workflow_dispatch", repository, "main", json!({"workflow": path, "inputs": inputs}))
    }

    /// A schedule of the default branch is due.
    pub fn schedule(repository: &Repository, cron: &str) -> Self {
        Self::of("schedule", repository, "main", json!({"schedule": cron}))
    }

    /// Something happens to a pull request: `opened`, `synchronize`, `closed`. The run is for the commit that merging it
    /// would make; of one that is merged, for the one that it made.
    pub fn pull_request(repository: &Repository, number: u64, action: &str) -> Self {
        let pull = pull(repository, number);
        let text = |pointer: &str| pull.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let (base, head) = (text("/base/ref"), text("/head/ref"));
        let merged = pull["merged"] == true;
        let payload = json!({"action": action, "number": number, "pull_request": pull});
        let mut event = Self::of("pull_request", repository, &base, payload);
        if !merged {
            let (onto, change) = (format!("refs/heads/{base}"), format!("refs/heads/{head}"));
            let tree = repository.git(&["merge-tree", "--write-tree", &onto, &change]);
            let who = ["-c", "user.name=GitHub", "-c", "user.email=noreply@github.com"];
            let commit = ["commit-tree", &tree, "-p", &onto, "-p", &change, "-m", "Merge"];
            event.sha = repository.git(&[&who[..], &commit[..]].concat());
            event.reference = format!("refs/pull/{number}/merge");
            repository.git(&["update-ref", &event.reference, &event.sha]);
        }
        (event.base_ref, event.head_ref) = (Some(base), Some(head));
        event
    }

    /// Somebody comments on an issue. The run is for the default branch.
    pub fn comment(repository: &Repository, issue: u64, by: &str, body: &str) -> Self {
        let user = json!({"login": by, "type": "User"});
        let payload = json!({
            "action": "created",
            "issue": {"number": issue, "labels": [], "user": {"login": "github-actions[bot]"}},
            "comment": {"body": body, "user": user, "author_association": "MEMBER"},
        });
        let mut event = Self::of("issue_comment", repository, "main", payload);
        by.clone_into(&mut event.actor);
        event
    }

    /// The labels of the issue that is commented on.
    #[must_use]
    pub fn labelled(mut self, labels: &[&str]) -> Self {
        self.payload["issue"]["labels"] = labels.iter().map(|name| json!({"name": name})).collect();
        self
    }

    /// Who does it: octocat, where nobody is named.
    #[must_use]
    pub fn by(mut self, login: &str) -> Self {
        login.clone_into(&mut self.actor);
        self
    }

    fn of(name: &'static str, repository: &Repository, branch: &str, mut payload: Value) -> Self {
        let reference = format!("refs/heads/{branch}");
        let (owner, short) = repository.name().split_once('/').unwrap();
        payload["repository"] = json!({
            "name": short, "full_name": repository.name(), "default_branch": "main",
            "owner": {"login": owner}, "private": true,
        });
        payload["sender"] = json!({"login": "octocat"});
        payload["ref"] = json!(reference);
        let sha = repository.head(branch).unwrap();
        let actor = "octocat".to_owned();
        Self { name, payload, reference, sha, actor, base_ref: None, head_ref: None }
    }
}

fn pull(repository: &Repository, number: u64) -> Value {
    let mut pulls = repository.pull_requests().into_iter();
    pulls.find(|pull| pull["number"] == number).unwrap()
}
