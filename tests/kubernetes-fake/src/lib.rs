//! A stand-in for the API of Kubernetes in tests: stateful, over real HTTP, with controllers that take their time.
//!
//! ```
//! use serde_json::json;
//! use sluice_kubernetes_fake::{Behaviour, Kubernetes};
//!
//! let kubernetes = Kubernetes::start();
//! kubernetes.image("shop/web:2").behaves(Behaviour::CrashLoop);
//! kubernetes.create("shop", &json!({
//!     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
//!     "spec": {
//!         "selector": {"matchLabels": {"app": "web"}},
//!         "template": {
//!             "metadata": {"labels": {"app": "web"}},
//!             "spec": {"containers": [{"name": "web", "image": "shop/web:1"}]},
//!         },
//!     },
//! }));
//! kubernetes.until("all replicas are available", |cluster| {
//!     cluster.get("deployments", "shop", "web")["status"]["availableReplicas"] == 1
//! });
//! println!("KUBECONFIG={}", kubernetes.kubeconfig().display());
//! ```
//!
//! **It is a fake**: no package gives a Kubernetes to test against. It is kept honest in two ways. What it serves has the
//! semantics that clients trip over: versions of objects, watches that end and are forgotten, lists in pages, patches that
//! are taken whole or not at all, owners of fields and their conflicts, statuses that lag behind. And what it says is
//! held to Kubernetes' own words: each object that it sends is recorded where `SLUICE_KUBERNETES_EXCHANGES` names a folder,
//! and `tests/tools/kubernetes.py` judges them by Kubernetes' OpenAPI schemas once the tests have run.
//!
//! What schemas do not tell (the words of a refusal, what comes with which code) is told from the API server's sources;
//! the place says so. There is no admission, no validation beyond what is said here, and no scheduler: nodes have room.
//!
//! `sluice-faulty-server` accepts, and fails where a test wants it; `service` lets requests take effect and records; `rest`
//! understands requests, `world` is the state behind them (its objects and their history; `kinds` what is served, `fields`
//! who owns what), and `controllers` move it forward, as a [`Behaviour`] tells.

#![expect(clippy::missing_panics_doc, reason = "in a test a panic is the way to fail")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a part of tests")]

mod controllers;
mod defaults;
mod discovery;
mod fields;
mod kinds;
mod logs;
mod patch;
mod record;
mod reply;
mod rest;
mod script;
mod selector;
mod service;
mod tls;
mod watches;
mod world;
mod yaml;

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use sluice_faulty_server::Server;

use self::{
    script::Whose,
    world::{How, Key, World},
};

pub use sluice_faulty_server::{Fault, Reply, Request};

pub use self::{reply::KubernetesReply, script::Behaviour, tls::Authority};

/// A running stand-in. It ends when it is dropped.
pub struct Kubernetes {
    server: Server<Shared>,
    folder: tempfile::TempDir,
    authority: Option<Authority>,
}

/// What the server and its handles have in common.
struct Shared {
    world: Mutex<World>,
    doorman: Mutex<Doorman>,
}

type Doorman = Box<dyn FnMut(Option<&str>) -> bool + Send>;

/// The token of the kubeconfig.
pub const TOKEN: &str = "token-of-the-test";

impl Kubernetes {
    /// Starts one over plain HTTP on a free port of this machine, with the namespaces `default` and `shop`.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts one over TLS: HTTP/2 where the client takes it, else HTTP/1.1.
    pub fn start_with_tls() -> Self {
        Self::start_with(Some(Authority::new()))
    }

    fn start_with(authority: Option<Authority>) -> Self {
        let shared = Shared {
            world: Mutex::new(World::new()),
            doorman: Mutex::new(Box::new(|token| token == Some(TOKEN))),
        };
        for namespace in ["default", "shop"] {
            shared.world().ensure_namespace(namespace);
        }
        let acceptor = authority.as_ref().map(Authority::acceptor);
        Self {
            server: Server::start_at(acceptor, |_| shared),
            folder: tempfile::tempdir().unwrap(),
            authority,
        }
    }

    /// Where it answers.
    pub fn server(&self) -> &str {
        self.server.address()
    }

    /// The authority of its certificate, if it speaks TLS.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// A kubeconfig file with the context `test` and the namespace `shop`.
    pub fn kubeconfig(&self) -> PathBuf {
        let authority = self.authority.as_ref().map_or(String::new(), |authority| {
            format!("    certificate-authority-data: {}\n", authority.base64())
        });
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters:\n- name: fake\n  cluster:\n    server: {}\n{authority}\
             users:\n- name: tester\n  user:\n    token: {TOKEN}\n\
             contexts:\n- name: test\n  context:\n    cluster: fake\n    user: tester\n    namespace: shop\n",
            self.server.address()
        );
        let path = self.folder.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Makes an object as `kubectl create` does; its namespace is made when it is not there. An object of the whole
    /// cluster has an empty one.
    pub fn create(&self, namespace: &str, object: &Value) -> Value {
        self.create_as("kubectl-create", namespace, object)
    }

    /// As [`Kubernetes::create`], by another manager: `argocd-controller`.
    pub fn create_as(&self, manager: &str, namespace: &str, object: &Value) -> Value {
        let mut world = self.world();
        if !namespace.is_empty() {
            world.ensure_namespace(namespace);
        }
        let told = |name: &str| object[name].as_str().unwrap_or_default();
        let kind = world.kind_named(told("apiVersion"), told("kind"));
        let kind =
            kind.unwrap_or_else(|| panic!("no kind {} of {}", told("kind"), told("apiVersion"))).clone();
        let how = How { manager, subresource: None, is_dry_run: false };
        world.create(&kind, namespace, object, how).unwrap_or_else(|reply| panic!("{reply:?}"))
    }

    /// An object by the plural of its kind (`deployments`, `widgets.example.com`); null when it is not there.
    pub fn get(&self, plural: &str, namespace: &str, name: &str) -> Value {
        let world = self.world();
        let key = Key::of(world.kind_of_plural(plural), namespace, name);
        world.get(&key).cloned().unwrap_or_default()
    }

    /// All states that an object has been in, oldest first: what was so for a moment only, too.
    pub fn states(&self, plural: &str, namespace: &str, name: &str) -> Vec<Value> {
        let world = self.world();
        let key = Key::of(world.kind_of_plural(plural), namespace, name);
        world
            .history
            .iter()
            .filter(|event| event.key == key)
            .filter_map(|event| event.after.clone())
            .collect()
    }

    /// All objects of a kind in a namespace, in the order of their names.
    pub fn all(&self, plural: &str, namespace: &str) -> Vec<Value> {
        let world = self.world();
        world.all(world.kind_of_plural(plural), namespace).cloned().collect()
    }

    /// Changes an object as another one does, who is named: `kubectl-edit`.
    pub fn edit(
        &self,
        manager: &str,
        plural: &str,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let mut world = self.world();
        let kind = world.kind_of_plural(plural).clone();
        let key = Key::of(&kind, namespace, name);
        let mut object = world.get(&key).unwrap_or_else(|| panic!("no {plural} {name}")).clone();
        change(&mut object);
        let how = How { manager, subresource: None, is_dry_run: false };
        world.update(&kind, &key, &object, how).unwrap_or_else(|reply| panic!("{reply:?}"));
    }

    /// Changes an object's status, as its controller does.
    pub fn set_status(&self, plural: &str, namespace: &str, name: &str, status: Value) {
        let mut world = self.world();
        let key = Key::of(world.kind_of_plural(plural), namespace, name);
        world.set_status(&key, status);
    }

    /// Deletes an object as `kubectl delete` does.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let mut world = self.world();
        let kind = world.kind_of_plural(plural).clone();
        let key = Key::of(&kind, namespace, name);
        world.delete(&kind, &key, false);
    }

    /// The pods of an image, to say how they behave; one that is named by its tag may run by its digest besides. It counts
    /// before what is said of their workload.
    pub fn image(&self, image: &str) -> Pods<'_> {
        Pods { kubernetes: self, whose: Whose::Image(image.to_owned()) }
    }

    /// The pods of a Deployment, StatefulSet, DaemonSet or Job, to say how they behave.
    pub fn workload(&self, namespace: &str, name: &str) -> Pods<'_> {
        Pods { kubernetes: self, whose: Whose::Workload(namespace.to_owned(), name.to_owned()) }
    }

    /// Lets a workload keep the status of its old spec for this long after each change: `observedGeneration` is behind.
    pub fn observe_after(&self, namespace: &str, name: &str, time: Duration) {
        self.world().script.observe_after.insert((namespace.to_owned(), name.to_owned()), time);
    }

    /// Leaves `terminatingReplicas` out of statuses, as servers before 1.35 do.
    pub fn without_terminating_replicas(&self) {
        self.world().script.tells_terminating = false;
    }

    /// Lets no log be had: pods are only simulated.
    pub fn without_kubelet(&self) {
        self.world().script.has_kubelet = false;
    }

    /// Lets a webhook change the objects of a kind when they are made or changed: `pods`, `configmaps`.
    pub fn webhook(&self, plural: &str, change: impl FnMut(&mut Value) + Send + 'static) {
        self.world().script.webhooks.push((plural.to_owned(), Box::new(change)));
    }

    /// Stops all controllers; objects stay as they are.
    pub fn pause(&self) {
        self.world().script.is_running = false;
    }

    /// Lets the controllers go on.
    pub fn resume(&self) {
        self.world().script.is_running = true;
    }

    /// Ends all watches and logs that are followed, as the server does when their time is over.
    pub fn end_watches(&self) {
        self.cut(false);
    }

    /// Breaks the connections of all watches and logs that are followed.
    pub fn break_watches(&self) {
        self.cut(true);
    }

    /// Forgets all versions until now: who asks for one of them gets 410.
    pub fn forget(&self) {
        let mut world = self.world();
        // A version that nobody has seen: also who is up to date has to list anew.
        world.forgotten = world.version();
        world.pages.clear();
        world.stir();
    }

    fn cut(&self, resets: bool) {
        let mut world = self.world();
        let cuts = world.script.cuts.0 + 1;
        world.script.cuts = (cuts, resets);
        world.stir();
    }

    /// Lets the caller not use a verb on a resource, as kubectl names it: `patch`, `deployments.apps`; `get`, `pods/log`.
    pub fn forbid(&self, verb: &str, resource: &str) {
        self.world().forbidden.push((verb.to_owned(), resource.to_owned()));
    }

    /// Lets the caller use everything again.
    pub fn forbid_nothing(&self) {
        self.world().forbidden.clear();
    }

    /// Serves discovery plainly only, as servers before 1.30 do.
    pub fn without_aggregated_discovery(&self) {
        self.world().is_aggregated = false;
    }

    /// Lets the server of a version of a group (`metrics.k8s.io/v1beta1`) not answer.
    pub fn unavailable(&self, api_version: &str) {
        self.world().unavailable.push(api_version.to_owned());
    }

    /// Asks this function whether to let a token in; it is without `Bearer`. At first only [`TOKEN`] is.
    pub fn doorman(&self, doorman: impl FnMut(Option<&str>) -> bool + Send + 'static) {
        *self.server.service().doorman.lock().unwrap() = Box::new(doorman);
    }

    /// Asks this function before each request whether something goes wrong with it.
    pub fn faults(&self, faults: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        self.server.faults(faults);
    }

    /// The requests that came so far, those included that met a fault.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Waits until something is so; fails when it is not so for ten seconds. `what` is told then.
    pub fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        self.until_within(Duration::from_secs(10), what, is_so);
    }

    /// As [`Kubernetes::until`], for what takes its time.
    pub fn until_within(&self, time: Duration, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < time, "it never is so that {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.server.service().world()
    }
}

impl Drop for Kubernetes {
    /// What no one asked for is judged, too.
    fn drop(&mut self) {
        let world = self.world();
        for (key, object) in world.everything() {
            record::record_state(key, object);
        }
    }
}

/// The pods of an image or of a workload.
pub struct Pods<'a> {
    kubernetes: &'a Kubernetes,
    whose: Whose,
}

impl Pods<'_> {
    /// Lets those that are made from here on behave so.
    pub fn behaves(&self, behaviour: Behaviour) -> &Self {
        self.kubernetes.world().script.change(&self.whose, |rule| rule.behaviour = behaviour);
        self
    }

    /// Lets their containers say these lines when they run.
    pub fn says(&self, lines: &[&str]) -> &Self {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        self.kubernetes.world().script.change(&self.whose, |rule| rule.says = lines);
        self
    }

    /// Lets them take this long to end once they are deleted.
    pub fn lingers(&self, time: Duration) -> &Self {
        self.kubernetes.world().script.change(&self.whose, |rule| rule.linger = Some(time));
        self
    }
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        // A test that failed while it held the lock has failed already.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lets_in(&self, request: &Request) -> bool {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        (self.doorman.lock().unwrap())(token)
    }
}
