//! The tables of an action's README, between `<!-- generated: inputs -->` and `<!-- end -->`.

use std::fmt::Write as _;

use anyhow::Context as _;

use crate::face::Face;

pub(crate) fn fill(readme: &str, face: &Face) -> anyhow::Result<String> {
    let readme = replace(readme, "inputs", &inputs(face))?;
    replace(&readme, "outputs", &outputs(face))
}

fn replace(text: &str, name: &str, table: &str) -> anyhow::Result<String> {
    let open = format!("<!-- generated: {name} -->\n");
    let close = "<!-- end -->";
    let start =
        text.find(&open).with_context(|| format!("the line `{}` is missing", open.trim()))? + open.len();
    let length =
        text[start..].find(close).with_context(|| format!("`{close}` is missing after `{}`", open.trim()))?;
    Ok(format!("{}{table}{}", &text[..start], &text[start + length..]))
}

fn inputs(face: &Face) -> String {
    let mut table = String::new();
    if let Some(default) = face.default_command {
        table.push_str("| Command | What it does |\n|---|---|\n");
        for (name, description) in &face.commands {
            let is_default = if name == default { " (default)" } else { "" };
            let _ = writeln!(table, "| `{name}`{is_default} | {} |", cell(description));
        }
        table.push('\n');
    }
    table.push_str("| Input | What it is |\n|---|---|\n");
    for input in &face.inputs {
        let mut description = cell(&input.description);
        if !input.commands.is_empty() {
            let commands: Vec<String> = input.commands.iter().map(|name| format!("`{name}`")).collect();
            let _ = write!(description, " ({} only)", commands.join(", "));
        }
        let required = if input.required { " **required**" } else { "" };
        let _ = writeln!(table, "| `{}`{required} | {description} |", input.name);
    }
    table
}

fn outputs(face: &Face) -> String {
    let mut table = String::from("| Output | What it is |\n|---|---|\n");
    for output in &face.outputs {
        let _ = writeln!(table, "| `{}` | {} |", output.name, cell(&output.description));
    }
    table
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}
