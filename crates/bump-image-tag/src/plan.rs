//! What `set` is to do: inputs and configuration, merged once.

use sluice_config::{File, Placed, Strategy};
use sluice_core::{Context, Problem, Problems};

use crate::{
    At, Config, ImageArgument, SetInputs,
    overlay::{self, Overlay},
    select::Manner,
};

/// What to set where. An image is set in every overlay.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) images: Vec<ImageArgument>,
    pub(crate) at: Vec<At>,
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) manner: Manner,
    pub(crate) dry_run: bool,
}

impl Plan {
    pub(crate) fn new(inputs: SetInputs, config: &File<Config>, cx: &Context) -> Result<Self, Problems> {
        let SetInputs { image, at, environment, overlay, add_missing, digest_policy, strategy, dry_run } =
            inputs;
        let images = each_once(image)?;
        if images.is_empty() && at.is_empty() {
            return Err(Problem::misconfigured("it is not said what to set")
                .help("give an `image`, as name:tag, or a place with `at`")
                .into());
        }
        if images.is_empty() && !(environment.is_empty() && overlay.is_empty()) {
            return Err(Problem::misconfigured("it is not said which image to set in the overlays")
                .why("a place that `at` names is looked for in its own file only")
                .help("give an `image`, or leave `environment` and `overlay` out")
                .into());
        }
        if environment.is_empty() && overlay.is_empty() && at.is_empty() {
            return Err(Problem::misconfigured("it is not said where to set the image")
                .help("name environments of the configuration with `environment`, or folders with `overlay`")
                .into());
        }
        refuse_other_strategies(strategy, &environment, config)?;
        let overlays = overlay::named(&environment, &overlay, config, cx)?;
        let manner = Manner { digest_policy: digest_policy.unwrap_or_default(), add_missing };
        Ok(Self { images, at, overlays, manner, dry_run })
    }
}

/// The arguments, each image once. Two that want the same are one; two that differ are a mistake.
fn each_once(arguments: Vec<ImageArgument>) -> Result<Vec<ImageArgument>, Problem> {
    let mut images: Vec<ImageArgument> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        match images.iter().find(|image| image.name == argument.name) {
            None => images.push(argument),
            Some(image) if *image == argument => {}
            Some(image) => {
                return Err(Problem::misconfigured(format!("the image \"{}\" is given twice", image.name))
                    .why("the two want different things of it")
                    .help("give it once"));
            }
        }
    }
    Ok(images)
}

/// Files on disk are written only where that is what is wanted: nobody must believe that a commit was made.
pub(crate) fn refuse_other_strategies(
    input: Option<Strategy>,
    environments: &[String],
    config: &File<Config>,
) -> Result<(), Problems> {
    const NOT_YET: &str = "this version writes files on disk only, it makes no commits and no pull requests";
    const WAY_OUT: &str = "set `strategy: worktree` as an input to write the files here, then commit them in a step of your own";
    match input {
        Some(Strategy::Worktree) => return Ok(()),
        Some(other) => {
            return Err(Problem::misconfigured(format!("the strategy `{}` is not there yet", name(other)))
                .why(NOT_YET)
                .help(WAY_OUT)
                .into());
        }
        None => {}
    }
    let refused = environments.iter().filter_map(|environment| {
        let strategy: &Placed<Strategy> = config.sections.environments.get(environment)?.strategy.as_ref()?;
        if strategy.value == Strategy::Worktree {
            return None;
        }
        let strategy_name = name(strategy.value);
        Some(
            Problem::misconfigured(format!(
                "\"{environment}\" asks for the strategy `{strategy_name}`, which is not there yet"
            ))
            .why(NOT_YET)
            .help(WAY_OUT)
            .at(config.place_of(strategy)),
        )
    });
    Problems(refused.collect()).or(())
}

/// A strategy as it is written in inputs and configuration.
const fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Worktree => "worktree",
        Strategy::Commit => "commit",
        Strategy::PullRequest => "pull-request",
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::Configuration as _;

    use super::*;

    fn config(text: &str) -> File<Config> {
        File::parse(text.as_bytes(), "sluice.yml").unwrap()
    }

    #[test]
    fn an_image_is_given_once() {
        let parse = |texts: &[&str]| each_once(texts.iter().map(|text| text.parse().unwrap()).collect());
        assert_eq!(parse(&["a:v1", "b:v1", "a:v1"]).unwrap().len(), 2);
        assert_eq!(parse(&["a:v1", "a:v2"]).unwrap_err().what, "the image \"a\" is given twice");
    }

    #[test]
    fn only_the_worktree_is_written() {
        let config = config(
            "version: 1\nenvironments:\n  dev: {overlays: [a]}\n  prod: {overlays: [b], strategy: pull-request}\n",
        );
        let environments = ["dev".to_owned(), "prod".to_owned()];
        let refuse = |input, environments| refuse_other_strategies(input, environments, &config);
        assert!(refuse(None, &environments[..1]).is_ok());
        assert!(refuse(Some(Strategy::Worktree), &environments).is_ok());
        let problem = refuse(None, &environments).unwrap_err().0.remove(0);
        assert_eq!(problem.what, "\"prod\" asks for the strategy `pull-request`, which is not there yet");
        assert_eq!(problem.place.unwrap().to_string(), "sluice.yml:4:35");
        let problem = refuse(Some(Strategy::Commit), &environments[..1]).unwrap_err().0.remove(0);
        assert_eq!(problem.what, "the strategy `commit` is not there yet");
    }
}
