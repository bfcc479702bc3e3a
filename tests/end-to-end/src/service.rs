//! Real servers, started for a test and ended with it.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// A server as a process, with a folder of its own.
pub struct Service {
    process: Child,
    folder: tempfile::TempDir,
    /// The ports that it listens on.
    pub ports: Vec<u16>,
}

impl Service {
    /// nginx with these `server` blocks; `PORT1`, `PORT2` ... in them are free ports, `FOLDER` is its folder, in which
    /// `prepare` may lay out files. `None` where nginx is not installed.
    pub fn nginx(ports: usize, servers: &str, prepare: impl Fn(&Path)) -> Option<Self> {
        let program = installed("nginx", &["/usr/sbin/nginx"])?;
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        open(folder.path());
        let ports: Vec<u16> = (0..ports).map(|_| free_port()).collect();
        let mut servers = servers.replace("FOLDER", &folder.path().to_string_lossy());
        for (index, port) in ports.iter().enumerate().rev() {
            servers = servers.replace(&format!("PORT{}", index + 1), &port.to_string());
        }
        let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
        let config = format!(
            "daemon off; {user} worker_processes 1; pid nginx.pid; error_log error.log;\n\
             events {{ worker_connections 512; }}\n\
             http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
             uwsgi_temp_path uwsgi; scgi_temp_path scgi; include /etc/nginx/mime.types;\n{servers} }}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "error.log"]);
        Some(Self::start(command, folder, ports))
    }

    /// Postgres with a user `smoke` whose password is `hush-postgres`, asked for in this way (`scram-sha-256`, `md5`);
    /// with a certificate for 127.0.0.1 where an authority is given. `None` where it is not installed.
    pub fn postgres(method: &str, authority: Option<&Authority>) -> Option<Self> {
        let initdb = installed(
            "initdb",
            &[
                "/usr/lib/postgresql/15/bin/initdb",
                "/usr/lib/postgresql/16/bin/initdb",
                "/usr/lib/postgresql/17/bin/initdb",
            ],
        )?;
        let folder = tempfile::tempdir().unwrap();
        let (data, password) = (folder.path().join("data"), folder.path().join("password"));
        std::fs::write(&password, "hush-postgres\n").unwrap();
        if let Some(authority) = authority {
            authority.certify(&["127.0.0.1"], &folder.path().join("server"));
        }
        give_to_nobody(folder.path());
        let made = as_nobody(&initdb)
            .args(["--username=smoke", "--no-sync", "--no-locale", "--encoding=UTF8"])
            .arg(format!("--auth={method}"))
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let ports = vec![free_port()];
        let mut command = as_nobody(&initdb.with_file_name("postgres"));
        command.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        command.arg("-c").arg(format!("unix_socket_directories={}", folder.path().display()));
        command.arg("-c").arg(format!("port={}", ports[0]));
        if authority.is_some() {
            let file = |end: &str| folder.path().join(format!("server.{end}")).display().to_string();
            command.args(["-c", "ssl=on"]);
            command.arg("-c").arg(format!("ssl_cert_file={}", file("pem")));
            command.arg("-c").arg(format!("ssl_key_file={}", file("key")));
        }
        Some(Self::start(command, folder, ports))
    }

    /// Redis with a user `smoke` whose password is `hush-redis`, and the same password for the default user; with TLS on
    /// a second port where an authority is given. `None` where it is not installed.
    pub fn redis(authority: Option<&Authority>) -> Option<Self> {
        let program = installed("redis-server", &["/usr/bin/redis-server"])?;
        let folder = tempfile::tempdir().unwrap();
        let ports = vec![free_port(), free_port()];
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut config = format!(
            "bind 127.0.0.1\nport {}\nsave \"\"\ndir {}\nrequirepass hush-redis\n\
             user smoke on >hush-redis +@connection\n",
            ports[0],
            folder.path().display()
        );
        if let Some(authority) = authority {
            authority.certify(&["127.0.0.1"], &folder.path().join("server"));
            let tls = format!(
                "tls-port {}\ntls-auth-clients no\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n",
                ports[1],
                file("server.pem"),
                file("server.key"),
                authority.file().display()
            );
            config.push_str(&tls);
        }
        std::fs::write(folder.path().join("redis.conf"), config).unwrap();
        let mut command = Command::new(program);
        command.arg(file("redis.conf"));
        Some(Self::start(command, folder, ports))
    }

    /// A name server that knows these records, as options of dnsmasq. `None` where it is not installed.
    pub fn dns(records: &[&str]) -> Option<Self> {
        let program = installed("dnsmasq", &["/usr/sbin/dnsmasq"])?;
        let ports = vec![free_port()];
        let mut command = Command::new(program);
        command.args([
            "--keep-in-foreground",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
            "--pid-file=",
        ]);
        command.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--local=/test/"]);
        command.arg(format!("--port={}", ports[0])).args(records);
        if nix::unistd::geteuid().is_root() {
            command.arg("--user=root");
        }
        Some(Self::start(command, tempfile::tempdir().unwrap(), ports))
    }

    /// A program of the tests' virtual environment that is told its port. `None` where that is not set up.
    pub fn python(script: &str) -> Option<Self> {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/python/bin/python");
        let program = installed("python of the tests", &[&python.to_string_lossy()])?;
        let ports = vec![free_port()];
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools").join(script);
        let mut command = Command::new(program);
        command.arg(script).arg(ports[0].to_string());
        Some(Self::start(command, tempfile::tempdir().unwrap(), ports))
    }

    fn start(mut command: Command, folder: tempfile::TempDir, ports: Vec<u16>) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let errors = log.try_clone().unwrap();
        let process = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap();
        let mut service = Self { process, folder, ports };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", service.ports[0])).is_err() {
            let ended = service.process.try_wait().unwrap();
            let log = || std::fs::read_to_string(service.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && started.elapsed() < Duration::from_mins(1), "{command:?}: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
        service
    }

    /// The address of one of its ports, counted from 0.
    pub fn address(&self, port: usize) -> String {
        format!("127.0.0.1:{}", self.ports[port])
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM);
        let told = Instant::now();
        while self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            if told.elapsed() > Duration::from_secs(5) {
                let _ = self.process.kill();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Where a program is. On CI a program that is not there is a failure, never a silent skip.
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "a test says that it could not be run")]
fn installed(name: &str, paths: &[&str]) -> Option<PathBuf> {
    let found = paths.iter().map(PathBuf::from).find(|path| path.exists());
    if found.is_none() {
        assert!(
            !std::env::var("CI").is_ok_and(|ci| ci == "true"),
            "{name} is not there: run `cargo xtask test`"
        );
        eprintln!("NOT tested: {name} is not there");
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Postgres refuses to run as root.
fn as_nobody(program: &Path) -> Command {
    if nix::unistd::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn give_to_nobody(folder: &Path) {
    if nix::unistd::geteuid().is_root() {
        let nobody = (Some(nix::unistd::Uid::from_raw(65_534)), Some(nix::unistd::Gid::from_raw(65_534)));
        for entry in folder.read_dir().unwrap() {
            nix::unistd::chown(&entry.unwrap().path(), nobody.0, nobody.1).unwrap();
        }
        nix::unistd::chown(folder, nobody.0, nobody.1).unwrap();
    }
}

/// What a server that drops its rights may still read.
fn open(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// An authority of our own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// An authority that nobody trusts yet.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Smoke Authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        open(folder.path());
        Self { issuer, folder }
    }

    /// The file that says to trust it.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes a certificate for these names, valid until the end of 2048, to `path.pem`, and its key to `path.key`.
    pub fn certify(&self, names: &[&str], path: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.not_after = rcgen::date_time_ymd(2048, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(path.with_extension("pem"), certificate.pem()).unwrap();
        std::fs::write(path.with_extension("key"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(path.with_extension("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}
