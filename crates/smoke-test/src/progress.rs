//! What is said while checks go on.

use std::sync::Arc;
use std::time::Duration;

use crate::probe::Probe;
use crate::run::Outcome;

/// Nothing is said about what is over sooner.
pub(crate) const FIRST: Duration = Duration::from_secs(1);
/// How often something is said then.
pub(crate) const EVERY: Duration = Duration::from_secs(5);

/// What the run waits for, with one check as the example; `None` when for nothing.
pub(crate) fn line(probes: &[Arc<Probe>], outcomes: &[Outcome]) -> Option<String> {
    let waiting = || probes.iter().zip(outcomes).filter(|(_, outcome)| !outcome.is_final);
    // The one that was tried most often is the most telling.
    let (probe, outcome) = waiting().rev().max_by_key(|(_, outcome)| outcome.tries)?;
    let tries = if outcome.tries == 0 { String::new() } else { format!(" (try {})", outcome.tries) };
    let checks = if probes.len() == 1 { "check" } else { "checks" };
    Some(format!(
        "waiting for {} of {} {checks}: {}: {}{tries}",
        waiting().count(),
        probes.len(),
        probe.name,
        outcome.reason,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    #[test]
    fn the_check_that_was_tried_most_often_stands_for_all() {
        let plan = plan("checks: [{http: /a}, {http: /b}, {http: /c}]", "https://shop.example.com");
        let waiting = Outcome::unknown();
        let tried = Outcome { tries: 4, reason: "status 503".to_owned(), ..Outcome::unknown() };
        let passed = Outcome { is_final: true, tries: 9, ..Outcome::unknown() };
        let told = |outcomes: [&Outcome; 3]| line(&plan.probes, &outcomes.map(Clone::clone));
        assert_eq!(
            told([&waiting, &tried, &passed]).unwrap(),
            "waiting for 2 of 3 checks: /b: status 503 (try 4)"
        );
        assert_eq!(
            told([&waiting, &waiting, &passed]).unwrap(),
            "waiting for 2 of 3 checks: /a: no answer yet"
        );
        assert_eq!(told([&passed, &passed, &passed]), None);
    }
}
