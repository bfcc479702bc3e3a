//! Tells people what a pipeline did, delivered or loudly not.
//!
//! A run goes from top to bottom:
//!
//! 1. [`inputs`](Inputs) and [`configuration`](Sections) become a plan (`plan`);
//! 2. the reports that the actions left (`reports`) and the jobs' own results (`jobs`) become one `story`;
//! 3. the configuration must come from someone whose word counts (`trust`), and its routes choose the channels
//!    (`routes`);
//! 4. each channel renders the story within its limits (`channels`, one file a kind), with strangers' text made
//!    inert (`untrusted`): for people in the words that all share (`sheet`), with how far the pipeline is (`progress`),
//!    for programs as `data`;
//! 5. all messages are sent at once (`delivery`), and every reply is judged by its channel's own rules;
//! 6. what was delivered, and what was not, is the `answer`.

mod answer;
mod background;
mod channels;
mod data;
mod delivery;
mod github;
mod inputs;
mod jobs;
mod mention;
mod outputs;
mod plan;
mod preview;
mod progress;
mod quiet;
mod reports;
mod routes;
mod sections;
mod sheet;
mod story;
mod trust;
mod untrusted;

use std::{cell::RefCell, time::Instant};

use sluice_config::{File, FromEnvironment};
use sluice_core::{Action, Context, Done, Problem, Secret};
use sluice_http::{CONNECT_TIMEOUT, Client, Proxies};

use crate::{
    answer::Outcomes,
    channels::{Channel, Message},
    delivery::{Ending, Limits, Outcome, Post, at_once},
    github::Github,
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
    const RUNNER_DEFAULTS: &'static [(&'static str, &'static str)] = &[("token", "${{ github.token }}")];

    fn run(inputs: Inputs, config: File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
        let plan = Plan::new(inputs, &config, cx)?;
        let client = client(&plan, cx)?;
        let github = Github::of(&client, plan.token.as_ref(), cx)?;
        let (story, notes) = plan.story(&config, github.as_ref(), cx)?;
        let mut done = tell(&plan, &config, &story, &Reach { client, github }, cx)?;
        answer::note_other_event(&mut done, plan.event);
        answer::note_empty_outputs(&mut done, &plan.jobs);
        done.report.findings.extend(notes);
        Ok(done)
    }
}

/// How the world is reached.
struct Reach {
    client: Client,
    github: Option<Github>,
}

fn tell(
    plan: &Plan,
    config: &File<Sections>,
    story: &Story,
    reach: &Reach,
    cx: &Context,
) -> Result<Done<Outputs>, Problem> {
    if trust::author(cx, &config.name)? == Author::Fork {
        return Ok(answer::fork(story));
    }
    let (letters, held) = write(plan, config, story, cx)?;
    if let Some(folder) = &plan.preview {
        preview::write(folder, &letters)?;
    }
    if letters.is_empty() {
        let mut done = if held.is_empty() {
            answer::no_route(story, config.sections.notify.len())
        } else {
            answer::all_held(story)
        };
        answer::note_held(&mut done, &held);
        return Ok(done);
    }
    let mut done = if plan.dry_run {
        let messages: Result<Vec<_>, Problem> = letters
            .into_iter()
            .map(|letter| Ok((letter.name.to_owned(), letter.channel.kind(), letter.messages?)))
            .collect();
        answer::rehearsed(story, messages?)
    } else {
        deliver(plan, config, story, &letters, reach, cx)
    };
    answer::note_held(&mut done, &held);
    Ok(done)
}

/// A channel that is to be told, and what.
struct Letter<'a> {
    name: &'a str,
    channel: &'a dyn Channel,
    messages: Result<Vec<Message>, Problem>,
}

/// The channels that are told nothing now, and why.
type Held<'a> = Vec<(&'a str, String)>;

fn write<'a>(
    plan: &'a Plan,
    config: &'a File<Sections>,
    story: &Story,
    cx: &Context,
) -> Result<(Vec<Letter<'a>>, Held<'a>), Problem> {
    let mut letters = Vec::new();
    let mut held = Vec::new();
    for (name, told) in plan.channels(config, story, cx)? {
        if let Some(why) = told.held {
            held.push((name, why));
            continue;
        }
        let channel = config.sections.channel(name)?;
        let messages = if told.mentions.is_empty() {
            channel.render(story)
        } else {
            channel.render(&story.mentioning(told.mentions))
        };
        letters.push(Letter { name, channel, messages });
    }
    Ok((letters, held))
}

/// Sends what can be sent, and tells of each channel what became of it.
///
/// A channel that lacks its secret is no reason to leave the others untold.
fn deliver(
    plan: &Plan,
    config: &File<Sections>,
    story: &Story,
    letters: &[Letter<'_>],
    reach: &Reach,
    cx: &Context,
) -> Done<Outputs> {
    let secret = |from: &FromEnvironment| secret(from, config, cx);
    let place = |from: &FromEnvironment| config.place_of(&from.env);
    let variable = |name: &str| match name {
        // Masked by being asked for.
        "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN" => {
            cx.secret(name).map(|secret| secret.expose().to_owned())
        }
        _ => cx.variable(name).map(str::to_owned),
    };
    let limits = Limits::default();
    let deadline = Instant::now() + limits.all;
    let posts: Vec<Post<'_>> = letters
        .iter()
        .map(|letter| Post {
            client: &reach.client,
            github: reach.github.as_ref(),
            secret: &secret,
            place: &place,
            variable: &variable,
            ca_file: plan.http.ca_file.as_deref(),
            now: cx.now(),
            idempotency_key: idempotency_key(letter.name, story, cx),
            message_id: plan.message_ids.get(letter.name).map(String::as_str),
            limits: &limits,
            deadline,
        })
        .collect();
    let sendings = std::iter::zip(letters, &posts).enumerate().map(|(index, (letter, post))| {
        let sending: Ending<'_> = Box::pin(async {
            let messages = letter.messages.as_ref().map_err(Clone::clone);
            let sent = match messages {
                Ok(messages) => letter.channel.send(messages, post).await,
                Err(problem) => Err(problem),
            };
            sent.unwrap_or_else(Outcome::of_problem)
        });
        (index, sending)
    });
    let outcomes: RefCell<Vec<Option<Outcome>>> = RefCell::new(vec![None; letters.len()]);
    let sending = at_once(sendings, |index, outcome| outcomes.borrow_mut()[index] = Some(outcome));
    let interrupted = cx.block_on(sending).err();
    let lost =
        interrupted.clone().unwrap_or_else(|| Problem::undecided("the sending ended without an outcome"));
    let outcomes: Outcomes = std::iter::zip(letters, outcomes.take())
        .map(|(letter, outcome)| {
            (letter.name.to_owned(), outcome.unwrap_or_else(|| Outcome::interrupted(&lost)))
        })
        .collect();
    answer::told(story, &outcomes, plan.on_error, interrupted.is_some())
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
    channels::hash(&[
        cx.variable("GITHUB_REPOSITORY").unwrap_or_default(),
        cx.variable("GITHUB_RUN_ID").unwrap_or(&now),
        cx.variable("GITHUB_RUN_ATTEMPT").unwrap_or_default(),
        story.environment.as_ref().map_or("", Untrusted::raw),
        inputs::name_of(story.event),
        channel,
    ])
}
