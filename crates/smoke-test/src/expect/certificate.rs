//! How long a certificate is valid yet, and for whom.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::Period;
use sluice_http::Certificate;

use super::Mismatch;

/// Conditions on the certificate of a server, of which at least one is given; all must hold. That it is trusted, of
/// this time and for this host is checked in any case.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Fields")]
#[schemars(with = "Fields")]
pub(super) struct CertificateCondition(Fields);

/// The mapping that conditions are written as.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Fields {
    /// It is valid for at least this time yet, e.g. `14d`.
    valid_for: Option<Period>,
    /// It is for each of these names, too.
    #[serde(default)]
    names: Vec<String>,
}

impl CertificateCondition {
    /// Judges the certificate of a server; `None` is one without TLS.
    pub(super) fn judge(&self, certificate: Option<&Certificate>, now: Timestamp) -> Option<Mismatch> {
        let Fields { valid_for, names } = &self.0;
        let mismatch = |reason: String, expected: String, actual: String| {
            Some(Mismatch { reason, expected, actual, place: None })
        };
        let Some(certificate) = certificate else {
            return mismatch(
                "no certificate".into(),
                "a certificate".into(),
                "a connection without TLS".into(),
            );
        };
        let left = certificate.not_after.duration_since(now);
        if let Some(least) = valid_for.filter(|least| left < least.0.try_into().unwrap_or(left)) {
            let days = left.as_hours() / 24;
            let until = certificate.not_after.strftime("%Y-%m-%d");
            return mismatch(
                format!("certificate expires in {days} days"),
                format!("certificate valid for {least} yet"),
                format!("certificate valid until {until}, {days} days"),
            );
        }
        let missing = names.iter().find(|name| !certificate.names.iter().any(|has| covers(has, name)))?;
        mismatch(
            format!("certificate is not for {missing}"),
            format!("certificate for {missing}"),
            format!("certificate for {}", certificate.names.join(", ")),
        )
    }
}

/// Whether a name of a certificate is for this host; `*` is one label (<https://www.rfc-editor.org/rfc/rfc6125>).
fn covers(name: &str, host: &str) -> bool {
    let is_wild = name.strip_prefix("*.").zip(host.split_once('.'));
    name.eq_ignore_ascii_case(host)
        || is_wild.is_some_and(|(name, (_, host))| name.eq_ignore_ascii_case(host))
}

impl TryFrom<Fields> for CertificateCondition {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, &'static str> {
        if fields.valid_for.is_none() && fields.names.is_empty() {
            return Err("no condition is given: write \"valid-for\" or \"names\"");
        }
        Ok(Self(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(yaml: &str, certificate: Option<&Certificate>) -> Option<String> {
        let condition: CertificateCondition = sluice_yaml::from_slice(yaml.as_bytes()).unwrap();
        condition.judge(certificate, "2026-01-01T00:00:00Z".parse().unwrap()).map(|mismatch| mismatch.actual)
    }

    #[test]
    fn a_certificate_has_time_left_and_names() {
        let certificate = Certificate {
            not_before: Timestamp::UNIX_EPOCH,
            not_after: "2026-01-15T12:00:00Z".parse().unwrap(),
            names: vec!["shop.example.com".into(), "*.dev.example.com".into()],
        };
        assert_eq!(judged("{valid-for: 14d}", Some(&certificate)), None);
        assert_eq!(
            judged("{valid-for: 15d}", Some(&certificate)).unwrap(),
            "certificate valid until 2026-01-15, 14 days"
        );
        assert_eq!(judged("{names: [SHOP.example.com, a.dev.example.com]}", Some(&certificate)), None);
        assert_eq!(
            judged("{names: [a.b.dev.example.com]}", Some(&certificate)).unwrap(),
            "certificate for shop.example.com, *.dev.example.com"
        );
        assert_eq!(judged("{valid-for: 1d}", None).unwrap(), "a connection without TLS");
    }
}
