//! What a run says about itself: one report, read by people and by the actions after it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Place, Problem, Problems, Verdict, file};

/// The version of the report's schema. A reader refuses what is newer.
pub const SCHEMA: u32 = 1;

/// The largest report that is read, in bytes: that of a run with thousands of findings has a few of these.
const LARGEST: u64 = 16 << 20;

/// The report of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this schema.
    pub schema: u32,
    /// The action: `detect-changes`.
    pub action: String,
    /// The command, of an action that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The answer.
    pub verdict: Verdict,
    /// The answer in one line.
    pub title: String,
    /// What the answer is made of.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What was looked at: the environment, the revisions, the files.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// Where to look further.
    #[serde(default)]
    pub links: Vec<Link>,
    /// What the report is about.
    #[serde(default)]
    pub subjects: Vec<Subject>,
    /// The versions that the run changed; none of a dry run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Tables and diffs.
    #[serde(default)]
    pub blocks: Vec<Block>,
    /// When the run started.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started_at: Timestamp,
    /// How long it took, in seconds.
    pub duration: f64,
}

/// One thing that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What it is about: a component, a file, a condition, a check.
    pub subject: String,
    /// What it means for the answer.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// The name, in one or two words.
    pub name: String,
    /// The value.
    pub value: String,
}

/// An address to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// What is found there.
    pub label: String,
    /// The address.
    pub url: String,
}

/// Something that a report is about, named so that other reports can speak of the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// An image's name, a plan's file, a commit's branch.
    pub name: String,
    /// The image's or plan's digest, the commit's id; absent while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The version of something, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What it is of: an image's name.
    pub name: String,
    /// Where it changed: an environment or an overlay.
    pub place: String,
    /// The version before.
    pub before: String,
    /// The version now.
    pub after: String,
}

/// The kinds of subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubjectKind {
    /// A container image.
    Image,
    /// A Terraform plan.
    Plan,
    /// A commit.
    Commit,
}

/// Something that needs more room than a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Block {
    /// A unified diff.
    Diff {
        /// What differs.
        title: String,
        /// The diff, as `diff -u` prints it.
        text: String,
    },
    /// A table; every row has as many cells as the header.
    Table {
        /// What it shows.
        title: String,
        /// The names of the columns.
        header: Vec<String>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
    /// A graph, drawn in a summary only: <https://mermaid.js.org/syntax/flowchart.html>
    Mermaid {
        /// What it shows.
        title: String,
        /// The nodes.
        nodes: Vec<Node>,
        /// From one node to another, by position in `nodes`, from 0.
        arrows: Vec<[usize; 2]>,
    },
    /// Lines over a common axis, drawn in a summary only: <https://mermaid.js.org/syntax/xyChart.html>
    Chart {
        /// What it shows.
        title: String,
        /// What the points of each line are evenly spread over.
        x: ChartAxis,
        /// What they count.
        y: ChartAxis,
        /// The lines: what it is about, then its limits. A line with a number that is not finite is left out.
        lines: Vec<Vec<f64>>,
    },
}

/// An axis of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChartAxis {
    /// What it counts: `minutes`.
    pub label: String,
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

/// A node of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// What is written in it.
    pub label: String,
    /// How much it stands out.
    pub emphasis: Emphasis,
}

/// How much a node stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Emphasis {
    /// The graph is about it.
    Strong,
    /// It is affected.
    Normal,
    /// It is there to show the rest.
    Faint,
}

impl Finding {
    /// A finding with its reason.
    pub fn new(subject: impl Into<String>, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            verdict,
            reason: reason.into(),
            evidence: Vec::new(),
            help: None,
            place: None,
        }
    }

    /// Adds what was seen.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds where it stands.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        let subject = problem.place.as_ref().map_or_else(|| "error".to_owned(), |place| place.file.clone());
        let reason = match problem.why {
            Some(why) => format!("{}: {why}", problem.what),
            None => problem.what,
        };
        Self {
            subject,
            verdict: problem.verdict,
            reason,
            evidence: Vec::new(),
            help: problem.help,
            place: problem.place,
        }
    }
}

impl Report {
    /// The reports that actions left in `folder`, oldest first. No folder means no report.
    ///
    /// A report that can't be read is an error: to leave it out would tell a story without it.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, Problem> {
        let mut files: Vec<PathBuf> = match folder.read_dir() {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()
                .map_err(|error| unreadable(folder, &error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unreadable(folder, &error)),
        };
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        let mut reports = files.iter().map(|file| Self::read(file)).collect::<Result<Vec<_>, _>>()?;
        reports.sort_by_key(|report| report.started_at);
        Ok(reports)
    }

    /// One report file. One that is larger than any report is an error, too.
    pub fn read(file: &Path) -> Result<Self, Problem> {
        let bytes = file::read(file, LARGEST).map_err(|error| unreadable(file, &error))?;
        let report: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(file, &error))?;
        if report.schema > SCHEMA {
            return Err(unreadable(file, &format!("its schema {} is newer than {SCHEMA}", report.schema))
                .help("use the same version of Sluice in all jobs of a pipeline"));
        }
        Ok(report)
    }

    /// Writes the report into `folder` under a name of its own, and tells that name.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<String> {
        std::fs::create_dir_all(folder)?;
        let json = serde_json::to_vec(self)?;
        let started = self.started_at.strftime("%Y%m%dT%H%M%S%3f");
        // Two runs may start within a millisecond: the name is taken where it is free.
        for attempt in 0..100 {
            let name = format!("{started}-{attempt:02}-{}.json", self.action);
            let mut beside = tempfile::Builder::new().prefix(".sluice-").tempfile_in(folder)?;
            std::io::Write::write_all(&mut beside, &json)?;
            std::fs::set_permissions(
                beside.path(),
                <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644),
            )?;
            match beside.persist_noclobber(folder.join(&name)) {
                Ok(_) => return Ok(name),
                Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.error),
            }
        }
        Err(std::io::Error::other("a hundred reports of this action started in the same millisecond"))
    }

    /// The finding that says no more than the title and why: the report of a single problem.
    ///
    /// A finding stands for itself, in an annotation say; below its own title only the cause is news.
    pub(crate) fn sole_problem(&self) -> Option<(&Finding, &str)> {
        let [finding] = self.findings.as_slice() else { return None };
        let why = finding.reason.strip_prefix(&self.title)?;
        Some((finding, why.trim_start_matches(": ")))
    }

    /// The report of a run that ended with problems.
    pub(crate) fn of_problems(problems: &Problems) -> Draft {
        let title = match problems.0.as_slice() {
            [one] => one.what.clone(),
            many => format!("{} problems", many.len()),
        };
        let mut draft = Draft::new(problems.worst(), title);
        draft.findings = problems.0.iter().cloned().map(Finding::from).collect();
        draft
    }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Problem {
    Problem::undecided(format!("could not read the report {}", path.display())).why(why)
}

/// A report as an action makes it; core adds who, when and how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The answer.
    pub verdict: Verdict,
    /// The answer in one line.
    pub title: String,
    /// See [`Report::findings`].
    pub findings: Vec<Finding>,
    /// See [`Report::facts`].
    pub facts: Vec<Fact>,
    /// See [`Report::links`].
    pub links: Vec<Link>,
    /// See [`Report::subjects`].
    pub subjects: Vec<Subject>,
    /// See [`Report::changes`].
    pub changes: Vec<Change>,
    /// See [`Report::blocks`].
    pub blocks: Vec<Block>,
}

impl Draft {
    /// An answer with nothing else yet.
    pub fn new(verdict: Verdict, title: impl Into<String>) -> Self {
        Self {
            verdict,
            title: title.into(),
            findings: Vec::new(),
            facts: Vec::new(),
            links: Vec::new(),
            subjects: Vec::new(),
            changes: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// The whole report of a run that started then and took so many seconds.
    pub fn into_report(
        self,
        action: &str,
        command: Option<String>,
        started_at: Timestamp,
        duration: f64,
    ) -> Report {
        let Self { verdict, title, findings, facts, links, subjects, changes, blocks } = self;
        Report {
            schema: SCHEMA,
            action: action.to_owned(),
            command,
            verdict,
            title,
            findings,
            facts,
            links,
            subjects,
            changes,
            blocks,
            started_at,
            duration,
        }
    }

    /// Adds a finding.
    pub fn finding(&mut self, finding: Finding) -> &mut Self {
        self.findings.push(finding);
        self
    }

    /// Adds a fact.
    pub fn fact(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.facts.push(Fact { name: name.into(), value: value.into() });
        self
    }

    /// Adds a subject.
    pub fn subject(
        &mut self,
        kind: SubjectKind,
        name: impl Into<String>,
        digest: Option<String>,
    ) -> &mut Self {
        self.subjects.push(Subject { kind, name: name.into(), digest });
        self
    }

    /// Adds a block.
    pub fn block(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report with everything in it, and with a stranger's text in every field.
    pub(crate) fn sample() -> Report {
        let mut draft = Draft::new(Verdict::Failed, "rejected: 1 of 2 conditions says no");
        draft
            .finding(Finding::new("confirm", Verdict::Passed, "the phrase was typed"))
            .finding(
                Finding::new("reports", Verdict::Failed, "trivy.sarif: 2 critical, 0 allowed")
                    .evidence("CVE-2026-0001 in a\n::error::x")
                    .help("fix them, or raise `critical`")
                    .at(Place::at(".github/sluice.yml", 34, 9)),
            )
            .fact("environment", "production")
            .fact("branch", "feature/$(id)|@octocat")
            .subject(SubjectKind::Commit, "main", Some("1a2b3c4d".into()))
            .block(Block::Table {
                title: "images".into(),
                header: vec!["environment".into(), "tag".into()],
                rows: vec![vec!["dev".into(), "v1".into()], vec!["production".into(), "v0|`".into()]],
            })
            .block(Block::Diff {
                title: "k8s/overlays/dev/kustomization.yaml".into(),
                text: "@@ -1,2 +1,2 @@\n images:\n-  - newTag: v1\n+  - newTag: v2\n+```\n".into(),
            })
            .block(Block::Mermaid {
                title: "components".into(),
                nodes: vec![
                    Node { label: "backend".into(), emphasis: Emphasis::Strong },
                    Node {
                        label: "a\"]\n```\nclick n0 href x %%{init}%% #35;".into(),
                        emphasis: Emphasis::Normal,
                    },
                    Node { label: "café 日本".into(), emphasis: Emphasis::Faint },
                ],
                arrows: vec![[0, 1], [1, 2], [2, 9]],
            });
        draft.links.push(Link { label: "run".into(), url: "https://example.com/run/1".into() });
        Report {
            schema: SCHEMA,
            action: "gate-approval".into(),
            command: Some("evaluate".into()),
            verdict: draft.verdict,
            title: draft.title,
            findings: draft.findings,
            facts: draft.facts,
            links: draft.links,
            subjects: draft.subjects,
            changes: draft.changes,
            blocks: draft.blocks,
            started_at: "2026-01-02T03:04:05.006Z".parse().unwrap(),
            duration: 0.012,
        }
    }

    #[test]
    fn reports_are_read_as_they_were_written_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let (mut first, second) = (sample(), sample());
        first.started_at = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(second.write(folder.path()).unwrap(), "20260102T030405006-00-gate-approval.json");
        assert_eq!(second.write(folder.path()).unwrap(), "20260102T030405006-01-gate-approval.json");
        first.write(folder.path()).unwrap();
        assert_eq!(Report::read_all(folder.path()).unwrap(), [first, second.clone(), second]);
    }

    #[test]
    fn a_file_that_is_larger_than_any_report_is_told_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.json");
        std::fs::File::create(&file).unwrap().set_len(LARGEST + 1).unwrap();
        let why = Report::read(&file).unwrap_err().why.unwrap();
        assert_eq!(why, "it is larger than the 16777216 bytes that are read");
        // What has no end, and tells no length.
        assert_eq!(Report::read(Path::new("/dev/zero")).unwrap_err().why.unwrap(), why);
    }

    #[test]
    fn no_folder_is_no_report_but_a_broken_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Report::read_all(&folder.path().join("none")).unwrap(), []);
        std::fs::write(folder.path().join("x.json"), "{").unwrap();
        assert_eq!(Report::read_all(folder.path()).unwrap_err().verdict, Verdict::Undecided);
        let mut newer = serde_json::to_value(sample()).unwrap();
        newer["schema"] = 2.into();
        std::fs::write(folder.path().join("x.json"), newer.to_string()).unwrap();
        assert!(Report::read_all(folder.path()).unwrap_err().why.unwrap().contains("newer"));
    }
}
