//! The change of a file as a unified diff that `git apply` takes.

use std::fmt::Write as _;

use similar::{
    algorithms::{Capture, Compact, Replace, myers},
    udiff::UnifiedHunkHeader,
};

use crate::edit::Edited;

/// How many lines stand around a change.
const CONTEXT: usize = 3;

/// The whole diff of one file; empty when nothing changed.
pub(crate) fn unified(edited: &Edited) -> String {
    if edited.hunks.is_empty() {
        return String::new();
    }
    let path = edited.source.relative.as_os_str().as_encoded_bytes();
    format!("--- {}\n+++ {}\n{}", header(b"a/", path), header(b"b/", path), edited.hunks)
}

/// The hunks alone; empty when nothing changed.
pub(crate) fn hunks(before: &[u8], after: &[u8]) -> String {
    if before == after {
        return String::new();
    }
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    // Git ends lines at line feeds only; a carriage return is a character of its line.
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    // One algorithm on one type: all that the library can do takes ten times the room.
    let (before, after) = (before.as_slice(), after.as_slice());
    let mut diff = Compact::new(Replace::new(Capture::new()), before, after);
    let Ok(()) = myers::diff(&mut diff, before, 0..before.len(), after, 0..after.len());
    let mut text = String::new();
    for hunk in diff.into_inner().into_inner().into_grouped_ops(CONTEXT) {
        let _ = writeln!(text, "{}", UnifiedHunkHeader::new(&hunk));
        for change in hunk.iter().flat_map(|op| op.iter_changes(before, after)) {
            let _ = write!(text, "{}{}", change.tag(), change.value());
            if !change.value().ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    text
}

/// A path as git writes it in a diff's header: in quotes when it holds a byte that git escapes, and with a tab behind
/// it when it holds a space.
/// <https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath>
fn header(prefix: &[u8], path: &[u8]) -> String {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    let path = [prefix, path].concat();
    if path.iter().all(is_plain) {
        let mut plain = String::from_utf8_lossy(&path).into_owned();
        if plain.contains(' ') {
            plain.push('\t');
        }
        return plain;
    }
    let mut quoted = String::from("\"");
    for byte in path {
        let _ = match byte {
            b'"' | b'\\' => write!(quoted, "\\{}", char::from(byte)),
            b' '..=b'~' => write!(quoted, "{}", char::from(byte)),
            _ => write!(quoted, "\\{byte:03o}"),
        };
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsStr,
        fs,
        io::Write as _,
        os::unix::ffi::OsStrExt as _,
        path::{Path, PathBuf},
        process::{Command, Stdio},
    };

    use super::*;
    use crate::source::Source;

    fn edited(path: &[u8], before: &str, after: &str) -> Edited {
        let relative = PathBuf::from(OsStr::from_bytes(path));
        Edited {
            source: Source { path: relative.clone(), relative, bytes: before.into() },
            after: after.into(),
            images: Vec::new(),
            places: Vec::new(),
            hunks: hunks(before.as_bytes(), after.as_bytes()),
        }
    }

    fn git_apply(folder: &Path, patch: &str) {
        let mut git = Command::new("git")
            .args(["-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        git.stdin.take().unwrap().write_all(patch.as_bytes()).unwrap();
        assert!(git.wait().unwrap().success(), "{patch}");
    }

    #[test]
    fn git_applies_it_to_any_file_of_any_name() {
        let long = (0..40).fold(String::new(), |text, line| text + &format!("line {line}\n"));
        let changes = [
            ("a: 1\n".to_owned(), "a: 2\n".to_owned()),
            ("a: 1".to_owned(), "a: 2".to_owned()),
            ("x\na: 1".to_owned(), "x\na: 2\n".to_owned()),
            ("a: 1\r\nb: 2\r\n".to_owned(), "a: 2\r\nb: 2\r\n".to_owned()),
            ("a: 1\rb: 2\r".to_owned(), "a: 2\rb: 2\r".to_owned()),
            ("\u{feff}a: 1\n".to_owned(), "\u{feff}a: 2\n".to_owned()),
            (String::new(), "a: 1\n".to_owned()),
            (long.clone(), long.replace("line 3\n", "line x\n").replace("line 30\n", "line y\nline z\n")),
        ];
        let names: [&[u8]; 5] =
            [b"k8s/dev/k.yaml", b"a b/k.yaml", "k\u{e4}se/k.yaml".as_bytes(), b"\xff\t\n\"\\x/k.yaml", b"-k"];
        for name in names {
            for (before, after) in &changes {
                let folder = tempfile::tempdir().unwrap();
                let change = edited(name, before, after);
                let file = folder.path().join(&change.source.relative);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, before).unwrap();
                let patch = unified(&change);
                git_apply(folder.path(), &patch);
                assert_eq!(fs::read_to_string(&file).unwrap(), *after, "{patch}");
            }
        }
    }

    #[test]
    fn it_reads_as_git_s() {
        let change =
            edited(b"k8s/dev/k.yaml", "images:\n- name: a\n  newTag: v1", "images:\n- name: a\n  newTag: v2");
        insta::assert_snapshot!(unified(&change), @r"
        --- a/k8s/dev/k.yaml
        +++ b/k8s/dev/k.yaml
        @@ -1,3 +1,3 @@
         images:
         - name: a
        -  newTag: v1
        \ No newline at end of file
        +  newTag: v2
        \ No newline at end of file
        ");
        assert_eq!(unified(&edited(b"x", "a", "a")), "");
        assert_eq!(header(b"a/", b"x y"), "a/x y\t");
    }
}
