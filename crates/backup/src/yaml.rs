//! Objects as YAML, written so that every reader takes each value for what it is.
//!
//! kubectl reads YAML 1.1, most others 1.2: what either of them takes for a number, a boolean or a date is quoted when it
//! is text. Several lines stand as a block. The order is fixed, so that two exports of the same objects are the same
//! bytes: `apiVersion`, `kind` and `metadata`, then all keys in the order of the alphabet; lists stay as they are.

use serde_json::{Map, Value};

/// What comes first in an object.
const FIRST: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The object as a file.
pub(crate) fn write(object: &Value) -> Result<String, serde_saphyr::ser::Error> {
    let mut object = sorted(object);
    if let Value::Object(fields) = &mut object {
        let mut first: Map<_, _> = FIRST.iter().filter_map(|key| fields.shift_remove_entry(*key)).collect();
        first.append(fields);
        *fields = first;
    }
    // A long line is no reason to fold it: it would be another one for who reads the file.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(&object, options)
}

/// The object that a file holds.
pub(crate) fn read(file: &[u8]) -> Result<Value, sluice_yaml::Error> {
    sluice_yaml::from_slice(file)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            keys.into_iter().map(|key| (key.clone(), sorted(&fields[key]))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_reads_as_people_write_it() {
        let object = json!({
            "data": {"z": "1", "a": "first\nsecond\n", "run.sh": "#!/bin/sh\n\n  exit 0", "flag": "no", "empty": ""},
            "metadata": {"name": "settings", "annotations": {"note": "a: b"}},
            "kind": "ConfigMap",
            "spec": {"list": [{"b": 1, "a": 1.0}, []], "on": true, "none": null, "map": {}},
            "apiVersion": "v1",
        });
        insta::assert_snapshot!(write(&object).unwrap(), @r#"
        apiVersion: v1
        kind: ConfigMap
        metadata:
          annotations:
            note: "a: b"
          name: settings
        data:
          a: |
            first
            second
          empty: ""
          flag: "no"
          run.sh: |-
            #!/bin/sh

              exit 0
          z: "1"
        spec:
          list:
          - a: 1.0
            b: 1
          - []
          map: {}
          none: null
          "on": true
        "#);
    }

    /// <https://yaml.org/type/>: what a reader of YAML 1.1 takes for something else than text.
    #[test]
    fn text_stays_text_for_readers_of_yaml_1_1() {
        for text in [
            "no",
            "on",
            "y",
            "N",
            "Yes",
            "OFF",
            "true",
            "null",
            "~",
            "",
            "1_000",
            "0o14",
            "014",
            "0x1F",
            "0b11",
            "1e3",
            "1.",
            ".5",
            "+1",
            "190:20:30",
            "2026-11-21",
            "2026-11-21T10:00:00Z",
            ".inf",
            ".NaN",
            "<<",
            "=",
            "1:30",
            "- a",
            "a: b",
            "a #b",
            "@a",
            "`a`",
            "%a",
            "*a",
            "&a",
            "!a",
            "{a",
            "[a",
            "---",
            "...",
            " a",
            "a ",
            "a:",
            "?",
            "-",
        ] {
            for written in [write(&json!({"key": text})).unwrap(), write(&json!({text: 1})).unwrap()] {
                assert!(written.contains(['"', '\'']), "{text:?}: {written}");
            }
        }
    }

    #[test]
    fn numbers_keep_their_type_for_readers_of_yaml_1_1() {
        let numbers = json!([1, -1, u64::MAX, i64::MIN, 1.0, 1e300, 5e-324, 0.1]);
        insta::assert_snapshot!(write(&numbers).unwrap(), @"
        - 1
        - -1
        - 18446744073709551615
        - -9223372036854775808
        - 1.0
        - 1.0e+300
        - 5.0e-324
        - 0.1
        ");
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ \t\n\r#:|>'\"\\\\-]{0,12}",
            "[0-9_.eExXob:+-]{1,8}",
            "( {0,3}[a-z]{0,3} {0,2}\n){0,4}",
            "[\u{85}\u{2028}\u{2029}\u{feff}\u{7f}\u{0}\u{fffe}a\n]{0,5}",
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((text(), inner), 0..4)
                    .prop_map(|entries| entries.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in value()) {
            let written = write(&value).unwrap();
            prop_assert_eq!(read(written.as_bytes()).unwrap(), value, "{}", written);
        }

        #[test]
        fn the_order_of_keys_is_no_difference(mut entries in proptest::collection::hash_map(text(), value(), 0..6).prop_map(|map| map.into_iter().collect::<Vec<_>>())) {
            let one = write(&entries.iter().cloned().collect::<Value>()).unwrap();
            entries.reverse();
            prop_assert_eq!(one, write(&entries.into_iter().collect::<Value>()).unwrap());
        }
    }
}
