//! A stand-in for AWS in tests: [moto](https://docs.getmoto.org), over HTTP, in a process of its own.
//!
//! `tests/tools/aws.py` is the server. What moto leaves out (add-ons of clusters, layers, scans that are not over) and
//! what AWS says when it is not well is told by [`Moto::answer`]. The server ends when the value is dropped.
//!
//! The Python programs are those that `cargo xtask test` sets up in `target/tools`.

#![expect(clippy::missing_panics_doc, reason = "in a test a panic is the way to fail")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a part of tests")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use serde_json::{Value, json};

/// The account that all things are in.
pub const ACCOUNT: &str = "123456789012";
/// The region that they are in.
pub const REGION: &str = "eu-west-1";

/// A running stand-in.
#[derive(Debug)]
pub struct Moto {
    process: Child,
    /// The server ends when this is closed: also when the test is killed.
    _input: Option<ChildStdin>,
    port: u16,
}

impl Moto {
    /// Starts it, and waits until it answers.
    pub fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = python(&root);
        let mut process = Command::new(&python)
            .arg(root.join("tests/tools/aws.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}: run `cargo xtask test` once, which sets it up", python.display())
            });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("moto is among the Python programs of target/tools");
        Self { _input: process.stdin.take(), process, port }
    }

    /// Where it answers, for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A call of ECR by its operation: `CreateRepository`.
    pub fn ecr(&self, operation: &str, input: &Value) -> Value {
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{operation}");
        let headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target.as_str())];
        self.call("POST", "/", "ecr", &headers, input)
    }

    /// A call of EKS: `POST /clusters`.
    pub fn eks(&self, method: &str, path: &str, input: &Value) -> Value {
        self.call(method, path, "eks", &[("Content-Type", "application/json")], input)
    }

    /// Makes a cluster of EKS in a region that answers at an address, with an authority as EKS tells it.
    pub fn cluster(&self, region: &str, name: &str, endpoint: &str, authority: &str) {
        let headers = [("Content-Type", "application/json")];
        let role = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        let made = json!({"name": name, "version": "1.34", "roleArn": role, "resourcesVpcConfig": {}});
        let scope = format!("{region}/eks");
        let (status, body) =
            self.exchange("POST", "/clusters", &scope, &headers, made.to_string().as_bytes());
        assert_eq!(status, 200, "{body}");
        let set = json!({"endpoint": endpoint, "certificate_authority": {"data": authority}});
        self.control("clusters", &json!({"region": region, "name": name, "set": set}));
    }

    /// Makes a bucket, that can lock objects.
    pub fn bucket(&self, name: &str) {
        let headers = [("x-amz-bucket-object-lock-enabled", "true"), ("Content-Type", "application/xml")];
        let place = format!(
            "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        );
        let (status, body) =
            self.exchange("PUT", &format!("/{name}"), &scope("s3"), &headers, place.as_bytes());
        assert_eq!(status, 200, "{body}");
    }

    /// Answers such calls instead of moto: `to` is an operation, or a method and a path; `holding` is a part of the
    /// request's body, `bearing` are headers with a part of what each holds; `status`, `headers`, `body` are the answer; `delay` is in seconds; after `times` moto answers
    /// again.
    pub fn answer(&self, answer: &Value) {
        self.control("answers", answer);
    }

    /// Forgets the answers that were to be given some `times` more.
    pub fn forget(&self) {
        self.control("forget", &json!({}));
    }

    /// Lists so many keys of a bucket a page; S3 itself lists 1,000.
    pub fn keys_a_page(&self, keys: usize) {
        self.control("pages", &json!({"keys": keys}));
    }

    /// Answers such calls with success.
    pub fn answer_with(&self, to: &str, holding: &str, body: &Value) {
        let headers = json!({"Content-Type": "application/json"});
        self.answer(&json!({"to": to, "holding": holding, "status": 200, "body": body.to_string(), "headers": headers}));
    }

    /// Sets attributes of moto's cluster, or of one of its node groups.
    pub fn set(&self, cluster: &str, nodegroup: Option<&str>, attributes: &Value) {
        let mut wish = json!({"region": REGION, "name": cluster, "set": attributes});
        if let Some(nodegroup) = nodegroup {
            wish["nodegroup"] = nodegroup.into();
        }
        self.control("clusters", &wish);
    }

    /// What was called, in order: operations, or methods and paths.
    pub fn calls(&self) -> Vec<String> {
        let (status, body) = self.exchange("GET", "/_test/calls", &scope("test"), &[], b"");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn control(&self, what: &str, wish: &Value) {
        let body = wish.to_string();
        let (status, body) =
            self.exchange("POST", &format!("/_test/{what}"), &scope("test"), &[], body.as_bytes());
        assert_eq!(status, 200, "{body}");
    }

    fn call(
        &self,
        method: &str,
        path: &str,
        service: &str,
        headers: &[(&str, &str)],
        input: &Value,
    ) -> Value {
        let (status, body) =
            self.exchange(method, path, &scope(service), headers, input.to_string().as_bytes());
        assert_eq!(status, 200, "{method} {path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// moto checks no signature, but reads region and service from it: the scope.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        scope: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AK/20260101/{scope}/aws4_request, \
             SignedHeaders=host, Signature=x\r\n{headers}\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }
}

/// A service in the region that all things are in.
fn scope(service: &str) -> String {
    format!("{REGION}/{service}")
}

fn python(root: &Path) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a part of tests")]
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("tools/python/bin/python")
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
