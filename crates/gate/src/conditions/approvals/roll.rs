//! Who may say yes.

use std::collections::BTreeMap;

use super::{Approvals, Facts, Part};
use crate::Account;

pub(super) struct Roll<'a> {
    /// All that the policy names, by the numbers of their accounts.
    pub(super) known: BTreeMap<u64, &'a Account>,
    /// Those of them whose yes counts.
    pub(super) may_approve: BTreeMap<u64, &'a Account>,
    /// Those of them whose yes does not, and why.
    excluded: BTreeMap<u64, String>,
    /// Logins of the policy without an account.
    missing: Vec<&'a str>,
    /// Who has a part and no account.
    pub(super) strangers: Vec<&'a str>,
}

impl<'a> Roll<'a> {
    pub(super) fn of(policy: &'a Approvals, facts: &'a Facts) -> Self {
        let named = facts.users.iter().flatten().chain(facts.teams.iter().flatten());
        let known: BTreeMap<u64, &Account> = named.map(|account| (account.id, account)).collect();
        let mut excluded = BTreeMap::new();
        for (id, account) in &known {
            if policy.allows(&account.login) {
                continue;
            }
            let parts = facts.involved.iter().filter(|involved| involved.is(account));
            let parts: Vec<&str> = parts.map(|involved| involved.part.told()).collect();
            if account.is_bot {
                excluded.insert(*id, "is a bot".to_owned());
            } else if let Some(part) = parts.first() {
                excluded.insert(*id, (*part).to_owned());
            }
        }
        let may_approve =
            known.iter().filter(|(id, _)| !excluded.contains_key(id)).map(|(id, who)| (*id, *who)).collect();
        // Facts that are fewer than the policy's names are about another policy.
        let missing = policy.users.iter().enumerate();
        let missing = missing.filter(|(index, _)| facts.users.get(*index).is_none_or(Option::is_none));
        let missing = missing.map(|(_, login)| login.as_str()).collect();
        let mut strangers: Vec<&str> = facts
            .involved
            .iter()
            .filter(|involved| involved.account.is_none() && !policy.allows(&involved.name))
            .map(|involved| involved.name.as_str())
            .collect();
        strangers.sort_unstable();
        strangers.dedup();
        Self { known, may_approve, excluded, missing, strangers }
    }

    /// Why the yes of someone does not count.
    pub(super) fn why_not(&self, id: u64, facts: &Facts) -> String {
        if let (Some(who), Some(why)) = (self.known.get(&id), self.excluded.get(&id)) {
            return format!("{who} does not count: {why}");
        }
        let reviews = facts.pulls.iter().flat_map(|pull| &pull.reviews).map(|review| &review.by);
        let comments = facts.issue.iter().flat_map(|issue| &issue.comments).map(|comment| &comment.by);
        let environments = facts.environment_reviews.iter().map(|review| &review.by);
        let mut all = reviews.chain(comments).chain(environments).flatten();
        let who = all.find(|account| account.id == id).map_or("someone", |account| &account.login);
        format!("{who} does not count: is not among those who may approve")
    }

    /// Those who may not, and why.
    pub(super) fn told(&self) -> Vec<String> {
        let excluded = self.excluded.iter();
        let excluded =
            excluded.filter_map(|(id, why)| Some(format!("{} may not approve: {why}", self.known.get(id)?)));
        let missing = self.missing.iter().map(|login| format!("{login} is no account on GitHub"));
        excluded.chain(missing).collect()
    }
}

impl super::Involved {
    /// Whether it is this account: a part that is told by its login alone is taken for the account of that login.
    fn is(&self, account: &Account) -> bool {
        match &self.account {
            Some(own) => own.id == account.id,
            None => crate::account::is_same(&self.name, &account.login),
        }
    }
}

impl Part {
    const fn told(self) -> &'static str {
        match self {
            Self::Author => "wrote the change",
            Self::Committer => "committed the change",
            Self::PullRequest => "opened the pull request",
            Self::Actor => "started the run",
            Self::TriggeringActor => "started the run again",
        }
    }
}
