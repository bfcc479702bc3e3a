//! What is said while a run goes on: one line a workload.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use console::style;
use sluice_core::{Context, Period, escape};

use crate::screen::Screen;

/// Says how far each workload is: on a terminal in a line that changes, elsewhere in a new line when it changed.
pub(crate) struct Voice<'a> {
    cx: &'a Context,
    screen: Option<Screen>,
    began: Instant,
    lines: Vec<Line>,
}

/// How far something is, at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Underway,
    InTrouble,
    Done,
}

struct Line {
    object: String,
    state: State,
    text: String,
}

/// How often the lines of a terminal are drawn at least: time goes on, and its size may be another.
pub(crate) const FRAME: Duration = Duration::from_secs(1);
/// The lines of the terminal that are not for workloads: the summary, the cursor's, and one of what was said before.
const KEPT: usize = 3;

impl<'a> Voice<'a> {
    pub(crate) fn new(cx: &'a Context) -> Self {
        let is_terminal = !cx.is_in_actions() && std::io::stderr().is_terminal();
        Self { cx, screen: is_terminal.then(Screen::new), began: Instant::now(), lines: Vec::new() }
    }

    /// A line for itself.
    pub(crate) fn say(&mut self, line: &str) {
        if let Some(screen) = &mut self.screen {
            screen.clear();
        }
        self.cx.say(line);
        self.show();
    }

    /// All that is told of from here on, in this order.
    pub(crate) fn begin(&mut self, objects: impl Iterator<Item = String>) {
        let line = |object| Line { object, state: State::Underway, text: String::new() };
        self.lines = objects.map(line).collect();
    }

    /// How far one object is.
    pub(crate) fn tell(&mut self, object: &str, state: State, text: &str) {
        let wide = self.wide();
        let Some(line) = self.lines.iter_mut().find(|line| line.object == object) else { return };
        if line.text == text {
            return;
        }
        (line.state, line.text) = (state, text.to_owned());
        if self.screen.is_none() {
            self.cx.say(&format!("{object:wide$}  {text}"));
        }
    }

    /// Draws the lines, on a terminal. Where not all fit, those that are done are only counted.
    pub(crate) fn show(&mut self) {
        let wide = self.wide();
        let Some(screen) = &mut self.screen else { return };
        let room = screen.height().saturating_sub(KEPT).max(1);
        let mut shown: Vec<&Line> = self.lines.iter().filter(|line| !line.text.is_empty()).collect();
        if shown.is_empty() {
            return;
        }
        if shown.len() > room {
            shown.retain(|line| line.state != State::Done);
            shown.sort_by_key(|line| line.state != State::InTrouble);
            shown.truncate(room);
        }
        let passed = Period(Duration::from_secs(self.began.elapsed().as_secs()));
        let summary = format!("{}, after {passed}", summed_up(&self.lines));
        let rows = shown.into_iter().map(|line| line.shown(wide));
        screen.draw(&std::iter::once(summary).chain(rows).collect::<Vec<_>>());
    }

    fn wide(&self) -> usize {
        self.lines.iter().map(|line| line.object.chars().count()).max().unwrap_or(0)
    }

    /// Leaves no trace on a terminal.
    pub(crate) fn end(&mut self) {
        self.lines.clear();
        if let Some(screen) = &mut self.screen {
            screen.clear();
        }
    }
}

impl Line {
    /// `✓ deployment/web  2/2 ready, done`: what is said is of strangers.
    fn shown(&self, wide: usize) -> String {
        let sign = match self.state {
            State::Underway => style("·"),
            State::InTrouble => style("!").yellow(),
            State::Done => style("✓").green(),
        };
        let text = escape::line(&format!("{:wide$}  {}", self.object, self.text));
        format!("  {} {text}", sign.for_stderr())
    }
}

/// `1 of 3 done, 1 in trouble`.
fn summed_up(lines: &[Line]) -> String {
    let count = |state| lines.iter().filter(|line| line.state == state).count();
    let trouble = match count(State::InTrouble) {
        0 => String::new(),
        count => format!(", {count} in trouble"),
    };
    format!("{} of {} done{trouble}", count(State::Done), lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(object: &str, state: State, text: &str) -> Line {
        Line { object: object.to_owned(), state, text: text.to_owned() }
    }

    #[test]
    fn the_answer_comes_first() {
        let mut lines = vec![line("deployment/web", State::Done, "2/2 ready, done")];
        lines.push(line("deployment/api", State::Underway, "0/1 ready"));
        assert_eq!(summed_up(&lines), "1 of 2 done");
        lines.push(line("statefulset/db", State::InTrouble, "0/1 ready"));
        assert_eq!(summed_up(&lines), "1 of 3 done, 1 in trouble");
    }

    #[test]
    fn a_line_is_one_line_whatever_strangers_say() {
        let shown = line("deployment/web", State::InTrouble, "a\n\u{1b}[2Jb").shown(16);
        assert!(!shown.contains('\n') && !shown.contains("\u{1b}[2J"), "{shown:?}");
        assert!(shown.contains("deployment/web    a"), "{shown:?}");
    }
}
