//! Repositories: their names, and what the API tells of one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sluice_core::Problem;

use crate::{Api, Error, call::Call};

/// The name of a repository: `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Repository {
    owner: String,
    name: String,
}

/// The text is not the name of a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a repository: write owner/name, as acme/shop")]
pub struct InvalidRepository(String);

impl Repository {
    /// The user or organisation that owns it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its name without the owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Repository {
    type Err = InvalidRepository;

    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        let is_name = |part: &str| {
            let is_made_of_its_characters =
                part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
            !matches!(part, "" | "." | "..") && is_made_of_its_characters
        };
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(InvalidRepository(text.to_owned())),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.to_string()
    }
}

impl From<InvalidRepository> for Problem {
    fn from(invalid: InvalidRepository) -> Self {
        Self::misconfigured(invalid.to_string())
    }
}

/// What the API tells of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RepositoryFacts {
    /// Its number, which stays when it is renamed.
    pub id: u64,
    /// Its name in the GraphQL API.
    pub node_id: String,
    /// Its name now: another one than asked for when it was renamed.
    pub full_name: String,
    /// The branch that pull requests go to and that new branches come from.
    pub default_branch: String,
    /// Whether it can only be read.
    pub archived: bool,
}

impl Api {
    /// Gets a repository.
    ///
    /// <https://docs.github.com/en/rest/repos/repos#get-a-repository>
    pub async fn repository(&self, repository: &Repository) -> Result<RepositoryFacts, Error> {
        let call = Call::get(format!("read the repository {repository}"), "metadata: read");
        self.json(call.path(["repos", repository.owner(), repository.name()])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        let repository: Repository = "acme/.github".parse().unwrap();
        assert_eq!((repository.owner(), repository.name()), ("acme", ".github"));
        assert_eq!(repository.to_string(), "acme/.github");
        for text in
            ["", "acme", "acme/", "/shop", "acme/shop/x", "acme/..", "acme/sh op", "acme/shop?x", "ac%2f/x"]
        {
            assert_eq!(text.parse::<Repository>(), Err(InvalidRepository(text.to_owned())));
        }
    }
}
