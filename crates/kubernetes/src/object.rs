//! Objects of kinds that are not known beforehand.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Kind;

/// An object of any kind, as the API writes it: nothing of it is lost, and the order of its fields is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(Map<String, Value>);

impl Object {
    /// Reads an object.
    ///
    /// Fails with one line on what is missing: `apiVersion`, `kind`, `metadata.name`.
    pub fn new(value: Value) -> Result<Self, String> {
        let Value::Object(fields) = value else { return Err("it is no object".to_owned()) };
        let object = Self(fields);
        let told =
            [("apiVersion", object.api_version()), ("kind", object.kind()), ("metadata.name", object.name())];
        if let Some((field, _)) = told.iter().find(|(_, value)| value.is_empty()) {
            return Err(format!("it has no {field}"));
        }
        Ok(object)
    }

    /// An object out of a list: there it says neither version nor kind.
    pub(crate) fn of_list(kind: &Kind, value: Value) -> Result<Self, String> {
        let Value::Object(fields) = value else { return Err("an entry is no object".to_owned()) };
        let mut whole = Map::new();
        whole.insert("apiVersion".to_owned(), kind.api_version().into());
        whole.insert("kind".to_owned(), kind.kind.as_str().into());
        whole.extend(fields);
        Self::new(whole.into())
    }

    /// `apps/v1`.
    pub fn api_version(&self) -> &str {
        self.word("/apiVersion")
    }

    /// `Deployment`.
    pub fn kind(&self) -> &str {
        self.word("/kind")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.word("/metadata/name")
    }

    /// Its namespace, if it says one.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.word("/metadata/namespace")).filter(|name| !name.is_empty())
    }

    /// Its uid: empty as long as no server made it.
    pub fn uid(&self) -> &str {
        self.word("/metadata/uid")
    }

    /// The version that the server gave this state of it: empty as long as no server has it.
    pub fn resource_version(&self) -> &str {
        self.word("/metadata/resourceVersion")
    }

    /// What stands at a JSON pointer (RFC 6901): `/spec/replicas`.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        let mut steps = pointer.strip_prefix('/')?.splitn(2, '/');
        let first = self.0.get(&steps.next()?.replace("~1", "/").replace("~0", "~"))?;
        steps.next().map_or(Some(first), |rest| first.pointer(&format!("/{rest}")))
    }

    /// Its fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Its fields, to be changed.
    pub fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    fn word(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_says_what_it_is() {
        let object = Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "annotations": {"a.example/b": "c"}},
            "spec": {"replicas": 3},
        }))
        .unwrap();
        assert_eq!((object.api_version(), object.kind(), object.name()), ("apps/v1", "Deployment", "web"));
        assert_eq!((object.namespace(), object.uid()), (Some("shop"), ""));
        assert_eq!(object.at("/spec/replicas"), Some(&json!(3)));
        assert_eq!(object.at("/metadata/annotations/a.example~1b"), Some(&json!("c")));
        assert_eq!(object.at("/spec/none"), None);
        assert_eq!(object.at("/none"), None);
    }

    #[test]
    fn what_lacks_a_name_is_no_object() {
        let nameless = Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}}));
        assert_eq!(nameless, Err("it has no metadata.name".to_owned()));
        assert_eq!(Object::new(json!([])), Err("it is no object".to_owned()));
    }
}
