//! What a change is made of: values at places of an object, before and after.
//!
//! The way back is the same edits, read backwards. Each step of either way is held to what must stand there, so that
//! nothing that someone else changed is ever overwritten: the API server refuses the whole patch instead.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sluice_kubernetes::JsonPatch;

/// One value of an object, before and after. Where both are equal, it is only made sure of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Edit {
    /// Where it stands: a JSON pointer (RFC 6901).
    pub(crate) path: String,
    /// `None` where nothing stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Value>,
}

/// How an object stands to the edits of a change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Standing {
    /// None of them is made.
    Before,
    /// All of them are made.
    After,
    /// Someone else changed this place.
    Elsewhere { path: String, found: Option<Value> },
}

/// What the API server writes itself.
const KEPT_BY_THE_SERVER: [&str; 6] =
    ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];

/// An autoscaler may change the size at any time: that is no one's else change to respect.
pub(crate) const REPLICAS: &str = "/spec/replicas";

/// Where an annotation stands.
pub(crate) fn annotation(name: &str) -> String {
    format!("/metadata/annotations/{}", JsonPatch::escape(name))
}

impl Edit {
    pub(crate) fn new(path: impl Into<String>, before: Option<Value>, after: Option<Value>) -> Self {
        Self { path: path.into(), before, after }
    }

    /// Makes sure of a value that stays.
    fn guard(path: String, value: &Value) -> Self {
        Self { path, before: Some(value.clone()), after: Some(value.clone()) }
    }

    fn is_guard(&self) -> bool {
        self.before == self.after
    }

    fn reversed(&self) -> Self {
        Self { path: self.path.clone(), before: self.after.clone(), after: self.before.clone() }
    }
}

/// The edits that lead from one state of an object to another. What the server keeps itself is left out.
pub(crate) fn between(before: &Value, after: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    walk("", Some(&own(before)), Some(&own(after)), &mut edits);
    edits
}

/// An object without what the server keeps itself.
pub(crate) fn own(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            for name in KEPT_BY_THE_SERVER {
                metadata.remove(name);
            }
        }
    }
    object
}

fn walk(path: &str, before: Option<&Value>, after: Option<&Value>, edits: &mut Vec<Edit>) {
    match (before, after) {
        _ if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for name in names(old, new) {
                let path = format!("{path}/{}", JsonPatch::escape(name));
                walk(&path, old.get(name), new.get(name), edits);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if have_same_names(old, new) => {
            for (at, (old, new)) in old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new) {
                let path = format!("{path}/{at}");
                if let Some(name) = old.get("name") {
                    edits.push(Edit::guard(format!("{path}/name"), name));
                }
                walk(&path, Some(old), Some(new), edits);
            }
        }
        _ => edits.push(Edit::new(path, before.cloned(), after.cloned())),
    }
}

fn names<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> impl Iterator<Item = &'a String> {
    old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)))
}

/// Lists whose entries have names (containers, ports) are compared entry by entry while the names stay.
fn have_same_names(old: &[Value], new: &[Value]) -> bool {
    let name = |entry: &Value| entry.get("name").and_then(Value::as_str).map(str::to_owned);
    old.len() == new.len()
        && old.iter().zip(new).all(|(old, new)| name(old).is_some() && name(old) == name(new))
}

/// The patch that makes the edits.
pub(crate) fn forward(edits: &[Edit]) -> JsonPatch {
    let tests = edits.iter().filter(|edit| edit.path != REPLICAS);
    let patch = tests.fold(JsonPatch::new(), |patch, edit| {
        patch.test(&edit.path, edit.before.clone().unwrap_or(Value::Null))
    });
    edits.iter().filter(|edit| !edit.is_guard()).fold(patch, |patch, edit| match &edit.after {
        Some(after) => patch.add(&edit.path, after.clone()),
        None => patch.remove(&edit.path),
    })
}

/// How an object stands to the edits.
pub(crate) fn standing(edits: &[Edit], object: &Value) -> Standing {
    let found = |edit: &Edit| object.pointer(&edit.path).cloned();
    let real = || edits.iter().filter(|edit| !edit.is_guard() && edit.path != REPLICAS);
    let elsewhere = edits.iter().filter(|edit| edit.path != REPLICAS).find(|edit| {
        let found = found(edit);
        found != edit.before && found != edit.after
    });
    if let Some(edit) = elsewhere {
        return Standing::Elsewhere { path: edit.path.clone(), found: found(edit) };
    }
    let size = edits.iter().find(|edit| edit.path == REPLICAS);
    if real().next().is_none() {
        // Only the size: whatever it is by now, it is not what it was.
        return if size.is_none_or(|size| found(size) == size.before) {
            Standing::Before
        } else {
            Standing::After
        };
    }
    if real().all(|edit| found(edit) == edit.after) {
        Standing::After
    } else if real().all(|edit| found(edit) == edit.before) {
        Standing::Before
    } else {
        // Some are made and some are not: patches are whole, so that was someone else.
        let odd = real().find(|edit| found(edit) == edit.before);
        let path = odd.map(|edit| edit.path.clone()).unwrap_or_default();
        Standing::Elsewhere { found: object.pointer(&path).cloned(), path }
    }
}

/// The edits as admission let them take effect: a webhook may write a digest for a tag, say, and that is no one else's
/// change. The place where nothing of a change is left is the error.
pub(crate) fn admitted(edits: &[Edit], made: &Value) -> Result<Vec<Edit>, String> {
    let admitted = edits.iter().map(|edit| {
        let found = made.pointer(&edit.path).cloned();
        if edit.is_guard() || edit.path == REPLICAS {
            Ok(edit.clone())
        } else if found == edit.before {
            Err(edit.path.clone())
        } else {
            Ok(Edit::new(&edit.path, edit.before.clone(), found))
        }
    });
    admitted.collect()
}

/// The edits read backwards.
pub(crate) fn reversed(edits: &[Edit]) -> Vec<Edit> {
    edits.iter().map(Edit::reversed).collect()
}

/// The edits that lead to the same end from what stands there now, whoever wrote that. None do where what was made sure
/// of does not hold: entries of a list have moved, and the places are others' now.
pub(crate) fn forced(edits: &[Edit], object: &Value) -> Option<Vec<Edit>> {
    let now = |edit: &Edit| object.pointer(&edit.path).cloned();
    let mut forced = Vec::new();
    for edit in edits.iter().filter(|edit| now(edit) != edit.after) {
        if edit.is_guard() {
            return None;
        }
        forced.push(Edit::new(&edit.path, now(edit), edit.after.clone()));
    }
    Some(forced)
}

/// An object as the edits leave it.
pub(crate) fn made(object: &Value, edits: &[Edit]) -> Value {
    let mut object = object.clone();
    for edit in edits {
        match &edit.after {
            Some(after) => set(&mut object, &edit.path, after.clone()),
            None => remove(&mut object, &edit.path),
        }
    }
    object
}

/// Writes a value at a place of an object. What is missing on the way there is made.
pub(crate) fn set(object: &mut Value, path: &str, value: impl Into<Value>) {
    let place = path.split('/').skip(1).map(unescaped).try_fold(object, |at, key| {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        match at {
            Value::Object(fields) => Some(fields.entry(key).or_insert(Value::Null)),
            Value::Array(entries) => entries.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        }
    });
    if let Some(place) = place {
        *place = value.into();
    }
}

fn remove(object: &mut Value, path: &str) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    if let Some(Value::Object(fields)) = object.pointer_mut(parent) {
        fields.remove(&unescaped(key));
    }
}

/// The last step of a JSON pointer, as it is called.
pub(crate) fn last(path: &str) -> String {
    unescaped(path.rsplit('/').next().unwrap_or_default())
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// Who has written the field at a path, and when: its manager, ours included. Of an entry of a list it is who has written
/// the list: entries are told by keys there, and not by their place.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>
pub(crate) fn owner_of(object: &Value, path: &str) -> Option<String> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let word = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let owners = entries.iter().map(|entry| (depth(&entry["fieldsV1"], path), word(entry, "time"), entry));
    let (depth, time, last) = owners.max_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)))?;
    let manager = word(last, "manager").filter(|_| depth > 0)?;
    Some(time.map_or_else(|| manager.clone(), |time| format!("{manager}, {time}")))
}

/// How many segments of a path a manager has written.
fn depth(fields: &Value, path: &str) -> usize {
    let mut at = fields;
    let mut depth = 0;
    for segment in path.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        match at.get(format!("f:{name}")) {
            Some(next) => at = next,
            None => break,
        }
        depth += 1;
    }
    depth
}

/// Whether fields of an object were written by this manager, and are so still.
pub(crate) fn is_managed_by(object: &Value, manager: &str) -> bool {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.is_some_and(|entries| entries.iter().any(|entry| entry["manager"] == manager))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn web(image: &str, replicas: i64) -> Value {
        json!({
            "metadata": {"name": "web", "resourceVersion": "1", "annotations": {"a/b": "c"}},
            "spec": {
                "replicas": replicas,
                "template": {"spec": {"containers": [
                    {"name": "proxy", "image": "proxy:1"},
                    {"name": "web", "image": image},
                ]}},
            },
            "status": {"replicas": 1},
        })
    }

    #[test]
    fn only_what_differs_is_an_edit_and_the_names_beside_it_are_made_sure_of() {
        let edits = between(&web("web:1", 2), &web("web:2", 2));
        let lines: Vec<String> = edits
            .iter()
            .map(|edit| {
                format!(
                    "{} {:?} {:?}",
                    edit.path,
                    edit.before.as_ref().unwrap(),
                    edit.after.as_ref().unwrap()
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#"/spec/template/spec/containers/1/name String("web") String("web")"#,
                r#"/spec/template/spec/containers/1/image String("web:1") String("web:2")"#,
            ]
        );
        assert_eq!(between(&web("web:1", 2), &web("web:1", 2)), []);
    }

    #[test]
    fn the_way_back_is_held_to_what_was_left() {
        let edits = [Edit::new("/spec/x", None, Some(json!(1)))];
        assert_eq!(
            serde_json::to_value(forward(&reversed(&edits))).unwrap(),
            json!([{"op": "test", "path": "/spec/x", "value": 1}, {"op": "remove", "path": "/spec/x"}])
        );
        assert_eq!(
            serde_json::to_value(forward(&edits)).unwrap(),
            json!([{"op": "test", "path": "/spec/x", "value": null}, {"op": "add", "path": "/spec/x", "value": 1}])
        );
    }

    #[test]
    fn an_object_is_before_or_after_or_someone_else_s() {
        let edits = between(&web("web:1", 2), &web("web:2", 2));
        assert_eq!(standing(&edits, &web("web:1", 2)), Standing::Before);
        assert_eq!(standing(&edits, &web("web:2", 2)), Standing::After);
        // Others may change what is not ours.
        assert_eq!(standing(&edits, &web("web:2", 9)), Standing::After);
        let Standing::Elsewhere { path, found } = standing(&edits, &web("web:3", 2)) else { panic!("ours") };
        assert_eq!((path.as_str(), found), ("/spec/template/spec/containers/1/image", Some(json!("web:3"))));
        // A sidecar was put in before ours: the places are not ours any more.
        let mut injected = web("web:2", 2);
        injected["spec"]["template"]["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .insert(0, json!({"name": "new", "image": "new:1"}));
        assert!(matches!(standing(&edits, &injected), Standing::Elsewhere { .. }));
    }

    #[test]
    fn a_way_that_is_forced_begins_where_the_object_is() {
        let edits = between(&web("web:1", 2), &web("web:2", 2));
        let hotfix = web("web:3", 2);
        let forced_on = forced(&edits, &hotfix).unwrap();
        assert_eq!(
            (standing(&forced_on, &hotfix), made(&hotfix, &forced_on)),
            (Standing::Before, web("web:2", 2))
        );
        let forced_back = forced(&reversed(&edits), &hotfix).unwrap();
        assert_eq!(made(&hotfix, &forced_back), web("web:1", 2));
        let mut moved = hotfix;
        moved["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse();
        assert_eq!(forced(&edits, &moved), None);
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        for odd in [json!("text"), json!([1]), json!({"spec": "text"})] {
            let mut object = odd.clone();
            set(&mut object, REPLICAS, 3);
            assert_eq!(object, odd);
        }
        let mut empty = json!({"metadata": {"labels": null}});
        set(&mut empty, "/metadata/labels/a~1b", "c");
        assert_eq!(empty, json!({"metadata": {"labels": {"a/b": "c"}}}));
    }

    #[test]
    fn an_autoscaler_is_no_stranger() {
        let edits = between(&web("web:1", 0), &web("web:2", 3));
        assert_eq!(standing(&edits, &web("web:2", 7)), Standing::After);
        let only_size = between(&web("web:1", 0), &web("web:1", 3));
        assert_eq!(standing(&only_size, &web("web:1", 0)), Standing::Before);
        assert_eq!(standing(&only_size, &web("web:1", 7)), Standing::After);
        let patch = serde_json::to_value(forward(&reversed(&edits))).unwrap();
        let steps: Vec<&str> = patch
            .as_array()
            .unwrap()
            .iter()
            .filter(|step| step["path"] == REPLICAS)
            .map(|step| step["op"].as_str().unwrap())
            .collect();
        assert_eq!(steps, ["add"]);
    }

    proptest::proptest! {
        /// Whatever changed, its edits lead there, and back.
        #[test]
        fn there_and_back(old in value(), new in value()) {
            let (old, new) = (json!({"spec": old}), json!({"spec": new}));
            let edits = between(&old, &new);
            proptest::prop_assert_eq!(made(&old, &edits), new.clone());
            proptest::prop_assert_eq!(made(&new, &reversed(&edits)), old);
        }
    }

    fn value() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![any::<u8>().prop_map(Value::from), "[a/~]{0,2}".prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec((prop_oneof!["[ab]"], inner.clone()), 0..3).prop_map(|entries| {
                    Value::from(
                        entries
                            .into_iter()
                            .map(|(name, value)| json!({"name": name, "v": value}))
                            .collect::<Vec<_>>(),
                    )
                }),
                prop::collection::btree_map("[ab/~]", inner, 0..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }
}
