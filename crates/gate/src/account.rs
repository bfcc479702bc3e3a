//! Accounts of GitHub.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An account. Its number is who it is: a login can be given up, and taken by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The number.
    pub id: u64,
    /// The login at the time.
    pub login: String,
    /// Whether it belongs to a program.
    pub is_bot: bool,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.login)
    }
}

/// Whether two logins are the same: GitHub takes no notice of case.
///
/// <https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication>
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
