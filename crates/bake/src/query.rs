//! What is asked: one number, or the states of alarms; and what came back.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sluice_core::Period;

use crate::judge::Reading;
use crate::unit::Unit;

/// A question with everything filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    /// In `PromQL`.
    Prometheus(String),
    /// A metric of CloudWatch.
    CloudWatch(Statistic),
    /// The states of alarms, by name.
    Alarms(Vec<String>),
}

/// A metric of CloudWatch as it is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistic {
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) dimensions: Vec<(String, String)>,
    /// `Sum`, `Average`, `p95`.
    pub(crate) stat: String,
    /// The time that one value is made of.
    pub(crate) period: Duration,
}

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Value,
    Total,
    BaselineValue,
    BaselineTotal,
}

/// One question of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    pub(crate) role: Role,
    /// The key that it is written under: `errors`, `baseline total`.
    pub(crate) name: String,
    pub(crate) query: Query,
    /// How far back it is asked.
    pub(crate) offset: Duration,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Number(Reading),
    /// The state of each alarm.
    Alarms(BTreeMap<String, String>),
}

/// Why nothing came back that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) why: String,
    pub(crate) help: Option<String>,
    /// Whether asking again is of no use: the question itself is wrong.
    pub(crate) is_final: bool,
}

impl Trouble {
    /// Asking again may help.
    pub(crate) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: None, is_final: false }
    }

    /// The question itself is wrong.
    pub(crate) fn lasting(why: impl Into<String>) -> Self {
        Self { is_final: true, ..Self::passing(why) }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Question {
    /// The time that is asked about.
    pub(crate) fn time(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.offset).unwrap_or(Timestamp::MIN)
    }

    /// The question as it is asked, on one line.
    pub(crate) fn resolved(&self, now: Timestamp) -> String {
        let query = match &self.query {
            Query::Prometheus(query) => query.lines().map(str::trim).collect::<Vec<_>>().join(" "),
            Query::CloudWatch(statistic) => statistic.to_string(),
            Query::Alarms(names) => names.join(", "),
        };
        if self.offset.is_zero() {
            query
        } else {
            format!("{query} at {}", self.time(now).strftime("%FT%TZ"))
        }
    }
}

impl std::fmt::Display for Statistic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} {}", self.stat, self.namespace, self.metric)?;
        for (index, (name, value)) in self.dimensions.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { " {" } else { ", " })?;
        }
        let end = if self.dimensions.is_empty() { "" } else { "}" };
        write!(f, "{end} over {}", Period(self.period))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(None) => f.write_str("nothing"),
            Self::Number(Some(number)) if number.is_finite() => f.write_str(&Unit::Number.show(*number)),
            Self::Number(Some(number)) => write!(f, "{number}"),
            Self::Alarms(states) => {
                let states: Vec<String> =
                    states.iter().map(|(name, state)| format!("{name} {state}")).collect();
                f.write_str(&states.join(", "))
            }
        }
    }
}
