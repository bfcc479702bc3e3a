//! Who owns which field: server-side apply, and what other writes do to it.
//!
//! A small model of <https://kubernetes.io/docs/reference/using-api/server-side-apply/>: maps are granular, lists are
//! granular where Kubernetes keys them, everything else is one field.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A path as managed fields write it: `f:spec`, `k:{"name":"web"}`.
type Path = Vec<String>;
type Fields = BTreeSet<Path>;

/// A field that another one owns, and that is to be something else.
#[derive(Debug, PartialEq)]
pub(crate) struct Conflict {
    pub(crate) manager: String,
    pub(crate) api_version: String,
    pub(crate) field: String,
}

/// Who writes, and when.
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: String,
    pub(crate) subresource: Option<&'a str>,
    pub(crate) time: String,
}

/// Maps that are one field.
const ATOMIC: [&str; 7] = [
    "selector",
    "matchLabels",
    "nodeSelector",
    "configMapKeyRef",
    "secretKeyRef",
    "fieldRef",
    "resourceFieldRef",
];
/// What no one owns.
const IGNORED: [&str; 11] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "generateName",
];

/// The keys that tell the entries of a list apart; none where the list is one field.
fn keys(list: &str, entries: &[Value]) -> Option<&'static [&'static str]> {
    let all_have = |key: &str| !entries.is_empty() && entries.iter().all(|entry| entry.get(key).is_some());
    let keys: &[&str] = match list {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" => {
            &["name"]
        }
        "volumeMounts" => &["mountPath"],
        "conditions" => &["type"],
        "ownerReferences" => &["uid"],
        "ports" if all_have("containerPort") => &["containerPort", "protocol"],
        "ports" if all_have("port") => &["port", "protocol"],
        _ => return None,
    };
    entries.iter().all(|entry| entry.get(keys[0]).is_some()).then_some(keys)
}

fn key_of(entry: &Value, keys: &[&str]) -> String {
    let value = |key: &&str| {
        let value = entry.get(*key).cloned().unwrap_or_else(|| "TCP".into());
        ((*key).to_owned(), value)
    };
    format!("k:{}", Value::Object(keys.iter().map(value).collect()))
}

/// All fields of an object that someone owns.
fn owned(object: &Value) -> Fields {
    let mut all = Fields::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if !IGNORED.contains(&name.as_str()) {
                        collect(name, value, &mut vec!["f:metadata".to_owned()], &mut all);
                    }
                }
            }
            _ => collect(name, value, &mut Vec::new(), &mut all),
        }
    }
    all
}

fn collect(name: &str, value: &Value, path: &mut Path, all: &mut Fields) {
    path.push(format!("f:{name}"));
    match value {
        Value::Object(fields) if !fields.is_empty() && !ATOMIC.contains(&name) => {
            for (name, value) in fields {
                collect(name, value, path, all);
            }
        }
        Value::Array(entries) if !entries.is_empty() => match keys(name, entries) {
            Some(keys) => {
                for entry in entries {
                    path.push(key_of(entry, keys));
                    all.insert(path.clone());
                    for (name, value) in entry.as_object().into_iter().flatten() {
                        collect(name, value, path, all);
                    }
                    path.pop();
                }
            }
            None => drop(all.insert(path.clone())),
        },
        _ => drop(all.insert(path.clone())),
    }
    path.pop();
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

fn is_entry(path: &Path) -> bool {
    path.last().is_some_and(|step| step.starts_with("k:"))
}

fn entry_matches(entry: &Value, key: &str) -> bool {
    let key: Value = serde_json::from_str(key).unwrap_or_default();
    key.as_object().into_iter().flatten().all(|(name, value)| {
        entry.get(name).map_or(name == "protocol" && value == "TCP", |found| found == value)
    })
}

fn find<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, step| match step.split_at(2) {
        ("f:", name) => value.get(name),
        (_, key) => value.as_array()?.iter().find(|entry| entry_matches(entry, key)),
    })
}

fn put(object: &mut Value, path: &[String], value: &Value) {
    let Some((step, rest)) = path.split_first() else {
        // An empty map says nothing of what is in it.
        if !(is_empty(value) && object.is_object()) {
            *object = value.clone();
        }
        return;
    };
    let next = match step.split_at(2) {
        ("f:", name) => {
            if !object.is_object() {
                *object = json!({});
            }
            let is_list = rest.first().is_some_and(|step| step.starts_with("k:"));
            let fresh = if is_list { json!([]) } else { json!({}) };
            object.as_object_mut().unwrap().entry(name).or_insert(fresh)
        }
        (_, key) => {
            if !object.is_array() {
                *object = json!([]);
            }
            let entries = object.as_array_mut().unwrap();
            let index = entries.iter().position(|entry| entry_matches(entry, key)).unwrap_or_else(|| {
                entries.push(serde_json::from_str(key).unwrap_or_default());
                entries.len() - 1
            });
            &mut entries[index]
        }
    };
    if !rest.is_empty() || !is_entry(&vec![step.clone()]) {
        put(next, rest, value);
    }
}

fn remove(object: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    match (step.split_at(2), object) {
        (("f:", name), Value::Object(fields)) => {
            if rest.is_empty() {
                fields.shift_remove(name);
            } else if let Some(next) = fields.get_mut(name) {
                remove(next, rest);
            }
        }
        ((_, key), Value::Array(entries)) => {
            if rest.is_empty() {
                entries.retain(|entry| !entry_matches(entry, key));
            } else if let Some(next) = entries.iter_mut().find(|entry| entry_matches(entry, key)) {
                remove(next, rest);
            }
        }
        _ => {}
    }
}

/// As conflicts name a field: `.spec.template.spec.containers[name="web"].image`.
fn spoken(path: &Path) -> String {
    let parts = path.iter().map(|step| match step.split_at(2) {
        ("f:", name) => format!(".{name}"),
        (_, key) => {
            let key: Value = serde_json::from_str(key).unwrap_or_default();
            let pairs: Vec<String> = key
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("[{}]", pairs.join(","))
        }
    });
    parts.collect()
}

/// One entry of `managedFields`.
struct Owner {
    entry: Map<String, Value>,
    fields: Fields,
}

impl Owner {
    fn all(object: &Value) -> Vec<Self> {
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let read = |entry: Value| {
            let mut fields = Fields::new();
            flatten(&entry["fieldsV1"], &mut Vec::new(), &mut fields);
            Self { entry: entry.as_object().cloned().unwrap_or_default(), fields }
        };
        entries.into_iter().map(read).collect()
    }

    fn new(writer: &Writer<'_>, operation: &str) -> Self {
        let mut entry = Map::new();
        entry.insert("manager".to_owned(), writer.manager.into());
        entry.insert("operation".to_owned(), operation.into());
        entry.insert("apiVersion".to_owned(), writer.api_version.as_str().into());
        entry.insert("time".to_owned(), writer.time.as_str().into());
        entry.insert("fieldsType".to_owned(), "FieldsV1".into());
        if let Some(subresource) = writer.subresource {
            entry.insert("subresource".to_owned(), subresource.into());
        }
        Self { entry, fields: Fields::new() }
    }

    fn is(&self, writer: &Writer<'_>, operation: &str) -> bool {
        let word = |name: &str| self.entry.get(name).and_then(Value::as_str);
        word("manager") == Some(writer.manager)
            && word("operation") == Some(operation)
            && word("subresource") == writer.subresource
    }

    fn word(&self, name: &str) -> String {
        self.entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

fn flatten(fields: &Value, path: &mut Path, all: &mut Fields) {
    let fields = fields.as_object().filter(|fields| !fields.is_empty());
    let Some(fields) = fields else {
        if !path.is_empty() {
            all.insert(path.clone());
        }
        return;
    };
    for (step, below) in fields {
        if step == "." {
            all.insert(path.clone());
        } else {
            path.push(step.clone());
            flatten(below, path, all);
            path.pop();
        }
    }
}

fn nest(fields: &Fields) -> Value {
    let mut nested = json!({});
    for path in fields {
        let mut at = &mut nested;
        for step in path {
            at = at.as_object_mut().unwrap().entry(step).or_insert_with(|| json!({}));
        }
        if is_entry(path) {
            at.as_object_mut().unwrap().insert(".".to_owned(), json!({}));
        }
    }
    nested
}

fn write_owners(object: &mut Value, owners: Vec<Owner>) {
    let kept = owners.into_iter().filter(|owner| !owner.fields.is_empty()).map(|mut owner| {
        owner.entry.insert("fieldsV1".to_owned(), nest(&owner.fields));
        Value::Object(owner.entry)
    });
    object["metadata"]["managedFields"] = kept.collect();
}

/// Lays what a manager says over an object.
pub(crate) fn apply(
    live: &Value,
    says: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, Vec<Conflict>> {
    let mut owners = Owner::all(live);
    let wanted = owned(says);
    let says_of = |path: &Path| find(says, path).cloned().unwrap_or_default();
    let mut conflicts = Vec::new();
    for owner in owners.iter_mut().filter(|owner| !owner.is(writer, "Apply")) {
        let contested: Vec<Path> = owner
            .fields
            .intersection(&wanted)
            .filter(|path| {
                !is_entry(path) && !is_empty(&says_of(path)) && find(live, path) != find(says, path)
            })
            .cloned()
            .collect();
        for path in contested {
            conflicts.push(Conflict {
                manager: owner.word("manager"),
                api_version: owner.word("apiVersion"),
                field: spoken(&path),
            });
            owner.fields.remove(&path);
        }
    }
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    let mut result = live.clone();
    let before = owners.iter().position(|owner| owner.is(writer, "Apply"));
    let before = before.map(|index| owners.remove(index).fields).unwrap_or_default();
    for path in before.difference(&wanted) {
        let is_shared = owners.iter().any(|owner| owner.fields.iter().any(|other| other.starts_with(path)));
        if !is_shared {
            remove(&mut result, path);
        }
    }
    for path in &wanted {
        put(&mut result, path, find(says, path).unwrap_or(&Value::Null));
    }
    let mut owner = Owner::new(writer, "Apply");
    owner.fields = wanted;
    owners.push(owner);
    write_owners(&mut result, owners);
    Ok(result)
}

/// Gives the fields that a write changed to who wrote it.
pub(crate) fn note_update(before: Option<&Value>, after: &mut Value, writer: &Writer<'_>) {
    let nothing = json!({});
    let before = before.unwrap_or(&nothing);
    let (old, new) = (owned(before), owned(after));
    let changed: Fields =
        new.iter().filter(|path| find(before, path) != find(after, path)).cloned().collect();
    let changed: Fields = changed.into_iter().filter(|path| !is_entry(path) || !old.contains(path)).collect();
    let gone: Fields = old.difference(&new).cloned().collect();
    let mut owners = Owner::all(before);
    for owner in &mut owners {
        owner.fields.retain(|path| !changed.contains(path) && !gone.contains(path));
    }
    if !changed.is_empty() {
        let index = owners.iter().position(|owner| owner.is(writer, "Update")).unwrap_or_else(|| {
            owners.push(Owner::new(writer, "Update"));
            owners.len() - 1
        });
        owners[index].entry.insert("time".to_owned(), writer.time.as_str().into());
        owners[index].fields.extend(changed);
    }
    write_owners(after, owners);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(manager: &str) -> Writer<'_> {
        Writer {
            manager,
            api_version: "apps/v1".to_owned(),
            subresource: None,
            time: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    fn web(image: &str, replicas: u32) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "web", "image": image}]}}},
        })
    }

    #[test]
    fn what_another_owns_is_contested_and_taken_over() {
        let live = apply(&json!({}), &web("shop:1", 3), &writer("argo"), false).unwrap();
        let says = json!({"metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop:2"}]}}}});
        let conflicts = apply(&live, &says, &writer("sluice"), false).unwrap_err();
        let field = r#".spec.template.spec.containers[name="web"].image"#;
        assert_eq!((conflicts[0].manager.as_str(), conflicts[0].field.as_str()), ("argo", field));
        let taken = apply(&live, &says, &writer("sluice"), true).unwrap();
        assert_eq!(taken["spec"]["template"]["spec"]["containers"][0]["image"], "shop:2");
        assert_eq!(taken["spec"]["replicas"], 3);
        assert!(apply(&taken, &web("shop:1", 3), &writer("argo"), false).is_err());
    }

    #[test]
    fn to_say_the_same_is_no_conflict_and_to_say_nothing_gives_up() {
        let live = apply(&json!({}), &web("shop:1", 3), &writer("argo"), false).unwrap();
        let shared = apply(&live, &web("shop:1", 3), &writer("sluice"), false).unwrap();
        assert_eq!(shared["metadata"]["managedFields"].as_array().unwrap().len(), 2);
        let says_less = json!({"metadata": {"name": "web"}, "spec": {"paused": true}});
        let kept = apply(&shared, &says_less, &writer("sluice"), false).unwrap();
        assert_eq!((&kept["spec"]["replicas"], &kept["spec"]["paused"]), (&json!(3), &json!(true)));
        let gone =
            apply(&kept, &json!({"metadata": {"name": "web"}, "spec": {}}), &writer("argo"), false).unwrap();
        assert_eq!((gone["spec"].get("replicas"), &gone["spec"]["paused"]), (None, &json!(true)));
    }

    #[test]
    fn a_write_takes_what_it_changes() {
        let live = apply(&json!({}), &web("shop:1", 3), &writer("argo"), false).unwrap();
        let mut scaled = live.clone();
        scaled["spec"]["replicas"] = 5.into();
        note_update(Some(&live), &mut scaled, &writer("kubectl"));
        let conflicts = apply(&scaled, &web("shop:1", 3), &writer("argo"), false).unwrap_err();
        assert_eq!(
            (conflicts[0].manager.as_str(), conflicts[0].field.as_str()),
            ("kubectl", ".spec.replicas")
        );
    }
}
