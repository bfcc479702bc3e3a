//! The results as JUnit XML, as CI systems read it: <https://github.com/testmoapp/junitxml>

use std::fmt::Write as _;

use sluice_core::{Problem, Verdict, escape, file};

use crate::plan::Plan;
use crate::run::{End, Outcome};

/// Writes the results to the file that the plan names.
pub(crate) fn write(plan: &Plan, end: &End) -> Result<(), Problem> {
    let Some(path) = &plan.junit else { return Ok(()) };
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| file::replace(path, xml(plan, end).as_bytes()));
    written.map_err(|error| {
        Problem::undecided(format!("could not write the results to {}", path.display()))
            .why(error)
            .help("check the input `junit`")
    })
}

fn xml(plan: &Plan, end: &End) -> String {
    let mut xml = String::with_capacity(256 * (1 + end.outcomes.len()));
    let _ = write!(
        xml,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites><testsuite name=\"smoke-test\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.6}\">\n",
        end.outcomes.len(),
        end.count(Verdict::Failed),
        end.outcomes
            .iter()
            .filter(|outcome| outcome.verdict == Verdict::Undecided && !outcome.is_blocked)
            .count(),
        end.outcomes.iter().filter(|outcome| outcome.is_blocked).count(),
        end.duration.as_secs_f64(),
    );
    for (probe, outcome) in plan.probes.iter().zip(&end.outcomes) {
        let file = probe.place.as_ref().map_or("url", |place| &place.file);
        let _ = write!(
            xml,
            "<testcase name=\"{}\" classname=\"{}\"",
            escape::markup(&probe.name),
            escape::markup(file)
        );
        if let Some(place) = &probe.place {
            let _ = write!(xml, " file=\"{}\"", escape::markup(&place.file));
            if let Some(line) = place.line {
                let _ = write!(xml, " line=\"{line}\"");
            }
        }
        let _ = write!(xml, " time=\"{:.6}\"", outcome.duration.as_secs_f64());
        let tag = match outcome.verdict {
            Verdict::Passed => {
                xml.push_str("/>\n");
                continue;
            }
            Verdict::Failed => "failure",
            _ if outcome.is_blocked => "skipped",
            _ => "error",
        };
        let message = escape::markup(&outcome.reason);
        let details = escape::markup(&details(outcome));
        let _ = writeln!(xml, "><{tag} message=\"{message}\">{details}</{tag}></testcase>");
    }
    xml.push_str("</testsuite></testsuites>\n");
    plan.secrets.strike(&xml)
}

fn details(outcome: &Outcome) -> String {
    let Some(last) = &outcome.last else { return String::new() };
    let mut lines = Vec::new();
    for mismatch in &last.mismatches {
        lines.push(format!("expected {}", mismatch.expected));
        lines.push(format!("actual   {}", mismatch.actual));
    }
    lines.extend(last.answer.iter().map(|answer| format!("answer   {answer}")));
    lines.extend(last.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::expect::Mismatch;
    use crate::plan::tests::plan;
    use crate::probe::Attempt;

    #[test]
    fn results_are_told_as_other_tools_read_them() {
        let plan = plan(
            "checks:\n- {http: /a, name: 'a \"<b>&c'}\n- http: /b\n- http: /c\n",
            "https://shop.example.com",
        );
        plan.secrets.add("hush-hush", "TOKEN");
        let mismatch = Mismatch {
            reason: "body lacks \"x\"".to_owned(),
            expected: "body contains \"x\"".to_owned(),
            actual: "body is ]]><a>\u{1b}hush-hush".to_owned(),
            place: None,
        };
        let mut failed = Outcome::unknown();
        failed.take(Attempt::passed("").failed(vec![mismatch]), Duration::from_millis(12), true);
        let blocked = Outcome { is_blocked: true, reason: "not tried".to_owned(), ..Outcome::unknown() };
        let mut passed = Outcome::unknown();
        passed.take(Attempt::passed("200"), Duration::from_millis(3), true);
        let end = End {
            outcomes: vec![failed, blocked, passed],
            duration: Duration::from_millis(20),
            interrupted: None,
        };
        insta::assert_snapshot!(xml(&plan, &end), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites><testsuite name="smoke-test" tests="3" failures="1" errors="0" skipped="1" time="0.020000">
        <testcase name="a &quot;&lt;b&gt;&amp;c" classname="dev.yml" file="dev.yml" line="2" time="0.012000"><failure message="body lacks &quot;x&quot;">expected body contains &quot;x&quot;&#10;actual   body is ]]&gt;&lt;a&gt;\u{1b}***</failure></testcase>
        <testcase name="/b" classname="dev.yml" file="dev.yml" line="3" time="0.000000"><skipped message="not tried"></skipped></testcase>
        <testcase name="/c" classname="dev.yml" file="dev.yml" line="4" time="0.003000"/>
        </testsuite></testsuites>
        "#);
    }
}
