//! Measuring: all metrics at once, at an interval, until the answer is certain.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sluice_core::Context;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::course::{Asked, Course, Measurement};
use crate::judge::{self, Judgement, Readings};
use crate::limits::{Phase, Status};
use crate::plan::{Bake, Metric, Test};
use crate::query::{Answer, Role, Trouble};

/// What came back for the questions of one metric, in their order.
type Answers = Vec<Result<Answer, Trouble>>;

impl Bake {
    /// Measures until the answer is certain, and says each measurement with what it asked. What was measured stays in
    /// `course` when the work is dropped on the way.
    ///
    /// Needs a tokio runtime with time and I/O.
    pub async fn watch(&self, cx: &Context, course: &mut Course) {
        sleep(self.initial_delay).await;
        let mut ticks = interval_at(Instant::now() + self.interval, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while course.is_running() {
            ticks.tick().await;
            self.measure(cx, course).await;
        }
    }

    /// Measures once what is not over yet.
    async fn measure(&self, cx: &Context, course: &mut Course) {
        let now = cx.now();
        let running: Vec<usize> = (0..course.tracks.len())
            .filter(|index| course.tracks[*index].status() == Status::Running)
            .collect();
        let mut answers = self.ask(&running, now).await;
        for index in running {
            let metric = &self.metrics[index];
            let (measurement, trouble) = metric.measurement(now, answers.remove(&index).unwrap_or_default());
            let track = &mut course.tracks[index];
            for line in measurement.lines(&metric.name) {
                cx.say(&line);
            }
            track.measurements.push(measurement);
            track.broken = trouble.filter(|trouble| trouble.is_final);
        }
    }

    /// Asks all questions of these metrics at once.
    async fn ask(&self, metrics: &[usize], now: Timestamp) -> BTreeMap<usize, Answers> {
        let sources = Arc::new(self.sources.clone());
        let mut tasks = JoinSet::new();
        for &index in metrics {
            for (position, question) in self.metrics[index].questions.iter().cloned().enumerate() {
                let sources = sources.clone();
                tasks.spawn(async move { (index, position, sources.ask(&question, now).await) });
            }
        }
        let mut answers: Vec<_> = tasks.join_all().await;
        answers.sort_by_key(|(index, position, _)| (*index, *position));
        let mut by_metric: BTreeMap<usize, Answers> = BTreeMap::new();
        for (index, _, answer) in answers {
            by_metric.entry(index).or_default().push(answer);
        }
        by_metric
    }
}

impl Metric {
    /// What answers amount to, and what kept them away.
    fn measurement(&self, at: Timestamp, answers: Answers) -> (Measurement, Option<Trouble>) {
        let asked = self.questions.iter().zip(&answers).map(|(question, answer)| Asked {
            name: question.name.clone(),
            query: question.resolved(at),
            answer: answer.as_ref().map_or_else(|_| "no answer".to_owned(), ToString::to_string),
        });
        let asked = asked.collect();
        let (judgement, trouble) = match self.judge(answers) {
            Ok(judgement) => (judgement, None),
            Err(trouble) => {
                let reason = trouble.why.clone();
                let judgement = Judgement { phase: Phase::Error, value: None, min: None, max: None, reason };
                (judgement, Some(trouble))
            }
        };
        let Judgement { phase, value, min, max, reason } = judgement;
        let help = match &trouble {
            Some(trouble) => trouble.help.clone(),
            None => self.help(phase),
        };
        (Measurement { at, phase, value, reason, asked, min, max, help }, trouble)
    }

    fn judge(&self, answers: Answers) -> Result<Judgement, Trouble> {
        let (mut current, mut baseline) = (Readings::default(), None::<Readings>);
        for (question, answer) in self.questions.iter().zip(answers) {
            let reading = match answer? {
                Answer::Alarms(states) => return Ok(judge::alarms(&states)),
                Answer::Number(reading) => reading,
            };
            match question.role {
                Role::Value => current.value = reading,
                Role::Total => current.total = Some(reading),
                Role::BaselineValue => baseline.get_or_insert_default().value = reading,
                Role::BaselineTotal => baseline.get_or_insert_default().total = Some(reading),
            }
        }
        match &self.rule {
            Test::Number(rule) => Ok(rule.judge(current, baseline)),
            Test::NoneInAlarm => Err(Trouble::lasting("no states of alarms came back")),
        }
    }

    /// What helps where there was too little to judge.
    fn help(&self, phase: Phase) -> Option<String> {
        let help = match (&self.rule, phase) {
            (Test::NoneInAlarm, Phase::Inconclusive) => {
                "an alarm without data knows nothing: let it treat missing data as notBreaching, or raise `inconclusive-limit`"
            }
            (Test::Number(_), Phase::Inconclusive) => {
                "send it traffic, wait for the first data with `initial-delay`, or raise `inconclusive-limit`"
            }
            _ => return None,
        };
        Some(help.to_owned())
    }
}

impl Measurement {
    /// The measurement for a log: what came out, then what was asked for it.
    fn lines(&self, name: &str) -> Vec<String> {
        let time = self.at.strftime("%H:%M:%SZ");
        let mut lines = vec![format!("{time}  {} {name}  {}", self.phase.sign(), self.reason)];
        lines.extend(
            self.asked
                .iter()
                .map(|asked| format!("             {} = {}  {}", asked.name, asked.answer, asked.query)),
        );
        lines
    }
}

impl Phase {
    const fn sign(self) -> char {
        match self {
            Self::Successful => '✓',
            Self::Failed => '✗',
            Self::Inconclusive => '?',
            Self::Error => '!',
        }
    }
}
