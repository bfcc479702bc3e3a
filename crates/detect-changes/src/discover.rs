//! What files of the repository use each other, as the tools that read them see it.
//!
//! A Terraform module, a kustomization and a chart name folders and files beside them. Read from the files
//! of a component, and from what they name in turn, that is a web: a change in `modules/vpc` touches each
//! layer that calls the module, through any number of steps.
//!
//! The web is that of the head tree. What the base tree used and the head tree does not is no loss: then the
//! file that said so has changed, and that file is a component's own, or in the web itself.
//!
//! Where something can't be told the web says more, never less: a file that can't be read is taken to use
//! the whole repository.

mod hcl;
mod helm;
mod kustomize;
mod terraform;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
};

use gix::objs::tree::EntryKind;
use serde::de::DeserializeOwned;
use sluice_core::{Finding, Place, Problem, Verdict, escape};

use crate::{
    changes::{self, File, Visitor},
    components::{Cell, Component},
    needs,
    repository::{Repository, Revision},
    tree::{Tree, above, resolve, split},
};

/// The tools whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Discover {
    /// Local modules of `*.tf` and `*.tf.json`.
    Terraform,
    /// What kustomization files name.
    Kustomize,
    /// Charts that a chart names by `file://`.
    Helm,
}

impl Discover {
    fn reads(self, name: &[u8]) -> bool {
        match self {
            Self::Terraform => terraform::reads(name),
            Self::Kustomize => kustomize::reads(name),
            Self::Helm => helm::reads(name),
        }
    }

    fn uses(self, name: &[u8], content: &[u8]) -> Result<Vec<Use>, Unread> {
        match self {
            Self::Terraform => terraform::uses(name, content),
            Self::Kustomize => kustomize::uses(content),
            Self::Helm => helm::uses(content),
        }
    }
}

/// Something that a file uses.
#[derive(Debug)]
struct Use {
    /// Relative to the file's folder.
    path: String,
    form: Form,
    /// Line and column, from 1.
    place: Option<(usize, usize)>,
}

/// What a used path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A folder with all that lies below it.
    Folder,
    /// The same, if it is there.
    Below,
    /// A file, or a folder that says itself what it uses.
    Entry,
    /// A file, if it is one.
    Text,
    /// It is computed: it may be anything.
    Unknown,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", format!("{:?}", self.form).to_lowercase(), self.path)?;
        self.place.map_or(Ok(()), |(line, column)| write!(f, " at {line}:{column}"))
    }
}

/// Why a file could not be read, and where in it.
#[derive(Debug)]
struct Unread {
    why: String,
    place: Option<(usize, usize)>,
}

impl Unread {
    fn new(why: impl fmt::Display, place: Option<(usize, usize)>) -> Self {
        Self { why: why.to_string(), place }
    }
}

fn read_yaml<T: DeserializeOwned>(content: &[u8]) -> Result<T, Unread> {
    sluice_yaml::from_slice(content)
        .map_err(|error| Unread::new(error.what, Some((error.place.line, error.place.column))))
}

/// Line and column of a byte, from 1; columns count characters.
fn place_in(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |index| index + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// What uses what.
#[derive(Debug, Default)]
pub(crate) struct Web {
    nodes: Vec<Node>,
    by_path: HashMap<Vec<u8>, usize>,
    /// For each node those that use it.
    used_by: Vec<Vec<usize>>,
    /// For each node the components that use it, by position, in order.
    components: Vec<Vec<usize>>,
    /// For each component where its own files stand in the web.
    roots: Vec<BTreeMap<usize, Owners>>,
    /// What is wrong with what was read.
    pub(crate) findings: Vec<Finding>,
}

/// A file or a folder.
#[derive(Debug)]
struct Node {
    path: Vec<u8>,
    /// Whether all that lies below it is meant.
    whole: bool,
    /// Whether it is a folder whose files are read for what they use.
    is_unit: bool,
    uses: Vec<usize>,
}

/// What a node is to a component that owns a file of it.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    pub(crate) cells: BTreeSet<Cell>,
    /// Patterns of `shared`, by position, with what they captured.
    pub(crate) shared: BTreeSet<(usize, Cell)>,
}

/// The way from what uses something to that.
pub(crate) struct Ways {
    /// For each node the next one on its shortest way.
    next: Vec<Option<usize>>,
    to: usize,
}

impl Web {
    /// Reads what the files of the components use.
    pub(crate) fn read(
        repository: &Repository,
        head: Revision,
        components: &[Component],
        tools: &[Discover],
        go_on: impl Fn() -> Result<(), Problem>,
    ) -> Result<Self, Problem> {
        if tools.is_empty() {
            return Ok(Self::default());
        }
        let mut survey = Survey { components, tools, go_on: &go_on, found: Vec::new() };
        changes::files(repository, head, &mut survey)?;
        let found = survey.found;
        let mut reader = Reader {
            tree: Tree::new(repository, head),
            tools,
            web: Self { roots: components.iter().map(|_| BTreeMap::new()).collect(), ..Self::default() },
            to_read: VecDeque::new(),
        };
        for (path, is_plain, component, owners) in found {
            let (folder, name) = split(&path);
            let unit = tools.iter().any(|tool| tool.reads(name)).then(|| reader.folder(folder));
            let link = if is_plain { None } else { reader.link(&path)? };
            for root in unit.into_iter().chain(link) {
                let known = reader.web.roots[component].entry(root).or_default();
                known.cells.extend(owners.cells.iter().cloned());
                known.shared.extend(owners.shared.iter().cloned());
            }
        }
        while let Some(folder) = reader.to_read.pop_front() {
            go_on()?;
            reader.read_folder(folder)?;
        }
        let mut web = reader.web;
        web.close();
        Ok(web)
    }

    /// Completes what follows from who uses what.
    fn close(&mut self) {
        self.used_by = vec![Vec::new(); self.nodes.len()];
        self.components = vec![Vec::new(); self.nodes.len()];
        for (user, node) in self.nodes.iter_mut().enumerate() {
            node.uses.sort_unstable();
            node.uses.dedup();
            for used in &node.uses {
                self.used_by[*used].push(user);
            }
        }
        for (component, roots) in self.roots.iter().enumerate() {
            let mut pending: Vec<usize> = roots.keys().copied().collect();
            while let Some(user) = pending.pop() {
                for &used in &self.nodes[user].uses {
                    if self.components[used].last() != Some(&component) {
                        self.components[used].push(component);
                        pending.push(used);
                    }
                }
            }
        }
        let others = |(user, node): (usize, &Node)| -> Vec<usize> {
            node.uses.iter().copied().filter(|used| *used != user).collect()
        };
        let uses: Vec<Vec<usize>> = self.nodes.iter().enumerate().map(others).collect();
        if let Err(circle) = needs::order(&uses.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
            let names: Vec<String> =
                circle.iter().chain(circle.first()).map(|node| self.path(*node)).collect();
            self.findings.push(
                Finding::new(
                    "discover",
                    Verdict::Skipped,
                    format!("folders use each other: {}", names.join(" → ")),
                )
                .help("a change in one of them counts for all"),
            );
        }
    }

    /// The nodes that a file is, or lies in as a part of a whole.
    pub(crate) fn nodes_of(&self, path: &[u8]) -> Vec<usize> {
        if self.nodes.is_empty() {
            return Vec::new();
        }
        let is_whole = |node: &usize| self.nodes[*node].whole;
        let folders = above(path).filter_map(|folder| self.by_path.get(folder).copied().filter(is_whole));
        self.by_path.get(path).copied().into_iter().chain(folders).collect()
    }

    /// The components whose files use a node, be it through others, by position.
    pub(crate) fn components_using(&self, node: usize) -> &[usize] {
        &self.components[node]
    }

    /// Where the own files of a component stand in the web.
    pub(crate) fn roots(&self, component: usize) -> impl Iterator<Item = (usize, &Owners)> {
        self.roots.get(component).into_iter().flatten().map(|(root, owners)| (*root, owners))
    }

    /// The shortest ways to a node.
    pub(crate) fn ways_to(&self, to: usize) -> Ways {
        let mut next = vec![None; self.nodes.len()];
        let mut pending = VecDeque::from([to]);
        while let Some(used) = pending.pop_front() {
            for &user in &self.used_by[used] {
                if next[user].is_none() {
                    next[user] = Some(used);
                    pending.push_back(user);
                }
            }
        }
        Ways { next, to }
    }

    /// How a component comes to use a node.
    pub(crate) fn chain_of(&self, component: usize, to: usize) -> String {
        let ways = self.ways_to(to);
        let mut roots = self.roots(component).map(|(root, _)| root);
        roots.find(|root| ways.lead_from(*root)).map_or_else(|| self.path(to), |root| self.chain(root, to))
    }

    /// How one node comes to use another: `layers/prod → modules/network → modules/vpc`.
    pub(crate) fn chain(&self, from: usize, to: usize) -> String {
        let ways = self.ways_to(to);
        let mut names = vec![self.path(from)];
        let mut at = from;
        while let Some(next) = ways.next[at] {
            names.push(self.path(next));
            at = next;
            if at == ways.to {
                break;
            }
        }
        names.join(" → ")
    }

    /// The path of a node, as people read it.
    pub(crate) fn path(&self, node: usize) -> String {
        match self.nodes.get(node).map(|node| &*node.path) {
            None | Some(b"") => "the whole repository".to_owned(),
            Some(path) => escape::bytes(path),
        }
    }
}

impl Ways {
    pub(crate) fn lead_from(&self, node: usize) -> bool {
        self.next.get(node).is_some_and(Option::is_some)
    }
}

/// Finds the files of components that may use others.
struct Survey<'a, G> {
    components: &'a [Component],
    tools: &'a [Discover],
    go_on: &'a G,
    found: Vec<(Vec<u8>, bool, usize, Owners)>,
}

impl<G: Fn() -> Result<(), Problem>> Visitor for Survey<'_, G> {
    fn enters(&mut self, folder: &[u8]) -> Result<bool, Problem> {
        (self.go_on)()?;
        Ok(self.components.iter().any(|component| component.may_share_below(folder)))
    }

    fn file(&mut self, file: File<'_>) {
        let name = split(file.path).1;
        if file.is_plain && !self.tools.iter().any(|tool| tool.reads(name)) {
            return;
        }
        for (index, component) in self.components.iter().enumerate() {
            let cells = component.cells_of(file).map(|(_, cells)| cells).unwrap_or_default();
            let shared: BTreeSet<_> =
                component.shares(file).map(|(pattern, _, captured)| (pattern, captured)).collect();
            if !cells.is_empty() || !shared.is_empty() {
                let owners = Owners { cells: cells.into_iter().collect(), shared };
                self.found.push((file.path.to_vec(), file.is_plain, index, owners));
            }
        }
    }
}

/// Reads folders and adds what they use.
struct Reader<'a> {
    tree: Tree<'a>,
    tools: &'a [Discover],
    web: Web,
    /// The nodes of folders that are not read yet.
    to_read: VecDeque<usize>,
}

impl Reader<'_> {
    fn node(&mut self, path: &[u8]) -> usize {
        if let Some(known) = self.web.by_path.get(path) {
            return *known;
        }
        let index = self.web.nodes.len();
        self.web.nodes.push(Node { path: path.to_vec(), whole: false, is_unit: false, uses: Vec::new() });
        self.web.by_path.insert(path.to_vec(), index);
        index
    }

    /// The node of a folder, which is read in its turn.
    fn folder(&mut self, path: &[u8]) -> usize {
        let node = self.node(path);
        if !std::mem::replace(&mut self.web.nodes[node].is_unit, true) {
            self.to_read.push_back(node);
        }
        node
    }

    /// The node of a symbolic link, which uses what it leads to; none for a submodule, which uses nothing
    /// that can be read here.
    fn link(&mut self, path: &[u8]) -> Result<Option<usize>, Problem> {
        if self.tree.entry(path)?.is_none_or(|entry| entry.kind != EntryKind::Link) {
            return Ok(None);
        }
        let node = self.node(path);
        self.add(node, path, true)?;
        Ok(Some(node))
    }

    fn read_folder(&mut self, node: usize) -> Result<(), Problem> {
        let path = self.web.nodes[node].path.clone();
        let Some(entries) = self.tree.folder(&path)? else { return Ok(()) };
        for entry in entries.iter() {
            let file =
                if path.is_empty() { entry.name.clone() } else { [&*path, b"/", &entry.name].concat() };
            if entry.kind == EntryKind::Link {
                let link = self.node(&file);
                self.web.nodes[node].uses.push(link);
                self.add(link, &file, true)?;
            }
            for tool in self.tools.iter().filter(|tool| tool.reads(&entry.name)) {
                let followed = self.tree.follow(&file)?;
                let is_file = |kind| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
                let Some(found) = followed.entry.filter(|entry| is_file(entry.kind)) else { continue };
                if *tool == Discover::Kustomize {
                    let own = self.node(&file);
                    self.web.nodes[node].uses.push(own);
                }
                match tool.uses(&entry.name, &self.tree.content(&followed.path, &found)?) {
                    Ok(uses) => uses.iter().try_for_each(|used| self.add_use(node, &path, &file, used))?,
                    Err(Unread { why, place }) => self.add_anything(
                        node,
                        &file,
                        place,
                        &format!("could not be read ({why}): every change counts for what uses it"),
                    ),
                }
            }
        }
        Ok(())
    }

    fn add_use(&mut self, node: usize, folder: &[u8], file: &[u8], used: &Use) -> Result<(), Problem> {
        let what = || format!("\"{}\"", used.path);
        if used.form == Form::Unknown {
            self.add_anything(
                node,
                file,
                used.place,
                "names a source that is computed: every change counts for what uses it",
            );
            return Ok(());
        }
        let Some(path) = resolve(folder, used.path.as_bytes()) else {
            if used.form != Form::Text {
                self.found(file, used.place, format!("{} lies outside of the repository", what()));
            }
            return Ok(());
        };
        match used.form {
            Form::Text => {
                let text = self.node(&path);
                self.web.nodes[node].uses.push(text);
            }
            form => {
                let is_there = self.add(node, &path, form != Form::Entry)?;
                if !is_there && form != Form::Below {
                    self.found(file, used.place, format!("{} is not there", what()));
                }
            }
        }
        Ok(())
    }

    /// Adds that a node uses what is at a path, and tells whether something is.
    fn add(&mut self, node: usize, path: &[u8], whole: bool) -> Result<bool, Problem> {
        let followed = self.tree.follow(path)?;
        for link in &followed.links {
            let link = self.node(link);
            self.web.nodes[node].uses.push(link);
        }
        let kind = followed.entry.map(|entry| entry.kind);
        let is_folder = kind == Some(EntryKind::Tree) || (kind.is_none() && followed.path.is_empty());
        let used = if is_folder { self.folder(&followed.path) } else { self.node(&followed.path) };
        self.web.nodes[node].uses.push(used);
        // Of what is gone nothing tells which of its files were used.
        let says_itself = is_folder && !whole && self.is_kustomization(&followed.path)?;
        self.web.nodes[used].whole |= !says_itself;
        Ok(is_folder || kind.is_some())
    }

    fn is_kustomization(&mut self, folder: &[u8]) -> Result<bool, Problem> {
        let entries = self.tree.folder(folder)?;
        Ok(entries.is_some_and(|entries| entries.iter().any(|entry| kustomize::reads(&entry.name))))
    }

    /// Adds that a node may use any file.
    fn add_anything(&mut self, node: usize, file: &[u8], place: Option<(usize, usize)>, why: &str) {
        self.found(file, place, why.to_owned());
        let root = self.node(b"");
        self.web.nodes[root].whole = true;
        self.web.nodes[node].uses.push(root);
    }

    fn found(&mut self, file: &[u8], place: Option<(usize, usize)>, reason: String) {
        let file = escape::bytes(file);
        let place = match place {
            Some((line, column)) => Place::at(file, line, column),
            None => Place::file(file),
        };
        self.web.findings.push(Finding::new("discover", Verdict::Skipped, reason).at(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{components::tests::catalog, sandbox::Sandbox};

    const LAYERS: &str = "version: 1\ncomponents:\n  layer: {paths: ['layers/{name}/**', '!**/*.md']}\n  k8s: {paths: ['k8s/overlays/{environment}/**']}\n  charts: {paths: ['charts/app/**']}\n";

    const ALL: [Discover; 3] = [Discover::Terraform, Discover::Kustomize, Discover::Helm];

    fn module(source: &str) -> String {
        format!("module \"x\" {{\n  source = \"{source}\"\n}}\n")
    }

    fn web(sandbox: &Sandbox, yaml: &str) -> Web {
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let head = repository.named("HEAD").unwrap();
        Web::read(&repository, head, &catalog(yaml).components, &ALL, || Ok(())).unwrap()
    }

    /// The cells that a change of a file touches, each with how it comes to use the file.
    fn touched(web: &Web, path: &str) -> Vec<String> {
        let mut touched = BTreeSet::new();
        for node in web.nodes_of(path.as_bytes()) {
            let ways = web.ways_to(node);
            for component in web.components_using(node) {
                for (root, owners) in web.roots(*component).filter(|(root, _)| ways.lead_from(*root)) {
                    let cells = owners.cells.iter().map(|cell| escape::bytes(&cell.join(&b'/')));
                    let shared = owners.shared.iter().map(|(pattern, _)| format!("shared {pattern}"));
                    let names: Vec<String> = cells.chain(shared).collect();
                    touched.insert(format!("{} by {}", names.join(" "), web.path(root)));
                }
            }
        }
        touched.into_iter().collect()
    }

    fn findings(web: &Web) -> String {
        let lines = web.findings.iter().map(|finding| {
            let place = finding.place.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{place}: {}", finding.reason)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_module_touches_the_layers_that_call_it_through_any_number_of_steps() {
        let sandbox = Sandbox::new();
        sandbox.write("layers/one/main.tf", &module("../../modules/network"));
        sandbox.write("layers/two/sub/main.tf", &module("../../../modules/vpc"));
        sandbox.write("layers/three/main.tf", "locals {}\n");
        sandbox.write("modules/network/main.tf", &module("../vpc"));
        sandbox.write("modules/vpc/main.tf.json", r#"{"module": {"x": {"source": "./subnet"}}}"#);
        sandbox.write("modules/vpc/subnet/main.tf", &module("../../labels"));
        sandbox.write_all(&["modules/vpc/templates/user-data.sh", "modules/labels/x", "modules/other/x.tf"]);
        let web = web(&sandbox, LAYERS);
        let both = ["one by layers/one", "two by layers/two/sub"];
        assert_eq!(touched(&web, "modules/vpc/main.tf"), both);
        assert_eq!(touched(&web, "modules/vpc/templates/user-data.sh"), both);
        assert_eq!(touched(&web, "modules/labels/gone.tf"), both);
        assert_eq!(touched(&web, "modules/network/x"), ["one by layers/one"]);
        assert_eq!(touched(&web, "modules/other/x.tf"), [""; 0]);
        assert_eq!(touched(&web, "modules/vpcs/x.tf"), [""; 0]);
        let vpc = web.by_path[&b"modules/labels"[..]];
        assert_eq!(
            web.chain_of(0, vpc),
            "layers/one → modules/network → modules/vpc → modules/vpc/subnet → modules/labels"
        );
        assert_eq!(findings(&web), "");
    }

    #[test]
    fn a_base_touches_the_overlays_that_name_it() {
        let sandbox = Sandbox::new();
        sandbox.write(
            "k8s/overlays/dev/kustomization.yaml",
            "resources: [../../base, https://example.com/x.yaml]\ncomponents: [../../tls]\n",
        );
        sandbox.write(
            "k8s/overlays/prod/kustomization.yml",
            "bases: [../../base]\nconfigMapGenerator:\n- files: [x=../../shared.conf]\n",
        );
        sandbox.write(
            "k8s/base/Kustomization",
            "resources: [deployment.yaml, more]\npatches: [{path: patches/a.yaml}]\n",
        );
        sandbox.write("k8s/base/more/kustomization.yaml", "resources: [service.yaml]\n");
        sandbox.write("k8s/tls/kustomization.yaml", "kind: Component\n");
        sandbox.write_all(&["k8s/base/deployment.yaml", "k8s/base/more/service.yaml", "k8s/base/README.md"]);
        let web = web(&sandbox, LAYERS);
        let both = ["dev by k8s/overlays/dev", "prod by k8s/overlays/prod"];
        for path in [
            "k8s/base/Kustomization",
            "k8s/base/deployment.yaml",
            "k8s/base/patches/a.yaml",
            "k8s/base/more/service.yaml",
        ] {
            assert_eq!(touched(&web, path), both, "{path}");
        }
        assert_eq!(touched(&web, "k8s/tls/kustomization.yaml"), ["dev by k8s/overlays/dev"]);
        assert_eq!(touched(&web, "k8s/shared.conf"), ["prod by k8s/overlays/prod"]);
        // kustomize reads what is named, and nothing else.
        assert_eq!(touched(&web, "k8s/base/README.md"), [""; 0]);
        assert_eq!(findings(&web), "");
    }

    #[test]
    fn a_chart_touches_those_that_depend_on_it() {
        let sandbox = Sandbox::new();
        let chart = |at: &str| {
            format!("name: x\nversion: 1.0.0\ndependencies:\n- {{name: y, repository: 'file://{at}'}}\n")
        };
        sandbox.write("charts/app/Chart.yaml", &chart("../web"));
        sandbox.write("charts/web/Chart.yaml", &chart("../common"));
        sandbox.write("charts/common/Chart.yaml", "name: common\n");
        let web = web(&sandbox, LAYERS);
        assert_eq!(touched(&web, "charts/common/templates/x.tpl"), [" by charts/app"]);
    }

    #[test]
    fn what_is_not_there_is_found_and_still_counts() {
        let sandbox = Sandbox::new();
        sandbox.write("layers/one/main.tf", &module("../../modules/gone"));
        sandbox.write("layers/out/main.tf", &module("../../../elsewhere"));
        sandbox.write("k8s/overlays/dev/kustomization.yaml", "resources:\n- missing.yaml\n- ../gone\n");
        let web = web(&sandbox, LAYERS);
        insta::assert_snapshot!(findings(&web), @r#"
        layers/one/main.tf:2:12: "../../modules/gone" is not there
        layers/out/main.tf:2:12: "../../../elsewhere" lies outside of the repository
        k8s/overlays/dev/kustomization.yaml:2:3: "missing.yaml" is not there
        k8s/overlays/dev/kustomization.yaml:3:3: "../gone" is not there
        "#);
        assert_eq!(touched(&web, "modules/gone/main.tf"), ["one by layers/one"]);
        assert_eq!(touched(&web, "k8s/overlays/gone/x.yaml"), ["dev by k8s/overlays/dev"]);
    }

    #[test]
    fn circles_are_found_and_end() {
        let sandbox = Sandbox::new();
        sandbox.write("layers/one/main.tf", &module("../../modules/a"));
        sandbox.write("modules/a/main.tf", &module("../b"));
        sandbox.write("modules/b/main.tf", &module("../a"));
        let web = web(&sandbox, LAYERS);
        insta::assert_snapshot!(findings(&web), @": folders use each other: modules/a → modules/b → modules/a");
        assert_eq!(touched(&web, "modules/b/x"), ["one by layers/one"]);
        assert_eq!(web.chain_of(0, web.by_path[&b"modules/a"[..]]), "layers/one → modules/a");
    }

    #[test]
    fn what_can_not_be_read_uses_everything() {
        let sandbox = Sandbox::new();
        sandbox.write("layers/one/main.tf", "module \"x\" {\n  source = \n");
        sandbox.write("layers/two/main.tf", "module \"x\" {\n  source = var.x\n}\n");
        sandbox.write("layers/three/main.tf", "");
        let web = web(&sandbox, LAYERS);
        assert_eq!(touched(&web, "README.md"), ["one by layers/one", "two by layers/two"]);
        insta::assert_snapshot!(findings(&web), @r"
        layers/one/main.tf:1:12: could not be read (a bracket is never closed): every change counts for what uses it
        layers/two/main.tf:2:12: names a source that is computed: every change counts for what uses it
        ");
        assert_eq!(web.chain_of(0, web.by_path[&b""[..]]), "layers/one → the whole repository");
    }

    #[test]
    fn links_are_used_and_lead_on() {
        let sandbox = Sandbox::new();
        let link = |target: &str, at: &str| {
            std::fs::create_dir_all(sandbox.file(at).parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, sandbox.file(at)).unwrap();
        };
        // A file of the layer is a link, and what it holds is relative to the layer.
        sandbox.write("common/providers.tf", &module("../../modules/vpc"));
        sandbox.write("modules/vpc/main.tf", "");
        link("../../common/providers.tf", "layers/one/providers.tf");
        link("../../common", "layers/two/common");
        link("../modules", "linked/modules");
        sandbox.write("layers/three/main.tf", &module("../../linked/modules/vpc"));
        let web = web(&sandbox, LAYERS);
        assert_eq!(
            touched(&web, "common/providers.tf"),
            ["one by layers/one", "one by layers/one/providers.tf", "two by layers/two/common"]
        );
        assert_eq!(touched(&web, "linked/modules"), ["three by layers/three"]);
        assert_eq!(touched(&web, "modules/vpc/main.tf"), ["one by layers/one", "three by layers/three"]);
    }

    #[test]
    fn files_that_cells_share_use_others_too() {
        let sandbox = Sandbox::new();
        sandbox.write("shared/main.tf", &module("../modules/vpc"));
        sandbox.write_all(&["layers/one/x", "modules/vpc/x"]);
        let web = web(
            &sandbox,
            "version: 1\ncomponents: {layer: {paths: ['layers/{name}/**'], shared: ['shared/**']}}\n",
        );
        assert_eq!(touched(&web, "modules/vpc/x"), ["shared 0 by shared"]);
    }

    #[test]
    fn no_file_is_read_that_nobody_asks_about() {
        let sandbox = Sandbox::new();
        sandbox.write("elsewhere/main.tf", &module("../modules/vpc"));
        sandbox.write("layers/one/kustomization.yaml", "resources: [x]\n");
        sandbox.commit();
        let repository = Repository::open(sandbox.path()).unwrap();
        let head = repository.named("HEAD").unwrap();
        let read = |tools: &[Discover]| {
            Web::read(&repository, head, &catalog(LAYERS).components, tools, || Ok(())).unwrap().nodes.len()
        };
        assert_eq!((read(&[]), read(&[Discover::Terraform])), (0, 0));
        assert!(read(&ALL) > 0);
    }
}
