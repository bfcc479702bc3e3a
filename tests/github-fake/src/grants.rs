//! What a token may do, where it says so itself.
//!
//! A token made by [`grant`] names the repository that it is for and its permissions, as the token of a workflow's job
//! has them; other tokens may do all. What each request needs is told from
//! <https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps>; the words of the refusals are
//! those that GitHub answers. Repositories are private here.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sluice_faulty_server::{Reply, Request};

use crate::reply::GitHubReply as _;

/// A token for one repository, with permissions as a workflow writes them: `{"contents": "read"}`.
pub fn grant(repository: &str, permissions: &Value) -> String {
    let said = json!({"repository": repository, "permissions": permissions});
    format!("ghs_{}", URL_SAFE_NO_PAD.encode(said.to_string()))
}

/// Refuses a request whose token may not do it; with `only`, also one that comes without such a token.
pub(crate) fn refusal(request: &Request, only: bool) -> Option<Reply> {
    let Some(granted) = granted(request) else { return only.then(|| unknown(request)) };
    let need = Need::of(request)?;
    if need.repository.as_ref().is_some_and(|name| granted["repository"] != name.as_str()) {
        return Some(Reply::error(404, "Not Found"));
    }
    let has = |scope: &str| match granted["permissions"][scope].as_str() {
        Some("write") => true,
        Some("read") => !need.writes,
        _ => false,
    };
    let may = need.scopes.is_empty() || need.scopes.iter().any(|scope| has(scope));
    (!may).then(|| Reply::error(403, "Resource not accessible by integration"))
}

fn unknown(request: &Request) -> Reply {
    let reply = Reply::error(401, "Bad credentials");
    // Git asks again with a password only when it is told to.
    if request.path.starts_with("/api/") {
        reply
    } else {
        reply.header("www-authenticate", "Basic realm=\"GitHub\"")
    }
}

/// What the token of a request says of itself.
fn granted(request: &Request) -> Option<Value> {
    let (kind, value) = request.header("authorization")?.split_once(' ')?;
    let token = if kind.eq_ignore_ascii_case("basic") {
        let decoded = base64::engine::general_purpose::STANDARD.decode(value).ok()?;
        String::from_utf8(decoded).ok()?.split_once(':')?.1.to_owned()
    } else {
        value.to_owned()
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.strip_prefix("ghs_")?).ok()?).ok()
}

/// What a request needs: one of these permissions, on this repository.
struct Need {
    repository: Option<String>,
    scopes: &'static [&'static str],
    writes: bool,
}

impl Need {
    fn of(request: &Request) -> Option<Self> {
        let writes = request.method != "GET";
        if request.path == "/api/graphql" {
            return Some(Self::of_query(&request.json()));
        }
        let Some(path) = request.path.strip_prefix("/api/v3/") else {
            let mut segments = request.path.split('/').skip(1);
            let name = format!("{}/{}", segments.next()?, segments.next()?.trim_end_matches(".git"));
            return Some(Self { repository: Some(name), scopes: &["contents"], writes: false });
        };
        let segments: Vec<&str> = path.split('/').collect();
        let ["repos", owner, name, rest @ ..] = segments.as_slice() else {
            // No token of a job may read the members of an organisation.
            let scopes: &[&str] = if segments[0] == "orgs" { &["members"] } else { &[] };
            return Some(Self { repository: None, scopes, writes });
        };
        let scopes: &[&str] = match rest {
            ["actions", ..] => &["actions"],
            ["commits", _, "check-runs"] => &["checks"],
            ["commits", _, "status"] | ["statuses", ..] => &["statuses"],
            ["commits", _, "pulls"] => &["pull-requests", "contents"],
            ["commits" | "compare" | "contents" | "git" | "branches", ..] => &["contents"],
            ["deployments", ..] => &["deployments"],
            ["pulls", ..] => &["pull-requests"],
            ["issues", _, "labels" | "comments"] => &["issues", "pull-requests"],
            ["issues", ..] => &["issues"],
            // Metadata, which each token may read.
            _ => &[],
        };
        Some(Self { repository: Some(format!("{owner}/{name}")), scopes, writes })
    }

    fn of_query(body: &Value) -> Self {
        let query = body["query"].as_str().unwrap_or_default();
        let variables = &body["variables"];
        let branch = variables["input"]["branch"]["repositoryNameWithOwner"].as_str().map(str::to_owned);
        let named = || Some(format!("{}/{}", variables["owner"].as_str()?, variables["name"].as_str()?));
        let scopes: &[&str] = if query.contains("createCommitOnBranch") || query.contains("updateRefs") {
            &["contents"]
        } else if query.contains("enablePullRequestAutoMerge") {
            &["pull-requests"]
        } else {
            &[]
        };
        Self { repository: branch.or_else(named), scopes, writes: query.contains("mutation") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(token: &str, method: &str, path: &str, body: &Value) -> Option<u16> {
        let request = Request {
            number: 0,
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: vec![("authorization".to_owned(), token.to_owned())],
            body: body.to_string().into_bytes(),
        };
        refusal(&request, true).map(|reply| reply.status)
    }

    #[test]
    fn a_token_may_do_what_it_says_in_its_own_repository() {
        let bearer = |permissions| format!("Bearer {}", grant("acme/shop", &permissions));
        let reads = bearer(json!({"contents": "read", "issues": "write"}));
        let may = |token: &str, method, path: &str| {
            status(token, method, &format!("/api/v3/repos/{path}"), &Value::Null)
        };
        assert_eq!(may(&reads, "GET", "acme/shop/contents/a"), None);
        assert_eq!(may(&reads, "GET", "acme/shop"), None, "metadata may be read by all");
        assert_eq!(may(&reads, "POST", "acme/shop/git/blobs"), Some(403));
        assert_eq!(may(&reads, "POST", "acme/shop/issues"), None);
        assert_eq!(may(&reads, "GET", "acme/shop/actions/runs/1"), Some(403));
        assert_eq!(may(&reads, "GET", "acme/other/contents/a"), Some(404));
        assert_eq!(may("Bearer any", "GET", "acme/shop"), Some(401));
    }

    #[test]
    fn a_commit_over_graphql_needs_to_write() {
        let body = json!({
            "query": "mutation($input: I!) { createCommitOnBranch(input: $input) { commit { oid } } }",
            "variables": {"input": {"branch": {"repositoryNameWithOwner": "acme/shop"}}},
        });
        let with = |level: &str| {
            let token = grant("acme/shop", &json!({"contents": level}));
            status(&format!("Bearer {token}"), "POST", "/api/graphql", &body)
        };
        assert_eq!((with("read"), with("write")), (Some(403), None));
    }

    #[test]
    fn git_brings_the_token_as_a_password() {
        let token = grant("acme/shop", &json!({"contents": "read"}));
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{token}"));
        let fetch =
            |name| status(&format!("basic {basic}"), "GET", &format!("/acme/{name}/info/refs"), &Value::Null);
        assert_eq!((fetch("shop"), fetch("shop.git"), fetch("other")), (None, None, Some(404)));
    }
}
