//! The reports that the jobs of a pipeline left.

use std::path::{Path, PathBuf};

use sluice_core::{Problem, Report, Verdict, escape};

/// What was found in a folder: reports, oldest first, and what could not be read.
///
/// What can't be read is a part of the story: because of it nobody would be told otherwise.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) reports: Vec<Report>,
    /// Of each report the folder that it lay in, which is named as the artifact of its job; empty when it lay at
    /// the top, or is not known.
    pub(crate) cells: Vec<String>,
    pub(crate) unreadable: Vec<Problem>,
    /// Where reports were looked for, and whether there is such a folder.
    pub(crate) looked_in: Option<(String, bool)>,
}

impl Found {
    /// Reads a folder and the folders in it: artifacts of several jobs come as one folder each.
    ///
    /// No folder means no report: the job that should have made them may have failed before.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let name = escape::bytes(folder.as_os_str().as_encoded_bytes());
        let mut found = Self { looked_in: Some((name, folder.is_dir())), ..Self::default() };
        let mut folders = vec![(String::new(), folder.to_path_buf())];
        let inside = found.list(folder).into_iter().filter(|path| path.is_dir());
        folders.extend(inside.map(|path| {
            let name = path.file_name().unwrap_or_default();
            (escape::bytes(name.as_encoded_bytes()), path)
        }));
        let mut read = Vec::new();
        for (cell, folder) in folders {
            let files = found.list(&folder);
            for file in files.iter().filter(|file| is_report(file)) {
                match bounded(file) {
                    Ok(report) => read.push((report, cell.clone())),
                    Err(problem) => found.unreadable.push(problem),
                }
            }
        }
        // What this action said before is no part of what the pipeline did.
        read.retain(|(report, _)| report.action != "notify");
        read.sort_by_key(|(report, _)| report.started_at);
        (found.reports, found.cells) = read.into_iter().unzip();
        found
    }

    fn list(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listed = folder.read_dir().and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()
        });
        match listed {
            Ok(mut paths) => {
                paths.sort();
                paths
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let name = escape::bytes(folder.as_os_str().as_encoded_bytes());
                self.unreadable
                    .push(Problem::undecided(format!("could not read the reports in {name}")).why(error));
                Vec::new()
            }
        }
    }

    /// The one environment that the reports speak of.
    pub(crate) fn environment(&self) -> Result<Option<String>, Problem> {
        let mut named: Vec<&str> = Vec::new();
        let facts = self.reports.iter().flat_map(|report| &report.facts);
        for fact in facts.filter(|fact| fact.name == "environment") {
            if !named.contains(&fact.value.as_str()) {
                named.push(&fact.value);
            }
        }
        match named.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).to_owned())),
            several => Err(Problem::misconfigured("the reports speak of several environments")
                .why(several.join(", "))
                .help("say which one the message is about with the input `environment`")),
        }
    }

    /// The versions of what changed, where it is one change in all places: before and after.
    pub(crate) fn versions(&self) -> Option<(&str, &str)> {
        let tag = |version: &'_ str| version.split('@').next().unwrap_or_default().to_owned();
        let mut changes = self.reports.iter().flat_map(|report| &report.changes);
        let first = changes.next()?;
        let is_same = |other: &sluice_core::Change| {
            tag(&other.before) == tag(&first.before) && tag(&other.after) == tag(&first.after)
        };
        let is_one = changes.all(is_same);
        let revisions = (revision(&first.before), revision(&first.after));
        (is_one && !revisions.0.is_empty() && !revisions.1.is_empty()).then_some(revisions)
    }

    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.reports.iter().filter(|report| report.verdict == verdict).count()
    }
}

/// What a version names in the repository: a tag of git as it is, a commit that the tag ends in (`main-1a2b3c4`).
fn revision(version: &str) -> &str {
    let tag = version.split('@').next().unwrap_or_default();
    let last = tag.rsplit(['-', '.', '_']).next().unwrap_or_default();
    let last = last.strip_prefix('g').unwrap_or(last);
    let is_commit = (7..=40).contains(&last.len())
        && last.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && last.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_commit { last } else { tag }
}

/// The largest report that is read, in bytes: what an action writes is far smaller.
const LARGEST: u64 = 64 << 20;

fn bounded(file: &Path) -> Result<Report, Problem> {
    let refused = |why: String| {
        let name = escape::bytes(file.as_os_str().as_encoded_bytes());
        Err(Problem::undecided(format!("could not read the report {name}")).why(why))
    };
    match file.metadata() {
        // A pipe would be waited for, and a device may never end.
        Ok(kind) if !kind.is_file() => refused("it is no file".to_owned()),
        Ok(kind) if kind.len() > LARGEST => {
            refused(format!("it has {} bytes, more than {LARGEST}", kind.len()))
        }
        _ => Report::read(file),
    }
}

fn is_report(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "json") && !file.is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::tests::report;

    #[test]
    fn reports_of_all_jobs_are_found_oldest_first_and_broken_ones_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        let mut early = report("detect-changes", Verdict::Passed, "1 of 3 components changed");
        early.started_at = "2026-01-02T03:00:00Z".parse().unwrap();
        let late = report("smoke-test", Verdict::Failed, "1 of 2 checks failed");
        write("job-b/x.json", &serde_json::to_string(&late).unwrap());
        write("job-a/x.json", &serde_json::to_string(&early).unwrap());
        write("own.json", &serde_json::to_string(&report("notify", Verdict::Passed, "told")).unwrap());
        write("notes.txt", "no report");
        write("deep/er/x.json", "not looked at");
        write("job-b/broken.json", "{");

        let found = Found::in_folder(folder.path());
        assert_eq!(found.reports, [early, late]);
        assert_eq!(found.cells, ["job-a", "job-b"]);
        assert_eq!(found.unreadable.len(), 1);
        assert!(found.unreadable[0].what.contains("broken.json"));
        let none = Found::in_folder(&folder.path().join("none"));
        assert!(none.reports.is_empty() && none.unreadable.is_empty());
    }

    #[test]
    fn what_is_no_report_is_told_and_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::File::create(folder.path().join("a.json")).unwrap().set_len(LARGEST + 1).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("b.json")).unwrap();
        let found = Found::in_folder(folder.path());
        let why: Vec<_> = found.unreadable.iter().map(|problem| problem.why.clone().unwrap()).collect();
        assert_eq!(why, ["it has 67108865 bytes, more than 67108864", "it is no file"]);
    }

    #[test]
    fn a_version_names_a_revision() {
        assert_eq!(revision("v1.4.2@sha256:1"), "v1.4.2");
        assert_eq!(revision("main-1a2b3c4"), "1a2b3c4");
        assert_eq!(revision("v1.4.1-3-g1a2b3c4d"), "1a2b3c4d");
        assert_eq!(revision("2026-01-20260102"), "2026-01-20260102");
        assert_eq!(revision(""), "");
    }

    #[test]
    fn the_environment_is_the_one_that_all_name() {
        let named = |names: &[&str]| {
            let reports = names.iter().map(|name| {
                let mut report = report("gate-approval", Verdict::Passed, "approved");
                report.facts.push(sluice_core::Fact { name: "environment".into(), value: (*name).into() });
                report
            });
            Found { reports: reports.collect(), ..Found::default() }.environment()
        };
        assert_eq!(named(&[]).unwrap(), None);
        assert_eq!(named(&["dev", "dev"]).unwrap().as_deref(), Some("dev"));
        assert_eq!(named(&["dev", "prod"]).unwrap_err().verdict, Verdict::Misconfigured);
    }
}
