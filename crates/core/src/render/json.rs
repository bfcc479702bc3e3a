//! The JSON that `--format json` prints.

use serde_json::{Map, Value};

use crate::Report;

/// `{"outputs": {...}, "report": {...}}` on one line.
///
/// Inside Actions standard output is a log, and the runner obeys `##[...]` anywhere in a line of it.
/// In JSON two of these characters can stand in strings only, where an escape means the same.
pub(crate) fn json(outputs: &Map<String, Value>, report: &Report) -> String {
    serde_json::json!({ "outputs": outputs, "report": report }).to_string().replace("##[", "#\\u0023[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_line_and_no_command() {
        let mut report = crate::report::tests::sample();
        report.title = "##[add-mask]x\n::error::y".into();
        let text = json(&Map::new(), &report);
        assert!(!text.contains("##[") && !text.contains('\n'));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["report"]["title"], report.title.as_str());
    }
}
