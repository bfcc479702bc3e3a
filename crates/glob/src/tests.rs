//! What holds for all globs: the shapes agree with the automaton, nothing panics, and time is bounded.

use proptest::prelude::*;

use crate::captures::Capturing;
use crate::parse::parse;
use crate::shape::{Answer, Shape};
use crate::{Glob, Problem, matcher};

/// A path of names that the patterns below are likely to meet.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let parts: [&[u8]; 13] = [
        b"a",
        b"b",
        b".js",
        b"src",
        b"/",
        b"/",
        b"./",
        b"..",
        b"//",
        b"\n",
        "é".as_bytes(),
        b"\xff",
        b"\xf0\x9f",
    ];
    let part = prop::sample::select(parts.to_vec());
    prop::collection::vec(part, 1..9).prop_map(|parts| parts.concat())
}

/// A pattern of pieces that make the common shapes, and others.
fn pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => Just("*"),
        1 => Just("**/*.js"),
        1 => Just("/*.js"),
        1 => Just("*/*.js"),
        3 => Just("**/"),
        3 => Just("/**"),
        4 => Just("/"),
        4 => Just("a"),
        2 => Just("src/"),
        2 => Just(".js"),
        1 => Just("."),
        1 => Just("é"),
        1 => Just("?"),
        1 => Just("[^a]"),
        1 => Just("{a,.js}"),
        1 => Just("!(a|b)"),
        1 => Just("+(a)"),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

/// A pattern whose captures are whole segments, or parts.
fn capturing_pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("{x}/"),
        3 => Just("/{y}/"),
        2 => Just("{y}"),
        2 => Just("/**"),
        2 => Just("/**/*"),
        1 => Just("**/"),
        2 => Just("/*"),
        2 => Just("a"),
        1 => Just("src/"),
        1 => Just(".js"),
        3 => Just("{a,b}"),
        1 => Just("?"),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// Every sign of the syntax, well placed or not.
fn signs() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select("*?[]{}()!+@|,./\\\"^-ab:é1\n".chars().collect::<Vec<_>>()),
        1..14,
    )
    .prop_map(String::from_iter)
}

proptest! {
    // A case is a matter of microseconds, and the odd paths are rare.
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_shape_says_what_the_automaton_says(pattern in pattern(), path in path()) {
        if let Ok(glob) = Glob::new(&pattern) {
            let answer = glob.shape.answer(&path);
            let automaton = matcher::is_match(&glob.program, &path);
            prop_assert!(
                answer == Answer::Run || (answer == Answer::Yes) == automaton,
                "{:?} says {answer:?}, the automaton {automaton}", glob.shape
            );
        }
    }

    #[test]
    fn a_shape_captures_what_the_automaton_captures(
        pattern in capturing_pattern(),
        path in prop_oneof![path(), "[ab/.]{1,7}".prop_map(String::into_bytes)],
    ) {
        if let Ok(glob) = Glob::with_captures(&pattern) && let Some(capturing) = &glob.capturing {
            let found = capturing.find(&glob.names, &path);
            prop_assert_eq!(glob.captures(&path), found, "{:?}", glob.shape);
        }
    }

    #[test]
    fn escaped_text_matches_itself_and_nothing_else(text in "[^\\x00]{1,12}", path in path()) {
        let escaped: String = text.chars().flat_map(escaped).collect();
        let text = text.trim_start_matches("./").as_bytes();
        prop_assume!(!text.is_empty());
        let glob = Glob::new(&escaped).unwrap();
        prop_assert!(glob.is_match(text));
        prop_assert_eq!(glob.is_match(&path), path == text);
    }

    #[test]
    fn no_pattern_and_no_path_panics(pattern in signs(), path in prop::collection::vec(any::<u8>(), 0..12)) {
        for glob in [Glob::new(&pattern), Glob::with_captures(&pattern)] {
            match glob {
                Ok(glob) => {
                    let _ = (glob.is_match(&path), glob.captures(&path), glob.is_match(pattern.as_bytes()));
                }
                Err(error) => prop_assert!(error.offset() <= pattern.len() && !error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn a_match_lies_below_the_literal_prefix(pattern in pattern(), path in path()) {
        if let Ok(glob) = Glob::new(&pattern) && glob.is_match(&path) {
            let path = path.strip_prefix(b"./").unwrap_or(&path);
            let below = path.strip_prefix(glob.literal_prefix().as_bytes());
            let whole = glob.literal_prefix().is_empty() || matches!(below, Some([] | [b'/', ..]));
            prop_assert!(whole, "prefix {:?}", glob.literal_prefix());
        }
    }

    #[test]
    fn a_pattern_with_its_captures_filled_in_matches(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["{a}", "{b}", "{a}", "/", "/", "-", "x", "*", "**/", "/**", "?", "!(x)"]), 1..7,
        ),
        path in "[xy/-]{0,7}[xy-]",
    ) {
        let pattern = pieces.concat();
        let glob = Glob::with_captures(&pattern).unwrap();
        let captures = glob.captures(path.as_bytes());
        prop_assert_eq!(captures.is_some(), glob.is_match(path.as_bytes()), "{}", pattern);
        if let Some(captures) = captures {
            let filled = captures.iter().fold(pattern.clone(), |filled, (name, value)| {
                filled.replace(&format!("{{{name}}}"), std::str::from_utf8(value).unwrap())
            });
            prop_assert!(Glob::with_captures(&filled).unwrap().is_match(path.as_bytes()), "{filled}");
        } else if glob.capturing.as_ref().is_some_and(Capturing::is_decisive) {
            let segments = path.split('/').flat_map(|segment| {
                (0..segment.len()).flat_map(move |from| (from + 1..=segment.len()).map(move |to| &segment[from..to]))
            });
            for a in segments {
                let filled = Glob::with_captures(&pattern.replace("{a}", a)).unwrap();
                prop_assert!(
                    pattern.matches("{b}").count() > 1 || filled.captures(path.as_bytes()).is_none(),
                    "{pattern} would match with a={a}"
                );
            }
        }
    }

    #[test]
    fn a_captured_path_can_be_put_together_again(
        names in prop::collection::vec("[a-z\\xe9-]{1,5}", 3),
    ) {
        let path = format!("{}/{}-{}/{}.tf", names[0], names[1], names[0], names[2]);
        let glob = Glob::with_captures("{a}/{b}-{a}/{c}.tf").unwrap();
        let captures = glob.captures(path.as_bytes()).unwrap();
        let held = |name| std::str::from_utf8(captures.get(name).unwrap()).unwrap();
        prop_assert_eq!(path.clone(), format!("{}/{}-{}/{}.tf", held("a"), held("b"), held("a"), held("c")));
        prop_assert!(glob.is_match(path.as_bytes()));
    }
}

/// The character with a backslash, where that takes its meaning away.
fn escaped(c: char) -> Vec<char> {
    if "*?[]{}()!+@|,\\\"^$".contains(c) { vec!['\\', c] } else { vec![c] }
}

#[test]
fn every_common_shape_is_recognised() {
    for (pattern, run) in [
        ("README.md", false),
        ("docs/a.md", false),
        ("**", false),
        ("docs/**", false),
        ("./docs/**", false),
        ("*.rs", false),
        ("**/*.rs", false),
        ("src/*", false),
        ("src/*.rs", false),
        ("src/**/*.rs", false),
        ("src/*/test/**", false),
        ("src-*/*/*.rs", false),
        ("{a,b}/**", false),
        ("{a,b}/**/*.{js,ts}", false),
        ("{x}/src/{y}/**", false),
        ("{x}/**/*", false),
        ("{x}/{y}.rs", true),
        ("src/**/test/*.rs", true),
    ] {
        let shape = Shape::of(&parse(pattern, true).unwrap().node);
        assert_eq!(matches!(shape, Shape::Other { .. }), run, "{pattern}: {shape:?}");
    }
}

#[test]
fn the_work_is_at_most_the_path_times_the_pattern() {
    let nested = |open: &str, depth: usize| format!("{}a{}b", open.repeat(depth), ")".repeat(depth));
    let patterns = [
        "*a*a*a*a*b".to_owned(),
        "**/*a**/*a**/*a/**/b".to_owned(),
        "a/**/b/**/c/**/d/**/*x".to_owned(),
        nested("+(", 3),
        nested("!(", 3),
        nested("*(*", 30),
        nested("!(*", 60),
        "*(a|aa|aaa|a*)*(a|aa)b".to_owned(),
        "{a,{a,{a,a}}}+{a,*}+!(*a*a*b).c".to_owned(),
    ];
    let paths = [b"a".repeat(10_000), b"a/".repeat(5_000), "é\u{1f600}".as_bytes().repeat(1_700)];
    for pattern in &patterns {
        let glob = Glob::new(pattern).unwrap();
        for path in &paths {
            let work = matcher::work(&glob.program, path);
            let bound = (path.len() + 1) * glob.program.size();
            assert!(work <= bound as u64, "{pattern}: {work} steps, more than {bound}");
            assert!(
                glob.program.size() <= 12 * pattern.len() + 12,
                "{pattern}: {} states",
                glob.program.size()
            );
            assert!(!glob.is_match(path), "{pattern}");
        }
    }
}

#[test]
fn a_long_pattern_is_compiled_to_a_program_of_its_size() {
    let choices = format!("{{{}}}", vec!["{a,b}{c,d}"; 5_000].join(","));
    let glob = Glob::new(&choices).unwrap();
    assert!(glob.program.size() < 2 * choices.len());
    assert!(glob.is_match(b"bc"));
    assert!(!glob.is_match(b"bb"));
}

#[test]
fn the_numbers_of_captures_and_of_their_repetitions_are_bounded() {
    let many = (0..33).map(|index| format!("{{a{index}}}")).collect::<Vec<_>>().join("/");
    assert_eq!(*Glob::with_captures(&many).unwrap_err().problem(), Problem::TooManyCaptures);
    let twice = "{a}{b}{c}{d}/{a}{b}{c}{d}";
    assert_eq!(*Glob::with_captures(twice).unwrap_err().problem(), Problem::TooManyRepeated);
}
