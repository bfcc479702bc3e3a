//! Whether a new version stays healthy, as a real Prometheus sees it that scrapes a real shop.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sluice_end_to_end::{Outcome, Repository, Run, Server, Service};

/// A shop in two colours that counts its requests: so many more each time that it is scraped.
struct Shop {
    server: Server,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    scrapes: AtomicU64,
    /// How many requests come between two scrapes, to each colour.
    requests: AtomicU64,
    /// How many of them fail.
    errors: [AtomicU64; 2],
    /// What was counted: requests, and errors by colour.
    counted: [AtomicU64; 3],
    is_down: AtomicBool,
}

const COLOURS: [&str; 2] = ["blue", "green"];

impl Shop {
    fn new(requests: u64, errors: [u64; 2]) -> Self {
        let counts = Arc::new(Counts {
            requests: requests.into(),
            errors: errors.map(AtomicU64::new),
            ..Counts::default()
        });
        let shop = Arc::clone(&counts);
        let server = Server::answering(move |_| {
            shop.scrapes.fetch_add(1, Ordering::SeqCst);
            if shop.is_down.load(Ordering::SeqCst) { (503, String::new()) } else { (200, shop.metrics()) }
        });
        Self { server, counts }
    }

    fn address(&self) -> String {
        self.server.url("").trim_start_matches("http://").to_owned()
    }

    /// Waits until it was scraped so many times more.
    fn is_scraped(&self, times: u64) {
        let wanted = self.counts.scrapes.load(Ordering::SeqCst) + times;
        while self.counts.scrapes.load(Ordering::SeqCst) < wanted {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn fails(&self, errors: [u64; 2]) {
        for (colour, errors) in self.counts.errors.iter().zip(errors) {
            colour.store(errors, Ordering::SeqCst);
        }
    }
}

impl Counts {
    fn metrics(&self) -> String {
        let more = |index: usize, by: &AtomicU64| {
            let by = by.load(Ordering::SeqCst);
            self.counted[index].fetch_add(by, Ordering::SeqCst) + by
        };
        let requests = more(0, &self.requests);
        let mut text = "# TYPE shop_requests_total counter\n".to_owned();
        for (index, colour) in COLOURS.iter().enumerate() {
            let errors = more(index + 1, &self.errors[index]);
            let _ = writeln!(text, "shop_requests_total{{colour=\"{colour}\",code=\"200\"}} {requests}");
            // A client's counter has no series before it first counts.
            if errors > 0 {
                let _ = writeln!(text, "shop_requests_total{{colour=\"{colour}\",code=\"500\"}} {errors}");
            }
            let _ = writeln!(text, "shop_latency_seconds{{colour=\"{colour}\"}} 0.12");
        }
        text
    }
}

const ERRORS: &str = r#"
        errors:
          errors: sum(increase(shop_requests_total{colour="{{ colour }}",code=~"5.."}[2s]))
          total: sum(increase(shop_requests_total{colour="{{ colour }}"}[2s]))
          max-error-rate: 1%
          min-requests: 20
"#;

/// The command `bake` for `dev`, with this below its `bake`.
fn bake<'a>(repository: &'a Repository, prometheus: &Service, below: &str) -> Run<'a> {
    let config = format!(
        "version: 1\nenvironments:\n  dev:\n    bake:\n      for: 3s\n      interval: 1s\n      prometheus: {{url: 'http://{}'}}\n{below}",
        prometheus.address(0)
    );
    repository.write(".github/sluice.yml", config);
    repository
        .run("smoke-test")
        .argument("bake")
        .input("environment", "dev")
        .input("variables", "colour=green")
        .input("chart", "out/bake.svg")
}

fn metrics(metrics: &str) -> String {
    format!("      metrics:{metrics}")
}

/// A shop that has been scraped for a while, and who scrapes it. `None` without Prometheus.
fn scraped(requests: u64, errors: [u64; 2]) -> Option<(Shop, Service)> {
    let shop = Shop::new(requests, errors);
    let prometheus = Service::prometheus(&shop.address())?;
    shop.is_scraped(15);
    Some((shop, prometheus))
}

/// What is said of each metric.
fn reason(outcome: &Outcome, finding: usize) -> &str {
    outcome.reported(&format!("/findings/{finding}/reason")).as_str().unwrap()
}

#[test]
fn a_healthy_version_is_measured_to_the_end_and_drawn() {
    let Some((_shop, prometheus)) = scraped(100, [0, 0]) else { return };
    let repository = Repository::new();
    let latency = "        latency: {latency: 'max(shop_latency_seconds{colour=\"{{ colour }}\"})', max: 500ms}\n        up: {query: 'sum(up)', min: 1}\n";
    let outcome =
        bake(&repository, &prometheus, &metrics(&(ERRORS.to_owned() + latency))).in_actions().ends();
    outcome
        .exits(0)
        .has_output("passed", "3")
        .has_output("total", "3")
        .says("3 of 3 metrics were as they must be for 3s, every 1s")
        // No error was ever counted, so there is no series of errors: among so many requests that is none.
        .says("✓ errors  0 %, at most 1 %")
        .says("errors = nothing  sum(increase(shop_requests_total{colour=\"green\",code=~\"5..\"}[2s]))")
        .says("✓ latency  120 ms, at most 500 ms");
    assert!(outcome.summary.contains("xychart-beta"), "{}", outcome.summary);
    let svg = repository.read("out/bake.svg");
    assert!(svg.contains("at most 500 ms") && svg.contains("class=\"limit\""), "{svg}");
}

#[test]
fn a_version_without_traffic_is_not_judged() {
    let Some((_shop, prometheus)) = scraped(0, [0, 0]) else { return };
    let repository = Repository::new();
    let outcome = bake(&repository, &prometheus, &metrics(ERRORS)).in_actions().ends();
    outcome.exits(3).has_output("passed", "0").has_output("failed", "0");
    assert_eq!(reason(&outcome, 0), "too few requests: 0, 20 needed");
}

#[test]
fn nothing_found_is_never_well() {
    let Some((_shop, prometheus)) = scraped(100, [0, 0]) else { return };
    let repository = Repository::new();
    let typo = ERRORS.replace("shop_requests", "shop_request");
    let outcome = bake(&repository, &prometheus, &metrics(&typo)).in_actions().ends();
    assert_eq!(reason(outcome.exits(3), 0), "no data: no requests were found, 20 needed");
    let by_zero = "\n        ratio: {query: sum(shop_nothing) or vector(0) / vector(0), max: 1}\n";
    let outcome = bake(&repository, &prometheus, &metrics(by_zero)).in_actions().ends();
    assert_eq!(reason(outcome.exits(3), 0), "no data: the answer is NaN, as a division by zero gives");
    // Borne all along it is still no success.
    let bearing = format!("      inconclusive-limit: 9\n{}", metrics(by_zero));
    bake(&repository, &prometheus, &bearing).in_actions().ends().exits(3).has_output("passed", "0");
}

#[test]
fn a_version_with_errors_is_unhealthy() {
    let Some((_shop, prometheus)) = scraped(90, [0, 10]) else { return };
    let repository = Repository::new();
    let outcome = bake(&repository, &prometheus, &metrics(ERRORS)).in_actions().ends();
    outcome
        .exits(1)
        .has_output("failed", "1")
        .says("✗ errors  10 %, at most 1 % is allowed")
        .says("::error file=.github/sluice.yml,line=9");
    // One that fails for as long as it may is measured on, and fails then.
    let bearing = format!("      failure-limit: 1\n{}", metrics(ERRORS));
    let outcome = bake(&repository, &prometheus, &bearing).in_actions().ends();
    assert_eq!(reason(outcome.exits(1), 0), "10 %, at most 1 % is allowed; 2 of 2 measurements failed");
}

#[test]
fn a_version_that_falls_silent_half_way_is_not_judged() {
    let Some((shop, prometheus)) = scraped(100, [0, 0]) else { return };
    let repository = Repository::new();
    let running = bake(&repository, &prometheus, &metrics(ERRORS)).input("for", "1m").in_actions().starts();
    let running = running.until_it_says("✓ errors");
    shop.counts.is_down.store(true, Ordering::SeqCst);
    let outcome = running.ends();
    outcome.exits(3).says("could not tell: errors: no data: no requests were found, 20 needed");
}

#[test]
fn a_prometheus_that_goes_away_half_way_ends_the_bake() {
    let Some((_shop, prometheus)) = scraped(100, [0, 0]) else { return };
    let repository = Repository::new();
    let strict = format!("      consecutive-error-limit: 1\n{}", metrics(ERRORS));
    let running = bake(&repository, &prometheus, &strict).input("for", "1m").in_actions().starts();
    let running = running.until_it_says("✓ errors");
    drop(prometheus);
    let outcome = running.ends();
    outcome.exits(3).has_output("failed", "0").says("2 times in a row: Prometheus: cannot connect");
}

#[test]
fn a_version_is_compared_with_the_old_colour() {
    let Some((shop, prometheus)) = scraped(90, [2, 10]) else { return };
    let repository = Repository::new();
    let against = ERRORS.replace("          max-error-rate: 1%\n", "")
        + &format!(
            "          baseline: {{max-ratio: 2, errors: '{}', total: '{}'}}\n",
            "sum(increase(shop_requests_total{colour=\"blue\",code=~\"5..\"}[2s]))",
            "sum(increase(shop_requests_total{colour=\"blue\"}[2s]))"
        );
    let outcome = bake(&repository, &prometheus, &metrics(&against)).in_actions().ends();
    outcome.exits(1).says("✗ errors  10 %, at most 4.3").says("baseline errors = ").says("colour=\"blue\"");
    shop.fails([10, 10]);
    shop.is_scraped(15);
    bake(&repository, &prometheus, &metrics(&against)).in_actions().ends().exits(0).says("baseline 10 %");
}

#[test]
fn a_version_is_compared_with_the_time_before_it() {
    let Some((shop, prometheus)) = scraped(90, [0, 1]) else { return };
    let repository = Repository::new();
    shop.is_scraped(60);
    let before =
        ERRORS.replace("max-error-rate: 1%", "baseline: {offset: 10s, max-ratio: 2, max-increase: 0.5%}");
    bake(&repository, &prometheus, &metrics(&before)).in_actions().ends().exits(0);
    shop.fails([0, 20]);
    shop.is_scraped(12);
    let outcome = bake(&repository, &prometheus, &metrics(&before)).in_actions().ends();
    outcome.exits(1).says("is allowed with a baseline of 1.1 %").says("[2s])) at 20");
}

#[test]
fn what_can_never_be_measured_ends_the_bake_at_once() {
    let Some((_shop, prometheus)) = scraped(100, [0, 0]) else { return };
    let repository = Repository::new();
    for (query, why) in [
        ("sum(shop_requests_total", "Prometheus can't read the query: invalid parameter"),
        ("shop_requests_total", "the query finds 2 series, not one"),
        ("shop_requests_total[1m]", "the query gives a matrix, not a number"),
    ] {
        let wrong = format!("\n        wrong: {{query: '{query}', max: 1}}\n");
        let outcome = bake(&repository, &prometheus, &metrics(&wrong)).in_actions().ends();
        outcome.exits(2).says(why).says("::error file=.github/sluice.yml,line=9");
    }
}

#[test]
fn a_bake_that_is_told_to_end_says_what_it_measured() {
    let Some((_shop, prometheus)) = scraped(100, [0, 0]) else { return };
    let repository = Repository::new();
    let running = bake(&repository, &prometheus, &metrics(ERRORS)).input("for", "1h").in_actions().starts();
    let running = running.until_it_says("✓ errors");
    running.terminate();
    let outcome = running.ends();
    outcome.exits(3).says("of 3600 measurements: terminated (SIGTERM)").says("0 %, at most 1 %");
    assert_eq!(outcome.reported("/findings/0/subject"), "errors");
    assert!(repository.read("out/bake.svg").contains("0 %"));
}

#[test]
fn who_is_asked_must_know_us_and_no_secret_is_said() {
    let shop = Server::answering(|request| {
        let is_known =
            request.headers.contains(&("authorization".to_owned(), "Bearer hush-token".to_owned()));
        let is_ours = request.headers.contains(&("x-scope-orgid".to_owned(), "hush-tenant".to_owned()));
        let found = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"0.5"]}}"#;
        if is_known && is_ours { (200, found.to_owned()) } else { (401, "who are you".to_owned()) }
    });
    let repository = Repository::new();
    let config = format!(
        "version: 1\nenvironments:\n  dev:\n    bake:\n      for: 1s\n      consecutive-error-limit: 0\n      metrics: {{up: {{query: up, max: 1}}}}\n      prometheus:\n        url: {}\n",
        shop.url("/prefix")
    );
    let with = "        token: {env: TOKEN}\n        headers: {X-Scope-OrgID: {env: TENANT}}\n";
    let run = || repository.run("smoke-test").argument("bake").input("environment", "dev");
    repository.write(".github/sluice.yml", config.clone() + with);
    run()
        .variable("TOKEN", "hush-token")
        .variable("TENANT", "hush-tenant")
        .in_actions()
        .ends()
        .exits(0)
        .never_says("hush");
    assert_eq!(shop.received()[0].target, "GET /prefix/api/v1/query?query=up");
    run().variable("TOKEN", "hush-token").in_actions().ends().exits(2).says("TENANT is not set");
    repository.write(".github/sluice.yml", config);
    run()
        .in_actions()
        .ends()
        .exits(3)
        .says("Prometheus refused the query: status 401")
        .says("help: give a `token`");
}

#[test]
fn a_mistake_is_told_at_its_place() {
    let repository = Repository::new();
    for (below, what) in [
        ("metrics: {}", "sluice.yml:5:12 the bake measures nothing"),
        ("metrics: {a: {query: up}}", "nothing says what \"a\" may be"),
        ("metrics: {a: {errors: up, max-error-rate: 1%}}", "`errors` without `total`"),
        ("metrics: {a: {errors: up, total: up, max-error-rate: 2}}", "no share of all requests"),
        ("metrics: {a: {latency: up, max: 5}}", "a latency is a length of time"),
        (
            "metrics: {a: {query: up, max: 1, baseline: {offset: 1m, max-ratio: 2}}}",
            "is not before the deployment",
        ),
        ("metrics: {a: {query: '{{ color }}', max: 1}}", "did you mean \"colour\"?"),
        ("metrics: {a: {query: up, max: 1}}", "nothing says where that is"),
        ("metric: {}", "did you mean \"metrics\"?"),
        ("alarms: [shop]", "no AWS region"),
    ] {
        let config = format!("version: 1\nenvironments:\n  dev:\n    bake:\n      for: 1m\n      {below}\n");
        repository.write(".github/sluice.yml", config);
        let run = repository.run("smoke-test").argument("bake").input("environment", "dev");
        let outcome = run.input("variables", "colour=green").in_actions().ends();
        outcome.exits(2).says(
            what.split_once(' ').filter(|(place, _)| place.contains(".yml:")).map_or(what, |(_, what)| what),
        );
        outcome.says(".github/sluice.yml:");
    }
    repository
        .run("smoke-test")
        .argument("bake")
        .in_actions()
        .ends()
        .exits(2)
        .says("there is nothing to measure");
}
