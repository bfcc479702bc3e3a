//! Which two trees are compared, and why.

use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;
use sluice_core::Problem;

use crate::{
    event::Event,
    repository::{Repository, Revision, short},
};

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
    /// The commits before and after a push.
    Push,
    /// The commit that GitHub made to try a pull request out, with its first parent: the base branch.
    MergeCommit,
    /// The head of a pull request, with the last commit that it shares with its base branch.
    MergeBase,
    /// The base commit that a pull request names.
    PullRequest,
    /// The commits that a merge queue names.
    MergeGroup,
}

impl Revisions {
    /// Chooses the two: what is given wins, else the event says. Where neither is enough, that is an
    /// error: an answer that compares with a guess could miss a change.
    pub(crate) fn choose(
        repository: &Repository,
        base: Option<&str>,
        head: Option<&str>,
        event: impl FnOnce() -> Result<Event, Problem>,
    ) -> Result<Self, Problem> {
        let asked = Asked { repository, head };
        if let Some(base) = base {
            let (head, head_is) = asked.head()?;
            let base_is = format!("`base`: {base}");
            let base = repository.named(base)?;
            return Ok(Self { base, head, strategy: Strategy::Given, base_is, head_is });
        }
        match event()? {
            Event::Push { before, after } => asked.push(before, after),
            Event::PullRequest { base, head, commit } => asked.pull_request(base, head, commit),
            Event::MergeGroup { base, head } => asked.merge_group(base, head),
            Event::Other(name) => {
                Err(Problem::misconfigured(format!("the event `{name}` does not say what to compare with"))
                    .help("give `base`, and have it fetched: `base: HEAD~1` with `fetch-depth: 2`, say"))
            }
            Event::None => Err(Problem::misconfigured("nothing says what to compare with")
                .why("outside of a workflow there is no event that does")
                .help("give it: `--base origin/main`")),
        }
    }
}

/// What was asked, before the event has its say.
struct Asked<'a> {
    repository: &'a Repository,
    head: Option<&'a str>,
}

impl Asked<'_> {
    /// The head that was given, else what is checked out.
    fn head(&self) -> Result<(Revision, String), Problem> {
        match self.head {
            Some(name) => Ok((self.repository.named(name)?, format!("`head`: {name}"))),
            None => Ok((self.repository.named("HEAD")?, "checked out".to_owned())),
        }
    }

    fn head_or(&self, id: ObjectId, what: &str) -> Result<(Revision, String), Problem> {
        match self.head {
            Some(_) => self.head(),
            None => Ok((self.existing(id, what)?, what.to_owned())),
        }
    }

    fn existing(&self, id: ObjectId, what: &str) -> Result<Revision, Problem> {
        let found = self.repository.find(id)?;
        found.ok_or_else(|| self.repository.missing(&format!("{what}, {},", short(id))))
    }

    fn push(&self, before: Option<ObjectId>, after: Option<ObjectId>) -> Result<Revisions, Problem> {
        let after = after.ok_or_else(|| {
            Problem::undecided("the push deleted its branch: there is nothing to look at")
                .help("leave such pushes out: `if: ${{ !github.event.deleted }}`")
        })?;
        let before = before.ok_or_else(|| {
            Problem::undecided("the push created its branch or tag: it names no commit before it")
                .help("give `base`, and have it fetched: `base: origin/main` with `fetch-depth: 0`, say")
        })?;
        let base_is = "the commit before the push";
        let base = self.existing(before, base_is)?;
        let (head, head_is) = self.head_or(after, "the commit that was pushed")?;
        Ok(Revisions { base, head, strategy: Strategy::Push, base_is: base_is.to_owned(), head_is })
    }

    /// While a pull request is open the workflow runs for a merge commit that GitHub made. Its first
    /// parent is the base branch: together they tell exactly what the pull request would change.
    fn pull_request(
        &self,
        base: ObjectId,
        head: ObjectId,
        commit: Option<ObjectId>,
    ) -> Result<Revisions, Problem> {
        let (at, head_is) = self.head()?;
        let (base, strategy) = if at.id == head {
            (self.merge_base(base, at)?, Strategy::MergeBase)
        } else if let Some(parent) = self.merged_into(at, head)? {
            self.parent_or_base(parent, base)?
        } else if Some(at.id) == commit {
            // What a closed pull request became on its base branch.
            (self.existing(base, "the base commit of the pull request")?, Strategy::PullRequest)
        } else {
            return Err(Problem::undecided(format!("{} is no commit of the pull request", at.short()))
                .why("it is neither its head nor the commit that the workflow runs for")
                .help("give actions/checkout no `ref`, or tell what to compare with: `base`"));
        };
        let base_is = match strategy {
            Strategy::MergeBase => "the merge base with the base branch",
            Strategy::MergeCommit => "the base branch, first parent of the merge commit",
            _ => "the base commit that the pull request names",
        };
        Ok(Revisions { base, head: at, strategy, base_is: base_is.to_owned(), head_is })
    }

    fn merge_base(&self, base: ObjectId, head: Revision) -> Result<Revision, Problem> {
        let base = self.existing(base, "the base commit of the pull request")?;
        self.repository.merge_base(base.id, head.id)?.ok_or_else(|| {
            self.repository.missing("the last commit that the pull request shares with its base branch")
        })
    }

    /// The first parent of a commit that merges `head` into something.
    fn merged_into(&self, commit: Revision, head: ObjectId) -> Result<Option<ObjectId>, Problem> {
        match *self.repository.parents(commit)? {
            [first, second] if second == head => Ok(Some(first)),
            _ => Ok(None),
        }
    }

    /// The base that a pull request names is the same branch, maybe at an older commit.
    fn parent_or_base(&self, parent: ObjectId, base: ObjectId) -> Result<(Revision, Strategy), Problem> {
        if let Some(parent) = self.repository.find(parent)? {
            return Ok((parent, Strategy::MergeCommit));
        }
        if let Some(base) = self.repository.find(base)? {
            return Ok((base, Strategy::PullRequest));
        }
        let parent = short(parent);
        Err(Problem::undecided(format!("the base of the pull request, {parent}, is not in the clone"))
            .why("the clone is shallow: it holds the merge commit without its parents")
            .help("let actions/checkout fetch them: `fetch-depth: 2`"))
    }

    fn merge_group(&self, base: ObjectId, head: ObjectId) -> Result<Revisions, Problem> {
        let base_is = "the base of the merge group";
        let base = self.existing(base, base_is)?;
        let (head, head_is) = self.head_or(head, "the head of the merge group")?;
        Ok(Revisions { base, head, strategy: Strategy::MergeGroup, base_is: base_is.to_owned(), head_is })
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::Verdict;

    use super::*;
    use crate::sandbox::Sandbox;

    fn choose(
        sandbox: &Sandbox,
        base: Option<&str>,
        head: Option<&str>,
        event: Event,
    ) -> Result<Revisions, Problem> {
        Revisions::choose(&Repository::open(sandbox.path()).unwrap(), base, head, || Ok(event))
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
            Event::PullRequest { base, head: self.head, commit: Some(self.merge) }
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
        let event = || Event::Push { before: Some(fork), after: Some(main) };
        assert_eq!(chosen(&sandbox, event()), (fork, main, Strategy::Push));
        let revisions = choose(&sandbox, None, Some("HEAD"), event()).unwrap();
        assert_eq!((revisions.base.id, revisions.head.id), (fork, merge));
    }

    #[test]
    fn a_push_that_names_no_commit_of_the_clone_is_undecided() {
        let Request { sandbox, main, .. } = Request::new();
        let gone = ObjectId::from_hex(&[b'1'; 40]).unwrap();
        let push =
            |sandbox, before, after| problem(choose(sandbox, None, None, Event::Push { before, after }));
        insta::assert_snapshot!(push(&sandbox, None, Some(main)), @r##"
undecided: the push created its branch or tag: it names no commit before it

give `base`, and have it fetched: `base: origin/main` with `fetch-depth: 0`, say
"##);
        insta::assert_snapshot!(push(&sandbox, Some(main), None), @r##"
undecided: the push deleted its branch: there is nothing to look at

leave such pushes out: `if: ${{ !github.event.deleted }}`
"##);
        insta::assert_snapshot!(push(&sandbox, Some(gone), Some(main)), @r##"
undecided: the commit before the push, <id> is not in the clone
its branch was rewritten by a forced push, or was never fetched
give another `base`; or fetch it, with `fetch-depth: 0` at actions/checkout
"##);
        let shallow = sandbox.clone(&["--depth=1", "--branch=main"]);
        insta::assert_snapshot!(push(&shallow, Some(gone), Some(main)), @r##"
undecided: the commit before the push, <id> is not in the clone
the clone is shallow: its history is cut
let actions/checkout fetch the whole history: `fetch-depth: 0`
"##);
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
        let event = Event::PullRequest { base: request.main, head: request.head, commit: Some(squashed) };
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
        insta::assert_snapshot!(problem(choose(&sandbox, None, None, Event::Other("schedule".into()))), @r##"
misconfigured: the event `schedule` does not say what to compare with

give `base`, and have it fetched: `base: HEAD~1` with `fetch-depth: 2`, say
"##);
        insta::assert_snapshot!(problem(choose(&sandbox, None, None, Event::None)), @r##"
misconfigured: nothing says what to compare with
outside of a workflow there is no event that does
give it: `--base origin/main`
"##);
        let unread = Revisions::choose(&Repository::open(sandbox.path()).unwrap(), None, None, || {
            Err(Problem::undecided("no event"))
        });
        assert_eq!(unread.unwrap_err().verdict, Verdict::Undecided);
    }
}
