//! The outputs of a run, for the steps that follow.
//!
//! Written to `$GITHUB_OUTPUT` with a delimiter of random letters for each value, so that no value can
//! end itself and forge another:
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#multiline-strings>

use std::{fmt::Write as _, io};

use serde_json::{Map, Value};

/// The longest value that is handed on whole, in bytes. A step that puts it into its environment can
/// take 128 KiB a variable (Linux, `MAX_ARG_STRLEN`).
const LONGEST_VALUE: usize = 96 * 1024;

/// The most that one run hands on, in bytes: a job may have 1 MiB of outputs, of all its steps.
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs>
const LARGEST_TOTAL: usize = 512 * 1024;

/// An output that was too long, and now is what still is true of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spilled {
    pub(crate) name: String,
    /// The file that holds the whole, relative to the runner's folder for temporary files.
    pub(crate) file: Option<String>,
}

/// The value as a step sees it: a word as it is, everything else as JSON, nothing as nothing.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Cuts values that are too long to what still is true: an array or object to its count and the file
/// that holds it whole, a text to its beginning.
pub(crate) fn bound(
    outputs: &mut Map<String, Value>,
    mut spill: impl FnMut(&str, &str) -> io::Result<Option<String>>,
) -> io::Result<Vec<Spilled>> {
    let mut spilled = Vec::new();
    let mut lengths: Vec<usize> = outputs.values().map(length).collect();
    loop {
        let total: usize = lengths.iter().sum();
        let longest = lengths.iter_mut().zip(outputs.iter_mut()).max_by_key(|(length, _)| **length);
        let Some((longest, (name, value))) = longest else { return Ok(spilled) };
        let can_shrink = *longest > LARGEST_STUB;
        if *longest <= LONGEST_VALUE && (total <= LARGEST_TOTAL || !can_shrink) {
            return Ok(spilled);
        }
        let file = spill(name, &text(value))?;
        *value = stub(value, file.as_deref());
        *longest = length(value);
        spilled.push(Spilled { name: name.clone(), file });
    }
}

/// The length of the value's text, in bytes.
fn length(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::String(text) => text.len(),
        other => {
            let mut length = Length(0);
            let _ = serde_json::to_writer(&mut length, other);
            length.0
        }
    }
}

/// Counts what is written, and keeps nothing.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most that is left of a value that was cut, in bytes.
const LARGEST_STUB: usize = 4 * 1024;

fn stub(value: &Value, file: Option<&str>) -> Value {
    let count = match value {
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        other => {
            let text = text(other);
            let mut end = (LARGEST_STUB / 2).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let whole = file.map(|file| format!(", the whole is in {file}")).unwrap_or_default();
            return Value::String(format!("{}\n[cut: {} bytes{whole}]", &text[..end], text.len()));
        }
    };
    serde_json::json!({ "count": count, "file": file })
}

/// The lines for `$GITHUB_OUTPUT`.
pub(crate) fn lines(outputs: &Map<String, Value>) -> io::Result<String> {
    let mut lines = String::new();
    for (name, value) in outputs {
        let delimiter = format!("sluice_{}", random_word()?);
        let _ = writeln!(lines, "{}<<{delimiter}\n{}\n{delimiter}", output_name(name), text(value));
    }
    Ok(lines)
}

/// A name that ends no line and opens no value. Names of components come from the configuration.
pub(crate) fn output_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' }).collect()
}

/// 128 random bits in hexadecimal digits.
fn random_word() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().fold(String::new(), |mut word, byte| {
        let _ = write!(word, "{byte:02x}");
        word
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the runner makes of a `$GITHUB_OUTPUT` file.
    fn read_as_runner(lines: &str) -> Vec<(String, String)> {
        let mut outputs = Vec::new();
        let mut lines = lines.split('\n');
        while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
            let (name, delimiter) = line.split_once("<<").unwrap();
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            outputs.push((name.to_owned(), value.join("\n")));
        }
        outputs
    }

    #[test]
    fn values_arrive_as_words_or_json() {
        let outputs = serde_json::json!({"any": true, "count": 3, "list": ["a"], "none": null, "word": "x"});
        let Value::Object(outputs) = outputs else { unreachable!() };
        assert_eq!(
            read_as_runner(&lines(&outputs).unwrap()),
            [("any", "true"), ("count", "3"), ("list", "[\"a\"]"), ("none", ""), ("word", "x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn long_values_are_cut_to_what_is_true() {
        let list: Vec<String> = (0..20_000).map(|index| format!("path/{index}")).collect();
        let mut outputs = Map::new();
        outputs.insert("files".into(), list.into());
        outputs.insert("diff".into(), "é".repeat(100_000).into());
        outputs.insert("any".into(), true.into());
        let mut whole = Vec::new();
        let spilled = bound(&mut outputs, |name, value| {
            whole.push((name.to_owned(), value.len()));
            Ok(Some(format!("sluice/{name}.json")))
        })
        .unwrap();
        assert_eq!(spilled.len(), 2);
        assert_eq!(outputs["files"], serde_json::json!({"count": 20_000, "file": "sluice/files.json"}));
        assert!(text(&outputs["diff"]).ends_with("[cut: 200000 bytes, the whole is in sluice/diff.json]"));
        assert_eq!(outputs["any"], true);
        assert!(whole.contains(&("diff".to_owned(), 200_000)));
    }

    #[test]
    fn many_values_stay_under_the_total() {
        let mut outputs: Map<String, Value> =
            (0..20).map(|index| (format!("x{index}"), Value::String("x".repeat(80_000)))).collect();
        bound(&mut outputs, |_, _| Ok(None)).unwrap();
        assert!(outputs.values().map(|value| text(value).len()).sum::<usize>() <= LARGEST_TOTAL);
    }

    #[test]
    fn the_length_is_that_of_the_text() {
        for value in [
            Value::Null,
            true.into(),
            "é\n".into(),
            serde_json::json!([1, "é\n\u{7f}", null]),
            serde_json::json!({"a\"": {}}),
        ] {
            assert_eq!(length(&value), text(&value).len(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_value_forges_another(name in "[a-z\n<]{1,9}", value in any::<String>()) {
            let outputs: Map<String, Value> = [(name.clone(), Value::String(value.clone()))].into_iter().collect();
            let read = read_as_runner(&lines(&outputs).unwrap());
            prop_assert_eq!(read, [(output_name(&name), value)]);
        }
    }
}
