//! What holds for any file: files built by a generator, and arbitrary bytes.

use indexmap::IndexMap;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sluice_yaml::{Document, Edit, Entry, Node, Refusal, Source, Style, Unread, apply, from_slice};

use crate::guided::texts_by_the_reader;
use crate::written::{form, written};

/// All values below `node`, keys left out, in the order of the file.
fn values<'a>(node: Node<'a>, found: &mut Vec<Node<'a>>) {
    found.push(node);
    if !node.is_alias() {
        for value in node.items().chain(node.entries().map(|entry| entry.value)) {
            values(value, found);
        }
    }
}

fn all_values(documents: &[Document]) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    for document in documents {
        values(document.root(), &mut found);
    }
    found
}

fn entries(documents: &[Document]) -> Vec<Entry<'_>> {
    all_values(documents).into_iter().filter(|node| !node.is_alias()).flat_map(Node::entries).collect()
}

fn texts(documents: &[Document]) -> Vec<Option<String>> {
    all_values(documents).into_iter().map(|node| node.as_str().map(str::to_owned)).collect()
}

/// Words of YAML in any order: now and then they make a file.
fn yaml_words() -> impl Strategy<Value = String> {
    let words = [
        "a", "b: ", "- ", "-", ": ", ":", "\n", "\n", "\n  ", "\n", "  ", " ", "&x ", "*x", "<<: ", "{", "}",
        "[", "]", ", ", "#", " # c", "'", "\"", "|\n", ">-\n", "? ", "!!str ", "!t ", "!!int ", "---\n",
        "...\n", "\r\n", "\r", "\t", "~", "\u{feff}", "%", "é", "0", "1.1", "\\", "{{", "}}", "\u{85}",
        "\u{2028}", "\0",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..24).prop_map(|words| words.concat())
}

/// A list or a mapping of values, with whatever looks like a type, a tag, an anchor or a merge.
fn yaml_values() -> impl Strategy<Value = String> {
    let values = [
        "1",
        "-1",
        "+1",
        "0",
        "007",
        "0x1F",
        "0o17",
        "0b11",
        "1_000",
        "1__0",
        "_1",
        "300",
        "1.5",
        "-.5",
        "1e3",
        ".inf",
        "-.inf",
        "!!int [1]",
        "!!map [1]",
        "!!seq {a: 1}",
        "!!str [a]",
        "!t [1]",
        "!!binary x",
        "{<<: }",
        ".nan",
        "inf",
        "nan",
        "18446744073709551615",
        "-9223372036854775808",
        "99999999999999999999",
        "true",
        "True",
        "yes",
        "on",
        "~",
        "null",
        "Null",
        "'1'",
        "\"true\"",
        "' 5 '",
        "'~'",
        "a",
        "one",
        "{two: x}",
        "{two: }",
        "{one: }",
        "{one: x}",
        "{three: {x: 1}}",
        "{one: , two: x}",
        "[1, 2, 3.5, true]",
        "[1, 2]",
        "[]",
        "{}",
        "!!str 1",
        "!!str ~",
        "!!int 7",
        "!!int '7'",
        "!!int x",
        "!!float 1",
        "!!bool true",
        "!!null x",
        "! 1",
        "!t 1",
        "!t x",
        "2001-01-01",
        "'<<'",
        "&x {a: 1, b: 2}",
        "&y [p]",
        "{<<: {a: 1, c: 3}, a: 2}",
        "{<<: [{a: 1}, {a: 2, b: 3}]}",
        "{<<: 1}",
        "{a: 1, a: 2}",
        "{1: x, 0x1: y}",
        "{~: x}",
    ];
    let value = prop::sample::select(values.to_vec());
    let after = prop::sample::select(vec!["", "", "", "*x", "{<<: *x, b: 5}", "[*x, *x]"]);
    (prop::collection::vec(value, 0..5), after, any::<bool>()).prop_map(|(values, after, list)| {
        let anchor = if after.is_empty() { vec![] } else { vec!["&x {a: 1, b: {c: ~}}", after] };
        let lines = anchor.into_iter().chain(values).enumerate();
        lines
            .map(|(n, value)| if list { format!("- {value}\n") } else { format!("k{n}: {value}\n") })
            .collect()
    })
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Form {
    One,
    Two(String),
    Three { x: u16 },
}

/// Reads a text both ways: what one reads, the other must read as the same value.
fn agrees_with_the_reader<T: DeserializeOwned + std::fmt::Debug + PartialEq>(text: &str) {
    // The reader makes a mapping of an empty file.
    if Source::parse(text.as_bytes()).is_ok_and(|source| source.root().is_none()) {
        return;
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    };
    let theirs = serde_saphyr::from_str_with_options::<T>(text, options);
    assert_eq!(from_slice::<T>(text.as_bytes()).ok(), theirs.ok(), "{text:?}");
}

/// Only `at` of `before` differs in `after`.
fn assert_spliced(before: &str, after: &str, at: std::ops::Range<usize>) {
    assert!(after.starts_with(&before[..at.start]), "{before:?} became {after:?}");
    assert!(after.ends_with(&before[at.end..]), "{before:?} became {after:?}");
    assert!(after.len() >= before.len() - at.len());
}

/// All of `before` is in `after`, with one piece put in somewhere.
fn assert_inserted(before: &str, after: &str) {
    let same_start = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
    let same_end =
        before.bytes().rev().zip(after.bytes().rev()).take_while(|(one, other)| one == other).count();
    assert!(same_start + same_end >= before.len(), "{before:?} became {after:?}");
}

/// Tries every edit on a text; those that are made must hold what is promised.
fn edit_everything(text: &str, value: &str) {
    let Ok(documents) = Document::parse_all(text.as_bytes()) else { return };
    let readable = from_slice::<Unread>(text.as_bytes()).is_ok();
    let mut before = texts(&documents);
    for (index, node) in all_values(&documents).into_iter().enumerate() {
        let Ok(after) = apply(text.as_bytes(), &[Edit::set(node, value)]) else { continue };
        let after = String::from_utf8(after).unwrap();
        if node.span().is_empty() {
            assert_inserted(text, &after);
        } else {
            assert_spliced(text, &after, node.span());
        }
        let old = before[index].replace(value.to_owned());
        assert_eq!(texts(&Document::parse_all(after.as_bytes()).unwrap()), before);
        before[index] = old;
        assert!(!readable || from_slice::<Unread>(after.as_bytes()).is_ok(), "{text:?} became {after:?}");
    }
    for entry in entries(&documents) {
        let Ok(after) = apply(text.as_bytes(), &[Edit::insert_after(entry, "newTag", value)]) else {
            continue;
        };
        let after = String::from_utf8(after).unwrap();
        assert_inserted(text, &after);
        assert_eq!(texts(&Document::parse_all(after.as_bytes()).unwrap()).len(), before.len() + 1);
        assert!(!readable || from_slice::<Unread>(after.as_bytes()).is_ok(), "{text:?} became {after:?}");
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(
            &[
                "v2",
                "1.10",
                "0777",
                "on",
                "~",
                "",
                "a: b",
                "x #y",
                "12345e7",
                "2001-01-01",
                "'",
                "\"",
                "\\",
                "- a",
                "a,b}",
                "\u{feff}",
                "\n"
            ][..]
        )
        .prop_map(str::to_owned),
        "[a-z0-9._-]{1,12}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_value_that_is_set_differs(
        documents in prop::collection::vec(written(), 1..3), form in form(), index in any::<Index>(), value in value(),
    ) {
        let text = form.file(&documents);
        let documents = Document::parse_all(text.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?;
        let nodes: Vec<_> = all_values(&documents);
        let scalars: Vec<_> = (0..nodes.len()).filter(|index| nodes[*index].as_str().is_some()).collect();
        if scalars.is_empty() {
            return Ok(());
        }
        let chosen = scalars[index.index(scalars.len())];
        let node = nodes[chosen];
        let result = apply(text.as_bytes(), &[Edit::set(node, value.as_str())]);
        if matches!(node.style(), Some(Style::Literal | Style::Folded)) {
            prop_assert_eq!(result.unwrap_err().refusal, Some(Refusal::BlockScalar));
            return Ok(());
        }
        let after = result.map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?;
        let after = String::from_utf8(after).unwrap();
        if node.span().is_empty() {
            assert_inserted(&text, &after);
        } else {
            assert_spliced(&text, &after, node.span());
        }

        let mut expected = texts(&documents);
        expected[chosen] = Some(value);
        let edited = Document::parse_all(after.as_bytes()).unwrap();
        prop_assert_eq!(&texts(&edited), &expected);
        if let [document] = edited.as_slice() {
            prop_assert_eq!(texts_by_the_reader(document, &after), expected);
        }
    }

    #[test]
    fn only_the_entry_that_is_inserted_is_new(
        documents in prop::collection::vec(written(), 1..3), form in form(), index in any::<Index>(), value in value(),
    ) {
        let text = form.file(&documents);
        let documents = Document::parse_all(text.as_bytes()).unwrap();
        let entries = entries(&documents);
        if entries.is_empty() {
            return Ok(());
        }
        let entry = entries[index.index(entries.len())];
        match apply(text.as_bytes(), &[Edit::insert_after(entry, "inserted", value.as_str())]) {
            Ok(after) => {
                let after = String::from_utf8(after).unwrap();
                assert_inserted(&text, &after);
                let edited = Document::parse_all(after.as_bytes()).unwrap();
                prop_assert_eq!(texts(&edited).len(), texts(&documents).len() + 1);
                if let [document] = edited.as_slice() {
                    let read = texts_by_the_reader(document, &after);
                    prop_assert_eq!(&read, &texts(&edited));
                    prop_assert!(read.contains(&Some(value)));
                }
            }
            // Behind a block of text that the file ends in, a line break would become part of the text.
            Err(error) => {
                prop_assert_eq!(error.refusal, Some(Refusal::Unfaithful), "{} in {:?}", error, text);
                prop_assert!(!form.ends_with_line_break || text.contains("|+"), "{} in {:?}", error, text);
            }
        }
    }

    #[test]
    fn words_of_yaml_are_edited_faithfully_or_refused(text in yaml_words(), value in value()) {
        edit_everything(&text, &value);
    }

    #[test]
    fn any_file_is_read_as_the_reader_reads_it(text in prop_oneof![yaml_words(), yaml_values()]) {
        agrees_with_the_reader::<serde_json::Value>(&text);
        agrees_with_the_reader::<Option<IndexMap<String, serde_json::Value>>>(&text);
        agrees_with_the_reader::<IndexMap<String, Option<String>>>(&text);
        agrees_with_the_reader::<Vec<Option<String>>>(&text);
        agrees_with_the_reader::<Vec<(u8, i16, f64, bool)>>(&text);
        agrees_with_the_reader::<Vec<Form>>(&text);
    }

    #[test]
    fn nothing_panics_on_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64), text in any::<String>()) {
        let _ = from_slice::<Unread>(&bytes);
        let _ = from_slice::<IndexMap<String, Vec<String>>>(text.as_bytes());
        let _ = Document::parse_all(&bytes);
        edit_everything(&text, "v2");
    }

    #[test]
    fn what_needs_no_quotes_is_read_as_text(text in value()) {
        if !sluice_yaml::needs_quotes(&text) {
            for file in [text.clone(), format!("a: {text}\n"), format!("[{text}, \"\"]"), format!("{{a: {text}}}")] {
                let documents = Document::parse_all(file.as_bytes()).unwrap();
                let found: Vec<_> = all_values(&documents).into_iter().filter(|node| node.as_str() == Some(&text)).collect();
                prop_assert_eq!(found.len(), 1, "{}", file);
                prop_assert!(!found[0].is_null());
            }
            let untyped: serde_json::Value = from_slice(format!("a: {text}").as_bytes()).unwrap();
            prop_assert_eq!(untyped["a"].as_str(), Some(text.as_str()));
        }
    }
}
