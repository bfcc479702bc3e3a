//! What can be done about objects that a cluster does not let change: said with the refusal, for each kind.
//!
//! Some fields hold for an object's life. Applying never deletes: what is deleted, and what is lost with it, is for people
//! to decide on.

use super::items::Item;

/// What a cluster says of fields that hold for an object's life. Definitions of custom resources have words of their own,
/// which nearly always hold the first ones.
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go>
const WORDS: [&str; 6] = [
    "immutable",
    "Forbidden: updates to",
    "Forbidden: pod updates may not change",
    "may not change once set",
    "cannot change roleRef",
    "can not be less than status.capacity",
];

/// What to do about a refusal; `None` when it is not one of what can't be changed.
pub(super) fn advice(item: &Item, why: &str) -> Option<String> {
    if !WORDS.iter().any(|words| why.contains(words)) {
        return None;
    }
    let delete = deletion(item, "");
    Some(match (item.kind.group.as_str(), item.kind.kind.as_str()) {
        ("", "PersistentVolumeClaim") => "leave it as it is (`exclude-kinds: persistentvolumeclaims`): a claim that is bound only grows, and to delete it deletes its data unless its volume is retained".to_owned(),
        ("apps", "StatefulSet") => format!(
            "{}, which leaves its Pods and claims alone, then restore again: it takes over the Pods that its selector meets",
            deletion(item, " --cascade=orphan")
        ),
        ("apps", _) => format!("{delete}, then restore again: its Pods are gone in between"),
        ("batch", "Job") => format!(
            "leave it as it is (`exclude-kinds: jobs`), or {delete}, then restore again, which runs it once more"
        ),
        ("", "Service") => format!("{delete}, then restore again: nobody reaches it in between"),
        ("", "ConfigMap" | "Secret") => {
            format!("{delete}, then restore again: Pods see the change when they start anew")
        }
        ("rbac.authorization.k8s.io", _) => {
            format!("{delete}, then restore again: nobody is bound by it in between")
        }
        _ => format!("{delete}, then restore again"),
    })
}

/// The command that deletes an object, to be copied: where its name is one that no shell takes for more.
fn deletion(item: &Item, option: &str) -> String {
    let (name, kind) = (&item.entry.name, &item.kind);
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte)) {
        format!("`kubectl -n {} delete {kind} {name}{option}`", item.namespace)
    } else {
        format!("delete it from namespace {}", item.namespace)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{manifest::Entry, sample};

    fn item(group: &str, kind: &str, plural: &str, name: &str) -> Item {
        let kind = sample::kind(group, kind, plural);
        let entry = Entry::new(String::new(), b"", &kind.api_version(), &kind.kind, name);
        Item { entry, kind, namespace: "shop".to_owned(), object: json!({}) }
    }

    #[test]
    fn what_can_not_be_changed_is_known_by_the_words_of_the_cluster() {
        let web = item("apps", "Deployment", "deployments", "web");
        for why in [
            r#"spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: field is immutable"#,
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
            "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
            r#"spec.clusterIPs[0]: Invalid value: ["10.0.0.1"]: may not change once set"#,
            "data: Forbidden: field is immutable when `immutable` is set",
            "spec: Forbidden: spec is immutable after creation except resources.requests for bound claims",
            "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
            r#"roleRef: Invalid value: {"kind":"Role"}: cannot change roleRef"#,
        ] {
            assert!(advice(&web, why).is_some(), "{why}");
        }
        for why in
            ["exceeded quota: pods", "spec.replicas: Invalid value: -1: must be greater than or equal to 0"]
        {
            assert_eq!(advice(&web, why), None, "{why}");
        }
    }

    #[test]
    fn each_kind_has_its_own_way() {
        let items = [
            item("apps", "Deployment", "deployments", "web"),
            item("apps", "StatefulSet", "statefulsets", "db"),
            item("batch", "Job", "jobs", "migrate"),
            item("", "ConfigMap", "configmaps", "settings"),
            item("", "Service", "services", "web"),
            item("", "PersistentVolumeClaim", "persistentvolumeclaims", "data"),
            item("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", "system:readers"),
            item("example.com", "Widget", "widgets", "x;reboot"),
        ];
        let advice: Vec<String> = items.iter().filter_map(|item| advice(item, "is immutable")).collect();
        insta::assert_snapshot!(advice.join("\n"), @"
        `kubectl -n shop delete deployments.apps web`, then restore again: its Pods are gone in between
        `kubectl -n shop delete statefulsets.apps db --cascade=orphan`, which leaves its Pods and claims alone, then restore again: it takes over the Pods that its selector meets
        leave it as it is (`exclude-kinds: jobs`), or `kubectl -n shop delete jobs.batch migrate`, then restore again, which runs it once more
        `kubectl -n shop delete configmaps settings`, then restore again: Pods see the change when they start anew
        `kubectl -n shop delete services web`, then restore again: nobody reaches it in between
        leave it as it is (`exclude-kinds: persistentvolumeclaims`): a claim that is bound only grows, and to delete it deletes its data unless its volume is retained
        `kubectl -n shop delete rolebindings.rbac.authorization.k8s.io system:readers`, then restore again: nobody is bound by it in between
        delete it from namespace shop, then restore again
        ");
    }
}
