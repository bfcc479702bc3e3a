//! What a run will do: inputs, configuration and checks files, merged once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sluice_config::{Environment, Environments, File};
use sluice_core::{Context, Period, Place, Problem, Problems, nearest};
use sluice_http::{Proxies, Url};
use sluice_yaml::Placed;

use crate::checks::{self, Asked, Check, Checks, Given, Loaded};
use crate::expect::Expectation;
use crate::http::{Http, Target, looks_secret};
use crate::inputs;
use crate::kind::Kind;
use crate::needs;
use crate::network::{Network, Proxy};
use crate::patience::PATIENCE;
use crate::probe::{Probe, Version};
use crate::secrets::Secrets;
use crate::source::ExpectVersion;
use crate::variables::{Scope, is_name};

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
    pub(crate) is_fail_fast: bool,
    pub(crate) network: Arc<Network>,
    pub(crate) secrets: Arc<Secrets>,
    /// Where the results go as JUnit XML.
    pub(crate) junit: Option<PathBuf>,
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
        let secrets = Arc::new(Secrets::default());
        let scope = scope(&inputs, base.as_ref(), &secrets)?;
        let given = Given { scope, env: &|name| cx.secret(name), secrets: &secrets };

        let settings = Settings {
            base,
            patience: inputs.retry_timeout.map_or(PATIENCE, |time| time.0),
            version: inputs.version.clone(),
        };
        let mut maker = Maker::new(settings);
        let mut problems = Problems::default();
        for file in &files {
            match file.read(&given) {
                Ok(checks) => problems.0.extend(maker.add_file(checks, &file.name).err()),
                Err(found) => problems.0.extend(found.0),
            }
        }
        for url in inputs.url {
            problems.0.extend(maker.add_url(url).err());
        }
        problems.0.extend(maker.same_names());
        problems.or(())?;
        maker.order()?;

        let ca_file = inputs.network.ca_file.map(|file| cx.folder().join(file));
        let network = Network::new(ca_file, cx.root(), cx.now(), proxies(cx)?);
        let probes = maker.finish(&network, &secrets)?;
        secrets.mask(cx);
        Ok(Self {
            probes,
            concurrency: inputs.concurrency.map_or(CONCURRENCY, Into::into),
            is_fail_fast: inputs.fail_fast,
            network: Arc::new(network),
            secrets,
            junit: inputs.junit.map(|file| cx.folder().join(file)),
            facts,
        })
    }
}

fn proxies(cx: &Context) -> Result<Proxies, Problem> {
    Proxies::from_lookup(|name| cx.variable(name).map(str::to_owned))
        .map_err(|error| Problem::misconfigured(error.to_string()))
}

/// The variables that count for all files.
fn scope(inputs: &inputs::Check, base: Option<&Base>, secrets: &Secrets) -> Result<Scope, Problem> {
    let mut scope = Scope::default();
    for line in &inputs.variables {
        let Some((name, value)) = line.split_once('=').map(|(name, value)| (name.trim(), value)) else {
            return Err(Problem::misconfigured("an item of `variables` is no `name=value`")
                .help("write one a line, without quotes"));
        };
        if !is_name(name) {
            return Err(Problem::misconfigured(format!("\"{name}\" can't name a variable"))
                .help("a name is made of letters, digits, \"_\" and \"-\""));
        }
        if looks_secret(name) {
            secrets.add(value, name);
        }
        scope.set(name, value);
    }
    let built_in = [("base_url", base.map(|base| &base.0)), ("version", inputs.version.as_ref())];
    for (name, value) in built_in {
        if let Some(value) = value.filter(|_| !scope.has(name)) {
            scope.set(name, value);
        }
    }
    Ok(scope)
}

/// A file of checks that is to be read.
struct Source {
    path: PathBuf,
    name: String,
    /// Where the configuration names it.
    named_at: Option<Place>,
}

impl Source {
    fn read(&self, given: &Given<'_>) -> Result<Loaded, Problems> {
        let bytes = std::fs::read(&self.path).map_err(|error| {
            let mut problem = Problem::misconfigured(format!("could not read the checks file {}", self.name))
                .why(error)
                .help("check the path, and that the job checks the repository out");
            problem.place.clone_from(&self.named_at);
            problem
        })?;
        Checks::load(&bytes, &self.name, given)
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
    let source = |file: &Placed<String>| {
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

/// What checks are made ready with.
#[derive(Debug)]
pub(crate) struct Settings {
    base: Option<Base>,
    patience: Duration,
    version: Option<String>,
}

impl Settings {
    /// Makes a check ready to be tried; `file` is where it stands.
    pub(crate) fn probe(&self, check: Placed<Check>, file: &str) -> Result<Probe, Problem> {
        let Placed { value: check, place } = check;
        let name = check.name();
        let kind = self.kind(&check, file, place)?;
        let version = check.expect_version.map(|expected| self.version(expected, file)).transpose()?;
        let captures = check.capture.into_iter().map(|(name, capture)| (name.value, capture)).collect();
        Ok(Probe {
            name,
            place: Some(checks::place(file, place)),
            expectation: check.expect,
            version,
            samples: check.samples.map(|samples| samples.value),
            captures,
            retry_on: check.retry_on.map(|statuses| statuses.value),
            patience: check.retry_timeout.map_or(self.patience, |time| time.0),
            is_repeatable: kind.is_idempotent() || check.retry_timeout.is_some(),
            kind,
            needs: Vec::new(),
            file: 0,
            template: None,
        })
    }

    fn kind(&self, check: &Check, file: &str, place: sluice_yaml::Place) -> Result<Kind, Problem> {
        let count_to = match &check.expect {
            Expectation::Answer(expect) => expect.count_to(),
            Expectation::Unreachable => 0,
        };
        Ok(match check.asked() {
            Ok(Asked::Http(http)) => {
                let url =
                    self.url(&http.target).map_err(|problem| problem.at(checks::place(file, http.place)))?;
                let mut http = Box::new(http.value.clone());
                http.count_to = count_to;
                // Each answer may come from another pod only over a connection of its own.
                http.way.connections.is_fresh = check.expect_version.is_some();
                // What a proxy reaches says nothing of what can be reached from here.
                if matches!((&check.expect, &http.way.proxy), (Expectation::Unreachable, Proxy::Environment))
                {
                    http.way.proxy = Proxy::None;
                }
                Kind::Http(http, url)
            }
            Ok(Asked::Websocket(websocket)) => {
                let url = self.url(&websocket.http.target);
                let url = url.map_err(|problem| problem.at(checks::place(file, websocket.place)))?;
                Kind::Websocket(Box::new(websocket.value.clone()), url)
            }
            Ok(Asked::Grpc(grpc)) => Kind::Grpc(grpc.clone()),
            Ok(Asked::Postgres(postgres)) => Kind::Postgres(postgres.clone()),
            Ok(Asked::Redis(redis)) => Kind::Redis(redis.clone()),
            Ok(Asked::Tcp(tcp)) => Kind::Tcp(tcp.clone()),
            Ok(Asked::Tls(tls)) => Kind::Tls(tls.clone()),
            Ok(Asked::Dns(dns)) => Kind::Dns(dns.clone()),
            Err(_) => {
                return Err(Problem::misconfigured("a check has one kind").at(checks::place(file, place)));
            }
        })
    }

    fn version(&self, expected: Placed<ExpectVersion>, file: &str) -> Result<Version, Problem> {
        let Placed { value: ExpectVersion { source, equals, consecutive }, place } = expected;
        let Some(wanted) = equals.or_else(|| self.version.clone()) else {
            return Err(Problem::misconfigured("no version is given that must answer")
                .help("give the input `version`, or write `equals` here")
                .at(checks::place(file, place)));
        };
        Ok(Version { source, wanted, consecutive, place })
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

/// How long a service may take to start when nobody says otherwise.
const STARTUP: Duration = Duration::from_mins(5);

/// Makes checks ready to be tried.
struct Maker {
    settings: Arc<Settings>,
    files: usize,
    made: Vec<Probe>,
    /// What each check says it needs, by name.
    needs: Vec<Vec<String>>,
    /// The checks that all others wait for.
    startups: Vec<usize>,
}

impl Maker {
    fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            files: 0,
            made: Vec::new(),
            needs: Vec::new(),
            startups: Vec::new(),
        }
    }

    fn add_file(&mut self, loaded: Loaded, file: &str) -> Result<(), Problem> {
        let first = self.made.len();
        self.files += 1;
        let has_startup = loaded.startup.is_some();
        let templates = loaded.templates.into_iter().chain(std::iter::repeat(None));
        let all = loaded.startup.into_iter().chain(loaded.checks).zip(templates);
        for (index, (mut check, template)) in all.enumerate() {
            let is_startup = has_startup && index == 0;
            if is_startup {
                self.startups.push(self.made.len());
                check.value.retry_timeout.get_or_insert(Period(STARTUP));
            }
            let needs = std::mem::take(&mut check.value.needs.0);
            let uses = template.as_ref().map(|template| template.uses.clone()).unwrap_or_default();
            let mut probe = self.settings.probe(check, file)?;
            probe.needs = uses.into_iter().map(|used| first + used).collect();
            probe.file = self.files;
            probe.template = template.map(|template| (template, self.settings.clone()));
            self.made.push(probe);
            self.needs.push(needs);
        }
        Ok(())
    }

    fn add_url(&mut self, url: String) -> Result<(), Problem> {
        let target =
            Target::try_from(url).map_err(|why| Problem::misconfigured("`url` can't be used").why(why))?;
        let url = self.settings.url(&target)?;
        let http = Box::new(Http::get(target));
        self.made.push(Probe {
            name: http.label(),
            place: None,
            kind: Kind::Http(http, url),
            expectation: Expectation::default(),
            version: None,
            samples: None,
            captures: Vec::new(),
            retry_on: None,
            patience: self.settings.patience,
            is_repeatable: true,
            needs: Vec::new(),
            file: 0,
            template: None,
        });
        self.needs.push(Vec::new());
        Ok(())
    }

    /// One problem a check that is called like one before it.
    fn same_names(&self) -> Vec<Problem> {
        let mut seen = HashMap::new();
        let mut problems = Vec::new();
        for probe in &self.made {
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

    /// Finds out which checks each one waits for.
    fn order(&mut self) -> Result<(), Problem> {
        let names: HashMap<&str, usize> =
            self.made.iter().enumerate().map(|(index, probe)| (probe.name.as_str(), index)).collect();
        let mut found = Vec::new();
        for (index, needs) in self.needs.iter().enumerate() {
            let mut indices = self.made[index].needs.clone();
            if !self.startups.contains(&index) {
                indices.extend(&self.startups);
            }
            for name in needs {
                let Some(needed) = names.get(name.as_str()) else {
                    let mut problem = Problem::misconfigured(format!("no check is called \"{name}\""));
                    problem.help = nearest(name, names.keys().copied())
                        .map(|meant| format!("did you mean \"{meant}\"?"));
                    problem.place.clone_from(&self.made[index].place);
                    return Err(problem);
                };
                indices.push(*needed);
            }
            indices.sort_unstable();
            indices.dedup();
            found.push(indices);
        }
        if let Some(circle) = needs::circle(&found) {
            let names: Vec<&str> = circle.iter().map(|index| self.made[*index].name.as_str()).collect();
            let mut problem = Problem::misconfigured("checks need each other in a circle")
                .why(format!("{} → {}", names.join(" → "), names[0]))
                .help("take one `needs`, or the use of one capture, out");
            problem.place.clone_from(&self.made[circle[0]].place);
            return Err(problem);
        }
        for (probe, needs) in self.made.iter_mut().zip(found) {
            probe.needs = needs;
        }
        Ok(())
    }

    /// The checks, their clients made and their secrets known.
    fn finish(self, network: &Network, secrets: &Secrets) -> Result<Vec<Arc<Probe>>, Problem> {
        let mut probes = Vec::with_capacity(self.made.len());
        for mut probe in self.made {
            probe.learn_secrets(secrets);
            probe.kind.prepare(network).map_err(|error| {
                let mut problem = Problem::misconfigured(error.to_string());
                problem.place.clone_from(&probe.place);
                problem
            })?;
            probe.name = secrets.strike(&probe.name);
            probes.push(Arc::new(probe));
        }
        Ok(probes)
    }
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

    fn settings(base: Option<&str>) -> Settings {
        let base = base.map(|base| Base::parse(base).unwrap());
        Settings { base, patience: PATIENCE, version: Some("v2".to_owned()) }
    }

    fn maker(base: Option<&str>) -> Maker {
        Maker::new(settings(base))
    }

    fn loaded(checks: &str, secrets: &Secrets) -> Result<Loaded, Problems> {
        let mut scope = Scope::default();
        scope.set("version", "v2");
        let env = |name: &str| (name == "SMOKE_TOKEN").then(|| sluice_core::Secret::new("hush/hush"));
        Checks::load(checks.as_bytes(), "dev.yml", &Given { scope, env: &env, secrets })
    }

    fn planned(checks: &str, base: &str) -> Result<Plan, Problems> {
        let secrets = Arc::new(Secrets::default());
        let mut maker = maker(Some(base));
        maker.add_file(loaded(checks, &secrets)?, "dev.yml")?;
        Problems(maker.same_names()).or(())?;
        maker.order()?;
        let network =
            Network::new(None, std::path::Path::new("/"), jiff::Timestamp::UNIX_EPOCH, Proxies::none());
        Ok(Plan {
            probes: maker.finish(&network, &secrets)?,
            concurrency: CONCURRENCY,
            is_fail_fast: false,
            network: Arc::new(network),
            secrets,
            junit: None,
            facts: vec![("checks", "dev.yml".to_owned())],
        })
    }

    /// The plan for the text of a checks file.
    pub(crate) fn plan(checks: &str, base: &str) -> Plan {
        planned(checks, base).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn wrong(checks: &str) -> String {
        let problems = planned(checks, "https://shop.example.com").unwrap_err();
        let told = problems.0.iter().map(|problem| {
            let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let why = problem.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{place}: {}{why}{help}", problem.what)
        });
        told.collect::<Vec<_>>().join("\n")
    }

    fn joined(base: &str, path: &str) -> String {
        let mut maker = maker(Some(base));
        maker.add_url(path.to_owned()).unwrap();
        let (_, url) = maker.made[0].kind.http().unwrap();
        url.reveal()
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
        let checks = "checks:\n- http: https://shop.example.com/\n- http: /healthz\n";
        let loaded = loaded(checks, &Secrets::default()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let problem = maker(None).add_file(loaded, "dev.yml").unwrap_err();
        assert_eq!(problem.what, "the path \"/healthz\" needs a base URL");
        assert_eq!(problem.place.unwrap().to_string(), "dev.yml:3:9");
    }

    #[test]
    fn two_checks_of_one_name_are_told_with_both_places() {
        let checks = "checks:\n- http: /healthz\n- {name: /healthz, http: /other}\n";
        insta::assert_snapshot!(wrong(checks), @r#"dev.yml:3:3: two checks are called "/healthz": the first is at dev.yml:2:3 (give each a `name` of its own)"#);
    }

    #[test]
    fn what_checks_need_is_known_and_no_circle() {
        let needs = |checks: &str| {
            let plan = plan(checks, "https://shop.example.com");
            plan.probes.iter().map(|probe| probe.needs.clone()).collect::<Vec<_>>()
        };
        assert_eq!(needs("checks: [{name: a, http: /a, needs: b}, {name: b, http: /b}]"), [vec![1], vec![]]);
        assert_eq!(
            needs("startup: {http: /up}\nchecks: [{http: /a}, {http: /b}]"),
            [vec![], vec![0], vec![0]]
        );
        let captured = "checks:
- {name: order, http: '/orders/{{ id }}'}
- {name: login, http: /login, capture: {id: {json: $.id}}}
";
        assert_eq!(needs(captured), [vec![1], vec![]]);
        let circle = "checks:
- {name: a, http: /a, needs: b}
- {name: b, http: '/b/{{ x }}'}
- {name: c, http: /c, needs: [a], capture: {x: {header: x}}}
";
        let told = [circle, "checks: [{name: login, http: /a}, {http: /b, needs: lgoin}]"].map(wrong);
        insta::assert_snapshot!(told.join("\n"), @r#"
        dev.yml:2:3: checks need each other in a circle: a → b → c → a (take one `needs`, or the use of one capture, out)
        dev.yml:1:35: no check is called "lgoin" (did you mean "login"?)
        "#);
    }

    #[test]
    fn variables_are_known_or_told() {
        let files = [
            "checks: [{http: '{{ vresion }}'}]",
            "variables: {token: {env: SMOKE_TOKN}}\nchecks: [{http: /a}]",
            "variables: {1a: b}\nchecks: [{http: /a}]",
            "variables: {a: 5}\nchecks: [{http: /a}]",
            "checks: [{http: /a, capture: {version: {header: x}}}]",
            "checks: [{http: '/{{ a'}]",
            "checks: [{http: &a /b, capture: {x: {header: x}}}, {name: '{{ x }}', http: *a}]",
            "variables: {a: '{{ b }}'}\nchecks: [{http: '/{{ a }}'}]",
        ];
        insta::assert_snapshot!(files.map(wrong).join("\n"), @r#"
        dev.yml:1:17: unknown variable "vresion", did you mean "version"?
        dev.yml:1:20: the environment variable SMOKE_TOKN is not set (set it under `env:` of the step, as `SMOKE_TOKN: ${{ secrets.SMOKE_TOKN }}`)
        dev.yml:1:13: "1a" can't name a variable (a name is made of letters, digits, "_" and "-")
        dev.yml:1:16: expected text (a number in quotes) or `{env: NAME}`, found 5
        dev.yml:1:31: there is a variable "version" already (capture it under another name)
        dev.yml:1:17: "{{" is not closed: write a variable as {{ name }}
        dev.yml:1:52: a check that uses captures is not whole in itself: it is read again, alone, once they are known (write out what stands behind its aliases (`*name`))
        dev.yml:2:17: not a usable URL: it holds a space or a control character; write a space as %20
        "#);
    }

    #[test]
    fn secrets_are_no_part_of_names() {
        let checks = "variables: {token: {env: SMOKE_TOKEN}}\nchecks: [{http: '/a?key={{ token }}'}]";
        let plan = plan(checks, "https://shop.example.com");
        assert_eq!(plan.probes[0].name, "/a?key=***");
        let (_, url) = plan.probes[0].kind.http().unwrap();
        assert_eq!(url.reveal(), "https://shop.example.com/a?key=hush/hush");
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
