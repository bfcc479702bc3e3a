//! Workflow commands: `::error file=app.js,line=1::message`.
//!
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>

use crate::{Place, Secret};

/// How loud an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warning,
}

/// The command that annotates a place, or the run when there is no place.
pub(crate) fn annotation(level: Level, title: &str, place: Option<&Place>, message: &str) -> String {
    let name = match level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let mut properties = Vec::new();
    if let Some(place) = place {
        properties.push(format!("file={}", property(&place.file)));
        properties.extend(place.line.map(|line| format!("line={line}")));
        properties.extend(place.column.map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{name} {}::{}", properties.join(","), data(message))
}

/// The commands that make the runner print `***` for a secret, one for each of its lines.
pub(crate) fn mask(secret: &Secret) -> Vec<String> {
    let value = secret.expose();
    let mut parts: Vec<&str> = value.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if !parts.contains(&value) && !value.trim().is_empty() {
        parts.push(value);
    }
    parts.into_iter().map(|part| format!("::add-mask::{}", data(part))).collect()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_escapes_what_would_forge_another() {
        let place = Place::at("a,b:\n::error::x.tf", 3, 7);
        assert_eq!(
            annotation(Level::Error, "gate: no", Some(&place), "100%\n::warning::y"),
            "::error file=a%2Cb%3A%0A%3A%3Aerror%3A%3Ax.tf,line=3,col=7,title=gate%3A no::100%25%0A::warning::y"
        );
        assert_eq!(annotation(Level::Warning, "t", None, "m"), "::warning title=t::m");
    }

    #[test]
    fn every_line_of_a_secret_is_masked() {
        assert_eq!(mask(&Secret::new("abc")), ["::add-mask::abc"]);
        assert_eq!(
            mask(&Secret::new("one\ntwo\n")),
            ["::add-mask::one", "::add-mask::two", "::add-mask::one%0Atwo%0A"]
        );
        assert!(mask(&Secret::new("\n")).is_empty());
    }
}
