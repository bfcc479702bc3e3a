//! The issue that asks people for approval: opened when they are waited for, closed when they are not.

use serde_json::json;
use sluice_core::Problem;
use sluice_gate::approvals::{Asked, short};
use sluice_github::{Api, Repository, Sha};

/// The label by which it is found.
const LABEL: &str = "gate-approval";
/// What stands around the line that tells programs what is asked for; people do not see it.
const BEGIN: &str = "<!-- gate-approval: ";
const END: &str = " -->";

/// What an issue asks for; `None` when it is none of ours.
pub(crate) fn read(body: &str) -> Option<Asked> {
    let line = body.lines().next()?.strip_prefix(BEGIN)?.strip_suffix(END)?;
    serde_json::from_str(line).ok()
}

/// The number of the open issue that asks for this; `None` when there is none.
pub(crate) async fn find(
    api: &Api,
    repository: &Repository,
    environment: &str,
    commit: &Sha,
) -> Result<Option<u64>, Problem> {
    let asked = Asked { environment: environment.to_owned(), commit: commit.to_string() };
    let issues = api.open_issues(repository, LABEL).await?.into_iter();
    // Whoever may open an issue could open one that looks like ours.
    let of_programs = issues.filter(|issue| issue.user.as_ref().is_some_and(|by| !by.is_person()));
    let mut ours = of_programs.filter(|issue| issue.body.as_deref().and_then(read).as_ref() == Some(&asked));
    Ok(ours.next().map(|issue| issue.number))
}

/// Opens it, and gives its number.
pub(crate) async fn open(
    api: &Api,
    repository: &Repository,
    environment: &str,
    commit: &Sha,
    who: &str,
) -> Result<u64, Problem> {
    let short = short(commit.as_str());
    let asked = json!({"environment": environment, "commit": commit.as_str()});
    let body = format!(
        "{BEGIN}{asked}{END}\n\
         Commit {commit} is to go to the environment `{environment}`.\n\n\
         To approve, comment exactly `/approve {short}`; to refuse, comment `/deny`. \
         An edited comment does not count.\n\n{who}\n"
    );
    let title = format!("Approve {short} for {environment}");
    Ok(api.open_issue(repository, &title, &body, LABEL).await?.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_tells_what_is_asked_for() {
        let line = r#"<!-- gate-approval: {"environment":"production","commit":"abc"} -->"#;
        let asked = Asked { environment: "production".into(), commit: "abc".into() };
        assert_eq!(read(&format!("{line}\nmore")), Some(asked));
        for body in ["", "text", &format!("text\n{line}"), &format!(" {line}"), "<!-- gate-approval: {} -->"]
        {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
