use super::*;
use sluice_github_fake::{self as github, Fault, GitHubReply as _, Reply};

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
    let lost =
        choose_with(Some(&world.remote()), &shallow, None, None, push_to("main", Some(gone()), Some(main)));
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
    let asked = choose_with(Some(&remote), &shallow, Some(LAST_SUCCESS), None, push(Some(head), Some(main)));
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
        let chosen =
            Revisions::choose(&mut repository, Some(&remote), asked, || panic!("it is given"), &|| Ok(()));
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
    sandbox.git(["config", "uploadpack.allowFilter", "true"]);
    let bare = sandbox.clone(&["--filter=tree:0", "--bare", "--branch=main"]);
    let event = push_to("main", Some(fork), Some(main));
    insta::assert_snapshot!(problem(choose(&bare, None, None, event.clone())), @r##"
undecided: the commit that was pushed, <id> is in the clone without its folders
the clone was made with a filter: `tree:0`
take `filter: blob:none`, or none
"##);
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
