//! Lists of files for the steps that follow.

use serde_json::Value;
use sluice_core::{Problem, escape};

use crate::inputs::ListFiles;

/// The files in order of their names; nothing where no list is asked for.
pub(crate) fn list(files: &[Vec<u8>], format: ListFiles) -> Result<Option<Value>, Problem> {
    let mut files: Vec<String> = files.iter().map(|file| escape::bytes(file)).collect();
    files.sort_unstable();
    Ok(match format {
        ListFiles::None => None,
        ListFiles::Json => Some(files.into()),
        ListFiles::Csv => {
            let fields: Vec<String> = files.iter().map(|file| csv_field(file)).collect();
            Some(fields.join(",").into())
        }
        ListFiles::Lines => match files.iter().find(|file| file.contains(['\n', '\r'])) {
            Some(file) => {
                return Err(Problem::misconfigured("a list of lines can't hold a name with a line break")
                    .why(format!("{} has one", escape::line(file)))
                    .help("take another format: `list-files: json`"));
            }
            None => Some(files.join("\n").into()),
        },
    })
}

/// A field that means only itself: <https://www.rfc-editor.org/rfc/rfc4180#section-2>.
fn csv_field(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._+:@%/-".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&[u8]]) -> Vec<Vec<u8>> {
        names.iter().map(|name| name.to_vec()).collect()
    }

    #[test]
    fn names_arrive_whole_whatever_they_hold() {
        let files = files(&[b"b,c", b"a \"quoted\"", b"caf\xc3\xa9", b"no\xff", b"a\nb", b"a/b.rs"]);
        insta::assert_snapshot!(list(&files, ListFiles::Json).unwrap().unwrap(), @r##"["a\nb","a \"quoted\"","a/b.rs","b,c","café","no\\xff"]"##);
        insta::assert_snapshot!(list(&files, ListFiles::Csv).unwrap().unwrap().as_str().unwrap(), @r##"
"a
b","a ""quoted""",a/b.rs,"b,c","café","no\xff"
"##);
        assert_eq!(list(&files, ListFiles::None).unwrap(), None);
    }

    #[test]
    fn a_name_with_a_line_break_is_no_line() {
        let problem = list(&files(&[b"a", b"b\nc"]), ListFiles::Lines).unwrap_err();
        assert_eq!(problem.why.as_deref(), Some("b\\nc has one"));
        assert_eq!(list(&files(&[b"b c", b"a"]), ListFiles::Lines).unwrap(), Some("a\nb c".into()));
        assert_eq!(list(&[], ListFiles::Lines).unwrap(), Some("".into()));
    }
}
