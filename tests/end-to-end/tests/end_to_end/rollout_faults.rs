//! Each fault at each write of a run: whatever happens, the end is all new or all old, and someone serves all the time.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sluice_kubernetes_fake::{Behaviour, Fault, Kubernetes, KubernetesReply as _, Reply, Request};

use crate::rollout::shop::Shop;

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    /// Two workloads, one after the other.
    Deploy,
    /// The same, where the second never runs.
    Rollback,
    Switch,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    TooManyRequests,
    InternalError,
    Reset,
    LostReply,
    ErrorAfterEffect,
    BadGateway,
    ExpiredToken,
    ForgottenWatches,
    /// From here on, until someone takes the run up.
    Denied,
    Terminated,
    Killed,
}

const ALL: [Wrong; 11] = [
    Wrong::TooManyRequests,
    Wrong::InternalError,
    Wrong::Reset,
    Wrong::LostReply,
    Wrong::ErrorAfterEffect,
    Wrong::BadGateway,
    Wrong::ExpiredToken,
    Wrong::ForgottenWatches,
    Wrong::Denied,
    Wrong::Terminated,
    Wrong::Killed,
];

impl Wrong {
    fn title(self) -> &'static str {
        match self {
            Self::TooManyRequests => "429",
            Self::InternalError => "500",
            Self::Reset => "reset",
            Self::LostReply => "reply lost",
            Self::ErrorAfterEffect => "500 after effect",
            Self::BadGateway => "502 HTML",
            Self::ExpiredToken => "401",
            Self::ForgottenWatches => "410, watches cut",
            Self::Denied => "403 from here, resume",
            Self::Terminated => "SIGTERM, resume",
            Self::Killed => "SIGKILL, resume",
        }
    }

    fn fault(self) -> Option<Fault> {
        Some(match self {
            Self::TooManyRequests => Fault::Answer(Reply::too_many_requests(1)),
            Self::InternalError => Fault::Answer(Reply::internal_error()),
            Self::Reset => Fault::Reset,
            Self::LostReply => Fault::LoseReply,
            Self::ErrorAfterEffect => Fault::AnswerAfter(Reply::internal_error()),
            Self::BadGateway => Fault::Answer(Reply::bad_gateway()),
            Self::ExpiredToken => Fault::Answer(Reply::unauthorized()),
            Self::Denied => Fault::Answer(Reply::refusal(
                403,
                "Forbidden",
                "deployments.apps \"web\" is forbidden: User \"tester\" cannot do that in the namespace \"shop\"",
            )),
            // The run is ended while the write is under way.
            Self::Terminated | Self::Killed => Fault::Delay(Duration::from_millis(300)),
            Self::ForgottenWatches => return None,
        })
    }

    fn goes_on(self) -> bool {
        self == Self::Denied
    }
}

fn is_write(request: &Request) -> bool {
    !request.is_read() && !request.path.contains("selfsubjectaccessreviews") && !is_renewal(request)
}

/// When a lease is renewed is up to the clock.
fn is_renewal(request: &Request) -> bool {
    request.method == "PUT" && request.path.contains("/leases/")
}

/// `PATCH deployments/web`.
fn told(request: &Request) -> String {
    let parts: Vec<&str> = request.path.rsplitn(3, '/').collect();
    match request.method.as_str() {
        "POST" => format!("POST {}", parts[0]),
        method => format!("{method} {}/{}", parts[1], parts[0]),
    }
}

impl Scenario {
    fn shop(self) -> Shop {
        match self {
            Self::Deploy | Self::Rollback => {
                let shop = Shop::with_web(1);
                shop.workload("Deployment", "api", "shop/api:1", 1);
                shop.until_available("api", 1);
                if self == Self::Rollback {
                    shop.kubernetes.image("shop/web:2").behaves(Behaviour::ImagePullBackOff);
                }
                shop.repository.write(
                    ".github/sluice.yml",
                    "version: 1\ncomponents:\n  web: {paths: [a], needs: [api], workloads: [deployment/web]}\n  api: {paths: [a], workloads: [deployment/api]}\n",
                );
                shop
            }
            Self::Switch => {
                let shop = Shop::with_colours();
                shop.rollout(&["deploy", "--service=web", "--image=shop/web:2", "--stable-for=0s"])
                    .ends()
                    .exits(0);
                shop
            }
        }
    }

    fn words(self) -> Vec<&'static str> {
        let workloads = "--workload=deployment/web,deployment/api";
        match self {
            Self::Deploy | Self::Rollback => {
                vec!["deploy", workloads, "--image=shop/web:2", "--image=shop/api:2", "--stable-for=100ms"]
            }
            Self::Switch => vec!["switch", "--service=web", "--colour=green", "--stable-for=100ms"],
        }
    }

    /// `new`, `old`, or what is neither.
    fn state(self, shop: &Shop) -> String {
        let seen = match self {
            Self::Switch => vec![shop.live()],
            Self::Deploy | Self::Rollback => {
                let running = |name| {
                    let mut images = shop.running(name);
                    images.dedup();
                    images.join("+")
                };
                vec![running("web-"), running("api-")]
            }
        };
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        match seen.as_slice() {
            ["shop/web:2", "shop/api:2"] | ["green"] => "new".to_owned(),
            ["shop/web:1", "shop/api:1"] | ["blue"] => "old".to_owned(),
            other => format!("HALF: {}", other.join(" ")),
        }
    }

    /// The writes of a run in which nothing goes wrong.
    fn steps(self) -> Vec<String> {
        let shop = self.shop();
        let before = shop.kubernetes.requests().len();
        shop.rollout(&self.words()).ends();
        shop.kubernetes.requests()[before..].iter().filter(|request| is_write(request)).map(told).collect()
    }
}

/// Whether a pod that the Service selects is ready.
fn someone_serves(kubernetes: &Kubernetes) -> bool {
    let selector = kubernetes.get("services", "shop", "web")["spec"]["selector"].clone();
    kubernetes.all("pods", "shop").iter().any(|pod| {
        let fits = selector
            .as_object()
            .into_iter()
            .flatten()
            .all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        fits && conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
    })
}

/// One run with one fault at one write; the cell of the table.
fn happens(scenario: Scenario, step: usize, wrong: Wrong) -> String {
    let shop = scenario.shop();
    let (seen, is_there, is_over) =
        (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (here, over) = (Arc::clone(&is_there), Arc::clone(&is_over));
    shop.kubernetes.faults(move |request| {
        if over.load(Ordering::SeqCst) || !is_write(request) {
            return None;
        }
        let number = seen.fetch_add(1, Ordering::SeqCst);
        if number == step {
            here.store(true, Ordering::SeqCst);
        }
        let meets = if wrong.goes_on() { number >= step } else { number == step };
        meets.then(|| wrong.fault()).flatten()
    });
    let is_done = AtomicBool::new(false);
    let (code, mut served) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut served = true;
            while !is_done.load(Ordering::SeqCst) {
                served &= someone_serves(&shop.kubernetes);
                std::thread::sleep(Duration::from_millis(5));
            }
            served
        });
        let running = shop.rollout(&scenario.words()).starts();
        if matches!(wrong, Wrong::Terminated | Wrong::Killed | Wrong::ForgottenWatches) {
            let began = Instant::now();
            while !is_there.load(Ordering::SeqCst) && began.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(2));
            }
            match wrong {
                Wrong::Terminated => _ = running.terminate(),
                Wrong::Killed => _ = running.kill(),
                _ => {
                    shop.kubernetes.forget();
                    shop.kubernetes.break_watches();
                }
            }
        }
        let code = running.ends().code;
        is_over.store(true, Ordering::SeqCst);
        is_done.store(true, Ordering::SeqCst);
        (code, watch.join().unwrap())
    });
    let mut cell = code.map_or("killed".to_owned(), |code| format!("exit {code}"));
    if !is_there.load(Ordering::SeqCst) {
        cell.push_str(" (the step was not reached)");
    }
    if shop.has_journal() || wrong == Wrong::Killed {
        // A lease of one that was killed runs out by itself.
        for lease in shop.kubernetes.all("leases.coordination.k8s.io", "shop") {
            let name = lease["metadata"]["name"].as_str().unwrap().to_owned();
            shop.kubernetes.delete("leases.coordination.k8s.io", "shop", &name);
        }
        let resumed = shop.rollout(&["resume", "--stable-for=100ms"]).ends();
        _ = write!(cell, ", resume {}", resumed.code.unwrap_or(-1));
    }
    served &= someone_serves(&shop.kubernetes);
    let state = scenario.state(&shop);
    let is_clean = !shop.has_journal();
    _ = write!(
        cell,
        ": {state}{}{}",
        if served { "" } else { ", OUTAGE" },
        if is_clean { "" } else { ", JOURNAL LEFT" }
    );
    cell
}

#[test]
fn each_fault_at_each_step_ends_all_new_or_all_old() {
    let mut table = String::new();
    let mut bad = Vec::new();
    for scenario in [Scenario::Deploy, Scenario::Rollback, Scenario::Switch] {
        let steps = scenario.steps();
        let jobs: Vec<(usize, Wrong)> =
            (0..steps.len()).flat_map(|step| ALL.map(|wrong| (step, wrong))).collect();
        let (next, cells) = (AtomicUsize::new(0), Mutex::new(vec![String::new(); jobs.len()]));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::SeqCst);
                        let Some((step, wrong)) = jobs.get(at).copied() else { break };
                        let cell = happens(scenario, step, wrong);
                        println!("{scenario:?}, {}, {}: {cell}", steps[step], wrong.title());
                        cells.lock().unwrap()[at] = cell;
                    }
                });
            }
        });
        let titles: Vec<&str> = ALL.iter().map(|wrong| wrong.title()).collect();
        _ = writeln!(table, "\n| {scenario:?} | {} |\n|---|{}", titles.join(" | "), "---|".repeat(ALL.len()));
        let cells = cells.into_inner().unwrap();
        for (step, row) in steps.iter().zip(cells.chunks(ALL.len())) {
            _ = writeln!(table, "| {step} | {} |", row.join(" | "));
            for (cell, wrong) in row.iter().zip(ALL) {
                let is_whole = cell.ends_with(": new") || cell.ends_with(": old");
                let is_meant = scenario != Scenario::Rollback || cell.ends_with(": old");
                if !is_whole || !is_meant {
                    bad.push(format!("{scenario:?}, {step}, {}: {cell}", wrong.title()));
                }
            }
        }
    }
    println!("{table}");
    assert!(bad.is_empty(), "{table}\n{}", bad.join("\n"));
}
