//! What DNS answers to a question. <https://www.rfc-editor.org/rfc/rfc1035>

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use domain::base::iana::Rcode;
use domain::base::message::RecordIter;
use domain::base::{Message, MessageBuilder, Name, ParseRecordData, Rtype};
use domain::rdata::{A, Aaaa, Cname, Txt};
use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::Verdict;
use sluice_http::Timings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout};

use super::Seen;
use crate::address::Address;
use crate::excerpt::seconds;
use crate::forms::{self, Form, Forms, Never};
use crate::trouble::{Reach, Trouble};

/// How long a name server may take, each time it is asked.
const TIMEOUT: Duration = Duration::from_secs(3);
/// What the system's resolver asks: <https://man7.org/linux/man-pages/man5/resolv.conf.5.html>
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// A question to DNS, of which some answer must come.
#[derive(Clone, Debug)]
pub(crate) struct Dns(Fields);

/// The mapping that a question is written as when there is more to say than its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Fields {
    /// The name, whole: no search domain is appended.
    name: String,
    /// The type of record. Default: addresses, `A` and `AAAA`.
    #[serde(rename = "type")]
    record_type: Option<RecordType>,
    /// The name server that is asked: `address[:port]`. Default: those of `/etc/resolv.conf`.
    server: Option<Address>,
}

/// The types of records that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum RecordType {
    A,
    Aaaa,
    Cname,
    Txt,
}

impl RecordType {
    const fn of_wire(self) -> Rtype {
        match self {
            Self::A => Rtype::A,
            Self::Aaaa => Rtype::AAAA,
            Self::Cname => Rtype::CNAME,
            Self::Txt => Rtype::TXT,
        }
    }
}

impl Dns {
    pub(crate) fn label(&self) -> String {
        let Fields { name, record_type, .. } = &self.0;
        match record_type {
            Some(record_type) => format!("dns {} {name}", record_type.of_wire()),
            None => format!("dns {name}"),
        }
    }

    pub(super) async fn ask(&self) -> Result<Seen, Trouble> {
        let started = Instant::now();
        let servers = self.servers().await?;
        let types = match self.0.record_type {
            Some(one) => vec![one],
            None => vec![RecordType::A, RecordType::Aaaa],
        };
        let mut records = Vec::new();
        for record_type in types {
            records.extend(self.records(record_type, &servers).await?);
        }
        if records.is_empty() {
            let what = self
                .0
                .record_type
                .map_or("address".to_owned(), |asked| format!("{} record", asked.of_wire()));
            return Err(nothing(&format!("{} has no {what}", self.0.name)));
        }
        let took = started.elapsed();
        let timings = Timings { total: took, ..Timings::default() };
        let what = format!("{} in {}", records.join(", "), seconds(took));
        Ok(Seen { what, timings, certificate: None, records })
    }

    /// The first answer of any server.
    async fn records(&self, record_type: RecordType, servers: &[SocketAddr]) -> Result<Vec<String>, Trouble> {
        let name: Name<Vec<u8>> = Name::vec_from_str(&self.0.name)
            .map_err(|error| Trouble::failed(format!("\"{}\" is no name for DNS: {error}", self.0.name)))?;
        let mut last = None;
        for server in servers {
            match query(&name, record_type.of_wire(), *server).await {
                Ok(message) => match message.header().rcode() {
                    Rcode::NOERROR => return Ok(answers(&message, record_type)),
                    Rcode::NXDOMAIN => {
                        return Err(nothing(&format!("the name {} does not exist", self.0.name)));
                    }
                    code => last = Some(format!("{server} says {code}")),
                },
                Err(why) => last = Some(format!("{server}: {why}")),
            }
        }
        let why = last.unwrap_or_else(|| format!("{RESOLV_CONF} names no server"));
        Err(Trouble {
            reach: Reach::Unknown,
            verdict: Verdict::Undecided,
            never_left: true,
            ..Trouble::failed(format!("no name server could tell: {why}"))
        })
    }

    async fn servers(&self) -> Result<Vec<SocketAddr>, Trouble> {
        if let Some(Address { host, port }) = &self.0.server {
            let port = port.unwrap_or(53);
            let found = tokio::net::lookup_host((host.as_str(), port)).await;
            return found.map(Iterator::collect).map_err(|error| Trouble {
                reach: Reach::Unknown,
                verdict: Verdict::Undecided,
                ..Trouble::failed(format!("the name server {host} was not found: {error}"))
            });
        }
        Ok(name_servers(&std::fs::read_to_string(RESOLV_CONF).unwrap_or_default()))
    }
}

/// That DNS has no answer is its answer.
fn nothing(reason: &str) -> Trouble {
    Trouble { reach: Reach::Refused, ..Trouble::failed(reason) }
}

/// The name servers of a `resolv.conf`.
fn name_servers(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        address.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53))
    };
    text.lines().filter_map(server).collect()
}

/// Asks one server, over TCP when the answer is too long for UDP.
async fn query(
    name: &Name<Vec<u8>>,
    record_type: Rtype,
    server: SocketAddr,
) -> Result<Message<Vec<u8>>, String> {
    let request = question(name, record_type).ok_or("the question could not be written")?;
    let in_time = |answer: Result<std::io::Result<Vec<u8>>, _>| match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {}s", TIMEOUT.as_secs())),
    };
    let answer = in_time(timeout(TIMEOUT, over_udp(&request, server)).await)?;
    let message = read(answer, &request)?;
    if !message.header().tc() {
        return Ok(message);
    }
    read(in_time(timeout(TIMEOUT, over_tcp(&request, server)).await)?, &request)
}

fn question(name: &Name<Vec<u8>>, record_type: Rtype) -> Option<Vec<u8>> {
    let mut builder = MessageBuilder::new_vec();
    // An id that can't be guessed, so that no one else can answer.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 0 to 65535")]
    builder.header_mut().set_id((sluice_http::jitter() * 65_536.0) as u16);
    builder.header_mut().set_rd(true);
    let mut builder = builder.question();
    builder.push((name, record_type)).ok()?;
    Some(builder.finish())
}

fn read(answer: Vec<u8>, request: &[u8]) -> Result<Message<Vec<u8>>, String> {
    let message = Message::from_octets(answer).map_err(|_| "its answer is cut short".to_owned())?;
    let asked = Message::from_octets(request).map_err(|_| "the question is cut short".to_owned())?;
    if !message.is_answer(&asked) {
        return Err("its answer is to another question".to_owned());
    }
    Ok(message)
}

async fn over_udp(request: &[u8], server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(request).await?;
    let mut answer = vec![0; 4096];
    let length = socket.recv(&mut answer).await?;
    answer.truncate(length);
    Ok(answer)
}

async fn over_tcp(request: &[u8], server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(request.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), request].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// The records of a type, as text; those of other types, as an alias on the way, are left out.
fn answers(message: &Message<Vec<u8>>, record_type: RecordType) -> Vec<String> {
    let Ok(section) = message.answer() else { return Vec::new() };
    match record_type {
        RecordType::A => texts(section.limit_to::<A>(), ToString::to_string),
        RecordType::Aaaa => texts(section.limit_to::<Aaaa>(), ToString::to_string),
        RecordType::Cname => texts(section.limit_to::<Cname<_>>(), |alias| {
            alias.cname().to_string().trim_end_matches('.').to_owned()
        }),
        RecordType::Txt => texts(section.limit_to::<Txt<_>>(), text_of),
    }
}

fn texts<'a, D: ParseRecordData<'a, Vec<u8>>>(
    records: RecordIter<'a, Vec<u8>, D>,
    text: impl Fn(&D) -> String,
) -> Vec<String> {
    records.flatten().map(|record| text(record.data())).collect()
}

/// The strings of a TXT record belong together: <https://www.rfc-editor.org/rfc/rfc7208#section-3.3>
fn text_of<T: AsRef<[u8]>>(text: &Txt<T>) -> String {
    let bytes: Vec<u8> = text.iter().flatten().copied().collect();
    sluice_core::escape::bytes(&bytes)
}

impl Forms for Dns {
    type Item = Never;
    type Mapping = Fields;
    const EXPECTED: &'static str = "a name or a mapping";

    fn read(form: Form<Never, Fields>) -> Result<Self, String> {
        let fields = match form {
            Form::Text(name) => Fields { name, record_type: None, server: None },
            Form::Mapping(fields) => fields,
            other => return Err(forms::unexpected::<Self>(&other)),
        };
        match Name::<Vec<u8>>::vec_from_str(&fields.name) {
            Ok(_) if !fields.name.is_empty() => Ok(Self(fields)),
            _ => Err(format!("{:?} is no name for DNS", fields.name)),
        }
    }
}

forms::deserialize_forms!(Dns);
forms::text_or_mapping_schema!(Dns, Fields, "Dns");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_from_resolv_conf() {
        let text = "# a comment\nsearch example.com\nnameserver 10.0.0.2\nnameserver ::1\nnameserver x\noptions ndots:5\n";
        let servers: Vec<_> = name_servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.2:53", "[::1]:53"]);
    }
}
