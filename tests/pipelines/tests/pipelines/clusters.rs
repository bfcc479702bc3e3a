//! Clusters that are files: each holds the image that runs there. `rollout` is a script that writes to them.

use serde_json::json;
use sluice_end_to_end::Server;

/// `deploy`, `undo` and `resume`, of one image in one cluster. A container action has no `PATH`, so programs have theirs.
const ROLLOUT: &str = r#"#!/bin/sh
set -eu
environment=$(/usr/bin/printenv INPUT_ENVIRONMENT)
command=$(/usr/bin/printenv INPUT_COMMAND || true)
# Nothing is left by a run before.
[ "$command" != resume ] || exit 0
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
tag=${image%@*}
echo "version=${tag##*:}" >> "$GITHUB_OUTPUT"
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
"#;

/// Clusters, and what runs in them.
pub(crate) struct Clusters {
    folder: tempfile::TempDir,
}

impl Clusters {
    /// Clusters of these names, which run `v1` of an image.
    pub(crate) fn of(names: &[&str], image: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), format!("{image}:v1@sha256:{}", "1".repeat(64)))
                .unwrap();
        }
        Self { folder }
    }

    /// The script that stands in for `rollout`.
    pub(crate) fn rollout(&self) -> String {
        self.script(ROLLOUT, "CLUSTERS")
    }

    /// A script that finds them where this word stands.
    pub(crate) fn script(&self, script: &str, word: &str) -> String {
        script.replace(word, &self.folder.path().to_string_lossy())
    }

    /// Writes a file beside them.
    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The tag of the image that runs in a cluster.
    pub(crate) fn version(&self, name: &str) -> String {
        version(&self.folder.path().join(name))
    }

    /// What runs, as it answers below the name of its cluster; `v1` is well, others as they are said to be. Below
    /// `production` answers the one that is `live`.
    pub(crate) fn service(&self, is_well: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Server {
        let folder = self.folder.path().to_owned();
        Server::answering(move |request| {
            let mut parts = request.target.split('/').skip(1);
            let (name, page) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let live = std::fs::read_to_string(folder.join("live")).unwrap_or_default();
            let tag = version(&folder.join(if name == "production" { live.trim() } else { name }));
            match page {
                "version" => (200, json!({"version": tag}).to_string()),
                _ if tag == "v1" || is_well(name, &tag) => (200, json!({"status": "UP"}).to_string()),
                _ => (503, json!({"status": "DOWN"}).to_string()),
            }
        })
    }

    /// Prometheus, which saw a hundred requests and no error.
    pub(crate) fn prometheus() -> Server {
        Server::answering(|request| {
            let value = if request.target.contains("5..") { "0" } else { "100" };
            let result = json!([{"metric": {}, "value": [0, value]}]);
            (
                200,
                json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string(),
            )
        })
    }
}

fn version(cluster: &std::path::Path) -> String {
    let image = std::fs::read_to_string(cluster).unwrap();
    let tagged = image.split('@').next().unwrap_or_default();
    tagged.rsplit(':').next().unwrap_or_default().to_owned()
}
