//! Who owns a workload: a controller that would change it back.

use serde_json::Value;

/// The GitOps controller that owns an object, and how that is seen.
///
/// Argo CD: <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>. Flux:
/// <https://fluxcd.io/flux/components/kustomize/kustomizations/>, <https://fluxcd.io/flux/components/helm/helmreleases/>.
pub(crate) fn owner(object: &Value) -> Option<String> {
    let word = |map: &str, key: &str| object["metadata"][map][key].as_str().filter(|value| !value.is_empty());
    let argo = word("annotations", "argocd.argoproj.io/tracking-id")
        .or(word("labels", "argocd.argoproj.io/instance"));
    if let Some(application) = argo {
        return Some(format!(
            "Argo CD (application {})",
            application.split(':').next().unwrap_or(application)
        ));
    }
    [("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")]
        .into_iter()
        .find_map(|(domain, kind)| {
            let name = word("labels", &format!("{domain}/name"))?;
            let namespace = word("labels", &format!("{domain}/namespace")).unwrap_or_default();
            Some(format!("Flux ({kind} {namespace}/{name})"))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn controllers_are_known_by_what_they_write() {
        let labels = |key: &str, value: &str| json!({"metadata": {"labels": {key: value}}});
        assert_eq!(
            owner(&labels("argocd.argoproj.io/instance", "shop")).unwrap(),
            "Argo CD (application shop)"
        );
        let tracked = json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}}});
        assert_eq!(owner(&tracked).unwrap(), "Argo CD (application shop)");
        assert_eq!(
            owner(&labels("kustomize.toolkit.fluxcd.io/name", "apps")).unwrap(),
            "Flux (Kustomization /apps)"
        );
        assert_eq!(owner(&labels("helm.toolkit.fluxcd.io/name", "web")).unwrap(), "Flux (HelmRelease /web)");
        assert_eq!(owner(&labels("app.kubernetes.io/instance", "web")), None);
        assert_eq!(owner(&json!({})), None);
    }
}
