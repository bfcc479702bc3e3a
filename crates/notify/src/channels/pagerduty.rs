//! PagerDuty, by version 2 of its Events API.
//!
//! One repository, workflow and environment has one incident at most: its `dedup_key` is the same in every run, so
//! that another try, another run and another failure page nobody twice, and a recovery closes what a failure opened.
//!
//! <https://developer.pagerduty.com/docs/send-alert-event>, <https://developer.pagerduty.com/docs/send-change-event>

use serde_json::{Map, Value, json};
use sluice_config::{Event, PagerDuty};
use sluice_core::{Problem, Verdict};
use sluice_http::{Response, Url};

use super::{Channel, Message, Refusal, Sending, Taken, endpoint, excerpt, hash, nothing_rendered, under};
use crate::{
    delivery::{Outcome, Post, Repeat},
    inputs::name_of,
    sheet::{self, Line, Voice},
    story::Story,
    untrusted::{Untrusted, cut, length},
};

/// The longest summary.
const SUMMARY: usize = 1_024;
/// The longest source; PagerDuty gives no limit, and shows no more.
const SOURCE: usize = 255;
/// What the steps may have together, in UTF-16 code units; an event may have 512 KB.
const STEPS: usize = 32 * 1024;

const PLAIN: Voice = Voice { text: shown, name: |name| shown(name, sheet::NAME) };

impl Channel for PagerDuty {
    fn kind(&self) -> &'static str {
        "pagerduty"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let acknowledges = self.acknowledge.iter().any(|event| event.value == story.event);
        Ok(match story.event {
            Event::Failure | Event::Rollback => vec![Message::new("trigger", trigger(story))],
            // A success closes the incident too: a recovery may not have been seen as one.
            Event::Success | Event::Recovery => {
                vec![
                    Message::new("resolve", about_incident("resolve", story)),
                    Message::new("change", change(story)),
                ]
            }
            Event::Start | Event::Pending | Event::Cancelled => acknowledges
                .then(|| Message::new("acknowledge", about_incident("acknowledge", story)))
                .into_iter()
                .chain([Message::new("change", change(story))])
                .collect(),
        })
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let api = endpoint(self.url.as_ref(), "https://events.pagerduty.com")?;
            let key = (post.secret)(&self.routing_key)?;
            let mut outcome: Option<Outcome> = None;
            for message in messages {
                let mut body = message.body.clone();
                body["routing_key"] = key.expose().trim().into();
                let (path, repeat) = match message.name {
                    "change" => ("v2/change/enqueue", Repeat::NotArrived),
                    _ => ("v2/enqueue", Repeat::Always),
                };
                let url: Url = under(&api, path)?;
                let sent = post.request(self.kind(), Post::json(url, &body), repeat, judge).await;
                outcome = Some(match outcome {
                    Some(before) => before.and(sent),
                    None => sent,
                });
            }
            outcome.ok_or_else(nothing_rendered)
        })
    }
}

fn judge(answer: &Response) -> Result<Taken, Refusal> {
    if answer.status == 202 {
        return Ok(Taken::default());
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let errors: Vec<&str> =
        said["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let word = match errors.as_slice() {
        [] => excerpt(answer),
        errors => Untrusted::new(errors.join(", ")).line(200),
    };
    let help = (answer.status == 400 && word.contains("routing_key")).then(|| {
        "set the secret to the integration key of an Events API v2 integration of the service".to_owned()
    });
    Err(Refusal {
        why: format!("PagerDuty refused it ({}): {word}", answer.status),
        help,
        ..Refusal::default()
    })
}

fn trigger(story: &Story) -> Value {
    let mut event = about_incident("trigger", story);
    let severity = match (story.event, story.verdict) {
        (_, Verdict::Broken) => "critical",
        (Event::Rollback, _) => "warning",
        _ => "error",
    };
    let mut payload = json!({
        "summary": cut(&sheet::summary(story, PLAIN), SUMMARY),
        "source": source(story),
        "severity": severity,
        "class": name_of(story.event),
        "custom_details": details(story),
    });
    if let Some(environment) = &story.environment {
        payload["component"] = shown(environment, SOURCE).into();
    }
    event["payload"] = payload;
    event["client"] = "Sluice".into();
    if let Some(url) = sheet::run_url(story) {
        event["client_url"] = url.into();
        event["links"] = links(url);
    }
    event
}

/// An event that is about the incident by its key alone.
fn about_incident(action: &str, story: &Story) -> Value {
    json!({"event_action": action, "dedup_key": dedup_key(story)})
}

/// What happened, for those who look into an incident later: it calls nobody.
fn change(story: &Story) -> Value {
    let mut change = json!({
        "payload": {
            "summary": cut(&sheet::summary(story, PLAIN), SUMMARY),
            "source": source(story),
            "custom_details": details(story),
        },
    });
    if let Some(url) = sheet::run_url(story) {
        change["links"] = links(url);
    }
    change
}

fn links(url: &str) -> Value {
    json!([{"href": url, "text": "Open the run"}])
}

/// At most 255 characters; the same for all runs.
pub(super) fn dedup_key(story: &Story) -> String {
    let raw = |text: &Option<Untrusted>| text.as_ref().map(|text| text.raw().to_owned()).unwrap_or_default();
    let parts = [raw(&story.run.repository), raw(&story.run.workflow), raw(&story.environment)];
    format!("sluice-{}", hash(&parts.each_ref().map(String::as_str)))
}

fn source(story: &Story) -> String {
    let source = story.run.repository.as_ref().map(|repository| shown(repository, SOURCE));
    source.filter(|source| !source.is_empty()).unwrap_or_else(|| "Sluice".to_owned())
}

fn details(story: &Story) -> Value {
    let mut details: Map<String, Value> = sheet::facts(story, PLAIN)
        .iter()
        .map(|fact| (fact.label.to_owned(), fact.lines(SUMMARY).join(", ").into()))
        .collect();
    let steps = sheet::steps(story, PLAIN, STEPS, |line| length(&line.plain()));
    let mut lines: Vec<String> = steps.lines.iter().map(Line::plain).collect();
    lines.extend(steps.left_out);
    details.insert("Steps".to_owned(), lines.into());
    details.into()
}

/// PagerDuty shows plain text; what it hands on to (Slack, mail) may look for tags.
fn shown(text: &Untrusted, most: usize) -> String {
    text.line(most).replace('<', "‹").replace('>', "›")
}
