//! Asks who may approve, who said what, and who has a part in the change.

use futures_util::future::try_join_all;
use sluice_core::Problem;
use sluice_gate::{
    Account, Gathered,
    approvals::{
        Approvals, Comment, EnvironmentReview, Facts, Involved, Issue, Part, Pull, Review, ReviewState,
    },
};
use sluice_github::{Api, CommitOrigin, CommitPull, CurrentRun, Repository, Sha, Signature};

use crate::{
    condition::{Gather, World},
    github::{account, brought},
    request,
};

pub(crate) struct Gatherer {
    pub(crate) policy: Approvals,
    /// Whether an issue asks for approval.
    pub(crate) has_issue: bool,
}

/// The events that the approval itself causes: who caused them answers, and deploys nothing.
const ANSWERS: [&str; 3] = ["issue_comment", "pull_request_review", "pull_request_review_comment"];

impl Gather for Gatherer {
    type Policy = Approvals;

    fn policy(&self) -> Approvals {
        self.policy.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let (repository, commit) = (world.repository()?, world.commit()?);
        let (api, trace) = world.github()?;
        let organisation = world.network.github_of_organisation()?.map(|api| api.traced());
        if organisation.is_none() && !self.policy.teams.is_empty() {
            return Err(Problem::misconfigured("teams can't be read with the job's token")
                .why(format!(
                    "{} may approve, and its members are not told to it",
                    self.policy.teams.join(", ")
                ))
                .help(
                    "give `org-token`: a token of an app with the organisation permission `members: read`",
                ));
        }
        let users = try_join_all(self.policy.users.iter().map(|login| api.account(login))).await?;
        let teams = match &organisation {
            Some((api, _)) => try_join_all(self.policy.teams.iter().map(|team| members(api, team))).await?,
            None => Vec::new(),
        };
        let pulls: Vec<CommitPull> = api.pulls_of_commit(&repository, &commit).await?;
        let pulls: Vec<CommitPull> = pulls.into_iter().filter(|pull| brought(pull, &commit)).collect();
        let origin = api.origin(&repository, &commit).await?;
        // Its committer is GitHub itself, and GitHub signs what it commits.
        let is_made_by_github = origin.committer.is_none() && origin.is_verified;
        let mut involved = of_commit(origin);
        for origins in
            try_join_all(pulls.iter().map(|pull| api.origins_of_pull(&repository, pull.number))).await?
        {
            involved.extend(origins.into_iter().flat_map(of_commit));
        }
        involved.extend(pulls.iter().filter_map(|pull| known(Part::PullRequest, pull.author.clone())));
        let mut environment_reviews = Vec::new();
        if let Some((id, run)) = own_run(world, &api, &repository).await? {
            environment_reviews = reviews_of_run(&api, &repository, id, &run).await?;
            involved.extend(starters(world, run));
        }
        let pulls = try_join_all(pulls.into_iter().map(async |pull| {
            let is_merged_as_reviewed =
                is_made_by_github || holds_the_same_files(&api, &repository, &commit, &pull.head_sha).await?;
            with_reviews(&api, &repository, pull, is_merged_as_reviewed).await
        }))
        .await?;
        let issue = if self.has_issue { issue(world, &api, &repository, &commit).await? } else { None };
        involved.sort_by(|one, other| (one.part as u8, &one.name).cmp(&(other.part as u8, &other.name)));
        involved.dedup();
        let facts = Facts {
            users: users.into_iter().map(|user| user.map(account)).collect(),
            teams,
            pulls,
            involved,
            environment_reviews,
            issue,
        };
        let traces = [Some(&trace), organisation.as_ref().map(|(_, trace)| trace)];
        Ok(Gathered::read(facts, world.sources(&traces.into_iter().flatten().collect::<Vec<_>>())))
    }
}

async fn members(api: &Api, team: &str) -> Result<Vec<Account>, Problem> {
    let (organisation, name) = team.split_once('/').unwrap_or((team, ""));
    Ok(api.team_members(organisation, name).await?.into_iter().map(account).collect())
}

/// Those who made a commit.
fn of_commit(origin: CommitOrigin) -> Vec<Involved> {
    let by = |part| {
        move |signature: Signature| Involved {
            part,
            name: signature.account.as_ref().map_or(signature.email, |(_, login)| login.clone()),
            account: signature.account.map(|(id, login)| Account {
                id,
                is_bot: login.ends_with("[bot]"),
                login,
            }),
        }
    };
    let authors = origin.authors.into_iter().map(by(Part::Author));
    authors.chain(origin.committer.map(by(Part::Committer))).collect()
}

fn known(part: Part, who: Option<sluice_github::Account>) -> Option<Involved> {
    // An account that is gone approves nothing any more.
    let account = account(who?);
    Some(Involved { part, name: account.login.clone(), account: Some(account) })
}

/// The run that the gate is a step of, when it is one of this repository.
async fn own_run(
    world: &World<'_>,
    api: &Api,
    repository: &Repository,
) -> Result<Option<(u64, CurrentRun)>, Problem> {
    if !world.cx.is_in_actions() {
        return Ok(None);
    }
    if world.cx.variable("GITHUB_REPOSITORY") != Some(&repository.to_string()) {
        return Err(Problem::undecided("it is not known who started the deployment")
            .why(format!("the run is one of another repository than {repository}"))
            .help("evaluate the gate in a workflow of the repository that is deployed"));
    }
    let id = world.cx.variable("GITHUB_RUN_ID").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Problem::undecided("the runner does not name the run (GITHUB_RUN_ID)"))?;
    Ok(Some((id, api.run(repository, id).await?)))
}

fn starters(world: &World<'_>, run: CurrentRun) -> Vec<Involved> {
    let is_answer = world.cx.variable("GITHUB_EVENT_NAME").is_some_and(|event| ANSWERS.contains(&event));
    let (actor, again) = (known(Part::Actor, run.actor), known(Part::TriggeringActor, run.triggering_actor));
    let is_other = |again: &Involved| actor.as_ref().is_none_or(|actor| actor.account != again.account);
    let again = again.filter(is_other);
    actor.filter(|_| !is_answer).into_iter().chain(again).collect()
}

async fn reviews_of_run(
    api: &Api,
    repository: &Repository,
    id: u64,
    run: &CurrentRun,
) -> Result<Vec<EnvironmentReview>, Problem> {
    let reviews = api.run_reviews(repository, id).await?.into_iter();
    Ok(reviews
        .map(|review| EnvironmentReview {
            by: review.user.map(account),
            state: review.state,
            environments: review.environments.into_iter().map(|environment| environment.name).collect(),
            commit: run.head_sha.to_string(),
        })
        .collect())
}

async fn holds_the_same_files(
    api: &Api,
    repository: &Repository,
    one: &Sha,
    other: &Sha,
) -> Result<bool, Problem> {
    Ok(one == other || api.commit(repository, one).await?.tree == api.commit(repository, other).await?.tree)
}

async fn with_reviews(
    api: &Api,
    repository: &Repository,
    pull: CommitPull,
    is_merged_as_reviewed: bool,
) -> Result<Pull, Problem> {
    let reviews = api.reviews(repository, pull.number).await?.into_iter().map(|review| {
        Ok(Review {
            id: review.id,
            by: review.user.map(account),
            state: state(&review.state)?,
            commit: review.commit_id.map(|commit| commit.to_string()),
            at: review.submitted_at,
        })
    });
    Ok(Pull {
        number: pull.number,
        head: pull.head_sha.to_string(),
        merged_as: pull.merged_as.map(|commit| commit.to_string()),
        is_merged_as_reviewed,
        reviews: reviews.collect::<Result<_, Problem>>()?,
    })
}

fn state(text: &str) -> Result<ReviewState, Problem> {
    Ok(match text {
        "APPROVED" => ReviewState::Approved,
        "CHANGES_REQUESTED" => ReviewState::ChangesRequested,
        "DISMISSED" => ReviewState::Dismissed,
        "COMMENTED" => ReviewState::Commented,
        "PENDING" => ReviewState::Pending,
        _ => {
            return Err(Problem::undecided(format!("\"{text}\" is no state of a review that is known here")));
        }
    })
}

/// The issue that asks for this very approval.
async fn issue(
    world: &World<'_>,
    api: &Api,
    repository: &Repository,
    commit: &Sha,
) -> Result<Option<Issue>, Problem> {
    let Some(found) = request::find(api, repository, &world.question.environment, commit).await? else {
        return Ok(None);
    };
    let thread = api.thread(repository, found).await?;
    let comments = thread.comments.into_iter().map(|comment| Comment {
        id: comment.id,
        by: comment.author.map(account),
        body: comment.body,
        at: comment.created_at,
        is_edited: comment.is_edited,
        is_minimized: comment.is_minimized,
    });
    Ok(Some(Issue {
        number: found,
        by: thread.author.map(account),
        at: thread.created_at,
        is_edited: thread.is_edited,
        asks: request::read(&thread.body),
        comments: comments.collect(),
    }))
}
