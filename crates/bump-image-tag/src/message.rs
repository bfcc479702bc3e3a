//! The message of a commit: a template with names between braces.
//!
//! What is filled in is text of strangers: it is made one line, so that no name of an actor or an image can begin a
//! trailer of its own.

use sluice_core::{Context, Problem, escape, nearest};

const DEFAULT: &str = "\
Bump {images} in {environment}

Triggered-by: {actor}
Workflow-run: {run}
Source-commit: {repository}@{commit}
";

/// The names that a template may hold.
const NAMES: [&str; 6] = ["images", "environment", "actor", "run", "commit", "repository"];

/// How many images a message names.
const MOST_IMAGES: usize = 4;

/// The longest text that is filled in, in characters.
const LONGEST: usize = 500;

/// A message that lacks its images yet.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    template: String,
    /// What is known of each name but `images`.
    values: Vec<(&'static str, String)>,
}

impl Message {
    /// The message of this template, or of our own, for a change in `environment`.
    pub(crate) fn new(template: Option<&str>, environment: &str, cx: &Context) -> Result<Self, Problem> {
        let template = template.unwrap_or(DEFAULT).replace("\r\n", "\n");
        for name in names(&template) {
            if !NAMES.contains(&name) {
                let problem =
                    Problem::misconfigured(format!("the message names {{{name}}}, which is not known"));
                return Err(match nearest(name, NAMES) {
                    Some(meant) => problem.help(format!("did you mean {{{meant}}}?")),
                    None => problem.help(format!("known are {{{}}}", NAMES.join("}, {"))),
                });
            }
        }
        let variable = |name: &str| cx.variable(name).map(str::to_owned);
        let known = [
            ("environment", Some(environment.to_owned())),
            ("actor", variable("GITHUB_TRIGGERING_ACTOR").or_else(|| variable("GITHUB_ACTOR"))),
            ("run", cx.run_url()),
            ("commit", variable("GITHUB_SHA")),
            ("repository", variable("GITHUB_REPOSITORY")),
        ];
        let values = known.into_iter().filter_map(|(name, value)| Some((name, inert(&value?)))).collect();
        let message = Self { template, values };
        if message.subject(&["x".to_owned()]).is_empty() {
            return Err(Problem::misconfigured("the message of the commit is empty")
                .help("write a `message`, or leave it out for one of our own"));
        }
        Ok(message)
    }

    /// The message of a commit that sets these images, each as `name:version`.
    pub(crate) fn of(&self, images: &[String]) -> String {
        let filled: Vec<String> = self.template.lines().filter_map(|line| self.line(line, images)).collect();
        filled.join("\n").trim().to_owned()
    }

    /// Its first line.
    pub(crate) fn subject(&self, images: &[String]) -> String {
        self.of(images).lines().next().unwrap_or_default().to_owned()
    }

    /// A line with what is known filled in; none where nothing is known for a name.
    fn line(&self, line: &str, images: &[String]) -> Option<String> {
        let mut filled = String::new();
        let mut rest = line;
        while let Some((before, name, after)) = next_name(rest) {
            filled.push_str(before);
            match name {
                "images" => filled.push_str(&listed(images)),
                _ => filled.push_str(&self.values.iter().find(|(known, _)| *known == name)?.1),
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled.trim_end().to_owned())
    }
}

fn listed(images: &[String]) -> String {
    let shown: Vec<String> = images.iter().take(MOST_IMAGES).map(|image| inert(image)).collect();
    match images.len().saturating_sub(MOST_IMAGES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Text of a stranger as one line of bounded length.
fn inert(text: &str) -> String {
    escape::line(text).chars().take(LONGEST).collect()
}

fn names(template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, name, after)) = next_name(rest) {
        names.push(name);
        rest = after;
    }
    names
}

/// The next name between braces, with what stands before and behind it. A brace around anything else is a brace.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('}')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        is_name.then_some((&text[..start], name, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(variables: &[(&str, &str)]) -> Context {
        Context::new(variables.iter().copied().collect(), "/", || panic!("no clock"))
    }

    const WORKFLOW: [(&str, &str); 5] = [
        ("GITHUB_ACTOR", "octocat"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ID", "42"),
        ("GITHUB_SHA", "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"),
    ];

    fn message(
        template: Option<&str>,
        variables: &[(&str, &str)],
        images: &[&str],
    ) -> Result<String, String> {
        let images: Vec<String> = images.iter().map(|image| (*image).to_owned()).collect();
        match Message::new(template, "dev", &context(variables)) {
            Ok(message) => Ok(message.of(&images)),
            Err(problem) => Err(format!("{} | {}", problem.what, problem.help.unwrap_or_default())),
        }
    }

    #[test]
    fn our_own_says_who_and_why() {
        insta::assert_snapshot!(message(None, &WORKFLOW, &["backend:v2", "redis:8"]).unwrap(), @"
        Bump backend:v2, redis:8 in dev

        Triggered-by: octocat
        Workflow-run: https://github.com/acme/shop/actions/runs/42/attempts/1
        Source-commit: acme/shop@1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d
        ");
        assert_eq!(message(None, &[], &["backend:v2"]).unwrap(), "Bump backend:v2 in dev");
    }

    #[test]
    fn a_template_is_filled_in() {
        let filled = message(
            Some("ci({environment}): {images} [skip ci]\n\n{x y} {} }{\nBy: {actor}"),
            &WORKFLOW,
            &["a:v1"],
        );
        assert_eq!(filled.unwrap(), "ci(dev): a:v1 [skip ci]\n\n{x y} {} }{\nBy: octocat");
        let many: Vec<String> = (0..9).map(|number| format!("i{number}:v1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(message(Some("{images}"), &[], &many).unwrap(), "i0:v1, i1:v1, i2:v1, i3:v1 and 5 more");
    }

    #[test]
    fn what_is_filled_in_begins_no_line() {
        let hostile = "octocat\nSigned-off-by: root\r\u{2028}Approved-by: you";
        let filled = message(None, &[("GITHUB_ACTOR", hostile)], &["a:v1\n\nApproved-by: x"]).unwrap();
        assert_eq!(filled.lines().count(), 3, "{filled}");
        for line in filled.lines() {
            assert!(!line.starts_with("Signed-off-by") && !line.starts_with("Approved-by"), "{filled}");
        }
        assert!(!filled.contains(['\r', '\u{2028}']), "{filled}");
        // What is filled in is not read again.
        assert_eq!(message(Some("{images}"), &WORKFLOW, &["{actor}"]).unwrap(), "{actor}");
    }

    #[test]
    fn what_is_no_message_says_why() {
        insta::assert_snapshot!(message(Some("{image} in {environment}"), &[], &[]).unwrap_err(), @"the message names {image}, which is not known | did you mean {images}?");
        insta::assert_snapshot!(message(Some("{zebra}"), &[], &[]).unwrap_err(), @"the message names {zebra}, which is not known | known are {images}, {environment}, {actor}, {run}, {commit}, {repository}");
        assert!(
            message(Some(" \n"), &[], &[]).unwrap_err().starts_with("the message of the commit is empty")
        );
        assert!(
            message(Some("{actor}"), &[], &[]).unwrap_err().starts_with("the message of the commit is empty")
        );
    }
}
