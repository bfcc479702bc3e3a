//! The example `blue-green`: the idle colour is deployed and looked at, then gets the traffic, and gives it back.
//!
//! The colours are files, and `rollout` is a script that writes to them: one says which colour is live. The checks, the
//! bake and the messages are our own.

use serde_json::json;
use sluice_end_to_end::Server;
use sluice_github_fake::{File, GitHub, Repository};
use sluice_pipelines::{Event, Run, Runner, example, reusable};

use crate::clusters::Clusters;

const ROLLOUT: &str = r#"#!/bin/sh
set -eu
command=$(/usr/bin/printenv INPUT_COMMAND || true)
live=$(/bin/cat COLOURS/live)
[ "$live" = blue ] && idle=green || idle=blue
before=$(/bin/cat "COLOURS/$idle")
echo "${command:-deploy}" >> COLOURS/done
case "${command:-deploy}" in
  resume | decommission) exit 0 ;;
  deploy)
    /usr/bin/printenv INPUT_IMAGE > "COLOURS/$idle"
    echo "$before" > "$(/usr/bin/printenv INPUT_RECORD)"
    echo "record=$(/usr/bin/printenv INPUT_RECORD)" >> "$GITHUB_OUTPUT"
    ;;
  undo) /bin/cp "$(/usr/bin/printenv INPUT_RECORD)" "COLOURS/$idle" ;;
  switch)
    if [ "$(/usr/bin/printenv INPUT_BACK || true)" = true ]; then command=undo; fi
    echo "$idle" > COLOURS/live
    live=$idle
    echo "live=$idle" >> "$GITHUB_OUTPUT"
    ;;
esac
echo "idle=$idle" >> "$GITHUB_OUTPUT"
tagged=$(/usr/bin/cut -d@ -f1 "COLOURS/$live")
echo "version=${tagged##*:}" >> "$GITHUB_OUTPUT"
/bin/mkdir -p "$RUNNER_TEMP/sluice"
/usr/bin/jq -n --arg command "${command:-deploy}" '
  {schema: 1, action: "rollout", command: $command, verdict: "passed", title: "done",
   facts: [{name: "environment", value: "production"}], started_at: (now | todate), duration: 0}
' > "$RUNNER_TEMP/sluice/$(/bin/date -u +%Y%m%dT%H%M%S%3N)-01-rollout.json"
"#;

struct Stage {
    github: GitHub,
    shop: Repository,
    slack: Server,
    colours: Clusters,
    reusable: tempfile::TempDir,
}

impl Stage {
    /// Blue is live; what is not well answers so below these names: a colour, or `production`, which all people reach.
    fn set(sick: &'static [&'static str]) -> Self {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        let colours = Clusters::of(&["blue", "green"], "ghcr.io/acme/shop");
        colours.write("live", "blue\n");
        let service = colours.service(|name, _| !sick.contains(&name));
        let (production, prometheus) = (service.url("/production"), Clusters::prometheus().url(""));
        let idle = service.url("/{0}");
        let replacements = [
            ("https://shop.example.com", production.as_str()),
            ("https://{0}.shop.example.com", &idle),
            ("https://prometheus.example.com", &prometheus),
            ("for: 10m\n      interval: 30s", "for: 2s\n      interval: 1s"),
        ];
        let mut files = example("blue-green", &replacements);
        files.push(File::new("Dockerfile", "FROM scratch\n"));
        shop.commit("main", "Open the shop", &files);
        let reusable = reusable(&[("default: 2m", "default: 2s"), ("default: 10m", "default: 2s")]);
        let slack = Server::answering(|_| (200, "ok".to_owned()));
        Self { github, shop, slack, colours, reusable }
    }

    fn happens(&self, event: &Event) -> Run {
        Runner::new(&self.github)
            .ours(self.reusable.path())
            .instead_of("rollout", &self.colours.script(ROLLOUT, "COLOURS"))
            .aws("http://127.0.0.1:9")
            .secret("PROMETHEUS_TOKEN", "a-token-of-prometheus")
            .secret("SLACK_WEBHOOK_URL", &self.slack.url("/services/T0/B0/sEcReT"))
            .runs(&self.shop, event)
    }

    fn push(&self) -> Run {
        self.happens(&Event::push(&self.shop, "main"))
    }

    /// What the script was told to do.
    fn did(&self) -> String {
        self.colours.read("done").replace('\n', " ")
    }

    fn message(&self) -> String {
        self.slack.received().last().unwrap().body.clone()
    }
}

#[test]
fn the_idle_colour_gets_the_traffic_and_gives_it_back_on_one_click() {
    let stage = Stage::set(&[]);
    stage.push().ends("success");
    assert_eq!(stage.colours.read("live").trim(), "green");
    assert_eq!(stage.did(), "resume deploy switch decommission ");
    assert!(stage.message().contains("Succeeded in production"), "{}", stage.message());

    let event = Event::dispatch(&stage.shop, "emergency-rollback.yml", &json!({}));
    stage.happens(&event).ends("success");
    assert_eq!(stage.colours.read("live").trim(), "blue");
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
}

#[test]
fn an_idle_colour_that_is_not_well_never_gets_traffic() {
    let stage = Stage::set(&["green"]);
    stage.push().ends("failure").has_jobs(&[("deploy / notify", "success"), ("decommission", "skipped")]);
    assert_eq!(stage.colours.read("live").trim(), "blue");
    assert_eq!(stage.colours.version("green"), "v1");
    assert_eq!(stage.did(), "resume deploy undo ");
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
}

#[test]
fn a_colour_that_is_not_well_with_traffic_gives_it_back() {
    let stage = Stage::set(&["production"]);
    stage.push().ends("failure").has_jobs(&[("deploy / notify", "success"), ("decommission", "skipped")]);
    assert_eq!(stage.colours.read("live").trim(), "blue");
    assert_eq!(stage.did(), "resume deploy switch switch ");
    assert!(stage.message().contains("olled back in production"), "{}", stage.message());
}
