//! The kinds of channels: how each renders a story, how it is asked, and what its answers mean.
//!
//! One file a kind. A new kind is a file with a [`Channel`] and one arm in [`channel`].

mod datadog;
mod deployment;
mod discord;
mod email;
mod eventbridge;
mod findings;
mod grafana;
mod issue;
mod pagerduty;
mod slack;
mod sns;
mod status;
mod teams;
mod ticket;
mod webhook;

#[cfg(test)]
mod injections;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod shown;
#[cfg(test)]
pub(crate) mod tests;

use std::{fmt::Write as _, pin::Pin};

use ring::digest;
use serde_json::Value;
use sluice_config::Placed;
use sluice_core::Problem;
use sluice_http::{Response, Url};

use crate::{
    delivery::{Outcome, Post},
    inputs::name_of,
    outputs::Delivery,
    story::Story,
    untrusted::{Untrusted, cut},
};

/// A channel: somewhere to tell a story.
pub(crate) trait Channel {
    /// Its kind, as the configuration spells it.
    fn kind(&self) -> &'static str;

    /// The story as the channel shows it, within all of its limits. Pure: neither clock nor network nor secret.
    ///
    /// It fails only where the configuration has a say in the rendering, and is wrong.
    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem>;

    /// Hands the rendered messages over. It fails before anything was sent when a secret is missing or unusable;
    /// what goes wrong afterwards is part of the outcome.
    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a>;
}

/// A rendered message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// What it is among the messages of its channel, in one word: `message`, `reply`, `alert`.
    pub(crate) name: &'static str,
    /// What is sent, secrets left out: JSON, or a string where the channel takes text.
    pub(crate) body: Value,
}

/// The sending of a channel's messages.
pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Problem>> + 'a>>;

/// That a channel took a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What the message is updated by.
    pub(crate) message_id: Option<String>,
    /// What it means where it means less than that the message is shown.
    pub(crate) note: Option<&'static str>,
}

/// Why a channel did not take a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) help: Option<String>,
    /// Whether the message that was to be updated is there no more.
    pub(crate) is_gone: bool,
    /// Whether the channel surely did nothing, and may take the message a little later.
    pub(crate) is_temporary: bool,
}

/// The channel that the configuration describes.
pub(crate) fn channel(channel: &sluice_config::Channel) -> Result<&dyn Channel, Problem> {
    use sluice_config::Channel as Kind;
    match channel {
        Kind::Slack(channel) => slack::check(channel).map(|()| channel as _),
        Kind::Teams(channel) => Ok(channel),
        Kind::PagerDuty(channel) => check(channel.url.as_ref()).map(|()| channel as _),
        Kind::Datadog(channel) => check(channel.url.as_ref()).map(|()| channel as _),
        Kind::Grafana(channel) => check(Some(&channel.url)).map(|()| channel as _),
        Kind::Discord(channel) => Ok(channel),
        Kind::Webhook(channel) => webhook::check(channel).map(|()| channel as _),
        Kind::Email(channel) => email::check(channel).map(|()| channel as _),
        Kind::Sns(channel) => sns::check(channel).map(|()| channel as _),
        Kind::EventBridge(channel) => Ok(channel),
        Kind::Issue(channel) => Ok(channel),
        Kind::Status(channel) => Ok(channel),
        Kind::Deployment(channel) => Ok(channel),
        Kind::Findings(channel) => Ok(channel),
    }
}

fn check(url: Option<&Placed<String>>) -> Result<(), Problem> {
    url.map_or(Ok(()), |url| endpoint(Some(url), "").map(drop))
}

/// Where an API answers: what the configuration says, else its own address. A secret goes there, so that nothing
/// but this machine is spoken to without TLS.
fn endpoint(url: Option<&Placed<String>>, default: &str) -> Result<Url, Problem> {
    let text = url.map_or(default, |url| url.as_str());
    let invalid = || Problem::misconfigured("an address of a channel can't be used");
    let help = "write it as `https://host`";
    let parsed = Url::parse(text).map_err(|error| invalid().why(error).help(help))?;
    if keeps_secrets(&parsed) {
        return Ok(parsed);
    }
    Err(invalid().why("it is not encrypted, and a secret would go there").help(help))
}

/// Whether nobody on the way reads what is sent there.
pub(crate) fn keeps_secrets(url: &Url) -> bool {
    url.origin().starts_with("https://") || is_loopback(url.host())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The address of a path below another one.
fn under(base: &Url, path: &str) -> Result<Url, Problem> {
    Url::parse(&format!("{}/{path}", base.reveal().trim_end_matches('/')))
        .map_err(|error| Problem::misconfigured("an address of a channel can't be used").why(error))
}

/// The tags of a story, each at most so long: `sluice`, event, environment and repository, then those of the
/// configuration.
fn tags(story: &Story, more: &[String], longest: usize) -> Vec<String> {
    let tag = |name: &str, value: &Option<Untrusted>| {
        let value = value.as_ref()?.line(longest);
        // What all systems of tags allow.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        let value: String = value.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
        (!value.is_empty()).then(|| cut_ascii(&format!("{name}:{}", value.to_lowercase()), longest))
    };
    let mut tags = vec!["sluice".to_owned(), format!("event:{}", name_of(story.event))];
    tags.extend(tag("environment", &story.environment));
    tags.extend(tag("repository", &story.run.repository));
    tags.extend(more.iter().map(|tag| cut(tag, longest)));
    tags
}

fn cut_ascii(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// What AWS says instead of success.
fn refused_by_aws(service: &str, answer: &Response) -> Refusal {
    refusal_of_aws(service, &sluice_sigv4::Refusal::of(answer))
}

fn refusal_of_aws(service: &str, refusal: &sluice_sigv4::Refusal) -> Refusal {
    let is_temporary = refusal.reason() == sluice_sigv4::Reason::Throttled;
    let why = format!("{service} refused it: {}", Untrusted::new(refusal.to_string()).line(300));
    Refusal { why, help: Problem::from(refusal.clone()).help, is_temporary, ..Refusal::default() }
}

impl Message {
    pub(crate) fn new(name: &'static str, body: Value) -> Self {
        Self { name, body }
    }
}

/// A channel that renders nothing tells nobody anything, which must not pass for a delivery.
fn nothing_rendered() -> Problem {
    Problem::undecided("the channel rendered no message")
}

/// That a channel has nothing to say of this event.
fn not_told() -> Outcome {
    Outcome::new(Delivery::Skipped, "it has nothing to say of this event")
}

/// A key that is the same for the same parts.
pub(crate) fn hash(parts: &[&str]) -> String {
    hex(digest::digest(&digest::SHA256, parts.join("\0").as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The beginning of an answer's body, as evidence.
fn excerpt(answer: &Response) -> String {
    let body = Untrusted::new(String::from_utf8_lossy(&answer.body));
    if body.is_empty() { "(an empty body)".to_owned() } else { body.line(200) }
}
