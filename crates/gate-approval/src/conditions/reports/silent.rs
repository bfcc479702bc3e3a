//! Why a report tells nothing.

/// Why a report tells nothing. Displayed after the report's name: "a.json is empty".
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Silent {
    #[error("is empty")]
    Empty,
    #[error("is cut off: {0}")]
    Cut(String),
    #[error("is no {0}: {1}")]
    Malformed(&'static str, String),
    #[error(
        "is in no format that is read (SARIF, Trivy, Grype, Checkov, conftest, TruffleHog, JUnit, Cobertura, LCOV, k6)"
    )]
    Unrecognised,
    #[error("can be read in two ways, as {0} and as {1}")]
    Ambiguous(&'static str, &'static str),
    #[error("tells nothing: {0}")]
    Nothing(String),
}

impl Silent {
    /// Why bytes that should be of this format can't be read.
    pub(super) fn json(format: &'static str, error: &serde_json::Error) -> Self {
        if error.is_eof() { Self::Cut(error.to_string()) } else { Self::Malformed(format, error.to_string()) }
    }
}

/// The start of a text, on one line: a line of evidence has room for no more.
pub(super) fn cut(text: &str) -> String {
    const LONGEST: usize = 100;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// `file:line`, as far as it is told.
pub(super) fn location(file: Option<&str>, line: Option<u64>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{}:{line}", cut(file)),
        (Some(file), None) => cut(file),
        (None, _) => "(no file)".to_owned(),
    }
}
