//! What differs between two commits.

use serde::Deserialize;

use crate::{Api, Error, Repository, Sha, call::Call};

/// The most files that GitHub tells of in one comparison:
/// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>.
const MOST_FILES: usize = 300;

/// Two commits compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The newest commit that both have in their history.
    pub merge_base: Sha,
    /// How many commits only the head has.
    pub ahead_by: u64,
    /// How many commits only the base has: with none, the merge base is the base itself.
    pub behind_by: u64,
    /// What differs between the merge base (not the base) and the head.
    pub files: Files,
}

/// The files of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// All of them.
    Complete(Vec<ChangedFile>),
    /// GitHub may know of more than it told: it tells of 300 files at most, and not how many there are. Or the name of
    /// one is not UTF-8, and GitHub told another.
    Cut {
        /// Those that it told of.
        some: Vec<ChangedFile>,
    },
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChangedFile {
    /// Its path, in the head where it is there.
    #[serde(rename = "filename")]
    pub path: String,
    /// What became of it.
    pub status: FileStatus,
    /// Its path in the merge base, when it was renamed.
    #[serde(rename = "previous_filename")]
    pub previous_path: Option<String>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its content differs.
    Modified,
    /// It has another path.
    Renamed,
    /// It is new, and a copy of another one.
    Copied,
    /// Its type or its mode differs.
    Changed,
    /// Nothing differs.
    Unchanged,
}

/// The commits that a head has and a base has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// How many there are.
    pub total: u64,
    /// The newest of them, oldest first: at most 100.
    pub newest: Vec<RangeCommit>,
    /// The page that shows them.
    pub html_url: String,
}

/// A commit of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeCommit {
    /// Its name.
    pub sha: Sha,
    /// What its author wrote.
    pub message: String,
    /// The login of its author, else the name that the commit gives.
    pub author: String,
}

#[derive(Deserialize)]
struct RangeReply {
    total_commits: u64,
    html_url: String,
    commits: Vec<CommitReply>,
}

#[derive(Deserialize)]
struct CommitReply {
    sha: Sha,
    commit: Written,
    /// Null when the address is no account's; an object without a login when it is not known.
    author: Option<Login>,
}

#[derive(Deserialize)]
struct Written {
    message: String,
    author: Option<Name>,
}

#[derive(Deserialize)]
struct Login {
    login: Option<String>,
}

#[derive(Deserialize)]
struct Name {
    name: Option<String>,
}

impl From<CommitReply> for RangeCommit {
    fn from(reply: CommitReply) -> Self {
        let login = reply.author.and_then(|author| author.login);
        let name = reply.commit.author.and_then(|author| author.name);
        Self { sha: reply.sha, message: reply.commit.message, author: login.or(name).unwrap_or_default() }
    }
}

/// The most commits on one page.
const PER_PAGE: u64 = 100;

#[derive(Deserialize)]
struct Reply {
    merge_base_commit: Named,
    ahead_by: u64,
    behind_by: u64,
    #[serde(default)]
    files: Vec<ChangedFile>,
}

#[derive(Deserialize)]
struct Named {
    sha: Sha,
}

impl Api {
    /// Compares two commits, each given by its name, a branch or a tag.
    ///
    /// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
    pub async fn compare(
        &self,
        repository: &Repository,
        base: &str,
        head: &str,
    ) -> Result<Comparison, Error> {
        let doing = format!("compare {base} with {head} in {repository}");
        let revisions = format!("{base}...{head}");
        // The files stand on the first page of the commits, and the commits are not asked for.
        let call = Call::get(doing, "contents: read")
            .path(["repos", repository.owner(), repository.name(), "compare", &revisions])
            .query("per_page", "1")
            .query("page", "1");
        let reply: Reply = self.json(call).await?;
        Ok(Comparison {
            merge_base: reply.merge_base_commit.sha,
            ahead_by: reply.ahead_by,
            behind_by: reply.behind_by,
            files: Files::of(reply.files),
        })
    }

    /// Gets the newest commits that a head has and a base has not, each given by its name, a branch or a tag.
    ///
    /// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
    pub async fn range(&self, repository: &Repository, base: &str, head: &str) -> Result<Range, Error> {
        let page = async |page: u64| {
            let doing = format!("read the commits between {base} and {head} in {repository}");
            let revisions = format!("{base}...{head}");
            let call = Call::get(doing, "contents: read")
                .path(["repos", repository.owner(), repository.name(), "compare", &revisions])
                .query("per_page", &PER_PAGE.to_string())
                .query("page", &page.to_string());
            self.json::<RangeReply>(call).await
        };
        let first = page(1).await?;
        let last = first.total_commits.div_ceil(PER_PAGE);
        let reply = if last > 1 { page(last).await? } else { first };
        let newest = reply.commits.into_iter().map(RangeCommit::from).collect();
        Ok(Range { total: reply.total_commits, newest, html_url: reply.html_url })
    }
}

impl Files {
    fn of(files: Vec<ChangedFile>) -> Self {
        if files.len() < MOST_FILES && files.iter().all(ChangedFile::is_told_exactly) {
            Self::Complete(files)
        } else {
            Self::Cut { some: files }
        }
    }
}

impl ChangedFile {
    /// Git names files by bytes. Where these are not UTF-8, JSON has a replacement character in their place.
    fn is_told_exactly(&self) -> bool {
        let mut paths = std::iter::once(&self.path).chain(&self.previous_path);
        paths.all(|path| !path.contains(char::REPLACEMENT_CHARACTER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> ChangedFile {
        ChangedFile { path: path.to_owned(), status: FileStatus::Added, previous_path: None }
    }

    fn is_complete(files: Vec<ChangedFile>) -> bool {
        matches!(Files::of(files), Files::Complete(_))
    }

    #[test]
    fn a_list_that_may_be_cut_is_no_whole_list() {
        assert!(is_complete(Vec::new()));
        assert!(is_complete(vec![file("a"); 299]));
        assert!(!is_complete(vec![file("a"); 300]));
    }

    #[test]
    fn a_list_with_a_name_that_json_can_not_hold_is_no_whole_list() {
        assert!(!is_complete(vec![file("caf\u{fffd}")]));
        let previous_path = Some("caf\u{fffd}".to_owned());
        assert!(!is_complete(vec![ChangedFile { previous_path, ..file("a") }]));
        assert!(is_complete(vec![file("café")]));
    }

    #[test]
    fn a_status_of_which_nothing_is_known_is_an_error() {
        let read = |status: &str| {
            serde_json::from_value::<ChangedFile>(serde_json::json!({"filename": "a", "status": status}))
        };
        assert_eq!(read("changed").unwrap().status, FileStatus::Changed);
        assert!(read("enchanted").is_err());
    }
}
