//! What people see: cards as Microsoft's own library draws them, and our pages, in a browser.
//!
//! `cargo xtask test` sets both up: Chromium, and the npm package `adaptivecards` with `tests/tools/draw.mjs`. The
//! browser is started once for all that is drawn.

use std::{path::Path, process::Command, sync::LazyLock};

use serde::Deserialize;
use serde_json::{Value, json};
use sluice_config::{Event, File};

use super::page;
use crate::{
    channels::tests::{INJECTIONS, all, injected, overlong_stories, render},
    progress::{Stage, State},
    sections::Sections,
    story::{
        Link, Story,
        tests::{failure, tell},
    },
};

/// What the browser leaves of all that it was given, in the same order.
#[derive(Deserialize)]
struct Drawn {
    errors: Vec<String>,
    /// The texts that the library would have read as Markdown.
    markdown: Vec<String>,
    cards: Vec<Card>,
    pages: Vec<Page>,
}

#[derive(Deserialize)]
struct Card {
    /// What the library has against it.
    problems: Vec<String>,
    /// The buttons that were pressed: the title, and the address that is opened.
    opened: Vec<(String, String)>,
    text: String,
    /// Its elements, each with the names of its attributes.
    shape: Vec<String>,
}

#[derive(Deserialize)]
struct Page {
    /// What it loaded.
    fetched: Vec<String>,
    text: String,
    shape: Vec<String>,
}

/// The channels whose messages have a page.
const SHOWN: [&str; 6] = ["bot", "teams", "discord", "tickets", "security", "email"];

/// Stories as people get them, then those that strangers wrote, then those that are too long; and for the first two
/// the pages of all channels, too.
static DRAWN: LazyLock<Drawn> = LazyLock::new(|| {
    let config = all();
    let told: Vec<Story> = told().into_iter().chain(hostile()).collect();
    let pages: Vec<String> =
        told.iter().flat_map(|story| SHOWN.map(|name| shown(&config, name, story))).collect();
    let stories = told.into_iter().chain(overlong_stories());
    let cards: Vec<Value> = stories.map(|story| render(&config, "card", &story).remove(0).body).collect();
    draw(&json!({"cards": cards, "pages": pages}))
});

/// A pipeline that goes wrong, from its start to its recovery.
fn told() -> Vec<Story> {
    let stage = |name: &str, state| Stage { name: name.into(), state };
    let mut failed = failure();
    failed.progress = vec![stage("gate-approval", State::Done), stage("smoke-test", State::Failed)];
    failed.links = vec![Link { label: "bake chart".into(), url: "https://grafana.example.com/d/1".into() }];
    failed.approvers = vec!["hubot".into()];
    let events = [Event::Start, Event::Pending, Event::Rollback, Event::Failure];
    let named = events.map(|event| tell(Some(event), vec![], "{}", &[]).unwrap());
    let good = [Event::Success, Event::Recovery].map(|event| {
        tell(
            Some(event),
            vec![crate::story::tests::report("rollout", sluice_core::Verdict::Passed, "done")],
            "{}",
            &[],
        )
        .unwrap()
    });
    [failed].into_iter().chain(named).chain(good).collect()
}

/// The harmless one first; all with the same link, so that the same things are shown.
fn hostile() -> impl Iterator<Item = Story> {
    let harmless = injected("harmless");
    let url = harmless.run.url.clone();
    let evil = INJECTIONS.into_iter().map(move |text| {
        let mut story = injected(text);
        story.run.url.clone_from(&url);
        story
    });
    std::iter::once(harmless).chain(evil)
}

/// The page of a channel's message.
fn shown(config: &File<Sections>, channel: &str, story: &Story) -> String {
    let kind = config.sections.channel(channel).unwrap().kind();
    render(config, channel, story).first().and_then(|message| page(kind, message)).unwrap_or_default()
}

fn draw(given: &Value) -> Drawn {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/node/bundle/draw.js");
    let script = script.canonicalize().expect("`cargo xtask test` sets up the script that draws");
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start.html");
    let given = given.to_string().replace('<', "\\u003c");
    let text = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<body><script>window.given = {given}</script>\n\
         <script src=\"file://{}\"></script>\n",
        script.display()
    );
    std::fs::write(&start, text).unwrap();
    let browser = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            // Its own clock, so that all is drawn, however slow the machine is.
            "--virtual-time-budget=60000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(&start)
        .output()
        .expect("`cargo xtask test` installs chromium");
    let left = String::from_utf8(browser.stdout).unwrap();
    let json = left.split_once("<body>").and_then(|(_, rest)| rest.split_once("</body>"));
    let read = json.and_then(|(json, _)| serde_json::from_str(json).ok());
    read.unwrap_or_else(|| panic!("{left:.2000}\n{}", String::from_utf8_lossy(&browser.stderr)))
}

impl Drawn {
    /// The pages of a story, a channel each.
    fn pages_of(&self, story: usize) -> impl Iterator<Item = (&'static str, &Page)> {
        std::iter::zip(SHOWN, &self.pages[story * SHOWN.len()..])
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn a_card_shows_the_answer_what_it_is_about_the_steps_and_where_to_look() {
    let card = &DRAWN.cards[0];
    let lines: Vec<&str> = card.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
❌ Failed in production
Deploy #42 attempt 2
✅ gate-approval → ❌ smoke-test
Version
v1.4.1 → v1.4.2
Repository
acme/shop
By
octocat
Approved by
hubot
Commit
1a2b3c4 on main
✅ gate-approval · approved: 6 of 6 conditions hold · 1.2s
✅ bump-image-tag · 1 image set in 1 overlay · 1.2s
❌ smoke-test · 2 of 12 checks failed · 1m 34s
↳ GET /healthz: status 503, expected 200
↳ GET /orders: no answer within 10s
Open the run
bake chart
");
    let button = |title: &str, url: &str| (title.to_owned(), url.to_owned());
    let run = button("Open the run", "https://github.com/acme/shop/actions/runs/7/attempts/2");
    assert_eq!(card.opened, [run, button("bake chart", "https://grafana.example.com/d/1")]);
}

#[test]
fn microsoft_s_library_has_nothing_against_any_card() {
    assert!(DRAWN.errors.is_empty(), "{:?}", DRAWN.errors);
    for card in &DRAWN.cards {
        assert!(card.problems.is_empty(), "{:?}\n{}", card.problems, card.text);
        assert!(!card.text.is_empty());
    }
}

/// Else whoever looks at a preview would be shown something else than those who get the message.
#[test]
fn our_page_of_a_card_shows_what_microsoft_s_library_shows() {
    for (index, story) in told().iter().enumerate() {
        let (_, page) = DRAWN.pages_of(index).find(|(name, _)| *name == "teams").unwrap();
        assert_eq!(words(&page.text), words(&DRAWN.cards[index].text), "{:?}", story.event);
    }
}

#[test]
fn what_strangers_wrote_is_text_wherever_it_is_drawn() {
    assert!(DRAWN.markdown.is_empty(), "{:?}", DRAWN.markdown);
    let harmless = told().len();
    for (index, text) in INJECTIONS.iter().enumerate() {
        let evil = harmless + 1 + index;
        assert_eq!(DRAWN.cards[evil].shape, DRAWN.cards[harmless].shape, "{text:?}");
        let addresses =
            |story: usize| DRAWN.cards[story].opened.iter().map(|(_, url)| url).collect::<Vec<_>>();
        assert_eq!(addresses(evil), addresses(harmless), "{text:?}");
        for ((name, page), (_, same)) in DRAWN.pages_of(evil).zip(DRAWN.pages_of(harmless)) {
            assert_eq!(page.shape, same.shape, "{name}: {text:?}");
        }
    }
    for page in &DRAWN.pages {
        assert!(page.fetched.is_empty(), "{:?}\n{}", page.fetched, page.text);
    }
}
