//! What strangers write is text in every channel: no mention, no markup, no link.

use serde_json::{Value, json};

use crate::{
    channels::{
        Message,
        limits::check,
        tests::{INJECTIONS, all, injected, render},
    },
    story::Story,
};

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
