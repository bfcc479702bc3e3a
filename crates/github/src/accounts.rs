//! Accounts: users, bots, members of teams.

use serde::Deserialize;

use crate::{Api, Error, call::Call};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its number, which stays when it is renamed.
    pub id: u64,
    /// Its login now.
    pub login: String,
    /// `User`, `Bot`, `Organization`, ...
    #[serde(rename = "type")]
    pub kind: String,
}

impl Account {
    /// Whether a person holds it: whatever is not known to be a user is none.
    pub fn is_person(&self) -> bool {
        self.kind == "User"
    }
}

impl Api {
    /// Gets the account of a login; `None` when there is none.
    ///
    /// <https://docs.github.com/en/rest/users/users#get-a-user>
    pub async fn account(&self, login: &str) -> Result<Option<Account>, Error> {
        let call = Call::get(format!("find the account {login}"), "metadata: read").path(["users", login]);
        match self.json(call).await {
            Ok(account) => Ok(Some(account)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gets the members of a team and of the teams below it.
    ///
    /// The job's token may not read teams: it takes one with the permission for members of the organisation.
    ///
    /// <https://docs.github.com/en/rest/teams/members#list-team-members>
    pub async fn team_members(&self, organisation: &str, team: &str) -> Result<Vec<Account>, Error> {
        let doing = format!("read the members of the team {organisation}/{team}");
        let call = Call::get(doing, "organization members: read").path([
            "orgs",
            organisation,
            "teams",
            team,
            "members",
        ]);
        self.all_pages::<Vec<Account>, Account>(call).await
    }
}
