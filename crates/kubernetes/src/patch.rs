//! Changes of single fields, held to what stands there.

use serde::Serialize;
use serde_json::Value;

/// What to do with fields that another manager owns
/// (<https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Leave them: a difference is [`crate::Error::Conflict`].
    Respect,
    /// Take them over.
    Take,
}

/// A JSON patch (<https://www.rfc-editor.org/rfc/rfc6902>): its steps are taken all or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct JsonPatch(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Step {
    Test { path: String, value: Value },
    Add { path: String, value: Value },
    Replace { path: String, value: Value },
    Remove { path: String },
}

/// A test that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unmet {
    pub(crate) path: String,
    pub(crate) expected: Value,
    pub(crate) found: Option<Value>,
}

impl JsonPatch {
    /// A patch without a step.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds the patch to this value at a JSON pointer (RFC 6901). `null` also holds where nothing stands.
    #[must_use]
    pub fn test(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(Step::Test { path: path.into(), value: value.into() })
    }

    /// Sets a field, which need not be there, or puts an element into a list.
    #[must_use]
    pub fn add(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(Step::Add { path: path.into(), value: value.into() })
    }

    /// Sets a field, which must be there.
    #[must_use]
    pub fn replace(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(Step::Replace { path: path.into(), value: value.into() })
    }

    /// Removes a field, which must be there.
    #[must_use]
    pub fn remove(self, path: impl Into<String>) -> Self {
        self.with(Step::Remove { path: path.into() })
    }

    /// The steps of another patch after these.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// One step of a JSON pointer, escaped: annotations have slashes in their names.
    pub fn escape(key: &str) -> String {
        key.replace('~', "~0").replace('/', "~1")
    }

    /// The first test that does not hold of an object.
    pub(crate) fn unmet(&self, object: &Value) -> Option<Unmet> {
        self.0.iter().find_map(|step| {
            let Step::Test { path, value } = step else { return None };
            let found = object.pointer(path);
            let holds = found.unwrap_or(&Value::Null) == value;
            (!holds).then(|| Unmet { path: path.clone(), expected: value.clone(), found: found.cloned() })
        })
    }

    /// Whether an object is as the patch leaves it, as far as that can be told: not for steps within lists.
    pub(crate) fn is_done(&self, object: &Value) -> Option<bool> {
        let mut done = true;
        for step in &self.0 {
            match step {
                Step::Test { .. } => {}
                Step::Add { path, .. } | Step::Remove { path } if ends_in_list(path) => return None,
                Step::Add { path, value } | Step::Replace { path, value } => {
                    done &= object.pointer(path).is_some_and(|found| covers(found, value));
                }
                Step::Remove { path } => done &= object.pointer(path).is_none(),
            }
        }
        Some(done)
    }

    fn with(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

fn ends_in_list(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    last == "-" || last.parse::<usize>().is_ok()
}

/// Whether `found` has all that `asked` says. The server adds defaults, never takes anything away.
pub(crate) fn covers(found: &Value, asked: &Value) -> bool {
    match (found, asked) {
        (Value::Object(found), Value::Object(asked)) => asked
            .iter()
            .all(|(name, asked)| found.get(name).map_or(is_nothing(asked), |found| covers(found, asked))),
        (Value::Array(found), Value::Array(asked)) => {
            found.len() == asked.len() && found.iter().zip(asked).all(|(found, asked)| covers(found, asked))
        }
        _ => found == asked,
    }
}

/// What the server leaves out when it writes an object.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Array(entries) => entries.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn switch() -> JsonPatch {
        JsonPatch::new().test("/spec/selector/colour", "blue").replace("/spec/selector/colour", "green")
    }

    #[test]
    fn a_patch_is_written_as_the_rfc_has_it() {
        let patch = switch().remove("/metadata/annotations/a.example~1b");
        assert_eq!(
            serde_json::to_value(patch).unwrap(),
            json!([
                {"op": "test", "path": "/spec/selector/colour", "value": "blue"},
                {"op": "replace", "path": "/spec/selector/colour", "value": "green"},
                {"op": "remove", "path": "/metadata/annotations/a.example~1b"},
            ])
        );
    }

    #[test]
    fn a_patch_knows_whether_it_may_and_whether_it_was() {
        let (blue, green) = (
            json!({"spec": {"selector": {"colour": "blue"}}}),
            json!({"spec": {"selector": {"colour": "green"}}}),
        );
        assert_eq!(switch().unmet(&blue), None);
        assert_eq!(switch().is_done(&blue), Some(false));
        let unmet = switch().unmet(&green).unwrap();
        assert_eq!((unmet.path.as_str(), unmet.found), ("/spec/selector/colour", Some(json!("green"))));
        assert_eq!(switch().is_done(&green), Some(true));
        assert_eq!(JsonPatch::new().add("/spec/ports/-", json!({})).is_done(&green), None);
        assert_eq!(JsonPatch::new().test("/none", Value::Null).unmet(&green), None);
    }

    #[test]
    fn an_object_covers_what_was_asked_when_only_defaults_were_added() {
        let asked = json!({"spec": {"containers": [{"name": "web"}], "hostname": null, "tolerations": []}});
        let made =
            json!({"spec": {"containers": [{"name": "web", "resources": {}}], "dnsPolicy": "ClusterFirst"}});
        assert!(covers(&made, &asked));
        assert!(!covers(&asked, &made));
        assert!(!covers(&made, &json!({"spec": {"containers": [{"name": "api"}]}})));
    }
}
