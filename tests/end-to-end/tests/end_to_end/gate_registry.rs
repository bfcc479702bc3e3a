//! gate-approval over a registry: Debian's `docker-registry`, over HTTP.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a part of tests")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use sluice_end_to_end::{Outcome, Repository};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// `me:pass`, as htpasswd writes it.
const LOGIN: &str = "me:$2a$04$EByO1JIajJIe9pzuEttwZudMkr82ZjLgy5n2EwgChubW04rMSyO66";
const AUTHORIZATION: &str = "Basic bWU6cGFzcw==";

/// A registry with an index of one platform as `v1`.
struct Registry {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Registry {
    fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("htpasswd"), LOGIN).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\nauth:\n  htpasswd: {{realm: test, path: {}}}\n",
            path("storage"),
            path("htpasswd")
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let process = Command::new("docker-registry")
            .args(["serve", &path("config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is one of the programs that `cargo xtask test` sets up");
        let registry = Self { process, port, folder };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return registry;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("docker-registry does not answer");
    }

    fn name(&self) -> String {
        format!("127.0.0.1:{}/shop/backend", self.port)
    }

    /// Puts a manifest; gives its digest.
    fn manifest(&self, reference: &str, kind: &str, manifest: &Value) -> String {
        let path = format!("/v2/shop/backend/manifests/{reference}");
        let answer = self.exchange("PUT", &path, kind, manifest.to_string().as_bytes());
        header(&answer, "docker-content-digest")
    }

    fn blob(&self, content: &[u8]) -> Value {
        let digest = format!("sha256:{}", sha256(content));
        let answer = self.exchange("POST", "/v2/shop/backend/blobs/uploads/", "text/plain", b"");
        let location = header(&answer, "location");
        let path =
            location.split_once(&format!(":{}", self.port)).map_or(location.as_str(), |(_, path)| path);
        let joint = if path.contains('?') { '&' } else { '?' };
        self.exchange("PUT", &format!("{path}{joint}digest={digest}"), "application/octet-stream", content);
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": content.len()})
    }

    /// An image of one platform, made at a time; gives its digest.
    fn image(&self, architecture: &str, created: &str) -> String {
        let config = json!({"os": "linux", "architecture": architecture, "created": created, "config": {},
            "rootfs": {"type": "layers", "diff_ids": []}});
        let config = self.blob(config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": []});
        let digest = format!("sha256:{}", sha256(manifest.to_string().as_bytes()));
        self.manifest(&digest, IMAGE, &manifest);
        digest
    }

    fn index(&self, tag: &str, platforms: &[(&str, &str)]) -> String {
        let entries: Vec<Value> = platforms
            .iter()
            .map(|(architecture, digest)| {
                let size = self.size(digest);
                json!({"mediaType": IMAGE, "digest": digest, "size": size, "platform": {"os": "linux", "architecture": architecture}})
            })
            .collect();
        self.manifest(tag, INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))
    }

    fn size(&self, digest: &str) -> usize {
        let path = format!("/v2/shop/backend/manifests/{digest}");
        let answer = self.exchange("GET", &path, IMAGE, b"");
        header(&answer, "content-length").parse().unwrap()
    }

    fn exchange(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nAuthorization: {AUTHORIZATION}\r\nAccept: {kind}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap();
        assert!(status.starts_with('2'), "{method} {path}: {answer}");
        answer
    }

    /// The files in which a manifest's bytes are stored.
    fn stored(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        self.folder
            .path()
            .join("storage/docker/registry/v2/blobs/sha256")
            .join(&hex[..2])
            .join(hex)
            .join("data")
    }

    fn auth(&self) -> String {
        json!({"auths": {format!("127.0.0.1:{}", self.port): {"auth": "bWU6cGFzcw=="}}}).to_string()
    }
}

/// Asks the gate about an image.
fn ask_with(auth: &str, gate: &str, image: &str) -> Outcome {
    let shop = Repository::new();
    let config = format!("version: 1\nenvironments: {{production: {{gate: {{{gate}}}}}}}\n");
    shop.write(".github/sluice.yml", &config);
    shop.run("gate-approval")
        .input("environment", "production")
        .input("image", image)
        .input("registry-auth", auth)
        .in_actions()
        .ends()
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn header(answer: &str, name: &str) -> String {
    let line = answer.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name}: {answer}")).split_once(": ").unwrap().1.trim().to_owned()
}

fn sha256(bytes: &[u8]) -> String {
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap().to_owned()
}

#[test]
fn an_image_is_judged_in_any_registry() {
    let registry = Registry::start();
    let name = registry.name();
    let (amd64, arm64) =
        (registry.image("amd64", "2026-01-01T00:00:00Z"), registry.image("arm64", "2026-01-01T00:00:00Z"));
    let both = registry.index("v1", &[("amd64", &amd64), ("arm64", &arm64)]);
    let one = registry.index("one", &[("amd64", &amd64)]);
    let auth = registry.auth();
    let ask = |gate: &str, image: &str| ask_with(&auth, gate, image);
    let gate = "image: {platforms: [linux/amd64, linux/arm64]}";

    ask(gate, &format!("{name}:v1")).exits(0).has_output("digest", &both);
    ask(gate, &format!("{name}:v1@{both}")).exits(0);
    ask(gate, &format!("{name}@{both}")).exits(0);
    ask("image: {platforms: [linux/amd64]}", &format!("{name}@{amd64}")).exits(0);
    // What is built in the past is old, whatever its tag is.
    ask("image: {max-age: 1h}", &format!("{name}:v1")).exits(1).says("it is older than 1h");

    ask(gate, &format!("{name}:one")).exits(1).says("it is not for linux/arm64");
    ask(gate, &format!("{name}@{amd64}")).exits(1).says("it is not for linux/arm64");
    ask(gate, &format!("{name}:v1@{one}")).exits(1).says(&format!("the tag v1 points to {both} now"));
    ask(gate, &format!("{name}:v9")).exits(1).says("the registry has no such image");
    ask(gate, &format!("{name}-evil:v1")).exits(1).says("the registry has no such image");
    ask("image: {immutable: true}", &format!("{name}:v1"))
        .exits(3)
        .says("does not tell whether tags can be moved");
    ask("findings: {critical: 0}", &format!("{name}:v1")).exits(2).says("the image does not lie there");

    // Whoever has no login, or a wrong one, knows nothing.
    ask_with("", gate, &format!("{name}:v1")).exits(3).says("no login was given");
    let wrong = auth.replace("bWU6cGFzcw==", "bWU6d3Jvbmc=");
    let outcome = ask_with(&wrong, gate, &format!("{name}:v1"));
    outcome.exits(3).says("check that the login of `registry-auth` may pull the image");
    assert!(
        !outcome.stderr.replace("::add-mask::", "").contains("bWU6d3Jvbmc=")
            || outcome.stderr.contains("::add-mask::bWU6d3Jvbmc=")
    );
    ask_with("me:pass", gate, &format!("{name}:v1")).exits(2).says("can't be used");

    // A registry whose store was changed behind its back.
    let swapped = std::fs::read(registry.stored(&one)).unwrap();
    std::fs::write(registry.stored(&both), swapped).unwrap();
    let code = ask(gate, &format!("{name}@{both}")).code;
    assert!(matches!(code, Some(1 | 3)), "{code:?}");
}

#[test]
fn a_registry_that_is_not_there_is_no_answer() {
    let registry = Registry::start();
    let (name, auth) = (registry.name(), registry.auth());
    let shop = Repository::new();
    shop.write(
        ".github/sluice.yml",
        "version: 1\nenvironments: {production: {gate: {image: {exists: true}}}}\n",
    );
    drop(registry);
    let outcome = shop
        .run("gate-approval")
        .argument("--environment=production")
        .argument(&format!("--image={name}:v1"))
        .argument("--deadline=4s")
        .variable("DOCKER_AUTH_CONFIG", &auth)
        .ends();
    outcome.exits(3);
}
