//! All kinds of channels held to what they allow: every limit, and nothing of a stranger's alive.
//!
//! What GitHub is asked is held to its own description of its API as well, wherever a test sends it to the stand-in.

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_config::File;
use sluice_core::{Configuration as _, Verdict};

use crate::{
    channels::{
        Message,
        tests::{INJECTIONS, any_story, any_text, fill, injected, overlong_stories},
    },
    progress::{Stage, State},
    sections::Sections,
    story::{
        Story,
        tests::{failure, report, tell},
    },
    untrusted::length,
};

/// A channel of each kind; what Slack's messages must be besides is held where they are made.
const CHANNELS: &str = "version: 1
channels:
  bot: {slack: {token: {env: A}, channel: C1}}
  teams: {teams: {webhook: {env: A}}}
  card: {teams: {webhook: {env: A}, body: card}}
  pagerduty: {pagerduty: {routing-key: {env: A}, acknowledge: [start]}}
  datadog: {datadog: {api-key: {env: A}, tags: [team:shop]}}
  grafana: {grafana: {url: \"https://grafana.example.com\", token: {env: A}, dashboard: abc, tags: [shop]}}
  discord: {discord: {webhook: {env: A}}}
  template: {webhook: {url: {env: A}, template: '{\"text\": {{ title }}, \"why\": [{% for step in steps %}{{ step.title }}{% if not loop.last %},{% endif %}{% endfor %}]}'}}
  email: {email: {server: smtp.example.com, from: Sluice <sluice@example.com>, to: [team@example.com]}}
  sns: {sns: {topic: \"arn:aws:sns:eu-west-1:123456789012:deployments.fifo\"}}
  eventbridge: {eventbridge: {bus: deployments}}
  webhook: {webhook: {url: {env: A}}}
  tickets: {issue: {labels: [incident, deploy], assignees: [octocat]}}
  security: {findings: {}}
  status: {status: {}}
  deployment: {deployment: {}}
";

pub(crate) fn all() -> File<Sections> {
    File::parse(CHANNELS.as_bytes(), "sluice.yml").unwrap()
}

pub(crate) fn render(file: &File<Sections>, name: &str, story: &Story) -> Vec<Message> {
    file.sections.channel(name).unwrap().render(story).unwrap()
}

/// Holds what all channels make of a story to their limits.
fn check(file: &File<Sections>, story: &Story) {
    for name in file.sections.channels.keys() {
        for Message { name: part, body } in render(file, name, story) {
            let text = body.to_string();
            match name.as_str() {
                "bot" => {
                    assert!(!body["text"].as_str().unwrap().is_empty());
                    assert!(length(body["text"].as_str().unwrap()) <= 4_000);
                    assert_eq!(part == "reply", body["blocks"].is_null());
                }
                "teams" => {
                    assert!(text.len() <= 28 * 1024, "{} bytes", text.len());
                    assert_eq!(body["attachments"].as_array().unwrap().len(), 1);
                }
                "card" => assert!(text.len() <= 28 * 1024, "{} bytes", text.len()),
                "pagerduty" => check_pagerduty(part, &body),
                "datadog" => {
                    let tags = body["tags"].as_array().unwrap();
                    assert!(tags.iter().all(|tag| length(tag.as_str().unwrap()) <= 200));
                    assert!((1..=100).contains(&length(body["title"].as_str().unwrap())));
                    assert!((1..=4_000).contains(&length(body["text"].as_str().unwrap())));
                    assert!(body["aggregation_key"].as_str().unwrap().len() <= 100);
                }
                "grafana" => {
                    assert!((1..=2_000).contains(&length(body["text"].as_str().unwrap())));
                    assert!(body["tags"].to_string().len() <= 500);
                }
                "discord" => check_discord(&body),
                "template" | "webhook" => assert!(text.len() <= 256 * 1024),
                "email" => {
                    assert!(length(body["subject"].as_str().unwrap()) <= 200);
                    assert!(length(body["text"].as_str().unwrap()) <= 32_000);
                    assert!(length(body["html"].as_str().unwrap()) <= 100_000);
                }
                "sns" => {
                    let subject = body["Subject"].as_str().unwrap();
                    assert!((1..100).contains(&subject.len()) && subject.is_ascii(), "{subject:?}");
                    assert!(subject.starts_with(|c: char| c.is_ascii_alphabetic()), "{subject:?}");
                    assert!(body["Message"].to_string().len() <= 256 * 1024);
                    assert!(body["MessageGroupId"].as_str().unwrap().len() <= 128);
                }
                "eventbridge" => {
                    let entry = &body["Entries"][0];
                    assert!(entry["DetailType"].as_str().unwrap().len() <= 128);
                    assert!(text.len() <= 256 * 1024, "{} bytes", text.len());
                    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
                    assert_eq!(detail["schema"], 1);
                }
                "tickets" | "security" => check_ticket(part, &body),
                "status" => check_status(&body),
                "deployment" => {
                    assert!(length(body["description"].as_str().unwrap()) <= 140);
                    let payload = body["payload"].as_object().unwrap();
                    assert_eq!(
                        payload.keys().collect::<Vec<_>>(),
                        ["component", "image", "digest", "version"]
                    );
                }
                other => panic!("{other} is held to nothing"),
            }
        }
    }
}

/// What GitHub takes for an issue and for a comment, with room for the markers of whoever sends it.
fn check_ticket(part: &str, body: &Value) {
    let texts: &[&str] = if part == "close" { &["comment"] } else { &["title", "body", "comment"] };
    for name in texts {
        let text = body[*name].as_str().unwrap();
        assert!(!text.is_empty() && length(text) + 300 <= 65_536, "{name}: {}", length(text));
        // GitHub looks for neither mentions nor markup in a title.
        assert!(*name == "title" || !text.contains("<!--") && !text.contains('@'), "{name}: {text}");
    }
    assert!(body["title"].as_str().is_none_or(|title| length(title) <= 256));
    assert!(body["key"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_hexdigit()));
}

/// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>
fn check_status(body: &Value) {
    assert!(["success", "pending", "failure", "error"].contains(&body["state"].as_str().unwrap()));
    assert!((1..=140).contains(&length(body["description"].as_str().unwrap())));
    assert!((1..=255).contains(&body["context"].as_str().unwrap().len()));
}

/// The shape that PagerDuty documents, all but the key.
fn check_pagerduty(part: &str, body: &Value) {
    assert!(body.to_string().len() <= 512 * 1024 - 1024);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    if part == "change" {
        assert!(keys(body).iter().all(|key| ["payload", "links"].contains(&key.as_str())));
    } else {
        assert_eq!(body["event_action"], part);
        assert!((1..=255).contains(&body["dedup_key"].as_str().unwrap().len()));
        let known = ["event_action", "dedup_key", "payload", "client", "client_url", "links"];
        assert!(keys(body).iter().all(|key| known.contains(&key.as_str())), "{body:#}");
    }
    if part == "trigger" || part == "change" {
        let payload = &body["payload"];
        assert!((1..=1_024).contains(&length(payload["summary"].as_str().unwrap())));
        assert!(!payload["source"].as_str().unwrap().is_empty());
        assert!(payload["custom_details"].is_object());
        let known = ["summary", "source", "severity", "class", "component", "custom_details"];
        assert!(keys(payload).iter().all(|key| known.contains(&key.as_str())), "{payload:#}");
    }
    if part == "trigger" {
        let severities = ["critical", "error", "warning", "info"];
        assert!(severities.contains(&body["payload"]["severity"].as_str().unwrap()));
    }
}

fn check_discord(body: &Value) {
    let embeds = body["embeds"].as_array().unwrap();
    assert_eq!(embeds.len(), 1);
    let embed = &embeds[0];
    let long = |value: &Value| value.as_str().map_or(0, length);
    let fields = embed["fields"].as_array().unwrap();
    assert!((1..=256).contains(&long(&embed["title"])));
    assert!(long(&embed["description"]) <= 4_096);
    assert!(long(&embed["footer"]["text"]) <= 2_048);
    assert!(fields.len() <= 25);
    let of_fields = |name: &str| fields.iter().map(|field| long(&field[name])).collect::<Vec<_>>();
    assert!(of_fields("name").iter().all(|length| (1..=256).contains(length)));
    assert!(of_fields("value").iter().all(|length| (1..=1_024).contains(length)), "{fields:#?}");
    let all = long(&embed["title"])
        + long(&embed["description"])
        + long(&embed["footer"]["text"])
        + of_fields("name").iter().sum::<usize>()
        + of_fields("value").iter().sum::<usize>();
    assert!(all <= 6_000, "{all} in all");
    assert_eq!(body["allowed_mentions"], json!({"parse": []}));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_story_makes_a_message_that_a_channel_refuses(story in any_story()) {
        check(&all(), &story);
    }
}

#[test]
fn a_story_that_is_too_long_everywhere_is_cut_and_says_so() {
    let file = all();
    for story in overlong_stories() {
        check(&file, &story);
        for name in ["teams", "pagerduty", "discord", "email", "sns"] {
            let told = render(&file, name, &story)[0].body.to_string();
            assert!(told.contains(" of them not fine"), "{name}: {told}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn thousands_of_jobs_and_a_megabyte_of_anything_fit(text in any_text(), jobs in 1_000..5_000_usize) {
        let long = text.repeat((1 << 20) / text.len().max(1));
        let mut bad = report(&long, Verdict::Failed, &long);
        bad.findings.push(sluice_core::Finding::new(&long, Verdict::Failed, &long));
        let name = escape(&text);
        let jobs: Vec<String> =
            (0..jobs).map(|index| format!("\"{name} {index}\": {{\"result\": \"failure\"}}")).collect();
        let mut story = tell(None, vec![bad.clone(), bad], &format!("{{{}}}", jobs.join(",")), &[]).unwrap();
        prop_assert!(story.steps.len() > jobs.len());
        fill(&mut story, &long, 3);
        check(&all(), &story);
    }
}

/// A text inside of JSON's quotation marks.
fn escape(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// All strings in a value.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(entries) => entries.values().for_each(|entry| strings(entry, found)),
        _ => {}
    }
}

/// The tags of a piece of HTML.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag)).collect()
}

#[test]
fn injections_are_dead() {
    let file = all();
    let harmless = injected("harmless");
    for text in INJECTIONS {
        let mut story = injected(text);
        // One with a link, so that the same things are shown.
        story.run.url.clone_from(&harmless.run.url);
        check(&file, &story);
        for name in ["bot", "teams", "card", "pagerduty", "datadog", "grafana", "discord", "email", "sns"] {
            for Message { body, .. } in render(&file, name, &story) {
                let mut body = body;
                // Data for programs: JSON whatever stands in it, which is held below.
                body.get_mut("Message").map(|message| message["default"].take());
                let mut found = Vec::new();
                strings(&body, &mut found);
                for shown in &found {
                    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{name}: {shown:?}");
                    assert!(
                        !shown.contains(['\u{202e}', '\u{200b}', '\u{feff}', '\u{2066}']),
                        "{name}: {shown:?}"
                    );
                }
                let is_dead = |shown: &str| match name {
                    "teams" | "card" => !shown.contains("{{") && !shown.contains(['<', '>']),
                    "datadog" => !shown.contains('@') && !shown.contains("%%%"),
                    "grafana" => tags(shown)
                        .iter()
                        .all(|tag| tag.starts_with("a href=\"https://github.com/") || *tag == "/a"),
                    "pagerduty" | "sns" => !shown.contains(['<', '>']),
                    _ => true,
                };
                assert!(found.iter().all(|shown| is_dead(shown)), "{text:?} lives in {name}: {found:#?}");
            }
        }
        let html = |story: &Story| render(&file, "email", story)[0].body["html"].as_str().unwrap().to_owned();
        assert_eq!(tags(&html(&story)), tags(&html(&harmless)), "{text:?}");
        assert!(!render(&file, "email", &story)[0].body["subject"].as_str().unwrap().contains(['\r', '\n']));
        assert!(!render(&file, "sns", &story)[0].body["Subject"].as_str().unwrap().contains(['\r', '\n']));
        discord_is_dead(&render(&file, "discord", &story)[0].body);
        teams_is_dead(&render(&file, "card", &story)[0].body, &render(&file, "card", &harmless)[0].body);
        let filled = &render(&file, "template", &story)[0].body;
        assert_eq!(filled["why"], json!([text]));
        assert_eq!(filled.as_object().unwrap().len(), 2);
    }
}

/// Outside of code there is nothing but words of ours and escaped signs.
fn discord_is_dead(body: &Value) {
    let is_dead = |text: &str, ours: &str| {
        let mut escaped = false;
        text.chars().all(|c| {
            let is_dead = escaped || c == '\\' || !c.is_ascii_punctuation() || ours.contains(c);
            escaped = c == '\\' && !escaped;
            is_dead
        })
    };
    let embed = &body["embeds"][0];
    let title = embed["title"].as_str().unwrap();
    assert!(is_dead(title, ""), "{title}");
    let block = embed["description"].as_str().unwrap();
    let block = block.strip_prefix("```\n").unwrap().strip_suffix("\n```").unwrap();
    assert!(!block.contains('`'), "{block}");
    for field in embed["fields"].as_array().unwrap() {
        let value = field["value"].as_str().unwrap();
        if field["name"] == "Links" {
            let label = |line: &str| line.strip_suffix("](https://example.com/1)").map(str::to_owned);
            assert!(value.lines().all(|line| is_dead(&label(line).unwrap()[1..], "")), "{value}");
            continue;
        }
        for line in value.lines() {
            let outside: String = line.split('`').step_by(2).collect();
            let is_code = line.matches('`').count().is_multiple_of(2) && is_dead(&outside, ",");
            assert!(is_code || is_dead(line, "#"), "{line}");
        }
    }
}

/// What strangers wrote changed texts, and no text stands where Markdown is read.
fn teams_is_dead(evil: &Value, harmless: &Value) {
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(entries) => entries
                .iter()
                .map(|(key, value)| match key.as_str() {
                    "text" | "title" | "fallbackText" => (key.clone(), Value::Null),
                    _ => (key.clone(), shape(value)),
                })
                .collect(),
            Value::Array(items) => items.iter().map(shape).collect(),
            other => other.clone(),
        }
    }
    assert_eq!(shape(evil), shape(harmless));
    assert!(!evil.to_string().contains("\"TextBlock\""));
}

/// The texts of a message in the order in which they are seen, a line each.
fn seen(name: &str) -> String {
    let mut story = failure();
    let stage = |name: &str, state| Stage { name: name.into(), state };
    story.progress = vec![stage("gate-approval", State::Done), stage("smoke-test", State::Failed)];
    let body = render(&all(), name, &story).remove(0).body;
    match name {
        "card" => {
            let mut lines = Vec::new();
            paragraphs(&body, &mut lines);
            lines.join("\n")
        }
        "discord" => {
            let embed = &body["embeds"][0];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let mut lines = vec![text(&embed["title"]), text(&embed["description"])];
            let fields = embed["fields"].as_array().unwrap().iter();
            lines.extend(fields.map(|field| format!("{}: {}", text(&field["name"]), text(&field["value"]))));
            lines.push(text(&embed["footer"]["text"]));
            lines.join("\n")
        }
        "sns" => {
            let texts = [&body["Subject"], &body["Message"]["sms"], &body["Message"]["email"]];
            texts.map(|text| text.as_str().unwrap()).join("\n--\n")
        }
        "datadog" => format!("{}\n--\n{}", body["title"].as_str().unwrap(), body["text"].as_str().unwrap()),
        "grafana" => body["text"].as_str().unwrap().to_owned(),
        _ => format!("{body:#}"),
    }
}

fn paragraphs(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(block) if block.get("type") == Some(&json!("RichTextBlock")) => {
            let runs = block["inlines"].as_array().unwrap().iter();
            lines.push(runs.map(|run| run["text"].as_str().unwrap()).collect());
        }
        Value::Object(entries) => entries.values().for_each(|entry| paragraphs(entry, lines)),
        Value::Array(items) => items.iter().for_each(|item| paragraphs(item, lines)),
        _ => {}
    }
}

#[test]
fn each_channel_gives_the_answer_first_then_what_it_is_about_then_why() {
    insta::assert_snapshot!(seen("card"), @r#"
❌ Failed in production
Deploy #42 attempt 2
✅ gate-approval → ❌ smoke-test
Version
v1.4.1 → v1.4.2
Repository
acme/shop
By
octocat
Commit
1a2b3c4 on main
✅ gate-approval · approved: 6 of 6 conditions hold · 1.2s
✅ bump-image-tag · 1 image set in 1 overlay · 1.2s
❌ smoke-test · 2 of 12 checks failed · 1m 34s
↳ GET /healthz: status 503, expected 200
↳ GET /orders: no answer within 10s
"#);
    insta::assert_snapshot!(seen("discord"), @r#"
❌ Failed in production
```
✅ gate-approval → ❌ smoke-test

✅ gate-approval · approved: 6 of 6 conditions hold · 1.2s
✅ bump-image-tag · 1 image set in 1 overlay · 1.2s
❌ smoke-test · 2 of 12 checks failed · 1m 34s
   ↳ GET /healthz: status 503, expected 200
   ↳ GET /orders: no answer within 10s
```
Version: `v1.4.1` → `v1.4.2`
Repository: `acme/shop`
By: `octocat`
Commit: `1a2b3c4` on `main`
Deploy #42 attempt 2
"#);
    insta::assert_snapshot!(seen("sns"), @r#"
Failed in production - acme/shop - smoke-test: 2 of 12 checks failed
--
❌ Failed in production · acme/shop · smoke-test: 2 of 12 checks failed
--
❌ Failed in production · acme/shop · smoke-test: 2 of 12 checks failed

✅ gate-approval → ❌ smoke-test

Version: v1.4.1 → v1.4.2
Repository: acme/shop
By: octocat
Commit: 1a2b3c4 on main

✅ gate-approval · approved: 6 of 6 conditions hold · 1.2s
✅ bump-image-tag · 1 image set in 1 overlay · 1.2s
❌ smoke-test · 2 of 12 checks failed · 1m 34s
   ↳ GET /healthz: status 503, expected 200
   ↳ GET /orders: no answer within 10s

https://github.com/acme/shop/actions/runs/7/attempts/2
"#);
    insta::assert_snapshot!(seen("datadog"), @r#"
❌ Failed in production
--
✅ gate-approval → ❌ smoke-test

Version: v1.4.1 → v1.4.2
Repository: acme/shop
By: octocat
Commit: 1a2b3c4 on main

✅ gate-approval · approved: 6 of 6 conditions hold · 1.2s
✅ bump-image-tag · 1 image set in 1 overlay · 1.2s
❌ smoke-test · 2 of 12 checks failed · 1m 34s
   ↳ GET /healthz: status 503, expected 200
   ↳ GET /orders: no answer within 10s

https://github.com/acme/shop/actions/runs/7/attempts/2
"#);
    insta::assert_snapshot!(seen("grafana"), @r#"
❌ Failed in production
smoke-test: 2 of 12 checks failed
Version: v1.4.1 → v1.4.2
Repository: acme/shop
By: octocat
Commit: 1a2b3c4 on main
<a href="https://github.com/acme/shop/actions/runs/7/attempts/2">Open the run</a>
"#);
}

#[test]
fn an_alert_is_what_pagerduty_takes() {
    insta::assert_snapshot!(seen("pagerduty"), @r#"
{
  "event_action": "trigger",
  "dedup_key": "sluice-3b07fefd9267cc124601d81e65634c0c45d470a693b4c12a32c7f9c8ee271325",
  "payload": {
    "summary": "❌ Failed in production · acme/shop · smoke-test: 2 of 12 checks failed",
    "source": "acme/shop",
    "severity": "error",
    "class": "failure",
    "custom_details": {
      "Version": "v1.4.1 → v1.4.2",
      "Repository": "acme/shop",
      "By": "octocat",
      "Commit": "1a2b3c4 on main",
      "Steps": [
        "✅ gate-approval · approved: 6 of 6 conditions hold · 1.2s",
        "✅ bump-image-tag · 1 image set in 1 overlay · 1.2s",
        "❌ smoke-test · 2 of 12 checks failed · 1m 34s\n   ↳ GET /healthz: status 503, expected 200\n   ↳ GET /orders: no answer within 10s"
      ]
    },
    "component": "production"
  },
  "client": "Sluice",
  "client_url": "https://github.com/acme/shop/actions/runs/7/attempts/2",
  "links": [
    {
      "href": "https://github.com/acme/shop/actions/runs/7/attempts/2",
      "text": "Open the run"
    }
  ]
}
"#);
}

#[test]
fn a_template_that_can_not_be_used_is_refused() {
    let refused = |template: &str| {
        let text = format!(
            "version: 1\nchannels:\n  a: {{webhook: {{url: {{env: A}}, template: '{template}'}}}}\nnotify: [{{on: [failure], channels: [a]}}]\n"
        );
        File::<Sections>::parse(text.as_bytes(), "sluice.yml").map_err(|problems| problems.0[0].clone())
    };
    insta::assert_snapshot!(refused("{\"a\": {{ title }").unwrap_err().what, @"the webhook's template can't be used in line 1");
    let fails = |template: &str| {
        let file = refused(template).unwrap();
        let problem = file.sections.channel("a").unwrap().render(&failure()).unwrap_err();
        format!("{}: {}", problem.what, problem.why.unwrap_or_default())
    };
    insta::assert_snapshot!(fails("{\"a\": {{ titel }}}"), @"the webhook's template can't be used in line 1: undefined value");
    insta::assert_snapshot!(fails("{\"a\": \"{{ title }}\"}"), @"the webhook's template makes no JSON: expected `,` or `}` at line 1 column 9");
}
