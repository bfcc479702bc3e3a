//! The reports that the jobs of a pipeline left.

use std::path::{Path, PathBuf};

use sluice_core::{Problem, Report, Verdict, escape};

/// What was found in a folder: reports, oldest first, and what could not be read.
///
/// What can't be read is a part of the story: because of it nobody would be told otherwise.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) reports: Vec<Report>,
    pub(crate) unreadable: Vec<Problem>,
}

impl Found {
    /// Reads a folder and the folders in it: artifacts of several jobs come as one folder each.
    ///
    /// No folder means no report: the job that should have made them may have failed before.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let mut found = Self::default();
        let mut folders = vec![folder.to_path_buf()];
        let inside = found.list(folder);
        folders.extend(inside.into_iter().filter(|path| path.is_dir()));
        for folder in folders {
            let files = found.list(&folder);
            for file in files.iter().filter(|file| is_report(file)) {
                match Report::read(file) {
                    Ok(report) => found.reports.push(report),
                    Err(problem) => found.unreadable.push(problem),
                }
            }
        }
        // What this action said before is no part of what the pipeline did.
        found.reports.retain(|report| report.action != "notify");
        found.reports.sort_by_key(|report| report.started_at);
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

    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.reports.iter().filter(|report| report.verdict == verdict).count()
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
        assert_eq!(found.unreadable.len(), 1);
        assert!(found.unreadable[0].what.contains("broken.json"));
        let none = Found::in_folder(&folder.path().join("none"));
        assert!(none.reports.is_empty() && none.unreadable.is_empty());
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
