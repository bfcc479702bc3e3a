//! Which of our actions and workflows a file names, and whether it gives them what they take.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeSet;

use serde_json::Value;

use super::examples::{read, root};

/// A YAML file or a part of one.
pub(crate) fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The names of all actions.
pub(crate) fn actions() -> Vec<String> {
    let folders = root().join("actions").read_dir().unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().join("action.yml").exists());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    names
}

/// The texts below every key of this name.
pub(crate) fn strings(value: &Value, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, &mut |map| found.extend(map.get(key).and_then(Value::as_str).map(str::to_owned)));
    found
}

/// Whether an action has an input of this name, which is a flag, too.
pub(crate) fn has_input(action: &str, name: &str) -> bool {
    let (inputs, _, _) = taken(&format!("$/actions/{action}")).unwrap();
    inputs.contains(name)
}

/// Checks that what is given to our actions and workflows below `with` and `secrets` is what they take, and tells how
/// much that is.
pub(crate) fn check(value: &Value, place: &str) -> usize {
    let mut given = 0;
    walk(value, &mut |map| {
        let Some(uses) = map.get("uses").and_then(Value::as_str) else { return };
        let Some((inputs, secrets, required)) = taken(uses) else { return };
        let names = |key: &str| -> BTreeSet<String> {
            map.get(key)
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect()
        };
        let (with, hands) = (names("with"), names("secrets"));
        let unknown: Vec<_> = with.difference(&inputs).chain(hands.difference(&secrets)).collect();
        assert!(unknown.is_empty(), "{place}: {uses} takes no {unknown:?}");
        let missing: Vec<_> = required.difference(&with).filter(|name| !hands.contains(*name)).collect();
        assert!(missing.is_empty(), "{place}: {uses} wants {missing:?}");
        given += with.len() + hands.len();
    });
    given
}

type Names = BTreeSet<String>;

/// The inputs and secrets of one of our actions or workflows, and those that must be given; `None` for others'.
fn taken(uses: &str) -> Option<(Names, Names, Names)> {
    let path = uses.strip_prefix("$/").or_else(|| uses.strip_prefix("sluice-actions/sluice/"))?;
    let path = path.split('@').next().unwrap();
    if let Some(name) = path.strip_prefix("actions/") {
        let action = parse(&read(&root().join("actions").join(name).join("action.yml")));
        return Some((keys(&action["inputs"]), Names::new(), must(&action["inputs"])));
    }
    let workflow = parse(&read(&root().join(path)));
    let call = &workflow["on"]["workflow_call"];
    let required = must(&call["inputs"]).union(&must(&call["secrets"])).cloned().collect();
    Some((keys(&call["inputs"]), keys(&call["secrets"]), required))
}

fn keys(value: &Value) -> Names {
    value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn must(value: &Value) -> Names {
    let all = value.as_object().into_iter().flatten();
    all.filter(|(_, input)| input["required"] == true).map(|(name, _)| name.clone()).collect()
}

fn walk(value: &Value, visit: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(map);
            map.values().for_each(|value| walk(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}
