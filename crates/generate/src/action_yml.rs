//! `action.yml`, the metadata that GitHub reads:
//! <https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax>
//!
//! It carries no defaults but those of [`Action::RUNNER_DEFAULTS`](sluice_core::Action::RUNNER_DEFAULTS):
//! the runner would pass them always, and the configuration could never win.

use std::fmt::Write as _;

use crate::{face::Face, lock::Lock};

pub(crate) fn render(face: &Face, lock: &Lock) -> String {
    let mut text = format!(
        "# Generated from the types in crates/{} by `cargo xtask generate`.\nname: {}\ndescription: {}\nbranding: {{icon: git-merge, color: blue}}\n",
        face.name,
        quoted(&format!("Sluice {}", face.name)),
        quoted(&face.description)
    );
    text.push_str("inputs:\n");
    if let Some(default) = face.default_command {
        let names: Vec<String> = face.commands.iter().map(|(name, _)| format!("`{name}`")).collect();
        let description = format!("What to do: {}. Default: `{default}`", names.join(", "));
        let _ = write!(text, "  command:\n    description: {}\n    required: false\n", quoted(&description));
    }
    for input in &face.inputs {
        let _ = write!(
            text,
            "  {}:\n    description: {}\n    required: {}\n",
            input.name,
            quoted(&input.description),
            input.required
        );
        if let Some(default) = input.runner_default {
            let _ = writeln!(text, "    default: {}", quoted(default));
        }
    }
    text.push_str("outputs:\n");
    for output in &face.outputs {
        let _ = write!(text, "  {}:\n    description: {}\n", output.name, quoted(&output.description));
    }
    let _ = write!(text, "runs:\n  using: docker\n  image: {}\n", lock.image(&face.name));
    text
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
