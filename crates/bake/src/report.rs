//! What a bake says about itself.

use sluice_core::{Block, ChartAxis, Draft, Finding, Interrupted, Verdict};

use crate::course::{Course, Track};
use crate::limits::{Phase, Status};
use crate::spark;

/// How many points a chart has at most: <https://mermaid.js.org/config/schema-docs/config.html#maxtextsize>
const MOST_POINTS: usize = 200;

impl Course {
    /// The report: the answer, each metric with its course, and its chart.
    pub fn draft(&self, interrupted: Option<Interrupted>) -> Draft {
        let mut draft = Draft::new(self.verdict(), self.title(interrupted));
        for track in &self.tracks {
            draft.finding(track.finding());
        }
        for chart in self.tracks.iter().filter_map(Track::chart) {
            draft.block(chart);
        }
        draft.fact("bake", self.schedule.clone());
        draft
    }

    fn title(&self, interrupted: Option<Interrupted>) -> String {
        let verdict = self.verdict();
        let decisive: Vec<&Track> = self
            .tracks
            .iter()
            .filter(|track| track.verdict() == verdict && track.status() != Status::Running)
            .collect();
        let named = || match decisive.as_slice() {
            [one] => format!("{}: {}", one.name, one.reason()),
            many => many.iter().map(|track| track.name.as_str()).collect::<Vec<_>>().join(", "),
        };
        match (verdict, interrupted) {
            (Verdict::Passed, _) => match self.tracks.as_slice() {
                [one] => format!("{} was as it must be {}", one.name, self.schedule),
                many => format!("{} of {0} metrics were as they must be {}", many.len(), self.schedule),
            },
            (Verdict::Failed, _) => format!("unhealthy: {}", named()),
            (Verdict::Misconfigured, _) => format!("can't be measured: {}", named()),
            (_, Some(interrupted)) if decisive.is_empty() => {
                let measured = self.tracks.iter().map(Track::measured).min().unwrap_or(0);
                let wanted = self.tracks.first().map_or(0, |track| track.limits.count);
                format!("ended after {measured} of {wanted} measurements: {interrupted}")
            }
            _ => format!("could not tell: {}", named()),
        }
    }
}

impl Track {
    fn measured(&self) -> usize {
        self.measurements.iter().filter(|one| one.phase != Phase::Error).count()
    }

    fn finding(&self) -> Finding {
        let verdict = self.verdict();
        let mut finding = Finding::new(self.name.clone(), verdict, self.reason());
        finding.evidence.extend(spark::line(self));
        if let Some(last) = self.measurements.last() {
            finding.evidence.extend(
                last.asked.iter().map(|asked| format!("{} = {}  {}", asked.name, asked.answer, asked.query)),
            );
        }
        if verdict != Verdict::Passed {
            finding.help = self.help().map(str::to_owned);
            finding.place = Some(self.place.clone());
        }
        finding
    }

    /// The numbers with what was allowed, drawn; nothing where there are fewer than two.
    pub(crate) fn chart(&self) -> Option<Block> {
        let (axis, factor) = self.unit.axis();
        // More would be drawn on top of each other, and Mermaid refuses a long text: each point is the worst of some.
        let each = self.measurements.len().div_ceil(MOST_POINTS).max(1);
        let drawn: Vec<_> = self.measurements.chunks(each).filter_map(spark::worst).collect();
        let seen: Vec<_> = drawn.iter().filter_map(|one| Some((one, one.value? * factor))).collect();
        let [(first, _), .., (last, _)] = seen.as_slice() else { return None };
        let values: Vec<f64> = seen.iter().map(|(_, value)| *value).collect();
        let mut lines = vec![values];
        let mut limits = Vec::new();
        let bounds = [
            ("the most allowed", seen.iter().map(|(one, _)| one.max).collect::<Option<Vec<f64>>>()),
            ("the least allowed", seen.iter().map(|(one, _)| one.min).collect()),
        ];
        for (name, bound) in bounds {
            if let Some(bound) = bound {
                lines.push(bound.into_iter().map(|limit| limit * factor).collect());
                limits.push(name);
            }
        }
        let all = || lines.iter().flatten().copied();
        let from = all().fold(0.0, f64::min);
        let to = all().fold(from, f64::max);
        let without = drawn.len() - seen.len();
        // Evenly spaced is all that the chart can draw: where something is missing, it counts instead of telling time.
        let x = if without == 0 {
            let minutes = first.at.duration_until(last.at).as_secs_f64() / 60.0;
            ChartAxis { label: "minutes".to_owned(), from: 0.0, to: minutes }
        } else {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let to = seen.len() as f64;
            ChartAxis { label: "measurements".to_owned(), from: 1.0, to }
        };
        let red =
            if limits.is_empty() { String::new() } else { format!(", and in red {}", limits.join(" and ")) };
        let missing = match without {
            0 => String::new(),
            _ => format!("; {without} of {} points gave no number", drawn.len()),
        };
        let title = format!("{}{red}{missing}", self.name);
        let top = if to > from { from + (to - from) * 1.1 } else { from + 1.0 };
        Some(Block::Chart { title, x, y: ChartAxis { label: axis.to_owned(), from, to: top }, lines })
    }
}
