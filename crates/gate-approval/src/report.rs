//! The report: the answer, then each condition with its reason.

use sluice_core::{Draft, Finding, Problem, SubjectKind, Verdict};

use crate::{State, condition::Answer, evaluation::Evaluation, plan::Plan};

pub(crate) fn of(evaluation: &Evaluation, plan: &Plan) -> Draft {
    let Evaluation { question, answers, state, issue, notes } = evaluation;
    let mut draft = Draft::new(state.verdict(), title(*state, answers));
    for Answer { place, condition, outcome } in answers {
        let mut finding = Finding::new(condition.name(), outcome.state.verdict(), &outcome.reason);
        finding.evidence.clone_from(&outcome.evidence);
        finding.help.clone_from(&outcome.help);
        // There is nothing to change where a condition holds.
        finding.place = (outcome.state != State::Approved).then(|| place.clone());
        draft.finding(finding);
    }
    draft.fact("environment", &plan.environment);
    draft.fact("policy", &plan.policy);
    if let Some(commit) = &plan.commit {
        draft.fact("commit", format!("{} ({})", commit.id, commit.reference));
        draft.subject(SubjectKind::Commit, &commit.reference, Some(commit.id.clone()));
    }
    if let Some(image) = &plan.image {
        draft.fact("image", image.to_string());
        draft.subject(SubjectKind::Image, image.name(), evaluation.question.digest.clone());
    }
    if let Some(number) = issue {
        draft.fact("issue", format!("#{number}"));
    }
    for note in notes {
        // The answer stands: what is noted is beside it.
        let mut finding = Finding::from(note.clone());
        finding.verdict = Verdict::Skipped;
        draft.finding(finding);
    }
    draft.fact("evaluated", question.now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    draft
}

/// The report of a run that had no gate to evaluate.
pub(crate) fn of_problem(problem: Problem) -> Draft {
    let mut draft = Draft::new(State::of(&problem).verdict(), &problem.what);
    draft.finding(Finding::from(problem));
    draft
}

/// The answer, and how many conditions it rests on.
fn title(state: State, answers: &[Answer]) -> String {
    let all = answers.len();
    let count = answers.iter().filter(|answer| answer.outcome.state == state).count();
    let conditions = if all == 1 { "condition" } else { "conditions" };
    let (answer, one, many) = match state {
        State::Approved => ("approved", "holds", "hold"),
        State::Pending => ("pending", "waits for people", "wait for people"),
        State::Undecided => ("undecided", "could not be found out", "could not be found out"),
        State::Rejected => ("rejected", "says no", "say no"),
        State::Misconfigured => ("misconfigured", "can't be evaluated", "can't be evaluated"),
    };
    format!("{answer}: {count} of {all} {conditions} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use sluice_core::Place;

    use super::{State::*, *};
    use sluice_gate::{Case, Gathered, Outcome, Seen, confirm, decide};

    fn answer(state: State) -> Answer {
        let case = Case {
            policy: confirm::Confirm { phrase: "YES".into() },
            seen: Seen::Facts(Gathered::given(confirm::Facts { typed: None })),
        };
        Answer { place: Place::file("sluice.yml"), condition: case.into(), outcome: Outcome::new(state, "x") }
    }

    #[test]
    fn the_title_is_the_answer_in_one_line() {
        let titled = |states: &[State]| {
            let answers: Vec<Answer> = states.iter().map(|state| answer(*state)).collect();
            title(decide(states.iter().copied()), &answers)
        };
        assert_eq!(titled(&[Approved, Approved, Approved]), "approved: 3 of 3 conditions hold");
        assert_eq!(titled(&[Approved]), "approved: 1 of 1 condition holds");
        assert_eq!(titled(&[Approved, Rejected, Undecided]), "rejected: 1 of 3 conditions says no");
        assert_eq!(titled(&[Rejected, Rejected]), "rejected: 2 of 2 conditions say no");
        assert_eq!(titled(&[Approved, Undecided]), "undecided: 1 of 2 conditions could not be found out");
        assert_eq!(titled(&[Approved, Pending]), "pending: 1 of 2 conditions waits for people");
        assert_eq!(titled(&[Misconfigured, Rejected]), "misconfigured: 1 of 2 conditions can't be evaluated");
    }
}
