//! Two commits compared.

use serde_json::{Value, json};
use sluice_faulty_server::Reply;

use super::{Asked, not_found, url};
use crate::{
    reply::{self, GitHubReply as _},
    shapes::{Commit, extend},
    world::Stored,
};

/// The most files of one comparison: <https://docs.github.com/en/rest/commits/commits#compare-two-commits>.
const MOST_FILES: usize = 300;

pub(super) fn compare(stored: &Stored, asked: &Asked<'_>, revisions: &str) -> Reply {
    let git = &stored.git;
    let Some((base, head)) = revisions.split_once("...") else { return not_found() };
    let (Some(base), Some(head)) = (git.commit(base), git.commit(head)) else { return not_found() };
    // "No common ancestor between ..." is answered with 404, too.
    let Some(merge_base) = git.line(&["merge-base", &base, &head]) else {
        return Reply::error(404, &format!("No common ancestor between {base} and {head}."));
    };
    let count = |range: String| git.run(&["rev-list", "--count", &range]).parse::<u64>().unwrap_or_default();
    let (ahead, behind) = (count(format!("{base}..{head}")), count(format!("{head}..{base}")));
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let commit = |sha: &str| Commit::read(stored, sha).of_list(asked.address, &stored.full_name);

    let (page, size) = reply::page(asked.request);
    let size = if asked.request.parameter("per_page").is_some() { size } else { 250 };
    let all = git.run(&["rev-list", "--reverse", "--topo-order", &format!("{base}..{head}")]);
    let all: Vec<&str> = all.lines().collect();
    let from = ((page - 1) * size).min(all.len());
    let commits: Vec<Value> = all[from..(from + size).min(all.len())].iter().map(|sha| commit(sha)).collect();

    let link = url(asked, stored, &format!("compare/{base}...{head}"));
    let page_link = format!("{}/{}/compare/{base}...{head}", asked.address, stored.full_name);
    let mut comparison = json!({
        "url": link,
        "html_url": page_link,
        "permalink_url": page_link,
        "diff_url": format!("{page_link}.diff"),
        "patch_url": format!("{page_link}.patch"),
        "base_commit": commit(&base),
        "merge_base_commit": commit(&merge_base),
        "status": status,
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": commits,
    });
    if page == 1 {
        let files = files(stored, asked, &merge_base, &head);
        extend(&mut comparison, json!({ "files": files }));
    }
    Reply::json(200, &comparison)
}

/// What differs between two commits: as many files as GitHub tells of.
fn files(stored: &Stored, asked: &Asked<'_>, base: &str, head: &str) -> Vec<Value> {
    let diff = |format: &str| {
        let output = stored.git.ask(&["diff", "--find-renames", "--abbrev=40", "-z", format, base, head]);
        let output = output.expect("a diff");
        let words: Vec<String> =
            output.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        words
    };
    let (raw, counts) = (diff("--raw"), diff("--numstat"));
    let (mut raw, mut counts) = (raw.into_iter(), counts.into_iter());
    let mut files = Vec::new();
    while let Some(words) = raw.next().filter(|words| words.starts_with(':')) {
        // :100644 100644 <sha> <sha> R100
        let words: Vec<&str> = words.split(' ').collect();
        let [_, _, old, new, letter] = words.as_slice() else { panic!("git diff --raw said {words:?}") };
        let status = match &letter[..1] {
            "A" => "added",
            "D" => "removed",
            "M" => "modified",
            "R" => "renamed",
            "C" => "copied",
            "T" => "changed",
            _ => panic!("git diff --raw said {words:?}"),
        };
        let count = counts.next().unwrap_or_default();
        let mut count = count.split('\t').map(|number| number.parse::<u64>().unwrap_or_default());
        let (additions, deletions) = (count.next().unwrap_or_default(), count.next().unwrap_or_default());
        let mut path = raw.next().unwrap_or_default();
        let mut previous = None;
        if matches!(status, "renamed" | "copied") {
            previous = Some(std::mem::replace(&mut path, raw.next().unwrap_or_default()));
            counts.nth(1);
        }
        let sha = if status == "removed" { old } else { new };
        let mut file = json!({
            "sha": sha,
            "filename": path,
            "status": status,
            "additions": additions,
            "deletions": deletions,
            "changes": additions + deletions,
            "blob_url": format!("{}/{}/blob/{head}/x", asked.address, stored.full_name),
            "raw_url": format!("{}/{}/raw/{head}/x", asked.address, stored.full_name),
            "contents_url": url(asked, stored, &format!("contents/x?ref={head}")),
        });
        if let Some(previous) = previous {
            extend(&mut file, json!({ "previous_filename": previous }));
        }
        files.push(file);
    }
    files.truncate(MOST_FILES);
    files
}
