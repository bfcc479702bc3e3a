//! One run at a time: two at one object are one too many.

use std::{collections::BTreeSet, time::Duration};

use sluice_core::{Context, Problem, Verdict};
use sluice_kubernetes::{Error, Hold};
use tokio::time::{Instant, sleep};

use super::{Begins, Ending, Run};
use crate::journal::{self, Direction, Journal};

/// For how long a run holds its lease without renewing it: what another waits for after one that was killed.
const LEASE: Duration = Duration::from_secs(15);
/// How often a lease is looked at that runs out.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

impl Run<'_> {
    /// Works the journal off while no other run can be at it. An error means that the cluster gave no answer, or that
    /// the run was told to end: what it was about is still written down.
    pub(crate) async fn alone(&mut self, begins: Begins) -> Result<Ending, Problem> {
        let hold = match begins {
            Begins::New => self.hold(&holder(&self.journal, self.cx)).await?,
            Begins::LeftByAnother => {
                let holder = holder(&Journal::new("resume", &self.cluster, self.cx)?, self.cx);
                self.hold_after_the_other(&holder).await?
            }
        };
        let cx = self.cx;
        let ending = tokio::select! {
            biased;
            interrupted = cx.cancellation().cancelled() => Err(self.told_to_end(interrupted.into()).await),
            ending = while_held(&hold, Box::pin(self.begin_and_end(begins))) => ending,
        };
        self.waiting.voice.end();
        // Held until it runs out where this fails: the next run waits for that.
        let _ = hold.release().await;
        ending
    }

    /// What is left of a run that was told to end. The answer to its writing down may have been cut off, too.
    async fn told_to_end(&self, problem: Problem) -> Problem {
        match self.journal.is_there(&self.cluster.with_patience(Duration::ZERO)).await {
            Ok(false) => problem.why("nothing was changed yet"),
            Ok(true) | Err(_) => problem
                .why(format!("configmap/{} tells what it was about", self.journal.name()))
                .help("run `rollout resume` to finish it, or `rollout resume --back` to roll it back"),
        }
    }

    async fn begin_and_end(&mut self, begins: Begins) -> Result<Ending, Problem> {
        match begins {
            Begins::New => {
                self.waiting.note_what_does_not_run(&mut self.journal).await?;
                self.journal.begin(&self.cluster).await?;
                // What an undo takes back was made by a run that is over.
                self.made = (self.journal.direction == Direction::Forward).then(BTreeSet::new);
            }
            Begins::LeftByAnother => self.journal.take_up(&self.cluster).await?,
        }
        self.both_ways().await
    }

    /// Takes the lease of the journal's object. The holder is this very process: to take up another's journal is not
    /// to be it.
    async fn hold(&self, holder: &str) -> Result<Hold, Problem> {
        self.cluster.hold(&self.journal.name(), holder, LEASE).await.map_err(at_work)
    }

    /// Takes the lease of a run that was killed: it runs out soon. That of one that goes on does not.
    async fn hold_after_the_other(&mut self, holder: &str) -> Result<Hold, Problem> {
        let ends = Instant::now() + LEASE + 2 * LOOK_AGAIN;
        loop {
            match self.hold(holder).await {
                Err(problem) if problem.verdict == Verdict::Failed && Instant::now() < ends => {
                    let why = problem.why.unwrap_or_default();
                    self.waiting.voice.say(&format!("waiting for the lease: {why}"));
                }
                taken => return taken,
            }
            tokio::select! {
                interrupted = self.cx.cancellation().cancelled() => return Err(interrupted.into()),
                () = sleep(LOOK_AGAIN) => {}
            }
        }
    }
}

/// Works while the lease is held. While that is in doubt nothing goes on: another may have taken the work up.
async fn while_held(
    hold: &Hold,
    mut work: impl Future<Output = Result<Ending, Problem>> + Unpin,
) -> Result<Ending, Problem> {
    loop {
        tokio::select! {
            biased;
            () = hold.until_in_doubt() => hold.until_certain().await.map_err(no_longer_held)?,
            ended = &mut work => return ended,
        }
    }
}

/// The lease is another's, or the cluster did not answer for too long.
fn no_longer_held(error: Error) -> Problem {
    if matches!(error, Error::Held { .. } | Error::NotFound { .. } | Error::Conflict { .. }) {
        return not_alone(error);
    }
    let problem = Problem::from(error);
    let help = problem.help.clone().unwrap_or_default();
    problem
        .help(format!("{help}; then `rollout resume` finishes it, or `rollout resume --back` rolls it back"))
}

/// Another run may be at it by now: what it makes of it is its own.
pub(super) fn not_alone(why: impl std::fmt::Display) -> Problem {
    Problem::undecided("the lease of this run was lost").why(why).help(
        "run `rollout status`; where no other run is at it, `rollout resume` finishes it, or `rollout resume --back` rolls it back",
    )
}

/// What it means that another holds the lease.
pub(crate) fn at_work(error: Error) -> Problem {
    match error {
        Error::Held { .. } => Problem::failed("another rollout is at it")
            .why(error)
            .help("wait until it is done; after one that was killed the lease runs out within seconds"),
        error => error.into(),
    }
}

/// Who holds the lease, as another is told who meets it.
fn holder(journal: &Journal, cx: &Context) -> String {
    let run = cx.run_url().map_or_else(String::new, |run| format!(" ({run})"));
    format!("{} {}{run}", journal::MANAGER, journal.id)
}
