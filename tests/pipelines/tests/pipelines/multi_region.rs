//! The example `multi-region`: one region first, when somebody has approved it; then, when it has stayed well, the others.
//!
//! The clusters are files, and `rollout` a script that writes to them. The gates, the checks, the bake and the messages are
//! our own.

use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_pipelines::{Event, Run, Runner, example, reusable};

use crate::{clusters::Clusters, registry::Registry};

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

struct Stage {
    github: GitHub,
    shop: Repository,
    slack: Server,
    clusters: Clusters,
    reusable: tempfile::TempDir,
    _registry: Registry,
}

impl Stage {
    /// Clusters that run a first version; those in `sick` are not well with any other.
    fn set(sick: &'static [&'static str]) -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        let registry = Registry::start();
        let image = format!("{}/acme/shop", registry.host());
        let clusters = Clusters::of(&REGIONS, &image);
        let service = clusters.service(|region, _| !sick.contains(&region));
        let urls = REGIONS.map(|region| service.url(&format!("/{region}")));
        let prometheus = Clusters::prometheus().url("");
        let (one, two, three) = (
            "https://eu-west-1.shop.example.com",
            "https://us-east-1.shop.example.com",
            "https://ap-southeast-2.shop.example.com",
        );
        let replacements = [
            (one, urls[0].as_str()),
            (two, urls[1].as_str()),
            (three, urls[2].as_str()),
            ("https://prometheus.eu-west-1.example.com", &prometheus),
            ("https://prometheus.us-east-1.example.com", &prometheus),
            ("https://prometheus.ap-southeast-2.example.com", &prometheus),
            ("for: 5m", "for: 2s\n      interval: 1s"),
            ("for: 30m", "for: 1s"),
            ("ghcr.io/acme/shop", &image),
        ];
        let mut files = example("multi-region", &replacements);
        files.extend([File::new("Dockerfile", "FROM scratch\n"), File::new("src/main.py", "VERSION = 1\n")]);
        shop.commit("main", "Open the shop", &files);
        let reusable = reusable(&[
            ("default: ghcr.io", &format!("default: {}", registry.host())),
            ("default: 2m", "default: 2s"),
        ]);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, shop, slack, clusters, reusable, _registry: registry }
    }

    fn happens(&self, event: &Event) -> Run {
        Runner::new(&self.github)
            .ours(self.reusable.path())
            .instead_of("rollout", &self.clusters.rollout())
            .aws("http://127.0.0.1:9")
            .secret("PROMETHEUS_TOKEN", "a-token-of-prometheus")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"))
            .runs(&self.shop, event)
    }

    /// A push that asks for approval.
    fn push(&self) -> Run {
        self.happens(&Event::push(&self.shop, "main"))
    }

    /// Somebody approves what was pushed.
    fn approve(&self, by: &str) -> Run {
        let (issue, ..) = self.shop.issues()[0];
        let text = format!("/approve {}", &self.shop.head("main").unwrap()[..7]);
        self.shop.comment(issue, by, &text);
        self.happens(&Event::comment(&self.shop, issue, by, &text).labelled(&["gate-approval"]))
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
    let stage = Stage::set(&[]);
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
    }
}

#[test]
fn a_first_region_that_is_not_well_goes_back_and_is_the_last() {
    let stage = Stage::set(&["eu-west-1"]);
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
