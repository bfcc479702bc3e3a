//! The last lines of a terminal, which are drawn anew as they change.

use std::fmt::Write as _;

use console::{Term, measure_text_width, truncate_str};

/// The lines at the end of the terminal. The cursor stands below them and is always seen: a process that is killed leaves
/// nothing to restore.
pub(crate) struct Screen {
    term: Term,
    /// How many columns each line takes that is drawn.
    drawn: Vec<usize>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { term: Term::stderr(), drawn: Vec::new() }
    }

    /// How many lines the terminal has room for.
    pub(crate) fn height(&self) -> usize {
        self.term.size().0.into()
    }

    /// Draws these lines instead of those that are there; what does not fit into one is cut.
    pub(crate) fn draw(&mut self, lines: &[String]) {
        let width = self.width();
        let mut text = erasing(&self.drawn, width);
        self.drawn.clear();
        for line in lines {
            let line = truncate_str(line, width - 1, "…");
            self.drawn.push(measure_text_width(&line));
            let _ = writeln!(text, "{line}");
        }
        // What can't be drawn is not seen, and decides nothing.
        let _ = self.term.write_str(&text);
    }

    /// Leaves no trace.
    pub(crate) fn clear(&mut self) {
        self.draw(&[]);
    }

    fn width(&self) -> usize {
        usize::from(self.term.size().1).max(2)
    }
}

/// What takes lines of these columns from a terminal of this width. It may have been wider when they were drawn: then it
/// has broken them.
fn erasing(drawn: &[usize], width: usize) -> String {
    match drawn.iter().map(|columns| columns.div_ceil(width).max(1)).sum::<usize>() {
        0 => String::new(),
        rows => format!("\r\u{1b}[{rows}A\u{1b}[J"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_the_terminal_has_broken_are_taken_away_whole() {
        assert_eq!(erasing(&[], 80), "");
        assert_eq!(erasing(&[79, 0, 40], 80), "\r\u{1b}[3A\u{1b}[J");
        assert_eq!(erasing(&[79, 0, 40], 40), "\r\u{1b}[4A\u{1b}[J");
        assert_eq!(erasing(&[79, 0, 41], 20), "\r\u{1b}[8A\u{1b}[J");
    }
}
