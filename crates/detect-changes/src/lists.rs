//! Lists of files for the steps that follow.
//!
//! A list that a step can't take as a whole is written to a file. What then stands in its place is no list:
//! a step that expects one fails, and does not work on a part of it.

use std::path::Path;

use serde_json::{Value, json};
use sluice_core::{Problem, escape};

use crate::{inputs::ListFiles, plan::output_name};

/// The longest list that is handed on whole, in bytes. One argument of a command holds 128 KiB (Linux,
/// `MAX_ARG_STRLEN`).
const LONGEST: usize = 64 * 1024;

/// What all lists together may take, in bytes: the outputs of a job are at most 1 MiB, and others are needed.
const LARGEST_TOTAL: usize = 256 * 1024;

/// The lists of a run.
pub(crate) struct Lists<'a> {
    format: ListFiles,
    /// Where files are written; none outside of a workflow.
    folder: Option<&'a Path>,
    total: usize,
}

impl<'a> Lists<'a> {
    pub(crate) fn new(format: ListFiles, folder: Option<&'a Path>) -> Self {
        Self { format, folder, total: 0 }
    }

    /// The value of the output `name`, and the file that holds it where it is too long, below the runner's
    /// folder for temporary files; nothing where no list is asked for.
    pub(crate) fn output(
        &mut self,
        name: &str,
        files: &[Vec<u8>],
    ) -> Result<Option<(Value, Option<String>)>, Problem> {
        let Some(list) = list(files, self.format)? else { return Ok(None) };
        let text = list.as_str().map_or_else(|| list.to_string(), str::to_owned);
        if text.len() <= LONGEST && self.total + text.len() <= LARGEST_TOTAL {
            self.total += text.len();
            return Ok(Some((list, None)));
        }
        let file = self.folder.map(|folder| write(folder, name, self.format, &text)).transpose()?;
        Ok(Some((json!({ "count": files.len(), "file": file }), file)))
    }
}

/// Writes a list, and tells its name below the runner's folder for temporary files.
fn write(folder: &Path, name: &str, format: ListFiles, text: &str) -> Result<String, Problem> {
    let extension = match format {
        ListFiles::Json => "json",
        ListFiles::Csv => "csv",
        ListFiles::Lines | ListFiles::None => "txt",
    };
    let file = format!("detect-changes-{}.{extension}", output_name(name));
    std::fs::create_dir_all(folder)
        .and_then(|()| sluice_core::file::replace(&folder.join(&file), text.as_bytes()))
        .map_err(|error| {
            Problem::undecided(format!("could not write the list of files {file}")).why(error)
        })?;
    let folder = folder.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{folder}/{file}"))
}

/// The files in order of their names; nothing where no list is asked for.
fn list(files: &[Vec<u8>], format: ListFiles) -> Result<Option<Value>, Problem> {
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
    fn a_hundred_thousand_files_are_never_told_as_fewer() {
        let files: Vec<Vec<u8>> =
            (0..100_000).map(|index| format!("src/{index:06}.rs").into_bytes()).collect();
        for format in [ListFiles::Json, ListFiles::Csv, ListFiles::Lines] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("sluice");
            let mut lists = Lists::new(format, Some(&folder));
            let (value, file) = lists.output("Back End_files", &files).unwrap().unwrap();
            let file = file.unwrap();
            assert_eq!(value, json!({ "count": 100_000, "file": file }));
            let name = file.strip_prefix("sluice/").unwrap();
            assert!(name.starts_with("detect-changes-back_end_files."), "{name}");
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            let count = match format {
                ListFiles::Json => serde_json::from_str::<Vec<String>>(&text).unwrap().len(),
                ListFiles::Csv => text.split(',').count(),
                ListFiles::Lines | ListFiles::None => text.lines().count(),
            };
            assert_eq!(count, 100_000);
            // A short one is handed on.
            assert_eq!(lists.output("x_files", &files[..1]).unwrap().unwrap().1, None);
        }
    }

    #[test]
    fn many_lists_are_bounded_together() {
        let files: Vec<Vec<u8>> = (0..6_000).map(|index| format!("{index:06}").into_bytes()).collect();
        let mut lists = Lists::new(ListFiles::Lines, None);
        let whole =
            (0..50).filter(|index| lists.output(&index.to_string(), &files).unwrap().unwrap().0.is_string());
        assert_eq!(whole.count(), LARGEST_TOTAL / (6_000 * 7 - 1));
        assert_eq!(lists.output("x", &files).unwrap().unwrap().0, json!({ "count": 6_000, "file": null }));
    }

    #[test]
    fn a_name_with_a_line_break_is_no_line() {
        let problem = list(&files(&[b"a", b"b\nc"]), ListFiles::Lines).unwrap_err();
        assert_eq!(problem.why.as_deref(), Some("b\\nc has one"));
        assert_eq!(list(&files(&[b"b c", b"a"]), ListFiles::Lines).unwrap(), Some("a\nb c".into()));
        assert_eq!(list(&[], ListFiles::Lines).unwrap(), Some("".into()));
    }
}
