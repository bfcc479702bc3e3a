//! The report: the answer, then each condition with its reason.

use sluice_core::{Draft, Finding, Problem, SubjectKind, Verdict};

use sluice_gate::Outcome;

use crate::{State, condition::Answer, evaluation::Evaluation, plan::Plan, record::Kept};

pub(crate) fn of(evaluation: &Evaluation, kept: Result<Option<Kept>, Problem>, plan: &Plan) -> Draft {
    let Evaluation { question, answers, state, issue, notes } = evaluation;
    let outcomes: Vec<&Outcome> = answers.iter().map(|answer| &answer.outcome).collect();
    let title = match &kept {
        Err(_) if outcomes.iter().all(|outcome| outcome.state < *state) => {
            "undecided: the record of the decision could not be kept".to_owned()
        }
        _ => title(*state, &outcomes),
    };
    let mut draft = Draft::new(state.verdict(), title);
    for Answer { place, condition, outcome } in answers {
        let mut finding = Finding::new(condition.name(), outcome.state.verdict(), &outcome.reason);
        finding.evidence.clone_from(&outcome.evidence);
        finding.help.clone_from(&outcome.help);
        // There is nothing to change where a condition holds.
        finding.place = (outcome.state != State::Approved).then(|| place.clone());
        draft.finding(finding);
    }
    match kept {
        Ok(Some(Kept { location, hash })) => {
            draft.fact("record", location).fact("record's hash", hash);
        }
        Ok(None) => {}
        Err(problem) => {
            draft.finding(Finding { subject: "record".to_owned(), ..Finding::from(problem) });
        }
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
    if let Some(terraform) = &plan.terraform {
        draft.fact("plan", format!("{} ({})", terraform.name, terraform.digest));
        draft.subject(SubjectKind::Plan, &terraform.name, Some(terraform.digest.clone()));
    }
    let names = |names: Vec<String>| (!names.is_empty()).then(|| names.join(", "));
    if let Some(approvers) = names(evaluation.approvers()) {
        draft.fact("approved by", approvers);
    }
    if let Some(still) = names(evaluation.still_asked()).filter(|_| *state == State::Pending) {
        draft.fact("can still approve", still);
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
pub(crate) fn title(state: State, outcomes: &[&Outcome]) -> String {
    let all = outcomes.len();
    let count = outcomes.iter().filter(|outcome| outcome.state == state).count();
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
    use sluice_gate::decide;

    use super::{State::*, *};
    use crate::{
        Evaluate, evaluation,
        sandbox::{OFTEN, World},
    };

    #[test]
    fn a_gate_that_waits_says_for_whom_and_what_to_do() {
        let world = World::new();
        let plan = world.plan(
            "source: {merged-from: staging, signed: true}, approvals: {count: 3, users: [hubot, monalisa, octocat, dev], issue: true}, checks: {names: [build, scan]}",
            Evaluate::default(),
        );
        let evaluation = evaluation::run(&plan, &world.context(), &OFTEN).unwrap();
        let report =
            of(&evaluation, Ok(None), &plan).into_report("gate-approval", None, evaluation.question.now, 0.0);
        let told = sluice_core::terminal(&report, false)
            .replace(&world.commit, "SHA")
            .replace(&world.commit[..7], "SHORT");
        insta::assert_snapshot!(told, @r"
        … gate-approval — pending: 2 of 3 conditions wait for people

          ✓ source     is on main
                       was merged from staging (#1)
                       all 2 commits are signed and verified
          … approvals  2 of 3 approved
                       hubot: review of #1
                       monalisa: review of #1
                       dev may not approve: wrote the change
                       help: still can approve: octocat; review #1
                       --> sluice.yml:2:114
          … checks     1 of 2 checks have not ended
                       scan: did not run for this commit
                       help: run the gate again when they have; a check that never ran for this commit must run first
                       --> sluice.yml:2:187

          environment        production
          policy             sluice.yml
          commit             SHA (main)
          image              r.example.com/backend:1@sha256:1111111111111111111111111111111111111111111111111111111111111111
          approved by        hubot, monalisa
          can still approve  octocat
          issue              #2
          evaluated          2026-11-18 11:06:40 UTC
        ");
    }

    #[test]
    fn the_title_is_the_answer_in_one_line() {
        let titled = |states: &[State]| {
            let outcomes: Vec<Outcome> = states.iter().map(|state| Outcome::new(*state, "x")).collect();
            title(decide(states.iter().copied()), &outcomes.iter().collect::<Vec<_>>())
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
