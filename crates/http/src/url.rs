//! URLs that can be requested, and that keep their secrets.

use std::fmt;
use std::net::Ipv6Addr;

use http::Uri;
use iri_string::types::{IriReferenceStr, UriAbsoluteString};

use crate::Error;

/// An absolute `http` or `https` URL without user name and fragment.
///
/// A path or a query may be a secret, as in webhooks: `Debug` tells the origin only, and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(Uri);

impl Url {
    /// Reads a URL. A fragment is dropped, for it is never sent.
    ///
    /// Fails with [`Error::InvalidUrl`], which tells why and never repeats the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::InvalidUrl { why: why.to_owned() };
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(invalid("it holds a space or a control character; write a space as %20"));
        }
        if !text.is_ascii() {
            return Err(invalid(
                "it holds characters outside ASCII; percent-encode them, and write such a host name as xn--...",
            ));
        }
        let uri: Uri =
            text.parse().map_err(|_| invalid("it is not of the form https://host[:port][/path][?query]"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid("it does not begin with http:// or https://"));
        }
        let (Some(authority), Some(host)) = (uri.authority(), uri.host().filter(|host| !host.is_empty()))
        else {
            return Err(invalid("it names no host"));
        };
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if address.is_some_and(|address| address.parse::<Ipv6Addr>().is_err()) {
            return Err(invalid("what stands in [] is no IPv6 address"));
        }
        // "Treat its presence as an error": https://www.rfc-editor.org/rfc/rfc9110#section-4.2.4
        if authority.as_str().contains('@') {
            return Err(invalid("it holds a user name; give credentials in an Authorization header"));
        }
        if authority.as_str().len() > host.len() && authority.port_u16().is_none() {
            return Err(invalid("its port is not a number up to 65535"));
        }
        Ok(Self(uri))
    }

    /// Scheme, host and port: what may be shown of a URL.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.0.authority().map_or("", |authority| authority.as_str()))
    }

    /// The whole URL, secrets included.
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }

    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The port, given or implied by the scheme.
    pub(crate) fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.scheme() == "https"
    }

    /// Whether both URLs lead to the same scheme, host and port.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.is_https() == other.is_https()
            && self.port() == other.port()
            && self.host().eq_ignore_ascii_case(other.host())
    }

    /// Resolves a reference against this URL (RFC 3986, section 5), as a `Location` header needs it.
    pub fn join(&self, reference: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::InvalidUrl { why: why.to_owned() };
        let base = UriAbsoluteString::try_from(self.reveal()).map_err(|_| invalid("its base is no URL"))?;
        let reference = IriReferenceStr::new(reference).map_err(|_| invalid("it is no URL reference"))?;
        let resolved = reference.resolve_against(base.as_ref()).to_string();
        let resolved =
            iri_string::types::IriString::try_from(resolved).map_err(|_| invalid("it is no URL"))?;
        Self::parse(resolved.encode_into_uri().as_str())
    }

    pub(crate) fn from_uri(uri: &Uri) -> Result<Self, Error> {
        Self::parse(&uri.to_string())
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }

    fn scheme(&self) -> &str {
        self.0.scheme_str().unwrap_or_default()
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({}/***)", self.origin())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_is_absolute_http_and_holds_no_user_name() {
        let problems: Vec<_> = [
            "/healthz",
            "shop.example.com",
            "ftp://shop.example.com/",
            "https://",
            "https:///path",
            "https://[::g]/",
            "https://me:secret@shop.example.com/",
            "https://shop.example.com:99999/",
            "https://shop.example.com/a b",
            "https://b\u{fc}cher.example/",
        ]
        .iter()
        .map(|text| Url::parse(text).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(problems.join("\n"), @"
        not a usable URL: it does not begin with http:// or https://
        not a usable URL: it does not begin with http:// or https://
        not a usable URL: it does not begin with http:// or https://
        not a usable URL: it is not of the form https://host[:port][/path][?query]
        not a usable URL: it is not of the form https://host[:port][/path][?query]
        not a usable URL: what stands in [] is no IPv6 address
        not a usable URL: it holds a user name; give credentials in an Authorization header
        not a usable URL: its port is not a number up to 65535
        not a usable URL: it holds a space or a control character; write a space as %20
        not a usable URL: it holds characters outside ASCII; percent-encode them, and write such a host name as xn--...
        ");
    }

    #[test]
    fn only_the_origin_is_shown() {
        let url = Url::parse("https://hooks.example.com:8443/services/SECRET?token=SECRET#part").unwrap();
        assert_eq!(format!("{url:?}"), "Url(https://hooks.example.com:8443/***)");
        assert_eq!(url.reveal(), "https://hooks.example.com:8443/services/SECRET?token=SECRET");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |one: &str, other: &str| Url::parse(one).unwrap().same_origin(&Url::parse(other).unwrap());
        assert!(same("https://shop.example.com/a", "https://SHOP.example.com:443/b"));
        assert!(!same("https://shop.example.com", "http://shop.example.com:443"));
        assert!(!same("https://shop.example.com", "https://shop.example.com:8443"));
        assert!(!same("https://shop.example.com", "https://example.com"));
    }

    #[test]
    fn a_location_is_resolved_against_the_url() {
        let base = Url::parse("https://shop.example.com/a/b?c").unwrap();
        let cases = [
            ("/x", "https://shop.example.com/x"),
            ("x?y=1", "https://shop.example.com/a/x?y=1"),
            ("../x", "https://shop.example.com/x"),
            ("//other.example/x", "https://other.example/x"),
            ("http://other.example", "http://other.example/"),
            ("?d", "https://shop.example.com/a/b?d"),
            ("/caf\u{e9}", "https://shop.example.com/caf%C3%A9"),
        ];
        for (location, expected) in cases {
            assert_eq!(base.join(location).unwrap().reveal(), expected, "{location:?}");
        }
        for location in
            ["/a b", "https://", "mailto:me@example.com", "https://me@other.example/", "http://[::1"]
        {
            assert!(base.join(location).is_err(), "{location:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_can_be_requested(text in "(https?://)?[a-z0-9.:@/?#%\\[\\]]{0,20}|\\PC{0,20}") {
            let base = Url::parse("https://shop.example.com/a/b?c").unwrap();
            for url in [Url::parse(&text), base.join(&text)].into_iter().flatten() {
                prop_assert!(!url.host().is_empty() && !url.origin().contains('@'));
                prop_assert!(url.reveal().starts_with(&url.origin()));
                prop_assert_eq!(Url::parse(&url.reveal()).unwrap(), url);
            }
        }
    }
}
