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

/// The measurement that says the most among neighbours.
pub(crate) fn worst(chunk: &[Measurement]) -> Option<&Measurement> {
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

#[cfg(test)]
mod tests {
    use sluice_core::Block;

    use super::*;
    use crate::svg::tests::track as track_of;
    use crate::unit::Unit;

    #[test]
    fn a_course_is_bars_between_zero_and_its_limit() {
        let track =
            track_of("errors", Unit::Share, 0.01, &[Some(0.0), None, Some(0.005), Some(0.01), Some(0.02)]);
        assert_eq!(line(&track).unwrap(), "▁·▃▅█  0 % to 2 %, at most 1 %");
        let nothing = track_of("errors", Unit::Share, 0.01, &[None, None]);
        assert_eq!(line(&nothing), None);
    }

    #[test]
    fn a_long_course_is_drawn_by_its_worst() {
        let mut values = vec![Some(0.001); 9_999];
        values[5_000] = Some(0.5);
        let track = track_of("errors", Unit::Share, 0.01, &values);
        let bars = line(&track).unwrap();
        assert!(bars.chars().filter(|c| *c == '█').count() == 1 && bars.chars().count() < 100, "{bars}");
        let Some(Block::Chart { lines, .. }) = track.chart() else { panic!("no chart") };
        assert_eq!((lines[0].len(), lines[1].len()), (200, 200));
        assert!(lines[0].contains(&50.0));
    }
}
