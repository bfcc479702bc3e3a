//! A story in Slack's blocks.
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

use crate::{
    sheet::{self, Fact, Line, Voice},
    story::Story,
    untrusted::{Untrusted, cut, length},
};

/// <https://docs.slack.dev/reference/block-kit/blocks/header-block>
const HEADER: usize = 150;
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const FIELD: usize = 2_000;
/// What the blocks may have together, as JSON. Slack refuses more than about 13,200 as `msg_blocks_too_long`,
/// which is documented nowhere.
const TOTAL: usize = 13_000;

/// Where nothing is interpreted.
const PLAIN: Voice = Voice { text: shown, name: |name| shown(name, sheet::NAME) };
/// In `mrkdwn` all is code: outside of it a word between colons is an emoji, one between underscores is leaning.
const MARKDOWN: Voice = Voice { text: code, name: |name| code(name, sheet::NAME) };

/// The label of a link, which can't be code: signs that could mean something are left out.
const LABEL: Voice = Voice {
    text: |text, most| text.line(most).replace(|c: char| !c.is_alphanumeric() && !" -./#".contains(c), ""),
    name: |name| shown(name, sheet::NAME),
};

/// What a notification shows. It is no mrkdwn, and escaped all the same: a mention is formed wherever Slack finds one.
pub(super) fn notification(story: &Story) -> String {
    escape(&sheet::summary(story, PLAIN))
}

/// The answer, whom it calls, how far the pipeline is, what it is about, the steps, and where to look further.
pub(super) fn of(story: &Story) -> Vec<Value> {
    let headline = cut(&sheet::headline(story, PLAIN), HEADER);
    let mut blocks = vec![json!({"type": "header", "text": plain(&headline)})];
    blocks.extend(mentions(story));
    blocks.extend(
        sheet::progress(story, PLAIN).map(|progress| json!({"type": "section", "text": plain(&progress)})),
    );
    blocks.extend(fields(story));
    let context = context(story);
    let used = size(&json!(blocks)) + context.as_ref().map_or(0, size);
    blocks.extend(steps(story, TOTAL.saturating_sub(used)));
    blocks.extend(context);
    blocks
}

/// Whom the configuration or an input names, the only ones who are ever called: `here`, `channel`, `everyone`, a
/// member's id, a group's.
///
/// <https://docs.slack.dev/messaging/formatting-message-text#mentioning-users>
fn mentions(story: &Story) -> Option<Value> {
    let called: Vec<String> = story
        .mentions
        .iter()
        .filter_map(|mention| {
            let id = mention.as_str();
            let is_id =
                id.len() > 1 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            match (id, id.as_bytes()[0]) {
                ("here" | "channel" | "everyone", _) => Some(format!("<!{id}>")),
                (_, b'U' | b'W') if is_id => Some(format!("<@{id}>")),
                (_, b'S') if is_id => Some(format!("<!subteam^{id}>")),
                _ => None,
            }
        })
        .take(20)
        .collect();
    let text = called.join(" ");
    (!called.is_empty()).then(|| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}}))
}

/// What the story is about, two columns.
fn fields(story: &Story) -> Option<Value> {
    let fields: Vec<Value> = sheet::facts(story, MARKDOWN).iter().take(10).filter_map(field).collect();
    (!fields.is_empty()).then(|| json!({"type": "section", "fields": fields}))
}

fn field(fact: &Fact) -> Option<Value> {
    let label = format!("*{}*", fact.label);
    let lines = fact.lines(FIELD - length(&label) - 1);
    let text = format!("{label}\n{}", lines.join("\n"));
    (!lines.is_empty()).then(|| json!({"type": "mrkdwn", "text": text, "verbatim": true}))
}

fn steps(story: &Story, room: usize) -> Option<Value> {
    let weigh = |line: &Line| size(&json!(step(line))) + size(&text("\n"));
    let steps = sheet::steps(story, PLAIN, room, weigh);
    let mut lines: Vec<Vec<Value>> = steps.lines.iter().map(step).collect();
    lines.extend(steps.left_out.map(|left_out| vec![text(&left_out)]));
    let elements = lines.join(&text("\n"));
    (!elements.is_empty()).then(
        || json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}),
    )
}

/// "❌ smoke-test · 2 of 12 checks failed · 1m 34s", and below it why.
fn step(step: &Line) -> Vec<Value> {
    let name = json!({"type": "text", "text": step.name, "style": {"bold": true}});
    let first = if step.text.is_empty() { String::new() } else { format!(" · {}", step.text) };
    let lines: Vec<&str> =
        std::iter::once(first.as_str()).chain(step.reasons.iter().map(String::as_str)).collect();
    let line = lines.join("\n        ↳ ");
    let mut elements = vec![text(&format!("{} ", step.sign()))];
    elements.extend((!step.name.is_empty()).then_some(name));
    elements.extend((!line.is_empty()).then(|| text(&line)));
    elements
}

/// A link to the run, and which run it is.
///
/// A link and no button: a click on a button asks an app for an answer, a webhook has none to give, and
/// Slack shows a warning (<https://github.com/slackapi/slack-github-action/issues/513>).
fn context(story: &Story) -> Option<Value> {
    let link = |(label, url): (String, &str)| json!({"type": "mrkdwn", "text": format!("<{}|{label}>", escape(url)), "verbatim": true});
    let links = sheet::links(story, LABEL).map(link);
    let run = sheet::run(story, PLAIN).map(|run| plain(&run));
    let elements: Vec<Value> = links.chain(run).collect();
    (!elements.is_empty()).then(|| json!({"type": "context", "elements": elements}))
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

/// Text of a stranger in a code span.
fn code(text: &Untrusted, most: usize) -> String {
    if text.is_empty() {
        return "—".to_owned();
    }
    format!("`{}`", escape(&text.line(most).replace('`', "'")))
}

/// The three characters that start markup in a message.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn size(value: &Value) -> usize {
    length(&value.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_config::Event;
    use sluice_core::Verdict;

    use super::*;
    use crate::{
        channels::tests::{INJECTIONS, any_story, injected, overlong_stories},
        progress::{Stage, State},
        sections::tests::file,
        story::tests::{failure, report, tell},
    };

    fn render(story: &Story) -> Value {
        file("  []\n").unwrap().sections.channel("deployments").unwrap().render(story).unwrap().remove(0).body
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
                "section" if block["fields"].is_null() => {
                    lines.push(block["text"]["text"].as_str().unwrap().to_owned());
                }
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
*Version* `v1.4.1` → `v1.4.2` | *Repository* `acme/shop` | *By* `octocat` | *Commit* `1a2b3c4` on `main`
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
{"type":"section","fields":[{"type":"mrkdwn","text":"*Version*\n`v1.4.1` → `v1.4.2`","verbatim":true},{"type":"mrkdwn","text":"*Repository*\n`acme/shop`","verbatim":true},{"type":"mrkdwn","text":"*By*\n`octocat`","verbatim":true},{"type":"mrkdwn","text":"*Commit*\n`1a2b3c4` on `main`","verbatim":true}]}
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
    fn how_far_the_pipeline_is_stands_below_the_answer() {
        let mut story = tell(Some(Event::Start), vec![], "{}", &[]).unwrap();
        let stage = |name: &str, state| Stage { name: name.into(), state };
        story.progress = vec![
            stage("build", State::Done),
            stage("gate-approval", State::Current),
            stage("deploy", State::Ahead),
        ];
        insta::assert_snapshot!(seen(&render(&story)).lines().take(2).collect::<Vec<_>>().join("\n"), @r#"
🚀 Started in production
✅ build → ▶️ gate-approval → ⚪ deploy
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
        let label = text.strip_prefix("<https://example.com/1|").and_then(|rest| rest.strip_suffix('>'));
        if let Some(label) = label {
            return label.chars().all(|c| c.is_alphanumeric() || " -./#".contains(c));
        }
        let outside: String = text.split('`').step_by(2).collect();
        let is_ours = |c: char| c.is_ascii_alphanumeric() || " →\n—,·#".contains(c);
        let label = outside.strip_prefix('*').and_then(|rest| rest.split_once("*\n"));
        let (label, rest) = label.unwrap_or_default();
        !text.contains(['<', '>'])
            && text.matches('`').count().is_multiple_of(2)
            && (outside.is_empty() || label.chars().chain(rest.chars()).all(is_ours) && !label.is_empty())
    }

    #[test]
    fn injections_are_dead() {
        for text in INJECTIONS {
            let story = injected(text);
            let message = render(&story);
            let run = sheet::run_url(&story).map(escape);
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
        for alive in [
            "*By*\n<!here>",
            "*By*\n`a` *b*",
            "*By*\n`a",
            ":x:",
            "*By*\n@here",
            "<https://a|Open the run>",
            "<https://example.com/1|:x:>",
        ] {
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
        assert!(length(message["text"].as_str().unwrap()) <= 4_000);
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "header" => assert!(longest([&block["text"]]) <= 150),
                "section" if block["fields"].is_null() => assert!(longest([&block["text"]]) <= 3_000),
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
        let run = sheet::run_url(story).map(escape);
        for (kind, text) in found {
            assert!(!text.is_empty());
            assert!(kind != "mrkdwn" || is_dead(text, run.as_deref()), "{text:?}");
        }
        assert_eq!(serde_json::from_str::<Value>(&message.to_string()).unwrap(), message);
    }

    #[test]
    fn only_those_are_called_who_were_named_and_as_slack_knows_them() {
        let mut story = failure();
        story.mentions =
            ["here", "U123", "S9X", "octocat", "Uabc"].map(|name| name.parse().unwrap()).to_vec();
        let message = render(&story).to_string();
        assert!(message.contains("<!here> <@U123> <!subteam^S9X>\""), "{message}");
        assert_eq!(message.matches("<!").count() + message.matches("<@").count(), 3);
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
}
