//! Which two trees are compared, and why.

use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;
use sluice_core::{Problem, Verdict};

use crate::{
    event::{Event, PullRequest, Push, Run},
    fetch::{Fetched, Want},
    inputs::OnUnknown,
    remote::Remote,
    repository::{Repository, Revision, short},
    tags::{self, Previous},
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
    /// Whether the run was told to end: then no answer means nothing.
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

    /// What is checked out, with all that is not committed, where that is asked for.
    fn working_tree(&mut self) -> Result<Option<Revision>, Problem> {
        match self.asked.uncommitted {
            Uncommitted::Nothing => Ok(None),
            what => self.repository.working_tree(what == Uncommitted::Contents, self.go_on),
        }
    }

    /// The head that was given, else what is checked out.
    fn head(&mut self) -> Result<(Revision, String), Problem> {
        let (name, head_is) = match self.asked.head {
            Some(name) => (name, format!("`head`: {name}")),
            None => match self.working_tree()? {
                Some(working_tree) => return Ok(self.remember(working_tree, WORKING_TREE.to_owned())),
                None => ("HEAD", "checked out".to_owned()),
            },
        };
        let head = self.named(name)?;
        Ok(self.remember(head, head_is))
    }

    fn head_or(&mut self, id: ObjectId, what: &str) -> Result<(Revision, String), Problem> {
        if self.asked.head.is_some() {
            return self.head();
        }
        let head = self.existing(id, what)?;
        Ok(self.remember(head, what.to_owned()))
    }

    fn remember(&mut self, head: Revision, head_is: String) -> (Revision, String) {
        self.found.insert((head, head_is)).clone()
    }

    /// What a person calls by a name. A clone that is cut lacks branches, tags and ancestors, too.
    fn named(&mut self, name: &str) -> Result<Revision, Problem> {
        let id = match (self.repository.resolve(name), self.remote) {
            (Err(_), Some(remote)) if self.repository.is_shallow() => {
                let found = match ancestor(name) {
                    Some((name, steps)) => self.back_from(name, steps)?,
                    None => remote.resolve(name)?,
                };
                found.ok_or_else(|| {
                    Problem::misconfigured(format!(
                        "no revision is called \"{name}\", neither in the clone nor on the server"
                    ))
                    .help("name a branch, a tag, or a commit by its whole SHA")
                })?
            }
            (found, _) => found?,
        };
        self.existing(id, "the commit")
    }

    /// The commit so many steps before another one, along first parents; none where history is not as long.
    fn back_from(&mut self, name: &str, steps: usize) -> Result<Option<ObjectId>, Problem> {
        let mut id = self.named(name)?.id;
        for _ in 0..steps {
            if let (None, Some(remote)) = (self.repository.commit(id)?, self.remote) {
                remote.bring(self.repository, id, Want::History)?;
            }
            let commit = self.repository.commit(id)?;
            let Some(parent) = commit.and_then(|commit| commit.parents.first().copied()) else {
                return Ok(None);
            };
            id = parent;
        }
        Ok(Some(id))
    }

    /// A commit that must be there: in the clone, else on the server.
    fn existing(&mut self, id: ObjectId, what: &str) -> Result<Revision, Problem> {
        self.obtain(id, what)?.ok_or_else(|| self.missing(what, id))
    }

    /// A commit from the clone, else from the server; none where neither has it.
    fn obtain(&mut self, id: ObjectId, what: &str) -> Result<Option<Revision>, Problem> {
        if let Some(found) = self.repository.find(id)? {
            return Ok(Some(found));
        }
        let Some(remote) = self.remote else { return Ok(None) };
        match remote.bring(self.repository, id, Want::Trees) {
            Ok(Fetched::Yes) => self.repository.find(id),
            Ok(Fetched::Unknown) => Ok(None),
            Err(problem) => {
                (self.go_on)()?;
                let what = format!("{what}, {}, is not in the clone: {}", short(id), problem.what);
                Err(Problem { what, ..problem })
            }
        }
    }

    /// The problem of a commit that neither the clone has nor, where there is one, the server.
    fn missing(&self, what: &str, id: ObjectId) -> Problem {
        let what = format!("{what}, {},", short(id));
        match self.remote {
            None => self.repository.missing(&what),
            Some(_) => Problem::undecided(format!("{what} is neither in the clone nor on the server"))
                .why("a forced push took it away, or it belongs to another repository")
                .help("give another `base`"),
        }
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

    fn tag_before(&mut self, name: &str, commit: Revision) -> Result<Previous, Problem> {
        let Some(remote) = self.remote.filter(|_| self.repository.is_shallow()) else {
            // Without the history there is no telling, whatever tags the clone has.
            let found = tags::previous(self.repository, name, commit, &self.repository.tags()?)?;
            return Ok(if self.repository.is_shallow() { Previous::Unknown } else { found });
        };
        let tags = remote.tags()?;
        match tags::previous(self.repository, name, commit, &tags)? {
            Previous::Unknown => {
                remote.bring(self.repository, commit.id, Want::History)?;
                tags::previous(self.repository, name, commit, &tags)
            }
            found => Ok(found),
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

    /// The last commit that both have in their history: by the clone's, else as the server tells it.
    fn merge_base(&mut self, other: Other<'_>, head: Revision, what: &str) -> Result<Revision, Problem> {
        let here = match other {
            Other::Commit(id) => self.repository.find(id)?,
            Other::Branch(name) => self.repository.remote_branch(name)?,
        };
        if let Some(here) = here
            && let Some(found) = self.repository.merge_base(here.id, head.id)?
        {
            return Ok(found);
        }
        if here.is_some() && !self.repository.is_shallow() {
            return Err(Problem::undecided(format!(
                "{what} does not exist: their histories are not related"
            ))
            .help("give `base`"));
        }
        let Some(remote) = self.remote else { return Err(self.repository.missing(what)) };
        let found = match other {
            Other::Commit(id) => remote.merge_base(&id.to_string(), head)?,
            Other::Branch(name) => remote.merge_base(name, head)?,
        };
        self.existing(found, what)
    }
}

/// `main~2` stands two steps before `main`, `HEAD^` one before `HEAD`:
/// <https://git-scm.com/docs/gitrevisions>
fn ancestor(name: &str) -> Option<(&str, usize)> {
    if let Some(child) = name.strip_suffix(['^', '~']) {
        return Some((child, 1));
    }
    let (descendant, steps) = name.rsplit_once('~')?;
    Some((descendant, steps.parse().ok()?))
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
mod tests {
    use super::*;
    use sluice_github_fake::{self as github, Fault, Reply};

    use crate::{remote::tests::World, sandbox::Sandbox};

    fn choose(
        sandbox: &Sandbox,
        base: Option<&str>,
        head: Option<&str>,
        event: Event,
    ) -> Result<Revisions, Problem> {
        choose_with(None, sandbox, base, head, event)
    }

    fn choose_with(
        remote: Option<&Remote<'_>>,
        sandbox: &Sandbox,
        base: Option<&str>,
        head: Option<&str>,
        event: Event,
    ) -> Result<Revisions, Problem> {
        let mut repository = Repository::open(sandbox.path()).unwrap();
        let asked = Asked { base, head, ..Asked::default() };
        Revisions::choose(&mut repository, remote, asked, || Ok(event), &|| Ok(()))
            .map(|(revisions, _)| revisions)
    }

    /// A push to a branch beside the default one.
    fn push(before: Option<ObjectId>, after: Option<ObjectId>) -> Event {
        push_to("feature", before, after)
    }

    fn push_to(branch: &str, before: Option<ObjectId>, after: Option<ObjectId>) -> Event {
        let (branch, default_branch) = (branch.to_owned(), Some("main".to_owned()));
        Event::Push(Push { branch, default_branch, before, after })
    }

    /// The end of a run of `test.yml`.
    fn run(branch: &str, head: ObjectId, is_for_request: bool, base: Option<ObjectId>) -> Event {
        let (workflow, branch, default_branch) = ("test.yml".into(), branch.into(), Some("main".into()));
        Event::Run(Run { id: 1, workflow, branch, head, is_for_request, base, default_branch })
    }

    fn chosen_with(world: &World, sandbox: &Sandbox, event: Event) -> (ObjectId, ObjectId, Strategy) {
        let revisions = choose_with(Some(&world.remote()), sandbox, None, None, event).unwrap();
        (revisions.base.id, revisions.head.id, revisions.strategy)
    }

    /// A commit that no one has.
    fn gone() -> ObjectId {
        ObjectId::from_hex(&[b'1'; 40]).unwrap()
    }

    /// What is compared, and how that was chosen.
    fn chosen(sandbox: &Sandbox, event: Event) -> (ObjectId, ObjectId, Strategy) {
        let revisions = choose(sandbox, None, None, event).unwrap();
        (revisions.base.id, revisions.head.id, revisions.strategy)
    }

    fn problem(result: Result<Revisions, Problem>) -> String {
        let Problem { verdict, what, why, help, .. } = result.unwrap_err();
        let whole = format!("{verdict}: {what}\n{}\n{}", why.unwrap_or_default(), help.unwrap_or_default());
        let is_id = |word: &str| word.len() == 7 && word.chars().all(|c| c.is_ascii_hexdigit());
        let words = whole.split(' ').map(|word| if is_id(word.trim_matches(',')) { "<id>" } else { word });
        words.collect::<Vec<_>>().join(" ")
    }

    /// A pull request as GitHub makes it: main went on after the branch began, and a merge commit tries
    /// the pull request out.
    struct Request {
        sandbox: Sandbox,
        fork: ObjectId,
        main: ObjectId,
        head: ObjectId,
        merge: ObjectId,
    }

    impl Request {
        fn new() -> Self {
            let sandbox = Sandbox::new();
            sandbox.write("a", "1");
            let fork = sandbox.commit();
            sandbox.git(["checkout", "--quiet", "-b", "feature"]);
            sandbox.write("b", "1");
            let head = sandbox.commit();
            sandbox.git(["checkout", "--quiet", "main"]);
            sandbox.write("c", "1");
            let main = sandbox.commit();
            sandbox.git(["checkout", "--quiet", "-b", "merge"]);
            sandbox.git(["merge", "--quiet", "--no-ff", "--message=x", "feature"]);
            let merge = sandbox.id("HEAD");
            Self { sandbox, fork, main, head, merge }
        }

        /// The event, naming the base branch at `base`.
        fn event(&self, base: ObjectId) -> Event {
            self.event_for(base, self.merge)
        }

        /// The same of a workflow that runs for `commit`.
        fn event_for(&self, base: ObjectId, commit: ObjectId) -> Event {
            let (head, commit) = (self.head, Some(commit));
            Event::PullRequest(PullRequest { base, head, commit, is_target: false })
        }
    }

    #[test]
    fn what_is_given_wins() {
        let request = Request::new();
        let revisions = choose(&request.sandbox, Some("feature"), Some("main"), Event::None).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (request.head, request.main));
        assert_eq!(revisions.strategy, Strategy::Given);
        assert_eq!((&*revisions.base_is, &*revisions.head_is), ("`base`: feature", "`head`: main"));
        let revisions = choose(&request.sandbox, Some("main"), None, request.event(request.fork)).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (request.main, request.merge));
    }

    #[test]
    fn a_push_names_both_commits() {
        let Request { sandbox, fork, main, merge, .. } = Request::new();
        let event = || push(Some(fork), Some(main));
        assert_eq!(chosen(&sandbox, event()), (fork, main, Strategy::Push));
        let revisions = choose(&sandbox, None, Some("HEAD"), event()).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (fork, merge));
    }

    #[test]
    fn a_push_that_deletes_its_branch_has_nothing_to_look_at() {
        let Request { sandbox, main, .. } = Request::new();
        insta::assert_snapshot!(problem(choose(&sandbox, None, None, push(Some(main), None))), @r##"
misconfigured: the push deleted its branch: there is nothing to look at

leave such pushes out: `if: ${{ !github.event.deleted }}`
"##);
    }

    #[test]
    fn the_first_push_of_a_branch_is_compared_with_where_it_began() {
        let Request { sandbox, fork, head, main, .. } = Request::new();
        let clone = sandbox.clone(&["--branch=feature"]);
        let expected = (fork, head, Strategy::MergeBase);
        assert_eq!(chosen(&clone, push(None, Some(head))), expected);
        let empty = ObjectId::empty_tree(head.kind());
        let first = push_to("main", None, Some(main));
        assert_eq!(chosen(&clone, first), (empty, main, Strategy::WholeTree));
        // A clone that does not know where it began does not guess.
        let shallow = sandbox.clone(&["--depth=1", "--branch=feature"]);
        insta::assert_snapshot!(problem(choose(&shallow, None, None, push(None, Some(head)))), @r##"
undecided: the last commit that the push shares with main is not in the clone
the clone is shallow: its history is cut
let actions/checkout fetch the whole history: `fetch-depth: 0`
"##);
    }

    #[test]
    fn a_forced_push_is_compared_with_the_old_tip_else_with_where_the_branch_began() {
        let Request { sandbox, fork, head, main, .. } = Request::new();
        sandbox.git(["checkout", "--quiet", "-B", "feature", &fork.to_string()]);
        sandbox.write("b", "rewritten");
        let rewritten = sandbox.commit();
        // The old tip may still be there.
        assert_eq!(chosen(&sandbox, push(Some(head), Some(rewritten))), (head, rewritten, Strategy::Push));
        let clone = sandbox.clone(&["--branch=feature"]);
        let gone = gone();
        let expected = (fork, rewritten, Strategy::MergeBase);
        assert_eq!(chosen(&clone, push(Some(gone), Some(rewritten))), expected);
        // Neither can a default branch have begun on itself, nor does a branch that was set back to the
        // default branch tell what it had before.
        for lost in [push_to("main", Some(gone), Some(main)), push(Some(gone), Some(fork))] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(problem(choose(&clone, None, None, lost)), @r##"
undecided: the commit before the push, <id> is not in the clone
its branch was rewritten by a forced push, or was never fetched
give another `base`; or fetch it, with `fetch-depth: 0` at actions/checkout
"##);
            }
        }
    }

    #[test]
    fn a_shallow_clone_fetches_the_commit_before_the_push() {
        let Request { sandbox, fork, main, .. } = Request::new();
        let shallow = sandbox.clone(&["--depth=1", "--branch=main"]);
        let event = || push_to("main", Some(fork), Some(main));
        insta::assert_snapshot!(problem(choose(&shallow, None, None, event())), @r##"
undecided: the commit before the push, <id> is not in the clone
the clone is shallow: its history is cut
let actions/checkout fetch the whole history: `fetch-depth: 0`
"##);
        let world = World::of(&sandbox);
        let revisions = choose_with(Some(&world.remote()), &shallow, None, None, event()).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (fork, main));
        assert_eq!(revisions.strategy, Strategy::Push);
        assert_eq!(world.asked_of_git().len(), 1, "what is there is not asked for");
        let lost = choose_with(
            Some(&world.remote()),
            &shallow,
            None,
            None,
            push_to("main", Some(gone()), Some(main)),
        );
        insta::assert_snapshot!(problem(lost), @r##"
undecided: the commit before the push, <id> is neither in the clone nor on the server
a forced push took it away, or it belongs to another repository
give another `base`
"##);
    }

    #[test]
    fn where_history_is_cut_github_tells_the_merge_base() {
        let request = Request::new();
        let world = World::of(&request.sandbox);
        let shallow = request.sandbox.clone(&["--depth=1", "--branch=feature"]);
        let Request { fork, head, main, .. } = request;
        let expected = (fork, head, Strategy::MergeBase);
        for event in [
            request.event(main),
            push(None, Some(head)),
            push(Some(gone()), Some(head)),
            run("feature", head, true, Some(main)),
            run("feature", head, true, None),
        ] {
            assert_eq!(chosen_with(&world, &shallow, event), expected);
        }
    }

    #[test]
    fn a_run_is_compared_with_the_last_one_that_succeeded_before_it() {
        let Request { sandbox, fork, main, merge, .. } = Request::new();
        let world = World::of(&sandbox);
        let shop = world.github.repository("acme/shop");
        let test = |commit: ObjectId| github::Run {
            workflow: "test.yml".to_owned(),
            ..github::Run::success("main", &commit.to_string())
        };
        let event = |id| {
            let Event::Run(run) = run("main", main, false, None) else { unreachable!() };
            Event::Run(Run { id, ..run })
        };
        let shallow = sandbox.clone(&["--depth=1", "--branch=main"]);
        let first = shop.run(test(fork));
        let second = shop.run(test(main));
        shop.run(test(merge));
        let empty = ObjectId::empty_tree(main.kind());
        assert_eq!(chosen_with(&world, &shallow, event(second)), (fork, main, Strategy::LastSuccess));
        assert_eq!(chosen_with(&world, &shallow, event(first)), (empty, main, Strategy::WholeTree));
    }

    #[test]
    fn a_clock_and_a_person_ask_for_what_changed_since_the_last_success() {
        let Request { sandbox, fork, main, head, .. } = Request::new();
        let world = World::of(&sandbox);
        let shop = world.github.repository("acme/shop");
        let shallow = sandbox.clone(&["--depth=1", "--branch=main"]);
        let since = || Event::Since("schedule".into());
        let success = |commit: ObjectId| github::Run::success("main", &commit.to_string());
        shop.run(github::Run { conclusion: "failure".into(), ..success(main) });
        let empty = ObjectId::empty_tree(main.kind());
        assert_eq!(chosen_with(&world, &shallow, since()), (empty, main, Strategy::WholeTree));
        shop.run(success(fork));
        // Neither a fork's branch of that name, nor a pull request from this branch, tells of this branch.
        shop.run(github::Run { fork: Some("stranger/shop".into()), ..success(head) });
        shop.run(github::Run { event: "pull_request".into(), ..success(head) });
        assert_eq!(chosen_with(&world, &shallow, since()), (fork, main, Strategy::LastSuccess));
        let remote = world.remote();
        let asked =
            choose_with(Some(&remote), &shallow, Some(LAST_SUCCESS), None, push(Some(head), Some(main)));
        assert_eq!(asked.unwrap().base.id, fork);
        insta::assert_snapshot!(problem(choose(&sandbox, None, None, since())), @r##"
undecided: the event `schedule` names no commit to compare with: the last successful run is not known
GitHub's API tells it, and this is no step of a workflow
give `base`: a revision
"##);
    }

    #[test]
    fn without_permission_the_last_success_is_not_known() {
        let sandbox = Sandbox::new();
        sandbox.commit();
        let world = World::of(&sandbox);
        let refusal = Reply::error(403, "Resource not accessible by integration");
        world.github.faults(move |_| Some(Fault::Answer(refusal.clone())));
        let since = Event::Since("workflow_dispatch".into());
        insta::assert_snapshot!(problem(choose_with(Some(&world.remote()), &sandbox, None, None, since)), @r##"
undecided: the event `workflow_dispatch` names no commit to compare with: could not find the last successful run of deploy.yml on main in acme/shop
GitHub forbids it to this token (Resource not accessible by integration)
give the job `permissions: actions: read`
"##);
    }

    #[test]
    fn names_that_a_shallow_clone_lacks_are_those_of_the_server() {
        let Request { sandbox, fork, head, main, merge } = Request::new();
        let shallow = sandbox.clone(&["--depth=1", "--branch=merge"]);
        let world = World::of(&sandbox);
        let remote = world.remote();
        let base = |name: &str| choose_with(Some(&remote), &shallow, Some(name), None, Event::None);
        for (name, id) in [
            ("HEAD", merge),
            ("HEAD^", main),
            ("HEAD~", main),
            ("HEAD~1", main),
            ("HEAD^^", fork),
            ("HEAD~2", fork),
            ("origin/feature", head),
            ("feature", head),
            ("feature~1", fork),
            (&fork.to_string(), fork),
        ] {
            assert_eq!(base(name).unwrap().base.id, id, "{name}");
        }
        for name in ["featurx", "HEAD~3", "HEAD~x", "~1", ""] {
            assert_eq!(base(name).unwrap_err().verdict, Verdict::Misconfigured, "{name}");
        }
    }

    #[test]
    fn a_repository_without_a_clone_is_fetched() {
        let Request { sandbox, head, main, .. } = Request::new();
        let world = World::of(&sandbox);
        let remote = world.remote();
        let choose = |base: &str, head: Option<&str>| {
            let mut repository = Repository::elsewhere(world.temporary()).unwrap();
            let asked = Asked { base: Some(base), head, ..Asked::default() };
            let chosen = Revisions::choose(
                &mut repository,
                Some(&remote),
                asked,
                || panic!("it is given"),
                &|| Ok(()),
            );
            chosen.map(|(revisions, _)| revisions)
        };
        let revisions = choose(&head.to_string(), Some("main")).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (head, main));
        assert_eq!(revisions.head.tree, sandbox.id("main^{tree}"));
        assert_eq!(choose("main", None).unwrap().head.id, sandbox.id("HEAD"));
        insta::assert_snapshot!(problem(choose("mian", None)), @r##"
misconfigured: no revision is called "mian", neither in the clone nor on the server

name a branch, a tag, or a commit by its whole SHA
"##);
        insta::assert_snapshot!(problem(choose(&"a".repeat(64), None)), @r##"
undecided: the commit, <id> is neither in the clone nor on the server
a forced push took it away, or it belongs to another repository
give another `base`
"##);
    }

    #[test]
    fn another_object_format_is_fetched() {
        let sandbox = Sandbox::with(&["--object-format=sha256"]);
        let first = sandbox.commit();
        let second = sandbox.commit();
        let shallow = sandbox.clone(&["--depth=1"]);
        let world = World::of(&sandbox);
        let event = push_to("main", Some(first), Some(second));
        let revisions = choose_with(Some(&world.remote()), &shallow, None, None, event).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (first, second));
        let other = choose(&shallow, Some(&"a".repeat(40)), None, Event::None).unwrap_err();
        assert_eq!(other.verdict, Verdict::Undecided);
    }

    #[test]
    fn a_clone_without_trees_fetches_those_of_two_commits() {
        let Request { sandbox, fork, main, .. } = Request::new();
        let world = World::of(&sandbox);
        let bare = sandbox.clone(&["--filter=tree:0", "--bare", "--branch=main"]);
        let event = push_to("main", Some(fork), Some(main));
        let revisions = choose_with(Some(&world.remote()), &bare, None, None, event).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (fork, main));
    }

    #[test]
    fn what_is_unknown_may_count_as_everything() {
        let Request { sandbox, head, main, .. } = Request::new();
        let mut repository = Repository::open(sandbox.path()).unwrap();
        let empty = ObjectId::empty_tree(main.kind());
        let mut everything = |event: Event| {
            let asked = Asked { on_unknown: OnUnknown::All, ..Asked::default() };
            let (chosen, why) = Revisions::choose(&mut repository, None, asked, || Ok(event), &|| Ok(()))?;
            assert_eq!((chosen.base.id, chosen.strategy), (empty, Strategy::Unknown));
            Ok((chosen.head.id, why.unwrap().what))
        };
        let (of, why) = everything(push_to("main", Some(gone()), Some(main))).unwrap();
        assert_eq!((of, &*why), (main, "the commit before the push, 1111111, is not in the clone"));
        // The head is the event's as far as that is known: here another one than what is checked out.
        let request = PullRequest { base: gone(), head, commit: Some(main), is_target: true };
        sandbox.git(["checkout", "--quiet", "main"]);
        assert_eq!(everything(Event::PullRequest(request)).unwrap().0, head);
        // What is wrong stays wrong.
        let wrong: Result<_, Problem> = everything(Event::None);
        assert_eq!(wrong.unwrap_err().verdict, Verdict::Misconfigured);
        let wrong = everything(push(Some(main), None));
        assert_eq!(wrong.unwrap_err().verdict, Verdict::Misconfigured);
    }

    #[test]
    fn a_tag_is_compared_with_the_one_before_it() {
        let Request { sandbox, fork, main, head, .. } = Request::new();
        sandbox.git(["tag", "v1", &fork.to_string()]);
        sandbox.git(["tag", "--annotate", "--message=x", "v2", &main.to_string()]);
        let (old, annotated) = (sandbox.id("v1"), sandbox.id("v2"));
        let tag = |name: &str, before, commit| Event::Tag { name: name.into(), before, commit };
        let empty = ObjectId::empty_tree(main.kind());
        for (event, expected) in [
            (tag("v2", None, annotated), (fork, main, Strategy::PreviousTag)),
            (tag("v2", None, main), (fork, main, Strategy::PreviousTag)),
            (tag("v1", None, old), (empty, fork, Strategy::WholeTree)),
            (tag("backend-v2", None, main), (empty, main, Strategy::WholeTree)),
            // A tag that was moved.
            (tag("latest", Some(head), main), (head, main, Strategy::Push)),
            (tag("v2", Some(gone()), main), (fork, main, Strategy::PreviousTag)),
        ] {
            assert_eq!(chosen(&sandbox, event), expected);
        }
    }

    #[test]
    fn a_shallow_clone_asks_for_tags_and_history() {
        let Request { sandbox, fork, main, merge, .. } = Request::new();
        sandbox.git(["tag", "v1", &fork.to_string()]);
        sandbox.git(["tag", "v2", &merge.to_string()]);
        let shallow = sandbox.clone(&["--depth=1", "--branch=v2"]);
        let tag = |name: &str| Event::Tag { name: name.into(), before: None, commit: merge };
        insta::assert_snapshot!(problem(choose(&shallow, None, None, tag("v2"))), @r##"
undecided: the tag before v2 is not in the clone
the clone is shallow: its history is cut
let actions/checkout fetch the whole history: `fetch-depth: 0`
"##);
        let world = World::of(&sandbox);
        let chosen = |event| {
            let revisions = choose_with(Some(&world.remote()), &shallow, None, None, event).unwrap();
            (revisions.base.id, revisions.head.id, revisions.strategy)
        };
        assert_eq!(chosen(tag("v2")), (fork, merge, Strategy::PreviousTag));
        assert_eq!(chosen(tag("x")), (ObjectId::empty_tree(main.kind()), merge, Strategy::WholeTree));
    }

    #[test]
    fn a_pull_request_is_compared_with_the_first_parent_of_its_merge_commit() {
        let request = Request::new();
        let expected = (request.main, request.merge, Strategy::MergeCommit);
        // The base that the payload names may be older than the merge commit.
        assert_eq!(chosen(&request.sandbox, request.event(request.fork)), expected);
        let shallow = request.sandbox.clone(&["--depth=2", "--branch=merge"]);
        assert_eq!(chosen(&shallow, request.event(request.main)), expected);
    }

    #[test]
    fn a_merge_commit_without_its_parents_needs_the_base_that_the_event_names() {
        let request = Request::new();
        let shallow = request.sandbox.clone(&["--depth=1", "--branch=merge"]);
        insta::assert_snapshot!(problem(choose(&shallow, None, None, request.event(request.main))), @r##"
undecided: the base of the pull request, <id> is not in the clone
the clone is shallow: it holds the merge commit without its parents
let actions/checkout fetch them: `fetch-depth: 2`
"##);
        let url = format!("file://{}", request.sandbox.path().display());
        request.sandbox.git(["branch", "old", &request.fork.to_string()]);
        shallow.git(["fetch", "--quiet", "--depth=1", &url, "old"]);
        let expected = (request.fork, request.merge, Strategy::PullRequest);
        assert_eq!(chosen(&shallow, request.event(request.fork)), expected);
    }

    #[test]
    fn the_parent_of_a_merge_commit_is_fetched_before_an_older_base_is_taken() {
        let request = Request::new();
        let shallow = request.sandbox.clone(&["--depth=1", "--branch=merge"]);
        let world = World::of(&request.sandbox);
        let event = request.event(request.fork);
        let revisions = choose_with(Some(&world.remote()), &shallow, None, None, event).unwrap();
        assert_eq!((revisions.base.id, revisions.strategy), (request.main, Strategy::MergeCommit));
    }

    #[test]
    fn a_workflow_of_the_base_branch_looks_at_the_head_of_the_pull_request() {
        let request = Request::new();
        let event = |commit| {
            let Request { main: base, head, .. } = request;
            Event::PullRequest(PullRequest { base, head, commit: Some(commit), is_target: true })
        };
        request.sandbox.git(["checkout", "--quiet", "main"]);
        let expected = (request.fork, request.head, Strategy::MergeBase);
        assert_eq!(chosen(&request.sandbox, event(request.main)), expected);
        request.sandbox.git(["checkout", "--quiet", "feature"]);
        assert_eq!(chosen(&request.sandbox, event(request.main)), expected);
        request.sandbox.git(["checkout", "--quiet", "merge"]);
        let expected = (request.main, request.merge, Strategy::MergeCommit);
        assert_eq!(chosen(&request.sandbox, event(request.main)), expected);
    }

    #[test]
    fn the_head_of_a_pull_request_is_compared_with_the_merge_base() {
        let request = Request::new();
        request.sandbox.git(["checkout", "--quiet", "feature"]);
        let expected = (request.fork, request.head, Strategy::MergeBase);
        assert_eq!(chosen(&request.sandbox, request.event(request.main)), expected);
        let shallow = request.sandbox.clone(&["--depth=1", "--no-single-branch", "--branch=feature"]);
        insta::assert_snapshot!(problem(choose(&shallow, None, None, request.event(request.main))), @r##"
undecided: the last commit that the pull request shares with its base branch is not in the clone
the clone is shallow: its history is cut
let actions/checkout fetch the whole history: `fetch-depth: 0`
"##);
    }

    #[test]
    fn a_merged_pull_request_is_compared_with_its_base() {
        let request = Request::new();
        request.sandbox.git(["checkout", "--quiet", "main"]);
        request.sandbox.git(["cherry-pick", "feature"]);
        let squashed = request.sandbox.id("HEAD");
        let event = request.event_for(request.main, squashed);
        assert_eq!(chosen(&request.sandbox, event), (request.main, squashed, Strategy::PullRequest));
    }

    #[test]
    fn a_commit_that_is_none_of_the_pull_request_is_undecided() {
        let request = Request::new();
        request.sandbox.git(["checkout", "--quiet", "main"]);
        insta::assert_snapshot!(problem(choose(&request.sandbox, None, None, request.event(request.main))), @r##"
undecided: <id> is no commit of the pull request
it is neither its head nor the commit that the workflow runs for
give actions/checkout no `ref`, or tell what to compare with: `base`
"##);
    }

    #[test]
    fn a_merge_group_names_both_commits() {
        let Request { sandbox, main, merge, .. } = Request::new();
        let event = Event::MergeGroup { base: main, head: merge };
        assert_eq!(chosen(&sandbox, event), (main, merge, Strategy::MergeGroup));
    }

    #[test]
    fn where_nothing_says_what_to_compare_with_base_must() {
        let Request { sandbox, .. } = Request::new();
        insta::assert_snapshot!(problem(choose(&sandbox, None, None, Event::Other("issues".into()))), @r##"
misconfigured: the event `issues` does not say what to compare with

give `base`: a revision, or `last-success`
"##);
        insta::assert_snapshot!(problem(choose(&sandbox, None, None, Event::None)), @r##"
misconfigured: nothing says what to compare with
outside of a workflow there is no event that does
give it: `--base origin/main`
"##);
        let mut repository = Repository::open(sandbox.path()).unwrap();
        let no_event = || Err(Problem::undecided("no event"));
        let unread = Revisions::choose(&mut repository, None, Asked::default(), no_event, &|| Ok(()));
        assert_eq!(unread.unwrap_err().verdict, Verdict::Undecided);
    }
}
