//! What the demo leaves to look at: job summaries, messages, and one page that holds all of it.

use std::{fmt::Write as _, path::Path};

use anyhow::Context as _;

use super::{
    pipeline::{Pipeline, sign},
    service::Message,
};

pub(crate) fn write(folder: &Path, pipelines: &[&Pipeline<'_>], messages: &[Message]) -> anyhow::Result<()> {
    let mut body = String::new();
    for (index, pipeline) in pipelines.iter().enumerate() {
        std::fs::write(folder.join(format!("run-{}.md", index + 1)), &pipeline.summary)?;
        run(&mut body, pipeline);
    }
    let received = folder.join("messages");
    std::fs::create_dir_all(&received)?;
    body.push_str("<h2>Messages received</h2>\n");
    for (index, message) in messages.iter().enumerate() {
        let value: serde_json::Value = serde_json::from_str(&message.body)
            .with_context(|| format!("a message to {} is no JSON", message.path))?;
        let json = serde_json::to_string_pretty(&value)?;
        let channel = message.path.split('/').nth(1).unwrap_or("message");
        let name = format!("{}-{channel}.json", index + 1);
        std::fs::write(received.join(&name), &json)?;
        let _ = writeln!(
            body,
            "<details><summary><code>{name}</code></summary><pre>{}</pre></details>",
            html(&json)
        );
    }
    let page = include_str!("page.html").replace("<!-- body -->", &body);
    Ok(std::fs::write(folder.join("index.html"), page)?)
}

fn run(body: &mut String, pipeline: &Pipeline<'_>) {
    let _ = writeln!(body, "<h2>{}</h2>\n<ol class=\"steps\">", html(pipeline.title));
    for done in &pipeline.steps {
        let verdict = done.report["verdict"].as_str().unwrap_or("undecided");
        let _ = writeln!(
            body,
            "<li class=\"{verdict}\"><b>{} {}</b><span>{}</span><small>{:.0} ms</small></li>",
            sign(verdict),
            html(done.action),
            html(done.report["title"].as_str().unwrap_or_default()),
            done.took.as_secs_f64() * 1000.0
        );
    }
    body.push_str("</ol>\n<div class=\"summary\">\n");
    let options = pulldown_cmark::Options::ENABLE_TABLES;
    pulldown_cmark::html::push_html(body, pulldown_cmark::Parser::new_ext(&pipeline.summary, options));
    body.push_str("</div>\n");
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
