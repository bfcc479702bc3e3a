//! The user that a run is.
//!
//! The runner starts a container action as root, in a workspace that is another user's. What root leaves there, that
//! user can neither change nor remove: the next job fails on it (<https://github.com/actions/runner/issues/434>). So a
//! run becomes the owner of the workspace before it writes anything, and before it starts a thread.

use std::{
    os::unix::fs::{MetadataExt as _, lchown},
    path::Path,
};

use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

use crate::{Environment, Problem, context::REPORTS};

/// Where the runner mounts the workspace into a container action, and into nothing else: a job in a container has it
/// below `/__w`, and there a step is meant to be whom the container is.
/// <https://docs.github.com/actions/reference/workflows-and-actions/dockerfile-support#workdir>
const WORKSPACE: &str = "/github/workspace";

/// Becomes the owner of the workspace, where the run is root in a container action and the owner is not.
///
/// What the runner made for this step stays writable: [`RunnerFiles`](crate::runner_files::RunnerFiles) were opened
/// before, and the folder of reports is handed over here.
pub(crate) fn drop_to_the_owner(environment: &Environment) -> Result<(), Problem> {
    if !geteuid().is_root() || !is_container_action(environment) {
        return Ok(());
    }
    let workspace = Path::new(WORKSPACE)
        .metadata()
        .map_err(|error| Problem::undecided(format!("could not find out who owns {WORKSPACE}")).why(error))?;
    let (user, group) = (Uid::from_raw(workspace.uid()), Gid::from_raw(workspace.gid()));
    if user.is_root() {
        return Ok(());
    }
    let failed = |why: std::io::Error| {
        Problem::undecided(format!("could not become user {user}, who owns the workspace")).why(why).help(
            "start the container as that user, or let root change users (CAP_CHOWN, CAP_SETGID, CAP_SETUID)",
        )
    };
    hand_over_reports(environment, user, group).map_err(failed)?;
    become_user(user, group).map_err(|error| failed(error.into()))
}

fn is_container_action(environment: &Environment) -> bool {
    environment.get("GITHUB_ACTIONS") == Some("true")
        && environment.get("GITHUB_WORKSPACE") == Some(WORKSPACE)
}

/// An action of the same job may have left the folder as another user.
fn hand_over_reports(environment: &Environment, user: Uid, group: Gid) -> std::io::Result<()> {
    let Some(temporary) = environment.get("RUNNER_TEMP") else { return Ok(()) };
    let reports = Path::new(temporary).join(REPORTS);
    std::fs::create_dir_all(&reports)?;
    lchown(&reports, Some(user.as_raw()), Some(group.as_raw()))
}

/// The groups first: a user who is not root can't leave them.
fn become_user(user: Uid, group: Gid) -> nix::Result<()> {
    setgroups(&[group])?;
    setgid(group)?;
    setuid(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_runner_s_own_mount_is_a_container_action() {
        let at = |workspace: &str, actions: &str| {
            let variables = [("GITHUB_WORKSPACE", workspace), ("GITHUB_ACTIONS", actions)];
            is_container_action(&variables.into_iter().collect())
        };
        assert!(at("/github/workspace", "true"));
        assert!(!at("/__w/shop/shop", "true"), "a job in a container");
        assert!(!at("/home/runner/work/shop/shop", "true"), "a step on the runner itself");
        assert!(!at("/github/workspace", ""), "a terminal");
        assert!(!is_container_action(&Environment::default()));
    }

    #[test]
    fn outside_a_container_action_nobody_becomes_another() {
        let before = geteuid();
        drop_to_the_owner(&Environment::default()).unwrap();
        assert_eq!(geteuid(), before);
    }
}
