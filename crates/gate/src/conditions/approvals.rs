//! `approvals`: enough of the right people said yes to this very commit.
//!
//! `roll` tells who may say yes, `voices` who said what. A yes counts when it was said to this commit by a
//! person who is allowed to, and who has no part in the change: neither wrote nor committed it, neither
//! opened its pull request nor started this run. A no of anyone who is allowed to say yes is a no.
//!
//! People are told apart by the numbers of their accounts. Whoever takes part under an address that is no
//! account's may be anyone: then the answer is open.

mod roll;
mod voices;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::Problem;

use self::{roll::Roll, voices::Word};
use crate::{Account, Outcome, Policy, Question, State};

/// Who must say yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// How many.
    pub count: u32,
    /// Logins of those who may.
    pub users: Vec<String>,
    /// Teams whose members may, `org/team`.
    pub teams: Vec<String>,
    /// Logins, or mail addresses of commits, that count and may take part although they would be excluded.
    pub allow: Vec<String>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The account of each user of the policy, in the same order; `None` when there is none of this login.
    pub users: Vec<Option<Account>>,
    /// The members of each team of the policy, in the same order.
    pub teams: Vec<Vec<Account>>,
    /// The pull requests that hold the commit.
    pub pulls: Vec<Pull>,
    /// Those who have a part in the change, or in the run.
    pub involved: Vec<Involved>,
    /// What was said to this run, where GitHub asked for its environments.
    pub environment_reviews: Vec<EnvironmentReview>,
    /// The issue that asks for approval.
    pub issue: Option<Issue>,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// The newest commit of its branch.
    pub head: String,
    /// The commit that merged it; `None` when it is not merged.
    pub merged_as: Option<String>,
    /// Whether what merged it is what was reviewed, and no more: GitHub made the commit, or it holds the very
    /// files of the branch. Whoever merges by hand can put anything into the commit.
    pub is_merged_as_reviewed: bool,
    /// Its reviews.
    pub reviews: Vec<Review>,
}

/// A review of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Its number.
    pub id: u64,
    /// Who wrote it; `None` when the account is gone.
    pub by: Option<Account>,
    /// What it says.
    pub state: ReviewState,
    /// The commit that was looked at; `None` when it is gone.
    pub commit: Option<String>,
    /// When it was given; `None` while it is written.
    pub at: Option<Timestamp>,
}

/// What a review says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// Yes.
    Approved,
    /// No.
    ChangesRequested,
    /// Someone took the review back.
    Dismissed,
    /// Neither yes nor no.
    Commented,
    /// It is not given yet.
    Pending,
}

/// A part that someone has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Involved {
    /// The part.
    pub part: Part,
    /// The account; `None` when the address of a commit is no account's.
    pub account: Option<Account>,
    /// The login, or the address of a commit.
    pub name: String,
}

/// A part in a change, or in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Wrote a commit, alone or with others.
    Author,
    /// Committed it.
    Committer,
    /// Opened the pull request.
    PullRequest,
    /// Started the run.
    Actor,
    /// Started the run again.
    TriggeringActor,
}

/// A review of a run's environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentReview {
    /// Who gave it; `None` when the account is gone.
    pub by: Option<Account>,
    /// `approved`, `rejected` or `pending`.
    pub state: String,
    /// The environments that it is for.
    pub environments: Vec<String>,
    /// The commit of the run.
    pub commit: String,
}

/// An issue that asks for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Who opened it; `None` when the account is gone.
    pub by: Option<Account>,
    /// When it was opened.
    pub at: Timestamp,
    /// Whether its text was changed since.
    pub is_edited: bool,
    /// What it asks for.
    pub asks: Option<Asked>,
    /// Its comments.
    pub comments: Vec<Comment>,
}

/// What an issue asks people to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The environment.
    pub environment: String,
    /// The commit.
    pub commit: String,
}

/// A comment on an issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Who wrote it; `None` when the account is gone.
    pub by: Option<Account>,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub at: Timestamp,
    /// Whether it was changed since: who may write to the repository may change the comments of others.
    pub is_edited: bool,
    /// Whether it was hidden.
    pub is_minimized: bool,
}

impl Approvals {
    /// What is wrong with the rule, whatever the world is like.
    pub fn check(&self) -> Result<(), Problem> {
        if self.count == 0 {
            return Err(Problem::misconfigured("the approvals ask for nobody")
                .why("with `count: 0` everything would be approved")
                .help("say how many must approve, as `count: 2`"));
        }
        for team in &self.teams {
            let is_name = |part: &str| !part.is_empty() && !part.contains(['/', ' ', '@']);
            if !team.split_once('/').is_some_and(|(org, team)| is_name(org) && is_name(team)) {
                return Err(Problem::misconfigured(format!("\"{team}\" is no team"))
                    .help("write organisation and team, as `acme/platform`"));
            }
        }
        let mut logins: Vec<String> = self.users.iter().map(|login| login.to_ascii_lowercase()).collect();
        logins.sort();
        logins.dedup();
        if self.teams.is_empty() && logins.len() < self.count as usize {
            return Err(Problem::misconfigured("the approvals can never be had")
                .why(format!("{} are asked for, and {} may give one", self.count, people(logins.len())))
                .help("name more `users`, or lower the `count`"));
        }
        Ok(())
    }

    /// Whether someone counts although they would be excluded.
    fn allows(&self, name: &str) -> bool {
        self.allow.iter().any(|allowed| crate::account::is_same(allowed, name))
    }
}

impl Pull {
    /// Whether the commit is this pull request: what it was merged as, or what it is while it is not.
    pub fn brought(&self, commit: &str) -> bool {
        match &self.merged_as {
            Some(merged) => merged == commit,
            None => self.head == commit,
        }
    }
}

impl Policy for Approvals {
    type Facts = Facts;

    fn judge(&self, facts: &Facts, question: &Question) -> Outcome {
        if let Err(problem) = self.check() {
            return Outcome::new(State::Misconfigured, problem.what);
        }
        let Some(commit) = question.commit.as_deref() else {
            return Outcome::new(State::Misconfigured, "no commit is named that could be approved");
        };
        let roll = Roll::of(self, facts);
        let needed = self.count as usize;
        if roll.may_approve.len() < needed {
            return Outcome::new(
                State::Misconfigured,
                format!("{needed} must approve, and {} may", people(roll.may_approve.len())),
            )
            .evidence(roll.told())
            .help("name more `users` or `teams`, or name under `allow` who may approve their own change");
        }
        let words = voices::of(facts, commit, &question.environment);
        let said = |word: fn(&Word) -> Option<&String>| {
            words.iter().filter_map(move |(id, words)| words.iter().find_map(word).map(|how| (*id, how)))
        };
        let noes: Vec<String> = said(|word| if let Word::No(how) = word { Some(how) } else { None })
            .filter_map(|(id, how)| Some(format!("{}: {how}", roll.known.get(&id)?)))
            .collect();
        let mut yeses: BTreeMap<u64, String> = BTreeMap::new();
        let mut others: Vec<String> = Vec::new();
        for (id, words) in &words {
            let undone =
                words.iter().find_map(|word| if let Word::Undone(how) = word { Some(how) } else { None });
            let yes = words.iter().find_map(|word| if let Word::Yes(how) = word { Some(how) } else { None });
            match (undone, yes, roll.may_approve.get(id)) {
                (None, Some(how), Some(who)) => {
                    yeses.insert(*id, format!("{who}: {how}"));
                }
                (Some(how), _, Some(who)) => others.push(format!("{who} does not count: {how}")),
                (_, Some(_), None) => others.push(roll.why_not(*id, facts)),
                _ => {}
            }
        }
        let still: Vec<&str> = roll
            .may_approve
            .iter()
            .filter(|(id, _)| !yeses.contains_key(id))
            .map(|(_, who)| who.login.as_str())
            .collect();
        let outcome = if !noes.is_empty() {
            Outcome::new(State::Rejected, format!("{} said no", people(noes.len())))
                .evidence(noes)
                .help("settle it with them: who said no can take it back")
        } else if !roll.strangers.is_empty() {
            Outcome::new(State::Undecided, "it is not known who has a part in the change")
                .evidence(roll.strangers.iter().map(|name| format!("{name} is no account on GitHub")))
                .help("add the address to the account that it belongs to, or name it under `allow`")
        } else if yeses.len() >= needed {
            Outcome::new(State::Approved, format!("{} of {needed} approved", yeses.len()))
        } else {
            Outcome::new(State::Pending, format!("{} of {needed} approved", yeses.len())).help(format!(
                "still can approve: {}; {}",
                still.join(", "),
                facts.way(commit)
            ))
        };
        outcome.evidence(yeses.into_values()).evidence(others).evidence(roll.told())
    }
}

impl Facts {
    /// How one approves.
    fn way(&self, commit: &str) -> String {
        let pulls = self.pulls.iter().filter(|pull| pull.brought(commit));
        let issue = self.issue.iter();
        let ways: Vec<String> = pulls
            .map(|pull| format!("review #{}", pull.number))
            .chain(issue.map(|issue| format!("comment `/approve {}` on #{}", short(commit), issue.number)))
            .collect();
        if ways.is_empty() { "review the run's environment".to_owned() } else { ways.join(", or ") }
    }
}

impl crate::Case<Approvals> {
    /// The logins of those whose yes counts.
    pub fn approvers(&self, question: &Question) -> Vec<String> {
        self.of_those_who(question, |has_approved| has_approved)
    }

    /// The logins of those who may say yes, and have not.
    pub fn still_asked(&self, question: &Question) -> Vec<String> {
        self.of_those_who(question, |has_approved| !has_approved)
    }

    fn of_those_who(&self, question: &Question, are_meant: impl Fn(bool) -> bool) -> Vec<String> {
        let (crate::Seen::Facts(seen), Some(commit)) = (&self.seen, question.commit.as_deref()) else {
            return Vec::new();
        };
        let words = voices::of(&seen.facts, commit, &question.environment);
        let approved = |words: &Vec<Word>| words.iter().all(|word| matches!(word, Word::Yes(_)));
        let roll = Roll::of(&self.policy, &seen.facts);
        let meant = roll.may_approve.iter().filter(|(id, _)| are_meant(words.get(id).is_some_and(approved)));
        let mut logins: Vec<String> = meant.map(|(_, who)| who.login.clone()).collect();
        logins.sort();
        logins
    }
}

/// The short name of a commit, as `/approve` takes it.
pub fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

/// The shortest name of a commit that is taken.
const SHORT: usize = 7;

fn people(count: usize) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::question::tests::question;

    fn account(id: u64) -> Account {
        Account { id, login: format!("u{id}"), is_bot: false }
    }

    fn review(id: u64, by: u64, state: ReviewState) -> Review {
        let at = Timestamp::from_second(i64::try_from(id).unwrap()).unwrap();
        Review { id, by: Some(account(by)), state, commit: Some("h".repeat(40)), at: Some(at) }
    }

    fn facts(reviews: Vec<Review>, authors: &[u64]) -> Facts {
        let author =
            |id: &u64| Involved { part: Part::Author, account: Some(account(*id)), name: format!("u{id}") };
        Facts {
            users: (0..4).map(|id| Some(account(id))).collect(),
            pulls: vec![Pull {
                number: 12,
                head: "h".repeat(40),
                merged_as: question("2026-11-18T12:00:00Z").commit,
                is_merged_as_reviewed: true,
                reviews,
            }],
            involved: authors.iter().map(author).collect(),
            ..Facts::default()
        }
    }

    fn policy(count: u32) -> Approvals {
        Approvals { count, users: (0..4).map(|id| format!("u{id}")).collect(), teams: vec![], allow: vec![] }
    }

    fn judge(count: u32, facts: &Facts) -> Outcome {
        policy(count).judge(facts, &question("2026-11-18T12:00:00Z"))
    }

    fn told(outcome: &Outcome) -> String {
        let lines = std::iter::once(format!("{:?}: {}", outcome.state, outcome.reason));
        let help = outcome.help.iter().map(|help| format!("help: {help}"));
        lines.chain(outcome.evidence.iter().cloned()).chain(help).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn who_said_yes_who_does_not_count_and_who_still_can_is_told() {
        let reviews = vec![
            review(1, 0, ReviewState::Approved),
            review(2, 1, ReviewState::Approved),
            review(3, 9, ReviewState::Approved),
            review(4, 2, ReviewState::ChangesRequested),
        ];
        insta::assert_snapshot!(told(&judge(2, &facts(reviews, &[1]))), @r"
        Pending: 1 of 2 approved
        u0: review of #12
        u1 does not count: wrote the change
        u2 does not count: asks for changes in #12
        u9 does not count: is not among those who may approve
        u1 may not approve: wrote the change
        help: still can approve: u2, u3; review #12
        ");
    }

    #[test]
    fn what_can_never_be_approved_is_told_before_anyone_waits() {
        insta::assert_snapshot!(told(&judge(3, &facts(vec![], &[1, 2]))), @r"
        Misconfigured: 3 must approve, and 2 people may
        u1 may not approve: wrote the change
        u2 may not approve: wrote the change
        help: name more `users` or `teams`, or name under `allow` who may approve their own change
        ");
        let problem = |approvals: &Approvals| approvals.check().unwrap_err().what;
        assert_eq!(problem(&policy(5)), "the approvals can never be had");
        assert_eq!(problem(&policy(0)), "the approvals ask for nobody");
        let twice = Approvals { users: vec!["Alice".into(), "alice".into()], ..policy(2) };
        assert_eq!(problem(&twice), "the approvals can never be had");
        for name in ["platform", "/platform", "acme/", "acme/plat form", "@acme/platform", "acme/a/b"] {
            let team = Approvals { teams: vec![name.into()], ..policy(2) };
            assert_eq!(problem(&team), format!("\"{name}\" is no team"));
        }
        assert_eq!(policy(4).check(), Ok(()), "all of them");
        assert_eq!(judge(4, &facts(vec![], &[])).state, State::Pending, "all of them");
        let teams = Approvals { users: vec![], teams: vec!["acme/platform".into()], ..policy(9) };
        assert_eq!(teams.check(), Ok(()));
    }

    #[test]
    fn who_is_allowed_by_name_approves_their_own_change() {
        let facts = facts(vec![review(1, 1, ReviewState::Approved)], &[1]);
        assert_eq!(judge(1, &facts).state, State::Pending);
        let policy = Approvals { allow: vec!["U1".into()], ..policy(1) };
        assert_eq!(policy.judge(&facts, &question("2026-11-18T12:00:00Z")).state, State::Approved);
    }

    #[test]
    fn who_approved_and_who_is_still_asked_is_known_by_login() {
        let reviews = vec![
            review(1, 3, ReviewState::Approved),
            review(2, 0, ReviewState::Approved),
            review(3, 1, ReviewState::ChangesRequested),
            review(4, 9, ReviewState::Approved),
        ];
        let seen = crate::Seen::Facts(crate::Gathered::given(facts(reviews, &[])));
        let case = crate::Case { policy: policy(2), seen };
        let asked = question("2026-11-18T12:00:00Z");
        assert_eq!(case.approvers(&asked), ["u0", "u3"]);
        assert_eq!(case.still_asked(&asked), ["u1", "u2"]);
        assert_eq!(case.judge(&asked).state, State::Approved);
        let of_no_commit = Question { commit: None, ..asked };
        assert_eq!(case.approvers(&of_no_commit), [""; 0]);
        assert_eq!(short("0123456789"), "0123456");
        assert_eq!(short("012"), "012");
    }

    #[test]
    fn people_see_every_way_to_approve() {
        let mut facts = facts(vec![], &[]);
        let help = |facts: &Facts| judge(4, facts).help.unwrap();
        assert_eq!(help(&facts), "still can approve: u0, u1, u2, u3; review #12");
        facts.issue = Some(Issue {
            number: 20,
            by: None,
            at: Timestamp::UNIX_EPOCH,
            is_edited: false,
            asks: None,
            comments: vec![],
        });
        assert!(help(&facts).ends_with("; review #12, or comment `/approve aaaaaaa` on #20"));
        facts.pulls[0].merged_as = Some("b".repeat(40));
        facts.issue = None;
        assert!(help(&facts).ends_with("; review the run's environment"));
    }

    #[test]
    fn a_yes_after_a_dismissal_counts() {
        let reviews = vec![
            review(1, 0, ReviewState::Approved),
            review(2, 0, ReviewState::Dismissed),
            review(3, 0, ReviewState::Approved),
            review(4, 0, ReviewState::Commented),
        ];
        assert_eq!(judge(1, &facts(reviews, &[])).state, State::Approved);
    }

    fn reviews() -> impl Strategy<Value = Vec<Review>> {
        let state = prop::sample::select(vec![
            ReviewState::Approved,
            ReviewState::ChangesRequested,
            ReviewState::Dismissed,
            ReviewState::Commented,
        ]);
        prop::collection::vec((0_u64..6, state), 0..8)
            .prop_map(|all| (1..).zip(all).map(|(id, (by, state))| review(id, by, state)).collect())
    }

    proptest! {
        #[test]
        fn one_more_approval_never_closes_the_gate(reviews in reviews(), by in 0_u64..6, count in 1_u32..4, author in 0_u64..6) {
            let before = judge(count, &facts(reviews.clone(), &[author]));
            let mut more = reviews;
            more.push(review(100, by, ReviewState::Approved));
            let after = judge(count, &facts(more, &[author]));
            prop_assert!(after.state <= before.state, "{:?} became {:?}", before, after);
        }

        #[test]
        fn one_more_part_in_the_change_never_opens_the_gate(reviews in reviews(), count in 1_u32..4, author in 0_u64..6, more in 0_u64..6) {
            let before = judge(count, &facts(reviews.clone(), &[author]));
            let after = judge(count, &facts(reviews, &[author, more]));
            prop_assert!(after.state >= before.state, "{:?} became {:?}", before, after);
        }

        #[test]
        fn only_enough_different_people_approve(reviews in reviews(), count in 1_u32..4) {
            let outcome = judge(count, &facts(reviews.clone(), &[]));
            let mut yes: Vec<u64> = reviews.iter().filter(|review| review.state == ReviewState::Approved).map(|review| review.by.as_ref().unwrap().id).filter(|id| *id < 4).collect();
            yes.sort_unstable();
            yes.dedup();
            prop_assert!(outcome.state != State::Approved || yes.len() >= count as usize);
        }
    }
}
