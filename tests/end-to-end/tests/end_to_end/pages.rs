//! What the pages show is what can be written.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{path::Path, process::Command};

use sluice_end_to_end::{Repository, binary};

use super::{
    examples::{files, read, root},
    uses,
};

/// The sections of the configuration: a piece of YAML that begins with one is a part of it.
const SECTIONS: [&str; 5] = ["gitops", "components", "environments", "channels", "notify"];

#[test]
fn yaml_of_pages_is_understood() {
    let (mut configurations, mut inputs) = (0, 0);
    for (page, language, text) in blocks() {
        if language != "yaml" {
            continue;
        }
        let value = uses::parse(&text);
        // A job may be called as a section is.
        let is_part = uses::strings(&value, "uses").is_empty()
            && value.as_object().is_some_and(|map| map.keys().all(|key| SECTIONS.contains(&key.as_str())));
        if is_part || value.get("version").is_some() {
            let text = if is_part { format!("version: 1\n{text}") } else { text.clone() };
            check_configuration(&page, &text);
            configurations += 1;
        }
        inputs += uses::check(&value, &page);
    }
    assert!(configurations > 5 && inputs > 20, "{configurations} configurations, {inputs} inputs");
}

/// What a diff takes away and what it leads to are both YAML, and the second is understood.
#[test]
fn diffs_of_pages_lead_to_what_is_understood() {
    let (mut diffs, mut inputs) = (0, 0);
    for (page, _, text) in blocks().into_iter().filter(|(_, language, _)| language == "diff") {
        let side = |sign: char| -> String {
            let is_of_it = |line: &&str| line.starts_with([' ', sign]);
            text.lines().filter(is_of_it).map(|line| &line[1..]).collect::<Vec<_>>().join("\n")
        };
        let (before, after) = (uses::parse(&side('-')), uses::parse(&side('+')));
        assert_ne!(before, after, "{page}:\n{text}");
        inputs += uses::check(&after, &page);
        diffs += 1;
    }
    assert!(diffs > 1 && inputs > 2, "{diffs} diffs, {inputs} inputs");
}

/// A block of another language would be looked at by nobody.
#[test]
fn every_block_of_a_page_is_of_a_language_that_is_looked_at() {
    // Diagrams are GitHub's to draw; the other two are compared with what replaces them, and belong to other tools.
    let others = ["mermaid", "hurl", "python"];
    for (page, language, text) in blocks() {
        let is_known = ["yaml", "json", "diff", "sh", "console"].contains(&language.as_str());
        assert!(is_known || others.contains(&language.as_str()), "{page}: who looks at {language}?\n{text}");
    }
}

/// What a page shows as JSON is a policy of IAM.
#[test]
fn policies_of_pages_allow_something() {
    for (page, _, text) in blocks().into_iter().filter(|(_, language, _)| language == "json") {
        let policy: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(policy["Version"], "2012-10-17", "{page}");
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow", "{page}");
            for part in ["Action", "Resource"] {
                assert!(statement[part].is_string() || statement[part].is_array(), "{page}: {part}");
            }
        }
    }
}

#[test]
fn commands_of_pages_have_the_flags_that_they_show() {
    let mut flags = 0;
    let actions = uses::actions();
    for (page, language, text) in blocks() {
        if !["sh", "console"].contains(&language.as_str()) {
            continue;
        }
        for line in text.lines() {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let line = line.split(" #").next().unwrap_or(line);
            let mut words = line.split_whitespace();
            let Some(action) = words.next().filter(|word| actions.iter().any(|action| action == word)) else {
                continue;
            };
            for flag in words.filter_map(|word| word.strip_prefix("--")) {
                let flag = flag.split('=').next().unwrap();
                assert!(uses::has_input(action, flag), "{page}: `{line}`: {action} has no --{flag}");
                flags += 1;
            }
        }
    }
    assert!(flags > 10, "only {flags} flags were found");
}

#[test]
fn links_of_pages_lead_somewhere() {
    let mut links = 0;
    for page in pages() {
        let text = read(&root().join(&page));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") || file.contains(char::is_whitespace) {
                continue;
            }
            let from = Path::new(&page).parent().unwrap();
            assert!(root().join(from).join(file).exists(), "{page}: {target} is not there");
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links were found");
}

/// All actions read the same file: what one does not know, another does.
fn check_configuration(page: &str, text: &str) {
    let repository = Repository::new();
    repository.write(".github/sluice.yml", text);
    for action in uses::actions() {
        let outcome = repository.run(&action).argument("--check-config").ends();
        assert_eq!(outcome.code, Some(0), "{page}: {action}: {outcome:#?}\n{text}");
    }
}

/// The pages, by their paths from the repository's root.
fn pages() -> Vec<String> {
    let root = root();
    let folders = ["actions", "schemas", "workflows-examples", "workflows-ghes"];
    let all =
        folders.iter().flat_map(|folder| files(&root.join(folder), ".md")).chain([root.join("README.md")]);
    all.map(|page| page.strip_prefix(&root).unwrap().to_string_lossy().into_owned()).collect()
}

/// The blocks of all pages: the page, the language, the text.
fn blocks() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for page in pages() {
        let text = read(&root().join(&page));
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(language) = line.strip_prefix("```").filter(|language| !language.is_empty()) else {
                continue;
            };
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((page.clone(), language.to_owned(), block.join("\n") + "\n"));
        }
    }
    found
}

#[test]
fn messages_of_the_page_are_said_by_the_binaries_that_it_names() {
    let page = read(&root().join("actions/TROUBLESHOOTING.md"));
    let (mut speakers, mut messages) = (Vec::new(), 0);
    for line in page.lines() {
        if let Some(section) = line.strip_prefix("## ") {
            speakers = uses::actions();
            speakers.retain(|action| section == "All actions" || section.contains(action.as_str()));
            assert!(!speakers.is_empty(), "{section} names no action");
        }
        // What Docker says stands in no binary of ours.
        let Some(message) = line.strip_prefix("### `").filter(|line| !line.contains("manifest unknown"))
        else {
            continue;
        };
        let message = message.strip_suffix('`').unwrap();
        for part in message.split('…').map(str::trim).filter(|part| part.len() > 3) {
            assert!(speakers.iter().any(|action| holds(action, part)), "nobody says `{part}`: {message}");
        }
        messages += 1;
    }
    assert!(messages > 20, "only {messages} messages were found");
}

/// Whether these words stand in the binary of an action.
fn holds(action: &str, words: &str) -> bool {
    let searched = Command::new("grep")
        .args(["--quiet", "--text", "--fixed-strings", "--regexp", words])
        .arg(binary(action))
        .env("LC_ALL", "C")
        .status();
    searched.unwrap().success()
}
