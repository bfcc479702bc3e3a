//! Objects in S3: put, got, listed.

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

/// How S3 encrypts an object where the bucket does not say so:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// With keys of S3's own.
    S3,
    /// With a key of KMS, by its id, ARN or alias; `None` for the account's key for S3.
    Kms(Option<String>),
}

impl Encryption {
    /// What the answer says in `x-amz-server-side-encryption` when the object is encrypted so.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::S3 => "AES256",
            Self::Kms(_) => "aws:kms",
        }
    }
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

    /// Lets S3 encrypt the object.
    #[must_use]
    pub fn encrypted(self, how: &Encryption) -> Self {
        let put = self.ascii("x-amz-server-side-encryption", how.name());
        match how {
            Encryption::Kms(Some(key)) => put.ascii("x-amz-server-side-encryption-aws-kms-key-id", key),
            _ => put,
        }
    }

    /// Tags the object, which takes the permission `s3:PutObjectTagging`.
    #[must_use]
    pub fn tagged<'a>(self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tags = form_urlencoded::Serializer::new(String::new()).extend_pairs(tags).finish();
        self.ascii("x-amz-tagging", &tags)
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

impl Call {
    /// The call that lists the objects whose keys start with `prefix`, a thousand at a time; `after` is where the last
    /// answer ended: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>. `None` when no bucket is
    /// called so.
    pub fn list_objects(bucket: &str, prefix: &str, after: Option<&str>) -> Option<Self> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("list-type", "2").append_pair("prefix", prefix);
        if let Some(after) = after {
            query.append_pair("continuation-token", after);
        }
        // A signature is over `%20`, which a `+` is not.
        let query = query.finish().replace('+', "%20");
        Self::get_object(bucket, "").map(|call| Self { path: format!("/?{query}"), ..call })
    }
}

/// Some of the objects of a bucket: what [`Call::list_objects`] is answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectList {
    /// Their keys.
    pub keys: Vec<String>,
    /// Where the list goes on, if it does.
    pub next: Option<String>,
}

impl ObjectList {
    /// Reads the answer. The error says in one line what is wrong with it: a part of a list is never taken for the whole.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
        let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        let root = document.root_element();
        if root.tag_name().name() != "ListBucketResult" {
            return Err("it is no list of objects".to_owned());
        }
        let text_of = |parent: roxmltree::Node<'_, '_>, name: &str| {
            let child = parent.children().find(|child| child.tag_name().name() == name)?;
            child.text().map(str::to_owned)
        };
        let objects = root.children().filter(|child| child.tag_name().name() == "Contents");
        let keys = objects.map(|object| text_of(object, "Key").ok_or("an object has no key"));
        let keys = keys.collect::<Result<_, _>>()?;
        let next = match text_of(root, "IsTruncated").as_deref() {
            Some("false") => None,
            Some("true") => {
                Some(text_of(root, "NextContinuationToken").ok_or("it does not say where it goes on")?)
            }
            _ => return Err("it does not say whether it is whole".to_owned()),
        };
        Ok(Self { keys, next })
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
    fn a_list_goes_on_where_it_ended() {
        let call = Call::list_objects("shop", "a b/c+d", Some("x=&/")).unwrap();
        assert_eq!(call.path, "/?list-type=2&prefix=a%20b%2Fc%2Bd&continuation-token=x%3D%26%2F");
        let list = |more: &str| {
            ObjectList::read(format!("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{more}</ListBucketResult>").as_bytes())
        };
        let objects =
            "<Contents><Key>a&amp;b</Key><Size>1</Size></Contents><Contents><Key>c</Key></Contents>";
        let whole = list(&format!("{objects}<IsTruncated>false</IsTruncated>")).unwrap();
        assert_eq!(whole, ObjectList { keys: vec!["a&b".into(), "c".into()], next: None });
        let part = format!("{objects}<IsTruncated>true</IsTruncated>");
        let goes_on = list(&format!("{part}<NextContinuationToken>n</NextContinuationToken>")).unwrap();
        assert_eq!(goes_on.next.as_deref(), Some("n"));
        for wrong in [&*part, objects, "<IsTruncated>false</IsTruncated><Contents/>"] {
            assert!(list(wrong).is_err(), "{wrong}");
        }
        assert!(ObjectList::read(b"<html/>").is_err());
        assert!(ObjectList::read(b"").is_err());
    }

    #[test]
    fn a_put_says_how_it_is_encrypted_and_tagged() {
        let put = || PutObject::new("shop", "a", "{}").unwrap();
        let header =
            |call: Call, name: &str| call.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let call = put()
            .encrypted(&Encryption::Kms(Some("alias/backup".into())))
            .tagged([("keep", "30d & more")])
            .call();
        assert_eq!(header(call.clone(), "x-amz-server-side-encryption").as_deref(), Some("aws:kms"));
        assert_eq!(
            header(call.clone(), "x-amz-server-side-encryption-aws-kms-key-id").as_deref(),
            Some("alias/backup")
        );
        assert_eq!(header(call, "x-amz-tagging").as_deref(), Some("keep=30d+%26+more"));
        let call = put().encrypted(&Encryption::S3).call();
        assert_eq!(header(call.clone(), "x-amz-server-side-encryption").as_deref(), Some("AES256"));
        assert_eq!(header(call, "x-amz-server-side-encryption-aws-kms-key-id"), None);
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
