//! What got another version, and what was deployed.

use indexmap::{IndexMap, IndexSet};
use sluice_core::{DeploymentPayload, Report, SubjectKind};

use super::{event::goes_back, subjects};
use crate::untrusted::Untrusted;

/// The version of an image, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Change {
    pub(crate) image: Untrusted,
    pub(crate) before: Untrusted,
    pub(crate) after: Untrusted,
}

/// The versions that an action changed, wherever it did.
pub(super) fn changes(report: &Report) -> impl Iterator<Item = Change> {
    report.changes.iter().map(|sluice_core::Change { name, before, after, .. }| Change {
        image: name.as_str().into(),
        before: before.as_str().into(),
        after: after.as_str().into(),
    })
}

impl Change {
    /// The versions before and after as people tell them apart: by their tags, else by the beginnings of their digests.
    pub(crate) fn versions(&self) -> (Untrusted, Untrusted) {
        let parts = |version: &Untrusted| {
            let (tag, digest) = version.raw().split_once("@sha256:").unwrap_or((version.raw(), ""));
            // As many digits as `docker images` shows.
            (tag.to_owned(), digest.chars().take(12).collect::<String>())
        };
        let (before, after) = (parts(&self.before), parts(&self.after));
        let tells = before.0 != after.0;
        let told = |(tag, digest): (String, String)| {
            let needs_digest = !digest.is_empty() && (!tells || tag.is_empty());
            Untrusted::new(if needs_digest { format!("{tag}@sha256:{digest}") } else { tag })
        };
        (told(before), told(after))
    }
}

/// What the reports say was deployed: each image once, with its component and its digest.
///
/// Of a run that went back it is what was tried: what runs again ran before, and a failure told of it would be no truth.
/// The digest is empty where no report tells it, or several do: no soak time counts for it, and a quota does.
pub(super) fn deployed(reports: &[Report], components: &IndexMap<String, String>) -> Vec<DeploymentPayload> {
    let (back, there): (Vec<&Report>, Vec<&Report>) = reports.iter().partition(|report| goes_back(report));
    let is_tried = there.iter().any(|report| !report.changes.is_empty());
    let versions: IndexMap<&str, &str> = if is_tried { there } else { back }
        .iter()
        .flat_map(|report| &report.changes)
        .map(|change| (change.name.as_str(), change.after.split('@').next().unwrap_or_default()))
        .collect();
    // An image is named with its tag, where it has one.
    let digest = |image: &str, tag: &str| {
        let is_it = |name: &str| {
            name.strip_prefix(image).is_some_and(|rest| rest.is_empty() || rest == format!(":{tag}"))
        };
        let of_image = subjects(reports, SubjectKind::Image).filter(|subject| is_it(&subject.name));
        let digests: IndexSet<&String> = of_image.filter_map(|subject| subject.digest.as_ref()).collect();
        if digests.len() == 1 { digests[0].clone() } else { String::new() }
    };
    let last = |image: &str| image.rsplit('/').next().unwrap_or_default().to_owned();
    versions
        .into_iter()
        .map(|(image, version)| DeploymentPayload {
            component: components.get(image).cloned().unwrap_or_else(|| last(image)),
            image: image.to_owned(),
            digest: digest(image, version),
            version: version.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use sluice_core::{Subject, Verdict};

    use super::*;
    use crate::story::tests::report;

    #[test]
    fn of_a_run_that_went_back_what_was_tried_is_told() {
        let image = "registry.example.com/shop/backend";
        let bump = |command: &str, after: &str, digest: &str| {
            let mut bump = report("bump-image-tag", Verdict::Passed, "1 image set");
            bump.command = Some(command.into());
            let (name, place, before) = (image.into(), "dev".into(), "v0".into());
            bump.changes.push(sluice_core::Change {
                name,
                place,
                before,
                after: format!("{after}@{digest}"),
            });
            let name = format!("{image}:{after}");
            bump.subjects.push(Subject { kind: SubjectKind::Image, name, digest: Some(digest.into()) });
            bump
        };
        let told = |reports: &[Report]| {
            let told = deployed(reports, &IndexMap::new()).into_iter();
            told.map(|one| (one.version, one.digest)).collect::<Vec<_>>()
        };
        let (set, back) = (bump("set", "v2", "sha256:2"), bump("rollback", "v1", "sha256:1"));
        assert_eq!(told(&[set.clone(), back.clone()]), [("v2".into(), "sha256:2".into())]);
        assert_eq!(told(&[back]), [("v1".into(), "sha256:1".into())]);
        let again = bump("set", "v2", "sha256:3");
        assert_eq!(told(&[set, again]), [("v2".into(), String::new())]);
    }

    #[test]
    fn versions_are_told_apart_by_no_more_than_it_takes() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let told = |before: &str, after: &str| {
            let change = Change { image: "app".into(), before: before.into(), after: after.into() };
            let (before, after) = change.versions();
            format!("{} → {}", before.raw(), after.raw())
        };
        let (one, two) = (digest("1"), digest("2"));
        assert_eq!(told(&format!("v1@{one}"), &format!("v2@{two}")), "v1 → v2");
        assert_eq!(
            told(&format!("main@{one}"), &format!("main@{two}")),
            "main@sha256:111111111111 → main@sha256:222222222222"
        );
        assert_eq!(told(&format!("@{one}"), "v2"), "@sha256:111111111111 → v2");
        assert_eq!(told("", "v2"), " → v2");
        assert_eq!(told("v1 @octocat", "v2"), "v1 @octocat → v2");
    }
}
