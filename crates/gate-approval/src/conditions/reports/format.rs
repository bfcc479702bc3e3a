//! Which tool's report a file is.
//!
//! The name of a file says nothing: its content decides. Each format has keys that every report of it
//! holds; a file with the keys of two formats is refused, and so is one with those of none.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use sluice_gate::reports::Report;

use super::{
    checkov, cobertura, conftest, grype, junit, k6, lcov, sarif, silent::Silent, trivy, trufflehog, xml,
};

type Reader = fn(&[u8]) -> Result<Report, Silent>;

/// Its name, how it is told from others, and what reads it.
type Format = (&'static str, fn(&Shape) -> bool, Reader);

/// Reads a report of any format.
pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    // Some tools on Windows write a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.trim_ascii_start().first() {
        None => Err(Silent::Empty),
        Some(b'{' | b'[') => json(bytes)?(bytes),
        Some(b'<') => markup(bytes)?(bytes),
        Some(_) if lcov::is_one(bytes) => lcov::read(bytes),
        Some(_) => Err(Silent::Unrecognised),
    }
}

/// The reader of a file of JSON.
fn json(bytes: &[u8]) -> Result<Reader, Silent> {
    let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Shape>();
    let first = match documents.next() {
        Some(Ok(shape)) => shape,
        Some(Err(error)) => return Err(Silent::json("JSON", &error)),
        None => return Err(Silent::Empty),
    };
    let formats: [Format; 7] = [
        (sarif::NAME, |shape| shape.has(&["runs"]), sarif::read),
        (trivy::NAME, |shape| shape.has(&["SchemaVersion", "ArtifactName"]), trivy::read),
        (grype::NAME, |shape| shape.has(&["matches", "descriptor"]), grype::read),
        (
            checkov::NAME,
            |shape| {
                shape.all_have(&["check_type", "results"])
                    || shape.has(&["checkov_version", "resource_count"])
            },
            checkov::read,
        ),
        (conftest::NAME, |shape| shape.is_list_of(&["filename", "namespace"]), conftest::read),
        (
            trufflehog::NAME,
            |shape| shape.has(&["SourceMetadata", "DetectorName"]) || shape.has(&["level", "ts", "msg"]),
            trufflehog::read,
        ),
        (k6::NAME, |shape| shape.has(&["metrics", "root_group"]), k6::read),
    ];
    let mut fitting = formats.into_iter().filter(|(_, fits, _)| fits(&first));
    match (fitting.next(), fitting.next()) {
        (None, _) => Err(Silent::Unrecognised),
        (Some((_, _, reader)), None) => Ok(reader),
        (Some((one, ..)), Some((other, ..))) => Err(Silent::Ambiguous(one, other)),
    }
}

/// The reader of a file of XML: the name of the outermost element decides.
fn markup(bytes: &[u8]) -> Result<Reader, Silent> {
    match xml::root(bytes)?.as_str() {
        "testsuites" | "testsuite" => Ok(junit::read),
        "coverage" => Ok(cobertura::read),
        _ => Err(Silent::Unrecognised),
    }
}

/// The outermost keys of a document, and of the objects in an outermost list.
enum Shape {
    Object(BTreeSet<String>),
    List(Vec<Shape>),
    Other,
}

impl Shape {
    fn has(&self, keys: &[&str]) -> bool {
        matches!(self, Self::Object(own) if keys.iter().all(|key| own.contains(*key)))
    }

    /// An object with these keys, or a list of such.
    fn all_have(&self, keys: &[&str]) -> bool {
        self.has(keys) || self.is_list_of(keys)
    }

    fn is_list_of(&self, keys: &[&str]) -> bool {
        matches!(self, Self::List(items) if !items.is_empty() && items.iter().all(|item| item.has(keys)))
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor { is_outermost: true })
    }
}

struct ShapeVisitor {
    is_outermost: bool,
}

impl<'de> serde::de::DeserializeSeed<'de> for ShapeVisitor {
    type Value = Shape;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            // Two values for one key: readers differ in which one they mean.
            if let Some(twice) = keys.replace(key) {
                return Err(A::Error::custom(format_args!(
                    "duplicate field `{}`",
                    super::silent::cut(&twice)
                )));
            }
        }
        Ok(Shape::Object(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        if !self.is_outermost {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Shape::Other);
        }
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Self { is_outermost: false })? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Other)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> String {
        match read(text.as_bytes()) {
            Ok(report) => report.to_string(),
            Err(silent) => silent.to_string(),
        }
    }

    #[test]
    fn what_a_file_is_is_read_from_its_content() {
        let told: Vec<String> = [
            "", " \n\t", "\u{feff}", "null", "true", "hello", "PK\u{3}\u{4}", "# a comment\nversion: 1",
            "{}", "[]", "[[]]", "[1, {}]", "[null]",
            r#"{"SchemaVersion": 2}"#,
            r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#,
            r#"{"version": "1.0.0", "results": {"metrics": []}}"#,
            r#"{"level": "info", "msg": "hello"}"#,
            r#"{"SchemaVersion": 2, "ArtifactName": "a", "Results": [], "version": "2.1.0", "runs": []}"#,
            r#"{"matches": [], "descriptor": {"name": "grype"}, "check_type": "terraform", "results": {}}"#,
            r#"[{"check_type": "a", "results": {}, "filename": "b", "namespace": "c", "successes": 1}]"#,
            r#"[{"check_type": "a", "results": {}}, {"filename": "b", "namespace": "c", "successes": 1}]"#,
            r#"{"runs": [], "runs": []}"#,
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": []}]} {"runs": []}"#,
            r#"{"version": "2.1.0", "runs": ["#,
            "<html><body>Not found</body></html>", "<report name='jacoco'/>", "<", "<?xml version='1.0'?>",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><testsuite><testcase/></testsuite>",
            "<testsuite><testcase/></testsuite>", "<coverage clover='1'/>",
            "TN:\nSF:a\nDA:1,1\nDA:2,0\nend_of_record\n",
        ]
        .iter()
        .map(|text| format!("{}: {}", super::super::silent::cut(text).escape_debug(), name(text)))
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r##"
: is empty
: is empty
\u{feff}: is empty
null: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
true: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
hello: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
PK\u{3}\u{4}: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
# a comment: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
{}: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
[]: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
[[]]: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
[1, {}]: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
[null]: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
{\"SchemaVersion\": 2}: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"1.6\"}: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
{\"version\": \"1.0.0\", \"results\": {\"metrics\": []}}: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
{\"level\": \"info\", \"msg\": \"hello\"}: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
{\"SchemaVersion\": 2, \"ArtifactName\": \"a\", \"Results\": [], \"version\": \"2.1.0\", \"runs\": []}: can be read in two ways, as SARIF 2.1.0 and as Trivy JSON
{\"matches\": [], \"descriptor\": {\"name\": \"grype\"}, \"check_type\": \"terraform\", \"results\": {}}: can be read in two ways, as Grype JSON and as Checkov JSON
[{\"check_type\": \"a\", \"results\": {}, \"filename\": \"b\", \"namespace\": \"c\", \"successes\": 1}]: can be read in two ways, as Checkov JSON and as conftest JSON
[{\"check_type\": \"a\", \"results\": {}}, {\"filename\": \"b\", \"namespace\": \"c\", \"successes\": 1}]: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
{\"runs\": [], \"runs\": []}: is no JSON: duplicate field `runs` at line 1 column 24
{\"version\": \"2.1.0\", \"runs\": [{\"tool\": {\"driver\": {\"name\": \"a\"}}, \"results\": []}]} {\"runs\": []}: is no SARIF 2.1.0: trailing characters at line 1 column 84
{\"version\": \"2.1.0\", \"runs\": [: is cut off: EOF while parsing a list at line 1 column 30
<html><body>Not found</body></html>: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
<report name=\'jacoco\'/>: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
<: is cut off: tag not closed: `>` not found before end of input
<?xml version=\'1.0\'?>: is no XML: it has no element
<!DOCTYPE x [<!ENTITY a \'b\'>]><testsuite><testcase/></testsuite>: is no XML: its document type defines things of its own, as entities
<testsuite><testcase/></testsuite>: 1 ran, 0 failed, 0 skipped
<coverage clover=\'1\'/>: is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
TN:: 50 % of 2 lines covered
"##);
    }

    #[test]
    fn a_file_as_deep_as_it_is_long_is_refused() {
        for text in ["[".repeat(100_000), "{\"runs\":".repeat(100_000), "<a>".repeat(100_000)] {
            assert!(read(text.as_bytes()).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_are_taken_for_a_report(bytes in prop::collection::vec(any::<u8>(), 0..200), start in prop::sample::select(vec!["", "{", "[{", "<testsuite>", "<coverage line-rate='1'>", "SF:a\n", "{\"runs\":["])) {
            let bytes = [start.as_bytes(), &bytes].concat();
            prop_assert!(read(&bytes).is_err());
        }
    }
}
