//! A host and a port, as `host:port`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A host, with its port where one is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address {
    /// A name or an address, IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address: write it as host:port, IPv6 as [::1]:port");
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
                let port = match port.strip_prefix(':') {
                    None if port.is_empty() => None,
                    port => Some(port.ok_or_else(wrong)?),
                };
                (host, port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text.as_str(), None),
            },
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(wrong());
        }
        let port = port.map(|port| port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong));
        Ok(Self { host: host.to_owned(), port: port.transpose()? })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_perhaps_a_port() {
        let read = |text: &str| Address::try_from(text.to_owned());
        for text in ["db.example.com:5432", "db", "10.0.0.1:80", "[::1]:6379", "[::1]"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        for text in
            ["", ":80", "db:", "db:0", "db:99999", "a b:1", "https://db:1", "[::g]:1", "[::1]x", "a:b:1"]
        {
            assert!(read(text).unwrap_err().contains("no address"), "{text}");
        }
    }
}
