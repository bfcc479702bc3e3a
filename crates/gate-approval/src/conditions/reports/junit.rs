//! Reading JUnit's XML, as test runners of all languages write it.
//!
//! There is no standard; what they have in common is told at <https://github.com/testmoapp/junitxml>. A
//! test that failed, and one that could not be run (`error`), counts once. Where the numbers of a suite
//! tell of more failures than its tests, the numbers count.

use sluice_gate::reports::{About, Report, Tests, Told};

use super::{
    silent::{Silent, cut},
    xml::{self, Element, Node},
};

pub(super) const NAME: &str = "JUnit XML";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let mut reader = Reader::default();
    xml::walk(bytes, |node| {
        match node {
            Node::Open(element) => reader.open(&element)?,
            Node::Close => reader.close(),
        }
        Ok(())
    })?;
    let Reader { mut tests, root, suites, .. } = reader;
    tests.failed = tests.failed.max(root).max(suites);
    if tests.ran == 0 && tests.failed == 0 {
        return Err(Silent::Nothing(match tests.skipped {
            0 => "it holds no test".to_owned(),
            skipped => format!("all of its {skipped} tests were skipped"),
        }));
    }
    Ok(Report { tools: Vec::new(), about: vec![About::default()], told: Told::Tests(tests) })
}

#[derive(Default)]
struct Reader {
    tests: Tests,
    /// The names of the elements that are open.
    open: Vec<String>,
    /// The test that is open.
    case: Option<Case>,
    /// How many failures the outermost element tells of.
    root: u64,
    /// How many the suites right below it tell of.
    suites: u64,
}

struct Case {
    name: String,
    is_skipped: bool,
    failure: Option<String>,
}

impl Reader {
    fn open(&mut self, element: &Element) -> Result<(), Silent> {
        let message = || cut(element.attribute("message").unwrap_or_default());
        match (element.name.as_str(), &mut self.case) {
            ("testsuites" | "testsuite", _) => {
                let failures = element.number("failures", NAME)?.unwrap_or_default();
                let errors = element.number("errors", NAME)?.unwrap_or_default();
                let told = failures.saturating_add(errors);
                match self.open.len() {
                    0 => self.root = told,
                    1 => self.suites = self.suites.saturating_add(told),
                    _ => {}
                }
            }
            ("testcase", Some(_)) => return Err(Silent::Malformed(NAME, "a test holds a test".to_owned())),
            ("testcase", None) => {
                let name = cut(element.attribute("name").unwrap_or("a test without a name"));
                let class = element.attribute("classname").filter(|class| !class.is_empty());
                self.case = Some(Case {
                    name: class.map_or_else(|| name.clone(), |class| format!("{} {name}", cut(class))),
                    // Google Test writes a disabled test so.
                    is_skipped: element.attribute("status") == Some("notrun"),
                    failure: None,
                });
            }
            ("failure" | "error", Some(case)) => {
                case.failure.get_or_insert_with(message);
            }
            // A suite that could not be set up.
            ("failure" | "error", None) => self.tests.fail(format!("a suite: {}", message())),
            ("skipped", Some(case)) => case.is_skipped = true,
            _ => {}
        }
        self.open.push(element.name.clone());
        Ok(())
    }

    fn close(&mut self) {
        if self.open.pop().as_deref() != Some("testcase") {
            return;
        }
        let Some(Case { name, is_skipped, failure }) = self.case.take() else { return };
        match failure {
            Some(message) => {
                self.tests.ran += 1;
                self.tests.fail(format!("{name}  {message}").trim_end().to_owned());
            }
            None if is_skipped => self.tests.skipped += 1,
            None => self.tests.ran += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests(text: &str) -> Result<Tests, String> {
        match read(text.as_bytes()).map_err(|silent| silent.to_string())?.told {
            Told::Tests(tests) => Ok(tests),
            other => panic!("{other:?}"),
        }
    }

    fn numbers(text: &str) -> (u64, u64, u64) {
        let tests = tests(text).unwrap();
        (tests.ran, tests.failed, tests.skipped)
    }

    #[test]
    fn tests_are_counted_once() {
        let text = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.034">
<testcase classname="test_a" name="test_one" time="0.001" />
<testcase classname="test_a" name="test_two" time="0.001"><failure message="assert 1 == 2">def test_two():&#10; assert 1 == 2</failure></testcase>
<testcase classname="test_a" name="test_three" time="0.000"><skipped type="pytest.skip" message="later">a</skipped></testcase>
<testcase classname="test_a" name="test_four" time="0.000"><error message="failed on setup">x</error><failure/></testcase>
</testsuite></testsuites>"#;
        assert_eq!(numbers(text), (3, 2, 1));
        assert_eq!(
            tests(text).unwrap().failures,
            ["test_a test_two  assert 1 == 2", "test_a test_four  failed on setup"]
        );
    }

    #[test]
    fn what_the_numbers_of_a_suite_tell_is_believed_when_it_is_worse() {
        assert_eq!(numbers(r#"<testsuite failures="3" errors="2"><testcase/></testsuite>"#), (1, 5, 0));
        assert_eq!(
            numbers(
                r#"<testsuites failures="1"><testsuite failures="2"><testcase/></testsuite><testsuite errors="2"/></testsuites>"#
            ),
            (1, 4, 0)
        );
        assert_eq!(
            numbers(
                r#"<testsuites><testsuite><testsuite failures="9"/><testcase><failure/></testcase></testsuite></testsuites>"#
            ),
            (1, 1, 0)
        );
        assert_eq!(
            numbers(r#"<testsuite failures="0"><testcase/><testcase><failure/></testcase></testsuite>"#),
            (2, 1, 0)
        );
        assert_eq!(numbers(r#"<testsuite><error message="no database"/></testsuite>"#), (0, 1, 0));
        assert_eq!(numbers(r#"<testsuites failures="2"/>"#), (0, 2, 0));
    }

    #[test]
    fn where_nothing_ran_nothing_is_told() {
        for (text, why) in [
            ("<testsuites/>", "tells nothing: it holds no test"),
            ("<testsuite tests='12'></testsuite>", "tells nothing: it holds no test"),
            (
                "<testsuite><testcase><skipped/></testcase><testcase status='notrun'/></testsuite>",
                "tells nothing: all of its 2 tests were skipped",
            ),
            (
                "<testsuite failures='many'><testcase/></testsuite>",
                "is no JUnit XML: `failures` of a <testsuite> is \"many\", no whole number",
            ),
            (
                "<testsuite failures='-1'><testcase/></testsuite>",
                "is no JUnit XML: `failures` of a <testsuite> is \"-1\", no whole number",
            ),
            (
                "<testsuite><testcase><testcase/></testcase></testsuite>",
                "is no JUnit XML: a test holds a test",
            ),
            ("<testsuite><testcase>", "is cut off: an element is not closed"),
        ] {
            assert_eq!(tests(text).unwrap_err(), why, "{text}");
        }
    }
}
