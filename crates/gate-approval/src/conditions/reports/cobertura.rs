//! Reading Cobertura's XML of line coverage, as coverage.py, gcovr and many others write it.
//!
//! <https://github.com/cobertura/cobertura/blob/master/cobertura/src/site/htdocs/xml/coverage-04.dtd>. The
//! lines are counted, and held against what the report says of itself: the lower of the two counts.

use std::collections::BTreeMap;

use sluice_gate::reports::{About, Coverage, Report, Told};

use super::{
    silent::{Silent, cut},
    xml::{self, Element, Node},
};

pub(super) const NAME: &str = "Cobertura XML";

pub(super) fn read(bytes: &[u8]) -> Result<Report, Silent> {
    let mut reader = Reader::default();
    xml::walk(bytes, |node| {
        match node {
            Node::Open(element) => reader.open(&element)?,
            Node::Close => drop(reader.open.pop()),
        }
        Ok(())
    })?;
    let lines = reader.lines.len() as u64;
    if lines == 0 {
        return Err(Silent::Nothing("it holds no line".to_owned()));
    }
    let counted = Coverage { covered: reader.lines.values().filter(|is_hit| **is_hit).count() as u64, lines };
    let told = reader.told.unwrap_or(counted);
    let coverage = if told.hundredths() < counted.hundredths() { told } else { counted };
    Ok(Report { tools: Vec::new(), about: vec![About::default()], told: Told::Coverage(coverage) })
}

#[derive(Default)]
struct Reader {
    /// The names of the elements that are open.
    open: Vec<String>,
    /// The file of the class that is open.
    file: String,
    /// Whether each line of each file was hit: one class may be told in several packages.
    lines: BTreeMap<(String, u64), bool>,
    /// What the report says of itself.
    told: Option<Coverage>,
}

impl Reader {
    fn open(&mut self, element: &Element) -> Result<(), Silent> {
        match element.name.as_str() {
            "coverage" if self.open.is_empty() => self.told = Some(told(element)?),
            "class" => element.attribute("filename").unwrap_or_default().clone_into(&mut self.file),
            // The lines of a class hold those of its methods.
            "line" if !self.open.iter().any(|name| name == "methods") => {
                let missing = |what: &str| Silent::Malformed(NAME, format!("a <line> has no `{what}`"));
                let number = element.number("number", NAME)?.ok_or_else(|| missing("number"))?;
                let hits = element.number("hits", NAME)?.ok_or_else(|| missing("hits"))?;
                *self.lines.entry((self.file.clone(), number)).or_default() |= hits > 0;
            }
            _ => {}
        }
        self.open.push(element.name.clone());
        Ok(())
    }
}

/// What the outermost element says. Clover's and Sonar's files begin as this one does, and lack the rate.
fn told(element: &Element) -> Result<Coverage, Silent> {
    let rate = element.attribute("line-rate").ok_or(Silent::Unrecognised)?;
    match (element.number("lines-covered", NAME)?, element.number("lines-valid", NAME)?) {
        (Some(covered), Some(lines)) if covered <= lines && lines > 0 => Ok(Coverage { covered, lines }),
        (Some(_), Some(lines)) if lines > 0 => {
            Err(Silent::Malformed(NAME, "it covers more lines than there are".to_owned()))
        }
        _ => match rate.trim().parse::<f64>() {
            Ok(rate) if (0.0..=1.0).contains(&rate) => {
                /// A rate is written with four to six digits.
                const MILLION: u64 = 1_000_000;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it lies between 0 and a million"
                )]
                let covered = (rate * 1e6).round() as u64;
                Ok(Coverage { covered, lines: MILLION })
            }
            _ => Err(Silent::Malformed(NAME, format!("`line-rate` is \"{}\", not from 0 to 1", cut(rate)))),
        },
    }
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

    fn of(attributes: &str, hits: &[u64]) -> String {
        let lines: Vec<String> = (1..)
            .zip(hits)
            .map(|(number, hits)| format!("<line number='{number}' hits='{hits}'/>"))
            .collect();
        let lines = lines.concat();
        format!(
            "<coverage {attributes}><packages><package><classes><class filename='a.py'><methods/><lines>{lines}</lines></class></classes></package></packages></coverage>"
        )
    }

    #[test]
    fn a_report_of_coverage_py_is_read() {
        let text = r#"<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>
<coverage version="7.10.1" timestamp="1760000000000" lines-valid="4" lines-covered="3" line-rate="0.75" branches-covered="0" branches-valid="0" branch-rate="0" complexity="0">
	<sources><source>/work</source></sources>
	<packages><package name="." line-rate="0.75" branch-rate="0" complexity="0"><classes>
		<class name="a.py" filename="a.py" complexity="0" line-rate="0.75" branch-rate="0">
			<methods><method name="f"><lines><line number="99" hits="0"/></lines></method></methods>
			<lines><line number="1" hits="1"/><line number="2" hits="1"/><line number="3" hits="12"/><line number="4" hits="0"/></lines>
		</class></classes></package></packages>
</coverage>"#;
        assert_eq!(coverage(text), Ok((3, 4)));
    }

    #[test]
    fn the_lower_of_what_is_counted_and_what_is_told_counts() {
        assert_eq!(coverage(&of("line-rate='1' lines-covered='10' lines-valid='10'", &[1, 0])), Ok((1, 2)));
        assert_eq!(coverage(&of("line-rate='1' lines-covered='1' lines-valid='10'", &[1, 1])), Ok((1, 10)));
        assert_eq!(coverage(&of("line-rate='0.5'", &[1, 1])), Ok((500_000, 1_000_000)));
        assert_eq!(coverage(&of("line-rate='0.6667'", &[1, 1, 0])), Ok((2, 3)));
        assert_eq!(coverage(&of("line-rate='1'", &[1, 1])), Ok((2, 2)));
    }

    #[test]
    fn a_line_that_is_told_twice_counts_once_and_was_hit_when_it_was_hit_once() {
        let class = |hits: u64| {
            format!("<class filename='a'><lines><line number='1' hits='{hits}'/></lines></class>")
        };
        let text =
            |first, second| format!("<coverage line-rate='1'>{}{}</coverage>", class(first), class(second));
        assert_eq!(coverage(&text(0, 1)), Ok((1, 1)));
        assert_eq!(coverage(&text(0, 0)), Ok((0, 1)));
    }

    #[test]
    fn what_tells_nothing_says_why() {
        let told: Vec<String> = [
            of("line-rate='1' lines-covered='0' lines-valid='0'", &[]),
            of("lines-covered='5' lines-valid='5'", &[1]),
            of("line-rate='1.5'", &[1]),
            of("line-rate='NaN'", &[1]),
            of("line-rate='-0.5'", &[1]),
            of("line-rate='1' lines-covered='11' lines-valid='10'", &[1]),
            of("line-rate='1' lines-covered='x' lines-valid='10'", &[1]),
            "<coverage line-rate='1'><class><lines><line number='1'/></lines></class></coverage>".to_owned(),
            "<coverage line-rate='1'><class><lines><line hits='1'/></lines></class></coverage>".to_owned(),
            "<coverage generated='1' clover='3.2.0'><project/></coverage>".to_owned(),
        ]
        .iter()
        .map(|text| coverage(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r##"
tells nothing: it holds no line
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
is no Cobertura XML: `line-rate` is "1.5", not from 0 to 1
is no Cobertura XML: `line-rate` is "NaN", not from 0 to 1
is no Cobertura XML: `line-rate` is "-0.5", not from 0 to 1
is no Cobertura XML: it covers more lines than there are
is no Cobertura XML: `lines-covered` of a <coverage> is "x", no whole number
is no Cobertura XML: a <line> has no `hits`
is no Cobertura XML: a <line> has no `number`
is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)
"##);
    }
}
