//! The answer, told twice: to the steps that follow and to people.

use indexmap::IndexMap;
use serde_json::Value;
use sluice_core::{Draft, Finding, Problem, SubjectKind, Verdict};

use crate::{
    components::{Cell, Component},
    decision::{Cause, Decision},
    discover::Web,
    lists,
    matrix::{self, Matrix},
    needs,
    outputs::{Outputs, SUFFIXES},
    plan::Plan,
    revisions::Revisions,
    status::Status,
    tally::{Hits, Tally},
};

/// How many cells of a component the report names.
const CELLS_SHOWN: usize = 10;

/// All that was found out.
pub(crate) struct Answer {
    pub(crate) plan: Plan,
    pub(crate) revisions: Revisions,
    pub(crate) web: Web,
    pub(crate) tally: Tally,
    /// One for each component of the catalog.
    pub(crate) decisions: Vec<Decision>,
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
    pub(crate) fn outputs(&self) -> Result<Outputs, Problem> {
        let mut changes = Vec::new();
        let mut named = IndexMap::new();
        let mut matrix = Matrix::default();
        let mut deleted = Vec::new();
        for (name, hits) in self.filters() {
            self.name(&mut named, name, hits.count > 0, hits)?;
            changes.extend((hits.count > 0).then(|| name.to_owned()));
        }
        for (component, decision, hits) in self.components() {
            let name = &component.name;
            self.name(&mut named, name, decision.is_changed(), hits)?;
            changes.extend(decision.is_changed().then(|| name.clone()));
            let entry = |cell| matrix::entry(component, cell, self.plan.environments.as_deref());
            let include = decision.changed.keys().map(entry).collect::<Result<Vec<_>, _>>()?;
            deleted.extend(decision.deleted.iter().map(|cell| matrix::shown(component, cell)));
            matrix.include.extend(include.iter().cloned());
            named.insert(format!("{name}_matrix"), serde_json::json!({ "include": include }));
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
            complete: true,
            named,
        })
    }

    /// The outputs that are about one name.
    fn name(
        &self,
        named: &mut IndexMap<String, Value>,
        name: &str,
        changed: bool,
        hits: &Hits,
    ) -> Result<(), Problem> {
        let [is_changed, count, files, _] = SUFFIXES.map(|suffix| format!("{name}{suffix}"));
        named.insert(is_changed, changed.into());
        named.insert(count, hits.count.into());
        if let Some(list) = lists::list(&hits.files, self.plan.list_files)? {
            named.insert(files, list);
        }
        Ok(())
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

    /// What people are told; `branch` is what the commit is called.
    pub(crate) fn report(&self, branch: &str) -> Draft {
        let mut draft = Draft::new(self.verdict(), self.title());
        for (name, hits) in self.filters() {
            draft.finding(match hits.why(|node| self.web.path(node)) {
                Some(why) => Finding::new(name, Verdict::Passed, why),
                None => Finding::new(name, Verdict::Skipped, "no changed file matches"),
            });
        }
        for index in &self.plan.asked {
            draft.finding(self.finding(*index));
        }
        draft.findings.extend(self.web.findings.iter().cloned());
        let Revisions { base, head, base_is, head_is, .. } = &self.revisions;
        draft.fact("base", format!("{} ({base_is})", base.short()));
        draft.fact("head", format!("{} ({head_is})", head.short()));
        draft.fact("files", self.files());
        if head.id != head.tree {
            draft.subject(SubjectKind::Commit, branch, Some(head.id.to_string()));
        }
        draft
    }

    fn verdict(&self) -> Verdict {
        let is_hit = self.filters().any(|(_, hits)| hits.count > 0)
            || self.components().any(|(_, decision, _)| *decision != Decision::default());
        if is_hit { Verdict::Passed } else { Verdict::Skipped }
    }

    /// `2 of 3 components changed (14 files)`.
    fn title(&self) -> String {
        let mut parts = Vec::new();
        if !self.plan.asked.is_empty() {
            let changed = self.components().filter(|(_, decision, _)| decision.is_changed()).count();
            parts.push(portion(changed, self.plan.asked.len(), "component", "changed"));
            let is_gone = |decision: &Decision| !decision.is_changed() && !decision.deleted.is_empty();
            match self.components().filter(|(_, decision, _)| is_gone(decision)).count() {
                0 => {}
                gone => parts.push(format!("{gone} deleted")),
            }
        }
        if !self.plan.filters.is_empty() {
            let matched = self.filters().filter(|(_, hits)| hits.count > 0).count();
            parts.push(portion(matched, self.plan.filters.len(), "filter", "matched"));
        }
        format!("{} ({})", parts.join(", "), counted(self.tally.total(), "file"))
    }

    fn finding(&self, index: usize) -> Finding {
        let (component, decision, hits) = self.component(index);
        let name = |index: usize| self.plan.catalog.components[index].name.as_str();
        let verdict = if *decision == Decision::default() { Verdict::Skipped } else { Verdict::Passed };
        let why = hits.why(|node| self.web.chain_of(index, node));
        let reason = match &why {
            Some(why) if verdict == Verdict::Skipped => {
                format!("{why}, but no file of the component itself is left")
            }
            Some(why) if decision.is_changed() => why.clone(),
            Some(why) => format!("deleted: {why}"),
            None => match decision.needs().as_slice() {
                [] => "none of its files changed".to_owned(),
                needs => {
                    format!("needs {}", needs.iter().map(|need| name(*need)).collect::<Vec<_>>().join(", "))
                }
            },
        };
        let mut lines = Vec::new();
        if !component.dimensions.is_empty() {
            for (cell, cause) in &decision.changed {
                let because = match cause {
                    Cause::Needs(need) if why.is_some() => format!(" (needs {})", name(*need)),
                    Cause::Uses(from, to) => format!(" ({})", self.web.chain(*from, *to)),
                    _ => String::new(),
                };
                lines.push(format!("{}{because}", coordinates(component, cell)));
            }
            lines.extend(
                decision.deleted.iter().map(|cell| format!("{} (deleted)", coordinates(component, cell))),
            );
        }
        let more = lines.len().saturating_sub(CELLS_SHOWN);
        lines.truncate(CELLS_SHOWN);
        lines.extend((more > 0).then(|| format!("+{more} more")));
        lines.into_iter().fold(Finding::new(&component.name, verdict, reason), Finding::evidence)
    }

    /// `14: 2 added, 12 modified`.
    fn files(&self) -> String {
        let statuses = Status::ALL.iter().zip(self.tally.statuses).filter(|(_, count)| *count > 0);
        let parts: Vec<String> =
            statuses.map(|(status, count)| format!("{count} {}", status.as_str())).collect();
        if parts.is_empty() {
            "0".to_owned()
        } else {
            format!("{}: {}", self.tally.total(), parts.join(", "))
        }
    }
}

/// `region=eu-west-1 environment=dev`.
fn coordinates(component: &Component, cell: &Cell) -> String {
    let entry = matrix::shown(component, cell);
    let pairs: Vec<String> = entry.iter().skip(1).map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

/// `2 of 3 components changed`, or `no component changed`.
fn portion(some: usize, all: usize, noun: &str, verb: &str) -> String {
    if some == 0 { format!("no {noun} {verb}") } else { format!("{some} of {} {verb}", counted(all, noun)) }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use sluice_core::{Report, SCHEMA, terminal};

    use super::*;
    use crate::{
        components::tests::{LAYERS, config},
        event::Event,
        filters::Filter,
        inputs::{Discover, Inputs, ListFiles, Quantifier},
        sandbox::Sandbox,
    };

    /// A repository whose second commit changes one layer, deletes another and moves a file.
    fn sandbox() -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write_all(&[
            "regions/eu/layers/01-foundation/prod/main.tf",
            "regions/us/layers/01-foundation/prod/main.tf",
            "regions/eu/layers/03-databases/prod/clients/one/main.tf",
            "services/backend/main.rs",
            "docs/a.md",
        ]);
        sandbox.commit();
        sandbox.write("regions/eu/layers/01-foundation/prod/main.tf", "other");
        sandbox.write("regions/eu/layers/01-foundation/prod/::error::x\n.tf", "other");
        std::fs::remove_file(sandbox.file("regions/us/layers/01-foundation/prod/main.tf")).unwrap();
        sandbox.git(["mv", "docs/a.md", "docs/b.md"]);
        sandbox.commit();
        sandbox
    }

    fn answer(sandbox: &Sandbox, yaml: &str, filters: &str, inputs: Inputs) -> Result<Answer, Problem> {
        let filters = match filters {
            "" => Vec::new(),
            yaml => Filter::read_all(yaml.as_bytes(), "filters", Quantifier::Some).unwrap(),
        };
        let inputs = Inputs { base: Some("HEAD~1".into()), ..inputs };
        let plan = Plan::merge(inputs, filters, &config(yaml), PathBuf::from(sandbox.path())).unwrap();
        crate::detect(plan, || Ok(Event::None), || Ok(()))
    }

    /// The report as a terminal shows it, without the ids.
    fn shown(answer: &Answer) -> String {
        let Draft { verdict, title, findings, facts, links, subjects, blocks } = answer.report("main");
        assert_eq!(subjects[0].digest, Some(answer.revisions.head.id.to_string()));
        let report = Report {
            schema: SCHEMA,
            action: "detect-changes".into(),
            command: None,
            verdict,
            title,
            findings,
            facts,
            links,
            subjects,
            blocks,
            started_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            duration: 0.0,
        };
        let Revisions { base, head, .. } = &answer.revisions;
        terminal(&report, false).replace(&base.short(), "<base>").replace(&head.short(), "<head>")
    }

    fn outputs(answer: &Answer) -> String {
        let mut outputs = serde_json::to_value(answer.outputs().unwrap()).unwrap();
        let Value::Object(fields) = &mut outputs else { unreachable!() };
        assert_eq!(fields.shift_remove("base"), Some(answer.revisions.base.id.to_string().into()));
        assert_eq!(fields.shift_remove("head"), Some(answer.revisions.head.id.to_string().into()));
        let lines: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        lines.join("\n")
    }

    #[test]
    fn components_are_told_with_cells_reasons_and_stages() {
        let answer = answer(&sandbox(), LAYERS, "", Inputs::default()).unwrap();
        insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — 2 of 3 components changed (5 files)

  ✓ foundation  regions/eu/layers/01-foundation/prod/::error::x\n.tf (added) matches regions/{region}/layers/01-foundation/{environment}/**, +2 more
                region=eu environment=prod
                region=us environment=prod (deleted)
  ✓ databases   needs foundation
                region=eu environment=prod client=one
  – backend     none of its files changed

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  5: 2 added, 1 modified, 2 deleted
"##);
        insta::assert_snapshot!(outputs(&answer), @r##"
changes: ["foundation","databases"]
any: true
matrix: {"include":[{"component":"foundation","region":"eu","environment":"prod"},{"component":"databases","region":"eu","environment":"prod","client":"one"}]}
stages: [["foundation"],["databases"]]
deleted: [{"component":"foundation","region":"us","environment":"prod"}]
strategy: "given"
complete: true
foundation: true
foundation_count: 3
foundation_matrix: {"include":[{"component":"foundation","region":"eu","environment":"prod"}]}
databases: true
databases_count: 0
databases_matrix: {"include":[{"component":"databases","region":"eu","environment":"prod","client":"one"}]}
backend: false
backend_count: 0
backend_matrix: {"include":[]}
"##);
    }

    /// Two layers that call one module, one of them through another.
    fn modules() -> Sandbox {
        let sandbox = Sandbox::new();
        let module = |source: &str| format!("module \"x\" {{ source = \"{source}\" }}\n");
        sandbox.write("layers/one/main.tf", &module("../../modules/network"));
        sandbox.write("layers/two/main.tf", &module("../../modules/vpc"));
        sandbox.write("layers/three/main.tf", &module("../../modules/gone"));
        sandbox.write("modules/network/main.tf", &module("../vpc"));
        sandbox.write("modules/vpc/main.tf", "");
        sandbox.write("apps/one/x", "x");
        sandbox.commit();
        sandbox.write("modules/vpc/main.tf", "locals {}");
        sandbox.write("modules/vpc/README.md", "x");
        sandbox.write("layers/two/x", "x");
        sandbox.commit();
        sandbox
    }

    const MODULES: &str = "
version: 1
components:
  layer: {paths: ['layers/{name}/**', '!**/*.md']}
  app: {paths: ['apps/{name}/**'], needs: [layer]}
";

    #[test]
    fn what_files_use_is_told_with_the_way_there() {
        let inputs = || Inputs { discover: vec![Discover::Terraform], ..Inputs::default() };
        let answer = answer(&modules(), MODULES, "", inputs()).unwrap();
        insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — 2 of 2 components changed (3 files)

  ✓ layer     layers/two/x (added) matches layers/{name}/**, +1 more
              name=one (layers/one → modules/network → modules/vpc)
              name=two
  ✓ app       needs layer
              name=one
  – discover  "../../modules/gone" is not there
              --> layers/three/main.tf:1:23

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  3: 2 added, 1 modified
"##);
        insta::assert_snapshot!(outputs(&answer), @r##"
changes: ["layer","app"]
any: true
matrix: {"include":[{"component":"layer","name":"one"},{"component":"layer","name":"two"},{"component":"app","name":"one"}]}
stages: [["layer"],["app"]]
deleted: []
strategy: "given"
complete: true
layer: true
layer_count: 2
layer_matrix: {"include":[{"component":"layer","name":"one"},{"component":"layer","name":"two"}]}
app: true
app_count: 0
app_matrix: {"include":[{"component":"app","name":"one"}]}
"##);
    }

    #[test]
    fn filters_are_told_by_the_names_that_paths_filter_gives_them() {
        let filters = "docs:\n  - docs/**\ngone:\n  - deleted: '**'\nsrc: src/**\n";
        let inputs = Inputs { list_files: Some(ListFiles::Json), ..Inputs::default() };
        let answer = answer(&sandbox(), "version: 1\n", filters, inputs).unwrap();
        insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — 2 of 3 filters matched (5 files)

  ✓ docs  docs/a.md (deleted) matches docs/**, +1 more
  ✓ gone  docs/a.md (deleted) matches **, +1 more
  – src   no changed file matches

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  5: 2 added, 1 modified, 2 deleted
"##);
        insta::assert_snapshot!(outputs(&answer), @r##"
changes: ["docs","gone"]
any: true
matrix: {"include":[]}
stages: []
deleted: []
strategy: "given"
complete: true
docs: true
docs_count: 2
docs_files: ["docs/a.md","docs/b.md"]
gone: true
gone_count: 2
gone_files: ["docs/a.md","regions/us/layers/01-foundation/prod/main.tf"]
src: false
src_count: 0
src_files: []
"##);
    }

    #[test]
    fn nothing_is_skipped_and_said_with_certainty() {
        let sandbox = sandbox();
        sandbox.commit();
        let answer = answer(&sandbox, LAYERS, "docs: docs/**\n", Inputs::default()).unwrap();
        insta::assert_snapshot!(shown(&answer), @r##"
– detect-changes — no component changed, no filter matched (0 files)

  – docs        no changed file matches
  – foundation  none of its files changed
  – databases   none of its files changed
  – backend     none of its files changed

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  0
"##);
        insta::assert_snapshot!(outputs(&answer), @r##"
changes: []
any: false
matrix: {"include":[]}
stages: []
deleted: []
strategy: "given"
complete: true
docs: false
docs_count: 0
foundation: false
foundation_count: 0
foundation_matrix: {"include":[]}
databases: false
databases_count: 0
databases_matrix: {"include":[]}
backend: false
backend_count: 0
backend_matrix: {"include":[]}
"##);
    }

    #[test]
    fn only_the_components_that_are_asked_about_are_told() {
        let inputs = Inputs { components: vec!["databases".into()], ..Inputs::default() };
        let answer = answer(&sandbox(), LAYERS, "", inputs).unwrap();
        insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — 1 of 1 component changed (5 files)

  ✓ databases  needs foundation
               region=eu environment=prod client=one

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  5: 2 added, 1 modified, 2 deleted
"##);
        insta::assert_snapshot!(answer.outputs().unwrap().stages.concat().join(" "), @"databases");
    }

    #[test]
    fn a_component_whose_files_are_all_gone_is_deleted_not_changed() {
        let sandbox = sandbox();
        std::fs::remove_dir_all(sandbox.file("services")).unwrap();
        sandbox.commit();
        let answer = answer(&sandbox, LAYERS, "", Inputs::default()).unwrap();
        insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — no component changed, 1 deleted (1 file)

  – foundation  none of its files changed
  – databases   none of its files changed
  ✓ backend     deleted: services/backend/main.rs (deleted) matches services/backend/**

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  1: 1 deleted
"##);
        let outputs = answer.outputs().unwrap();
        assert!(!outputs.any);
        assert_eq!(
            serde_json::to_value(&outputs.deleted).unwrap(),
            serde_json::json!([{"component": "backend"}])
        );
        assert_eq!(outputs.named["backend"], false);
    }

    #[test]
    fn long_lists_of_cells_are_cut_in_the_report_only() {
        let sandbox = Sandbox::new();
        sandbox.commit();
        (10..25).for_each(|index| sandbox.write(format!("apps/{index}/x"), "x"));
        sandbox.commit();
        let yaml = "version: 1\ncomponents: {app: {paths: ['apps/{name}/**']}}\n";
        let answer = answer(&sandbox, yaml, "", Inputs::default()).unwrap();
        let finding = &answer.report("main").findings[0];
        assert_eq!(finding.evidence.len(), CELLS_SHOWN + 1);
        assert_eq!(finding.evidence.last().unwrap(), "+5 more");
        assert_eq!(answer.outputs().unwrap().matrix.include.len(), 15);
    }

    #[test]
    fn an_environment_must_be_one_of_the_configuration() {
        let sandbox = sandbox();
        let with = |environments: &str| format!("{LAYERS}environments: {environments}\n");
        let known = answer(&sandbox, &with("{prod: {anything: new}}"), "", Inputs::default()).unwrap();
        assert!(known.outputs().is_ok());
        let problem = |environments: &str| {
            let answer = answer(&sandbox, &with(environments), "", Inputs::default()).unwrap();
            let Problem { what, why, help, place, .. } = answer.outputs().unwrap_err();
            format!("{}: {what}\n{}\n{}", place.unwrap(), why.unwrap(), help.unwrap())
        };
        insta::assert_snapshot!(problem("{prods: {}}"), @r##"
.github/sluice.yml:5:13: no environment is called "prod"
a file of the component "foundation" lies in a folder of that name
did you mean "prods"? Else add it to `environments`
"##);
        insta::assert_snapshot!(problem("{}"), @r##"
.github/sluice.yml:5:13: no environment is called "prod"
a file of the component "foundation" lies in a folder of that name
add it to `environments`, or leave the folder out with a pattern `!...`
"##);
    }

    #[test]
    fn a_cell_that_is_no_text_is_not_handed_on() {
        let sandbox = Sandbox::new();
        sandbox.commit();
        sandbox.write(b"apps/caf\xe9/x", "x");
        sandbox.commit();
        let yaml = "version: 1\ncomponents: {app: {paths: ['apps/{name}/**']}}\n";
        let added = answer(&sandbox, yaml, "", Inputs::default()).unwrap();
        assert_eq!(added.outputs().unwrap_err().what, "the name \"caf\\xe9\" can't be handed on");
        std::fs::remove_dir_all(sandbox.file("apps")).unwrap();
        sandbox.commit();
        let deleted = answer(&sandbox, yaml, "", Inputs::default()).unwrap();
        assert_eq!(deleted.outputs().unwrap().deleted[0]["name"], "caf\\xe9");
    }
}
