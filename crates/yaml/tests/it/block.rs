//! Edits within a literal block that holds YAML itself.

use proptest::prelude::*;
use sluice_yaml::{Document, Edit, Entry, Error, Node, Refusal, apply};

use crate::written::{form, written};

fn values<'a>(root: Node<'a>, found: &mut Vec<Entry<'a>>) {
    if root.is_alias() {
        return;
    }
    for entry in root.entries() {
        found.push(entry);
        values(entry.value, found);
    }
    for item in root.items() {
        values(item, found);
    }
}

/// Sets the first value of `key` within the block that is the value of `a`.
fn set(file: &str, key: &str, value: &str) -> Result<String, Error> {
    edit(file, key, |entry| Edit::set(entry.value, value))
}

fn insert(file: &str, key: &str) -> Result<String, Error> {
    edit(file, key, |entry| Edit::insert_after(entry, "new", "1"))
}

fn edit(file: &str, key: &str, edit: impl Fn(Entry<'_>) -> Edit) -> Result<String, Error> {
    let documents = Document::parse_all(file.as_bytes())?;
    let block = documents[0].root().get("a")?.unwrap();
    let within = Document::parse_block(file.as_bytes(), block)?;
    let mut found = Vec::new();
    for document in &within {
        values(document.root(), &mut found);
    }
    let entry = found.into_iter().find(|entry| entry.key.as_str() == Some(key)).unwrap();
    assert_eq!(&file[entry.key.span()].trim_matches('"'), &key);
    apply(file.as_bytes(), &[edit(entry)]).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn a_value_within_changes_and_nothing_else() {
    let files = [
        "a: |\n  # c\n  x: 1\n  tag: v1 # d\n\n  y: |\n    tag\nb: tag\n",
        "a: |-\r\n    x:\r\n      tag: 'v1'\r\n\r\n\r\n# e\r\nb: v1",
        "\u{feff}a: |+\n\n\n  - tag: \"v1\"\n\n",
        "a: |2\n    x: 1\n    tag: v1",
        "a: |\n   ä: [1, {tag: v1}]\n \n\n   b: 2\n",
        "a: |\n  tag: v1\n  ---\n  tag: v1\n",
    ];
    for file in files {
        assert_eq!(set(file, "tag", "v2").as_deref(), Ok(file.replacen("v1", "v2", 1).as_str()), "{file:?}");
    }
    assert_eq!(set("a: |\n  tag:\n  x: 'y'\n", "tag", "1.10").unwrap(), "a: |\n  tag: '1.10'\n  x: 'y'\n");
}

#[test]
fn an_entry_is_inserted_within() {
    let cases = [
        (
            "a: |\n  x:\n    tag: v1\n  y: 1\nb: 2\n",
            "a: |\n  x:\n    tag: v1\n    new: \"1\"\n  y: 1\nb: 2\n",
        ),
        ("a: |\r\n  tag: v1\r\nb: 2\r\n", "a: |\r\n  tag: v1\r\n  new: \"1\"\r\nb: 2\r\n"),
        ("a: |-\n  x: 1\n  tag: v1", "a: |-\n  x: 1\n  tag: v1\n  new: \"1\""),
        ("a: |\n  tag: |\n    x\nb: 2\n", "a: |\n  tag: |\n    x\n  new: \"1\"\nb: 2\n"),
        ("a: |\n  {tag: v1}\n", "a: |\n  {tag: v1, new: \"1\"}\n"),
    ];
    for (file, expected) in cases {
        assert_eq!(insert(file, "tag").as_deref(), Ok(expected), "{file:?}");
    }
}

#[test]
fn what_can_not_be_edited_within_is_refused_at_its_place() {
    let refusal = |file: &str| {
        let error = set(file, "tag", "v2").unwrap_err();
        (error.place.to_string(), error.refusal, error.what)
    };
    assert_eq!(refusal("a: >\n  tag: v1\n").1, Some(Refusal::BlockScalar));
    assert_eq!(refusal("a: 'tag: v1'\n").1, Some(Refusal::BlockScalar));
    assert_eq!(refusal("a: &x |\n  tag: v1\nb: *x\n").1, Some(Refusal::Shared));
    assert_eq!(
        refusal("a: |\n  x: &t v1\n\n  tag: *t\n"),
        (
            "4:8".to_owned(),
            Some(Refusal::Alias),
            "the value is an alias: set it where its anchor is".to_owned()
        )
    );
    let (place, _, what) = refusal("a: |\n\n  x: 1\n  tag: {{ .tag }}\n");
    assert_eq!(place, "4:8");
    assert!(what.contains("Helm template"), "{what}");
    let error = set("a: |\n  x: |\n    y: 1\n  tag: [v1]\n", "tag", "v2").unwrap_err();
    assert_eq!((error.place.to_string().as_str(), error.refusal), ("4:8", Some(Refusal::NotAScalar)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_file_within_a_block_is_edited_faithfully(
        document in written(), form in form(), index in any::<prop::sample::Index>(), value in "[a-z0-9.]{1,6}",
    ) {
        let inner = form.file(&[document]);
        let inner = inner.trim_start_matches('\u{feff}');
        let line_break = if inner.contains("\r\n") { "\r\n" } else { "\n" };
        let lines: Vec<String> = inner.split_inclusive('\n').map(|line| format!("   {line}")).collect();
        let file = format!("# top{line_break}a: |+{line_break}{}", lines.concat());
        let documents = Document::parse_all(file.as_bytes()).unwrap();
        let block = documents[0].root().get("a").unwrap().unwrap();
        let within = Document::parse_block(file.as_bytes(), block).unwrap();
        let mut found = Vec::new();
        for document in &within {
        values(document.root(), &mut found);
    }
        if found.is_empty() {
            return Ok(());
        }
        let entry = found[index.index(found.len())];
        if let Ok(after) = apply(file.as_bytes(), &[Edit::set(entry.value, value.as_str())]) {
            let after = String::from_utf8(after).unwrap();
            let span = entry.value.span();
            if !span.is_empty() {
                prop_assert!(after.starts_with(&file[..span.start]) && after.ends_with(&file[span.end..]), "{}", after);
            }
            let documents = Document::parse_all(after.as_bytes()).unwrap();
            let text = documents[0].root().get("a").unwrap().unwrap().as_str().unwrap();
            prop_assert!(text.contains(&value));
        } else {
            let settable = entry.value.as_str().is_some() && entry.value.style().is_some_and(|style| !matches!(style, sluice_yaml::Style::Literal | sluice_yaml::Style::Folded));
            prop_assert!(!settable, "{}", file);
        }
    }
}
