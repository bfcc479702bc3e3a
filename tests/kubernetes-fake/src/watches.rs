//! Watches: <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_faulty_server::{Chunk, Reply, Request};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    Shared,
    kinds::Kind,
    record::record,
    reply::KubernetesReply as _,
    rest::shown,
    selector::Selector,
    world::{Event, World},
};

/// A watch that was asked for.
pub(crate) struct Watch {
    request: Request,
    kind: Kind,
    namespace: String,
    selector: Selector,
    /// What was seen up to here.
    seen: u64,
    bookmarks: bool,
    until: Instant,
    /// How often watches had been cut when it began.
    cuts: u64,
}

/// How often bookmarks come.
const BOOKMARKS: Duration = Duration::from_mins(1);
/// How often it is looked whether the client is still there.
const LOOK: Duration = Duration::from_millis(500);

impl Watch {
    pub(crate) fn new(
        world: &World,
        kind: &Kind,
        namespace: &str,
        selector: Selector,
        request: &Request,
    ) -> Self {
        let seen = request.parameter("resourceVersion").and_then(|version| version.parse().ok());
        let seconds =
            request.parameter("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(1800);
        Self {
            request: request.clone(),
            kind: kind.clone(),
            namespace: namespace.to_owned(),
            selector,
            seen: seen.unwrap_or_else(|| world.version()),
            bookmarks: request.is_set("allowWatchBookmarks"),
            until: Instant::now() + Duration::from_secs(seconds),
            cuts: world.script.cuts.0,
        }
    }

    /// Tells what happens until it ends.
    pub(crate) async fn run(mut self, shared: Arc<Shared>, out: mpsc::UnboundedSender<Chunk>) {
        let mut changes = shared.world().changes();
        let mut bookmarked = Instant::now();
        loop {
            changes.borrow_and_update();
            let mut events = Vec::new();
            {
                let world = shared.world();
                if self.cuts != world.script.cuts.0 {
                    if world.script.cuts.1 {
                        let _ = out.send(Err(std::io::Error::other("the connection breaks")));
                    }
                    return;
                }
                if self.seen < world.forgotten {
                    let message = format!("too old resource version: {} ({})", self.seen, world.forgotten);
                    let status: Value =
                        serde_json::from_slice(&Reply::refusal(410, "Expired", &message).body).unwrap();
                    let _ = out.send(Ok(self.line("ERROR", status)));
                    return;
                }
                let news = world.history.partition_point(|event| event.version <= self.seen);
                for event in &world.history[news..] {
                    events.extend(self.told(event));
                }
                self.seen = world.version();
            }
            for (what, object) in events {
                if out.send(Ok(self.line(what, object))).is_err() {
                    return;
                }
            }
            if self.bookmarks && bookmarked.elapsed() > BOOKMARKS {
                bookmarked = Instant::now();
                let object = json!({"metadata": {"resourceVersion": self.seen.to_string(), "creationTimestamp": null}});
                if out.send(Ok(self.line("BOOKMARK", object))).is_err() {
                    return;
                }
            }
            if Instant::now() >= self.until || out.is_closed() {
                return;
            }
            let _ =
                timeout(LOOK.min(self.until.saturating_duration_since(Instant::now())), changes.changed())
                    .await;
        }
    }

    /// How an event looks from here: an object that comes to be meant is new, one that is meant no more is gone.
    fn told(&self, event: &Event) -> Option<(&'static str, Value)> {
        let (group, plural) = self.kind.storage();
        let is_mine = event.key.group == group
            && event.key.plural == plural
            && (self.namespace.is_empty() || self.namespace == event.key.namespace);
        if !is_mine {
            return None;
        }
        let meant = |object: &Option<Value>| object.clone().filter(|object| self.selector.matches(object));
        match (meant(&event.before), meant(&event.after)) {
            (None, Some(after)) => Some(("ADDED", after)),
            (Some(_), Some(after)) => Some(("MODIFIED", after)),
            (Some(mut before), None) => {
                before["metadata"]["resourceVersion"] = event.version.to_string().into();
                Some(("DELETED", before))
            }
            (None, None) => None,
        }
    }

    fn line(&self, what: &str, object: Value) -> Bytes {
        let object = if what == "ERROR" { object } else { shown(&self.kind, object) };
        if what != "BOOKMARK" {
            record(&self.request, 200, &object);
        }
        format!("{}\n", json!({"type": what, "object": object})).into()
    }
}
