//! Reading LCOV's traces of line coverage.
//!
//! The lines are those of `man geninfo`, FILES:
//! <https://github.com/linux-test-project/lcov/blob/master/man/geninfo.1>. A file that several tests went
//! through has several records: a line counts once.

use std::collections::BTreeMap;

use sluice_gate::reports::{About, Coverage, Report, Told};

use super::silent::{Silent, cut};

pub(super) const NAME: &str = "LCOV";

/// The lines that are of no use here.
const OTHERS: [&str; 18] = [
    "TN", "VER", "FN", "FNL", "FNA", "FNDA", "FNF", "FNH", "BRDA", "BRF", "BRH", "BA", "MCDC", "MCF", "MCH",
    "LF", "LH", "SF",
];

/// Whether a file begins as one of LCOV.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"TN:") || start.starts_with(b"SF:")
}

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: BTreeMap<(&str, u64), bool> = BTreeMap::new();
    let mut file = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        let wrong = |why: &str| Silent::Malformed(NAME, format!("line {number} {why}: {}", cut(line)));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "end_of_record" {
            file.take().ok_or_else(|| wrong("ends no record"))?;
            continue;
        }
        let (key, value) = line.split_once(':').ok_or_else(|| wrong("is none of LCOV's"))?;
        match (key, file) {
            ("SF", None) => file = Some(value),
            ("SF", Some(_)) => return Err(wrong("begins a record within another")),
            ("DA", Some(file)) => {
                let (line, hits) = numbers(value).ok_or_else(|| wrong("has no number of hits"))?;
                *lines.entry((file, line)).or_default() |= hits;
            }
            ("DA", None) => return Err(wrong("belongs to no file")),
            (key, _) if OTHERS.contains(&key) => {}
            _ => return Err(wrong("is none of LCOV's")),
        }
    }
    if file.is_some() {
        return Err(Silent::Cut("its last record does not end".to_owned()));
    }
    if lines.is_empty() {
        return Err(Silent::Nothing("it holds no line".to_owned()));
    }
    let covered = lines.values().filter(|is_hit| **is_hit).count() as u64;
    let coverage = Coverage { covered, lines: lines.len() as u64 };
    Ok(Report { tools: Vec::new(), about: vec![About::default()], told: Told::Coverage(coverage) })
}

/// `line,hits` or `line,hits,checksum`: the number of a line, and whether it was hit. gcov is known to
/// count below zero.
fn numbers(value: &str) -> Option<(u64, bool)> {
    let mut parts = value.split(',');
    let line = parts.next()?.parse().ok()?;
    let hits: i64 = parts.next()?.parse().ok()?;
    Some((line, hits > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(text: &str) -> Result<(u64, u64), String> {
        match read(text.as_bytes()).map_err(|silent| silent.to_string())?.told {
            Told::Coverage(coverage) => Ok((coverage.covered, coverage.lines)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_counted_once() {
        let text = "TN:one\nSF:src/a.c\nFN:1,main\nFNDA:1,main\nFNF:1\nFNH:1\nDA:1,5\nDA:2,0\nDA:3,0,abc\nLF:3\nLH:1\nend_of_record\n\
            TN:two\nSF:src/a.c\nDA:2,1\nDA:3,-1\nend_of_record\nSF:b.c\nDA:1,0\nend_of_record\n";
        assert_eq!(coverage(text), Ok((2, 4)));
        assert_eq!(coverage(&text.replace('\n', "\r\n")), Ok((2, 4)));
        assert!(is_one(text.as_bytes()) && is_one(b"\nSF:x") && !is_one(b"DA:1,1") && !is_one(b"hello"));
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let told: Vec<String> = [
            "TN:\n",
            "SF:a\nend_of_record\n",
            "SF:a\nDA:1,1\n",
            "SF:a\nSF:b\nend_of_record\n",
            "TN:\nDA:1,1\n",
            "SF:a\nDA:1\nend_of_record\n",
            "SF:a\nDA:x,1\nend_of_record\n",
            "SF:a\nDA:1,many\nend_of_record\n",
            "end_of_record\n",
            "SF:a\nDA:1,1\nend_of_record\n<html>",
            "SF:a\nDA:1,1\nend_of_record\nhello: world",
        ]
        .iter()
        .map(|text| coverage(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r##"
tells nothing: it holds no line
tells nothing: it holds no line
is cut off: its last record does not end
is no LCOV: line 2 begins a record within another: SF:b
is no LCOV: line 2 belongs to no file: DA:1,1
is no LCOV: line 2 has no number of hits: DA:1
is no LCOV: line 2 has no number of hits: DA:x,1
is no LCOV: line 2 has no number of hits: DA:1,many
is no LCOV: line 1 ends no record: end_of_record
is no LCOV: line 4 is none of LCOV's: <html>
is no LCOV: line 4 is none of LCOV's: hello: world
"##);
    }
}
