//! Holds the globs to picomatch's own test table.
//!
//! A line of the table is `[pattern, paths that match, paths that do not]`. It was drawn from the tests of
//! picomatch (MIT, <https://github.com/micromatch/picomatch>) with `dot: true`; 2.3.1 and 2.3.2 agree on it. Of very
//! long runs of backslashes it holds the length.

use sluice_glob::{Glob, Problem};

/// What the globs say of a row, and why it is not what picomatch says.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    // `\b` is the letter, not the edge of a word, nor a backspace.
    (r"a[\b]c", "abc", "match"),
    (r"\a\b\c", "abc", "match"),
    (r"(f|o)+\b", "foo", "no match"),
    (r"a\b", "a", "no match"),
    (r"(a\b)", "a", "no match"),
    // Each pair of backslashes is a backslash, however many there are.
    ("<65500 backslashes>A", r"\A", "no match"),
    // A group without an end; picomatch's regular expression is invalid and never matches.
    ("[!(<65500 backslashes>A", "A", "error: unclosed"),
    // Look-around.
    ("foo/*(?<!d)baz", "foo/cbaz", "error: look-around"),
    ("foo/*(?<!c)baz", "foo/cbaz", "error: look-around"),
    ("foo/*(?<=d)baz", "foo/cbaz", "error: look-around"),
    ("foo/*(?<=c)baz", "foo/cbaz", "error: look-around"),
    // Back references.
    (r"(*)/\1", "1/1", "error: back reference"),
    (r"(*)/\1", "1/2", "error: back reference"),
    (r"(*)/\1/\1/\1", "1/1/1/1", "error: back reference"),
    (r"(*)/\1/\1/\1", "1/11/111/1111", "error: back reference"),
    (r"(*)/\1/\1/\1", "1/2/1/1", "error: back reference"),
    (r"(*)/\1/\1/\1", "1/1/2/1", "error: back reference"),
    (r"(*)/\1/\1/\1", "1/1/1/2", "error: back reference"),
    (r"(*)/(\1)+/(\1)+/(\1)+", "1/11/111/1111", "error: back reference"),
    (r"(*)/\1/(*)/\2", "1/1/1/1", "error: back reference"),
    (r"(*)/\1/(*)/\2", "1/1/2/2", "error: back reference"),
    (r"(*)/\1/(*)/\2", "1/1/2/1", "error: back reference"),
];

#[test]
fn only_the_known_rows_of_picomatchs_table_differ() {
    let mut rows = 0;
    let mut differences: Vec<(String, String, &str)> = Vec::new();
    for line in include_str!("picomatch.jsonl").lines() {
        let (shown, yes, no): (String, Vec<String>, Vec<String>) = serde_json::from_str(line).unwrap();
        let glob = Glob::new(&written_out(&shown));
        for (path, expected) in
            yes.iter().map(|path| (path, "match")).chain(no.iter().map(|path| (path, "no match")))
        {
            rows += 1;
            let answer = match &glob {
                Ok(glob) if glob.is_match(path.as_bytes()) => "match",
                Ok(_) => "no match",
                Err(error) => match error.problem() {
                    Problem::BackReference => "error: back reference",
                    Problem::LookAround => "error: look-around",
                    Problem::Unclosed(_) => "error: unclosed",
                    _ => "error",
                },
            };
            if answer != expected {
                differences.push((shown.clone(), path.clone(), answer));
            }
        }
    }
    let mut known: Vec<(String, String, &str)> = DIFFERENCES
        .iter()
        .map(|&(pattern, path, answer)| (pattern.to_owned(), path.to_owned(), answer))
        .collect();
    differences.sort();
    known.sort();
    assert_eq!(differences, known);
    assert_eq!(rows, 6691, "rows of the table");
    assert!(differences.len() * 200 <= rows, "at least 99.5 % agree");
}

/// The pattern with its runs of backslashes written out.
fn written_out(shown: &str) -> String {
    let Some((before, rest)) = shown.split_once('<') else { return shown.to_owned() };
    let Some((length, after)) = rest.split_once(" backslashes>") else { return shown.to_owned() };
    format!("{before}{}{after}", "\\".repeat(length.parse().unwrap()))
}
