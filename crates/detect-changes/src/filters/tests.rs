use super::*;
use crate::changes::File;

fn read(yaml: &str) -> Vec<Filter> {
    Filter::read_all(yaml.as_bytes(), "filters", Quantifier::Some).unwrap()
}

fn problems(yaml: &str) -> String {
    let problems = Filter::read_all(yaml.as_bytes(), "filters.yml", Quantifier::Some).unwrap_err();
    let lines = problems.0.iter().map(|problem| {
        let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{place}: {} ({})", problem.what, problem.help.as_deref().unwrap_or_default())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn matches(filter: &Filter, status: Status, path: &str) -> bool {
    let file = File { path: path.as_bytes(), is_plain: true };
    filter.matching(&Change { file, status, id: None }).is_some()
}

#[test]
fn the_forms_of_a_filter_are_read() {
    let filters = read(
        "shared: &shared\n  - common/**\n  - [libs/**, 'config/*.json']\nsrc: src/**\nboth:\n  - *shared\n  - \
         Added | modified : [a/**, [b/**]]\n    deleted: c/**\n",
    );
    assert_eq!(filters.iter().map(|filter| &*filter.name).collect::<Vec<_>>(), ["shared", "src", "both"]);
    assert!(matches(&filters[0], Status::Deleted, "config/x.json"));
    assert!(matches(&filters[1], Status::Added, "src/x"));
    assert!(!matches(&filters[1], Status::Added, "srcs/x"));
    let both = &filters[2];
    assert!(matches(both, Status::Deleted, "libs/x"));
    assert!(matches(both, Status::Added, "b/x"));
    assert!(!matches(both, Status::Deleted, "b/x"));
    assert!(matches(both, Status::Deleted, "c/x"));
    assert!(!matches(both, Status::Modified, "c/x"));
}

#[test]
fn a_changed_type_is_a_modification() {
    let filters = read("any: {modified: a}\nonly: {type-changed: a}\nnone: {renamed|copied|unmerged: a}\n");
    let of = |status| filters.iter().map(|filter| matches(filter, status, "a")).collect::<Vec<_>>();
    assert_eq!(of(Status::TypeChanged), [true, true, false]);
    assert_eq!(of(Status::Modified), [true, false, false]);
    assert_eq!(of(Status::Added), [false, false, false]);
}

#[test]
fn some_is_any_rule_and_every_is_all() {
    let yaml = b"docs: ['docs/**', '!**/*.png']";
    let some = &Filter::read_all(yaml, "", Quantifier::Some).unwrap()[0];
    let every = &Filter::read_all(yaml, "", Quantifier::Every).unwrap()[0];
    for (path, by_some, by_every) in [
        ("docs/a.md", true, true),
        ("docs/a.png", true, false),
        ("src/a.rs", true, false),
        ("a.png", false, false),
    ] {
        assert_eq!(
            (matches(some, Status::Added, path), matches(every, Status::Added, path)),
            (by_some, by_every),
            "{path}"
        );
    }
}

#[test]
fn some_with_excludes_takes_files_out_again() {
    let quantifier = Quantifier::SomeWithExcludes;
    let read = |yaml: &str| Filter::read_all(yaml.as_bytes(), "filters.yml", quantifier);
    let filters =
        read("docs: ['docs/**', '!**/*.png', 'docs/a.png']\nnew: {added: ['**', '!src/**']}\n").unwrap();
    for (path, docs) in [("docs/a.md", true), ("docs/a.png", false), ("src/a.rs", false)] {
        assert_eq!(matches(&filters[0], Status::Modified, path), docs, "{path}");
    }
    assert!(matches(&filters[1], Status::Added, "docs/a"));
    assert!(!matches(&filters[1], Status::Added, "src/a"));
    assert!(!matches(&filters[1], Status::Modified, "docs/a"));
    let problems = read("a: ['!x']\n").unwrap_err();
    assert_eq!(problems.0[0].what, "the filter \"a\" only takes files out");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    insta::assert_snapshot!(problems("a: {addded: x}\nb: {'|': x}\nc: {whatever: x}\n"), @r##"
filters.yml:1:5: unknown status "addded" (did you mean "added"?)
filters.yml:2:5: a status is missing (write one of added, modified, deleted, type-changed, renamed, copied, unmerged)
filters.yml:3:5: unknown status "whatever" (write one of added, modified, deleted, type-changed, renamed, copied, unmerged)
"##);
    insta::assert_snapshot!(problems("a: []\n"), @r##"filters.yml:1:1: the filter "a" has no pattern (write `**` to match every file)"##);
    insta::assert_snapshot!(problems("a: {added: []}\n"), @r##"filters.yml:1:5: the status "added" has no pattern (write `**` to match every file)"##);
    insta::assert_snapshot!(problems("a: ['x/**', '']\nb: '{a,b'\n"), @r##"
filters.yml:1:13: glob "", byte 0: the pattern is empty; write `**` to match every path ()
filters.yml:2:4: glob "{a,b", byte 0: `{` is never closed; close it with `}`, or write `\{` for the character ()
"##);
    insta::assert_snapshot!(problems("a: {added: {deleted: x}}\n"), @"filters.yml:1:12: a status stands below a status (write patterns below a status, several statuses as `added|modified`)");
    insta::assert_snapshot!(problems("a:\n  - 12\n"), @r##"filters.yml:2:5: expected a pattern, a list of patterns, or `status: pattern`, found "12" (see https://github.com/dorny/paths-filter#filter-rules-syntax)"##);
    insta::assert_snapshot!(problems("a:\nb: [x, !y/**, ~]\nc: {added: [!y/**]}\n"), @r##"
filters.yml:1:2: a pattern is missing (write one; a pattern that starts with `!` or `*` stands in quotes)
filters.yml:2:13: a pattern is missing (write one; a pattern that starts with `!` or `*` stands in quotes)
filters.yml:2:15: a pattern is missing (write one; a pattern that starts with `!` or `*` stands in quotes)
filters.yml:3:18: a pattern is missing (write one; a pattern that starts with `!` or `*` stands in quotes)
"##);
    insta::assert_snapshot!(problems("- a\n"), @"filters.yml:1:1: expected a mapping, found a list (see https://github.com/dorny/paths-filter#filter-rules-syntax)");
    insta::assert_snapshot!(problems("a: x\na: y\n"), @r##"filters.yml:2:1: the key "a" is given twice, first at 1:1 (see https://github.com/dorny/paths-filter#filter-rules-syntax)"##);
    insta::assert_snapshot!(problems("# nothing\n"), @"filters.yml:1:1: the file is empty (see https://github.com/dorny/paths-filter#filter-rules-syntax)");
}

#[test]
fn anchors_that_unfold_without_end_are_refused() {
    let bomb = (1..12).fold("a0: &a0 [x, x, x, x]\n".to_owned(), |bomb, level| {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("{bomb}a{level}: &a{level} [{inner}]\n")
    });
    insta::assert_snapshot!(problems(&bomb), @"filters.yml:6:25: the aliases of the file unfold to too much (see https://github.com/dorny/paths-filter#filter-rules-syntax)");
}

/// What picomatch 2.3 and js-yaml 4 make of the same filters, as dorny/paths-filter asks them: a line holds the
/// quantifier, the status, the path and the filters that match.
#[test]
fn forms_that_are_in_use_mean_what_they_mean_to_paths_filter() {
    let read = |quantifier| Filter::read_all(include_bytes!("forms.yml"), "forms.yml", quantifier).unwrap();
    let (some, every) = (read(Quantifier::Some), read(Quantifier::Every));
    for line in include_str!("forms.tsv").lines() {
        let [quantifier, status, path, expected] = *line.split('\t').collect::<Vec<_>>() else {
            panic!("{line}")
        };
        let status = Status::ALL.into_iter().find(|known| known.as_str() == status).unwrap();
        let filters = if quantifier == "every" { &every } else { &some };
        let matching: Vec<&str> = filters
            .iter()
            .filter(|filter| matches(filter, status, path))
            .map(|filter| &*filter.name)
            .collect();
        assert_eq!(matching.join(" "), expected, "{quantifier} {path}");
    }
}
