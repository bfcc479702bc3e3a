//! The answer, told twice: to the steps that follow and to people.

mod report;

use std::{path::Path, rc::Rc};

use indexmap::IndexMap;
use serde_json::Value;
use sluice_core::{Finding, Problem};

use crate::{
    components::Component,
    decision::Decision,
    discover::Web,
    everything::Everything,
    lists::Lists,
    matrix::{self, Matrix},
    needs,
    outputs::{Named, Outputs, SUFFIXES},
    plan::Plan,
    revisions::Revisions,
    tally::{Hits, Tally},
};

/// All that was found out.
pub(crate) struct Answer {
    pub(crate) plan: Plan,
    pub(crate) revisions: Revisions,
    pub(crate) web: Web,
    pub(crate) tally: Tally,
    /// One for each component of the catalog.
    pub(crate) decisions: Vec<Decision>,
    /// Why everything counts as changed, where it does.
    pub(crate) everything: Option<Everything>,
    /// What may be wrong with the configuration.
    pub(crate) warnings: Vec<Finding>,
}

impl Answer {
    /// The components that were asked about, with what was decided on them.
    fn components(&self) -> impl Iterator<Item = (&Component, &Decision, &Hits)> {
        self.plan.asked.iter().map(|&index| self.component(index))
    }

    fn component(&self, index: usize) -> (&Component, &Decision, &Hits) {
        let component = &self.plan.catalog.components[index];
        (component, &self.decisions[index], &self.tally.components[index].hits)
    }

    fn filters(&self) -> impl Iterator<Item = (&str, &Hits)> {
        self.plan.filters.iter().map(|filter| &*filter.name).zip(&self.tally.filters)
    }

    /// What the steps that follow are told.
    ///
    /// Lists that are too long are written into `folder`.
    pub(crate) fn outputs(&self, folder: Option<&Path>) -> Result<Outputs, Problem> {
        let mut lists = Lists::new(self.plan.list_files, folder);
        let mut changes = Vec::new();
        let mut named = IndexMap::new();
        let mut matrix = Matrix::default();
        let mut deleted = Vec::new();
        for (name, hits) in self.filters() {
            let is_hit = hits.count > 0 || self.everything.is_some();
            name_all(&mut named, &mut lists, name, is_hit, hits)?;
            changes.extend(is_hit.then(|| name.to_owned()));
        }
        for (component, decision, hits) in self.components() {
            let name = &component.name;
            name_all(&mut named, &mut lists, name, decision.is_changed(), hits)?;
            changes.extend(decision.is_changed().then(|| name.clone()));
            let entry = |cell| matrix::entry(component, cell, self.plan.environments.as_deref()).map(Rc::new);
            let own = Matrix { include: decision.changed.keys().map(entry).collect::<Result<_, _>>()? };
            matrix.include.extend(own.include.iter().cloned());
            named.insert(format!("{name}_matrix"), own.clone().into());
            for (number, part) in (1..).zip(own.parts()) {
                named.insert(format!("{name}_matrix-{number}"), part.into());
            }
            deleted.extend(decision.deleted.iter().map(|cell| matrix::shown(component, cell)));
        }
        for (number, part) in (1..).zip(matrix.parts()) {
            named.insert(format!("matrix-{number}"), part.into());
        }
        Ok(Outputs {
            any: !changes.is_empty(),
            changes,
            matrix,
            stages: self.stages(),
            deleted,
            base: self.revisions.base.id.to_string(),
            head: self.revisions.head.id.to_string(),
            strategy: self.revisions.strategy,
            complete: self.everything.as_ref().is_none_or(Everything::is_known),
            named,
        })
    }

    fn stages(&self) -> Vec<Vec<String>> {
        let catalog = &self.plan.catalog;
        let is_told =
            |(index, decision): (usize, &Decision)| decision.is_changed() && self.plan.asked.contains(&index);
        let changed: Vec<bool> = self.decisions.iter().enumerate().map(is_told).collect();
        let stages = needs::stages(&catalog.order, &catalog.needs(), &changed);
        let name = |index: usize| catalog.components[index].name.clone();
        stages.into_iter().map(|stage| stage.into_iter().map(name).collect()).collect()
    }
}

/// The outputs that are about one name.
fn name_all(
    named: &mut IndexMap<String, Named>,
    lists: &mut Lists<'_>,
    name: &str,
    changed: bool,
    hits: &Hits,
) -> Result<(), Problem> {
    let [is_changed, count, files, files_file, _] = SUFFIXES.map(|suffix| format!("{name}{suffix}"));
    named.insert(is_changed, Value::from(changed).into());
    named.insert(count, Value::from(hits.count).into());
    if let Some((list, file)) = lists.output(&files, &hits.files)? {
        named.insert(files, list.into());
        named.extend(file.map(|file| (files_file, Value::from(file).into())));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
