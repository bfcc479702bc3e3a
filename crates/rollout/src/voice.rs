//! What is said while a run goes on: one line a workload.

use std::{io::IsTerminal as _, time::Duration};

use console::{Term, style};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sluice_core::{Context, escape};

/// Says how far each workload is: on a terminal in a line that changes, elsewhere in a new line when it changed.
pub(crate) struct Voice<'a> {
    cx: &'a Context,
    terminal: Option<Terminal>,
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

/// The lines at the end of the terminal: a summary, and below it those of the workloads.
struct Terminal {
    all: MultiProgress,
    summary: ProgressBar,
    rows: Vec<ProgressBar>,
}

const FRAME: Duration = Duration::from_millis(120);
/// The lines of the terminal that are not for workloads: the summary, the cursor's, and one of what was said before.
const KEPT: usize = 3;

impl<'a> Voice<'a> {
    pub(crate) fn new(cx: &'a Context) -> Self {
        let is_terminal = !cx.is_in_actions() && std::io::stderr().is_terminal();
        Self { cx, terminal: is_terminal.then(Terminal::new), lines: Vec::new() }
    }

    /// A line for itself.
    pub(crate) fn say(&self, line: &str) {
        match &self.terminal {
            Some(terminal) => terminal.all.suspend(|| self.cx.say(line)),
            None => self.cx.say(line),
        }
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
        match &mut self.terminal {
            Some(terminal) => terminal.show(&self.lines, wide),
            None => self.cx.say(&format!("{object:wide$}  {text}")),
        }
    }

    fn wide(&self) -> usize {
        self.lines.iter().map(|line| line.object.chars().count()).max().unwrap_or(0)
    }

    /// Leaves no trace on a terminal.
    pub(crate) fn end(&mut self) {
        self.lines.clear();
        if let Some(terminal) = &mut self.terminal {
            terminal.clear();
        }
    }
}

impl Terminal {
    fn new() -> Self {
        let all = MultiProgress::new();
        let summary = all.add(ProgressBar::new_spinner());
        Self { all, summary, rows: Vec::new() }
    }

    /// Shows what fits: where not all do, those that are done are only counted.
    fn show(&mut self, lines: &[Line], wide: usize) {
        let (height, _) = Term::stderr().size();
        let room = usize::from(height).saturating_sub(KEPT).max(1);
        let told = || lines.iter().filter(|line| !line.text.is_empty());
        let shown: Vec<&Line> = if told().count() <= room {
            told().collect()
        } else {
            let mut rest: Vec<&Line> = told().filter(|line| line.state != State::Done).collect();
            rest.sort_by_key(|line| line.state != State::InTrouble);
            rest.truncate(room);
            rest
        };
        if !self.summary.is_finished() && self.rows.is_empty() {
            self.summary.set_style(styled("{spinner:.cyan} {wide_msg}"));
            self.summary.enable_steady_tick(FRAME);
        }
        self.summary.set_message(summed_up(lines));
        while self.rows.len() < shown.len() {
            let row = self.all.add(ProgressBar::new_spinner());
            row.set_style(styled("{wide_msg}"));
            self.rows.push(row);
        }
        for row in self.rows.drain(shown.len()..) {
            row.finish_and_clear();
            self.all.remove(&row);
        }
        for (row, line) in self.rows.iter().zip(shown) {
            row.set_message(line.shown(wide));
        }
    }

    fn clear(&mut self) {
        self.summary.disable_steady_tick();
        for row in self.rows.drain(..) {
            row.finish_and_clear();
        }
        self.summary.finish_and_clear();
        // What can't be cleared is only ugly.
        let _ = self.all.clear();
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

/// The templates are ours: where one can't be read, that of the library does.
fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
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
