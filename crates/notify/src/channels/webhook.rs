//! Any address that takes JSON.
//!
//! The body is the story as data, in schema [`SCHEMA`]: strangers' text stands in it as it was written, and it
//! is the receiver's to escape. Where the channel has a key, `X-Signature-256` is the HMAC with SHA-256 over the
//! time in `X-Timestamp`, a full stop and the body, in hex: a receiver checks it, and that the time is near.
//! `Idempotency-Key` is the same whenever the same message is sent again.

use ring::hmac;
use serde_json::{Value, json};
use sluice_config::Webhook;
use sluice_core::Problem;
use sluice_http::{HeaderName, HeaderValue, Request, Response, header::CONTENT_TYPE};

use super::{Channel, Message, Refusal, Sending, excerpt, hex, nothing_rendered};
use crate::{
    delivery::{Post, Repeat},
    inputs::name_of,
    story::{Change, Commit, Step, Story},
    untrusted::{Untrusted, cut},
};

/// The version of the body's schema.
const SCHEMA: u32 = 1;
/// How long one text may be, in UTF-16 code units.
const TEXT: usize = 1_000;
/// How long one name may be, in UTF-16 code units.
const NAME: usize = 300;
/// How many images, changes and commits are told.
const NAMES: usize = 10;
/// How many reasons a step tells.
const REASONS: usize = 10;
/// The bytes that all steps may have together.
const STEPS: usize = 100 * 1024;

impl Channel for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn render(&self, story: &Story) -> Vec<Message> {
        let mut room = STEPS;
        let steps: Vec<Value> = story
            .steps
            .iter()
            .map(step)
            .map_while(|step| {
                room = room.checked_sub(step.to_string().len())?;
                Some(step)
            })
            .collect();
        let commits = told(&story.commits, commit);
        let images = told(&story.images, name);
        let changes = told(&story.changes, change);
        let body = json!({
            "schema": SCHEMA,
            "event": name_of(story.event),
            "verdict": story.verdict,
            "title": title(story),
            "repository": story.run.repository.as_ref().map(name),
            "environment": story.environment.as_ref().map(name),
            "actor": story.run.actor.as_ref().map(name),
            "run_url": story.run.url.as_deref().map(|url| cut(url, TEXT)),
            "commits": commits,
            "images": images,
            "changes": changes,
            "steps": steps,
            "left_out": {
                "commits": story.commits.len() - commits.len(),
                "images": story.images.len() - images.len(),
                "changes": story.changes.len() - changes.len(),
                "steps": story.steps.len() - steps.len(),
            },
        });
        vec![Message::new("message", body)]
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let mut outcome = None;
            for message in messages {
                let request = request(self, &message.body, post)?;
                outcome = Some(post.request(self.kind(), request, Repeat::NotArrived, judge).await);
            }
            outcome.ok_or_else(nothing_rendered)
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
        let signature = sign(key.expose(), timestamp, &body);
        request = request.header(HeaderName::from_static("x-signature-256"), ascii(&signature)?);
    }
    Ok(request)
}

fn judge(answer: &Response) -> Result<Option<String>, Refusal> {
    if answer.status.is_success() {
        return Ok(None);
    }
    let why = format!("the receiver refused it ({}): {}", answer.status, excerpt(answer));
    Err(Refusal { why, help: None })
}

fn title(story: &Story) -> String {
    match &story.environment {
        Some(environment) => format!("{} in {}", story.outcome(), environment.line(NAME)),
        None => story.outcome().to_owned(),
    }
}

fn step(step: &Step) -> Value {
    let reasons = step.reasons.iter().take(REASONS);
    let reasons =
        reasons.map(|reason| json!({"subject": name(&reason.subject), "reason": text(&reason.text)}));
    json!({
        "name": name(&step.name),
        "verdict": step.verdict,
        "title": text(&step.title),
        "duration": step.duration.map(|duration| duration.as_secs_f64()),
        "reasons": reasons.collect::<Vec<_>>(),
        "left_out": {"reasons": step.reasons.len().saturating_sub(REASONS)},
    })
}

fn commit(commit: &Commit) -> Value {
    json!({"branch": commit.branch.as_ref().map(name), "id": name(&commit.id)})
}

fn change(change: &Change) -> Value {
    json!({"image": name(&change.image), "before": name(&change.before), "after": name(&change.after)})
}

fn told<T, V>(all: &[T], tell: impl Fn(&T) -> V) -> Vec<V> {
    all.iter().take(NAMES).map(tell).collect()
}

fn name(name: &Untrusted) -> String {
    cut(name.raw(), NAME)
}

fn text(text: &Untrusted) -> String {
    cut(text.raw(), TEXT)
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
    use sluice_config::FromEnvironment;
    use sluice_core::Secret;

    use super::*;
    use crate::{
        channels::tests::{answer, any_story, overlong_stories},
        delivery::tests::{client, limits, post},
        sections::tests::file,
        story::tests::failure,
    };

    #[test]
    fn the_body_is_the_story_as_data() {
        let file = file("  []\n").unwrap();
        insta::assert_snapshot!(format!("{:#}", file.sections.channel("audit").unwrap().render(&failure())[0].body), @r#"
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
    "steps": 0
  }
}
"#);
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
        assert_eq!(judge(&answer(204, "")), Ok(None));
        assert_eq!(judge(&answer(202, "queued")), Ok(None));
        insta::assert_snapshot!(judge(&answer(401, "bad\nsignature")).unwrap_err().why, @"the receiver refused it (401 Unauthorized): bad signature");
    }

    fn check(story: &Story) {
        let file = file("  []\n").unwrap();
        let body = file.sections.channel("audit").unwrap().render(story).remove(0).body;
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
}
