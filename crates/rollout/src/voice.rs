//! What is said while a run goes on: one line a workload.

use std::{collections::BTreeMap, io::IsTerminal as _, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sluice_core::{Context, escape};

/// Says how far each workload is: on a terminal in a line that changes, elsewhere in a new line when it changed.
pub(crate) struct Voice<'a> {
    cx: &'a Context,
    bars: Option<MultiProgress>,
    lines: BTreeMap<String, (String, Option<ProgressBar>)>,
}

const FRAME: Duration = Duration::from_millis(120);

impl<'a> Voice<'a> {
    pub(crate) fn new(cx: &'a Context) -> Self {
        let is_terminal = !cx.is_in_actions() && std::io::stderr().is_terminal();
        Self { cx, bars: is_terminal.then(MultiProgress::new), lines: BTreeMap::new() }
    }

    /// A line for itself.
    pub(crate) fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.cx.say(line)),
            None => self.cx.say(line),
        }
    }

    /// How far one object is.
    pub(crate) fn tell(&mut self, object: &str, wide: usize, line: &str) {
        let (last, bar) = self.lines.entry(object.to_owned()).or_default();
        if last == line {
            return;
        }
        line.clone_into(last);
        let text = format!("{object:wide$}  {line}");
        match &self.bars {
            None => self.cx.say(&text),
            Some(bars) => {
                let bar = bar.get_or_insert_with(|| {
                    let bar = bars.add(ProgressBar::new_spinner());
                    // The template is ours: where it can't be read, that of the library does.
                    let style = ProgressStyle::with_template("  {spinner:.cyan} {msg}");
                    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                    bar.enable_steady_tick(FRAME);
                    bar
                });
                bar.set_message(escape::line(&text));
            }
        }
    }

    /// Leaves no trace on a terminal.
    pub(crate) fn end(&mut self) {
        for (_, bar) in std::mem::take(&mut self.lines).into_values() {
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        }
    }
}
