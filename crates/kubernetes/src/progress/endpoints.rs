//! Where Services lead to.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, Service};

use super::{Around, Workload, plural, pods::Pods};

/// What the endpoints say against being done: a Service that leads to a pod which is to go or is gone already, or
/// does not lead to a new one yet.
pub(super) fn waiting(workload: Workload<'_>, pods: &Pods<'_>, around: &Around<'_>) -> Option<String> {
    let labels = workload.template()?.metadata.as_ref()?.labels.as_ref()?;
    around.services.iter().filter(|service| leads_to(service, labels)).find_map(|service| {
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let targets = around.targets(name);
        let old = targets.keys().filter(|target| is_stale(target, pods, around)).count();
        if old > 0 {
            let old = plural(i32::try_from(old).unwrap_or(i32::MAX), "pod");
            return Some(format!("service/{name} still leads to {old} of the old version"));
        }
        // Who has no address can't be led to: no pod of a simulated node has one.
        let missing = pods
            .ready()
            .filter(|pod| has_address(pod))
            .filter(|pod| targets.get(pod.metadata.name.as_deref().unwrap_or_default()) != Some(&true));
        match i32::try_from(missing.count()).unwrap_or(i32::MAX) {
            0 => None,
            missing => Some(format!("service/{name} does not lead to {} yet", plural(missing, "new pod"))),
        }
    })
}

/// Whether a Service selects pods with these labels. One without a selector selects none.
fn leads_to(service: &Service, labels: &BTreeMap<String, String>) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    })
}

/// A target that is this workload's to remove, or is no pod at all any more.
fn is_stale(target: &str, pods: &Pods<'_>, around: &Around<'_>) -> bool {
    let is_named = |pod: &Pod| pod.metadata.name.as_deref() == Some(target);
    let leaves = pods.old.iter().chain(&pods.terminating).any(|pod| is_named(pod));
    leaves || !around.names.contains(target)
}

fn has_address(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.pod_ip.as_ref()).is_some_and(|address| !address.is_empty())
}
