//! Microsoft Teams, through a flow of its app Workflows.
//!
//! Text of strangers stands in text runs, which know no Markdown; a mention would need an entity of its own in the
//! card. All that a run interprets is `{{DATE(...)}}`, so no two braces of a stranger's stand side by side.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference>,
//! <https://adaptivecards.io/explorer/TextRun.html>

use serde_json::{Value, json};
use sluice_config::{Event, Teams, TeamsBody};
use sluice_core::{Problem, Verdict};
use sluice_http::Response;

use super::{Channel, Message, Refusal, Sending, Taken, excerpt, nothing_rendered};
use crate::{
    delivery::{Post, Repeat},
    sheet::{self, Line, Voice},
    story::Story,
    untrusted::Untrusted,
};

/// What a message may have, in bytes: the documented 28 KB less what the flow wraps around it.
/// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages>
const TOTAL: usize = 24 * 1024;
/// How long a fact may be, in UTF-16 code units.
const FACT: usize = 600;

const PLAIN: Voice = Voice { text: shown, name: |name| shown(name, 80) };

impl Channel for Teams {
    fn kind(&self) -> &'static str {
        "teams"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let card = card(story);
        let body = match self.body.unwrap_or_default() {
            TeamsBody::Card => card,
            TeamsBody::Message => json!({
                "type": "message",
                "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": null,
                    "content": card,
                }],
            }),
        };
        Ok(vec![Message::new("message", body)])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            let request = Post::json(post.address(&self.webhook)?, &message.body);
            Ok(post.request(self.kind(), request, Repeat::NotArrived, judge).await)
        })
    }
}

/// A flow says 202 as soon as it begins. A connector of old says 200 and `1`, or 200 and what went wrong.
fn judge(answer: &Response) -> Result<Taken, Refusal> {
    let word = excerpt(answer);
    match answer.status.as_u16() {
        202 => Ok(Taken {
            note: Some("accepted by teams (whether the flow posted it, its run history tells)"),
            ..Taken::default()
        }),
        200 if answer.body.is_empty() || word == "1" => Ok(Taken::default()),
        200 => Err(Refusal {
            why: format!("Teams answered 200, but with a text: {word}"),
            help: Some(
                "check that the address is that of a flow which starts when a webhook request is received"
                    .into(),
            ),
            // A connector passes on what Teams said to it.
            is_temporary: word.contains("HTTP error 429"),
            ..Refusal::default()
        }),
        status => Err(Refusal {
            why: format!("Teams refused it ({}): {word}", answer.status),
            help: explain(status).map(str::to_owned),
            ..Refusal::default()
        }),
    }
}

fn explain(status: u16) -> Option<&'static str> {
    match status {
        400 => Some(
            "the flow did not understand the body: set `body: message` or `body: card` as the flow's template needs it",
        ),
        401 | 403 => Some(
            "the flow must let anyone trigger it, and the address hold its whole query: update the secret",
        ),
        404 | 410 => Some(
            "the flow does not exist any more or is turned off: turn it on, or create it anew and update the secret",
        ),
        413 => Some("the message is too large: please report it, with the output of `dry-run`"),
        _ => None,
    }
}

fn card(story: &Story) -> Value {
    let mut body = vec![banner(story)];
    body.extend(sheet::progress(story, PLAIN).map(|progress| paragraph(&[run(&progress)])));
    body.extend(facts(story));
    let rest = card_of(story, &body);
    let weigh = |line: &Line| step(line).to_string().len() + 1;
    let steps = sheet::steps(story, PLAIN, TOTAL.saturating_sub(rest.to_string().len()), weigh);
    body.extend(steps.lines.iter().map(step));
    body.extend(steps.left_out.map(|left_out| paragraph(&[subtle(&left_out)])));
    card_of(story, &body)
}

fn card_of(story: &Story, body: &[Value]) -> Value {
    let mut card = json!({
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "fallbackText": sheet::summary(story, PLAIN),
        "msteams": {"width": "Full"},
        "body": body,
    });
    let button = |(title, url)| json!({"type": "Action.OpenUrl", "title": title, "url": url});
    let actions: Vec<Value> = sheet::links(story, PLAIN).map(button).collect();
    if !actions.is_empty() {
        card["actions"] = actions.into();
    }
    card
}

/// The answer, in the colour of what it means.
fn banner(story: &Story) -> Value {
    let style = match (story.event, story.verdict) {
        (Event::Start, _) => "accent",
        (Event::Cancelled, _) => "default",
        (Event::Success | Event::Recovery, _) => "good",
        (Event::Pending | Event::Rollback, _) | (Event::Failure, Verdict::Undecided) => "warning",
        (Event::Failure, _) => "attention",
    };
    let headline = json!({
        "type": "TextRun",
        "text": sheet::headline(story, PLAIN),
        "size": "Large",
        "weight": "Bolder",
    });
    let mut items = vec![paragraph(&[headline])];
    items.extend(sheet::run(story, PLAIN).map(|name| paragraph(&[subtle(&name)])));
    json!({"type": "Container", "style": style, "bleed": true, "items": items})
}

/// Labels on the left, values on the right.
fn facts(story: &Story) -> Option<Value> {
    let rows: Vec<Value> = sheet::facts(story, PLAIN)
        .iter()
        .filter_map(|fact| {
            let lines = fact.lines(FACT);
            let column = |width: &str, item: Value| json!({"type": "Column", "width": width, "items": [item]});
            let value = paragraph(&[run(&lines.join("\n"))]);
            let label = paragraph(&[subtle(fact.label)]);
            (!lines.is_empty()).then(
                || json!({"type": "ColumnSet", "spacing": "Small", "columns": [column("100px", label), column("stretch", value)]}),
            )
        })
        .collect();
    (!rows.is_empty()).then(|| json!({"type": "Container", "items": rows}))
}

fn step(line: &Line) -> Value {
    let mut runs = vec![run(&format!("{} ", line.sign()))];
    runs.extend(
        (!line.name.is_empty()).then(|| json!({"type": "TextRun", "text": line.name, "weight": "Bolder"})),
    );
    runs.extend((!line.text.is_empty()).then(|| run(&format!(" · {}", line.text))));
    runs.extend(line.reasons.iter().map(|reason| subtle(&format!("\n↳ {reason}"))));
    let mut step = paragraph(&runs);
    step["spacing"] = "Small".into();
    step
}

fn paragraph(runs: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

fn run(text: &str) -> Value {
    json!({"type": "TextRun", "text": text})
}

fn subtle(text: &str) -> Value {
    json!({"type": "TextRun", "text": text, "isSubtle": true})
}

fn shown(text: &Untrusted, most: usize) -> String {
    // From the left and again, as three braces are two pairs.
    let apart = |text: String| {
        text.replace("{{", "{ {").replace("{{", "{ {").replace("}}", "} }").replace("}}", "} }")
    };
    apart(text.line(most)).replace('<', "‹").replace('>', "›")
}
