//! Reading a body: within its limits, out of its encoding.

use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout_at;

use crate::{BodyLimit, Clock, Error, Phase, Request, Url, check_size};

/// A body that was read, to its end or to a limit.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    /// All bytes that were seen, also those that were not kept.
    pub(crate) size: u64,
    pub(crate) truncated: bool,
    pub(crate) trailers: HeaderMap,
}

/// Reads the body of an answer from `url` to `request`.
pub(crate) async fn read(
    request: &Request,
    url: &Url,
    headers: &HeaderMap,
    mut body: Incoming,
    clock: &Clock,
) -> Result<Body, Error> {
    let mut kept = Kept::new(request.body_limit, request.count_to);
    let mut gunzip = (request.gzip && is_gzip(headers)).then(Gunzip::default);
    let mut trailers = HeaderMap::new();
    loop {
        let Ok(frame) = timeout_at(clock.deadline, body.frame()).await else {
            return Err(clock.ran_out(url, Phase::Body));
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| Error::of_transport(url, &error))?;
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                if let Ok(found) = frame.into_trailers() {
                    check_size(url, &found)?;
                    trailers = found;
                }
                continue;
            }
        };
        let wants_more = match &mut gunzip {
            Some(gunzip) => gunzip.take(&data, &mut kept),
            None => Ok(kept.take(&data)),
        };
        let wants_more =
            wants_more.map_err(|why| Error::Encoding { origin: url.origin(), why: why.to_owned() })?;
        if !wants_more {
            return kept.end(url, true, trailers);
        }
    }
    if gunzip.is_some_and(|gunzip| gunzip.is_cut_short()) {
        return Err(Error::Encoding { origin: url.origin(), why: "it is cut short".to_owned() });
    }
    kept.end(url, false, trailers)
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.3>
fn is_gzip(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let is_gzip = |value: &[u8]| value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip");
    encodings.next().is_some_and(|value| is_gzip(value.as_bytes())) && encodings.next().is_none()
}

/// What is kept of a body, and how much of it there was.
struct Kept {
    limit: BodyLimit,
    /// How far bytes are counted that are not kept.
    count_to: u64,
    bytes: BytesMut,
    size: u64,
}

impl Kept {
    fn new(limit: BodyLimit, count_to: u64) -> Self {
        Self { limit, count_to, bytes: BytesMut::new(), size: 0 }
    }

    /// Takes bytes in; whether more are wanted.
    fn take(&mut self, data: &[u8]) -> bool {
        let room = self.limit.bytes() - self.bytes.len();
        self.bytes.extend_from_slice(&data[..data.len().min(room)]);
        self.size += data.len() as u64;
        self.size <= self.count_to.max(self.limit.bytes() as u64)
    }

    fn end(self, url: &Url, is_cut: bool, trailers: HeaderMap) -> Result<Body, Error> {
        let truncated = self.size > self.bytes.len() as u64;
        match self.limit {
            BodyLimit::Fail(limit) if truncated || is_cut => {
                Err(Error::BodyTooLarge { origin: url.origin(), limit })
            }
            _ => Ok(Body {
                bytes: self.bytes.freeze(),
                size: self.size,
                truncated: truncated || is_cut,
                trailers,
            }),
        }
    }
}

/// Undoes gzip a piece at a time, so that a small answer can't become a large one in memory.
#[derive(Default)]
struct Gunzip {
    /// The member that is being read; none before the first byte and between members.
    member: Option<Box<Decompress>>,
}

/// The window of deflate: 32 KiB (<https://www.rfc-editor.org/rfc/rfc1951#section-2>).
const WINDOW_BITS: u8 = 15;

impl Gunzip {
    fn take(&mut self, mut data: &[u8], kept: &mut Kept) -> Result<bool, &'static str> {
        let mut piece = Vec::with_capacity(32 << 10);
        while !data.is_empty() {
            let member = self.member.get_or_insert_with(|| Box::new(Decompress::new_gzip(WINDOW_BITS)));
            loop {
                let before = member.total_in();
                piece.clear();
                let status = member
                    .decompress_vec(data, &mut piece, FlushDecompress::None)
                    .map_err(|_| "its bytes are no gzip")?;
                data = &data[usize::try_from(member.total_in() - before).unwrap_or(data.len())..];
                if !kept.take(&piece) {
                    return Ok(false);
                }
                if status == Status::StreamEnd {
                    self.member = None;
                    break;
                }
                // Room that is left means that there is nothing more to come out of these bytes.
                if data.is_empty() && piece.len() < piece.capacity() {
                    break;
                }
            }
        }
        Ok(true)
    }

    fn is_cut_short(&self) -> bool {
        self.member.is_some()
    }
}
