//! Where the images of a file stand, whatever its format: each document is looked at as what it is.

use sluice_core::Problem;
use sluice_yaml::{Document, Node};

use crate::{
    argo::{self, Block},
    compose, flux, helm, kustomization, manifest,
    site::Site,
    source::Source,
    walk::Found,
};

/// A file's documents, and those within its blocks of Helm values.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) documents: Vec<Document>,
    blocks: Vec<Block>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Sites<'a> {
    /// Its sites, in the order of the documents.
    pub(crate) sites: Vec<Site<'a>>,
    /// Texts that may hold sites and can't be read, and why.
    pub(crate) unread: Vec<(&'a str, Problem)>,
}

impl Parsed {
    pub(crate) fn read(source: &Source) -> Result<Self, Problem> {
        let documents = Document::parse_all(&source.bytes).map_err(|error| misread(error, source))?;
        let mut blocks = Vec::new();
        for root in roots(&documents) {
            if is_argo(root.node) {
                blocks.extend(argo::values_blocks(root).iter().map(|found| Block::read(found, source)));
            }
        }
        Ok(Self { documents, blocks })
    }

    /// Whether the file is a kustomization.
    pub(crate) fn is_kustomization(&self, source: &Source) -> bool {
        source.is_kustomization() || self.documents.iter().any(|document| is_kustomization(document.root()))
    }

    /// The sites of the file.
    pub(crate) fn sites<'a>(&'a self, source: &Source) -> Result<Sites<'a>, Problem> {
        let mut found = Sites::default();
        if self.is_kustomization(source) {
            found.sites = kustomization::sites(&self.documents, source)?;
            return Ok(found);
        }
        for root in roots(&self.documents) {
            let mut sites = sites_of(&root, source)?;
            sites.extend(flux::marked(root, &sites, source));
            found.sites.extend(sites);
        }
        for block in &self.blocks {
            match &block.documents {
                Ok(documents) => {
                    let several = documents.len() > 1;
                    for (number, document) in documents.iter().enumerate() {
                        let root = Found::root(document, number, several);
                        let root = Found { path: format!("{}{}", block.path, root.path), ..root };
                        found.sites.extend(helm::sites(root, source));
                    }
                }
                Err(error) => found.unread.push((&block.text, misread(error.clone(), source))),
            }
        }
        Ok(found)
    }
}

fn roots(documents: &[Document]) -> impl Iterator<Item = Found<'_>> {
    let several = documents.len() > 1;
    documents.iter().enumerate().map(move |(number, document)| Found::root(document, number, several))
}

/// The sites of one document.
fn sites_of<'a>(root: &Found<'a>, source: &Source) -> Result<Vec<Site<'a>>, Problem> {
    let (group, kind) = (group(root.node), text(root.node, "kind"));
    Ok(match (group, kind) {
        _ if is_argo(root.node) => argo::sites(root.clone(), source),
        (Some("helm.toolkit.fluxcd.io"), Some("HelmRelease")) => flux::helm_release(root, source)?,
        (Some("kustomize.toolkit.fluxcd.io"), Some("Kustomization")) => flux::kustomization(root, source)?,
        (Some(_), Some(_)) => manifest::sites(root.clone(), source),
        _ if compose::is_one(root.node) => compose::sites(root.clone(), source),
        _ => helm::sites(root.clone(), source),
    })
}

fn is_argo(root: Node<'_>) -> bool {
    group(root) == Some("argoproj.io") && text(root, "kind").is_some_and(|kind| argo::KINDS.contains(&kind))
}

fn is_kustomization(root: Node<'_>) -> bool {
    group(root) == Some("kustomize.config.k8s.io")
}

/// The API group of a document: what stands before the slash of its `apiVersion`.
fn group(root: Node<'_>) -> Option<&str> {
    text(root, "apiVersion").map(|version| version.split('/').next().unwrap_or_default())
}

fn text<'a>(root: Node<'a>, key: &str) -> Option<&'a str> {
    root.get(key).ok().flatten().and_then(Node::as_str)
}

pub(crate) fn misread(error: sluice_yaml::Error, source: &Source) -> Problem {
    Problem::misconfigured(error.what).at(source.place(error.place))
}

/// The problem of a value that another tool fills in.
pub(crate) fn template(key: &str, value: Node<'_>, source: &Source) -> Problem {
    Problem::misconfigured(format!("`{key}` is a template: another tool fills it in"))
        .help("set the image where the template gets its values from")
        .at(source.place(value.place()))
}

#[cfg(test)]
mod tests;
