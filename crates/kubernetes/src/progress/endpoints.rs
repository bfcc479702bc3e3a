//! Where Services lead to.

use std::collections::BTreeMap;

use super::{
    Around, Pod, Service, Workload, plural,
    pods::{Pods, is_ready},
};

/// What the endpoints say against being done: a Service that leads to a pod which is to go or is gone already, or
/// does not lead to a new one yet.
pub(super) fn waiting(workload: Workload<'_>, pods: &Pods<'_>, around: &Around<'_>) -> Option<String> {
    let labels = &workload.template().labels;
    around.services.iter().filter(|service| leads_to(service, labels)).find_map(|service| {
        let name = &service.metadata.name;
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
            .filter(|pod| targets.get(pod.metadata.name.as_str()) != Some(&true));
        match i32::try_from(missing.count()).unwrap_or(i32::MAX) {
            0 => None,
            missing => Some(format!("service/{name} does not lead to {} yet", plural(missing, "new pod"))),
        }
    })
}

/// Whether a Service selects pods with these labels. One without a selector selects none.
fn leads_to(service: &Service, labels: &BTreeMap<String, String>) -> bool {
    let selector = &service.spec.selector;
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// A target that is this workload's to remove, or is no pod at all any more.
fn is_stale(target: &str, pods: &Pods<'_>, around: &Around<'_>) -> bool {
    let is_named = |pod: &Pod| pod.metadata.name == target;
    let leaves = pods.old.iter().chain(&pods.terminating).any(|pod| is_named(pod));
    leaves || !around.names.contains_key(target)
}

fn has_address(pod: &Pod) -> bool {
    !pod.status.pod_ip.is_empty()
}

/// What a Service waits for until it leads to the pods that its selector fits, and to no other; `None` when it does.
///
/// Right after its selector was changed the endpoints are still those of the pods before.
pub fn judge_service(service: &Service, around: &Around<'_>) -> Option<String> {
    let name = &service.metadata.name;
    let targets = around.targets(name);
    let fits = |pod: &Pod| leads_to(service, &pod.metadata.labels);
    let strangers =
        targets.keys().filter(|target| !around.names.get(*target).is_some_and(|pod| fits(pod))).count();
    if strangers > 0 {
        let strangers = plural(i32::try_from(strangers).unwrap_or(i32::MAX), "pod");
        return Some(format!("it still leads to {strangers} of the other version"));
    }
    let stays = |pod: &Pod| fits(pod) && pod.metadata.deletion_timestamp.is_none() && is_ready(pod);
    let mut ready = around.names.iter().filter(|(_, pod)| stays(pod)).peekable();
    if ready.peek().is_none() {
        return Some("no pod that it leads to is ready".to_owned());
    }
    let missing = ready.filter(|(name, pod)| has_address(pod) && targets.get(*name) != Some(&true)).count();
    (missing > 0).then(|| {
        let missing = plural(i32::try_from(missing).unwrap_or(i32::MAX), "pod");
        format!("it does not lead to {missing} yet")
    })
}
