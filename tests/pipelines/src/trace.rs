//! A run, for a person to read.

use std::fmt::Write as _;

use crate::{Job, Run, Step};

impl Run {
    /// Its jobs and steps, how each ended, and how long our own processes took.
    pub fn trace(&self) -> String {
        let mut text = format!("{} {}\n", sign(Some(&self.conclusion)), self.workflow);
        if let Some(error) = &self.error {
            let _ = writeln!(text, "    {error}");
        }
        for job in &self.jobs {
            trace_job(&mut text, job);
        }
        let _ = writeln!(text, "  overhead of ours: {:.0} ms", self.overhead());
        text
    }

    #[expect(clippy::print_stdout, reason = "a test that fails shows it")]
    pub(crate) fn show(&self) {
        println!("{}", self.trace());
    }
}

fn trace_job(text: &mut String, job: &Job) {
    let _ = writeln!(text, "  {} {}", sign(job.conclusion.as_deref()), job.path);
    if let Some(error) = &job.error {
        let _ = writeln!(text, "      {error}");
    }
    for step in &job.steps {
        trace_step(text, step);
    }
}

fn trace_step(text: &mut String, step: &Step) {
    let time = if step.action.is_some() { format!("  {:.0} ms", step.ms) } else { String::new() };
    let _ = writeln!(text, "      {} {}{time}", sign(Some(&step.conclusion)), step.name);
    let Some(error) = &step.error else { return };
    let _ = writeln!(text, "          {error}");
    for line in step.printed.trim().lines() {
        let _ = writeln!(text, "          | {line}");
    }
}

fn sign(conclusion: Option<&str>) -> &'static str {
    match conclusion {
        Some("success") => "✓",
        Some("skipped") => "–",
        Some("cancelled") => "◌",
        None => "…",
        _ => "✗",
    }
}
