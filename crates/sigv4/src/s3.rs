//! Objects put into S3.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};
use sluice_http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::{Call, Service};

/// What S3 takes unencoded in a key's path.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// An object to be put: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>.
#[derive(Clone, Debug)]
pub struct PutObject {
    bucket: String,
    key: String,
    body: Bytes,
    headers: HeaderMap,
}

/// How S3 Object Lock holds an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Until then, unless someone may lift the lock.
    Governance(Timestamp),
    /// Until then, for everyone.
    Compliance(Timestamp),
}

impl PutObject {
    /// An object with its content. `None` when no bucket is called so: a name has 3 to 63 lower-case letters, digits,
    /// dots and dashes.
    pub fn new(bucket: &str, key: &str, body: impl Into<Bytes>) -> Option<Self> {
        let body = body.into();
        let checksum = BASE64_STANDARD.encode(digest(&SHA256, &body));
        let put = Self {
            bucket: is_bucket(bucket).then(|| bucket.to_owned())?,
            key: key.trim_start_matches('/').to_owned(),
            body,
            headers: HeaderMap::new(),
        };
        // Object Lock asks for a checksum; any put is better with one.
        Some(put.ascii("x-amz-checksum-sha256", &checksum).ascii("x-amz-sdk-checksum-algorithm", "SHA256"))
    }

    /// Says what the content is: `application/json`.
    #[must_use]
    pub fn content_type(mut self, kind: HeaderValue) -> Self {
        self.headers.insert(header::CONTENT_TYPE, kind);
        self
    }

    /// Refuses to replace an object: then the answer is a refusal with
    /// [`Reason::Exists`](crate::Reason::Exists).
    #[must_use]
    pub fn only_new(mut self) -> Self {
        self.headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        self
    }

    /// Locks the object, in a bucket that has Object Lock.
    #[must_use]
    pub fn locked(self, lock: Lock) -> Self {
        let (mode, until) = match lock {
            Lock::Governance(until) => ("GOVERNANCE", until),
            Lock::Compliance(until) => ("COMPLIANCE", until),
        };
        let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.ascii("x-amz-object-lock-mode", mode).ascii("x-amz-object-lock-retain-until-date", &until)
    }

    /// The call that puts it. It may be repeated: what is put twice is the same.
    pub fn call(self) -> Call {
        Call {
            service: Service::S3,
            method: Method::PUT,
            bucket: Some(self.bucket),
            path: format!("/{}", utf8_percent_encode(&self.key, KEY)),
            headers: self.headers,
            body: self.body,
            repeatable: true,
        }
    }

    fn ascii(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

impl Call {
    /// The call that gets an object: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>. `None` when
    /// no bucket is called so.
    pub fn get_object(bucket: &str, key: &str) -> Option<Self> {
        is_bucket(bucket).then(|| Self {
            service: Service::S3,
            method: Method::GET,
            bucket: Some(bucket.to_owned()),
            path: format!("/{}", utf8_percent_encode(key.trim_start_matches('/'), KEY)),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable: true,
        })
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn is_bucket(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.split('.').all(|label| {
            let ends = |byte: Option<&u8>| byte.is_some_and(|byte| word(*byte));
            ends(label.as_bytes().first())
                && ends(label.as_bytes().last())
                && label.bytes().all(|byte| word(byte) || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_no_way_to_another_host() {
        for good in ["abc", "shop-records", "shop.records", "1-a"] {
            assert!(is_bucket(good), "{good}");
        }
        for bad in ["", "ab", "a_b", "Shop", "a..b", "-ab", "ab-", "evil.example/", "a b", "a@b.c", "ab."] {
            assert!(!is_bucket(bad), "{bad}");
        }
    }

    #[test]
    fn a_get_names_its_object() {
        let call = Call::get_object("shop", "/records/a b.json").unwrap();
        assert_eq!((call.method, call.path.as_str()), (Method::GET, "/records/a%20b.json"));
        assert!(Call::get_object("evil.example/", "a").is_none());
    }

    #[test]
    fn a_put_says_what_it_is_and_how_it_is_held() {
        let until = "2027-01-02T03:04:05.678Z".parse().unwrap();
        let call = PutObject::new("shop", "/records/a b+ü/../1.json", "{}")
            .unwrap()
            .content_type(HeaderValue::from_static("application/json"))
            .only_new()
            .locked(Lock::Compliance(until))
            .call();
        assert_eq!(call.path, "/records/a%20b%2B%C3%BC/../1.json");
        let headers: Vec<_> =
            call.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        insta::assert_snapshot!(headers.join("\n"), @"
        x-amz-checksum-sha256: RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=
        x-amz-sdk-checksum-algorithm: SHA256
        content-type: application/json
        if-none-match: *
        x-amz-object-lock-mode: COMPLIANCE
        x-amz-object-lock-retain-until-date: 2027-01-02T03:04:05Z
        ");
    }
}
