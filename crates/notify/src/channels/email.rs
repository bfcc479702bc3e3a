//! Email, through an SMTP server.
//!
//! The text is plain, and HTML in which strangers' text is escaped; the subject is one header whatever they wrote.
//! The `Message-ID` is the same when the same mail is sent again, so that mailboxes show it once.
//!
//! A server that says 4xx took nothing, and is asked again; what may have arrived is not sent twice.

use std::{
    error::Error as _,
    io,
    time::{Duration, Instant, SystemTime},
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message as Mail, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use serde_json::{Value, json};
use sluice_config::{Email, Encryption, Event};
use sluice_core::{Problem, Verdict, escape, retry::Decision};

use super::{Channel, Message, Sending, is_loopback, nothing_rendered};
use crate::{
    delivery::{Outcome, Post},
    outputs::Delivery,
    sheet::{self, Fact, Line, Voice},
    story::{Story, took},
    untrusted::{Untrusted, cut, length},
};

/// The longest subject; a header may be longer, and nobody reads that.
const SUBJECT: usize = 200;
/// The longest text to read.
const TEXT: usize = 16_000;
/// What the steps may have together in HTML.
const STEPS: usize = 48_000;

const PLAIN: Voice = Voice { text: |text, most| text.line(most), name: |name| name.line(sheet::NAME) };
const HTML: Voice = Voice { text: escaped, name: code };

impl Channel for Email {
    fn kind(&self) -> &'static str {
        "email"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let summary = sheet::summary(story, PLAIN);
        let links: Vec<String> =
            sheet::links(story, PLAIN).map(|(label, url)| format!("{label}: {url}")).collect();
        let text = format!("{summary}\n\n{}\n\n{}\n", sheet::text(story, PLAIN, TEXT), links.join("\n"));
        let body = json!({"subject": cut(&summary, SUBJECT), "text": text, "html": html(story)});
        Ok(vec![Message::new("message", body)])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            let mail = mail(self, &message.body, post)?;
            let transport = transport(self, post)?;
            Ok(deliver(&transport, &mail, post).await)
        })
    }
}

/// Refuses addresses that are none, and a connection that anyone could read.
pub(super) fn check(email: &Email) -> Result<(), Problem> {
    let (host, _) = host_and_port(email)?;
    mailbox(email.from.as_str())?;
    if email.to.is_empty() {
        return Err(Problem::misconfigured("a channel of kind `email` goes to nobody")
            .help("write `to: [team@example.com]`"));
    }
    for to in &email.to {
        mailbox(to.as_str())?;
    }
    if email.username.is_some() != email.password.is_some() {
        return Err(Problem::misconfigured("a login needs both `username` and `password`"));
    }
    if email.encryption == Some(Encryption::None) && !is_loopback(host) {
        return Err(Problem::misconfigured("mail to another machine must be encrypted")
            .why("`encryption: none` is for a server on the same machine")
            .help("write `encryption: tls` or `encryption: starttls`"));
    }
    Ok(())
}

/// Host and port.
fn host_and_port(email: &Email) -> Result<(&str, u16), Problem> {
    let usual = match email.encryption.unwrap_or_default() {
        Encryption::Tls => 465,
        Encryption::StartTls => 587,
        Encryption::None => 25,
    };
    let text = email.server.as_str();
    let (host, port) = match text.rsplit_once(':') {
        None => (text, Some(usual)),
        Some((host, port)) => (host, port.parse().ok()),
    };
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    port.filter(|_| is_host).map(|port| (host, port)).ok_or_else(|| {
        Problem::misconfigured(format!("\"{text}\" is no SMTP server"))
            .help("write it as `smtp.example.com` or `smtp.example.com:2525`")
    })
}

fn mailbox(text: &str) -> Result<Mailbox, Problem> {
    text.parse().map_err(|error| {
        Problem::misconfigured(format!("\"{text}\" is no address of mail"))
            .why(error)
            .help("write it as `team@example.com` or `Team <team@example.com>`")
    })
}

fn mail(email: &Email, body: &Value, post: &Post<'_>) -> Result<Mail, Problem> {
    let from = mailbox(email.from.as_str())?;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let mut builder = Mail::builder()
        .message_id(Some(message_id(&from.email, &post.idempotency_key)))
        .date(SystemTime::from(post.now))
        .subject(text("subject"))
        .from(from);
    for to in &email.to {
        builder = builder.to(mailbox(to.as_str())?);
    }
    let mut mail = builder
        .multipart(MultiPart::alternative_plain_html(text("text"), text("html")))
        .map_err(|error| Problem::misconfigured("the mail could not be made").why(error))?;
    // So that nobody's absence answers: <https://www.rfc-editor.org/rfc/rfc3834#section-5>.
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    mail.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
    Ok(mail)
}

fn message_id(from: &Address, key: &str) -> String {
    format!("<{key}@{}>", from.domain())
}

fn transport(channel: &Email, post: &Post<'_>) -> Result<AsyncSmtpTransport<Tokio1Executor>, Problem> {
    let (host, port_number) = host_and_port(channel)?;
    let tls = match channel.encryption.unwrap_or_default() {
        Encryption::Tls => Tls::Wrapper(trust(host, post)?),
        Encryption::StartTls => Tls::Required(trust(host, post)?),
        Encryption::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port_number)
        .tls(tls)
        .timeout(Some(post.limits.one));
    if let (Some(username), Some(password)) = (&channel.username, &channel.password) {
        let read = |from| (post.secret)(from).map(|secret| secret.expose().trim().to_owned());
        builder = builder.credentials(Credentials::new(read(username)?, read(password)?));
    }
    Ok(builder.build())
}

/// Mozilla's roots and those of the CA file, as for all other channels.
fn trust(host: &str, post: &Post<'_>) -> Result<TlsParameters, Problem> {
    let mut builder =
        TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(file) = post.ca_file {
        let unreadable = |why: String| Problem::misconfigured("the CA file can't be used for mail").why(why);
        let pem = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
        let roots = Certificate::from_pem(&pem).map_err(|error| unreadable(error.to_string()))?;
        builder = builder.add_root_certificate(roots);
    }
    builder.build_rustls().map_err(|error| Problem::misconfigured("TLS could not be set up").why(error))
}

/// What one try came to.
enum Try {
    Delivered,
    /// Surely not taken; a little later it may be.
    Again(String),
    Refused(String),
    /// Not taken, and no other try would change that.
    Impossible(String),
    /// It may have arrived.
    Lost(String),
}

async fn deliver(transport: &AsyncSmtpTransport<Tokio1Executor>, mail: &Mail, post: &Post<'_>) -> Outcome {
    let began = Instant::now();
    let left = || post.deadline.saturating_duration_since(Instant::now());
    let mut tries = 0;
    let outcome = loop {
        tries += 1;
        match once(transport, mail, post.limits.one.min(left())).await {
            Try::Delivered => break Outcome::new(Delivery::Delivered, "accepted by the mail server"),
            Try::Refused(why) => break Outcome::new(Delivery::Refused, why),
            Try::Impossible(why) => break Outcome::new(Delivery::Unreachable, why),
            Try::Lost(why) => {
                break Outcome::new(Delivery::Unreachable, why)
                    .help("it may have arrived: it was not sent again, so as not to be told twice");
            }
            Try::Again(why) => match post.limits.policy.decide(tries, sluice_http::jitter(), None, left()) {
                Decision::Wait(wait) => tokio::time::sleep(wait).await,
                Decision::GiveUp(_) => break Outcome::new(Delivery::Unreachable, why),
            },
        }
    };
    let tries = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    Outcome { effort: Some(format!("{tries}, {}", took(began.elapsed()))), ..outcome }
}

async fn once(transport: &AsyncSmtpTransport<Tokio1Executor>, mail: &Mail, limit: Duration) -> Try {
    let Ok(sent) = tokio::time::timeout(limit, transport.send(mail.clone())).await else {
        return Try::Lost(format!("the mail server did not answer within {}", took(limit)));
    };
    let Err(error) = sent else { return Try::Delivered };
    let why = |what: &str| format!("{what}: {}", Untrusted::new(told(&error)).line(300));
    if error.is_transient() {
        Try::Again(why("the mail server could not take it now"))
    } else if error.is_permanent() {
        Try::Refused(why("the mail server refused it"))
    } else if error.is_client() || (never_stood(&error) && has_cause(&error, io::ErrorKind::InvalidData)) {
        Try::Impossible(why("no secure connection with the mail server, or none as it was asked for"))
    } else if never_stood(&error) {
        Try::Again(why("the mail server was not reached"))
    } else {
        Try::Lost(why("the connection with the mail server broke"))
    }
}

/// The error with its causes, each once.
fn told(error: &smtp::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        cause = error.source();
    }
    told
}

/// Whether the connection never stood. lettre tells by its words alone: what breaks later is a "network error".
fn never_stood(error: &smtp::Error) -> bool {
    error.to_string().starts_with("Connection error")
}

/// rustls calls a certificate that it does not trust invalid data.
fn has_cause(error: &smtp::Error, kind: io::ErrorKind) -> bool {
    let mut causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.any(|error| error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == kind))
}

fn html(story: &Story) -> String {
    const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.5;color:#1f2328";
    let color = match (story.event, story.verdict) {
        (Event::Start, _) => "#0969da",
        (Event::Cancelled, _) => "#59636e",
        (Event::Success | Event::Recovery, _) => "#1a7f37",
        (Event::Pending | Event::Rollback, _) | (Event::Failure, Verdict::Undecided) => "#9a6700",
        (Event::Failure, _) => "#cf222e",
    };
    let mut html = format!(
        "<!doctype html><html><body style=\"margin:0;padding:24px;background:#f6f8fa;{FONT}\">\
         <div style=\"max-width:640px;margin:0 auto;background:#ffffff;border:1px solid #d1d9e0;border-top:4px solid {color};border-radius:6px;padding:20px 24px\">\
         <div style=\"font-size:20px;font-weight:600\">{}</div>",
        sheet::headline(story, HTML)
    );
    html.extend(sheet::run(story, HTML).map(|run| format!("<div style=\"color:#59636e\">{run}</div>")));
    html.extend(
        sheet::progress(story, HTML).map(|line| format!("<div style=\"margin-top:12px\">{line}</div>")),
    );
    html.push_str("<table style=\"margin-top:16px;border-collapse:collapse\">");
    html.extend(sheet::facts(story, HTML).iter().map(row));
    html.push_str("</table>");
    let steps = sheet::steps(story, HTML, STEPS, |line| length(&step(line)));
    html.extend(steps.lines.iter().map(step));
    html.extend(steps.left_out.map(|left_out| format!("<div style=\"margin-top:8px\">{left_out}</div>")));
    let link = |(label, url): (String, &str)| {
        format!("<a href=\"{}\" style=\"color:#0969da;margin-right:16px\">{label}</a>", escape::markup(url))
    };
    let links: String = sheet::links(story, HTML).map(link).collect();
    html.extend((!links.is_empty()).then(|| format!("<div style=\"margin-top:20px\">{links}</div>")));
    html.push_str("</div></body></html>");
    html
}

fn row(fact: &Fact) -> String {
    format!(
        "<tr><td style=\"padding:2px 16px 2px 0;color:#59636e;vertical-align:top;white-space:nowrap\">{}</td>\
         <td style=\"word-break:break-word\">{}</td></tr>",
        fact.label,
        fact.lines(6_000).join("<br>")
    )
}

fn step(line: &Line) -> String {
    let text = if line.text.is_empty() { String::new() } else { format!(" · {}", line.text) };
    let reason = |reason: &String| format!("<div style=\"margin-left:24px;color:#59636e\">↳ {reason}</div>");
    let reasons = line.reasons.iter().map(reason).collect::<Vec<_>>().concat();
    format!("<div style=\"margin-top:8px\">{} <b>{}</b>{text}{reasons}</div>", line.sign(), line.name)
}

fn escaped(text: &Untrusted, most: usize) -> String {
    escape::markup(&text.line(most))
}

fn code(name: &Untrusted) -> String {
    if name.is_empty() { "—".to_owned() } else { format!("<code>{}</code>", escaped(name, sheet::NAME)) }
}
