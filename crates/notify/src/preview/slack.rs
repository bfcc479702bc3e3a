//! A message in Slack: the blocks that ours are made of.

use serde_json::Value;

use sluice_core::escape::markup;

use super::{list, text};

const STYLE: &str = "\
body { margin: 0; padding: 24px; background: #fff; color: #1d1c1d; font: 15px/22px Lato, 'Noto Sans', 'DejaVu Sans', sans-serif }
.message { display: flex; gap: 8px; max-width: 680px }
.face { flex: none; width: 36px; height: 36px; border-radius: 8px; background: #1b6ac9; color: #fff; font: 700 18px/36px sans-serif; text-align: center }
.message > :last-child { min-width: 0 } .who { font-weight: 900 } .app { font-size: 10px; background: #ddd; border-radius: 2px; padding: 1px 3px; color: #616061; margin: 0 6px 0 4px } .time { color: #616061; font-size: 12px }
h1 { font-size: 18px; line-height: 26px; font-weight: 900; margin: 8px 0 }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 24px; margin: 8px 0; overflow-wrap: anywhere }
.text { margin: 8px 0; white-space: pre-wrap; overflow-wrap: anywhere }
.context { display: flex; gap: 10px; font-size: 13px; line-height: 18px; color: #616061; margin: 8px 0 } .context a { font-weight: 700 }
code { color: #c01343; background: #f6f6f6; border: 1px solid #ddd; border-radius: 3px; padding: 1px 3px; font: 12px/18px Menlo, 'DejaVu Sans Mono', monospace }
a { color: #1264a3; text-decoration: none } .mention { background: #fff5d6; color: #1264a3; border-radius: 3px; padding: 0 2px }
hr { border: 0; border-top: 1px solid #ddd; margin: 12px 0 }";

/// The page that shows a message.
pub(super) fn page(message: &Value) -> String {
    let blocks: String = list(message, "blocks").map(block).collect();
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n<div class=\"message\">\
         <div class=\"face\">S</div><div><span class=\"who\">Sluice</span><span class=\"app\">APP</span>\
         <span class=\"time\">9:41 AM</span>\n{blocks}</div></div>\n",
        markup(text(message, "text"))
    )
}

fn block(block: &Value) -> String {
    match text(block, "type") {
        "header" => format!("<h1>{}</h1>\n", object(&block["text"])),
        "section" => {
            let fields: Vec<String> =
                list(block, "fields").map(|field| format!("<div>{}</div>", object(field))).collect();
            let fields = fields.concat();
            let own = block.get("text").map(|own| format!("<div class=\"text\">{}</div>", object(own)));
            let fields = (!fields.is_empty()).then(|| format!("<div class=\"fields\">{fields}</div>"));
            [own, fields].into_iter().flatten().collect::<Vec<_>>().concat() + "\n"
        }
        "context" => {
            let elements: Vec<String> =
                list(block, "elements").map(|one| format!("<span>{}</span>", object(one))).collect();
            format!("<div class=\"context\">{}</div>\n", elements.concat())
        }
        "rich_text" => {
            let parts = list(block, "elements").flat_map(|section| list(section, "elements"));
            format!("<div class=\"text\">{}</div>\n", parts.map(element).collect::<String>())
        }
        "divider" => "<hr>\n".to_owned(),
        other => format!("<div class=\"text\">[{}]</div>\n", markup(other)),
    }
}

/// A text object: plain, or mrkdwn.
fn object(object: &Value) -> String {
    let shown = text(object, "text");
    if text(object, "type") == "mrkdwn" { mrkdwn(shown) } else { markup(shown) }
}

fn element(element: &Value) -> String {
    let shown = match text(element, "type") {
        "link" => {
            let label = element.get("text").and_then(Value::as_str).unwrap_or_else(|| text(element, "url"));
            return format!("<a href=\"{}\">{}</a>", markup(text(element, "url")), markup(label));
        }
        "user" => return mention(text(element, "user_id")),
        "usergroup" => return mention(text(element, "usergroup_id")),
        "broadcast" => return mention(text(element, "range")),
        "emoji" => format!(":{}:", markup(text(element, "name"))),
        _ => markup(text(element, "text")),
    };
    let style = |name: &str| element["style"][name] == true;
    let shown = if style("code") { format!("<code>{shown}</code>") } else { shown };
    let shown = if style("italic") { format!("<i>{shown}</i>") } else { shown };
    if style("bold") { format!("<b>{shown}</b>") } else { shown }
}

fn mention(name: &str) -> String {
    format!("<span class=\"mention\">@{}</span>", markup(name))
}

/// What our mrkdwn is made of: `*bold*`, `` `code` ``, links, mentions and lines. Slack's three entities are those of
/// HTML.
fn mrkdwn(source: &str) -> String {
    let mut shown = String::new();
    let mut rest = source;
    while let Some(start) = rest.find(['*', '`', '<', '\n', '"', '>']) {
        shown.push_str(&rest[..start]);
        let (mark, after) = (&rest[start..=start], &rest[start + 1..]);
        let end = match mark {
            "*" | "`" => after.find(mark),
            "<" => after.find('>'),
            _ => None,
        };
        rest = after;
        match (mark, end) {
            ("*", Some(end)) => shown.extend(["<b>", &quoted(&after[..end]), "</b>"]),
            ("`", Some(end)) => shown.extend(["<code>", &quoted(&after[..end]), "</code>"]),
            ("<", Some(end)) => shown.push_str(&link(&after[..end])),
            ("\n", _) => shown.push_str("<br>"),
            _ => shown.push_str(&markup(mark)),
        }
        if let Some(end) = end {
            rest = &after[end + 1..];
        }
    }
    shown.push_str(rest);
    shown
}

/// `https://...|label`, or a mention as `!here` and `@U123`.
fn link(inside: &str) -> String {
    if let Some(name) = inside.strip_prefix(['!', '@']) {
        return mention(name.rsplit('^').next().unwrap_or_default());
    }
    let (url, label) = inside.split_once('|').unwrap_or((inside, inside));
    format!("<a href=\"{}\">{}</a>", quoted(url), quoted(label))
}

/// What is escaped for Slack is escaped for HTML but for quotes and brackets that Slack passes over.
fn quoted(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
