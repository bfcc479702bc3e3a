//! Events of Datadog.
//!
//! The text is no Markdown, as it does not begin with `%%%`. An `@` in it would notify whoever is called so, and so
//! no `@` of a stranger's is sent: a sign that looks alike stands for it.
//!
//! <https://docs.datadoghq.com/api/latest/events/#post-an-event-v1>,
//! <https://docs.datadoghq.com/monitors/notify/#notifications>

use serde_json::{Value, json};
use sluice_config::{Datadog, Event};
use sluice_core::{Problem, Verdict};
use sluice_http::{HeaderName, Response};

use super::{
    Channel, Message, Refusal, Sending, Taken, endpoint, excerpt, nothing_rendered, pagerduty::dedup_key,
    tags, under,
};
use crate::{
    delivery::{Post, Repeat},
    sheet::{self, Voice},
    story::Story,
    untrusted::{Untrusted, cut},
};

/// The longest title that all of Datadog's clients allow.
const TITLE: usize = 100;
/// The longest text.
const TEXT: usize = 4_000;

const PLAIN: Voice = Voice { text: shown, name: |name| shown(name, 80) };

impl Channel for Datadog {
    fn kind(&self) -> &'static str {
        "datadog"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let mut text = sheet::text(story, PLAIN, TEXT - 1_100);
        if let Some(url) = sheet::run_url(story) {
            text.push_str("\n\n");
            text.push_str(url);
        }
        let body = json!({
            "title": cut(&sheet::headline(story, PLAIN), TITLE),
            "text": cut(&text, TEXT),
            "alert_type": alert_type(story),
            "priority": "normal",
            "source_type_name": "github",
            // 100 characters at most.
            "aggregation_key": dedup_key(story),
            "tags": tags(story, &self.tags, 200),
        });
        Ok(vec![Message::new("event", body)])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            let url = under(&endpoint(self.url.as_ref(), "https://api.datadoghq.com")?, "api/v1/events")?;
            let request = Post::json(url, &message.body)
                .header(HeaderName::from_static("dd-api-key"), post.header(&self.api_key, "")?);
            Ok(post.request(self.kind(), request, Repeat::NotArrived, judge).await)
        })
    }
}

fn judge(answer: &Response) -> Result<Taken, Refusal> {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status.is_success() && said["status"] == "ok" {
        return Ok(Taken::default());
    }
    let help = matches!(answer.status.as_u16(), 401 | 403).then(|| {
        "the API key is wrong, or of another site: update the secret, or set `url` to the API of the organization's site".to_owned()
    });
    let why = format!("Datadog refused it ({}): {}", answer.status, excerpt(answer));
    Err(Refusal { why, help, ..Refusal::default() })
}

fn alert_type(story: &Story) -> &'static str {
    match (story.event, story.verdict) {
        (Event::Start | Event::Cancelled, _) => "info",
        (Event::Success | Event::Recovery, _) => "success",
        (Event::Pending | Event::Rollback, _) | (Event::Failure, Verdict::Undecided) => "warning",
        (Event::Failure, _) => "error",
    }
}

fn shown(text: &Untrusted, most: usize) -> String {
    text.line(most).replace('@', "＠").replace("%%%", "% % %").replace('<', "‹").replace('>', "›")
}
