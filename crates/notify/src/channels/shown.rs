//! What is seen in each channel, in the order in which it is read.

use serde_json::{Value, json};

use crate::{
    channels::tests::{all, render},
    progress::{Stage, State},
    story::tests::failure,
};

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
