//! Each EndpointSlice: where the pods of a Service answer.

use serde_json::{Value, json};

use super::{owner, pods, put, word};
use crate::world::{How, Key, World};

/// Brings the slice of each Service up to what its pods are now.
pub(super) fn step(world: &mut World) {
    let all_pods = world.every("pods");
    for (key, service) in world.every("services") {
        let Some(selector) = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())
        else {
            continue;
        };
        let mine =
            |pod: &Value| selector.iter().all(|(label, value)| pod["metadata"]["labels"][label] == *value);
        let endpoints: Vec<Value> = all_pods
            .iter()
            .filter(|(pod, object)| pod.namespace == key.namespace && mine(object))
            .filter(|(_, pod)| !word(pod, "/status/podIP").is_empty())
            .filter(|(_, pod)| !matches!(word(pod, "/status/phase"), "Succeeded" | "Failed"))
            .map(|(_, pod)| endpoint(pod))
            .collect();
        bring_up(world, &key, &service, &endpoints);
    }
}

fn endpoint(pod: &Value) -> Value {
    let (is_ready, is_going) = (pods::is_ready(pod), pods::is_going(pod));
    json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": is_ready && !is_going, "serving": is_ready, "terminating": is_going},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {
            "kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
        },
    })
}

fn bring_up(world: &mut World, key: &Key, service: &Value, endpoints: &[Value]) {
    let kind = world.kind_named("discovery.k8s.io/v1", "EndpointSlice").unwrap().clone();
    let slice = world
        .all(&kind, &key.namespace)
        .find(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == key.name.as_str());
    let ports: Vec<Value> = service["spec"]["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|port| {
            let number = port["targetPort"].as_i64().unwrap_or_else(|| port["port"].as_i64().unwrap_or(0));
            json!({"name": port["name"].as_str().unwrap_or_default(), "port": number, "protocol": port["protocol"]})
        })
        .collect();
    if let Some(mut slice) = slice.cloned() {
        let slice_key = Key::of(&kind, &key.namespace, word(&slice, "/metadata/name"));
        let (endpoints, ports) = (Value::from(endpoints), Value::from(ports));
        if slice["endpoints"] != endpoints || slice["ports"] != ports {
            slice["endpoints"] = endpoints;
            slice["ports"] = ports;
            put(world, &slice_key, &slice);
        }
    } else {
        let slice = json!({
            "metadata": {
                "generateName": format!("{}-", key.name),
                "labels": {
                    "kubernetes.io/service-name": key.name,
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
                "ownerReferences": owner(service),
            },
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
        });
        world
            .create(&kind, &key.namespace, &slice, How::controller(None))
            .unwrap_or_else(|reply| panic!("{reply:?}"));
    }
}
