//! All checks at once, each until it passes or its patience is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_core::{Context, Interrupted, Problem, Verdict};
use tokio::sync::{Semaphore, SetOnce};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::expect::Expectation;
use crate::patience;
use crate::plan::Plan;
use crate::probe::{Attempt, Next, Probe};
use crate::progress::Progress;
use crate::samples::{Sampled, Samples};
use crate::trouble::Reach;

/// How a run of all checks ended.
#[derive(Debug)]
pub(crate) struct End {
    /// What became of each check, in the order of the plan.
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) duration: Duration,
    /// Why the run ended before its checks did.
    pub(crate) interrupted: Option<Interrupted>,
}

/// What became of a check, so far.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) tries: u32,
    /// The time from the first try on.
    pub(crate) duration: Duration,
    pub(crate) last: Option<Attempt>,
    /// The last wrong answer, where the host could not be reached any more after it.
    pub(crate) earlier: Option<String>,
    /// The versions that answered, in the order they came, and how often each did.
    pub(crate) versions: Vec<(String, u32)>,
    /// The check as it was tried, where captures were filled in.
    pub(crate) filled: Option<Arc<Probe>>,
    /// What many answers were like.
    pub(crate) sampled: Option<Sampled>,
    /// Whether the host, or what stands at its address, ever answered.
    pub(crate) was_reached: bool,
    /// Whether it was not tried to its end because of another check.
    pub(crate) is_blocked: bool,
    /// Whether no try follows.
    pub(crate) is_final: bool,
}

/// Runs the checks of a plan.
///
/// When the run is told to end, what is known so far is its end.
pub(crate) fn all_checks(plan: &Plan, cx: &Context) -> Result<End, Problem> {
    let board = Board::new(plan.probes.len());
    let mut progress = Progress::new(cx);
    let started = std::time::Instant::now();
    let worked = cx.block_on(work(plan, &board, &mut progress));
    progress.end();
    plan.secrets.mask(cx);
    let interrupted = match worked {
        Ok(()) => None,
        Err(problem) => Some(cx.cancellation().check().err().ok_or(problem)?),
    };
    let mut outcomes: Vec<_> =
        board.lock().outcomes.iter().map(|outcome| outcome.ended_by(interrupted)).collect();
    doubt_silence(&plan.probes, &mut outcomes);
    Ok(End { outcomes, duration: started.elapsed(), interrupted })
}

/// Works on all checks and says now and then how far it is.
async fn work(plan: &Plan, board: &Board, progress: &mut Progress<'_>) {
    let crew = Arc::new(Crew {
        probes: plan.probes.clone(),
        network: plan.network.clone(),
        secrets: plan.secrets.clone(),
        slots: Semaphore::new(plan.concurrency),
        board: board.clone(),
        passed: plan.probes.iter().map(|_| SetOnce::new()).collect(),
        first_failure: SetOnce::new(),
        is_fail_fast: plan.is_fail_fast,
    });
    let mut checks = JoinSet::new();
    for index in 0..plan.probes.len() {
        let crew = crew.clone();
        checks.spawn(async move { crew.pursue(index).await });
    }
    loop {
        tokio::select! {
            joined = checks.join_next() => if joined.is_none() { return },
            () = progress.is_due() => progress.show(&plan.probes, &board.lock().outcomes),
        }
    }
}

/// What all checks share.
struct Crew {
    probes: Vec<Arc<Probe>>,
    network: Arc<crate::network::Network>,
    secrets: Arc<crate::secrets::Secrets>,
    slots: Semaphore,
    board: Board,
    /// For each check, whether it has passed, once that stands.
    passed: Vec<SetOnce<bool>>,
    /// The first check that failed for good, where that ends all.
    first_failure: SetOnce<usize>,
    is_fail_fast: bool,
}

impl Crew {
    /// Waits for what a check needs, then tries it until its outcome stands.
    async fn pursue(&self, index: usize) {
        let probe = &self.probes[index];
        for needed in &probe.needs {
            let has_passed = tokio::select! {
                has_passed = self.passed[*needed].wait() => *has_passed,
                first = self.first_failure.wait() => return self.give_up(index, *first),
            };
            if !has_passed {
                self.block(
                    index,
                    format!("not tried: it needs \"{}\", which did not pass", self.probes[*needed].name),
                );
                return;
            }
        }
        let probe = match self.filled(index) {
            Ok(probe) => probe,
            Err(problem) => {
                let reason = format!("can't be sent with what was captured: {}", problem.what);
                let attempt = Attempt {
                    verdict: Verdict::Failed,
                    next: Next::Final("what was captured does not change"),
                    ..Attempt::passed(self.secrets.strike(&reason))
                };
                self.board.take(index, probe.file, attempt, Duration::ZERO, true);
                return self.finish(index);
            }
        };
        tokio::select! {
            () = self.work_on(index, &probe) => self.finish(index),
            first = self.first_failure.wait() => self.give_up(index, *first),
        }
    }

    /// The check with what was captured by now.
    fn filled(&self, index: usize) -> Result<Arc<Probe>, Problem> {
        let probe = &self.probes[index];
        if probe.template.is_none() {
            return Ok(probe.clone());
        }
        let mut notes = self.board.lock();
        let filled = Arc::new(probe.with(notes.captured(probe.file))?);
        filled.learn_secrets(&self.secrets);
        notes.outcomes[index].filled = Some(filled.clone());
        Ok(filled)
    }

    /// Tries a check until it has passed, then samples it where that is asked for.
    async fn work_on(&self, index: usize, probe: &Probe) {
        let mut started = None;
        let mut streak = 0;
        for tries in 1.. {
            let mut attempt = self.attempt(probe, &mut started).await;
            let elapsed = started.map_or(Duration::ZERO, |started: Instant| started.elapsed());
            streak = if attempt.verdict == Verdict::Passed { streak + 1 } else { 0 };
            let wait = match (&probe.version, attempt.next) {
                (Some(version), Next::Done) if streak < version.consecutive => {
                    let short =
                        format!("only {streak} of {} answers in a row tell the version", version.consecutive);
                    attempt = Attempt { verdict: Verdict::Failed, reason: short, ..attempt };
                    // When no other version answered so far, what is left takes no patience.
                    (elapsed < probe.patience || streak == tries).then_some(BETWEEN_ANSWERS)
                }
                (_, Next::Again(asked)) => {
                    patience::wait(probe.patience, elapsed, tries, asked, sluice_http::jitter())
                }
                (_, Next::Done | Next::Final(_)) => None,
            };
            let samples = probe.samples.as_ref().filter(|_| attempt.verdict == Verdict::Passed);
            self.board.take(index, probe.file, attempt, elapsed, wait.is_none() && samples.is_none());
            if let Some(samples) = samples {
                return self.sample(index, probe, samples, &mut started).await;
            }
            match wait {
                Some(wait) => sleep(wait).await,
                None => return,
            }
        }
    }

    /// Sends a request many times; that it passed once before was the start-up.
    async fn sample(&self, index: usize, probe: &Probe, samples: &Samples, started: &mut Option<Instant>) {
        let mut seen = Sampled::default();
        let mut last = None;
        for _ in 0..samples.count {
            let attempt = self.attempt(probe, started).await;
            match (attempt.verdict, attempt.timings) {
                (Verdict::Passed, Some(timings)) => seen.right(timings.total),
                _ => seen.wrong(&attempt.reason),
            }
            if last.is_none() || attempt.verdict != Verdict::Passed {
                last = Some(attempt);
            }
        }
        let summary = seen.summary();
        let mismatches = samples.judge(&seen);
        let last = last.unwrap_or_else(|| Attempt::passed(""));
        let attempt = if mismatches.is_empty() {
            Attempt { timings: last.timings, ..Attempt::passed(summary) }
        } else {
            let failed = Attempt { timings: last.timings, answer: last.answer, ..Attempt::passed("") };
            Attempt { next: Next::Done, ..failed.failed(mismatches) }
        };
        let elapsed = started.map_or(Duration::ZERO, |started| started.elapsed());
        let mut board = self.board.lock();
        let outcome = &mut board.outcomes[index];
        outcome.tries = 0;
        outcome.sampled = Some(seen);
        outcome.take(attempt, elapsed, true);
    }

    /// Tries once. A slot is held while a request is under way, not while waiting.
    async fn attempt(&self, probe: &Probe, started: &mut Option<Instant>) -> Attempt {
        let _slot = self.slots.acquire().await;
        started.get_or_insert_with(Instant::now);
        probe.attempt(&self.network, &self.secrets).await
    }

    /// Lets those know that wait for a check.
    fn finish(&self, index: usize) {
        let verdict = self.board.lock().outcomes[index].verdict;
        let _ = self.passed[index].set(verdict == Verdict::Passed);
        if self.is_fail_fast && verdict == Verdict::Failed {
            let _ = self.first_failure.set(index);
        }
    }

    fn give_up(&self, index: usize, first: usize) {
        let verdict = self.board.lock().outcomes[index].verdict;
        // What was wrong so far may yet have become right.
        if verdict != Verdict::Passed && index != first {
            self.block(
                index,
                format!("given up: \"{}\" failed, and fail-fast is set", self.probes[first].name),
            );
        }
    }

    fn block(&self, index: usize, reason: String) {
        let mut board = self.board.lock();
        let outcome = &mut board.outcomes[index];
        outcome.verdict = Verdict::Undecided;
        outcome.reason = reason;
        outcome.is_blocked = true;
        outcome.is_final = true;
        drop(board);
        self.finish(index);
    }
}

/// Between two answers of the right version. Each comes over a connection of its own, for which a balancer chooses anew at
/// once; the pause only keeps them from being a burst.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(25);

/// Takes back what silence seems to prove when nothing at all was reached: the runner may have no network.
fn doubt_silence(probes: &[Arc<Probe>], outcomes: &mut [Outcome]) {
    if outcomes.iter().any(|outcome| outcome.was_reached) {
        return;
    }
    for (probe, outcome) in probes.iter().zip(outcomes) {
        let is_wanted = matches!(probe.expectation, Expectation::Unreachable);
        let Some(last) = outcome.last.as_mut().filter(|last| last.reach == Reach::Silent) else { continue };
        if is_wanted && outcome.verdict == Verdict::Passed {
            outcome.verdict = Verdict::Undecided;
            "nothing came back, but nothing else was reached either: the network here may be down"
                .clone_into(&mut outcome.reason);
            last.help = Some("add a check of something that must be reachable from here".to_owned());
        }
    }
}

/// Where the checks note what they see.
#[derive(Clone, Debug)]
struct Board(Arc<Mutex<Notes>>);

/// What is noted.
#[derive(Debug)]
struct Notes {
    outcomes: Vec<Outcome>,
    /// What was captured, by file.
    captured: HashMap<usize, HashMap<String, String>>,
}

impl Notes {
    fn captured(&self, file: usize) -> impl Iterator<Item = (&String, &String)> {
        self.captured.get(&file).into_iter().flatten()
    }
}

impl Board {
    fn new(checks: usize) -> Self {
        let outcomes = vec![Outcome::unknown(); checks];
        Self(Arc::new(Mutex::new(Notes { outcomes, captured: HashMap::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, index: usize, file: usize, attempt: Attempt, elapsed: Duration, is_final: bool) {
        let mut notes = self.lock();
        if !attempt.captured.is_empty() {
            notes.captured.entry(file).or_default().extend(attempt.captured.iter().cloned());
        }
        notes.outcomes[index].take(attempt, elapsed, is_final);
    }
}

impl Outcome {
    pub(crate) fn unknown() -> Self {
        Self {
            verdict: Verdict::Undecided,
            reason: "no answer yet".to_owned(),
            tries: 0,
            duration: Duration::ZERO,
            last: None,
            earlier: None,
            versions: Vec::new(),
            filled: None,
            sampled: None,
            was_reached: false,
            is_blocked: false,
            is_final: false,
        }
    }

    /// Takes one more try in.
    ///
    /// A host that once answered can be reached: when it no longer can, that is its failure, not the network's.
    pub(crate) fn take(&mut self, attempt: Attempt, elapsed: Duration, is_final: bool) {
        let was_answered = self.verdict == Verdict::Failed;
        self.tries += 1;
        self.duration = elapsed;
        self.is_final = is_final;
        self.was_reached |= matches!(attempt.reach, Reach::Refused | Reach::Reached);
        if let Some(version) = &attempt.version {
            match self.versions.iter_mut().find(|(known, _)| known == version) {
                Some((_, count)) => *count += 1,
                None => self.versions.push((version.clone(), 1)),
            }
        }
        if attempt.verdict == Verdict::Undecided && was_answered {
            self.earlier.get_or_insert_with(|| self.reason.clone());
        } else {
            self.verdict = attempt.verdict;
            self.earlier = None;
        }
        self.reason.clone_from(&attempt.reason);
        self.last = Some(attempt);
    }

    /// What the outcome is worth after an end that came from outside.
    ///
    /// The deadline ends every patience: what was wrong then is wrong. Whoever stops the run does not want to know.
    fn ended_by(&self, interrupted: Option<Interrupted>) -> Self {
        let mut outcome = self.clone();
        let Some(interrupted) = interrupted.filter(|_| !self.is_final) else { return outcome };
        if outcome.verdict == Verdict::Passed {
            outcome.reason = format!("not sampled to the end when the run ended: {interrupted}");
        }
        if interrupted != Interrupted::Deadline || outcome.verdict == Verdict::Passed {
            outcome.verdict = Verdict::Undecided;
        }
        if outcome.tries == 0 {
            outcome.reason = format!("no answer yet when the run ended: {interrupted}");
        }
        outcome
    }
}

impl End {
    /// How many checks have a verdict.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count()
    }

    /// The verdict of all: a certain no is a no, whatever else could not be found out.
    pub(crate) fn verdict(&self) -> Verdict {
        let has = |verdict| self.count(verdict) > 0;
        if has(Verdict::Failed) {
            Verdict::Failed
        } else if has(Verdict::Undecided) {
            Verdict::Undecided
        } else {
            Verdict::Passed
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use Verdict::{Failed, Passed, Undecided};
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::plan::tests::plan;
    use crate::server::{send, serve};

    /// Works on the checks of a file against a server and gives what became of each.
    async fn run(checks: &str, base: &str) -> Vec<Outcome> {
        run_plan(&plan(checks, base)).await
    }

    async fn run_plan(plan: &Plan) -> Vec<Outcome> {
        let board = Board::new(plan.probes.len());
        work(plan, &board, &mut Progress::silent()).await;
        let mut outcomes = board.lock().outcomes.clone();
        doubt_silence(&plan.probes, &mut outcomes);
        outcomes
    }

    async fn run_one(check: &str, base: &str) -> Outcome {
        run(&format!("checks: [{check}]"), base).await.remove(0)
    }

    const ONCE: &str = "retry-timeout: 0s";

    #[tokio::test]
    async fn a_check_is_tried_until_it_passes() {
        let base = serve(async |n, _, stream| match n {
            1 => drop(stream),
            2 => send(stream, 503, b"starting").await,
            3 => send(stream, 200, b"old").await,
            _ => send(stream, 200, b"new").await,
        })
        .await;
        let outcome = run_one("{http: /, expect: {body: new}}", &base).await;
        assert_eq!((outcome.verdict, outcome.tries, outcome.is_final), (Passed, 4, true));
    }

    #[tokio::test]
    async fn a_wrong_request_is_not_tried_again() {
        let base = serve(async |_, _, stream| send(stream, 404, b"").await).await;
        let outcome = run_one("{http: /}", &base).await;
        assert_eq!((outcome.verdict, outcome.tries), (Failed, 1));
        assert_eq!(outcome.reason, "status 404");
        assert!(matches!(outcome.last.unwrap().next, Next::Final(_)));
    }

    #[tokio::test]
    async fn a_4xx_that_asks_for_another_time_or_is_expected_is_tried_again() {
        let base = serve(async |n, _, stream| match n {
            1 => send(stream, 429, b"").await,
            2 => send(stream, 404, b"wrong page").await,
            _ => send(stream, 404, b"no such order").await,
        })
        .await;
        let check = "{http: /, expect: {status: 404, body: {contains: order}}}";
        assert_eq!(run_one(check, &base).await.tries, 3);
    }

    #[tokio::test]
    async fn a_post_is_repeated_only_when_the_check_says_so() {
        let base =
            serve(async |n, _, stream| send(stream, if n % 2 == 1 { 500 } else { 200 }, b"").await).await;
        let outcome = run_one("{http: {url: /, method: POST}}", &base).await;
        assert_eq!((outcome.verdict, outcome.tries), (Failed, 1));
        let base =
            serve(async |n, _, stream| send(stream, if n % 2 == 1 { 500 } else { 200 }, b"").await).await;
        let outcome = run_one("{http: {url: /, method: POST}, retry-timeout: 1m}", &base).await;
        assert_eq!((outcome.verdict, outcome.tries), (Passed, 2));
    }

    #[tokio::test]
    async fn a_host_that_refuses_is_a_failure() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let outcome = run_one(&format!("{{http: /, {ONCE}}}"), &format!("http://{closed}")).await;
        assert_eq!((outcome.verdict, outcome.tries), (Failed, 1));
        assert!(outcome.reason.contains("connection refused"), "{}", outcome.reason);
        assert!(outcome.last.unwrap().help.unwrap().starts_with("is the service up"));
    }

    #[tokio::test]
    async fn requests_under_way_are_bounded() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = most.clone();
        let base = serve(move |_, _, stream| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                send(stream, 200, b"").await;
            }
        })
        .await;
        let many: Vec<_> = (0..50).map(|n| format!("{{http: /{n}}}")).collect();
        let plan = Plan { concurrency: 4, ..plan(&format!("checks: [{}]", many.join(",")), &base) };
        let outcomes = run_plan(&plan).await;
        assert!(outcomes.iter().all(|outcome| outcome.verdict == Passed));
        assert_eq!(seen.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_check_that_waits_holds_no_other_up() {
        let is_b_asked = Arc::new(AtomicUsize::new(0));
        let base = serve(move |_, head, stream| {
            let is_b = usize::from(head.starts_with("GET /b"));
            let is_up = is_b_asked.fetch_or(is_b, Ordering::SeqCst) | is_b == 1;
            send(stream, if is_up { 200 } else { 503 }, b"")
        })
        .await;
        let plan = Plan { concurrency: 1, ..plan("checks: [{http: /a}, {http: /b}]", &base) };
        let outcomes = run_plan(&plan).await;
        assert_eq!(outcomes.iter().map(|outcome| outcome.tries).collect::<Vec<_>>(), [2, 1]);
    }

    #[tokio::test]
    async fn an_endless_body_is_read_to_a_bound() {
        let base = serve(async |_, _, mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n").await;
            while stream.write_all(&[b' '; 1 << 14]).await.is_ok() {}
        })
        .await;
        let checks = format!(
            "checks: [{{name: a, http: /, {ONCE}}}, {{name: b, http: /, {ONCE}, expect: {{json: {{$.a: 1}}}}}}]"
        );
        let outcomes = run(&checks, &base).await;
        assert_eq!(outcomes[0].verdict, Passed);
        assert_eq!(outcomes[1].verdict, Failed);
        assert_eq!(outcomes[1].reason, "body is too large to be read as JSON");
    }

    #[tokio::test]
    async fn an_answer_that_drips_or_breaks_is_a_failure() {
        let base = serve(async |_, head, mut stream| {
            if head.starts_with("GET /drip") {
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\n").await;
                while stream.write_all(b".").await.is_ok() {
                    sleep(Duration::from_millis(20)).await;
                }
            } else if head.starts_with("GET /half") {
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\nhalf").await;
            } else {
                let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
            }
        })
        .await;
        let checks = format!(
            "checks: [{{http: {{url: /drip, timeout: 200ms}}, {ONCE}}}, {{http: /half, {ONCE}}}, {{http: /other, {ONCE}}}]"
        );
        let outcomes = run(&checks, &base).await;
        let told = outcomes.iter().map(|outcome| {
            assert_eq!(outcome.verdict, Failed, "{outcome:?}");
            outcome.reason.replace(&base, "http://host")
        });
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"
        the answer from http://host began, but was not complete within 200ms
        http://host closed the connection before its answer was complete: end of file before message length reached
        http://host did not answer in HTTP: invalid HTTP version parsed
        ");
    }

    fn attempt(verdict: Verdict, reason: &str) -> Attempt {
        Attempt { verdict, reason: reason.to_owned(), next: Next::Again(None), ..Attempt::passed("") }
    }

    #[test]
    fn a_host_that_answered_once_is_not_out_of_reach() {
        let mut outcome = Outcome::unknown();
        for (verdict, reason) in
            [(Undecided, "refused"), (Failed, "503"), (Undecided, "gone"), (Undecided, "away")]
        {
            outcome.take(attempt(verdict, reason), Duration::ZERO, false);
        }
        assert_eq!((outcome.verdict, outcome.reason.as_str()), (Failed, "away"));
        assert_eq!(outcome.earlier.as_deref(), Some("503"));
        outcome.take(attempt(Passed, "200"), Duration::ZERO, true);
        assert_eq!((outcome.verdict, outcome.earlier), (Passed, None));
    }

    #[test]
    fn the_deadline_ends_patience_and_a_signal_ends_the_question() {
        let mut failing = Outcome::unknown();
        failing.take(attempt(Failed, "503"), Duration::ZERO, false);
        assert_eq!(failing.ended_by(Some(Interrupted::Deadline)).verdict, Failed);
        assert_eq!(failing.ended_by(Some(Interrupted::Terminate)).verdict, Undecided);
        let untried = Outcome::unknown().ended_by(Some(Interrupted::Deadline));
        assert_eq!(untried.verdict, Undecided);
        assert_eq!(untried.reason, "no answer yet when the run ended: the deadline is over");
        let failed = Outcome { is_final: true, ..failing };
        assert_eq!(failed.ended_by(Some(Interrupted::Terminate)).verdict, Failed);
    }

    #[test]
    fn a_certain_no_is_a_no() {
        let end = |verdicts: &[Verdict]| {
            let outcomes = verdicts.iter().map(|verdict| Outcome { verdict: *verdict, ..Outcome::unknown() });
            End { outcomes: outcomes.collect(), duration: Duration::ZERO, interrupted: None }.verdict()
        };
        assert_eq!(end(&[Passed, Passed]), Passed);
        assert_eq!(end(&[Passed, Undecided]), Undecided);
        assert_eq!(end(&[Undecided, Failed, Passed]), Failed);
    }
}
