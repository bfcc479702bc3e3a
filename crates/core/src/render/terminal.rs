//! The report as a person reads it on a terminal or in a log: the answer first.

use std::fmt::Write as _;

use crate::{Block, Finding, Report, Verdict, escape};

/// The report as lines. Colour is for a terminal only.
pub fn terminal(report: &Report, colour: bool) -> String {
    let paint = Paint(colour);
    let mut text = String::new();
    let name = match &report.command {
        Some(command) => format!("{} {command}", report.action),
        None => report.action.clone(),
    };
    let _ = writeln!(
        text,
        "{} {} — {}",
        paint.verdict(report.verdict, report.verdict.sign()),
        paint.bold(&escape::line(&name)),
        escape::line(&report.title),
    );
    match report.sole_problem() {
        Some((finding, why)) => problem(&mut text, paint, finding, why),
        None => findings(&mut text, paint, &report.findings),
    }
    for block in &report.blocks {
        match block {
            Block::Table { title, header, rows } => table(&mut text, paint, title, header, rows),
            Block::Diff { title, text: lines } => diff(&mut text, paint, title, lines),
            // Lines of text draw no graph, and what it shows the findings say too.
            Block::Mermaid { .. } | Block::Chart { .. } => {}
        }
    }
    if !report.facts.is_empty() || !report.links.is_empty() {
        text.push('\n');
    }
    let facts = report.facts.iter().map(|fact| (&fact.name, &fact.value));
    let links = report.links.iter().map(|link| (&link.label, &link.url));
    let rows: Vec<(String, String)> =
        facts.chain(links).map(|(name, value)| (escape::line(name), escape::line(value))).collect();
    let width = rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
    for (name, value) in rows {
        let _ = writeln!(text, "  {}  {value}", paint.dim(&pad(&name, width)));
    }
    text
}

fn findings(text: &mut String, paint: Paint, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    text.push('\n');
    let subjects: Vec<String> = findings.iter().map(|finding| escape::line(&finding.subject)).collect();
    let width = subjects.iter().map(|subject| columns(subject)).max().unwrap_or(0).min(40);
    for (finding, subject) in findings.iter().zip(subjects) {
        let _ = writeln!(
            text,
            "  {} {}  {}",
            paint.verdict(finding.verdict, finding.verdict.sign()),
            pad(&subject, width),
            escape::line(&finding.reason),
        );
        details(text, paint, finding, width + 6);
    }
}

fn problem(text: &mut String, paint: Paint, finding: &Finding, why: &str) {
    if !why.is_empty() {
        let _ = writeln!(text, "  {}", escape::line(why));
    }
    details(text, paint, finding, 2);
}

/// What stands below a finding's line.
fn details(text: &mut String, paint: Paint, finding: &Finding, indent: usize) {
    let indent = " ".repeat(indent);
    for line in &finding.evidence {
        let _ = writeln!(text, "{indent}{}", paint.dim(&escape::line(line)));
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(text, "{indent}{} {}", paint.bold("help:"), escape::line(help));
    }
    if let Some(place) = &finding.place {
        let _ = writeln!(text, "{indent}{} {}", paint.dim("-->"), escape::line(&place.to_string()));
    }
}

fn table(text: &mut String, paint: Paint, title: &str, header: &[String], rows: &[Vec<String>]) {
    let _ = writeln!(text, "\n  {}", paint.bold(&escape::line(title)));
    let lines: Vec<Vec<String>> = std::iter::once(header)
        .chain(rows.iter().map(Vec::as_slice))
        .map(|row| row.iter().map(|cell| escape::line(cell)).collect())
        .collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| columns(cell)).max().unwrap_or(0)
        })
        .collect();
    for (index, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        let line = cells.join("  ");
        let line = line.trim_end();
        let _ = writeln!(text, "  {}", if index == 0 { paint.dim(line) } else { line.to_owned() });
    }
}

fn diff(text: &mut String, paint: Paint, title: &str, lines: &str) {
    let _ = writeln!(text, "\n  {}", paint.bold(&escape::line(title)));
    for line in lines.lines() {
        let shown = escape::line(line);
        let shown = match line.chars().next() {
            Some('+') => paint.green(&shown),
            Some('-') => paint.red(&shown),
            Some('@') => paint.dim(&shown),
            _ => shown,
        };
        let _ = writeln!(text, "  {shown}");
    }
}

/// How many columns a text takes: one a character is near enough for names and reasons.
fn columns(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    fn verdict(self, verdict: Verdict, text: &str) -> String {
        match verdict {
            Verdict::Passed => self.green(text),
            Verdict::Skipped => self.dim(text),
            Verdict::Pending | Verdict::Undecided => self.with("33", text),
            Verdict::Failed | Verdict::Misconfigured | Verdict::Broken => self.red(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_comes_first_and_columns_are_aligned() {
        insta::assert_snapshot!(terminal(&crate::report::tests::sample(), false));
    }

    #[test]
    fn a_single_problem_is_told_once() {
        let mut report = crate::report::tests::sample();
        let problem = crate::Problem::misconfigured("no environment is called \"prd\"")
            .why("the configuration names dev and prod")
            .help("did you mean \"prod\"?")
            .at(crate::Place::at(".github/sluice.yml", 2, 1));
        report.title.clone_from(&problem.what);
        report.findings = vec![problem.into()];
        report.facts.clear();
        report.links.clear();
        report.blocks.clear();
        insta::assert_snapshot!(terminal(&report, false), @r#"
        ✗ gate-approval evaluate — no environment is called "prd"
          the configuration names dev and prod
          help: did you mean "prod"?
          --> .github/sluice.yml:2:1
        "#);
    }

    #[test]
    fn colour_is_only_around_text() {
        let report = crate::report::tests::sample();
        let painted = terminal(&report, true);
        assert!(painted.contains("\u{1b}[31m✗\u{1b}[0m"));
        let mut plain = painted;
        for code in ["1", "2", "31", "32", "33", "0"] {
            plain = plain.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(plain, terminal(&report, false));
    }
}
