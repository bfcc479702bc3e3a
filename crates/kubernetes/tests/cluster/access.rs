//! How to get to a cluster.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use sluice_core::Problem;
use sluice_kubernetes::{Access, Cluster, Error};
use sluice_kubernetes_fake::{Kubernetes, TOKEN};

use crate::support::{Around, block_on};

/// Kubeconfig files of a test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A kubeconfig of one context, with these fields of its cluster and its user.
    fn kubeconfig(&self, cluster: &str, user: &str) -> PathBuf {
        let indented = |text: &str| format!("    {}\n", text.replace('\n', "\n    "));
        let text = format!(
            "current-context: test\nclusters:\n- name: fake\n  cluster:\n{}users:\n- name: tester\n  user:\n{}\
             contexts:\n- name: test\n  context: {{cluster: fake, user: tester}}\n",
            indented(cluster),
            indented(user)
        );
        self.write("config", &text)
    }
}

fn by(path: &Path) -> Access {
    Access::Kubeconfig { path: Some(path.to_owned()), context: None }
}

fn connect(access: &Access) -> Result<Cluster, Error> {
    block_on(Around::default().connect(access))
}

/// The version of the cluster, or why there is none.
fn ask(access: &Access, around: &Around<'_>) -> Result<String, Error> {
    block_on(async { around.connect(access).await?.version().await })
}

fn problem(path: &Path) -> String {
    let problem = Problem::from(connect(&by(path)).unwrap_err());
    assert_eq!(problem.verdict, sluice_core::Verdict::Misconfigured);
    format!("{}; {}", problem.why.unwrap(), problem.help.unwrap())
}

#[test]
fn several_kubeconfig_files_are_one() {
    let kubernetes = Kubernetes::start();
    let files = Files::new();
    let clusters = files.write(
        "clusters",
        &format!("clusters:\n- name: fake\n  cluster: {{server: '{}'}}\n", kubernetes.server()),
    );
    let users = files.write("users", &format!("users:\n- name: tester\n  user: {{token: {TOKEN}}}\n"));
    let contexts = files.write(
        "contexts",
        "current-context: shop\ncontexts:\n- name: shop\n  context: {cluster: fake, user: tester, namespace: shop}\n",
    );
    let missing = files.0.path().join("missing");
    let all = [&clusters, &missing, &users, &contexts].map(|path| path.display().to_string()).join(":");
    let around = Around { variables: &[("KUBECONFIG", &all)], ..Around::default() };
    let access = Access::Kubeconfig { path: None, context: None };
    assert_eq!(ask(&access, &around).unwrap(), "v1.36.1");
    let unknown = Access::Kubeconfig { path: None, context: Some("shpo".into()) };
    let problem = Problem::from(ask(&unknown, &around).unwrap_err());
    assert_eq!(problem.why.unwrap(), r#"the kubeconfig has no context "shpo""#);
    assert_eq!(problem.help.unwrap(), r#"did you mean "shop"?"#);
}

#[test]
fn without_kubeconfig_outside_a_cluster_it_is_said_what_to_give() {
    let error =
        block_on(Around::default().connect(&Access::Kubeconfig { path: None, context: None })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no kubeconfig, and this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set"
    );
}

#[test]
fn what_is_unsafe_or_would_run_a_program_is_refused() {
    let files = Files::new();
    let server = "server: https://10.0.0.1:6443";
    let unsafe_one = files.kubeconfig(&format!("{server}\ninsecure-skip-tls-verify: true"), "token: abcd");
    assert!(problem(&unsafe_one).contains("insecure-skip-tls-verify"));
    let exec = |command: &str, args: &str| {
        format!("exec:\n  apiVersion: client.authentication.k8s.io/v1\n  command: {command}\n  args: {args}")
    };
    let gke = files.kubeconfig(server, &exec("gke-gcloud-auth-plugin", "[]"));
    assert!(problem(&gke).starts_with(r#"the kubeconfig wants to run "gke-gcloud-auth-plugin""#));
    let role = files.kubeconfig(server, &exec("aws", "[--region, eu-west-1, eks, get-token, --cluster-name, shop, --role-arn, 'arn:aws:iam::1:role/x']"));
    assert!(problem(&role).contains("takes on the role arn:aws:iam::1:role/x"));
    let profile = files.kubeconfig(
        server,
        &exec("aws", "[--region, eu-west-1, --profile, prod, eks, get-token, --cluster-name, shop]"),
    );
    assert!(problem(&profile).ends_with("set AWS_PROFILE=prod"));
    let nameless = files.kubeconfig(server, &exec("aws-iam-authenticator", "[token]"));
    assert!(problem(&nameless).contains("names no cluster or no region"));
    let acting = files.kubeconfig(server, "token: abcd\nas: admin");
    assert!(problem(&acting).contains("acts as another user"));
    let basic = files.kubeconfig(server, "username: admin\npassword: secret");
    assert!(problem(&basic).contains("a user name and a password"));
    let half = files.kubeconfig(server, "client-certificate-data: YWJj");
    assert!(problem(&half).contains("without its client-key"));
    let socks = files.kubeconfig(&format!("{server}\nproxy-url: socks5://10.0.0.2:1080"), "token: abcd");
    assert!(problem(&socks).contains("proxy-url"));
    let empty = files.kubeconfig(&format!("{server}\ncertificate-authority-data: YWJj"), "token: abcd");
    assert!(problem(&empty).starts_with("cannot use the CA certificates given: it holds no certificate"));
    let broken = files.write("broken", "clusters: [\n");
    assert!(problem(&broken).contains("broken"));
}

#[test]
fn only_the_authority_of_the_cluster_is_trusted() {
    let kubernetes = Kubernetes::start_with_tls();
    assert_eq!(ask(&by(&kubernetes.kubeconfig()), &Around::default()).unwrap(), "v1.36.1");
    let files = Files::new();
    let server = format!("server: {}", kubernetes.server());
    let token = format!("token: {TOKEN}");
    let impatient = Around { patience: std::time::Duration::ZERO, ..Around::default() };
    // Without one, those of the web are: they did not sign it.
    let untrusted = ask(&by(&files.kubeconfig(&server, &token)), &impatient).unwrap_err();
    assert!(untrusted.to_string().contains("not signed by the authority"), "{untrusted}");
    let another = Kubernetes::start_with_tls();
    let wrong = format!("{server}\ncertificate-authority-data: {}", another.authority().unwrap().base64());
    assert!(ask(&by(&files.kubeconfig(&wrong, &token)), &impatient).is_err());
    let file = files.write("ca.crt", &kubernetes.authority().unwrap().pem());
    let right = format!("{server}\ncertificate-authority: {}", file.file_name().unwrap().display());
    assert_eq!(ask(&by(&files.kubeconfig(&right, &token)), &impatient).unwrap(), "v1.36.1");
}

#[test]
fn another_name_is_expected_of_the_server_when_that_is_said() {
    let kubernetes = Kubernetes::start_with_tls();
    let files = Files::new();
    let token = format!("token: {TOKEN}");
    let named = |name: &str| {
        let authority = kubernetes.authority().unwrap().base64();
        let cluster = format!(
            "server: {}\ncertificate-authority-data: {authority}\ntls-server-name: {name}",
            kubernetes.server()
        );
        files.kubeconfig(&cluster, &token)
    };
    let impatient = Around { patience: std::time::Duration::ZERO, ..Around::default() };
    assert_eq!(ask(&by(&named("kubernetes.default.svc")), &impatient).unwrap(), "v1.36.1");
    assert!(ask(&by(&named("kubernetes.example.com")), &impatient).is_err());
}

#[test]
fn a_client_certificate_is_shown() {
    let kubernetes = Kubernetes::start_with_tls();
    let authority = kubernetes.authority().unwrap();
    // Whoever has no token is told by the certificate.
    kubernetes.doorman(|token| token.is_none());
    let (certificate, key) = authority.client("tester");
    let files = Files::new();
    files.write("client.crt", &certificate);
    files.write("client.key", &key);
    let cluster =
        format!("server: {}\ncertificate-authority-data: {}", kubernetes.server(), authority.base64());
    let path = files.kubeconfig(&cluster, "client-certificate: client.crt\nclient-key: client.key");
    assert_eq!(ask(&by(&path), &Around::default()).unwrap(), "v1.36.1");
    // Of another authority it is refused by the server.
    let (certificate, key) = Kubernetes::start_with_tls().authority().unwrap().client("tester");
    files.write("client.crt", &certificate);
    files.write("client.key", &key);
    let impatient = Around { patience: std::time::Duration::ZERO, ..Around::default() };
    assert!(ask(&by(&path), &impatient).is_err());
}

#[test]
fn a_token_file_is_read_anew() {
    let kubernetes = Kubernetes::start();
    let files = Files::new();
    files.write("token", &format!("{TOKEN}\n"));
    let path = files.kubeconfig(&format!("server: {}", kubernetes.server()), "tokenFile: token");
    block_on(async {
        let cluster = Around::default().connect(&by(&path)).await.unwrap();
        cluster.version().await.unwrap();
        kubernetes.doorman(|token| token == Some("the-next-token"));
        assert!(matches!(cluster.version().await, Err(Error::Unauthorized { .. })));
        files.write("token", "the-next-token");
        cluster.version().await.unwrap();
    });
}

/// A proxy that opens tunnels; what it was asked for.
fn tunnelling_proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            let line = String::from_utf8(head).unwrap().lines().next().unwrap().to_owned();
            let target = line.split(' ').nth(1).unwrap().to_owned();
            told.lock().unwrap().push(line);
            let mut server = TcpStream::connect(target).unwrap();
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    (address, asked)
}

#[test]
fn the_proxy_of_the_kubeconfig_is_gone_through() {
    let kubernetes = Kubernetes::start_with_tls();
    let (proxy, asked) = tunnelling_proxy();
    let files = Files::new();
    let cluster = format!(
        "server: {}\ncertificate-authority-data: {}\nproxy-url: {proxy}",
        kubernetes.server(),
        kubernetes.authority().unwrap().base64()
    );
    let kubeconfig = files.kubeconfig(&cluster, &format!("token: {TOKEN}"));
    // That of the environment is for all else.
    let around = Around { variables: &[("HTTPS_PROXY", "http://127.0.0.1:9")], ..Around::default() };
    assert_eq!(ask(&by(&kubeconfig), &around).unwrap(), "v1.36.1");
    let server = kubernetes.server().trim_start_matches("https://");
    assert_eq!(*asked.lock().unwrap(), [format!("CONNECT {server} HTTP/1.1")]);
}
