//! bump-image-tag beside `grep -rl` for the image's name, both as whole processes, files on disk.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{
    Must, Table,
    measure::{Run, Taken, in_turns},
};
use crate::workspace::target;

/// How often each command is run.
const ROUNDS: usize = 41;

/// How many files there are, and in how many of them the image is.
const FILES: usize = 4_000;
const HOLDING: usize = 100;

const IMAGE: &str = "registry.example.com/shop/backend";

pub(super) fn measure(binaries: &Path) -> anyhow::Result<Table> {
    let title = format!(
        "bump-image-tag and `grep -rl` for the image's name: the middle (and the least) of {ROUNDS} runs in turns"
    );
    let folder = repository()?;
    let binary = binaries.join("bump-image-tag").to_string_lossy().into_owned();
    let grep = Run::new(&folder, "grep", &["-rl", IMAGE, "environments"]);
    // Two tags in turns: each run finds the other one, and has all to do.
    let set = |overlay: &str, tag: &str| {
        let (image, overlay) = (format!("--image={IMAGE}:{tag}"), format!("--overlay={overlay}"));
        Run::new(&folder, &binary, &[&image, &overlay])
    };
    let find = Run {
        command: [set("environments", "v3").command, vec!["--dry-run".to_owned()]].concat(),
        ..set("", "")
    };
    let (one, other) = (set("environments", "v2"), set("environments", "v1"));
    let (single, back) = (set("single", "v2"), set("single", "v1"));
    let [grep, find, one, other, single, back] =
        in_turns([&grep, &find, &one, &other, &single, &back], ROUNDS)?;

    let mut table = Table::new(&title, &["", "time", "of grep", "of its processor time", "memory"]);
    row(&mut table, &format!("grep -rl in {FILES} files, 11 MB"), &grep, &grep, &[]);
    row(&mut table, &format!("say what would change in {HOLDING} of them"), &find, &grep, &[]);
    for taken in [&one, &other] {
        let musts = [Must::milliseconds(taken, 150), Must::times(taken, &grep, 3.0, "grep")];
        row(&mut table, &format!("change {HOLDING} of them"), taken, &grep, &musts);
    }
    for taken in [&single, &back] {
        row(&mut table, "change one kustomization", taken, &grep, &[Must::milliseconds(taken, 10)]);
    }
    Ok(table)
}

fn row(table: &mut Table, what: &str, taken: &Taken, grep: &Taken, musts: &[Must]) {
    let cells = [
        what.to_owned(),
        format!("{:.1} ({:.1}) ms", taken.median, taken.least),
        format!("{:.2}", taken.median / grep.median),
        format!("{:.2}", taken.processor / grep.processor),
        format!("{:.1} MB", taken.megabytes),
    ];
    table.row(cells, musts);
}

/// The files, from `target/bench` where they were made before.
fn repository() -> anyhow::Result<PathBuf> {
    let folder = target().join("bench").join(format!("{FILES}-yaml"));
    if folder.exists() {
        return Ok(folder);
    }
    println!("making {FILES} files ...");
    let unfinished = folder.with_extension("unfinished");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    std::fs::create_dir_all(unfinished.join(".git"))?;
    for index in 0..FILES {
        let file = unfinished.join(format!(
            "environments/e{:02}/app-{:03}/values-{index}.yaml",
            index / 400,
            index / 20
        ));
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(file, values(index))?;
    }
    std::fs::create_dir_all(unfinished.join("single"))?;
    let kustomization =
        format!("resources: [../base]\nimages:\n- name: {IMAGE}\n  newTag: v1 # by the pipeline\n");
    std::fs::write(unfinished.join("single/kustomization.yaml"), kustomization)?;
    std::fs::rename(&unfinished, &folder)?;
    Ok(folder)
}

/// Helm values of some 2,750 bytes.
fn values(index: usize) -> String {
    let holds = index.is_multiple_of(FILES / HOLDING);
    let image = if holds { IMAGE.to_owned() } else { format!("registry.example.com/shop/service-{index}") };
    let mut text = format!("# service {index}\nimage:\n  repository: {image}\n  tag: v1 # by the pipeline\n");
    let mut number = 0;
    while text.len() < 2_700 {
        let _ = write!(
            text,
            "part{number}:\n  enabled: true\n  replicas: {}\n  annotations: {{owner: \"team-{}\", tier: 'backend'}}\n",
            number % 5 + 1,
            index % 40,
        );
        number += 1;
    }
    text
}
