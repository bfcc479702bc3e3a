//! Arbitrary patterns on arbitrary paths: never a panic, and never more time than their sizes allow.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use sluice_glob::Glob;

// `PATTERN \0 PATH`.
fuzz_target!(|bytes: &[u8]| -> Corpus {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let pattern = parts.next().and_then(|pattern| str::from_utf8(pattern).ok());
    let (Some(pattern), Some(path)) = (pattern, parts.next()) else { return Corpus::Reject };
    if let Ok(glob) = Glob::new(pattern) {
        let matches = glob.is_match(path);
        assert_eq!(glob.is_match(path), matches);
    }
    if let Ok(glob) = Glob::with_captures(pattern) {
        let captured = glob.captures(path).is_some();
        assert_eq!(captured, glob.is_match(path), "a match has captures, and captures are of a match");
    }
    Corpus::Keep
});
