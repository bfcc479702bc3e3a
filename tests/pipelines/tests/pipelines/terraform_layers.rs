//! The example `terraform-layers`: plans on a pull request, stages behind gates on main, drift on a schedule. Terraform and
//! the cost tool are scripts that write down what they are told.

use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository, Run as ToldRun};
use sluice_pipelines::{Event, Run, Runner, example};

use crate::around;

/// Plans what a folder holds; a folder that says `broken` can't be applied, one that says `drifted` is not as planned.
const TERRAFORM: &str = r#"#!/bin/sh
folder=${1#-chdir=} command=$2
shift 2
echo "$command $folder" >> "$TOLD"
case "$command $*" in
  plan*-detailed-exitcode*) ! grep -q drifted "$folder/main.tf" || exit 2 ;;
  plan*) sha256sum "$folder/main.tf" > "$folder/plan.tfplan" ;;
  show*) echo '{}' ;;
  apply*) sha256sum --check --status "$folder/plan.tfplan" && ! grep -q broken "$folder/main.tf" ;;
esac
"#;

const INFRACOST: &str = "#!/bin/sh\necho \"infracost $1 $*\" >> \"$TOLD\"\n";

struct Stage {
    github: GitHub,
    layers: Repository,
    slack: Server,
    told: tempfile::NamedTempFile,
}

impl Stage {
    fn set() -> Self {
        let github = GitHub::start();
        let layers = github.repository("acme/layers");
        let freeze = around(3);
        let freeze = [("from: \"Fri 15:00\", until: \"Mon 07:00\"", freeze.as_str())];
        let head = layers.commit("main", "Begin", &example("terraform-layers", &freeze));
        // All of it is applied already.
        layers.run(ToldRun { workflow: "terraform.yml".to_owned(), ..ToldRun::success("main", &head) });
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, layers, slack, told: tempfile::NamedTempFile::new().unwrap() }
    }

    fn happens(&self, event: &Event) -> Run {
        std::fs::write(self.told.path(), "").unwrap();
        Runner::new(&self.github)
            .tool("terraform", TERRAFORM)
            .tool("infracost", INFRACOST)
            .machine("TOLD", &self.told.path().to_string_lossy())
            .aws("http://127.0.0.1:9")
            .secret("INFRACOST_API_KEY", "a-key-of-the-cost-tool")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"))
            .runs(&self.layers, event)
    }

    /// What Terraform and the cost tool were told to do, but `init`; folders without what all begin with.
    fn told(&self) -> Vec<String> {
        let told = std::fs::read_to_string(self.told.path()).unwrap();
        let lines = told.lines().filter(|line| !line.starts_with("init"));
        lines.map(|line| line.replace("regions/", "").replace("layers/", "")).collect()
    }

    fn did(&self, command: &str) -> Vec<String> {
        let of = self.told().into_iter();
        let mut of: Vec<_> =
            of.filter_map(|line| Some(line.strip_prefix(command)?.trim().to_owned())).collect();
        // Cells of one layer go on at the same time.
        of.sort();
        of
    }

    /// A pull request that changes one file, and its number.
    fn propose(&self, branch: &str, path: &str, content: &str) -> u64 {
        self.layers.branch(branch, &self.layers.head("main").unwrap());
        self.layers.commit(branch, "Change", &[File::new(path, content)]);
        self.layers.open_pull("octocat", branch, "main", None)
    }

    fn merges(&self, pull: u64) -> Run {
        self.layers.merge(pull);
        self.happens(&Event::push(&self.layers, "main"))
    }

    fn message(&self) -> String {
        self.slack.received().last().expect("a message").body.clone()
    }
}

const DEV: &str = "regions/eu-west-1/layers/01-foundation/dev/main.tf";
const PRODUCTION: &str = "regions/us-east-1/layers/04-applications/production/clients/acme/main.tf";

const DEV_CELLS: [&str; 4] = [
    "eu-west-1/01-foundation/dev",
    "eu-west-1/02-platform/dev",
    "eu-west-1/03-databases/dev/clients/acme",
    "eu-west-1/04-applications/dev/clients/acme",
];

#[test]
fn a_change_of_a_layer_is_planned_costed_and_applied_in_stages() {
    let stage = Stage::set();
    let pull = stage.propose("wider", DEV, "# wider\n");
    let run = stage.happens(&Event::pull_request(&stage.layers, pull, "opened"));
    run.ends("success");
    assert_eq!(stage.did("plan"), DEV_CELLS);
    assert!(stage.did("apply").is_empty(), "{:?}", stage.told());
    let comments = stage.did("infracost comment");
    assert_eq!(comments.len(), 4);
    assert!(comments[0].contains(&format!("--pull-request={pull}")), "{comments:?}");

    let run = stage.merges(pull);
    run.ends("success");
    assert_eq!(stage.did("apply"), DEV_CELLS);
    let layer = |name: &str| {
        let told = stage.told();
        told.iter().position(|line| line.starts_with("apply") && line.contains(name)).unwrap()
    };
    assert!(layer("01-") < layer("02-").min(layer("03-")) && layer("02-").max(layer("03-")) < layer("04-"));
    assert!(run.told["roles"].to_string().contains("terraform-dev-apply"), "{}", run.told["roles"]);
    assert_eq!(stage.slack.received().len(), 4, "each cell tells how it went");
}

#[test]
fn production_is_applied_when_two_have_approved_it() {
    let stage = Stage::set();
    let pull = stage.propose("alone", PRODUCTION, "# alone\n");
    let run = stage.merges(pull);
    run.ends("failure");
    assert!(stage.did("apply").is_empty(), "{:?}", stage.told());
    assert!(stage.message().contains("approv"), "{}", stage.message());

    let pull = stage.propose("together", PRODUCTION, "# together\n");
    let head = stage.layers.head("together").unwrap();
    stage.layers.review(pull, "hubot", "APPROVED", &head);
    stage.layers.review(pull, "monalisa", "APPROVED", &head);
    stage.merges(pull).ends("success");
    assert_eq!(stage.did("apply"), ["us-east-1/04-applications/production/clients/acme"]);
}

#[test]
fn what_fails_in_one_layer_stops_those_after_it_and_the_next_push_makes_up_for_it() {
    let stage = Stage::set();
    let pull = stage.propose("wrong", DEV, "# broken\n");
    stage.merges(pull).ends("failure");
    assert_eq!(stage.did("apply"), DEV_CELLS[..1]);
    assert!(stage.message().contains("Failed"), "{}", stage.message());

    let pull = stage.propose("right", DEV, "# mended\n");
    stage.merges(pull).ends("success");
    assert_eq!(stage.did("apply"), DEV_CELLS);
}

#[test]
fn drift_is_told() {
    let stage = Stage::set();
    let nightly = Event::schedule(&stage.layers, "17 5 * * 1-5");
    stage.happens(&nightly).ends("success");
    assert_eq!(stage.did("plan").len(), 14, "every cell is looked at");
    stage.layers.commit("main", "Pretend", &[File::new(PRODUCTION, "# drifted\n")]);
    let nightly = Event::schedule(&stage.layers, "17 5 * * 1-5");
    stage.happens(&nightly).ends("failure");
    assert!(stage.message().contains("Failed"), "{}", stage.message());
}
