//! notify: mail, to aiosmtpd.
//!
//! The Python programs are those that `cargo xtask test` sets up in `target/tools`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is the way to fail"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use sluice_end_to_end::{Outcome, Repository};

/// A mail server in a process of its own: `tests/tools/smtp.py`.
struct MailServer {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
    port: u16,
    /// A certificate for `localhost`, its key, and the authority to trust.
    files: tempfile::TempDir,
}

impl MailServer {
    fn start(arguments: &[&str]) -> Self {
        let files = certificates();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = target(&root).join("tools/python/bin/python");
        let mut process = Command::new(&python)
            .arg(root.join("tests/tools/smtp.py"))
            .args(["--certificate", &file(&files, "certificate.pem"), "--key", &file(&files, "key.pem")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask test` once", python.display()));
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("aiosmtpd is among the Python programs of target/tools");
        Self { process, said, port, files }
    }

    /// Tells it of a start, over a connection that is encrypted so.
    fn told(&self, encryption: &str, is_trusted: bool, more: &str) -> Outcome {
        let repository = Repository::new();
        repository.write(
            ".github/sluice.yml",
            format!(
                "version: 1\nchannels:\n  mail: {{email: {{server: \"localhost:{}\", encryption: {encryption}, from: \"Sluice <sluice@example.com>\", to: [team@example.com, Ops <ops@example.com>]{more}}}}}\nnotify: [{{on: [start], channels: [mail]}}]\n",
                self.port
            ),
        );
        let run = repository
            .run("notify")
            .input("event", "start")
            .input("environment", "production")
            .variable("GITHUB_ACTOR", "x\r\nBcc: victim@evil.example\r\n\r\n<script>")
            .variable("NAME", "sluice")
            .variable("PASSWORD", "pAsSwOrD");
        let run = if is_trusted { run.input("ca-file", &file(&self.files, "authority.pem")) } else { run };
        let outcome = run.in_actions().ends();
        outcome.never_says("pAsSwOrD");
        outcome
    }

    /// Ends it, and gives the mails that it took.
    fn took(mut self) -> Vec<Value> {
        drop(self.process.stdin.take());
        let mails = self.said.by_ref().lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        mails.collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test")]
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn file(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_string_lossy().into_owned()
}

fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
    std::fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    folder
}

#[test]
fn a_mail_reaches_each_mailbox_and_says_what_it_is() {
    let server = MailServer::start(&["--tls"]);
    server.told("tls", true, "").exits(0).says("accepted by the mail server");
    let mails = server.took();
    let [mail] = mails.as_slice() else { panic!("{mails:#?}") };
    assert_eq!((&mail["from"], &mail["tls"]), (&"sluice@example.com".into(), &true.into()));
    assert_eq!(mail["to"], serde_json::json!(["team@example.com", "ops@example.com"]));
    let text = mail["mail"].as_str().unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Auto-Submitted: auto-generated") && head.contains("Message-ID: <"), "{head}");
    assert!(!head.contains("Bcc:") && head.contains("multipart/alternative"), "{head}");
    let (_, html) = text.split_once("text/html").unwrap();
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
}

#[test]
fn a_connection_is_encrypted_before_the_password_is_said() {
    let server = MailServer::start(&["--starttls", "--login", "sluice:pAsSwOrD"]);
    let login = ", username: {env: NAME}, password: {env: PASSWORD}";
    server.told("starttls", true, login).exits(0);
    server.told("starttls", true, "").exits(1).says("the mail server refused it");
    let mails = server.took();
    assert_eq!(mails.len(), 1);
    assert_eq!((&mails[0]["tls"], &mails[0]["login"]), (&true.into(), &true.into()));
}

#[test]
fn a_server_that_nobody_vouches_for_gets_nothing() {
    let server = MailServer::start(&["--tls"]);
    server.told("tls", false, "").exits(3).says("no secure connection").says("1 try").says("UnknownIssuer");
    assert!(server.took().is_empty());
    let plain = MailServer::start(&[]);
    plain.told("starttls", true, "").exits(3).says("STARTTLS is not supported").says("1 try");
    assert!(plain.took().is_empty());
}

#[test]
fn a_server_that_is_not_there_is_asked_again() {
    let mut server = MailServer::start(&[]);
    let _ = (server.process.kill(), server.process.wait());
    server.told("none", false, "").exits(3).says("the mail server was not reached").says("5 tries");
}

#[test]
fn what_the_server_says_decides_whether_a_mail_is_sent_again() {
    let sent = |answers: &[&str]| {
        let server = MailServer::start(&[&["--answers"], answers].concat());
        let outcome = server.told("none", false, "");
        (outcome.code, server.took().len())
    };
    assert_eq!(sent(&["250 OK"]), (Some(0), 1));
    assert_eq!(sent(&["451 later", "250 OK"]), (Some(0), 2));
    assert_eq!(sent(&["550 no"]), (Some(1), 1));
    // Whether these two took it is not known.
    assert_eq!(sent(&["drop"]), (Some(3), 1));
    assert_eq!(sent(&["hang"]), (Some(3), 1));
}
