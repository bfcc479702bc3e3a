//! A Redis (or Valkey) that lets us in and answers PING. <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use std::fmt::Write as _;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_http::Connections;
use tokio::time::Instant;

use super::{Line, Seen};
use crate::address::Address;
use crate::excerpt::{cut, seconds};
use crate::forms::{self, Form, Forms, Never};
use crate::network::Network;
use crate::trouble::Trouble;

/// A Redis: connect, authenticate, PING.
#[derive(Clone, Debug)]
pub(crate) struct Redis(Fields);

/// The mapping that a Redis check is written as when there is more to say than its address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Fields {
    /// The address: `host:port`. Default of the port: 6379.
    address: Address,
    /// The user. Default: that of the server, `default`.
    user: Option<String>,
    /// The password, best from a variable: `{{ name }}`.
    password: Option<String>,
    /// Whether to speak TLS from the start. Default: no.
    #[serde(default)]
    tls: bool,
    /// PEM file with CA certificates to trust besides Mozilla's, from the repository's root.
    ca_file: Option<PathBuf>,
}

impl Redis {
    pub(crate) fn label(&self) -> String {
        format!("redis {}", self.0.address)
    }

    pub(super) fn server(&self) -> String {
        format!("Redis at {}", self.0.address)
    }

    pub(super) fn connections(&self) -> Connections {
        Connections { ca_files: self.0.ca_file.iter().cloned().collect(), ..Connections::default() }
    }

    pub(super) async fn ask(&self, network: &Network) -> Result<Seen, Trouble> {
        let started = Instant::now();
        let Fields { address, user, password, tls, .. } = &self.0;
        let dialer = network.dialer(&self.connections())?;
        let mut connection = dialer.tcp(&address.host, address.port.unwrap_or(6379)).await?;
        if *tls {
            connection = dialer.tls(connection).await?;
        }
        let mut line = Line::new(connection, self.server());
        if let Some(password) = password {
            let words: Vec<&str> =
                ["AUTH"].into_iter().chain(user.as_deref()).chain([password.as_str()]).collect();
            self.command(&mut line, &words).await?;
        }
        let pong = self.command(&mut line, &["PING"]).await?;
        if pong != b"PONG" {
            return Err(line.not(&format!("PING was answered with {:?}", cut(&pong))));
        }
        let took = started.elapsed();
        Ok(line.seen(format!("PONG in {}", seconds(took)), took))
    }

    /// Sends a command and gives its simple answer.
    async fn command(&self, line: &mut Line, words: &[&str]) -> Result<Vec<u8>, Trouble> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            let _ = write!(command, "${}\r\n{word}\r\n", word.len());
        }
        line.send(command.as_bytes()).await?;
        let answer = loop {
            if let Some(end) = line.received.windows(2).position(|pair| pair == b"\r\n") {
                let answer = line.received.split_to(end + 2);
                break answer[..end].to_vec();
            }
            line.receive().await?;
        };
        match answer.split_first() {
            Some((b'+', text)) => Ok(text.to_vec()),
            Some((b'-', text)) => Err(self.refused(&cut(text))),
            _ => Err(line.not(&format!("it sent {:?}", cut(&answer)))),
        }
    }

    /// The first word of an error is its code.
    fn refused(&self, message: &str) -> Trouble {
        let trouble = Trouble::failed(format!("{} says: {message}", self.server()));
        match message.split(' ').next().unwrap_or_default() {
            "NOAUTH" => trouble
                .help("give a `password`, from a variable")
                .for_good("a password that is missing stays missing"),
            "WRONGPASS" | "NOPERM" => trouble
                .help("check `user` and `password`")
                .for_good("credentials that are refused stay refused"),
            _ => trouble,
        }
    }
}

impl Forms for Redis {
    type Item = Never;
    type Mapping = Fields;
    const EXPECTED: &'static str = "an address or a mapping";

    fn read(form: Form<Never, Fields>) -> Result<Self, String> {
        let fields = match form {
            Form::Text(text) => {
                Fields { address: text.try_into()?, user: None, password: None, tls: false, ca_file: None }
            }
            Form::Mapping(fields) => fields,
            other => return Err(forms::unexpected::<Self>(&other)),
        };
        if fields.user.is_some() && fields.password.is_none() {
            return Err("a \"user\" needs a \"password\"".to_owned());
        }
        Ok(Self(fields))
    }
}

forms::deserialize_forms!(Redis);
forms::text_or_mapping_schema!(Redis, Fields, "Redis");
