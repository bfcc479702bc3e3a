//! Which two trees are compared, and why.

mod lookup;

use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;
use sluice_core::{Problem, Verdict};

use crate::{
    event::{Event, PullRequest, Push, Run},
    inputs::OnUnknown,
    remote::Remote,
    repository::{Repository, Revision, short},
    tags::Previous,
};

/// The `base` that stands for the commit of the last successful run.
pub(crate) const LAST_SUCCESS: &str = "last-success";

/// The two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revisions {
    pub(crate) base: Revision,
    pub(crate) head: Revision,
    pub(crate) strategy: Strategy,
    /// How `base` was found, for people.
    pub(crate) base_is: String,
    /// How `head` was found, for people.
    pub(crate) head_is: String,
}

/// How the two revisions were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// `base` was given.
    Given,
    /// The commit that is checked out, with what is not committed yet.
    WorkingTree,
    /// The commits before and after a push.
    Push,
    /// The commit that GitHub made to try a pull request out, with its first parent: the base branch.
    MergeCommit,
    /// A commit, with the last one that it shares with the branch it came from or goes to.
    MergeBase,
    /// The base commit that a pull request names.
    PullRequest,
    /// The commits that a merge queue names.
    MergeGroup,
    /// A tag, with the one before it.
    PreviousTag,
    /// The commit of the last successful run.
    LastSuccess,
    /// There is nothing before: all files are new.
    WholeTree,
    /// What is before could not be found, and `on-unknown` is `all`: all files count as new.
    Unknown,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) base: Option<&'a str>,
    pub(crate) head: Option<&'a str>,
    /// Whether what is not committed counts, too, where no `head` is given.
    pub(crate) uncommitted: Uncommitted,
    pub(crate) on_unknown: OnUnknown,
}

/// What of the files that are not committed is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Uncommitted {
    /// Nothing: only commits count.
    #[default]
    Nothing,
    /// Which of them are new, changed or gone.
    Names,
    /// Their contents, too.
    Contents,
}

impl Revisions {
    /// Chooses the two: what is given wins, else the event says. Where neither is enough, that is an
    /// error: an answer that compares with a guess could miss a change. Unless all files are to count as
    /// new then; the problem comes beside.
    pub(crate) fn choose(
        repository: &mut Repository,
        remote: Option<&Remote<'_>>,
        asked: Asked<'_>,
        event: impl FnOnce() -> Result<Event, Problem>,
        go_on: &dyn Fn() -> Result<(), Problem>,
    ) -> Result<(Self, Option<Problem>), Problem> {
        let mut search = Search { repository, remote, asked, found: None, go_on };
        match search.run(event) {
            Err(why) if why.verdict == Verdict::Undecided && asked.on_unknown == OnUnknown::All => {
                go_on()?;
                Ok((search.unknown()?, Some(why)))
            }
            chosen => Ok((chosen?, None)),
        }
    }
}

/// Looks for the two, in the clone and where that does not have them on the server.
struct Search<'a> {
    repository: &'a mut Repository,
    remote: Option<&'a Remote<'a>>,
    asked: Asked<'a>,
    /// The head, as soon as it is known, and how.
    found: Option<(Revision, String)>,
    /// An error once the run was told to end: a server that then gives no answer tells nothing.
    go_on: &'a dyn Fn() -> Result<(), Problem>,
}

/// What a commit is compared with for the last one that both have in their history.
#[derive(Clone, Copy)]
enum Other<'a> {
    Commit(ObjectId),
    Branch(&'a str),
}

impl Search<'_> {
    fn run(&mut self, event: impl FnOnce() -> Result<Event, Problem>) -> Result<Revisions, Problem> {
        match self.asked.base {
            Some(LAST_SUCCESS) => return self.since_last_success(),
            Some(base) => return self.given(base),
            None => {}
        }
        match event()? {
            Event::Push(push) => self.push(push),
            Event::Tag { name, before, commit } => self.tag(&name, before, commit),
            Event::PullRequest(request) => self.pull_request(&request),
            Event::MergeGroup { base, head } => self.merge_group(base, head),
            Event::Run(run) => self.workflow_run(&run),
            Event::Since(name) => self.since_last_success().map_err(|problem| Problem {
                what: format!("the event `{name}` names no commit to compare with: {}", problem.what),
                ..problem
            }),
            Event::Other(name) => {
                Err(Problem::misconfigured(format!("the event `{name}` does not say what to compare with"))
                    .help("give `base`: a revision, or `last-success`"))
            }
            Event::None => self.uncommitted(),
        }
    }

    /// All files of the head, where nothing is known of what was before.
    fn unknown(&mut self) -> Result<Revisions, Problem> {
        let (head, head_is) = match self.found.take() {
            Some(found) => found,
            None => self.head()?,
        };
        Ok(self.whole(head, head_is, Strategy::Unknown, "unknown: every file counts as changed"))
    }

    fn given(&mut self, base: &str) -> Result<Revisions, Problem> {
        let (head, head_is) = self.head()?;
        let base_is = format!("`base`: {base}");
        let base = self.named(base)?;
        Ok(Revisions { base, head, strategy: Strategy::Given, base_is, head_is })
    }

    /// On a terminal the question is what the work in progress touches.
    fn uncommitted(&mut self) -> Result<Revisions, Problem> {
        if self.asked.head.is_none()
            && let Some(working_tree) = self.working_tree()?
        {
            let base = self.named("HEAD")?;
            let (head, head_is) = self.remember(working_tree, WORKING_TREE.to_owned());
            let base_is = "checked out".to_owned();
            return Ok(Revisions { base, head, strategy: Strategy::WorkingTree, base_is, head_is });
        }
        Err(Problem::misconfigured("nothing says what to compare with")
            .why("outside of a workflow there is no event that does")
            .help("give it: `--base origin/main`"))
    }

    fn push(&mut self, push: Push) -> Result<Revisions, Problem> {
        let after = push.after.ok_or_else(|| {
            Problem::misconfigured("the push deleted its branch: there is nothing to look at")
                .help("leave such pushes out: `if: ${{ !github.event.deleted }}`")
        })?;
        let (head, head_is) = self.head_or(after, "the commit that was pushed")?;
        let Some(before) = push.before else { return self.first_push(&push, head, head_is) };
        let base_is = "the commit before the push";
        if let Some(base) = self.obtain(before, base_is)? {
            let base_is = base_is.to_owned();
            return Ok(Revisions { base, head, strategy: Strategy::Push, base_is, head_is });
        }
        // A forced push, whose old commits are gone. The merge base may be the head itself: then it tells
        // nothing about what the push took away.
        if let Some(default) = push.default_branch.filter(|default| *default != push.branch) {
            let found = self.branched_off(&default, head, head_is)?;
            if found.base != found.head {
                return Ok(found);
            }
        }
        Err(self.missing(base_is, before))
    }

    /// A new branch began somewhere on the default branch.
    fn first_push(&mut self, push: &Push, head: Revision, head_is: String) -> Result<Revisions, Problem> {
        match &push.default_branch {
            Some(default) if *default == push.branch => Ok(self.whole(
                head,
                head_is,
                Strategy::WholeTree,
                "nothing: the first push of the default branch",
            )),
            Some(default) => self.branched_off(default, head, head_is),
            None => Err(Problem::undecided("the push created its branch: it names no commit before it")
                .why("the payload of the event does not name the default branch")
                .help("give `base`: `origin/main`, say")),
        }
    }

    fn branched_off(&mut self, branch: &str, head: Revision, head_is: String) -> Result<Revisions, Problem> {
        let what = format!("the last commit that the push shares with {branch}");
        let base = self.merge_base(Other::Branch(branch), head, &what)?;
        let base_is = format!("the merge base with {branch}");
        Ok(Revisions { base, head, strategy: Strategy::MergeBase, base_is, head_is })
    }

    /// A tag is compared with what it stood for before, else with the tag before it, else it is all new.
    fn tag(&mut self, name: &str, before: Option<ObjectId>, commit: ObjectId) -> Result<Revisions, Problem> {
        let (head, head_is) = self.head_or(commit, "the commit that is tagged")?;
        if let Some(before) = before
            && let Some(base) = self.obtain(before, "what the tag stood for before")?
        {
            let base_is = format!("what {name} stood for before the push");
            return Ok(Revisions { base, head, strategy: Strategy::Push, base_is, head_is });
        }
        match self.tag_before(name, head)? {
            Previous::Tag(tag, base) => {
                let base = self.existing(base, "the commit of the previous tag")?;
                let base_is = format!("the previous tag, {tag}");
                Ok(Revisions { base, head, strategy: Strategy::PreviousTag, base_is, head_is })
            }
            Previous::None => {
                Ok(self.whole(head, head_is, Strategy::WholeTree, "nothing: there is no tag before"))
            }
            Previous::Unknown => Err(self.repository.missing(&format!("the tag before {name}"))),
        }
    }

    /// While a pull request is open the workflow runs for a merge commit that GitHub made. Its first
    /// parent is the base branch: together they tell exactly what the pull request would change.
    fn pull_request(&mut self, request: &PullRequest) -> Result<Revisions, Problem> {
        let &PullRequest { base, head, commit, is_target } = request;
        let (at, head_is) = self.head()?;
        if at.id == head {
            return self.request_head(base, at, head_is);
        }
        if let Some(parent) = self.merged_into(at, head)? {
            return self.merge_commit(parent, base, at, head_is);
        }
        if is_target && self.asked.head.is_none() {
            // The workflow runs for the base branch, and that is checked out.
            let (head, head_is) = self.head_or(head, "the head of the pull request")?;
            return self.request_head(base, head, head_is);
        }
        if Some(at.id) == commit {
            // What a closed pull request became on its base branch.
            let base = self.existing(base, "the base commit of the pull request")?;
            return Ok(Revisions {
                base,
                head: at,
                strategy: Strategy::PullRequest,
                base_is: NAMED_BASE.to_owned(),
                head_is,
            });
        }
        Err(Problem::undecided(format!("{} is no commit of the pull request", at.short()))
            .why("it is neither its head nor the commit that the workflow runs for")
            .help("give actions/checkout no `ref`, or tell what to compare with: `base`"))
    }

    fn request_head(
        &mut self,
        base: ObjectId,
        head: Revision,
        head_is: String,
    ) -> Result<Revisions, Problem> {
        let what = "the last commit that the pull request shares with its base branch";
        let base = self.merge_base(Other::Commit(base), head, what)?;
        let base_is = "the merge base with the base branch".to_owned();
        Ok(Revisions { base, head, strategy: Strategy::MergeBase, base_is, head_is })
    }

    /// The first parent of a commit that merges `head` into something.
    fn merged_into(&self, commit: Revision, head: ObjectId) -> Result<Option<ObjectId>, Problem> {
        match *self.repository.parents(commit)? {
            [first, second] if second == head => Ok(Some(first)),
            _ => Ok(None),
        }
    }

    /// The base that a pull request names is the same branch, maybe at an older commit.
    fn merge_commit(
        &mut self,
        parent: ObjectId,
        base: ObjectId,
        head: Revision,
        head_is: String,
    ) -> Result<Revisions, Problem> {
        let parent_found = self.obtain(parent, "the base of the pull request");
        if let Ok(Some(base)) = parent_found {
            let base_is = "the base branch, first parent of the merge commit".to_owned();
            return Ok(Revisions { base, head, strategy: Strategy::MergeCommit, base_is, head_is });
        }
        if let Some(base) = self.repository.find(base)? {
            let base_is = NAMED_BASE.to_owned();
            return Ok(Revisions { base, head, strategy: Strategy::PullRequest, base_is, head_is });
        }
        parent_found?;
        let parent = short(parent);
        Err(Problem::undecided(format!("the base of the pull request, {parent}, is not in the clone"))
            .why("the clone is shallow: it holds the merge commit without its parents")
            .help("let actions/checkout fetch them: `fetch-depth: 2`"))
    }

    fn merge_group(&mut self, base: ObjectId, head: ObjectId) -> Result<Revisions, Problem> {
        let base_is = "the base of the merge group";
        let base = self.existing(base, base_is)?;
        let (head, head_is) = self.head_or(head, "the head of the merge group")?;
        Ok(Revisions { base, head, strategy: Strategy::MergeGroup, base_is: base_is.to_owned(), head_is })
    }

    /// A run for a pull request is compared like that; one for a push with the last one before it that
    /// succeeded.
    fn workflow_run(&mut self, run: &Run) -> Result<Revisions, Problem> {
        let (head, head_is) = self.head_or(run.head, "the commit of the run that ended")?;
        if !run.is_for_request {
            return self.since_success_of(run, head, head_is);
        }
        let other = match (run.base, &run.default_branch) {
            (Some(base), _) => Other::Commit(base),
            (None, Some(default)) => Other::Branch(default),
            (None, None) => {
                return Err(Problem::undecided("the run does not say what its pull request goes to")
                    .help("give `base`"));
            }
        };
        let what = "the last commit that the pull request shares with its base branch";
        let base = self.merge_base(other, head, what)?;
        let base_is = "the merge base with the base branch".to_owned();
        Ok(Revisions { base, head, strategy: Strategy::MergeBase, base_is, head_is })
    }

    fn since_success_of(&mut self, run: &Run, head: Revision, head_is: String) -> Result<Revisions, Problem> {
        let Some(remote) = self.remote else { return Err(no_api()) };
        let last = remote.last_success_before(run)?;
        self.since(last, head, head_is)
    }

    fn since_last_success(&mut self) -> Result<Revisions, Problem> {
        let (head, head_is) = self.head()?;
        let Some(remote) = self.remote else { return Err(no_api()) };
        let last = remote.last_success()?;
        self.since(last, head, head_is)
    }

    fn since(
        &mut self,
        last: Option<ObjectId>,
        head: Revision,
        head_is: String,
    ) -> Result<Revisions, Problem> {
        let Some(last) = last else {
            return Ok(self.whole(head, head_is, Strategy::WholeTree, "nothing: no run has succeeded yet"));
        };
        let base_is = "the commit of the last successful run";
        let base = self.existing(last, base_is)?;
        Ok(Revisions { base, head, strategy: Strategy::LastSuccess, base_is: base_is.to_owned(), head_is })
    }

    fn whole(&self, head: Revision, head_is: String, strategy: Strategy, base_is: &str) -> Revisions {
        Revisions { base: self.repository.empty_tree(), head, strategy, base_is: base_is.to_owned(), head_is }
    }
}

/// How a head is told that is no commit.
const WORKING_TREE: &str = "the working tree";

/// How a base is told that a pull request names itself.
const NAMED_BASE: &str = "the base commit that the pull request names";

fn no_api() -> Problem {
    Problem::undecided("the last successful run is not known")
        .why("GitHub's API tells it, and this is no step of a workflow")
        .help("give `base`: a revision")
}

#[cfg(test)]
mod tests;
