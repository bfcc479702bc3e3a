//! Annotations of Grafana: a mark on its charts where a deployment began or ended.
//!
//! Grafana shows the text as HTML that it cleans; no angle bracket of a stranger's gets that far.
//!
//! <https://grafana.com/docs/grafana/latest/developers/http_api/annotations/>

use serde_json::{Value, json};
use sluice_config::Grafana;
use sluice_core::Problem;
use sluice_http::{Response, header::AUTHORIZATION};

use super::{Channel, Message, Refusal, Sending, Taken, endpoint, excerpt, nothing_rendered, tags, under};
use crate::{
    delivery::{Post, Repeat},
    sheet::{self, Voice},
    story::Story,
    untrusted::{Untrusted, cut},
};

/// The longest text; a box on a chart has room for less.
const TEXT: usize = 2_000;
/// What Grafana keeps of all tags together is 500, as JSON: `tags_length` of
/// <https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#annotations>.
const TAG: usize = 100;
const TAGS: usize = 500;

const HTML: Voice = Voice { text: shown, name: |name| shown(name, 80) };

impl Channel for Grafana {
    fn kind(&self) -> &'static str {
        "grafana"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let mut parts = vec![sheet::headline(story, HTML)];
        parts.extend(
            story.cause().map(|step| {
                format!("{}: {}", shown(&step.name, sheet::NAME), shown(&step.title, sheet::TITLE))
            }),
        );
        parts.extend(
            sheet::facts(story, HTML)
                .iter()
                .map(|fact| format!("{}: {}", fact.label, fact.lines(250).join(", "))),
        );
        let link = sheet::run_url(story).filter(|url| url.len() <= 300);
        let link = link.map(|url| format!("\n<a href=\"{}\">Open the run</a>", url.replace('&', "&amp;")));
        let link = link.unwrap_or_default();
        let mut tags = tags(story, &self.tags, TAG);
        while json!(tags).to_string().len() > TAGS {
            tags.pop();
        }
        let mut body = json!({"text": cut(&parts.join("\n"), TEXT - link.len()) + &link, "tags": tags});
        if let Some(dashboard) = &self.dashboard {
            body["dashboardUID"] = dashboard.as_str().into();
        }
        Ok(vec![Message::new("annotation", body)])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            let url = under(&endpoint(Some(&self.url), "")?, "api/annotations")?;
            let mut body = message.body.clone();
            body["time"] = post.now.as_millisecond().into();
            let request = Post::json(url, &body).header(AUTHORIZATION, post.header(&self.token, "Bearer ")?);
            Ok(post.request(self.kind(), request, Repeat::NotArrived, judge).await)
        })
    }
}

fn judge(answer: &Response) -> Result<Taken, Refusal> {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status == 200 && said["id"].is_u64() {
        return Ok(Taken::default());
    }
    let help = match answer.status.as_u16() {
        401 => Some("the token is wrong or no longer good: update the secret"),
        403 => Some("give the service account the permission `annotations:create`"),
        404 => Some("check `url`, and that the dashboard exists"),
        _ => None,
    };
    let why = format!("Grafana refused it ({}): {}", answer.status, excerpt(answer));
    Err(Refusal { why, help: help.map(str::to_owned), ..Refusal::default() })
}

fn shown(text: &Untrusted, most: usize) -> String {
    text.line(most).replace('<', "‹").replace('>', "›").replace('&', "&amp;").replace('"', "”")
}
