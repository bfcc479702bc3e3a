//! The server that the repository comes from: what the clone lacks is asked of it.

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
};

use gix::{ObjectId, bstr::BString};
use sluice_core::{Context, Problem, Secret};
use sluice_github::{Api, Endpoints, Sha, WorkflowRun};
use sluice_http::{CONNECT_TIMEOUT, Client, Options, Proxies};

use crate::{
    event::{Run, workflow_file},
    fetch::{Fetched, Server, Want},
    plan::{Plan, is_workflow_s},
    repository::{Repository, Revision},
};

/// The server of one repository.
pub(crate) struct Remote<'a> {
    cx: &'a Context,
    /// The name that GitHub knows the repository by.
    name: Option<String>,
    /// The address of the repository there.
    url: String,
    token: Option<Secret>,
    network: Options,
    /// Where to keep what is fetched.
    temporary: PathBuf,
    client: OnceCell<Client>,
}

impl<'a> Remote<'a> {
    /// The server that `plan` names, else that of the workflow, else the one that the clone was made from;
    /// none where that is not spoken to over HTTP.
    pub(crate) fn of(plan: &Plan, clone: &Repository, cx: &'a Context) -> Option<Self> {
        let name =
            plan.repository.as_deref().or(cx.variable("GITHUB_REPOSITORY").filter(|_| cx.is_in_actions()));
        let server = cx.variable("GITHUB_SERVER_URL").unwrap_or("https://github.com");
        let url = match name {
            Some(name) => format!("{server}/{name}.git"),
            None => clone.origin().filter(|url| url.starts_with("https://") || url.starts_with("http://"))?,
        };
        Some(Self {
            cx,
            name: name.map(str::to_owned),
            url,
            token: plan.token.clone(),
            network: plan.network.clone(),
            temporary: temporary(cx),
            client: OnceCell::new(),
        })
    }

    /// Brings a commit into reach of `repository`.
    pub(crate) fn bring(
        &self,
        repository: &mut Repository,
        commit: ObjectId,
        want: Want,
    ) -> Result<Fetched, Problem> {
        if !repository.may_have(commit) {
            return Ok(Fetched::Unknown);
        }
        self.server()?.fetch(commit, want, &repository.packs(&self.temporary)?)
    }

    /// The commit that a branch or tag stands for, or `HEAD`; none where there is no such name.
    pub(crate) fn resolve(&self, name: &str) -> Result<Option<ObjectId>, Problem> {
        let name = name.strip_prefix("origin/").unwrap_or(name);
        let (branch, tag) = (format!("refs/heads/{name}"), format!("refs/tags/{name}"));
        // A name that stands for nothing by itself would begin other names.
        let itself = (name == "HEAD" || name.starts_with("refs/")).then_some(name);
        let names: Vec<&str> = itself.into_iter().chain([&*branch, &*tag]).collect();
        let found = self.server()?.references(&names)?;
        let of = |name: &&str| found.iter().find(|(found, _)| found == name);
        Ok(names.iter().find_map(of).map(|(_, commit)| *commit))
    }

    /// The tags by name, each with the commit that it stands for.
    pub(crate) fn tags(&self) -> Result<Vec<(BString, ObjectId)>, Problem> {
        let references = self.server()?.references(&["refs/tags/"])?;
        let named = |(name, commit): (BString, ObjectId)| {
            Some((BString::from(name.strip_prefix(b"refs/tags/")?), commit))
        };
        Ok(references.into_iter().filter_map(named).collect())
    }

    /// The last commit that both have in their history, as GitHub's API tells it.
    pub(crate) fn merge_base(&self, base: &str, head: Revision) -> Result<ObjectId, Problem> {
        let (api, name) = self.api()?;
        let head = head.id.to_string();
        let comparison = self.cx.block_on(api.compare(&name, base, &head))??;
        object(&comparison.merge_base)
    }

    /// The commit of the last successful run of this workflow on this branch; none where no run was.
    ///
    /// One for a pull request is no run for the branch, though it came from there: it may do less.
    pub(crate) fn last_success(&self) -> Result<Option<ObjectId>, Problem> {
        let is_ours = self.name.as_deref().is_some_and(|name| is_workflow_s(name, self.cx));
        let branch = |name: &str| self.cx.variable(name).filter(|_| is_ours);
        let workflow = self.cx.variable("GITHUB_WORKFLOW_REF").map(workflow_file);
        let (of_request, of_push) = (branch("GITHUB_HEAD_REF"), branch("GITHUB_REF_NAME"));
        let (Some(workflow), Some(branch)) = (workflow, of_request.or(of_push)) else {
            return Err(Problem::misconfigured("there is no last successful run")
                .why("this is no step of a workflow of the repository that is looked at")
                .help("give `base`: a revision"));
        };
        self.last_run(workflow, branch, |run| of_request.is_some() == is_for_request(&run.event))
    }

    /// The commit of the last run of the same workflow on the same branch that succeeded before this one.
    pub(crate) fn last_success_before(&self, run: &Run) -> Result<Option<ObjectId>, Problem> {
        self.last_run(&run.workflow, &run.branch, |earlier| {
            earlier.id < run.id && !is_for_request(&earlier.event)
        })
    }

    fn last_run(
        &self,
        workflow: &str,
        branch: &str,
        counts: impl Fn(&WorkflowRun) -> bool,
    ) -> Result<Option<ObjectId>, Problem> {
        let (api, name) = self.api()?;
        let found = self.cx.block_on(api.last_successful_run_that(&name, workflow, branch, counts))??;
        found.map(|run| object(&run.head_sha)).transpose()
    }

    fn api(&self) -> Result<(Api, sluice_github::Repository), Problem> {
        let Some(name) = &self.name else {
            return Err(Problem::undecided("what to compare with is not known")
                .why("the clone does not tell, and GitHub's API is asked in a workflow only")
                .help("give `base`; or fetch the whole history: `git fetch --unshallow`"));
        };
        let endpoints = Endpoints::from_lookup(|name| self.cx.variable(name).map(str::to_owned))?;
        Ok((Api::new(self.client()?, endpoints, self.token.clone()), name.parse()?))
    }

    fn server(&self) -> Result<Server<'a>, Problem> {
        let (url, token) = (self.url.clone(), self.token.clone());
        Ok(Server { cx: self.cx, client: self.client()?, url, token })
    }

    fn client(&self) -> Result<Client, Problem> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let made = Proxies::from_lookup(|name| self.cx.variable(name).map(str::to_owned))
            .and_then(|proxies| Client::new(&self.network, &proxies, CONNECT_TIMEOUT));
        let client = made.map_err(|error| Problem::misconfigured("could not use the network").why(error))?;
        Ok(self.client.get_or_init(|| client).clone())
    }
}

fn object(sha: &Sha) -> Result<ObjectId, Problem> {
    ObjectId::from_hex(sha.as_str().as_bytes())
        .map_err(|error| Problem::undecided("GitHub's API names no commit").why(error))
}

fn is_for_request(event: &str) -> bool {
    event.starts_with("pull_request")
}

/// The folder for what is of use to this run only.
pub(crate) fn temporary(cx: &Context) -> PathBuf {
    let folder = cx.variable("RUNNER_TEMP").or(cx.variable("TMPDIR")).unwrap_or("/tmp");
    Path::new(folder).to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use gix::objs::Exists as _;
    use sluice_core::Verdict;
    use sluice_github_fake::{GitHub, Request};

    use super::*;
    use crate::sandbox::Sandbox;

    const TOKEN: &str = "a-token-of-the-job";

    /// GitHub with the repository `acme/shop`, and a run of its workflow `deploy.yml` on `main`.
    pub(crate) struct World {
        pub(crate) github: GitHub,
        pub(crate) cx: Context,
        temporary: tempfile::TempDir,
    }

    impl World {
        /// The repository holds what the sandbox does.
        pub(crate) fn of(sandbox: &Sandbox) -> Self {
            let github = GitHub::start();
            github.require_token(TOKEN);
            let folder = github.repository("acme/shop").folder();
            std::fs::remove_dir_all(&folder).unwrap();
            sandbox.git(["clone", "--quiet", "--mirror", ".", folder.to_str().unwrap()]);
            for setting in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
                sandbox.git(["--git-dir", folder.to_str().unwrap(), "config", setting, "true"]);
            }
            let temporary = tempfile::tempdir().unwrap();
            let runner = [
                ("GITHUB_ACTIONS", "true".to_owned()),
                ("GITHUB_REPOSITORY", "acme/shop".to_owned()),
                ("GITHUB_REF_NAME", "main".to_owned()),
                ("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/deploy.yml@refs/heads/main".to_owned()),
                ("RUNNER_TEMP", temporary.path().to_str().unwrap().to_owned()),
            ];
            let variables = runner.into_iter().chain(github.variables()).collect();
            let cx = Context::new(variables, "/", || panic!("the time does not matter"));
            Self { github, cx, temporary }
        }

        pub(crate) fn remote(&self) -> Remote<'_> {
            Remote {
                cx: &self.cx,
                name: Some("acme/shop".to_owned()),
                url: format!("{}/acme/shop.git", self.github.server_url()),
                token: Some(Secret::new(TOKEN)),
                network: Options::default(),
                temporary: self.temporary.path().to_owned(),
                client: OnceCell::new(),
            }
        }

        pub(crate) fn temporary(&self) -> &Path {
            self.temporary.path()
        }

        /// What was asked of git, with all arguments.
        pub(crate) fn asked_of_git(&self) -> Vec<String> {
            let is_git = |request: &Request| request.path.ends_with("/git-upload-pack");
            let requests = self.github.requests().into_iter().filter(is_git);
            requests.map(|request| String::from_utf8(request.body).unwrap()).collect()
        }
    }

    fn two_commits() -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write_all(&["a/b/c", "d"]);
        sandbox.commit();
        sandbox.git(["tag", "--annotate", "--message=x", "v1"]);
        sandbox.write("d", "other");
        sandbox.commit();
        sandbox
    }

    #[test]
    fn a_missing_commit_is_fetched_alone_and_without_contents() {
        let sandbox = two_commits();
        let first = sandbox.id("v1^{commit}");
        let clone = sandbox.clone(&["--depth=1"]);
        let world = World::of(&sandbox);
        let before = clone.git(["count-objects", "--verbose"]);
        let mut repository = Repository::open(clone.path()).unwrap();
        assert_eq!(repository.find(first), Ok(None));
        assert_eq!(world.remote().bring(&mut repository, first, Want::Trees), Ok(Fetched::Yes));
        let found = repository.find(first).unwrap().unwrap();
        assert_eq!(found.tree, sandbox.id("v1^{tree}"));
        assert!(repository.find(sandbox.id("v1:a/b")).is_ok_and(|tree| tree.is_some()));
        assert_eq!(repository.commit(sandbox.id("v1:d")).ok().flatten().map(|commit| commit.time), None);
        assert!(repository.objects().exists(&sandbox.id("HEAD:d")), "the clone's own objects stay in reach");
        assert!(!repository.objects().exists(&sandbox.id("v1:d")));

        let asked = world.asked_of_git();
        let [fetch] = &*asked else { panic!("{asked:?}") };
        for argument in [format!("want {first}"), "deepen 1".to_owned(), "filter blob:none".to_owned()] {
            assert!(fetch.contains(&argument), "{fetch}");
        }

        // Git finds its clone as it was.
        drop(repository);
        assert_eq!(clone.git(["count-objects", "--verbose"]), before);
        clone.git(["fsck", "--strict"]);
        assert_eq!(clone.git(["status", "--porcelain"]), b"");
        assert_eq!(clone.git(["log", "--format=%H"]), sandbox.git(["rev-parse", "HEAD"]));
        assert_eq!(std::fs::read_dir(world.temporary.path()).unwrap().count(), 0);
    }

    #[test]
    fn all_history_is_fetched_without_trees() {
        let sandbox = two_commits();
        let clone = sandbox.clone(&["--depth=1"]);
        let world = World::of(&sandbox);
        let mut repository = Repository::open(clone.path()).unwrap();
        let head = repository.named("HEAD").unwrap().id;
        assert_eq!(world.remote().bring(&mut repository, head, Want::History), Ok(Fetched::Yes));
        let first = repository.commit(sandbox.id("HEAD~1")).unwrap().unwrap();
        assert_eq!(first.parents, [] as [ObjectId; 0]);
        assert_eq!(repository.find(sandbox.id("HEAD~1")), Ok(None), "its tree is missing");
        assert_eq!(
            world.remote().bring(&mut repository, sandbox.id("HEAD~1"), Want::Trees),
            Ok(Fetched::Yes)
        );
        assert!(repository.find(sandbox.id("HEAD~1")).unwrap().is_some());
    }

    #[test]
    fn a_server_may_not_know_a_commit() {
        let sandbox = two_commits();
        let world = World::of(&sandbox);
        let mut repository = Repository::open(sandbox.path()).unwrap();
        let gone = ObjectId::from_hex(&[b'1'; 40]).unwrap();
        assert_eq!(world.remote().bring(&mut repository, gone, Want::Trees), Ok(Fetched::Unknown));
    }

    #[test]
    fn names_are_looked_up_on_the_server() {
        let sandbox = two_commits();
        let world = World::of(&sandbox);
        let remote = world.remote();
        let (first, second) = (sandbox.id("HEAD~1"), sandbox.id("HEAD"));
        for (name, commit) in [
            ("main", Some(second)),
            ("origin/main", Some(second)),
            ("refs/heads/main", Some(second)),
            ("HEAD", Some(second)),
            ("v1", Some(first)),
            ("mai", None),
            ("main~1", None),
        ] {
            assert_eq!(remote.resolve(name), Ok(commit), "{name}");
        }
        assert_eq!(remote.tags(), Ok(vec![("v1".into(), first)]));
    }

    #[test]
    fn a_server_that_gives_nothing_is_told() {
        let sandbox = two_commits();
        let world = World::of(&sandbox);
        let problem = |remote: Remote<'_>| {
            let problem = remote.tags().unwrap_err();
            assert_eq!(problem.verdict, Verdict::Undecided);
            let lines = [Some(problem.what), problem.why, problem.help].map(Option::unwrap_or_default);
            lines.join("\n").replace(world.github.server_url(), "<server>")
        };
        insta::assert_snapshot!(problem(Remote { token: None, ..world.remote() }), @r##"
could not fetch from the server
<server> answers 401 Unauthorized
give a `token` that may read the repository: `permissions: contents: read`
"##);
        let url = format!("{}/acme/other.git", world.github.server_url());
        insta::assert_snapshot!(problem(Remote { url, ..world.remote() }), @r##"
could not fetch from the server
<server> answers 404 Not Found
give a `token` that may read the repository: `permissions: contents: read`
"##);
    }
}
