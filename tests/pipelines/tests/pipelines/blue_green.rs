//! The example `blue-green`: the idle colour is deployed and looked at, then gets the traffic, and gives it back.

use serde_json::json;
use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_kubernetes_fake::Behaviour;
use sluice_pipelines::{Event, Run, Runner, example, example_file, reusable};

use crate::clusters::{Clusters, PATIENCE, prometheus};

struct Stage {
    github: GitHub,
    shop: Repository,
    slack: Server,
    clusters: Clusters,
    reusable: tempfile::TempDir,
}

impl Stage {
    /// Blue is live. A change that says `sick as green` is not well there; as `production`, which all people reach, nowhere
    /// with traffic.
    fn set() -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        let manifest = example_file(
            "blue-green/kubernetes/shop.yaml",
            &[(":main", ":v1"), ("replicas: 3", "replicas: 1")],
        );
        let clusters = Clusters::none().with("shop", ("eu-west-1", "shop"), &manifest);
        let changes = shop.clone();
        let places = [
            ("production", ("shop", "shop")),
            ("blue", ("shop", "shop-blue")),
            ("green", ("shop", "shop-green")),
        ];
        let service = clusters.reached(&places, move |place, commit| {
            let change = changes.git(&["show", &format!("{commit}:src/main.py")]);
            !change.contains(&format!("sick as {place}"))
        });
        let (production, prometheus) = (service.url("/production"), prometheus().url(""));
        let idle = service.url("/{0}");
        let replacements = [
            ("https://shop.example.com", production.as_str()),
            ("https://{0}.shop.example.com", &idle),
            ("https://prometheus.example.com", &prometheus),
            ("for: 10m\n      interval: 30s", "for: 2s\n      interval: 1s"),
            ("after: 15m", "after: 1s"),
        ];
        let mut files = example("blue-green", &replacements);
        files.push(File::new("Dockerfile", "FROM scratch\n"));
        shop.commit("main", "Open the shop", &files);
        let reusable = reusable(&[("default: 2m", "default: 2s"), ("default: 10m", "default: 2s"), PATIENCE]);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, shop, slack, clusters, reusable }
    }

    fn happens(&self, event: &Event) -> Run {
        Runner::new(&self.github)
            .ours(self.reusable.path())
            .aws(&self.clusters.moto.endpoint())
            .secret("PROMETHEUS_TOKEN", "a-token-of-prometheus")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"))
            .runs(&self.shop, event)
    }

    fn push(&self, change: &str) -> Run {
        self.shop.commit("main", "Sell", &[File::new("src/main.py", format!("# {change}\n"))]);
        self.happens(&Event::push(&self.shop, "main"))
    }

    fn click(&self) -> Run {
        self.happens(&Event::dispatch(&self.shop, "emergency-rollback.yml", &json!({})))
    }

    fn live(&self) -> String {
        self.clusters.live("shop")
    }

    /// What runs for all people.
    fn version(&self) -> String {
        self.clusters.version("shop")
    }

    fn head(&self) -> String {
        self.shop.head("main").unwrap()
    }

    /// How many pods a colour is to have.
    fn size(&self, colour: &str) -> u64 {
        let deployment = self.clusters.cluster("shop").get("deployments", "shop", &format!("shop-{colour}"));
        deployment["spec"]["replicas"].as_u64().unwrap()
    }

    /// The Jobs that ran.
    fn jobs(&self) -> Vec<String> {
        let jobs = self.clusters.cluster("shop").all("jobs.batch", "shop");
        let names = jobs.iter().map(|job| job["metadata"]["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    fn has_run(&self, job: &str) -> bool {
        self.jobs().iter().any(|name| name.starts_with(job))
    }

    fn message(&self) -> String {
        self.slack.received().last().unwrap().body.clone()
    }
}

#[test]
fn the_idle_colour_gets_the_traffic_and_gives_it_back_on_one_click() {
    let stage = Stage::set();
    stage.push("well").ends("success");
    assert_eq!((stage.live().as_str(), stage.version()), ("green", stage.head()));
    assert!(stage.has_run("shop-snapshot") && stage.has_run("shop-migrations"), "{:?}", stage.jobs());
    assert!(!stage.has_run("shop-restore"));
    assert_eq!((stage.size("green"), stage.size("blue")), (1, 0));
    assert!(stage.message().contains("Succeeded in production"), "{}", stage.message());

    stage.click().ends("success");
    assert_eq!((stage.live().as_str(), stage.version().as_str()), ("blue", "v1"));
    assert_eq!(stage.size("blue"), 1);
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
    stage.clusters.is_clean("shop");
}

#[test]
fn an_idle_colour_that_is_not_well_never_gets_traffic() {
    let stage = Stage::set();
    let run = stage.push("sick as green");
    run.ends("failure").has_jobs(&[("deploy / notify", "success"), ("decommission", "skipped")]);
    assert_eq!((stage.live().as_str(), stage.version().as_str()), ("blue", "v1"));
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
    stage.clusters.is_clean("shop");
}

#[test]
fn an_idle_colour_that_does_not_start_takes_the_database_back_with_it() {
    let stage = Stage::set();
    let commit = stage.shop.commit("main", "Sell", &[File::new("src/main.py", "# crashes\n")]);
    let image = format!("ghcr.io/acme/shop:{commit}");
    stage.clusters.cluster("shop").image(&image).behaves(Behaviour::CrashLoop);
    let run = stage.happens(&Event::push(&stage.shop, "main"));
    run.ends("failure").has_jobs(&[("deploy / notify", "success"), ("decommission", "skipped")]);
    assert_eq!((stage.live().as_str(), stage.version().as_str()), ("blue", "v1"));
    assert!(stage.has_run("shop-restore"), "{:?}", stage.jobs());
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
    stage.clusters.is_clean("shop");
}

#[test]
fn a_colour_that_is_not_well_with_traffic_gives_it_back_and_the_next_one_recovers() {
    let stage = Stage::set();
    let run = stage.push("sick as production");
    run.ends("failure").has_jobs(&[("deploy / notify", "success"), ("decommission", "skipped")]);
    assert_eq!((stage.live().as_str(), stage.version().as_str()), ("blue", "v1"));
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
    assert!(!stage.has_run("shop-restore"), "{:?}", stage.jobs());

    let run = stage.push("mended");
    run.ends("success");
    assert_eq!((stage.live().as_str(), stage.version()), ("green", stage.head()));
    let told = &run.job("deploy / notify").step("Run $/actions/notify").printed;
    assert!(stage.message().contains("Recovered in production"), "{told} {}", stage.message());
    stage.clusters.is_clean("shop");
}
