//! What containers say.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use sluice_faulty_server::{Chunk, Request};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    Shared,
    script::Container,
    world::{Key, World},
};

/// A log that was asked for.
pub(crate) struct Following {
    container: Container,
    pod: Key,
    previous: bool,
    stamps: bool,
    tail: Option<usize>,
    since: Option<Timestamp>,
    cuts: u64,
}

impl Following {
    /// Fails with the API server's words.
    pub(crate) fn new(world: &World, request: &Request, pod: &Value) -> Result<Self, String> {
        let told =
            |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (namespace, name) = (told("/metadata/namespace"), told("/metadata/name"));
        if !world.script.has_kubelet {
            let node = told("/spec/nodeName");
            return Err(format!(
                "Get \"https://{node}:10250/containerLogs/{namespace}/{name}\": dial tcp: connect: connection refused"
            ));
        }
        let containers: Vec<&str> = pod["spec"]["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["name"].as_str())
            .collect();
        let container = match request.parameter("container") {
            Some(container) if containers.contains(&container.as_str()) => container,
            Some(container) => return Err(format!("container {container} is not valid for pod {name}")),
            None if containers.len() == 1 => containers[0].to_owned(),
            None => {
                return Err(format!(
                    "a container name must be specified for pod {name}, choose one of: [{}]",
                    containers.join(" ")
                ));
            }
        };
        let previous = request.is_set("previous");
        let statuses = pod["status"]["containerStatuses"].as_array();
        let status = statuses.and_then(|all| all.iter().find(|status| status["name"] == container.as_str()));
        let began = status.is_some_and(|status| {
            status["state"].get("running").is_some()
                || status["state"].get("terminated").is_some()
                || status["lastState"].get("terminated").is_some()
        });
        if !began {
            let reason = status
                .and_then(|status| status.pointer("/state/waiting/reason")?.as_str())
                .unwrap_or("ContainerCreating");
            return Err(format!("container {container:?} in pod {name:?} is waiting to start: {reason}"));
        }
        let key = (namespace.clone(), name.clone(), container.clone());
        if previous && !world.script.previous_logs.contains_key(&key) {
            return Err(format!("previous terminated container {container:?} in pod {name:?} not found"));
        }
        Ok(Self {
            pod: Key { group: String::new(), plural: "pods".to_owned(), namespace, name },
            container: key,
            previous,
            stamps: request.is_set("timestamps"),
            tail: request.parameter("tailLines").and_then(|lines| lines.parse().ok()),
            since: request.parameter("sinceTime").and_then(|time| time.parse().ok()),
            cuts: world.script.cuts.0,
        })
    }

    /// All that was said.
    pub(crate) fn so_far(&self, world: &World) -> String {
        let lines = self.lines(world);
        let skipped = self.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        lines[skipped..].concat()
    }

    fn lines(&self, world: &World) -> Vec<String> {
        let logs = if self.previous { &world.script.previous_logs } else { &world.script.logs };
        let said = logs.get(&self.container).map(Vec::as_slice).unwrap_or_default();
        let meant = said.iter().filter(|(time, _)| self.since.is_none_or(|since| *time >= since));
        meant
            .map(|(time, line)| if self.stamps { format!("{time:.9} {line}\n") } else { format!("{line}\n") })
            .collect()
    }

    /// Tells what is said until the container ends.
    pub(crate) async fn run(self, shared: Arc<Shared>, out: mpsc::UnboundedSender<Chunk>) {
        let mut changes = shared.world().changes();
        let mut told = None;
        loop {
            changes.borrow_and_update();
            let (lines, has_ended) = {
                let world = shared.world();
                if self.cuts != world.script.cuts.0 {
                    if world.script.cuts.1 {
                        let _ = out.send(Err(std::io::Error::other("the connection breaks")));
                    }
                    return;
                }
                let status = world.get(&self.pod).map(|pod| pod["status"]["containerStatuses"].clone());
                let has_ended = status.is_none_or(|all| {
                    all.as_array().into_iter().flatten().any(|status| {
                        status["name"] == self.container.2.as_str()
                            && status["state"].get("running").is_none()
                    })
                });
                (self.lines(&world), has_ended)
            };
            let from =
                *told.get_or_insert_with(|| self.tail.map_or(0, |tail| lines.len().saturating_sub(tail)));
            for line in lines.iter().skip(from) {
                if out.send(Ok(line.clone().into())).is_err() {
                    return;
                }
            }
            told = Some(lines.len().max(from));
            if has_ended || out.is_closed() {
                return;
            }
            let _ = timeout(Duration::from_millis(100), changes.changed()).await;
        }
    }
}
