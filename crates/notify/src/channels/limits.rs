//! All kinds of channels held to what they allow: every limit, whatever the story.
//!
//! What GitHub is asked is held to its own description of its API as well, wherever a test sends it to the stand-in.

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_config::File;
use sluice_core::Verdict;

use crate::{
    channels::{
        Message,
        tests::{all, any_story, any_text, fill, overlong_stories, render},
    },
    sections::Sections,
    story::{
        Story,
        tests::{report, tell},
    },
    untrusted::length,
};

/// Holds what all channels make of a story to their limits.
pub(super) fn check(file: &File<Sections>, story: &Story) {
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
