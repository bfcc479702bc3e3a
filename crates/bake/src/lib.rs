//! Measure, judge, draw: whether a new version stays healthy.
//!
//! A [`Bake`] is made from a `bake` section of the configuration, with every mistake in it told at its place.
//! [`Bake::watch`] measures until the answer is certain, into a [`Course`], which is there however the work ends:
//!
//! ```no_run
//! # fn run(section: &sluice_config::Bake, client: sluice_http::Client, cx: &sluice_core::Context)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use sluice_bake::{Bake, Course, Given};
//!
//! let given = Given { file: ".github/sluice.yml", region: None, variables: &[] };
//! let bake = Bake::new(section, given, client, cx)?;
//! let mut course = Course::new(&bake);
//! let interrupted = cx.block_on(bake.watch(cx, &mut course)).err();
//! # let _ = interrupted;
//! let report = course.draft(None);
//! let picture = course.svg();
//! # Ok(())
//! # }
//! ```
//!
//! # What a caller may rely on
//!
//! - **No data is never success.** An empty answer, `NaN`, a division by zero, too few requests, an alarm without data:
//!   each makes a measurement inconclusive. A metric without one measurement that is well never passes.
//! - **Judging asks nobody.** What is asked and what is made of it are apart; the latter is held by properties.
//! - **One bad answer is shown, not repeated.** A question that can't be asked now counts as an error among the
//!   measurements; one that can never be answered (a query that can't be read, an alarm that is not there) ends the
//!   bake at once.
//! - **Every measurement is said** with its queries as they were asked; values of variables can't break out of a query.
//!
//! # How it is laid out
//!
//! `plan` reads the section, `variables` fills its queries in; `watch` asks the `sources`, `prometheus` and
//! `cloudwatch`, each `query`; `judge` makes a judgement of one measurement, `limits` a status of many; `course` keeps
//! them; `report`, `spark` and `svg` draw them, with numbers by `unit`.

mod cloudwatch;
mod course;
mod judge;
mod limits;
mod plan;
mod prometheus;
mod query;
mod report;
mod sources;
mod spark;
mod svg;
mod unit;
mod variables;
mod watch;

pub use self::{
    course::{Asked, Course, Measurement, Track},
    limits::{Limits, Phase, Status},
    plan::{Bake, Given},
};
