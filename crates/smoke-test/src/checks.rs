//! The checks file: what must hold, as people write it.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sluice_core::{Period, Place, Problem, Problems, Secret};
use sluice_yaml::{Node, Placed, Source, Unread};

use crate::expect::{Expectation, Statuses};
use crate::forms::{self, Form, Forms, Never};
use crate::http::Http;
use crate::kind::dns::Dns;
use crate::kind::grpc::Grpc;
use crate::kind::postgres::Postgres;
use crate::kind::redis::Redis;
use crate::kind::tcp::{Tcp, Tls};
use crate::kind::websocket::Websocket;
use crate::samples::Samples;
use crate::secrets::{SHORTEST, Secrets};
use crate::source::{Capture, ExpectVersion};
use crate::variables::{Scope, Variable, is_name};

/// A file of checks, all of which must pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Sluice smoke checks")]
#[expect(clippy::struct_field_names, reason = "the keys of the file are called so")]
pub struct Checks {
    /// Variables by name, for `{{ name }}` in any text of the checks: a text, or `{env: NAME}` for a secret. Those of
    /// the input `variables` win over them.
    #[serde(default, rename = "variables")]
    #[schemars(with = "IndexMap<String, Variable>")]
    _variables: Option<Unread>,
    /// A check that all others of the run wait for. Its `retry-timeout` is 5m unless it says otherwise.
    startup: Option<Placed<Check>>,
    /// The checks. They run at once, but for what they need.
    #[schemars(length(min = 1))]
    checks: Placed<Vec<Placed<Check>>>,
}

/// One check: what is asked of whom, and what the answer must be like. It has one of the kinds `http`, `websocket`,
/// `grpc`, `postgres`, `redis`, `tcp`, `tls` and `dns`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = [
    {"required": ["http"]}, {"required": ["websocket"]}, {"required": ["grpc"]}, {"required": ["postgres"]},
    {"required": ["redis"]}, {"required": ["tcp"]}, {"required": ["tls"]}, {"required": ["dns"]},
]))]
pub(crate) struct Check {
    /// What reports call the check; no two have the same name. Default: the URL, behind the method if that is not GET.
    name: Option<Placed<String>>,
    /// The HTTP request: a URL or a path, or a mapping when there is more to say.
    http: Option<Placed<Http>>,
    /// A WebSocket that must open: a URL or a path, or a mapping.
    websocket: Option<Placed<Websocket>>,
    /// A server whose health is asked for by grpc.health.v1: `host:port`, or a mapping.
    grpc: Option<Placed<Grpc>>,
    /// A Postgres server that must let us in.
    postgres: Option<Placed<Postgres>>,
    /// A Redis that must let us in and answer PING: `host[:port]`, or a mapping.
    redis: Option<Placed<Redis>>,
    /// A port that must take connections: `host:port`.
    tcp: Option<Placed<Tcp>>,
    /// A port that must speak TLS: `host[:port]`, or a mapping.
    tls: Option<Placed<Tls>>,
    /// A name that DNS must know: the name, or a mapping.
    dns: Option<Placed<Dns>>,
    /// What the answer must be like, or `unreachable`. Default: a status of 2xx, and of other kinds any good answer.
    #[serde(default)]
    pub(crate) expect: Expectation,
    /// The version that must answer.
    pub(crate) expect_version: Option<Placed<ExpectVersion>>,
    /// How often the request is sent once it has passed, and what the answers must be like together.
    pub(crate) samples: Option<Placed<Samples>>,
    /// Values to keep from the answer, each as a variable for other checks of the file, which then need this one.
    #[serde(default)]
    pub(crate) capture: IndexMap<Placed<String>, Capture>,
    /// The checks that must have passed before this one begins, by name.
    #[serde(default)]
    pub(crate) needs: Needs,
    /// Statuses of 4xx, not expected, after which the check is tried again all the same.
    pub(crate) retry_on: Option<Placed<Statuses>>,
    /// How long the check is tried again before its failure counts; `0s` tries once. Default: the input
    /// `retry-timeout`. Given here it also allows to repeat a POST or PATCH.
    pub(crate) retry_timeout: Option<Period>,
}

/// The name of a check, or a list of them.
#[derive(Debug, Default)]
pub(crate) struct Needs(pub(crate) Vec<String>);

impl Forms for Needs {
    type Item = String;
    type Mapping = Never;
    const EXPECTED: &'static str = "the name of a check or a list of them";

    fn read(form: Form<String, Never>) -> Result<Self, String> {
        match form {
            Form::Text(name) => Ok(Self(vec![name])),
            Form::List(names) => Ok(Self(names)),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

forms::deserialize_forms!(Needs);

impl JsonSchema for Needs {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Needs".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = schemars::json_schema!({ "type": "string" });
        schemars::json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// What a check asks, as it is written.
pub(crate) enum Asked<'a> {
    Http(&'a Placed<Http>),
    Websocket(&'a Placed<Websocket>),
    Grpc(&'a Grpc),
    Postgres(&'a Postgres),
    Redis(&'a Redis),
    Tcp(&'a Tcp),
    Tls(&'a Tls),
    Dns(&'a Dns),
}

impl Asked<'_> {
    fn label(&self) -> String {
        match self {
            Self::Http(http) => http.label(),
            Self::Websocket(websocket) => websocket.label(),
            Self::Grpc(grpc) => grpc.label(),
            Self::Postgres(postgres) => postgres.label(),
            Self::Redis(redis) => redis.label(),
            Self::Tcp(tcp) => tcp.label(),
            Self::Tls(tls) => tls.label(),
            Self::Dns(dns) => dns.label(),
        }
    }

    /// What can be expected of its answer.
    const fn conditions(&self) -> &'static [&'static str] {
        match self {
            Self::Http(_) => {
                &["status", "headers", "body", "json", "duration", "size", "http-version", "certificate"]
            }
            Self::Websocket(_) | Self::Postgres(_) | Self::Redis(_) | Self::Tls(_) => {
                &["duration", "certificate"]
            }
            Self::Grpc(_) | Self::Tcp(_) => &["duration"],
            Self::Dns(_) => &["duration", "records"],
        }
    }
}

const KINDS: &str = "http, websocket, grpc, postgres, redis, tcp, tls and dns";

impl Check {
    /// The name that reports use.
    pub(crate) fn name(&self) -> String {
        let label = || self.asked().map(|asked| asked.label()).unwrap_or_default();
        self.name.as_ref().map_or_else(label, |name| name.value.clone())
    }

    /// What it asks; `Err` tells how many kinds it names instead of one.
    pub(crate) fn asked(&self) -> Result<Asked<'_>, usize> {
        let Self { http, websocket, grpc, postgres, redis, tcp, tls, dns, .. } = self;
        let given = [
            http.as_ref().map(Asked::Http),
            websocket.as_ref().map(Asked::Websocket),
            grpc.as_ref().map(|placed| Asked::Grpc(&placed.value)),
            postgres.as_ref().map(|placed| Asked::Postgres(&placed.value)),
            redis.as_ref().map(|placed| Asked::Redis(&placed.value)),
            tcp.as_ref().map(|placed| Asked::Tcp(&placed.value)),
            tls.as_ref().map(|placed| Asked::Tls(&placed.value)),
            dns.as_ref().map(|placed| Asked::Dns(&placed.value)),
        ];
        let mut given: Vec<_> = given.into_iter().flatten().collect();
        match (given.len(), given.pop()) {
            (1, Some(asked)) => Ok(asked),
            (count, _) => Err(count),
        }
    }

    /// What can't be meant.
    fn problem(&self, at: sluice_yaml::Place) -> Option<(sluice_yaml::Place, String)> {
        let asked = match self.asked() {
            Ok(asked) => asked,
            Err(0) => return Some((at, format!("the check asks nothing: it has one of {KINDS}"))),
            Err(count) => return Some((at, format!("the check has {count} kinds: give one of {KINDS}"))),
        };
        if let Some(name) = self.name.as_ref().filter(|name| name.trim().is_empty()) {
            return Some((name.place, "the check's name is empty".to_owned()));
        }
        let is_http = matches!(asked, Asked::Http(_));
        let only_http = [
            ("expect-version", self.expect_version.as_ref().map(|given| given.place)),
            ("samples", self.samples.as_ref().map(|given| given.place)),
            ("retry-on", self.retry_on.as_ref().map(|given| given.place)),
            ("capture", self.capture.keys().next().map(|given| given.place)),
        ];
        let given = only_http.into_iter().find_map(|(key, place)| Some((key, place?)));
        match (&self.expect, given) {
            (_, Some((key, place))) if !is_http => {
                Some((place, format!("\"{key}\" goes with checks of http only")))
            }
            (Expectation::Unreachable, Some((key, place))) => {
                Some((place, format!("\"{key}\" needs an answer, but none is expected")))
            }
            (Expectation::Answer(expect), _) => {
                let (key, place) = expect.foreign_to(asked.conditions())?;
                let known = asked.conditions().join(", ");
                Some((place, format!("\"{key}\" does not go with this kind of check: it knows {known}")))
            }
            _ => None,
        }
    }
}

/// What a file is read with.
pub(crate) struct Given<'a> {
    /// Variables that count for all files.
    pub(crate) scope: Scope,
    /// Gives a secret of the environment.
    pub(crate) env: &'a dyn Fn(&str) -> Option<Secret>,
    pub(crate) secrets: &'a Secrets,
}

/// A file of checks that was read.
pub(crate) struct Loaded {
    pub(crate) startup: Option<Placed<Check>>,
    pub(crate) checks: Vec<Placed<Check>>,
    /// For each check, the one for start-up first, how to read it once its captures are known, where it uses some;
    /// empty when none does.
    pub(crate) templates: Vec<Option<Template>>,
}

/// A check that is read again once the captures that it uses are known.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// The text of the check, at its place in the file.
    text: Arc<[u8]>,
    scope: Arc<Scope>,
    /// The checks whose captures it uses, by their position in the file, that for start-up counted first.
    pub(crate) uses: Vec<usize>,
}

impl Template {
    /// The check, with what was captured.
    pub(crate) fn read<'a>(
        &self,
        captured: impl Iterator<Item = (&'a String, &'a String)>,
        file: &str,
    ) -> Result<Placed<Check>, Problem> {
        let mut scope = (*self.scope).clone();
        captured.for_each(|(name, value)| scope.set(name, value));
        let check: Placed<Check> = sluice_yaml::from_slice_with(&self.text, &|text| scope.fill(text))
            .map_err(|error| problem(file, error))?;
        Ok(check)
    }
}

/// What of a file decides how the rest is read.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    variables: IndexMap<Placed<String>, Placed<Variable>>,
    startup: Option<Captures>,
    checks: Option<Vec<Captures>>,
}

/// The names that a check captures.
#[derive(Deserialize)]
struct Captures {
    #[serde(default)]
    capture: IndexMap<Placed<String>, IgnoredAny>,
}

impl Checks {
    /// Reads a file that needs nothing from outside, strictly; `file` is the name that problems give as their place.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, Problems> {
        let given = Given { scope: Scope::default(), env: &|_| None, secrets: &Secrets::default() };
        let source = Source::parse(bytes).map_err(|error| problem(file, error))?;
        Self::read(&source, file, &given.scope_of(&source, bytes, file)?)
    }

    /// Reads a file strictly, with its variables.
    pub(crate) fn load(bytes: &[u8], file: &str, given: &Given<'_>) -> Result<Loaded, Problems> {
        let source = Source::parse(bytes).map_err(|error| problem(file, error))?;
        let scope = given.scope_of(&source, bytes, file)?;
        let Self { startup, checks, .. } = Self::read(&source, file, &scope)?;
        let templates = templates(&source, bytes, scope).map_err(|error| problem(file, error))?;
        // What stands behind an anchor elsewhere would be missed too late.
        let all = startup.iter().chain(&checks.value);
        for (check, template) in all.zip(&templates) {
            let alone = template.as_ref().map(|template| template.read(std::iter::empty(), file));
            if let Some(Err(_)) = alone {
                return Err(Problem::misconfigured("a check that uses captures is not whole in itself")
                    .why("it is read again, alone, once they are known")
                    .help("write out what stands behind its aliases (`*name`)")
                    .at(place(file, check.place))
                    .into());
            }
        }
        Ok(Loaded { startup, checks: checks.value, templates })
    }

    fn read(source: &Source, file: &str, scope: &Scope) -> Result<Self, Problems> {
        let checks: Self =
            source.read_with(&|text| scope.fill(text)).map_err(|error| problem(file, error))?;
        checks.validate(file)?;
        Ok(checks)
    }

    fn validate(&self, file: &str) -> Result<(), Problems> {
        if self.checks.is_empty() {
            let problem = Problem::misconfigured("the file has no checks")
                .why("nothing to check is never a pass")
                .help("write at least one, as `- http: /healthz`")
                .at(place(file, self.checks.place));
            return Err(problem.into());
        }
        let all = self.startup.iter().chain(&self.checks.value);
        let found = all.filter_map(|check| check.problem(check.place));
        Problems(found.map(|(at, what)| Problem::misconfigured(what).at(place(file, at))).collect()).or(())
    }
}

impl Given<'_> {
    /// The variables that the texts of a file may use.
    fn scope_of(&self, source: &Source, bytes: &[u8], file: &str) -> Result<Scope, Problems> {
        // A file that has neither word declares nothing.
        let has = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
        if !has(b"variables") && !has(b"capture") {
            return Ok(self.scope.clone());
        }
        let head: Head = source.read().map_err(|error| problem(file, error))?;
        let mut scope = self.scope.clone();
        let mut problems = Problems::default();
        let wrong = |at: sluice_yaml::Place, what: String| Problem::misconfigured(what).at(place(file, at));
        for (name, variable) in &head.variables {
            if !is_name(name) {
                problems.0.push(
                    wrong(name.place, format!("\"{}\" can't name a variable", name.value))
                        .help("a name is made of letters, digits, \"_\" and \"-\""),
                );
            } else if !scope.has(name) {
                match self.value(variable) {
                    Ok(value) => scope.set(name, &value),
                    Err(problem) => problems.0.push(problem.at(place(file, variable.place))),
                }
            }
        }
        let checks = head.startup.iter().chain(head.checks.iter().flatten()).enumerate();
        for (index, name) in
            checks.flat_map(|(index, check)| check.capture.keys().map(move |name| (index, name)))
        {
            if !is_name(name) {
                problems.0.push(
                    wrong(name.place, format!("\"{}\" can't name a variable", name.value))
                        .help("a name is made of letters, digits, \"_\" and \"-\""),
                );
            } else if scope.has(name) || scope.capture(name, index).is_some() {
                let what = format!("there is a variable \"{}\" already", name.value);
                problems.0.push(wrong(name.place, what).help("capture it under another name"));
            }
        }
        problems.or(scope)
    }

    fn value(&self, variable: &Variable) -> Result<String, Problem> {
        let name = match variable {
            Variable::Text(text) => return Ok(text.clone()),
            Variable::Env(name) => name,
        };
        let Some(secret) = (self.env)(name) else {
            return Err(Problem::misconfigured(format!("the environment variable {name} is not set"))
                .help(format!("set it under `env:` of the step, as `{name}: ${{{{ secrets.{name} }}}}`")));
        };
        if secret.expose().len() < SHORTEST {
            return Err(Problem::misconfigured(format!(
                "the secret in {name} has fewer than {SHORTEST} characters"
            ))
            .why("what is that short can't be struck out of what the run says")
            .help("use a longer secret, or write a value that is none as text"));
        }
        self.secrets.add(secret.expose(), name);
        Ok(secret.expose().to_owned())
    }
}

/// The checks that use captures, each as a text that can be read alone.
fn templates(
    source: &Source,
    bytes: &[u8],
    scope: Scope,
) -> Result<Vec<Option<Template>>, sluice_yaml::Error> {
    if !scope.has_captures() {
        return Ok(Vec::new());
    }
    let Some(root) = source.root() else { return Ok(Vec::new()) };
    let startup = root.get("startup")?;
    let checks = root.get("checks")?;
    let scope = Arc::new(scope);
    let template = |check: Node<'_>| {
        let text = bytes.get(check.span()).unwrap_or_default();
        let uses = scope.captured_in(&String::from_utf8_lossy(text));
        if uses.is_empty() {
            return None;
        }
        // Only white space before it keeps every place of the file.
        let sluice_yaml::Place { line, column } = check.place();
        let before = "\n".repeat(line.saturating_sub(1)) + &" ".repeat(column.saturating_sub(1));
        let text = [before.as_bytes(), text].concat().into();
        Some(Template { text, scope: scope.clone(), uses })
    };
    Ok(startup.into_iter().chain(checks.iter().flat_map(|checks| checks.items())).map(template).collect())
}

/// A place in a file of checks.
pub(crate) fn place(file: &str, place: sluice_yaml::Place) -> Place {
    Place::at(file, place.line, place.column)
}

fn problem(file: &str, error: sluice_yaml::Error) -> Problem {
    let mut problem = Problem::misconfigured(error.what).at(place(file, error.place));
    problem.help = error.suggestion.map(|name| format!("did you mean \"{name}\"?"));
    problem
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn wrong(text: &str) -> String {
        let Err(problems) = Checks::parse(text.as_bytes(), "dev.yml") else {
            panic!("nothing is wrong: {text}")
        };
        let lines = problems.0.iter().map(|problem| {
            let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{place}: {}{help}", problem.what)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Each text with what is wrong about it on the next line.
    fn told(texts: &[&str], file: impl Fn(&str) -> String) -> String {
        texts.iter().fold(String::new(), |all, text| format!("{all}{text}\n    {}\n", wrong(&file(text))))
    }

    fn names(text: &str) -> Vec<String> {
        Checks::parse(text.as_bytes(), "dev.yml").unwrap().checks.iter().map(|check| check.name()).collect()
    }

    #[test]
    fn a_url_is_a_whole_check() {
        assert_eq!(
            names("checks:\n- http: /healthz\n- http: https://shop.example.com/\n"),
            ["/healthz", "https://shop.example.com/"]
        );
        assert_eq!(names("checks: [{http: {url: /a, method: POST}}, {name: b, http: /b}]"), ["POST /a", "b"]);
    }

    /// The checks files of a page.
    fn examples(page: &str) -> impl Iterator<Item = &str> {
        let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        blocks.filter(|block| block.contains("checks:\n"))
    }

    #[test]
    fn every_example_of_the_pages_is_read() {
        let readme = examples(include_str!("../../../actions/smoke-test/README.md"));
        let page = examples(include_str!("../../../actions/smoke-test/CHECKS.md"));
        let mut count = 0;
        for example in readme.chain(page) {
            let secrets = Secrets::default();
            let mut scope = Scope::default();
            scope.set("base_url", "https://shop.example.com");
            let env = |_: &str| Some(Secret::new("hush-hush"));
            let read =
                Checks::load(example.as_bytes(), "CHECKS.md", &Given { scope, env: &env, secrets: &secrets });
            count += read.unwrap_or_else(|problems| panic!("{problems:?}\n{example}")).checks.len();
        }
        assert!(count > 30, "{count}");
    }

    #[test]
    fn what_is_wrong_with_a_request_is_told_where_it_stands() {
        let requests = [
            "5",
            "shop.example.com",
            "/a b",
            "[/a]",
            "{}",
            "{url: ftp://x/}",
            "{url: /x, method: post}",
            "{url: /x, follow: 300}",
            "{url: /x, body: a, json: null}",
            "{url: /x, timeout: 0s}",
            "{url: /x, timeout: 10}",
            "{url: /x, headers: {a b: c}}",
            "{url: /x, headers: {Content-Length: 3}}",
            "{url: /x, headers: {a: \"b\\nc\"}}",
            "{path: /x}",
        ];
        insta::assert_snapshot!(told(&requests, |request| format!("checks:\n- http: {request}\n")), @r#"
        5
            dev.yml:2:9: expected a URL, a path or a mapping, found 5
        shop.example.com
            dev.yml:2:9: "shop.example.com" is neither a path, which starts with "/", nor a URL, which starts with "https://"
        /a b
            dev.yml:2:9: not a usable URL: it holds a space or a control character; write a space as %20
        [/a]
            dev.yml:2:9: expected a URL, a path or a mapping, found a list
        {}
            dev.yml:2:9: missing key "url"
        {url: ftp://x/}
            dev.yml:2:15: not a usable URL: it does not begin with http:// or https://
        {url: /x, method: post}
            dev.yml:2:27: unknown value "post" (did you mean "POST"?)
        {url: /x, follow: 300}
            dev.yml:2:27: expected a whole number from 0 to 255, found "300"
        {url: /x, body: a, json: null}
            dev.yml:2:9: a request has one body: give one of "body", "json" and "form"
        {url: /x, timeout: 0s}
            dev.yml:2:9: a "timeout" of nothing leaves no time for an answer
        {url: /x, timeout: 10}
            dev.yml:2:28: "10" is no length of time: write a number and a unit, as 30s, 5m, 2h or 7d
        {url: /x, headers: {a b: c}}
            dev.yml:2:29: "a b" is no name of a header
        {url: /x, headers: {Content-Length: 3}}
            dev.yml:2:9: the header content-length is set by the client itself
        {url: /x, headers: {a: "b\nc"}}
            dev.yml:2:32: the value of a header holds no line break or control character
        {path: /x}
            dev.yml:2:10: unknown key "path", the known keys are method, url, headers, body, json, form, follow, timeout, auth, client-certificate, ca-file, proxy, resolve, connect-to, http-version
        "#);
    }

    #[test]
    fn what_is_wrong_with_an_expectation_is_told_where_it_stands() {
        let expectations = [
            "{status: 20}",
            "{status: true}",
            "{body: 5}",
            "{body: {contains: 5}}",
            "{body: {contains: [a, {}]}}",
            "{headers: {x: {}}}",
            "{headers: {x: {matches: ['(']}}}",
            "{json: {$.x: {}}}",
            "{json: {x: 1}}",
            "{duration: 5s}",
            "{duration: {less-than: 5}}",
            "{statsu: 200}",
        ];
        insta::assert_snapshot!(told(&expectations, |expect| format!("checks:\n- http: /x\n  expect: {expect}\n")), @r#"
        {status: 20}
            dev.yml:3:20: "20" is no status: write a number (200), a class ("2xx") or a range ("200-299")
        {status: true}
            dev.yml:3:20: expected a status (200, "2xx", "200-299") or a list of those, found true
        {body: 5}
            dev.yml:3:18: expected text (a number in quotes) or a mapping of conditions, found 5
        {body: {contains: 5}}
            dev.yml:3:29: expected text (a number in quotes) or a list of texts, found 5
        {body: {contains: [a, {}]}}
            dev.yml:3:33: expected a single value, found a mapping
        {headers: {x: {}}}
            dev.yml:3:25: no condition is given: write "equals", "contains" or "matches"
        {headers: {x: {matches: ['(']}}}
            dev.yml:3:36: not a regular expression: unclosed group
        {json: {$.x: {}}}
            dev.yml:3:24: no condition is given: write "equals", "matches", "exists", "count", "less-than" or "greater-than"
        {json: {x: 1}}
            dev.yml:3:19: "x" is no JSONPath: one starts with "$"
        {duration: 5s}
            dev.yml:3:22: expected a mapping, found "5s"
        {duration: {less-than: 5}}
            dev.yml:3:34: "5" is no length of time: write a number and a unit, as 30s, 5m, 2h or 7d
        {statsu: 200}
            dev.yml:3:12: unknown key "statsu" (did you mean "status"?)
        "#);
    }

    #[test]
    fn a_file_without_checks_is_never_read_as_one() {
        let files = [
            "# nothing",
            "",
            "checks:",
            "checks: []",
            "checks: [{}]",
            "checks: {a: b}",
            "checkz: []",
            "[a",
            "a: b\n---\nb: c",
        ];
        insta::assert_snapshot!(told(&files, str::to_owned), @r#"
        # nothing
            dev.yml:1:1: the file is empty

            dev.yml:1:1: the file is empty
        checks:
            dev.yml:1:7: expected a list, found nothing
        checks: []
            dev.yml:1:9: the file has no checks (write at least one, as `- http: /healthz`)
        checks: [{}]
            dev.yml:1:10: the check asks nothing: it has one of http, websocket, grpc, postgres, redis, tcp, tls and dns
        checks: {a: b}
            dev.yml:1:9: expected a list, found a mapping
        checkz: []
            dev.yml:1:1: unknown key "checkz" (did you mean "checks"?)
        [a
            dev.yml:1:1: "[" is not closed
        a: b
        ---
        b: c
            dev.yml:2:1: the file holds 2 documents, expected one: the second starts here
        "#);
    }

    #[test]
    fn a_variable_must_be_known_wherever_it_stands() {
        let files = [
            "checks: [{http: '{{ base_url }}/x'}]",
            "checks: [{http: {url: /x, json: {a: ['{{ secret }}']}}}]",
            "checks: [{http: {url: /x, form: {'{{ key }}': a}}}]",
            "checks: [&a {name: '{{ a }}', http: /x}, *a]",
        ];
        insta::assert_snapshot!(told(&files, str::to_owned), @r#"
        checks: [{http: '{{ base_url }}/x'}]
            dev.yml:1:17: unknown variable "base_url": the file has no `variables`, and none are given
        checks: [{http: {url: /x, json: {a: ['{{ secret }}']}}}]
            dev.yml:1:38: unknown variable "secret": the file has no `variables`, and none are given
        checks: [{http: {url: /x, form: {'{{ key }}': a}}}]
            dev.yml:1:34: unknown variable "key": the file has no `variables`, and none are given
        checks: [&a {name: '{{ a }}', http: /x}, *a]
            dev.yml:1:20: unknown variable "a": the file has no `variables`, and none are given
        "#);
    }

    #[test]
    fn the_schema_is_strict_and_has_words_for_every_key() {
        let schema = serde_json::to_value(schemars::schema_for!(Checks)).unwrap();
        let mut keys = 0;
        let mut stack = vec![&schema];
        while let Some(value) = stack.pop() {
            if let Some(properties) = value["properties"].as_object() {
                assert_eq!(value["additionalProperties"], false, "{value}");
                for (key, property) in properties {
                    keys += 1;
                    let description = property.get("description").or(value.get("description"));
                    assert!(description.is_some_and(Value::is_string), "{key}: {property}");
                }
            }
            stack.extend(value.as_object().into_iter().flatten().map(|(_, value)| value));
            stack.extend(value.as_array().into_iter().flatten());
        }
        assert!(keys > 25, "{keys}");
    }
}
