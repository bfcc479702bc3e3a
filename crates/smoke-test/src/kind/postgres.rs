//! A Postgres server that lets us in and takes an empty query.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html>

use std::path::PathBuf;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_http::Connections;
use tokio::time::Instant;

use super::{Line, Seen};
use crate::address::Address;
use crate::excerpt::{cut, seconds};
use crate::network::Network;
use crate::trouble::Trouble;

/// A Postgres server: connect, authenticate, an empty query.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Postgres {
    /// The address: `host:port`. Default of the port: 5432.
    address: Address,
    /// The user.
    user: String,
    /// The password, best from a variable: `{{ name }}`.
    password: Option<String>,
    /// The database. Default: the one called like the user.
    database: Option<String>,
    /// Whether to speak TLS, with a certificate that is trusted. Default: yes.
    #[serde(default = "yes")]
    tls: bool,
    /// PEM file with CA certificates to trust besides Mozilla's, from the repository's root.
    ca_file: Option<PathBuf>,
}

const fn yes() -> bool {
    true
}

impl Postgres {
    pub(crate) fn label(&self) -> String {
        format!("postgres {}", self.address)
    }

    pub(super) fn server(&self) -> String {
        format!("PostgreSQL at {}", self.address)
    }

    pub(super) fn connections(&self) -> Connections {
        Connections { ca_files: self.ca_file.iter().cloned().collect(), ..Connections::default() }
    }

    pub(super) async fn ask(&self, network: &Network) -> Result<Seen, Trouble> {
        let started = Instant::now();
        let dialer = network.dialer(&self.connections())?;
        let connection = dialer.tcp(&self.address.host, self.address.port.unwrap_or(5432)).await?;
        let connection =
            if self.tls { dialer.tls(self.ask_for_tls(connection).await?).await? } else { connection };
        let mut session = Session { line: Line::new(connection, self.server()), postgres: self };
        session.log_in().await?;
        session.send(|buffer| frontend::query("", buffer)).await?;
        session.wait_until_ready().await?;
        session.say_goodbye().await?;
        let took = started.elapsed();
        Ok(session.line.seen(format!("ready in {}", seconds(took)), took))
    }

    /// TLS begins on the same port, once the server has agreed.
    async fn ask_for_tls(
        &self,
        connection: sluice_http::Connection,
    ) -> Result<sluice_http::Connection, Trouble> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut connection = connection;
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        let asked = async {
            connection.stream.write_all(&request).await?;
            connection.stream.read_u8().await
        };
        match asked.await {
            Ok(b'S') => Ok(connection),
            Ok(b'N') => Err(Trouble::failed(format!("{} does not speak TLS", self.server()))
                .help("turn it on there, or set `tls: false`")
                .for_good("a server without TLS stays one")),
            Ok(_) => Err(Trouble::failed(format!("{} did not answer as PostgreSQL does", self.server()))
                .help("is it the right port?")),
            Err(error) => Err(Trouble::failed(format!("{} closed the connection: {error}", self.server()))),
        }
    }

    /// What the server's error means: its code says whether to try again.
    ///
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn refused(&self, error: &ErrorResponseBody) -> Trouble {
        let (mut code, mut message) = (String::new(), String::new());
        let mut fields = error.fields();
        while let Ok(Some(field)) = fields.next() {
            match field.type_() {
                b'C' => code = cut(field.value_bytes()),
                b'M' => message = cut(field.value_bytes()),
                _ => {}
            }
        }
        let trouble = Trouble::failed(format!("{} says: {message} ({code})", self.server()));
        match code.as_str() {
            code if code.starts_with("28") => trouble
                .help("check `user` and `password`, and pg_hba.conf there")
                .for_good("credentials that are refused stay refused"),
            "3D000" => {
                trouble.help("check `database`").for_good("a database that is not there does not come up")
            }
            _ => trouble,
        }
    }
}

struct Session<'a> {
    line: Line,
    postgres: &'a Postgres,
}

impl Session<'_> {
    async fn log_in(&mut self) -> Result<(), Trouble> {
        let Postgres { user, database, .. } = self.postgres;
        let parameters = [
            ("user", user.as_str()),
            ("database", database.as_deref().unwrap_or(user)),
            ("application_name", "smoke-test"),
        ];
        self.send(|buffer| frontend::startup_message(parameters, buffer)).await?;
        loop {
            match self.receive().await? {
                Message::AuthenticationOk => return self.wait_until_ready().await,
                Message::AuthenticationCleartextPassword if !self.postgres.tls => {
                    return Err(Trouble::failed(format!(
                        "{} asks for the password in the clear, without TLS",
                        self.postgres.server()
                    ))
                    .for_good("the password is not sent that way"));
                }
                Message::AuthenticationCleartextPassword => {
                    let password = self.password()?;
                    self.send(|buffer| frontend::password_message(password.as_bytes(), buffer)).await?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(user.as_bytes(), self.password()?.as_bytes(), body.salt());
                    self.send(|buffer| frontend::password_message(hash.as_bytes(), buffer)).await?;
                }
                Message::AuthenticationSasl(_) => self.scram().await?,
                Message::ErrorResponse(error) => return Err(self.postgres.refused(&error)),
                Message::NoticeResponse(_) => {}
                _ => {
                    return Err(Trouble::failed(format!(
                        "{} wants to authenticate in a way that is not supported",
                        self.postgres.server()
                    ))
                    .help("allow scram-sha-256 in pg_hba.conf for this user"));
                }
            }
        }
    }

    /// SCRAM-SHA-256: neither side shows the other its secret.
    async fn scram(&mut self) -> Result<(), Trouble> {
        let failed = |error: std::io::Error| {
            Trouble::failed(format!("could not authenticate: {error}"))
                .for_good("credentials that are refused stay refused")
        };
        let mut scram = ScramSha256::new(self.password()?.as_bytes(), ChannelBinding::unsupported());
        self.send(|buffer| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), buffer)).await?;
        match self.receive().await? {
            Message::AuthenticationSaslContinue(body) => scram.update(body.data()).map_err(failed)?,
            Message::ErrorResponse(error) => return Err(self.postgres.refused(&error)),
            _ => return Err(self.line.not("it left SCRAM half-way")),
        }
        self.send(|buffer| frontend::sasl_response(scram.message(), buffer)).await?;
        match self.receive().await? {
            Message::AuthenticationSaslFinal(body) => scram.finish(body.data()).map_err(failed),
            Message::ErrorResponse(error) => Err(self.postgres.refused(&error)),
            _ => Err(self.line.not("it left SCRAM half-way")),
        }
    }

    async fn wait_until_ready(&mut self) -> Result<(), Trouble> {
        loop {
            match self.receive().await? {
                Message::ReadyForQuery(_) => return Ok(()),
                Message::ErrorResponse(error) => return Err(self.postgres.refused(&error)),
                _ => {}
            }
        }
    }

    async fn say_goodbye(&mut self) -> Result<(), Trouble> {
        self.send(|buffer| {
            frontend::terminate(buffer);
            Ok(())
        })
        .await
    }

    fn password(&self) -> Result<String, Trouble> {
        self.postgres.password.clone().ok_or_else(|| {
            Trouble::failed(format!("{} asks for a password", self.postgres.server()))
                .help("give a `password`, from a variable")
                .for_good("a password that is missing stays missing")
        })
    }

    async fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>,
    ) -> Result<(), Trouble> {
        let mut buffer = BytesMut::new();
        write(&mut buffer).map_err(|error| Trouble::failed(format!("could not be asked: {error}")))?;
        self.line.send(&buffer).await
    }

    async fn receive(&mut self) -> Result<Message, Trouble> {
        loop {
            match Message::parse(&mut self.line.received) {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => self.line.receive().await?,
                Err(error) => return Err(self.line.not(&error.to_string())),
            }
        }
    }
}
