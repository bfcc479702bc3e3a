//! What each object would become: applied without being kept, and held against what is there now.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use sluice_core::Context;
use sluice_kubernetes::{Cluster, Error, Object, Ownership};

use super::{AT_ONCE, items::Item, ownership, state::State};
use crate::{What, clean::clean, difference, plan::RestorePlan};

/// What each object would become, in their order.
pub(super) async fn rehearse(
    items: &[Item],
    cluster: &Cluster,
    plan: &RestorePlan,
    cx: &Context,
) -> Vec<State> {
    let brought = &Brought::of(items);
    let rehearsals = items.iter().map(|item| async move {
        match cx.cancellation().check() {
            Ok(()) => rehearse_one(item, brought, cluster, plan).await,
            Err(_) => State::unknown(None),
        }
    });
    stream::iter(rehearsals).buffered(AT_ONCE).collect().await
}

async fn rehearse_one(item: &Item, brought: &Brought<'_>, cluster: &Cluster, plan: &RestorePlan) -> State {
    let now = match cluster.get_object(&item.kind, &item.entry.name).await {
        Ok(object) => Some(Value::from(object)),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return State::of(item, error),
    };
    let object = match to_apply(item, now.as_ref(), brought) {
        Ok(object) => object,
        Err(why) => return State::refused(item, &why),
    };
    let rehearsal = cluster.rehearsing();
    let error = match rehearsal.apply(&object, ownership(plan)).await {
        Ok(then) => return foreseen(item, object, now.as_ref(), &then.into()),
        Err(error) => error,
    };
    match (error, &now) {
        (error @ Error::Conflict { .. }, Some(now)) => {
            match rehearsal.apply(&object, Ownership::Take).await {
                // What would change if it were forced is what people decide by.
                Ok(then) => {
                    State { difference: difference(item, Some(now), &then.into()), ..State::of(item, error) }
                }
                Err(refused @ Error::Rejected { .. }) => {
                    refused_over(item, now, refused).besides(State::of(item, error))
                }
                Err(_) => State::of(item, error),
            }
        }
        (error, now) if can_not_rehearse(item, now.is_some(), brought, &error) => {
            let what = if now.is_some() { What::Changed } else { What::Created };
            State::untried(item, what, object, &error)
        }
        (error, Some(now)) => refused_over(item, now, error),
        (error, None) => State::of(item, error),
    }
}

/// The cluster's "no" to an object that is there, with what the backup says otherwise.
fn refused_over(item: &Item, now: &Value, error: Error) -> State {
    let state = State::of(item, error).beside_what_is_there();
    if state.what != What::Refused {
        return state;
    }
    let now = cleaned(item, now);
    let then = difference::laid_over(&now, &item.object);
    State { difference: difference::between(&item.subject(), item.is_secret(), &now, &then), ..state }
}

/// What an object becomes that the cluster takes.
fn foreseen(item: &Item, object: Object, now: Option<&Value>, then: &Value) -> State {
    let difference = difference(item, now, then);
    let what = match (now, difference.is_empty()) {
        (None, _) => What::Created,
        (Some(_), true) => What::Unchanged,
        (Some(_), false) => What::Changed,
    };
    let beyond = match now {
        Some(_) => difference::beyond(&cleaned(item, &object.clone().into()), &cleaned(item, then)),
        None => Vec::new(),
    };
    State::foreseen(item, what, object, difference, &beyond)
}

/// What differs between now and then. What is made is no difference to read: its file shows it.
fn difference(item: &Item, now: Option<&Value>, then: &Value) -> String {
    let then = cleaned(item, then);
    match now.map(|now| cleaned(item, now)) {
        Some(now) if now != then => difference::between(&item.subject(), item.is_secret(), &now, &then),
        _ => String::new(),
    }
}

fn cleaned(item: &Item, object: &Value) -> Value {
    clean(&item.kind.group, &item.kind.kind, object)
}

/// What is refused in a rehearsal for its being one: by a webhook that can't say what it would do, or for want of what
/// only the restore itself makes (the account of a Pod, the Role that is bound).
fn can_not_rehearse(item: &Item, is_there: bool, brought: &Brought<'_>, error: &Error) -> bool {
    let word = |pointer: &str| item.object.pointer(pointer).and_then(Value::as_str);
    match error {
        Error::Rejected { why, .. } if why.contains("does not support dry run") => true,
        Error::Rejected { why, .. } => {
            let account = word("/spec/serviceAccountName").unwrap_or("default");
            item.kind.kind == "Pod"
                && !is_there
                && why.contains("error looking up service account")
                && brought.objects.contains(&("ServiceAccount", account))
        }
        Error::NotFound { .. } => {
            let role = word("/roleRef/kind").zip(word("/roleRef/name"));
            item.kind.kind == "RoleBinding"
                && !is_there
                && role.is_some_and(|role| brought.objects.contains(&role))
        }
        _ => false,
    }
}

/// What the backup brings, as far as it decides on others: by kind and name.
struct Brought<'a> {
    objects: BTreeSet<(&'a str, &'a str)>,
    /// The workloads whose size something of the backup decides: an autoscaler, by its own name or a custom one.
    scaled: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Brought<'a> {
    fn of(items: &'a [Item]) -> Self {
        let targets = items.iter().filter_map(|item| {
            let target = item.object["spec"].get("scaleTargetRef")?;
            Some((target["kind"].as_str().unwrap_or("Deployment"), target["name"].as_str()?))
        });
        let objects = items.iter().map(|item| (item.kind.kind.as_str(), item.entry.name.as_str()));
        Self { objects: objects.collect(), scaled: targets.collect() }
    }
}

/// The object as it is applied. The size of a workload that is there stays as its autoscaler has set it: left out, it
/// would fall to the default where an earlier restore has set it.
fn to_apply(item: &Item, now: Option<&Value>, brought: &Brought<'_>) -> Result<Object, String> {
    let mut object = item.object.clone();
    let size = now.and_then(|now| now["spec"].get("replicas"));
    if let Some(size) = size
        && brought.scaled.contains(&(item.kind.kind.as_str(), item.entry.name.as_str()))
        && object["spec"].get("replicas").is_some()
    {
        object["spec"]["replicas"] = size.clone();
    }
    Object::new(object)
}
