//! The example `multi-region`: one region first, when somebody has approved it; then, when it has stayed well, the others.
//!
//! `rollout` is a script here that writes down which version a region runs: the clusters are files. The gates, the checks,
//! the bake and the messages are our own.

use serde_json::json;
use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_pipelines::{Event, Run, Runner, example, reusable};

use crate::registry::Registry;

/// `deploy` and `undo`, of one image in one cluster. A container action has no `PATH`, so programs have theirs.
const ROLLOUT: &str = r##"#!/bin/sh
set -eu
environment=$(/usr/bin/printenv INPUT_ENVIRONMENT)
command=$(/usr/bin/printenv INPUT_COMMAND || true)
record=$(/usr/bin/printenv INPUT_RECORD)
before=$(/bin/cat "CLUSTERS/$environment")
if [ "$command" = undo ]; then
  image=$(/bin/cat "$record")
else
  command=deploy
  image=$(/usr/bin/printenv INPUT_IMAGE)
  echo "$before" > "$record"
  echo "record=$record" >> "$GITHUB_OUTPUT"
fi
echo "$image" > "CLUSTERS/$environment"
/bin/mkdir -p "$RUNNER_TEMP/sluice"
/usr/bin/jq -n --arg command "$command" --arg environment "$environment" --arg before "$before" --arg image "$image" '
  ($image | split("@")) as [$tagged, $digest]
  | ($tagged | sub(":[^:/]*$"; "")) as $name
  | def version: split("/") | last | sub("^[^:]*:"; "");
  {schema: 1, action: "rollout", command: $command, verdict: "passed", title: "1 workload runs what was asked for",
   facts: [{name: "environment", value: $environment}],
   subjects: [{kind: "image", name: $tagged, digest: $digest}],
   changes: [{name: $name, place: $environment, before: ($before | version), after: ($image | version)}],
   started_at: (now | todate), duration: 0}
' > "$RUNNER_TEMP/sluice/$(/bin/date -u +%Y%m%dT%H%M%S%3N)-01-rollout.json"
"##;

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

struct Stage {
    github: GitHub,
    shop: Repository,
    slack: Server,
    clusters: tempfile::TempDir,
    reusable: tempfile::TempDir,
    first: String,
    _registry: Registry,
}

impl Stage {
    /// Clusters that run a first version; those in `sick` are not well with any other.
    fn set(sick: &'static [&'static str]) -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        let registry = Registry::start();
        let image = format!("{}/acme/shop", registry.host());
        let clusters = tempfile::tempdir().unwrap();
        let first = format!("{image}:v1@sha256:{}", "1".repeat(64));
        for region in REGIONS {
            std::fs::write(clusters.path().join(region), &first).unwrap();
        }
        let service = service(clusters.path().to_owned(), sick);
        let urls = REGIONS.map(|region| service.url(&format!("/{region}")));
        let prometheus = prometheus().url("");
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
        Self { github, shop, slack, clusters, reusable, first, _registry: registry }
    }

    fn happens(&self, event: &Event) -> Run {
        let clusters = self.clusters.path().to_string_lossy();
        Runner::new(&self.github)
            .ours(self.reusable.path())
            .instead_of("rollout", &ROLLOUT.replace("CLUSTERS", &clusters))
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
        let runs = |region: &&str| {
            std::fs::read_to_string(self.clusters.path().join(region)).unwrap().contains(&head)
        };
        REGIONS.into_iter().filter(runs).collect()
    }

    fn messages(&self) -> Vec<String> {
        self.slack.received().into_iter().map(|message| message.body).collect()
    }
}

fn service(clusters: std::path::PathBuf, sick: &'static [&'static str]) -> Server {
    Server::answering(move |request| {
        let mut parts = request.target.split('/').skip(1);
        let (region, page) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let image = std::fs::read_to_string(clusters.join(region)).unwrap();
        let tag = image.split('@').next().unwrap_or_default().rsplit(':').next().unwrap_or_default();
        match page {
            "version" => (200, json!({"version": tag}).to_string()),
            _ if tag == "v1" || !sick.contains(&region) => (200, json!({"status": "UP"}).to_string()),
            _ => (503, json!({"status": "DOWN"}).to_string()),
        }
    })
}

/// Prometheus, which saw a hundred requests and no error.
fn prometheus() -> Server {
    Server::answering(|request| {
        let value = if request.target.contains("5..") { "0" } else { "100" };
        let result = json!([{"metric": {}, "value": [0, value]}]);
        (200, json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string())
    })
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
    let back = std::fs::read_to_string(stage.clusters.path().join("eu-west-1")).unwrap();
    assert_eq!(back.trim(), stage.first);
    let told = stage.messages();
    assert!(told.last().unwrap().contains("olled back in eu-west-1"), "{told:#?}");
}
