//! Reading the web: from the files of components through all that these name.

use std::collections::{BTreeSet, VecDeque};

use gix::objs::tree::EntryKind;
use sluice_core::{Finding, Place, Problem, Verdict, escape};

use super::{
    Discover, Form, Unread, Use, kustomize,
    web::{Owners, Web},
};
use crate::{
    changes::{self, File, Visitor},
    components::Component,
    repository::{Repository, Revision},
    tree::{Tree, resolve, split},
};

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
            web: Self::for_components(components.len()),
            to_read: VecDeque::new(),
        };
        for (path, is_plain, component, owners) in found {
            let (folder, name) = split(&path);
            let unit = tools.iter().any(|tool| tool.reads(name)).then(|| reader.folder(folder));
            let link = if is_plain { None } else { reader.link(&path)? };
            for root in unit.into_iter().chain(link) {
                let known = reader.web.owners(component, root);
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
    /// The node of a folder, which is read in its turn.
    fn folder(&mut self, path: &[u8]) -> usize {
        let node = self.web.node(path);
        if self.web.is_new_unit(node) {
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
        let node = self.web.node(path);
        self.add(node, path, true)?;
        Ok(Some(node))
    }

    fn read_folder(&mut self, node: usize) -> Result<(), Problem> {
        let path = self.web.bytes(node).to_vec();
        let Some(entries) = self.tree.folder(&path)? else { return Ok(()) };
        for entry in entries.iter() {
            let file =
                if path.is_empty() { entry.name.clone() } else { [&*path, b"/", &entry.name].concat() };
            if entry.kind == EntryKind::Link {
                let link = self.web.node(&file);
                self.web.uses(node, link);
                self.add(link, &file, true)?;
            }
            for tool in self.tools.iter().filter(|tool| tool.reads(&entry.name)) {
                let followed = self.tree.follow(&file)?;
                let is_file = |kind| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
                let Some(found) = followed.entry.filter(|entry| is_file(entry.kind)) else { continue };
                if *tool == Discover::Kustomize {
                    let own = self.web.node(&file);
                    self.web.uses(node, own);
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
                let text = self.web.node(&path);
                self.web.uses(node, text);
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
            let link = self.web.node(link);
            self.web.uses(node, link);
        }
        let kind = followed.entry.map(|entry| entry.kind);
        let is_folder = kind == Some(EntryKind::Tree) || (kind.is_none() && followed.path.is_empty());
        let used = if is_folder { self.folder(&followed.path) } else { self.web.node(&followed.path) };
        self.web.uses(node, used);
        // Of what is gone nothing tells which of its files were used.
        let says_itself = is_folder && !whole && self.is_kustomization(&followed.path)?;
        if !says_itself {
            self.web.is_whole(used);
        }
        Ok(is_folder || kind.is_some())
    }

    fn is_kustomization(&mut self, folder: &[u8]) -> Result<bool, Problem> {
        let entries = self.tree.folder(folder)?;
        Ok(entries.is_some_and(|entries| entries.iter().any(|entry| kustomize::reads(&entry.name))))
    }

    /// Adds that a node may use any file.
    fn add_anything(&mut self, node: usize, file: &[u8], place: Option<(usize, usize)>, why: &str) {
        self.found(file, place, why.to_owned());
        let root = self.web.node(b"");
        self.web.is_whole(root);
        self.web.uses(node, root);
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
