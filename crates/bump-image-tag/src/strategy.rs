//! How a change is written: into the files on disk, as a commit on a branch, or as a pull request.

use std::path::PathBuf;

use sluice_config::{File, Placed, Strategy};
use sluice_core::{Block, Context, Done, Draft, Problem, Problems, SubjectKind};
use sluice_github::Sha;

use crate::{
    Config, Outputs, commit, diff,
    edit::Edited,
    inputs::Writing,
    order::Order,
    outputs::{Images, Written},
    overlay::Overlay,
    pull_request,
    remote::Remote,
    report,
    tree::{Target, Tree},
    worktree::{self, Turn},
};

/// What a command wants written.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    pub(crate) writing: &'a Writing,
    /// What is written to.
    pub(crate) target: &'a Target,
    /// All folders and files that are looked at, from the root of the repository.
    pub(crate) looked_at: Vec<PathBuf>,
    /// What holds for older versions; none where going back is what is wanted.
    pub(crate) order: Option<Order>,
    pub(crate) config: &'a File<Config>,
    pub(crate) cx: &'a Context,
}

/// What a command makes of the files of a tree.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) files: Vec<Edited>,
    pub(crate) report: Draft,
}

/// The command's work: asked again for each state of the files that it is to be done in.
pub(crate) type Work<'a> = &'a dyn Fn(&Tree<'_>) -> Result<Made, Problems>;

/// Does the work, and writes what it makes.
pub(crate) fn carry_out(command: &Command<'_>, work: Work<'_>) -> anyhow::Result<Done<Outputs>> {
    match command.strategy()? {
        Strategy::Worktree => on_disk(command, work),
        Strategy::Commit => commit::carry_out(command, work),
        Strategy::PullRequest => pull_request::carry_out(command, work),
    }
}

fn on_disk(command: &Command<'_>, work: Work<'_>) -> anyhow::Result<Done<Outputs>> {
    let turn = Turn::wait(command.cx)?;
    let mut made = work(&Tree::Disk(command.cx))?;
    made.report.fact("strategy", "worktree: files on disk, no commit");
    command.check_order(&mut made, None)?;
    if !command.writing.dry_run {
        command.cx.cancellation().check().map_err(Problem::from)?;
        worktree::write(&made.files, &turn)?;
    }
    Ok(made.done(Outputs::default()))
}

impl Command<'_> {
    /// The strategy that the input names, else the environments; where a repository is named, the files on disk are not
    /// meant.
    fn strategy(&self) -> Result<Strategy, Problems> {
        let names_repository = self.writing.place.repository.is_some();
        let strategy = match self.writing.strategy {
            Some(strategy) => strategy,
            None => match self.of_environments()? {
                Some(strategy) => strategy,
                None if names_repository => Strategy::Commit,
                None => Strategy::Worktree,
            },
        };
        if strategy == Strategy::Worktree && names_repository {
            return Err(Problem::misconfigured(
                "the strategy `worktree` writes files here, not in `repository`",
            )
            .help("leave `repository` out, or set `strategy` to `commit` or `pull-request`")
            .into());
        }
        Ok(strategy)
    }

    /// The one strategy of all environments; none where no environment names one.
    fn of_environments(&self) -> Result<Option<Strategy>, Problems> {
        let known = &self.config.sections.environments;
        let environments = self.target.environments.iter().filter_map(|name| Some((name, known.get(name)?)));
        let all: Vec<(&String, Option<&Placed<Strategy>>)> =
            environments.map(|(name, environment)| (name, environment.strategy.as_ref())).collect();
        let strategy = |one: Option<&Placed<Strategy>>| one.map(|strategy| strategy.value);
        let effective = |one| strategy(one).unwrap_or(Strategy::Worktree);
        let Some((first, of_first)) = all.first() else { return Ok(None) };
        let Some((other, of_other)) = all.iter().find(|(_, one)| effective(*one) != effective(*of_first))
        else {
            return Ok(strategy(*of_first));
        };
        let problem =
            Problem::misconfigured(format!("\"{first}\" and \"{other}\" are written in different ways"))
                .why(format!("`{}` and `{}`", name(effective(*of_first)), name(effective(*of_other))))
                .help("write them in steps of their own, or say one `strategy` for both");
        Err(match of_other.or(*of_first) {
            Some(place) => problem.at(self.config.place_of(place)),
            None => problem,
        }
        .into())
    }

    /// What the change is for, in a few words.
    pub(crate) fn purpose(&self) -> String {
        let Target { environments, paths } = self.target;
        let paths = paths.iter().map(|path| sluice_core::escape::bytes(path.as_os_str().as_encoded_bytes()));
        let mut names: Vec<String> = environments.iter().cloned().chain(paths).collect();
        if names.is_empty() {
            let files = self.looked_at.iter();
            names.extend(files.map(|file| sluice_core::escape::bytes(file.as_os_str().as_encoded_bytes())));
        }
        names.join(", ")
    }

    /// Refuses older versions that are not wanted, and says what is not known of the order.
    pub(crate) fn check_order(&self, made: &mut Made, remote: Option<&Remote<'_>>) -> Result<(), Problems> {
        let Some(order) = &self.order else { return Ok(()) };
        for said in order.check(&made.files, remote)? {
            made.report.fact("order", said);
        }
        Ok(())
    }
}

/// A strategy as it is written in inputs and configuration.
pub(crate) const fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Worktree => "worktree",
        Strategy::Commit => "commit",
        Strategy::PullRequest => "pull-request",
    }
}

impl Made {
    pub(crate) fn is_changed(&self) -> bool {
        self.files.iter().any(Edited::is_changed)
    }

    /// What is set, each as `name:version`, once.
    pub(crate) fn images(&self) -> Vec<String> {
        let mut images: Vec<String> = Vec::new();
        for file in &self.files {
            let of_images = file.images.iter().filter(|image| !image.changes.is_empty());
            let places = file.places.iter().filter_map(|place| Some((&place.path, place.change.as_ref()?)));
            let named = of_images.map(|image| image.after.brief(&image.name)).chain(
                places.map(|(path, change)| format!("{} {path} {}", file.source.name(), change.after)),
            );
            for image in named {
                if !images.contains(&image) {
                    images.push(image);
                }
            }
        }
        images
    }

    /// Outputs and report, with what the strategy knows beside.
    pub(crate) fn done(self, outputs: Outputs) -> Done<Outputs> {
        let Self { overlays, files, report } = self;
        let outputs = Outputs {
            changed: outputs.changed.or(Some(files.iter().any(Edited::is_changed))),
            images: Images::Written(report::written(&overlays, &files)),
            diff: Some(files.iter().map(diff::unified).collect()),
            ..outputs
        };
        Done { outputs, report }
    }

    /// Tells of a commit that was made.
    pub(crate) fn tell_commit(
        &mut self,
        remote: &Remote<'_>,
        branch: &str,
        commit: &Sha,
        verified: Option<bool>,
    ) {
        self.report.subject(SubjectKind::Commit, remote.named(branch), Some(commit.to_string()));
        let is_verified = match verified {
            Some(true) => "signed, and verified by GitHub",
            Some(false) => "not signed",
            None => "whether it is signed is not known",
        };
        self.report.fact("commit", format!("{commit} ({is_verified})"));
        let url = remote.page(commit);
        self.report.links.push(sluice_core::Link { label: "commit".to_owned(), url });
    }

    /// Tells the message that a commit would have.
    pub(crate) fn tell_message(&mut self, message: &str) {
        let rows = message.lines().map(|line| vec![line.to_owned()]).collect();
        let (title, header) = ("commit".to_owned(), vec!["message".to_owned()]);
        self.report.block(Block::Table { title, header, rows });
    }
}

impl Default for Outputs {
    fn default() -> Self {
        Self {
            changed: None,
            images: Images::Written(Vec::<Written>::new()),
            diff: None,
            commit: None,
            verified: None,
            pull_request: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::Configuration as _;

    use super::*;
    use crate::inputs::Location;

    const CONFIG: &str = "version: 1
environments:
  dev: {overlays: [a]}
  test: {overlays: [b], strategy: worktree}
  prod: {overlays: [c], strategy: pull-request}
  live: {overlays: [d], strategy: commit}
";

    fn strategy(
        input: Option<Strategy>,
        environments: &[&str],
        repository: Option<&str>,
    ) -> Result<Strategy, String> {
        let config = File::parse(CONFIG.as_bytes(), "sluice.yml").unwrap();
        let cx = Context::new(std::iter::empty::<(&str, &str)>().collect(), "/", || panic!("no clock"));
        let place = Location { repository: repository.map(str::to_owned), ..Location::default() };
        let writing = Writing { strategy: input, place, ..Writing::default() };
        let environments = environments.iter().map(|name| (*name).to_owned()).collect();
        let target = Target { environments, paths: Vec::new() };
        let command = Command {
            writing: &writing,
            target: &target,
            looked_at: Vec::new(),
            order: None,
            config: &config,
            cx: &cx,
        };
        command.strategy().map_err(|problems| crate::sandbox::told(&problems.0))
    }

    #[test]
    fn the_input_wins_then_the_environment_then_the_repository() {
        use Strategy::{Commit, PullRequest, Worktree};
        assert_eq!(strategy(None, &["dev", "test"], None), Ok(Worktree));
        assert_eq!(strategy(None, &["prod"], None), Ok(PullRequest));
        assert_eq!(strategy(None, &["live"], None), Ok(Commit));
        assert_eq!(strategy(Some(Worktree), &["prod", "live"], None), Ok(Worktree));
        assert_eq!(strategy(None, &[], None), Ok(Worktree));
        assert_eq!(strategy(None, &["dev"], Some("acme/gitops")), Ok(Commit));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        insta::assert_snapshot!(strategy(None, &["dev", "live"], None).unwrap_err(), @r#"sluice.yml:6:35: "dev" and "live" are written in different ways | `worktree` and `commit` | write them in steps of their own, or say one `strategy` for both"#);
        insta::assert_snapshot!(strategy(None, &["live", "dev"], None).unwrap_err(), @r#"sluice.yml:6:35: "live" and "dev" are written in different ways | `commit` and `worktree` | write them in steps of their own, or say one `strategy` for both"#);
        insta::assert_snapshot!(strategy(Some(Strategy::Worktree), &["dev"], Some("acme/gitops")).unwrap_err(), @": the strategy `worktree` writes files here, not in `repository` | leave `repository` out, or set `strategy` to `commit` or `pull-request`");
    }
}
