//! What requests mean: <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

use serde_json::{Value, json};
use sluice_faulty_server::{Reply, Request};

use crate::{
    discovery,
    fields::{self, Conflict},
    kinds::Kind,
    logs::Following,
    patch::{json_patch, merge_patch},
    reply::KubernetesReply as _,
    selector::Selector,
    watches::Watch,
    world::{How, Key, Pages, World, conflict, details, invalid, not_found, writer},
    yaml,
};

/// What comes of a request.
pub(crate) enum Outcome {
    /// At once.
    Now(Reply),
    /// As it happens.
    Watch(Watch),
    /// As it is written.
    Log(Following),
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Now(reply)
    }
}

/// What a path names.
struct Target {
    kind: Kind,
    namespace: String,
    name: Option<String>,
    subresource: Option<String>,
}

/// Lets a request take effect.
pub(crate) fn answer(world: &mut World, request: &Request) -> Outcome {
    let segments: Vec<String> = request
        .path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if let Some(reply) = discovery::answer(world, request, &segments) {
        return reply.into();
    }
    let Some(target) = find(world, &segments) else { return Reply::text(404, "404 page not found\n").into() };
    let verb = verb(request, &target);
    if let Some(refusal) = refusal(world, verb, &target) {
        return refusal.into();
    }
    match target.answer(world, request, verb) {
        Outcome::Now(reply) if ["create", "update", "patch"].contains(&verb) => warning(reply).into(),
        outcome => outcome,
    }
}

/// Warns of a label of nodes that is deprecated, in the API server's words:
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/api/node/util.go>
fn warning(reply: Reply) -> Reply {
    let written: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if written.pointer("/spec/template/spec/nodeSelector/beta.kubernetes.io~1os").is_none() {
        return reply;
    }
    let text = r#"spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead"#;
    reply.header("warning", &format!("299 - \"{text}\""))
}

fn find(world: &World, segments: &[&str]) -> Option<Target> {
    let (group, version, rest) = match segments {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, plural, rest) = match rest {
        ["namespaces", namespace, plural, rest @ ..] if !matches!(*plural, "status" | "finalize") => {
            (*namespace, *plural, rest)
        }
        [plural, rest @ ..] => ("", *plural, rest),
        [] => return None,
    };
    let (name, subresource) = match rest {
        [] => (None, None),
        [name] => (Some(*name), None),
        [name, subresource] => (Some(*name), Some(*subresource)),
        _ => return None,
    };
    Some(Target {
        kind: world.kind(group, version, plural)?.clone(),
        namespace: namespace.to_owned(),
        name: name.map(str::to_owned),
        subresource: subresource.map(str::to_owned),
    })
}

fn verb(request: &Request, target: &Target) -> &'static str {
    match (request.method.as_str(), target.name.is_some()) {
        ("GET", true) => "get",
        ("GET", false) if request.is_watch() => "watch",
        ("GET", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        _ => "deletecollection",
    }
}

/// The words of RBAC: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go>.
fn refusal(world: &World, verb: &str, target: &Target) -> Option<Reply> {
    let kind = &target.kind;
    let resource =
        target.subresource.as_ref().map_or(kind.plural.clone(), |sub| format!("{}/{sub}", kind.plural));
    let group = if kind.group.is_empty() { String::new() } else { format!(".{}", kind.group) };
    let qualified =
        target.subresource.as_ref().map_or(kind.qualified(), |sub| format!("{}/{sub}", kind.qualified()));
    if !world.forbidden.iter().any(|(denied, what)| denied == verb && *what == qualified) {
        return None;
    }
    let name = target.name.as_deref().unwrap_or_default();
    let place = if kind.is_namespaced {
        format!("in the namespace {:?}", target.namespace)
    } else {
        "at the cluster scope".to_owned()
    };
    let message = format!(
        "{}{group} {}is forbidden: User \"sluice\" cannot {verb} resource {resource:?} in API group {:?} {place}",
        kind.plural,
        if name.is_empty() { String::new() } else { format!("{name:?} ") },
        kind.group,
    );
    Some(Reply::refusal_with(403, "Forbidden", &message, &details(kind, name)))
}

impl Target {
    fn answer(&self, world: &mut World, request: &Request, verb: &str) -> Outcome {
        if self.kind.kind == "SelfSubjectAccessReview" {
            return review(world, request).into();
        }
        if verb == "create" && self.kind.is_namespaced && self.namespace.is_empty() {
            return Reply::refusal(400, "BadRequest", "an empty namespace may not be set during creation")
                .into();
        }
        let Some(name) = &self.name else {
            return match verb {
                "list" => self.list(world, request).into(),
                "watch" => self.watch(world, request),
                "create" => self.create(world, request).into(),
                _ => Reply::refusal(
                    405,
                    "MethodNotAllowed",
                    "the server does not allow this method on the requested resource",
                )
                .into(),
            };
        };
        let key = Key::of(&self.kind, &self.namespace, name);
        if self.subresource.as_deref() == Some("log") {
            return self.log(world, request, &key);
        }
        let Some(object) = world.get(&key).cloned() else {
            let is_apply = verb == "patch" && is_apply(request);
            if is_apply && self.subresource.is_none() {
                return self.apply(world, request, None, &key).into();
            }
            return not_found(&self.kind, name).into();
        };
        match (verb, self.subresource.as_deref()) {
            ("get", None | Some("status")) => Reply::json(200, &shown(&self.kind, object)).into(),
            (_, Some("scale")) => self.scale(world, request, &key, &object, verb).into(),
            ("update", None | Some("status")) => self.replace(world, request, &key).into(),
            ("patch", None | Some("status")) => self.patch(world, request, object, &key).into(),
            ("delete", None) => self.delete(world, request, &key, &object).into(),
            _ => Reply::text(404, "404 page not found\n").into(),
        }
    }

    fn how<'a>(&'a self, request: &Request, manager: &'a str) -> How<'a> {
        How {
            manager,
            subresource: self.subresource.as_deref(),
            is_dry_run: request.parameter("dryRun").is_some(),
        }
    }

    fn list(&self, world: &mut World, request: &Request) -> Reply {
        let selector = match selector(request) {
            Ok(selector) => selector,
            Err(refusal) => return refusal,
        };
        let limit = request.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(0_usize);
        let (mut items, version) = match request.parameter("continue") {
            None => (self.after(world, "", &selector), world.version()),
            Some(token) => match self.rest(world, &token, &selector) {
                Ok(rest) => rest,
                Err(refusal) => return refusal,
            },
        };
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if limit > 0 && items.len() > limit {
            let rest = items.split_off(limit);
            let last = items.last().map(|object| object["metadata"]["name"].as_str().unwrap_or_default());
            let token = format!("page-{version}-{}/{}", world.suffix(), last.unwrap_or_default());
            metadata["continue"] = token.as_str().into();
            metadata["remainingItemCount"] = rest.len().into();
            world.pages.insert(token, (rest, version));
        }
        let kind = format!("{}List", self.kind.kind);
        Reply::json(
            200,
            &json!({"kind": kind, "apiVersion": self.kind.api_version(), "metadata": metadata, "items": items}),
        )
    }

    /// The objects whose names come after this one.
    fn after(&self, world: &World, name: &str, selector: &Selector) -> Vec<Value> {
        let meant = world.all(&self.kind, &self.namespace).filter(|object| {
            selector.matches(object) && object["metadata"]["name"].as_str().is_some_and(|found| found > name)
        });
        meant.map(|object| of_list(&self.kind, object)).collect()
    }

    /// What a token stands for: the rest of the list as it was, or as it is now where the token is of a list that was
    /// forgotten.
    /// <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/storage/etcd3/errors.go>
    fn rest(&self, world: &World, token: &str, selector: &Selector) -> Result<Pages, Reply> {
        let last = token.rsplit_once('/').map_or("", |(_, last)| last);
        if token.starts_with("now/") {
            return Ok((self.after(world, last, selector), world.version()));
        }
        if let Some(page) = world.pages.get(token).filter(|(_, version)| *version > world.forgotten) {
            return Ok(page.clone());
        }
        let message = "The provided continue parameter is too old to display a consistent list result. \
            You can start a new list without the continue parameter, or use the continue token in this \
            response to retrieve the remainder of the results. Continuing with the provided token results in an \
            inconsistent list - objects that were created, modified, or deleted between the time the first chunk \
            was returned and now may show up in the list.";
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {"continue": format!("now/{last}")},
            "status": "Failure", "message": message, "reason": "Expired", "code": 410,
        });
        Err(Reply::json(410, &status))
    }

    fn watch(&self, world: &World, request: &Request) -> Outcome {
        match selector(request) {
            Ok(selector) => Outcome::Watch(Watch::new(world, &self.kind, &self.namespace, selector, request)),
            Err(refusal) => refusal.into(),
        }
    }

    fn log(&self, world: &World, request: &Request, key: &Key) -> Outcome {
        let Some(pod) = world.get(key) else { return not_found(&self.kind, &key.name).into() };
        match Following::new(world, request, pod) {
            Ok(log) if request.is_set("follow") => Outcome::Log(log),
            Ok(log) => Reply::text(200, log.so_far(world)).into(),
            Err(why) => Reply::refusal(400, "BadRequest", &why).into(),
        }
    }

    fn create(&self, world: &mut World, request: &Request) -> Reply {
        let object = request.json();
        if let Some(refusal) = self.mismatch(&object) {
            return refusal;
        }
        let manager = manager(request);
        match world.create(&self.kind, &self.namespace, &object, self.how(request, &manager)) {
            Ok(made) => Reply::json(201, &shown(&self.kind, made)),
            Err(refusal) => refusal,
        }
    }

    fn replace(&self, world: &mut World, request: &Request, key: &Key) -> Reply {
        let object = request.json();
        if let Some(refusal) = self.mismatch(&object) {
            return refusal;
        }
        if object["metadata"]["name"] != key.name.as_str() {
            return Reply::refusal(
                400,
                "BadRequest",
                "the name of the object does not match the name on the URL",
            );
        }
        // Some kinds are replaced only by who has seen the last version.
        let is_versioned = self.kind.group.contains('.') && self.kind.group != "networking.k8s.io";
        if is_versioned && object["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty() {
            return invalid(
                &self.kind,
                &key.name,
                "metadata.resourceVersion: Invalid value: 0: must be specified for an update",
            );
        }
        let manager = manager(request);
        match world.update(&self.kind, key, &object, self.how(request, &manager)) {
            Ok(object) => Reply::json(200, &shown(&self.kind, object)),
            Err(refusal) => refusal,
        }
    }

    fn patch(&self, world: &mut World, request: &Request, object: Value, key: &Key) -> Reply {
        if is_apply(request) {
            return self.apply(world, request, Some(&object), key);
        }
        let body = request.json();
        let after = match request.header("content-type").unwrap_or_default() {
            "application/json-patch+json" => match json_patch(&shown(&self.kind, object), &body) {
                Ok(after) => after,
                Err(why) => return unprocessable(&why),
            },
            "application/merge-patch+json" => {
                let mut after = shown(&self.kind, object);
                merge_patch(&mut after, &body);
                after
            }
            other => {
                let message = format!(
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml (got {other})"
                );
                return Reply::refusal(415, "UnsupportedMediaType", &message);
            }
        };
        let manager = manager(request);
        match world.update(&self.kind, key, &after, self.how(request, &manager)) {
            Ok(object) => Reply::json(200, &shown(&self.kind, object)),
            Err(refusal) => refusal,
        }
    }

    fn apply(&self, world: &mut World, request: &Request, live: Option<&Value>, key: &Key) -> Reply {
        let says = match yaml::read(&request.body) {
            Ok(says) => says,
            Err(why) => return Reply::refusal(400, "BadRequest", &format!("error decoding YAML: {why}")),
        };
        if says["metadata"].get("managedFields").is_some() {
            return Reply::refusal(400, "BadRequest", "metadata.managedFields must be nil");
        }
        if let Some(refusal) = self.mismatch(&says) {
            return refusal;
        }
        let Some(manager) = request.parameter("fieldManager") else {
            return Reply::refusal(
                400,
                "BadRequest",
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
            );
        };
        let version = says["metadata"]["resourceVersion"].as_str();
        if let (Some(version), Some(live)) = (version, live)
            && live["metadata"]["resourceVersion"] != version
        {
            return conflict(&self.kind, &key.name);
        }
        let how = self.how(request, &manager);
        let nothing = json!({"metadata": {"name": key.name}});
        let before = live.unwrap_or(&nothing);
        let applied = fields::apply(before, &says, &writer(&self.kind, how), request.is_set("force"));
        let applied = match applied {
            Ok(applied) => applied,
            Err(conflicts) => return contested(&self.kind, &key.name, &conflicts),
        };
        let (status, written) = if live.is_some() {
            (200, world.update_applied(&self.kind, key, &applied, how))
        } else {
            (201, world.create_applied(&self.kind, &self.namespace, &applied, how))
        };
        match written {
            Ok(object) => Reply::json(status, &shown(&self.kind, object)),
            Err(refusal) => refusal,
        }
    }

    fn scale(&self, world: &mut World, request: &Request, key: &Key, object: &Value, verb: &str) -> Reply {
        let mut object = object.clone();
        if verb != "get" {
            let mut scale = scale_of(&object);
            let body = request.json();
            match request.header("content-type").unwrap_or_default() {
                "application/json-patch+json" => match json_patch(&scale, &body) {
                    Ok(patched) => scale = patched,
                    Err(why) => return unprocessable(&why),
                },
                "application/merge-patch+json" => merge_patch(&mut scale, &body),
                _ => scale = body,
            }
            let asked = scale["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty());
            if asked.is_some_and(|version| object["metadata"]["resourceVersion"] != version) {
                return conflict(&self.kind, &key.name);
            }
            object["spec"]["replicas"] = scale["spec"]["replicas"].as_i64().unwrap_or(0).into();
            let manager = manager(request);
            let how = How {
                manager: &manager,
                subresource: Some("scale"),
                is_dry_run: request.parameter("dryRun").is_some(),
            };
            object = match world.update(&self.kind, key, &object, how) {
                Ok(object) => object,
                Err(refusal) => return refusal,
            };
        }
        Reply::json(200, &scale_of(&object))
    }

    fn delete(&self, world: &mut World, request: &Request, key: &Key, object: &Value) -> Reply {
        let options = request.json();
        for (field, told) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            let Some(wanted) = options["preconditions"][field].as_str() else { continue };
            let found = object["metadata"][field].as_str().unwrap_or_default();
            if wanted != found {
                let message = format!(
                    "Operation cannot be fulfilled on {} {:?}: the {told} in the precondition ({wanted}) does not match the {told} in record ({found}). The object might have been deleted and then recreated",
                    self.kind.qualified(),
                    key.name
                );
                return Reply::refusal_with(409, "Conflict", &message, &details(&self.kind, &key.name));
            }
        }
        if options["dryRun"].is_null() && request.parameter("dryRun").is_none() {
            let policy = options["propagationPolicy"]
                .as_str()
                .map(str::to_owned)
                .or(request.parameter("propagationPolicy"));
            // For Jobs, the API's own default is to leave the pods behind.
            let orphans = policy.map_or(self.kind.kind == "Job", |policy| policy == "Orphan");
            let left = world.delete(&self.kind, key, orphans).filter(|_| world.get(key).is_some());
            if let Some(object) = left {
                return Reply::json(200, &shown(&self.kind, object));
            }
        }
        let mut details = details(&self.kind, &key.name);
        details["uid"] = object["metadata"]["uid"].clone();
        Reply::json(
            200,
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
        )
    }

    fn mismatch(&self, object: &Value) -> Option<Reply> {
        let kind = object["kind"].as_str().unwrap_or_default();
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        if kind != self.kind.kind || api_version != self.kind.api_version() {
            let message = format!(
                "the API version in the data ({api_version} {kind}) does not match the expected API version ({} {})",
                self.kind.api_version(),
                self.kind.kind
            );
            return Some(Reply::refusal(400, "BadRequest", &message));
        }
        let namespace = object["metadata"]["namespace"].as_str();
        let differs =
            self.kind.is_namespaced && namespace.is_some_and(|namespace| namespace != self.namespace);
        differs.then(|| {
            Reply::refusal(
                400,
                "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the request",
            )
        })
    }
}

fn is_apply(request: &Request) -> bool {
    request.header("content-type") == Some("application/apply-patch+yaml")
}

/// Who writes: by name, else by program.
fn manager(request: &Request) -> String {
    let program =
        || request.header("user-agent").unwrap_or("unknown").split('/').next().unwrap_or_default().to_owned();
    request.parameter("fieldManager").unwrap_or_else(program)
}

fn selector(request: &Request) -> Result<Selector, Reply> {
    let parameter = |name| request.parameter(name).unwrap_or_default();
    Selector::parse(&parameter("labelSelector"), &parameter("fieldSelector"))
        .map_err(|why| Reply::refusal(400, "BadRequest", &why))
}

/// An object in the version of the group that was asked.
pub(crate) fn shown(kind: &Kind, mut object: Value) -> Value {
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.as_str().into();
    object
}

/// Entries of lists say neither kind nor version, but those of custom resources do.
fn of_list(kind: &Kind, object: &Value) -> Value {
    let mut object = object.clone();
    if kind.group.contains('.') && !kind.group.ends_with(".k8s.io") {
        return shown(kind, object);
    }
    let fields = object.as_object_mut().unwrap();
    fields.shift_remove("apiVersion");
    fields.shift_remove("kind");
    object
}

fn scale_of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let selector: Vec<String> = object["spec"]["selector"]["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {"replicas": object["spec"]["replicas"].as_i64().unwrap_or(0)},
        "status": {"replicas": object["status"]["replicas"].as_i64().unwrap_or(0), "selector": selector.join(",")},
    })
}

/// How the API server answers to a JSON patch that does not go:
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go>.
fn unprocessable(why: &str) -> Reply {
    Reply::refusal_with(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
        &json!({"causes": [{"reason": "UnexpectedServerResponse", "message": why}]}),
    )
}

/// <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go>
fn contested(kind: &Kind, name: &str, conflicts: &[Conflict]) -> Reply {
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|conflict| {
            let message = format!("conflict with {:?} using {}", conflict.manager, conflict.api_version);
            json!({"reason": "FieldManagerConflict", "message": message, "field": conflict.field})
        })
        .collect();
    let fields: Vec<String> = conflicts.iter().map(|conflict| format!("- {}", conflict.field)).collect();
    let (count, first) = (conflicts.len(), &conflicts[0]);
    let message = if count == 1 {
        format!(
            "Apply failed with 1 conflict: conflict with {:?} using {}: {}",
            first.manager, first.api_version, first.field
        )
    } else {
        format!(
            "Apply failed with {count} conflicts: conflicts with {:?} using {}:\n{}",
            first.manager,
            first.api_version,
            fields.join("\n")
        )
    };
    let mut details = details(kind, name);
    details["causes"] = causes.into();
    Reply::refusal_with(409, "Conflict", &message, &details)
}

fn review(world: &World, request: &Request) -> Reply {
    let mut review = request.json();
    let asked = &review["spec"]["resourceAttributes"];
    let told = |name: &str| asked[name].as_str().unwrap_or_default();
    let mut resource = told("resource").to_owned();
    if !told("group").is_empty() {
        resource = format!("{resource}.{}", told("group"));
    }
    if !told("subresource").is_empty() {
        resource = format!("{resource}/{}", told("subresource"));
    }
    let is_forbidden = world.forbidden.iter().any(|(verb, what)| verb == told("verb") && *what == resource);
    review["metadata"] = json!({});
    review["status"] = if is_forbidden {
        json!({"allowed": false})
    } else {
        json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding"})
    };
    Reply::json(201, &review)
}
