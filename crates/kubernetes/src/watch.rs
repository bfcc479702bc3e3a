//! Watches that go on: <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, StreamExt as _, stream};
use http::Method;
use kube::api::WatchEvent;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::{
    Cluster, Error, Kind, Readable, Selector,
    call::{Call, Failed, Waiting},
    cluster::typed,
};

/// The longest that the server lets one watch stand. Then it is begun anew, where it ended.
const LONGEST: Duration = Duration::from_secs(15);
/// A watch that ends sooner is one that failed.
const SHORTEST: Duration = Duration::from_millis(500);

/// What is seen of the objects that are watched.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<K> {
    /// All that there are now: at first, and when the server had forgotten where we were. What is not among them is gone.
    All(Vec<K>),
    /// This one is new, or changed.
    Applied(K),
    /// This one is gone; it is in its last state.
    Deleted(K),
}

impl Cluster {
    /// Lists what is meant, then tells each change, for as long as the stream is read.
    ///
    /// It goes on over the end of a watch, a reset, a version that the server forgot, and what may pass; only when that
    /// has lasted for the patience of the setup, or what went wrong stays wrong, it tells the error and ends. A watch
    /// whose connection died without a word is noticed within the patience, too.
    pub fn watch<K: Readable>(
        &self,
        selector: &Selector,
    ) -> impl Stream<Item = Result<Seen<K>, Error>> + Send + Unpin + use<K> {
        let start = Watching {
            cluster: self.clone(),
            kind: Kind::of::<K>(),
            selector: selector.clone(),
            version: None,
            events: None,
            trouble: None,
        };
        Box::pin(stream::try_unfold(start, |mut watching| async move {
            let seen = watching.next().await?;
            Ok(Some((seen, watching)))
        }))
    }
}

type Events = Pin<Box<dyn Stream<Item = Result<WatchEvent<Value>, kube::Error>> + Send>>;

struct Watching {
    cluster: Cluster,
    kind: Kind,
    selector: Selector,
    /// Where we are; `None` when that is to be found out by a list.
    version: Option<String>,
    /// The watch that stands, and since when.
    events: Option<(Events, Instant)>,
    /// Since nothing good came.
    trouble: Option<Waiting>,
}

impl Watching {
    async fn next<K: Readable>(&mut self) -> Result<Seen<K>, Error> {
        loop {
            let Some(version) = self.version.clone() else {
                let listed = self.cluster.all_pages(&self.kind, &self.selector).await?;
                self.version = Some(listed.resource_version);
                return Ok(Seen::All(listed.items));
            };
            let silence = self.silence();
            let Some((events, since)) = &mut self.events else {
                self.begin(&version).await?;
                continue;
            };
            let event = timeout(silence, events.next()).await;
            // Where nothing happens it may stand for as long as it likes and tell nothing, not even a bookmark.
            let has_stood = since.elapsed() >= SHORTEST;
            if has_stood {
                self.trouble = None;
            }
            match event {
                Ok(Some(Ok(event))) => {
                    if let Some(seen) = self.take(event).await? {
                        return Ok(seen);
                    }
                }
                Ok(Some(Err(error))) => {
                    let failed = Failed::of_kube(&self.cluster.api, &self.call(&version), error);
                    self.recover(failed).await?;
                }
                // The server ends a watch when its time is over; one that is cut at once is no watch.
                Ok(None) if !has_stood => {
                    let why = format!("the watch of {} ends as soon as it begins", self.kind);
                    self.recover(Failed::passing(Error::could_not_tell(why))).await?;
                }
                Ok(None) | Err(_) => self.events = None,
            }
        }
    }

    async fn begin(&mut self, version: &str) -> Result<(), Error> {
        let call = self.call(version);
        let api = &self.cluster.api;
        match api.client.request_events::<Value>(call.raw_request()?).await {
            Ok(events) => self.events = Some((Box::pin(events), Instant::now())),
            Err(error) => {
                let failed = Failed::of_kube(api, &call, error);
                self.recover(failed).await?;
            }
        }
        Ok(())
    }

    async fn take<K: Readable>(&mut self, event: WatchEvent<Value>) -> Result<Option<Seen<K>>, Error> {
        let (seen, version) = match event {
            WatchEvent::Error(status) => {
                let version = self.version.clone().unwrap_or_default();
                let failed =
                    Failed::of_kube(&self.cluster.api, &self.call(&version), kube::Error::Api(status));
                self.recover(failed).await?;
                return Ok(None);
            }
            WatchEvent::Bookmark(bookmark) => (None, bookmark.metadata.resource_version),
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                let version = self.version_of(&object)?;
                (Some(Seen::Applied(typed(&self.kind, object)?)), version)
            }
            WatchEvent::Deleted(object) => {
                let version = self.version_of(&object)?;
                (Some(Seen::Deleted(typed(&self.kind, object)?)), version)
            }
        };
        self.version = Some(version);
        self.trouble = None;
        Ok(seen)
    }

    fn version_of(&self, object: &Value) -> Result<String, Error> {
        let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        version
            .map(str::to_owned)
            .ok_or_else(|| Error::unreadable(&self.kind, "an event without resourceVersion"))
    }

    /// Gets ready to go on after a failure, or tells it when there is no going on.
    async fn recover(&mut self, failed: Failed) -> Result<(), Error> {
        self.events = None;
        let is_forgotten = matches!(failed.error, Error::Gone { .. });
        if is_forgotten {
            self.version = None;
        }
        let patience = self.cluster.api.patience;
        let trouble = self.trouble.get_or_insert_with(|| Waiting::new(patience));
        if (failed.may_pass || is_forgotten) && trouble.wait(failed.asked).await {
            return Ok(());
        }
        Err(failed.error)
    }

    /// How long the server lets a watch stand.
    fn stands(&self) -> Duration {
        // Whole seconds, and more than what counts as no watch at all.
        LONGEST.min(self.cluster.api.patience / 2).max(Duration::from_secs(1))
    }

    /// How long a watch may say nothing: the server would have ended it long before. A firewall forgets connections
    /// without a word, and only HTTP/2 asks for signs of life.
    fn silence(&self) -> Duration {
        2 * self.stands()
    }

    fn call(&self, version: &str) -> Call {
        let call = Call::of(Method::GET, "watch", &self.kind, self.cluster.namespace())
            .with("watch", "true")
            .with("resourceVersion", version)
            .with("allowWatchBookmarks", "true")
            .with("timeoutSeconds", self.stands().as_secs().to_string());
        self.selector.apply(call)
    }
}
