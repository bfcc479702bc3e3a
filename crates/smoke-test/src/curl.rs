//! A request as a `curl` command line, to try by hand.

use std::path::Path;

use sluice_http::Url;
use sluice_http::header::CONTENT_TYPE;

use crate::http::{Body, Http, Method, looks_secret};

/// Longer bodies would hide the rest of the line.
const LONGEST_BODY: usize = 1000;

/// The command line for a POSIX shell, or for bash where a text holds control characters.
///
/// What looks like a secret is left to a variable of the shell: `$AUTHORIZATION`.
pub(crate) fn line(http: &Http, url: &Url, ca_file: Option<&Path>) -> String {
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
    if let Some(file) = ca_file {
        add("--cacert", quote(&file.to_string_lossy()));
    }
    for (name, value) in http.all_headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        add("-H", header(name.as_str(), &value));
    }
    if let Some(body) = &http.body {
        if matches!(body, Body::Text(_)) && !http.all_headers().iter().any(|(name, _)| name == CONTENT_TYPE) {
            // curl would send the type of a form.
            add("-H", "content-type:".to_owned());
        }
        match String::from_utf8(body.bytes()) {
            Ok(text) if text.len() <= LONGEST_BODY => add("--data-raw", quote(&text)),
            _ => add("--data-binary", "@body".to_owned()),
        }
    }
    let address = url.reveal();
    if address.contains(['[', ']', '{', '}']) {
        add("-g", String::new());
    }
    words.push(without_secrets(&address));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

fn header(name: &str, value: &str) -> String {
    if looks_secret(name) {
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
        line(&http, &url, None)
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
