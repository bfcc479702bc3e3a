//! Which image goes into which container.

use serde_json::Value;
use sluice_core::{ImageReference, Problem, nearest};

/// An image that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The container that runs it; `None` for every one that runs an image of this name.
    pub(crate) container: Option<String>,
    pub(crate) image: ImageReference,
}

impl std::str::FromStr for Asked {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let (container, image) = match text.split_once('=') {
            Some((container, image)) => (Some(container.trim().to_owned()), image.trim()),
            None => (None, text.trim()),
        };
        let wrong = |why: String| {
            Problem::misconfigured(format!("\"{text}\" names no image to run"))
                .why(why)
                .help("write `registry/name:tag` or `container=registry/name:tag`")
        };
        let image: ImageReference = image.parse().map_err(|error| wrong(format!("{error}")))?;
        if image.tag().is_none() && image.digest().is_none() {
            return Err(wrong("it has neither a tag nor a digest".to_owned()));
        }
        if container.as_deref() == Some("") {
            return Err(wrong("the container's name is missing".to_owned()));
        }
        Ok(Self { container, image })
    }
}

/// A container of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    /// Where it stands in the workload: a JSON pointer.
    pub(crate) path: String,
}

/// The containers of a workload, those that initialise it first.
pub(crate) fn containers(workload: &Value) -> Vec<Container> {
    let lists = ["initContainers", "containers"].map(|list| format!("/spec/template/spec/{list}"));
    let of_list = |list: String| {
        let entries = workload.pointer(&list).and_then(Value::as_array).cloned().unwrap_or_default();
        entries.into_iter().enumerate().filter_map(move |(at, entry)| {
            let word = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(Container {
                name: word("name")?,
                image: word("image").unwrap_or_default(),
                path: format!("{list}/{at}"),
            })
        })
    };
    lists.into_iter().flat_map(of_list).collect()
}

/// The workload as it shall be. Fails where an image that names a container finds none of that name.
pub(crate) fn set(workload: &Value, asked: &[&Asked]) -> Value {
    let mut workload = workload.clone();
    for container in containers(&workload) {
        let Some(asked) = asked.iter().rev().find(|asked| asked.fits(&container)) else { continue };
        if let Some(image) = workload.pointer_mut(&format!("{}/image", container.path)) {
            *image = asked.image.to_string().into();
        }
    }
    workload
}

impl Asked {
    pub(crate) fn fits(&self, container: &Container) -> bool {
        if let Some(name) = &self.container {
            return *name == container.name;
        }
        let runs = container.image.parse::<ImageReference>();
        runs.is_ok_and(|runs| runs.name() == self.image.name())
    }
}

/// An image that no container of any workload takes is a mistake: of the name, or of the workload.
pub(crate) fn unused(asked: &Asked, workloads: &[(String, Value)]) -> Problem {
    let all: Vec<(&str, Container)> = workloads
        .iter()
        .flat_map(|(name, workload)| containers(workload).into_iter().map(|one| (name.as_str(), one)))
        .collect();
    let seen: Vec<String> =
        all.iter().map(|(name, one)| format!("{name} has {}={}", one.name, one.image)).collect();
    let what = match &asked.container {
        Some(name) => format!("no container is called \"{name}\""),
        None => format!("no container runs an image {}", asked.image.name()),
    };
    let problem = Problem::misconfigured(what).why(seen.join(", "));
    let near = asked
        .container
        .as_deref()
        .and_then(|name| nearest(name, all.iter().map(|(_, one)| one.name.as_str())));
    match (near, &asked.container) {
        (Some(near), _) => problem.help(format!("did you mean `{near}={}`?", asked.image)),
        (None, Some(_)) => problem.help("check the container's name, and the workload"),
        (None, None) => problem.help(format!("name the container: `container={}`", asked.image)),
    }
}

/// The version in an image's reference: its tag, else its digest.
pub(crate) fn version(image: &str) -> Option<String> {
    let image: ImageReference = image.parse().ok()?;
    image.tag().or(image.digest()).map(str::to_owned)
}

/// The version that a workload runs: that of the container that `kubectl logs` takes when none is named.
///
/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container>
pub(crate) fn version_of(workload: &Value) -> Option<String> {
    let named = workload
        .pointer("/spec/template/metadata/annotations/kubectl.kubernetes.io~1default-container")
        .and_then(Value::as_str);
    let all = containers(workload);
    let of_name = || all.iter().find(|one| Some(one.name.as_str()) == named);
    let first = || all.iter().find(|one| one.path.contains("/containers/"));
    version(&of_name().or_else(first)?.image)
}

/// `container=image` of each container.
pub(crate) fn told(workload: &Value) -> Vec<String> {
    containers(workload).into_iter().map(|one| format!("{}={}", one.name, one.image)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn web() -> Value {
        json!({"spec": {"template": {"spec": {
            "initContainers": [{"name": "wait", "image": "registry.example.com/web:v1"}],
            "containers": [
                {"name": "web", "image": "registry.example.com/web:v1"},
                {"name": "proxy", "image": "envoy:v1"},
            ],
        }}}})
    }

    fn set_to(text: &str) -> Vec<String> {
        told(&set(&web(), &[&text.parse().unwrap()]))
    }

    #[test]
    fn an_image_goes_where_its_name_runs_or_where_it_is_told() {
        assert_eq!(
            set_to("registry.example.com/web:v2"),
            ["wait=registry.example.com/web:v2", "web=registry.example.com/web:v2", "proxy=envoy:v1"]
        );
        assert_eq!(
            set_to("proxy=mirror.example.com/envoy:v2"),
            [
                "wait=registry.example.com/web:v1",
                "web=registry.example.com/web:v1",
                "proxy=mirror.example.com/envoy:v2"
            ]
        );
    }

    #[test]
    fn the_version_is_that_of_the_container_that_counts() {
        let mut workload = set(&web(), &[&"proxy=envoy:v7".parse().unwrap()]);
        workload["spec"]["template"]["spec"]["initContainers"][0]["image"] = "busybox:v9".into();
        assert_eq!(version_of(&workload).as_deref(), Some("v1"));
        workload["spec"]["template"]["metadata"] =
            json!({"annotations": {"kubectl.kubernetes.io/default-container": "proxy"}});
        assert_eq!(version_of(&workload).as_deref(), Some("v7"));
        assert_eq!(version_of(&json!({})), None);
    }

    #[test]
    fn what_names_no_version_is_refused() {
        for text in ["web", "web=", "=web:v1", "web:V 1", "web=registry.example.com/web"] {
            assert!(text.parse::<Asked>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_image_that_no_one_takes_is_a_mistake() {
        let problem = unused(&"wep=x:v1".parse().unwrap(), &[("deployment/web".into(), web())]);
        assert_eq!(problem.help.as_deref(), Some("did you mean `web=x:v1`?"));
    }
}
