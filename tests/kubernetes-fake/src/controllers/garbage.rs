//! What belonged to something that is gone.

use std::collections::HashSet;

use serde_json::Value;

use super::{pods, word};
use crate::world::{Key, World};

/// Takes out what has owners, and none of them is there any more.
pub(super) fn step(world: &mut World) {
    let there: HashSet<&str> = world.everything().map(|(_, object)| word(object, "/metadata/uid")).collect();
    let is_left = |object: &Value| {
        let owners = object["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
        !owners.is_empty() && !owners.iter().any(|owner| there.contains(word(owner, "/uid")))
    };
    let left: Vec<Key> = world
        .everything()
        .filter(|(_, object)| is_left(object) && !pods::is_going(object))
        .map(|(key, _)| key.clone())
        .collect();
    for key in left {
        let kind = world.kind_for(&key);
        world.delete(&kind, &key, false);
    }
}
