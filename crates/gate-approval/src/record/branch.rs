//! Records on a branch of the repository, one file a record, each in a commit of its own.
//!
//! `production/00000042.json` is a record, `production/last.json` the same as the last one: so two requests
//! tell where the chain ends, however long it is. A commit is made on top of the head that was read, or not
//! at all.

use sluice_core::{Context, Problem};
use sluice_gate::record::{Record, Sealed};
use sluice_github::{Addition, Api, Error, FileChanges, Repository, Sha};

use super::{Kept, TRIES, broken, folder, name, outrun, sealed, step_back};
use crate::network::Network;

pub(super) async fn append(
    branch: &str,
    record: &Record,
    cx: &Context,
    network: &Network<'_>,
) -> Result<Kept, Problem> {
    let repository = cx.variable("GITHUB_REPOSITORY").ok_or_else(|| {
        Problem::misconfigured("a record can't go to a branch without a repository")
            .why("GITHUB_REPOSITORY is not set")
            .help("on a terminal let the record go to a file")
    })?;
    let repository: Repository = repository
        .parse()
        .map_err(|error| Problem::misconfigured("GITHUB_REPOSITORY names no repository").why(error))?;
    let server = cx.variable("GITHUB_SERVER_URL").unwrap_or("https://github.com");
    let chain = Chain {
        api: network.github()?,
        place: format!("the branch {branch} of {repository}"),
        branch,
        folder: folder(&record.question.environment),
        repository,
    };
    let (commit, sealed) = chain.append(record).await?;
    let Chain { repository, folder, .. } = &chain;
    let file = name(sealed.record.number);
    Ok(Kept { location: format!("{server}/{repository}/blob/{commit}/{folder}/{file}"), hash: sealed.hash })
}

struct Chain<'a> {
    api: Api,
    repository: Repository,
    branch: &'a str,
    folder: String,
    /// The branch, for people.
    place: String,
}

impl Chain<'_> {
    /// Adds a record, and tells the commit that holds it.
    async fn append(&self, record: &Record) -> Result<(Sha, Sealed), Problem> {
        let mut tried: Option<Sealed> = None;
        for tries in 1..=TRIES {
            let (head, last) = self.last().await?;
            // An earlier try had its effect, and its reply was lost.
            if let (Some(last), Some(tried)) = (&last, &tried)
                && last.hash == tried.hash
            {
                return Ok((head, last.clone()));
            }
            let sealed = sealed(record, last.as_ref())?;
            match self.commit(&head, &sealed).await {
                Ok(commit) => return Ok((commit, sealed)),
                Err(error) if error.is_conflict() => {
                    tried = Some(sealed);
                    step_back(tries).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(outrun(&self.place))
    }

    /// The head of the branch, and the last record in it.
    async fn last(&self) -> Result<(Sha, Option<Sealed>), Problem> {
        let Self { api, repository, branch, folder, place } = self;
        let head = api.reference(repository, &format!("heads/{branch}")).await.map_err(|error| {
            let is_missing = error.is_not_found();
            let problem = Problem::from(error);
            if is_missing {
                problem.help(format!("make the branch first: git switch --orphan {branch} && git commit --allow-empty -m Records && git push origin {branch}"))
            } else {
                problem
            }
        })?;
        match api.file(repository, &format!("{folder}/last.json"), head.as_str()).await {
            Ok(bytes) => {
                let sealed = Sealed::read(&bytes).map_err(|error| broken(place, &error))?;
                Ok((head, Some(sealed)))
            }
            Err(error) if error.is_not_found() => Ok((head, None)),
            Err(error) => Err(error.into()),
        }
    }

    async fn commit(&self, head: &Sha, sealed: &Sealed) -> Result<Sha, Error> {
        let Record { number, state, question, .. } = &sealed.record;
        let contents = [&sealed.line[..], b"\n"].concat();
        let addition =
            |file: &str| Addition { path: format!("{}/{file}", self.folder), contents: contents.clone() };
        let changes = FileChanges {
            additions: vec![addition(&name(*number)), addition("last.json")],
            deletions: vec![],
        };
        // The environment's name is the owner's; a line break would end the subject.
        let environment = sluice_core::escape::line(&question.environment);
        let message = format!("Record decision {number} on {environment}: {state:?}");
        self.api.create_commit_on_branch(&self.repository, self.branch, head, &message, &changes).await
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::Context;
    use sluice_gate::record::broken_link;
    use sluice_github_fake::{Fault, File, GitHub, Reply, Request};

    use super::{super::tests::record, *};
    use crate::network::Access;

    fn github() -> GitHub {
        let github = GitHub::start();
        github.repository("acme/shop").commit("audit", "Begin", &[File::new("README.md", "records")]);
        github
    }

    fn add(github: &GitHub, run: &str) -> Result<Kept, Problem> {
        let variables = [
            ("GITHUB_API_URL", github.api_url()),
            ("GITHUB_GRAPHQL_URL", github.graphql_url()),
            ("GITHUB_REPOSITORY", "acme/shop".to_owned()),
        ];
        let environment = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let cx = Context::new(environment, "/", || jiff::Timestamp::UNIX_EPOCH);
        let access = Access { token: Some(sluice_core::Secret::new("token")), ..Access::default() };
        let network = Network::new(&cx, &access);
        cx.block_on(append("audit", &record(run), &cx, &network)).unwrap()
    }

    fn records(github: &GitHub, count: u64) -> Vec<Sealed> {
        let repository = github.repository("acme/shop");
        let read = |file: &str| {
            Sealed::read(&repository.file("audit", &format!("production/{file}")).unwrap()).unwrap()
        };
        let records: Vec<Sealed> = (1..=count).map(|number| read(&name(number))).collect();
        assert_eq!(read("last.json").hash, records.last().unwrap().hash);
        records
    }

    #[test]
    fn records_are_added_behind_each_other_each_in_a_commit() {
        let github = github();
        let kept = [add(&github, "one").unwrap(), add(&github, "two").unwrap()];
        let records = records(&github, 2);
        assert_eq!(broken_link(&records), None);
        assert_eq!(kept.each_ref().map(|kept| &kept.hash), [&records[0].hash, &records[1].hash]);
        let repository = github.repository("acme/shop");
        let head = repository.head("audit").unwrap();
        assert_eq!(
            kept[1].location,
            format!("https://github.com/acme/shop/blob/{head}/production/00000002.json")
        );
        assert_eq!(
            repository.git(&["log", "--format=%s", "audit"]),
            "Record decision 2 on production: Misconfigured\nRecord decision 1 on production: Misconfigured\nBegin"
        );
    }

    #[test]
    fn of_many_at_once_none_is_lost() {
        let github = github();
        std::thread::scope(|scope| {
            for run in 0..6 {
                let github = &github;
                scope.spawn(move || add(github, &run.to_string()).unwrap());
            }
        });
        let records = records(&github, 6);
        assert_eq!(broken_link(&records), None);
        let mut runs: Vec<_> = records.into_iter().map(|sealed| sealed.record.run.unwrap()).collect();
        runs.sort();
        assert_eq!(runs, ["0", "1", "2", "3", "4", "5"]);
    }

    #[test]
    fn what_is_no_chain_is_not_gone_on_with() {
        let github = github();
        github.repository("acme/shop").commit("audit", "Break", &[File::new("production/last.json", "{}")]);
        let problem = add(&github, "one").unwrap_err();
        assert_eq!(problem.verdict, sluice_core::Verdict::Undecided);
        assert!(problem.what.contains("the branch audit of acme/shop"), "{problem}");
    }

    #[test]
    fn a_branch_that_is_missing_is_told_how_to_make() {
        let github = GitHub::start();
        github.repository("acme/shop").commit("main", "Begin", &[File::new("a", "b")]);
        let problem = add(&github, "one").unwrap_err();
        assert_eq!(problem.verdict, sluice_core::Verdict::Undecided);
        assert!(problem.help.unwrap().contains("git switch --orphan audit"));
    }

    #[test]
    fn faults_are_no_record() {
        for status in [403, 404, 422] {
            let github = github();
            github.faults(move |request: &Request| {
                let reply = Reply { status, headers: Vec::new(), body: b"{\"message\": \"no\"}".to_vec() };
                (request.method == "POST").then_some(Fault::Answer(reply))
            });
            assert!(add(&github, "one").is_err(), "{status}");
        }
    }
}
