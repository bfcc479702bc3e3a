//! Edits, case by case: a file, where, what, and the exact bytes or the reason why not.

use std::fmt::Write;

use sluice_yaml::{Document, Edit, Entry, Error, Node, Refusal, apply};

/// The node at `path`: `1:images.0.newTag` is in the second document.
fn node<'a>(documents: &'a [Document], path: &str) -> Result<Node<'a>, Error> {
    let (document, path) = path.split_once(':').unwrap_or(("0", path));
    let root = documents[document.parse::<usize>().unwrap()].root();
    path.split('.').filter(|step| !step.is_empty()).try_fold(root, |node, step| match step.parse::<usize>() {
        Ok(index) if node.is_sequence() => Ok(node.items().nth(index).unwrap()),
        _ => Ok(node.get(step)?.unwrap()),
    })
}

fn entry<'a>(documents: &'a [Document], path: &str) -> Result<Entry<'a>, Error> {
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    Ok(node(documents, parent)?.entry(key)?.unwrap())
}

fn set(file: &str, path: &str, value: &str) -> Result<String, Error> {
    let documents = Document::parse_all(file.as_bytes())?;
    let result = apply(file.as_bytes(), &[Edit::set(node(&documents, path)?, value)])?;
    Ok(String::from_utf8(result).unwrap())
}

fn insert(file: &str, path: &str, key: &str, value: &str) -> Result<String, Error> {
    let documents = Document::parse_all(file.as_bytes())?;
    let result = apply(file.as_bytes(), &[Edit::insert_after(entry(&documents, path)?, key, value)])?;
    Ok(String::from_utf8(result).unwrap())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn sets_a_value_and_nothing_else() {
    let cases = [
        // Plain stays plain where both versions of YAML read text.
        ("newTag: v1\n", "newTag", "v2", "newTag: v2\n"),
        ("newTag: v1", "newTag", "v2", "newTag: v2"),
        ("newTag:   v1   \n", "newTag", "v2", "newTag:   v2   \n"),
        ("newTag: v1 # pinned\n", "newTag", "v2", "newTag: v2 # pinned\n"),
        ("newTag: v1\t# pinned\n", "newTag", "v2", "newTag: v2\t# pinned\n"),
        ("newTag: v1#no comment\n", "newTag", "v2", "newTag: v2\n"),
        ("newTag: 1.2.3\n", "newTag", "1.2.4", "newTag: 1.2.4\n"),
        // Plain gets quotes where a reader takes the text for another type.
        ("newTag: v1\n", "newTag", "1.10", "newTag: \"1.10\"\n"),
        ("newTag: v1\n", "newTag", "00123456", "newTag: \"00123456\"\n"),
        ("newTag: v1\n", "newTag", "12345e7", "newTag: \"12345e7\"\n"),
        ("newTag: v1\n", "newTag", "0o17", "newTag: \"0o17\"\n"),
        ("newTag: v1\n", "newTag", "1_000", "newTag: \"1_000\"\n"),
        ("newTag: v1\n", "newTag", "on", "newTag: \"on\"\n"),
        ("newTag: v1\n", "newTag", "null", "newTag: \"null\"\n"),
        ("newTag: v1\n", "newTag", "", "newTag: \"\"\n"),
        ("newTag: v1\n", "newTag", "a: b #c", "newTag: \"a: b #c\"\n"),
        ("newTag: v1\n", "newTag", "a\nb\u{1}\"\\", "newTag: \"a\\nb\\u0001\\\"\\\\\"\n"),
        ("newTag: 1.9\n", "newTag", "2", "newTag: \"2\"\n"),
        ("newTag: 1.9\n", "newTag", "v2", "newTag: v2\n"),
        // The file's own quotes.
        (
            "a: 'x'\nb: 'y'\nc: \"z\"\nnewTag: v1\n",
            "newTag",
            "1.10",
            "a: 'x'\nb: 'y'\nc: \"z\"\nnewTag: '1.10'\n",
        ),
        ("newTag: 'v1'\n", "newTag", "it's", "newTag: 'it''s'\n"),
        ("newTag: 'v1' # a\n", "newTag", "1.10", "newTag: '1.10' # a\n"),
        ("newTag: 'v1'\n", "newTag", "a\tb", "newTag: \"a\\tb\"\n"),
        ("newTag: \"v1\"\n", "newTag", "v2", "newTag: \"v2\"\n"),
        ("newTag: \"v\\x31\\\"\"\n", "newTag", "say \"v2\"", "newTag: \"say \\\"v2\\\"\"\n"),
        ("newTag: ''\n", "newTag", "v2", "newTag: 'v2'\n"),
        ("newTag: \"a\n  b\"\nc: d\n", "newTag", "v2", "newTag: \"v2\"\nc: d\n"),
        ("newTag: a\n  b # c\nd: e\n", "newTag", "v2", "newTag: v2 # c\nd: e\n"),
        ("newTag:\n  v1 # c\n", "newTag", "v2", "newTag:\n  v2 # c\n"),
        ("newTag: # c\n  v1\n", "newTag", "v2", "newTag: # c\n  v2\n"),
        // A value that is not written.
        ("newTag:\n", "newTag", "v2", "newTag: v2\n"),
        ("newTag:", "newTag", "v2", "newTag: v2"),
        ("newTag: # later\nb: c\n", "newTag", "v2", "newTag: v2 # later\nb: c\n"),
        ("newTag :\nb: c\n", "newTag", "v2", "newTag : v2\nb: c\n"),
        ("newTag:\r\nb: c\r\n", "newTag", "1.10", "newTag: \"1.10\"\r\nb: c\r\n"),
        ("newTag: &t\nb: c\n", "newTag", "v2", "newTag: &t v2\nb: c\n"),
        ("newTag: !!str # x\n", "newTag", "v2", "newTag: !!str v2 # x\n"),
        ("newTag: &t !!str\n", "newTag", "v2", "newTag: &t !!str v2\n"),
        ("{a: b, newTag: }", "newTag", "v2", "{a: b, newTag: v2 }"),
        ("{newTag:, a: b}", "newTag", "v2", "{newTag: v2, a: b}"),
        ("- a\n-\n- # b\n", "1", "v2", "- a\n- v2\n- # b\n"),
        ("- a\n-\n- # b\n", "2", "v2", "- a\n-\n- v2 # b\n"),
        ("a:\r\n- # b\r\n\r\n  # c\r\n- d\r\n", "a.0", "v2", "a:\r\n- v2 # b\r\n\r\n  # c\r\n- d\r\n"),
        ("newTag: ~\n", "newTag", "v2", "newTag: v2\n"),
        ("newTag: null # x\n", "newTag", "v2", "newTag: v2 # x\n"),
        // Anchors and tags stay.
        ("newTag: &t v1\n", "newTag", "v2", "newTag: &t v2\n"),
        ("newTag: !!str 1\n", "newTag", "2", "newTag: !!str \"2\"\n"),
        ("newTag: !mine v1\n", "newTag", "v2", "newTag: !mine v2\n"),
        ("a: &t v1\nnewTag: &t v2\nb: *t\nc: v3\n", "a", "v9", "a: &t v9\nnewTag: &t v2\nb: *t\nc: v3\n"),
        ("a: &x {b: c}\nd: *x\nnewTag: v1\n", "newTag", "v2", "a: &x {b: c}\nd: *x\nnewTag: v2\n"),
        (
            "a: &x {newTag: v0}\nd:\n  <<: *x\n  newTag: v1\n",
            "d.newTag",
            "v2",
            "a: &x {newTag: v0}\nd:\n  <<: *x\n  newTag: v2\n",
        ),
        // Flow style.
        (
            "images: [{name: a, newTag: v1}, {name: b, newTag: v1}]\n",
            "images.1.newTag",
            "v2",
            "images: [{name: a, newTag: v1}, {name: b, newTag: v2}]\n",
        ),
        ("{newTag: v1}", "newTag", "a,b", "{newTag: \"a,b\"}"),
        ("{\"newTag\":\"v1\"}", "newTag", "v2", "{\"newTag\":\"v2\"}"),
        ("{\"newTag\": null, \"a\": 1}", "newTag", "v2", "{\"newTag\": \"v2\", \"a\": 1}"),
        (
            "{\n  newTag: v1, # a\n  b: [c,\n  d]\n}\n",
            "newTag",
            "v2",
            "{\n  newTag: v2, # a\n  b: [c,\n  d]\n}\n",
        ),
        ("[newTag: v1, b]", "0.newTag", "v2", "[newTag: v2, b]"),
        // Line breaks, byte order mark, several documents, blocks beside it.
        ("\u{feff}newTag: v1\r\n# c\r\n", "newTag", "v2", "\u{feff}newTag: v2\r\n# c\r\n"),
        ("a: b\r\rnewTag: v1\r", "newTag", "v2", "a: b\r\rnewTag: v2\r"),
        ("ä: 'ö' # ü\nnewTag: v1 # 日本\n", "newTag", "ß🦀", "ä: 'ö' # ü\nnewTag: ß🦀 # 日本\n"),
        (
            "a: v1\n---\n# c\na: v1\n...\n---\na: v1\n",
            "1:a",
            "v2",
            "a: v1\n---\n# c\na: v2\n...\n---\na: v1\n",
        ),
        ("%YAML 1.1\n---\na: v1\n", "a", "no", "%YAML 1.1\n---\na: \"no\"\n"),
        ("--- v1\n", "", "v2", "--- v2\n"),
        (
            "a: |\n  x # no comment\n\n# c\nnewTag: v1\nb: >-\n  y\n",
            "newTag",
            "v2",
            "a: |\n  x # no comment\n\n# c\nnewTag: v2\nb: >-\n  y\n",
        ),
        (
            "images:\n- name: a # a\n  # b\n  newTag: v1\n\n\n# c\n",
            "images.0.newTag",
            "v2",
            "images:\n- name: a # a\n  # b\n  newTag: v2\n\n\n# c\n",
        ),
        ("? newTag\n: v1\n", "newTag", "v2", "? newTag\n: v2\n"),
        ("\"newTag\": v1\n'b': c\n", "newTag", "v2", "\"newTag\": v2\n'b': c\n"),
        ("a: ${{ x }}\nnewTag: v1\n", "newTag", "${{ y }}", "a: ${{ x }}\nnewTag: \"${{ y }}\"\n"),
    ];
    assert!(cases.len() >= 54);
    for (file, path, value, expected) in cases {
        assert_eq!(set(file, path, value).as_deref(), Ok(expected), "{path} in {file:?}");
    }
}

#[test]
fn refuses_what_it_cannot_set_with_certainty() {
    use Refusal::{Alias, BlockScalar, Character, Merged, NotAScalar, Shared, Typed, Unwritten};
    let cases = [
        ("a: &t v1\nnewTag: *t\n", "newTag", Alias, "2:9"),
        ("newTag: &t v1\nb:\n  - *t\n", "newTag", Shared, "3:5"),
        ("a: &x {newTag: v1}\nb: *x\n", "a.newTag", Shared, "2:4"),
        ("a: &x {newTag: v1}\nb: *x\n", "b.newTag", Shared, "2:4"),
        ("a: &x\n- {newTag: v1}\nb: *x\n", "b.0.newTag", Shared, "3:4"),
        ("a: &x {newTag: v1}\nb:\n  <<: *x\n  c: d\n", "b.newTag", Merged, "3:3"),
        ("a: &x {newTag: v1}\nb:\n  c: d\n  <<: [*x]\n", "b.newTag", Merged, "4:3"),
        ("b:\n  <<: {newTag: v1}\n", "b.newTag", Merged, "2:3"),
        ("a: &x {newTag: v1}\nb: &y {<<: *x}\nc:\n  <<: *y\n", "c.newTag", Merged, "4:3"),
        ("newTag: |\n  v1\n", "newTag", BlockScalar, "2:3"),
        ("newTag: >-\n  v1\n", "newTag", BlockScalar, "2:3"),
        ("newTag: !!int 1\n", "newTag", Typed, "1:15"),
        ("newTag: !<tag:yaml.org,2002:binary> aGk=\n", "newTag", Typed, "1:37"),
        ("newTag: [v1]\n", "newTag", NotAScalar, "1:9"),
        ("newTag: {a: b}\n", "newTag", NotAScalar, "1:9"),
        ("a:\n  <<: ~\n", "a.<<", NotAScalar, "2:7"),
        ("a:\n  <<: [~]\n", "a.<<.0", NotAScalar, "2:8"),
        ("{newTag, a: b}\n", "newTag", Unwritten, "1:8"),
        ("? newTag\n", "newTag", Unwritten, "2:1"),
        // Where YAML 1.1, and with it kubectl, reads the file in another way.
        ("newTag: v1\n# a\u{2028}b\n", "newTag", Character, "2:4"),
        ("\n\u{feff}newTag: v1\n", "newTag", Character, "2:1"),
    ];
    let mut messages = String::new();
    for (file, path, refusal, place) in cases {
        let error = set(file, path, "v2").unwrap_err();
        assert_eq!(
            (error.refusal, error.place.to_string().as_str()),
            (Some(refusal), place),
            "{file:?}: {error}"
        );
        writeln!(messages, "{file:?}\n    {error}").unwrap();
    }
    insta::assert_snapshot!(messages, @r##"
"a: &t v1\nnewTag: *t\n"
    2:9: the value is an alias: set it where its anchor is
"newTag: &t v1\nb:\n  - *t\n"
    3:5: the value is used here too, through its anchor "t"
"a: &x {newTag: v1}\nb: *x\n"
    2:4: the value is used here too, through its anchor "x"
"a: &x {newTag: v1}\nb: *x\n"
    2:4: the value is used here too, through its anchor "x"
"a: &x\n- {newTag: v1}\nb: *x\n"
    3:4: the value is used here too, through its anchor "x"
"a: &x {newTag: v1}\nb:\n  <<: *x\n  c: d\n"
    3:3: the value comes through a merge key: write it here, or set it where its anchor is
"a: &x {newTag: v1}\nb:\n  c: d\n  <<: [*x]\n"
    4:3: the value comes through a merge key: write it here, or set it where its anchor is
"b:\n  <<: {newTag: v1}\n"
    2:3: the value comes through a merge key: write it here, or set it where its anchor is
"a: &x {newTag: v1}\nb: &y {<<: *x}\nc:\n  <<: *y\n"
    4:3: the value comes through a merge key: write it here, or set it where its anchor is
"newTag: |\n  v1\n"
    2:3: the value is a block of text (`|` or `>`): write it in one line
"newTag: >-\n  v1\n"
    2:3: the value is a block of text (`|` or `>`): write it in one line
"newTag: !!int 1\n"
    1:15: the value has a tag that does not go with text: remove the tag
"newTag: !<tag:yaml.org,2002:binary> aGk=\n"
    1:37: the value has a tag that does not go with text: remove the tag
"newTag: [v1]\n"
    1:9: the value is a list
"newTag: {a: b}\n"
    1:9: the value is a mapping
"a:\n  <<: ~\n"
    2:7: a merge key takes mappings only
"a:\n  <<: [~]\n"
    2:8: a merge key takes mappings only
"{newTag, a: b}\n"
    1:8: the value is not written, and has no `:`
"? newTag\n"
    2:1: the value is not written, and has no `:`
"newTag: v1\n# a\u{2028}b\n"
    2:4: readers disagree on what this invisible character is: remove it, or escape it in double quotes
"\n\u{feff}newTag: v1\n"
    2:1: readers disagree on what this invisible character is: remove it, or escape it in double quotes
"##);
}

#[test]
fn a_tab_behind_a_bare_value_is_no_place_for_quotes() {
    let file = "newTag: v1\n \t\na: b\n";
    assert_eq!(set(file, "newTag", "v2").as_deref(), Ok("newTag: v2\n \t\na: b\n"));
    assert_eq!(set(file, "newTag", "1.10").unwrap_err().refusal, Some(Refusal::Tab));
    for value in ["v2", "1.10"] {
        assert_eq!(insert(file, "newTag", "b", value).unwrap_err().refusal, Some(Refusal::Tab));
    }
    let json = "{\n\t\"newTag\": \"v1\"\n\t}\n";
    assert_eq!(set(json, "newTag", "v2").as_deref(), Ok("{\n\t\"newTag\": \"v2\"\n\t}\n"));
}

#[test]
fn a_key_given_twice_is_refused_where_a_lookup_meets_it() {
    let file = "a: v1\nb: {c: d, c: e}\nnewTag: v1\nnewTag: v2\n";
    insta::assert_snapshot!(set(file, "newTag", "v3").unwrap_err(), @r##"4:1: the key "newTag" is given twice, first at 3:1"##);
    insta::assert_snapshot!(set(file, "b.c", "v3").unwrap_err(), @r##"2:11: the key "c" is given twice, first at 2:5"##);
    assert_eq!(set(file, "a", "v3").unwrap(), file.replacen("v1", "v3", 1));
}

#[test]
fn a_file_that_is_not_yaml_is_refused() {
    insta::assert_snapshot!(set("newTag: {{ .Values.tag }}\n", "newTag", "v2").unwrap_err(), @"1:9: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value");
    insta::assert_snapshot!(set("a: b\n{{- if .x }}\nnewTag: v1\n{{- end }}\n", "newTag", "v2").unwrap_err(), @"2:1: `{{` looks like a Helm template, which is not YAML: render it first, or quote the value");
    insta::assert_snapshot!(set("newTag: \"v1\n", "newTag", "v2").unwrap_err(), @"2:1: the quoted text before this is not closed, or goes on with too little indentation");
    insta::assert_snapshot!(Document::parse_all(b"a: b\nc: \xff\n").unwrap_err(), @"2:4: not valid UTF-8: save the file as UTF-8");
}

#[test]
fn inserts_an_entry_in_the_style_of_its_mapping() {
    let cases = [
        ("a: b\n", "a", "v1", "a: b\nnewTag: v1\n"),
        ("a: b", "a", "v1", "a: b\nnewTag: v1"),
        ("a: b\r\nc: d\r\n", "a", "v1", "a: b\r\nnewTag: v1\r\nc: d\r\n"),
        ("c: d\r\na: b", "a", "v1", "c: d\r\na: b\r\nnewTag: v1"),
        ("\u{feff}a: b # c\n", "a", "1.10", "\u{feff}a: b # c\nnewTag: \"1.10\"\n"),
        (
            "images:\n  - name: x\n    # c\n    b: d\n",
            "images.0.name",
            "v1",
            "images:\n  - name: x\n    newTag: v1\n    # c\n    b: d\n",
        ),
        (
            "images:\n- name: x\n- name: y\n",
            "images.0.name",
            "v1",
            "images:\n- name: x\n  newTag: v1\n- name: y\n",
        ),
        ("- - a: b\n", "0.0.a", "v1", "- - a: b\n    newTag: v1\n"),
        ("- &x a: b\n", "0.a", "v1", "- &x a: b\n  newTag: v1\n"),
        ("- !x\n  a: b\n", "0.a", "v1", "- !x\n  a: b\n  newTag: v1\n"),
        ("a:\n  b: c\n  # x\n\n# y\nd: e\n", "a", "v1", "a:\n  b: c\nnewTag: v1\n  # x\n\n# y\nd: e\n"),
        (
            "a:\n  b:\n    - c\n    - d # x\ne: f\n",
            "a",
            "v1",
            "a:\n  b:\n    - c\n    - d # x\nnewTag: v1\ne: f\n",
        ),
        ("a:\n  b: {c: d,\n   e: f} # x\n", "a.b", "v1", "a:\n  b: {c: d,\n   e: f} # x\n  newTag: v1\n"),
        ("a: # x\nb: c\n", "a", "v1", "a: # x\nnewTag: v1\nb: c\n"),
        ("a: &x b\nc: *x # y\n", "c", "v1", "a: &x b\nc: *x # y\nnewTag: v1\n"),
        ("a: &x b\nc: *x # y\n", "a", "v1", "a: &x b\nnewTag: v1\nc: *x # y\n"),
        ("a: b\n...\n---\nc: d\n", "a", "v1", "a: b\nnewTag: v1\n...\n---\nc: d\n"),
        ("a: 'b'\n", "a", "v1", "a: 'b'\nnewTag: 'v1'\n"),
        ("\"a\": \"b\"\n", "a", "v1", "\"a\": \"b\"\n\"newTag\": \"v1\"\n"),
        ("a: |\n  x\n  y\nb: c\n", "a", "v1", "a: |\n  x\n  y\nnewTag: v1\nb: c\n"),
        ("a:\n  b: >-\n    x\n  c: d\n", "a.b", "v1", "a:\n  b: >-\n    x\n  newTag: v1\n  c: d\n"),
        ("{a: b}", "a", "v1", "{a: b, newTag: v1}"),
        ("x: [{a: b, c: d}]\n", "x.0.a", "v1", "x: [{a: b, newTag: v1, c: d}]\n"),
        ("{a: b, c}", "c", "v1", "{a: b, c, newTag: v1}"),
        ("{a: , c: d}", "a", "v1", "{a: , newTag: v1 , c: d}"),
        ("{\"a\": 1}", "a", "v1", "{\"a\": 1, \"newTag\": \"v1\"}"),
        (
            "{\n  \"a\": \"b\",\n  \"c\": 1\n}\n",
            "c",
            "v1",
            "{\n  \"a\": \"b\",\n  \"c\": 1,\n  \"newTag\": \"v1\"\n}\n",
        ),
        ("{\r\n  a: b,\r\n}\r\n", "a", "v1", "{\r\n  a: b,\r\n  newTag: v1,\r\n}\r\n"),
        ("{\n  !!str a: b\n}\n", "a", "v1", "{\n  !!str a: b,\n  newTag: v1\n}\n"),
        ("{\n  a: b, # x\n}\n", "a", "v1", "{\n  a: b, newTag: v1, # x\n}\n"),
        ("{a: {b: c}}", "a", "v1", "{a: {b: c}, newTag: v1}"),
    ];
    for (file, path, value, expected) in cases {
        assert_eq!(insert(file, path, "newTag", value).as_deref(), Ok(expected), "{path} in {file:?}");
    }
}

fn item(texts: &[(&str, &str)]) -> sluice_yaml::Item {
    texts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn appends_items_in_the_style_of_the_one_before() {
    let cases = [
        ("x:\n- a: b\n", "x:\n- a: b\n- k: c\n  t: \"1\"\n"),
        (
            "x:\n  - a: b # c\n    d: e\n# f\ny: z\n",
            "x:\n  - a: b # c\n    d: e\n  - k: c\n    t: \"1\"\n# f\ny: z\n",
        ),
        ("x:\r\n-   a: 'b'", "x:\r\n-   a: 'b'\r\n-   k: 'c'\r\n    t: '1'"),
        ("x:\n- {a: b}\n", "x:\n- {a: b}\n- {k: c, t: \"1\"}\n"),
        ("x: [{a: b}] # c\n", "x: [{a: b}, {k: c, t: \"1\"}] # c\n"),
        ("x: [\n  {a: b},\n]\n", "x: [\n  {a: b},\n  {k: c, t: \"1\"},\n]\n"),
        ("{\"x\": [{\"a\": \"b\"}]}", "{\"x\": [{\"a\": \"b\"}, {\"k\": \"c\", \"t\": \"1\"}]}"),
        ("x:\n- a: |\n    b\ny: z\n", "x:\n- a: |\n    b\n- k: c\n  t: \"1\"\ny: z\n"),
        ("x:\n- &a\n  a: b\n", "x:\n- &a\n  a: b\n- k: c\n  t: \"1\"\n"),
    ];
    for (file, expected) in cases {
        let documents = Document::parse_all(file.as_bytes()).unwrap();
        let last = node(&documents, "x").unwrap().items().last().unwrap();
        let edit = Edit::append_after(last, vec![item(&[("k", "c"), ("t", "1")])]);
        let result = apply(file.as_bytes(), &[edit]).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(result.as_deref(), Ok(expected), "{file:?}");
    }
    for file in ["x: &x [{a: b}]\ny: *x\n", "x:\n- - a: b\n", "x:\n- b\n", "x: [?\t\n,\n]\n", "x: [a: b]\n"] {
        let documents = Document::parse_all(file.as_bytes()).unwrap();
        let last = node(&documents, "x").unwrap().items().last().unwrap();
        let last = if last.is_sequence() { last.items().next().unwrap() } else { last };
        let edit = Edit::append_after(last, vec![item(&[("k", "c")])]);
        assert!(apply(file.as_bytes(), &[edit]).unwrap_err().refusal.is_some(), "{file:?}");
    }
}

#[test]
fn inserts_a_list_behind_the_last_entry() {
    let cases = [
        ("a: b\n", "a: b\nx:\n- k: c\n  t: \"1\"\n- k: d\n"),
        ("a:\n  - b # c\n", "a:\n  - b # c\nx:\n  - k: c\n    t: \"1\"\n  - k: d\n"),
        ("a: b\r\n\r\n# c\r\n", "a: b\r\nx:\r\n- k: c\r\n  t: \"1\"\r\n- k: d\r\n\r\n# c\r\n"),
        ("a: b", "a: b\nx:\n- k: c\n  t: \"1\"\n- k: d"),
        ("a: &b b\nc:\n", "a: &b b\nc:\nx:\n- k: c\n  t: \"1\"\n- k: d\n"),
    ];
    for (file, expected) in cases {
        let documents = Document::parse_all(file.as_bytes()).unwrap();
        let last = documents[0].root().entries().last().unwrap();
        let items = vec![item(&[("k", "c"), ("t", "1")]), item(&[("k", "d")])];
        let result = apply(file.as_bytes(), &[Edit::insert_list_after(last, "x", items)]);
        assert_eq!(
            result.map(|bytes| String::from_utf8(bytes).unwrap()).as_deref(),
            Ok(expected),
            "{file:?}"
        );
    }
}

#[test]
fn refuses_what_it_cannot_insert_with_certainty() {
    use Refusal::{Merged, Shared, Taken, Unfaithful, Unwritten};
    let cases = [
        ("a: b\nnewTag: v0\n", "a", Taken, "2:1"),
        ("a: &x\n  b: c\nd: *x\n", "a.b", Shared, "3:4"),
        ("a: &x {b: c}\nd:\n  <<: *x\n", "d.b", Merged, "3:3"),
        ("? a\n", "a", Unwritten, "2:1"),
        ("[a: b]", "0.a", Unfaithful, "1:5"),
        ("a: |\n  x", "a", Unfaithful, "2:3"),
    ];
    let mut messages = String::new();
    for (file, path, refusal, place) in cases {
        let error = insert(file, path, "newTag", "v1").unwrap_err();
        assert_eq!(
            (error.refusal, error.place.to_string().as_str()),
            (Some(refusal), place),
            "{file:?}: {error}"
        );
        writeln!(messages, "{file:?}\n    {error}").unwrap();
    }
    insta::assert_snapshot!(messages, @r##"
"a: b\nnewTag: v0\n"
    2:1: the key "newTag" is there already
"a: &x\n  b: c\nd: *x\n"
    3:4: the value is used here too, through its anchor "x"
"a: &x {b: c}\nd:\n  <<: *x\n"
    3:3: the value comes through a merge key: write it here, or set it where its anchor is
"? a\n"
    2:1: no place for an entry behind this value
"[a: b]"
    1:5: the edit would change more than the value that is meant
"a: |\n  x"
    2:3: the edit would change more than the value that is meant
"##);
}

#[test]
fn makes_several_edits_at_once() {
    let file = "images:\n- name: a\n  newTag: v1\n- name: b\n  newTag:\n- {name: c, newTag: }\n";
    let documents = Document::parse_all(file.as_bytes()).unwrap();
    let entry = |path| entry(&documents, path).unwrap();
    let edits = [
        Edit::insert_after(entry("images.2.newTag"), "digest", "sha256:2"),
        Edit::set(entry("images.2.newTag").value, "1.4"),
        Edit::insert_after(entry("images.1.newTag"), "digest", "sha256:1"),
        Edit::insert_after(entry("images.1.newTag"), "newName", "x/b"),
        Edit::set(entry("images.1.newTag").value, "1.3"),
        Edit::set(entry("images.0.newTag").value, "v2"),
    ];
    let result = String::from_utf8(apply(file.as_bytes(), &edits).unwrap()).unwrap();
    insta::assert_snapshot!(result, @r##"
images:
- name: a
  newTag: v2
- name: b
  newTag: "1.3"
  digest: sha256:1
  newName: x/b
- {name: c, newTag: "1.4", digest: sha256:2 }
"##);
    assert_eq!(apply(file.as_bytes(), &[]).as_deref(), Ok(file.as_bytes()));
}

#[test]
fn edits_that_contradict_or_are_out_of_date_are_refused() {
    let file = "a: b\nc: d\n";
    let documents = Document::parse_all(file.as_bytes()).unwrap();
    let root = documents[0].root();
    let (a, c) = (root.entry("a").unwrap().unwrap(), root.entry("c").unwrap().unwrap());
    let refusal = |file: &str, edits: &[Edit]| apply(file.as_bytes(), edits).unwrap_err().refusal;
    assert_eq!(refusal(file, &[Edit::set(a.value, "x"), Edit::set(a.value, "y")]), Some(Refusal::Taken));
    let twice = [Edit::insert_after(a, "e", "x"), Edit::insert_after(c, "e", "y")];
    assert_eq!(refusal(file, &twice), Some(Refusal::Taken));
    assert_eq!(refusal("a: x\nc: d\n", &[Edit::set(a.value, "y")]), Some(Refusal::Stale));
    assert_eq!(refusal("", &[Edit::set(a.value, "y")]), Some(Refusal::Stale));
    assert_eq!(refusal(file, &[Edit::set(a.key, "y")]), Some(Refusal::NotAScalar));
}

#[test]
fn reading_follows_aliases_and_merge_keys() {
    let file = "a: &x {b: 1, c: 2}\nd: &y {<<: *x, b: 3}\ne: {<<: [*y, {b: 9, f: 4}]}\ng: &l [*x, ~]\nh: *l\ni: &i {<<: *i}\n";
    let documents = Document::parse_all(file.as_bytes()).unwrap();
    let text = |path| node(&documents, path).unwrap().as_str();
    assert_eq!(
        [text("d.b"), text("d.c"), text("e.b"), text("e.c"), text("e.f")],
        [Some("3"), Some("2"), Some("3"), Some("2"), Some("4")]
    );
    assert_eq!(text("h.0.b"), Some("1"));
    assert!(node(&documents, "h.1").unwrap().is_null());
    assert!(node(&documents, "i").unwrap().get("none").unwrap().is_none());
    assert!(node(&documents, "h").unwrap().is_alias());
    assert_eq!(node(&documents, "g").unwrap().anchor(), Some("l"));
}

#[test]
fn nodes_know_their_bytes_and_places() {
    let file = "\u{feff}# x\r\nä:\r\n  b: !!str &t 'c' # d\r\n\r\n# e\r\nf:\r\n";
    let documents = Document::parse_all(file.as_bytes()).unwrap();
    let shown = |path| {
        let node = node(&documents, path).unwrap();
        format!("{} {:?}", node.place(), &file[node.span()])
    };
    assert_eq!(shown("ä.b"), "3:15 \"'c'\"");
    assert_eq!(shown("ä"), "3:3 \"b: !!str &t 'c'\"");
    assert_eq!(shown("f"), "6:2 \"\"");
    assert_eq!(node(&documents, "ä.b").unwrap().tag(), Some("tag:yaml.org,2002:str"));
    assert_eq!(documents[0].place().to_string(), "2:1");
}
