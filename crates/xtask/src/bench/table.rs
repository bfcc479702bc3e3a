//! What was measured, as a table, with what must hold.

use std::fmt;

use super::Must;

/// A table: its first column says what, its last ones what must hold and whether it does.
pub(super) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
    holds: bool,
}

impl Table {
    pub(super) fn new(title: &str, columns: &[&str]) -> Self {
        let heads = columns.iter().chain(&["must", ""]).map(|head| (*head).to_owned()).collect();
        Self { title: title.to_owned(), rows: vec![heads], holds: true }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N], musts: &[Must]) {
        let holds = musts.iter().all(|must| must.holds);
        let words: Vec<&str> = musts.iter().map(|must| must.words.as_str()).collect();
        let sign = match (words.is_empty(), holds) {
            (true, _) => "",
            (false, true) => "✓",
            (false, false) => "✗",
        };
        self.rows.push(cells.into_iter().chain([words.join(", "), sign.to_owned()]).collect());
        self.holds &= holds;
    }

    /// Whether all that must hold does.
    pub(super) fn holds(&self) -> bool {
        self.holds
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n", self.title)?;
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let width = cells.map(|cell| cell.chars().count()).max().unwrap_or_default();
                // Words stand to the left, figures to the right.
                let is_word = column == 0 || column + 2 >= row.len();
                if is_word { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            writeln!(formatter, "{}", cells.collect::<Vec<_>>().join("   ").trim_end())?;
        }
        Ok(())
    }
}
