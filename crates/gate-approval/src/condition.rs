//! How a condition gets its facts.
//!
//! What a condition asks for, and how it judges, is `sluice_gate`'s; here it looks around. All conditions
//! look at once, and what one can't see is told of that one alone.

use std::pin::Pin;

use futures_util::future::join_all;
use sluice_core::{Context, ImageReference, Place, Problem};
use sluice_gate::{Case, Gathered, Outcome, Policy, Question, record::Answered};

use crate::{image::Resolved, network::Network};

/// Looks for the facts of one condition.
pub(crate) trait Gather {
    /// What is asked for.
    type Policy: Policy;

    /// What is asked for.
    fn policy(&self) -> Self::Policy;

    /// What is there. A problem is what keeps the facts from being had, never a no.
    async fn gather(&self, world: &World<'_>) -> Result<Gathered<FactsOf<Self>>, Problem>;
}

type FactsOf<G> = <<G as Gather>::Policy as Policy>::Facts;

/// What conditions may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) question: &'a Question,
    pub(crate) image: Option<&'a ImageReference>,
    pub(crate) resolved: &'a Resolved,
    pub(crate) network: &'a Network<'a>,
}

impl World<'_> {
    /// The digest of the image that the gate is asked about, for a condition that can't do without.
    pub(crate) fn digest(&self) -> Result<&str, Problem> {
        self.question.digest.as_deref().ok_or_else(|| match (self.image, self.resolved) {
            (None, _) => Problem::misconfigured("it is not said which image is meant").help("give `image`"),
            (_, Resolved::Unknown(problem)) => problem.clone(),
            (Some(image), _) => Problem::undecided("the image's digest is not known")
                .why(format!("its registry has no {image}"))
                .help("push it, or give `image` with its digest: name:tag@sha256:..."),
        })
    }
}

/// A condition of the gate.
pub(crate) struct Condition {
    /// Where it stands in the configuration.
    place: Place,
    gatherer: Box<dyn Ask>,
}

/// A condition with its answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) place: Place,
    pub(crate) condition: sluice_gate::Condition,
    pub(crate) outcome: Outcome,
}

impl Condition {
    pub(crate) fn new<G>(place: Place, gatherer: G) -> Self
    where
        G: Gather + 'static,
        sluice_gate::Condition: From<Case<G::Policy>>,
    {
        Self { place, gatherer: Box::new(gatherer) }
    }

    /// What is asked for, for the digest of all policies.
    pub(crate) fn policy(&self) -> Result<serde_json::Value, serde_json::Error> {
        self.gatherer.policy()
    }
}

impl Answer {
    /// As records write it.
    pub(crate) fn to_record(&self) -> Answered {
        let Self { place, condition, outcome } = self.clone();
        Answered { place, condition, outcome }
    }
}

/// Asks all conditions at once, and judges what they saw.
pub(crate) async fn ask(conditions: &[Condition], world: &World<'_>) -> Vec<Answer> {
    join_all(conditions.iter().map(async |Condition { place, gatherer }| {
        let condition = gatherer.ask(world).await;
        let outcome = condition.judge(world.question);
        Answer { place: place.clone(), condition, outcome }
    }))
    .await
}

/// [`Gather`], whatever its policy is.
trait Ask {
    fn ask<'a>(&'a self, world: &'a World<'_>) -> Pin<Box<dyn Future<Output = sluice_gate::Condition> + 'a>>;

    fn policy(&self) -> Result<serde_json::Value, serde_json::Error>;
}

impl<G: Gather> Ask for G
where
    sluice_gate::Condition: From<Case<G::Policy>>,
{
    fn ask<'a>(&'a self, world: &'a World<'_>) -> Pin<Box<dyn Future<Output = sluice_gate::Condition> + 'a>> {
        Box::pin(async move {
            let seen = self.gather(world).await.into();
            Case { policy: Gather::policy(self), seen }.into()
        })
    }

    fn policy(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(Gather::policy(self))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::network::Access;

    pub(crate) fn question() -> Question {
        Question {
            environment: "production".into(),
            repository: Some("acme/shop".into()),
            commit: Some("c".repeat(40)),
            image: None,
            digest: None,
            plan: None,
            policy: "sha256:0".into(),
            now: "2026-11-18T12:00:00Z".parse().unwrap(),
        }
    }

    pub(crate) fn context(root: &Path) -> Context {
        Context::new(std::iter::empty::<(&str, &str)>().collect(), root, || Timestamp::UNIX_EPOCH)
    }

    /// What one condition answers in a folder, without a network.
    pub(crate) fn outcome<G>(gatherer: G, root: &Path) -> Outcome
    where
        G: Gather + 'static,
        sluice_gate::Condition: From<Case<G::Policy>>,
    {
        let conditions = [Condition::new(Place::file("sluice.yml"), gatherer)];
        answers(&conditions, root).remove(0).outcome
    }

    pub(crate) fn answers(conditions: &[Condition], root: &Path) -> Vec<Answer> {
        let cx = context(root);
        let question = question();
        let access = Access::default();
        let network = Network::new(&cx, &access);
        cx.block_on(ask(
            conditions,
            &World {
                cx: &cx,
                question: &question,
                image: None,
                resolved: &Resolved::Unasked,
                network: &network,
            },
        ))
        .unwrap()
    }
}
