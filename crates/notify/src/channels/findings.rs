//! The security findings of a gate as issues: one for each of its conditions that looks for them.
//!
//! A condition that says no opens the issue, or says on it what it found now, once as long as that stays the same;
//! one that holds closes it. One that could not find out changes nothing.

use serde_json::json;
use sluice_config::FindingsChannel;
use sluice_core::{Problem, Verdict};

use super::{Channel, Message, Sending, hash, issue, nothing_rendered, ticket};
use crate::{
    delivery::{Outcome, Post},
    outputs::Delivery,
    story::{Scan, Story},
    untrusted::{Untrusted, cut},
};

const LABEL: &str = "security";
const NAME: usize = 120;
const LINE: usize = 400;
/// The most lines of evidence.
const LINES: usize = 100;

impl Channel for FindingsChannel {
    fn kind(&self) -> &'static str {
        "findings"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let conditions = ["findings", "reports"];
        Ok(conditions.into_iter().filter_map(|condition| about(self, condition, story)).collect())
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let github = ticket::github(post, "issues: write")?;
            let mut told: Option<Outcome> = None;
            for message in messages {
                let outcome = if let Ok(ticket) = serde_json::from_value::<ticket::Open>(message.body.clone())
                {
                    // The same findings are told once, whichever run finds them.
                    let told = hash(&[&ticket.comment]);
                    ticket::open(github, &ticket, &told).await
                } else {
                    let ticket =
                        serde_json::from_value(message.body.clone()).map_err(|_| nothing_rendered())?;
                    ticket::close(github, &ticket, &post.idempotency_key).await
                };
                told = Some(match told {
                    Some(before) => before.and(outcome),
                    None => outcome,
                });
            }
            Ok(told.unwrap_or_else(|| Outcome::new(Delivery::Skipped, "no gate looked for findings")))
        })
    }
}

/// The message about one kind of condition: the worst answer of all of its kind counts.
fn about(channel: &FindingsChannel, condition: &str, story: &Story) -> Option<Message> {
    let scans: Vec<&Scan> = story.scans.iter().filter(|scan| scan.condition == condition).collect();
    let worst = scans.iter().map(|scan| scan.verdict).max()?;
    let key = issue::key(&format!("security {condition}"), story);
    let labels = issue::labels(&channel.labels, LABEL);
    match worst {
        Verdict::Passed | Verdict::Skipped => {
            let comment = format!("Gone: the condition <code>{condition}</code> holds again.");
            let label = labels.into_iter().next().unwrap_or_default();
            Some(Message::new("close", json!(ticket::Close { key, comment, label })))
        }
        Verdict::Failed => {
            let found: Vec<&Scan> =
                scans.into_iter().filter(|scan| scan.verdict == Verdict::Failed).collect();
            let text = ticket::text(&text(condition, &found, story));
            let environment = story.environment.as_ref().map(|name| name.line(NAME));
            let place = environment.map(|name| format!(" in {name}")).unwrap_or_default();
            let reason = found.first().map(|scan| scan.reason.line(LINE)).unwrap_or_default();
            Some(Message::new(
                "issue",
                json!(ticket::Open {
                    key,
                    title: cut(&format!("Security findings{place}: {reason}"), ticket::TITLE),
                    body: text.clone(),
                    comment: text,
                    labels,
                    assignees: channel.assignees.iter().map(|name| name.value.clone()).collect(),
                }),
            ))
        }
        // It could not be found out: neither there nor gone.
        _ => None,
    }
}

/// What was found: nothing in it that differs from run to run, so that the same is told once.
fn text(condition: &str, scans: &[&Scan], story: &Story) -> Vec<String> {
    let environment = story.environment.as_ref().map(|name| ticket::code(name, NAME));
    let place = environment.map(|name| format!(" of {name}")).unwrap_or_default();
    let mut lines = vec![
        format!("The gate{place} stays closed: its condition <code>{condition}</code> says no."),
        String::new(),
    ];
    for scan in scans {
        lines.push(format!("- {}", ticket::code(&scan.reason, LINE)));
        let line = |text: &Untrusted| format!("  - {}", ticket::code(text, LINE));
        lines.extend(scan.evidence.iter().take(LINES).map(line));
        let rest = scan.evidence.len().saturating_sub(LINES);
        lines.extend((rest > 0).then(|| format!("  - and {rest} more")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sections::tests::file, story::tests::failure};

    fn story(scans: &[(&'static str, Verdict)]) -> Story {
        let mut story = failure();
        story.scans = scans
            .iter()
            .map(|(condition, verdict)| Scan {
                condition,
                verdict: *verdict,
                reason: "trivy.sarif: 1 critical (0 allowed)".into(),
                evidence: vec!["critical  CVE-2026-0001  go.mod:1  @mallory <!-- x -->".into()],
            })
            .collect();
        story
    }

    fn render(scans: &[(&'static str, Verdict)]) -> Vec<Message> {
        file("  []\n").unwrap().sections.channel("security").unwrap().render(&story(scans)).unwrap()
    }

    #[test]
    fn findings_are_an_issue_and_their_end_closes_it() {
        let opened = render(&[("reports", Verdict::Passed), ("reports", Verdict::Failed)]);
        let [message] = opened.as_slice() else { panic!("{opened:?}") };
        insta::assert_snapshot!(message.body["title"].as_str().unwrap(), @"Security findings in production: trivy.sarif: 1 critical (0 allowed)");
        insta::assert_snapshot!(message.body["body"].as_str().unwrap(), @r##"
The gate of <code>production</code> stays closed: its condition <code>reports</code> says no.

- <code>trivy.sarif: 1 critical &#40;0 allowed&#41;</code>
  - <code>critical CVE-2026-0001 go.mod&#58;1 &#64;mallory &#60;&#33;-- x --&#62;</code>
"##);
        let closed = render(&[("reports", Verdict::Passed)]);
        assert_eq!((closed[0].name, &closed[0].body["key"]), ("close", &message.body["key"]));
        assert!(render(&[("reports", Verdict::Undecided)]).is_empty() && render(&[]).is_empty());
        assert_eq!(render(&[("reports", Verdict::Failed), ("findings", Verdict::Failed)]).len(), 2);
    }
}
