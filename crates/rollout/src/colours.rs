//! Which of two Deployments gets the traffic of a Service.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_core::Problem;

/// The two colours of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Colours {
    /// The label that tells them apart, in the Service's selector and in the pods: `colour`.
    pub(crate) key: String,
    pub(crate) live: Colour,
    pub(crate) idle: Colour,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    /// The label's value: `blue`.
    pub(crate) name: String,
    /// The name of the Deployment.
    pub(crate) deployment: String,
}

/// The words that people tell colours by; they decide where several labels would.
const WORDS: [&str; 4] = ["colour", "color", "slot", "deployment-colour"];

type Labels = BTreeMap<String, String>;

/// A label map at a JSON pointer.
pub(crate) fn labels(object: &Value, pointer: &str) -> Labels {
    let fields = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The labels of a workload's pods.
pub(crate) fn pod_labels(workload: &Value) -> Labels {
    labels(workload, "/spec/template/metadata/labels")
}

impl Colours {
    /// Finds the two Deployments of a Service among these: those that its selector fits, but for one label.
    pub(crate) fn find(service: &Value, deployments: &[Value]) -> Result<Self, Problem> {
        let name = service["metadata"]["name"].as_str().unwrap_or_default();
        let selector = labels(service, "/spec/selector");
        let mut found: Vec<Self> =
            selector.keys().filter_map(|key| Self::by(key, &selector, deployments)).collect();
        if found.len() > 1 {
            found.retain(|colours| WORDS.contains(&colours.key.as_str()));
        }
        match <[Self; 1]>::try_from(found) {
            Ok([colours]) => Ok(colours),
            Err(_) => {
                let fits = |deployment: &&Value| {
                    selector.iter().any(|pair| pod_labels(deployment).get(pair.0) == Some(pair.1))
                };
                let seen: Vec<String> = deployments
                    .iter()
                    .filter(fits)
                    .map(|deployment| {
                        format!("deployment/{}", deployment["metadata"]["name"].as_str().unwrap_or_default())
                    })
                    .collect();
                let selector: Vec<String> =
                    selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
                Err(Problem::misconfigured(format!("service/{name} does not tell two colours apart"))
                    .why(format!(
                        "its selector is {}; it fits in part: {}",
                        if selector.is_empty() { "empty".to_owned() } else { selector.join(",") },
                        if seen.is_empty() { "no Deployment".to_owned() } else { seen.join(", ") },
                    ))
                    .help("give both Deployments a pod label such as `colour`, the Service that of one of them, and name both with `workload` where others fit too"))
            }
        }
    }

    fn by(key: &str, selector: &Labels, deployments: &[Value]) -> Option<Self> {
        let others = || selector.iter().filter(|(other, _)| *other != key);
        let colours: Vec<Colour> = deployments
            .iter()
            .filter_map(|deployment| {
                let labels = pod_labels(deployment);
                let fits = others().all(|(other, value)| labels.get(other) == Some(value));
                let name = labels.get(key).filter(|_| fits)?;
                Some(Colour {
                    name: name.clone(),
                    deployment: deployment["metadata"]["name"].as_str()?.to_owned(),
                })
            })
            .collect();
        let [one, other] = <[Colour; 2]>::try_from(colours).ok()?;
        let live = selector.get(key)?;
        match (one.name == *live, other.name == *live) {
            (true, false) => Some(Self { key: key.to_owned(), live: one, idle: other }),
            (false, true) => Some(Self { key: key.to_owned(), live: other, idle: one }),
            _ => None,
        }
    }
}

/// The Service that leads to the pods with these labels and to none with those.
pub(crate) fn own_service(services: &[Value], own: &Labels, other: &Labels) -> Option<String> {
    let leads = |service: &&Value, to: &Labels| {
        let selector = labels(service, "/spec/selector");
        !selector.is_empty() && selector.iter().all(|(key, value)| to.get(key) == Some(value))
    };
    let found = services.iter().find(|service| leads(service, own) && !leads(service, other))?;
    found["metadata"]["name"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(name: &str, labels: &Value) -> Value {
        json!({"metadata": {"name": name}, "spec": {"template": {"metadata": {"labels": labels}}}})
    }

    fn service(selector: &Value) -> Value {
        json!({"metadata": {"name": "web"}, "spec": {"selector": selector}})
    }

    fn pair() -> Vec<Value> {
        vec![
            deployment("web-blue", &json!({"app": "web", "colour": "blue"})),
            deployment("web-green", &json!({"app": "web", "colour": "green"})),
        ]
    }

    #[test]
    fn the_live_colour_is_the_one_that_the_selector_names() {
        let live = |colour: &str| {
            let colours = Colours::find(&service(&json!({"app": "web", "colour": colour})), &pair()).unwrap();
            (colours.live.deployment, colours.idle.name)
        };
        assert_eq!(live("blue"), ("web-blue".into(), "green".into()));
        assert_eq!(live("green"), ("web-green".into(), "blue".into()));
    }

    #[test]
    fn a_label_that_people_tell_colours_by_decides() {
        let mut all = pair();
        all.push(deployment("api", &json!({"app": "api", "colour": "blue"})));
        let colours = Colours::find(&service(&json!({"app": "web", "colour": "blue"})), &all).unwrap();
        assert_eq!((colours.key.as_str(), colours.live.deployment.as_str()), ("colour", "web-blue"));
    }

    #[test]
    fn what_can_not_be_told_is_refused() {
        for selector in [
            json!({}),
            json!({"app": "web"}),
            json!({"app": "web", "colour": "red"}),
            json!({"app": "x", "colour": "blue"}),
        ] {
            assert!(Colours::find(&service(&selector), &pair()).is_err(), "{selector}");
        }
        let mut three = pair();
        three.push(deployment("web-red", &json!({"app": "web", "colour": "red"})));
        assert!(Colours::find(&service(&json!({"app": "web", "colour": "blue"})), &three).is_err());
    }

    #[test]
    fn a_colour_s_own_service_leads_to_no_other() {
        let blue = Labels::from([("app".into(), "web".into()), ("colour".into(), "blue".into())]);
        let green = Labels::from([("app".into(), "web".into()), ("colour".into(), "green".into())]);
        let named =
            |name: &str, selector: Value| json!({"metadata": {"name": name}, "spec": {"selector": selector}});
        let services = [
            named("all", json!({"app": "web"})),
            named("web", json!({"app": "web", "colour": "blue"})),
            named("web-green", json!({"colour": "green"})),
        ];
        assert_eq!(own_service(&services, &green, &blue).as_deref(), Some("web-green"));
    }
}
