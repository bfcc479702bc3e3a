//! The state behind the API: objects, their versions, their history.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_faulty_server::Reply;
use tokio::sync::watch;

use crate::{
    defaults,
    fields::{self, Writer},
    kinds::{self, Kind},
    reply::KubernetesReply as _,
    script::Script,
};

/// Where an object is kept: group, plural, namespace (empty for those of the cluster), name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn of(kind: &Kind, namespace: &str, name: &str) -> Self {
        let (group, plural) = kind.storage();
        let namespace = if kind.is_namespaced { namespace } else { "" };
        Self { group, plural, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// A change, as watches tell it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) key: Key,
    /// The object before; nothing when it is new.
    pub(crate) before: Option<Value>,
    /// The object after; nothing when it is gone.
    pub(crate) after: Option<Value>,
}

/// A list that is handed out in pages, and the version that it is of.
pub(crate) type Pages = (Vec<Value>, u64);

pub(crate) struct World {
    pub(crate) kinds: Vec<Kind>,
    objects: BTreeMap<Key, Value>,
    pub(crate) history: Vec<Event>,
    version: u64,
    /// Versions up to this one are forgotten.
    pub(crate) forgotten: u64,
    pub(crate) pages: HashMap<String, Pages>,
    changed: watch::Sender<u64>,
    names: u64,
    /// Verbs and resources that the caller may not use.
    pub(crate) forbidden: Vec<(String, String)>,
    /// Whether aggregated discovery is served.
    pub(crate) is_aggregated: bool,
    /// Versions of groups whose server does not answer.
    pub(crate) unavailable: Vec<String>,
    pub(crate) script: Script,
}

/// How an object is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How<'a> {
    pub(crate) manager: &'a str,
    pub(crate) subresource: Option<&'a str>,
    pub(crate) is_dry_run: bool,
}

impl<'a> How<'a> {
    /// By a controller.
    pub(crate) const fn controller(subresource: Option<&'a str>) -> Self {
        Self { manager: "kube-controller-manager", subresource, is_dry_run: false }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            kinds: kinds::built_in(),
            objects: BTreeMap::new(),
            history: Vec::new(),
            version: 1000,
            forgotten: 0,
            pages: HashMap::new(),
            changed: watch::channel(0).0,
            names: 0,
            forbidden: Vec::new(),
            is_aggregated: true,
            unavailable: Vec::new(),
            script: Script::default(),
        }
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Wakes the watches.
    pub(crate) fn stir(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn kind(&self, group: &str, version: &str, plural: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    pub(crate) fn kind_named(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        self.kinds.iter().find(|known| known.api_version() == api_version && known.kind == kind)
    }

    pub(crate) fn kind_of_plural(&self, plural: &str) -> &Kind {
        let found = self.kinds.iter().find(|kind| kind.plural == plural || kind.qualified() == plural);
        found.unwrap_or_else(|| panic!("no kind {plural}"))
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// The objects of a kind, in the order of their names; `namespace` is empty for all.
    pub(crate) fn all<'a>(
        &'a self,
        kind: &Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Value> + use<'a> {
        let (group, plural) = kind.storage();
        let is_meant = move |key: &Key| {
            key.group == group && key.plural == plural && (namespace.is_empty() || key.namespace == namespace)
        };
        self.objects.iter().filter(move |(key, _)| is_meant(key)).map(|(_, object)| object)
    }

    /// The objects of a kind by its plural, those of the built-in groups.
    pub(crate) fn every(&self, plural: &str) -> Vec<(Key, Value)> {
        let mine = self.objects.iter().filter(|(key, _)| key.plural == plural);
        mine.map(|(key, object)| (key.clone(), object.clone())).collect()
    }

    pub(crate) fn everything(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter()
    }

    /// Makes an object.
    pub(crate) fn create(
        &mut self,
        kind: &Kind,
        namespace: &str,
        object: &Value,
        how: How<'_>,
    ) -> Result<Value, Reply> {
        let mut object = object.clone();
        self.admit(kind, &mut object);
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        if let Some(prefix) = object["metadata"]["generateName"].as_str()
            && object["metadata"].get("name").is_none()
        {
            let name = format!("{prefix}{}", self.suffix());
            object["metadata"]["name"] = name.into();
        }
        let Some(name) = object["metadata"]["name"].as_str().map(str::to_owned) else {
            return Err(invalid(kind, "", "metadata.name: Required value: name or generateName is required"));
        };
        let key = Key::of(kind, namespace, &name);
        if self.objects.contains_key(&key) {
            let message = format!("{} {name:?} already exists", kind.qualified());
            return Err(Reply::refusal_with(409, "AlreadyExists", &message, &details(kind, &name)));
        }
        if kind.is_namespaced {
            let namespaces = self.kind_of_plural("namespaces").clone();
            if !self.objects.contains_key(&Key::of(&namespaces, "", namespace)) {
                let message = format!("namespaces {namespace:?} not found");
                return Err(Reply::refusal_with(404, "NotFound", &message, &details(&namespaces, namespace)));
            }
            object["metadata"]["namespace"] = namespace.into();
        }
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.kind.as_str().into();
        for server in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            object["metadata"].as_object_mut().unwrap().shift_remove(server);
        }
        object["metadata"]["uid"] = self.uid().into();
        object["metadata"]["creationTimestamp"] = now().into();
        if defaults::has_generation(kind) {
            object["metadata"]["generation"] = 1.into();
        }
        if kind.has_status && how.manager != "kubelet" {
            object.as_object_mut().unwrap().shift_remove("status");
        }
        defaults::complete(kind, &mut object);
        if object["metadata"].get("managedFields").is_none() || how.subresource.is_none() {
            fields::note_update(None, &mut object, &writer(kind, how));
        }
        defaults::allocate(kind, &mut object, self.names);
        Ok(self.store(&key, object, how))
    }

    /// Lets webhooks change an object that is made or changed.
    fn admit(&mut self, kind: &Kind, object: &mut Value) {
        if let Some((_, change)) = self.script.webhooks.iter_mut().find(|(plural, _)| *plural == kind.plural)
        {
            change(object);
        }
    }

    /// Makes an object that server-side apply has put together.
    pub(crate) fn create_applied(
        &mut self,
        kind: &Kind,
        namespace: &str,
        applied: &Value,
        how: How<'_>,
    ) -> Result<Value, Reply> {
        let owners = applied["metadata"]["managedFields"].clone();
        let made = self.create(kind, namespace, applied, How { is_dry_run: true, ..how })?;
        let mut made = made;
        made["metadata"]["managedFields"] = owners;
        let key = Key::of(kind, namespace, made["metadata"]["name"].as_str().unwrap());
        Ok(self.store(&key, made, how))
    }

    /// Replaces an object by another state of it, as far as the way it comes lets it change.
    pub(crate) fn update(
        &mut self,
        kind: &Kind,
        key: &Key,
        object: &Value,
        how: How<'_>,
    ) -> Result<Value, Reply> {
        let before = self.objects.get(key).cloned().ok_or_else(|| not_found(kind, &key.name))?;
        let mut after = Self::merged(kind, &before, object, how)?;
        if how.subresource.is_none() {
            self.admit(kind, &mut after);
        }
        fields::note_update(Some(&before), &mut after, &writer(kind, how));
        Ok(self.settle(kind, key, &before, after, how))
    }

    /// As [`World::update`], where server-side apply has said who owns what.
    pub(crate) fn update_applied(
        &mut self,
        kind: &Kind,
        key: &Key,
        applied: &Value,
        how: How<'_>,
    ) -> Result<Value, Reply> {
        let before = self.objects.get(key).cloned().ok_or_else(|| not_found(kind, &key.name))?;
        let mut after = Self::merged(kind, &before, applied, how)?;
        after["metadata"]["managedFields"] = applied["metadata"]["managedFields"].clone();
        Ok(self.settle(kind, key, &before, after, how))
    }

    fn merged(kind: &Kind, before: &Value, object: &Value, how: How<'_>) -> Result<Value, Reply> {
        let name = before["metadata"]["name"].as_str().unwrap_or_default();
        let asked = object["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty());
        if asked.is_some_and(|version| before["metadata"]["resourceVersion"] != version) {
            return Err(conflict(kind, name));
        }
        let uid = object["metadata"]["uid"].as_str();
        if uid.is_some_and(|uid| before["metadata"]["uid"] != uid) {
            let message = format!(
                "Operation cannot be fulfilled on {} {name:?}: Precondition failed: UID in precondition: {}, UID in object meta: {}",
                kind.qualified(),
                uid.unwrap_or_default(),
                before["metadata"]["uid"].as_str().unwrap_or_default(),
            );
            return Err(Reply::refusal_with(409, "Conflict", &message, &details(kind, name)));
        }
        let mut after = object.clone();
        if how.subresource == Some("status") {
            after = before.clone();
            after["status"] = object["status"].clone();
        } else if kind.has_status {
            match before.get("status") {
                Some(status) => after["status"] = status.clone(),
                None => drop(after.as_object_mut().unwrap().shift_remove("status")),
            }
        }
        for kept in [
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "generation",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "managedFields",
            "resourceVersion",
        ] {
            match before["metadata"].get(kept) {
                Some(value) => after["metadata"][kept] = value.clone(),
                None => drop(after["metadata"].as_object_mut().unwrap().shift_remove(kept)),
            }
        }
        after["apiVersion"] = before["apiVersion"].clone();
        after["kind"] = before["kind"].clone();
        defaults::complete(kind, &mut after);
        if let Some(why) = defaults::immutable_change(kind, before, &after) {
            return Err(invalid(kind, name, &why));
        }
        Ok(after)
    }

    fn settle(&mut self, kind: &Kind, key: &Key, before: &Value, mut after: Value, how: How<'_>) -> Value {
        if without_owners(before) == without_owners(&after) {
            // A write that changes nothing is no new version.
            return before.clone();
        }
        if defaults::has_generation(kind) && before["spec"] != after["spec"] {
            let generation = before["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
            after["metadata"]["generation"] = generation.into();
        }
        let is_going = after["metadata"].get("deletionTimestamp").is_some();
        let has_finalizers = after["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        if is_going && !has_finalizers && kind.kind != "Pod" && !how.is_dry_run {
            self.remove(key);
            return after;
        }
        self.store(key, after, how)
    }

    fn store(&mut self, key: &Key, mut object: Value, how: How<'_>) -> Value {
        if how.is_dry_run {
            return object;
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let before = self.objects.insert(key.clone(), object.clone());
        self.note(key, before, Some(object.clone()));
        if key.plural == "customresourcedefinitions" {
            self.serve_definitions();
        }
        object
    }

    /// Begins the end of an object: it is gone at once, unless it is a pod or has finalizers.
    pub(crate) fn delete(&mut self, kind: &Kind, key: &Key, orphans: bool) -> Option<Value> {
        let object = self.objects.get(key)?.clone();
        if orphans {
            self.orphan(object["metadata"]["uid"].as_str().unwrap_or_default());
        }
        let has_finalizers = object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        if kind.kind != "Pod" && !has_finalizers {
            self.remove(key);
            return Some(object);
        }
        if object["metadata"].get("deletionTimestamp").is_none() {
            let mut going = object;
            let grace = going["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(0);
            let end = Timestamp::now_here() + std::time::Duration::from_secs(grace.unsigned_abs());
            going["metadata"]["deletionTimestamp"] = seconds(end).into();
            going["metadata"]["deletionGracePeriodSeconds"] = grace.into();
            return Some(self.store(key, going, How::controller(None)));
        }
        Some(object)
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(before) = self.objects.remove(key) {
            self.version += 1;
            self.note(key, Some(before), None);
            if key.plural == "customresourcedefinitions" {
                self.serve_definitions();
            }
        }
    }

    /// Lets what belonged to an object belong to nothing.
    fn orphan(&mut self, uid: &str) {
        let owned: Vec<Key> = self
            .objects
            .iter()
            .filter(|(_, object)| is_owned_by(object, uid))
            .map(|(key, _)| key.clone())
            .collect();
        for key in owned {
            let mut object = self.objects[&key].clone();
            object["metadata"].as_object_mut().unwrap().shift_remove("ownerReferences");
            self.store(&key, object, How::controller(None));
        }
    }

    fn note(&mut self, key: &Key, before: Option<Value>, after: Option<Value>) {
        self.history.push(Event { version: self.version, key: key.clone(), before, after });
        self.stir();
    }

    fn serve_definitions(&mut self) {
        let mut served = kinds::built_in();
        for (_, definition) in self.every("customresourcedefinitions") {
            served.extend(kinds::of_definition(&definition));
        }
        self.kinds = served;
    }

    /// Makes a namespace as it is in every cluster, unless it is there.
    pub(crate) fn ensure_namespace(&mut self, name: &str) {
        let namespaces = self.kind_of_plural("namespaces").clone();
        if self.objects.contains_key(&Key::of(&namespaces, "", name)) {
            return;
        }
        let how = How::controller(None);
        let namespace = json!({"metadata": {"name": name}});
        self.create(&namespaces, "", &namespace, how).expect("a namespace");
        let accounts = self.kind_of_plural("serviceaccounts").clone();
        self.create(&accounts, name, &json!({"metadata": {"name": "default"}}), how).expect("an account");
        let maps = self.kind_of_plural("configmaps").clone();
        let roots = json!({"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "-----BEGIN CERTIFICATE-----"}});
        self.create(&maps, name, &roots, how).expect("the roots");
    }

    /// Changes the status of an object, as a controller does.
    pub(crate) fn set_status(&mut self, key: &Key, status: Value) {
        let Some(object) = self.objects.get(key) else { return };
        if object.get("status") == Some(&status) {
            return;
        }
        let mut after = object.clone();
        after["status"] = status;
        let kind = self.kind_for(key);
        let manager = if key.plural == "pods" { "kubelet" } else { "kube-controller-manager" };
        let how = How { manager, subresource: Some("status"), is_dry_run: false };
        self.update(&kind, key, &after, how).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    }

    pub(crate) fn kind_for(&self, key: &Key) -> Kind {
        let found = self.kinds.iter().find(|kind| kind.group == key.group && kind.plural == key.plural);
        found.expect("a kind that is served").clone()
    }

    /// Five letters and digits, as generated names end.
    pub(crate) fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        self.names += 1;
        let mut number = self.names.wrapping_mul(2_654_435_761) % 14_348_907;
        let mut suffix = String::new();
        for _ in 0..5 {
            suffix.push(char::from(LETTERS[usize::try_from(number % 27).unwrap_or(0)]));
            number /= 27;
        }
        suffix
    }

    fn uid(&mut self) -> String {
        self.names += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.names)
    }
}

pub(crate) fn is_owned_by(object: &Value, uid: &str) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|owner| owner["uid"] == uid))
}

fn without_owners(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.shift_remove("resourceVersion");
        // Times of entries are no change; who owns what is.
        for entry in metadata.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            entry["time"] = Value::Null;
        }
    }
    object
}

pub(crate) fn writer<'a>(kind: &Kind, how: How<'a>) -> Writer<'a> {
    Writer {
        manager: how.manager,
        api_version: kind.api_version(),
        subresource: how.subresource,
        time: now(),
    }
}

pub(crate) fn details(kind: &Kind, name: &str) -> Value {
    if kind.group.is_empty() {
        json!({"name": name, "kind": kind.plural})
    } else {
        json!({"name": name, "group": kind.group, "kind": kind.plural})
    }
}

pub(crate) fn not_found(kind: &Kind, name: &str) -> Reply {
    let message = format!("{} {name:?} not found", kind.qualified());
    Reply::refusal_with(404, "NotFound", &message, &details(kind, name))
}

pub(crate) fn conflict(kind: &Kind, name: &str) -> Reply {
    let message = format!(
        "Operation cannot be fulfilled on {} {name:?}: the object has been modified; please apply your changes to the latest version and try again",
        kind.qualified()
    );
    Reply::refusal_with(409, "Conflict", &message, &details(kind, name))
}

pub(crate) fn invalid(kind: &Kind, name: &str, why: &str) -> Reply {
    let group = if kind.group.is_empty() { String::new() } else { format!(".{}", kind.group) };
    let message = format!("{}{group} {name:?} is invalid: {why}", kind.kind);
    Reply::refusal_with(422, "Invalid", &message, &details(kind, name))
}

/// The clock of this machine.
pub(crate) trait Here {
    fn now_here() -> Self;
}

impl Here for Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a part of tests, which have no context")]
    fn now_here() -> Self {
        Self::now()
    }
}

/// The time now, as metadata writes it.
pub(crate) fn now() -> String {
    seconds(Timestamp::now_here())
}

pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
