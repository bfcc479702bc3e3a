//! The command `bake`: measures for a time whether what was deployed stays healthy.

use std::path::{Path, PathBuf};

use sluice_bake::{Course, Given, Track};
use sluice_config::{File, Placed};
use sluice_core::{Context, Done, Period, Problem, Problems, Verdict, file};
use sluice_http::{CONNECT_TIMEOUT, Client};

use crate::outputs::{CheckResult, Outputs};
use crate::plan::{Environment, Sections, find_environment, proxies};
use crate::variables::is_name;

/// The inputs of the command `bake`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Bake {
    /// The environment of the configuration whose `bake` is measured
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// How long is measured. Default: the `for` of the environment's `bake`
    #[arg(long = "for", value_name = "TIME")]
    pub time: Option<Period>,
    /// The time from one measurement to the next. Default: the `interval` of the environment's `bake`
    #[arg(long, value_name = "TIME")]
    pub interval: Option<Period>,
    /// The version that was deployed: the variable `version` of queries
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Variables for queries, one `name=value` a line
    #[arg(long, value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// Draw the measurements as SVG into this file
    #[arg(long, value_name = "PATH")]
    pub chart: Option<PathBuf>,
    /// What holds for every connection.
    #[command(flatten)]
    pub network: sluice_http::Options,
}

/// Measures until the answer is certain; what was measured is told however the run ends.
pub(crate) fn run(inputs: Bake, config: &File<Sections>, cx: &Context) -> anyhow::Result<Done<Outputs>> {
    let environment = environment(inputs.environment.as_deref(), config)?;
    let bake = plan(&inputs, environment, config, cx)?;
    let mut course = Course::new(&bake);
    cx.say(&format!("measuring {}", bake.schedule()));
    let interrupted = match cx.block_on(bake.watch(cx, &mut course)) {
        Ok(()) => None,
        Err(problem) => Some(cx.cancellation().check().err().ok_or(problem)?),
    };
    if let Some(chart) = &inputs.chart {
        draw(&cx.folder().join(chart), &course)?;
    }
    let mut report = course.draft(interrupted);
    let name = inputs.environment.unwrap_or_default();
    report.facts.insert(0, sluice_core::Fact { name: "environment".to_owned(), value: name });
    if let Some(chart) = &inputs.chart {
        report.fact("chart", cx.name_of(chart));
    }
    Ok(Done { outputs: outputs(&course), report })
}

fn environment<'a>(name: Option<&str>, config: &'a File<Sections>) -> Result<&'a Environment, Problem> {
    let name = name.ok_or_else(|| {
        Problem::misconfigured("there is nothing to measure")
            .why("nothing to measure is never a pass")
            .help(format!("name an `environment` of {} that has a `bake`", config.name))
    })?;
    find_environment(name, config)
}

fn plan(
    inputs: &Bake,
    environment: &Environment,
    config: &File<Sections>,
    cx: &Context,
) -> Result<sluice_bake::Bake, Problems> {
    let mut section = environment.bake.clone().ok_or_else(|| {
        let name = inputs.environment.as_deref().unwrap_or_default();
        Problem::misconfigured(format!("the environment \"{name}\" has no `bake`"))
            .why("nothing to measure is never a pass")
            .help("write it with `for`, and with `metrics` or `alarms`")
            .at(sluice_core::Place::file(config.name.clone()))
    })?;
    if let Some(time) = inputs.time {
        section.time.value = time;
    }
    if let Some(interval) = inputs.interval {
        section.interval = Some(Placed { value: interval, place: section.time.place });
    }
    let ca_file = inputs.network.ca_file.as_ref().map(|file| cx.folder().join(file));
    let client = Client::new(&sluice_http::Options { ca_file }, &proxies(cx)?, CONNECT_TIMEOUT)
        .map_err(|error| Problem::misconfigured(error.to_string()))?;
    let region = environment.cluster.as_ref().and_then(|cluster| cluster.region.as_ref());
    let given = Given {
        file: &config.name,
        region: region.map(|region| region.value.as_str()),
        variables: &variables(inputs)?,
    };
    sluice_bake::Bake::new(&section, given, client, cx)
}

fn variables(inputs: &Bake) -> Result<Vec<(String, String)>, Problem> {
    let mut variables = Vec::new();
    for line in &inputs.variables {
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| is_name(name.trim())) else {
            return Err(Problem::misconfigured("an item of `variables` is no `name=value`").help(
                "write one a line, without quotes; a name is made of letters, digits, \"_\" and \"-\"",
            ));
        };
        variables.push((name.trim().to_owned(), value.to_owned()));
    }
    // What is given by name wins.
    variables.extend(inputs.version.iter().map(|version| ("version".to_owned(), version.clone())));
    Ok(variables)
}

fn draw(path: &Path, course: &Course) -> Result<(), Problem> {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder.and_then(|()| file::replace(path, course.svg().as_bytes())).map_err(|error| {
        Problem::undecided(format!("could not write the chart to {}", path.display()))
            .why(error)
            .help("check the input `chart`")
    })
}

fn outputs(course: &Course) -> Outputs {
    let results: Vec<CheckResult> = course.tracks().iter().map(result).collect();
    let count = |verdict| results.iter().filter(|result| result.verdict == verdict).count();
    Outputs { passed: count(Verdict::Passed), failed: count(Verdict::Failed), total: results.len(), results }
}

fn result(track: &Track) -> CheckResult {
    let ends = track.measurements.first().zip(track.measurements.last());
    CheckResult {
        name: track.name.clone(),
        verdict: track.verdict(),
        tries: u32::try_from(track.measurements.len()).unwrap_or(u32::MAX),
        duration: ends.map_or(0.0, |(first, last)| first.at.duration_until(last.at).as_secs_f64()),
        reason: track.reason(),
    }
}
