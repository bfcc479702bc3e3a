//! What is served, as the API tells it: plainly, or all at once.

use serde_json::{Value, json};
use sluice_faulty_server::{Reply, Request};

use crate::{kinds::Kind, world::World};

/// Answers what is about the API itself.
pub(crate) fn answer(world: &World, request: &Request, segments: &[&str]) -> Option<Reply> {
    let accepts = request.header("accept").unwrap_or_default();
    let is_aggregated = world.is_aggregated && accepts.contains("as=APIGroupDiscoveryList");
    let reply = match segments {
        ["version"] => version(),
        ["api"] if is_aggregated => return Some(aggregated(world, true)),
        ["apis"] if is_aggregated => return Some(aggregated(world, false)),
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
        }),
        ["apis"] => groups(world),
        ["api", version] => return Some(resources(world, "", version)),
        ["apis", group, version] => return Some(resources(world, group, version)),
        _ => return None,
    };
    Some(Reply::json(200, &reply))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": "v1.36.1",
        "gitCommit": "0000000000000000000000000000000000000000", "gitTreeState": "clean",
        "buildDate": "2026-05-12T10:00:00Z", "goVersion": "go1.26.2", "compiler": "gc", "platform": "linux/amd64",
    })
}

/// Groups with their versions, in the order in which they came.
fn by_group(world: &World) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for kind in &world.kinds {
        match groups.iter_mut().find(|(group, _)| *group == kind.group) {
            None => groups.push((&kind.group, vec![&kind.version])),
            Some((_, versions)) if !versions.contains(&kind.version.as_str()) => versions.push(&kind.version),
            Some(_) => {}
        }
    }
    groups
}

fn groups(world: &World) -> Value {
    let told: Vec<Value> = by_group(world)
        .into_iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
                .collect();
            json!({"name": group, "versions": versions, "preferredVersion": versions[0]})
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": told})
}

fn of_version<'a>(world: &'a World, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Kind> {
    world.kinds.iter().filter(move |kind| kind.group == group && kind.version == version)
}

fn resources(world: &World, group: &str, version: &str) -> Reply {
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    if world.unavailable.contains(&api_version) {
        return Reply::text(503, "service unavailable\n");
    }
    let resources: Vec<Value> = of_version(world, group, version).flat_map(Kind::listed).collect();
    if resources.is_empty() {
        return Reply::text(404, "404 page not found\n");
    }
    let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources});
    Reply::json(200, &list)
}

fn aggregated(world: &World, is_core: bool) -> Reply {
    let items: Vec<Value> = by_group(world)
        .into_iter()
        .filter(|(group, _)| group.is_empty() == is_core)
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .into_iter()
                .map(|version| {
                    let is_stale = world.unavailable.contains(&format!("{group}/{version}"));
                    let resources: Vec<Value> =
                        of_version(world, group, version).map(Kind::aggregated).collect();
                    json!({
                        "version": version,
                        "resources": if is_stale { Vec::new() } else { resources },
                        "freshness": if is_stale { "Stale" } else { "Current" },
                    })
                })
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    let mut reply = Reply::json(200, &list);
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        .clone_into(&mut reply.headers[0].1);
    reply
}
