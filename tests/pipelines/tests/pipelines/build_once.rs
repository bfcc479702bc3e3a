//! The example `build-once-deploy-many`, from a push to production: two repositories, a registry, a cluster that runs
//! what the overlays say.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_pipelines::{Event, Run, Runner, example, reusable};

use crate::{around, registry::Registry};

struct Stage {
    github: GitHub,
    shop: Repository,
    overlays: Repository,
    slack: Server,
    /// Commits whose images are not well.
    broken: Arc<Mutex<BTreeSet<String>>>,
    reusable: tempfile::TempDir,
    _registry: Registry,
}

impl Stage {
    fn set() -> Self {
        let github = GitHub::start();
        let (shop, overlays) = (github.repository("acme/shop"), github.repository("acme/infrastructure"));
        let registry = Registry::start();
        let broken = Arc::new(Mutex::new(BTreeSet::new()));
        let service = cluster(&overlays, &broken);
        let (staging, production) = (service.url("/staging"), service.url("/production"));
        let dev = service.url("/dev");
        let image = format!("{}/acme/shop", registry.host());
        let urls = [
            ("https://staging.shop.example.com", staging.as_str()),
            ("https://shop.example.com", production.as_str()),
            ("ghcr.io/acme/shop", image.as_str()),
        ];
        // The clock is the machine's: the freeze is moved away from now, and what should run for half an hour need not.
        let only_here = [
            ("https://dev.shop.example.com", dev.as_str()),
            ("for: 30m", "for: 1s"),
            ("from: \"Fri 15:00\", until: \"Mon 07:00\"", &around(3)),
        ];
        let mut files = example("build-once-deploy-many/application", &[&urls[..], &only_here[..]].concat());
        files.extend([File::new("Dockerfile", "FROM scratch\n"), File::new("src/main.py", "VERSION = 1\n")]);
        shop.commit("main", "Open the shop", &files);
        overlays.commit("main", "Begin", &example("build-once-deploy-many/gitops", &urls));
        let reusable = reusable(&[
            ("default: ghcr.io", &format!("default: {}", registry.host())),
            // How long what is not well may become well.
            ("default: 10m", "default: 2s"),
        ]);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, shop, overlays, slack, broken, reusable, _registry: registry }
    }

    fn runner(&self) -> Runner<'_> {
        Runner::new(&self.github)
            .ours(self.reusable.path())
            .variable("GITOPS_APP_ID", "4711")
            .secret("GITOPS_APP_PRIVATE_KEY", "a key of an app")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"))
    }

    /// A change of the shop is pushed, and delivered.
    fn push(&self, text: &str) -> (String, Run) {
        (self.change(text), self.delivers())
    }

    fn change(&self, text: &str) -> String {
        self.shop.commit("main", text, &[File::new("src/main.py", format!("# {text}\n"))])
    }

    fn delivers(&self) -> Run {
        self.runner().runs(&self.shop, &Event::push(&self.shop, "main"))
    }

    /// What an environment's overlay says is to run.
    fn runs(&self, environment: &str) -> String {
        deployed(&self.overlays, environment)
    }

    /// The pull request that waits in the repository of the overlays is merged, and its push told.
    fn merge(&self) -> Run {
        let pulls = self.overlays.pull_requests();
        let open = pulls.iter().find(|pull| pull["state"] == "open").expect("a pull request waits");
        self.overlays.squash(open["number"].as_u64().unwrap());
        self.runner().runs(&self.overlays, &Event::push(&self.overlays, "main"))
    }

    fn promote(&self, confirm: &str) -> Run {
        let inputs = json!({"confirm": confirm});
        self.runner().runs(&self.shop, &Event::dispatch(&self.shop, "promote.yml", &inputs))
    }

    /// The text of the last message.
    fn message(&self) -> String {
        self.slack.received().last().expect("a message").body.clone()
    }

    /// The states of the Deployments of an environment, by the version that each is of.
    fn deployments(&self, environment: &str) -> Vec<(String, Vec<String>)> {
        let made = self.shop.made_deployments().into_iter();
        let of = made.filter(|(_, made)| made["environment"] == environment);
        of.map(|(id, made)| (text(&made["payload"]["version"]), self.shop.deployment_states(id))).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A service a environment, as Argo CD would run it: it is what the overlay says, at once.
fn cluster(overlays: &Repository, broken: &Arc<Mutex<BTreeSet<String>>>) -> Server {
    let (overlays, broken) = (overlays.clone(), Arc::clone(broken));
    Server::answering(move |request| {
        let mut parts = request.target.split('/').skip(1);
        let (environment, page) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let version = deployed(&overlays, environment);
        let is_well = !broken.lock().unwrap().contains(&version);
        match page {
            "version" => (200, json!({"version": version}).to_string()),
            _ if is_well => (200, json!({"status": "UP"}).to_string()),
            _ => (503, json!({"status": "DOWN"}).to_string()),
        }
    })
}

fn deployed(overlays: &Repository, environment: &str) -> String {
    let file = overlays.file("main", &format!("overlays/{environment}/kustomization.yaml")).unwrap();
    let text = String::from_utf8(file).unwrap();
    let tag = text.lines().find_map(|line| line.trim().strip_prefix("newTag: "));
    tag.unwrap().trim_matches('"').to_owned()
}

/// The jobs that carry a push to dev.
const DEV: [&str; 3] = ["detect / ", "build / ", "dev / "];

#[test]
fn a_change_goes_from_a_push_to_production() {
    let stage = Stage::set();
    let before = stage.runs("staging");
    let (commit, run) = stage.push("Sell more");
    run.ends("success");
    assert_eq!(stage.runs("dev"), commit, "dev gets a commit");
    assert_eq!(stage.runs("staging"), before, "staging waits for its pull request");
    assert_eq!(stage.deployments("dev"), [(commit.clone(), vec!["success".to_owned()])]);
    let ours: f64 = DEV.iter().map(|jobs| run.overhead_of(jobs)).sum();
    let polls = run.job("dev / deploy").step("Run $/actions/smoke-test").ms;
    println!(
        "overhead of ours, from a push to dev: {ours:.0} ms, of which {polls:.0} ms are smoke-test's, which waits 100 ms between its answers"
    );

    stage.merge().ends("success");
    assert_eq!(stage.runs("staging"), commit);

    let run = stage.promote("deploy to production");
    run.ends("failure").has_jobs(&[("promote / gate", "failure"), ("promote / deploy", "skipped")]);
    assert_eq!(stage.runs("production"), before);
    assert!(stage.message().contains("production"), "{}", stage.message());

    stage.promote("DEPLOY TO PRODUCTION").ends("success");
    assert_eq!(stage.runs("production"), before, "production waits for its pull request");
    stage.merge().ends("success");
    assert_eq!(stage.runs("production"), commit);
}

#[test]
fn a_change_that_is_not_well_is_taken_back_and_the_next_one_recovers() {
    let stage = Stage::set();
    let (well, run) = stage.push("Sell more");
    run.ends("success");

    let bad = stage.change("Sell nothing");
    stage.broken.lock().unwrap().insert(bad.clone());
    let run = stage.delivers();
    run.ends("failure").has_jobs(&[
        ("dev / deploy", "failure"),
        ("dev / notify", "success"),
        ("staging", "skipped"),
    ]);
    assert_eq!(stage.runs("dev"), well, "what ran before runs again");
    let message = stage.message();
    assert!(message.contains("olled back"), "{message}");
    assert_eq!(stage.deployments("dev")[1], (bad, vec!["failure".to_owned()]));

    let (mended, run) = stage.push("Sell again");
    run.ends("success");
    assert_eq!(stage.runs("dev"), mended);
    let told: Vec<String> = stage.slack.received().into_iter().map(|message| message.body).collect();
    assert!(told.iter().any(|body| body.contains("Recovered in dev")), "{told:#?}");
}

#[test]
fn one_click_puts_back_what_ran_before() {
    let stage = Stage::set();
    let (first, run) = stage.push("Sell more");
    run.ends("success");
    let (second, run) = stage.push("Sell even more");
    run.ends("success");
    assert_eq!(stage.runs("dev"), second);
    let inputs = json!({"environment": "dev"});
    let run = stage.runner().runs(&stage.shop, &Event::dispatch(&stage.shop, "rollback.yml", &inputs));
    run.ends("success");
    assert_eq!(stage.runs("dev"), first);
    assert!(stage.message().contains("olled back"), "{}", stage.message());
}
