//! JSON patch (RFC 6902) and JSON merge patch (RFC 7396).

use serde_json::Value;

/// Takes the steps of a JSON patch, all or none. The words of a refusal are those of the library that the API server uses
/// (<https://github.com/evanphx/json-patch/blob/v4.12.0/patch.go>).
pub(crate) fn json_patch(object: &Value, steps: &Value) -> Result<Value, String> {
    let mut result = object.clone();
    for step in
        steps.as_array().ok_or("json: cannot unmarshal object into Go value of type jsonpatch.Patch")?
    {
        let path = step["path"].as_str().ok_or("missing path")?;
        let value = step.get("value").cloned().unwrap_or_default();
        match step["op"].as_str().unwrap_or_default() {
            "test" => {
                if result.pointer(path).unwrap_or(&Value::Null) != &value {
                    return Err(format!("testing value {path} failed: test failed"));
                }
            }
            "add" => set(&mut result, path, value, true)?,
            "replace" => {
                let missing =
                    || format!("replace operation does not apply: doc is missing key: {path}: missing value");
                result.pointer(path).ok_or_else(missing)?;
                set(&mut result, path, value, false)?;
            }
            "remove" => remove(&mut result, path)?,
            "copy" | "move" => return Err("copy and move are not done by this stand-in".to_owned()),
            other => return Err(format!("Unexpected kind: {other}")),
        }
    }
    Ok(result)
}

fn parent<'a>(object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(|| format!("bad path {path}"))?;
    let missing = || format!("add operation does not apply: doc is missing path: {path}: missing value");
    Ok((object.pointer_mut(parent).ok_or_else(missing)?, key.replace("~1", "/").replace("~0", "~")))
}

fn set(object: &mut Value, path: &str, value: Value, is_new: bool) -> Result<(), String> {
    match parent(object, path)? {
        (Value::Object(fields), key) => drop(fields.insert(key, value)),
        (Value::Array(entries), key) if key == "-" => entries.push(value),
        (Value::Array(entries), key) => {
            let index: usize = key.parse().map_err(|_| format!("bad index in {path}"))?;
            if index > entries.len() {
                return Err(format!("Unable to access invalid index: {index}: invalid index referenced"));
            }
            if is_new {
                entries.insert(index, value);
            } else {
                entries[index] = value;
            }
        }
        _ => return Err(format!("add operation does not apply: doc is missing path: {path}: missing value")),
    }
    Ok(())
}

fn remove(object: &mut Value, path: &str) -> Result<(), String> {
    let missing = || format!("remove operation does not apply: doc is missing path: {path}: missing value");
    let removed = match parent(object, path).map_err(|_| missing())? {
        (Value::Object(fields), key) => fields.shift_remove(&key),
        (Value::Array(entries), key) => {
            let index = key.parse().ok().filter(|index| *index < entries.len());
            index.map(|index| entries.remove(index))
        }
        _ => None,
    };
    removed.map(drop).ok_or_else(missing)
}

/// Lays a merge patch over an object.
pub(crate) fn merge_patch(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(serde_json::Map::new());
    }
    let fields = object.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            fields.shift_remove(key);
        } else {
            merge_patch(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
