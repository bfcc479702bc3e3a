//! In which order workloads are deployed: as their components need each other.

use std::collections::BTreeMap;

use sluice_config::Components;
use sluice_core::{Problem, Problems};

use crate::reference::Reference;

/// Gives each workload its stage: those of a stage are deployed at once, after all of the stages before.
pub(crate) fn stages(
    workloads: Vec<Reference>,
    components: &Components,
) -> Result<Vec<(Reference, usize)>, Problems> {
    let owners = Problems::all(components.iter().flat_map(|(name, component)| {
        component.workloads.iter().map(|workload| {
            workload.value.parse::<Reference>().map(|reference| (reference, name.value.as_str()))
        })
    }))?;
    let owner =
        |reference: &Reference| owners.iter().find(|(known, _)| known == reference).map(|(_, name)| *name);
    let deployed: Vec<&str> = workloads.iter().filter_map(&owner).collect();
    let mut depths = BTreeMap::new();
    let mut staged = Vec::new();
    for workload in workloads {
        let stage = match owner(&workload) {
            Some(name) => depth(name, components, &deployed, &mut depths, &mut Vec::new())?,
            None => 0,
        };
        if staged.iter().all(|(known, _)| *known != workload) {
            staged.push((workload, stage));
        }
    }
    staged.sort_by_key(|(_, stage)| *stage);
    Ok(staged)
}

/// How many of the deployed components come before this one, one after another.
fn depth<'a>(
    name: &'a str,
    components: &'a Components,
    deployed: &[&str],
    depths: &mut BTreeMap<&'a str, usize>,
    above: &mut Vec<&'a str>,
) -> Result<usize, Problem> {
    if let Some(depth) = depths.get(name) {
        return Ok(*depth);
    }
    if above.contains(&name) {
        return Err(Problem::misconfigured(format!(
            "the components need each other in a circle: {} -> {name}",
            above.join(" -> ")
        ))
        .help("remove one of these `needs`"));
    }
    above.push(name);
    let mut deepest = 0;
    let component = components.iter().find(|(known, _)| known.value == name).map(|(_, component)| component);
    for need in component.iter().flat_map(|component| &component.needs) {
        let below = depth(&need.value, components, deployed, depths, above)?;
        deepest = deepest.max(below + usize::from(deployed.contains(&need.value.as_str())));
    }
    above.pop();
    depths.insert(name, deepest);
    Ok(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(components: &str, workloads: &[&str]) -> Result<Vec<String>, Problems> {
        let components: Components = sluice_yaml::from_slice(components.as_bytes()).unwrap();
        let workloads = workloads.iter().map(|name| name.parse().unwrap()).collect();
        Ok(stages(workloads, &components)?
            .iter()
            .map(|(workload, stage)| format!("{stage} {workload}"))
            .collect())
    }

    const SHOP: &str = "
database: {paths: [a], workloads: [statefulset/db]}
api: {paths: [a], needs: [database], workloads: [deployment/api]}
web: {paths: [a], needs: [api], workloads: [deployment/web, deployment/assets]}
";

    #[test]
    fn what_is_needed_comes_first() {
        assert_eq!(
            told(SHOP, &["deploy/web", "deploy/assets", "deploy/api", "sts/db", "ds/agent", "deploy/web"])
                .unwrap(),
            [
                "0 statefulset/db",
                "0 daemonset/agent",
                "1 deployment/api",
                "2 deployment/web",
                "2 deployment/assets"
            ]
        );
        // What is not deployed is not waited for.
        assert_eq!(told(SHOP, &["deploy/web", "sts/db"]).unwrap(), ["0 statefulset/db", "1 deployment/web"]);
    }

    #[test]
    fn a_circle_is_refused() {
        let circle = "a: {paths: [a], needs: [b], workloads: [ds/a]}\nb: {paths: [a], needs: [a], workloads: [ds/b]}\n";
        assert_eq!(
            told(circle, &["ds/a"]).unwrap_err().0[0].what,
            "the components need each other in a circle: a -> b -> a"
        );
    }
}
