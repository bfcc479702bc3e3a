//! A course in one line of text.

use crate::course::{Measurement, Track};
use crate::limits::Phase;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// So that it fits beside its words on a line of a terminal.
const WIDEST: usize = 60;

/// The numbers as bars from nothing to the greatest number or limit, `·` where there was no number and `!` where
/// nothing could be measured; behind it the range in words.
pub(crate) fn line(track: &Track) -> Option<String> {
    let values = || track.measurements.iter().filter_map(|one| one.value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if !low.is_finite() || !high.is_finite() {
        return None;
    }
    let limits = track.measurements.iter().flat_map(|one| [one.max, one.min]).flatten();
    let top = limits.fold(high, f64::max);
    let bottom = low.min(0.0);
    // Too many for a line: each bar is the worst of its neighbours.
    let each = track.measurements.len().div_ceil(WIDEST);
    let bars: String =
        track.measurements.chunks(each).filter_map(worst).map(|one| bar(one, bottom, top)).collect();
    let show = |number| track.unit.show(number);
    let range = if high > low { format!("{} to {}", show(low), show(high)) } else { show(low) };
    Some(format!("{bars}  {range}{}", limits_of(track)))
}

/// What was allowed at last.
fn limits_of(track: &Track) -> String {
    let last = |of: fn(&Measurement) -> Option<f64>| track.measurements.iter().rev().find_map(of);
    let named = [("at most", last(|one| one.max)), ("at least", last(|one| one.min))];
    let named =
        named.into_iter().filter_map(|(word, limit)| Some(format!(", {word} {}", track.unit.show(limit?))));
    named.collect()
}

fn worst(chunk: &[Measurement]) -> Option<&Measurement> {
    let rank = |one: &Measurement| match one.phase {
        Phase::Failed => 3,
        Phase::Error => 2,
        Phase::Inconclusive => 1,
        Phase::Successful => 0,
    };
    let number = |one: &Measurement| one.value.unwrap_or(f64::NEG_INFINITY);
    chunk.iter().max_by(|a, b| rank(a).cmp(&rank(b)).then(number(a).total_cmp(&number(b))))
}

fn bar(one: &Measurement, bottom: f64, top: f64) -> char {
    match (one.phase, one.value) {
        (Phase::Error, _) => '!',
        (_, None) => '·',
        (_, Some(value)) => {
            let share = if top > bottom { (value - bottom) / (top - bottom) } else { 0.0 };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of eight bars"
            )]
            let step = (share.clamp(0.0, 1.0) * 7.0).round() as usize;
            BARS[step.min(7)]
        }
    }
}
