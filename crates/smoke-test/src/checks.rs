//! The checks file: what must hold, as people write it.

use schemars::JsonSchema;
use serde::Deserialize;
use sluice_core::{Period, Place, Problem, Problems};
use sluice_yaml::{Document, Node, Placed};

use crate::expect::Expect;
use crate::http::Http;

/// A file of checks, all of which must pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Sluice smoke checks")]
pub struct Checks {
    /// The checks. They run at once, in no order.
    #[schemars(length(min = 1))]
    pub(crate) checks: Placed<Vec<Placed<Check>>>,
}

/// One check: a request, and what its answer must be like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Check {
    /// What reports call the check; no two have the same name. Default: the URL, behind the method if that is not GET.
    pub(crate) name: Option<Placed<String>>,
    /// The HTTP request: a URL or a path, or a mapping when there is more to say.
    pub(crate) http: Placed<Http>,
    /// What the answer must be like. Default: a status of 2xx.
    #[serde(default)]
    pub(crate) expect: Expect,
    /// How long the check is tried again before its failure counts; `0s` tries once. Default: the input
    /// `retry-timeout`. Given here it also allows to repeat a POST or PATCH.
    pub(crate) retry_timeout: Option<Period>,
}

impl Checks {
    /// Reads a file strictly; `file` is the name that problems give as their place.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, Problems> {
        refuse_variables(bytes, file)?;
        let checks: Self = sluice_yaml::from_slice(bytes).map_err(|error| problem(file, error))?;
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
        let names = self.checks.iter().filter_map(|check| check.name.as_ref());
        let empty = names.filter(|name| name.trim().is_empty()).map(|name| {
            Problem::misconfigured("the check's name is empty")
                .help("name it, or leave `name` out")
                .at(place(file, name.place))
        });
        Problems(empty.collect()).or(())
    }
}

impl Check {
    /// The name that reports use.
    pub(crate) fn name(&self) -> String {
        self.name.as_ref().map_or_else(|| self.http.label(), |name| name.value.clone())
    }
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

/// Variables are not filled in yet: sent as they stand they would check something else than was meant.
fn refuse_variables(bytes: &[u8], file: &str) -> Result<(), Problems> {
    let documents = Document::parse_all(bytes).map_err(|error| problem(file, error))?;
    let mut problems = Problems::default();
    for document in &documents {
        each_text(document.root(), &mut |node, text| {
            if text.contains("{{") {
                problems.0.push(
                    Problem::misconfigured("variables are not supported: \"{{\" can't be written here")
                        .help("write the value itself; a path like `/healthz` gets `base-url` in front")
                        .at(place(file, node.place())),
                );
            }
        });
    }
    problems.or(())
}

/// Visits every text of a document once: what an alias stands for is visited where it is written.
fn each_text<'a>(node: Node<'a>, visit: &mut impl FnMut(Node<'a>, &'a str)) {
    if node.is_alias() {
        return;
    }
    if let Some(text) = node.as_str() {
        visit(node, text);
    }
    node.items().for_each(|item| each_text(item, visit));
    for entry in node.entries() {
        each_text(entry.key, visit);
        each_text(entry.value, visit);
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn the_example_of_the_readme_is_read() {
        let readme = include_str!("../../../actions/smoke-test/README.md");
        let (_, example) = readme.split_once("```yaml\nchecks:").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        assert_eq!(names(&format!("checks:{example}")).len(), 4);
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
            dev.yml:2:10: unknown key "path", the known keys are method, url, headers, body, json, form, follow, timeout
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
            dev.yml:1:10: missing key "http"
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
    fn variables_are_refused_wherever_they_stand() {
        let files = [
            "checks: [{http: '{{ base_url }}/x'}]",
            "checks: [{http: {url: /x, json: {a: ['{{ secret }}']}}}]",
            "checks: [{http: {url: /x, form: {'{{ key }}': a}}}]",
            "checks: [&a {name: '{{ a }}', http: /x}, *a]",
        ];
        insta::assert_snapshot!(told(&files, str::to_owned), @r#"
        checks: [{http: '{{ base_url }}/x'}]
            dev.yml:1:17: variables are not supported: "{{" can't be written here (write the value itself; a path like `/healthz` gets `base-url` in front)
        checks: [{http: {url: /x, json: {a: ['{{ secret }}']}}}]
            dev.yml:1:38: variables are not supported: "{{" can't be written here (write the value itself; a path like `/healthz` gets `base-url` in front)
        checks: [{http: {url: /x, form: {'{{ key }}': a}}}]
            dev.yml:1:34: variables are not supported: "{{" can't be written here (write the value itself; a path like `/healthz` gets `base-url` in front)
        checks: [&a {name: '{{ a }}', http: /x}, *a]
            dev.yml:1:20: variables are not supported: "{{" can't be written here (write the value itself; a path like `/healthz` gets `base-url` in front)
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
                    assert!(property["description"].is_string(), "{key}: {property}");
                }
            }
            stack.extend(value.as_object().into_iter().flatten().map(|(_, value)| value));
            stack.extend(value.as_array().into_iter().flatten());
        }
        assert!(keys > 25, "{keys}");
    }
}
