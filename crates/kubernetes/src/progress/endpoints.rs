//! Where Services lead to.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    core::v1::{Pod, Service},
    discovery::v1::EndpointSlice,
};

use super::{Around, Workload, plural, pods::Pods};

/// The label that names the Service of a slice:
/// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ownership>
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What the endpoints say against being done: a Service that leads to a pod which is to go or is gone already, or
/// does not lead to a new one yet.
pub(super) fn waiting(workload: Workload<'_>, pods: &Pods<'_>, around: &Around<'_>) -> Option<String> {
    let labels = workload.template()?.metadata.as_ref()?.labels.as_ref()?;
    around.services.iter().filter(|service| leads_to(service, labels)).find_map(|service| {
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let targets = targets(name, around.slices);
        let old = targets.keys().filter(|target| is_stale(target, pods, around.pods)).count();
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

/// The pods that a Service leads to, by name, each with whether it gets traffic.
fn targets<'a>(service: &str, slices: &'a [EndpointSlice]) -> BTreeMap<&'a str, bool> {
    let is_of_service = |slice: &&EndpointSlice| {
        let name = slice.metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME));
        name.is_some_and(|name| name == service)
    };
    let mut targets = BTreeMap::new();
    for endpoint in slices.iter().filter(is_of_service).flat_map(|slice| slice.endpoints.iter().flatten()) {
        let pod = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
        let Some(name) = pod.and_then(|pod| pod.name.as_deref()) else { continue };
        // Unknown means ready: <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/>
        let is_ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true);
        *targets.entry(name).or_insert(false) |= is_ready;
    }
    targets
}

/// A target that is this workload's to remove, or is no pod at all any more.
fn is_stale(target: &str, pods: &Pods<'_>, all: &[Pod]) -> bool {
    let is_named = |pod: &Pod| pod.metadata.name.as_deref() == Some(target);
    let leaves = pods.old.iter().chain(&pods.terminating).any(|pod| is_named(pod));
    leaves || !all.iter().any(is_named)
}

fn has_address(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.pod_ip.as_ref()).is_some_and(|address| !address.is_empty())
}
