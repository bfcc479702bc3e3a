//! From what is written in the configuration to what will be asked and held: checked once, with places.

use std::time::Duration;

use sluice_config::{
    Amount, Bake as Section, BakeMetric, BakeQuery, Baseline, CloudWatchMetric, FromEnvironment, Placed,
};
use sluice_core::{Context, Period, Place, Problem, Problems};
use sluice_http::{Client, HeaderName, HeaderValue, Url, header};
use sluice_sigv4::Access;

use crate::cloudwatch::{CloudWatch, MOST_ALARMS};
use crate::judge::{Growth, Rule};
use crate::limits::Limits;
use crate::prometheus::Prometheus;
use crate::query::{Query, Question, Role, Statistic};
use crate::sources::Sources;
use crate::unit::Unit;
use crate::variables::Variables;

/// The time from one measurement to the next when nobody says otherwise.
const INTERVAL: Duration = Duration::from_secs(30);
/// How many times in a row a measurement may not be possible: Argo Rollouts' default.
const CONSECUTIVE_ERRORS: u32 = 4;
/// How much of the newest time CloudWatch may not have yet.
const SETTLE: Duration = Duration::from_mins(2);
/// What CloudWatch keeps a value of.
const MINUTE: Duration = Duration::from_mins(1);
/// More measurements than these tell nothing more, and would fill memory and charts.
const MOST_MEASUREMENTS: u32 = 10_000;

/// What is measured, when, and what it may be.
#[derive(Clone, Debug)]
pub struct Bake {
    pub(crate) interval: Duration,
    pub(crate) initial_delay: Duration,
    pub(crate) limits: Limits,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) sources: Sources,
}

/// One thing that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) questions: Vec<Question>,
    pub(crate) rule: Test,
}

/// What the answers are held to.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Number(Rule),
    NoneInAlarm,
}

/// What the configuration's section alone does not say.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The name of the file that the section stands in.
    pub file: &'a str,
    /// The AWS region of the environment, when the section names none.
    pub region: Option<&'a str>,
    /// What `{{ name }}` in a query stands for.
    pub variables: &'a [(String, String)],
}

impl Bake {
    /// Reads a section; secrets come from the environment, and are masked.
    ///
    /// Fails with all that is wrong in it, each with its place.
    pub fn new(section: &Section, given: Given<'_>, client: Client, cx: &Context) -> Result<Self, Problems> {
        let reader = Reader { given, cx, variables: Variables(given.variables) };
        let mut problems = Problems::default();
        let limits = keep(&mut problems, reader.limits(section));
        let mut metrics = Vec::new();
        for (name, metric) in &section.metrics {
            metrics.extend(keep(&mut problems, reader.metric(name, metric, length(section))));
        }
        if !section.alarms.is_empty() {
            metrics.extend(keep(&mut problems, reader.alarms(section)));
        }
        if section.metrics.is_empty() && section.alarms.is_empty() {
            problems.0.push(
                Problem::misconfigured("the bake measures nothing")
                    .why("nothing to measure is never a pass")
                    .help("write `metrics` or `alarms` under `bake`")
                    .at(reader.place(&section.time)),
            );
        }
        let sources = keep(&mut problems, reader.sources(section, &metrics, client));
        let (Some(limits), Some(sources)) = (limits, sources) else { return Err(problems) };
        problems.or(Self {
            interval: interval(section),
            initial_delay: delay(section),
            limits,
            metrics,
            sources,
        })
    }

    /// When is measured, in words: `for 10m, every 30s, after 1m`.
    pub fn schedule(&self) -> String {
        let measured = self.interval * self.limits.count;
        let words = format!("for {}, every {}", Period(measured), Period(self.interval));
        if self.initial_delay.is_zero() {
            words
        } else {
            format!("{words}, after {}", Period(self.initial_delay))
        }
    }
}

fn keep<T>(problems: &mut Problems, read: Result<T, Problems>) -> Option<T> {
    read.map_err(|found| problems.0.extend(found.0)).ok()
}

fn delay(section: &Section) -> Duration {
    section.initial_delay.as_ref().map_or(Duration::ZERO, |delay| delay.value.0)
}

fn interval(section: &Section) -> Duration {
    let shortest = section.time.value.0;
    section.interval.as_ref().map_or(INTERVAL.min(shortest), |interval| interval.value.0)
}

/// How long the bake takes.
fn length(section: &Section) -> Duration {
    delay(section).saturating_add(section.time.value.0)
}

/// Reads a section.
struct Reader<'a> {
    given: Given<'a>,
    cx: &'a Context,
    variables: Variables<'a>,
}

impl Reader<'_> {
    fn place<T>(&self, value: &Placed<T>) -> Place {
        Place::at(self.given.file, value.place.line, value.place.column)
    }

    fn wrong<T>(&self, at: &Placed<T>, what: impl Into<String>) -> Problem {
        Problem::misconfigured(what).at(self.place(at))
    }

    fn limits(&self, section: &Section) -> Result<Limits, Problems> {
        let (time, interval) = (section.time.value.0, interval(section));
        let at = section.interval.as_ref().unwrap_or(&section.time);
        if interval < Duration::from_secs(1) {
            return Err(self
                .wrong(at, format!("measuring every {} is too often", Period(interval)))
                .help("write a second or more; metrics are scraped every 15s or so")
                .into());
        }
        if interval > time {
            let what = format!("`interval` is longer than `for`: {} and {}", Period(interval), Period(time));
            return Err(self.wrong(at, what).help("then nothing would be measured: make it shorter").into());
        }
        let count = u32::try_from(time.as_millis() / interval.as_millis()).unwrap_or(u32::MAX);
        if count > MOST_MEASUREMENTS {
            return Err(self
                .wrong(at, format!("these are {count} measurements, at most {MOST_MEASUREMENTS} are taken"))
                .help("make `interval` longer or `for` shorter")
                .into());
        }
        Ok(Limits {
            count,
            failure: section.failure_limit,
            inconclusive: section.inconclusive_limit,
            consecutive_error: section.consecutive_error_limit.unwrap_or(CONSECUTIVE_ERRORS),
        })
    }

    fn metric(
        &self,
        name: &Placed<String>,
        metric: &BakeMetric,
        length: Duration,
    ) -> Result<Metric, Problems> {
        let kind = Kind::of(metric.errors.as_ref(), metric.latency.as_ref(), metric.query.as_ref());
        let kind = kind.map_err(|why| {
            self.wrong(name, format!("\"{}\" {why}", name.value))
                .help("write `errors` with `total`, or `latency`, or `query`")
        })?;
        let mut problems = Problems::default();
        problems.0.extend(self.misplaced(metric, &kind));
        let mut questions = vec![self.question(Role::Value, kind.key(), kind.query(), Duration::ZERO)];
        if let Some(total) = &metric.total {
            questions.push(self.question(Role::Total, "total", total, Duration::ZERO));
        }
        let rule = keep(&mut problems, self.rule(name, metric, &kind));
        if let Some(baseline) = &metric.baseline {
            match self.baseline(baseline, metric, &kind, length) {
                Ok(more) => questions.extend(more),
                Err(problem) => problems.0.push(problem),
            }
        }
        let questions: Vec<Question> = questions
            .into_iter()
            .filter_map(|read| keep(&mut problems, read.map_err(Problems::from)))
            .collect();
        match rule.filter(|_| problems.0.is_empty()) {
            Some(rule) => Ok(Metric {
                name: name.value.clone(),
                place: self.place(name),
                questions,
                rule: Test::Number(rule),
            }),
            None => Err(problems),
        }
    }

    /// Keys that mean nothing for this kind of metric, or are missing for it.
    fn misplaced(&self, metric: &BakeMetric, kind: &Kind<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let is_errors = matches!(kind, Kind::Errors(_));
        if is_errors && metric.total.is_none() {
            problems.push(
                self.wrong(kind.query(), "`errors` without `total`")
                    .why("how many errors are too many depends on how many requests there were")
                    .help("write a query for all requests as `total`"),
            );
        }
        for (key, bound) in [("min", &metric.min), ("max", &metric.max)] {
            if let Some(bound) = bound.as_ref().filter(|_| is_errors) {
                problems.push(
                    self.wrong(bound, format!("`{key}` is for `latency` and `query`"))
                        .help("write `max-error-rate: 1%`"),
                );
            }
        }
        if let Some(rate) = metric.max_error_rate.as_ref().filter(|_| !is_errors) {
            problems.push(self.wrong(rate, "`max-error-rate` is for `errors`").help("write `max`"));
        }
        if let Some(requests) = metric.min_requests.as_ref().filter(|_| metric.total.is_none()) {
            problems.push(
                self.wrong(requests, "`min-requests` without `total`")
                    .help("write a query for all requests as `total`"),
            );
        }
        problems
    }

    fn rule(&self, name: &Placed<String>, metric: &BakeMetric, kind: &Kind<'_>) -> Result<Rule, Problems> {
        let amount = |given: &Option<Placed<Amount>>| {
            given.as_ref().map(|amount| self.amount(amount, kind.unit())).transpose()
        };
        let max = if kind.is_rate() { &metric.max_error_rate } else { &metric.max };
        let (min, max) = (amount(&metric.min)?, amount(max)?);
        let growth =
            metric.baseline.as_ref().map(|baseline| self.growth(baseline, kind.unit())).transpose()?;
        if min.is_none() && max.is_none() && growth.is_none() {
            let help = if kind.is_rate() { "write `max-error-rate: 1%`" } else { "write `max` or `min`" };
            return Err(self
                .wrong(name, format!("nothing says what \"{}\" may be", name.value))
                .help(format!("{help}, or compare it with a `baseline`"))
                .into());
        }
        if let (Some(low), Some(high), Some(at)) = (min, max, &metric.min)
            && low > high
        {
            return Err(self.wrong(at, "`min` is greater than `max`: nothing lies between").into());
        }
        Ok(Rule {
            unit: kind.unit(),
            is_rate: kind.is_rate(),
            min_requests: metric.min_requests.as_ref().map_or(1.0, |requests| f64::from(requests.value)),
            min,
            max,
            growth,
        })
    }

    /// An amount in the unit that is measured.
    fn amount(&self, amount: &Placed<Amount>, unit: Unit) -> Result<f64, Problem> {
        match (unit, amount.value) {
            (Unit::Share, Amount::Share(share)) if (0.0..=1.0).contains(&share) => Ok(share),
            // Whether 1 is meant as one percent or as all is not known.
            (Unit::Share, Amount::Number(share)) if (0.0..1.0).contains(&share) => Ok(share),
            (Unit::Share, _) => {
                Err(self.wrong(amount, "this is no share of all requests").help("write it as `1%`"))
            }
            (Unit::Seconds | Unit::Number, Amount::Time(time)) => Ok(time.as_secs_f64()),
            (Unit::Seconds, _) => {
                Err(self.wrong(amount, "a latency is a length of time").help("write it as `500ms`"))
            }
            (Unit::Number, Amount::Number(number) | Amount::Share(number)) => Ok(number),
        }
    }

    fn growth(&self, baseline: &Placed<Baseline>, unit: Unit) -> Result<Growth, Problem> {
        let increase = baseline.max_increase.as_ref().map(|amount| self.amount(amount, unit)).transpose()?;
        let ratio = baseline.max_ratio.as_ref();
        if let Some(ratio) = ratio.filter(|ratio| !ratio.value.is_finite() || ratio.value < 0.0) {
            return Err(self
                .wrong(ratio, "`max-ratio` is no number from 0 on")
                .help("write `max-ratio: 1.5`"));
        }
        if ratio.is_none() && increase.is_none() {
            return Err(self
                .wrong(baseline, "nothing says how much more than the baseline is too much")
                .help("write `max-ratio: 1.5`, `max-increase`, or both"));
        }
        Ok(Growth { ratio: ratio.map_or(1.0, |ratio| ratio.value), increase: increase.unwrap_or(0.0) })
    }

    /// What is asked for the baseline.
    fn baseline(
        &self,
        baseline: &Placed<Baseline>,
        metric: &BakeMetric,
        kind: &Kind<'_>,
        length: Duration,
    ) -> Result<Vec<Result<Question, Problem>>, Problem> {
        let given = Kind::of(baseline.errors.as_ref(), baseline.latency.as_ref(), baseline.query.as_ref());
        let (value, total, offset) = match (&baseline.offset, given) {
            (Some(offset), Err(Unkind::None)) if baseline.total.is_none() => {
                if offset.value.0 <= length {
                    return Err(self
                        .wrong(
                            offset,
                            format!("a baseline of {} ago is not before the deployment", offset.value),
                        )
                        .why(format!("the bake itself takes {}", Period(length)))
                        .help("go further back: `1h`, or `7d` for the same hour of the same weekday"));
                }
                (kind.query(), metric.total.as_ref(), offset.value.0)
            }
            (None, Ok(other)) if other.key() == kind.key() => {
                if baseline.total.is_none() && metric.total.is_some() {
                    return Err(self
                        .wrong(baseline, "the baseline has no `total`")
                        .help("write the query for all of its requests"));
                }
                (other.query(), baseline.total.as_ref().filter(|_| metric.total.is_some()), Duration::ZERO)
            }
            _ => {
                return Err(self.wrong(baseline, "it is not clear what the baseline is").help(format!(
                    "write `offset` for the time before, or `{}` for another query",
                    kind.key()
                )));
            }
        };
        let name = format!("baseline {}", kind.key());
        let mut questions = vec![self.question(Role::BaselineValue, &name, value, offset)];
        questions
            .extend(total.map(|total| self.question(Role::BaselineTotal, "baseline total", total, offset)));
        Ok(questions)
    }

    fn question(
        &self,
        role: Role,
        name: &str,
        query: &Placed<BakeQuery>,
        offset: Duration,
    ) -> Result<Question, Problem> {
        let filled = match &query.value {
            BakeQuery::Prometheus(text) if text.is_empty() => Err("the query is empty".to_owned()),
            BakeQuery::Prometheus(text) => self.variables.fill_query(text).map(Query::Prometheus),
            BakeQuery::CloudWatch(metric) => self.statistic(metric).map(Query::CloudWatch),
        };
        let query = filled.map_err(|what| self.wrong(query, what))?;
        Ok(Question { role, name: name.to_owned(), query, offset })
    }

    fn statistic(&self, metric: &CloudWatchMetric) -> Result<Statistic, String> {
        let period = metric.period.map_or(MINUTE, |period| period.0);
        if period.is_zero() || !period.as_millis().is_multiple_of(MINUTE.as_millis()) {
            return Err(format!("a period of {} is no whole minutes", Period(period)));
        }
        let dimensions = metric.dimensions.iter();
        Ok(Statistic {
            namespace: metric.namespace.clone(),
            metric: metric.metric.clone(),
            dimensions: dimensions
                .map(|(name, value)| Ok((name.clone(), self.variables.fill(value)?)))
                .collect::<Result<_, String>>()?,
            stat: metric.statistic.clone(),
            period,
        })
    }

    fn alarms(&self, section: &Section) -> Result<Metric, Problems> {
        let Some(first) = section.alarms.first() else { return Err(Problems::default()) };
        if section.alarms.len() > MOST_ALARMS {
            return Err(self.wrong(first, format!("more than {MOST_ALARMS} alarms")).into());
        }
        let taken = section.metrics.keys().find(|name| name.value == "alarms");
        if let Some(taken) = taken {
            return Err(self
                .wrong(taken, "a metric can't be called \"alarms\" beside `alarms`")
                .help("call it otherwise")
                .into());
        }
        let mut problems = Problems::default();
        let mut names = Vec::new();
        for name in &section.alarms {
            match self.variables.fill(&name.value) {
                Ok(filled) => names.push(filled),
                Err(what) => problems.0.push(self.wrong(name, what)),
            }
        }
        problems.or(Metric {
            name: "alarms".to_owned(),
            place: self.place(first),
            questions: vec![Question {
                role: Role::Value,
                name: "alarms".to_owned(),
                query: Query::Alarms(names),
                offset: Duration::ZERO,
            }],
            rule: Test::NoneInAlarm,
        })
    }

    fn sources(&self, section: &Section, metrics: &[Metric], client: Client) -> Result<Sources, Problems> {
        let mut problems = Problems::default();
        let asks = |wanted: fn(&Query) -> bool| {
            metrics.iter().find(|metric| metric.questions.iter().any(|question| wanted(&question.query)))
        };
        let prometheus = match (&section.prometheus, asks(|query| matches!(query, Query::Prometheus(_)))) {
            (Some(prometheus), _) => keep(&mut problems, self.prometheus(prometheus)),
            (None, None) => None,
            (None, Some(metric)) => {
                problems.0.push(
                    Problem::misconfigured(format!(
                        "\"{}\" asks Prometheus, and nothing says where that is",
                        metric.name
                    ))
                    .help("write `prometheus: {url: https://prometheus.example.com}` under `bake`")
                    .at(metric.place.clone()),
                );
                None
            }
        };
        let cloudwatch = asks(|query| !matches!(query, Query::Prometheus(_)))
            .and_then(|metric| keep(&mut problems, self.cloudwatch(section, metric)));
        problems.or(Sources { client, prometheus, cloudwatch })
    }

    fn prometheus(&self, section: &sluice_config::Prometheus) -> Result<Prometheus, Problems> {
        let base = section.url.value.trim_end_matches('/');
        let usable = Url::parse(base).map_err(|error| error.to_string()).and_then(|_| {
            if base.contains(['?', '#']) {
                Err("it has a query or a fragment".to_owned())
            } else if base.ends_with("/api/v1") || base.contains("/api/v1/") {
                Err("it goes on into the API".to_owned())
            } else {
                Ok(())
            }
        });
        let mut problems = Problems::default();
        if let Err(why) = usable {
            problems.0.push(
                self.wrong(&section.url, "the address of Prometheus can't be used")
                    .why(why)
                    .help("write the part before /api/v1: https://prometheus.example.com"),
            );
        }
        let mut headers = Vec::new();
        if let Some(token) = &section.token {
            let token = keep(&mut problems, self.secret(token, "Bearer "));
            headers.extend(token.map(|value| (header::AUTHORIZATION, value)));
        }
        for (name, value) in &section.headers {
            let Ok(parsed) = name.value.parse::<HeaderName>() else {
                problems.0.push(self.wrong(name, format!("\"{}\" is no name of a header", name.value)));
                continue;
            };
            headers.extend(keep(&mut problems, self.secret(value, "")).map(|value| (parsed, value)));
        }
        problems.or(Prometheus { base: base.to_owned(), headers })
    }

    fn secret(&self, from: &FromEnvironment, before: &str) -> Result<HeaderValue, Problems> {
        let variable = &from.env;
        let secret = self.cx.secret(&variable.value).ok_or_else(|| {
            self.wrong(variable, format!("the environment variable {} is not set", variable.value))
                .help(format!("pass it to the step: `env: {{{0}: ${{{{ secrets.{0} }}}}}}`", variable.value))
        })?;
        let value = HeaderValue::try_from(format!("{before}{}", secret.expose().trim()));
        let mut value = value.map_err(|_| {
            self.wrong(variable, format!("what {} holds can't be sent in a header", variable.value))
                .help("it holds a line break or another control character")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn cloudwatch(&self, section: &Section, metric: &Metric) -> Result<CloudWatch, Problems> {
        let options = section.cloudwatch.as_ref();
        let region = options.and_then(|options| options.region.as_ref());
        let lookup = |name: &str| self.cx.variable(name).map(str::to_owned);
        let access =
            Access::from_lookup(lookup, region.map(|region| region.value.as_str()).or(self.given.region));
        let access = access.map_err(|error| {
            let place = region.map_or_else(|| metric.place.clone(), |region| self.place(region));
            Problem::from(error).at(place)
        })?;
        for secret in access.secrets() {
            self.cx.mask(secret);
        }
        let settle =
            options.and_then(|options| options.settle.as_ref()).map_or(SETTLE, |settle| settle.value.0);
        Ok(CloudWatch { access, settle })
    }
}

/// What kind of metric it is, and its query.
enum Kind<'a> {
    Errors(&'a Placed<BakeQuery>),
    Latency(&'a Placed<BakeQuery>),
    Query(&'a Placed<BakeQuery>),
}

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unkind {
    None,
    Several,
}

impl std::fmt::Display for Unkind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "does not say what is measured",
            Self::Several => "measures several things at once",
        })
    }
}

impl<'a> Kind<'a> {
    fn of(
        errors: Option<&'a Placed<BakeQuery>>,
        latency: Option<&'a Placed<BakeQuery>>,
        query: Option<&'a Placed<BakeQuery>>,
    ) -> Result<Self, Unkind> {
        match (errors, latency, query) {
            (Some(errors), None, None) => Ok(Self::Errors(errors)),
            (None, Some(latency), None) => Ok(Self::Latency(latency)),
            (None, None, Some(query)) => Ok(Self::Query(query)),
            (None, None, None) => Err(Unkind::None),
            _ => Err(Unkind::Several),
        }
    }

    fn key(&self) -> &'static str {
        match self {
            Self::Errors(_) => "errors",
            Self::Latency(_) => "latency",
            Self::Query(_) => "query",
        }
    }

    fn query(&self) -> &'a Placed<BakeQuery> {
        match self {
            Self::Errors(query) | Self::Latency(query) | Self::Query(query) => query,
        }
    }

    fn unit(&self) -> Unit {
        match self {
            Self::Errors(_) => Unit::Share,
            Self::Latency(_) => Unit::Seconds,
            Self::Query(_) => Unit::Number,
        }
    }

    fn is_rate(&self) -> bool {
        matches!(self, Self::Errors(_))
    }
}
