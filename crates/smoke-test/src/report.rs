//! What a run says: the answer first, then what is wrong and how to see it oneself.

use sluice_core::{Block, Draft, Finding, Interrupted, Place, Verdict};
use sluice_http::Timings;

use crate::curl;
use crate::excerpt::{cut, seconds};
use crate::plan::Plan;
use crate::probe::{Attempt, Next, Probe};
use crate::run::{End, Outcome};

/// Where more checks passed, they are told in one line.
const LISTED: usize = 20;

/// So many timings show what they have in common.
const MOST_TIMED: usize = 50;

pub(crate) fn draft(plan: &Plan, end: &End) -> Draft {
    let mut draft = Draft::new(end.verdict(), title(end));
    for verdict in [Verdict::Failed, Verdict::Undecided] {
        for (probe, outcome) in with_verdict(plan, end, verdict) {
            draft.finding(finding(plan, probe, outcome, end.interrupted));
        }
    }
    if end.count(Verdict::Passed) > LISTED {
        draft.finding(all_passed(plan, end));
    } else {
        for (probe, outcome) in with_verdict(plan, end, Verdict::Passed) {
            draft.finding(Finding::new(&probe.name, Verdict::Passed, reason(outcome)));
        }
    }
    draft.blocks.extend(timings(plan, end));
    for (name, value) in &plan.facts {
        draft.fact(*name, plan.secrets.strike(value));
    }
    draft
}

/// The phases of the last answers that were not right.
fn timings(plan: &Plan, end: &End) -> Option<Block> {
    let rows: Vec<Vec<String>> = plan
        .probes
        .iter()
        .zip(&end.outcomes)
        .filter(|(_, outcome)| outcome.verdict == Verdict::Failed)
        .filter_map(|(probe, outcome)| {
            let Timings { dns, connect, tls, first_byte, total } = outcome.last.as_ref()?.timings?;
            let phases = [dns, connect, tls, Some(first_byte), Some(total)];
            let shown = phases.map(|phase| phase.map_or_else(|| "–".to_owned(), seconds));
            Some([probe.name.clone()].into_iter().chain(shown).collect())
        })
        .take(MOST_TIMED)
        .collect();
    let header = ["check", "dns", "connect", "tls", "first byte", "total"].map(str::to_owned).to_vec();
    (!rows.is_empty()).then(|| Block::Table { title: "Timing of what failed".to_owned(), header, rows })
}

fn with_verdict<'a>(
    plan: &'a Plan,
    end: &'a End,
    verdict: Verdict,
) -> impl Iterator<Item = (&'a Probe, &'a Outcome)> {
    let checks = plan.probes.iter().map(AsRef::as_ref).zip(&end.outcomes);
    checks.filter(move |(_, outcome)| outcome.verdict == verdict)
}

fn title(end: &End) -> String {
    let total = end.outcomes.len();
    let checks = if total == 1 { "check" } else { "checks" };
    let (failed, undecided) = (end.count(Verdict::Failed), end.count(Verdict::Undecided));
    let title = match (failed, undecided) {
        (0, 0) => format!("{total} of {total} {checks} passed in {}", seconds(end.duration)),
        (0, undecided) if end.interrupted.is_some() => {
            format!("{undecided} of {total} {checks} had not passed yet")
        }
        (0, undecided) => format!("{undecided} of {total} {checks} could not be decided"),
        (failed, 0) => format!("{failed} of {total} {checks} failed"),
        (failed, undecided) => {
            let blocked = end.outcomes.iter().filter(|outcome| outcome.is_blocked).count();
            let rest = [(undecided - blocked, "undecided"), (blocked, "not tried")];
            let rest = rest.into_iter().filter(|(count, _)| *count > 0);
            rest.fold(format!("{failed} of {total} {checks} failed"), |title, (count, what)| {
                format!("{title}, {count} {what}")
            })
        }
    };
    match end.interrupted {
        Some(interrupted) => format!("{interrupted}: {title}"),
        None => title,
    }
}

/// The passed checks in one line, with the slowest of them.
fn all_passed(plan: &Plan, end: &End) -> Finding {
    let passed = end.count(Verdict::Passed);
    let subject = if passed < end.outcomes.len() {
        format!("{passed} more passed")
    } else {
        format!("{passed} checks")
    };
    let took = |outcome: &Outcome| outcome.last.as_ref()?.timings.map(|timings| timings.total);
    let slowest = with_verdict(plan, end, Verdict::Passed)
        .filter_map(|(probe, outcome)| Some((took(outcome)?, &probe.name)))
        .max();
    let reason = slowest
        .map_or_else(String::new, |(time, name)| format!("the slowest took {}: {name}", seconds(time)));
    Finding::new(subject, Verdict::Passed, reason)
}

fn finding(plan: &Plan, probe: &Probe, outcome: &Outcome, interrupted: Option<Interrupted>) -> Finding {
    let mut finding = Finding::new(&probe.name, outcome.verdict, reason(outcome));
    let mut see = |label: &str, text: &str| finding.evidence.push(format!("{label:<9} {text}"));
    if let Some(earlier) = &outcome.earlier {
        see("earlier", &format!("{earlier}; so the host can be reached"));
    }
    for mismatch in outcome.last.iter().flat_map(|last| &last.mismatches) {
        see("expected", &mismatch.expected);
        see("actual", &mismatch.actual);
    }
    if let Some(last) = &outcome.last {
        if let Some(why) = why_no_further_try(last, outcome, interrupted) {
            see("tried", &why);
        }
        // What is wrong with a body shows it already.
        let is_shown =
            |answer: &str| last.mismatches.iter().any(|mismatch| mismatch.actual.ends_with(answer));
        if let Some(answer) = last.answer.as_ref().filter(|answer| !is_shown(answer)) {
            see("answer", answer);
        }
    }
    if let Some(versions) = versions(outcome) {
        see("answered", &versions);
    }
    if let Some(sampled) = &outcome.sampled {
        see("measured", &sampled.summary());
    }
    let tried = outcome.filled.as_deref().unwrap_or(probe);
    if let Some((http, url)) = tried.kind.http().filter(|_| !outcome.is_blocked) {
        see("by hand", &curl::line(http, url, plan.network.ca_file.as_deref(), &plan.secrets));
    }
    finding.help = outcome.last.as_ref().and_then(|last| last.help.clone());
    finding.place = place(probe, outcome);
    finding
}

fn reason(outcome: &Outcome) -> String {
    // That the old version answered before is worth to be seen, though it does no more.
    let passed_after = versions(outcome).filter(|_| outcome.verdict == Verdict::Passed);
    let reason = passed_after.map_or_else(
        || outcome.reason.clone(),
        |versions| format!("{}, versions {versions}", outcome.reason),
    );
    match outcome.tries {
        0 | 1 => reason,
        tries => format!("{reason} ({tries} tries in {})", seconds(outcome.duration)),
    }
}

fn why_no_further_try(last: &Attempt, outcome: &Outcome, interrupted: Option<Interrupted>) -> Option<String> {
    let times = if outcome.tries == 1 { "once".to_owned() } else { format!("{} times", outcome.tries) };
    match (last.next, interrupted) {
        (Next::Final(why), _) => Some(format!("{times}: {why}")),
        (_, Some(interrupted)) if !outcome.is_final => Some(format!("{times}, then: {interrupted}")),
        _ => None,
    }
}

/// Which versions answered, and how often each did.
fn versions(outcome: &Outcome) -> Option<String> {
    let counts: Vec<_> = outcome
        .versions
        .iter()
        .map(|(version, count)| format!("{} × {count}", cut(version.as_bytes())))
        .collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

/// The first expectation that was not met, else the check.
fn place(probe: &Probe, outcome: &Outcome) -> Option<Place> {
    let check = probe.place.clone()?;
    let expectation = outcome.last.as_ref()?.mismatches.iter().find_map(|mismatch| mismatch.place);
    Some(match expectation {
        Some(place) => Place::at(check.file, place.line, place.column),
        None => check,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sluice_core::terminal;

    use super::*;
    use crate::expect::Expectation;
    use crate::plan::tests::plan;
    use crate::server::answer;

    const BASE: &str = "https://shop.example.com";

    fn passed() -> Outcome {
        let mut outcome = Outcome::unknown();
        let probe = plan("checks: [{http: /}]", BASE).probes.remove(0);
        let mut answer = answer(200, &[], b"ok");
        answer.timings.total = Duration::from_millis(12);
        outcome.take(judge(&probe, &answer), Duration::from_millis(12), true);
        outcome
    }

    fn judge(probe: &Probe, answer: &sluice_http::Response) -> Attempt {
        let Expectation::Answer(expect) = &probe.expectation else { panic!("an answer is expected") };
        probe.judge(expect, answer, jiff::Timestamp::UNIX_EPOCH)
    }

    fn shown(plan: &Plan, outcomes: Vec<Outcome>, interrupted: Option<Interrupted>) -> String {
        let end = End { outcomes, duration: Duration::from_millis(400), interrupted };
        let draft = draft(plan, &end);
        let report = draft.into_report("smoke-test", None, "2026-01-02T03:04:05Z".parse().unwrap(), 0.4);
        terminal(&report, false)
    }

    #[test]
    fn a_failure_is_told_with_expected_and_actual_under_each_other() {
        let checks = "checks:
- http: /healthz
- name: products
  http: {url: /api/products, headers: {authorization: Bearer hush}}
  expect:
    headers: {content-type: application/json}
    json:
      $.items[*]: {count: 3}
      $.status: UP
";
        let plan = plan(checks, BASE);
        let body = b"{\"items\": [1, 2], \"status\": \"\x1b[31mDOWN\", \"x\": \"\xff\n::error::y\"}";
        let mut body = answer(200, &[("content-type", "text/html")], body);
        body.timings.dns = Some(Duration::from_millis(2));
        body.timings.first_byte = Duration::from_millis(31);
        body.timings.total = Duration::from_millis(45);
        let mut failed = Outcome::unknown();
        for n in 1..=7 {
            failed.take(judge(&plan.probes[1], &body), Duration::from_secs(5 * n), n == 7);
        }
        insta::assert_snapshot!(shown(&plan, vec![passed(), failed], None), @r#"
        ✗ smoke-test — 1 of 2 checks failed

          ✗ products  header content-type is "text/html", and 1 more (7 tries in 35.0 s)
                      expected  header content-type equals "application/json"
                      actual    header content-type is "text/html"
                      expected  body is JSON
                      actual    body is {"items": [1, 2], "status": "\u{1b}[31mDOWN", "x": "\xff\n::error::y"}
                      by hand   curl -sSi -H "authorization: $AUTHORIZATION" https://shop.example.com/api/products
                      --> dev.yml:6:29
          ✓ /healthz  200 in 12 ms

          Timing of what failed
          check     dns     connect  tls  first byte  total
          products  2.0 ms  –        –    31 ms       45 ms

          checks  dev.yml
        "#);
    }

    #[test]
    fn what_stands_after_one_try_says_why() {
        let plan = plan("checks: [{http: /old}, {http: {url: /orders, method: POST}}]", BASE);
        let outcomes = [(0, answer(404, &[], b"")), (1, answer(500, &[], b"boom"))].map(|(index, answer)| {
            let mut outcome = Outcome::unknown();
            outcome.take(judge(&plan.probes[index], &answer), Duration::ZERO, true);
            outcome
        });
        insta::assert_snapshot!(shown(&plan, outcomes.to_vec(), None), @"
        ✗ smoke-test — 2 of 2 checks failed

          ✗ /old          status 404
                          expected  status 2xx
                          actual    status 404
                          tried     once: a status of 4xx that is not expected is not tried again
                          answer    empty
                          by hand   curl -sSi https://shop.example.com/old
                          --> dev.yml:1:10
          ✗ POST /orders  status 500
                          expected  status 2xx
                          actual    status 500
                          tried     once: a POST or PATCH is not repeated unless the check has a retry-timeout
                          answer    boom
                          by hand   curl -sSi -X POST https://shop.example.com/orders
                          --> dev.yml:1:24

          Timing of what failed
          check         dns  connect  tls  first byte  total
          /old          –    –        –    0.0 ms      0.0 ms
          POST /orders  –    –        –    0.0 ms      0.0 ms

          checks  dev.yml
        ");
    }

    #[test]
    fn a_redirect_is_told_with_the_way_out() {
        let plan = plan("checks: [{http: /}]", BASE);
        let mut outcome = Outcome::unknown();
        let answer = answer(301, &[("location", "/login")], b"");
        outcome.take(judge(&plan.probes[0], &answer), Duration::ZERO, false);
        insta::assert_snapshot!(shown(&plan, vec![outcome], Some(Interrupted::Deadline)), @r#"
        ✗ smoke-test — the deadline is over: 1 of 1 check failed

          ✗ /  status 301
               expected  status 2xx
               actual    status 301
               tried     once, then: the deadline is over
               answer    empty
               by hand   curl -sSi https://shop.example.com/
               help: it redirects to "/login": set `follow: 1` to go along
               --> dev.yml:1:10

          Timing of what failed
          check  dns  connect  tls  first byte  total
          /      –    –        –    0.0 ms      0.0 ms

          checks  dev.yml
        "#);
    }

    #[test]
    fn many_that_passed_are_told_in_one_line() {
        let checks: Vec<_> = (0..30).map(|n| format!("{{http: /{n}}}")).collect();
        let plan = plan(&format!("checks: [{}]", checks.join(",")), BASE);
        let mut outcomes = vec![passed(); 30];
        insta::assert_snapshot!(shown(&plan, outcomes.clone(), None), @"
        ✓ smoke-test — 30 of 30 checks passed in 400 ms

          ✓ 30 checks  the slowest took 12 ms: /9

          checks  dev.yml
        ");
        outcomes[7].verdict = Verdict::Failed;
        let text = shown(&plan, outcomes, None);
        assert!(text.contains("29 more passed"), "{text}");
    }

    #[test]
    fn the_title_is_the_answer() {
        use Verdict::{Failed, Passed, Undecided};
        let told = |verdicts: &[Verdict], interrupted| {
            let outcomes = verdicts.iter().map(|verdict| Outcome { verdict: *verdict, ..Outcome::unknown() });
            title(&End { outcomes: outcomes.collect(), duration: Duration::from_millis(400), interrupted })
        };
        let titles = [
            told(&[Passed], None),
            told(&[Passed, Passed], None),
            told(&[Passed, Failed], None),
            told(&[Passed, Undecided], None),
            told(&[Failed, Undecided], None),
            told(&[Passed, Undecided], Some(Interrupted::Deadline)),
            told(&[Failed, Undecided], Some(Interrupted::Terminate)),
        ];
        insta::assert_snapshot!(titles.join("\n"), @"
        1 of 1 check passed in 400 ms
        2 of 2 checks passed in 400 ms
        1 of 2 checks failed
        1 of 2 checks could not be decided
        1 of 2 checks failed, 1 undecided
        the deadline is over: 1 of 2 checks had not passed yet
        terminated (SIGTERM): 1 of 2 checks failed, 1 undecided
        ");
    }
}
