//! Asks what tests the commit, and what the rules of its branch require.

use sluice_core::Problem;
use sluice_gate::{
    Gathered,
    checks::{Checks, Facts, Required, Run, Status},
};

use crate::condition::{Gather, World};

pub(crate) struct Gatherer {
    pub(crate) policy: Checks,
    /// The branch whose rules hold.
    pub(crate) branch: Option<String>,
}

impl Gather for Gatherer {
    type Policy = Checks;

    fn policy(&self) -> Checks {
        self.policy.clone()
    }

    async fn gather(&self, world: &World<'_>) -> Result<Gathered<Facts>, Problem> {
        let (repository, commit) = (world.repository()?, world.commit()?);
        let (api, trace) = world.github()?;
        let mut facts = Facts::default();
        if self.policy.required {
            let branch = self.branch.as_deref().ok_or_else(|| {
                Problem::misconfigured("it is not known which branch's rules require checks")
                    .help("name the environment's `source-branch`, or the checks under `names`")
            })?;
            let required = api.required_checks(&repository, branch).await?.into_iter();
            facts.required =
                required.map(|check| Required { name: check.context, app: check.app_id }).collect();
        }
        let is_run_s = world.cx.variable("GITHUB_REPOSITORY") == Some(&repository.to_string());
        if let Some(id) = world.cx.variable("GITHUB_RUN_ID").filter(|_| is_run_s) {
            let id = id.parse().map_err(|_| Problem::undecided("GITHUB_RUN_ID names no run"))?;
            let suite = api.run(&repository, id).await?.check_suite_id;
            facts.own_suite = Some(suite.ok_or_else(|| {
                Problem::undecided("the checks of the gate's own run can't be told from others")
                    .why("GitHub does not name the run's suite")
            })?);
        }
        facts.runs = api
            .check_runs(&repository, &commit)
            .await?
            .into_iter()
            .map(|run| Run {
                id: run.id,
                name: run.name,
                app: run.app.as_ref().map(|app| app.id),
                slug: run.app.and_then(|app| app.slug),
                suite: run.check_suite.map(|suite| suite.id),
                commit: run.head_sha.to_string(),
                status: run.status,
                conclusion: run.conclusion,
                started: run.started_at,
            })
            .collect();
        let statuses = api.statuses(&repository, &commit).await?.into_iter();
        facts.statuses =
            statuses.map(|status| Status { context: status.context, state: status.state }).collect();
        Ok(Gathered::read(facts, world.sources(&[&trace])))
    }
}
