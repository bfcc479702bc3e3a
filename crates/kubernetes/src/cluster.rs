//! What can be asked of a cluster.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Method;
use k8s_openapi::{Metadata, NamespaceResourceScope, Resource};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    Access, Error, JsonPatch, Kind, Object, Ownership, Setup,
    access::Endpoint,
    call::{Api, Call, in_no_doubt},
    meta::{ListMeta, ObjectMeta},
    patch::covers,
};

/// The objects of a page.
const PAGE: &str = "500";
const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// A type as which objects that live in namespaces are read: the whole of them, or a part.
pub trait Readable: Resource<Scope = NamespaceResourceScope> + DeserializeOwned + Send + 'static {}

impl<K> Readable for K where K: Resource<Scope = NamespaceResourceScope> + DeserializeOwned + Send + 'static {}

/// A type of whole objects: they can be written, too.
pub trait Typed: Readable + Metadata<Ty = ObjectMeta> + Serialize {}

impl<K> Typed for K where K: Readable + Metadata<Ty = ObjectMeta> + Serialize {}

/// A cluster, as one caller sees it in one namespace. Clones are cheap.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) api: Api,
    name: Arc<str>,
    namespace: Arc<str>,
    manager: &'static str,
    is_rehearsal: bool,
    pub(crate) known: Arc<Mutex<HashMap<String, Vec<Kind>>>>,
}

/// Which objects are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Option<String>,
    fields: Option<String>,
}

impl Selector {
    /// All of them.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those with these labels, as kubectl's `--selector` has it: `app=web,tier!=cache`.
    pub fn labels(labels: impl Into<String>) -> Self {
        Self { labels: Some(labels.into()), fields: None }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Self {
        Self::fields(format!("metadata.name={name}"))
    }

    /// Those with these fields, as kubectl's `--field-selector` has it.
    pub fn fields(fields: impl Into<String>) -> Self {
        Self { labels: None, fields: Some(fields.into()) }
    }

    pub(crate) fn apply(&self, mut call: Call) -> Call {
        if let Some(labels) = &self.labels {
            call = call.with("labelSelector", labels);
        }
        if let Some(fields) = &self.fields {
            call = call.with("fieldSelector", fields);
        }
        call
    }
}

/// A whole list.
#[derive(Clone, Debug)]
pub struct Listed<K> {
    /// All objects, of all pages.
    pub items: Vec<K>,
    /// The version at which they were so.
    pub resource_version: String,
}

/// One page of a list. Its objects are read as what they are asked for, and what is not is passed over: it is never in
/// memory but as the bytes that came.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(deserialize_with = "or_empty")]
    items: Vec<T>,
}

/// Go writes an empty list that was never made as null.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(list: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(list)?.unwrap_or_default())
}

/// What must hold of an object that is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// It is this very one, not another of the same name.
    pub uid: Option<String>,
    /// No one changed it since.
    pub resource_version: Option<String>,
}

impl Preconditions {
    /// That it is this very one.
    pub fn uid(uid: impl Into<String>) -> Self {
        Self { uid: Some(uid.into()), resource_version: None }
    }
}

impl Cluster {
    /// Finds out how to get there. The API server itself is first asked by the first call; EKS is asked now. It serves
    /// on the tokio runtime that it was made on.
    ///
    /// The namespace is the one given, else that of the kubeconfig's context, else `default`.
    pub async fn connect(access: &Access, namespace: Option<&str>, setup: Setup<'_>) -> Result<Self, Error> {
        let endpoint = Endpoint::find(access, &setup).await?;
        Self::at(endpoint, namespace, &setup)
    }

    pub(crate) fn at(endpoint: Endpoint, namespace: Option<&str>, setup: &Setup<'_>) -> Result<Self, Error> {
        let transport = endpoint.transport(setup)?;
        let namespace = namespace.or(endpoint.namespace.as_deref()).unwrap_or("default");
        let api = Api {
            client: kube::Client::new(transport.clone(), namespace),
            transport,
            patience: setup.patience,
        };
        Ok(Self {
            api,
            name: endpoint.name.into(),
            namespace: namespace.into(),
            manager: setup.manager,
            is_rehearsal: false,
            known: Arc::default(),
        })
    }

    /// The same cluster, where nothing that is written is kept: the API server checks it and tells what would be
    /// (`dryRun=All`).
    #[must_use]
    pub fn rehearsing(&self) -> Self {
        Self { is_rehearsal: true, ..self.clone() }
    }

    /// The same cluster, in another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.into(), ..self.clone() }
    }

    /// The same cluster, with more or less patience for what may pass.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        let mut cluster = self.clone();
        cluster.api.patience = patience;
        cluster
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What reports call it: the context of the kubeconfig, or the name that EKS knows.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Scheme, host and port of its API server.
    pub fn server(&self) -> String {
        self.api.transport.server().origin()
    }

    /// What its API server has warned of so far, each once: an API that is deprecated, a policy that would refuse pods.
    pub fn warnings(&self) -> Vec<String> {
        self.api.transport.warnings()
    }

    /// Who writes, as managed fields name it.
    pub const fn manager(&self) -> &'static str {
        self.manager
    }

    /// The version of Kubernetes: `v1.36.1`.
    pub async fn version(&self) -> Result<String, Error> {
        let call = Call::get("/version");
        let version: Value = self.api.read(&call).await?;
        match version.get("gitVersion").and_then(Value::as_str) {
            Some(version) => Ok(version.to_owned()),
            None => Err(Error::unreadable("the version of the cluster", "it has no gitVersion")),
        }
    }

    /// An object.
    pub async fn get<K: Typed>(&self, name: &str) -> Result<K, Error> {
        let kind = Kind::of::<K>();
        typed(&kind, self.fetch(&kind, None, name).await?)
    }

    /// An object of any kind. The namespace is this one's.
    pub async fn get_object(&self, kind: &Kind, name: &str) -> Result<Object, Error> {
        untyped(kind, self.fetch(kind, None, name).await?)
    }

    /// All objects that are meant.
    pub async fn list<K: Readable>(&self, selector: &Selector) -> Result<Listed<K>, Error> {
        self.pages(&Kind::of::<K>(), selector).await
    }

    /// All objects of any kind that are meant.
    pub async fn list_objects(&self, kind: &Kind, selector: &Selector) -> Result<Listed<Object>, Error> {
        let listed = self.pages(kind, selector).await?;
        let read = |item| Object::of_list(kind, item).map_err(|why| Error::unreadable(kind, why));
        let items = listed.items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Listed { items, resource_version: listed.resource_version })
    }

    /// Makes an object. Fields that the kind does not have are refused.
    pub async fn create<K: Typed>(&self, object: &K) -> Result<K, Error> {
        let kind = Kind::of::<K>();
        typed(&kind, self.make(&kind, value(object)?).await?)
    }

    /// Makes an object of any kind.
    pub async fn create_object(&self, kind: &Kind, object: &Object) -> Result<Object, Error> {
        untyped(kind, self.make(kind, object.clone().into()).await?)
    }

    /// Replaces an object by another state of it. Where it names a `resourceVersion`, and another one changed the object
    /// since: [`Error::Conflict`].
    pub async fn replace<K: Typed>(&self, object: &K) -> Result<K, Error> {
        let kind = Kind::of::<K>();
        typed(&kind, self.put(&kind, value(object)?).await?)
    }

    /// Replaces an object of any kind.
    pub async fn replace_object(&self, kind: &Kind, object: &Object) -> Result<Object, Error> {
        untyped(kind, self.put(kind, object.clone().into()).await?)
    }

    /// Changes single fields. A test that does not hold is [`Error::TestFailed`].
    pub async fn patch<K: Typed>(&self, name: &str, patch: &JsonPatch) -> Result<K, Error> {
        let kind = Kind::of::<K>();
        typed(&kind, self.change(&kind, name, patch).await?)
    }

    /// Changes single fields of an object of any kind.
    pub async fn patch_object(&self, kind: &Kind, name: &str, patch: &JsonPatch) -> Result<Object, Error> {
        untyped(kind, self.change(kind, name, patch).await?)
    }

    /// Makes an object, or makes it say this (server-side apply). What another manager owns and says otherwise is
    /// [`Error::Conflict`], unless it is to be taken over.
    ///
    /// Its kind is found by discovery; its namespace is its own, else this one's.
    pub async fn apply(&self, object: &Object, ownership: Ownership) -> Result<Object, Error> {
        let kind = self.kind_of(object).await?;
        let call = self
            .write(Method::PATCH, "patch", &kind, object.namespace())
            .named(object.name())
            .with("fieldValidation", "Strict")
            .with("force", (ownership == Ownership::Take).to_string())
            .body(APPLY, yaml(object)?);
        let call = if object.resource_version().is_empty() { call.repeat_on_conflict() } else { call };
        // To apply the same again changes nothing.
        untyped(&kind, self.api.write(&call, &in_no_doubt).await?)
    }

    /// Deletes an object, and in the background what belongs to it.
    pub async fn delete<K: Typed>(&self, name: &str, preconditions: &Preconditions) -> Result<(), Error> {
        self.delete_object(&Kind::of::<K>(), name, preconditions).await
    }

    /// Deletes an object of any kind.
    pub async fn delete_object(
        &self,
        kind: &Kind,
        name: &str,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        let Preconditions { uid, resource_version } = preconditions;
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            // The API's own default leaves the pods of a Job behind.
            "propagationPolicy": "Background",
        });
        if uid.is_some() || resource_version.is_some() {
            options["preconditions"] = json!({});
        }
        if let Some(uid) = uid {
            options["preconditions"]["uid"] = uid.as_str().into();
        }
        if let Some(version) = resource_version {
            options["preconditions"]["resourceVersion"] = version.as_str().into();
        }
        if self.is_rehearsal {
            options["dryRun"] = json!(["All"]);
        }
        let call = Call::of(Method::DELETE, "delete", kind, &self.namespace)
            .named(name)
            .body(JSON, options.to_string().into_bytes());
        let gone = || {
            in_doubt(async {
                match self.fetch(kind, None, name).await {
                    Err(Error::NotFound { .. }) => Ok(Some(Value::Null)),
                    Ok(object) => {
                        let is_another =
                            uid.as_ref().is_some_and(|uid| object["metadata"]["uid"] != uid.as_str());
                        let is_going = object["metadata"].get("deletionTimestamp").is_some();
                        Ok((is_another || is_going).then_some(object))
                    }
                    Err(error) => Err(error),
                }
            })
        };
        self.api.write(&call, &gone).await.map(drop)
    }

    async fn fetch(&self, kind: &Kind, namespace: Option<&str>, name: &str) -> Result<Value, Error> {
        let namespace = namespace.unwrap_or(&self.namespace);
        self.api.read(&Call::of(Method::GET, "get", kind, namespace).named(name)).await
    }

    /// A list, page by page. A list that outlives what the server remembers is read once more, at once.
    pub(crate) async fn pages<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        selector: &Selector,
    ) -> Result<Listed<T>, Error> {
        match self.pages_of(kind, selector, Some(PAGE)).await {
            Err(Error::Gone { .. }) => self.pages_of(kind, selector, None).await,
            other => other,
        }
    }

    async fn pages_of<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        selector: &Selector,
        limit: Option<&str>,
    ) -> Result<Listed<T>, Error> {
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut call = selector.apply(Call::of(Method::GET, "list", kind, &self.namespace));
            if let Some(limit) = limit {
                call = call.with("limit", limit);
            }
            if let Some(next) = &next {
                call = call.with("continue", next);
            }
            let page: Page<T> = self.api.read(&call).await?;
            let ListMeta { resource_version, continue_: more, .. } = page.metadata;
            items.extend(page.items);
            let Some(more) = more.filter(|more| !more.is_empty()) else {
                return Ok(Listed { items, resource_version: resource_version.unwrap_or_default() });
            };
            if next.replace(more.clone()) == Some(more) {
                return Err(Error::unreadable(call.what(), "a list that does not end"));
            }
        }
    }

    async fn make(&self, kind: &Kind, object: Value) -> Result<Value, Error> {
        let (name, namespace) = place(&object);
        let call = self
            .write(Method::POST, "create", kind, namespace)
            .with("fieldValidation", "Strict")
            .body(JSON, object.to_string().into_bytes());
        let made = || {
            in_doubt(async {
                match self.fetch(kind, namespace, name).await {
                    Ok(found) => Ok(covers(&found, &object).then_some(found)),
                    Err(Error::NotFound { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            })
        };
        self.api.write(&call, &made).await
    }

    async fn put(&self, kind: &Kind, object: Value) -> Result<Value, Error> {
        let (name, namespace) = place(&object);
        let call = self
            .write(Method::PUT, "update", kind, namespace)
            .named(name)
            .with("fieldValidation", "Strict")
            .body(JSON, object.to_string().into_bytes());
        let replaced = || {
            in_doubt(async {
                let found = self.fetch(kind, namespace, name).await?;
                Ok(covers(&found, &without_version(&object)).then_some(found))
            })
        };
        self.api.write(&call, &replaced).await
    }

    async fn change(&self, kind: &Kind, name: &str, patch: &JsonPatch) -> Result<Value, Error> {
        let call = self
            .write(Method::PATCH, "patch", kind, None)
            .named(name)
            .repeat_on_conflict()
            .body(JSON_PATCH, bytes(patch)?);
        let changed = || {
            in_doubt(async {
                let found = self.fetch(kind, None, name).await?;
                match (patch.is_done(&found), patch.unmet(&found)) {
                    (Some(true), _) => Ok(Some(found)),
                    // Neither done nor to be done: another one changed it.
                    (_, Some(unmet)) => Err(Error::unmet(call.what(), unmet)),
                    (Some(false), None) => Ok(None),
                    (None, None) => Err(Error::could_not_tell(format!(
                        "{}: the answer to a change was lost, and what stands there does not tell whether it took effect",
                        call.what()
                    ))),
                }
            })
        };
        let answer = self.api.write(&call, &changed).await;
        if let Err(Error::Rejected { .. }) = &answer
            // The API server does not tell a failed test from a bad patch: what stands there does.
            && let Some(unmet) = patch.unmet(&self.fetch(kind, None, name).await?)
        {
            return Err(Error::unmet(call.what(), unmet));
        }
        answer
    }

    fn write(&self, method: Method, verb: &'static str, kind: &Kind, namespace: Option<&str>) -> Call {
        let call = Call::of(method, verb, kind, namespace.unwrap_or(&self.namespace))
            .with("fieldManager", self.manager);
        if self.is_rehearsal { call.with("dryRun", "All") } else { call }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

fn in_doubt<'a>(
    look: impl Future<Output = Result<Option<Value>, Error>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<Value>, Error>> {
    Box::pin(look)
}

/// Name and namespace of an object, as far as it says them.
fn place(object: &Value) -> (&str, Option<&str>) {
    let word = |pointer| object.pointer(pointer).and_then(Value::as_str);
    (word("/metadata/name").unwrap_or_default(), word("/metadata/namespace"))
}

/// What is to be there after a replacement: with a new version, and managed fields that the server keeps itself.
fn without_version(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for kept in ["resourceVersion", "managedFields", "generation"] {
            metadata.remove(kept);
        }
    }
    object
}

pub(crate) fn typed<K: DeserializeOwned>(kind: &Kind, object: Value) -> Result<K, Error> {
    serde_json::from_value(object).map_err(|error| Error::unreadable(kind, error))
}

fn untyped(kind: &Kind, object: Value) -> Result<Object, Error> {
    Object::new(object).map_err(|why| Error::unreadable(kind, why))
}

fn value(object: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(object).map_err(Error::could_not_tell)
}

/// JSON that is YAML 1.1 too, as which the API server reads it: there some letters end a line also between quotes, and some are
/// none at all: <https://yaml.org/spec/1.1/#id868524>. All of them can be written as escapes.
fn yaml(object: &impl Serialize) -> Result<Vec<u8>, Error> {
    let json = serde_json::to_string(object).map_err(Error::could_not_tell)?;
    let mut yaml = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(yaml, "\\u{:04x}", u32::from(letter));
            }
            _ => yaml.push(letter),
        }
    }
    Ok(yaml.into_bytes())
}

fn bytes(object: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(object).map_err(Error::could_not_tell)
}
