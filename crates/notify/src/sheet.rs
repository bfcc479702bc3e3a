//! What a message shows, in the words and the order that all channels share.
//!
//! Each channel lends its [`Voice`]: how it writes strangers' text so that it is dead in its own syntax. Everything
//! else here is words of ours.

use sluice_config::Event;
use sluice_core::Verdict;

use crate::{
    progress::State,
    story::{Change, ChangeCommit, Commit, Step, Story},
    untrusted::{Untrusted, length},
};

/// The longest name that is shown.
pub(crate) const NAME: usize = 120;
/// The longest line of prose that is shown.
pub(crate) const TITLE: usize = 300;
/// The label of the fact that tells commits.
pub(crate) const CHANGES: &str = "Changes";
/// How many names a fact shows.
const NAMES: usize = 3;
/// How many steps are shown: more is no message but a log.
const STEPS: usize = 20;
/// How many reasons a step shows.
const REASONS: usize = 3;
/// How many stages are shown, and how long their names are at most.
const STAGES: (usize, usize) = (12, 40);
/// An address that is longer is left out.
const ADDRESS: usize = 1_000;
/// The room that is kept for saying what was cut.
const RESERVE: usize = 300;

/// How a channel writes strangers' text: on one line, cut, and dead in the channel's own syntax.
#[derive(Clone, Copy)]
pub(crate) struct Voice {
    /// Prose, at most so long before it is escaped.
    pub(crate) text: fn(&Untrusted, usize) -> String,
    /// A name, a version, an id.
    pub(crate) name: fn(&Untrusted) -> String,
}

/// Something that is known of the story: a label, and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) label: &'static str,
    values: Vec<String>,
}

/// A step of the pipeline: "❌ smoke-test · 2 of 12 checks failed · 1m 34s", and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) verdict: Verdict,
    pub(crate) name: String,
    /// The title and how long it took.
    pub(crate) text: String,
    pub(crate) reasons: Vec<String>,
}

/// The steps that are shown, and what is said of those that are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) lines: Vec<Line>,
    pub(crate) left_out: Option<String>,
}

/// "❌ Failed in production"
pub(crate) fn headline(story: &Story, voice: Voice) -> String {
    let outcome = format!("{} {}", sign(story), story.outcome());
    match &story.environment {
        Some(environment) => format!("{outcome} in {}", (voice.text)(environment, NAME)),
        None => outcome,
    }
}

/// One line that says all: "❌ Failed in production · acme/shop · smoke-test: 2 of 12 checks failed"
pub(crate) fn summary(story: &Story, voice: Voice) -> String {
    let mut parts = vec![headline(story, voice)];
    parts.extend(story.run.repository.as_ref().map(|name| (voice.text)(name, NAME)));
    parts.extend(
        story
            .cause()
            .map(|step| format!("{}: {}", (voice.text)(&step.name, NAME), (voice.text)(&step.title, TITLE))),
    );
    parts.join(" · ")
}

/// What the story is about.
pub(crate) fn facts(story: &Story, voice: Voice) -> Vec<Fact> {
    let names = |names: &[Untrusted]| names.iter().map(voice.name).collect::<Vec<_>>();
    let one = |name: &Option<Untrusted>| name.iter().map(voice.name).collect::<Vec<_>>();
    let versions = versions(story, voice);
    let images = if versions.is_empty() { names(&story.images) } else { Vec::new() };
    let commits = story.commits.iter().map(|each| commit(each, voice)).collect();
    let changes = story.range.iter().flat_map(|range| range.newest.iter().map(|one| change(one, voice)));
    let approvers: Vec<String> = story.approvers.iter().take(NAMES).map(voice.name).collect();
    let took = story.duration.map(crate::story::took);
    [
        ("Version", versions),
        ("Image", images),
        ("Repository", one(&story.run.repository)),
        ("By", one(&story.run.actor)),
        ("Approved by", (!approvers.is_empty()).then(|| approvers.join(", ")).into_iter().collect()),
        ("Commit", commits),
        ("Duration", took.into_iter().collect()),
        (CHANGES, changes.collect()),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(label, values)| Fact { label, values })
    .collect()
}

/// "v1.4.1 → v1.4.2", with the image where there are several.
pub(crate) fn versions(story: &Story, voice: Voice) -> Vec<String> {
    let is_one = story.changes.iter().all(|change| change.image == story.changes[0].image);
    let version = |change: &Change| {
        let (before, after) = change.versions();
        let version = format!("{} → {}", (voice.name)(&before), (voice.name)(&after));
        if is_one { version } else { format!("{} {version}", (voice.name)(&change.image)) }
    };
    story.changes.iter().map(version).collect()
}

pub(crate) fn commit(commit: &Commit, voice: Voice) -> String {
    // Seven digits are what GitHub shows of an id.
    let id: String = commit.id.raw().chars().take(7).collect();
    let id = (voice.name)(&Untrusted::new(id));
    match &commit.branch {
        Some(branch) => format!("{id} on {}", (voice.name)(branch)),
        None => id,
    }
}

/// "Sell more · octocat · #7"
fn change(commit: &ChangeCommit, voice: Voice) -> String {
    let mut parts = vec![(voice.text)(&commit.subject, NAME)];
    parts.extend((!commit.author.is_empty()).then(|| (voice.text)(&commit.author, NAME)));
    parts.extend(commit.untold_pull().map(|number| format!("#{number}")));
    parts.join(" · ")
}

/// Where to look further: the run, then at most three pages, only by addresses that end no link of any syntax.
///
/// A label of which a channel's voice leaves nothing hides no page.
pub(crate) fn links(story: &Story, voice: Voice) -> impl Iterator<Item = (String, &str)> {
    let run = run_url(story).map(|url| ("Open the run".to_owned(), url));
    let links = story.links.iter().filter_map(move |link| {
        let label = (voice.text)(&link.label, STAGES.1);
        let label = if label.trim().is_empty() { "Link".to_owned() } else { label };
        Some((label, plain_address(&link.url)?))
    });
    run.into_iter().chain(links.take(3))
}

impl Fact {
    /// As many values as are worth reading and fit, one a line, and how many more there are. None where not even
    /// one fits.
    pub(crate) fn lines(&self, most: usize) -> Vec<String> {
        let shown = |count: usize| {
            let mut lines = self.values[..count].to_vec();
            lines.extend(
                (count < self.values.len()).then(|| format!("and {} more", self.values.len() - count)),
            );
            lines
        };
        let fits = |lines: &Vec<String>| lines.iter().map(|line| length(line) + 1).sum::<usize>() <= most;
        (1..=self.values.len().min(NAMES)).rev().map(shown).find(fits).unwrap_or_default()
    }
}

/// The steps in order, as many as are worth reading and have room, the bad ones first to be kept.
pub(crate) fn steps(story: &Story, voice: Voice, room: usize, weigh: impl Fn(&Line) -> usize) -> Steps {
    let steps = &story.steps;
    let mut by_weight: Vec<usize> = (0..steps.len()).collect();
    by_weight.sort_by_key(|index| std::cmp::Reverse(steps[*index].verdict));
    let mut room = room.saturating_sub(RESERVE);
    let mut kept = Vec::new();
    for index in by_weight {
        if kept.len() == STEPS {
            break;
        }
        let line = Line::of(&steps[index], voice);
        if let Some(left) = room.checked_sub(weigh(&line)) {
            room = left;
            kept.push((index, line));
        }
    }
    kept.sort_by_key(|(index, _)| *index);
    let bad = |step: &Step| !step.verdict.is_good();
    let bad_left_out = steps.iter().filter(|each| bad(each)).count()
        - kept.iter().filter(|(index, _)| bad(&steps[*index])).count();
    let left_out = match (steps.len() - kept.len(), bad_left_out) {
        (0, _) => None,
        (more, 0) => Some(format!("and {more} more steps, all of them fine")),
        (more, bad) => Some(format!("and {more} more steps, {bad} of them not fine")),
    };
    Steps { lines: kept.into_iter().map(|(_, line)| line).collect(), left_out }
}

impl Line {
    fn of(step: &Step, voice: Voice) -> Self {
        let mut text = Vec::new();
        text.extend((!step.title.is_empty()).then(|| (voice.text)(&step.title, TITLE)));
        text.extend(step.took());
        let mut reasons: Vec<String> = step
            .reasons
            .iter()
            .take(REASONS)
            .map(|reason| {
                format!("{}: {}", (voice.text)(&reason.subject, NAME), (voice.text)(&reason.text, TITLE))
            })
            .collect();
        if let Some(more @ 1..) = step.reasons.len().checked_sub(REASONS) {
            reasons.push(format!("and {more} more"));
        }
        Self { verdict: step.verdict, name: (voice.text)(&step.name, NAME), text: text.join(" · "), reasons }
    }

    pub(crate) fn sign(&self) -> &'static str {
        sign_of(self.verdict)
    }

    /// The line as plain text, its reasons below it.
    pub(crate) fn plain(&self) -> String {
        let parts = [self.name.as_str(), self.text.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let mut line = format!("{} {}", self.sign(), parts.join(" · "));
        for reason in &self.reasons {
            line.push_str("\n   ↳ ");
            line.push_str(reason);
        }
        line
    }
}

/// The stages of the pipeline, the current one marked: "✅ build → ▶️ gate → ⚪ deploy"
pub(crate) fn progress(story: &Story, voice: Voice) -> Option<String> {
    let (most, name) = STAGES;
    let mut stages: Vec<String> = story
        .progress
        .iter()
        .take(most)
        .map(|stage| {
            let sign = match stage.state {
                State::Done => "✅",
                State::Skipped => "➖",
                State::Current => "▶️",
                State::Waiting => "⏳",
                State::Failed => "❌",
                State::Ahead => "⚪",
            };
            // No line ends between a sign and its name.
            format!("{sign}\u{a0}{}", (voice.text)(&stage.name, name))
        })
        .collect();
    if let Some(more @ 1..) = story.progress.len().checked_sub(most) {
        stages.push(format!("{more} more"));
    }
    (!stages.is_empty()).then(|| stages.join(" → "))
}

/// Which run it is: "Deploy #42 attempt 2"
pub(crate) fn run(story: &Story, voice: Voice) -> Option<String> {
    let short = |text: &String| (voice.text)(&Untrusted::new(text), 20);
    let name = story.run.workflow.as_ref().map(|name| (voice.text)(name, NAME));
    let number = story.run.number.as_ref().map(|number| format!("#{}", short(number)));
    let attempt = story.run.attempt.as_ref().filter(|attempt| *attempt != "1");
    let attempt = attempt.map(|attempt| format!("attempt {}", short(attempt)));
    let run = [name, number, attempt].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let run = run.trim();
    (!run.is_empty()).then(|| run.to_owned())
}

/// The address of the run, where it is a plain one.
pub(crate) fn run_url(story: &Story) -> Option<&str> {
    plain_address(story.run.url.as_deref()?)
}

/// An address that ends no link of any syntax and leads nowhere else.
pub(crate) fn plain_address(url: &str) -> Option<&str> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/?#&=%+,;".contains(c));
    (is_web && is_plain && url.len() <= ADDRESS).then_some(url)
}

/// The whole story as plain text; only its steps grow, to `room` at most.
pub(crate) fn text(story: &Story, voice: Voice, room: usize) -> String {
    let mut blocks = Vec::new();
    blocks.extend(progress(story, voice));
    let facts: Vec<String> = facts(story, voice)
        .iter()
        .map(|fact| format!("{}: {}", fact.label, fact.lines(TITLE * 3).join(", ")))
        .collect();
    blocks.extend((!facts.is_empty()).then(|| facts.join("\n")));
    let used = blocks.iter().map(|block| length(block) + 2).sum();
    let steps = steps(story, voice, room.saturating_sub(used), |line| length(&line.plain()) + 1);
    let mut lines: Vec<String> = steps.lines.iter().map(Line::plain).collect();
    lines.extend(steps.left_out);
    blocks.extend((!lines.is_empty()).then(|| lines.join("\n")));
    blocks.join("\n\n")
}

pub(crate) fn sign_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✅",
        Verdict::Skipped => "➖",
        Verdict::Pending => "⏳",
        Verdict::Failed | Verdict::Misconfigured => "❌",
        Verdict::Undecided => "❔",
        Verdict::Broken => "🚨",
    }
}

pub(crate) fn sign(story: &Story) -> &'static str {
    match (story.event, story.verdict) {
        (Event::Start, _) => "🚀",
        (Event::Success, _) => "✅",
        (Event::Recovery, _) => "💚",
        (Event::Rollback, _) => "⏪",
        (Event::Pending, _) => "⏳",
        (Event::Cancelled, _) => "🚫",
        (Event::Failure, Verdict::Broken) => "🚨",
        (Event::Failure, Verdict::Undecided) => "❔",
        (Event::Failure, _) => "❌",
    }
}
