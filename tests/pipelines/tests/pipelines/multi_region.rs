//! The example `multi-region`: one region first, when somebody has approved it; then, when it has stayed well, the others.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_pipelines::{Event, Run, Runner, example, example_file, reusable};

use crate::{
    clusters::{Clusters, PATIENCE, prometheus},
    registry::Registry,
};

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

struct Stage {
    github: GitHub,
    shop: Repository,
    slack: Server,
    clusters: Clusters,
    /// Regions in which nothing new is well.
    sick: Arc<Mutex<BTreeSet<&'static str>>>,
    reusable: tempfile::TempDir,
    _registry: Registry,
}

impl Stage {
    /// Clusters that run a first version.
    fn set() -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        let registry = Registry::start();
        let image = format!("{}/acme/shop", registry.host());
        let manifest = example_file(
            "multi-region/kubernetes/shop.yaml",
            &[("ghcr.io/acme/shop", &image), (":main", ":v1"), ("replicas: 2", "replicas: 1")],
        );
        let clusters = REGIONS
            .into_iter()
            .fold(Clusters::none(), |clusters, region| clusters.with(region, (region, "shop"), &manifest));
        let sick = Arc::new(Mutex::new(BTreeSet::new()));
        let ill = Arc::clone(&sick);
        let places = REGIONS.map(|region| (region, (region, "shop")));
        let service = clusters.reached(&places, move |region, _| !ill.lock().unwrap().contains(region));
        let urls = REGIONS.map(|region| service.url(&format!("/{region}")));
        let prometheus = prometheus().url("");
        let replacements = [
            ("https://eu-west-1.shop.example.com", urls[0].as_str()),
            ("https://us-east-1.shop.example.com", urls[1].as_str()),
            ("https://ap-southeast-2.shop.example.com", urls[2].as_str()),
            ("https://prometheus.eu-west-1.example.com", &prometheus),
            ("https://prometheus.us-east-1.example.com", &prometheus),
            ("https://prometheus.ap-southeast-2.example.com", &prometheus),
            ("for: 5m", "for: 2s\n      interval: 1s"),
            ("for: 30m", "for: 1s"),
            ("ghcr.io/acme/shop", &image),
        ];
        let mut files = example("multi-region", &replacements);
        files.extend([File::new("Dockerfile", "FROM scratch\n"), File::new("src/main.py", "# well\n")]);
        shop.commit("main", "Open the shop", &files);
        let reusable = reusable(&[
            ("default: ghcr.io", &format!("default: {}", registry.host())),
            ("default: 2m", "default: 2s"),
            PATIENCE,
        ]);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, shop, slack, clusters, sick, reusable, _registry: registry }
    }

    fn runner(&self) -> Runner<'_> {
        Runner::new(&self.github)
            .ours(self.reusable.path())
            .aws(&self.clusters.moto.endpoint())
            .secret("PROMETHEUS_TOKEN", "a-token-of-prometheus")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"))
    }

    /// A push that asks for approval.
    fn push(&self) -> Run {
        self.runner().runs(&self.shop, &Event::push(&self.shop, "main"))
    }

    /// Somebody approves what was pushed.
    fn approve(&self, by: &str) -> Run {
        self.runner().runs(&self.shop, &self.approval(by))
    }

    fn approval(&self, by: &str) -> Event {
        let (issue, ..) = self.shop.issues()[0];
        let text = format!("/approve {}", &self.shop.head("main").unwrap()[..7]);
        self.shop.comment(issue, by, &text);
        Event::comment(&self.shop, issue, by, &text).labelled(&["gate-approval"])
    }

    /// The regions that run the newest commit.
    fn current(&self) -> Vec<&'static str> {
        let head = self.shop.head("main").unwrap();
        let runs = |region: &&str| self.clusters.version(region) == head;
        REGIONS.into_iter().filter(runs).collect()
    }

    fn messages(&self) -> Vec<String> {
        self.slack.received().into_iter().map(|message| message.body).collect()
    }
}

#[test]
fn the_others_follow_the_first_region_when_it_has_stayed_well() {
    let stage = Stage::set();
    let run = stage.push();
    run.ends("success").has_jobs(&[
        ("build / image (shop)", "success"),
        ("first", "skipped"),
        ("others", "skipped"),
    ]);
    assert!(stage.current().is_empty(), "nobody has approved it");

    let run = stage.approve("octocat");
    run.has_jobs(&[("first", "skipped")]);
    assert!(stage.current().is_empty(), "who wrote a change does not approve it");

    stage.approve("hubot").ends("success");
    assert_eq!(stage.current(), REGIONS);
    let told = stage.messages();
    for region in REGIONS {
        assert!(told.iter().any(|body| body.contains(&format!("Succeeded in {region}"))), "{told:#?}");
        stage.clusters.is_clean(region);
    }
}

#[test]
fn a_first_region_that_is_not_well_goes_back_and_is_the_last() {
    let stage = Stage::set();
    stage.sick.lock().unwrap().insert("eu-west-1");
    stage.push().ends("success");
    let run = stage.approve("hubot");
    run.ends("failure").has_jobs(&[
        ("first / deploy", "failure"),
        ("first / notify", "success"),
        ("soak", "skipped"),
        ("others", "skipped"),
    ]);
    assert!(stage.current().is_empty(), "{}", run.trace());
    assert_eq!(stage.clusters.version("eu-west-1"), "v1");
    let told = stage.messages();
    assert!(told.last().unwrap().contains("olled back in eu-west-1"), "{told:#?}");
}

#[test]
fn a_run_again_makes_up_for_the_region_that_failed_and_leaves_the_others_alone() {
    let stage = Stage::set();
    stage.sick.lock().unwrap().insert("us-east-1");
    stage.push().ends("success");
    let approval = stage.approval("hubot");
    let run = stage.runner().runs(&stage.shop, &approval);
    run.ends("failure")
        .has_jobs(&[("first / deploy", "success"), ("others (us-east-1) / deploy", "failure")]);
    assert_eq!(stage.clusters.version("us-east-1"), "v1");
    // Behind the issue that asks for approval.
    let incidents =
        || stage.shop.issues().into_iter().skip(1).map(|(.., is_open)| is_open).collect::<Vec<_>>();
    assert_eq!(incidents(), [true], "an incident is open");

    stage.sick.lock().unwrap().clear();
    let asked = stage.clusters.cluster("eu-west-1").requests().len();
    let run = stage.runner().runs_again(&stage.shop, &approval, &run);
    run.ends("success").has_jobs(&[("others (us-east-1) / deploy", "success")]);
    assert_eq!(stage.current(), REGIONS);
    assert_eq!(stage.clusters.cluster("eu-west-1").requests().len(), asked, "{}", run.trace());
    let told = &run.job("others (us-east-1) / notify").step("Run $/actions/notify").printed;
    assert_eq!(incidents(), [false], "the incident is closed: {told}");
}
