//! Whether what was measured once is as it must be. Nothing here asks anyone: numbers in, judgement out.

use std::collections::BTreeMap;

use crate::limits::Phase;
use crate::unit::Unit;

/// What a query found: a number, which may be none (`NaN`), or nothing at all.
pub(crate) type Reading = Option<f64>;

/// The queries of a metric, read once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Readings {
    pub(crate) value: Reading,
    /// How many requests; `None` where the metric does not ask for them.
    pub(crate) total: Option<Reading>,
}

/// What a metric may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) unit: Unit,
    /// Whether the value is a count that is divided by the total.
    pub(crate) is_rate: bool,
    pub(crate) min_requests: f64,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) growth: Option<Growth>,
}

/// How much more than the baseline is borne.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Growth {
    pub(crate) ratio: f64,
    pub(crate) increase: f64,
}

/// What one measurement amounts to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) phase: Phase,
    /// The measured number, where there is one.
    pub(crate) value: Option<f64>,
    /// The least that was allowed.
    pub(crate) min: Option<f64>,
    /// The most that was allowed, by the limit or by the baseline.
    pub(crate) max: Option<f64>,
    pub(crate) reason: String,
}

impl Rule {
    /// Judges one measurement. `baseline` is `None` where the metric has none.
    pub(crate) fn judge(&self, current: Readings, baseline: Option<Readings>) -> Judgement {
        let value = match self.figure(current) {
            Ok(value) => value,
            Err(why) => return self.unknown(None, why),
        };
        let show = |number: f64| self.unit.show(number);
        let says = |phase, max, reason| Judgement { phase, value: Some(value), min: self.min, max, reason };
        // A limit that is broken is broken, whatever the baseline shows.
        if let Some(max) = self.max.filter(|max| value > *max) {
            return says(
                Phase::Failed,
                Some(max),
                format!("{}, at most {} is allowed", show(value), show(max)),
            );
        }
        if let Some(min) = self.min.filter(|min| value < *min) {
            return says(
                Phase::Failed,
                self.max,
                format!("{}, at least {} is needed", show(value), show(min)),
            );
        }
        let Some((growth, baseline)) = self.growth.zip(baseline) else {
            let held = [("at most", self.max), ("at least", self.min)]
                .into_iter()
                .filter_map(|(word, limit)| Some(format!("{word} {}", show(limit?))));
            let held = held.collect::<Vec<_>>().join(", ");
            return says(Phase::Successful, self.max, format!("{}, {held}", show(value)));
        };
        let before = match self.figure(baseline) {
            Ok(before) => before,
            Err(why) => return self.unknown(Some(value), format!("the baseline tells nothing: {why}")),
        };
        let most = before * growth.ratio + growth.increase;
        if !most.is_finite() {
            return self.unknown(Some(value), format!("the baseline of {} gives no limit", show(before)));
        }
        let max = Some(self.max.map_or(most, |max| max.min(most)));
        if value > most {
            let reason = format!(
                "{}, at most {} is allowed with a baseline of {}",
                show(value),
                show(most),
                show(before)
            );
            return says(Phase::Failed, max, reason);
        }
        says(Phase::Successful, max, format!("{}, baseline {}", show(value), show(before)))
    }

    fn unknown(&self, value: Option<f64>, reason: String) -> Judgement {
        Judgement { phase: Phase::Inconclusive, value, min: self.min, max: self.max, reason }
    }

    /// The number that readings amount to; `Err` says why there is none.
    fn figure(&self, readings: Readings) -> Result<f64, String> {
        let total = readings.total.map(|total| self.requests(total)).transpose()?;
        match (readings.value, total) {
            // A counter that never counted has no series: no error among so many requests is none.
            (None, Some(_)) if self.is_rate => Ok(0.0),
            (None, _) => Err("no data: the query found nothing".to_owned()),
            (Some(value), _) if !value.is_finite() => {
                Err(format!("no data: the answer is {value}, as a division by zero gives"))
            }
            (Some(errors), Some(total)) if self.is_rate => {
                if errors < 0.0 {
                    return Err(format!("{errors} errors are no count"));
                }
                Ok(errors / total)
            }
            (Some(value), _) => Ok(value),
        }
    }

    /// How many requests there were, if they are enough.
    fn requests(&self, total: Reading) -> Result<f64, String> {
        let needed = || format!("{} needed", Unit::Number.show(self.min_requests));
        let total = total.ok_or_else(|| format!("no data: no requests were found, {}", needed()))?;
        if !total.is_finite() {
            return Err(format!("no data: the total is {total}"));
        }
        if total <= 0.0 || total < self.min_requests {
            let shown = Unit::Number.show(total.floor());
            return Err(format!("too few requests: {shown}, {}", needed()));
        }
        Ok(total)
    }
}

/// Judges the states of alarms: none may be in ALARM, and each must know its state.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html>
pub(crate) fn alarms(states: &BTreeMap<String, String>) -> Judgement {
    let of = |state: &str| -> Vec<&str> {
        states.iter().filter(|(_, is)| *is == state).map(|(name, _)| name.as_str()).collect()
    };
    let (alarm, ok) = (of("ALARM"), of("OK"));
    let unclear: Vec<String> = states
        .iter()
        .filter(|(_, state)| !matches!(state.as_str(), "ALARM" | "OK"))
        .map(|(name, state)| format!("{name} is in {state}"))
        .collect();
    let (phase, reason) = if !alarm.is_empty() {
        (Phase::Failed, format!("in ALARM: {}", alarm.join(", ")))
    } else if unclear.is_empty() && !ok.is_empty() {
        (Phase::Successful, format!("{} of {} OK", ok.len(), states.len()))
    } else if states.is_empty() {
        (Phase::Inconclusive, "no data: no alarm told its state".to_owned())
    } else {
        (Phase::Inconclusive, format!("no data: {}", unclear.join(", ")))
    };
    #[expect(clippy::cast_precision_loss, reason = "a hundred alarms at most")]
    let value = alarm.len() as f64;
    Judgement { phase, value: Some(value), min: None, max: Some(0.0), reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ERRORS: Rule = Rule {
        unit: Unit::Share,
        is_rate: true,
        min_requests: 20.0,
        min: None,
        max: Some(0.01),
        growth: None,
    };
    const LATENCY: Rule = Rule {
        unit: Unit::Seconds,
        is_rate: false,
        min_requests: 1.0,
        min: None,
        max: Some(0.5),
        growth: None,
    };

    fn readings(value: Reading, total: Reading) -> Readings {
        Readings { value, total: Some(total) }
    }

    fn only(value: Reading) -> Readings {
        Readings { value, total: None }
    }

    fn told(rule: &Rule, current: Readings, baseline: Option<Readings>) -> String {
        let Judgement { phase, reason, .. } = rule.judge(current, baseline);
        format!("{phase:?}: {reason}")
    }

    #[test]
    fn a_rate_is_judged_among_enough_requests_only() {
        let seen = [
            (Some(3.0), Some(712.0)),
            (Some(9.0), Some(100.0)),
            (None, Some(712.0)),
            (None, None),
            (Some(0.0), Some(0.0)),
            (Some(5.0), Some(19.0)),
            (Some(f64::NAN), Some(100.0)),
            (Some(1.0), Some(f64::NAN)),
            (Some(-1.0), Some(100.0)),
        ];
        let told: Vec<String> =
            seen.into_iter().map(|(errors, total)| told(&ERRORS, readings(errors, total), None)).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        Successful: 0.421 %, at most 1 %
        Failed: 9 %, at most 1 % is allowed
        Successful: 0 %, at most 1 %
        Inconclusive: no data: no requests were found, 20 needed
        Inconclusive: too few requests: 0, 20 needed
        Inconclusive: too few requests: 19, 20 needed
        Inconclusive: no data: the answer is NaN, as a division by zero gives
        Inconclusive: no data: the total is NaN
        Inconclusive: -1 errors are no count
        ");
    }

    #[test]
    fn a_value_is_held_to_its_range() {
        let rule = Rule { unit: Unit::Number, min: Some(2.0), max: Some(4.0), ..LATENCY };
        let seen = [Some(1.0), Some(2.0), Some(4.0), Some(4.5), None, Some(f64::INFINITY)];
        let mut lines: Vec<String> = seen.into_iter().map(|value| told(&rule, only(value), None)).collect();
        lines.push(told(&LATENCY, only(Some(0.123)), None));
        insta::assert_snapshot!(lines.join("\n"), @"
        Failed: 1, at least 2 is needed
        Successful: 2, at most 4, at least 2
        Successful: 4, at most 4, at least 2
        Failed: 4.5, at most 4 is allowed
        Inconclusive: no data: the query found nothing
        Inconclusive: no data: the answer is inf, as a division by zero gives
        Successful: 123 ms, at most 500 ms
        ");
    }

    #[test]
    fn a_baseline_bounds_the_growth() {
        let growth = Some(Growth { ratio: 2.0, increase: 0.005 });
        let rule = Rule { growth, max: None, ..ERRORS };
        let seen = [
            (readings(Some(2.0), Some(100.0)), readings(Some(1.0), Some(100.0))),
            (readings(Some(3.0), Some(100.0)), readings(Some(1.0), Some(100.0))),
            (readings(Some(1.0), Some(1000.0)), readings(None, Some(100.0))),
            (readings(Some(1.0), Some(100.0)), readings(None, None)),
            (readings(None, None), readings(Some(1.0), Some(100.0))),
        ];
        let mut lines: Vec<String> =
            seen.into_iter().map(|(now, before)| told(&rule, now, Some(before))).collect();
        let limited = Rule { max: Some(0.01), ..rule };
        lines.push(told(&limited, readings(Some(9.0), Some(100.0)), Some(readings(None, None))));
        insta::assert_snapshot!(lines.join("\n"), @"
        Successful: 2 %, baseline 1 %
        Failed: 3 %, at most 2.5 % is allowed with a baseline of 1 %
        Successful: 0.1 %, baseline 0 %
        Inconclusive: the baseline tells nothing: no data: no requests were found, 20 needed
        Inconclusive: no data: no requests were found, 20 needed
        Failed: 9 %, at most 1 % is allowed
        ");
    }

    #[test]
    fn alarms_must_be_ok_and_one_that_knows_nothing_is_told() {
        let judged = |states: &[(&str, &str)]| {
            let states =
                states.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect();
            let Judgement { phase, reason, .. } = alarms(&states);
            format!("{phase:?}: {reason}")
        };
        let told = [
            judged(&[("a", "OK"), ("b", "OK")]),
            judged(&[("a", "OK"), ("b", "ALARM"), ("c", "INSUFFICIENT_DATA")]),
            judged(&[("a", "OK"), ("b", "INSUFFICIENT_DATA")]),
            judged(&[("a", "NEW_STATE")]),
            judged(&[]),
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        Successful: 2 of 2 OK
        Failed: in ALARM: b
        Inconclusive: no data: b is in INSUFFICIENT_DATA
        Inconclusive: no data: a is in NEW_STATE
        Inconclusive: no data: no alarm told its state
        ");
    }

    fn reading() -> impl Strategy<Value = Reading> {
        prop_oneof![
            Just(None),
            Just(Some(f64::NAN)),
            Just(Some(f64::INFINITY)),
            Just(Some(f64::NEG_INFINITY)),
            Just(Some(0.0)),
            (-10.0..1000.0).prop_map(Some),
        ]
    }

    fn is_number(reading: Reading) -> bool {
        reading.is_some_and(f64::is_finite)
    }

    proptest! {
        #[test]
        fn no_data_is_never_success(
            value in reading(), total in reading(), before in reading(), total_before in reading(), compares: bool
        ) {
            let growth = compares.then_some(Growth { ratio: 3.0, increase: 1.0 });
            let rule = Rule { growth, ..ERRORS };
            let baseline = compares.then_some(readings(before, total_before));
            let judgement = rule.judge(readings(value, total), baseline);
            if judgement.phase == Phase::Successful {
                prop_assert!(is_number(total) && total >= Some(20.0));
                prop_assert!(value.is_none() || is_number(value));
                prop_assert!(!compares || is_number(total_before) && total_before >= Some(20.0));
                prop_assert!(judgement.value.unwrap() <= 0.01);
            }
            let judgement = LATENCY.judge(only(value), None);
            prop_assert_eq!(judgement.phase == Phase::Inconclusive, !is_number(value));
        }

        #[test]
        fn worse_is_never_judged_better(value in 0.0..2.0, more in 0.0..2.0, before in 0.0..2.0) {
            let rule = Rule { growth: Some(Growth { ratio: 1.5, increase: 0.1 }), max: Some(1.0), ..LATENCY };
            let phase = |value: f64| rule.judge(only(Some(value)), Some(only(Some(before)))).phase;
            if phase(value) == Phase::Failed {
                prop_assert_eq!(phase(value + more), Phase::Failed);
            }
        }
    }
}
