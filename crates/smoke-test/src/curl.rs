//! A request as a `curl` command line, to try by hand.

use std::path::Path;

use sluice_http::header::CONTENT_TYPE;
use sluice_http::{Protocol, Url};

use crate::http::{Auth, Body, Http, Method, looks_secret};
use crate::network::Proxy;
use crate::secrets::Secrets;

/// Longer bodies would hide the rest of the line.
const LONGEST_BODY: usize = 1000;

/// The command line for a POSIX shell, or for bash where a text holds control characters.
///
/// What is a secret, or looks like one, is left to a variable of the shell: `$AUTHORIZATION`.
pub(crate) fn line(http: &Http, url: &Url, ca_file: Option<&Path>, secrets: &Secrets) -> String {
    let word = |text: &str| word(text, secrets);
    let mut words = vec!["curl".to_owned(), "-sSi".to_owned()];
    let mut add = |word: &str, value: String| words.extend([word.to_owned(), value]);
    match (http.method, &http.body) {
        (Method::Head, _) => add("-I", String::new()),
        (Method::Get, None) | (Method::Post, Some(_)) => {}
        (method, _) => add("-X", method.as_str().to_owned()),
    }
    if http.follow > 0 {
        add("-L", format!("--max-redirs {}", http.follow));
    }
    let connections = &http.way.connections;
    match (connections.protocol, url.reveal().starts_with("https:")) {
        (Protocol::Any, _) => {}
        (Protocol::Http1, _) => add("--http1.1", String::new()),
        (Protocol::Http2, true) => add("--http2", String::new()),
        (Protocol::Http2, false) => add("--http2-prior-knowledge", String::new()),
    }
    for detour in &connections.detours {
        let port = |port: Option<u16>| port.map_or_else(String::new, |port| port.to_string());
        let (from, to) = (port(detour.port), port(detour.to_port));
        let host = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        add("--connect-to", quote(&format!("{}:{from}:{}:{to}", host(&detour.host), host(&detour.to))));
    }
    match &http.way.proxy {
        Proxy::Environment => {}
        Proxy::None => add("--noproxy", quote("*")),
        Proxy::Url(url) if url.contains('@') => add("--proxy", "\"$PROXY\"".to_owned()),
        Proxy::Url(url) => add("--proxy", word(url)),
    }
    if let Some(identity) = &connections.identity {
        add("--cert", quote(&identity.certificate.to_string_lossy()));
        add("--key", quote(&identity.key.to_string_lossy()));
    }
    if let Some(file) = connections.ca_files.first().map(std::path::PathBuf::as_path).or(ca_file) {
        add("--cacert", quote(&file.to_string_lossy()));
    }
    match &http.auth {
        None => {}
        Some(Auth::Basic { user, password }) => {
            add("-u", word(&format!("{user}:")) + &secret(password, "PASSWORD", secrets));
        }
        Some(Auth::Bearer(token)) => {
            add("-H", quote("authorization: Bearer ") + &secret(token, "TOKEN", secrets));
        }
    }
    for (name, value) in http.all_headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        add("-H", header(name.as_str(), &value, secrets));
    }
    if let Some(body) = &http.body {
        if matches!(body, Body::Text(_)) && !http.all_headers().iter().any(|(name, _)| name == CONTENT_TYPE) {
            // curl would send the type of a form.
            add("-H", "content-type:".to_owned());
        }
        match String::from_utf8(body.bytes()) {
            Ok(text) if text.len() <= LONGEST_BODY => add("--data-raw", word(&text)),
            _ => add("--data-binary", "@body".to_owned()),
        }
    }
    let address = url.reveal();
    if address.contains(['[', ']', '{', '}']) {
        add("-g", String::new());
    }
    words.push(if secrets.find(&address).is_some() { word(&address) } else { without_secrets(&address) });
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// A secret value as a variable, called like what holds it.
fn secret(value: &str, name: &str, secrets: &Secrets) -> String {
    match secrets.find(value) {
        Some((0, end, known)) if end == value.len() && known != "AUTHORIZATION" => {
            format!("\"${}\"", variable(&known))
        }
        _ => format!("\"${name}\""),
    }
}

/// One word of a shell, its secrets left to variables.
fn word(text: &str, secrets: &Secrets) -> String {
    let Some((start, end, name)) = secrets.find(text) else { return quote(text) };
    let before = if start == 0 { String::new() } else { quote(&text[..start]) };
    let after = if end == text.len() { String::new() } else { word(&text[end..], secrets) };
    format!("{before}\"${}\"{after}", variable(&name))
}

fn header(name: &str, value: &str, secrets: &Secrets) -> String {
    if secrets.find(value).is_some() {
        word(&format!("{name}: {value}"), secrets)
    } else if looks_secret(name) {
        format!("\"{}: ${}\"", in_double_quotes(name), variable(name))
    } else if value.is_empty() {
        // With a colon curl would leave the header out.
        quote(&format!("{name};"))
    } else {
        quote(&format!("{name}: {value}"))
    }
}

/// The URL with variables for the values of a query that look like secrets.
fn without_secrets(address: &str) -> String {
    let Some((before, query)) = address.split_once('?') else { return quote(address) };
    let mut has_secret = false;
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if looks_secret(name) && !value.is_empty() => {
                has_secret = true;
                format!("{}=${}", in_double_quotes(name), variable(name))
            }
            _ => in_double_quotes(pair),
        })
        .collect();
    if has_secret { format!("\"{}?{}\"", in_double_quotes(before), pairs.join("&")) } else { quote(address) }
}

/// `x-api-key` is `X_API_KEY`.
fn variable(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    let name: String = upper.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn in_double_quotes(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '$' | '`' | '\\' => quoted.extend(['\\', c]),
            // An interactive bash would look into its history.
            '!' => quoted.push_str("\"'!'\""),
            c => quoted.push(c),
        }
    }
    quoted
}

/// One word of a shell, whatever it holds.
fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '\'' | '\\' => format!("\\{c}"),
                '\n' => "\\n".to_owned(),
                c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn curl(yaml: &str) -> String {
        let http: Http = sluice_yaml::from_slice(yaml.as_bytes()).unwrap();
        let url = Url::parse(http.target.as_str()).unwrap();
        line(&http, &url, None, &secrets())
    }

    fn secrets() -> Secrets {
        let secrets = Secrets::default();
        secrets.add("s3cr3t value", "SMOKE_TOKEN");
        secrets
    }

    #[test]
    fn a_request_is_told_as_a_command() {
        let lines = [
            "https://shop.example.com/healthz",
            "{method: POST, url: https://shop.example.com/login, json: {user: it's me}, follow: 2}",
            "{method: PUT, url: https://shop.example.com/note, body: \"a\\nb\"}",
            "{method: POST, url: 'https://shop.example.com/?q=a b'}".replace("a b", "a&b").as_str(),
            "{method: HEAD, url: https://shop.example.com/, headers: {accept: '*/*', x-empty: ''}}",
            "{method: POST, url: https://shop.example.com/, form: {q: a b}}",
        ]
        .map(curl);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        curl -sSi https://shop.example.com/healthz
        curl -sSi -L --max-redirs 2 -H 'content-type: application/json' --data-raw '{"user":"it'\''s me"}' https://shop.example.com/login
        curl -sSi -X PUT -H content-type: --data-raw $'a\nb' https://shop.example.com/note
        curl -sSi -X POST 'https://shop.example.com/?q=a&b'
        curl -sSi -I -H 'accept: */*' -H 'x-empty;' https://shop.example.com/
        curl -sSi -H 'content-type: application/x-www-form-urlencoded' --data-raw q=a+b https://shop.example.com/
        "#);
    }

    #[test]
    fn what_looks_like_a_secret_is_a_variable() {
        let told = curl(
            "{url: 'https://shop.example.com/$x?page=1&access_token=hush', headers: {authorization: Bearer hush, x-api-key: hush}}",
        );
        assert!(!told.contains("hush"), "{told}");
        insta::assert_snapshot!(told, @r#"curl -sSi -H "authorization: $AUTHORIZATION" -H "x-api-key: $X_API_KEY" "https://shop.example.com/\$x?page=1&access_token=$ACCESS_TOKEN""#);
    }

    #[test]
    fn known_secrets_are_variables_wherever_they_stand() {
        let lines = [
            "{url: https://shop.example.com/, headers: {x-note: it is s3cr3t value.}}",
            "{url: 'https://shop.example.com/?q=s3cr3t%20value&page=1'}",
            "{url: https://shop.example.com/, method: POST, json: {key: s3cr3t value}}",
            "{url: https://shop.example.com/, auth: {basic: {user: smoke, password: s3cr3t value}}}",
            "{url: https://shop.example.com/, auth: {bearer: s3cr3t value}}",
            "{url: https://shop.example.com/, auth: {basic: {user: smoke, password: other}}}",
        ]
        .map(curl);
        assert!(!lines.join("").contains("s3cr3t") && !lines.join("").contains("other"), "{lines:?}");
        insta::assert_snapshot!(lines.join("\n"), @r#"
        curl -sSi -H 'x-note: it is '"$SMOKE_TOKEN". https://shop.example.com/
        curl -sSi 'https://shop.example.com/?q='"$SMOKE_TOKEN"'&page=1'
        curl -sSi -H 'content-type: application/json' --data-raw '{"key":"'"$SMOKE_TOKEN"'"}' https://shop.example.com/
        curl -sSi -u smoke:"$SMOKE_TOKEN" https://shop.example.com/
        curl -sSi -H 'authorization: Bearer '"$SMOKE_TOKEN" https://shop.example.com/
        curl -sSi -u smoke:"$PASSWORD" https://shop.example.com/
        "#);
    }

    #[test]
    fn the_way_is_told_too() {
        let lines = [
            "{url: https://shop.example.com/, http-version: 1.1, resolve: {shop.example.com: 10.0.0.5}}",
            "{url: 'http://shop.example.com/', http-version: 2, connect-to: {'shop.example.com:80': 'blue.example.com:8080'}}",
            "{url: https://shop.example.com/, client-certificate: {certificate: a.pem, key: k.pem}, ca-file: ca.pem}",
            "{url: https://shop.example.com/, proxy: none}",
            "{url: https://shop.example.com/, proxy: 'http://me:pass@proxy.example.com:3128'}",
        ]
        .map(curl);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        curl -sSi --http1.1 --connect-to shop.example.com::10.0.0.5: https://shop.example.com/
        curl -sSi --http2-prior-knowledge --connect-to shop.example.com:80:blue.example.com:8080 http://shop.example.com/
        curl -sSi --cert a.pem --key k.pem --cacert ca.pem https://shop.example.com/
        curl -sSi --noproxy '*' https://shop.example.com/
        curl -sSi --proxy "$PROXY" https://shop.example.com/
        "#);
    }

    #[test]
    fn a_shell_reads_the_words_as_they_were() {
        for text in ["", "a b", "it's", "$(id) `id` \\ \" !", "a\nb\t\u{1b}[31m'\\", "é*?[x]{y}~#&;|<>"] {
            let read =
                Command::new("bash").args(["-c", &format!("printf %s {}", quote(text))]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&read.stdout), text);
            if !text.chars().any(char::is_control) {
                let word = format!("printf %s \"{}\"", in_double_quotes(text));
                let read = Command::new("bash").args(["-c", &word]).output().unwrap();
                assert_eq!(String::from_utf8_lossy(&read.stdout), text);
            }
        }
    }
}
