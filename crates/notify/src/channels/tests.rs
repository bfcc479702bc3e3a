//! A channel of each kind, and stories that try them all: anything, too much of everything, and what strangers write to be read as more.

use proptest::prelude::*;
use sluice_config::{Event, File};
use sluice_core::{Configuration as _, Finding, Report, SubjectKind, Verdict};

use super::*;
use crate::{
    progress::{Stage, State},
    sections::Sections,
    story::{
        ChangeCommit, Link, Range, Scan, Story,
        tests::{report, tell},
    },
    untrusted::Untrusted,
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
pub(crate) fn any_text() -> impl Strategy<Value = String> {
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
            report.changes = vec![sluice_core::Change {
                name: texts[5].clone(),
                place: texts[1].clone(),
                before: texts[6].clone(),
                after: texts[7].clone(),
            }];
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
    fill(&mut story, text, 2);
    story
}

/// Puts the text, so many times, wherever strangers write what no report tells: commits, pages, findings.
pub(crate) fn fill(story: &mut Story, text: &str, times: usize) {
    let stranger = || Untrusted::new(text);
    story.approvers = vec![stranger(); times];
    story.links = vec![Link { label: stranger(), url: "https://example.com/1".to_owned() }; times];
    let commit =
        ChangeCommit { id: "1a2b3c4".into(), subject: stranger(), author: stranger(), pull: Some(7) };
    story.range = Some(Range { total: u64::MAX, newest: vec![commit; times], url: story.run.url.clone() });
    let scan = |condition, verdict| Scan {
        condition,
        verdict,
        reason: stranger(),
        evidence: vec![stranger(); times],
    };
    story.scans = vec![scan("findings", Verdict::Failed), scan("reports", Verdict::Passed)];
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
        reports[0].changes = (0..30)
            .map(|index| sluice_core::Change {
                name: format!("{index}{}", long(5)),
                place: "production".into(),
                before: long(6),
                after: long(7),
            })
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
        fill(&mut story, &long(10), 120);
        story
    })
}

/// Any story, some with a hundred times more of something than fits.
pub(crate) fn any_story() -> impl Strategy<Value = Story> {
    let event = prop::option::of(prop::sample::select(vec![Event::Start, Event::Rollback, Event::Success]));
    let excess = prop::sample::select(vec![Excess::None, Excess::Reports, Excess::Findings, Excess::Text]);
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
            fill(&mut story, &texts[1], texts[2].len() % 40);
            story
        },
    )
}
