//! smoke-test against the servers that it is made for: nginx, Postgres, Redis, gRPC and WebSocket servers.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::path::Path;

use sluice_end_to_end::{Authority, Outcome, Repository, Service};

const NGINX: &str = r#"
server {
    listen 127.0.0.1:PORT1;
    root FOLDER/site;
    gzip on; gzip_types application/json; gzip_min_length 1;
    location = /healthz { add_header x-version v2; return 200 "ok"; }
    location = /old { return 301 /new; }
    location = /new { return 302 /healthz; }
    location = /loop { return 302 /loop2; }
    location = /loop2 { return 302 /loop; }
    location = /private { auth_basic shop; auth_basic_user_file FOLDER/users; try_files /page.html =404; }
    location = /bearer { if ($http_authorization != "Bearer hush-token") { return 401; } return 200 "in"; }
    location = /elsewhere { return 302 http://localhost:PORT1/who; }
    location = /who { return 200 "[$http_authorization]"; }
    location = /host { return 200 "$http_host"; }
}
server {
    listen 127.0.0.1:PORT2 ssl http2;
    ssl_certificate FOLDER/server.pem; ssl_certificate_key FOLDER/server.key;
    location / { return 200 "$server_protocol"; }
}
server {
    listen 127.0.0.1:PORT3 ssl;
    ssl_certificate FOLDER/server.pem; ssl_certificate_key FOLDER/server.key;
    ssl_client_certificate FOLDER/ca.pem; ssl_verify_client on;
    location / { return 200 "$ssl_client_s_dn"; }
}
server {
    listen 127.0.0.1:PORT4 http2;
    location / { return 200 "$server_protocol"; }
}
"#;

struct Site {
    nginx: Service,
    authority: Authority,
    repository: Repository,
}

impl Site {
    fn start() -> Option<Self> {
        let (authority, repository) = (Authority::new(), Repository::new());
        let prepare = |folder: &Path| {
            std::fs::create_dir(folder.join("site")).unwrap();
            let products: Vec<_> = (0..500).map(|n| format!("{{\"id\": {n}}}")).collect();
            let products = format!("{{\"items\": [{}]}}", products.join(","));
            std::fs::write(folder.join("site/products.json"), products).unwrap();
            std::fs::write(folder.join("site/page.html"), "<title>Shop</title>").unwrap();
            std::fs::write(folder.join("site/bomb.html"), vec![b' '; 200 << 20]).unwrap();
            std::fs::write(folder.join("users"), "smoke:{PLAIN}hush/p@ss\n").unwrap();
            std::fs::copy(authority.file(), folder.join("ca.pem")).unwrap();
            authority.certify(&["localhost", "127.0.0.1"], &folder.join("server"));
        };
        let nginx = Service::nginx(4, NGINX, prepare)?;
        authority.certify(&["smoke"], &repository.path().join("client"));
        std::fs::copy(authority.file(), repository.path().join("ca.pem")).unwrap();
        Some(Self { nginx, authority, repository })
    }

    /// Runs checks once; `@HTTP`, `@TLS`, `@MUTUAL` and `@H2C` in them are the addresses of nginx.
    fn check(&self, checks: &str) -> Outcome {
        let names = ["@HTTP", "@TLS", "@MUTUAL", "@H2C"];
        let checks = names
            .iter()
            .enumerate()
            .fold(checks.to_owned(), |checks, (port, name)| checks.replace(name, &self.nginx.address(port)));
        self.repository.write("smoke.yml", checks);
        self.repository
            .run("smoke-test")
            .input("file", "smoke.yml")
            .input("retry-timeout", "0s")
            .input("base-url", &format!("http://{}", self.nginx.address(0)))
            .variable("PASSWORD", "hush/p@ss")
            .variable("TOKEN", "hush-token")
            .in_actions()
            .ends()
    }
}

#[test]
fn a_site_behind_nginx_is_checked_with_all_that_http_has() {
    let Some(site) = Site::start() else { return };
    let ca_file = site.authority.file();
    let ca_file = ca_file.display();
    let outcome = site.check(&format!(
        "
variables: {{password: {{env: PASSWORD}}, token: {{env: TOKEN}}}}
checks:
  - {{name: redirects, http: {{url: /old, follow: 3}}, expect: {{body: ok, headers: {{x-version: v2}}}}}}
  - {{name: a redirect, http: /old, expect: {{status: 301, headers: {{location: {{matches: '/new$'}}}}}}}}
  - {{name: gzip, http: /products.json, expect: {{headers: {{content-encoding: gzip}}, size: {{less-than: 20kB, greater-than: 4000}}, json: {{'$.items[*]': {{count: 500}}, '$.items[?@.id == 7].id': 7}}}}}}
  - {{name: not gzip, http: {{url: /products.json, headers: {{accept-encoding: identity}}}}, expect: {{json: {{'$.items[*]': {{count: 500}}}}}}}}
  - {{name: basic, http: {{url: /private, auth: {{basic: {{user: smoke, password: '{{{{ password }}}}'}}}}}}, expect: {{body: {{matches: '<title>(.*)</title>'}}}}}}
  - {{name: bearer, http: {{url: /bearer, auth: {{bearer: '{{{{ token }}}}'}}}}}}
  - {{name: not bearer, http: /bearer, expect: {{status: 401}}}}
  - {{name: elsewhere, http: {{url: /elsewhere, follow: 1, auth: {{bearer: '{{{{ token }}}}'}}, resolve: {{localhost: 127.0.0.1}}}}, expect: {{body: '[]'}}}}
  - {{name: connect-to, http: {{url: 'http://shop.example.com/host', connect-to: {{'shop.example.com:80': '@HTTP'}}}}, expect: {{body: shop.example.com}}}}
  - {{name: h2, http: {{url: 'https://@TLS/', ca-file: ca.pem}}, expect: {{http-version: 2, body: HTTP/2.0, certificate: {{valid-for: 30d, names: [localhost]}}}}}}
  - {{name: h1, http: {{url: 'https://@TLS/', ca-file: '{ca_file}', http-version: 1.1}}, expect: {{http-version: 1.1}}}}
  - {{name: h2c, http: {{url: 'http://@H2C/', http-version: 2}}, expect: {{http-version: 2}}}}
  - {{name: mutual, http: {{url: 'https://@MUTUAL/', ca-file: ca.pem, client-certificate: {{certificate: client.pem, key: client.key}}}}, expect: {{body: {{contains: CN=}}}}}}
  - {{name: not mutual, http: {{url: 'https://@MUTUAL/', ca-file: ca.pem}}, expect: {{status: 400, body: {{contains: No required SSL certificate}}}}}}
  - {{name: port, tcp: '@HTTP'}}
  - {{name: tls, tls: {{address: '@TLS', ca-file: ca.pem}}, expect: {{certificate: {{names: [localhost]}}}}}}
"
    ));
    outcome.exits(0).says("16 of 16").never_says("hush");
}

#[test]
fn what_is_wrong_behind_nginx_is_named() {
    let Some(site) = Site::start() else { return };
    let outcome = site.check(
        "
variables: {password: {env: PASSWORD}}
checks:
  - {name: in a circle, http: {url: /loop, follow: 5}}
  - {name: too far, http: {url: /old, follow: 1}}
  - {name: untrusted, http: 'https://@TLS/'}
  - {name: expires, tls: {address: '@TLS', ca-file: ca.pem}, expect: {certificate: {valid-for: 36500d}}}
  - {name: not tls, tls: '@HTTP'}
  - {name: not h2, http: {url: 'https://@MUTUAL/', ca-file: ca.pem, http-version: 2}}
  - {name: wrong version, http: {url: 'https://@TLS/', ca-file: ca.pem}, expect: {http-version: 1.1}}
  - {name: forbidden, http: {url: '/private', auth: {basic: {user: other, password: '{{ password }}'}}}}
  - {name: isolated, tcp: '@HTTP', expect: unreachable}
  - {name: password shown, http: '/who?x={{ password }}', expect: {body: 'x {{ password }}'}}
",
    );
    outcome
        .exits(1)
        .says("redirects in a circle")
        .says("more redirects than the 1 allowed")
        .says("no known authority signed it")
        .says("certificate expires in")
        .says("it does not speak TLS on this port")
        .says("HTTP/2.0 was spoken")
        .says("status 401")
        .says("it can be reached, and must not be")
        .says("-u other:\"$PASSWORD\"")
        .never_says("hush/p@ss")
        .never_says("hush%2Fp%40ss")
        .never_says("b3RoZXI6aHVzaC9wQHNz");
    assert_eq!(outcome.reported("/findings/0/verdict"), "failed");
}

#[test]
fn a_body_that_swells_is_bounded_and_counted_only_as_far_as_is_asked() {
    let Some(site) = Site::start() else { return };
    // 200 MB of spaces are 200 kB of gzip.
    let outcome = site.check(
        "
checks:
  - {name: bomb, http: /bomb.html}
  - {name: json of a bomb, http: /bomb.html, expect: {json: {$.a: 1}}}
  - {name: size of a bomb, http: /bomb.html, expect: {size: {less-than: 10MB}}}
",
    );
    outcome
        .exits(1)
        .says("body is too large to be read as JSON")
        .says("body has at least 100")
        .has_output("passed", "1");
}

#[test]
fn a_database_lets_us_in_or_says_why_not() {
    let authority = Authority::new();
    let (Some(secure), Some(plain)) =
        (Service::postgres("scram-sha-256", Some(&authority)), Service::postgres("md5", None))
    else {
        return;
    };
    let repository = Repository::new();
    std::fs::copy(authority.file(), repository.path().join("ca.pem")).unwrap();
    let (secure, plain) = (secure.address(0), plain.address(0));
    let run = |checks: String| {
        repository.write("smoke.yml", checks);
        repository
            .run("smoke-test")
            .argument("smoke.yml")
            .argument("--retry-timeout=30s")
            .variable("PGPASSWORD", "hush-postgres")
            .ends()
    };
    run(format!(
        "
variables: {{password: {{env: PGPASSWORD}}}}
checks:
  - {{name: scram, postgres: {{address: '{secure}', user: smoke, password: '{{{{ password }}}}', database: postgres, ca-file: ca.pem}}, expect: {{certificate: {{names: [127.0.0.1]}}}}}}
  - {{name: md5, postgres: {{address: '{plain}', user: smoke, password: '{{{{ password }}}}', database: postgres, tls: false}}}}
"
    ))
    .exits(0)
    .says("2 of 2");
    run(format!(
        "
variables: {{password: {{env: PGPASSWORD}}}}
checks:
  - {{name: wrong password, postgres: {{address: '{secure}', user: smoke, password: wrong, ca-file: ca.pem}}}}
  - {{name: no password, postgres: {{address: '{plain}', user: smoke, tls: false}}}}
  - {{name: no database, postgres: {{address: '{secure}', user: smoke, password: '{{{{ password }}}}', database: shop, ca-file: ca.pem}}}}
  - {{name: untrusted, postgres: {{address: '{secure}', user: smoke, password: '{{{{ password }}}}'}}, retry-timeout: 0s}}
  - {{name: no tls, postgres: {{address: '{plain}', user: smoke, password: '{{{{ password }}}}'}}}}
"
    ))
    .exits(1)
    .says("password authentication failed for user \"smoke\" (28P01)")
    .says("asks for a password")
    .says("database \"shop\" does not exist (3D000)")
    .says("no known authority signed it")
    .says("does not speak TLS")
    .never_says("hush");
}

#[test]
fn a_cache_answers_ping_or_says_why_not() {
    let authority = Authority::new();
    let Some(redis) = Service::redis(Some(&authority)) else { return };
    let repository = Repository::new();
    std::fs::copy(authority.file(), repository.path().join("ca.pem")).unwrap();
    let (plain, secure) = (redis.address(0), redis.address(1));
    let run = |checks: String| {
        repository.write("smoke.yml", checks);
        repository
            .run("smoke-test")
            .argument("smoke.yml")
            .argument("--retry-timeout=0s")
            .variable("REDIS_PASSWORD", "hush-redis")
            .ends()
    };
    run(format!(
        "
variables: {{password: {{env: REDIS_PASSWORD}}}}
checks:
  - {{name: password, redis: {{address: '{plain}', password: '{{{{ password }}}}'}}}}
  - {{name: user, redis: {{address: '{plain}', user: smoke, password: '{{{{ password }}}}'}}}}
  - {{name: tls, redis: {{address: '{secure}', password: '{{{{ password }}}}', tls: true, ca-file: ca.pem}}}}
"
    ))
    .exits(0)
    .says("PONG in");
    run(format!(
        "checks: [{{redis: '{plain}'}}, {{name: wrong, redis: {{address: '{plain}', password: wrong}}}}]"
    ))
    .exits(1)
    .says("NOAUTH Authentication required")
    .says("WRONGPASS");
}

#[test]
fn health_over_grpc_is_what_the_server_says() {
    let Some(server) = Service::python("health_server.py") else { return };
    let repository = Repository::new();
    let address = server.address(0);
    repository.write(
        "smoke.yml",
        format!(
            "checks:
- grpc: '{address}'
- {{name: shop, grpc: {{address: '{address}', service: shop.Orders}}}}
- {{name: down, grpc: {{address: '{address}', service: shop.Down}}}}
- {{name: unknown, grpc: {{address: '{address}', service: shop.Unknown}}}}
"
        ),
    );
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument("--retry-timeout=0s")
        .ends()
        .exits(1)
        .says("2 of 4 checks failed")
        .says("says NOT_SERVING")
        .says("does not know the service (NOT_FOUND)");
}

#[test]
fn a_websocket_opens_or_does_not() {
    let Some(server) = Service::python("websocket_server.py") else { return };
    let repository = Repository::new();
    let address = server.address(0);
    repository.write(
        "smoke.yml",
        format!(
            "checks:
- websocket: ws://{address}/ws
- {{name: protocol, websocket: {{url: 'ws://{address}/ws', headers: {{sec-websocket-protocol: chat}}}}}}
- {{name: refused, websocket: ws://{address}/closed}}
- {{name: path, websocket: /ws}}
"
        ),
    );
    repository
        .run("smoke-test")
        .argument("smoke.yml")
        .argument(&format!("--base-url=http://{address}"))
        .argument("--retry-timeout=0s")
        .ends()
        .exits(1)
        .says("1 of 4 checks failed")
        .says("open, speaking chat")
        .says("no WebSocket: status 403");
}

#[test]
fn a_name_server_is_asked_for_records() {
    let long =
        (0..5).map(|n| format!("--txt-record=long.shop.test,{}{n}", "x".repeat(180))).collect::<Vec<_>>();
    let mut records = vec![
        "--host-record=shop.test,10.1.2.3,fd00::3",
        "--cname=www.shop.test,shop.test",
        "--txt-record=shop.test,v=spf1,-all",
    ];
    records.extend(long.iter().map(String::as_str));
    let Some(server) = Service::dns(&records) else { return };
    let (repository, port) = (Repository::new(), server.ports[0]);
    let check = |name: &str, more: &str| {
        let address = format!("127.0.0.1:{port}");
        repository
            .write("smoke.yml", format!("checks: [{{dns: {{name: {name}, server: '{address}'{more}}}}}]\n"));
        repository.run("smoke-test").argument("smoke.yml").argument("--retry-timeout=0s").ends()
    };
    check("shop.test", "").exits(0).says("10.1.2.3, fd00::3 in");
    check("shop.test", ", type: AAAA").exits(0).says("fd00::3 in");
    check("www.shop.test", ", type: CNAME").exits(0).says("shop.test in");
    check("www.shop.test", ", type: A").exits(0).says("10.1.2.3 in");
    check("shop.test", ", type: TXT").exits(0).says("v=spf1-all in");
    // Too long for a datagram.
    check("long.shop.test", ", type: TXT").exits(0).says("xxx4");
    check("nothing.shop.test", "").exits(1).says("the name nothing.shop.test does not exist");
    check("long.shop.test", ", type: A").exits(1).says("long.shop.test has no A record");
    repository.write(
        "smoke.yml",
        format!(
            "checks:
- {{dns: {{name: shop.test, server: '{0}'}}, expect: {{records: 10.1.2.3}}}}
- {{name: moved, dns: {{name: shop.test, server: '{0}'}}, expect: {{records: 10.9.9.9}}}}
- {{name: gone, dns: {{name: nothing.shop.test, server: '{0}'}}, expect: unreachable}}
",
            server.address(0)
        ),
    );
    let outcome = repository.run("smoke-test").argument("smoke.yml").argument("--retry-timeout=0s").ends();
    outcome.exits(1).says("1 of 3").says("expected  a record equals \"10.9.9.9\"").says("smoke.yml:3:");
    drop(server);
    check("shop.test", "").exits(3).says("no name server could tell");
}
