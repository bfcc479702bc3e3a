//! Errors as people need them: what, why, what to do, where.

use crate::{Place, Verdict};

/// One thing that keeps a run from its answer.
///
/// ```
/// use sluice_core::Problem;
/// let problem = Problem::misconfigured("no environment is called \"prd\"")
///     .why("the configuration names dev, staging, prod")
///     .help("did you mean \"prod\"?");
/// assert_eq!(problem.to_string(), "no environment is called \"prd\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How the run ends because of it.
    pub verdict: Verdict,
    /// One line: what is wrong.
    pub what: String,
    /// One line: the cause.
    pub why: Option<String>,
    /// One line: what to do now.
    pub help: Option<String>,
    /// Where it stands.
    pub place: Option<Place>,
}

impl Problem {
    fn new(verdict: Verdict, what: impl Into<String>) -> Self {
        Self { verdict, what: what.into(), why: None, help: None, place: None }
    }

    /// An input or the configuration is wrong (exit code 2).
    pub fn misconfigured(what: impl Into<String>) -> Self {
        Self::new(Verdict::Misconfigured, what)
    }

    /// The answer could not be found out (exit code 3).
    pub fn undecided(what: impl Into<String>) -> Self {
        Self::new(Verdict::Undecided, what)
    }

    /// The answer is no (exit code 1).
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Verdict::Failed, what)
    }

    /// Adds the cause.
    #[must_use]
    pub fn why(mut self, why: impl std::fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds where it stands.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}

/// Several problems found in one reading; never empty when returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// `Ok(value)` when there is no problem.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// All values, where none of them is a problem; else all problems.
    pub fn all<T>(results: impl IntoIterator<Item = Result<T, Problem>>) -> Result<Vec<T>, Self> {
        let mut problems = Self::default();
        let mut values = Vec::new();
        for result in results {
            match result {
                Ok(value) => values.push(value),
                Err(problem) => problems.0.push(problem),
            }
        }
        problems.or(values)
    }

    /// The problems that an error of any kind amounts to.
    ///
    /// An error that no one gave a verdict is undecided: a run never answers "no" because of a fault.
    pub(crate) fn of(error: anyhow::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(problems) => return problems,
            Err(error) => error,
        };
        match error.downcast::<Problem>() {
            Ok(problem) => problem.into(),
            Err(error) => {
                let mut problem = Problem::undecided(error.to_string());
                let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
                if !causes.is_empty() {
                    problem = problem.why(causes.join(": "));
                }
                problem.into()
            }
        }
    }

    pub(crate) fn worst(&self) -> Verdict {
        self.0.iter().map(|problem| problem.verdict).max().unwrap_or(Verdict::Undecided)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The name among `known` that a typo most likely meant.
///
/// Nothing when none is near: a wrong guess costs more than none.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(3) / 3)
        // A name of one letter is near to no other.
        .filter(|(distance, name)| *distance < name.chars().count().max(word.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_without_a_verdict_is_undecided() {
        let error = anyhow::anyhow!("disk full").context("could not read the tree");
        let problems = Problems::of(error);
        assert_eq!(problems.worst(), Verdict::Undecided);
        assert_eq!(problems.0[0].what, "could not read the tree");
        assert_eq!(problems.0[0].why.as_deref(), Some("disk full"));
    }

    #[test]
    fn a_problem_keeps_its_verdict_through_context() {
        let error: anyhow::Error = Problem::failed("no").into();
        assert_eq!(Problems::of(error).worst(), Verdict::Failed);
        let wrapped = Err::<(), _>(Problem::failed("no")).context("while asking").unwrap_err();
        assert_eq!(Problems::of(wrapped).worst(), Verdict::Failed);
    }

    #[test]
    fn a_typo_finds_its_name_and_a_stranger_does_not() {
        let known = ["paths", "shared", "needs"];
        assert_eq!(nearest("pathz", known), Some("paths"));
        assert_eq!(nearest("Shraed", known), Some("shared"));
        assert_eq!(nearest("environment", known), None);
        assert_eq!(nearest("d", ["a", "b"]), None);
    }
}
