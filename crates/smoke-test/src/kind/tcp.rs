//! A port that takes connections, and one that speaks TLS.

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_http::Connections;

use super::Seen;
use crate::address::Address;
use crate::excerpt::seconds;
use crate::forms::{self, Form, Forms, Never};
use crate::network::Network;
use crate::trouble::Trouble;

/// A port that must take connections: `host:port`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Address")]
#[schemars(with = "Address")]
pub(crate) struct Tcp {
    host: String,
    port: u16,
}

impl TryFrom<Address> for Tcp {
    type Error = String;

    fn try_from(address: Address) -> Result<Self, String> {
        let port = address.port.ok_or_else(|| format!("\"{address}\" lacks a port: write host:port"))?;
        Ok(Self { host: address.host, port })
    }
}

impl Tcp {
    pub(crate) fn label(&self) -> String {
        let address = Address { host: self.host.clone(), port: Some(self.port) };
        format!("tcp {address}")
    }

    pub(super) async fn ask(&self, network: &Network) -> Result<Seen, Trouble> {
        let dialer = network.dialer(&Connections::default())?;
        let connection = dialer.tcp(&self.host, self.port).await?;
        let timings = connection.timings;
        let what = format!("open, in {}", seconds(timings.total));
        Ok(Seen { what, timings, ..Seen::default() })
    }
}

/// A port that must speak TLS with a certificate that is trusted: `host[:port]`.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) address: Address,
    ca_file: Option<std::path::PathBuf>,
}

/// The mapping that a TLS check is written as when there is more to say than its address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsFields {
    /// The address: `host:port`. Default of the port: 443.
    address: Address,
    /// PEM file with CA certificates to trust besides Mozilla's, from the repository's root.
    ca_file: Option<std::path::PathBuf>,
}

impl Tls {
    pub(crate) fn label(&self) -> String {
        format!("tls {}", self.address)
    }

    pub(super) fn connections(&self) -> Connections {
        Connections { ca_files: self.ca_file.iter().cloned().collect(), ..Connections::default() }
    }

    pub(super) async fn ask(&self, network: &Network) -> Result<Seen, Trouble> {
        let dialer = network.dialer(&self.connections())?;
        let port = self.address.port.unwrap_or(443);
        let connection = dialer.tls(dialer.tcp(&self.address.host, port).await?).await?;
        let timings = connection.timings;
        let what = format!("TLS in {}", seconds(timings.total));
        Ok(Seen { what, timings, certificate: connection.certificate, records: Vec::new() })
    }
}

impl Forms for Tls {
    type Item = Never;
    type Mapping = TlsFields;
    const EXPECTED: &'static str = "an address or a mapping";

    fn read(form: Form<Never, TlsFields>) -> Result<Self, String> {
        match form {
            Form::Text(text) => Ok(Self { address: text.try_into()?, ca_file: None }),
            Form::Mapping(TlsFields { address, ca_file }) => Ok(Self { address, ca_file }),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

forms::deserialize_forms!(Tls);
forms::text_or_mapping_schema!(Tls, TlsFields, "Tls");
