//! The command `promote`: what one environment runs, written into another.

use sluice_config::File;
use sluice_core::{Context, Done, Problem, Problems};

use crate::{
    Config, ImageArgument, Outputs, PromoteInputs, overlay,
    plan::{self, Plan},
    report,
    select::Manner,
    set,
    show::{self, Seen},
    worktree::Turn,
};

pub(crate) fn run(
    inputs: &PromoteInputs,
    config: &File<Config>,
    cx: &Context,
) -> anyhow::Result<Done<Outputs>> {
    let PromoteInputs { image, from, to, add_missing, strategy, dry_run } = inputs;
    if from == to {
        return Err(Problem::misconfigured(format!("\"{from}\" can't be promoted to itself")).into());
    }
    plan::refuse_other_strategies(*strategy, std::slice::from_ref(to), config)?;
    let turn = Turn::wait(cx)?;
    let source = show::look(overlay::of_environments(&[from.as_str()], config, cx)?, cx)?;
    let images = versions(image, from, &source)?;
    let overlays = overlay::of_environments(&[to.as_str()], config, cx)?;
    // Tag and digest are both said, so no digest is left stale.
    let manner = Manner { add_missing: *add_missing, ..Manner::default() };
    let plan = Plan { images, at: Vec::new(), overlays, manner, dry_run: *dry_run };
    let files = set::edit(&plan, cx)?;
    let mut draft = report::set(&plan.overlays, &files, plan.dry_run);
    draft.title = format!("{from} to {to}: {}", draft.title);
    set::finish(&plan.overlays, &files, plan.dry_run, draft, &turn, cx)
}

/// What the environment runs, as arguments that say tag and digest outright: one that is not there is taken away.
fn versions(names: &[String], environment: &str, source: &[Seen]) -> Result<Vec<ImageArgument>, Problems> {
    show::refuse_unknown(names, source)?;
    let mut problems = Problems::default();
    let mut images: Vec<ImageArgument> = Vec::new();
    for name in show::image_names(source) {
        let is_named = names.iter().any(|wanted| wanted == name);
        if !(names.is_empty() || is_named) || images.iter().any(|image| image.name == name) {
            continue;
        }
        let mut versions: Vec<(Option<&str>, Option<&str>)> = source
            .iter()
            .flat_map(|one| one.pins(name))
            .map(|pin| (pin.tag.as_deref(), pin.digest.as_deref()))
            .collect();
        versions.dedup();
        match versions.as_slice() {
            [(None, None)] if !is_named => {}
            [(None, None)] => {
                let what = format!("{environment} does not say which version of \"{name}\" it runs");
                problems.0.push(at(Problem::misconfigured(what), name, source));
            }
            [(tag, digest)] => images.push(ImageArgument {
                name: name.to_owned(),
                new_name: None,
                tag: Some(tag.unwrap_or_default().to_owned()),
                digest: Some(digest.unwrap_or_default().to_owned()),
            }),
            _ => {
                let what = format!("{environment} runs \"{name}\" in several versions");
                let problem = Problem::misconfigured(what).help("`show` tells where each of them stands");
                problems.0.push(at(problem, name, source));
            }
        }
    }
    if problems.0.is_empty() && images.is_empty() {
        return Err(Problem::misconfigured(format!("{environment} pins no image")).into());
    }
    problems.or(images)
}

fn at(problem: Problem, name: &str, source: &[Seen]) -> Problem {
    let mut images = source.iter().flat_map(|one| &one.images);
    match images.find(|image| image.name == name) {
        Some(image) => problem.at(image.place.clone()),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// What `staging` runs, taken from these files.
    fn taken(files: &[(&str, &str)], names: &[&str]) -> Result<Vec<ImageArgument>, String> {
        let seen: Vec<Seen> = files.iter().map(|(file, text)| sandbox::seen("staging", file, text)).collect();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        versions(&names, "staging", &seen).map_err(|problems| sandbox::told(&problems.0))
    }

    #[test]
    fn tag_and_digest_are_taken_as_they_are() {
        let staging = format!(
            "images: [{{name: a, newTag: v2}}, {{name: b, newTag: v1, digest: '{DIGEST}'}}, {{name: c, digest: '{DIGEST}'}}, {{name: d, newName: x/d}}]"
        );
        let images = taken(&[("kustomization.yaml", &staging)], &[]).unwrap();
        let told: Vec<_> = images
            .iter()
            .map(|image| (image.name.as_str(), image.tag.as_deref(), image.digest.as_deref()))
            .collect();
        assert_eq!(
            told,
            [("a", Some("v2"), Some("")), ("b", Some("v1"), Some(DIGEST)), ("c", Some(""), Some(DIGEST))]
        );
        assert_eq!(taken(&[("kustomization.yaml", &staging)], &["b"]).unwrap().len(), 1);
    }

    #[test]
    fn what_the_source_does_not_say_is_refused() {
        let a = |tag: &str| format!("images:\n- name: a\n  newTag: {tag}\n- name: d\n");
        let (one, two) = (a("v1"), a("v2"));
        let files = [("one/kustomization.yaml", one.as_str()), ("two/kustomization.yaml", two.as_str())];
        insta::assert_snapshot!(taken(&files, &[]).unwrap_err(), @r#"one/kustomization.yaml:2:9: staging runs "a" in several versions | `show` tells where each of them stands"#);
        insta::assert_snapshot!(taken(&files[..1], &["d", "a"]).unwrap_err(), @r#"one/kustomization.yaml:4:9: staging does not say which version of "d" it runs"#);
        insta::assert_snapshot!(taken(&files[..1], &["zebra"]).unwrap_err(), @r#": no overlay has an entry for "zebra" | there are a, d"#);
        insta::assert_snapshot!(taken(&[("kustomization.yaml", "")], &[]).unwrap_err(), @": staging pins no image");
    }

    #[test]
    fn the_target_says_exactly_that_whatever_it_said_before() {
        let images = taken(&[("kustomization.yaml", "images: [{name: acme/a, newTag: v2}]")], &[]).unwrap();
        let target = format!(
            "a: {{image: 'acme/a:v1@{DIGEST}'}}\nb:\n  repository: acme/a\n  tag: v1\n  digest: {DIGEST}\n"
        );
        let edited = sandbox::set_arguments("values.yaml", &target, &images, Manner::default()).unwrap();
        let expected = "a: {image: 'acme/a:v2'}\nb:\n  repository: acme/a\n  tag: v2\n  digest: \"\"\n";
        assert_eq!(String::from_utf8(edited.after).unwrap(), expected.replace("\"\"", "''"));
        let missing =
            sandbox::set_arguments("values.yaml", "a: {image: 'acme/b:v1'}", &images, Manner::default());
        assert!(sandbox::told(&missing.unwrap_err().0).contains("no entry for \"acme/a\""));
    }
}
