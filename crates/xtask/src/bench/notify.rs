//! notify with a Slack channel on loopback: one message, made of little and of much.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    Must, Table,
    loopback::{Answer, serve},
    measure::{Run, Taken, in_turns},
};

/// How often each command is run.
const ROUNDS: usize = 51;

/// How many cells the matrix has: as many as GitHub lets one have.
/// <https://docs.github.com/actions/reference/limits>
const CELLS: usize = 256;

/// What one string of the environment can hold, with its name and the zero that ends it: `MAX_ARG_STRLEN` of
/// <https://man7.org/linux/man-pages/man2/execve.2.html>
const VARIABLE: usize = 128 * 1024;

const CONFIG: &str = "\
version: 1
channels: {team: {slack: {webhook: {env: SLACK}}}}
notify: [{on: [success, failure], channels: [team]}]
";

pub(super) fn measure(binaries: &Path) -> anyhow::Result<Table> {
    let title = format!(
        "notify, the whole process and its message to Slack on loopback: the middle (and the least) of {ROUNDS} runs \
         in turns"
    );
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join(".github"))?;
    std::fs::write(folder.path().join(".github/sluice.yml"), CONFIG)?;
    leave_reports(&folder.path().join("one"), 1)?;
    leave_reports(&folder.path().join("many"), CELLS)?;

    let binary = binaries.join("notify");
    let webhook = format!("http://127.0.0.1:{}/services/T0/B0/secret", serve(answer)?);
    let run = |input: (&str, String)| {
        let mut run = Run::new(folder.path(), &binary.to_string_lossy(), &[]);
        run.environment =
            vec![("SLACK".to_owned(), webhook.clone()), (format!("INPUT_{}", input.0), input.1)];
        run
    };
    let runs = [run(("REPORTS", "one".into())), run(("REPORTS", "many".into())), run(("NEEDS", needs()))];
    let [one, many, needs] = in_turns(runs.each_ref(), ROUNDS)?;

    let mut table = Table::new(&title, &["", "size", "time", "ratio", "on a processor", "memory"]);
    #[expect(clippy::cast_precision_loss, reason = "two digits are printed")]
    let size = binary.metadata()?.len() as f64 / 1e6;
    let must = Must { words: "< 5 MB".to_owned(), holds: size < 5.0 };
    let none = || "–".to_owned();
    table.row(["the binary".to_owned(), format!("{size:.2} MB"), none(), none(), none(), none()], &[must]);
    let mut row = |what: &str, taken: &Taken, must| {
        let cells = [
            what.to_owned(),
            none(),
            format!("{:.1} ({:.1}) ms", taken.median, taken.least),
            format!("{:.2}", taken.median / one.median),
            format!("{:.1} ms", taken.processor),
            format!("{:.1} MB", taken.megabytes),
        ];
        table.row(cells, &[must]);
    };
    row("one report", &one, Must::milliseconds(&one, 25));
    row(&format!("the reports of {CELLS} cells"), &many, Must::milliseconds(&many, 50));
    row("needs of 128 KiB", &needs, Must::milliseconds(&needs, 50));
    Ok(table)
}

/// Slack's answer to a message that it takes.
fn answer(_: &str) -> Answer {
    Answer { content_type: "text/html", body: "ok" }
}

/// The reports of a matrix's cells, a folder each, as artifacts come. Every eighth one is no success.
fn leave_reports(folder: &Path, cells: usize) -> anyhow::Result<()> {
    for cell in 0..cells {
        let folder = folder.join(format!("sluice-smoke-{cell}"));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("smoke-test.json"), report(cell).to_string())?;
    }
    Ok(())
}

/// What smoke-test leaves of a dozen checks.
fn report(cell: usize) -> Value {
    let is_good = cell % 8 != 7;
    let findings: Vec<Value> = (0..12)
        .map(|check| {
            let fails = check == 11 && !is_good;
            json!({
                "subject": format!("GET /service-{check}/healthz"),
                "verdict": if fails { "failed" } else { "passed" },
                "reason": if fails { "status 503, expected 200" } else { "status 200" },
                "evidence": ["12 ms, 1 try"],
            })
        })
        .collect();
    json!({
        "schema": 1,
        "action": "smoke-test",
        "verdict": if is_good { "passed" } else { "failed" },
        "title": if is_good { "12 of 12 checks passed" } else { "1 of 12 checks failed" },
        "findings": findings,
        "started_at": "2026-01-02T03:04:05Z",
        "duration": 1.25,
    })
}

/// As many jobs with outputs as one variable can hold.
fn needs() -> String {
    let room = VARIABLE - "INPUT_NEEDS=".len() - 1;
    let mut jobs = Map::new();
    let mut size = "{}".len();
    for index in 0.. {
        let name = format!("job-{index}");
        let job =
            json!({"result": "success", "outputs": {"image": "registry.example.com/shop/backend:v1.4.2"}});
        // Quotation marks, a colon and a comma.
        size += name.len() + job.to_string().len() + 4;
        if size > room {
            break;
        }
        jobs.insert(name, job);
    }
    Value::Object(jobs).to_string()
}
