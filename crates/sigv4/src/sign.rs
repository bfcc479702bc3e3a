//! Signing: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>, by the crate that AWS signs with.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use sluice_core::Secret;
use sluice_http::{HeaderName, HeaderValue, Request, Url};

use crate::{Access, Call, Credentials, Endpoints, Service};

/// Why a call can't be signed. Nothing of the call is repeated: it may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call cannot be signed: {0}")]
pub struct Unsignable(&'static str);

const NO_URL: Unsignable = Unsignable("its address is no URL");

impl Access {
    /// The call as a signed request, to be sent within five minutes of `now`.
    ///
    /// It may be sent several times: whether that is safe stands in the request.
    pub fn sign(&self, call: &Call, now: Timestamp) -> Result<Request, Unsignable> {
        let signed = self.signature(call, &self.endpoints.address(call, &self.region), now)?;
        let mut request = self.endpoints.unsigned(call, &self.region)?;
        for (name, value) in signed.headers() {
            request = request.header(name_of(name)?, sensitive(value)?);
        }
        Ok(request)
    }

    fn signature(
        &self,
        call: &Call,
        address: &str,
        now: Timestamp,
    ) -> Result<SigningInstructions, Unsignable> {
        let mut headers = Vec::new();
        for (name, value) in &call.headers {
            headers.push((name.as_str(), value.to_str().map_err(|_| Unsignable("a header is not ASCII"))?));
        }
        let body = SignableBody::Bytes(&call.body);
        let request = SignableRequest::new(call.method.as_str(), address, headers.into_iter(), body);
        let signing = Signing {
            credentials: &self.credentials,
            service: call.service.signing(),
            region: &self.region,
            now,
            settings: settings(call.service),
        };
        signing.of(request.map_err(|_| NO_URL)?)
    }
}

impl Endpoints {
    /// The call as a request of nobody in particular: those that change a token for credentials are.
    pub fn unsigned(&self, call: &Call, region: &str) -> Result<Request, Unsignable> {
        let url = Url::parse(&self.address(call, region)).map_err(|_| NO_URL)?;
        let mut request =
            Request::new(call.method.clone(), url).body(call.body.clone()).idempotent(call.repeatable);
        for (name, value) in &call.headers {
            request = request.header(name.clone(), value.clone());
        }
        Ok(request)
    }

    /// Where a call goes. A bucket is part of the host on AWS, as AWS wants it; behind an endpoint that is set, and
    /// for a name whose dots no certificate covers, it is part of the path.
    fn address(&self, call: &Call, region: &str) -> String {
        let path = &call.path;
        match &call.bucket {
            None => format!("{}{path}", self.base(call.service, region)),
            Some(bucket) if self.own(call.service).is_none() && !bucket.contains('.') => {
                format!("https://{bucket}.{}{path}", self.host(call.service, region))
            }
            Some(bucket) => format!("{}/{bucket}{path}", self.base(call.service, region)),
        }
    }
}

/// A GET of an address, signed in its query for `expires`: whoever has it can make that call. The `headers` are
/// signed too, and must be sent.
pub fn presign(
    credentials: &Credentials,
    service: Service,
    region: &str,
    address: &str,
    headers: &[(&str, &str)],
    expires: Duration,
    now: Timestamp,
) -> Result<Secret, Unsignable> {
    let mut settings = settings(service);
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(expires);
    let signing = Signing { credentials, service: service.signing(), region, now, settings };
    let signable = SignableRequest::new("GET", address, headers.iter().copied(), SignableBody::Bytes(b""));
    let signed = signing.of(signable.map_err(|_| NO_URL)?)?;
    let mut presigned = address.to_owned();
    // The signature stands last, as it does wherever AWS shows one.
    let (signature, rest): (Vec<_>, Vec<_>) =
        signed.params().iter().partition(|(name, _)| *name == "X-Amz-Signature");
    for (name, value) in rest.into_iter().chain(signature) {
        presigned.push(if presigned.contains('?') { '&' } else { '?' });
        presigned.push_str(name);
        presigned.push('=');
        presigned.extend(percent_encoding::utf8_percent_encode(value, UNRESERVED));
    }
    Ok(Secret::new(presigned))
}

/// What a signature leaves unencoded in a query.
pub(crate) const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Whose signature it is, and for what.
struct Signing<'a> {
    credentials: &'a Credentials,
    service: &'a str,
    region: &'a str,
    now: Timestamp,
    settings: SigningSettings,
}

impl Signing<'_> {
    fn of(self, request: SignableRequest<'_>) -> Result<SigningInstructions, Unsignable> {
        let keys = self.credentials;
        let identity = aws_credential_types::Credentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose(),
            keys.session_token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "sluice",
        )
        .into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(SystemTime::from(self.now))
            .settings(self.settings)
            .build()
            .map_err(|_| Unsignable("a part of the signature is missing"))?
            .into();
        let signed = aws_sigv4::http_request::sign(request, &parameters)
            .map_err(|_| Unsignable("its address or headers can't be written in canonical form"))?;
        Ok(signed.into_parts().0)
    }
}

/// S3 takes a path as it stands and wants the content's hash; the others normalise and encode paths again.
fn settings(service: Service) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == Service::S3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

fn name_of(name: &str) -> Result<HeaderName, Unsignable> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unsignable("a header has no name"))
}

fn sensitive(value: &str) -> Result<HeaderValue, Unsignable> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| Unsignable("the credentials hold a character that no header takes"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sluice_http::{HeaderMap, Method};

    use super::*;
    use crate::PutObject;

    fn access(variables: &[(&str, &str)]) -> Access {
        let keys = [
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            ("AWS_REGION", "us-east-1"),
        ];
        let all = [&keys[..], variables].concat();
        Access::from_lookup(
            |name| {
                all.iter().rev().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            },
            None,
        )
        .unwrap()
    }

    fn call(method: Method, path: &str, service: Service) -> Call {
        Call {
            service,
            method,
            bucket: None,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable: false,
        }
    }

    fn signed(access: &Access, call: &Call, now: &str) -> String {
        let now = now.parse().unwrap();
        assert!(access.sign(call, now).is_ok());
        let signed = access.signature(call, &access.endpoints.address(call, &access.region), now).unwrap();
        let (_, value) = signed.headers().find(|(name, _)| *name == "authorization").unwrap();
        value.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// From AWS's test suite: <https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite/v4>.
    #[test]
    fn requests_are_signed_as_aws_signs_them() {
        const TOKEN: &str = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let service = Service::EXAMPLE;
        let sign = |method, path: &str, more: &[(&str, &str)]| {
            let endpoint = [("AWS_ENDPOINT_URL", "https://example.amazonaws.com")];
            signed(
                &access(&[&endpoint[..], more].concat()),
                &call(method, path, service),
                "2015-08-30T12:36:00Z",
            )
        };
        assert_eq!(
            sign(Method::GET, "/", &[]),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            sign(Method::GET, "/", &[("AWS_SESSION_TOKEN", TOKEN)]),
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
        );
        assert_eq!(
            sign(Method::GET, "/?Param2=value2&Param1=value1", &[]),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        assert_eq!(
            sign(Method::GET, "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", &[]),
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"
        );
        assert_eq!(
            sign(Method::GET, "//example//", &[]),
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"
        );
        assert_eq!(
            sign(Method::POST, "/?Param1=value1", &[]),
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"
        );
    }

    /// "Example: PUT Object" of <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
    #[test]
    fn a_put_is_signed_as_s3_signs_it() {
        let access = access(&[
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_ENDPOINT_URL_S3", "https://examplebucket.s3.amazonaws.com"),
        ]);
        let mut put =
            PutObject::new("examplebucket", "test$file.text", "Welcome to Amazon S3.").unwrap().call();
        put.bucket = None;
        put.headers.remove("x-amz-checksum-sha256");
        put.headers.remove("x-amz-sdk-checksum-algorithm");
        put = put
            .header(sluice_http::header::DATE, HeaderValue::from_static("Fri, 24 May 2013 00:00:00 GMT"))
            .header(
                HeaderName::from_static("x-amz-storage-class"),
                HeaderValue::from_static("REDUCED_REDUNDANCY"),
            );
        assert_eq!(
            signed(&access, &put, "2013-05-24T00:00:00Z"),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }

    #[test]
    fn an_address_is_presigned_as_aws_does() {
        let access = access(&[]);
        let presigned = presign(
            &access.credentials,
            Service::EXAMPLE,
            "us-east-1",
            "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            &[],
            Duration::from_hours(1),
            "2015-08-30T12:36:00Z".parse().unwrap(),
        )
        .unwrap();
        assert_eq!(
            presigned.expose(),
            "https://example.amazonaws.com/?Param2=value2&Param1=value1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5"
        );
    }

    #[test]
    fn a_bucket_is_in_the_host_on_aws_and_in_the_path_elsewhere() {
        let address = |variables: &[(&str, &str)], bucket: &str| {
            let put = PutObject::new(bucket, "a/b c", "").unwrap().call();
            let access = access(variables);
            access.endpoints.address(&put, &access.region)
        };
        assert_eq!(address(&[], "shop"), "https://shop.s3.us-east-1.amazonaws.com/a/b%20c");
        assert_eq!(address(&[], "shop.records"), "https://s3.us-east-1.amazonaws.com/shop.records/a/b%20c");
        let local = [("AWS_ENDPOINT_URL", "http://127.0.0.1:5000/")];
        assert_eq!(address(&local, "shop"), "http://127.0.0.1:5000/shop/a/b%20c");
    }

    #[test]
    fn a_credential_that_is_no_header_is_refused_and_not_shown() {
        let access = access(&[("AWS_SESSION_TOKEN", "to\nken")]);
        let error = access.sign(&call(Method::GET, "/", Service::SNS), Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(!error.to_string().contains("ken\n"), "{error}");
    }
}
