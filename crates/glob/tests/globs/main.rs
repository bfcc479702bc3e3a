//! What users of globs rely on, one test a promise; and picomatch's own table.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod conformance;

use sluice_glob::{Glob, Problem};

/// Which of the paths match.
fn matching<'p>(pattern: &str, paths: &[&'p str]) -> Vec<&'p str> {
    let glob = Glob::new(pattern).unwrap();
    paths.iter().copied().filter(|path| glob.is_match(path.as_bytes())).collect()
}

/// The captures as text.
fn captured(pattern: &str, path: &str) -> Option<String> {
    let glob = Glob::with_captures(pattern).unwrap();
    let captures = glob.captures(path.as_bytes());
    assert_eq!(captures.is_some(), glob.is_match(path.as_bytes()), "{pattern} {path}");
    let held: Vec<String> =
        captures?.iter().map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value))).collect();
    Some(held.join(" "))
}

#[test]
fn a_folder_with_globstar_matches_itself_and_all_below() {
    let paths = ["docs", "docs/", "docs/a", "docs/a/b", "docsa", "a/docs/b", "Docs/a"];
    assert_eq!(matching("docs/**", &paths), ["docs", "docs/", "docs/a", "docs/a/b"]);
    assert_eq!(matching("./docs/**", &paths), ["docs", "docs/", "docs/a", "docs/a/b"]);
    assert_eq!(matching("/docs/**", &paths), [""; 0]);
    assert_eq!(matching("docs", &paths), ["docs"]);
    assert_eq!(matching("docs/", &paths), ["docs/"]);
}

#[test]
fn hidden_names_match() {
    let paths = [".github/workflows/ci.yml", "a/.b"];
    assert_eq!(matching("**", &paths), paths);
    assert_eq!(matching("*/*", &paths), ["a/.b"]);
}

#[test]
fn a_caret_negates_a_class_and_an_exclamation_mark_does_not() {
    assert_eq!(matching("[!a]", &["a", "b", "!"]), ["a", "!"]);
    assert_eq!(matching("[^a]", &["a", "b", "!"]), ["b", "!"]);
    assert_eq!(matching("[[:]", &["[", ":", "a"]), ["[", ":"], "no POSIX class");
}

#[test]
fn groups_braces_and_ranges() {
    let paths = ["a", "b", "ab", "aa", "c", "1", "3", "4"];
    assert_eq!(matching("{a,b}", &paths), ["a", "b"]);
    assert_eq!(matching("+(a|b)", &paths), ["a", "b", "ab", "aa"]);
    assert_eq!(matching("!(a|b)", &paths), ["ab", "aa", "c", "1", "3", "4"]);
    assert_eq!(matching("@(a)?(b)", &paths), ["a", "ab"]);
    assert_eq!(matching("{1..3}", &paths), ["1", "3"]);
    assert_eq!(matching("+(+(+(a)))", &paths), ["a", "aa"]);
    assert_eq!(matching("!(*.test).ts", &["a.ts", "a.test.ts", "a.js"]), ["a.ts"]);
}

#[test]
fn a_range_keeps_the_text_around_it() {
    assert_eq!(matching("v{1..3}/a.js", &["v1/a.js", "v4/a.js", "v1/.js"]), ["v1/a.js"]);
}

#[test]
fn a_name_may_hold_any_bytes() {
    for name in [&b"a\nb"[..], b"\n", b"\xff\xfe", b"caf\xc3\xa9", b"a\r", b"a\xe2\x80\xa8b"] {
        for pattern in ["**", "*", "dir/**", "dir/*", "**/*", "d*r/**", "{dir,x}/**", "!x"] {
            let path = if pattern.contains('d') { [b"dir/", name].concat() } else { name.to_vec() };
            assert!(Glob::new(pattern).unwrap().is_match(&path), "{pattern} {}", path.escape_ascii());
        }
    }
}

#[test]
fn a_question_mark_is_one_character() {
    let one = Glob::new("x?").unwrap();
    for (path, expected) in [
        (&b"x\xc3\xa9"[..], true),
        (b"x\xff", true),
        (b"x\xf0\x9f\x98\x80", true),
        (b"x\xff\xff", false),
        (b"x", false),
    ] {
        assert_eq!(one.is_match(path), expected, "{}", path.escape_ascii());
    }
    assert!(!Glob::new("*???").unwrap().is_match("\u{1f600}".as_bytes()));
    assert!(Glob::new("[à-ï]").unwrap().is_match("é".as_bytes()));
}

#[test]
fn a_leading_exclamation_mark_turns_the_answer_around() {
    let glob = Glob::new("!docs/**").unwrap();
    assert!(glob.is_negated());
    assert!(glob.is_match(b"src/a") && !glob.excludes(b"src/a"));
    assert!(!glob.is_match(b"docs/a") && glob.excludes(b"docs/a"));
    let plain = Glob::new("docs/**").unwrap();
    assert!(!plain.is_negated() && !plain.excludes(b"docs/a"));
    assert!(!Glob::new("!!docs/**").unwrap().is_negated());
    assert!(!Glob::new("!(docs)/**").unwrap().is_negated());
}

#[test]
fn the_empty_path_matches_nothing() {
    for pattern in ["**", "*", "!a", "*(a)", "{,a}"] {
        assert!(!Glob::new(pattern).unwrap().is_match(b""), "{pattern}");
        assert!(Glob::new(pattern).unwrap().captures(b"").is_none(), "{pattern}");
    }
}

#[test]
fn captures_hold_parts_of_segments() {
    let layers = "regions/{region}/layers/03-databases/{environment}/clients/{client}/**";
    assert_eq!(
        captured(layers, "regions/eu-west-1/layers/03-databases/dev/clients/acme/main.tf").unwrap(),
        "region=eu-west-1 environment=dev client=acme"
    );
    assert_eq!(captured(layers, "regions/eu-west-1/layers/03-databases/dev/clients"), None);
    assert_eq!(captured("a/{name}/c", "a//c"), None, "at least one character");
    assert_eq!(captured("a/{name}", "a/b/c"), None, "no slash");
    assert_eq!(captured("{name}.tf", "main.prod.tf").unwrap(), "name=main.prod");
    assert_eq!(captured("docs/**", "docs/a").unwrap(), "", "no captures, but a match");
    assert_eq!(captured("a(b/{name}", "a(b/c").unwrap(), "name=c", "a lone `(` is plain text");
}

#[test]
fn captures_take_much_and_globs_take_little_from_left_to_right() {
    assert_eq!(captured("{service}-{env}", "payment-api-dev").unwrap(), "service=payment-api env=dev");
    assert_eq!(captured("**/{name}/**", "a/b/c").unwrap(), "name=a");
    assert_eq!(captured("*{rest}", "abc").unwrap(), "rest=abc");
    assert_eq!(captured("**/{dir}/*.{tf,json}", "x/y/a.json").unwrap(), "dir=y");
}

#[test]
fn a_name_that_occurs_twice_holds_the_same_bytes() {
    let glob = "services/{app}/{app}-{env}.yml";
    assert_eq!(captured(glob, "services/a-b/a-b-c-dev.yml").unwrap(), "app=a-b env=c-dev");
    assert_eq!(captured(glob, "services/a/b-dev.yml"), None);
    assert_eq!(captured("**/{a}/**/{a}/*.tf", "x/y/z/y/m.tf").unwrap(), "a=y");
    assert_eq!(captured("{a}{b}{a}", "xyzxy").unwrap(), "a=xy b=z");
    assert_eq!(captured("**/{a}/**/{a}/*.tf", "x/y/z/w/m.tf"), None);
}

#[test]
fn the_literal_prefix_is_of_whole_segments() {
    for (pattern, expected) in [
        ("docs/**", "docs"),
        ("./a/b/*.c", "a/b"),
        ("a/b*/c", "a"),
        ("a/b/c", "a/b/c"),
        ("a/b/", "a/b"),
        ("*.js", ""),
        ("**/a", ""),
        ("a/**/b", "a"),
        ("a+b/@c/*", "a+b/@c"),
        (r"a/\*b/c/*", "a"),
        ("!docs/**", ""),
        ("a/{b,c}/d", "a"),
        ("a|b/c(d)", ""),
    ] {
        assert_eq!(Glob::new(pattern).unwrap().literal_prefix(), expected, "{pattern}");
    }
    let captured = Glob::with_captures("regions/{region}/**").unwrap();
    assert_eq!(
        (captured.literal_prefix(), captured.capture_names()),
        ("regions", &["region".to_owned()][..])
    );
}

#[test]
fn braces_with_a_name_are_plain_text_without_captures() {
    assert_eq!(matching("a/{name}", &["a/{name}", "a/b"]), ["a/{name}"]);
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    for (refused, expected) in [
        (Glob::new(""), r#"glob "", byte 0: the pattern is empty; write `**` to match every path"#),
        (
            Glob::new("a/{b"),
            r#"glob "a/{b", byte 2: `{` is never closed; close it with `}`, or write `\{` for the character"#,
        ),
        (
            Glob::new("src/+(a"),
            r#"glob "src/+(a", byte 4: `+(` is never closed; close it with `)`, or write `\(` for the character"#,
        ),
        (Glob::new("[z-a]"), r#"glob "[z-a]", byte 0: the range `z-a` runs backwards; write `a-z`"#),
        (
            Glob::new("{../a,b}"),
            r#"glob "{../a,b}", byte 0: `..` in braces makes a range of two plain ends, as in `{1..3}`; write `\.` for a dot, or a choice without `..`"#,
        ),
        (
            Glob::new("(*+)"),
            r#"glob "(*+)", byte 2: nothing before `+` can repeat; write `\+` for the character"#,
        ),
        (
            Glob::new("(a|+b)"),
            r#"glob "(a|+b)", byte 3: nothing before `+` can repeat; write `\+` for the character"#,
        ),
        (
            Glob::new(r"(a)/\1"),
            r#"glob "(a)/\1", byte 4: a backslash before a digit would refer back to a group, which is not supported; leave the backslash out, or use the same `{name}` twice where captures are allowed"#,
        ),
        (
            Glob::new("(?<!a)b"),
            r#"glob "(?<!a)b", byte 0: look-around, such as `(?=` and `(?<`, is not supported; use `!(...)` to exclude"#,
        ),
        (
            Glob::with_captures("a/{Region}"),
            r#"glob "a/{Region}", byte 2: `{Region}` is neither a capture (a lower-case letter, then `a-z`, `0-9`, `_`, `-`) nor a choice (`{a,b}`); write `\{` for the character"#,
        ),
        (
            Glob::with_captures("a/@({b}|c)"),
            r#"glob "a/@({b}|c)", byte 4: the capture `{b}` lies in a group, a choice or a negated pattern, where it might hold nothing; move it out, or write one pattern for each choice"#,
        ),
        (
            Glob::with_captures("a/{b}|c(d)"),
            r#"glob "a/{b}|c(d)", byte 0: the capture `{b}` lies in a group, a choice or a negated pattern, where it might hold nothing; move it out, or write one pattern for each choice"#,
        ),
        (
            Glob::with_captures("!a/{b}"),
            r#"glob "!a/{b}", byte 3: the capture `{b}` lies in a group, a choice or a negated pattern, where it might hold nothing; move it out, or write one pattern for each choice"#,
        ),
        (
            Glob::new("a\n/{b"),
            r#"glob "a\n/{b", byte 3: `{` is never closed; close it with `}`, or write `\{` for the character"#,
        ),
    ] {
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
    let long = Glob::new(&"a".repeat(70_000)).unwrap_err();
    assert_eq!((long.offset(), long.problem()), (Problem::MAX_LENGTH, &Problem::TooLong));
    assert!(long.to_string().len() < 300, "a long pattern is not shown whole");
    let deep = Glob::new(&format!("{}a{}", "(".repeat(70), ")".repeat(70))).unwrap_err();
    assert_eq!((deep.offset(), deep.problem()), (Problem::MAX_DEPTH, &Problem::TooDeep));
}
