//! What is to be done: the inputs and the configuration, merged once.

use std::collections::HashMap;

use sluice_config::File;
use sluice_core::{Context, Problem, Problems, Secret, nearest};

use crate::{
    components::Catalog,
    config::Sections,
    event::Event,
    filters::Filter,
    inputs::{Discover, Inputs, ListFiles, OnUnknown, Quantifier, Unclassified},
    outputs,
    revisions::{Asked, Uncommitted},
};

/// What a run is asked to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) base: Option<String>,
    pub(crate) head: Option<String>,
    pub(crate) on_unknown: OnUnknown,
    /// The repository to look at without a checkout.
    pub(crate) repository: Option<String>,
    pub(crate) token: Option<Secret>,
    pub(crate) network: sluice_http::Options,
    pub(crate) filters: Vec<Filter>,
    /// All components: one that is not asked about may be needed by one that is.
    pub(crate) catalog: Catalog,
    /// The components that are asked about, by position.
    pub(crate) asked: Vec<usize>,
    /// The names of the environments, where the configuration has that section.
    pub(crate) environments: Option<Vec<String>>,
    pub(crate) list_files: ListFiles,
    pub(crate) dependents: bool,
    /// The tools by whose files dependencies are found.
    pub(crate) discover: Vec<Discover>,
    pub(crate) unclassified: Unclassified,
    pub(crate) explain: bool,
}

impl Plan {
    pub(crate) fn new(mut inputs: Inputs, config: &File<Sections>, cx: &Context) -> anyhow::Result<Self> {
        if let Some(repository) = &inputs.repository {
            check_repository(repository)?;
            // Without a checkout the commit that the workflow runs for is what would be checked out.
            if is_workflow_s(repository, cx) && inputs.head.is_none() {
                inputs.head = cx.variable("GITHUB_SHA").map(str::to_owned);
            }
        }
        let quantifier = inputs.predicate_quantifier.unwrap_or_default();
        let filters = match &inputs.filters {
            Some(filters) => read_filters(filters, quantifier, cx)?,
            None => Vec::new(),
        };
        Ok(Self::merge(inputs, filters, config)?)
    }

    /// The revisions that are asked for. In a workflow what is not committed does not count: earlier steps made
    /// it.
    pub(crate) fn asked(&self, cx: &Context) -> Asked<'_> {
        let uncommitted = match &*self.discover {
            _ if cx.is_in_actions() || self.repository.is_some() => Uncommitted::Nothing,
            [] => Uncommitted::Names,
            _ => Uncommitted::Contents,
        };
        let (base, head) = (self.base.as_deref(), self.head.as_deref());
        Asked { base, head, uncommitted, on_unknown: self.on_unknown }
    }

    /// The event of the workflow, where it is about the repository that is looked at.
    pub(crate) fn event(&self, cx: &Context) -> Result<Event, Problem> {
        match &self.repository {
            Some(repository) if cx.is_in_actions() && !is_workflow_s(repository, cx) => {
                Err(Problem::misconfigured(format!("nothing says what to compare with in {repository}"))
                    .why("the event of the workflow is about another repository")
                    .help("give `base`: a branch, a tag or a SHA"))
            }
            _ => Event::read(cx),
        }
    }

    pub(crate) fn merge(
        inputs: Inputs,
        filters: Vec<Filter>,
        config: &File<Sections>,
    ) -> Result<Self, Problems> {
        let sections = &config.sections;
        let catalog = Catalog::compile(&sections.components, |value| config.place_of(value))?;
        if filters.is_empty() && catalog.components.is_empty() {
            return Err(Problem::misconfigured("there is nothing to look for")
                .why(format!("{} has no `components`, and no `filters` are given", config.name))
                .help("name what can change: a component with `paths`, or a filter")
                .into());
        }
        let plan = Self {
            base: inputs.base,
            head: inputs.head,
            on_unknown: inputs.on_unknown.unwrap_or_default(),
            repository: inputs.repository,
            token: inputs.token,
            network: inputs.network,
            filters,
            asked: asked(&catalog, &inputs.components)?,
            catalog,
            environments: sections.environments.as_ref().map(|section| section.keys().cloned().collect()),
            list_files: inputs.list_files.unwrap_or_default(),
            dependents: inputs.dependents.unwrap_or(true),
            discover: inputs.discover,
            unclassified: inputs.unclassified.unwrap_or_default(),
            explain: inputs.explain,
        };
        plan.check_names()?;
        Ok(plan)
    }

    /// No two answers may go by one name: the later would silently stand for the earlier.
    fn check_names(&self) -> Result<(), Problem> {
        let filters = self.filters.iter().map(|filter| format!("the filter \"{}\"", filter.name));
        let filters = filters.zip(self.filters.iter().map(|filter| &filter.name));
        let components = self.asked.iter().map(|index| &self.catalog.components[*index].name);
        let components = components.map(|name| (format!("the component \"{name}\""), name));
        let every_run = outputs::names().map(|name| (output_name(name), "every run".to_owned()));
        let mut owners = HashMap::from(every_run);
        for (owner, name) in filters.chain(components) {
            for suffix in outputs::SUFFIXES {
                let output = format!("{name}{suffix}");
                if outputs::is_part(&output_name(&output)) {
                    return Err(Problem::misconfigured(format!("{owner} can't have that name"))
                        .why(format!("the output `{output}` is for the parts of a matrix that is too large"))
                        .help(format!("give {owner} another name")));
                }
                if let Some(other) = owners.insert(output_name(&output), owner.clone()) {
                    return Err(Problem::misconfigured(format!("two outputs would be called `{output}`"))
                        .why(format!("{owner} has one, and so has {other}"))
                        .help(format!("give {owner} another name")));
                }
            }
        }
        Ok(())
    }
}

/// Whether a repository is the one that the workflow belongs to.
pub(crate) fn is_workflow_s(repository: &str, cx: &Context) -> bool {
    cx.variable("GITHUB_REPOSITORY").is_some_and(|ours| ours.eq_ignore_ascii_case(repository))
}

/// The name is made part of an address.
fn check_repository(name: &str) -> Result<(), Problem> {
    let is_plain = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        part.chars().all(plain) && !matches!(part, "" | "." | "..")
    };
    match name.split_once('/') {
        Some((owner, name)) if is_plain(owner) && is_plain(name) => Ok(()),
        _ => Err(Problem::misconfigured(format!("\"{name}\" is not the name of a repository"))
            .help("write `repository` as `owner/name`")),
    }
}

/// Outputs are told apart without regard to case, and by letters, digits, `_` and `-` only.
pub(crate) fn output_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(plain).collect()
}

/// The components that are asked about: those named, else all.
fn asked(catalog: &Catalog, names: &[String]) -> Result<Vec<usize>, Problem> {
    let known = || catalog.components.iter().map(|component| component.name.as_str());
    let Some(unknown) = names.iter().find(|name| !known().any(|known| known == *name)) else {
        let is_asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
        return Ok(known().enumerate().filter(|(_, name)| is_asked(name)).map(|(index, _)| index).collect());
    };
    let problem = Problem::misconfigured(format!("no component is called \"{unknown}\""));
    Err(match nearest(unknown, known()) {
        Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
        None if catalog.components.is_empty() => problem.why("the configuration has no `components`"),
        None => problem.help(format!("the components are {}", known().collect::<Vec<_>>().join(", "))),
    })
}

/// Filters stand in the input itself, or in a file whose path it holds: as in dorny/paths-filter, a text
/// with a line break or a colon is no path.
fn read_filters(given: &str, quantifier: Quantifier, cx: &Context) -> anyhow::Result<Vec<Filter>> {
    if given.contains(['\n', ':']) {
        return Ok(Filter::read_all(given.as_bytes(), "with: filters", quantifier)?);
    }
    let file = cx.folder().join(given);
    let name = cx.name_of(&file);
    let bytes = std::fs::read(&file).map_err(|error| {
        Problem::misconfigured(format!("could not read the filters {name}"))
            .why(error)
            .help("give `filters` a path relative to `working-directory`, or the YAML itself")
    })?;
    Ok(Filter::read_all(&bytes, &name, quantifier)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::tests::{LAYERS, config};

    fn merge(inputs: Inputs, yaml: &str, filters: &str) -> Result<Plan, Problems> {
        let filters = match filters {
            "" => Vec::new(),
            yaml => Filter::read_all(yaml.as_bytes(), "filters", Quantifier::Some)?,
        };
        Plan::merge(inputs, filters, &config(yaml))
    }

    fn problem(inputs: Inputs, yaml: &str, filters: &str) -> String {
        let problems = merge(inputs, yaml, filters).unwrap_err();
        let Problem { what, why, help, .. } = problems.0[0].clone();
        format!("{what}\n{}\n{}", why.unwrap_or_default(), help.unwrap_or_default())
    }

    fn naming(components: &[&str]) -> Inputs {
        Inputs { components: components.iter().map(|name| (*name).to_owned()).collect(), ..Inputs::default() }
    }

    #[test]
    fn all_components_are_asked_about_unless_some_are_named() {
        assert_eq!(merge(Inputs::default(), LAYERS, "").unwrap().asked, [0, 1, 2]);
        let plan = merge(naming(&["backend", "foundation"]), LAYERS, "").unwrap();
        assert_eq!(plan.asked, [0, 2]);
        assert_eq!(plan.catalog.components.len(), 3);
    }

    #[test]
    fn a_name_that_is_not_there_names_the_nearest() {
        insta::assert_snapshot!(problem(naming(&["backand"]), LAYERS, ""), @r##"
no component is called "backand"

did you mean "backend"?
"##);
        insta::assert_snapshot!(problem(naming(&["x"]), LAYERS, ""), @r##"
no component is called "x"

the components are foundation, databases, backend
"##);
        insta::assert_snapshot!(problem(naming(&["x"]), "version: 1\n", "a: b\n"), @r##"
no component is called "x"
the configuration has no `components`
"##);
    }

    #[test]
    fn nothing_to_look_for_is_an_error() {
        insta::assert_snapshot!(problem(Inputs::default(), "version: 1\n", ""), @r##"
there is nothing to look for
.github/sluice.yml has no `components`, and no `filters` are given
name what can change: a component with `paths`, or a filter
"##);
    }

    #[test]
    fn no_two_outputs_have_one_name() {
        insta::assert_snapshot!(problem(Inputs::default(), "version: 1\n", "Any: x\n"), @r##"
two outputs would be called `Any`
the filter "Any" has one, and so has every run
give the filter "Any" another name
"##);
        insta::assert_snapshot!(problem(Inputs::default(), LAYERS, "backend: x\n"), @r##"
two outputs would be called `backend`
the component "backend" has one, and so has the filter "backend"
give the component "backend" another name
"##);
        insta::assert_snapshot!(problem(Inputs::default(), "version: 1\n", "a b: x\na_b: x\n"), @r##"
two outputs would be called `a_b`
the filter "a_b" has one, and so has the filter "a b"
give the filter "a_b" another name
"##);
        insta::assert_snapshot!(problem(Inputs::default(), "version: 1\n", "src: x\nsrc_count: x\n"), @r##"
two outputs would be called `src_count`
the filter "src_count" has one, and so has the filter "src"
give the filter "src_count" another name
"##);
        insta::assert_snapshot!(problem(Inputs::default(), "version: 1\n", "src_Matrix-12: x\n"), @r##"
the filter "src_Matrix-12" can't have that name
the output `src_Matrix-12` is for the parts of a matrix that is too large
give the filter "src_Matrix-12" another name
"##);
        assert!(
            merge(
                Inputs::default(),
                LAYERS,
                "docs: x\na-b: x\na_b: x\nmatrix-x: x\nmatrix-: x\nxmatrix-1: x\n"
            )
            .is_ok()
        );
    }

    /// Each output that every run has is kept from names.
    #[test]
    fn the_names_of_outputs_are_known() {
        let schema = serde_json::to_value(schemars::schema_for!(crate::Outputs)).unwrap();
        let names: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!([names, vec!["report-file"]].concat(), outputs::names());
    }
}
