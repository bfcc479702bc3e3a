use serde_json::Value;
use sluice_core::{Block, Draft, Emphasis, terminal};

use super::*;
use crate::{
    components::tests::{LAYERS, config},
    event::Event,
    filters::Filter,
    inputs::{Discover, Inputs, ListFiles, OnUnknown, Quantifier, Unclassified},
    repository::Repository,
    revisions::Asked,
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
    let asked = Asked { base: Some("HEAD~1"), ..Asked::default() };
    answer_to(asked, sandbox, yaml, filters, inputs)
}

fn answer_to(
    asked: Asked<'_>,
    sandbox: &Sandbox,
    yaml: &str,
    filters: &str,
    inputs: Inputs,
) -> Result<Answer, Problem> {
    let filters = match filters {
        "" => Vec::new(),
        yaml => Filter::read_all(yaml.as_bytes(), "filters", Quantifier::Some).unwrap(),
    };
    let plan = Plan::merge(inputs, filters, &config(yaml)).unwrap();
    let mut repository = Repository::open(sandbox.path())?;
    let chosen = Revisions::choose(&mut repository, None, asked, || Ok(Event::None), &|| Ok(()));
    let (revisions, unknown) = chosen?;
    crate::compare(plan, &repository, revisions, unknown.map(Everything::Unknown), || Ok(()))
}

/// The report as a terminal shows it, without the ids.
fn shown(answer: &Answer) -> String {
    let draft = answer.report("main");
    assert_eq!(draft.subjects[0].digest, Some(answer.revisions.head.id.to_string()));
    let report = draft.into_report("detect-changes", None, "2026-01-02T03:04:05Z".parse().unwrap(), 0.0);
    let Revisions { base, head, .. } = &answer.revisions;
    terminal(&report, false).replace(&base.short(), "<base>").replace(&head.short(), "<head>")
}

fn outputs(answer: &Answer) -> String {
    let mut outputs = serde_json::to_value(answer.outputs(None).unwrap()).unwrap();
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
  – patterns    modules/foundation/** (component foundation) matches no file of either tree
                --> .github/sluice.yml:6:14
  – patterns    libs/** (component backend) matches no file of either tree
                --> .github/sluice.yml:11:36

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
fn every_file_is_explained_where_that_is_asked_for() {
    let sandbox = modules();
    sandbox.write_all(&["apps/two/x", "README.md"]);
    sandbox.git(["add", "--all"]);
    sandbox.git(["commit", "--quiet", "--amend", "--message=x"]);
    let inputs = Inputs { discover: vec![Discover::Terraform], explain: true, ..Inputs::default() };
    let yaml = format!("{MODULES}  none: {{paths: ['layers/*/*.json', 'app/**']}}\n");
    let answer = answer(&sandbox, &yaml, "docs: ['**/*.md', '**/*.rst']\n", inputs).unwrap();
    insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — 2 of 3 components changed, 1 of 1 filter matched (5 files)

  ✓ docs      README.md (added) matches **/*.md, +1 more
  ✓ layer     layers/two/x (added) matches layers/{name}/**, +1 more
              name=one (layers/one → modules/network → modules/vpc)
              name=two
  ✓ app       apps/two/x (added) matches apps/{name}/**
              name=one (needs layer)
              name=two
  – none      none of its files changed
  – discover  "../../modules/gone" is not there
              --> layers/three/main.tf:1:23
  – patterns  **/*.rst (filter docs) matches no file of either tree
              --> filters:1:19
  – patterns  layers/*/*.json (component none) matches no file of either tree
              --> .github/sluice.yml:6:18
  – patterns  app/** (component none) matches no file of either tree
              --> .github/sluice.yml:6:37

  files
  file                   status    counts for  because it
  README.md              added     docs        matches **/*.md
  modules/vpc/README.md  added     docs        matches **/*.md
  layers/two/x           added     layer       matches layers/{name}/**
  modules/vpc/main.tf    modified  layer       is used: layers/one → modules/network → modules/vpc
  apps/two/x             added     app         matches apps/{name}/**

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  5: 4 added, 1 modified
"##);
}

#[test]
fn a_renamed_file_counts_twice_and_its_old_name_is_told() {
    let sandbox = sandbox();
    sandbox.write_all(&["docs/one", "docs/two"]);
    sandbox.write("docs/empty", "");
    sandbox.commit();
    sandbox.git(["mv", "docs/one", "src"]);
    sandbox.git(["mv", "docs/empty", "none"]);
    sandbox.git(["mv", "docs/two", "here"]);
    sandbox.write("there", "docs/two");
    sandbox.commit();
    let filters = "docs: docs/**\nsrc: src\nnone: none\ncopied: [here, there]\n";
    let answer = answer(&sandbox, "version: 1\n", filters, Inputs::default()).unwrap();
    let reasons: Vec<_> = answer.report("main").findings.into_iter().map(|finding| finding.reason).collect();
    insta::assert_snapshot!(reasons.join("\n"), @r##"
docs/empty (deleted) matches docs/**, +2 more
src (added, renamed from docs/one) matches src
none (added) matches none
here (added) matches here, +1 more
"##);
    assert_eq!(answer.tally.statuses, [4, 0, 3, 0]);
}

#[test]
fn the_summary_draws_what_needs_what() {
    let answer = answer(&sandbox(), LAYERS, "", Inputs::default()).unwrap();
    let Draft { blocks, .. } = answer.report("main");
    let [Block::Mermaid { nodes, arrows, .. }] = &*blocks else { panic!("{blocks:?}") };
    let nodes: Vec<_> = nodes.iter().map(|node| (&*node.label, node.emphasis)).collect();
    let expected =
        [("foundation", Emphasis::Strong), ("databases", Emphasis::Normal), ("backend", Emphasis::Faint)];
    assert_eq!((nodes, &**arrows), (expected.to_vec(), &[[0, 1]][..]));
}

#[test]
fn files_that_nobody_names_are_passed_over_refused_or_change_everything() {
    let sandbox = sandbox();
    let with = |policy| {
        answer(
            &sandbox,
            LAYERS,
            "code: '**/*.rs'\n",
            Inputs { unclassified: Some(policy), ..Inputs::default() },
        )
    };
    assert!(with(Unclassified::Ignore).unwrap().outputs(None).unwrap().any);
    let problem = with(Unclassified::Fail).err().unwrap();
    insta::assert_snapshot!(format!("{}: {}\n{}\n{}", problem.verdict, problem.what, problem.why.unwrap(), problem.help.unwrap()), @r##"
misconfigured: changed files are named by no component or filter
docs/a.md, docs/b.md
name them in the `paths` of a component; or take `unclassified: all`, or `ignore`
"##);
    let all = with(Unclassified::All).unwrap();
    insta::assert_snapshot!(shown(&all), @r##"
✓ detect-changes — everything counts as changed (5 files)

  – unclassified  docs/a.md, docs/b.md
  ✓ code          a changed file is named by nobody, so everything counts as changed
  ✓ foundation    regions/eu/layers/01-foundation/prod/::error::x\n.tf (added) matches regions/{region}/layers/01-foundation/{environment}/**, +2 more
                  region=eu environment=prod
                  region=us environment=prod (deleted)
  ✓ databases     needs foundation
                  region=eu environment=prod client=one
  ✓ backend       a changed file is named by nobody, so everything counts as changed
  – patterns      modules/foundation/** (component foundation) matches no file of either tree
                  --> .github/sluice.yml:6:14
  – patterns      libs/** (component backend) matches no file of either tree
                  --> .github/sluice.yml:11:36

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  5: 2 added, 1 modified, 2 deleted
"##);
    insta::assert_snapshot!(outputs(&all), @r##"
changes: ["code","foundation","databases","backend"]
any: true
matrix: {"include":[{"component":"foundation","region":"eu","environment":"prod"},{"component":"databases","region":"eu","environment":"prod","client":"one"},{"component":"backend"}]}
stages: [["foundation","backend"],["databases"]]
deleted: [{"component":"foundation","region":"us","environment":"prod"}]
strategy: "given"
complete: true
code: true
code_count: 0
foundation: true
foundation_count: 3
foundation_matrix: {"include":[{"component":"foundation","region":"eu","environment":"prod"}]}
databases: true
databases_count: 0
databases_matrix: {"include":[{"component":"databases","region":"eu","environment":"prod","client":"one"}]}
backend: true
backend_count: 0
backend_matrix: {"include":[{"component":"backend"}]}
"##);
    // What a component takes in and leaves out again it does name.
    sandbox.write("services/backend/a.md", "x");
    sandbox.commit();
    assert!(with(Unclassified::Fail).is_ok());
}

#[test]
fn where_what_changed_is_not_known_everything_did_and_why_stands_first() {
    let asked = Asked { base: Some("gone"), on_unknown: OnUnknown::All, ..Asked::default() };
    // That files are new which nobody names is not known, either.
    let inputs = Inputs { unclassified: Some(Unclassified::Fail), ..Inputs::default() };
    let yaml = format!("{LAYERS}  none: {{paths: [none]}}\n");
    let answer = answer_to(asked, &sandbox(), &yaml, "gone: [{deleted: x}]\n", inputs).unwrap();
    insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — everything counts as changed (5 files)

  – base        the revision "gone" is not in the clone: The ref partially named "gone" could not be found
                help: fetch it, or see `git branch --all` and `git tag` for its name
  ✓ gone        what changed is not known, so everything counts as changed
  ✓ foundation  what changed is not known, so everything counts as changed
                region=eu environment=prod
  ✓ databases   what changed is not known, so everything counts as changed
                region=eu environment=prod client=one
  ✓ backend     what changed is not known, so everything counts as changed
  – none        no file of it is there

  base   <base> (unknown: every file counts as changed)
  head   <head> (checked out)
  files  all 5
"##);
    insta::assert_snapshot!(outputs(&answer), @r##"
changes: ["gone","foundation","databases","backend"]
any: true
matrix: {"include":[{"component":"foundation","region":"eu","environment":"prod"},{"component":"databases","region":"eu","environment":"prod","client":"one"},{"component":"backend"}]}
stages: [["foundation","backend"],["databases"]]
deleted: []
strategy: "unknown"
complete: false
gone: true
gone_count: 0
foundation: true
foundation_count: 2
foundation_matrix: {"include":[{"component":"foundation","region":"eu","environment":"prod"}]}
databases: true
databases_count: 1
databases_matrix: {"include":[{"component":"databases","region":"eu","environment":"prod","client":"one"}]}
backend: true
backend_count: 1
backend_matrix: {"include":[{"component":"backend"}]}
none: false
none_count: 0
none_matrix: {"include":[]}
"##);
}

#[test]
fn a_pattern_in_a_folder_that_is_not_there_is_told() {
    let yaml =
        "version: 1\ncomponents:\n  a: {paths: ['service/backend/**', 'docs/a.md', 'services/*.none']}\n";
    let plain = answer(&sandbox(), yaml, "", Inputs::default()).unwrap();
    insta::assert_snapshot!(shown(&plain), @r##"
✓ detect-changes — no component changed, 1 deleted (5 files)

  ✓ a         deleted: docs/a.md (deleted) matches docs/a.md
  – patterns  service/backend/** (component a) matches no file of either tree
              --> .github/sluice.yml:3:15

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  5: 2 added, 1 modified, 2 deleted
"##);
    let explained = answer(&sandbox(), yaml, "", Inputs { explain: true, ..Inputs::default() }).unwrap();
    let reasons: Vec<_> = explained.warnings.iter().map(|finding| &*finding.reason).collect();
    insta::assert_snapshot!(reasons.join("\n"), @r##"
service/backend/** (component a) matches no file of either tree
services/*.none (component a) matches no file of either tree
"##);
}

#[test]
fn filters_are_told_by_the_names_that_paths_filter_gives_them() {
    let filters = "docs:\n  - docs/**\ngone:\n  - deleted: '**'\nsrc: src/**\n";
    let inputs = Inputs { list_files: Some(ListFiles::Json), ..Inputs::default() };
    let answer = answer(&sandbox(), "version: 1\n", filters, inputs).unwrap();
    insta::assert_snapshot!(shown(&answer), @r##"
✓ detect-changes — 2 of 3 filters matched (5 files)

  ✓ docs      docs/a.md (deleted) matches docs/**, +1 more
  ✓ gone      docs/a.md (deleted) matches **, +1 more
  – src       no changed file matches
  – patterns  src/** (filter src) matches no file of either tree
              --> filters:5:6

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
  – patterns    modules/foundation/** (component foundation) matches no file of either tree
                --> .github/sluice.yml:6:14
  – patterns    libs/** (component backend) matches no file of either tree
                --> .github/sluice.yml:11:36

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
  – patterns   modules/foundation/** (component foundation) matches no file of either tree
               --> .github/sluice.yml:6:14
  – patterns   libs/** (component backend) matches no file of either tree
               --> .github/sluice.yml:11:36

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  5: 2 added, 1 modified, 2 deleted
"##);
    insta::assert_snapshot!(answer.outputs(None).unwrap().stages.concat().join(" "), @"databases");
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
  – patterns    modules/foundation/** (component foundation) matches no file of either tree
                --> .github/sluice.yml:6:14
  – patterns    libs/** (component backend) matches no file of either tree
                --> .github/sluice.yml:11:36

  base   <base> (`base`: HEAD~1)
  head   <head> (checked out)
  files  1: 1 deleted
"##);
    let outputs = answer.outputs(None).unwrap();
    assert!(!outputs.any);
    assert_eq!(
        serde_json::to_value(&outputs.deleted).unwrap(),
        serde_json::json!([{"component": "backend"}])
    );
    assert!(matches!(outputs.named["backend"], Named::Value(Value::Bool(false))));
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
    assert_eq!(finding.evidence.len(), report::CELLS_SHOWN + 1);
    assert_eq!(finding.evidence.last().unwrap(), "+5 more");
    assert_eq!(answer.outputs(None).unwrap().matrix.include.len(), 15);
}

#[test]
fn more_cells_than_a_job_takes_are_told_in_parts() {
    let sandbox = Sandbox::new();
    sandbox.commit();
    (0..300).for_each(|index| sandbox.write(format!("apps/{index:03}/x"), "x"));
    (0..256).for_each(|index| sandbox.write(format!("jobs/{index:03}/x"), "x"));
    sandbox.commit();
    let yaml =
        "version: 1\ncomponents: {app: {paths: ['apps/{name}/**']}, job: {paths: ['jobs/{name}/**']}}\n";
    let answer = answer(&sandbox, yaml, "", Inputs::default()).unwrap();
    let outputs = answer.outputs(None).unwrap();
    let all = serde_json::to_value(&outputs).unwrap();
    let sizes = |name: &str| {
        let parts = (1..).map_while(|number| all.get(format!("{name}-{number}")));
        parts.map(|part| part["include"].as_array().unwrap().len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes("matrix"), [256, 256, 44]);
    assert_eq!(sizes("app_matrix"), [256, 44]);
    assert_eq!(sizes("job_matrix"), [0; 0]);
    assert_eq!(outputs.matrix.include.len(), 556);
    let parts: Vec<Value> =
        (1..=3).map(|number| all[format!("matrix-{number}")]["include"].clone()).collect();
    let joined: Vec<Value> = parts.iter().flat_map(|part| part.as_array().unwrap().clone()).collect();
    assert_eq!(all["matrix"]["include"], Value::Array(joined));
    let report = answer.report("main");
    let finding = report.findings.iter().find(|finding| finding.subject == "matrix").unwrap();
    insta::assert_snapshot!(finding.reason, @"556 cells: a job takes at most 256, so `matrix-1` to `matrix-3` hold them in parts");
}

#[test]
fn a_list_that_is_too_long_is_said_to_be() {
    let sandbox = Sandbox::new();
    sandbox.commit();
    (0..3_000).for_each(|index| sandbox.write(format!("a-folder-with-a-name/{index:06}"), "x"));
    sandbox.commit();
    let inputs = Inputs { list_files: Some(ListFiles::Lines), ..Inputs::default() };
    let answer = answer(&sandbox, "version: 1\n", "all: '**'\n", inputs).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let outputs = answer.outputs(Some(&folder.path().join("sluice"))).unwrap();
    let all = serde_json::to_value(&outputs).unwrap();
    assert_eq!(all["all_count"], 3_000);
    assert_eq!(all["all_files_file"], "sluice/detect-changes-all_files.txt");
    let said: Vec<_> = Answer::spilled(&outputs).map(|finding| finding.reason).collect();
    insta::assert_snapshot!(said.join("\n"), @"`all_files` is too long to hand on with 3000 files: they are in sluice/detect-changes-all_files.txt");
}

#[test]
fn an_environment_must_be_one_of_the_configuration() {
    let sandbox = sandbox();
    let with = |environments: &str| format!("{LAYERS}environments: {environments}\n");
    let known = answer(&sandbox, &with("{prod: {anything: new}}"), "", Inputs::default()).unwrap();
    assert!(known.outputs(None).is_ok());
    let problem = |environments: &str| {
        let answer = answer(&sandbox, &with(environments), "", Inputs::default()).unwrap();
        let Problem { what, why, help, place, .. } = answer.outputs(None).unwrap_err();
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
    assert_eq!(added.outputs(None).unwrap_err().what, "the name \"caf\\xe9\" can't be handed on");
    std::fs::remove_dir_all(sandbox.file("apps")).unwrap();
    sandbox.commit();
    let deleted = answer(&sandbox, yaml, "", Inputs::default()).unwrap();
    assert_eq!(deleted.outputs(None).unwrap().deleted[0]["name"], "caf\\xe9");
}
