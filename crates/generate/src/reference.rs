//! The reference of `.github/sluice.yml`: its JSON Schema as a page for people.

use std::{fmt::Write as _, path::Path};

use serde_json::{Map, Value};

use crate::Generated;

const HEAD: &str = "\
<!-- Generated from the types in crates/config by `cargo xtask generate`. -->
# `.github/sluice.yml`

Every key of the configuration, as its [JSON Schema](sluice.schema.json) has it. An action is strict in the sections that it
reads: a key that is not here is an error with its place. Keys that are not marked as **required** may be left out.
";

/// The page.
pub(crate) fn page(schema: &Value) -> Generated {
    let mut text = String::from(HEAD);
    section(&mut text, "The file", schema);
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        section(&mut text, name, definition);
    }
    Generated { path: Path::new("schemas").join("README.md"), content: text }
}

/// One type: its keys, or its values.
fn section(text: &mut String, name: &str, definition: &Value) {
    let _ = write!(text, "\n## {name}\n\n{}\n", described(definition).replace('\n', " "));
    if let Some(properties) = definition["properties"].as_object() {
        keys(text, properties, definition);
    } else if let Some(choices) = definition["oneOf"].as_array().or(definition["anyOf"].as_array()) {
        text.push_str("\n| One of | What it is |\n|---|---|\n");
        for choice in choices {
            let _ = writeln!(text, "| {} | {} |", kind(choice), cell(described(choice)));
        }
    } else if let Some(examples) = definition["examples"].as_array() {
        let examples: Vec<String> = examples.iter().map(|example| format!("`{}`", plain(example))).collect();
        let _ = write!(text, "\nFor example {}.\n", examples.join(", "));
    }
}

fn keys(text: &mut String, properties: &Map<String, Value>, definition: &Value) {
    if properties.is_empty() {
        return;
    }
    text.push_str("\n| Key | Takes | What it is |\n|---|---|---|\n");
    let required = definition["required"].as_array();
    for (name, property) in properties {
        let is_required = required.is_some_and(|names| names.iter().any(|other| other == name));
        let mark = if is_required { " **required**" } else { "" };
        let _ = writeln!(text, "| `{name}`{mark} | {} | {} |", kind(property), cell(described(property)));
    }
}

/// What a value is: a link to its type, else the name of its type in JSON Schema.
fn kind(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or(target);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(value) = schema.get("const") {
        return format!("`{}`", plain(value));
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let choices = choices.iter().filter(|choice| choice["type"] != "null");
        return choices.map(kind).collect::<Vec<_>>().join(" or ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect()
        }
        _ => vec!["anything"],
    };
    match types.as_slice() {
        ["array"] => format!("list of {}", kind(&schema["items"])),
        ["object"] if schema["additionalProperties"].is_object() => {
            format!("name: {}", kind(&schema["additionalProperties"]))
        }
        ["object"] if schema["properties"].is_object() => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let keys: Vec<String> =
                properties.map(|(name, value)| format!("`{name}`: {}", kind(value))).collect();
            keys.join(", ")
        }
        types => types.join(" or "),
    }
}

fn described(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

/// A value as YAML has it on one line.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_a_table_of_its_keys() {
        let schema = json!({
            "description": "The file.",
            "properties": {
                "version": {"description": "Its version.", "const": 1},
                "gates": {"description": "By name.", "type": "object", "additionalProperties": {"$ref": "#/$defs/Gate"}},
                "names": {"description": "One | two.", "type": "array", "items": {"type": "string"}},
                "for": {"description": "A time.", "anyOf": [{"$ref": "#/$defs/Period"}, {"type": "null"}]},
            },
            "required": ["version"],
            "$defs": {"Gate": {"description": "A gate.", "oneOf": [{"description": "Shut.", "const": "closed"}]}},
        });
        let page = page(&schema).content;
        assert!(page.contains("| `version` **required** | `1` | Its version. |\n"), "{page}");
        assert!(page.contains("| `gates` | name: [Gate](#gate) | By name. |\n"), "{page}");
        assert!(page.contains("| `names` | list of string | One \\| two. |\n"), "{page}");
        assert!(page.contains("| `for` | [Period](#period) | A time. |\n"), "{page}");
        assert!(
            page.contains("## Gate\n\nA gate.\n\n| One of | What it is |\n|---|---|\n| `closed` | Shut. |\n"),
            "{page}"
        );
    }
}
