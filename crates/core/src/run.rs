//! One run, from the process's arguments to its exit code.

use std::{
    ffi::OsString,
    io::{ErrorKind, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Instant,
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    Action, CONFIG_FILE, Configuration as _, Context, Done, Draft, Environment, Finding, Problem, Problems,
    Report, Verdict, cancellation, configuration, escape,
    inputs::{self, Common, Format, Parsed, Stop},
    outputs, privileges, render,
    runner_files::RunnerFiles,
    secret::Secrets,
};

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
        return without_report(&problem);
    }
    run::<A>(&words, environment, folder, Timestamp::now, files)
}

/// What is said when there can be no report.
fn without_report(problem: &Problem) -> ExitCode {
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
            return without_report(&Problem::undecided("could not wait for signals").why(error));
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

    let unknown = unknown_inputs(&command, &cx);
    let is_mistyped = unknown.iter().any(|input| input.verdict == Verdict::Misconfigured);
    let (name, result) = match parsed {
        Ok(Parsed { common, command, inputs }) => {
            format = common.format.unwrap_or_default();
            let result = if is_mistyped {
                let draft = Draft::new(Verdict::Misconfigured, "an input is mistyped: nothing was done");
                Ok((Map::new(), draft))
            } else {
                work::<A>(inputs, &common, &cx)
            };
            (command, result)
        }
        Err(Stop::Answered(text)) => {
            return match print(&text) {
                Ok(()) => ExitCode::SUCCESS,
                Err(problem) => without_report(&problem),
            };
        }
        Err(Stop::Problem(problem)) => (None, Err(problem.into())),
    };
    let (mut outputs, mut draft) = result.unwrap_or_else(|error| {
        let problems = Problems::of(error);
        (Map::new(), Report::of_problems(&problems))
    });
    for input in unknown {
        draft.finding(input);
    }
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
    let config = configuration::read(common.config.as_deref(), cx)?;
    let Some(inputs) = inputs else {
        if config.is_none() {
            return Err(Problem::misconfigured(format!("there is no {CONFIG_FILE} to check"))
                .help("write one, or name another file with `config`")
                .into());
        }
        return Ok((Map::new(), Draft::new(Verdict::Passed, "nothing is wrong with the configuration")));
    };
    let config = config.unwrap_or_else(A::Config::absent);
    let Done { outputs, report } = A::run(inputs, config, cx)?;
    let outputs = match serde_json::to_value(outputs)? {
        Value::Object(outputs) => outputs,
        _ => Map::new(),
    };
    Ok((outputs, report))
}

/// Inputs that action.yml lacks. The runner warns of them, and the step goes on without: `dry_run: true` would deploy.
fn unknown_inputs(command: &clap::Command, cx: &Context) -> Vec<Finding> {
    if !cx.is_in_actions() {
        return Vec::new();
    }
    let told = |(name, meant): (String, Option<String>)| {
        let subject = format!("with: {name}");
        match meant {
            Some(meant) => Finding::new(subject, Verdict::Misconfigured, "there is no such input")
                .help(format!("did you mean `{meant}`?")),
            None => Finding::new(subject, Verdict::Skipped, "there is no such input: it was not read"),
        }
    };
    inputs::unknown(command, &cx.environment).into_iter().map(told).collect()
}

/// Prints all of it. A closed pipe (`| head`) changes nothing in the answer; a full disk loses it.
fn print(text: &str) -> Result<(), Problem> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Problem::undecided("could not print the answer").why(error))
        }
        _ => Ok(()),
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
        match print(&self.answer(outputs, &report)) {
            Ok(()) => ExitCode::from(self.exit_code(report.verdict)),
            Err(problem) => {
                let verdict = report.verdict.max(problem.verdict);
                without_report(&Problem { verdict, ..problem })
            }
        }
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

    /// What standard output gets.
    fn answer(&self, outputs: &Map<String, Value>, report: &Report) -> String {
        match self.format {
            Format::Json => format!(
                "{}
",
                render::json(outputs, report)
            ),
            Format::Text => {
                let colour = std::io::stdout().is_terminal() && self.cx.variable("NO_COLOR").is_none();
                render::terminal(report, colour)
            }
        }
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
