//! What containers say.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, Stream, stream};
use http::Method;
use jiff::Timestamp;

use crate::{
    Cluster, Error, Kind,
    call::{Call, Failed, Waiting},
};

/// Which part of a log is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// How many lines, counted from the end.
    pub tail: u32,
    /// Whether that of the container's run before this one is meant: the one that crashed.
    pub previous: bool,
}

/// No more of a log than this is read at once, in bytes.
const LIMIT: u32 = 1 << 20;
/// A line that goes on for longer, in bytes, is told in pieces: a container may never end one.
const LONGEST_LINE: u64 = 64 << 10;
/// For a log that can't be had now, no one waits long: it explains, and decides nothing.
const PATIENCE: Duration = Duration::from_secs(5);

impl Cluster {
    /// The end of a container's log. The container may be left out where the pod has only one.
    pub async fn log(&self, pod: &str, container: Option<&str>, what: Log) -> Result<Bytes, Error> {
        let call = self
            .log_call(pod, container)
            .with("tailLines", what.tail.to_string())
            .with("limitBytes", LIMIT.to_string())
            .with("previous", what.previous.to_string())
            .patience(PATIENCE.min(self.api.patience));
        self.api.read_bytes(&call).await
    }

    /// A container's log, line by line without their ends, from its beginning until the container ends. A line of more
    /// than 64 KiB comes in pieces.
    ///
    /// A connection that breaks is taken up again where it broke.
    pub fn follow(
        &self,
        pod: &str,
        container: Option<&str>,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + use<> {
        let call = self.log_call(pod, container).with("follow", "true").with("timestamps", "true");
        let start = Following {
            cluster: self.clone(),
            call,
            lines: None,
            last: None,
            resumed_after: None,
            trouble: None,
        };
        Box::pin(stream::try_unfold(start, |mut following| async move {
            Ok(following.next().await?.map(|line| (line, following)))
        }))
    }

    fn log_call(&self, pod: &str, container: Option<&str>) -> Call {
        let pods = Kind::namespaced("", "v1", "Pod", "pods");
        let call =
            Call::of(Method::GET, "get", &pods, self.namespace()).named(pod).subresource("log").accept("*/*");
        container.map_or(call.clone(), |container| call.with("container", container))
    }
}

struct Following {
    cluster: Cluster,
    call: Call,
    lines: Option<Pin<Box<dyn AsyncBufRead + Send>>>,
    /// When the last line was written, by its own stamp.
    last: Option<Timestamp>,
    /// Up to where the connections before this one have told it.
    resumed_after: Option<Timestamp>,
    trouble: Option<Waiting>,
}

impl Following {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(lines) = &mut self.lines else {
                self.begin().await?;
                continue;
            };
            let mut line = Vec::new();
            match lines.take(LONGEST_LINE).read_until(b'\n', &mut line).await {
                Ok(0) => return Ok(None),
                Ok(_) => {
                    self.trouble = None;
                    if let Some(line) = self.unstamped(&line) {
                        return Ok(Some(line));
                    }
                }
                Err(error) => {
                    self.lines = None;
                    let failed =
                        Failed::of_kube(&self.cluster.api, &self.call, kube::Error::ReadEvents(error));
                    self.recover(failed).await?;
                }
            }
        }
    }

    /// The line without its stamp; nothing when it was told before the connection broke.
    fn unstamped(&mut self, line: &[u8]) -> Option<Bytes> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let stamp = std::str::from_utf8(&line[..end]).ok().and_then(|stamp| stamp.parse::<Timestamp>().ok());
        let Some(stamp) = stamp else { return Some(Bytes::copy_from_slice(line)) };
        if self.resumed_after.is_some_and(|told| stamp <= told) {
            return None;
        }
        self.last = Some(stamp);
        Some(Bytes::copy_from_slice(line.get(end + 1..).unwrap_or_default()))
    }
}

impl Following {
    async fn begin(&mut self) -> Result<(), Error> {
        self.resumed_after = self.last;
        let mut call = self.call.clone();
        if let Some(last) = self.last {
            // To the second: what was told within it is left out here.
            call = call.with("sinceTime", last.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
        let api = &self.cluster.api;
        match api.client.request_stream(call.raw_request()?).await {
            Ok(lines) => self.lines = Some(Box::pin(lines)),
            Err(error) => {
                let failed = Failed::of_kube(api, &call, error);
                self.recover(failed).await?;
            }
        }
        Ok(())
    }

    async fn recover(&mut self, failed: Failed) -> Result<(), Error> {
        let patience = self.cluster.api.patience;
        let trouble = self.trouble.get_or_insert_with(|| Waiting::new(patience));
        if failed.may_pass && trouble.wait(failed.asked).await {
            return Ok(());
        }
        Err(failed.error)
    }
}
