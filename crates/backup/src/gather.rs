//! What goes into a backup: each object is decided on, cleaned and written down as it is listed.
//!
//! No more is held than the pages that are under way. Whether an object stays out may be known only when all the others
//! were seen: then it is taken out again.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use sluice_core::{Problem, Problems};
use sluice_kubernetes::{Cluster, Kind};

use crate::{
    clean::clean,
    leave::{self, Reason, Seen, Ties},
    manifest::{Entry, Looked, Manifest},
    name,
    seal::{self, Key},
    store::Spool,
    yaml,
};

/// How many kinds are listed at once.
const AT_ONCE: usize = 8;

/// What was gathered so far.
pub(crate) struct Gathered<'a> {
    kinds: &'a [Kind],
    key: Option<&'a Key>,
    /// Nothing is written in a rehearsal.
    spool: Option<&'a Spool<'a>>,
    seen: Seen,
    candidates: Vec<Candidate>,
    /// How many stay out, by kind and reason.
    left_out: Vec<BTreeMap<Reason, usize>>,
}

/// An object that is kept unless another one decides otherwise.
struct Candidate {
    /// The number of its kind.
    number: usize,
    uid: String,
    ties: Ties,
    entry: Entry,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(kinds: &'a [Kind], key: Option<&'a Key>, spool: Option<&'a Spool<'a>>) -> Self {
        let left_out = vec![BTreeMap::new(); kinds.len()];
        Self { kinds, key, spool, seen: Seen::default(), candidates: Vec::new(), left_out }
    }

    /// Lists all kinds, and takes in what they hold. No backup where one of them could not be listed.
    pub(crate) async fn list(&mut self, cluster: &Cluster) -> Result<(), Problems> {
        let mut numbers: Vec<usize> = (0..self.kinds.len()).collect();
        numbers.sort_by_key(|number| {
            let kind = &self.kinds[*number];
            leave::have_owners(&kind.plural, &kind.group)
        });
        let kinds = self.kinds;
        let lists = numbers.into_iter().map(|number| {
            let pages = cluster.objects_by_page(&kinds[number]);
            pages.map(move |page| (number, page)).boxed_local()
        });
        let mut pages = stream::iter(lists).flatten_unordered(AT_ONCE);
        let mut problems = Vec::new();
        while let Some((number, page)) = pages.next().await {
            match page {
                Ok(objects) if problems.is_empty() => {
                    for object in objects {
                        self.take(number, &object.into())?;
                    }
                }
                Ok(_) => {}
                Err(error) => problems.push(not_listed(&kinds[number], error)),
            }
        }
        Problems(problems).or(())
    }

    fn take(&mut self, number: usize, object: &Value) -> Result<(), Problem> {
        let kind = &self.kinds[number];
        let names = (kind.group.as_str(), kind.kind.as_str());
        if !self.seen.note(number, names, object) {
            return Ok(());
        }
        let ties = Ties::of(names, object);
        if let Some(reason) = leave::leaves_itself_out(names, object).or_else(|| self.seen.leaves_out(&ties))
        {
            *self.left_out[number].entry(reason).or_default() += 1;
            return Ok(());
        }
        let entry = self.write(kind, object)?;
        let uid = object["metadata"]["uid"].as_str().unwrap_or(&entry.path).to_owned();
        self.candidates.push(Candidate { number, uid, ties, entry });
        Ok(())
    }

    /// Writes an object's file. The manifest speaks of the file's bytes, encrypted or not.
    fn write(&self, kind: &Kind, object: &Value) -> Result<Entry, Problem> {
        let object_name = object["metadata"]["name"].as_str().unwrap_or_default();
        let cleaned = clean(&kind.group, &kind.kind, object);
        let text = yaml::write(&cleaned).map_err(|error| {
            Problem::undecided(format!("could not write {} \"{}\" as YAML", kind.kind, object_name))
                .why(error)
        })?;
        let is_secret = (kind.group.as_str(), kind.kind.as_str()) == ("", "Secret");
        let path = |extension| name::of(&kind.plural, &kind.group, object_name, extension);
        let (path, content) = match (self.key, is_secret) {
            (_, false) => (path("yaml"), text.into_bytes()),
            (Some(key), true) => {
                let path = path(seal::EXTENSION);
                let content = key.seal(&path, text.as_bytes())?;
                (path, content)
            }
            (None, true) => return Err(Problem::misconfigured("Secrets can't be kept without a `key`")),
        };
        if let Some(spool) = self.spool {
            spool.write(&path, &content)?;
        }
        Ok(Entry::new(path, &content, &kind.api_version(), &kind.kind, object_name))
    }

    /// Decides on all that was gathered, and says in the manifest what is kept, and why the rest is not.
    pub(crate) fn settle(mut self, manifest: &mut Manifest) -> Result<(), Problem> {
        let elsewhere = self.elsewhere();
        let mut kept = vec![0; self.kinds.len()];
        for (Candidate { number, ties, entry, .. }, is_elsewhere) in
            self.candidates.into_iter().zip(elsewhere)
        {
            let twice = is_elsewhere.then_some(Reason::Twice);
            match self.seen.leaves_out(&ties).or(twice) {
                None => {
                    kept[number] += 1;
                    manifest.files.push(entry);
                }
                Some(reason) => {
                    if let Some(spool) = self.spool {
                        spool.remove(&entry.path)?;
                    }
                    *self.left_out[number].entry(reason).or_default() += 1;
                }
            }
        }
        manifest.files.sort_by(|one, two| one.path.cmp(&two.path));
        let looked = self.kinds.iter().zip(kept).zip(self.left_out).map(|((kind, kept), left_out)| Looked {
            kind: kind.to_string(),
            kept,
            left_out: left_out.into_iter().map(|(reason, count)| (reason.text().to_owned(), count)).collect(),
        });
        manifest.kinds.extend(looked);
        Ok(())
    }

    /// Which of the candidates are kept as objects of another kind: some are served by several groups.
    fn elsewhere(&self) -> Vec<bool> {
        let mut homes: HashMap<&str, usize> = HashMap::new();
        let rank = |number: usize| (is_a_guest(&self.kinds[number].group), number);
        for Candidate { number, uid, .. } in &self.candidates {
            let home = homes.entry(uid).or_insert(*number);
            *home = std::cmp::min_by_key(*home, *number, |number| rank(*number));
        }
        self.candidates.iter().map(|Candidate { number, uid, .. }| homes[uid.as_str()] != *number).collect()
    }
}

/// Whether a group serves objects of others: where another one serves them too, they are that one's. `extensions` is what
/// `apps` and `networking.k8s.io` were once (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/>), and groups
/// that are not Kubernetes' own may show its objects as theirs.
fn is_a_guest(group: &str) -> bool {
    group == "extensions" || (group.contains('.') && !group.ends_with(".k8s.io"))
}

fn not_listed(kind: &Kind, error: sluice_kubernetes::Error) -> Problem {
    let help = Problem::from(error.clone()).help.unwrap_or_else(|| "run again later".to_owned());
    Problem::undecided(format!("{kind} can't be listed"))
        .why(error)
        .help(format!("{help}; or leave it out with `exclude-kinds: {kind}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_core::{Context, Environment};

    use super::*;
    use crate::{sample::kind, store::Address};

    fn object(name: &str, uid: &str, owner: Option<&str>) -> Value {
        let owners: Vec<_> = owner.into_iter().map(|uid| json!({"uid": uid, "controller": true})).collect();
        json!({"metadata": {"name": name, "uid": uid, "ownerReferences": owners}})
    }

    /// What is kept of objects that come in this order, as the manifest and the files say.
    fn gathered(kinds: &[Kind], objects: &[(usize, Value)]) -> (Vec<String>, Vec<Looked>) {
        let root = tempfile::tempdir().unwrap();
        let cx = Context::new(Environment::default(), root.path(), || jiff::Timestamp::UNIX_EPOCH);
        let spool = Spool::new(&Address::Folder(root.path().join("backup")), &cx).unwrap();
        let mut gathered = Gathered::new(kinds, None, Some(&spool));
        for (number, object) in objects {
            gathered.take(*number, object).unwrap();
        }
        let mut manifest = Manifest::new(cx.now(), String::new(), String::new(), String::new(), None);
        gathered.settle(&mut manifest).unwrap();
        let paths: Vec<String> = manifest.files.iter().map(|entry| entry.path.clone()).collect();
        assert_eq!(spool.paths().unwrap(), paths);
        (paths, manifest.kinds)
    }

    fn looked(kind: &str, kept: usize, left_out: &[(Reason, usize)]) -> Looked {
        let left_out = left_out.iter().map(|(reason, count)| (reason.text().to_owned(), *count)).collect();
        Looked { kind: kind.to_owned(), kept, left_out }
    }

    #[test]
    fn an_owner_that_comes_later_counts_too() {
        let kinds = [kind("apps", "ReplicaSet", "replicasets"), kind("", "Pod", "pods")];
        let set = (0, object("api", "1", None));
        let pods = [(1, object("api-a", "2", Some("1"))), (1, object("debug", "3", Some("9")))];
        let expected = (
            vec!["pods/debug.yaml".to_owned(), "replicasets.apps/api.yaml".to_owned()],
            vec![looked("replicasets.apps", 1, &[]), looked("pods", 1, &[(Reason::Owned, 1)])],
        );
        let [one, two] = pods;
        assert_eq!(gathered(&kinds, &[one.clone(), two.clone(), set.clone()]), expected);
        assert_eq!(gathered(&kinds, &[set, one, two]), expected);
    }

    #[test]
    fn an_object_of_several_groups_is_kept_where_it_is_at_home() {
        let kinds = [
            kind("authorization.openshift.io", "Role", "roles"),
            kind("extensions", "Ingress", "ingresses"),
            kind("networking.k8s.io", "Ingress", "ingresses"),
            kind("rbac.authorization.k8s.io", "Role", "roles"),
        ];
        let (role, ingress) = (object("readers", "1", None), object("api", "2", None));
        let mut objects = vec![(0, role.clone()), (1, ingress.clone()), (2, ingress), (3, role)];
        let expected = (
            vec![
                "ingresses.networking.k8s.io/api.yaml".to_owned(),
                "roles.rbac.authorization.k8s.io/readers.yaml".to_owned(),
            ],
            vec![
                looked("roles.authorization.openshift.io", 0, &[(Reason::Twice, 1)]),
                looked("ingresses.extensions", 0, &[(Reason::Twice, 1)]),
                looked("ingresses.networking.k8s.io", 1, &[]),
                looked("roles.rbac.authorization.k8s.io", 1, &[]),
            ],
        );
        assert_eq!(gathered(&kinds, &objects), expected);
        objects.reverse();
        assert_eq!(gathered(&kinds, &objects), expected);
    }

    /// As a list brings it that the server has forgotten, and that comes once more.
    #[test]
    fn an_object_that_is_listed_twice_is_kept_once() {
        let kinds = [kind("", "ConfigMap", "configmaps"), kind("", "Pod", "pods")];
        let (map, pod) = (object("a", "1", None), object("b", "2", Some("1")));
        let objects = [(0, map.clone()), (1, pod.clone()), (0, map), (1, pod)];
        let (paths, kinds) = gathered(&kinds, &objects);
        assert_eq!(paths, ["configmaps/a.yaml"]);
        assert_eq!(kinds, [looked("configmaps", 1, &[]), looked("pods", 0, &[(Reason::Owned, 1)])]);
    }
}
