//! Asks, decides, and, where it is told to, waits for people.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sluice_core::{
    Context, Problem,
    retry::{Decision, Jitter, Policy},
};
use sluice_gate::{Case, Condition, Question, State, approvals::Approvals, decide};
use sluice_github::{Api, Repository, Sha};
use sluice_http::jitter;

use crate::{
    condition::{self, Answer, World},
    image::Resolved,
    network::Network,
    plan::Plan,
    request,
};

/// What the gate answers, and what that rests on.
pub(crate) struct Evaluation {
    pub(crate) question: Question,
    pub(crate) answers: Vec<Answer>,
    pub(crate) state: State,
    /// The issue where people approve, while it is open.
    pub(crate) issue: Option<u64>,
    /// What the answer does not tell: what could not be tidied up, why it was waited no longer.
    pub(crate) notes: Vec<Problem>,
}

impl Evaluation {
    /// The logins of those who approved.
    pub(crate) fn approvers(&self) -> Vec<String> {
        self.people(Case::approvers)
    }

    /// The logins of those who may approve, and have not.
    pub(crate) fn still_asked(&self) -> Vec<String> {
        self.people(Case::still_asked)
    }

    fn people(&self, which: fn(&Case<Approvals>, &Question) -> Vec<String>) -> Vec<String> {
        let approvals = self.answers.iter().filter_map(|answer| match &answer.condition {
            Condition::Approvals(case) => Some(which(case, &self.question)),
            _ => None,
        });
        approvals.flatten().collect()
    }
}

/// How often to look while people are waited for: GitHub is asked whether something changed, each time a
/// little later.
pub(crate) const POLLING: Policy = Policy {
    first: Duration::from_secs(20),
    factor: 2,
    cap: Duration::from_mins(2),
    jitter: Jitter::Full,
    attempts: None,
};

/// Evaluates the gate, and leaves nothing open that it opened, however it ends.
pub(crate) fn run(plan: &Plan, cx: &Context, polling: &Policy) -> Result<Evaluation, Problem> {
    let opened = Cell::new(false);
    let network = Network::new(cx, &plan.access);
    let ended = cx.block_on(wait(plan, &network, cx, polling, &opened)).flatten();
    // Without waiting it is the next run that decides, and closes.
    let is_left_open =
        plan.wait.is_none() && ended.as_ref().is_ok_and(|evaluation| evaluation.issue.is_some());
    if !opened.get() || is_left_open {
        return ended;
    }
    let network = Network::new(cx, &plan.access);
    let closed = cx.undo(close_found(plan, &network)).flatten();
    match (ended, closed) {
        (Ok(mut evaluation), closed) => {
            evaluation.issue = None;
            evaluation.notes.extend(closed.err());
            Ok(evaluation)
        }
        (Err(problem), Ok(())) => Err(problem),
        (Err(problem), Err(open)) => {
            Err(problem.help(format!("close the issue that asks for approval: {open}")))
        }
    }
}

/// Evaluates until the answer is another than "pending", or it was waited long enough.
async fn wait(
    plan: &Plan,
    network: &Network<'_>,
    cx: &Context,
    polling: &Policy,
    opened: &Cell<bool>,
) -> Result<Evaluation, Problem> {
    let until = plan.wait.and_then(|wait| Instant::now().checked_add(wait.0));
    let mut tries = 0;
    let mut resolved = Resolved::Unasked;
    loop {
        // What a tag points to is asked once: whoever is waited for says yes to that.
        if resolved.digest().is_none() {
            resolved = Resolved::of(plan, network).await;
        }
        let mut evaluation = once(plan, network, &resolved, cx).await?;
        if let Some((api, repository, commit)) = asks_by_issue(plan, network)? {
            let is_pending = evaluation.state == State::Pending;
            let found = request::find(&api, &repository, &plan.environment, &commit).await;
            match found {
                Ok(None) if is_pending => {
                    opened.set(true);
                    let who = who(&evaluation);
                    let number = request::open(&api, &repository, &plan.environment, &commit, &who).await?;
                    evaluation.issue = Some(number);
                }
                Ok(Some(number)) if is_pending => evaluation.issue = Some(number),
                Ok(Some(number)) => {
                    let is_done = evaluation.state == State::Approved;
                    let closed = api.close_issue(&repository, number, is_done).await;
                    evaluation.notes.extend(closed.err().map(Problem::from));
                    opened.set(false);
                }
                Ok(None) => {}
                Err(problem) => evaluation.notes.push(problem),
            }
        }
        let Some(until) = until.filter(|_| evaluation.state == State::Pending) else { return Ok(evaluation) };
        let left = until.saturating_duration_since(Instant::now());
        tries += 1;
        let Decision::Wait(pause) = polling.decide(tries, jitter(), Some(polling.first / 2), left) else {
            return Ok(evaluation);
        };
        if let Some(end) = network.token_ends().filter(|end| ends_within(*end, cx.now(), pause)) {
            evaluation.notes.push(
                Problem::undecided("it was not waited any longer")
                    .why(format!("the token ends at {end}"))
                    .help("run the gate again, or give a token that lasts longer"),
            );
            return Ok(evaluation);
        }
        cx.say(&format!("{}; looking again in {} s", waits_for(&evaluation), pause.as_secs()));
        tokio::time::sleep(pause).await;
    }
}

/// Asks every condition once, and decides. Before a yes, what was judged is looked at again.
async fn once(
    plan: &Plan,
    network: &Network<'_>,
    resolved: &Resolved,
    cx: &Context,
) -> Result<Evaluation, Problem> {
    cx.cancellation().check()?;
    let question = plan.question(resolved.digest(), cx.now());
    let world = World { cx, question: &question, image: plan.image.as_ref(), resolved, network };
    let mut answers = condition::ask(&plan.conditions, &world).await;
    let state = |answers: &[Answer]| decide(answers.iter().map(|answer| answer.outcome.state));
    if state(&answers) == State::Approved {
        answers.extend(condition::ask(plan.unchanged.as_slice(), &world).await);
    }
    let state = state(&answers);
    Ok(Evaluation { question, answers, state, issue: None, notes: Vec::new() })
}

/// What it takes to ask people by an issue; `None` when the gate does not.
fn asks_by_issue(plan: &Plan, network: &Network<'_>) -> Result<Option<(Api, Repository, Sha)>, Problem> {
    if !plan.has_issue {
        return Ok(None);
    }
    let (Some(repository), Some(commit)) = (&plan.repository, &plan.commit) else { return Ok(None) };
    // What is wrong with the names is told by the condition that needs them.
    let (Ok(repository), Ok(commit)) = (repository.parse(), commit.id.parse()) else { return Ok(None) };
    Ok(Some((network.github()?, repository, commit)))
}

/// Closes the issue wherever it is: the reply that told its number may be lost.
async fn close_found(plan: &Plan, network: &Network<'_>) -> Result<(), Problem> {
    let Some((api, repository, commit)) = asks_by_issue(plan, network)? else { return Ok(()) };
    if let Some(number) = request::find(&api, &repository, &plan.environment, &commit).await? {
        api.close_issue(&repository, number, false).await?;
    }
    Ok(())
}

fn ends_within(end: Timestamp, now: Timestamp, pause: Duration) -> bool {
    // What follows the pause takes its time, too.
    const TO_ASK: Duration = Duration::from_mins(1);
    now.checked_add(pause + TO_ASK).is_ok_and(|next| next >= end)
}

/// Who is waited for, in one line.
fn waits_for(evaluation: &Evaluation) -> String {
    let pending = evaluation.answers.iter().filter(|answer| answer.outcome.state == State::Pending);
    let lines: Vec<String> =
        pending.map(|answer| format!("{}: {}", answer.condition.name(), answer.outcome.reason)).collect();
    lines.join("; ")
}

/// Who is asked, for the issue: GitHub tells those that are named so.
fn who(evaluation: &Evaluation) -> String {
    let names: Vec<String> = evaluation.still_asked().iter().map(|login| format!("@{login}")).collect();
    format!("Still asked: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_github_fake::{Fault, Reply};

    use super::*;
    use crate::{
        Evaluate,
        sandbox::{OFTEN, World, told},
    };

    const BY_ISSUE: &str = "approvals: {count: 3, users: [hubot, monalisa, octocat], issue: true}";

    fn approve(world: &World, issue: u64, by: &str) {
        world.shop.comment(issue, by, &format!("/approve {}", &world.commit[..7]));
    }

    #[test]
    fn people_are_asked_by_an_issue_that_the_next_run_reads_and_closes() {
        let world = World::new();
        let first = world.evaluate(BY_ISSUE);
        assert_eq!(first.state, State::Pending, "{}", told(&first));
        let issue = first.issue.unwrap();
        let [(number, body, true)] = &world.shop.issues()[..] else { panic!("one open issue") };
        assert_eq!(*number, issue);
        let named = body.replace(&world.commit, "SHA").replace(&world.commit[..7], "SHORT");
        insta::assert_snapshot!(named, @r#"
        <!-- gate-approval: {"environment":"production","commit":"SHA"} -->
        Commit SHA is to go to the environment `production`.

        To approve, comment exactly `/approve SHORT`; to refuse, comment `/deny`. An edited comment does not count.

        Still asked: @octocat
        "#);
        assert_eq!(world.evaluate(BY_ISSUE).issue, Some(issue), "it is opened once");
        approve(&world, issue, "octocat");
        let last = world.evaluate(BY_ISSUE);
        assert_eq!((last.state, last.issue), (State::Approved, None), "{}", told(&last));
        assert!(matches!(world.shop.issues()[..], [(_, _, false)]));
        assert_eq!(last.approvers(), ["hubot", "monalisa", "octocat"]);
    }

    #[test]
    fn what_is_no_approval_on_github_is_none_here() {
        type Spoof = (&'static str, fn(&World, u64));
        let spoofs: [Spoof; 8] = [
            ("a stranger", |world, issue| approve(world, issue, "mallory")),
            ("the author", |world, issue| approve(world, issue, "dev")),
            ("a bot", |world, issue| approve(world, issue, "octocat[bot]")),
            ("another commit", |world, issue| world.shop.comment(issue, "octocat", "/approve 0000000")),
            ("an edited comment", |world, issue| {
                world.shop.comment(issue, "octocat", "no");
                world.shop.edit_last_comment(issue, &format!("/approve {}", &world.commit[..7]));
            }),
            ("a hidden comment", |world, issue| {
                approve(world, issue, "octocat");
                world.shop.minimize_last_comment(issue);
            }),
            ("a denial that was edited away", |world, issue| {
                approve(world, issue, "octocat");
                world.shop.comment(issue, "octocat", "/deny");
                world.shop.edit_last_comment(issue, "fine");
            }),
            ("a review of the run for another environment", |world, _| {
                world.shop.review_run(world.run, "octocat", "approved", &["dev"]);
            }),
        ];
        for (name, spoof) in spoofs {
            let world = World::new();
            let issue = world.evaluate(BY_ISSUE).issue.unwrap();
            spoof(&world, issue);
            let evaluation = world.evaluate(BY_ISSUE);
            assert_eq!(evaluation.state, State::Pending, "{name}: {}", told(&evaluation));
        }
        let world = World::new();
        world.shop.review_run(world.run, "octocat", "approved", &["production"]);
        assert_eq!(world.state(BY_ISSUE), State::Approved);
    }

    #[test]
    fn a_denial_closes_the_gate_and_the_issue() {
        let world = World::new();
        let issue = world.evaluate(BY_ISSUE).issue.unwrap();
        world.shop.comment(issue, "octocat", "/deny not on a Friday");
        assert_eq!(world.state(BY_ISSUE), State::Rejected);
        assert!(matches!(world.shop.issues()[..], [(_, _, false)]));
    }

    #[test]
    fn an_answer_after_many_others_is_found() {
        let world = World::new();
        let issue = world.evaluate(BY_ISSUE).issue.unwrap();
        for _ in 0..150 {
            world.shop.comment(issue, "mallory", "+1");
        }
        approve(&world, issue, "octocat");
        assert_eq!(world.state(BY_ISSUE), State::Approved);
    }

    #[test]
    fn who_starts_the_run_or_takes_part_does_not_count() {
        let world = World::new();
        let gate = "approvals: {count: 2, users: [hubot, monalisa, octocat]}";
        assert_eq!(world.state(gate), State::Approved);
        world.shop.started(world.run, "hubot", "dev");
        assert_eq!(world.state(gate), State::Pending);
        world.shop.started(world.run, "dev", "monalisa");
        assert_eq!(world.state(gate), State::Pending);
        let allowed = "approvals: {count: 2, users: [hubot, monalisa, octocat], allow: [monalisa]}";
        assert_eq!(world.state(allowed), State::Approved);
        let both = "approvals: {count: 3, users: [hubot, monalisa, octocat]}";
        let evaluation = world.evaluate(both);
        assert_eq!(evaluation.state, State::Misconfigured, "{}", told(&evaluation));
    }

    /// Two reviewed the branch, and what was pushed as its merge holds something else.
    #[test]
    fn a_merge_by_hand_is_no_more_than_what_was_reviewed() {
        let gate = "approvals: {count: 2, users: [hubot, monalisa, octocat]}";
        let world = World::new();
        let pull = world.shop.open_pull("dev", "staging", "main", None);
        let head = world.shop.commit_by(
            "dev",
            "staging",
            "More",
            &[sluice_github_fake::File::new("README.md", "more")],
        );
        for by in ["hubot", "monalisa"] {
            world.shop.review(pull, by, "APPROVED", &head);
        }
        let merge = |content: &str| {
            let commit = world.shop.commit_by(
                "dev",
                "main",
                "Merge",
                &[sluice_github_fake::File::new("README.md", content)],
            );
            world.shop.merge_by_hand(pull, &commit);
            let inputs = Evaluate { commit: Some(commit), ..Evaluate::default() };
            world.evaluate_with(gate, inputs).state
        };
        assert_eq!(merge("more"), State::Approved);
        assert_eq!(merge("something else"), State::Pending);
    }

    #[test]
    fn a_team_takes_a_token_of_its_own() {
        let world = World::new();
        world.github.team("acme/platform", &["hubot", "monalisa"]);
        let gate = "approvals: {count: 2, teams: [acme/platform]}";
        let evaluation = world.evaluate(gate);
        assert_eq!(evaluation.state, State::Misconfigured);
        assert!(evaluation.answers[0].outcome.help.as_ref().unwrap().contains("org-token"));
        let inputs =
            || Evaluate { org_token: Some(sluice_core::Secret::new("another")), ..Evaluate::default() };
        assert_eq!(world.evaluate_with(gate, inputs()).state, State::Approved);
        let of_nobody = "approvals: {count: 2, teams: [acme/nobody]}";
        assert_eq!(world.evaluate_with(of_nobody, inputs()).state, State::Undecided);
    }

    #[test]
    fn checks_of_the_gate_s_own_run_and_of_other_apps_do_not_count() {
        let world = World::new();
        let own = sluice_github_fake::GitHub::suite_of(world.run);
        let check = sluice_github_fake::Check {
            suite: own,
            ..sluice_github_fake::Check::ended("scan", &world.commit, "success")
        };
        world.shop.check(check.clone());
        assert_eq!(world.state("checks: {names: [scan]}"), State::Pending);
        world.shop.check(sluice_github_fake::Check { suite: 5, app: (7, "mallory".into()), ..check.clone() });
        assert_eq!(world.state("checks: {names: [scan], apps: {scan: github-actions}}"), State::Pending);
        assert_eq!(world.state("checks: {names: [scan]}"), State::Approved);
        world.shop.check(sluice_github_fake::Check { suite: 6, conclusion: Some("failure".into()), ..check });
        assert_eq!(world.state("checks: {names: [scan]}"), State::Rejected);
    }

    #[test]
    fn a_check_on_the_last_page_counts() {
        let world = World::new();
        for number in 0..230 {
            let name = format!("shard {number}");
            world.shop.check(sluice_github_fake::Check::ended(&name, &world.commit, "success"));
        }
        world.shop.check(sluice_github_fake::Check::ended("build", &world.commit, "failure"));
        assert_eq!(world.state("checks: {required: true}"), State::Rejected);
    }

    #[test]
    fn a_branch_that_moved_on_is_no_longer_what_was_judged() {
        let world = World::new();
        let gate = "approvals: {count: 2, users: [hubot, monalisa, octocat]}";
        world.shop.commit("main", "One more", &[sluice_github_fake::File::new("README.md", "more")]);
        let evaluation = world.evaluate(gate);
        assert_eq!(evaluation.state, State::Rejected);
        assert!(told(&evaluation).ends_with("unchanged: Rejected: something else is there by now"));
    }

    #[test]
    fn sources_are_told_with_github_s_time() {
        let world = World::new();
        let evaluation = world.evaluate("quota: {deployments: 2, per: 24h}");
        let record = serde_json::to_value(&evaluation.answers[0].condition).unwrap();
        let source = &record["seen"]["facts"]["sources"][0];
        let url = source["url"].as_str().unwrap();
        assert!(url.ends_with("/repos/acme/shop/deployments?environment=production&per_page=100"), "{url}");
        assert!(source["at"].as_str().unwrap().starts_with("2026-01-01T"), "{source}");
    }

    #[test]
    fn people_are_waited_for_and_only_changes_are_read_again() {
        let world = World::new();
        let wait = || Evaluate { wait: Some("1m".parse().unwrap()), ..Evaluate::default() };
        let shop = world.shop.clone();
        let commit = world.commit.clone();
        let (mut seen, mut again) = (0, 0);
        let requests = std::sync::Arc::new(std::sync::Mutex::new((0, 0)));
        let count = std::sync::Arc::clone(&requests);
        world.github.faults(move |request| {
            if request.header("if-none-match").is_some() {
                again += 1;
            }
            if request.method == "GET" && request.path.ends_with("/approvals") {
                seen += 1;
                if seen == 3 {
                    let issue = 2;
                    let (shop, body) = (shop.clone(), format!("/approve {}", &commit[..7]));
                    // The world is locked while a request is answered, not yet here.
                    shop.comment(issue, "octocat", &body);
                }
            }
            *count.lock().unwrap() = (seen, again);
            None
        });
        let evaluation = world.evaluate_with(BY_ISSUE, wait());
        assert_eq!(evaluation.state, State::Approved, "{}", told(&evaluation));
        let (rounds, conditional) = *requests.lock().unwrap();
        assert!(rounds >= 3 && conditional > rounds, "{rounds} rounds, {conditional} conditional requests");
        assert!(matches!(world.shop.issues()[..], [(_, _, false)]));
    }

    #[test]
    fn an_issue_is_closed_when_nobody_answered_in_time() {
        let world = World::new();
        let inputs = Evaluate { wait: Some("100ms".parse().unwrap()), ..Evaluate::default() };
        let evaluation = world.evaluate_with(BY_ISSUE, inputs);
        assert_eq!((evaluation.state, evaluation.issue), (State::Pending, None));
        assert!(matches!(world.shop.issues()[..], [(_, _, false)]));
    }

    #[test]
    fn an_issue_is_closed_when_the_rest_goes_wrong() {
        let world = World::new();
        world.github.faults(|request| {
            let is_opening = request.method == "POST" && request.path.ends_with("/issues");
            is_opening.then_some(Fault::AnswerAfter(Reply::json(201, &json!({}))))
        });
        let plan = world.plan(BY_ISSUE, Evaluate::default());
        assert!(run(&plan, &world.context(), &OFTEN).is_err());
        assert!(matches!(world.shop.issues()[..], [(_, _, false)]));
    }

    #[test]
    fn it_is_not_waited_beyond_the_token_s_end() {
        let world = World::new();
        world.github.faults(|request| {
            let is_user = request.path.ends_with("/users/octocat");
            let octocat = json!({"id": 1, "login": "octocat", "type": "User"});
            let reply = Reply::json(200, &octocat);
            is_user.then(|| {
                Fault::Answer(
                    reply.header("github-authentication-token-expiration", "2026-01-01 00:00:00 UTC"),
                )
            })
        });
        let inputs = Evaluate { wait: Some("1h".parse().unwrap()), ..Evaluate::default() };
        let evaluation = world.evaluate_with(BY_ISSUE, inputs);
        assert_eq!(evaluation.state, State::Pending);
        assert_eq!(evaluation.notes[0].what, "it was not waited any longer");
    }
}
