//! What a run will do: inputs, configuration and checks files, merged once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sluice_config::{Environment, Environments, File};
use sluice_core::{Context, Place, Problem, Problems, nearest};
use sluice_http::{Options, Url};

use crate::checks::{self, Checks};
use crate::expect::Expect;
use crate::http::{Http, Target};
use crate::inputs;
use crate::patience::PATIENCE;
use crate::probe::Probe;

/// How many requests are under way at once when nobody says otherwise.
const CONCURRENCY: usize = 32;

/// The part of the configuration that smoke-test reads.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sections {
    #[serde(default)]
    environments: Environments,
}

impl sluice_config::Sections for Sections {
    const NAMES: &'static [&'static str] = &["environments"];
}

/// What a run will do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The checks, at least one, no two of one name.
    pub(crate) probes: Vec<Arc<Probe>>,
    pub(crate) concurrency: usize,
    pub(crate) network: Options,
    /// What is looked at, by name.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Plan {
    pub(crate) fn new(
        inputs: inputs::Check,
        config: &File<Sections>,
        cx: &Context,
    ) -> Result<Self, Problems> {
        let environment =
            inputs.environment.as_deref().map(|name| find_environment(name, config)).transpose()?;
        let base = Base::choose(inputs.base_url.as_deref(), environment, config)?;
        let files = choose_files(&inputs, environment, config, cx)?;
        let facts = facts(&inputs, base.as_ref(), &files);

        let mut maker =
            Maker { base, patience: inputs.retry_timeout.map_or(PATIENCE, |time| time.0), made: Vec::new() };
        let mut problems = Problems::default();
        for file in &files {
            match file.read() {
                Ok(checks) => problems.0.extend(maker.add_file(checks, &file.name).err()),
                Err(found) => problems.0.extend(found.0),
            }
        }
        for url in inputs.url {
            problems.0.extend(maker.add_url(url).err());
        }
        problems.0.extend(same_names(&maker.made));
        problems.or(())?;

        let folder = cx.folder();
        let ca_file = inputs.network.ca_file.map(|file| folder.join(file));
        Ok(Self {
            probes: maker.made.into_iter().map(Arc::new).collect(),
            concurrency: inputs.concurrency.map_or(CONCURRENCY, Into::into),
            network: Options { ca_file },
            facts,
        })
    }
}

/// A file of checks that is to be read.
struct Source {
    path: PathBuf,
    name: String,
    /// Where the configuration names it.
    named_at: Option<Place>,
}

impl Source {
    fn read(&self) -> Result<Checks, Problems> {
        let bytes = std::fs::read(&self.path).map_err(|error| {
            let mut problem = Problem::misconfigured(format!("could not read the checks file {}", self.name))
                .why(error)
                .help("check the path, and that the job checks the repository out");
            problem.place.clone_from(&self.named_at);
            problem
        })?;
        Checks::parse(&bytes, &self.name)
    }
}

/// The files that the inputs name, else those of the environment. A quick check alone needs none.
fn choose_files(
    inputs: &inputs::Check,
    environment: Option<&Environment>,
    config: &File<Sections>,
    cx: &Context,
) -> Result<Vec<Source>, Problem> {
    if !inputs.file.is_empty() || !inputs.url.is_empty() {
        let source =
            |file: &PathBuf| Source { path: cx.folder().join(file), name: cx.name_of(file), named_at: None };
        return Ok(inputs.file.iter().map(source).collect());
    }
    let Some(environment) = environment else {
        return Err(Problem::misconfigured("there is nothing to check")
            .why("nothing to check is never a pass")
            .help("name a checks file, an `environment` whose `smoke` names some, or a `url`"));
    };
    if environment.smoke.is_empty() {
        let name = inputs.environment.as_deref().unwrap_or_default();
        return Err(Problem::misconfigured(format!("the environment \"{name}\" names no checks"))
            .why("nothing to check is never a pass")
            .help(format!("write `smoke: [.github/smoke/{name}.yml]` under it, or give `file` or `url`"))
            .at(Place::file(config.name.clone())));
    }
    let source = |file: &sluice_config::Placed<String>| {
        let path = cx.root().join(&file.value);
        Source { name: cx.name_of(&path), path, named_at: Some(config.place_of(file)) }
    };
    Ok(environment.smoke.iter().map(source).collect())
}

fn find_environment<'a>(name: &str, config: &'a File<Sections>) -> Result<&'a Environment, Problem> {
    let environments = &config.sections.environments;
    environments.get(name).ok_or_else(|| {
        let known: Vec<&str> = environments.keys().map(String::as_str).collect();
        let problem = Problem::misconfigured(format!("no environment is called \"{name}\""));
        if known.is_empty() {
            return problem
                .why(format!("{} names no environment", config.name))
                .help("write it under `environments` there, or give `file` and `base-url`");
        }
        let problem = problem.why(format!("{} names {}", config.name, known.join(", ")));
        match nearest(name, known) {
            Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
            None => problem,
        }
    })
}

/// The URL that paths are appended to, without a slash at its end.
#[derive(Debug)]
struct Base(String);

impl Base {
    fn choose(
        given: Option<&str>,
        environment: Option<&Environment>,
        config: &File<Sections>,
    ) -> Result<Option<Self>, Problem> {
        let configured = environment.and_then(|environment| environment.url.as_ref());
        let unusable =
            |which: &str, why: String| Problem::misconfigured(format!("{which} can't be used")).why(why);
        match (given, configured) {
            (Some(url), _) => Self::parse(url).map(Some).map_err(|why| unusable("`base-url`", why)),
            (None, Some(url)) => Self::parse(&url.value)
                .map(Some)
                .map_err(|why| unusable("the environment's `url`", why).at(config.place_of(url))),
            (None, None) => Ok(None),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?.reveal();
        if url.contains('?') {
            return Err("it has a query; that belongs behind the paths of the checks".to_owned());
        }
        Ok(Self(url.trim_end_matches('/').to_owned()))
    }
}

/// Makes checks ready to be tried.
struct Maker {
    base: Option<Base>,
    patience: Duration,
    made: Vec<Probe>,
}

impl Maker {
    fn add_file(&mut self, checks: Checks, file: &str) -> Result<(), Problem> {
        for check in checks.checks.value {
            let at = checks::place(file, check.place);
            let url = self.url(&check.http.target);
            let url = url.map_err(|problem| problem.at(checks::place(file, check.http.place)))?;
            let check = check.value;
            self.made.push(Probe {
                name: check.name(),
                place: Some(at),
                url,
                patience: check.retry_timeout.map_or(self.patience, |time| time.0),
                is_repeatable: check.http.is_idempotent() || check.retry_timeout.is_some(),
                http: check.http.value,
                expect: check.expect,
            });
        }
        Ok(())
    }

    fn add_url(&mut self, url: String) -> Result<(), Problem> {
        let target =
            Target::try_from(url).map_err(|why| Problem::misconfigured("`url` can't be used").why(why))?;
        let url = self.url(&target)?;
        let http = Http::get(target);
        self.made.push(Probe {
            name: http.label(),
            place: None,
            url,
            patience: self.patience,
            is_repeatable: true,
            http,
            expect: Expect::default(),
        });
        Ok(())
    }

    fn url(&self, target: &Target) -> Result<Url, Problem> {
        match (target, &self.base) {
            (Target::Url { url, .. }, _) => Ok(url.clone()),
            (Target::Path(path), Some(Base(base))) => Url::parse(&format!("{base}{path}"))
                .map_err(|error| Problem::misconfigured(error.to_string())),
            (Target::Path(path), None) => {
                Err(Problem::misconfigured(format!("the path \"{path}\" needs a base URL"))
                    .help("give `base-url`, or an `environment` that has a `url`, or write the whole URL"))
            }
        }
    }
}

/// One problem a check that is called like one before it.
fn same_names(probes: &[Probe]) -> Vec<Problem> {
    let mut seen = std::collections::HashMap::new();
    let mut problems = Vec::new();
    for probe in probes {
        let Some(first) = seen.insert(probe.name.as_str(), probe) else { continue };
        let mut problem = Problem::misconfigured(format!("two checks are called \"{}\"", probe.name))
            .help("give each a `name` of its own");
        if let Some(place) = &first.place {
            problem = problem.why(format!("the first is at {place}"));
        }
        problem.place.clone_from(&probe.place);
        problems.push(problem);
    }
    problems
}

fn facts(inputs: &inputs::Check, base: Option<&Base>, files: &[Source]) -> Vec<(&'static str, String)> {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let facts = [
        ("environment", inputs.environment.clone()),
        ("base URL", base.map(|base| base.0.clone())),
        ("checks", Some(names.join(", "))),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn maker(base: Option<&str>) -> Maker {
        let base = base.map(|base| Base::parse(base).unwrap());
        Maker { base, patience: PATIENCE, made: Vec::new() }
    }

    /// The plan for the text of a checks file.
    pub(crate) fn plan(checks: &str, base: &str) -> Plan {
        let mut maker = maker(Some(base));
        maker.add_file(Checks::parse(checks.as_bytes(), "dev.yml").unwrap(), "dev.yml").unwrap();
        assert!(same_names(&maker.made).is_empty());
        Plan {
            probes: maker.made.into_iter().map(Arc::new).collect(),
            concurrency: CONCURRENCY,
            network: Options::default(),
            facts: vec![("checks", "dev.yml".to_owned())],
        }
    }

    fn joined(base: &str, path: &str) -> String {
        let mut maker = maker(Some(base));
        maker.add_url(path.to_owned()).unwrap();
        maker.made[0].url.reveal()
    }

    #[test]
    fn a_path_is_appended_to_the_base_url() {
        assert_eq!(joined("https://shop.example.com", "/healthz"), "https://shop.example.com/healthz");
        assert_eq!(joined("https://shop.example.com/", "/healthz"), "https://shop.example.com/healthz");
        assert_eq!(joined("https://shop.example.com/api/", "/v1?a=b"), "https://shop.example.com/api/v1?a=b");
        assert_eq!(joined("https://shop.example.com", "http://other.example/x"), "http://other.example/x");
    }

    #[test]
    fn a_base_url_is_a_url_without_query() {
        assert!(Base::parse("shop.example.com").unwrap_err().contains("not a usable URL"));
        assert!(Base::parse("https://shop.example.com/?a=b").unwrap_err().contains("query"));
    }

    #[test]
    fn a_path_without_a_base_url_is_misconfigured_where_it_stands() {
        let checks =
            Checks::parse(b"checks:\n- http: https://shop.example.com/\n- http: /healthz\n", "dev.yml");
        let problem = maker(None).add_file(checks.unwrap(), "dev.yml").unwrap_err();
        assert_eq!(problem.what, "the path \"/healthz\" needs a base URL");
        assert_eq!(problem.place.unwrap().to_string(), "dev.yml:3:9");
    }

    #[test]
    fn two_checks_of_one_name_are_told_with_both_places() {
        let checks = "checks:\n- http: /healthz\n- {name: /healthz, http: /other}\n";
        let mut maker = maker(Some("https://shop.example.com"));
        maker.add_file(Checks::parse(checks.as_bytes(), "dev.yml").unwrap(), "dev.yml").unwrap();
        let [problem] = same_names(&maker.made).try_into().unwrap();
        assert_eq!(problem.what, "two checks are called \"/healthz\"");
        assert_eq!(problem.why.unwrap(), "the first is at dev.yml:2:3");
        assert_eq!(problem.place.unwrap().to_string(), "dev.yml:3:3");
    }

    #[test]
    fn an_unknown_environment_is_told_with_the_nearest() {
        let config = b"version: 1\nenvironments: {dev: {url: 'https://dev.example.com'}, production: {}}\n";
        let config: File<Sections> = sluice_core::Configuration::parse(config, "sluice.yml").unwrap();
        assert!(find_environment("dev", &config).is_ok());
        let problem = find_environment("prodution", &config).unwrap_err();
        assert_eq!(problem.help.unwrap(), "did you mean \"production\"?");
        assert_eq!(problem.why.unwrap(), "sluice.yml names dev, production");
    }

    #[test]
    fn the_own_url_wins_over_the_environment_s() {
        let config = b"version: 1\nenvironments: {dev: {url: 'https://dev.example.com'}, bad: {url: dev}}\n";
        let config: File<Sections> = sluice_core::Configuration::parse(config, "sluice.yml").unwrap();
        let environment = |name| Some(find_environment(name, &config).unwrap());
        let base = |given, name| Base::choose(given, environment(name), &config);
        assert_eq!(base(Some("http://127.0.0.1:1"), "dev").unwrap().unwrap().0, "http://127.0.0.1:1");
        assert_eq!(base(None, "dev").unwrap().unwrap().0, "https://dev.example.com");
        assert_eq!(base(None, "bad").unwrap_err().place.unwrap().to_string(), "sluice.yml:2:66");
    }
}
