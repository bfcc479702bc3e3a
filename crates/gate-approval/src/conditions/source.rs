//! Asks where the commit comes from.

use sluice_core::Problem;
use sluice_gate::{
    Gathered,
    source::{Branch, Commit, Facts, Pull, Source},
};
use sluice_github::{Api, CommitOrigin, CommitPull, Repository, Sha};

use crate::condition::{Gather, World};

pub(crate) struct Gatherer(pub(crate) Source);

impl Gather for Gatherer {
    type Policy = Source;

    fn policy(&self) -> Source {
        self.0.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let (repository, commit) = (world.repository()?, world.commit()?);
        let (api, trace) = world.github()?;
        let mut facts = Facts::default();
        if let Some(name) = &self.0.branch {
            facts.branch = Some(branch(&api, &repository, name, &commit).await?);
        }
        if self.0.merged_from.is_some() || self.0.signed {
            let pulls = api.pulls_of_commit(&repository, &commit).await?;
            facts.pulls = pulls.iter().map(pull).collect();
            if self.0.signed {
                facts.commits.push(seen(&api.origin(&repository, &commit).await?));
                for pull in pulls.iter().filter(|pull| pull.merged_as.as_ref() == Some(&commit)) {
                    let origins = api.origins_of_pull(&repository, pull.number).await?;
                    facts.commits.extend(origins.iter().map(seen));
                }
            }
        }
        Ok(Gathered::read(facts, world.sources(&[&trace])))
    }
}

async fn branch(api: &Api, repository: &Repository, name: &str, commit: &Sha) -> Result<Branch, Problem> {
    // Asked for as a branch: a tag may have its name.
    let head = api.reference(repository, &format!("heads/{name}")).await?;
    let holds = head == *commit || {
        let comparison = api.compare(repository, commit.as_str(), head.as_str()).await?;
        comparison.merge_base == *commit && comparison.behind_by == 0
    };
    Ok(Branch { name: name.to_owned(), head: head.to_string(), holds })
}

fn pull(pull: &CommitPull) -> Pull {
    Pull {
        number: pull.number,
        head: pull.head.clone(),
        is_from_here: pull.is_from_here,
        base: pull.base.clone(),
        merged_as: pull.merged_as.as_ref().map(ToString::to_string),
    }
}

fn seen(origin: &CommitOrigin) -> Commit {
    Commit {
        name: origin.sha.to_string(),
        is_verified: origin.is_verified,
        reason: origin.signature.to_lowercase(),
    }
}
