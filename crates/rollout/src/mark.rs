//! The mark that a run leaves at each object that it changes, in the same write: two runs can't change one object.

use serde_json::{Value, json};
use sluice_kubernetes::{Cluster, Error, JsonPatch, Object};

use crate::{
    edit::{self, annotation},
    journal::{Journal, MARK},
};

/// The mark at an object: the name of a journal, and its id.
pub(crate) fn of(object: &Value) -> Option<&str> {
    object.pointer(&annotation(MARK))?.as_str()
}

/// The name of the journal of another run that is at an object.
///
/// One whose journal is gone is over: someone has deleted that, or `kubectl rollout undo` has brought back an annotation that
/// was removed.
pub(crate) async fn of_another<'a>(
    object: &'a Value,
    journal: &Journal,
    cluster: &Cluster,
) -> Result<Option<&'a str>, Error> {
    let Some(other) = of(object).filter(|mark| *mark != journal.mark()) else { return Ok(None) };
    let (name, id) = other.split_once('/').unwrap_or((other, ""));
    Ok(Journal::exists(cluster, name, id).await?.then_some(name))
}

/// A patch that also leaves the mark, and fails where another stands than when the object was read.
pub(crate) fn left(object: &Value, mark: &str, edits: JsonPatch) -> JsonPatch {
    let path = annotation(MARK);
    let has_annotations = object.pointer("/metadata/annotations").is_some_and(Value::is_object);
    let held = if has_annotations {
        JsonPatch::new().test(path.as_str(), of(object).map_or(Value::Null, Value::from))
    } else {
        JsonPatch::new().test("/metadata/annotations", Value::Null).add("/metadata/annotations", json!({}))
    };
    held.add(path, mark).then(edits)
}

/// Writes the mark into a manifest, which then is applied to this version of the object only.
pub(crate) fn write(object: &mut Object, mark: &str, version: Option<&str>) {
    let fields = object.fields_mut();
    let mut metadata = fields.remove("metadata").unwrap_or_default();
    edit::set(&mut metadata, &format!("/annotations/{}", JsonPatch::escape(MARK)), mark);
    if let Some(version) = version {
        edit::set(&mut metadata, "/resourceVersion", version);
    }
    fields.insert("metadata".to_owned(), metadata);
}

/// A patch that takes the mark away.
pub(crate) fn removed(mark: &str) -> JsonPatch {
    JsonPatch::new().test(annotation(MARK), mark).remove(annotation(MARK))
}
