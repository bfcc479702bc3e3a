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
use sluice_gate::{Condition, Question, State, decide};
use sluice_github::{Api, Repository, Sha};
use sluice_http::jitter;

use crate::{
    condition::{self, Answer, World},
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
        let approvals = self.answers.iter().filter_map(|answer| match &answer.condition {
            Condition::Approvals(case) => Some(case.approvers(&self.question)),
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
    loop {
        let mut evaluation = once(plan, network, cx).await?;
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
async fn once(plan: &Plan, network: &Network<'_>, cx: &Context) -> Result<Evaluation, Problem> {
    cx.cancellation().check()?;
    let question = plan.question(cx.now());
    let world = World { cx, question: &question, network };
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

/// Who can approve, for the issue.
fn who(evaluation: &Evaluation) -> String {
    let answers = evaluation.answers.iter();
    let mut approvals = answers.filter(|answer| answer.condition.name() == "approvals");
    approvals.next().and_then(|answer| answer.outcome.help.clone()).unwrap_or_default()
}
