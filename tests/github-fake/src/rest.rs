//! The REST API: which path leads where.
//!
//! Paths and their parameters are those of GitHub's description; a path that it has and this stand-in has not is
//! answered with 501, which no client takes for GitHub's word.

mod compare;
mod contents;
mod objects;
mod pulls;
mod runs;
mod said;
mod told;

pub(crate) use self::said::suite_of;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sluice_faulty_server::{Reply, Request};

use crate::{
    reply::{self, GitHubReply as _},
    shapes,
    world::{Stored, World},
};

/// What a request to one repository needs.
struct Asked<'a> {
    request: &'a Request,
    address: &'a str,
    /// Who asks.
    login: &'a str,
    /// The time of the request.
    now: u64,
    /// A number that nothing has yet.
    new_id: u64,
    body: Value,
}

pub(crate) fn answer(world: &mut World, path: &str, request: &Request) -> Reply {
    if let Some(token) = &world.token
        && request.header("authorization") != Some(&format!("Bearer {token}"))
    {
        return Reply::error(401, "Bad credentials");
    }
    let segments: Vec<String> = path
        .split('/')
        .skip(1)
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["users", login]) => return account(world, login),
        ("GET", ["orgs", organisation, "teams", team, "members"]) => {
            return members(world, request, &format!("{organisation}/{team}"));
        }
        _ => {}
    }
    let ["repos", owner, name, rest @ ..] = segments.as_slice() else { return not_made(request) };
    let (now, new_id) = (world.now(), world.new_id());
    let (address, login) = (world.address.clone(), world.login.clone());
    let Some(stored) = world.repositories.get_mut(&format!("{owner}/{name}")) else { return not_found() };
    let asked = Asked { request, address: &address, login: &login, now, new_id, body: request.json() };
    if let Some(rule) = stored.rule_against_writing().filter(|_| request.method != "GET") {
        return Reply::error(403, rule);
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => Reply::json(200, &shapes::full_repository(&address, stored)),
        ("GET", ["compare", revisions]) => compare::compare(stored, &asked, revisions),
        ("GET", ["commits"]) => objects::history(stored, &asked),
        ("GET", ["commits", revision]) => objects::resolve(stored, &asked, revision),
        ("GET", ["contents", path]) => contents::get(stored, &asked, path),
        ("GET", ["git", "ref", name]) => objects::reference(stored, &asked, name),
        ("GET", ["git", "commits", sha]) => objects::commit(stored, &asked, sha),
        ("GET", ["git", "trees", sha]) => objects::tree(stored, &asked, sha),
        ("GET", ["git", "blobs", sha]) => objects::blob(stored, &asked, sha),
        ("POST", ["git", "blobs"]) => objects::create_blob(stored, &asked),
        ("POST", ["git", "trees"]) => objects::create_tree(stored, &asked),
        ("POST", ["git", "commits"]) => objects::create_commit(stored, &asked),
        ("POST", ["git", "refs"]) => objects::create_reference(stored, &asked),
        ("PATCH", ["git", "refs", name]) => objects::update_reference(stored, &asked, name),
        ("GET", ["actions", "workflows", workflow, "runs"]) => runs::list(stored, &asked, workflow),
        ("GET", ["commits", sha, "pulls"]) => said::pulls_of_commit(stored, &asked, sha),
        ("GET", ["commits", sha, "check-runs"]) => said::check_runs(stored, &asked, sha),
        ("GET", ["commits", sha, "status"]) => said::statuses(stored, &asked, sha),
        ("GET", ["branches", name]) => said::branch(stored, &asked, name),
        ("GET", ["rules", "branches", name]) => said::rules(stored, &asked, name),
        ("GET", ["actions", "runs", id]) => said::run(stored, &asked, id),
        ("GET", ["actions", "runs", id, "approvals"]) => said::run_reviews(stored, &asked, id),
        ("GET", ["deployments"]) => said::deployments(stored, &asked),
        ("GET", ["deployments", id, "statuses"]) => said::deployment_statuses(stored, &asked, id),
        ("GET", ["pulls", number, "reviews"]) => said::reviews(stored, &asked, number),
        ("GET", ["issues"]) => said::issues(stored, &asked),
        ("POST", ["issues"]) => said::open_issue(stored, &asked),
        ("PATCH", ["issues", number]) => said::update_issue(stored, &asked, number),
        ("GET", ["actions", "runs", id, "attempts", _, "jobs"]) => told::jobs(stored, &asked, id),
        ("POST", ["deployments"]) => told::create_deployment(stored, &asked),
        ("POST", ["deployments", id, "statuses"]) => told::create_deployment_status(stored, &asked, id),
        ("POST", ["statuses", sha]) => told::set_status(stored, &asked, sha),
        ("GET", ["issues", number, "comments"]) => told::comments(stored, &asked, number),
        ("POST", ["issues", number, "comments"]) => told::create_comment(stored, &asked, number),
        ("GET", ["pulls"]) => pulls::list(stored, &asked),
        ("POST", ["pulls"]) => pulls::create(stored, &asked),
        ("PATCH", ["pulls", number]) => pulls::update(stored, &asked, number),
        ("POST", ["pulls", number, "requested_reviewers"]) => {
            pulls::request_reviewers(stored, &asked, number)
        }
        ("POST", ["issues", number, "labels"]) => pulls::add_labels(stored, &asked, number),
        _ => not_made(request),
    }
}

fn account(world: &World, login: &str) -> Reply {
    if world.strangers.contains(login) {
        return not_found();
    }
    Reply::json(200, &shapes::public_user(&world.address, login))
}

fn members(world: &World, request: &Request, team: &str) -> Reply {
    let Some(members) = world.teams.get(team) else { return not_found() };
    let members: Vec<Value> = members.iter().map(|login| shapes::user(&world.address, login)).collect();
    reply::list(request, &world.address, &members, Value::Array)
}

fn not_found() -> Reply {
    Reply::error(404, "Not Found")
}

fn not_made(request: &Request) -> Reply {
    Reply::error(501, &format!("the stand-in does not know {} {}", request.method, request.path))
}

/// A request that can't be done, in GitHub's words.
fn unprocessable(message: &str) -> Reply {
    // The description of this error has no status in it.
    Reply::json(
        422,
        &serde_json::json!({"message": message, "documentation_url": "https://docs.github.com/rest"}),
    )
}

impl Asked<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }

    fn accepts(&self, media_type: &str) -> bool {
        self.request.header("accept").is_some_and(|accepted| accepted.contains(media_type))
    }
}

/// The address of something in a repository.
fn url(asked: &Asked<'_>, stored: &Stored, path: &str) -> String {
    format!("{}/api/v3/repos/{}/{path}", asked.address, stored.full_name)
}
