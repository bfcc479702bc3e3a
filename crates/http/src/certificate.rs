//! What a server's certificate says of itself.
//!
//! Whether to believe it rustls has decided by then. To read four fields of it takes no library, which would be a
//! twentieth of a small binary. <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The certificate that a server showed, which is trusted by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// When it begins to be valid.
    pub not_before: Timestamp,
    /// When it ceases to be valid.
    pub not_after: Timestamp,
    /// The hosts it is for: names, with `*` for any one label, and addresses.
    pub names: Vec<String>,
}

/// The tags of DER that stand in a certificate.
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const OCTETS: u8 = 0x04;
    pub(super) const OBJECT: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const DNS_NAME: u8 = 0x82;
    pub(super) const ADDRESS: u8 = 0x87;
    pub(super) const VERSION: u8 = 0xa0;
    pub(super) const EXTENSIONS: u8 = 0xa3;
}

/// The extension `subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

impl Certificate {
    /// Reads DER; `None` for what is no certificate.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let mut fields = Values(Values(Values(der).next_of(tag::SEQUENCE)?).next_of(tag::SEQUENCE)?);
        fields.pass_over(tag::VERSION);
        fields.next_of(tag::INTEGER)?;
        let (_algorithm, _issuer) = (fields.next_of(tag::SEQUENCE)?, fields.next_of(tag::SEQUENCE)?);
        let mut validity = Values(fields.next_of(tag::SEQUENCE)?);
        let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
        let extensions = fields.find(|(tag, _)| *tag == tag::EXTENSIONS);
        let names = extensions.map_or(Some(Vec::new()), |(_, extensions)| names(extensions))?;
        Some(Self { not_before, not_after, names })
    }
}

fn names(extensions: &[u8]) -> Option<Vec<String>> {
    for (_, extension) in Values(Values(extensions).next_of(tag::SEQUENCE)?) {
        let mut extension = Values(extension);
        if extension.next_of(tag::OBJECT)? == ALTERNATIVE_NAMES {
            extension.pass_over(tag::BOOLEAN);
            let names = Values(extension.next_of(tag::OCTETS)?).next_of(tag::SEQUENCE)?;
            return Some(Values(names).filter_map(name).collect());
        }
    }
    Some(Vec::new())
}

fn name((tag, value): (u8, &[u8])) -> Option<String> {
    match (tag, value.len()) {
        (tag::DNS_NAME, _) => String::from_utf8(value.to_vec()).ok(),
        (tag::ADDRESS, 4) => <[u8; 4]>::try_from(value).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        (tag::ADDRESS, 16) => <[u8; 16]>::try_from(value).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        _ => None,
    }
}

/// `YYMMDDHHMMSSZ`, of which 50 is 1950, or `YYYYMMDDHHMMSSZ`.
fn time((tag, value): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
    let text = match tag {
        tag::UTC_TIME if text.as_bytes().first()? < &b'5' => format!("20{text}"),
        tag::UTC_TIME => format!("19{text}"),
        tag::TIME => text.to_owned(),
        _ => return None,
    };
    let moment = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The values of DER that stand one after the other, each with its tag; they end where one is cut short.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    /// The next value when it has this tag.
    fn next_of(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    /// Passes over the next value if it has this tag.
    fn pass_over(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // The length of the length: more than four bytes no certificate needs.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate(names: &[&str], last_year: i32) -> Vec<u8> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(1999, 2, 28);
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_tells_its_time_and_its_names() {
        let der = certificate(&["shop.example.com", "*.example.com", "10.0.0.1", "fd00::1"], 2048);
        let read = Certificate::parse(&der).unwrap();
        assert_eq!(read.names, ["shop.example.com", "*.example.com", "10.0.0.1", "fd00::1"]);
        assert_eq!(read.not_before.to_string(), "1999-02-28T00:00:00Z");
        assert_eq!(read.not_after.to_string(), "2048-12-31T00:00:00Z");
        // From 2050 on times are written with four digits of the year.
        let read = Certificate::parse(&certificate(&[], 2999)).unwrap();
        assert_eq!((read.names.len(), read.not_after.to_string().as_str()), (0, "2999-12-31T00:00:00Z"));
    }

    #[test]
    fn what_is_cut_short_is_no_certificate() {
        let der = certificate(&["shop.example.com"], 2048);
        for length in 0..der.len() {
            assert_eq!(Certificate::parse(&der[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(place in 0_usize..400, byte in any::<u8>(), any in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Certificate::parse(&any);
            let mut der = certificate(&["shop.example.com"], 2048);
            if let Some(changed) = der.get_mut(place) {
                *changed = byte;
            }
            let _ = Certificate::parse(&der);
        }
    }
}
