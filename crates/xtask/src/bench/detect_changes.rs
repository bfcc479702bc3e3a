//! detect-changes beside `git diff --no-renames --name-status`, both as whole processes.

use std::{fmt::Write as _, path::Path};

use super::{
    Must, Table,
    measure::{Run, Taken, in_turns},
    repository::Repository,
};

/// How often each command is run.
const ROUNDS: usize = 21;

/// How often one is run that takes few milliseconds.
const MANY_ROUNDS: usize = 151;

/// The numbers of changed files that show how time grows.
const GROWTH: [usize; 4] = [10_000, 20_000, 40_000, 80_000];

pub(super) fn measure(binaries: &Path) -> anyhow::Result<Table> {
    let title = format!(
        "detect-changes and `git diff --no-renames --name-status`: the middle (and the least) of {ROUNDS} runs \
         in turns, of {MANY_ROUNDS} where they are short"
    );
    let bench = Bench { binary: binaries.join("detect-changes").to_string_lossy().into_owned() };
    let mut table = Table::new(&title, &["", "git", "ours", "ratio", "of processor time", "memory"]);
    bench.beside_git(&mut table)?;
    bench.growing(&mut table)?;
    bench.capturing(&mut table)?;
    bench.a_million(&mut table)?;
    Ok(table)
}

struct Bench {
    binary: String,
}

impl Bench {
    /// Few and many changes in a repository of the usual size.
    fn beside_git(&self, table: &mut Table) -> anyhow::Result<()> {
        let repository = Repository::of(10_000, &[1, 5_000])?;
        repository.write("filters.yml", "infrastructure: 'regions/**'\ndocs: '**/*.md'\n")?;
        for changed in [1, 5_000] {
            let [git, ours] = self.run(&repository, changed, &["--filters", "filters.yml"], MANY_ROUNDS)?;
            let what = format!("{} of 10,000 files changed", thousands(changed));
            row(table, &what, &git, &ours, &[Must::of_git(&ours, &git, 1.2)]);
        }
        Ok(())
    }

    /// Ever more changes, with 50 filters.
    fn growing(&self, table: &mut Table) -> anyhow::Result<()> {
        let repository = Repository::of(80_000, &GROWTH)?;
        repository.write("filters.yml", &fifty_filters())?;
        let mut first = None;
        for changed in GROWTH {
            let [git, ours] = self.run(&repository, changed, &["--filters", "filters.yml"], ROUNDS)?;
            #[expect(clippy::cast_precision_loss, reason = "the number is small")]
            let a_file = ours.median / changed as f64;
            let first = *first.get_or_insert(a_file);
            let mut musts = Vec::new();
            if changed == 40_000 {
                musts.push(Must::milliseconds(&ours, 500));
            }
            if changed == 80_000 {
                let words = format!("≤ 1.20 of {} a file", thousands(GROWTH[0]));
                musts.push(Must { words, holds: a_file <= 1.2 * first });
            }
            row(table, &format!("{} changed, 50 filters", thousands(changed)), &git, &ours, &musts);
        }
        let listed = ["--filters", "filters.yml", "--list-files", "json"];
        let [git, ours] = self.run(&repository, 40_000, &listed, ROUNDS)?;
        row(table, "40,000 changed, 50 filters that list them", &git, &ours, &[]);
        Ok(())
    }

    /// Components whose patterns capture.
    fn capturing(&self, table: &mut Table) -> anyhow::Result<()> {
        let repository = Repository::of(80_000, &GROWTH)?;
        let all = "version: 1\ncomponents:\n  layers: {paths: ['regions/{region}/layers/{layer}/{environment}/**']}\n";
        for (what, config) in
            [("1 component that captures all", all.to_owned()), ("25 that capture a part each", layers())]
        {
            repository.write("capturing.yml", &config)?;
            let [git, ours] = self.run(&repository, 40_000, &["--config", "capturing.yml"], ROUNDS)?;
            row(table, &format!("40,000 changed, {what}"), &git, &ours, &[]);
        }
        Ok(())
    }

    /// One change in a repository of a million files.
    fn a_million(&self, table: &mut Table) -> anyhow::Result<()> {
        let repository = Repository::of(1_000_000, &[1])?;
        repository.write("filters.yml", "infrastructure: 'regions/**'\ndocs: '**/*.md'\n")?;
        let [git, ours] = self.run(&repository, 1, &["--filters", "filters.yml"], MANY_ROUNDS)?;
        let musts = [Must::milliseconds(&ours, 50), Must::megabytes(&ours, 100)];
        row(table, "1 of 1,000,000 files changed", &git, &ours, &musts);
        repository.write(
            "shared.yml",
            "version: 1\ncomponents:\n  layers: {paths: ['regions/{region}/layers/{layer}/{environment}/**'], shared: ['**/*.tf']}\n",
        )?;
        let [git, ours] = self.run(&repository, 1, &["--config", "shared.yml"], ROUNDS)?;
        row(table, "the same, all files searched for cells", &git, &ours, &[]);
        Ok(())
    }

    /// What git and detect-changes take to tell what changed.
    fn run(
        &self,
        repository: &Repository,
        changed: usize,
        arguments: &[&str],
        rounds: usize,
    ) -> anyhow::Result<[Taken; 2]> {
        let head = format!("changed-{changed}");
        let diff = ["diff", "--no-renames", "--name-status", "base", &head];
        let git = Run::new(&repository.folder, "git", &diff);
        let ours = [&["--base", "base", "--head", &head], arguments].concat();
        let ours = Run::new(&repository.folder, &self.binary, &ours);
        in_turns([&git, &ours], rounds)
    }
}

fn row(table: &mut Table, what: &str, git: &Taken, ours: &Taken, musts: &[Must]) {
    let time = |taken: &Taken| format!("{:.1} ({:.1}) ms", taken.median, taken.least);
    let ratio = |ours: f64, git: f64| format!("{:.2}", ours / git);
    let memory = format!("{:.1} MB", ours.megabytes);
    let (by_clock, by_processor) = (ratio(ours.median, git.median), ratio(ours.processor, git.processor));
    table.row([what.to_owned(), time(git), time(ours), by_clock, by_processor, memory], musts);
}

/// Filters of every common shape, and some that need the automaton.
fn fifty_filters() -> String {
    let mut filters = String::new();
    for index in 0..10 {
        let _ = write!(
            filters,
            "region-{index}: 'regions/r{index:03}/**'\n\
             layer-{index}: 'regions/*/layers/l{index:02}/**'\n\
             ending-{index}: '**/*.{}'\n\
             environment-{index}: '**/{}/**'\n\
             choice-{index}: 'regions/{{r{index:03},r{:03}}}/**/*.{{yaml,md}}'\n",
            ["tf", "yaml", "md", "rs", "go", "py", "ts", "json", "sql", "sh"][index],
            ["dev", "preview", "staging", "production", "test", "qa", "demo", "load", "beta", "next"][index],
            index + 10,
        );
    }
    filters
}

/// A component for each layer: its cells are environments of regions.
fn layers() -> String {
    let mut config = "version: 1\ncomponents:\n".to_owned();
    for layer in 0..25 {
        let _ = writeln!(
            config,
            "  layer-{layer}: {{paths: ['regions/{{region}}/layers/l{layer:02}/{{environment}}/**']}}"
        );
    }
    config
}

/// A number as people read it: `40,000`.
fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
