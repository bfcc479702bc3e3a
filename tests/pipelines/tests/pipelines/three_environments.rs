//! The example `eks-three-environments`: three branches, three clusters, each stricter than the one before.
//!
//! What the application brings is a script: `make` its tests, `docker` its load. The command line of AWS is one, too.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_kubernetes_fake::Behaviour;
use sluice_pipelines::{Event, Run, Runner, example, example_file, reusable};

use crate::clusters::{Clusters, PATIENCE, prometheus};

struct Stage {
    github: GitHub,
    shop: Repository,
    slack: Server,
    pager: Server,
    clusters: Clusters,
    reusable: tempfile::TempDir,
}

impl Stage {
    /// A change that says `sick as staging` is not well there.
    fn set() -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        let clusters = clusters();
        let changes = shop.clone();
        let places = [
            ("dev", ("dev", "shop")),
            ("staging", ("staging", "shop")),
            ("production", ("production", "shop")),
            ("blue", ("production", "shop-blue")),
            ("green", ("production", "shop-green")),
        ];
        let service = clusters.reached(&places, move |place, commit| {
            let change = changes.git(&["show", &format!("{commit}:src/main.py")]);
            !change.contains(&format!("sick as {place}"))
        });
        let [dev, staging, production, idle] =
            ["/dev", "/staging", "/production", "/{0}"].map(|path| service.url(path));
        let prometheus = prometheus().url("");
        let pager = Server::answering(|_| (202, r#"{"status": "success"}"#.to_owned()));
        let pagerduty = format!("{{env: PAGERDUTY_ROUTING_KEY}}, url: \"{}\"", pager.url(""));
        let replacements = [
            ("https://dev.shop.example.com", dev.as_str()),
            ("https://staging.shop.example.com", &staging),
            ("https://{0}.shop.example.com", &idle),
            ("https://shop.example.com", &production),
            ("https://prometheus.example.com", &prometheus),
            ("{env: PAGERDUTY_ROUTING_KEY}", &pagerduty),
            ("for: 2m\n      interval: 15s", "for: 2s\n      interval: 1s"),
            ("for: 5m\n      interval: 30s", "for: 2s\n      interval: 1s"),
            // The images are pushed this moment, and the scan is told at once.
            ("max-age: 7d", "max-age: 7d, settle: 0s"),
        ];
        let mut files = example("eks-three-environments", &replacements);
        files.extend([File::new("Dockerfile", "FROM scratch\n"), File::new("src/main.py", "# v1\n")]);
        let begin = shop.commit("main", "Open the shop", &files);
        shop.branch("develop", &begin);
        shop.branch("staging", &begin);
        let reusable = reusable(&[("default: 2m", "default: 2s"), ("default: 10m", "default: 2s"), PATIENCE]);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, shop, slack, pager, clusters, reusable }
    }

    fn runner(&self) -> Runner<'_> {
        Runner::new(&self.github)
            .ours(self.reusable.path())
            .tool("docker", "#!/bin/sh\n")
            .tool("aws", "#!/bin/sh\necho \"$*\"\n")
            .aws(&self.clusters.moto.endpoint())
            .secret("PROMETHEUS_TOKEN", "a-token-of-prometheus")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"))
            .secret("PAGERDUTY_ROUTING_KEY", "a-key-of-pagerduty")
    }

    /// A change of a branch is pushed, and delivered; `tests` is what `make` does.
    fn push(&self, branch: &str, change: &str, tests: &str) -> (String, Run) {
        let commit = self.commit(branch, change);
        let runner = self.runner().tool("make", &format!("#!/bin/sh\n{tests}\n"));
        (commit, runner.runs(&self.shop, &Event::push(&self.shop, branch)))
    }

    fn commit(&self, branch: &str, change: &str) -> String {
        self.shop.commit(branch, "Sell", &[File::new("src/main.py", format!("# {change}\n"))])
    }

    /// A change of staging is merged into main when these have approved it: the commit, whose image is built and scanned.
    fn merge(&self, change: &str, approved_by: &[&str]) -> String {
        let head = self.commit("staging", change);
        let pull = self.shop.open_pull("octocat", "staging", "main", None);
        for login in approved_by {
            self.shop.review(pull, login, "APPROVED", &head);
        }
        self.shop.merge(pull);
        let run = self.runner().runs(&self.shop, &Event::push(&self.shop, "main"));
        run.ends("success").has_jobs(&[("build / image (shop)", "success"), ("deploy", "skipped")]);
        self.scan(run.told["images"][0]["platform"].as_str().unwrap(), &json!({}));
        self.shop.head("main").unwrap()
    }

    /// ECR has looked at an image, and found so many of each severity.
    fn scan(&self, digest: &str, found: &Value) {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let scan = json!({
            "registryId": sluice_moto::ACCOUNT, "repositoryName": "shop", "imageId": {"imageDigest": digest},
            "imageScanStatus": {"status": "COMPLETE", "description": "The scan was completed successfully."},
            "imageScanFindings": {"imageScanCompletedAt": now, "findingSeverityCounts": found, "findings": []},
        });
        self.clusters.moto.answer_with("DescribeImageScanFindings", digest, &scan);
    }

    /// Somebody types the phrase.
    fn dispatch(&self, confirm: &str) -> Run {
        let event = Event::dispatch(&self.shop, "production.yml", &json!({"confirm": confirm}));
        self.runner().runs(&self.shop, &event)
    }

    fn message(&self) -> String {
        self.slack.received().last().unwrap().body.clone()
    }

    /// What was done at PagerDuty with the incident of production.
    fn incident(&self) -> Vec<String> {
        let events = self.pager.received().into_iter();
        let events = events.map(|event| serde_json::from_str::<Value>(&event.body).unwrap());
        events.filter_map(|event| Some(event["event_action"].as_str()?.to_owned())).collect()
    }
}

/// One cluster an environment, as the example describes what runs there; buckets for backups; ECR.
fn clusters() -> Clusters {
    let manifest = |name: &str, size: &str| {
        let path = format!("eks-three-environments/kubernetes/{name}.yaml");
        example_file(&path, &[(":main", ":v1"), (size, "replicas: 1")])
    };
    let (rolled, coloured) =
        (manifest("dev-and-staging", "replicas: 2"), manifest("production", "replicas: 3"));
    let clusters = Clusters::none()
        .with("dev", ("eu-west-1", "shop-dev"), &rolled)
        .with("staging", ("eu-west-1", "shop-staging"), &rolled)
        .with("production", ("eu-west-1", "shop-production"), &coloured);
    let group = json!({"nodegroupName": "all", "nodeRole": "arn:aws:iam::123456789012:role/n", "subnets": ["subnet-1"]});
    clusters.moto.eks("POST", "/clusters/shop-production/node-groups", &group);
    // moto has no add-ons.
    clusters.moto.answer_with("GET /clusters/shop-production/addons", "", &json!({"addons": []}));
    clusters.moto.bucket("acme-shop-backups");
    clusters.moto.ecr("CreateRepository", &json!({"repositoryName": "shop"}));
    clusters
}

const PHRASE: &str = "DEPLOY TO PRODUCTION";

#[test]
fn develop_goes_to_dev_and_back_when_it_is_not_well() {
    let stage = Stage::set();
    let (well, run) = stage.push("develop", "well", "true");
    run.ends("success").has_jobs(&[
        ("deploy / deploy", "success"),
        ("integration", "skipped"),
        ("rollback", "skipped"),
    ]);
    assert_eq!(stage.clusters.version("dev"), well);
    assert!(run.told["roles"].to_string().contains("shop-deploy-dev"));

    let (_, run) = stage.push("develop", "sick as dev", "true");
    run.ends("failure").has_jobs(&[("deploy / deploy", "failure"), ("deploy / notify", "success")]);
    assert_eq!(stage.clusters.version("dev"), well);
    assert!(stage.message().contains("olled back in dev"), "{}", stage.message());

    let (mended, run) = stage.push("develop", "mended", "true");
    run.ends("success");
    assert_eq!(stage.clusters.version("dev"), mended);
    assert!(stage.message().contains("Recovered in dev"), "{}", stage.message());
    stage.clusters.is_clean("dev");
}

#[test]
fn staging_is_backed_up_tested_baked_and_taken_back_when_its_tests_fail() {
    let stage = Stage::set();
    let (well, run) = stage.push("staging", "well", "true");
    run.ends("success").has_jobs(&[("integration", "success"), ("load", "success"), ("bake", "success")]);
    assert_eq!(stage.clusters.version("staging"), well);
    let backup = &run.job("deploy / deploy").outputs["backup"];
    assert!(backup.starts_with("s3://acme-shop-backups/staging/"), "{backup}");

    let (_, run) = stage.push("staging", "well, but wrong", "false");
    run.ends("failure").has_jobs(&[
        ("deploy / deploy", "success"),
        ("integration", "failure"),
        ("bake", "skipped"),
        ("rollback / rollback", "success"),
    ]);
    assert_eq!(stage.clusters.version("staging"), well);
    assert!(stage.message().contains("olled back in staging"), "{}", stage.message());
    stage.clusters.is_clean("staging");
}

#[test]
fn main_goes_to_production_when_somebody_types_the_phrase() {
    let stage = Stage::set();
    let commit = stage.merge("well", &["hubot", "monalisa"]);
    let run = stage.dispatch(PHRASE);
    run.ends("success").has_jobs(&[
        ("gate / gate", "success"),
        ("gate / notify", "skipped"),
        ("deploy / deploy", "success"),
        ("deploy / notify", "success"),
        ("keep", "success"),
    ]);
    assert_eq!(
        (stage.clusters.live("production").as_str(), stage.clusters.version("production")),
        ("green", commit)
    );
    let backup = &run.job("deploy / deploy").outputs["backup"];
    assert!(backup.starts_with("s3://acme-shop-backups/production/"), "{backup}");
    let roles = run.told["roles"].to_string();
    assert!(roles.contains("shop-gate") && roles.contains("shop-deploy-production"), "{roles}");
    assert!(stage.message().contains("Succeeded in production"), "{}", stage.message());
    stage.clusters.is_clean("production");
}

#[test]
fn production_stays_as_it_is_when_its_gate_says_no() {
    let stage = Stage::set();
    let stays = |run: &Run| {
        run.has_jobs(&[("deploy", "skipped"), ("keep", "skipped"), ("gate / notify", "success")]);
        assert_eq!(stage.clusters.version("production"), "v1");
        assert_eq!(stage.clusters.writes("production"), 0);
    };
    stage.merge("well", &["hubot"]);
    let run = stage.dispatch(PHRASE);
    stays(run.ends("success"));
    assert_eq!(run.job("gate / gate").outputs["state"], "pending", "one of two has approved it");

    stage.merge("better", &["hubot", "monalisa"]);
    let run = stage.dispatch("deploy to production");
    stays(run.ends("failure"));
    assert!(stage.message().contains("Failed in production"), "{}", stage.message());

    let pushed = stage.shop.commit("main", "Past staging", &[File::new("src/main.py", "# fast\n")]);
    let run = stage.runner().runs(&stage.shop, &Event::push(&stage.shop, "main"));
    stage.scan(run.told["images"][0]["platform"].as_str().unwrap(), &json!({"CRITICAL": 1}));
    let run = stage.dispatch(PHRASE);
    stays(run.ends("failure"));
    let gate = &run.job("gate / gate").step("Run $/actions/gate-approval").printed;
    for reason in ["source", "findings"] {
        assert!(gate.contains(&format!("✗ {reason}")), "{pushed}: {gate}");
    }
}

#[test]
fn production_that_is_not_well_goes_back_opens_an_incident_and_closes_it_when_it_recovers() {
    let stage = Stage::set();
    stage.merge("sick as production", &["hubot", "monalisa"]);
    let run = stage.dispatch(PHRASE);
    run.ends("failure").has_jobs(&[("deploy / deploy", "failure"), ("keep", "skipped")]);
    assert_eq!(
        (stage.clusters.live("production").as_str(), stage.clusters.version("production").as_str()),
        ("blue", "v1")
    );
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
    assert_eq!(stage.incident(), ["trigger"]);

    let commit = stage.merge("mended", &["hubot", "monalisa"]);
    stage.dispatch(PHRASE).ends("success");
    assert_eq!(stage.clusters.version("production"), commit);
    assert!(stage.message().contains("Recovered in production"), "{}", stage.message());
    assert_eq!(stage.incident(), ["trigger", "resolve"]);
    stage.clusters.is_clean("production");
}

#[test]
fn a_run_that_is_cancelled_is_told_and_the_next_one_finishes_what_it_left() {
    let stage = Stage::set();
    let cluster = Arc::clone(stage.clusters.cluster("dev"));
    cluster.workload("shop", "shop").behaves(Behaviour::Slow(Duration::from_secs(5)));
    let half = stage.commit("develop", "half");
    let commit = half.clone();
    let runner = stage.runner().cancelled_when(move || {
        let image =
            cluster.get("deployments", "shop", "shop")["spec"]["template"]["spec"]["containers"][0]["image"]
                .take();
        image.as_str().is_some_and(|image| image.contains(&commit))
    });
    let run = runner.runs(&stage.shop, &Event::push(&stage.shop, "develop"));
    run.ends("cancelled").has_jobs(&[
        ("deploy / deploy", "cancelled"),
        ("deploy / notify", "success"),
        ("rollback", "skipped"),
    ]);
    let reports = run.job("deploy / deploy").steps.iter().rfind(|step| step.name.contains("upload-artifact"));
    assert_eq!(reports.unwrap().conclusion, "success", "the record is kept");
    assert!(stage.message().contains("Undecided in dev"), "{}", stage.message());

    stage.clusters.cluster("dev").workload("shop", "shop").behaves(Behaviour::Well);
    let (next, run) = stage.push("develop", "whole", "true");
    run.ends("success");
    let resumed = &run.job("deploy / deploy").step("Finish what a run that was killed has left").printed;
    assert!(resumed.contains(&half[..7]), "{resumed}");
    assert_eq!(stage.clusters.version("dev"), next);
    stage.clusters.is_clean("dev");
}
