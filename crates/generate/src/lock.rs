//! `actions/images.lock`: the image of each action, by digest. `cargo xtask release` writes it.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, ensure};

/// Where the lock file lies.
const FILE: &str = "actions/images.lock";

/// The digests of the released images.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock(BTreeMap<String, String>);

impl Lock {
    /// Reads the lock file. Only the commit of a release names images.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root.join(FILE)).context(FILE)?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut digests = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = || format!("{FILE}:{number}: write it as `action sha256:digest`");
            let (action, digest) = line.split_once(' ').with_context(place)?;
            sluice_core::check_digest(digest).map_err(anyhow::Error::msg).with_context(place)?;
            let earlier = digests.insert(action.to_owned(), digest.to_owned());
            ensure!(earlier.is_none(), "{FILE}:{number}: {action} has two images");
        }
        Ok(Self(digests))
    }

    /// Every action that the lock names must be there.
    pub(crate) fn names_only(&self, actions: &[&str]) -> anyhow::Result<()> {
        for name in self.0.keys() {
            ensure!(actions.contains(&name.as_str()), "{FILE}: there is no action {name}");
        }
        Ok(())
    }

    /// The image of an action, as `action.yml` names it. Outside of a release there is none, and the name says so where
    /// Docker does not find it.
    pub(crate) fn image(&self, action: &str) -> String {
        let repository = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/");
        match self.0.get(action) {
            Some(digest) => format!("docker://ghcr.io/{repository}/{action}@{digest}"),
            None => format!("docker://ghcr.io/{repository}/{action}:unreleased"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_by_digest_where_there_is_one() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let lock = Lock::parse(&format!("# a comment\nnotify {digest}\n")).unwrap();
        assert_eq!(lock.image("notify"), format!("docker://ghcr.io/sluice-actions/sluice/notify@{digest}"));
        assert_eq!(lock.image("smoke-test"), "docker://ghcr.io/sluice-actions/sluice/smoke-test:unreleased");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for line in
            ["notify", "notify sha256:ab", "notify latest", &format!("notify  sha256:{}", "ab".repeat(32))]
        {
            let error = Lock::parse(line).unwrap_err();
            assert!(error.to_string().starts_with("actions/images.lock:1: "), "{error}");
        }
        let line = format!("notify sha256:{}\n", "ab".repeat(32));
        assert!(Lock::parse(&line.repeat(2)).unwrap_err().to_string().contains("two images"));
    }

    #[test]
    fn an_action_that_is_gone_is_not_kept() {
        let lock = Lock::parse(&format!("gone sha256:{}", "ab".repeat(32))).unwrap();
        assert!(lock.names_only(&["notify"]).is_err());
        assert!(lock.names_only(&["notify", "gone"]).is_ok());
    }
}
