//! The way to AWS: over TLS, through a proxy, by an authority of one's own.
//!
//! No endpoint is overridden here: the gate asks for AWS by its own names. The proxy leads every tunnel to nginx, which
//! shows a certificate for these names and asks moto.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use sluice_end_to_end::{Authority, Service};

use super::*;

const NGINX: &str = "
server {
    listen 127.0.0.1:PORT1 ssl;
    ssl_certificate FOLDER/aws.pem; ssl_certificate_key FOLDER/aws.key;
    location / { proxy_pass http://MOTO; proxy_set_header Host $host; }
}
";

const ECR: &str = "api.ecr.eu-west-1.amazonaws.com";
const EKS: &str = "eks.eu-west-1.amazonaws.com";
const STS: &str = "sts.us-east-1.amazonaws.com";

/// AWS, which only a proxy reaches and only an authority of our own vouches for.
struct Company {
    world: World,
    authority: Authority,
    proxy: Proxy,
    _nginx: Service,
}

impl Company {
    fn new() -> Option<Self> {
        let (world, authority) = (World::new(), Authority::new());
        let moto = world.moto.endpoint().replace("http://", "");
        let certify = |folder: &Path| authority.certify(&[ECR, EKS, STS], &folder.join("aws"));
        let nginx = Service::nginx(1, &NGINX.replace("MOTO", &moto), certify)?;
        let proxy = Proxy::leading_to(&nginx.address(0));
        Some(Self { world, authority, proxy, _nginx: nginx })
    }

    /// The gate, with a proxy and without an endpoint.
    fn run(&self) -> Run<'_> {
        self.world
            .run(GATE, &tagged())
            .without_variable("AWS_ENDPOINT_URL")
            .variable("HTTPS_PROXY", &format!("http://{}", self.proxy.address))
            .variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    }

    fn authority(&self) -> String {
        self.authority.file().to_string_lossy().into_owned()
    }
}

#[test]
fn all_of_aws_is_reached_through_the_proxy_and_by_the_given_authority() {
    let Some(company) = Company::new() else { return };
    company.run().variable("AWS_CA_BUNDLE", &company.authority()).ends().exits(0);
    assert_eq!(company.proxy.asked(), [format!("{ECR}:443"), format!("{EKS}:443")]);
    company.run().argument(&format!("--ca-file={}", company.authority())).ends().exits(0);
}

#[test]
fn credentials_are_asked_for_through_the_proxy_too() {
    let Some(company) = Company::new() else { return };
    company.world.shop.write("token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZXBvIn0.");
    let token = company.world.shop.path().join("token");
    let outcome = company
        .run()
        .without_variable("AWS_ACCESS_KEY_ID")
        .without_variable("AWS_SECRET_ACCESS_KEY")
        .variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
        .variable("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap())
        .variable("AWS_CA_BUNDLE", &company.authority())
        .ends();
    outcome.exits(0);
    assert_eq!(company.proxy.asked(), [ECR, EKS, STS].map(|name| format!("{name}:443")));
}

#[test]
fn an_authority_that_nobody_named_is_not_believed() {
    let Some(company) = Company::new() else { return };
    let outcome = company.run().ends();
    outcome.exits(3).says("certificate");
    assert!(company.world.calls().is_empty(), "{:?}", company.world.calls());
}

#[test]
fn a_name_that_the_certificate_does_not_hold_is_not_believed() {
    let Some(company) = Company::new() else { return };
    let outcome = company
        .run()
        .variable("AWS_CA_BUNDLE", &company.authority())
        .variable("AWS_ENDPOINT_URL", "https://elsewhere.example.com")
        .ends();
    outcome.exits(3).says("certificate");
    assert!(company.world.calls().is_empty(), "{:?}", company.world.calls());
}

#[test]
fn a_bundle_that_is_not_there_is_misconfigured() {
    let Some(company) = Company::new() else { return };
    company.run().variable("AWS_CA_BUNDLE", "/nowhere/ca.pem").ends().exits(2).says("/nowhere/ca.pem");
}

/// In an image without CA files a handshake must not fail for that. This is what would read them.
#[test]
fn nothing_reads_the_system_s_authorities() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges=normal", "--prefix=none"])
        .arg("--package=sluice-gate-approval")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(tree.lines().any(|line| line.starts_with("sluice-aws ")), "{tree}");
    for reader in ["rustls-native-certs ", "rustls-platform-verifier ", "openssl-probe "] {
        assert!(!tree.lines().any(|line| line.starts_with(reader)), "{reader}");
    }
}

/// A proxy that leads every tunnel to one place, whatever it was asked for.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn leading_to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (target, seen) = (target.to_owned(), Arc::clone(&asked));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, seen) = (target.clone(), Arc::clone(&seen));
                thread::spawn(move || tunnel(client, &target, &seen));
            }
        });
        Self { address, asked }
    }

    /// Where it was asked to lead, each once, sorted.
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

/// Opens one tunnel, and carries both ways until an end closes.
fn tunnel(mut client: TcpStream, target: &str, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    asked.lock().ok()?.push(request.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned());
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    }
    let mut server = TcpStream::connect(target).ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let mut to_server = server.try_clone().ok()?;
    thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Write);
    Some(())
}
