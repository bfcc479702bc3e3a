//! A WebSocket that opens. <https://www.rfc-editor.org/rfc/rfc6455#section-4>

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sluice_http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use sluice_http::{Protocol, Response, StatusCode, Url};

use super::Seen;
use crate::excerpt::{cut, seconds};
use crate::forms::{self, Form, Forms, Never};
use crate::http::{Fields, Http, Target};
use crate::network::{Network, Way};
use crate::trouble::Trouble;

/// A WebSocket that must open; it is closed at once.
#[derive(Clone, Debug)]
pub(crate) struct Websocket {
    pub(crate) http: Http,
    written: String,
}

impl Websocket {
    pub(crate) fn label(&self) -> String {
        format!("websocket {}", self.written)
    }

    /// Only HTTP/1.1 knows upgrades that every server takes.
    pub(super) fn way(&self) -> Way {
        let mut way = self.http.way.clone();
        way.connections.protocol = Protocol::Http1;
        way
    }

    pub(super) async fn ask(&self, url: &Url, network: &Network) -> Result<Seen, Trouble> {
        let key = BASE64_STANDARD.encode(nonce());
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        let request = self
            .http
            .request(url.clone())
            .header(CONNECTION, HeaderValue::from_static("upgrade"))
            .header(UPGRADE, HeaderValue::from_static("websocket"))
            .header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            .header(SEC_WEBSOCKET_KEY, value(&key));
        let answer = network.client(&self.way())?.send(request).await?;
        judge(&answer, &key)?;
        let what = match answer.header(SEC_WEBSOCKET_PROTOCOL.as_str()) {
            Some(protocol) => format!("open, speaking {}", cut(protocol.as_bytes())),
            None => "open".to_owned(),
        };
        let certificate = answer.certificate.as_deref().cloned();
        let what = format!("{what}, in {}", seconds(answer.timings.total));
        Ok(Seen { what, timings: answer.timings, certificate, records: Vec::new() })
    }
}

fn judge(answer: &Response, key: &str) -> Result<(), Trouble> {
    if answer.status != StatusCode::SWITCHING_PROTOCOLS {
        let trouble = Trouble::failed(format!("no WebSocket: status {}", answer.status.as_u16()));
        return Err(if answer.status.is_client_error() {
            trouble.for_good("a status of 4xx is not tried again")
        } else {
            trouble
        });
    }
    if answer.header(SEC_WEBSOCKET_ACCEPT.as_str()) != Some(&accept(key)) {
        return Err(Trouble::failed("no WebSocket: the server did not take the key (sec-websocket-accept)"));
    }
    Ok(())
}

/// A key that no cache has an answer to.
fn nonce() -> [u8; 16] {
    std::array::from_fn(|_| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 0 to 255")]
        let byte = (sluice_http::jitter() * 256.0) as u8;
        byte
    })
}

/// What a server that understood the key answers.
fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// `ws` and `wss` are `http` and `https`.
fn target(written: &str) -> Result<Target, String> {
    let url = match (written.strip_prefix("ws://"), written.strip_prefix("wss://")) {
        (Some(rest), _) => format!("http://{rest}"),
        (_, Some(rest)) => format!("https://{rest}"),
        _ if written.starts_with('/') => written.to_owned(),
        _ => return Err(format!("{written:?} is neither a path nor a URL of ws:// or wss://")),
    };
    Target::try_from(url)
}

/// The mapping that a WebSocket is written as when there is more to say than its URL.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WebsocketFields {
    /// A URL of `ws://` or `wss://`, or a path that is appended to the base URL.
    url: String,
    /// Headers to send; the subprotocol is `sec-websocket-protocol`.
    #[serde(default)]
    headers: indexmap::IndexMap<crate::http::Name, crate::http::Text>,
    /// Who we are.
    auth: Option<crate::http::Auth>,
    /// PEM file with CA certificates to trust besides Mozilla's, from the repository's root.
    ca_file: Option<std::path::PathBuf>,
}

impl Forms for Websocket {
    type Item = Never;
    type Mapping = WebsocketFields;
    const EXPECTED: &'static str = "a URL, a path or a mapping";

    fn read(form: Form<Never, WebsocketFields>) -> Result<Self, String> {
        let (written, fields) = match form {
            Form::Text(text) => (text.clone(), Fields::get(target(&text)?)),
            Form::Mapping(fields) => {
                let WebsocketFields { url, headers, auth, ca_file } = fields;
                let target = target(&url)?;
                let mut fields = Fields::get(target);
                (fields.headers, fields.auth, fields.ca_file) = (headers, auth, ca_file);
                (url, fields)
            }
            other => return Err(forms::unexpected::<Self>(&other)),
        };
        Ok(Self { http: fields.try_into()?, written })
    }
}

forms::deserialize_forms!(Websocket);
forms::text_or_mapping_schema!(Websocket, WebsocketFields, "Websocket");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_accepted() {
        // https://www.rfc-editor.org/rfc/rfc6455#section-1.3
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_url_is_of_ws_or_a_path() {
        assert_eq!(target("wss://shop.example.com/ws").unwrap().as_str(), "https://shop.example.com/ws");
        assert!(target("https://shop.example.com/ws").unwrap_err().contains("ws://"));
    }
}
