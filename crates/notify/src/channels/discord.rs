//! Discord, through a webhook.
//!
//! Names stand in code spans and steps in a code block, where nothing but the backtick means anything; elsewhere
//! every sign of Markdown is escaped. `allowed_mentions` is empty: nobody is called, whatever a text looks like.
//!
//! <https://docs.discord.com/developers/resources/webhook#execute-webhook>,
//! <https://docs.discord.com/developers/resources/message#embed-object>

use serde_json::{Value, json};
use sluice_config::{Discord, Event};
use sluice_core::{Problem, Verdict};
use sluice_http::{Response, Url};

use super::{Channel, Message, Refusal, Sending, Taken, excerpt, nothing_rendered};
use crate::{
    delivery::{Post, Repeat},
    sheet::{self, Line, Voice},
    story::Story,
    untrusted::{Untrusted, cut, length},
};

/// <https://docs.discord.com/developers/resources/message#embed-object-embed-limits>
const TITLE: usize = 256;
const FIELD: usize = 1_024;
const FOOTER: usize = 200;
/// All texts of a message's embeds together.
const TOTAL: usize = 6_000;
/// What a description may have: 4,096, less the fence of the block.
const DESCRIPTION: usize = 4_000;
/// What a field takes of the total at most, so that several fit beside the steps.
const SHARE: usize = 500;

const CODE: Voice = Voice { text: in_block, name: code };
const ESCAPED: Voice = Voice { text: escaped, name: code };

impl Channel for Discord {
    fn kind(&self) -> &'static str {
        "discord"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let title = cut(&sheet::headline(story, ESCAPED), TITLE);
        let footer = sheet::run(story, CODE).map(|run| cut(&run, FOOTER));
        let mut room = TOTAL - TITLE - FOOTER;
        let facts = sheet::facts(story, ESCAPED);
        let facts = facts.iter().map(|fact| (fact.label, fact.lines(SHARE).join("\n")));
        let mut fields = Vec::new();
        for (name, value) in facts.chain(links(story).map(|links| ("Links", links))) {
            if let Some(left) = room.checked_sub(length(name) + length(&value)).filter(|_| !value.is_empty())
            {
                room = left;
                // Subjects of commits are too long for a third of the width.
                let is_short = name != sheet::CHANGES;
                fields.push(json!({"name": name, "value": value, "inline": is_short}));
            }
        }
        let mut embed = json!({"title": title, "color": color(story), "fields": fields});
        if let Some(description) = description(story, room.min(DESCRIPTION)) {
            embed["description"] = description.into();
        }
        if let Some(url) = sheet::run_url(story) {
            embed["url"] = url.into();
        }
        if let Some(footer) = footer {
            embed["footer"] = json!({"text": footer});
        }
        let body = match mentions(story) {
            None => json!({"embeds": [embed], "allowed_mentions": {"parse": []}}),
            Some((content, allowed)) => {
                json!({"content": content, "embeds": [embed], "allowed_mentions": allowed})
            }
        };
        Ok(vec![Message::new("message", body)])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            // With `wait` Discord answers once the message stands.
            let url = post.address(&self.webhook)?.reveal();
            let url = format!("{url}{}wait=true", if url.contains('?') { '&' } else { '?' });
            let url = Url::parse(&url).map_err(|_| nothing_rendered())?;
            Ok(post.request(self.kind(), Post::json(url, &message.body), Repeat::NotArrived, judge).await)
        })
    }
}

/// Whom the configuration or an input names, by `here`, `everyone` or a user's number, and that only they are called.
fn mentions(story: &Story) -> Option<(String, Value)> {
    let is_number = |id: &&str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let named = || story.mentions.iter().map(crate::mention::Mention::as_str);
    let users: Vec<&str> = named().filter(is_number).take(20).collect();
    let all: Vec<&str> = named().filter(|name| matches!(*name, "here" | "everyone")).take(1).collect();
    let called = all.iter().map(|name| format!("@{name}")).chain(users.iter().map(|id| format!("<@{id}>")));
    let content = called.collect::<Vec<_>>().join(" ");
    let parse: &[&str] = if all.is_empty() { &[] } else { &["everyone"] };
    (!content.is_empty()).then(|| (content, json!({"parse": parse, "users": users})))
}

fn judge(answer: &Response) -> Result<Taken, Refusal> {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status == 204 || answer.status == 200 && said["id"].is_string() {
        return Ok(Taken::default());
    }
    let word = match said["message"].as_str() {
        Some(message) => Untrusted::from(message).line(200),
        None => excerpt(answer),
    };
    let help = matches!(answer.status.as_u16(), 401 | 404)
        .then(|| "the webhook does not exist any more: create it anew and update the secret".to_owned());
    Err(Refusal {
        why: format!("Discord refused it ({}): {word}", answer.status),
        help,
        ..Refusal::default()
    })
}

/// Where to look further, but for the run, which the title links to; as many as a field has room for.
///
/// <https://support.discord.com/hc/en-us/articles/210298617-Markdown-Text-101>
fn links(story: &Story) -> Option<String> {
    let links = sheet::links(story, ESCAPED).skip(usize::from(sheet::run_url(story).is_some()));
    let links: Vec<String> = links.map(|(label, url)| format!("[{label}]({url})")).collect();
    let fits = |count: &usize| length(&links[..*count].join("\n")) <= FIELD;
    (1..=links.len()).rev().find(fits).map(|count| links[..count].join("\n"))
}

/// The progress line and the steps, in a block of code.
fn description(story: &Story, room: usize) -> Option<String> {
    const FENCE: &str = "```\n";
    let progress = sheet::progress(story, CODE);
    let used = progress.as_ref().map_or(0, |line| length(line) + 2) + 2 * FENCE.len();
    let steps = sheet::steps(story, CODE, room.saturating_sub(used), |line| length(&line.plain()) + 1);
    let mut lines: Vec<String> = steps.lines.iter().map(Line::plain).collect();
    lines.extend(steps.left_out);
    let lines = (!lines.is_empty()).then(|| lines.join("\n"));
    let blocks: Vec<String> = progress.into_iter().chain(lines).collect();
    (!blocks.is_empty()).then(|| format!("{FENCE}{}\n```", blocks.join("\n\n")))
}

fn color(story: &Story) -> u32 {
    match (story.event, story.verdict) {
        (Event::Start, _) => 0x36_84_F0,
        (Event::Cancelled, _) => 0x59_63_6E,
        (Event::Success | Event::Recovery, _) => 0x2E_A0_43,
        (Event::Pending | Event::Rollback, _) | (Event::Failure, Verdict::Undecided) => 0xD2_99_22,
        (Event::Failure, _) => 0xDA_36_33,
    }
}

/// Text in a block of code, which a backtick could end.
fn in_block(text: &Untrusted, most: usize) -> String {
    text.line(most).replace('`', "'")
}

fn code(name: &Untrusted) -> String {
    if name.is_empty() { "—".to_owned() } else { format!("`{}`", in_block(name, 100)) }
}

/// A backslash before a sign takes its meaning: <https://support.discord.com/hc/articles/210298617>.
fn escaped(text: &Untrusted, most: usize) -> String {
    text.line(most).chars().fold(String::new(), |mut escaped, c| {
        if c.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}
