//! How long a command runs, and how much memory it takes.

use std::{
    io::{Read as _, Seek as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

/// Runs a command and prints what it took, as JSON
#[derive(clap::Args)]
pub(crate) struct Measure {
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Measure {
    /// In a process of its own: the memory that the system counts is the most that any child took. It is never
    /// less than that of this process, from which the child starts.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let (program, arguments) = self.command.split_first().context("no command")?;
        // A file: whoever reads from a pipe would be measured, too.
        let mut said = tempfile::tempfile()?;
        let mut command = Command::new(program);
        command.args(arguments).stdout(said.try_clone()?).stderr(said.try_clone()?);
        let started = Instant::now();
        let status = command.status()?;
        let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
        if !status.success() {
            let mut text = String::new();
            said.rewind()?;
            said.read_to_string(&mut text)?;
            anyhow::bail!("{program} failed ({status}): {text}");
        }
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
        let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        let measured = serde_json::json!({
            "milliseconds": milliseconds,
            "processor": (seconds(usage.user_time()) + seconds(usage.system_time())) * 1000.0,
            "kibibytes": usage.max_rss(),
        });
        println!("{measured}");
        Ok(ExitCode::SUCCESS)
    }
}

/// A command to measure, in a folder, with an environment of its own.
pub(super) struct Run {
    pub(super) folder: PathBuf,
    pub(super) command: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
}

impl Run {
    pub(super) fn new(folder: &Path, program: &str, arguments: &[&str]) -> Self {
        Self {
            folder: folder.to_owned(),
            command: [program].iter().chain(arguments).map(|word| (*word).to_owned()).collect(),
            environment: Vec::new(),
        }
    }

    /// What one run takes: milliseconds, those of them on a processor, and kibibytes.
    fn once(&self) -> anyhow::Result<[f64; 3]> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("measure").arg("--").args(&self.command).current_dir(&self.folder);
        // Nothing of this environment but where programs and temporary files are.
        #[expect(clippy::disallowed_methods, reason = "a chore has no Context")]
        let kept = ["PATH", "TMPDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.env_clear().envs(kept).envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "could not measure `{}`", self.command.join(" "));
        let measured: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let number = |name: &str| measured[name].as_f64().with_context(|| format!("no {name} were measured"));
        Ok([number("milliseconds")?, number("processor")?, number("kibibytes")?])
    }
}

/// What the runs of a command took.
pub(super) struct Taken {
    /// The middle one of the times, in milliseconds.
    pub(super) median: f64,
    /// The least of the times, in milliseconds.
    pub(super) least: f64,
    /// The middle one of the times on a processor, in milliseconds: what others do on the machine shows less.
    pub(super) processor: f64,
    /// The most memory of any run, in megabytes.
    pub(super) megabytes: f64,
}

/// Runs the commands in turns, so that whatever else the machine does slows each of them alike.
pub(super) fn in_turns<const N: usize>(runs: [&Run; N], rounds: usize) -> anyhow::Result<[Taken; N]> {
    let mut taken = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (run, taken) in runs.iter().zip(&mut taken) {
            taken.push(run.once()?);
        }
    }
    Ok(taken.map(|runs| {
        let [times, processor, kibibytes] = [0, 1, 2].map(|figure| sorted(&runs, figure));
        let middle = |figures: &[f64]| figures.get(figures.len() / 2).copied().unwrap_or_default();
        Taken {
            median: middle(&times),
            least: times.first().copied().unwrap_or_default(),
            processor: middle(&processor),
            megabytes: kibibytes.last().copied().unwrap_or_default() * 1024.0 / 1e6,
        }
    }))
}

fn sorted(runs: &[[f64; 3]], figure: usize) -> Vec<f64> {
    let mut figures: Vec<f64> = runs.iter().map(|run| run[figure]).collect();
    figures.sort_by(f64::total_cmp);
    figures
}
