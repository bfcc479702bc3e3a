//! The kinds of channels: how each renders a story, how it is asked, and what its answers mean.
//!
//! One file a kind. A new kind is a file with a [`Channel`] and one arm in [`channel`].

mod deployment;
mod findings;
mod issue;
mod slack;
mod status;
mod ticket;
mod webhook;

use std::{fmt::Write as _, pin::Pin};

use ring::digest;
use serde_json::Value;
use sluice_core::{Problem, Verdict};
use sluice_http::Response;

use crate::{
    delivery::{Outcome, Post},
    outputs::Delivery,
    story::Story,
    untrusted::Untrusted,
};

/// A channel: somewhere to tell a story.
pub(crate) trait Channel {
    /// Its kind, as the configuration spells it.
    fn kind(&self) -> &'static str;

    /// The story as the channel shows it, within all of its limits. Pure: neither clock nor network nor secret.
    fn render(&self, story: &Story) -> Vec<Message>;

    /// Hands the rendered messages over. It fails before anything was sent when a secret is missing or unusable;
    /// what goes wrong afterwards is part of the outcome.
    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a>;
}

/// A rendered message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// What it is among the messages of its channel, in one word: `message`, `reply`, `alert`.
    pub(crate) name: &'static str,
    /// What is sent, secrets left out: JSON, or a string where the channel takes text.
    pub(crate) body: Value,
}

/// The sending of a channel's messages.
pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Problem>> + 'a>>;

/// Why a channel did not take a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) help: Option<String>,
}

/// The channel that the configuration describes.
pub(crate) fn channel<'a>(
    name: &str,
    channel: &'a sluice_config::Channel,
) -> Result<&'a dyn Channel, Problem> {
    match channel {
        sluice_config::Channel::Slack(slack) => Ok(slack),
        sluice_config::Channel::Webhook(webhook) => Ok(webhook),
        sluice_config::Channel::Issue(issue) => Ok(issue),
        sluice_config::Channel::Status(status) => Ok(status),
        sluice_config::Channel::Deployment(deployment) => Ok(deployment),
        sluice_config::Channel::Findings(findings) => Ok(findings),
        sluice_config::Channel::PagerDuty(_) => {
            Err(Problem::misconfigured(format!("this version can't tell the channel \"{name}\" anything"))
                .why("it is of kind `pagerduty`, and messages go to `slack` and `webhook` only")
                .help("name another channel instead"))
        }
    }
}

impl Message {
    pub(crate) fn new(name: &'static str, body: Value) -> Self {
        Self { name, body }
    }
}

/// A channel that renders nothing tells nobody anything, which must not pass for a delivery.
fn nothing_rendered() -> Problem {
    Problem::undecided("the channel rendered no message")
}

/// That a channel has nothing to say of this event.
fn not_told() -> Outcome {
    Outcome::new(Delivery::Skipped, "it has nothing to say of this event")
}

/// The sign of a verdict.
fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✅",
        Verdict::Skipped => "➖",
        Verdict::Pending => "⏳",
        Verdict::Failed | Verdict::Misconfigured => "❌",
        Verdict::Undecided => "❔",
        Verdict::Broken => "🚨",
    }
}

/// An address that can stand in a Markdown link; none where it could end the link or lead elsewhere.
fn link_target(url: &str) -> Option<&str> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url.bytes().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b':' | b'/' | b'.' | b'-' | b'_' | b'?' | b'=' | b'&' | b'%' | b'#')
    });
    (is_web && is_plain && url.len() <= 1_000).then_some(url)
}

/// A key that is the same for the same parts.
pub(crate) fn hash(parts: &[&str]) -> String {
    hex(digest::digest(&digest::SHA256, parts.join("\0").as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The beginning of an answer's body, as evidence.
fn excerpt(answer: &Response) -> String {
    let body = Untrusted::new(String::from_utf8_lossy(&answer.body));
    if body.is_empty() { "(an empty body)".to_owned() } else { body.line(200) }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use sluice_config::Event;
    use sluice_core::{Finding, Report, SubjectKind, Verdict};

    use super::*;
    use crate::story::tests::{report, tell};

    /// An answer as the client hands it over.
    pub(crate) fn answer(status: u16, body: &str) -> Response {
        Response {
            status: sluice_http::StatusCode::from_u16(status).unwrap(),
            version: sluice_http::Version::HTTP_11,
            headers: sluice_http::HeaderMap::new(),
            body: body.to_owned().into(),
            truncated: false,
            timings: sluice_http::Timings::default(),
            url: sluice_http::Url::parse("https://hooks.example.com/services/SECRET").unwrap(),
        }
    }

    /// Text as strangers write it: markup of every channel, invisible characters, anything.
    fn any_text() -> impl Strategy<Value = String> {
        let markup = prop::sample::select(vec![
            "<!channel>",
            "<@U123>",
            "@here",
            "&lt;!here&gt;",
            "*b*",
            "`c`",
            "```",
            ":x:",
            "<https://evil.example|ok>",
            "\n",
            "\r",
            "\u{202e}",
            "\u{0}",
            "\u{1b}[31m",
            "\"",
            "\\",
            "&&&&&&&&",
            "😀",
            "日本",
            "e\u{301}",
            "{{x}}",
            "",
            " ",
        ]);
        prop::collection::vec(prop_oneof![markup.prop_map(str::to_owned), any::<String>()], 0..6)
            .prop_map(|parts| parts.concat())
    }

    fn any_report() -> impl Strategy<Value = Report> {
        use Verdict::*;
        let verdict =
            || prop::sample::select(vec![Passed, Skipped, Pending, Failed, Misconfigured, Undecided, Broken]);
        let finding = (any_text(), verdict(), any_text())
            .prop_map(|(subject, verdict, reason)| Finding::new(subject, verdict, reason));
        let texts = prop::collection::vec(any_text(), 8);
        (texts, verdict(), prop::collection::vec(finding, 0..5), any::<f64>()).prop_map(
            |(texts, verdict, findings, duration)| {
                let mut report = report(&texts[0], verdict, &texts[1]);
                report.command = Some(texts[2].clone());
                report.findings = findings;
                report.duration = duration;
                for (kind, text) in [(SubjectKind::Image, &texts[3]), (SubjectKind::Commit, &texts[4])] {
                    let digest = Some(texts[5].clone());
                    report.subjects.push(sluice_core::Subject { kind, name: text.clone(), digest });
                }
                if let Some(finding) = report.findings.first_mut() {
                    report.action = "bump-image-tag".into();
                    finding.verdict = Passed;
                    finding.reason = format!("{}: {} -> {}", texts[5], texts[6], texts[7]);
                }
                report
            },
        )
    }

    /// What can be too much of.
    #[derive(Clone, Copy, Debug)]
    enum Excess {
        None,
        Reports,
        Findings,
        Text,
    }

    /// Stories in which everything is too long and too many, each made of one character that grows in some form
    /// of escaping.
    pub(crate) fn overlong_stories() -> impl Iterator<Item = Story> {
        ["a", "&", "<", "\"", "\\", "\u{0}", "\u{202e}", "日", "😀", "`"].into_iter().map(|character| {
            let long = |index: usize| format!("{}{index}", character.repeat(2_500));
            let mut reports: Vec<Report> = (0..60)
                .map(|index| {
                    let mut report = report(&long(0), Verdict::Failed, &long(1));
                    report.findings = vec![Finding::new(long(2), Verdict::Failed, long(3)); 12];
                    for kind in [SubjectKind::Image, SubjectKind::Commit] {
                        let (name, digest) = (format!("{index}{}", long(4)), Some(long(index)));
                        report.subjects.push(sluice_core::Subject { kind, name, digest });
                    }
                    report
                })
                .collect();
            reports[0].action = "bump-image-tag".into();
            reports[0].findings = (0..30)
                .map(|index| format!("{index}{}: {} -> {}", long(5), long(6), long(7)))
                .map(|reason| Finding::new("production", Verdict::Passed, reason))
                .collect();
            let mut story = tell(None, reports, "{}", &[]).unwrap();
            let text = Some(Untrusted::new(long(8)));
            story.environment.clone_from(&text);
            story.run.repository.clone_from(&text);
            story.run.workflow.clone_from(&text);
            story.run.actor = text;
            story.run.number = Some(long(9));
            story.run.url = Some(format!("https://github.com/{}", long(9)));
            story
        })
    }

    /// Any story, some with a hundred times more of something than fits.
    pub(crate) fn any_story() -> impl Strategy<Value = Story> {
        let event =
            prop::option::of(prop::sample::select(vec![Event::Start, Event::Rollback, Event::Success]));
        let excess =
            prop::sample::select(vec![Excess::None, Excess::Reports, Excess::Findings, Excess::Text]);
        let texts = prop::collection::vec(any_text(), 6);
        (prop::collection::vec(any_report(), 1..5), excess, event, texts).prop_map(
            |(mut reports, excess, event, mut texts)| {
                match excess {
                    Excess::None => {}
                    Excess::Reports => reports = std::iter::repeat_n(reports, 100).flatten().collect(),
                    Excess::Findings => reports.iter_mut().for_each(|report| {
                        let findings = std::mem::take(&mut report.findings);
                        report.findings = std::iter::repeat_n(findings, 500).flatten().collect();
                    }),
                    Excess::Text => {
                        for text in &mut texts {
                            *text = text.repeat(1000);
                        }
                        for report in &mut reports {
                            report.title = report.title.repeat(1000);
                            report.action = report.action.repeat(1000);
                            for finding in &mut report.findings {
                                finding.reason = finding.reason.repeat(1000);
                            }
                            for subject in &mut report.subjects {
                                subject.name = subject.name.repeat(1000);
                            }
                        }
                    }
                }
                let mut story = tell(event, reports, "{}", &["smoke-test"]).unwrap();
                let text = |index: usize| Some(Untrusted::new(&texts[index]));
                story.environment = text(0);
                story.run.repository = text(1);
                story.run.workflow = text(2);
                story.run.actor = text(3);
                story.run.number = Some(texts[4].clone());
                story.run.url = Some(format!("https://github.com/{}", texts[5]));
                story
            },
        )
    }
}
