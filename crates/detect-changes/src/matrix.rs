//! Cells as entries of a job's matrix.

use std::rc::Rc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use sluice_core::{Problem, escape, nearest};

use crate::components::{COMPONENT, Cell, Component};

/// The dimension whose values are names of environments.
const ENVIRONMENT: &str = "environment";

/// A matrix of jobs: `strategy.matrix` takes it through `fromJSON`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Matrix {
    /// One entry a job. Several matrices share them.
    #[serde(serialize_with = "serialize")]
    pub include: Vec<Rc<Entry>>,
}

/// How many jobs GitHub makes of a matrix:
/// <https://docs.github.com/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations>
pub(crate) const MOST_JOBS: usize = 256;

fn serialize<S: Serializer>(include: &[Rc<Entry>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(include.iter().map(|entry| &**entry))
}

impl Matrix {
    /// The parts that a job can take each, where the whole is more than that; else none.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Self> {
        let include = if self.include.len() > MOST_JOBS { &*self.include } else { &[] };
        include.chunks(MOST_JOBS).map(|part| Self { include: part.to_vec() })
    }
}

/// One cell: `component`, and each dimension with its value.
pub type Entry = IndexMap<String, String>;

/// The entry of a cell that exists.
///
/// What it holds becomes the environment and the folder that a job works on, so it must be exact.
pub(crate) fn entry(
    component: &Component,
    cell: &Cell,
    environments: Option<&[String]>,
) -> Result<Entry, Problem> {
    for (dimension, value) in component.dimensions.iter().zip(cell) {
        let Ok(value) = std::str::from_utf8(value) else {
            let value = escape::bytes(value);
            return Err(Problem::misconfigured(format!("the {dimension} \"{value}\" can't be handed on"))
                .why("the name of its folder is not UTF-8")
                .help("rename the folder, or leave it out with a pattern that starts with `!`")
                .at(component.place.clone()));
        };
        let known = environments.filter(|_| dimension == ENVIRONMENT);
        let Some(known) = known.filter(|known| !known.iter().any(|name| name == value)) else { continue };
        let problem = Problem::misconfigured(format!("no environment is called \"{value}\""))
            .why(format!("a file of the component \"{}\" lies in a folder of that name", component.name))
            .at(component.place.clone());
        return Err(match nearest(value, known.iter().map(String::as_str)) {
            Some(meant) => problem.help(format!("did you mean \"{meant}\"? Else add it to `environments`")),
            None => problem.help("add it to `environments`, or leave the folder out with a pattern `!...`"),
        });
    }
    Ok(shown(component, cell))
}

/// The entry of a cell for people, and of one that is gone: bytes that are no UTF-8 are shown as `\xNN`.
pub(crate) fn shown(component: &Component, cell: &Cell) -> Entry {
    let name = (COMPONENT.to_owned(), component.name.clone());
    let values = cell.iter().map(|value| escape::bytes(value));
    std::iter::once(name).chain(component.dimensions.iter().cloned().zip(values)).collect()
}
