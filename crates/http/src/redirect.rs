//! Where a redirect leads, and whether to go there.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, COOKIE};
use http::header::{HOST, LOCATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, StatusCode};

use crate::{Error, Request, Url};

/// One request on the way, as it is sent.
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Hop {
    pub(crate) fn first(request: &Request) -> Self {
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        }
    }
}

/// The way so far.
pub(crate) struct Trail {
    most: usize,
    visited: Vec<(Method, Url)>,
}

impl Trail {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, visited: Vec::new() }
    }

    /// The next hop, or `None` when the answer is not a redirect to follow.
    ///
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-15.4>
    pub(crate) fn follow(
        &mut self,
        hop: &Hop,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<Hop>, Error> {
        let follows = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let (true, true, Some(location)) = (self.most > 0, follows, headers.get(LOCATION)) else {
            return Ok(None);
        };
        let origin = hop.url.origin();
        let target = std::str::from_utf8(location.as_bytes())
            .map_err(|_| Error::InvalidUrl { why: "it is not UTF-8".to_owned() })
            .and_then(|location| hop.url.join(location));
        let url =
            target.map_err(|error| Error::BadRedirect { origin: origin.clone(), why: error.to_string() })?;
        if hop.url.is_https() && !url.is_https() {
            return Err(Error::Downgrade { from: origin, to: url.origin() });
        }
        let next = step(hop, status, url);
        self.visited.push((hop.method.clone(), hop.url.clone()));
        if self.visited.iter().any(|(method, url)| *method == next.method && *url == next.url) {
            return Err(Error::RedirectLoop { origin });
        }
        if self.visited.len() > self.most {
            return Err(Error::TooManyRedirects { origin, limit: self.most });
        }
        Ok(Some(next))
    }
}

fn step(hop: &Hop, status: StatusCode, url: Url) -> Hop {
    let mut next =
        Hop { method: hop.method.clone(), url, headers: hop.headers.clone(), body: hop.body.clone() };
    let becomes_get = match status {
        StatusCode::SEE_OTHER => hop.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => hop.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        next.method = Method::GET;
        next.body = Bytes::new();
        for name in [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE] {
            next.headers.remove(name);
        }
    }
    if !next.url.same_origin(&hop.url) {
        next.headers = next
            .headers
            .iter()
            .filter(|(name, value)| {
                ![AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST].contains(name) && !value.is_sensitive()
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }
    next
}
