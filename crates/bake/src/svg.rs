//! A course as a picture: one panel a metric, its line, its limits, and what failed.
//!
//! Labels stand where they belong, so there is no legend; colour is for what is measured and for what is wrong. The
//! picture brings its ground and follows the reader's choice of light or dark.

use std::fmt::Write as _;

use sluice_core::{Verdict, escape};

use crate::course::{Course, Measurement, Track};
use crate::limits::Phase;

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 24.0;
/// Where the panels begin.
const HEAD: f64 = 64.0;
/// The height of a panel with the space below it.
const PANEL: f64 = 176.0;
/// Where the line is drawn inside a panel.
const TOP: f64 = 52.0;
const BOTTOM: f64 = 136.0;
const LEFT: f64 = MARGIN;
/// Labels of the line's end and of the limits stand right of it.
const RIGHT: f64 = WIDTH - 132.0;
/// The height of a line of small text.
const LINE: f64 = 15.0;
/// How many characters fit beside the name of a metric.
const REASON: usize = 96;

const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;font-variant-numeric:tabular-nums}\
.title{font-size:16px;font-weight:600}.name{font-weight:600}.small{font-size:12px}.end{text-anchor:end}\
.middle{text-anchor:middle}\
.ground{fill:#fff}.ink{fill:#1f2328}.quiet{fill:#59636e}.bad{fill:#cf222e}.value{fill:#0969da;font-weight:600}\
.rule{stroke:#d1d9e0}.line{stroke:#0969da;stroke-width:2;fill:none;stroke-linejoin:round;stroke-linecap:round}\
.dot{fill:#0969da}.limit{stroke:#cf222e;stroke-dasharray:5 4;fill:none}.over{fill:#cf222e;fill-opacity:.08}\
.gap{fill:none;stroke:#59636e;stroke-width:1.5}\
@media(prefers-color-scheme:dark){\
.ground{fill:#0d1117}.ink{fill:#f0f6fc}.quiet{fill:#9198a1}.bad{fill:#f85149}.value{fill:#4493f8}\
.rule{stroke:#3d444d}.line{stroke:#4493f8}.dot{fill:#4493f8}.limit{stroke:#f85149}.over{fill:#f85149;fill-opacity:.14}\
.gap{stroke:#9198a1}}";

impl Course {
    /// The course as an SVG picture.
    pub fn svg(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let height = HEAD + PANEL * self.tracks.len() as f64;
        let (title, class) = match self.verdict() {
            Verdict::Passed => ("Healthy", "ink"),
            Verdict::Failed => ("Unhealthy", "bad"),
            _ => ("Could not tell", "ink"),
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{title}\"><style>{STYLE}</style>\
             <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n"
        );
        text(&mut svg, MARGIN, 32.0, &format!("title {class}"), title);
        text(&mut svg, WIDTH - MARGIN, 32.0, "quiet small end", &format!("measured {}", self.schedule));
        let mut y = HEAD;
        for track in &self.tracks {
            let _ = writeln!(svg, "<g transform=\"translate(0 {y})\">");
            panel(&mut svg, track);
            svg.push_str("</g>\n");
            y += PANEL;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn panel(svg: &mut String, track: &Track) {
    let class = if track.verdict() == Verdict::Failed { "bad" } else { "quiet" };
    text(svg, LEFT, 14.0, "name ink", &track.name);
    text(svg, LEFT, 33.0, &format!("small {class}"), &cut(&track.reason(), REASON));
    let Some(scale) = Scale::of(track) else {
        rule(svg, BOTTOM);
        return;
    };
    let points: Vec<(f64, &Measurement)> =
        track.measurements.iter().enumerate().map(|(index, one)| (scale.x(index), one)).collect();
    limits(svg, track, &points, &scale);
    rule(svg, BOTTOM);
    lines(svg, &points, &scale);
    marks(svg, &points, &scale);
    peak(svg, track, &points, &scale);
    labels(svg, track, &scale);
    times(svg, track);
}

/// From measurements to places in a panel.
struct Scale {
    step: f64,
    start: f64,
    low: f64,
    high: f64,
}

impl Scale {
    /// From zero to a little above the greatest number or limit; `None` where nothing was measured.
    fn of(track: &Track) -> Option<Self> {
        let count = track.measurements.len();
        if count == 0 {
            return None;
        }
        let numbers = || track.measurements.iter().flat_map(|one| [one.value, one.min, one.max]).flatten();
        let low = numbers().fold(0.0, f64::min);
        let high = numbers().fold(low, f64::max);
        let room = if high > low { (high - low) * 0.12 } else { 1.0 };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (step, start) = if count == 1 {
            (0.0, f64::midpoint(LEFT, RIGHT))
        } else {
            ((RIGHT - LEFT) / (count - 1) as f64, LEFT)
        };
        Some(Self { step, start, low, high: high + room })
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn x(&self, index: usize) -> f64 {
        self.start + self.step * index as f64
    }

    fn y(&self, number: f64) -> f64 {
        BOTTOM - (number - self.low) / (self.high - self.low) * (BOTTOM - TOP)
    }
}

/// The limits as they were at each measurement: those of a baseline move.
fn limits(svg: &mut String, track: &Track, points: &[(f64, &Measurement)], scale: &Scale) {
    let bounds: [fn(&Measurement) -> Option<f64>; 2] = [|one| one.max, |one| one.min];
    for (of, edge) in bounds.into_iter().zip([TOP, BOTTOM]) {
        let mut ends: Vec<(f64, f64)> =
            points.iter().filter_map(|(x, one)| Some((*x, scale.y(of(one)?)))).collect();
        let (Some(first), Some(last)) = (ends.first().copied(), ends.last().copied()) else { continue };
        ends.insert(0, (LEFT, first.1));
        ends.push((RIGHT, last.1));
        let path = path(&ends);
        if track.name != "alarms" {
            let _ = writeln!(svg, "<path class=\"over\" d=\"{path}V{edge}H{LEFT}Z\"/>");
        }
        let _ = writeln!(svg, "<path class=\"limit\" d=\"{path}\"/>");
    }
}

/// The numbers, with gaps where there are none.
fn lines(svg: &mut String, points: &[(f64, &Measurement)], scale: &Scale) {
    for run in points.split(|(_, one)| one.value.is_none()) {
        let ends: Vec<(f64, f64)> =
            run.iter().filter_map(|(x, one)| Some((*x, scale.y(one.value?)))).collect();
        if ends.len() > 1 {
            let _ = writeln!(svg, "<path class=\"line\" d=\"{}\"/>", path(&ends));
        } else if let [(x, y)] = ends.as_slice() {
            circle(svg, *x, *y, 2.0, "dot");
        }
    }
}

/// What failed, on the line; what gave no number, on the ground.
fn marks(svg: &mut String, points: &[(f64, &Measurement)], scale: &Scale) {
    for (x, one) in points {
        match (one.phase, one.value) {
            (Phase::Failed, Some(value)) => circle(svg, *x, scale.y(value), 4.0, "bad"),
            (Phase::Error, _) => {
                let _ = writeln!(
                    svg,
                    "<path class=\"gap\" d=\"M{:.1} {:.1}l6 6m0 -6l-6 6\"/>",
                    x - 3.0,
                    BOTTOM - 3.0
                );
            }
            (Phase::Inconclusive, _) => circle(svg, *x, BOTTOM, 3.0, "gap"),
            _ => {}
        }
    }
}

/// The greatest number where it stands, unless the line ends there.
fn peak(svg: &mut String, track: &Track, points: &[(f64, &Measurement)], scale: &Scale) {
    let greatest = points.iter().filter_map(|(x, one)| Some((*x, one.value?, one.phase)));
    let Some((x, value, phase)) = greatest.max_by(|a, b| a.1.total_cmp(&b.1)) else { return };
    let last = points.iter().rev().find_map(|(_, one)| one.value);
    if last.is_some_and(|last| value > last) && RIGHT - x > 40.0 {
        let class = if phase == Phase::Failed { "bad" } else { "quiet" };
        let x = x.max(LEFT + 20.0);
        text(svg, x, scale.y(value) - 8.0, &format!("small middle {class}"), &track.unit.show(value));
    }
}

/// What the line and its limits end at. Where they would cover each other they make room.
fn labels(svg: &mut String, track: &Track, scale: &Scale) {
    let last = |of: fn(&Measurement) -> Option<f64>| track.measurements.iter().rev().find_map(of);
    let mut labels: Vec<(f64, String, &str)> = Vec::new();
    if let Some(one) = track.measurements.iter().rev().find(|one| one.value.is_some()) {
        let class = if one.phase == Phase::Failed { "name bad" } else { "value" };
        labels.extend(one.value.map(|value| (scale.y(value), track.unit.show(value), class)));
    }
    for (word, limit) in [("at most", last(|one| one.max)), ("at least", last(|one| one.min))] {
        labels.extend(
            limit.map(|limit| (scale.y(limit), format!("{word} {}", track.unit.show(limit)), "small bad")),
        );
    }
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    for index in 1..labels.len() {
        labels[index].0 = labels[index].0.max(labels[index - 1].0 + LINE);
    }
    // What was pushed below the ground pushes the others up again.
    let mut lowest = BOTTOM + 2.0;
    for label in labels.iter_mut().rev() {
        label.0 = label.0.min(lowest);
        lowest = label.0 - LINE;
    }
    for (y, label, class) in labels {
        text(svg, RIGHT + 12.0, y + 4.0, class, &label);
    }
}

/// When it began and ended, and what the marks on the ground mean where there are some.
fn times(svg: &mut String, track: &Track) {
    let [first, .., last] = track.measurements.as_slice() else { return };
    let y = BOTTOM + 18.0;
    text(svg, LEFT, y, "small quiet", &first.at.strftime("%H:%M:%S UTC").to_string());
    text(svg, RIGHT, y, "small quiet end", &last.at.strftime("%H:%M:%S UTC").to_string());
    let has = |phase| track.measurements.iter().any(|one| one.phase == phase);
    let said = match (has(Phase::Inconclusive), has(Phase::Error)) {
        (true, true) => "○ too little to judge   × not measurable",
        (true, false) => "○ too little to judge",
        (false, true) => "× not measurable",
        (false, false) => return,
    };
    text(svg, f64::midpoint(LEFT, RIGHT), y, "small quiet middle", said);
}

fn rule(svg: &mut String, y: f64) {
    let _ = writeln!(svg, "<path class=\"rule\" d=\"M{LEFT} {y}H{RIGHT}\"/>");
}

fn circle(svg: &mut String, x: f64, y: f64, radius: f64, class: &str) {
    let _ = writeln!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>");
}

fn path(ends: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in ends.iter().enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
    }
    path
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let _ =
        writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape::markup(text));
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use sluice_core::Place;

    use super::*;
    use crate::limits::Limits;
    use crate::unit::Unit;

    pub(crate) fn track(name: &str, unit: Unit, max: f64, values: &[Option<f64>]) -> Track {
        let measurement = |(index, value): (usize, &Option<f64>)| Measurement {
            at: jiff::Timestamp::from_second(1_795_262_400 + 30 * i64::try_from(index).unwrap()).unwrap(),
            phase: match value {
                Some(value) if *value > max => Phase::Failed,
                Some(_) => Phase::Successful,
                None => Phase::Inconclusive,
            },
            value: *value,
            reason: value.map_or_else(
                || "too few requests: 3, 20 needed".to_owned(),
                |value| format!("{}, at most {}", unit.show(value), unit.show(max)),
            ),
            asked: Vec::new(),
            min: None,
            max: value.map(|_| max),
            help: None,
        };
        Track {
            name: name.to_owned(),
            measurements: values.iter().enumerate().map(measurement).collect(),
            place: Place::file("sluice.yml"),
            unit,
            limits: Limits { count: 20, failure: 2, inconclusive: 3, consecutive_error: 4 },
            broken: None,
        }
    }

    fn course() -> Course {
        let errors =
            [0.1, 0.2, 0.15, 0.3, 0.2, 0.25, 0.4, 0.9, 1.4, 2.2, 2.8].map(|value| Some(value / 100.0));
        let mut latency = [120.0, 135.0, 128.0, 180.0, 210.0, 160.0, 150.0, 142.0, 138.0, 131.0, 126.0]
            .map(|value| Some(value / 1000.0));
        (latency[1], latency[2]) = (None, None);
        let orders = [812.0, 790.0, 801.0, 845.0, 798.0, 820.0, 833.0, 815.0, 809.0, 826.0, 830.0].map(Some);
        Course {
            schedule: "for 10m, every 30s, after 1m".to_owned(),
            tracks: vec![
                track("errors", Unit::Share, 0.01, &errors),
                track("latency", Unit::Seconds, 0.5, &latency),
                track("orders <b>&", Unit::Number, 850.0, &orders),
            ],
        }
    }

    #[test]
    fn a_picture_is_well_formed_whatever_a_metric_is_called() {
        let svg = course().svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> = document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")))
            .filter_map(|node| node.text())
            .collect();
        for expected in
            ["Unhealthy", "orders <b>&", "2.8 %", "at most 1 %", "210 ms", "○ too little to judge"]
        {
            assert!(texts.contains(&expected), "{expected}: {texts:?}");
        }
        let class = |wanted: &str| {
            document.descendants().filter(|node| node.attribute("class") == Some(wanted)).count()
        };
        // Three measurements are above the limit, two gave no number: the line of latency has a gap.
        assert_eq!((class("bad"), class("gap"), class("limit"), class("line")), (3, 2, 3, 3));
    }

    #[test]
    fn what_was_not_measured_is_drawn_too() {
        let empty = track("none", Unit::Number, 1.0, &[]);
        let one = track("one", Unit::Number, 1.0, &[Some(0.0)]);
        let unknown = track("unknown", Unit::Number, 1.0, &[None, None]);
        let course = Course { schedule: String::new(), tracks: vec![empty, one, unknown] };
        let svg = course.svg();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(roxmltree::Document::parse(&svg).is_ok());
    }
}
