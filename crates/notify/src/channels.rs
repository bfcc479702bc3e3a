//! The kinds of channels: how each renders a story, how it is asked, and what its answers mean.
//!
//! One file a kind. A new kind is a file with a [`Channel`] and one arm in [`channel`].

mod datadog;
mod deployment;
mod discord;
mod email;
mod eventbridge;
mod findings;
mod grafana;
mod issue;
mod pagerduty;
mod slack;
mod sns;
mod status;
mod teams;
mod ticket;
mod webhook;

#[cfg(test)]
pub(crate) mod limits;

use std::{fmt::Write as _, pin::Pin};

use ring::digest;
use serde_json::Value;
use sluice_config::Placed;
use sluice_core::{Problem, Verdict};
use sluice_http::{Response, Url};

use crate::{
    delivery::{Outcome, Post},
    inputs::name_of,
    outputs::Delivery,
    story::Story,
    untrusted::{Untrusted, cut},
};

/// A channel: somewhere to tell a story.
pub(crate) trait Channel {
    /// Its kind, as the configuration spells it.
    fn kind(&self) -> &'static str;

    /// The story as the channel shows it, within all of its limits. Pure: neither clock nor network nor secret.
    ///
    /// It fails only where the configuration has a say in the rendering, and is wrong.
    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem>;

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

/// That a channel took a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// What the message is updated by.
    pub(crate) message_id: Option<String>,
    /// What it means where it means less than that the message is shown.
    pub(crate) note: Option<&'static str>,
}

/// Why a channel did not take a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) help: Option<String>,
    /// Whether the message that was to be updated is there no more.
    pub(crate) is_gone: bool,
    /// Whether the channel surely did nothing, and may take the message a little later.
    pub(crate) is_temporary: bool,
}

/// The channel that the configuration describes.
pub(crate) fn channel(channel: &sluice_config::Channel) -> Result<&dyn Channel, Problem> {
    use sluice_config::Channel as Kind;
    match channel {
        Kind::Slack(channel) => slack::check(channel).map(|()| channel as _),
        Kind::Teams(channel) => Ok(channel),
        Kind::PagerDuty(channel) => check(channel.url.as_ref()).map(|()| channel as _),
        Kind::Datadog(channel) => check(channel.url.as_ref()).map(|()| channel as _),
        Kind::Grafana(channel) => check(Some(&channel.url)).map(|()| channel as _),
        Kind::Discord(channel) => Ok(channel),
        Kind::Webhook(channel) => webhook::check(channel).map(|()| channel as _),
        Kind::Email(channel) => email::check(channel).map(|()| channel as _),
        Kind::Sns(channel) => sns::check(channel).map(|()| channel as _),
        Kind::EventBridge(channel) => Ok(channel),
        Kind::Issue(channel) => Ok(channel),
        Kind::Status(channel) => Ok(channel),
        Kind::Deployment(channel) => Ok(channel),
        Kind::Findings(channel) => Ok(channel),
    }
}

fn check(url: Option<&Placed<String>>) -> Result<(), Problem> {
    url.map_or(Ok(()), |url| endpoint(Some(url), "").map(drop))
}

/// Where an API answers: what the configuration says, else its own address. A secret goes there, so that nothing
/// but this machine is spoken to without TLS.
fn endpoint(url: Option<&Placed<String>>, default: &str) -> Result<Url, Problem> {
    let text = url.map_or(default, |url| url.as_str());
    let invalid = || Problem::misconfigured("an address of a channel can't be used");
    let help = "write it as `https://host`";
    let parsed = Url::parse(text).map_err(|error| invalid().why(error).help(help))?;
    if text.starts_with("https://") || is_loopback(parsed.host()) {
        return Ok(parsed);
    }
    Err(invalid().why("it is not encrypted, and a secret would go there").help(help))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The address of a path below another one.
fn under(base: &Url, path: &str) -> Result<Url, Problem> {
    Url::parse(&format!("{}/{path}", base.reveal().trim_end_matches('/')))
        .map_err(|error| Problem::misconfigured("an address of a channel can't be used").why(error))
}

/// The tags of a story, each at most so long: `sluice`, event, environment and repository, then those of the
/// configuration.
fn tags(story: &Story, more: &[String], longest: usize) -> Vec<String> {
    let tag = |name: &str, value: &Option<Untrusted>| {
        let value = value.as_ref()?.line(longest);
        // What all systems of tags allow.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        let value: String = value.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
        (!value.is_empty()).then(|| cut_ascii(&format!("{name}:{}", value.to_lowercase()), longest))
    };
    let mut tags = vec!["sluice".to_owned(), format!("event:{}", name_of(story.event))];
    tags.extend(tag("environment", &story.environment));
    tags.extend(tag("repository", &story.run.repository));
    tags.extend(more.iter().map(|tag| cut(tag, longest)));
    tags
}

fn cut_ascii(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// What AWS says instead of success.
fn refused_by_aws(service: &str, answer: &Response) -> Refusal {
    refusal_of_aws(service, &sluice_sigv4::Refusal::of(answer))
}

fn refusal_of_aws(service: &str, refusal: &sluice_sigv4::Refusal) -> Refusal {
    let is_temporary = refusal.reason() == sluice_sigv4::Reason::Throttled;
    let why = format!("{service} refused it: {}", Untrusted::new(refusal.to_string()).line(300));
    Refusal { why, help: Problem::from(refusal.clone()).help, is_temporary, ..Refusal::default() }
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
    use crate::{
        progress::{Stage, State},
        story::tests::{report, tell},
    };

    /// An answer as the client hands it over.
    pub(crate) fn answer(status: u16, body: &str) -> Response {
        Response {
            status: sluice_http::StatusCode::from_u16(status).unwrap(),
            version: sluice_http::Version::HTTP_11,
            headers: sluice_http::HeaderMap::new(),
            body: body.to_owned().into(),
            truncated: false,
            size: body.len() as u64,
            trailers: sluice_http::HeaderMap::new(),
            certificate: None,
            timings: sluice_http::Timings::default(),
            url: Url::parse("https://hooks.example.com/services/SECRET").unwrap(),
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

    /// What strangers write where they hope to be read as something else than text.
    pub(crate) const INJECTIONS: [&str; 42] = [
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
        "@slack-oncall @pagerduty @all",
        "a\n*bold*\n> quote",
        "`</code>` ```block```",
        "``` @everyone ```",
        "*bold* _it_ ~strike~ __under__ ||spoiler||",
        "# heading\n- item",
        ":rotating_light: :x: <:a:1>",
        "a\r\n::error::b",
        "x\u{202e}txt.exe",
        "\u{200b}\u{feff}\u{2066}",
        "\u{1b}]0;title\u{7}",
        "\"}, {\"type\": \"divider\"}",
        "\"}],\"allowed_mentions\":{\"parse\":[\"everyone\"]}",
        "<!date^1^{date}^https://evil.example|x>",
        "\\u003c!channel\\u003e",
        "`",
        "\\",
        "https://evil.example/?a=<b>|c",
        "[Open the run](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "<at>Everyone</at>",
        "{{DATE(2026-01-02T03:04:05Z,SHORT)}}",
        "{{{{title}}}} ${title} {% raw %}",
        "%%%\n# markdown\n%%%",
        "%%%%%%%",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "</div></body><a href=\"https://evil.example\">Open the run</a>",
        "' onmouseover='alert(1)",
        "x\r\nBcc: victim@evil.example\r\n\r\nbody",
        ".\r\nMAIL FROM:<a@evil.example>\r\nDATA",
    ];

    /// A story in which strangers wrote this wherever they can.
    pub(crate) fn injected(text: &str) -> Story {
        let mut bad = report(text, Verdict::Failed, text);
        bad.findings.push(Finding::new(text, Verdict::Failed, text));
        let mut story = tell(None, vec![bad], "{}", &[]).unwrap();
        for place in
            [&mut story.environment, &mut story.run.repository, &mut story.run.actor, &mut story.run.workflow]
        {
            *place = Some(text.into());
        }
        story.commits[0].branch = Some(text.into());
        story.images.push(text.into());
        story.progress = vec![Stage { name: text.into(), state: State::Current }];
        story.run.number = Some(text.into());
        story.run.url = Some(format!("https://github.com/{text}"));
        story
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
            story.progress = vec![Stage { name: Untrusted::new(long(8)), state: State::Current }; 2_000];
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
                let stage = Stage { name: Untrusted::new(&texts[5]), state: State::Waiting };
                story.progress = vec![stage; texts[4].len() % 40];
                story
            },
        )
    }
}
