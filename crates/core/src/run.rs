//! One run, from the process's arguments to its exit code.

use std::{
    ffi::OsString,
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    Action, Configuration as _, Context, Done, Draft, Environment, Finding, Problem, Problems, Report,
    Verdict, cancellation, escape,
    inputs::{self, Common, Format, Parsed, Stop},
    outputs, privileges, render,
    runner_files::RunnerFiles,
    secret::Secrets,
};

/// The place of the configuration in a repository.
pub const CONFIG_FILE: &str = ".github/sluice.yml";

/// Runs an action as the process's only work.
///
/// This is the only place that reads the environment, the arguments and the clock.
#[expect(clippy::disallowed_methods, reason = "here the outside is read, once")]
pub fn main<A: Action>() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| last_words(panic.location())));
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let words: Vec<OsString> = std::env::args_os().collect();
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let files = RunnerFiles::open(&environment);
    if let Err(problem) = privileges::drop_to_the_owner(&environment) {
        return could_not_start(&problem);
    }
    run::<A>(&words, environment, folder, Timestamp::now, files)
}

/// What is said when there can be no report.
fn could_not_start(problem: &Problem) -> ExitCode {
    let parts = [Some(&problem.what), problem.why.as_ref(), problem.help.as_ref()];
    let text: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    let _ = writeln!(std::io::stderr().lock(), "error: {}", escape::line(&text.join(": ")));
    ExitCode::from(problem.verdict.exit_code())
}

/// A panic is our defect. Its message may hold anything, so only its place is told.
#[expect(
    clippy::disallowed_methods,
    reason = "under `panic = \"abort\"` the hook is the last code that runs"
)]
fn last_words(place: Option<&std::panic::Location<'_>>) {
    let place = place.map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(std::io::stderr().lock(), "::error::internal error at {place}: please report it");
    std::process::exit(i32::from(Verdict::Undecided.exit_code()));
}

fn run<A: Action>(
    words: &[OsString],
    environment: Environment,
    folder: PathBuf,
    clock: fn() -> Timestamp,
    files: RunnerFiles,
) -> ExitCode {
    let started = Started { at: clock(), instant: Instant::now() };
    let mut command = inputs::command::<A>();
    let secrets = inputs::secrets(&command, &environment);
    let mut format = inputs::format_asked(words, &environment);
    let parsed = inputs::parse::<A>(&mut command, words, &environment);
    let deadline = parsed.as_ref().ok().and_then(|parsed| parsed.common.deadline);
    let folder = match parsed.as_ref().ok().and_then(|parsed| parsed.common.working_directory.as_ref()) {
        Some(inside) => folder.join(inside),
        None => folder,
    };
    let cancellation = match cancellation::watch(deadline) {
        Ok(cancellation) => cancellation,
        Err(error) => {
            return could_not_start(&Problem::undecided("could not wait for signals").why(error));
        }
    };
    let cx = Context {
        environment,
        folder,
        clock,
        cancellation,
        secrets: Secrets::default(),
        pending_is_fine: false.into(),
    };
    for secret in &secrets {
        cx.mask(secret);
    }

    let (name, result) = match parsed {
        Ok(Parsed { common, command, inputs }) => {
            format = common.format.unwrap_or_default();
            (command, work::<A>(inputs, &common, &cx))
        }
        Err(Stop::Answered(text)) => {
            let _ = write!(std::io::stdout().lock(), "{text}");
            return ExitCode::SUCCESS;
        }
        Err(Stop::Problem(problem)) => (None, Err(problem.into())),
    };
    let (mut outputs, mut draft) = result.unwrap_or_else(|error| {
        let problems = Problems::of(error);
        (Map::new(), Report::of_problems(&problems))
    });
    warn_of_unknown_inputs(&command, &cx, &mut draft);
    Ending { cx: &cx, format, files }.end(&mut outputs, started.report(A::NAME, name, draft))
}

/// Reads the configuration, then runs the action, or only tells that nothing is wrong so far.
fn work<A: Action>(
    inputs: Option<A::Inputs>,
    common: &Common,
    cx: &Context,
) -> anyhow::Result<(Map<String, Value>, Draft)> {
    if !cx.folder().is_dir() {
        return Err(Problem::misconfigured(format!("there is no folder {}", cx.folder().display()))
            .help("check the input `working-directory`")
            .into());
    }
    let config = configuration::<A>(common.config.as_deref(), cx)?;
    let Some(inputs) = inputs else {
        return Ok((Map::new(), Draft::new(Verdict::Passed, "nothing is wrong with the configuration")));
    };
    let Done { outputs, report } = A::run(inputs, config, cx)?;
    let outputs = match serde_json::to_value(outputs)? {
        Value::Object(outputs) => outputs,
        _ => Map::new(),
    };
    Ok((outputs, report))
}

fn configuration<A: Action>(given: Option<&Path>, cx: &Context) -> anyhow::Result<A::Config> {
    let file = given.map_or_else(|| cx.root().join(CONFIG_FILE), |file| cx.folder().join(file));
    let name = cx.name_of(&file);
    match std::fs::read(&file) {
        Ok(bytes) => Ok(A::Config::parse(&bytes, &name)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() => {
            Ok(A::Config::absent())
        }
        Err(error) => Err(Problem::misconfigured(format!("could not read the configuration {name}"))
            .why(error)
            .help("check the input `config`, and that the job checks the repository out")
            .into()),
    }
}

/// The runner warns of inputs that action.yml lacks, and the step goes on without them.
fn warn_of_unknown_inputs(command: &clap::Command, cx: &Context, draft: &mut Draft) {
    if !cx.is_in_actions() {
        return;
    }
    for (name, meant) in inputs::unknown(command, &cx.environment) {
        let mut finding = Finding::new(
            format!("with: {name}"),
            Verdict::Skipped,
            "there is no such input: it was not read",
        );
        if let Some(meant) = meant {
            finding = finding.help(format!("did you mean `{meant}`?"));
        }
        draft.finding(finding);
    }
}

struct Started {
    at: Timestamp,
    instant: Instant,
}

impl Started {
    fn report(&self, action: &str, command: Option<String>, draft: Draft) -> Report {
        let seconds = (self.instant.elapsed().as_secs_f64() * 1e6).round() / 1e6;
        draft.into_report(action, command, self.at, seconds)
    }
}

/// How a run tells its answer: to the steps after it, to people, to the shell.
struct Ending<'a> {
    cx: &'a Context,
    format: Format,
    files: RunnerFiles,
}

impl Ending<'_> {
    fn end(mut self, outputs: &mut Map<String, Value>, report: Report) -> ExitCode {
        let mut report = self.redact(report);
        // A run whose answer does not arrive has none: the steps after it would read an empty one.
        if let Err(error) = self.hand_on(outputs, &mut report) {
            let problem = Problem::undecided("could not hand on the answer").why(error);
            report.verdict = report.verdict.max(problem.verdict);
            report.title.clone_from(&problem.what);
            report.findings.push(problem.into());
        }
        if self.cx.is_in_actions() {
            for command in render::annotations(&report) {
                self.cx.command(&command);
            }
        }
        self.print(outputs, &report);
        ExitCode::from(self.exit_code(report.verdict))
    }

    fn exit_code(&self, verdict: Verdict) -> u8 {
        if verdict == Verdict::Pending && self.cx.pending_is_fine.get() { 0 } else { verdict.exit_code() }
    }

    /// Writes what later steps and the job's page read.
    fn hand_on(&mut self, outputs: &mut Map<String, Value>, report: &mut Report) -> std::io::Result<()> {
        let reports = self.cx.reports();
        let spilled = outputs::bound(outputs, |name, value| {
            let Some(folder) = &reports else { return Ok(None) };
            std::fs::create_dir_all(folder)?;
            let file = format!("{}-{}.txt", report.action, outputs::output_name(name));
            crate::file::replace(&folder.join(&file), value.as_bytes())?;
            Ok(Some(format!("{}/{file}", crate::context::REPORTS)))
        })?;
        for output in spilled {
            let whole = output.file.map_or_else(String::new, |file| format!(", the whole is in {file}"));
            report.findings.push(Finding::new(
                format!("output {}", output.name),
                Verdict::Skipped,
                format!("too long to hand on: cut to what still is true{whole}"),
            ));
        }
        if let Some(folder) = &reports {
            let name = report.write(folder)?;
            outputs.insert("report-file".to_owned(), format!("{}/{name}", crate::context::REPORTS).into());
        }
        let files = std::mem::take(&mut self.files);
        files.output.append(|| outputs::lines(outputs))?;
        files.summary.append(|| Ok(summary(report)))?;
        Ok(())
    }

    fn print(&self, outputs: &Map<String, Value>, report: &Report) {
        let mut stdout = std::io::stdout().lock();
        // A closed pipe (`| head`) changes nothing in the answer.
        let _ = match self.format {
            Format::Json => writeln!(stdout, "{}", render::json(outputs, report)),
            Format::Text => {
                let colour = stdout.is_terminal() && self.cx.variable("NO_COLOR").is_none();
                write!(stdout, "{}", render::terminal(report, colour))
            }
        };
    }

    /// Strikes the run's secrets out of all that it is about to say.
    fn redact(&self, report: Report) -> Report {
        if self.cx.secrets.is_empty() {
            return report;
        }
        let Ok(mut value) = serde_json::to_value(&report) else { return report };
        for_each_text(&mut value, &|text| *text = self.cx.secrets.redact(text));
        serde_json::from_value(value).unwrap_or(report)
    }
}

fn for_each_text(value: &mut Value, change: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| for_each_text(item, change)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| for_each_text(entry, change)),
        _ => {}
    }
}

/// The runner drops a summary of more than 1 MiB:
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>
const LONGEST_SUMMARY: usize = 1000 * 1024;

fn summary(report: &Report) -> String {
    let whole = render::markdown(report);
    if whole.len() <= LONGEST_SUMMARY {
        return whole;
    }
    // Blocks and findings take the room; the answer, the facts and the count stay.
    let mut short = report.clone();
    short.blocks.clear();
    short.findings.truncate(500);
    let left_out = report.findings.len() - short.findings.len();
    let note = format!(
        "\n> This summary was cut: {left_out} findings and {} blocks are only in the report file.\n",
        report.blocks.len()
    );
    let text = render::markdown(&short);
    if text.len() + note.len() <= LONGEST_SUMMARY {
        return text + &note;
    }
    format!("### {}\n{note}", escape::markdown(&report.action))
}
