//! What became of the messages to one channel.

use std::time::Duration;

use sluice_core::Problem;
use sluice_http::{Response, Tried};

use super::{Repeat, can_not_take_it_now, is_of_a_gateway};
use crate::{
    channels::{Refusal, Taken},
    outputs::Delivery,
    story::took,
};

/// What became of the messages to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) delivery: Delivery,
    /// In one line.
    pub(crate) reason: String,
    /// How many tries it took, and how long.
    pub(crate) effort: Option<String>,
    pub(crate) help: Option<String>,
    pub(crate) place: Option<sluice_core::Place>,
    /// What a later run of the pipeline updates the message by.
    pub(crate) message_id: Option<String>,
    /// Whether the message that was to be updated is there no more.
    pub(crate) is_gone: bool,
}

impl Outcome {
    /// Judges the last try by the rules that all channels share, then by the channel's own.
    pub(super) fn of(
        kind: &str,
        last: Tried,
        time: Duration,
        repeat: Repeat,
        judge: impl Fn(&Response) -> Result<Taken, Refusal>,
    ) -> Self {
        let tries = match last.tries {
            1 => "1 try".to_owned(),
            tries => format!("{tries} tries"),
        };
        let effort = format!("{tries}, {}", took(time));
        let outcome = match last.outcome {
            Err(error) if error.could_not_reach() => Self::new(Delivery::Unreachable, error.to_string()),
            Err(error) => Self::new(Delivery::Unreachable, error.to_string()).help(may_have_arrived(repeat)),
            Ok(answer) if is_of_a_gateway(answer.status) => {
                let reason = format!("a gateway before it got no answer: {}", answer.status);
                Self::new(Delivery::Unreachable, reason).help(may_have_arrived(repeat))
            }
            Ok(answer) if can_not_take_it_now(answer.status) => Self::new(
                Delivery::Unreachable,
                format!("it could not take the message now: {}", answer.status),
            ),
            Ok(answer) if answer.status.is_redirection() => Self::new(
                Delivery::Refused,
                format!("it redirects ({}), and the message was not handed on", answer.status),
            )
            .help("set the address to the one that it redirects to"),
            Ok(answer) => match judge(&answer) {
                Ok(Taken { message_id, note }) => {
                    let reason = note.map_or_else(|| format!("delivered to {kind}"), str::to_owned);
                    Self { message_id, ..Self::new(Delivery::Delivered, reason) }
                }
                Err(Refusal { why, help, is_temporary, is_gone }) => {
                    let delivery = if is_temporary { Delivery::Unreachable } else { Delivery::Refused };
                    Self { help, is_gone, ..Self::new(delivery, why) }
                }
            },
        };
        Self { effort: Some(effort), ..outcome }
    }

    /// The outcome of a message that could not be sent.
    pub(crate) fn of_problem(problem: Problem) -> Self {
        let reason = match problem.why {
            Some(why) => format!("{}: {why}", problem.what),
            None => problem.what,
        };
        Self { help: problem.help, place: problem.place, ..Self::new(Delivery::Misconfigured, reason) }
    }

    /// The outcome of a message that was on its way when the run was told to end.
    pub(crate) fn interrupted(why: &Problem) -> Self {
        Self::new(Delivery::Unreachable, why.what.clone()).help("it may have arrived")
    }

    pub(crate) fn new(delivery: Delivery, reason: impl Into<String>) -> Self {
        Self {
            delivery,
            reason: reason.into(),
            effort: None,
            help: None,
            place: None,
            message_id: None,
            is_gone: false,
        }
    }

    pub(crate) fn help(mut self, help: &str) -> Self {
        self.help = Some(help.to_owned());
        self
    }

    /// The outcome of two messages to one channel: the worse one is told, and no id is lost.
    pub(crate) fn and(self, other: Self) -> Self {
        let (mut worse, better) =
            if self.delivery.verdict() >= other.delivery.verdict() { (self, other) } else { (other, self) };
        worse.message_id = worse.message_id.or(better.message_id);
        worse
    }
}

fn may_have_arrived(repeat: Repeat) -> &'static str {
    match repeat {
        Repeat::NotArrived => "it may have arrived: it was not sent again, so as not to be told twice",
        Repeat::Always => "it may have arrived",
    }
}
