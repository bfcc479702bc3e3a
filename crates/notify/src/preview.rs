//! Each message as files: what is sent, as JSON, and a page that shows it as its channel would.
//!
//! The pages need nothing but themselves and are for the eyes of whoever writes routes and texts; fonts and colours
//! follow the channel, not to the pixel.

mod discord;
#[cfg(test)]
mod drawn;
mod issue;
mod slack;
mod teams;

use std::path::Path;

use serde_json::Value;
use sluice_core::Problem;

use crate::{Letter, channels::Message};

/// Writes every message of every channel into a folder, which is made if it is not there.
pub(crate) fn write(folder: &Path, letters: &[Letter<'_>]) -> Result<(), Problem> {
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    for letter in letters {
        let messages = letter.messages.as_ref().map_err(Clone::clone)?;
        for (index, message) in messages.iter().enumerate() {
            let number = if index == 0 { String::new() } else { format!("-{}", index + 1) };
            let name = format!("{}-{}{number}", plain(letter.name), message.name);
            save(&folder.join(format!("{name}.json")), &format!("{:#}\n", message.body))?;
            if let Some(page) = page(letter.channel.kind(), message) {
                save(&folder.join(format!("{name}.html")), &page)?;
            }
        }
    }
    Ok(())
}

/// The page of a message; nothing for a channel that shows no message but data.
fn page(kind: &str, message: &Message) -> Option<String> {
    match kind {
        "slack" => Some(slack::page(&message.body)),
        "teams" => Some(teams::page(&message.body)),
        "discord" => Some(discord::page(&message.body)),
        "issue" | "findings" => Some(issue::page(&message.body)),
        "email" => Some(text(&message.body, "html").to_owned()),
        _ => None,
    }
}

fn save(path: &Path, text: &str) -> Result<(), Problem> {
    std::fs::write(path, text).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    let name = sluice_core::escape::bytes(path.as_os_str().as_encoded_bytes());
    Problem::misconfigured(format!("could not write the preview to {name}")).why(error)
}

/// The name of a channel as that of a file.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    name.chars().map(plain).collect()
}

/// A text of a message; empty when it is not there.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{channels::tests::overlong_stories, sections::tests::file, story::tests::failure};

    #[test]
    fn each_message_is_written_as_it_is_sent_and_as_it_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let config = file("  []\n").unwrap();
        let letters: Vec<Letter<'_>> = ["deployments", "tickets"]
            .into_iter()
            .map(|name| {
                let channel = config.sections.channel(name).unwrap();
                Letter { name, channel, messages: channel.render(&failure()) }
            })
            .collect();
        write(&folder.path().join("new"), &letters).unwrap();
        let mut names: Vec<String> = folder
            .path()
            .join("new")
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "deployments-message.html",
                "deployments-message.json",
                "tickets-issue.html",
                "tickets-issue.json"
            ]
        );
        let read = std::fs::read(folder.path().join("new/deployments-message.json")).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&read).unwrap(),
            letters[0].messages.as_ref().unwrap()[0].body
        );
    }

    #[test]
    fn no_text_of_a_stranger_is_a_part_of_the_page() {
        let config = file("  []\n").unwrap();
        let channel = config.sections.channel("deployments").unwrap();
        let mut story = failure();
        story.environment = Some("<script>alert(1)</script>".into());
        story.steps[0].name = "\"><img src=x onerror=alert(1)>".into();
        story.run.actor = Some("</span><b>".into());
        let page = slack::page(&channel.render(&story).unwrap()[0].body);
        assert!(
            !page.contains("<script") && !page.contains("<img") && !page.contains("</span><b>"),
            "{page}"
        );
        overlong_stories().for_each(|story| drop(slack::page(&channel.render(&story).unwrap()[0].body)));
    }
}
