//! The report as a job summary: GitHub's Markdown.

use std::fmt::Write as _;

use crate::{Block, ChartAxis, Emphasis, Finding, Node, Report, Verdict, escape};

/// The report as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "### {} {}: {}\n",
        emoji(report.verdict),
        escape::markdown(&report.action),
        escape::markdown(&report.title)
    );
    match report.sole_problem() {
        Some((finding, why)) => {
            let _ = writeln!(text, "{}\n", details(finding, why));
        }
        None => findings(&mut text, &report.findings),
    }
    for block in &report.blocks {
        match block {
            Block::Table { title, header, rows } => table(&mut text, title, header, rows),
            Block::Diff { title, text: lines } => diff(&mut text, title, lines),
            Block::Mermaid { title, nodes, arrows } => mermaid(&mut text, title, nodes, arrows),
            Block::Chart { title, x, y, lines } => chart(&mut text, title, x, y, lines),
        }
    }
    let mut line: Vec<String> = report
        .facts
        .iter()
        .map(|fact| format!("{} {}", escape::markdown(&fact.name), escape::markdown_code(&fact.value)))
        .collect();
    line.extend(report.links.iter().filter(|link| is_web(&link.url)).map(|link| {
        format!("<a href=\"{}\">{}</a>", escape::markdown(&link.url), escape::markdown(&link.label))
    }));
    if !line.is_empty() {
        let _ = writeln!(text, "<sub>{}</sub>\n", line.join(" · "));
    }
    text
}

fn findings(text: &mut String, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    text.push_str("| | Subject | Why |\n|---|---|---|\n");
    for finding in findings {
        let subject = escape::markdown_code(&finding.subject);
        let details = details(finding, &finding.reason);
        let _ = writeln!(text, "| {} | {subject} | {details} |", emoji(finding.verdict));
    }
    text.push('\n');
}

/// All that a finding says, on one line of Markdown.
fn details(finding: &Finding, reason: &str) -> String {
    let mut parts = Vec::new();
    if !reason.is_empty() {
        parts.push(escape::markdown(reason));
    }
    parts.extend(finding.help.iter().map(|help| format!("→ {}", escape::markdown(help))));
    parts.extend(finding.evidence.iter().map(|line| format!("<sub>{}</sub>", escape::markdown_code(line))));
    parts.extend(
        finding
            .place
            .iter()
            .map(|place| format!("<sub>at {}</sub>", escape::markdown_code(&place.to_string()))),
    );
    parts.join("<br>")
}

fn table(text: &mut String, title: &str, header: &[String], rows: &[Vec<String>]) {
    let row = |cells: &[String], cell: fn(&str) -> String| {
        format!("| {} |\n", cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "))
    };
    let _ = writeln!(text, "**{}**\n", escape::markdown(title));
    text.push_str(&row(header, escape::markdown));
    let _ = writeln!(text, "|{}", "---|".repeat(header.len()));
    for cells in rows {
        text.push_str(&row(cells, escape::markdown_code));
    }
    text.push('\n');
}

fn diff(text: &mut String, title: &str, lines: &str) {
    let (fence, lines) = escape::markdown_fenced(lines);
    let _ =
        writeln!(text, "{}\n\n{fence}diff\n{}\n{fence}\n", escape::markdown_code(title), lines.trim_end());
}

/// The styles show on a light and on a dark page.
fn mermaid(text: &mut String, title: &str, nodes: &[Node], arrows: &[[usize; 2]]) {
    let _ = writeln!(text, "**{}**\n\n```mermaid\nflowchart LR", escape::markdown(title));
    for (index, node) in nodes.iter().enumerate() {
        let class = match node.emphasis {
            Emphasis::Strong => "strong",
            Emphasis::Normal => "normal",
            Emphasis::Faint => "faint",
        };
        let _ = writeln!(text, "  n{index}[\"{}\"]:::{class}", escape::mermaid(&node.label));
    }
    for [from, to] in arrows.iter().filter(|arrow| arrow.iter().all(|end| *end < nodes.len())) {
        let _ = writeln!(text, "  n{from} --> n{to}");
    }
    text.push_str("  classDef strong stroke-width:3px,font-weight:bold\n");
    text.push_str("  classDef normal stroke-width:2px,stroke-dasharray:5 3\n");
    text.push_str("  classDef faint opacity:0.5\n```\n\n");
}

/// The colours show on a light and on a dark page: what the chart is about in blue, its limits in red.
fn chart(text: &mut String, title: &str, x: &ChartAxis, y: &ChartAxis, lines: &[Vec<f64>]) {
    let is_finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
    if !is_finite(&[x.from, x.to, y.from, y.to]) {
        return;
    }
    let _ = writeln!(text, "**{}**\n\n```mermaid", escape::markdown(title));
    text.push_str("%%{init: {\"themeVariables\": {\"xyChart\": {\"plotColorPalette\": \"#4493f8, #e5534b, #e5534b\"}}}}%%\n");
    text.push_str("xychart-beta\n");
    for (name, axis) in [("x", x), ("y", y)] {
        let _ = writeln!(
            text,
            "  {name}-axis \"{}\" {} --> {}",
            escape::mermaid(&axis.label),
            axis.from,
            axis.to
        );
    }
    for line in lines.iter().filter(|line| is_finite(line)) {
        let numbers: Vec<String> = line.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  line [{}]", numbers.join(", "));
    }
    text.push_str("```\n\n");
}

/// An address that is safe to click on.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

const fn emoji(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✅",
        Verdict::Skipped => "➖",
        Verdict::Pending => "⏳",
        Verdict::Failed => "❌",
        Verdict::Misconfigured => "🛠️",
        Verdict::Undecided => "❓",
        Verdict::Broken => "🚨",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_chart_is_lines_over_axes() {
        let mut report = crate::report::tests::sample();
        report.findings.clear();
        report.facts.clear();
        report.links.clear();
        let axis = |label: &str, to| crate::ChartAxis { label: label.to_owned(), from: 0.0, to };
        report.blocks = vec![crate::Block::Chart {
            title: "errors".to_owned(),
            x: axis("minutes", 1.5),
            y: axis("per\"cent\n```", 2.0),
            lines: vec![vec![0.5, 1.25], vec![1.0, 1.0], vec![0.0, f64::NAN]],
        }];
        insta::assert_snapshot!(super::markdown(&report), @r##"
        ### ❌ gate-approval: rejected: 1 of 2 conditions says no

        **errors**

        ```mermaid
        %%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#4493f8, #e5534b, #e5534b"}}}}%%
        xychart-beta
          x-axis "minutes" 0 --> 1.5
          y-axis "per#34;cent#92;n#96;#96;#96;" 0 --> 2
          line [0.5, 1.25]
          line [1, 1]
        ```
        "##);
    }

    #[test]
    fn text_of_strangers_is_dead_in_the_summary() {
        insta::assert_snapshot!(super::markdown(&crate::report::tests::sample()));
    }
}
