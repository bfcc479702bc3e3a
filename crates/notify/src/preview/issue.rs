//! An issue on GitHub.
//!
//! Only the Markdown that our own texts are made of is read: bold, links, lists and a table. Strangers' text stands in
//! it as HTML already, in `<code>` with all signs escaped, and is passed on.

use serde_json::Value;
use sluice_core::escape::markup;

use super::{list, text};

const STYLE: &str = "\
body { margin: 0; padding: 24px; background: #fff; color: #1f2328; font: 14px/21px 'Noto Sans', 'DejaVu Sans', sans-serif }
main { max-width: 720px } h1 { font-size: 24px; line-height: 32px; font-weight: 400; margin: 0 0 8px; overflow-wrap: anywhere }
.state { display: inline-block; padding: 3px 12px; margin-right: 8px; border-radius: 16px; background: #1f883d; color: #fff; font-weight: 600 } .closed { background: #8250df }
.label { display: inline-block; padding: 0 8px; margin-right: 4px; border-radius: 12px; background: #ffebe9; color: #82071e; font-size: 12px } .who { color: #59636e; font-size: 12px }
.body { margin-top: 16px; padding: 16px; border: 1px solid #d1d9e0; border-radius: 6px; overflow-wrap: anywhere }
table { border-collapse: collapse; margin: 16px 0 } th, td { border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left; font-weight: 400 } th { white-space: nowrap }
code { padding: 2px 5px; border-radius: 6px; background: #818b981f; font: 12px 'DejaVu Sans Mono', monospace } a { color: #0969da }
ul { margin: 8px 0; padding-left: 24px } .inner { margin-left: 24px } p { margin: 0 0 8px }";

pub(super) fn page(message: &Value) -> String {
    let (state, said) = match text(message, "body") {
        "" => ("<span class=\"state closed\">Closed</span>", text(message, "comment")),
        body => ("<span class=\"state\">Open</span>", body),
    };
    let words = |name: &str, class: &str| {
        let word = |word: &Value| {
            format!("<span class=\"{class}\">{}</span>", markup(word.as_str().unwrap_or_default()))
        };
        list(message, name).map(word).collect::<String>()
    };
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>GitHub</title>\n<style>\n{STYLE}\n</style>\n\
         <main><h1>{}</h1>\n<div>{state}{} {}</div>\n<div class=\"body\">\n{}</div></main>\n",
        markup(text(message, "title")),
        words("labels", "label"),
        words("assignees", "who"),
        blocks(said)
    )
}

/// Paragraphs, lists and tables.
fn blocks(markdown: &str) -> String {
    let mut shown = String::new();
    let mut open = "";
    for line in markdown.lines() {
        let (block, html) = if let Some(row) = line.strip_prefix("| ") {
            ("table", row.strip_suffix(" |").and_then(|row| row.split_once(" | ")).map(cells))
        } else if line.starts_with("|---") {
            ("table", None)
        } else if let Some(item) = line.strip_prefix("- ") {
            ("ul", Some(format!("<li>{}</li>", inline(item))))
        } else if let Some(item) = line.strip_prefix("  - ") {
            ("ul", Some(format!("<li class=\"inner\">{}</li>", inline(item))))
        } else {
            ("", (!line.is_empty()).then(|| format!("<p>{}</p>", inline(line))))
        };
        if block != open {
            shown.extend([tag("/", open), tag("", block)]);
            open = block;
        }
        shown.extend(html.map(|html| html + "\n"));
    }
    shown + &tag("/", open)
}

fn tag(slash: &str, block: &str) -> String {
    if block.is_empty() { String::new() } else { format!("<{slash}{block}>\n") }
}

fn cells((name, value): (&str, &str)) -> String {
    format!("<tr><th>{}</th><td>{}</td></tr>", inline(name), inline(value))
}

/// `**bold**`, `[label](address)` and `<address>`.
fn inline(markdown: &str) -> String {
    let mut shown = String::new();
    let mut rest = markdown;
    while let Some((before, found, after)) = first_mark(rest) {
        shown.push_str(before);
        shown.push_str(&found);
        rest = after;
    }
    shown + rest
}

/// What stands before the first mark, what the mark is shown as, and what follows it.
fn first_mark(markdown: &str) -> Option<(&str, String, &str)> {
    let marks = [("**", "**"), ("[", ")"), ("<https://", ">")];
    let (start, (open, close)) =
        marks.into_iter().filter_map(|mark| Some((markdown.find(mark.0)?, mark))).min()?;
    let (inside, after) = markdown[start + open.len()..].split_once(close)?;
    let shown = match open {
        "**" => format!("<b>{inside}</b>"),
        "[" => {
            let (label, url) = inside.split_once("](")?;
            format!("<a href=\"{}\">{label}</a>", markup(url))
        }
        _ => format!("<a href=\"https://{0}\">https://{0}</a>", markup(inside)),
    };
    Some((&markdown[..start], shown, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        channels::tests::{INJECTIONS, injected},
        sections::tests::file,
        story::tests::failure,
    };

    fn shown(story: &crate::story::Story) -> String {
        let config = file("  []\n").unwrap();
        let message = config.sections.channel("tickets").unwrap().render(story).unwrap().remove(0);
        page(&message.body).split_once("<main>").unwrap().1.to_owned()
    }

    #[test]
    fn a_ticket_is_shown_as_github_shows_it() {
        insta::assert_snapshot!(shown(&failure()), @r##"
<h1>Failed in production: smoke-test: 2 of 12 checks failed</h1>
<div><span class="state">Open</span><span class="label">incident</span><span class="label">deploy</span> <span class="who">octocat</span></div>
<div class="body">
<p><b>Failed</b> in <code>production</code> · <a href="https://github.com/acme/shop/actions/runs/7/attempts/2">open the run</a></p>
<table>
<tr><th>Version</th><td><code>v1.4.1</code> → <code>v1.4.2</code></td></tr>
<tr><th>Commit</th><td><code>1a2b3c4</code> on <code>main</code></td></tr>
<tr><th>By</th><td><code>octocat</code></td></tr>
</table>
<ul>
<li>✅ <code>gate-approval</code> <code>approved: 6 of 6 conditions hold</code> · 1.2s</li>
<li>✅ <code>bump-image-tag</code> <code>1 image set in 1 overlay</code> · 1.2s</li>
<li>❌ <code>smoke-test</code> <code>2 of 12 checks failed</code> · 1m 34s</li>
<li class="inner"><code>GET /healthz</code>: <code>status 503, expected 200</code></li>
<li class="inner"><code>GET /orders</code>: <code>no answer within 10s</code></li>
</ul>
</div></main>
"##);
    }

    #[test]
    fn no_text_of_a_stranger_is_a_part_of_the_page() {
        let tags = |html: &str| {
            html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let harmless = tags(&shown(&injected("harmless")));
        for text in INJECTIONS {
            let mut story = injected(text);
            story.run.url.clone_from(&injected("harmless").run.url);
            assert_eq!(tags(&shown(&story)), harmless, "{text}");
        }
    }
}
