//! A message in Discord: an embed.

use serde_json::Value;

use sluice_core::escape::markup;

use super::{list, text};

const STYLE: &str = "\
body { margin: 0; padding: 24px; background: #313338; color: #dbdee1; font: 16px/22px 'gg sans', 'Noto Sans', 'DejaVu Sans', sans-serif }
.message { display: flex; gap: 16px } .face { flex: none; width: 40px; height: 40px; border-radius: 50%; background: #5865f2; color: #fff; font: 700 18px/40px sans-serif; text-align: center }
.who { font-weight: 600; color: #f2f3f5 } .app { background: #5865f2; color: #fff; font-size: 10px; line-height: 15px; border-radius: 3px; padding: 0 4px; margin-left: 4px } .time { color: #949ba4; font-size: 12px; margin-left: 8px }
.embed { max-width: 520px; background: #2b2d31; border-left: 4px solid; border-radius: 4px; padding: 12px 16px 16px; margin-top: 4px; font-size: 14px; line-height: 18px }
.title { font-size: 16px; font-weight: 600; line-height: 22px } .title, .title a { color: #f2f3f5; text-decoration: none } .title a, .fields a { color: #00a8fc; text-decoration: none }
.fields { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px 16px; margin-top: 8px; overflow-wrap: anywhere } .wide { grid-column: 1 / -1 } .name { font-weight: 600; color: #f2f3f5 }
code { background: #1e1f22; border-radius: 3px; padding: 1px 3px; font: 12px/16px 'DejaVu Sans Mono', monospace }
pre { background: #1e1f22; border: 1px solid #1a1b1e; border-radius: 4px; padding: 8px; margin: 8px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/18px 'DejaVu Sans Mono', monospace }
.footer { color: #949ba4; font-size: 12px; margin-top: 8px }";

/// The page that shows a message.
pub(super) fn page(message: &Value) -> String {
    let embeds: String = list(message, "embeds").map(embed).collect();
    let content = markdown(text(message, "content"));
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Discord</title>\n<style>\n{STYLE}\n</style>\n\
         <div class=\"message\"><div class=\"face\">S</div><div><span class=\"who\">Sluice</span><span class=\"app\">APP</span>\
         <span class=\"time\">Today at 9:41 AM</span>\n<div>{content}</div>{embeds}</div></div>\n"
    )
}

fn embed(embed: &Value) -> String {
    let color = embed.get("color").and_then(Value::as_u64).unwrap_or_default();
    let title = markdown(text(embed, "title"));
    let title = match text(embed, "url") {
        "" => title,
        url => format!("<a href=\"{}\">{title}</a>", markup(url)),
    };
    let field = |field: &Value| {
        let (name, value) = (markdown(text(field, "name")), markdown(text(field, "value")));
        let class = if field["inline"] == true { "" } else { " class=\"wide\"" };
        format!("<div{class}><div class=\"name\">{name}</div>{value}</div>")
    };
    let fields: String = list(embed, "fields").map(field).collect();
    format!(
        "<div class=\"embed\" style=\"border-color: #{color:06x}\"><div class=\"title\">{title}</div>\
         <div>{}</div><div class=\"fields\">{fields}</div><div class=\"footer\">{}</div></div>\n",
        markdown(text(embed, "description")),
        markup(text(&embed["footer"], "text")),
    )
}

/// What our Markdown is made of: code, blocks of it, links, escaped signs, lines.
fn markdown(source: &str) -> String {
    let mut shown = String::new();
    let mut rest = source;
    while let Some(start) = rest.find(['`', '[', '\\', '\n']) {
        shown.push_str(&markup(&rest[..start]));
        let found = &rest[start..];
        if let Some((label, url, after)) = link(found) {
            shown.extend(["<a href=\"", &markup(url), "\">", &markdown(label), "</a>"]);
            rest = after;
            continue;
        }
        let fence = ["```", "``", "`"].into_iter().find(|fence| found.starts_with(fence));
        let closed = fence.and_then(|fence| Some((fence, found[fence.len()..].find(fence)?)));
        if let Some((fence, end)) = closed {
            let inside = markup(&found[fence.len()..fence.len() + end]);
            let tag = if fence.len() == 3 { "pre" } else { "code" };
            shown.extend(["<", tag, ">", inside.trim_matches('\n'), "</", tag, ">"]);
            rest = &found[2 * fence.len() + end..];
        } else if let Some(after) = found.strip_prefix('\\') {
            let next = after.chars().next().map_or(0, char::len_utf8);
            shown.push_str(&markup(&after[..next]));
            rest = &after[next..];
        } else {
            shown.push_str(if found.starts_with('\n') { "<br>" } else { &found[..1] });
            rest = &found[1..];
        }
    }
    shown + &markup(rest)
}

/// The label and the address in `[label](https://...)`, and what follows. A bracket of a label is escaped.
fn link(markdown: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = markdown.strip_prefix('[')?.split_once("](http")?;
    let (_, after) = rest.split_once(')')?;
    let url = &markdown[label.len() + 3..markdown.len() - after.len() - 1];
    Some((label, url, after))
}
