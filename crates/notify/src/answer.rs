//! What a run answers: outputs and report.

use indexmap::IndexMap;
use sluice_config::Event;
use sluice_core::{Block, Done, Draft, Finding, Link, Verdict};

use crate::{
    channels::Message,
    delivery::Outcome,
    inputs::{OnError, name_of},
    jobs::Jobs,
    outputs::{Delivery, Outputs},
    story::Story,
};

/// The outcome of each channel, in the order in which they were chosen.
pub(crate) type Outcomes = IndexMap<String, Outcome>;

/// What was told, and what was not.
pub(crate) fn told(
    story: &Story,
    outcomes: &Outcomes,
    on_error: OnError,
    was_interrupted: bool,
) -> Done<Outputs> {
    let delivered = outcomes.values().filter(|outcome| outcome.delivery == Delivery::Delivered).count();
    let channels = count(outcomes.len(), "channel");
    let mut title = format!("told {delivered} of {channels}: {}", what(story));
    let mut verdict =
        outcomes.values().map(|outcome| outcome.delivery.verdict()).max().unwrap_or(Verdict::Undecided);
    // Who ended the run did not ask for a warning.
    if on_error == OnError::Warn && !verdict.is_good() && !was_interrupted {
        verdict = Verdict::Passed;
        title.push_str(" (on-error: warn)");
    }
    done(story, Draft::new(verdict, title), outcomes)
}

/// What would be told: each message as it would be sent.
pub(crate) fn rehearsed(story: &Story, channels: Vec<(String, &'static str, Vec<Message>)>) -> Done<Outputs> {
    let title = format!("would tell {}: {}", count(channels.len(), "channel"), what(story));
    let mut outcomes = Outcomes::new();
    let mut draft = Draft::new(Verdict::Passed, title);
    for (channel, kind, messages) in channels {
        for Message { name, body } in messages {
            let text = format!("{body:#}\n");
            draft.block(Block::Diff { title: format!("{name} to {channel} ({kind})"), text });
        }
        outcomes.insert(channel, Outcome::new(Delivery::Skipped, "not sent: this is a dry run"));
    }
    done(story, draft, &outcomes)
}

/// That nobody is to be told, by this many routes.
pub(crate) fn no_route(story: &Story, routes: usize) -> Done<Outputs> {
    let title = format!("no route for {}", what(story));
    let mut done = done(story, Draft::new(Verdict::Skipped, title), &Outcomes::new());
    if routes == 0 {
        let mut finding = Finding::new("routes", Verdict::Skipped, "the configuration has none");
        finding.help = Some(format!(
            "write in .github/sluice.yml for example `notify: [{{on: [{}], channels: [deployments]}}]`, or name channels with the input `channel`",
            name_of(story.event)
        ));
        done.report.finding(finding);
    }
    done
}

/// That everybody is left alone now.
pub(crate) fn all_held(story: &Story) -> Done<Outputs> {
    let title = format!("held back in quiet hours: {}", what(story));
    done(story, Draft::new(Verdict::Skipped, title), &Outcomes::new())
}

/// That nothing is sent on a fork's behalf.
pub(crate) fn fork(story: &Story) -> Done<Outputs> {
    let title = format!("nothing sent for a pull request from a fork: {}", what(story));
    let mut done = done(story, Draft::new(Verdict::Skipped, title), &Outcomes::new());
    let reason = "forks are given no secrets, and their configuration does not decide where messages go";
    done.report.finding(Finding::new("fork", Verdict::Skipped, reason));
    done
}

/// That the event asked for was not the one told.
pub(crate) fn note_other_event(done: &mut Done<Outputs>, asked: Option<Event>) {
    if let Some(asked) = asked.filter(|asked| *asked != done.outputs.event) {
        let told = name_of(done.outputs.event);
        let reason = format!("{} was asked for, but reports and jobs say {told}", name_of(asked));
        done.report.finding(Finding::new("event", Verdict::Skipped, reason));
    }
}

/// That channels were left alone, and why.
pub(crate) fn note_held(done: &mut Done<Outputs>, held: &[(&str, String)]) {
    for (channel, why) in held {
        done.outputs.delivered.insert((*channel).to_owned(), Delivery::Skipped);
        done.report.finding(Finding::new(*channel, Verdict::Skipped, why));
    }
}

/// That outputs of jobs came empty, as those do that hold a masked value.
pub(crate) fn note_empty_outputs(done: &mut Done<Outputs>, jobs: &Jobs) {
    let empty: Vec<String> = jobs.empty_outputs().collect();
    if !empty.is_empty() {
        let reason = format!("came empty: {}", empty.join(", "));
        let mut finding = Finding::new("outputs", Verdict::Skipped, reason);
        finding.help = Some(
            "the runner hands on no output that holds a masked value: if one of these should not be empty, its value holds a secret".into(),
        );
        done.report.finding(finding);
    }
}

fn done(story: &Story, mut report: Draft, outcomes: &Outcomes) -> Done<Outputs> {
    for (channel, outcome) in outcomes {
        let mut finding = Finding::new(channel, outcome.delivery.verdict(), &outcome.reason);
        finding.evidence.extend(outcome.effort.clone());
        finding.help.clone_from(&outcome.help);
        finding.place.clone_from(&outcome.place);
        report.finding(finding);
    }
    if let Some(environment) = &story.environment {
        report.fact("environment", environment.raw());
    }
    if let Some(step) = story.cause() {
        report.fact("cause", format!("{}: {}", step.name.raw(), step.title.raw()));
    }
    report.links.extend(story.run.url.clone().map(|url| Link { label: "run".into(), url }));
    let delivered = outcomes.iter().map(|(channel, outcome)| (channel.clone(), outcome.delivery)).collect();
    let message_id = outcomes
        .iter()
        .filter_map(|(channel, outcome)| Some((channel.clone(), outcome.message_id.clone()?)))
        .collect();
    Done { outputs: Outputs { event: story.event, delivered, message_id }, report }
}

/// "failure in production"
fn what(story: &Story) -> String {
    let event = name_of(story.event);
    match &story.environment {
        Some(environment) => format!("{event} in {}", environment.raw()),
        None => event.to_owned(),
    }
}

fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use sluice_core::{Place, Problem};

    use super::*;
    use crate::story::tests::failure;

    /// The report as a person reads it.
    fn shown(done: Done<Outputs>) -> String {
        let verdict = done.report.verdict;
        let report = done.report.into_report("notify", None, jiff::Timestamp::UNIX_EPOCH, 0.5);
        format!(
            "{verdict}, {}\n{}",
            serde_json::to_string(&done.outputs).unwrap(),
            sluice_core::terminal(&report, false)
        )
    }

    fn outcomes() -> Outcomes {
        let missing = Problem::misconfigured("the variable AUDIT_URL is not set, or empty")
            .help("give the step `env: {AUDIT_URL: \"${{ secrets.AUDIT_URL }}\"}`, and check that the secret exists")
            .at(Place::at(".github/sluice.yml", 4, 26));
        let refused = Outcome {
            effort: Some("1 try, 120ms".into()),
            help: Some("the webhook does not exist any more".into()),
            ..Outcome::new(Delivery::Refused, "Slack refused it (403 Forbidden): invalid_token")
        };
        let delivered = Outcome {
            effort: Some("2 tries, 1.2s".into()),
            ..Outcome::new(Delivery::Delivered, "delivered to slack")
        };
        [
            ("deployments".to_owned(), delivered),
            ("team".to_owned(), refused),
            ("audit".to_owned(), Outcome::of_problem(missing)),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn each_channel_is_answered_for() {
        insta::assert_snapshot!(shown(told(&failure(), &outcomes(), OnError::Fail, false)), @r#"
misconfigured, {"event":"failure","delivered":{"deployments":"delivered","team":"refused","audit":"misconfigured"},"message-id":{}}
✗ notify — told 1 of 3 channels: failure in production

  ✓ deployments  delivered to slack
                 2 tries, 1.2s
  ✗ team         Slack refused it (403 Forbidden): invalid_token
                 1 try, 120ms
                 help: the webhook does not exist any more
  ✗ audit        the variable AUDIT_URL is not set, or empty
                 help: give the step `env: {AUDIT_URL: "${{ secrets.AUDIT_URL }}"}`, and check that the secret exists
                 --> .github/sluice.yml:4:26

  environment  production
  cause        smoke-test: 2 of 12 checks failed
  run          https://github.com/acme/shop/actions/runs/7/attempts/2
"#);
    }

    #[test]
    fn the_worst_outcome_decides_unless_a_warning_is_enough() {
        let verdict = |delivery, on_error, interrupted| {
            let mut outcomes = outcomes();
            outcomes.retain(|channel, _| channel == "deployments");
            outcomes.insert("other".into(), Outcome::new(delivery, "x"));
            told(&failure(), &outcomes, on_error, interrupted).report.verdict
        };
        assert_eq!(verdict(Delivery::Delivered, OnError::Fail, false), Verdict::Passed);
        assert_eq!(verdict(Delivery::Refused, OnError::Fail, false), Verdict::Failed);
        assert_eq!(verdict(Delivery::Unreachable, OnError::Fail, false), Verdict::Undecided);
        assert_eq!(verdict(Delivery::Misconfigured, OnError::Fail, false), Verdict::Misconfigured);
        assert_eq!(verdict(Delivery::Unreachable, OnError::Warn, false), Verdict::Passed);
        assert_eq!(verdict(Delivery::Unreachable, OnError::Warn, true), Verdict::Undecided);
    }

    #[test]
    fn a_warning_is_said_in_the_title() {
        let title = told(&failure(), &outcomes(), OnError::Warn, false).report.title;
        assert_eq!(title, "told 1 of 3 channels: failure in production (on-error: warn)");
    }

    #[test]
    fn nothing_sent_says_why() {
        let mut other = no_route(&failure(), 3);
        note_other_event(&mut other, Some(Event::Success));
        insta::assert_snapshot!(shown(other), @r#"
skipped, {"event":"failure","delivered":{},"message-id":{}}
– notify — no route for failure in production

  – event  success was asked for, but reports and jobs say failure

  environment  production
  cause        smoke-test: 2 of 12 checks failed
  run          https://github.com/acme/shop/actions/runs/7/attempts/2
"#);
        let findings = no_route(&failure(), 0).report.findings;
        assert!(findings[0].help.as_ref().unwrap().contains("on: [failure]"), "{findings:?}");
        insta::assert_snapshot!(shown(fork(&failure())), @r#"
skipped, {"event":"failure","delivered":{},"message-id":{}}
– notify — nothing sent for a pull request from a fork: failure in production

  – fork  forks are given no secrets, and their configuration does not decide where messages go

  environment  production
  cause        smoke-test: 2 of 12 checks failed
  run          https://github.com/acme/shop/actions/runs/7/attempts/2
"#);
    }

    #[test]
    fn a_rehearsal_prints_each_message() {
        let message = serde_json::json!({"text": "hello"});
        insta::assert_snapshot!(shown(rehearsed(&failure(), vec![("deployments".into(), "slack", vec![Message::new("message", message)])])), @r#"
passed, {"event":"failure","delivered":{"deployments":"skipped"},"message-id":{}}
✓ notify — would tell 1 channel: failure in production

  – deployments  not sent: this is a dry run

  message to deployments (slack)
  {
    "text": "hello"
  }

  environment  production
  cause        smoke-test: 2 of 12 checks failed
  run          https://github.com/acme/shop/actions/runs/7/attempts/2
"#);
    }
}
