//! The decision: from the states of the conditions to the state of the gate, and from nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sluice_core::{Problem, Verdict};

/// What one condition says, and what the gate says.
///
/// The order is the decision: the state of a gate is the greatest of its conditions' states. A certain no
/// is a no, whatever else is unknown; an unknown is neither a yes nor a no; and a gate that is not
/// understood says nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Yes: it holds.
    Approved,
    /// It waits for people.
    Pending,
    /// It could not be found out.
    Undecided,
    /// No: it does not hold.
    Rejected,
    /// It can't be evaluated as it is written.
    Misconfigured,
}

/// The state of a gate whose conditions have these states. A gate without a condition is misconfigured.
pub fn decide(states: impl IntoIterator<Item = State>) -> State {
    states.into_iter().max().unwrap_or(State::Misconfigured)
}

impl State {
    /// The state of what a problem kept from its answer: whatever went wrong, it is neither a yes nor a no.
    pub const fn of(problem: &Problem) -> Self {
        match problem.verdict {
            Verdict::Misconfigured => Self::Misconfigured,
            _ => Self::Undecided,
        }
    }

    /// The verdict of a run, or of a finding, with this state.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Approved => Verdict::Passed,
            Self::Pending => Verdict::Pending,
            Self::Undecided => Verdict::Undecided,
            Self::Rejected => Verdict::Failed,
            Self::Misconfigured => Verdict::Misconfigured,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{State::*, *};

    const ALL: [State; 5] = [Approved, Pending, Undecided, Rejected, Misconfigured];

    #[test]
    fn every_mix_of_two_states_is_decided_as_documented() {
        let table = ALL.map(|one| ALL.map(|other| decide([one, other])));
        assert_eq!(
            table,
            [
                [Approved, Pending, Undecided, Rejected, Misconfigured],
                [Pending, Pending, Undecided, Rejected, Misconfigured],
                [Undecided, Undecided, Undecided, Rejected, Misconfigured],
                [Rejected, Rejected, Rejected, Rejected, Misconfigured],
                [Misconfigured; 5],
            ]
        );
    }

    #[test]
    fn a_gate_without_a_condition_is_closed() {
        assert_eq!(decide([]), Misconfigured);
    }

    #[test]
    fn only_approved_ends_with_zero() {
        assert_eq!(ALL.map(|state| state.verdict().exit_code()), [0, 1, 3, 1, 2]);
    }

    #[test]
    fn a_problem_is_neither_a_yes_nor_a_no() {
        let mut problem = Problem::undecided("x");
        for verdict in [
            Verdict::Passed,
            Verdict::Skipped,
            Verdict::Pending,
            Verdict::Failed,
            Verdict::Undecided,
            Verdict::Broken,
        ] {
            problem.verdict = verdict;
            assert_eq!(State::of(&problem), Undecided);
        }
        assert_eq!(State::of(&Problem::misconfigured("x")), Misconfigured);
    }

    fn states() -> impl Strategy<Value = Vec<State>> {
        prop::collection::vec(prop::sample::select(&ALL[..]), 1..12)
    }

    /// How bad a state is, written down apart from the order that is tested.
    fn badness(state: State) -> u8 {
        match state {
            Approved => 0,
            Pending => 1,
            Undecided => 2,
            Rejected => 3,
            Misconfigured => 4,
        }
    }

    proptest! {
        #[test]
        fn a_condition_that_holds_changes_nothing(states in states()) {
            let with_one_more = states.iter().copied().chain([Approved]);
            prop_assert_eq!(decide(with_one_more), decide(states));
        }

        #[test]
        fn one_more_condition_never_improves(states in states(), more in prop::sample::select(&ALL[..])) {
            let with_one_more = decide(states.iter().copied().chain([more]));
            prop_assert!(badness(with_one_more) >= badness(decide(states)));
        }

        #[test]
        fn a_condition_that_gets_worse_never_improves(states in states(), at in any::<prop::sample::Index>(), other in prop::sample::select(&ALL[..])) {
            let mut worse = states.clone();
            let changed = at.get_mut(&mut worse);
            if badness(other) > badness(*changed) {
                *changed = other;
            }
            prop_assert!(badness(decide(worse)) >= badness(decide(states)));
        }

        #[test]
        fn approved_means_that_all_hold(states in states()) {
            prop_assert_eq!(decide(states.iter().copied()) == Approved, states.iter().all(|state| *state == Approved));
        }

        #[test]
        fn the_order_of_the_conditions_does_not_matter(mut states in states()) {
            let forwards = decide(states.iter().copied());
            states.reverse();
            prop_assert_eq!(decide(states), forwards);
        }
    }
}
