//! Typed reading: what is accepted, and every message for what is not.

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sluice_yaml::{Placed, Source, Unread, from_slice};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    name: String,
    #[serde(default)]
    paths: Vec<String>,
    on: Option<String>,
    count: Option<u8>,
    share: Option<f64>,
    enabled: Option<bool>,
    strategy: Option<Strategy>,
    pair: Option<(String, u8)>,
    letter: Option<char>,
    form: Option<Form>,
    word: Option<Word>,
    #[serde(default)]
    parts: IndexMap<String, Part>,
    #[serde(default)]
    others: Unread,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Part {
    image: String,
    port: Option<u16>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Strategy {
    Worktree,
    Commit,
    PullRequest { draft: bool },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Form {
    One(String),
    Many(Vec<String>),
}

/// A type that checks its text itself.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
struct Word(String);

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.contains(' ') { Err(format!("{text:?} is more than one word")) } else { Ok(Self(text)) }
    }
}

fn message<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    from_slice::<T>(text.as_bytes()).unwrap_err().to_string()
}

/// Each text on a line with its message on the next.
fn messages<T: DeserializeOwned + std::fmt::Debug>(texts: &[&str]) -> String {
    texts.iter().fold(String::new(), |all, text| format!("{all}{text:?}\n    {}\n", message::<T>(text)))
}

fn read(text: &str) -> Settings {
    from_slice(text.as_bytes()).unwrap()
}

#[test]
fn strings_are_read_as_written() {
    for written in
        ["1.10", "on", "yes", "no", "y", "0777", "0x1F", "1_000", "12345e7", "true", "2001-01-01", ".inf"]
    {
        assert_eq!(read(&format!("name: {written}")).name, written);
        let map: IndexMap<String, String> = from_slice(format!("{written}: {written}").as_bytes()).unwrap();
        assert_eq!(map.get(written).map(String::as_str), Some(written));
    }
    assert_eq!(read("name: a\non: push").on.as_deref(), Some("push"));
    assert_eq!(read("name: 'null'").name, "null");
    // Where no type asks for text, what no number can hold is text as written, too.
    let untyped: Vec<serde_json::Value> = from_slice(b"[-.INF, 1e999]").unwrap();
    assert_eq!(untyped, ["-.INF", "1e999"]);
}

#[test]
fn line_ends_byte_order_mark_and_document_marks_make_no_difference() {
    let plain = read("name: a\npaths: [b, c]\n");
    assert_eq!(read("\u{feff}name: a\r\npaths: [b, c]\r\n"), plain);
    assert_eq!(read("# first\n---\nname: a\npaths: [b, c] # last\n...\n"), plain);
    assert_eq!(read("%YAML 1.1\n---\nname: a\npaths:\n- b\n- c"), plain);
}

#[test]
fn comments_make_no_difference_however_many() {
    let comments = "  # a comment: {{ x }}\n".repeat(1000);
    let file = format!("{comments}name: a\n{comments}paths:\n{comments}- b\n{comments}- c\n{comments}");
    assert_eq!(read(&file), read("name: a\npaths: [b, c]\n"));
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let settings = read(
        "name: &n a\non: *n\nparts:\n  one: &one {image: x, port: 1}\n  two:\n    <<: *one\n    image: y\n  three: *one\n",
    );
    assert_eq!(settings.on.as_deref(), Some("a"));
    assert_eq!(settings.parts["two"], Part { image: "y".into(), port: Some(1) });
    assert_eq!(settings.parts["three"], settings.parts["one"]);
}

#[test]
fn what_unfolds_without_end_is_refused() {
    let bomb = (1..12).fold("name: a\nothers:\n  - &a0 [x, x, x, x]\n".to_owned(), |bomb, level| {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("{bomb}  - &a{level} [{inner}]\n")
    });
    insta::assert_snapshot!(message::<Settings>(&bomb), @"8:25: the aliases of the file unfold to too much");
    let deep = format!("name: a\nothers: {}{}", "[".repeat(2000), "]".repeat(2000));
    insta::assert_snapshot!(message::<Settings>(&deep), @"2:264: nested too deeply");
    let deep = format!("name: a\nothers: {}{}", "[".repeat(100), "]".repeat(100));
    insta::assert_snapshot!(message::<Settings>(&deep), @"2:72: nested too deeply");
}

#[test]
fn an_empty_file_is_none_or_refused() {
    for text in ["", "\n\n", "# a comment\n", "---\n", "~", "null # nothing\n", "\u{feff}"] {
        assert_eq!(from_slice::<Option<Settings>>(text.as_bytes()), Ok(None));
        assert_eq!(message::<Settings>(text), "1:1: the file is empty");
        assert_eq!(message::<IndexMap<String, String>>(text), "1:1: the file is empty");
        assert_eq!(message::<Vec<String>>(text), "1:1: the file is empty");
    }
}

#[test]
fn a_file_is_looked_into_before_it_is_read() {
    let source = Source::parse(b"kind: list\nitems: [a, b]\n").unwrap();
    let kind = source.root().unwrap().get("kind").unwrap().unwrap();
    assert_eq!(kind.as_str(), Some("list"));
    let parts: IndexMap<String, Unread> = source.read().unwrap();
    assert_eq!(parts.keys().collect::<Vec<_>>(), ["kind", "items"]);
    assert!(Source::parse(b"# nothing\n").unwrap().root().is_none());
    assert!(Source::parse(b"a: 1\n---\nb: 2\n").is_err());
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_place() {
    let error = from_slice::<Settings>(b"\xef\xbb\xbfname: a\r\non: \xc3\xa4 \xff\n").unwrap_err();
    insta::assert_snapshot!(error, @"2:7: not valid UTF-8: save the file as UTF-8");
}

#[test]
fn names_that_are_not_known() {
    insta::assert_snapshot!(messages::<Settings>(&[
        "name: a\npathz: [b]\n",
        "name: a\nNames: b\n",
        "name: a\nsomething-else: b\n",
        "name: a\nparts:\n  b: {imag: x}\n",
        "name: a\n\"x\\ny\": b\n",
        "name: a\nstrategy: comit\n",
        "name: a\nstrategy: rebase\n",
        "name: a\nstrategy: {pull-reqest: {}}\n",
    ]), @r##"
"name: a\npathz: [b]\n"
    2:1: unknown key "pathz", did you mean "paths"?
"name: a\nNames: b\n"
    2:1: unknown key "Names", did you mean "name"?
"name: a\nsomething-else: b\n"
    2:1: unknown key "something-else", the known keys are name, paths, on, count, share, enabled, strategy, pair, letter, form, word, parts, others
"name: a\nparts:\n  b: {imag: x}\n"
    3:7: unknown key "imag", did you mean "image"?
"name: a\n\"x\\ny\": b\n"
    2:1: unknown key "x\ny", the known keys are name, paths, on, count, share, enabled, strategy, pair, letter, form, word, parts, others
"name: a\nstrategy: comit\n"
    2:11: unknown value "comit", did you mean "commit"?
"name: a\nstrategy: rebase\n"
    2:11: unknown value "rebase", the known values are worktree, commit, pull-request
"name: a\nstrategy: {pull-reqest: {}}\n"
    2:12: unknown value "pull-reqest", did you mean "pull-request"?
"##);
}

#[test]
fn keys_that_are_missing_or_given_twice() {
    insta::assert_snapshot!(messages::<Settings>(&[
        "# comment\npaths: [b]\ncount: 1\n",
        "name: a\nparts:\n  one:\n    port: 1\n  two: {image: x}\n",
        "name: a\nparts: {one: {}}\n",
        "{}",
        "name: a\nname: b\n",
        "name: a\nparts:\n  one: {image: x}\n  two: {image: x}\n  one: {image: y}\n",
        "name: a\nparts:\n  one: {image: x, \"image\": y}\n",
        "name: a\nothers: {x: 1, y: [{z: 1, z: 2}]}\n",
        "name: a\nothers: {11: x, 0xB: y}\n",
        "name: a\nothers: {[b]: x, [b]: y}\n",
    ]), @r##"
"# comment\npaths: [b]\ncount: 1\n"
    2:1: missing key "name"
"name: a\nparts:\n  one:\n    port: 1\n  two: {image: x}\n"
    4:5: missing key "image"
"name: a\nparts: {one: {}}\n"
    2:14: missing key "image"
"{}"
    1:1: missing key "name"
"name: a\nname: b\n"
    2:1: the key "name" is given twice, first at 1:1
"name: a\nparts:\n  one: {image: x}\n  two: {image: x}\n  one: {image: y}\n"
    5:3: the key "one" is given twice, first at 3:3
"name: a\nparts:\n  one: {image: x, \"image\": y}\n"
    3:19: the key "image" is given twice, first at 3:9
"name: a\nothers: {x: 1, y: [{z: 1, z: 2}]}\n"
    2:27: the key "z" is given twice, first at 2:21
"name: a\nothers: {11: x, 0xB: y}\n"
    2:17: the key "0xB" is given twice, first at 2:10
"name: a\nothers: {[b]: x, [b]: y}\n"
    2:18: a key is given twice, first at 2:10
"##);
}

#[test]
fn values_of_the_wrong_kind() {
    insta::assert_snapshot!(messages::<Settings>(&[
        "name: [a]\n",
        "name: {a: b}\n",
        "name:\n  a: b\n",
        "name:\n",
        "name: ~\n",
        "name: a\npaths: b\n",
        "name: a\npaths: {b: c}\n",
        "name: a\npaths:\n  - b\n  - [c]\n",
        "name: a\ncount: many\n",
        "name: a\ncount: 300\n",
        "name: a\ncount: -1\n",
        "name: a\nshare: half\n",
        "name: a\nenabled: yes\n",
        "name: a\nletter: bc\n",
        "name: a\npair: [b]\n",
        "name: a\npair: [b, 1, 2]\n",
        "name: a\nparts: [b]\n",
        "name: a\nparts: b\n",
        "name: a\nparts:\n  one: &one\n    image: [x]\n  two: *one\n",
        "name: a\nstrategy: [commit]\n",
        "name: a\nstrategy: {commit: x}\n",
        "name: a\nstrategy: pull-request\n",
        "name: a\nstrategy: {worktree: , commit: }\n",
        "name: a\nform: {b: c}\n",
        "name: a\nword: \"b c\"\n",
        "name: !!int 3\n",
        "name: a\nparts: &p {q: *p}\n",
        "name: a\n<<: b\n",
        "- name: a\n",
        "name\n",
        "? [a]\n: b\n",
    ]), @r##"
"name: [a]\n"
    1:7: expected a single value, found a list
"name: {a: b}\n"
    1:7: expected a single value, found a mapping
"name:\n  a: b\n"
    2:3: expected a single value, found a mapping
"name:\n"
    1:5: expected text, found nothing
"name: ~\n"
    1:7: expected text, found nothing
"name: a\npaths: b\n"
    2:8: expected a list, found "b"
"name: a\npaths: {b: c}\n"
    2:8: expected a list, found a mapping
"name: a\npaths:\n  - b\n  - [c]\n"
    4:5: expected a single value, found a list
"name: a\ncount: many\n"
    2:8: expected a whole number from 0 to 255, found "many"
"name: a\ncount: 300\n"
    2:8: expected a whole number from 0 to 255, found "300"
"name: a\ncount: -1\n"
    2:8: expected a whole number from 0 to 255, found "-1"
"name: a\nshare: half\n"
    2:8: expected a number, found "half"
"name: a\nenabled: yes\n"
    2:10: expected true or false, found "yes"
"name: a\nletter: bc\n"
    2:9: expected one character, found "bc"
"name: a\npair: [b]\n"
    2:7: wrong number of values: found 1, expected 2
"name: a\npair: [b, 1, 2]\n"
    2:7: wrong number of values: found 3, expected 2
"name: a\nparts: [b]\n"
    2:8: expected a mapping, found a list
"name: a\nparts: b\n"
    2:8: expected a mapping, found "b"
"name: a\nparts:\n  one: &one\n    image: [x]\n  two: *one\n"
    4:12: expected a single value, found a list
"name: a\nstrategy: [commit]\n"
    2:11: expected a name or a mapping, found a list
"name: a\nstrategy: {commit: x}\n"
    2:20: expected no value here, found "x"
"name: a\nstrategy: pull-request\n"
    2:11: expected a mapping, found "pull-request"
"name: a\nstrategy: {worktree: , commit: }\n"
    2:24: expected one key only
"name: a\nform: {b: c}\n"
    2:7: the value has none of the forms that are known here
"name: a\nword: \"b c\"\n"
    2:7: "b c" is more than one word
"name: !!int 3\n"
    1:13: this tag does not go with text
"name: a\nparts: &p {q: *p}\n"
    2:15: the value contains itself
"name: a\n<<: b\n"
    2:5: expected a mapping to merge, found "b"
"- name: a\n"
    1:1: expected a mapping, found a list
"name\n"
    1:1: expected a mapping, found "name"
"? [a]\n: b\n"
    1:3: expected a single value, found a list
"##);
}

#[test]
fn text_that_is_not_yaml() {
    insta::assert_snapshot!(messages::<Settings>(&[
        "name: a\n---\nname: b\n",
        "name: a\n...\nname: b\n",
        "name: a: b\n",
        "name: a\n  on: b\n",
        "name: \"a\non: b\n",
        "name: 'a'b\n",
        "name: \"a\\qb\"\n",
        "name: [a\n",
        "name: [a}\n",
        "name: a\npaths: [b\non: c\n",
        "name: {a: b\n",
        "]\n",
        "name: @a\n",
        "name: %a\n",
        "name: a\u{1}b\n",
        "name: *a\n",
        "name: & a\n",
        "name: !<a\n",
        "name: |x\n  a\n",
        "name: >\n\ta\n",
        "parts:\n\tone: a\n",
        "paths:\n- a\n-b\n",
        "paths:\n  - a\n - b\n",
        "paths: - a\n",
        "name: a\nb\n",
        "name: a #b\n  c\n",
        "name: 'a'#b\n",
        "%YAML 2.0\n---\nname: a\n",
        "%FOO\nname: a\n",
        "name: a\n%YAML 1.2\n---\nname: b\n",
    ]), @r##"
"name: a\n---\nname: b\n"
    2:1: the file holds 2 documents, expected one: the second starts here
"name: a\n...\nname: b\n"
    3:1: the file holds 2 documents, expected one: the second starts here
"name: a: b\n"
    1:8: a second ": " in the value, or a key with wrong indentation: quote or indent it
"name: a\n  on: b\n"
    2:5: a second ": " in the value, or a key with wrong indentation: quote or indent it
"name: \"a\non: b\n"
    2:1: the quoted text before this is not closed, or goes on with too little indentation
"name: 'a'b\n"
    1:10: text can't follow a closing quote
"name: \"a\\qb\"\n"
    1:7: unknown escape in double quotes: write "\\" for a backslash
"name: [a\n"
    1:7: "[" is not closed
"name: [a}\n"
    1:7: "[" is closed by "}"
"name: a\npaths: [b\non: c\n"
    3:3: ":" can't stand here: check the brackets and quotes before it
"name: {a: b\n"
    1:7: "{" is not closed
"]\n"
    1:1: a closing bracket that was not opened
"name: @a\n"
    1:7: a value can't start with "@": quote the value
"name: %a\n"
    1:7: a value can't start with "%": quote the value
"name: a\u{1}b\n"
    1:7: the control character "\u{1}" can't stand in a file
"name: *a\n"
    1:7: this alias has no anchor: no `&name` before it in the document
"name: & a\n"
    1:7: expected a name behind "&" or "*"; quote a value that starts with them
"name: !<a\n"
    1:7: not a valid tag; quote a value that starts with "!"
"name: |x\n  a\n"
    1:7: expected a line break behind "|" or ">"
"name: >\n\ta\n"
    1:7: a block of text can't start with a tab: indent with spaces
"parts:\n\tone: a\n"
    2:2: a tab can't stand here: indent with spaces
"paths:\n- a\n-b\n"
    3:1: expected ": " behind the key
"paths:\n  - a\n - b\n"
    3:2: expected a key here: check the indentation
"paths: - a\n"
    1:8: a list item can't start here
"name: a\nb\n"
    2:1: expected ": " behind the key
"name: a #b\n  c\n"
    1:9: a comment in the middle of a value
"name: 'a'#b\n"
    1:10: expected a space before "#"
"%YAML 2.0\n---\nname: a\n"
    1:1: not a version of YAML that is known
"%FOO\nname: a\n"
    2:1: expected the start of a document
"name: a\n%YAML 1.2\n---\nname: b\n"
    2:1: expected "..." before a line that starts with "%"
"##);
}

#[test]
fn helm_templates_are_named() {
    insta::assert_snapshot!(messages::<Settings>(&[
        "name: {{ .Values.name }}\n",
        "{{- if .Values.on }}\nname: a\n{{- end }}\n",
        "name: a\n{{ include \"x\" . | indent 2 }}\non: b\n",
        "name: a\nparts:\n  ü: [{{ .x }}]\n",
        "name: a{{ .x }}: b\n",
        "name: a\n  {{ .x }}\n  b: c\n",
    ]), @r##"
"name: {{ .Values.name }}\n"
    1:7: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value
"{{- if .Values.on }}\nname: a\n{{- end }}\n"
    1:1: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value
"name: a\n{{ include \"x\" . | indent 2 }}\non: b\n"
    2:1: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value
"name: a\nparts:\n  ü: [{{ .x }}]\n"
    3:7: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value
"name: a{{ .x }}: b\n"
    1:8: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value
"name: a\n  {{ .x }}\n  b: c\n"
    2:3: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value
"##);
    // An expression of GitHub Actions is text, and no cause of an error elsewhere.
    assert_eq!(read("name: ${{ github.ref }}").name, "${{ github.ref }}");
    insta::assert_snapshot!(message::<Settings>("name: ${{ github.ref }}\non: [\n"), @r##"2:5: "[" is not closed"##);
    insta::assert_snapshot!(message::<Settings>("# {{ a comment }}\nname: [\n"), @r##"2:7: "[" is not closed"##);
}

#[test]
fn a_suggestion_can_be_taken_apart() {
    let error = from_slice::<Settings>(b"name: a\n  \n\npathz: b").unwrap_err();
    assert_eq!(error.suggestion.as_deref(), Some("paths"));
    assert_eq!(error.what, "unknown key \"pathz\"");
    assert_eq!((error.place.line, error.place.column), (4, 1));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Places {
    top: Placed<String>,
    list: Vec<Placed<String>>,
    map: IndexMap<Placed<String>, Placed<u8>>,
    inner: Placed<Inner>,
    none: Option<Placed<String>>,
    alias: Placed<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    ä: Placed<bool>,
}

#[test]
fn values_know_their_places() {
    let text = "\u{feff}top: 1.10\r\nlist:\r\n- &a 'x'\r\n- !!str y\r\nmap: {k: 1, \"ü\": 2}\r\ninner:\r\n  ä: true\r\nalias: *a\r\n";
    let places: Places = from_slice(text.as_bytes()).unwrap();
    assert_eq!((&*places.top.value, places.top.place.to_string()), ("1.10", "1:6".into()));
    let list: Vec<_> = places.list.iter().map(|item| (item.as_str(), item.place.to_string())).collect();
    assert_eq!(list, [("x", "3:6".into()), ("y", "4:9".into())]);
    let map: Vec<_> =
        places.map.iter().map(|(key, value)| (key.as_str(), key.place, **value, value.place)).collect();
    assert_eq!(format!("{map:?}").matches("line: 5").count(), 4);
    assert_eq!(
        map.iter().flat_map(|entry| [entry.1.column, entry.3.column]).collect::<Vec<_>>(),
        [7, 10, 13, 18]
    );
    assert_eq!(
        (places.inner.place.to_string(), places.inner.ä.place.to_string()),
        ("7:3".into(), "7:6".into())
    );
    assert!(*places.inner.ä);
    assert!(places.none.is_none());
    assert_eq!((places.alias.as_str(), places.alias.place.to_string()), ("x", "8:8".into()));
}

#[test]
fn places_do_not_show_in_a_schema() {
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct With {
        name: Placed<String>,
        list: Option<Vec<Placed<u8>>>,
        rest: Unread,
    }
    let schema = serde_json::to_string(&schemars::schema_for!(With)).unwrap();
    insta::assert_snapshot!(schema, @r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"With","type":"object","properties":{"name":{"type":"string"},"list":{"type":["array","null"],"items":{"type":"integer","format":"uint8","minimum":0,"maximum":255}},"rest":true},"required":["name","rest"]}"##);
}

#[test]
fn any_value_may_stay_unread() {
    for value in [
        "1",
        "[a, {b: c}]",
        "{a: [b]}",
        "&a [b]",
        "!foo x",
        ".inf",
        ".nan",
        "1e999",
        "~",
        "|\n  x",
        "!!binary aGk=",
    ] {
        assert_eq!(read(&format!("name: a\nothers: {value}\n")).others, Unread);
    }
}
