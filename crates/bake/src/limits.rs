//! When enough is known: many measurements of one metric become one status.
//!
//! The words and the counting are those of Argo Rollouts' `AnalysisRun`
//! (<https://argo-rollouts.readthedocs.io/en/stable/features/analysis/>,
//! <https://github.com/argoproj/argo-rollouts/blob/master/analysis/analysis.go>):
//!
//! - a metric *failed* when more measurements failed than `failure-limit`, is *inconclusive* when more were
//!   inconclusive than `inconclusive-limit`, and in *error* when more in a row were errors than
//!   `consecutive-error-limit`, looked at in this order;
//! - an error is no measurement: it counts for nothing else, and the bake goes on until it has measured `count` times;
//! - a metric that was measured `count` times without that is successful.
//!
//! Two things differ, since no data is never success: a metric without one successful measurement is inconclusive,
//! whatever the limits allow, and so is one that is stopped early (there: successful).

/// What one measurement showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is as it must be.
    Successful,
    /// It is not.
    Failed,
    /// There was too little to judge.
    Inconclusive,
    /// Nothing could be measured.
    Error,
}

/// How much is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many measurements make a whole.
    pub count: u32,
    /// How many may fail.
    pub failure: u32,
    /// How many may be inconclusive.
    pub inconclusive: u32,
    /// How many in a row may be errors.
    pub consecutive_error: u32,
}

/// Where a metric stands; what is worse is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Measured to the end, and well.
    Successful,
    /// Not measured to the end yet.
    Running,
    /// Too little to judge.
    Inconclusive,
    /// Not measurable.
    Error,
    /// Not as it must be.
    Failed,
}

impl Limits {
    /// Judges measurements in their order. The first status but [`Status::Running`] stands: what comes later changes
    /// nothing.
    pub fn assess(&self, phases: impl IntoIterator<Item = Phase>) -> Status {
        let (mut successful, mut failed, mut inconclusive, mut errors) = (0, 0, 0, 0);
        for phase in phases {
            let counter = match phase {
                Phase::Successful => &mut successful,
                Phase::Failed => &mut failed,
                Phase::Inconclusive => &mut inconclusive,
                Phase::Error => &mut errors,
            };
            *counter += 1;
            if phase != Phase::Error {
                errors = 0;
            }
            if failed > self.failure {
                return Status::Failed;
            }
            if inconclusive > self.inconclusive {
                return Status::Inconclusive;
            }
            if errors > self.consecutive_error {
                return Status::Error;
            }
            if successful + failed + inconclusive >= self.count {
                return if successful > 0 { Status::Successful } else { Status::Inconclusive };
            }
        }
        Status::Running
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Phase::{Error, Failed, Inconclusive, Successful};

    const LIMITS: Limits = Limits { count: 3, failure: 0, inconclusive: 0, consecutive_error: 4 };

    #[test]
    fn without_limits_the_first_that_fails_or_tells_nothing_ends_it() {
        assert_eq!(LIMITS.assess([Successful; 3]), Status::Successful);
        assert_eq!(LIMITS.assess([Successful; 2]), Status::Running);
        assert_eq!(LIMITS.assess([Successful, Failed]), Status::Failed);
        assert_eq!(LIMITS.assess([Successful, Inconclusive]), Status::Inconclusive);
        assert_eq!(LIMITS.assess([]), Status::Running);
    }

    #[test]
    fn an_error_is_no_measurement() {
        assert_eq!(LIMITS.assess([Successful, Error, Error, Successful]), Status::Running);
        assert_eq!(LIMITS.assess([Successful, Error, Error, Successful, Successful]), Status::Successful);
        assert_eq!(LIMITS.assess([Error; 4]), Status::Running);
        assert_eq!(LIMITS.assess([Error; 5]), Status::Error);
        let with_a_break = [Error, Error, Error, Error, Successful, Error, Error, Error, Error];
        assert_eq!(LIMITS.assess(with_a_break), Status::Running);
    }

    #[test]
    fn limits_are_how_much_is_borne() {
        let limits = Limits { count: 4, failure: 1, inconclusive: 1, ..LIMITS };
        assert_eq!(limits.assess([Failed, Inconclusive, Successful, Successful]), Status::Successful);
        assert_eq!(limits.assess([Failed, Inconclusive, Failed]), Status::Failed);
        assert_eq!(limits.assess([Inconclusive, Successful, Inconclusive]), Status::Inconclusive);
    }

    #[test]
    fn what_only_ever_failed_to_tell_is_no_success_whatever_is_borne() {
        let limits = Limits { count: 3, failure: 9, inconclusive: 9, consecutive_error: 9 };
        assert_eq!(limits.assess([Inconclusive; 3]), Status::Inconclusive);
        assert_eq!(limits.assess([Failed; 3]), Status::Inconclusive);
    }

    fn phase() -> impl Strategy<Value = Phase> {
        prop_oneof![Just(Successful), Just(Failed), Just(Inconclusive), Just(Error)]
    }

    fn limits() -> impl Strategy<Value = Limits> {
        (1..8u32, 0..4u32, 0..4u32, 0..4u32).prop_map(|(count, failure, inconclusive, consecutive_error)| {
            Limits { count, failure, inconclusive, consecutive_error }
        })
    }

    /// The same said once more, as a reader of Argo's documentation would: looking at all of a prefix at once.
    fn by_the_book(limits: &Limits, phases: &[Phase]) -> Status {
        for end in 1..=phases.len() {
            let seen = &phases[..end];
            let count =
                |wanted: Phase| u32::try_from(seen.iter().filter(|phase| **phase == wanted).count()).unwrap();
            let in_a_row =
                u32::try_from(seen.iter().rev().take_while(|phase| **phase == Error).count()).unwrap();
            if count(Failed) > limits.failure {
                return Status::Failed;
            } else if count(Inconclusive) > limits.inconclusive {
                return Status::Inconclusive;
            } else if in_a_row > limits.consecutive_error {
                return Status::Error;
            } else if u32::try_from(end).unwrap() - count(Error) >= limits.count {
                return if count(Successful) == 0 { Status::Inconclusive } else { Status::Successful };
            }
        }
        Status::Running
    }

    proptest! {
        #[test]
        fn it_counts_by_the_book(limits in limits(), phases in prop::collection::vec(phase(), 0..24)) {
            prop_assert_eq!(limits.assess(phases.iter().copied()), by_the_book(&limits, &phases));
        }

        #[test]
        fn no_success_without_a_whole_of_measurements_and_one_that_is_well(
            limits in limits(), phases in prop::collection::vec(phase(), 0..24)
        ) {
            if limits.assess(phases.iter().copied()) == Status::Successful {
                let measured = phases.iter().filter(|phase| **phase != Error).count();
                prop_assert!(measured >= usize::try_from(limits.count).unwrap());
                prop_assert!(phases.contains(&Successful));
            }
        }

        #[test]
        fn a_verdict_stands(limits in limits(), phases in prop::collection::vec(phase(), 0..24), more in phase()) {
            let before = limits.assess(phases.iter().copied());
            if before != Status::Running {
                prop_assert_eq!(limits.assess(phases.into_iter().chain([more])), before);
            }
        }

        #[test]
        fn bearing_less_never_helps(limits in limits(), phases in prop::collection::vec(phase(), 0..24)) {
            let strict = Limits { failure: limits.failure.saturating_sub(1), ..limits };
            if strict.assess(phases.iter().copied()) == Status::Successful {
                prop_assert_eq!(limits.assess(phases.iter().copied()), Status::Successful);
            }
        }
    }
}
