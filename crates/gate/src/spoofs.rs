//! Attempts to be let through that must all fail, each one step away from a case that is approved.

use jiff::{SignedDuration, Timestamp};
use sluice_core::{DeploymentPayload, Period};

use crate::{
    Account, Deployment, DeploymentStatus, Outcome, Policy, Question, State,
    approvals::{
        Approvals, Asked, Comment, EnvironmentReview, Involved, Issue, Part, Pull, Review, ReviewState,
    },
    checks::{Checks, Named, Required, Run, Status},
    confirm::{self, Confirm},
    question::tests::question as asked_at,
    quota::Quota,
    soak::Soak,
    source::{self, Source},
};

const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const HEAD: &str = "cccccccccccccccccccccccccccccccccccccccc";
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const OTHER_DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn time(minutes: i64) -> Timestamp {
    "2026-11-18T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

fn question() -> Question {
    Question { digest: Some(DIGEST.into()), ..asked_at("2026-11-18T12:00:00Z") }
}

fn account(id: u64, login: &str) -> Account {
    Account { id, login: login.into(), is_bot: login.ends_with("[bot]") }
}

/// A policy, the facts and the question: what a spoof changes.
struct Case<P: Policy> {
    policy: P,
    facts: P::Facts,
    question: Question,
}

impl<P: Policy> Case<P> {
    fn judge(&self) -> Outcome {
        self.policy.judge(&self.facts, &self.question)
    }
}

type Spoof<P> = (&'static str, fn(&mut Case<P>));

/// Without a spoof the case is approved; with each it is not.
fn refuse<P: Policy>(case: fn() -> Case<P>, spoofs: &[Spoof<P>]) {
    let untouched = case().judge();
    assert_eq!(untouched.state, State::Approved, "{untouched:?}");
    for (name, spoof) in spoofs {
        let mut case = case();
        spoof(&mut case);
        let outcome = case.judge();
        assert_ne!(outcome.state, State::Approved, "{name}: {outcome:?}");
        assert!(!outcome.reason.is_empty(), "{name}");
    }
}

// Approvals.

fn review(id: u64, by: Account, state: ReviewState, at: i64) -> Review {
    Review { id, by: Some(by), state, commit: Some(HEAD.into()), at: Some(time(at)) }
}

fn comment(id: u64, by: Account, body: &str, at: i64) -> Comment {
    Comment { id, by: Some(by), body: body.into(), at: time(at), is_edited: false, is_minimized: false }
}

fn involved(part: Part, account: Account) -> Involved {
    Involved { part, name: account.login.clone(), account: Some(account) }
}

/// Two of three must approve: hubot reviewed the pull request, monalisa commented on the issue.
fn approvals() -> Case<Approvals> {
    let (octocat, hubot, monalisa, dev) =
        (account(1, "octocat"), account(2, "hubot"), account(3, "monalisa"), account(4, "dev"));
    let pull = Pull {
        number: 12,
        head: HEAD.into(),
        merged_as: Some(COMMIT.into()),
        is_merged_as_reviewed: true,
        reviews: vec![review(1, hubot.clone(), ReviewState::Approved, 1)],
    };
    let issue = Issue {
        number: 20,
        by: Some(account(9, "github-actions[bot]")),
        at: time(10),
        is_edited: false,
        asks: Some(Asked { environment: "production".into(), commit: COMMIT.into() }),
        comments: vec![comment(1, monalisa.clone(), "/approve aaaaaaa", 11)],
    };
    Case {
        policy: Approvals {
            count: 2,
            users: vec!["octocat".into(), "hubot".into(), "monalisa".into()],
            teams: vec![],
            allow: vec![],
        },
        facts: crate::approvals::Facts {
            users: vec![Some(octocat), Some(hubot), Some(monalisa)],
            teams: vec![],
            pulls: vec![pull],
            involved: vec![involved(Part::Author, dev)],
            environment_reviews: vec![],
            issue: Some(issue),
        },
        question: question(),
    }
}

impl Case<Approvals> {
    fn review(&mut self) -> &mut Review {
        &mut self.facts.pulls[0].reviews[0]
    }

    fn reviews(&mut self, id: u64, by: Account, state: ReviewState, at: i64) {
        self.facts.pulls[0].reviews.push(review(id, by, state, at));
    }

    fn issue(&mut self) -> &mut Issue {
        self.facts.issue.as_mut().unwrap()
    }

    fn says(&mut self, body: &str) {
        self.issue().comments[0].body = body.into();
    }

    fn takes_part(&mut self, part: Part, id: u64, login: &str) {
        self.facts.involved.push(involved(part, account(id, login)));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn approvals_are_not_spoofed() {
    refuse(
        approvals,
        &[
            ("a review of an older commit", |case| case.review().commit = Some(OTHER.into())),
            ("a review whose commit is gone", |case| case.review().commit = None),
            ("a review that is not yet given", |case| case.review().at = None),
            ("a review of an account that is gone", |case| case.review().by = None),
            ("a review of a stranger", |case| case.review().by = Some(account(77, "stranger"))),
            ("a login that someone else took", |case| case.review().by = Some(account(77, "hubot"))),
            ("a comment instead of a yes", |case| case.review().state = ReviewState::Commented),
            ("a review that is pending", |case| case.review().state = ReviewState::Pending),
            ("a review that was dismissed", |case| case.review().state = ReviewState::Dismissed),
            ("a no after the yes", |case| {
                case.reviews(2, account(2, "hubot"), ReviewState::ChangesRequested, 2);
            }),
            ("a no after the yes, given for another commit", |case| {
                case.reviews(2, account(2, "hubot"), ReviewState::ChangesRequested, 2);
                case.facts.pulls[0].reviews[1].commit = Some(OTHER.into());
            }),
            ("a no that stands beside the same one's comment", |case| {
                case.reviews(2, account(3, "monalisa"), ReviewState::ChangesRequested, 2);
            }),
            ("reviews told in another order", |case| {
                case.facts.pulls[0]
                    .reviews
                    .insert(0, review(2, account(2, "hubot"), ReviewState::ChangesRequested, 2));
            }),
            ("a pull request that was merged as another commit", |case| {
                case.facts.pulls[0].merged_as = Some(OTHER.into());
            }),
            ("a pull request that is not merged", |case| case.facts.pulls[0].merged_as = None),
            ("a merge by hand that holds more than was reviewed", |case| {
                case.facts.pulls[0].is_merged_as_reviewed = false;
            }),
            ("one person who approves twice", |case| {
                case.issue().comments[0].by = Some(account(2, "hubot"));
            }),
            ("one person under two spellings", |case| {
                case.policy.users = vec!["hubot".into(), "HuBot".into(), "monalisa".into()];
                case.facts.users =
                    vec![Some(account(2, "hubot")), Some(account(2, "hubot")), Some(account(3, "monalisa"))];
                case.issue().comments[0].by = Some(account(2, "hubot"));
            }),
            ("one person in user and team", |case| {
                case.policy.teams = vec!["acme/platform".into()];
                case.facts.teams = vec![vec![account(2, "hubot")]];
                case.issue().comments.clear();
                case.facts.environment_reviews.push(EnvironmentReview {
                    by: Some(account(2, "hubot")),
                    state: "approved".into(),
                    environments: vec!["production".into()],
                    commit: COMMIT.into(),
                });
            }),
            ("the author", |case| case.takes_part(Part::Author, 2, "hubot")),
            ("a co-author under another login of the same account", |case| {
                case.takes_part(Part::Author, 2, "hubot-old");
            }),
            ("the committer", |case| case.takes_part(Part::Committer, 3, "monalisa")),
            ("who opened the pull request", |case| case.takes_part(Part::PullRequest, 3, "monalisa")),
            ("who started the run", |case| case.takes_part(Part::Actor, 2, "hubot")),
            ("who started the run again", |case| case.takes_part(Part::TriggeringActor, 2, "hubot")),
            ("who started the run, told by login alone", |case| {
                case.facts.involved.push(Involved { part: Part::Actor, account: None, name: "HUBOT".into() });
            }),
            ("an author without an account", |case| {
                case.facts.involved.push(Involved {
                    part: Part::Author,
                    account: None,
                    name: "x@example.com".into(),
                });
            }),
            ("a bot on the list", |case| {
                case.facts.users[1] = Some(Account { id: 2, login: "hubot".into(), is_bot: true });
                case.review().by = Some(Account { id: 2, login: "hubot".into(), is_bot: true });
            }),
            ("an edited comment", |case| case.issue().comments[0].is_edited = true),
            ("a hidden comment", |case| case.issue().comments[0].is_minimized = true),
            ("a comment from before the issue", |case| case.issue().comments[0].at = time(9)),
            ("a comment of an account that is gone", |case| case.issue().comments[0].by = None),
            ("a later comment that was edited", |case| {
                let mut edited = comment(2, account(3, "monalisa"), "never mind", 12);
                edited.is_edited = true;
                case.issue().comments.push(edited);
            }),
            ("a denial after the approval", |case| {
                case.issue().comments.push(comment(2, account(3, "monalisa"), "/deny", 12));
            }),
            ("a denial of a third", |case| {
                case.issue().comments.push(comment(2, account(1, "octocat"), "/deny wait", 12));
            }),
            ("a denial with its reason right behind it", |case| {
                case.issue().comments.push(comment(2, account(1, "octocat"), "/deny: not on a Friday", 12));
            }),
            ("a denial as a phone writes it", |case| {
                case.issue().comments.push(comment(2, account(1, "octocat"), "\n /Deny\u{200b}.", 12));
            }),
            ("a denial of one who may not approve their own", |case| {
                case.takes_part(Part::Author, 1, "octocat");
                case.issue().comments.push(comment(2, account(1, "octocat"), "/deny", 12));
            }),
            ("a denial that was hidden", |case| {
                let mut denial = comment(2, account(1, "octocat"), "/deny", 12);
                denial.is_minimized = true;
                case.issue().comments.push(denial);
            }),
            ("an approval of another commit", |case| case.says("/approve bbbbbbb")),
            ("an approval without a commit", |case| case.says("/approve")),
            ("an approval of a commit that is too short", |case| case.says("/approve aaaaaa")),
            ("an approval with a longer name", |case| case.says(&format!("/approve {COMMIT}a"))),
            ("an approval in capitals", |case| case.says("/approve AAAAAAA")),
            ("a quoted approval", |case| case.says("> /approve aaaaaaa")),
            ("an approval inside of a text", |case| case.says("I would never /approve aaaaaaa")),
            ("an approval below other words", |case| case.says("no:\n/approve aaaaaaa")),
            ("an approval above other words", |case| case.says("/approve aaaaaaa\nis what I will not write")),
            ("an approval in a code block", |case| case.says("```\n/approve aaaaaaa\n```")),
            ("a look-alike of the command", |case| case.says("/аpprove aaaaaaa")),
            ("an issue of a person", |case| case.issue().by = Some(account(77, "stranger"))),
            ("an issue of an account that is gone", |case| case.issue().by = None),
            ("an issue whose text was changed", |case| case.issue().is_edited = true),
            ("an issue for another environment", |case| {
                case.issue().asks = Some(Asked { environment: "dev".into(), commit: COMMIT.into() });
            }),
            ("an issue for another commit", |case| {
                case.issue().asks = Some(Asked { environment: "production".into(), commit: OTHER.into() });
            }),
            ("an issue that asks for nothing", |case| case.issue().asks = None),
            ("facts about another commit", |case| case.question.commit = Some(OTHER.into())),
            ("a question without a commit", |case| case.question.commit = None),
            ("a count of nobody", |case| case.policy.count = 0),
        ],
    );
}

/// Two of three must approve, and GitHub asked for the run's environment.
fn environment_reviews() -> Case<Approvals> {
    let mut case = approvals();
    case.facts.issue = None;
    case.facts.environment_reviews.push(EnvironmentReview {
        by: Some(account(1, "octocat")),
        state: "approved".into(),
        environments: vec!["Production".into()],
        commit: COMMIT.into(),
    });
    case
}

#[test]
fn reviews_of_environments_are_not_spoofed() {
    refuse(
        environment_reviews,
        &[
            ("another environment", |case| {
                case.facts.environment_reviews[0].environments = vec!["dev".into()];
            }),
            ("no environment", |case| case.facts.environment_reviews[0].environments.clear()),
            ("a run of another commit", |case| case.facts.environment_reviews[0].commit = OTHER.into()),
            ("a no", |case| case.facts.environment_reviews[0].state = "rejected".into()),
            ("a word from the future", |case| case.facts.environment_reviews[0].state = "approved?".into()),
            ("a no beside the yes", |case| {
                let mut no = case.facts.environment_reviews[0].clone();
                no.state = "rejected".into();
                case.facts.environment_reviews.insert(0, no);
            }),
            ("a stranger", |case| case.facts.environment_reviews[0].by = Some(account(77, "octocat"))),
            ("an account that is gone", |case| case.facts.environment_reviews[0].by = None),
        ],
    );
}

// Source.

fn source() -> Case<Source> {
    let commit = |name: &str| source::Commit { name: name.into(), is_verified: true, reason: "valid".into() };
    Case {
        policy: Source { branch: Some("main".into()), merged_from: Some("staging".into()), signed: true },
        facts: source::Facts {
            branch: Some(source::Branch { name: "main".into(), head: COMMIT.into(), holds: true }),
            pulls: vec![source::Pull {
                number: 12,
                head: "staging".into(),
                is_from_here: true,
                base: "main".into(),
                merged_as: Some(COMMIT.into()),
            }],
            commits: vec![commit(COMMIT), commit(HEAD)],
        },
        question: question(),
    }
}

#[test]
fn a_source_is_not_spoofed() {
    refuse(
        source,
        &[
            ("a commit beside the branch", |case| case.facts.branch.as_mut().unwrap().holds = false),
            ("another branch", |case| case.facts.branch.as_mut().unwrap().name = "main2".into()),
            ("no branch", |case| case.facts.branch = None),
            ("a branch of that name in a fork", |case| case.facts.pulls[0].is_from_here = false),
            ("another branch that was merged", |case| case.facts.pulls[0].head = "feature".into()),
            ("a pull request to another branch", |case| case.facts.pulls[0].base = "dev".into()),
            ("a pull request that was merged as another commit", |case| {
                case.facts.pulls[0].merged_as = Some(OTHER.into());
            }),
            ("a pull request that is not merged", |case| case.facts.pulls[0].merged_as = None),
            ("no pull request", |case| case.facts.pulls.clear()),
            ("no pull request, where only a signature is asked for", |case| {
                case.policy.merged_from = None;
                case.facts.pulls.clear();
            }),
            ("one commit that is not signed", |case| {
                case.facts.commits[1].is_verified = false;
                case.facts.commits[1].reason = "unsigned".into();
            }),
            ("the commit itself left out", |case| {
                case.facts.commits.remove(0);
            }),
            ("a rule that asks for nothing", |case| {
                case.policy = Source { branch: None, merged_from: None, signed: false };
            }),
        ],
    );
}

// Checks.

fn run(id: u64, name: &str, suite: u64, conclusion: &str) -> Run {
    Run {
        id,
        name: name.into(),
        app: Some(15_368),
        slug: Some("github-actions".into()),
        suite: Some(suite),
        commit: COMMIT.into(),
        status: "completed".into(),
        conclusion: Some(conclusion.into()),
        started: Some(time(1)),
    }
}

fn checks() -> Case<Checks> {
    Case {
        policy: Checks {
            required: true,
            names: vec![Named { name: "scan".into(), app: Some("github-actions".into()) }],
            skipped: false,
            neutral: false,
        },
        facts: crate::checks::Facts {
            required: vec![
                Required { name: "build".into(), app: Some(15_368) },
                Required { name: "legacy".into(), app: None },
            ],
            runs: vec![run(1, "build", 10, "success"), run(2, "scan", 10, "success")],
            statuses: vec![Status { context: "legacy".into(), state: "success".into() }],
            own_suite: Some(99),
        },
        question: question(),
    }
}

#[test]
fn checks_are_not_spoofed() {
    refuse(
        checks,
        &[
            ("a check that failed", |case| case.facts.runs[0].conclusion = Some("failure".into())),
            ("a skipped twin of a check that failed", |case| {
                case.policy.skipped = true;
                case.facts.runs[0].conclusion = Some("failure".into());
                case.facts.runs.push(run(3, "build", 11, "skipped"));
            }),
            ("a green twin in another suite", |case| {
                case.facts.runs[0].conclusion = Some("failure".into());
                case.facts.runs.push(run(3, "build", 11, "success"));
            }),
            ("a skipped check", |case| case.facts.runs[0].conclusion = Some("skipped".into())),
            ("a neutral check", |case| case.facts.runs[0].conclusion = Some("neutral".into())),
            ("a check that was cancelled", |case| case.facts.runs[0].conclusion = Some("cancelled".into())),
            ("a conclusion from the future", |case| case.facts.runs[0].conclusion = Some("Success".into())),
            ("no conclusion", |case| case.facts.runs[0].conclusion = None),
            ("a check that runs again", |case| {
                let mut again = run(5, "build", 10, "success");
                (again.status, again.conclusion) = ("in_progress".into(), None);
                case.facts.runs.push(again);
            }),
            ("a newer run that failed, told first", |case| {
                case.facts.runs.insert(0, run(5, "build", 10, "failure"));
            }),
            ("a check of another commit", |case| case.facts.runs[0].commit = OTHER.into()),
            ("a check of the gate's own run", |case| case.facts.runs[1].suite = Some(99)),
            ("a check of another app where one is required", |case| case.facts.runs[0].app = Some(666)),
            ("a check of another app where one is named", |case| {
                case.facts.runs[1].slug = Some("mallory".into());
            }),
            ("a check of an app that is gone", |case| case.facts.runs[0].app = None),
            ("a status in place of an app's check", |case| {
                case.facts.runs.remove(0);
                case.facts.statuses.push(Status { context: "build".into(), state: "success".into() });
            }),
            ("a look-alike name", |case| case.facts.runs[0].name = "bui1d".into()),
            ("a name in capitals", |case| case.facts.runs[0].name = "Build".into()),
            ("a check that is not there", |case| {
                case.facts.runs.remove(1);
            }),
            ("a status that failed beside a green check", |case| {
                case.facts.runs.push(run(6, "legacy", 10, "success"));
                case.facts.statuses[0].state = "failure".into();
            }),
            ("a status that is pending", |case| case.facts.statuses[0].state = "pending".into()),
            ("rules that require nothing", |case| case.facts.required.clear()),
            ("a rule that asks for nothing", |case| {
                case.policy.required = false;
                case.policy.names.clear();
            }),
            ("a question about another commit", |case| case.question.commit = Some(OTHER.into())),
        ],
    );
}

// Deployments.

fn deployment(id: u64, environment: &str, digest: &str, at: i64, states: &[(&str, i64)]) -> Deployment {
    let told = |(state, at): &(&str, i64)| DeploymentStatus { state: (*state).into(), at: time(*at) };
    Deployment {
        id,
        environment: environment.into(),
        at: time(at),
        payload: DeploymentPayload {
            component: "backend".into(),
            image: "registry.example.com/shop/backend".into(),
            digest: digest.into(),
            version: "1.2.3".into(),
        },
        statuses: states.iter().map(told).collect(),
    }
}

/// Two hours in dev; it is there for eleven.
fn soak() -> Case<Soak> {
    Case {
        policy: Soak { environment: "dev".into(), time: Period(std::time::Duration::from_hours(2)) },
        facts: crate::soak::Facts {
            deployments: vec![deployment(1, "dev", DIGEST, 50, &[("in_progress", 55), ("success", 60)])],
            clock: time(720),
        },
        question: question(),
    }
}

impl Case<Soak> {
    fn dev(&mut self) -> &mut Deployment {
        &mut self.facts.deployments[0]
    }
}

#[test]
fn a_soak_is_not_spoofed() {
    refuse(
        soak,
        &[
            ("another digest", |case| case.dev().payload.digest = OTHER_DIGEST.into()),
            ("the same version of another digest", |case| case.question.digest = Some(OTHER_DIGEST.into())),
            ("no digest", |case| case.question.digest = None),
            ("another environment", |case| case.dev().environment = "Dev".into()),
            ("no deployment", |case| case.facts.deployments.clear()),
            ("the time since the deployment began", |case| {
                case.dev().statuses = vec![
                    DeploymentStatus { state: "in_progress".into(), at: time(55) },
                    DeploymentStatus { state: "success".into(), at: time(700) },
                ];
            }),
            ("a deployment without a success", |case| case.dev().statuses.truncate(1)),
            ("a deployment without a word", |case| case.dev().statuses.clear()),
            ("a success that became a failure", |case| {
                case.dev().statuses.push(DeploymentStatus { state: "failure".into(), at: time(600) });
            }),
            ("statuses told in another order", |case| {
                case.dev().statuses.insert(0, DeploymentStatus { state: "error".into(), at: time(600) });
            }),
            ("a success after a failure, that is young", |case| {
                case.dev().statuses.extend([
                    DeploymentStatus { state: "failure".into(), at: time(600) },
                    DeploymentStatus { state: "success".into(), at: time(700) },
                ]);
            }),
            ("a digest that was replaced at once", |case| {
                case.facts.deployments.push(deployment(2, "dev", OTHER_DIGEST, 61, &[("success", 62)]));
            }),
            ("a newer deployment of it that failed", |case| {
                case.facts.deployments.push(deployment(2, "dev", DIGEST, 500, &[("failure", 501)]));
            }),
            ("a runner whose clock is ahead", |case| {
                case.facts.clock = time(120);
                case.question.now = time(100_000);
            }),
            ("a server whose clock is ahead", |case| {
                case.question.now = time(120);
                case.facts.clock = time(100_000);
            }),
            ("a success in the future", |case| case.dev().statuses[1].at = time(100_000)),
        ],
    );
}

fn quota() -> Case<Quota> {
    Case {
        policy: Quota { deployments: 2, per: Period(std::time::Duration::from_hours(10)) },
        facts: crate::quota::Facts {
            deployments: vec![
                deployment(1, "production", DIGEST, 10, &[("success", 11)]),
                deployment(2, "production", DIGEST, 600, &[("success", 601)]),
                deployment(3, "dev", DIGEST, 610, &[("success", 611)]),
            ],
            clock: time(720),
        },
        question: question(),
    }
}

#[test]
fn a_quota_is_not_spoofed() {
    refuse(
        quota,
        &[
            ("one more", |case| {
                case.facts.deployments.push(deployment(
                    4,
                    "production",
                    OTHER_DIGEST,
                    700,
                    &[("success", 701)],
                ));
            }),
            ("one more that failed", |case| {
                case.facts.deployments.push(deployment(
                    4,
                    "production",
                    OTHER_DIGEST,
                    700,
                    &[("failure", 701)],
                ));
            }),
            ("one more without a word", |case| {
                case.facts.deployments.push(deployment(4, "production", DIGEST, 700, &[]));
            }),
            ("a deployment in the future", |case| {
                case.facts.deployments.push(deployment(4, "production", DIGEST, 100_000, &[]));
            }),
            ("a clock that is behind", |case| {
                case.question.now = time(605);
            }),
            ("a runner whose clock is ahead", |case| {
                case.question.now = time(100_000);
                case.facts.clock = time(605);
            }),
            ("a quota of nothing", |case| case.policy.deployments = 0),
        ],
    );
}

#[test]
fn a_phrase_is_not_spoofed() {
    refuse::<Confirm>(
        || Case {
            policy: Confirm { phrase: "DEPLOY".into() },
            facts: confirm::Facts { typed: Some("DEPLOY".into()) },
            question: question(),
        },
        &[
            ("nothing", |case| case.facts.typed = None),
            ("another case", |case| case.facts.typed = Some("deploy".into())),
            ("white space", |case| case.facts.typed = Some("DEPLOY ".into())),
            ("a look-alike", |case| case.facts.typed = Some("DEPL\u{41e}Y".into())),
        ],
    );
}

#[test]
fn rules_that_ask_for_nothing_or_for_what_can_not_be_are_no_rules() {
    let checks = Checks { required: false, names: vec![], skipped: true, neutral: true };
    assert!(checks.check().is_err());
    assert!(Checks { required: true, ..checks.clone() }.check().is_ok());
    assert!(Checks { names: vec![Named { name: "build".into(), app: None }], ..checks }.check().is_ok());
    let source = Source { branch: None, merged_from: None, signed: false };
    assert!(source.check().is_err());
    assert!(Source { branch: Some("main".into()), ..source.clone() }.check().is_ok());
    assert!(Source { merged_from: Some("staging".into()), ..source.clone() }.check().is_ok());
    assert!(Source { signed: true, ..source }.check().is_ok());
    let Case { policy, .. } = soak();
    assert!(policy.check("production").is_ok());
    assert!(policy.check("dev").is_err());
    assert!(Soak { time: Period(std::time::Duration::ZERO), ..policy }.check("production").is_err());
    let Case { policy, .. } = quota();
    assert!(policy.check().is_ok());
    assert!(Quota { deployments: 0, ..policy.clone() }.check().is_err());
    assert!(Quota { per: Period(std::time::Duration::ZERO), ..policy }.check().is_err());
}

/// What is one step from the case, too, and still is a yes.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_allowed_is_let_through() {
    fn approve<P: Policy>(case: fn() -> Case<P>, steps: &[Spoof<P>]) {
        for (name, step) in steps {
            let mut case = case();
            step(&mut case);
            let outcome = case.judge();
            assert_eq!(outcome.state, State::Approved, "{name}: {outcome:?}");
        }
    }
    approve(
        approvals,
        &[
            ("a review of the very commit", |case| case.review().commit = Some(COMMIT.into())),
            ("a comment after the yes", |case| {
                case.reviews(2, account(2, "hubot"), ReviewState::Commented, 2);
            }),
            ("a yes to an older commit after it", |case| {
                case.reviews(2, account(2, "hubot"), ReviewState::Approved, 2);
                case.facts.pulls[0].reviews[1].commit = Some(OTHER.into());
            }),
            ("a yes after a no", |case| {
                case.facts.pulls[0]
                    .reviews
                    .insert(0, review(0, account(2, "hubot"), ReviewState::ChangesRequested, 0));
            }),
            ("a longer name of the commit", |case| case.says("/approve aaaaaaaaaa\r\n")),
            ("a comment in the second of the issue", |case| case.issue().comments[0].at = time(10)),
            ("a no of a stranger", |case| {
                case.issue().comments.push(comment(2, account(77, "stranger"), "/deny", 12));
            }),
            ("a yes after a denial", |case| {
                case.issue().comments.insert(0, comment(0, account(3, "monalisa"), "/deny", 10));
            }),
            ("a bot that is allowed", |case| {
                case.policy.allow = vec!["hubot".into()];
                case.facts.users[1] = Some(Account { id: 2, login: "hubot".into(), is_bot: true });
            }),
            ("an address that is allowed", |case| {
                case.policy.allow = vec!["X@example.com".into()];
                case.facts.involved.push(Involved {
                    part: Part::Author,
                    account: None,
                    name: "x@example.com".into(),
                });
            }),
        ],
    );
    approve(
        checks,
        &[
            ("skipped", |case| {
                case.policy.skipped = true;
                case.facts.runs[0].conclusion = Some("skipped".into());
            }),
            ("neutral", |case| {
                case.policy.neutral = true;
                case.facts.runs[0].conclusion = Some("neutral".into());
            }),
            ("an older run that failed", |case| {
                case.facts.runs.push(run(0, "build", 10, "failure"));
            }),
            ("a failure of another commit", |case| {
                case.facts.runs.push(Run { commit: OTHER.into(), ..run(9, "build", 11, "failure") });
            }),
            ("a failure of the gate's own run", |case| case.facts.runs.push(run(9, "build", 99, "failure"))),
            ("a failure of what nobody asked for", |case| {
                case.facts.runs.push(run(9, "lint", 10, "failure"));
            }),
            ("what is required is not looked at", |case| {
                case.policy.required = false;
                case.facts.runs[0].conclusion = Some("failure".into());
            }),
            ("without a suite of its own, on a terminal", |case| {
                case.facts.own_suite = None;
                case.facts.runs[0].suite = None;
            }),
        ],
    );
    approve(
        soak,
        &[
            ("just long enough", |case| case.facts.clock = time(180)),
            ("another component that was deployed", |case| {
                let mut other = deployment(2, "dev", OTHER_DIGEST, 61, &[("success", 62)]);
                other.payload.component = "frontend".into();
                case.facts.deployments.push(other);
            }),
            ("long enough before it was replaced", |case| {
                case.facts.deployments.push(deployment(2, "dev", OTHER_DIGEST, 400, &[("success", 410)]));
                case.dev().statuses.push(DeploymentStatus { state: "inactive".into(), at: time(410) });
            }),
            ("a later deployment that never was in place", |case| {
                case.facts.deployments.push(deployment(2, "dev", OTHER_DIGEST, 61, &[("failure", 62)]));
            }),
            ("one before it", |case| {
                case.facts.deployments.push(deployment(0, "dev", OTHER_DIGEST, 10, &[("success", 20)]));
            }),
            ("a success that was told twice", |case| {
                case.dev().statuses.push(DeploymentStatus { state: "success".into(), at: time(700) });
            }),
        ],
    );
    approve(
        quota,
        &[
            ("one that just left the time", |case| {
                case.facts.deployments.push(deployment(4, "production", DIGEST, 120, &[]));
            }),
            ("no deployment", |case| case.facts.deployments.clear()),
        ],
    );
}

#[test]
fn what_waits_or_is_closed_says_until_when() {
    let mut case = soak();
    case.facts.clock = time(179);
    let outcome = case.judge();
    assert_eq!(outcome.state, State::Pending);
    assert_eq!(outcome.reason, "has run in dev for 1h 59m (2h needed)");
    assert_eq!(outcome.help.unwrap(), "run the gate again at 2026-11-18T03:00:00Z");
    let mut case = soak();
    case.facts.deployments.push(deployment(2, "dev", OTHER_DIGEST, 61, &[("success", 179)]));
    let outcome = case.judge();
    assert_eq!(
        (outcome.state, &*outcome.reason),
        (State::Rejected, "was replaced in dev after 1h 59m (2h needed)")
    );
    let mut case = quota();
    case.facts.deployments.push(deployment(4, "production", DIGEST, 700, &[]));
    let outcome = case.judge();
    assert_eq!((outcome.state, &*outcome.reason), (State::Rejected, "2 deployments in 10h (2 allowed)"));
    assert_eq!(outcome.help.unwrap(), "opens at 2026-11-18T20:00:00Z");
}

#[test]
fn what_is_not_green_is_told_check_by_check() {
    let mut case = checks();
    case.policy.names.push(Named { name: "e2e".into(), app: None });
    case.policy.names.push(Named { name: "own".into(), app: None });
    case.policy.names.push(Named { name: "pinned".into(), app: Some("github-actions".into()) });
    case.facts.runs[0].conclusion = Some("timed_out".into());
    case.facts.runs.push(run(9, "own", 99, "success"));
    case.facts.runs.push(Run { slug: Some("mallory".into()), ..run(10, "pinned", 5, "success") });
    case.facts.statuses[0].state = "odd".into();
    let outcome = case.judge();
    let told =
        [vec![format!("{:?}: {}", outcome.state, outcome.reason)], outcome.evidence].concat().join("\n");
    insta::assert_snapshot!(told, @r"
    Rejected: 1 of 6 checks are not green
    build: timed_out
    legacy: odd
    e2e: did not run for this commit
    own: only in this very run, where it does not count
    pinned: there is one of the app mallory only
    ");
    case.facts.runs[0].conclusion = Some("success".into());
    let outcome = case.judge();
    assert_eq!((outcome.state, &*outcome.reason), (State::Undecided, "1 of 6 checks could not be told"));
    case.facts.statuses[0].state = "success".into();
    let outcome = case.judge();
    assert_eq!((outcome.state, &*outcome.reason), (State::Pending, "3 of 6 checks have not ended"));
}

#[test]
fn a_status_is_what_it_says() {
    let state = |status: &str| {
        let mut case = checks();
        case.facts.statuses[0].state = status.into();
        case.judge().state
    };
    assert_eq!(state("pending"), State::Pending);
    assert_eq!(state("failure"), State::Rejected);
    assert_eq!(state("error"), State::Rejected);
    assert_eq!(state("expected"), State::Undecided);
}
