//! smoke-test against a server on loopback, beside Hurl where that is installed.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    Must, Table,
    loopback::{Answer, serve},
    measure::{Run, Taken, in_turns},
};

/// How often each command is run.
const ROUNDS: usize = 31;

/// How often one is run that takes long.
const FEW_ROUNDS: usize = 5;

/// The numbers of checks that show how time grows.
const GROWTH: [usize; 3] = [1_250, 2_500, 5_000];

pub(super) fn measure(binaries: &Path) -> anyhow::Result<Table> {
    let title = format!(
        "smoke-test on loopback, with three assertions a check, JUnit and summary: the middle (and the least) of \
         {ROUNDS} runs in turns, of {FEW_ROUNDS} where they are long"
    );
    let bench = Bench {
        binary: binaries.join("smoke-test").to_string_lossy().into_owned(),
        folder: tempfile::tempdir()?,
        port: serve(answer)?,
        has_hurl: Command::new("hurl").arg("--version").stdout(Stdio::null()).status().is_ok(),
    };
    let mut table = Table::new(&title, &["", "hurl", "ours", "ratio", "on a processor", "memory"]);
    bench.at_once(&mut table)?;
    bench.with_server_time(&mut table)?;
    bench.growing(&mut table)?;
    Ok(table)
}

struct Bench {
    binary: String,
    folder: tempfile::TempDir,
    port: u16,
    has_hurl: bool,
}

impl Bench {
    /// 200 checks that are answered at once.
    fn at_once(&self, table: &mut Table) -> anyhow::Result<()> {
        let (hurl, ours) = self.run(200, "/fast", ROUNDS)?;
        let mut musts = vec![Must::milliseconds(&ours, 42)];
        musts.extend(hurl.as_ref().map(|hurl| Must::of_hurl(&ours, hurl)));
        row(table, "200 checks", hurl.as_ref(), &ours, &musts);
        Ok(())
    }

    /// 200 checks that take the server 50 ms each.
    fn with_server_time(&self, table: &mut Table) -> anyhow::Result<()> {
        let (hurl, ours) = self.run(200, "/slow", FEW_ROUNDS)?;
        row(
            table,
            "200 checks, 50 ms of server time",
            hurl.as_ref(),
            &ours,
            &[Must::milliseconds(&ours, 500)],
        );
        Ok(())
    }

    /// Ever more checks.
    fn growing(&self, table: &mut Table) -> anyhow::Result<()> {
        let mut first = None;
        for count in GROWTH {
            let ours = self.ours(count, "/fast")?;
            let [ours] = in_turns([&ours], FEW_ROUNDS)?;
            #[expect(clippy::cast_precision_loss, reason = "the number is small")]
            let a_check = ours.median / count as f64;
            let first = *first.get_or_insert(a_check);
            let mut musts = vec![Must::megabytes(&ours, 100)];
            if count != GROWTH[0] {
                let words = format!("≤ 1.20 of {} a check", GROWTH[0]);
                musts.push(Must { words, holds: a_check <= 1.2 * first });
            }
            row(table, &format!("{count} checks"), None, &ours, &musts);
        }
        Ok(())
    }

    fn run(&self, count: usize, path: &str, rounds: usize) -> anyhow::Result<(Option<Taken>, Taken)> {
        let ours = self.ours(count, path)?;
        if !self.has_hurl {
            let [ours] = in_turns([&ours], rounds)?;
            return Ok((None, ours));
        }
        let hurl = self.hurl(count, path)?;
        let [hurl, ours] = in_turns([&hurl, &ours], rounds)?;
        Ok((Some(hurl), ours))
    }

    fn ours(&self, count: usize, path: &str) -> anyhow::Result<Run> {
        let mut checks = "checks:\n".to_owned();
        for n in 0..count {
            writeln!(
                checks,
                "  - http: {path}/{n}\n    expect:\n      status: 200\n      headers: {{content-type: application/json}}\n      json: {{$.status: UP, '$.items[*]': {{count: 3}}}}"
            )?;
        }
        let name = format!("checks-{count}{}.yml", path.replace('/', "-"));
        std::fs::write(self.folder.path().join(&name), checks)?;
        let base = format!("--base-url=http://127.0.0.1:{}", self.port);
        let mut run = Run::new(self.folder.path(), &self.binary, &[&name, &base, "--junit=ours.xml"]);
        let summary = self.folder.path().join("summary.md").to_string_lossy().into_owned();
        run.environment.push(("GITHUB_STEP_SUMMARY".to_owned(), summary));
        Ok(run)
    }

    fn hurl(&self, count: usize, path: &str) -> anyhow::Result<Run> {
        let mut checks = String::new();
        for n in 0..count {
            writeln!(
                checks,
                "GET http://127.0.0.1:{}{path}/{n}\nHTTP 200\n[Asserts]\nheader \"content-type\" == \"application/json\"\njsonpath \"$.status\" == \"UP\"\njsonpath \"$.items\" count == 3\n",
                self.port
            )?;
        }
        let name = format!("checks-{count}{}.hurl", path.replace('/', "-"));
        std::fs::write(self.folder.path().join(&name), checks)?;
        Ok(Run::new(self.folder.path(), "hurl", &["--test", "--report-junit", "hurl.xml", &name]))
    }
}

impl Must {
    /// No more time than Hurl takes.
    fn of_hurl(ours: &Taken, hurl: &Taken) -> Self {
        Self { words: "≤ hurl".to_owned(), holds: ours.median <= hurl.median }
    }
}

fn row(table: &mut Table, what: &str, hurl: Option<&Taken>, ours: &Taken, musts: &[Must]) {
    let time = |taken: &Taken| format!("{:.1} ({:.1}) ms", taken.median, taken.least);
    let none = || "–".to_owned();
    let ratio = hurl.map_or_else(none, |hurl| format!("{:.2}", ours.median / hurl.median));
    let processor = format!("{:.1} ms", ours.processor);
    let memory = format!("{:.1} MB", ours.megabytes);
    table.row([what.to_owned(), hurl.map_or_else(none, time), time(ours), ratio, processor, memory], musts);
}

/// A service: below `/slow` it takes 50 ms for each answer.
fn answer(request: &str) -> Answer {
    if request.starts_with("GET /slow") {
        std::thread::sleep(Duration::from_millis(50));
    }
    Answer {
        content_type: "application/json",
        body: r#"{"status": "UP", "items": [{"id": 1}, {"id": 2}, {"id": 3}]}"#,
    }
}
