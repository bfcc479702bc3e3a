//! Signals and the deadline: how a run is told to end.
//!
//! The runner sends SIGINT, then SIGTERM, and kills 10 s later. A thread of its own waits for the
//! signals, because work that blocks would never see them; it raises a flag that work looks at, and
//! ends the process when the work has not ended within [`GRACE`].

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::{Period, Problem};

/// How long work may take to end after it was told to: of the 5 s that are promised, one is for a machine that is busy.
pub(crate) const GRACE: Duration = Duration::from_secs(4);

/// Why a run was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// The user, or the runner on cancel, sent SIGINT.
    #[error("interrupted (SIGINT)")]
    Interrupt,
    /// The runner sent SIGTERM.
    #[error("terminated (SIGTERM)")]
    Terminate,
    /// The time that `deadline` gives is over.
    #[error("the deadline is over")]
    Deadline,
}

impl From<Interrupted> for Problem {
    fn from(interrupted: Interrupted) -> Self {
        let problem = Self::undecided(format!("the run was ended before it had an answer: {interrupted}"));
        match interrupted {
            Interrupted::Deadline => {
                problem.help("give it more time with `deadline`, or see what took so long")
            }
            _ => problem,
        }
    }
}

/// The flag that signals and the deadline raise; clones see the same flag.
#[derive(Clone, Debug)]
pub struct Cancellation(watch::Receiver<Option<Interrupted>>);

impl Cancellation {
    /// `Err` as soon as the run was told to end. For work that blocks: ask between steps.
    pub fn check(&self) -> Result<(), Interrupted> {
        (*self.0.borrow()).map_or(Ok(()), Err)
    }

    /// Ends when the run is told to end. For work that awaits.
    pub async fn cancelled(&self) -> Interrupted {
        let mut receiver = self.0.clone();
        match receiver.wait_for(Option::is_some).await.map(|value| *value) {
            Ok(Some(interrupted)) => interrupted,
            // The sender lives as long as the process; should it not, no signal can come any more.
            _ => std::future::pending().await,
        }
    }

    /// A flag that nothing raises.
    pub(crate) fn never() -> Self {
        Self(watch::channel(None).1)
    }

    /// A flag, and the way to raise it by hand.
    #[cfg(test)]
    pub(crate) fn manual() -> (watch::Sender<Option<Interrupted>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }
}

/// Starts the thread that waits for signals, and the one that waits for the deadline.
pub(crate) fn watch(deadline: Option<Period>) -> std::io::Result<Cancellation> {
    let (sender, receiver) = watch::channel(None);
    let mut signals =
        signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM])?;
    if let Some(Period(time)) = deadline {
        let sender = sender.clone();
        spawn("deadline", move || {
            std::thread::sleep(time);
            end(&sender, Interrupted::Deadline);
        })?;
    }
    spawn("signals", move || {
        let mut told = None;
        for signal in signals.forever() {
            let interrupted = if signal == signal_hook::consts::SIGINT {
                Interrupted::Interrupt
            } else {
                Interrupted::Terminate
            };
            // The runner follows SIGINT with SIGTERM, which is no second wish. A person who presses
            // Ctrl-C twice means it.
            if interrupted == Interrupted::Interrupt && told == Some(interrupted) {
                give_up(interrupted);
            }
            if told.is_none() {
                told = Some(interrupted);
                let sender = sender.clone();
                let _ = spawn("grace", move || end(&sender, interrupted));
            }
        }
    })?;
    Ok(Cancellation(receiver))
}

/// Raises the flag, waits for the work to end, and ends the process if it does not.
fn end(sender: &watch::Sender<Option<Interrupted>>, interrupted: Interrupted) {
    sender.send_if_modified(|value| value.is_none() && value.replace(interrupted).is_none());
    let until = Instant::now() + GRACE;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::sleep(left);
    }
    give_up(interrupted);
}

#[expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "the run did not end by itself: this is its last word"
)]
fn give_up(interrupted: Interrupted) -> ! {
    eprintln!("error: {interrupted}, and the work did not end in time");
    std::process::exit(i32::from(crate::Verdict::Undecided.exit_code()))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    // Such a thread only waits: it needs next to no stack.
    std::thread::Builder::new().name(name.to_owned()).stack_size(64 * 1024).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_seen_by_work_that_blocks_and_by_work_that_awaits() {
        let (sender, cancellation) = Cancellation::manual();
        assert_eq!(cancellation.check(), Ok(()));
        sender.send_replace(Some(Interrupted::Terminate));
        assert_eq!(cancellation.check(), Err(Interrupted::Terminate));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(cancellation.cancelled()), Interrupted::Terminate);
    }
}
