//! A stand-in for GitHub in tests: stateful, over real HTTP, with real git repositories behind it.
//!
//! ```
//! use sluice_github_fake::{File, GitHub};
//!
//! let github = GitHub::start();
//! let shop = github.repository("acme/shop");
//! let head = shop.commit("main", "Begin", &[File::new("README.md", "hello")]);
//! assert_eq!(shop.head("main"), Some(head));
//! println!("GITHUB_API_URL={}", github.api_url());
//! ```
//!
//! **It is a fake**: no package gives a GitHub to test against. It is kept honest in two ways. What git does, git does:
//! names of objects, merge bases, diffs and fetches come from a bare repository. And what GitHub says is held to GitHub's
//! own words: each request and each reply is recorded where `SLUICE_GITHUB_EXCHANGES` names a folder, and
//! `tests/tools/github.py` and `tests/tools/graphql.mjs` judge them by GitHub's OpenAPI description and its GraphQL
//! schema once the tests have run.
//!
//! What neither knows (the words of a refusal, which limit comes with which header) is told from GitHub's documentation
//! and from replies as people report them; the place says so. Permissions are those of the token, where it is one that
//! [`grant`] made; other tokens may do all.
//!
//! `sluice-faulty-server` accepts, and fails where a test wants it; `service` lets requests take effect and records; `rest`,
//! `graphql` and `smart_http` are the three ways in; `world` is the state behind them, `git` its repositories, `shapes` the
//! JSON of what they hold.

#![expect(clippy::missing_panics_doc, reason = "in a test a panic is the way to fail")]
#![expect(clippy::expect_used, clippy::panic, reason = "a part of tests")]

mod git;
mod grants;
mod graphql;
mod record;
mod reply;
mod repository;
mod rest;
mod said;
mod service;
mod shapes;
mod smart_http;
mod told;
mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use sluice_faulty_server::Server;

use self::world::World;

pub use sluice_faulty_server::{Fault, Reply, Request};

pub use self::{
    grants::grant,
    reply::GitHubReply,
    repository::{File, Repository, Run},
    said::{Check, Deployment},
    told::Job,
};

/// A running stand-in. It ends when it is dropped.
pub struct GitHub {
    server: Server<Shared>,
}

/// What the server and its handles have in common.
struct Shared {
    world: Mutex<World>,
    address: String,
}

impl GitHub {
    /// Starts one on a free port of this machine, without repositories.
    pub fn start() -> Self {
        Self {
            server: Server::start_at(None, |address| Shared {
                world: Mutex::new(World::new(address.to_owned())),
                address: address.to_owned(),
            }),
        }
    }

    /// The address of the web pages, and of git: `GITHUB_SERVER_URL`.
    pub fn server_url(&self) -> &str {
        self.server.address()
    }

    /// The address of the REST API: `GITHUB_API_URL`.
    pub fn api_url(&self) -> String {
        format!("{}/api/v3", self.server.address())
    }

    /// The address of the GraphQL API: `GITHUB_GRAPHQL_URL`.
    pub fn graphql_url(&self) -> String {
        format!("{}/api/graphql", self.server.address())
    }

    /// The variables that the runner sets to tell where GitHub is.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("GITHUB_SERVER_URL", self.server.address().to_owned()),
            ("GITHUB_API_URL", self.api_url()),
            ("GITHUB_GRAPHQL_URL", self.graphql_url()),
        ]
    }

    /// A repository, given as `owner/name`: made empty, with the default branch `main`, when it is not there yet.
    pub fn repository(&self, name: &str) -> Repository {
        self.world().create(name);
        Repository::new(Arc::clone(self.server.service()), name)
    }

    /// Makes a team, given as `organisation/team`, of these members.
    pub fn team(&self, name: &str, members: &[&str]) {
        let members = members.iter().map(|login| (*login).to_owned()).collect();
        self.world().teams.insert(name.to_owned(), members);
    }

    /// Lets a login be no account's.
    pub fn no_account(&self, login: &str) {
        self.world().strangers.insert(login.to_owned());
    }

    /// The number of the suite of a run's own checks.
    pub const fn suite_of(run: u64) -> u64 {
        rest::suite_of(run)
    }

    /// Answers only who brings this token, over the API and over git. Without a token all are answered.
    pub fn require_token(&self, token: &str) {
        self.world().token = Some(token.to_owned());
    }

    /// Answers only who brings a token that [`grant`] made.
    pub fn require_grants(&self) {
        self.world().grants_only = true;
    }

    /// Lets whoever asks be this user: of the job's own token `github-actions[bot]`.
    pub fn act_as(&self, login: &str) {
        login.clone_into(&mut self.world().login);
    }

    /// Asks this function before each request whether something goes wrong with it.
    pub fn faults(&self, faults: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        self.server.faults(faults);
    }

    /// The requests that came so far, those included that met a fault.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Ends it now: whoever asks from here on is not connected.
    pub fn stop(self) {
        drop(self.server);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.server.service().world()
    }
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        // A test that failed while it held the lock has failed already.
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
