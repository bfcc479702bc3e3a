//! Tells people what a pipeline did, delivered or loudly not.
//!
//! A run goes from top to bottom:
//!
//! 1. [`inputs`](Inputs) and [`configuration`](Sections) become a plan (`plan`);
//! 2. the reports that the actions left (`reports`) and the jobs' own results (`jobs`) become one `story`;
//! 3. the configuration must come from someone whose word counts (`trust`), and its routes choose the channels
//!    (`routes`);
//! 4. each channel renders the story within its limits (`channels`, one file a kind), with strangers' text made
//!    inert (`untrusted`);
//! 5. all messages are sent at once (`delivery`), and every reply is judged by its channel's own rules;
//! 6. what was delivered, and what was not, is the `answer`.

mod answer;
mod channels;
mod delivery;
mod inputs;
mod jobs;
mod outputs;
mod plan;
mod reports;
mod routes;
mod sections;
mod story;
mod trust;
mod untrusted;

use std::cell::RefCell;

use sluice_config::{File, FromEnvironment};
use sluice_core::{Action, Context, Done, Problem, Secret};
use sluice_http::{CONNECT_TIMEOUT, Client, Proxies};

use crate::{
    answer::Outcomes,
    channels::{Envelope, Medium},
    delivery::{Limits, Outcome, send},
    plan::Plan,
    story::Story,
    trust::Author,
    untrusted::Untrusted,
};
pub use crate::{
    inputs::{Inputs, OnError},
    outputs::{Delivery, Outputs},
    sections::Sections,
};

/// The action.
#[derive(Debug)]
pub struct Notify;

impl Action for Notify {
    const NAME: &'static str = "notify";
    type Inputs = Inputs;
    type Config = File<Sections>;
    type Outputs = Outputs;

    fn run(inputs: Inputs, config: File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        let plan = Plan::new(inputs, &config, cx)?;
        let story = plan.story(&config, cx)?;
        let mut done = tell(&plan, &config, &story, cx)?;
        answer::note_other_event(&mut done, plan.event);
        Ok(done)
    }
}

fn tell(plan: &Plan, config: &File<Sections>, story: &Story, cx: &Context) -> Result<Done<Outputs>, Problem> {
    if trust::author(cx, &config.name)? == Author::Fork {
        return Ok(answer::fork(story));
    }
    let letters = write(plan, config, story)?;
    if letters.is_empty() {
        return Ok(answer::no_route(story));
    }
    if plan.dry_run {
        let messages = letters
            .iter()
            .map(|letter| (letter.channel.to_owned(), letter.medium.kind(), letter.medium.render(story)));
        return Ok(answer::rehearsed(story, messages.collect()));
    }
    deliver(plan, config, story, &letters, cx)
}

/// A channel that is to be told.
struct Letter<'a> {
    channel: &'a str,
    medium: &'a dyn Medium,
}

fn write<'a>(plan: &'a Plan, config: &'a File<Sections>, story: &Story) -> Result<Vec<Letter<'a>>, Problem> {
    let channels = plan.channels(config, story)?;
    let letters = channels.into_iter().map(|channel| {
        let medium = config.sections.medium(channel)?;
        Ok(Letter { channel, medium })
    });
    letters.collect()
}

/// Sends what can be sent, and tells of each channel what became of it.
///
/// A channel that lacks its secret is no reason to leave the others untold.
fn deliver(
    plan: &Plan,
    config: &File<Sections>,
    story: &Story,
    letters: &[Letter<'_>],
    cx: &Context,
) -> Result<Done<Outputs>, Problem> {
    let client = client(plan, cx)?;
    let secret = |from: &FromEnvironment| secret(from, config, cx);
    let mut requests = Vec::new();
    let outcomes: RefCell<Vec<Option<Outcome>>> = RefCell::new(vec![None; letters.len()]);
    for (index, letter) in letters.iter().enumerate() {
        let body = letter.medium.render(story).to_string();
        let idempotency_key = idempotency_key(letter.channel, story, cx);
        let envelope = Envelope { secret: &secret, now: cx.now(), idempotency_key };
        match letter.medium.request(body, &envelope) {
            Ok(request) => requests.push((index, request)),
            Err(problem) => outcomes.borrow_mut()[index] = Some(Outcome::of_problem(problem)),
        }
    }
    let limits = Limits::default();
    let sending = send(&client, requests, &limits, |index, sent| {
        outcomes.borrow_mut()[index] = Some(Outcome::of(letters[index].medium, sent));
    });
    let interrupted = cx.block_on(sending).err();
    let lost =
        interrupted.clone().unwrap_or_else(|| Problem::undecided("the sending ended without an outcome"));
    let outcomes: Outcomes = std::iter::zip(letters, outcomes.take())
        .map(|(letter, outcome)| {
            (letter.channel.to_owned(), outcome.unwrap_or_else(|| Outcome::interrupted(&lost)))
        })
        .collect();
    Ok(answer::told(story, &outcomes, plan.on_error, interrupted.is_some()))
}

fn client(plan: &Plan, cx: &Context) -> Result<Client, Problem> {
    Proxies::from_lookup(|name| cx.variable(name).map(str::to_owned))
        .and_then(|proxies| Client::new(&plan.http, &proxies, CONNECT_TIMEOUT))
        .map_err(|error| Problem::misconfigured(error.to_string()))
}

fn secret(from: &FromEnvironment, config: &File<Sections>, cx: &Context) -> Result<Secret, Problem> {
    let name = from.env.value.as_str();
    cx.secret(name).ok_or_else(|| {
        Problem::misconfigured(format!("the variable {name} is not set, or empty"))
            .help(format!("give the step `env: {{{name}: \"${{{{ secrets.{name} }}}}\"}}`, and check that the secret exists"))
            .at(config.place_of(&from.env))
    })
}

/// The same for the same message: one run and attempt, one environment, one event, one channel.
fn idempotency_key(channel: &str, story: &Story, cx: &Context) -> String {
    let now = cx.now().to_string();
    channels::idempotency_key(&[
        cx.variable("GITHUB_REPOSITORY").unwrap_or_default(),
        cx.variable("GITHUB_RUN_ID").unwrap_or(&now),
        cx.variable("GITHUB_RUN_ATTEMPT").unwrap_or_default(),
        story.environment.as_ref().map_or("", Untrusted::raw),
        inputs::name_of(story.event),
        channel,
    ])
}
