//! Any address that takes JSON.
//!
//! The body is the story as data, or what the channel's template makes of it. Where the channel has a key, `X-Signature-256` is the HMAC with SHA-256 over the
//! time in `X-Timestamp`, a full stop and the body, in hex: a receiver checks it, and that the time is near.
//! `Idempotency-Key` is the same whenever the same message is sent again.

use minijinja::{Environment, UndefinedBehavior};
use ring::hmac;
use serde_json::Value;
use sluice_config::Webhook;
use sluice_core::Problem;
use sluice_http::{HeaderName, HeaderValue, Request, Response, header::CONTENT_TYPE};

use super::{Channel, Message, Refusal, Sending, Taken, excerpt, hex, nothing_rendered};
use crate::{
    data,
    delivery::{Post, Repeat},
    story::Story,
};

/// The most bytes that a body may have.
const LARGEST: usize = 256 * 1024;

impl Channel for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let data = data::of(story);
        let body = match &self.template {
            None => data,
            Some(template) => fill(template.as_str(), &data)?,
        };
        Ok(vec![Message::new("message", body)])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            let request = request(self, &message.body, post)?;
            Ok(post.request(self.kind(), request, Repeat::NotArrived, judge).await)
        })
    }
}

/// The request, signed where there is a key.
fn request(webhook: &Webhook, body: &Value, post: &Post<'_>) -> Result<Request, Problem> {
    let url = post.address(&webhook.url)?;
    let body = body.to_string();
    let timestamp = post.now.as_second();
    let mut request = Request::post(url, body.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(HeaderName::from_static("x-timestamp"), timestamp.into())
        .header(HeaderName::from_static("idempotency-key"), ascii(&post.idempotency_key)?);
    if let Some(key) = &webhook.key {
        let key = (post.secret)(key)?;
        let signature = sign(key.expose().trim(), timestamp, &body);
        request = request.header(HeaderName::from_static("x-signature-256"), ascii(&signature)?);
    }
    Ok(request)
}

fn judge(answer: &Response) -> Result<Taken, Refusal> {
    if answer.status.is_success() {
        return Ok(Taken::default());
    }
    let why = format!("the receiver refused it ({}): {}", answer.status, excerpt(answer));
    Err(Refusal { why, ..Refusal::default() })
}

/// Refuses a template that can't be read.
pub(super) fn check(webhook: &Webhook) -> Result<(), Problem> {
    let Some(template) = &webhook.template else { return Ok(()) };
    engine().template_from_named_str(TEMPLATE, template.as_str()).map(drop).map_err(|error| unusable(&error))
}

/// The name decides on the escaping: what a template writes is JSON, quotes included.
const TEMPLATE: &str = "template.json";

fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_recursion_limit(50);
    engine
}

/// The template over the story. It must come out as JSON, whatever strangers wrote.
fn fill(template: &str, data: &Value) -> Result<Value, Problem> {
    let engine = engine();
    let filled = engine
        .template_from_named_str(TEMPLATE, template)
        .and_then(|template| template.render(minijinja::value::Serde(data)))
        .map_err(|error| unusable(&error))?;
    if filled.len() > LARGEST {
        return Err(Problem::misconfigured("the webhook's template makes a body that is too large")
            .why(format!("it has {} bytes, and {LARGEST} are the most", filled.len())));
    }
    serde_json::from_str(&filled).map_err(|error| {
        Problem::misconfigured("the webhook's template makes no JSON")
            .why(error)
            .help("write values without quotes around them, as in `{\"text\": {{ title }}}`, and look with `dry-run`")
    })
}

fn unusable(error: &minijinja::Error) -> Problem {
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    Problem::misconfigured(format!("the webhook's template can't be used{line}")).why(what)
}

/// `sha256=` and the HMAC in hex, as GitHub writes the signature of its own webhooks.
fn sign(key: &str, timestamp: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
    format!("sha256={}", hex(tag.as_ref()))
}

fn ascii(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|error| Problem::undecided("could not make a header").why(error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use sluice_config::{File, FromEnvironment};
    use sluice_core::{Configuration as _, Secret};

    use super::*;
    use crate::{
        channels::tests::{answer, any_story, overlong_stories},
        delivery::tests::{client, limits, post},
        sections::{Sections, tests::file},
        story::tests::failure,
    };

    #[test]
    fn the_body_is_the_story_as_data() {
        let file = file("  []\n").unwrap();
        insta::assert_snapshot!(format!("{:#}", file.sections.channel("audit").unwrap().render(&failure()).unwrap()[0].body), @r##"
{
  "schema": 1,
  "event": "failure",
  "verdict": "failed",
  "title": "Failed in production",
  "repository": "acme/shop",
  "environment": "production",
  "actor": "octocat",
  "run_url": "https://github.com/acme/shop/actions/runs/7/attempts/2",
  "commits": [
    {
      "branch": "main",
      "id": "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"
    }
  ],
  "images": [],
  "changes": [
    {
      "image": "registry.example.com:5000/shop/backend",
      "before": "v1.4.1",
      "after": "v1.4.2"
    }
  ],
  "progress": [],
  "steps": [
    {
      "name": "gate-approval",
      "verdict": "passed",
      "title": "approved: 6 of 6 conditions hold",
      "duration": 1.24,
      "reasons": [],
      "left_out": {
        "reasons": 0
      }
    },
    {
      "name": "bump-image-tag",
      "verdict": "passed",
      "title": "1 image set in 1 overlay",
      "duration": 1.24,
      "reasons": [],
      "left_out": {
        "reasons": 0
      }
    },
    {
      "name": "smoke-test",
      "verdict": "failed",
      "title": "2 of 12 checks failed",
      "duration": 94.3,
      "reasons": [
        {
          "subject": "GET /healthz",
          "reason": "status 503, expected 200"
        },
        {
          "subject": "GET /orders",
          "reason": "no answer within 10s"
        }
      ],
      "left_out": {
        "reasons": 0
      }
    }
  ],
  "left_out": {
    "commits": 0,
    "images": 0,
    "changes": 0,
    "progress": 0,
    "steps": 0
  }
}
"##);
    }

    /// The expected value is that of `printf '%s' '1767323045.{"a":1}' | openssl dgst -sha256 -hmac Jefe`.
    #[test]
    fn the_signature_is_over_time_and_body() {
        assert_eq!(
            sign("Jefe", 1_767_323_045, "{\"a\":1}"),
            "sha256=582f4df9771484ed18e4eddb549a84879a96b100c79f1cd8fae008a5aa66949e"
        );
    }

    fn signed(secret: &dyn Fn(&FromEnvironment) -> Result<Secret, Problem>) -> Result<Request, Problem> {
        let (file, client, limits) = (file("  []\n").unwrap(), client(), limits());
        let sluice_config::Channel::Webhook(webhook) = &file.sections.channels["audit"] else { panic!() };
        request(webhook, &json!({}), &post(&client, secret, &limits))
    }

    #[test]
    fn a_missing_key_is_no_reason_to_send_unsigned() {
        let missing = |from: &FromEnvironment| match from.env.as_str() {
            "AUDIT_URL" => Ok(Secret::new("https://audit.example/hook/SECRET\n")),
            name => Err(Problem::misconfigured(format!("{name} is missing"))),
        };
        assert_eq!(signed(&missing).unwrap_err().what, "AUDIT_KEY is missing");
    }

    #[test]
    fn an_address_that_is_none_is_not_told() {
        let problem = signed(&|_| Ok(Secret::new("hunter22"))).unwrap_err();
        insta::assert_snapshot!(format!("{}: {}", problem.what, problem.why.unwrap()), @"the variable AUDIT_URL holds no address to send to: not a usable URL: it does not begin with http:// or https://");
        assert!(signed(&|_| Ok(Secret::new("https://audit.example/hook/SECRET\n"))).is_ok());
    }

    #[test]
    fn any_answer_of_2xx_is_a_yes() {
        assert_eq!(judge(&answer(204, "")), Ok(Taken::default()));
        assert_eq!(judge(&answer(202, "queued")), Ok(Taken::default()));
        insta::assert_snapshot!(judge(&answer(401, "bad\nsignature")).unwrap_err().why, @"the receiver refused it (401 Unauthorized): bad signature");
    }

    fn check(story: &Story) {
        let file = file("  []\n").unwrap();
        let body = file.sections.channel("audit").unwrap().render(story).unwrap().remove(0).body;
        assert!(body.to_string().len() <= 256 * 1024, "{} bytes", body.to_string().len());
        let told = body["steps"].as_array().unwrap().len();
        assert!(told > 0);
        assert_eq!(body["left_out"]["steps"], json!(story.steps.len() - told));
    }

    proptest! {
        #[test]
        fn no_story_makes_a_body_that_is_too_large(story in any_story()) {
            check(&story);
        }
    }

    #[test]
    fn a_story_that_is_too_long_everywhere_is_cut() {
        overlong_stories().for_each(|story| check(&story));
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
}
