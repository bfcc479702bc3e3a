//! Slack, through an incoming webhook.
//!
//! Text of strangers stands where Slack interprets nothing: in `plain_text` and in `rich_text` elements, whose
//! text is data (a mention there is an element of its own). The only `mrkdwn` are labels and links of ours, and
//! names inside a code span, where nothing but the three escaped characters and the backtick means anything.
//! Besides, no `<` of a stranger is ever sent, so that whoever reads the message, Slack or a service that speaks
//! like it, can't take it for a mention or a link.
//!
//! <https://docs.slack.dev/messaging/formatting-message-text>,
//! <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>

use serde_json::{Value, json};
use sluice_config::{Event, Slack};
use sluice_core::Verdict;
use sluice_http::{HeaderValue, Request, Response, header::CONTENT_TYPE};

use super::{Channel, Message, Refusal, Sending, excerpt, nothing_rendered};
use crate::{
    delivery::{Post, Repeat},
    story::{Change, Commit, Reason, Step, Story},
    untrusted::{Untrusted, cut, length},
};

/// <https://docs.slack.dev/reference/block-kit/blocks/header-block>
const HEADER: usize = 150;
/// The names in a field: a field may hold 2,000, but nobody reads that.
const NAME: usize = 120;
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const FIELD: usize = 2_000;
/// How many names a field shows.
const NAMES: usize = 3;
/// The line about a step, without its name.
const TITLE: usize = 300;
/// How many steps are shown: more is no message but a log.
const STEPS: usize = 20;
/// How many reasons a step shows.
const REASONS: usize = 3;
/// An address that is longer is left out.
const ADDRESS: usize = 1_000;
/// What the blocks may have together, as JSON. Slack refuses more than about 13,200 as `msg_blocks_too_long`,
/// which is documented nowhere.
const TOTAL: usize = 13_000;
/// The room that is kept for saying what was cut.
const RESERVE: usize = 300;

impl Channel for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn render(&self, story: &Story) -> Vec<Message> {
        let mut blocks = vec![header(story)];
        blocks.extend(fields(story));
        let context = context(story);
        let used = size(&json!(blocks)) + context.as_ref().map_or(0, size);
        blocks.extend(steps(&story.steps, TOTAL.saturating_sub(used)));
        blocks.extend(context);
        // `text` is what a notification shows. It is no mrkdwn, and escaped all the same: a mention is
        // formed wherever Slack finds one.
        let body = json!({"text": escape(&fallback(story)), "mrkdwn": false, "blocks": blocks});
        vec![Message::new("message", body)]
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let mut outcome = None;
            for message in messages {
                let request = Request::post(post.address(&self.webhook)?, message.body.to_string())
                    .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                outcome = Some(post.request(self.kind(), request, Repeat::NotArrived, judge).await);
            }
            outcome.ok_or_else(nothing_rendered)
        })
    }
}

fn judge(answer: &Response) -> Result<Option<String>, Refusal> {
    let word = excerpt(answer);
    if answer.status != 200 {
        let why = format!("Slack refused it ({}): {word}", answer.status);
        return Err(Refusal { why, help: explain(&word) });
    }
    if word == "ok" {
        return Ok(None);
    }
    Err(Refusal {
        why: format!("Slack answered 200, but not `ok`: {word}"),
        help: Some(
            "check that the address is that of an incoming webhook, not of a workflow or a page".into(),
        ),
    })
}

fn header(story: &Story) -> Value {
    let text = cut(&format!("{} {}", sign(story), headline(story)), HEADER);
    json!({"type": "header", "text": plain(&text)})
}

/// "Failed in production"
fn headline(story: &Story) -> String {
    let outcome = story.outcome();
    match &story.environment {
        Some(environment) => format!("{outcome} in {}", shown(environment, HEADER)),
        None => outcome.to_owned(),
    }
}

/// One line that says all: "❌ Failed in production · acme/shop · smoke-test: 2 of 12 checks failed"
fn fallback(story: &Story) -> String {
    let mut parts = vec![format!("{} {}", sign(story), headline(story))];
    parts.extend(story.run.repository.as_ref().map(|name| shown(name, NAME)));
    parts.extend(
        story.cause().map(|step| format!("{}: {}", shown(&step.name, NAME), shown(&step.title, TITLE))),
    );
    parts.join(" · ")
}

/// What the story is about, two columns.
fn fields(story: &Story) -> Option<Value> {
    let version = |change: &Change| format!("{} → {}", code(&change.before), code(&change.after));
    let versions: Vec<String> = match story.changes.as_slice() {
        [change] => vec![version(change)],
        changes => {
            changes.iter().map(|change| format!("{} {}", code(&change.image), version(change))).collect()
        }
    };
    let images = if versions.is_empty() { story.images.iter().map(code).collect() } else { Vec::new() };
    let fields: Vec<Value> = [
        field("Repository", &story.run.repository.iter().map(code).collect::<Vec<_>>()),
        field("By", &story.run.actor.iter().map(code).collect::<Vec<_>>()),
        field("Version", &versions),
        field("Image", &images),
        field("Commit", &story.commits.iter().map(commit).collect::<Vec<_>>()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!fields.is_empty()).then(|| json!({"type": "section", "fields": fields}))
}

/// A label and as many of the values as fit below it; one always does.
fn field(label: &str, values: &[String]) -> Option<Value> {
    let shown = |count: usize| {
        let mut lines = vec![format!("*{label}*")];
        lines.extend_from_slice(&values[..count]);
        lines.extend((count < values.len()).then(|| format!("and {} more", values.len() - count)));
        lines.join("\n")
    };
    let text = (1..=values.len().min(NAMES)).rev().map(shown).find(|text| length(text) <= FIELD)?;
    Some(json!({"type": "mrkdwn", "text": text, "verbatim": true}))
}

fn commit(commit: &Commit) -> String {
    // Seven digits are what GitHub shows of an id.
    let id: String = commit.id.raw().chars().take(7).collect();
    let id = code(&Untrusted::new(id));
    match &commit.branch {
        Some(branch) => format!("{id} on {}", code(branch)),
        None => id,
    }
}

/// The steps in order, as many as are worth reading and have room, the bad ones first to be kept.
fn steps(steps: &[Step], room: usize) -> Option<Value> {
    let mut by_weight: Vec<usize> = (0..steps.len()).collect();
    by_weight.sort_by_key(|index| std::cmp::Reverse(steps[*index].verdict));
    let mut room = room.saturating_sub(RESERVE);
    let mut kept = Vec::new();
    for index in by_weight {
        if kept.len() == STEPS {
            break;
        }
        let lines = step(&steps[index]);
        let weight = size(&json!(lines)) + size(&text("\n"));
        if weight <= room {
            room -= weight;
            kept.push((index, lines));
        }
    }
    kept.sort_by_key(|(index, _)| *index);
    let left_out = steps.len() - kept.len();
    let bad = |step: &Step| !step.verdict.is_good();
    let bad_left_out = steps.iter().filter(|each| bad(each)).count()
        - kept.iter().filter(|(index, _)| bad(&steps[*index])).count();
    let mut lines: Vec<Vec<Value>> = kept.into_iter().map(|(_, lines)| lines).collect();
    match (left_out, bad_left_out) {
        (0, _) => {}
        (_, 0) => lines.push(vec![text(&format!("and {left_out} more steps, all of them fine"))]),
        _ => lines.push(vec![text(&format!("and {left_out} more steps, {bad_left_out} of them not fine"))]),
    }
    let elements = lines.join(&text("\n"));
    (!elements.is_empty()).then(
        || json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}),
    )
}

/// "❌ smoke-test · 2 of 12 checks failed · 1m 34s", and below it why.
fn step(step: &Step) -> Vec<Value> {
    let sign = match step.verdict {
        Verdict::Passed => "✅",
        Verdict::Skipped => "➖",
        Verdict::Pending => "⏳",
        Verdict::Failed | Verdict::Misconfigured => "❌",
        Verdict::Undecided => "❔",
        Verdict::Broken => "🚨",
    };
    let name = json!({"type": "text", "text": shown(&step.name, NAME), "style": {"bold": true}});
    let mut parts = vec![String::new()];
    parts.extend((!step.title.is_empty()).then(|| shown(&step.title, TITLE)));
    parts.extend(step.took());
    let mut lines = vec![parts.join(" · ")];
    for Reason { subject, text } in step.reasons.iter().take(REASONS) {
        lines.push(format!("{}: {}", shown(subject, NAME), shown(text, TITLE)));
    }
    if let Some(more @ 1..) = step.reasons.len().checked_sub(REASONS) {
        lines.push(format!("and {more} more"));
    }
    let line = lines.join("\n        ↳ ");
    let mut elements = vec![text(&format!("{sign} "))];
    elements.extend((!step.name.is_empty()).then_some(name));
    elements.extend((!line.is_empty()).then(|| text(&line)));
    elements
}

/// A link to the run, and which run it is.
///
/// A link and no button: a click on a button asks an app for an answer, a webhook has none to give, and
/// Slack shows a warning (<https://github.com/slackapi/slack-github-action/issues/513>).
fn context(story: &Story) -> Option<Value> {
    let link = story
        .run
        .url
        .as_deref()
        .and_then(address)
        .map(|url| json!({"type": "mrkdwn", "text": format!("<{url}|Open the run>"), "verbatim": true}));
    let name = story.run.workflow.as_ref().map(|name| shown(name, NAME));
    let number = story.run.number.as_ref().map(|number| format!("#{}", shown(&Untrusted::new(number), 20)));
    let attempt = story.run.attempt.as_ref().filter(|attempt| *attempt != "1");
    let attempt = attempt.map(|attempt| format!("attempt {}", shown(&Untrusted::new(attempt), 20)));
    let run = [name, number, attempt].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let run = (!run.trim().is_empty()).then(|| plain(run.trim()));
    let elements: Vec<Value> = link.into_iter().chain(run).collect();
    (!elements.is_empty()).then(|| json!({"type": "context", "elements": elements}))
}

/// An address that can stand in `<address|label>`; none where it could end the link or lead elsewhere.
fn address(url: &str) -> Option<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '|' | '"' | '`'));
    (is_web && is_plain && length(url) <= ADDRESS).then(|| escape(url))
}

fn sign(story: &Story) -> &'static str {
    match (story.event, story.verdict) {
        (Event::Start, _) => "🚀",
        (Event::Success, _) => "✅",
        (Event::Recovery, _) => "💚",
        (Event::Rollback, _) => "⏪",
        (Event::Pending, _) => "⏳",
        (Event::Failure, Verdict::Broken) => "🚨",
        (Event::Failure, Verdict::Undecided) => "❔",
        (Event::Failure, _) => "❌",
    }
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// Text of a stranger where nothing is interpreted; angle brackets become marks that look alike.
fn shown(text: &Untrusted, most: usize) -> String {
    text.line(most).replace('<', "‹").replace('>', "›")
}

/// A name in a code span.
fn code(name: &Untrusted) -> String {
    if name.is_empty() {
        return "—".to_owned();
    }
    format!("`{}`", escape(&name.line(NAME).replace('`', "'")))
}

/// The three characters that start markup in a message.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn size(value: &Value) -> usize {
    length(&value.to_string())
}

/// What Slack's words mean, and what to do.
///
/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>
fn explain(word: &str) -> Option<String> {
    let help = match word {
        "invalid_token" | "no_active_hooks" | "no_service" | "no_service_id" => {
            "the webhook does not exist any more, or the address is incomplete: create it anew and update the secret"
        }
        "no_team" | "team_disabled" => {
            "the workspace does not exist any more or is disabled: see the secret's address"
        }
        "channel_not_found" => {
            "the webhook's channel does not exist any more: create a webhook for another one"
        }
        "channel_is_archived" => {
            "the webhook's channel is archived: unarchive it, or create a webhook for another one"
        }
        "action_prohibited" | "posting_to_general_channel_denied" => {
            "an admin of the workspace does not let the webhook post there: ask them, or choose another channel"
        }
        "user_not_found" => {
            "the webhook's owner does not exist any more: create it anew and update the secret"
        }
        "invalid_payload"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "msg_blocks_too_long"
        | "no_text"
        | "too_many_attachments" => {
            "Slack did not understand the message: please report it, with the output of `dry-run`"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_core::Verdict;

    use super::*;
    use crate::{
        channels::tests::{answer, any_story, overlong_stories},
        sections::tests::file,
        story::tests::{failure, report, tell},
    };

    fn render(story: &Story) -> Value {
        file("  []\n").unwrap().sections.channel("deployments").unwrap().render(story).remove(0).body
    }

    /// The message as a reader sees it: one line a line, `*bold*` where Slack shows bold.
    fn seen(message: &Value) -> String {
        let mut lines = Vec::new();
        for block in message["blocks"].as_array().unwrap() {
            let texts = |value: &Value| -> Vec<String> {
                let texts = value.as_array().unwrap().iter();
                texts.map(|each| each["text"].as_str().unwrap().replace('\n', " ")).collect()
            };
            match block["type"].as_str().unwrap() {
                "header" => lines.push(block["text"]["text"].as_str().unwrap().to_owned()),
                "section" => lines.push(texts(&block["fields"]).join(" | ")),
                "context" => lines.push(texts(&block["elements"]).join(" | ")),
                _ => {
                    let elements = block["elements"][0]["elements"].as_array().unwrap().iter();
                    lines.extend(
                        elements
                            .map(|each| match each.get("style") {
                                Some(_) => format!("*{}*", each["text"].as_str().unwrap()),
                                None => each["text"].as_str().unwrap().to_owned(),
                            })
                            .collect::<String>()
                            .lines()
                            .map(str::to_owned),
                    );
                }
            }
        }
        lines.join("\n")
    }

    #[test]
    fn the_answer_comes_first_then_what_it_is_about_then_why() {
        let message = render(&failure());
        insta::assert_snapshot!(message["text"].as_str().unwrap(), @"❌ Failed in production · acme/shop · smoke-test: 2 of 12 checks failed");
        insta::assert_snapshot!(seen(&message), @r#"
❌ Failed in production
*Repository* `acme/shop` | *By* `octocat` | *Version* `v1.4.1` → `v1.4.2` | *Commit* `1a2b3c4` on `main`
✅ *gate-approval* · approved: 6 of 6 conditions hold · 1.2s
✅ *bump-image-tag* · 1 image set in 1 overlay · 1.2s
❌ *smoke-test* · 2 of 12 checks failed · 1m 34s
        ↳ GET /healthz: status 503, expected 200
        ↳ GET /orders: no answer within 10s
<https://github.com/acme/shop/actions/runs/7/attempts/2|Open the run> | Deploy #42 attempt 2
"#);
    }

    #[test]
    fn the_message_is_what_slack_takes() {
        let message = render(&failure());
        let blocks = message["blocks"].as_array().unwrap().iter().map(ToString::to_string);
        insta::assert_snapshot!(blocks.collect::<Vec<_>>().join("\n"), @r#"
{"type":"header","text":{"type":"plain_text","text":"❌ Failed in production","emoji":false}}
{"type":"section","fields":[{"type":"mrkdwn","text":"*Repository*\n`acme/shop`","verbatim":true},{"type":"mrkdwn","text":"*By*\n`octocat`","verbatim":true},{"type":"mrkdwn","text":"*Version*\n`v1.4.1` → `v1.4.2`","verbatim":true},{"type":"mrkdwn","text":"*Commit*\n`1a2b3c4` on `main`","verbatim":true}]}
{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"✅ "},{"type":"text","text":"gate-approval","style":{"bold":true}},{"type":"text","text":" · approved: 6 of 6 conditions hold · 1.2s"},{"type":"text","text":"\n"},{"type":"text","text":"✅ "},{"type":"text","text":"bump-image-tag","style":{"bold":true}},{"type":"text","text":" · 1 image set in 1 overlay · 1.2s"},{"type":"text","text":"\n"},{"type":"text","text":"❌ "},{"type":"text","text":"smoke-test","style":{"bold":true}},{"type":"text","text":" · 2 of 12 checks failed · 1m 34s\n        ↳ GET /healthz: status 503, expected 200\n        ↳ GET /orders: no answer within 10s"}]}]}
{"type":"context","elements":[{"type":"mrkdwn","text":"<https://github.com/acme/shop/actions/runs/7/attempts/2|Open the run>","verbatim":true},{"type":"plain_text","text":"Deploy #42 attempt 2","emoji":false}]}
"#);
    }

    #[test]
    fn a_start_needs_no_report() {
        insta::assert_snapshot!(seen(&render(&tell(Some(Event::Start), vec![], "{}", &[]).unwrap())), @r#"
🚀 Started in production
*Repository* `acme/shop` | *By* `octocat` | *Commit* `1a2b3c4` on `main`
<https://github.com/acme/shop/actions/runs/7/attempts/2|Open the run> | Deploy #42 attempt 2
"#);
    }

    #[test]
    fn what_is_cut_is_said_and_the_bad_is_kept() {
        let mut reports = vec![report("smoke-test", Verdict::Passed, "12 of 12 checks passed"); 33];
        reports[30].verdict = Verdict::Failed;
        let shown = seen(&render(&tell(None, reports.clone(), "{}", &[]).unwrap()));
        assert!(shown.contains("❌ *smoke-test*"), "{shown}");
        assert!(shown.contains("and 13 more steps, all of them fine"), "{shown}");
        for report in &mut reports {
            report.verdict = Verdict::Failed;
        }
        let shown = seen(&render(&tell(None, reports, "{}", &[]).unwrap()));
        assert!(shown.contains("and 13 more steps, 13 of them not fine"), "{shown}");
    }

    /// Every text in the message with the kind of object that it stands in.
    fn texts<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
        match value {
            Value::Object(entries) => {
                if let (Some(kind), Some(text)) = (value["type"].as_str(), value["text"].as_str()) {
                    found.push((kind, text));
                }
                entries.values().for_each(|entry| texts(entry, found));
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            _ => {}
        }
    }

    /// What Slack would interpret in a text of kind `mrkdwn`, outside of the markup that is ours.
    fn is_dead(text: &str, run: Option<&str>) -> bool {
        let ours = run.map(|url| format!("<{url}|Open the run>"));
        let text = ours.map_or_else(|| text.to_owned(), |ours| text.replacen(&ours, "", 1));
        let outside: String = text.split('`').step_by(2).collect();
        let is_ours = |c: char| c.is_ascii_alphanumeric() || " →\n—".contains(c);
        let label = outside.strip_prefix('*').and_then(|rest| rest.split_once("*\n"));
        let (label, rest) = label.unwrap_or_default();
        !text.contains(['<', '>'])
            && text.matches('`').count().is_multiple_of(2)
            && (outside.is_empty() || label.chars().chain(rest.chars()).all(is_ours) && !label.is_empty())
    }

    #[test]
    fn injections_are_dead() {
        let evil = [
            "<!channel>",
            "<!here|here>",
            "<!everyone>",
            "<@U0123456789>",
            "<#C0123456789>",
            "<!subteam^S012>",
            "<https://evil.example|Open the run>",
            "<mailto:a@b.example>",
            "&lt;!channel&gt;",
            "&#60;!here>",
            "@channel @here @everyone",
            "a\n*bold*\n> quote",
            "`</code>` ```block```",
            "*bold* _it_ ~strike~",
            ":rotating_light: :x:",
            "a\r\n::error::b",
            "x\u{202e}txt.exe",
            "\u{200b}\u{feff}",
            "\u{1b}]0;title\u{7}",
            "\"}, {\"type\": \"divider\"}",
            "<!date^1^{date}^https://evil.example|x>",
            "\\u003c!channel\\u003e",
            "`",
            "https://evil.example/?a=<b>|c",
        ];
        for text in evil {
            let mut bad = report(text, Verdict::Failed, text);
            bad.findings.push(sluice_core::Finding::new(text, Verdict::Failed, text));
            let mut story = tell(None, vec![bad], "{}", &[]).unwrap();
            for place in [
                &mut story.environment,
                &mut story.run.repository,
                &mut story.run.actor,
                &mut story.run.workflow,
            ] {
                *place = Some(text.into());
            }
            story.commits[0].branch = Some(text.into());
            story.images.push(text.into());
            story.run.url = Some(format!("https://github.com/{text}"));
            let message = render(&story);
            let run = address(story.run.url.as_deref().unwrap());
            let mut found = Vec::new();
            texts(&message, &mut found);
            for (kind, shown) in found {
                assert!(kind != "mrkdwn" || is_dead(shown, run.as_deref()), "{text:?} lives in {shown:?}");
                assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
                assert!(!shown.contains(['\u{202e}', '\u{200b}', '\u{feff}']), "{shown:?}");
                assert!(kind == "mrkdwn" || !shown.contains(['<', '>']), "{shown:?}");
            }
            assert!(!message["text"].as_str().unwrap().contains(['<', '>', '\n']), "{message}");
        }
    }

    #[test]
    fn the_check_for_live_markup_finds_it() {
        for alive in
            ["*By*\n<!here>", "*By*\n`a` *b*", "*By*\n`a", ":x:", "*By*\n@here", "<https://a|Open the run>"]
        {
            assert!(!is_dead(alive, None), "{alive}");
        }
    }

    fn longest<'a>(values: impl IntoIterator<Item = &'a Value>) -> usize {
        values.into_iter().map(|value| length(value["text"].as_str().unwrap())).max().unwrap_or(0)
    }

    /// Whether Slack takes the message: every limit, valid JSON, nothing of a stranger's alive.
    fn check(story: &Story) {
        let message = render(story);
        let blocks = message["blocks"].as_array().unwrap();
        assert!(size(&message["blocks"]) <= TOTAL, "{} in all", size(&message["blocks"]));
        assert!(blocks.len() <= 50);
        assert!(length(message["text"].as_str().unwrap()) <= 3_000);
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "header" => assert!(longest([&block["text"]]) <= 150),
                "section" => {
                    let fields = block["fields"].as_array().unwrap();
                    assert!((1..=10).contains(&fields.len()) && longest(fields) <= 2_000, "{fields:?}");
                }
                "context" => {
                    let elements = block["elements"].as_array().unwrap();
                    assert!((1..=10).contains(&elements.len()) && longest(elements) <= 3_000);
                }
                "rich_text" => assert!(!block["elements"][0]["elements"].as_array().unwrap().is_empty()),
                other => panic!("a block of kind {other}"),
            }
        }
        let mut found = Vec::new();
        texts(&message, &mut found);
        let run = story.run.url.as_deref().and_then(address);
        for (kind, text) in found {
            assert!(!text.is_empty());
            assert!(kind != "mrkdwn" || is_dead(text, run.as_deref()), "{text:?}");
        }
        assert_eq!(serde_json::from_str::<Value>(&message.to_string()).unwrap(), message);
    }

    proptest! {
        #[test]
        fn no_story_makes_a_message_that_slack_refuses(story in any_story()) {
            check(&story);
        }
    }

    #[test]
    fn a_story_that_is_too_long_everywhere_is_cut_and_says_so() {
        for story in overlong_stories() {
            check(&story);
            let seen = seen(&render(&story));
            assert!(seen.contains(" of them not fine") && seen.contains(" more |"), "{seen}");
            assert!(seen.lines().count() > 4, "{seen}");
        }
    }

    #[test]
    fn only_ok_is_ok_and_words_of_refusal_are_explained() {
        assert_eq!(judge(&answer(200, "ok")), Ok(None));
        let cases = [
            (200, "<html>login</html>"),
            (200, ""),
            (403, "invalid_token"),
            (404, "channel_not_found"),
            (410, "channel_is_archived"),
            (400, "strange_new_word"),
        ];
        let told: Vec<String> = cases
            .iter()
            .map(|(status, body)| {
                let Refusal { why, help } = judge(&answer(*status, body)).unwrap_err();
                format!("{why} => {}", help.unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
Slack answered 200, but not `ok`: <html>login</html> => check that the address is that of an incoming webhook, not of a workflow or a page
Slack answered 200, but not `ok`: (an empty body) => check that the address is that of an incoming webhook, not of a workflow or a page
Slack refused it (403 Forbidden): invalid_token => the webhook does not exist any more, or the address is incomplete: create it anew and update the secret
Slack refused it (404 Not Found): channel_not_found => the webhook's channel does not exist any more: create a webhook for another one
Slack refused it (410 Gone): channel_is_archived => the webhook's channel is archived: unarchive it, or create a webhook for another one
Slack refused it (400 Bad Request): strange_new_word =>
"#);
    }
}
