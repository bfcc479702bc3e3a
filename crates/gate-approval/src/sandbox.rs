//! GitHub with a change that may go to production, for tests.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sluice_config::File as ConfigFile;
use sluice_core::{Configuration as _, Context, Secret, retry};
use sluice_gate::State;
use sluice_github_fake::{Check, Deployment, File, GitHub, Repository, Run};

use crate::{
    Evaluate, Policy,
    evaluation::{self, Evaluation},
    plan::Plan,
};

pub(crate) const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// GitHub with a change of dev, merged from staging, that all conditions approve.
pub(crate) struct World {
    pub(crate) github: GitHub,
    pub(crate) shop: Repository,
    pub(crate) commit: String,
    pub(crate) run: u64,
    folder: tempfile::TempDir,
    /// How long a call may take with all its tries.
    patience: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        shop.commit_by("dev", "main", "Begin", &[File::new("README.md", "hello")]);
        let begin = shop.head("main").unwrap();
        shop.branch("staging", &begin);
        let change = shop.commit_by("dev", "staging", "Change", &[File::new("README.md", "changed")]);
        shop.sign(&change);
        let pull = shop.open_pull("dev", "staging", "main", None);
        shop.review(pull, "hubot", "APPROVED", &change);
        shop.review(pull, "monalisa", "APPROVED", &change);
        let commit = shop.merge(pull);
        shop.rule_with_check("main", "build", Some(15_368));
        shop.protect_with_check("main", "legacy", None);
        shop.check(Check::ended("build", &commit, "success"));
        shop.status(&commit, "legacy", "success");
        let payload = json!({"component": "backend", "image": "r.example.com/backend", "digest": DIGEST, "version": "1"});
        shop.deployment(Deployment {
            environment: "dev".into(),
            payload: payload.clone(),
            minutes_ago: 200,
            states: vec![("in_progress".into(), 199), ("success".into(), 180)],
        });
        shop.deployment(Deployment {
            environment: "production".into(),
            payload,
            minutes_ago: 200,
            states: vec![("success".into(), 190)],
        });
        let run = shop.run(Run::success("main", &commit));
        shop.started(run, "dev", "dev");
        let patience = Duration::from_secs(30);
        Self { github, shop, commit, run, folder: tempfile::tempdir().unwrap(), patience }
    }

    /// The same, where what fails is soon given up.
    pub(crate) fn impatient() -> Self {
        Self { patience: Duration::from_millis(400), ..Self::new() }
    }

    pub(crate) fn context(&self) -> Context {
        let mut variables: Vec<(String, String)> =
            self.github.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let own = [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_NAME", "push".to_owned()),
            ("GITHUB_REPOSITORY", "acme/shop".to_owned()),
            ("GITHUB_SHA", self.commit.clone()),
            ("GITHUB_REF", "refs/heads/main".to_owned()),
            ("GITHUB_RUN_ID", self.run.to_string()),
        ];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Context::new(variables.into_iter().collect(), self.folder.path(), || {
            Timestamp::constant(1_795_000_000, 0)
        })
    }

    pub(crate) fn plan(&self, gate: &str, inputs: Evaluate) -> Plan {
        let text =
            format!("version: 1\nenvironments: {{production: {{source-branch: main, gate: {{{gate}}}}}}}\n");
        let config = ConfigFile::<Policy>::parse(text.as_bytes(), "sluice.yml").unwrap();
        let inputs = Evaluate {
            environment: "production".into(),
            image: Some(format!("r.example.com/backend:1@{DIGEST}").parse().unwrap()),
            token: Some(Secret::new("a-token")),
            ..inputs
        };
        let mut plan = Plan::new(inputs, &config, &self.context()).unwrap();
        plan.access.patience = Some(self.patience);
        plan
    }

    pub(crate) fn evaluate(&self, gate: &str) -> Evaluation {
        self.evaluate_with(gate, Evaluate::default())
    }

    pub(crate) fn evaluate_with(&self, gate: &str, inputs: Evaluate) -> Evaluation {
        evaluation::run(&self.plan(gate, inputs), &self.context(), &OFTEN).unwrap()
    }

    pub(crate) fn state(&self, gate: &str) -> State {
        self.evaluate(gate).state
    }
}

/// Looks again at once: a test waits for nobody.
pub(crate) const OFTEN: retry::Policy = retry::Policy {
    first: Duration::from_millis(10),
    factor: 1,
    cap: Duration::from_millis(10),
    jitter: retry::Jitter::None,
    attempts: None,
};

/// What each condition says, a line each.
pub(crate) fn told(evaluation: &Evaluation) -> String {
    let answers = evaluation.answers.iter().map(|answer| {
        format!("{}: {:?}: {}", answer.condition.name(), answer.outcome.state, answer.outcome.reason)
    });
    answers.collect::<Vec<_>>().join("\n")
}
