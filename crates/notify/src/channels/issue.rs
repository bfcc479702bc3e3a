//! A GitHub issue as the ticket of an incident.
//!
//! One ticket for an environment and a workflow: a failure opens it, the next one comments on it, a success closes it.

use serde_json::json;
use sluice_config::{Event, IssueChannel};
use sluice_core::Problem;

use super::{Channel, Message, Sending, hash, nothing_rendered, ticket};
use crate::{
    delivery::Post,
    mention::Mention,
    sheet::{self, Voice, plain_address, sign_of},
    story::{Reason, Step, Story},
    untrusted::{Untrusted, cut},
};

const LABEL: &str = "incident";
/// The length of a name, and of a line about a step.
const NAME: usize = 120;
const LINE: usize = 300;
/// How much of each there is to read.
const STEPS: usize = 30;
const REASONS: usize = 10;
const COMMITS: usize = 10;

const CODE: Voice = Voice { text: ticket::code, name: |name| ticket::code(name, NAME) };

impl Channel for IssueChannel {
    fn kind(&self) -> &'static str {
        "issue"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let labels = labels(&self.labels, LABEL);
        let key = key("incident", story);
        Ok(match story.event {
            Event::Failure | Event::Rollback => {
                let text = ticket::text(&text(story));
                let ticket = ticket::Open {
                    key,
                    title: cut(&title(story), ticket::TITLE),
                    body: text.clone(),
                    comment: text,
                    labels,
                    assignees: self.assignees.iter().map(|name| name.value.clone()).collect(),
                };
                vec![Message::new("issue", json!(ticket))]
            }
            Event::Success | Event::Recovery => {
                let comment = ticket::text(&text(story));
                let label = labels.into_iter().next().unwrap_or_default();
                vec![Message::new("close", json!(ticket::Close { key, comment, label }))]
            }
            // Nothing has failed, and nothing is over.
            Event::Start | Event::Pending | Event::Cancelled => Vec::new(),
        })
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let github = ticket::github(post, "issues: write")?;
            let [message] = messages else { return Ok(super::not_told()) };
            let told = &post.idempotency_key;
            if let Ok(ticket) = serde_json::from_value(message.body.clone()) {
                return Ok(ticket::open(github, &ticket, told).await);
            }
            let ticket = serde_json::from_value(message.body.clone()).map_err(|_| nothing_rendered())?;
            Ok(ticket::close(github, &ticket, told).await)
        })
    }
}

/// The labels that are configured, else this one.
pub(super) fn labels(configured: &[sluice_config::Placed<String>], default: &str) -> Vec<String> {
    if configured.is_empty() {
        return vec![default.to_owned()];
    }
    configured.iter().map(|label| label.value.clone()).collect()
}

/// What a ticket is about: a kind, of a workflow, in an environment.
pub(super) fn key(kind: &str, story: &Story) -> String {
    let raw = |text: &Option<Untrusted>| text.as_ref().map(Untrusted::raw).unwrap_or_default().to_owned();
    hash(&[kind, &raw(&story.run.workflow), &raw(&story.environment)])
}

/// "Failed in production: smoke-test: 2 of 12 checks failed". GitHub makes nothing of mentions in a title.
fn title(story: &Story) -> String {
    let headline = headline(story);
    match story.cause() {
        Some(step) => format!("{headline}: {}: {}", step.name.line(NAME), step.title.line(LINE)),
        None => headline,
    }
}

fn headline(story: &Story) -> String {
    match &story.environment {
        Some(environment) => format!("{} in {}", story.outcome(), environment.line(NAME)),
        None => story.outcome().to_owned(),
    }
}

/// The answer, then what it is about, then why.
fn text(story: &Story) -> Vec<String> {
    let code = |text: &Untrusted| ticket::code(text, NAME);
    let mut answer = format!("**{}**", story.outcome());
    answer.extend(story.environment.as_ref().map(|name| format!(" in {}", code(name))));
    answer.extend(run(story));
    let mut lines = vec![answer, String::new()];
    let rows = rows(story);
    if !rows.is_empty() {
        lines.extend(["| | |".to_owned(), "|---|---|".to_owned()]);
        lines.extend(rows.into_iter().map(|(name, value)| format!("| {name} | {value} |")));
        lines.push(String::new());
    }
    for shown in story.steps.iter().take(STEPS) {
        lines.extend(step(shown));
    }
    lines.extend(more(story.steps.len(), STEPS).map(|more| format!("- {more} steps")));
    if let Some(range) = &story.range {
        let shown = range.newest.iter().take(COMMITS).map(|commit| {
            // Outside of code GitHub makes a link of it.
            let pull = commit.pull.map(|number| format!(" · #{number}")).unwrap_or_default();
            let id = ticket::code(&Untrusted::new(&commit.id), NAME);
            format!("- {id} {} · {}{pull}", ticket::code(&commit.subject, LINE), code(&commit.author))
        });
        lines.extend([String::new(), format!("**Commits** ({})", range.total)]);
        lines.extend(shown);
        let shown = range.newest.len().min(COMMITS) as u64;
        lines.extend((range.total > shown).then(|| format!("- and {} more", range.total - shown)));
    }
    lines.extend(story.links.iter().take(COMMITS).filter_map(|link| {
        let url = plain_address(&link.url)?;
        Some(format!("\n{}: <{url}>", ticket::code(&link.label, NAME)))
    }));
    let mentions: Vec<String> = logins(&story.mentions).map(|login| format!("@{login}")).collect();
    if !mentions.is_empty() {
        lines.extend([String::new(), format!("cc {}", mentions.join(" "))]);
    }
    lines
}

fn logins(mentions: &[Mention]) -> impl Iterator<Item = &str> {
    mentions.iter().filter(|mention| mention.is_login()).map(Mention::as_str)
}

/// " · [Deploy #42](https://...)"
fn run(story: &Story) -> Option<String> {
    let url = plain_address(story.run.url.as_deref()?)?;
    Some(format!(" · [open the run]({url})"))
}

fn rows(story: &Story) -> Vec<(&'static str, String)> {
    let code = |text: &Untrusted| ticket::code(text, NAME);
    let list = |values: Vec<String>| {
        let shown: Vec<String> = values.iter().take(COMMITS).cloned().collect();
        let rest = more(values.len(), COMMITS).map(|more| format!("<br>{more}")).unwrap_or_default();
        (!shown.is_empty()).then(|| shown.join("<br>") + &rest)
    };
    let rows = [
        ("Version", list(sheet::versions(story, CODE))),
        ("Commit", list(story.commits.iter().map(|each| sheet::commit(each, CODE)).collect())),
        ("By", story.run.actor.as_ref().map(code)),
        ("Approved by", list(story.approvers.iter().map(code).collect())),
        ("Duration", story.duration.map(crate::story::took)),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn step(step: &Step) -> Vec<String> {
    let sign = sign_of(step.verdict);
    let mut line = format!("- {sign} {}", ticket::code(&step.name, NAME));
    line.extend((!step.title.is_empty()).then(|| format!(" {}", ticket::code(&step.title, LINE))));
    line.extend(step.took().map(|took| format!(" · {took}")));
    let log = step.url.as_deref().and_then(plain_address);
    line.extend(log.map(|url| format!(" · [log]({url})")));
    let reasons = step.reasons.iter().take(REASONS).map(|Reason { subject, text }| {
        format!("  - {}: {}", ticket::code(subject, NAME), ticket::code(text, LINE))
    });
    let rest = more(step.reasons.len(), REASONS).map(|more| format!("  - {more}"));
    std::iter::once(line).chain(reasons).chain(rest).collect()
}

fn more(all: usize, shown: usize) -> Option<String> {
    (all > shown).then(|| format!("and {} more", all - shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sections::tests::file, story::tests::failure};

    fn render(story: &Story) -> Vec<Message> {
        file("  []\n").unwrap().sections.channel("tickets").unwrap().render(story).unwrap()
    }

    #[test]
    fn the_ticket_says_what_failed_and_why() {
        let [message] = render(&failure()).try_into().unwrap();
        let ticket: ticket::Open = serde_json::from_value(message.body).unwrap();
        assert_eq!(ticket.labels, ["incident", "deploy"]);
        assert_eq!(ticket.assignees, ["octocat"]);
        insta::assert_snapshot!(ticket.title, @"Failed in production: smoke-test: 2 of 12 checks failed");
        insta::assert_snapshot!(ticket.body, @r##"
**Failed** in <code>production</code> · [open the run](https://github.com/acme/shop/actions/runs/7/attempts/2)

| | |
|---|---|
| Version | <code>v1.4.1</code> → <code>v1.4.2</code> |
| Commit | <code>1a2b3c4</code> on <code>main</code> |
| By | <code>octocat</code> |

- ✅ <code>gate-approval</code> <code>approved: 6 of 6 conditions hold</code> · 1.2s
- ✅ <code>bump-image-tag</code> <code>1 image set in 1 overlay</code> · 1.2s
- ❌ <code>smoke-test</code> <code>2 of 12 checks failed</code> · 1m 34s
  - <code>GET /healthz</code>: <code>status 503, expected 200</code>
  - <code>GET /orders</code>: <code>no answer within 10s</code>
"##);
    }

    #[test]
    fn who_is_mentioned_is_who_was_configured() {
        let mut story = failure();
        story.environment = Some("@mallory".into());
        story.mentions =
            ["octocat", "acme/oncall", "here", "U123"].map(|name| name.parse().unwrap()).to_vec();
        let [message] = render(&story).try_into().unwrap();
        let ticket: ticket::Open = serde_json::from_value(message.body).unwrap();
        assert!(ticket.body.ends_with("cc @octocat @acme/oncall\n"), "{}", ticket.body);
        assert_eq!(ticket.body.matches('@').count(), 2);
    }

    #[test]
    fn a_success_closes_the_ticket_that_a_failure_opened() {
        let (failed, mut over) = (failure(), failure());
        over.event = Event::Recovery;
        let key = |messages: Vec<Message>| messages[0].body["key"].clone();
        assert_eq!(render(&over)[0].name, "close");
        assert_eq!(key(render(&over)), key(render(&failed)));
        over.environment = Some("dev".into());
        assert_ne!(key(render(&over)), key(render(&failed)));
        over.event = Event::Start;
        assert!(render(&over).is_empty());
    }
}
