//! A message in Microsoft Teams: an Adaptive Card.
//!
//! The elements that our cards are made of are shown as Teams shows them; the tests hold the card itself to the
//! schema, and let Microsoft's own renderer show it.

use serde_json::Value;

use sluice_core::escape::markup;

use super::{list, text};

const STYLE: &str = "\
body { margin: 0; padding: 24px; background: #f5f5f5; color: #242424; font: 14px/20px 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif }
.card { max-width: 720px; background: #fff; border: 1px solid #e1e1e1; border-radius: 8px; overflow: hidden; padding: 12px 16px }
.container { margin: 0 0 8px } .attention, .good, .warning, .accent, .emphasis { padding: 8px 12px; border-radius: 4px } .bleed { margin: -12px -16px 8px; padding: 12px 16px; border-radius: 0 }
.attention { background: #fdf3f4 } .good { background: #f1faf1 } .warning { background: #fff9f5 } .accent { background: #f0f6ff } .emphasis { background: #f5f5f5 }
.text { margin: 4px 0; overflow-wrap: anywhere } .bolder { font-weight: 600 } .large { font-size: 18px; line-height: 24px } .medium { font-size: 16px } .small { font-size: 12px } .extralarge { font-size: 24px; line-height: 32px } .subtle { color: #616161 }
.c-attention { color: #c4314b } .c-good { color: #237b4b } .c-warning { color: #bc4b09 } .c-accent { color: #4f52b2 } .mono { font-family: 'DejaVu Sans Mono', monospace; font-size: 12px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 8px 0 } dt { font-weight: 600 } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-line }
.columns { display: flex; gap: 12px } .columns > * { flex: 1 } .columns > .auto { flex: none }
a.button { display: inline-block; margin: 8px 8px 0 0; padding: 5px 12px; border: 1px solid #d1d1d1; border-radius: 4px; color: #242424; font-weight: 600; text-decoration: none }";

/// The page that shows a message: a card, or the message that holds one.
pub(super) fn page(message: &Value) -> String {
    let attached = list(message, "attachments").next().and_then(|attachment| attachment.get("content"));
    let card = attached.unwrap_or(message);
    let body: String = list(card, "body").map(element).collect();
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Teams</title>\n<style>\n{STYLE}\n</style>\n\
         <div class=\"card\">{body}{}</div>\n",
        actions(card)
    )
}

fn actions(of: &Value) -> String {
    let button = |action: &Value| {
        format!(
            "<a class=\"button\" href=\"{}\">{}</a>\n",
            markup(text(action, "url")),
            markup(text(action, "title"))
        )
    };
    list(of, "actions").map(button).collect()
}

fn element(element: &Value) -> String {
    let inside = |name: &str| -> String { list(element, name).map(self::element).collect() };
    match text(element, "type") {
        "TextBlock" => {
            format!("<div class=\"text {}\">{}</div>", look(element), markup(text(element, "text")))
        }
        "RichTextBlock" => {
            format!("<div class=\"text\">{}</div>", list(element, "inlines").map(run).collect::<String>())
        }
        "FactSet" => {
            let fact = |fact: &Value| {
                format!("<dt>{}</dt><dd>{}</dd>", markup(text(fact, "title")), markup(text(fact, "value")))
            };
            format!("<dl>{}</dl>", list(element, "facts").map(fact).collect::<String>())
        }
        "Container" => {
            let bleed = if element["bleed"] == true { " bleed" } else { "" };
            format!(
                "<div class=\"container {}{bleed}\">{}</div>",
                word(text(element, "style")),
                inside("items")
            )
        }
        "ColumnSet" => format!("<div class=\"columns\">{}</div>", inside("columns")),
        "Column" => {
            let width = text(element, "width");
            let pixels = width.strip_suffix("px").and_then(|pixels| pixels.parse::<u32>().ok());
            let style =
                pixels.map(|pixels| format!(" style=\"flex: none; width: {pixels}px\"")).unwrap_or_default();
            let class = if width == "auto" { "auto" } else { "" };
            format!("<div class=\"{class}\"{style}>{}</div>", inside("items"))
        }
        "ActionSet" => actions(element),
        other => format!("<div class=\"text\">[{}]</div>", markup(other)),
    }
}

/// A run of text, or a text alone.
fn run(run: &Value) -> String {
    let Some(plain) = run.as_str() else {
        let shown = markup(text(run, "text")).replace("&#10;", "<br>");
        return format!("<span class=\"{}\">{shown}</span>", look(run));
    };
    markup(plain).replace("&#10;", "<br>")
}

fn look(of: &Value) -> String {
    let mut look = vec![word(text(of, "weight")), word(text(of, "size"))];
    look.extend(of.get("color").and_then(Value::as_str).map(|color| format!("c-{}", word(color))));
    look.extend((of["isSubtle"] == true).then(|| "subtle".to_owned()));
    look.extend((text(of, "fontType").eq_ignore_ascii_case("monospace")).then(|| "mono".to_owned()));
    look.retain(|name| !name.is_empty());
    look.join(" ")
}

/// A word of the schema as the name of a class.
fn word(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
