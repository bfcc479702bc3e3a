//! What uses what, and what follows from that.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use sluice_core::{Finding, Verdict, escape};

use crate::{components::Cell, needs, tree::above};

/// What uses what.
#[derive(Debug, Default)]
pub(crate) struct Web {
    pub(super) nodes: Vec<Node>,
    pub(super) by_path: HashMap<Vec<u8>, usize>,
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
pub(super) struct Node {
    path: Vec<u8>,
    /// Whether all that lies below it is meant.
    whole: bool,
    /// Whether it is a folder whose files are read for what they use.
    is_unit: bool,
    uses: Vec<usize>,
}

/// What a node is to a component that owns a file of it.
#[derive(Clone, Debug, Default)]
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
    /// A web for so many components, without any node.
    pub(super) fn for_components(count: usize) -> Self {
        Self { roots: vec![BTreeMap::new(); count], ..Self::default() }
    }

    /// The node of a path, which is made where there is none.
    pub(super) fn node(&mut self, path: &[u8]) -> usize {
        if let Some(known) = self.by_path.get(path) {
            return *known;
        }
        let index = self.nodes.len();
        self.nodes.push(Node { path: path.to_vec(), whole: false, is_unit: false, uses: Vec::new() });
        self.by_path.insert(path.to_vec(), index);
        index
    }

    /// The path of a node.
    pub(super) fn bytes(&self, node: usize) -> &[u8] {
        &self.nodes[node].path
    }

    /// Marks a folder whose files are read for what they use, and tells whether it was none before.
    pub(super) fn is_new_unit(&mut self, node: usize) -> bool {
        !std::mem::replace(&mut self.nodes[node].is_unit, true)
    }

    /// Marks that all that lies below a node is meant.
    pub(super) fn is_whole(&mut self, node: usize) {
        self.nodes[node].whole = true;
    }

    /// Adds that one node uses another.
    pub(super) fn uses(&mut self, node: usize, used: usize) {
        self.nodes[node].uses.push(used);
    }

    /// What a node is to a component, by position.
    pub(super) fn owners(&mut self, component: usize, root: usize) -> &mut Owners {
        self.roots[component].entry(root).or_default()
    }

    /// Completes what follows from who uses what.
    pub(super) fn close(&mut self) {
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
