//! Who said what.

use std::collections::BTreeMap;

use super::{Comment, EnvironmentReview, Facts, Issue, Pull, Review, ReviewState, SHORT};

/// The word that says no in a comment.
const DENY: &str = "/deny";

/// What one person said in one place, with what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Yes(String),
    No(String),
    /// Neither, and no yes of this person counts any more.
    Undone(String),
}

/// What each person said, by the number of their account: one word a place.
pub(super) fn of(facts: &Facts, commit: &str, environment: &str) -> BTreeMap<u64, Vec<Word>> {
    let pulls = facts.pulls.iter().filter(|pull| pull.brought(commit)).map(|pull| pull.words(commit));
    let run = words_of_run(&facts.environment_reviews, commit, environment);
    let issue = facts.issue.as_ref().map(|issue| issue.words(commit, environment)).unwrap_or_default();
    let mut all: BTreeMap<u64, Vec<Word>> = BTreeMap::new();
    for (id, word) in pulls.chain([run, issue]).flatten() {
        all.entry(id).or_default().push(word);
    }
    all
}

impl Pull {
    fn words(&self, commit: &str) -> BTreeMap<u64, Word> {
        let mut given: Vec<(&Review, u64)> = self
            .reviews
            .iter()
            .filter(|review| review.at.is_some())
            .filter_map(|review| Some((review, review.by.as_ref()?.id)))
            .collect();
        given.sort_by_key(|(review, _)| (review.at, review.id));
        let mut words = BTreeMap::new();
        for (review, by) in given {
            match review.state {
                ReviewState::Approved if self.is_of(review, commit) => {
                    words.insert(by, Word::Yes(format!("review of #{}", self.number)));
                }
                ReviewState::ChangesRequested => {
                    words.insert(by, Word::Undone(format!("asks for changes in #{}", self.number)));
                }
                ReviewState::Dismissed => {
                    words.insert(by, Word::Undone(format!("the review of #{} was dismissed", self.number)));
                }
                // A yes to another commit says nothing of this one, nor does it take a no back.
                ReviewState::Approved | ReviewState::Commented | ReviewState::Pending => {}
            }
        }
        words
    }

    /// Whether a review looked at this commit, or at the last one of the branch that was merged as it.
    fn is_of(&self, review: &Review, commit: &str) -> bool {
        let is_head = |seen: &str| seen == self.head && self.is_merged_as_reviewed;
        review.commit.as_deref().is_some_and(|seen| seen == commit || is_head(seen))
    }
}

fn words_of_run(reviews: &[EnvironmentReview], commit: &str, environment: &str) -> BTreeMap<u64, Word> {
    let mut words = BTreeMap::new();
    for review in reviews {
        let is_meant = review.environments.iter().any(|name| crate::account::is_same(name, environment));
        let Some(by) = review.by.as_ref().filter(|_| is_meant && review.commit == commit) else { continue };
        match review.state.as_str() {
            "rejected" => {
                words.insert(by.id, Word::No("rejected the run's environment".to_owned()));
            }
            "approved" => {
                // The list has no times: a no stands beside a yes of the same person.
                words.entry(by.id).or_insert_with(|| Word::Yes("approved the run's environment".to_owned()));
            }
            _ => {}
        }
    }
    words
}

impl Issue {
    fn words(&self, commit: &str, environment: &str) -> BTreeMap<u64, Word> {
        let asks_for_this = self
            .asks
            .as_ref()
            .is_some_and(|asked| asked.commit == commit && asked.environment == environment);
        // Who may write to the repository could lead people to approve what they do not see.
        let is_ours = self.by.as_ref().is_some_and(|by| by.is_bot) && !self.is_edited && asks_for_this;
        let mut comments: Vec<(&Comment, u64)> = self
            .comments
            .iter()
            .filter(|comment| comment.at >= self.at)
            .filter_map(|comment| Some((comment, comment.by.as_ref()?.id)))
            .collect();
        comments.sort_by_key(|(comment, _)| (comment.at, comment.id));
        let mut words = BTreeMap::new();
        for (comment, by) in comments {
            let place = format!("comment on #{}", self.number);
            if comment.denies() {
                words.insert(by, Word::No(place));
            } else if comment.is_edited {
                // It may have been a no before.
                words.insert(by, Word::Undone(format!("a {place} was edited")));
            } else if is_ours && !comment.is_minimized && comment.approves(commit) {
                words.insert(by, Word::Yes(place));
            }
        }
        words
    }
}

impl Comment {
    /// Whether it is `/approve` and the short name of the commit, and nothing else.
    fn approves(&self, commit: &str) -> bool {
        let Some(name) = self.body.trim_end().strip_prefix("/approve ") else { return false };
        name.len() >= SHORT && commit.starts_with(name)
    }

    /// Whether its first word is `/deny`, in any case, whatever follows it (`/deny: not on a Friday`): a no needs less
    /// than a yes.
    fn denies(&self) -> bool {
        let (word, rest) = self.body.trim_start().split_at_checked(DENY.len()).unwrap_or_default();
        word.eq_ignore_ascii_case(DENY) && !rest.starts_with(char::is_alphanumeric)
    }
}
