//! The strategy `pull-request`: one branch for an environment, and one pull request from it, kept up to date.
//!
//! What a run finds decides what it does (`start`): without a branch, or with one that is a left-over of a pull
//! request that was merged or closed, it starts from the base. A branch that is level with the base gets a commit on top.
//! One that is behind is built anew on the base, and the versions that wait on it are carried over, as long as it holds
//! nothing but versions: whatever else someone committed to it stays, and the commit goes on top.

mod start;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
};

use sluice_core::{Done, Finding, Link, Problem, Verdict, escape};
use sluice_github::{Commit, MergeMethod, Move, NewPullRequest, PullRequest, Sha};

use self::start::{Kind, Start};
use crate::{
    Outputs,
    commit::{self, JOBS_OWN, Pushes, changed_files},
    inputs::{AutoMerge, Writing},
    message::Message,
    pin::Pin,
    remote::Remote,
    snapshot::Snapshot,
    source::Source,
    strategy::{Command, Made, Work},
    tree::{Target, Tree},
    values::{self, Difference},
};

/// How many versions the text of a pull request lists: it may have 65,536 characters.
const MOST_ROWS: usize = 100;

pub(crate) fn carry_out(command: &Command<'_>, work: Work<'_>) -> anyhow::Result<Done<Outputs>> {
    let Command { writing, config, cx, .. } = command;
    let message = Message::new(writing.message.as_deref(), &command.purpose(), cx)?;
    let remote = Remote::of(&writing.place, config, cx)?;
    let base = remote.base()?;
    let branch = branch(command, &base)?;
    let request = Request { remote: &remote, base: &base, branch: &branch, writing, message: &message };
    let mut pushes = Pushes::new(&remote, &branch);
    pushes.until_one_lands(|pushes| {
        let base_head = remote.head(&base)?;
        let start = request.start(&base_head, &command.looked_at)?;
        if start.kind == Kind::OnTop
            && let Some(tip) = &start.tip
            && let Some((commit, made)) = pushes.found(tip)?
        {
            let now = Now { changed: true, commit: Some((commit.sha.clone(), Some(commit))) };
            return request.finish(made, &start, &BTreeMap::new(), &base_head, now).map(Some);
        }
        let mut made = work(&Tree::Commit(&remote, &start.snapshot, &base_head))?;
        made.report
            .fact("strategy", format!("pull request from {branch} to {base} of {}", remote.repository));
        for said in &start.said {
            made.report.fact("branch", said.clone());
        }
        command.check_order(&mut made, Some(&remote))?;
        let files = changed_files(&made, &start.snapshot);
        if files.is_empty() {
            let now = Now { changed: false, commit: None };
            return request.finish(made, &start, &files, &base_head, now).map(Some);
        }
        let rows = request.rows(&start, &files, &base_head)?;
        let text = message.of(&values::images(&rows));
        if writing.dry_run {
            made.tell_message(&text);
            return Ok(Some(made.done(Outputs { changed: Some(true), ..Outputs::default() })));
        }
        let landed = request.push(pushes, &start, &files, &base_head, &text, made)?;
        let Some((commit, made)) = landed else { return Ok(None) };
        let read = remote.ask(remote.api.commit(&remote.repository, &commit)).ok();
        let now = Now { changed: true, commit: Some((commit, read)) };
        request.finish(made, &start, &files, &base_head, now).map(Some)
    })
}

/// The branch of the pull request: the one that is named, else one that belongs to what is written to.
fn branch(command: &Command<'_>, base: &str) -> Result<String, Problem> {
    let branch = match &command.writing.pull_request_branch {
        Some(branch) => branch.clone(),
        None => format!("sluice/bump-{}", branch_name(command)),
    };
    if branch == base {
        return Err(Problem::misconfigured(format!("the pull request can't go from {base} to itself"))
            .help("name another branch with `pull-request-branch`"));
    }
    Ok(branch)
}

/// The part of a branch's name that tells what is written to: different for different targets, and one that git takes.
///
/// <https://git-scm.com/docs/git-check-ref-format>
fn branch_name(command: &Command<'_>) -> String {
    let Target { environments, paths } = command.target;
    let mut names: Vec<Vec<u8>> = environments.iter().map(|name| name.clone().into_bytes()).collect();
    let paths: Vec<&PathBuf> = if paths.is_empty() && names.is_empty() {
        command.looked_at.iter().collect()
    } else {
        paths.iter().collect()
    };
    names.extend(paths.into_iter().map(|path| path.as_os_str().as_encoded_bytes().to_vec()));
    names.sort();
    names.dedup();
    let plain = |name: &Vec<u8>| {
        name.iter().fold(String::new(), |mut text, byte| {
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    write!(text, "{}", char::from(*byte))
                }
                _ => write!(text, "={byte:02X}"),
            };
            text
        })
    };
    names.iter().map(plain).collect::<Vec<_>>().join("+")
}

/// What became of the branch.
struct Now {
    changed: bool,
    /// The commit that was made; with what GitHub tells of it, where it did.
    commit: Option<(Sha, Option<Commit>)>,
}

/// The pull request of a run.
struct Request<'a> {
    remote: &'a Remote<'a>,
    base: &'a str,
    branch: &'a str,
    writing: &'a Writing,
    message: &'a Message,
}

impl Request<'_> {
    /// What the pull request changes as a whole, once the branch holds these files.
    fn rows(
        &self,
        start: &Start,
        files: &BTreeMap<PathBuf, Vec<u8>>,
        base_head: &Sha,
    ) -> Result<Vec<Difference>, Problem> {
        let base;
        let base = if start.kind == Kind::OnTop {
            let looked_at: Vec<PathBuf> = start.pending.iter().chain(files.keys()).cloned().collect();
            base = Snapshot::read(self.remote, base_head.clone(), &looked_at)?;
            &base
        } else {
            &start.snapshot
        };
        let paths: BTreeSet<&PathBuf> = start.pending.iter().chain(files.keys()).collect();
        let mut rows = Vec::new();
        for path in paths {
            if !(base.holds(path) && start.snapshot.holds(path)) {
                let file = escape::bytes(path.as_os_str().as_encoded_bytes());
                rows.push(Difference { file, image: None, before: Pin::default(), after: Pin::default() });
                continue;
            }
            let before = base.original(path, self.remote)?;
            let after = match files.get(path) {
                Some(bytes) => Source { bytes: bytes.clone(), ..before.clone() },
                None => start.snapshot.source(path, self.remote)?,
            };
            rows.extend(values::differences(&before, &after));
        }
        Ok(rows)
    }

    /// Writes the files to the branch; none where it is to be tried again.
    fn push(
        &self,
        pushes: &mut Pushes<'_>,
        start: &Start,
        files: &BTreeMap<PathBuf, Vec<u8>>,
        base_head: &Sha,
        text: &str,
        made: Made,
    ) -> Result<Option<(Sha, Made)>, Problem> {
        let Self { remote, branch, .. } = self;
        let (api, repository) = (&remote.api, &remote.repository);
        let reference = format!("heads/{branch}");
        let moved = match (start.kind, &start.tip) {
            (Kind::FromBase, None) => {
                remote.cx.block_on(api.create_reference(repository, &reference, base_head))?
            }
            (Kind::FromBase, Some(tip)) if tip != base_head => {
                remote.cx.block_on(commit::move_to(remote, branch, tip, base_head, Move::Forward))?
            }
            (Kind::Anew, Some(tip)) => {
                // One step for the branch: a pull request whose branch is level with its base closes.
                let anew = commit::anew(remote, branch, tip, &start.snapshot, files, text, Move::Anywhere);
                return match remote.cx.block_on_to_the_end(commit::LAST_WAIT, anew)? {
                    Some(Ok(commit)) => Ok(Some((commit, made))),
                    Some(Err(error)) if error.is_conflict() => Ok(None),
                    Some(Err(error)) => Err(remote.problem(error)),
                    None => Err(pushes.not_known()),
                };
            }
            _ => Ok(()),
        };
        match moved {
            Ok(()) => pushes.push(&start.snapshot, files, text, made),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(remote.problem(error)),
        }
    }

    /// Opens the pull request or brings it up to date, and tells of it.
    fn finish(
        &self,
        mut made: Made,
        start: &Start,
        files: &BTreeMap<PathBuf, Vec<u8>>,
        base_head: &Sha,
        now: Now,
    ) -> anyhow::Result<Done<Outputs>> {
        let Self { remote, base, branch, writing, .. } = self;
        let Now { changed, commit } = now;
        let read = commit.as_ref().and_then(|(_, read)| read.as_ref());
        let verified = read.map(|commit| commit.verified);
        if let Some((commit, _)) = &commit {
            // Versions that were carried over are news, too.
            made.report.verdict = Verdict::Passed;
            made.tell_commit(remote, branch, commit, verified);
        }
        let mut outputs = Outputs {
            changed: Some(changed),
            commit: commit.as_ref().map(|(commit, _)| commit.to_string()),
            verified,
            ..Outputs::default()
        };
        let waits = changed || start.kind == Kind::OnTop;
        if waits && !writing.dry_run {
            let told = self.bring_up_to_date(start, files, base_head);
            let (pull, is_new) = told.map_err(|problem| match &commit {
                // A branch that was written and is told of by nothing would be a surprise.
                Some((commit, _)) => Problem {
                    what: format!("{}; {branch} holds the commit {commit}", problem.what),
                    ..problem
                },
                None => problem,
            })?;
            let what = if is_new { "opened" } else { "up to date" };
            made.report.title = format!("pull request #{} {what}: {}", pull.number, made.report.title);
            made.report.links.push(Link { label: "pull request".to_owned(), url: pull.html_url.clone() });
            outputs.pull_request = Some(pull.html_url.clone());
            made.report.findings.extend(told_of_checks(&pull, read));
            if let Some(method) = writing.auto_merge.filter(|_| !pull.auto_merge) {
                let finding = self.auto_merge(&pull, method)?;
                if !finding.verdict.is_good() {
                    made.report.verdict = finding.verdict;
                }
                made.report.finding(finding);
            }
        } else if let Some(open) = start.open.as_ref().filter(|_| start.kind != Kind::OnTop) {
            outputs.pull_request = Some(open.html_url.clone());
            made.report.fact("pull request", format!("#{} has nothing that {base} lacks", open.number));
        }
        Ok(made.done(outputs))
    }

    /// The pull request as it is to be, and whether it is new.
    fn bring_up_to_date(
        &self,
        start: &Start,
        files: &BTreeMap<PathBuf, Vec<u8>>,
        base_head: &Sha,
    ) -> Result<(PullRequest, bool), Problem> {
        let Self { remote, base, branch, writing, message } = self;
        let (api, repository) = (&remote.api, &remote.repository);
        let rows = self.rows(start, files, base_head)?;
        let (title, table) = (message.subject(&values::images(&rows)), table(&rows));
        let body = format!("{table}{}", footer(remote));
        let found = match &start.open {
            Some(open) => Some(open.clone()),
            None => remote.ask(api.open_pull_requests(repository, branch, base))?.into_iter().next(),
        };
        let (pull, is_new) = if let Some(pull) = found {
            (pull, false)
        } else {
            let new = NewPullRequest { title: &title, body: &body, head: branch, base };
            match remote.cx.block_on(api.create_pull_request(repository, &new))? {
                Ok(pull) => (pull, true),
                // Another run was faster, or the reply to our own try was lost.
                Err(error) if error.is_conflict() => {
                    let found = remote.ask(api.open_pull_requests(repository, branch, base))?;
                    (found.into_iter().next().ok_or_else(|| remote.problem(error))?, true)
                }
                Err(error) => return Err(remote.problem(error)),
            }
        };
        // Which run wrote it last is no reason to write it.
        let pull = if pull.title == title && pull.body.starts_with(&table) {
            pull
        } else {
            remote.ask(api.update_pull_request(repository, pull.number, &title, &body))?
        };
        if !writing.labels.iter().all(|label| pull.labels.contains(label)) {
            remote.ask(api.add_labels(repository, pull.number, &writing.labels))?;
        }
        // Asked once: who has reviewed it would be asked again each time.
        if is_new && !writing.reviewers.is_empty() {
            let (teams, users): (Vec<&String>, Vec<&String>) =
                writing.reviewers.iter().partition(|name| name.contains('/'));
            let teams: Vec<String> =
                teams.into_iter().filter_map(|team| Some(team.split_once('/')?.1.to_owned())).collect();
            let users: Vec<String> = users.into_iter().cloned().collect();
            remote.ask(api.request_reviewers(repository, pull.number, &users, &teams))?;
        }
        Ok((pull, is_new))
    }

    fn auto_merge(&self, pull: &PullRequest, method: AutoMerge) -> Result<Finding, Problem> {
        let Remote { api, repository, .. } = self.remote;
        let method = match method {
            AutoMerge::Merge => MergeMethod::Merge,
            AutoMerge::Squash => MergeMethod::Squash,
            AutoMerge::Rebase => MergeMethod::Rebase,
        };
        let finding = |verdict, reason: &str| Finding::new(format!("#{}", pull.number), verdict, reason);
        match self.remote.cx.block_on(api.enable_auto_merge(repository, pull, method))? {
            Ok(sluice_github::AutoMerge::On) => {
                Ok(finding(Verdict::Passed, "merges by itself once what is required of it is there"))
            }
            Ok(sluice_github::AutoMerge::NothingToWaitFor) => Ok(finding(
                Verdict::Skipped,
                "does not merge by itself: nothing is required of it, so there is nothing to wait for",
            )
            .help(format!("require a review or a check on {}, or merge it", self.base))),
            Err(error) => {
                // The pull request stands, and is told of.
                let problem = self.remote.problem(error);
                let help = "let the repository's settings allow auto-merge, or leave `auto-merge` out";
                Ok(Finding::from(problem.help(help)))
            }
        }
    }
}

/// What is to be said of checks: what the job's own token pushes or opens starts no workflow.
///
/// <https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/trigger-a-workflow#triggering-a-workflow-from-a-workflow>
fn told_of_checks(pull: &PullRequest, commit: Option<&Commit>) -> Option<Finding> {
    let author = commit.map_or(&pull.author, |commit| &commit.author);
    (author == JOBS_OWN).then(|| {
        Finding::new(
            format!("#{}", pull.number),
            Verdict::Skipped,
            "no checks start: it is written with the job's own token, and what that does starts no workflow",
        )
        .help("give `token` the token of a GitHub App (actions/create-github-app-token makes one), or close and open it by hand")
    })
}

/// What the pull request changes.
fn table(rows: &[Difference]) -> String {
    let mut text = String::from("| Image | Before | After | File |\n|---|---|---|---|\n");
    for row in rows.iter().take(MOST_ROWS) {
        let file = escape::markdown_code(&row.file);
        let _ = match &row.image {
            Some(image) => writeln!(
                text,
                "| {} | {} | {} | {file} |",
                escape::markdown_code(image),
                escape::markdown_code(&row.before.version()),
                escape::markdown_code(&row.after.version()),
            ),
            None => writeln!(text, "| – | – | – | {file} |"),
        };
    }
    if rows.len() > MOST_ROWS {
        let _ = writeln!(text, "\nand {} more.", rows.len() - MOST_ROWS);
    }
    text
}

/// Who wrote the pull request, and what becomes of it.
fn footer(remote: &Remote<'_>) -> String {
    let mut text = String::new();
    if let Some(run) = remote.cx.run_url() {
        let actor = remote.cx.variable("GITHUB_ACTOR").unwrap_or_default();
        let by =
            if actor.is_empty() { String::new() } else { format!(", by {}", escape::markdown_code(actor)) };
        let _ = writeln!(text, "\nLast written by [this run]({run}){by}.");
    }
    text.push_str(
        "\nWhile this is open, further versions are added to it. Commits of others on its branch are kept.\n",
    );
    text
}
