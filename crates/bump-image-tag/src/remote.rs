//! The repository of the overlays, through GitHub's API.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
};

use bytes::Bytes;
use sluice_config::File;
use sluice_core::{Context, Problem, Secret};
use sluice_github::{
    Api, Endpoints, Error, InvalidRepository, Kind, Refusal, Repository, RepositoryFacts, Sha,
};
use sluice_http::{CONNECT_TIMEOUT, Client, Proxies};

use crate::{Config, inputs::Location};

/// How many files are asked for at once.
const AT_ONCE: usize = 10;

/// A repository that is read and written through the API.
#[derive(Debug)]
pub(crate) struct Remote<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) api: Api,
    pub(crate) repository: Repository,
    /// The branch that was named.
    branch: Option<String>,
    facts: OnceCell<RepositoryFacts>,
    /// Files by what git calls their contents: read once, whatever moves.
    blobs: RefCell<HashMap<Sha, Bytes>>,
}

impl<'a> Remote<'a> {
    /// A branch as reports name it: `owner/name:branch` where it is of another repository than the workflow's, whose
    /// commits no GitHub finds in the workflow's own. No branch's name holds a colon.
    pub(crate) fn named(&self, branch: &str) -> String {
        let own = self.cx.variable("GITHUB_REPOSITORY");
        if own.is_none_or(|own| own.eq_ignore_ascii_case(&self.repository.to_string())) {
            return branch.to_owned();
        }
        format!("{}:{branch}", self.repository)
    }

    /// The repository that the input names, else the configuration, else the workflow's.
    pub(crate) fn of(place: &Location, config: &File<Config>, cx: &'a Context) -> Result<Self, Problem> {
        let gitops = config.sections.gitops.as_ref();
        let repository: Repository = match (&place.repository, gitops) {
            (Some(name), _) => name.parse().map_err(Problem::from)?,
            (None, Some(gitops)) => {
                let name = &gitops.repository;
                name.value
                    .parse()
                    .map_err(|error: InvalidRepository| Problem::from(error).at(config.place_of(name)))?
            }
            (None, None) => {
                let name = cx.variable("GITHUB_REPOSITORY").ok_or_else(|| {
                    Problem::misconfigured("it is not said which repository to write to")
                        .help("give `repository` as owner/name, or write `gitops: {repository: ...}` into the configuration")
                })?;
                name.parse().map_err(Problem::from)?
            }
        };
        // The configuration's branch goes with its repository, whoever names that.
        let gitops = gitops.filter(|gitops| gitops.repository.value == repository.to_string());
        let of_config = || Some(gitops?.branch.as_ref()?.value.clone());
        let branch = place.branch.clone().or_else(of_config);
        let endpoints = Endpoints::from_lookup(|name| cx.variable(name).map(str::to_owned))?;
        let client = Proxies::from_lookup(|name| cx.variable(name).map(str::to_owned))
            .and_then(|proxies| Client::new(&place.network, &proxies, CONNECT_TIMEOUT))
            .map_err(|error| Problem::misconfigured("could not use the network").why(error))?;
        let api = Api::new(client, endpoints, token(place, cx));
        Ok(Self { cx, api, repository, branch, facts: OnceCell::new(), blobs: RefCell::default() })
    }

    /// Asks GitHub, and tells what stands against an answer.
    pub(crate) fn ask<T>(&self, question: impl Future<Output = Result<T, Error>>) -> Result<T, Problem> {
        self.cx.block_on(question)?.map_err(|error| self.problem(error))
    }

    /// What GitHub tells of the repository.
    pub(crate) fn facts(&self) -> Result<&RepositoryFacts, Problem> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        let facts = self.ask(self.api.repository(&self.repository))?;
        Ok(self.facts.get_or_init(|| facts))
    }

    /// The branch that overlays are deployed from.
    pub(crate) fn base(&self) -> Result<String, Problem> {
        match &self.branch {
            Some(branch) => Ok(branch.clone()),
            None => Ok(self.facts()?.default_branch.clone()),
        }
    }

    /// The head of a branch that must be there.
    pub(crate) fn head(&self, branch: &str) -> Result<Sha, Problem> {
        if let Some(head) = self.find_head(branch)? {
            return Ok(head);
        }
        // GitHub says the same of a repository that is not there.
        let default = &self.facts()?.default_branch;
        Err(Problem::misconfigured(format!("{} has no branch \"{branch}\"", self.repository))
            .help(format!("its default branch is \"{default}\"; `branch` names another")))
    }

    /// The head of a branch; none where there is no such branch.
    pub(crate) fn find_head(&self, branch: &str) -> Result<Option<Sha>, Problem> {
        let head = self.cx.block_on(self.api.reference(&self.repository, &format!("heads/{branch}")))?;
        match head {
            Ok(head) => Ok(Some(head)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(self.problem(error)),
        }
    }

    /// The bytes of a file, by what git calls them.
    pub(crate) fn bytes(&self, blob: &Sha) -> Result<Bytes, Problem> {
        self.fetch(std::iter::once(blob))?;
        Ok(self.blobs.borrow().get(blob).cloned().unwrap_or_default())
    }

    /// Reads files that are not known yet, several at once.
    pub(crate) fn fetch<'s>(&self, blobs: impl Iterator<Item = &'s Sha>) -> Result<(), Problem> {
        let missing: Vec<Sha> =
            blobs.filter(|blob| !self.blobs.borrow().contains_key(*blob)).cloned().collect();
        for some in missing.chunks(AT_ONCE) {
            let found = self.ask(async {
                let mut tasks = tokio::task::JoinSet::new();
                for blob in some.iter().cloned() {
                    let (api, repository) = (self.api.clone(), self.repository.clone());
                    tasks.spawn(async move {
                        let bytes = api.blob(&repository, &blob).await?;
                        Ok((blob, bytes))
                    });
                }
                tasks.join_all().await.into_iter().collect::<Result<Vec<_>, Error>>()
            })?;
            self.blobs.borrow_mut().extend(found);
        }
        Ok(())
    }

    /// Whether the workflow runs in this very repository: then the job's own token may reach it.
    pub(crate) fn is_workflow_s(&self) -> bool {
        let own = self.cx.variable("GITHUB_REPOSITORY");
        own.is_none_or(|own| own.eq_ignore_ascii_case(&self.repository.to_string()))
    }

    /// The page of a commit.
    pub(crate) fn page(&self, commit: &Sha) -> String {
        let server = self.cx.variable("GITHUB_SERVER_URL").unwrap_or("https://github.com");
        format!("{server}/{}/commit/{commit}", self.repository)
    }

    /// What an error amounts to, and the way out that this action knows.
    pub(crate) fn problem(&self, error: Error) -> Problem {
        let Error { permission, kind, .. } = &error;
        let help = match kind {
            Kind::Refused { refusal: Refusal::Rules, .. } => {
                Some("open a pull request instead, with `strategy: pull-request`; or let the token's owner bypass the rule".to_owned())
            }
            Kind::NotFound | Kind::Forbidden { .. } if !self.is_workflow_s() => Some(format!(
                "the job's own token reaches its own repository only: give `token`, of a GitHub App that is installed in {}, with `{permission}`",
                self.repository
            )),
            _ => None,
        };
        let problem = Problem::from(error);
        match help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

fn token(place: &Location, cx: &Context) -> Option<Secret> {
    place.token.clone().or_else(|| cx.secret("GITHUB_TOKEN"))
}
