//! What `set` is to do: inputs and configuration, merged once.

use std::path::PathBuf;

use sluice_config::File;
use sluice_core::{Context, Problem, Problems};
use sluice_github::Repository;

use crate::{
    At, Config, ImageArgument, SetInputs, inputs::Writing, order::Order, select::Manner, tree::Target,
};

/// What to set where. An image is set in every overlay.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) images: Vec<ImageArgument>,
    pub(crate) at: Vec<At>,
    pub(crate) target: Target,
    pub(crate) manner: Manner,
}

impl Plan {
    /// What the inputs ask for.
    pub(crate) fn new(inputs: SetInputs, cx: &Context) -> Result<(Self, Order, Writing), Problems> {
        let SetInputs {
            image,
            at,
            environment,
            overlay,
            add_missing,
            digest_policy,
            allow_downgrade,
            source_repository,
            writing,
        } = inputs;
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
        let target = Target { environments: environment, paths: overlay };
        let manner = Manner { digest_policy: digest_policy.unwrap_or_default(), add_missing };
        let order = order(allow_downgrade, source_repository.as_deref(), cx)?;
        Ok((Self { images, at, target, manner }, order, writing))
    }

    /// All folders and files that are looked at.
    pub(crate) fn looked_at(&self, config: &File<Config>) -> Vec<PathBuf> {
        self.target.folders(config).into_iter().chain(self.at.iter().map(|at| at.file.clone())).collect()
    }
}

/// What holds for older versions. The commits in tags are those of the source repository: the workflow's, unless one is
/// named.
pub(crate) fn order(allows_older: bool, source: Option<&str>, cx: &Context) -> Result<Order, Problem> {
    let source = source.or(cx.variable("GITHUB_REPOSITORY"));
    let source = source.map(str::parse::<Repository>).transpose().map_err(Problem::from)?;
    Ok(Order::new(allows_older, source))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_given_once() {
        let parse = |texts: &[&str]| each_once(texts.iter().map(|text| text.parse().unwrap()).collect());
        assert_eq!(parse(&["a:v1", "b:v1", "a:v1"]).unwrap().len(), 2);
        assert_eq!(parse(&["a:v1", "a:v2"]).unwrap_err().what, "the image \"a\" is given twice");
    }
}
