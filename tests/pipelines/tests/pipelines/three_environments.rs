//! The example `eks-three-environments`, as far as staging: its gate of production looks at ECR and EKS.
//!
//! The clusters are files, `rollout` and `backup` scripts, and so are `make` and `docker` (the tests and the load of the
//! application). The checks, the bake, the way back and the messages are our own.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_pipelines::{Event, Run, Runner, example, reusable};

use crate::clusters::Clusters;

const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop";

const BACKUP: &str = "#!/bin/sh\necho location=s3://backups/1 >> \"$GITHUB_OUTPUT\"\n";

struct Stage {
    github: GitHub,
    shop: Repository,
    slack: Server,
    clusters: Clusters,
    /// Commits whose images are not well.
    broken: Arc<Mutex<BTreeSet<String>>>,
    reusable: tempfile::TempDir,
}

impl Stage {
    fn set() -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        let clusters = Clusters::of(&["dev", "staging"], IMAGE);
        let broken = Arc::new(Mutex::new(BTreeSet::new()));
        let bad = Arc::clone(&broken);
        let service = clusters.service(move |_, tag| !bad.lock().unwrap().contains(tag));
        let (dev, staging) = (service.url("/dev"), service.url("/staging"));
        let prometheus = Clusters::prometheus().url("");
        let replacements = [
            ("https://dev.shop.example.com", dev.as_str()),
            ("https://staging.shop.example.com", &staging),
            ("https://prometheus.example.com", &prometheus),
            ("for: 2m\n      interval: 15s", "for: 2s\n      interval: 1s"),
        ];
        let mut files = example("eks-three-environments", &replacements);
        files.push(File::new("Dockerfile", "FROM scratch\n"));
        let begin = shop.commit("main", "Open the shop", &files);
        shop.branch("develop", &begin);
        shop.branch("staging", &begin);
        let reusable = reusable(&[("default: 2m", "default: 2s"), ("default: 10m", "default: 2s")]);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, shop, slack, clusters, broken, reusable }
    }

    /// A change of a branch, which its cluster finds well or not.
    fn push(&self, branch: &str, is_well: bool, tests: &str) -> (String, Run) {
        let file = File::new("src/main.py", format!("# {is_well}, {tests}\n"));
        let commit = self.shop.commit(branch, "Sell", &[file]);
        if !is_well {
            self.broken.lock().unwrap().insert(commit.clone());
        }
        let runner = Runner::new(&self.github)
            .ours(self.reusable.path())
            .instead_of("rollout", &self.clusters.rollout())
            .instead_of("backup", BACKUP)
            .tool("make", &format!("#!/bin/sh\n{tests}\n"))
            .tool("docker", "#!/bin/sh\n")
            .aws("http://127.0.0.1:9")
            .secret("PROMETHEUS_TOKEN", "a-token-of-prometheus")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"));
        (commit, runner.runs(&self.shop, &Event::push(&self.shop, branch)))
    }

    fn message(&self) -> String {
        self.slack.received().last().unwrap().body.clone()
    }
}

#[test]
fn develop_goes_to_dev_and_back_when_it_is_not_well() {
    let stage = Stage::set();
    let (well, run) = stage.push("develop", true, "true");
    run.ends("success").has_jobs(&[
        ("deploy / deploy", "success"),
        ("integration", "skipped"),
        ("rollback", "skipped"),
    ]);
    assert_eq!(stage.clusters.version("dev"), well);
    assert!(run.told["roles"].to_string().contains("shop-deploy-dev"));

    let (_, run) = stage.push("develop", false, "true");
    run.ends("failure").has_jobs(&[("deploy / deploy", "failure"), ("deploy / notify", "success")]);
    assert_eq!(stage.clusters.version("dev"), well);
    assert!(stage.message().contains("olled back in dev"), "{}", stage.message());

    let (mended, run) = stage.push("develop", true, "true");
    run.ends("success");
    assert_eq!(stage.clusters.version("dev"), mended);
    assert!(stage.message().contains("Recovered in dev"), "{}", stage.message());
}

#[test]
fn staging_is_backed_up_tested_baked_and_taken_back_when_its_tests_fail() {
    let stage = Stage::set();
    let (well, run) = stage.push("staging", true, "true");
    run.ends("success").has_jobs(&[("integration", "success"), ("load", "success"), ("bake", "success")]);
    assert_eq!(stage.clusters.version("staging"), well);
    assert!(run.job("deploy / deploy").outputs["backup"].starts_with("s3://"), "{}", run.trace());

    let (_, run) = stage.push("staging", true, "false");
    run.ends("failure").has_jobs(&[
        ("deploy / deploy", "success"),
        ("integration", "failure"),
        ("bake", "skipped"),
        ("rollback / rollback", "success"),
    ]);
    assert_eq!(stage.clusters.version("staging"), well);
    assert!(stage.message().contains("olled back in staging"), "{}", stage.message());
}
