//! What the world holds, as the API writes it.
//!
//! Each shape has the fields that GitHub's description requires, and those that clients read.

use serde_json::{Map, Value, json};

use crate::world::{Pull, PullState, Stored, StoredRun, written};

/// A user.
pub(crate) fn user(address: &str, login: &str) -> Value {
    let url = format!("{address}/api/v3/users/{login}");
    let mut user = json!({
        "login": login,
        "id": number_of(login),
        "node_id": node("U", number_of(login)),
        "avatar_url": format!("{address}/{login}.png"),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{address}/{login}"),
        "type": if login.ends_with("[bot]") { "Bot" } else { "User" },
        "site_admin": false,
    });
    let links = [
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
        "received_events",
    ];
    links_to(&mut user, &url, &links);
    user
}

/// A user, as everybody may see them.
pub(crate) fn public_user(address: &str, login: &str) -> Value {
    let mut user = user(address, login);
    let moment = written(0);
    let more = json!({
        "name": null, "company": null, "blog": null, "location": null, "email": null, "hireable": null, "bio": null,
        "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": moment, "updated_at": moment,
    });
    extend(&mut user, more);
    user
}

/// A repository, in the short form that other shapes hold.
pub(crate) fn short_repository(address: &str, id: u64, full_name: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or_default();
    let url = format!("{address}/api/v3/repos/{full_name}");
    let mut repository = json!({
        "id": id,
        "node_id": node("R", id),
        "name": name,
        "full_name": full_name,
        "owner": user(address, owner),
        "private": false,
        "html_url": format!("{address}/{full_name}"),
        "description": null,
        "fork": false,
        "url": url,
    });
    let links = [
        "archive",
        "assignees",
        "blobs",
        "branches",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "git_commits",
        "git_refs",
        "git_tags",
        "hooks",
        "issue_comment",
        "issue_events",
        "issues",
        "keys",
        "labels",
        "languages",
        "merges",
        "milestones",
        "notifications",
        "pulls",
        "releases",
        "stargazers",
        "statuses",
        "subscribers",
        "subscription",
        "tags",
        "teams",
        "trees",
    ];
    links_to(&mut repository, &url, &links);
    repository
}

/// A repository, whole.
pub(crate) fn full_repository(address: &str, stored: &Stored) -> Value {
    let mut repository = repository(address, stored);
    extend(&mut repository, json!({"network_count": 0, "subscribers_count": 0}));
    repository
}

/// A repository, as the sides of a pull request hold it.
fn repository(address: &str, stored: &Stored) -> Value {
    let mut repository = short_repository(address, stored.id, &stored.full_name);
    let page = format!("{address}/{}", stored.full_name);
    let moment = written(stored.created);
    let more = json!({
        "clone_url": format!("{page}.git"),
        "git_url": format!("{page}.git"),
        "ssh_url": format!("{page}.git"),
        "svn_url": page,
        "mirror_url": null,
        "homepage": null,
        "language": null,
        "license": null,
        "default_branch": "main",
        "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 0,
        "open_issues": 0, "open_issues_count": 0,
        "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false, "has_downloads": true,
        "has_discussions": false,
        "archived": stored.is_archived, "disabled": false, "visibility": "public",
        "created_at": moment, "updated_at": moment, "pushed_at": moment,
    });
    extend(&mut repository, more);
    repository
}

/// What git stores of a commit.
pub(crate) struct Commit {
    pub(crate) sha: String,
    tree: String,
    parents: Vec<String>,
    author: Value,
    committer: Value,
    message: String,
    verified: bool,
}

impl Commit {
    /// Reads a commit of a repository.
    pub(crate) fn read(stored: &Stored, sha: &str) -> Self {
        let raw = stored.git.contents("commit", sha).expect("a commit");
        let raw = String::from_utf8_lossy(&raw);
        let (head, message) = raw.split_once("\n\n").unwrap_or((&raw, ""));
        let values = |name: &'static str| {
            head.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned)
        };
        Self {
            sha: sha.to_owned(),
            tree: values("tree").next().unwrap_or_default(),
            parents: values("parent").collect(),
            author: signature(&values("author").next().unwrap_or_default()),
            committer: signature(&values("committer").next().unwrap_or_default()),
            message: message.trim_end_matches('\n').to_owned(),
            verified: stored.signed.contains(sha),
        }
    }

    pub(crate) fn author_email(&self) -> &str {
        self.author["email"].as_str().unwrap_or_default()
    }

    pub(crate) fn committer_email(&self) -> &str {
        self.committer["email"].as_str().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    fn verification(&self) -> Value {
        let reason = if self.verified { "valid" } else { "unsigned" };
        let signature = self.verified.then_some("-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----");
        json!({
            "verified": self.verified,
            "reason": reason,
            "signature": signature,
            "payload": self.verified.then_some(&self.message),
            "verified_at": self.verified.then_some(&self.committer["date"]),
        })
    }

    /// The commit as the Git Data API writes it.
    pub(crate) fn of_git(&self, address: &str, name: &str) -> Value {
        let link = |sha: &str| {
            json!({
                "sha": sha,
                "url": format!("{address}/api/v3/repos/{name}/git/commits/{sha}"),
                "html_url": format!("{address}/{name}/commit/{sha}"),
            })
        };
        let mut commit = link(&self.sha);
        let more = json!({
            "node_id": node("C", number_of(&self.sha)),
            "author": self.author,
            "committer": self.committer,
            "message": self.message,
            "tree": self.tree_link(address, name),
            "parents": self.parents.iter().map(|parent| link(parent)).collect::<Vec<_>>(),
            "verification": self.verification(),
        });
        extend(&mut commit, more);
        commit
    }

    /// The commit as the repository's list of commits writes it.
    pub(crate) fn of_list(&self, address: &str, name: &str) -> Value {
        let link = |sha: &str| {
            json!({
                "sha": sha,
                "url": format!("{address}/api/v3/repos/{name}/commits/{sha}"),
                "html_url": format!("{address}/{name}/commit/{sha}"),
            })
        };
        let mut commit = link(&self.sha);
        let more = json!({
            "node_id": node("C", number_of(&self.sha)),
            "comments_url": format!("{address}/api/v3/repos/{name}/commits/{}/comments", self.sha),
            "commit": {
                "author": self.author,
                "committer": self.committer,
                "message": self.message,
                "tree": self.tree_link(address, name),
                "url": format!("{address}/api/v3/repos/{name}/git/commits/{}", self.sha),
                "comment_count": 0,
                "verification": self.verification(),
            },
            "author": user(address, self.author["name"].as_str().unwrap_or_default()),
            "committer": user(address, self.committer["name"].as_str().unwrap_or_default()),
            "parents": self.parents.iter().map(|parent| link(parent)).collect::<Vec<_>>(),
        });
        extend(&mut commit, more);
        commit
    }

    fn tree_link(&self, address: &str, name: &str) -> Value {
        json!({"sha": self.tree, "url": format!("{address}/api/v3/repos/{name}/git/trees/{}", self.tree)})
    }
}

/// A signature of git, `name <email> seconds zone`.
fn signature(text: &str) -> Value {
    let (name, rest) = text.split_once(" <").unwrap_or((text, ""));
    let (email, moment) = rest.split_once("> ").unwrap_or((rest, ""));
    let seconds = moment.split(' ').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    json!({"name": name, "email": email, "date": written(seconds)})
}

/// A run of a workflow.
pub(crate) fn run(address: &str, stored: &Stored, run: &StoredRun) -> Value {
    let StoredRun { run: of, id, number, created } = run;
    let url = format!("{address}/api/v3/repos/{}/actions/runs/{id}", stored.full_name);
    let moment = written(*created);
    let head = Commit::read(stored, &of.head_sha);
    let (head_id, head_name) = match &of.fork {
        Some(fork) => (number_of(fork), fork.as_str()),
        None => (stored.id, stored.full_name.as_str()),
    };
    let mut shape = json!({
        "id": id,
        "node_id": node("WFR", *id),
        "name": of.workflow,
        "display_title": head.message.lines().next().unwrap_or_default(),
        "path": format!(".github/workflows/{}", of.workflow),
        "workflow_id": number_of(&of.workflow),
        "run_number": number,
        "run_attempt": 1,
        "event": of.event,
        "status": if of.conclusion.is_empty() { "in_progress" } else { "completed" },
        "conclusion": Some(&of.conclusion).filter(|conclusion| !conclusion.is_empty()),
        "head_branch": of.branch,
        "head_sha": of.head_sha,
        "url": url,
        "html_url": format!("{address}/{}/actions/runs/{id}", stored.full_name),
        "created_at": moment,
        "updated_at": moment,
        "run_started_at": moment,
        "pull_requests": [],
        "head_commit": {
            "id": of.head_sha,
            "tree_id": head.tree,
            "message": head.message,
            "timestamp": head.committer["date"],
            "author": {"name": head.author["name"], "email": head.author["email"]},
            "committer": {"name": head.committer["name"], "email": head.committer["email"]},
        },
        "repository": short_repository(address, stored.id, &stored.full_name),
        "head_repository": short_repository(address, head_id, head_name),
    });
    links_to(&mut shape, &url, &["jobs", "logs", "check_suite", "artifacts", "cancel", "rerun", "workflow"]);
    shape
}

/// A pull request, whole.
pub(crate) fn pull(address: &str, stored: &Stored, pull: &Pull) -> Value {
    let mut shape = short_pull(address, stored, pull);
    let more = json!({
        "merged": pull.merged().is_some(),
        "mergeable": true,
        "mergeable_state": "clean",
        "merged_by": null,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": false,
        "commits": 1,
        "additions": 0,
        "deletions": 0,
        "changed_files": 0,
    });
    extend(&mut shape, more);
    // Teams are told in a shorter form here.
    for team in shape["requested_teams"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut)
    {
        team.remove("parent");
    }
    shape
}

/// A pull request as lists hold it.
pub(crate) fn short_pull(address: &str, stored: &Stored, pull: &Pull) -> Value {
    let name = &stored.full_name;
    let page = format!("{address}/{name}/pull/{}", pull.number);
    let url = format!("{address}/api/v3/repos/{name}/pulls/{}", pull.number);
    let issue = format!("{address}/api/v3/repos/{name}/issues/{}", pull.number);
    let tip = |branch: &str| stored.git.commit(&format!("refs/heads/{branch}"));
    let closed_at = |branch: &str| pull.closed_at.clone().filter(|_| branch == pull.head);
    let auto_merge = pull.auto_merge.as_ref().map(|method| {
        let by = user(address, &pull.author);
        json!({"enabled_by": by, "merge_method": method.to_lowercase(), "commit_title": "", "commit_message": ""})
    });
    let ended = (pull.state != PullState::Open).then(|| written(pull.updated));
    let side = |branch: &str| {
        json!({
            "label": format!("{}:{branch}", stored.owner()),
            "ref": branch,
            "sha": closed_at(branch).or_else(|| tip(branch)).unwrap_or_else(|| "0".repeat(40)),
            "user": user(address, stored.owner()),
            "repo": repository(address, stored),
        })
    };
    let mut head = side(&pull.head);
    if let Some(merged) = pull.merged() {
        head["sha"] = json!(merged.head);
    }
    if let Some(fork) = &pull.fork {
        let owner = fork.split('/').next().unwrap_or_default();
        head["label"] = json!(format!("{owner}:{}", pull.head));
        head["user"] = user(address, owner);
        extend(&mut head["repo"], short_repository(address, number_of(fork), fork));
    }
    let merged_at = pull.merged().map(|merged| written(merged.at));
    let link = |address: &str| json!({ "href": address });
    let links = json!({
        "self": link(&url),
        "html": link(&page),
        "issue": link(&issue),
        "comments": link(&format!("{issue}/comments")),
        "review_comments": link(&format!("{url}/comments")),
        "review_comment": link(&format!("{url}/comments{{/number}}")),
        "commits": link(&format!("{url}/commits")),
        "statuses": link(&format!("{url}/statuses")),
    });
    json!({
        "id": pull.id,
        "node_id": node("PR", pull.id),
        "number": pull.number,
        "url": url,
        "html_url": page,
        "diff_url": format!("{page}.diff"),
        "patch_url": format!("{page}.patch"),
        "issue_url": issue,
        "commits_url": format!("{url}/commits"),
        "comments_url": format!("{issue}/comments"),
        "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{url}/comments{{/number}}"),
        "statuses_url": format!("{url}/statuses"),
        "state": if pull.state == PullState::Open { "open" } else { "closed" },
        "locked": false,
        "draft": pull.is_draft,
        "title": pull.title,
        "body": pull.body,
        "user": user(address, &pull.author),
        "labels": pull.labels.iter().map(|label| self::label(address, name, label)).collect::<Vec<_>>(),
        "milestone": null,
        "created_at": written(pull.created),
        "updated_at": written(pull.updated),
        "closed_at": merged_at.clone().or(ended),
        "merged_at": merged_at,
        "merge_commit_sha": pull.merged().map(|merged| &merged.commit),
        "assignee": null,
        "assignees": [],
        "requested_reviewers": pull.reviewers.iter().map(|login| user(address, login)).collect::<Vec<_>>(),
        "requested_teams": pull.teams.iter().map(|team| self::team(address, stored.owner(), team)).collect::<Vec<_>>(),
        "head": head,
        "base": side(&pull.base),
        "author_association": "OWNER",
        "auto_merge": auto_merge,
        "_links": links,
    })
}

/// A label.
pub(crate) fn label(address: &str, repository: &str, name: &str) -> Value {
    json!({
        "id": number_of(name),
        "node_id": node("LA", number_of(name)),
        "url": format!("{address}/api/v3/repos/{repository}/labels/{name}"),
        "name": name,
        "description": "",
        "color": "ededed",
        "default": false,
    })
}

fn team(address: &str, organisation: &str, slug: &str) -> Value {
    let url = format!("{address}/api/v3/organizations/{organisation}/team/{slug}");
    json!({
        "id": number_of(slug),
        "node_id": node("T", number_of(slug)),
        "name": slug,
        "slug": slug,
        "description": null,
        "url": url,
        "html_url": format!("{address}/orgs/{organisation}/teams/{slug}"),
        "members_url": format!("{url}/members{{/member}}"),
        "repositories_url": format!("{url}/repos"),
        "permission": "pull",
        "parent": null,
        "type": "organization",
        "organization_id": number_of(organisation),
    })
}

/// The name of something in the GraphQL API.
pub(crate) fn node(kind: &str, id: u64) -> String {
    format!("{kind}_{id}")
}

/// A number for what has none of its own: always the same for the same name.
pub(crate) fn number_of(name: &str) -> u64 {
    name.bytes().fold(7, |number, byte| (number * 31 + u64::from(byte)) % 1_000_000_007)
}

fn links_to(shape: &mut Value, url: &str, names: &[&str]) {
    let links: Map<String, Value> =
        names.iter().map(|name| (format!("{name}_url"), format!("{url}/{name}").into())).collect();
    extend(shape, links.into());
}

pub(crate) fn extend(shape: &mut Value, more: Value) {
    if let (Value::Object(shape), Value::Object(more)) = (shape, more) {
        shape.extend(more);
    }
}
