//! What is said while checks go on: a bar on a terminal, a line now and then in a log.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sluice_core::{Context, escape};
use tokio::time::{Interval, interval_at};

use crate::probe::Probe;
use crate::run::Outcome;

/// Nothing is said about what is over sooner.
const FIRST: Duration = Duration::from_secs(1);
/// How often a line is said then.
const EVERY: Duration = Duration::from_secs(5);
/// How often the bar moves then.
const FRAME: Duration = Duration::from_millis(100);

/// Says how far the checks are.
pub(crate) struct Progress<'a> {
    voice: Voice<'a>,
    ticks: Option<Interval>,
}

enum Voice<'a> {
    Silence,
    Lines(&'a Context),
    Bar(ProgressBar),
}

impl<'a> Progress<'a> {
    /// On a terminal a bar, in a workflow lines, elsewhere nothing.
    pub(crate) fn new(cx: &'a Context) -> Self {
        let voice = if cx.is_in_actions() {
            Voice::Lines(cx)
        } else if std::io::stderr().is_terminal() {
            Voice::Bar(ProgressBar::hidden())
        } else {
            Voice::Silence
        };
        Self { voice, ticks: None }
    }

    /// Says nothing.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self { voice: Voice::Silence, ticks: None }
    }

    /// Waits until there is something to say.
    pub(crate) async fn is_due(&mut self) {
        let every = match self.voice {
            Voice::Silence => return std::future::pending().await,
            Voice::Lines(_) => EVERY,
            Voice::Bar(_) => FRAME,
        };
        let ticks = self.ticks.get_or_insert_with(|| interval_at(tokio::time::Instant::now() + FIRST, every));
        ticks.tick().await;
    }

    pub(crate) fn show(&mut self, probes: &[Arc<Probe>], outcomes: &[Outcome]) {
        let Some(line) = line(probes, outcomes) else { return };
        match &self.voice {
            Voice::Silence => {}
            Voice::Lines(cx) => cx.say(&format!("waiting for {line}")),
            Voice::Bar(bar) => {
                let done = outcomes.iter().filter(|outcome| outcome.is_final).count();
                bar.set_position(done as u64);
                bar.set_message(escape::line(&line));
                if bar.is_hidden() {
                    bar.set_length(probes.len() as u64);
                    bar.set_style(style());
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.tick();
            }
        }
    }

    /// Leaves no trace on a terminal.
    pub(crate) fn end(&self) {
        if let Voice::Bar(bar) = &self.voice {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    // The template is ours: where it can't be read, that of the library does.
    let style = ProgressStyle::with_template("  {spinner:.cyan} {bar:24.cyan/dim} {pos}/{len}  {wide_msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─")
}

/// What the run waits for, with one check as the example; `None` when for nothing.
fn line(probes: &[Arc<Probe>], outcomes: &[Outcome]) -> Option<String> {
    let waiting = || probes.iter().zip(outcomes).filter(|(_, outcome)| !outcome.is_final);
    // The one that was tried most often is the most telling.
    let (probe, outcome) = waiting().rev().max_by_key(|(_, outcome)| outcome.tries)?;
    let tries = if outcome.tries == 0 { String::new() } else { format!(" (try {})", outcome.tries) };
    let checks = if probes.len() == 1 { "check" } else { "checks" };
    Some(format!(
        "{} of {} {checks}: {}: {}{tries}",
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
        assert_eq!(told([&waiting, &tried, &passed]).unwrap(), "2 of 3 checks: /b: status 503 (try 4)");
        assert_eq!(told([&waiting, &waiting, &passed]).unwrap(), "2 of 3 checks: /a: no answer yet");
        assert_eq!(told([&passed, &passed, &passed]), None);
    }
}
