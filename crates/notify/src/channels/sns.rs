//! A topic of Amazon SNS.
//!
//! Who subscribed by mail reads the story, who did by text message its first line, and programs get it as data.
//! Attributes tell event, verdict and environment, for filter policies.
//!
//! <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use serde_json::{Value, json};
use sluice_config::Sns;
use sluice_core::Problem;
use sluice_http::Response;
use sluice_sigv4::{Access, Call, Service};

use super::{Channel, Message, Refusal, Sending, Taken, nothing_rendered, refused_by_aws};
use crate::{
    data,
    delivery::{Post, Repeat},
    inputs::name_of,
    sheet::{self, Voice},
    story::Story,
    untrusted::{Untrusted, cut},
};

/// The longest subject, in ASCII.
const SUBJECT: usize = 99;
/// The longest text to read; a message may have 256 KiB in all.
const TEXT: usize = 8_000;
/// The longest text message, in one part of it.
const SHORT: usize = 140;
/// The longest value of an attribute.
const ATTRIBUTE: usize = 256;

const PLAIN: Voice = Voice { text: shown, name: |name| shown(name, sheet::NAME) };

impl Channel for Sns {
    fn kind(&self) -> &'static str {
        "sns"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let summary = sheet::summary(story, PLAIN);
        let mut text = format!("{summary}\n\n{}", sheet::text(story, PLAIN, TEXT));
        if let Some(url) = sheet::run_url(story) {
            text.push_str("\n\n");
            text.push_str(url);
        }
        let body = json!({
            "Subject": subject(&summary),
            "Message": {"default": data::of(story).to_string(), "email": text, "sms": cut(&summary, SHORT)},
            "MessageAttributes": {
                "event": name_of(story.event),
                "verdict": story.verdict,
                "environment": story.environment.as_ref().map(|name| shown(name, ATTRIBUTE)),
            },
            "MessageGroupId": is_fifo(self).then(|| super::pagerduty::dedup_key(story)),
        });
        Ok(vec![Message::new("message", body)])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            let access = Access::from_lookup(post.variable, Some(region(self)?))?;
            let parameters = parameters(self, &message.body, &post.idempotency_key);
            let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let call = Call::query(Service::SNS, "Publish", "2010-03-31", parameters);
            let request = access
                .sign(&call, post.now)
                .map_err(|error| Problem::misconfigured("the message could not be signed").why(error))?;
            // A topic of kind FIFO takes a message once.
            let repeat = if is_fifo(self) { Repeat::Always } else { Repeat::NotArrived };
            Ok(post.request(self.kind(), request, repeat, judge).await)
        })
    }
}

/// Refuses what is no topic.
pub(super) fn check(sns: &Sns) -> Result<(), Problem> {
    region(sns).map(drop)
}

/// The region of `arn:aws:sns:eu-west-1:123456789012:deployments`.
fn region(sns: &Sns) -> Result<&str, Problem> {
    let parts: Vec<&str> = sns.topic.as_str().split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", region, account, name] if ![*region, *account, *name].contains(&"") => Ok(region),
        _ => Err(Problem::misconfigured("the topic is no ARN of a topic of SNS")
            .help("write it as `arn:aws:sns:eu-west-1:123456789012:deployments`")),
    }
}

fn is_fifo(sns: &Sns) -> bool {
    sns.topic.as_str().rsplit_once('.').is_some_and(|(_, kind)| kind == "fifo")
}

fn parameters(sns: &Sns, body: &Value, key: &str) -> Vec<(String, String)> {
    let mut parameters = vec![
        ("TopicArn".to_owned(), sns.topic.as_str().to_owned()),
        ("Subject".to_owned(), body["Subject"].as_str().unwrap_or_default().to_owned()),
        ("MessageStructure".to_owned(), "json".to_owned()),
        ("Message".to_owned(), body["Message"].to_string()),
    ];
    if let Some(group) = body["MessageGroupId"].as_str() {
        parameters.push(("MessageGroupId".to_owned(), group.to_owned()));
        parameters.push(("MessageDeduplicationId".to_owned(), key.to_owned()));
    }
    let attributes = body["MessageAttributes"].as_object().into_iter().flatten();
    let attributes = attributes.filter_map(|(name, value)| Some((name, value.as_str()?)));
    for (index, (name, value)) in attributes.filter(|(_, value)| !value.is_empty()).enumerate() {
        let entry = format!("MessageAttributes.entry.{}", index + 1);
        parameters.push((format!("{entry}.Name"), name.clone()));
        parameters.push((format!("{entry}.Value.DataType"), "String".to_owned()));
        parameters.push((format!("{entry}.Value.StringValue"), value.to_owned()));
    }
    parameters
}

fn judge(answer: &Response) -> Result<Taken, Refusal> {
    let is_answer = String::from_utf8_lossy(&answer.body).contains("<MessageId>");
    if answer.status == 200 && is_answer { Ok(Taken::default()) } else { Err(refused_by_aws("SNS", answer)) }
}

/// The summary in ASCII, as a subject must be: it begins with a letter and has no line breaks.
fn subject(summary: &str) -> String {
    let ascii: String = summary
        .chars()
        .map(|c| match c {
            '·' | '→' => '-',
            '…' => '.',
            '‹' => '(',
            '›' => ')',
            c if c == ' ' || c.is_ascii_graphic() => c,
            _ => '?',
        })
        .collect();
    let ascii = ascii.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    ascii.chars().take(SUBJECT).collect::<String>().trim_end().to_owned()
}

/// Plain text, which no channel behind the topic takes for tags.
fn shown(text: &Untrusted, most: usize) -> String {
    text.line(most).replace('<', "‹").replace('>', "›")
}
