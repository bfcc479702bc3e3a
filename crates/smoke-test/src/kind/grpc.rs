//! A gRPC server that says that it is serving.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>,
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use sluice_http::{Connections, Protocol, Request, Response, Url};

use super::Seen;
use crate::address::Address;
use crate::excerpt::{cut, seconds};
use crate::forms::{self, Form, Forms, Never};
use crate::network::{Network, Way};
use crate::trouble::Trouble;

/// A server's health, by grpc.health.v1.
#[derive(Clone, Debug)]
pub(crate) struct Grpc(Fields);

/// The mapping that a gRPC check is written as when there is more to say than its address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Fields {
    /// The address: `host:port`.
    address: Address,
    /// The service that is asked for. Default: the server as a whole.
    service: Option<String>,
    /// Whether to speak TLS. Default: no.
    #[serde(default)]
    tls: bool,
    /// PEM file with CA certificates to trust besides Mozilla's, from the repository's root.
    ca_file: Option<PathBuf>,
}

impl Grpc {
    pub(crate) fn label(&self) -> String {
        let Fields { address, service, .. } = &self.0;
        match service {
            Some(service) => format!("grpc {service} at {address}"),
            None => format!("grpc {address}"),
        }
    }

    pub(super) fn way(&self) -> Way {
        let ca_files = self.0.ca_file.iter().cloned().collect();
        let connections = Connections { ca_files, protocol: Protocol::Http2, ..Connections::default() };
        Way { connections, ..Way::default() }
    }

    pub(super) async fn ask(&self, network: &Network) -> Result<Seen, Trouble> {
        let scheme = if self.0.tls { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{}/grpc.health.v1.Health/Check", self.0.address))?;
        let request = Request::post(url, message(self.0.service.as_deref().unwrap_or_default()))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
            .header(TE, HeaderValue::from_static("trailers"));
        let answer = network.client(&self.way())?.send(request).await?;
        self.judge(&answer)?;
        let total = answer.timings.total;
        Ok(Seen {
            what: format!("SERVING in {}", seconds(total)),
            timings: answer.timings,
            ..Seen::default()
        })
    }

    fn judge(&self, answer: &Response) -> Result<(), Trouble> {
        let address = &self.0.address;
        let find =
            |headers: &HeaderMap, name| headers.get(name).map(|value: &HeaderValue| cut(value.as_bytes()));
        let header = |name| find(&answer.trailers, name).or_else(|| find(&answer.headers, name));
        let Some(status) = header("grpc-status") else {
            return Err(Trouble::failed(format!(
                "{address} answered {} without a gRPC status",
                answer.status.as_u16()
            ))
            .help("does this port speak gRPC?"));
        };
        match status.as_str() {
            "0" => {}
            "5" => {
                return Err(Trouble::failed(format!("{address} does not know the service (NOT_FOUND)"))
                    .help("check `service`"));
            }
            "12" => {
                return Err(Trouble::failed(format!("{address} has no health service (UNIMPLEMENTED)"))
                    .help("add grpc.health.v1 to the server")
                    .for_good("a service that is not built in does not come up"));
            }
            code => {
                let message = header("grpc-message").unwrap_or_default();
                return Err(Trouble::failed(format!("{address} answered with gRPC status {code} {message}")));
            }
        }
        match serving_status(&answer.body) {
            Some(1) => Ok(()),
            Some(0) => Err(Trouble::failed(format!("{address} says UNKNOWN"))),
            Some(2) => Err(Trouble::failed(format!("{address} says NOT_SERVING"))),
            Some(3) => {
                Err(Trouble::failed(format!("{address} says SERVICE_UNKNOWN")).help("check `service`"))
            }
            _ => Err(Trouble::failed(format!("{address} did not answer as a health service does"))),
        }
    }
}

/// A `HealthCheckRequest`, framed: not compressed, its length, field 1 as text.
fn message(service: &str) -> Vec<u8> {
    let mut field = Vec::new();
    if !service.is_empty() {
        field.push(0x0a);
        let mut length = service.len();
        while length >= 0x80 {
            field.push(0x80 | u8::try_from(length & 0x7f).unwrap_or_default());
            length >>= 7;
        }
        field.push(u8::try_from(length).unwrap_or_default());
        field.extend_from_slice(service.as_bytes());
    }
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], &field].concat()
}

/// The status of a `HealthCheckResponse`: field 1 as a number, 0 when it is left out.
fn serving_status(body: &[u8]) -> Option<u8> {
    let (&[0, a, b, c, d], message) = body.split_first_chunk::<5>()? else { return None };
    if u32::from_be_bytes([a, b, c, d]) as usize != message.len() {
        return None;
    }
    match message {
        [] => Some(0),
        [0x08, status] if *status < 0x80 => Some(*status),
        _ => None,
    }
}

impl Forms for Grpc {
    type Item = Never;
    type Mapping = Fields;
    const EXPECTED: &'static str = "an address or a mapping";

    fn read(form: Form<Never, Fields>) -> Result<Self, String> {
        let fields = match form {
            Form::Text(text) => {
                Fields { address: text.try_into()?, service: None, tls: false, ca_file: None }
            }
            Form::Mapping(fields) => fields,
            other => return Err(forms::unexpected::<Self>(&other)),
        };
        if fields.address.port.is_none() {
            return Err(format!("\"{}\" lacks a port: write host:port", fields.address));
        }
        Ok(Self(fields))
    }
}

forms::deserialize_forms!(Grpc);
forms::text_or_mapping_schema!(Grpc, Fields, "Grpc");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_framed() {
        assert_eq!(message(""), [0, 0, 0, 0, 0]);
        assert_eq!(message("ab"), [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        assert_eq!(message(&"a".repeat(200))[..8], [0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
    }

    #[test]
    fn a_status_is_read_and_nothing_else() {
        assert_eq!(serving_status(&[0, 0, 0, 0, 2, 8, 1]), Some(1));
        assert_eq!(serving_status(&[0, 0, 0, 0, 0]), Some(0));
        for body in
            [&[][..], &[0, 0, 0, 0, 2, 8], &[1, 0, 0, 0, 2, 8, 1], &[0, 0, 0, 0, 2, 8, 0x81], b"<html>..."]
        {
            assert_eq!(serving_status(body), None, "{body:?}");
        }
    }
}
