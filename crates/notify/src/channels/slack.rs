//! Slack: through an incoming webhook, or as a bot.
//!
//! A webhook posts and is done. A bot's message is updated by the runs after it, and what happened is said once more
//! in its thread: an update alone calls nobody. What is not good is shown in the channel too.
//!
//! What it shows is in `blocks`.
//!
//! <https://docs.slack.dev/reference/methods/chat.postMessage>

mod blocks;

use serde_json::{Value, json};
use sluice_config::{Event, FromEnvironment, Slack};
use sluice_core::Problem;
use sluice_http::{Response, Url, header::AUTHORIZATION};

use super::{Channel, Message, Refusal, Sending, Taken, endpoint, excerpt, nothing_rendered, under};
use crate::{
    delivery::{Outcome, Post, Repeat},
    story::Story,
    untrusted::Untrusted,
};

impl Channel for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let text = blocks::notification(story);
        let message = json!({"text": text, "mrkdwn": false, "blocks": blocks::of(story)});
        let mut messages = vec![Message::new("message", message)];
        if self.token.is_some() && story.event != Event::Start {
            let calls = matches!(story.event, Event::Failure | Event::Rollback);
            let reply = json!({"text": text, "mrkdwn": false, "reply_broadcast": calls});
            messages.push(Message::new("reply", reply));
        }
        Ok(messages)
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message, replies @ ..] = messages else { return Err(nothing_rendered()) };
            match (access(self)?, post.message_id) {
                (Access::Webhook(webhook), _) => {
                    let request = Post::json(post.address(webhook)?, &message.body);
                    Ok(post.request(self.kind(), request, Repeat::NotArrived, judge_webhook).await)
                }
                (Access::Bot(bot), None) => bot.call("chat.postMessage", &message.body, &[], post).await,
                (Access::Bot(bot), Some(id)) => bot.update(id, &message.body, replies, post).await,
            }
        })
    }
}

/// How Slack is spoken to.
enum Access<'a> {
    Webhook(&'a FromEnvironment),
    Bot(Bot<'a>),
}

/// A bot and its channel.
struct Bot<'a> {
    token: &'a FromEnvironment,
    channel: &'a str,
    api: Url,
}

/// Refuses a channel that is neither a webhook nor a bot.
pub(super) fn check(slack: &Slack) -> Result<(), Problem> {
    access(slack).map(drop)
}

fn access(slack: &Slack) -> Result<Access<'_>, Problem> {
    match (&slack.webhook, &slack.token, &slack.channel) {
        (Some(webhook), None, None) => Ok(Access::Webhook(webhook)),
        (None, Some(token), Some(channel)) => {
            let api = endpoint(slack.url.as_ref(), "https://slack.com/api")?;
            Ok(Access::Bot(Bot { token, channel, api }))
        }
        _ => Err(Problem::misconfigured("a channel of kind `slack` is either a webhook or a bot")
            .why("it needs `webhook`, or `token` and `channel`")
            .help("write `slack: {webhook: {env: NAME}}` or `slack: {token: {env: NAME}, channel: C0123456789}`")),
    }
}

impl Bot<'_> {
    /// Updates the message and says in its thread what happened. A message that is gone is posted anew.
    async fn update(
        &self,
        id: &str,
        message: &Value,
        replies: &[Message],
        post: &Post<'_>,
    ) -> Result<Outcome, Problem> {
        let Some((channel, ts)) = id.split_once('/').filter(|(channel, ts)| is_id(channel) && is_id(ts))
        else {
            return Err(Problem::misconfigured("the input `message-id` holds no message of Slack")
                .why("it is the id of a channel and that of a message, as in `C0123456789/1700000000.000100`")
                .help("give it the output `message-id` of the run of notify before this one"));
        };
        let place = [("channel", channel), ("ts", ts)];
        let updated = self.call("chat.update", message, &place, post).await?;
        if updated.is_gone {
            return self.call("chat.postMessage", message, &[], post).await;
        }
        let mut outcome = updated;
        for reply in replies {
            let thread = [("channel", channel), ("thread_ts", ts)];
            outcome = outcome.and(self.call("chat.postMessage", &reply.body, &thread, post).await?);
        }
        // The message to update stays the one above.
        Ok(Outcome { message_id: Some(id.to_owned()), ..outcome })
    }

    async fn call(
        &self,
        method: &'static str,
        body: &Value,
        more: &[(&str, &str)],
        post: &Post<'_>,
    ) -> Result<Outcome, Problem> {
        let mut body = body.clone();
        body["channel"] = self.channel.into();
        for (name, value) in more {
            body[*name] = (*value).into();
        }
        let url = under(&self.api, method)?;
        let request = Post::json(url, &body).header(AUTHORIZATION, post.header(self.token, "Bearer ")?);
        let repeat = if method == "chat.update" { Repeat::Always } else { Repeat::NotArrived };
        Ok(post.request("slack", request, repeat, judge_bot).await)
    }
}

/// Ids of Slack are letters, digits and a full stop.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

fn judge_webhook(answer: &Response) -> Result<Taken, Refusal> {
    let word = excerpt(answer);
    let why = match (answer.status.as_u16(), word.as_str()) {
        (200, "ok") => return Ok(Taken::default()),
        (200, _) => format!("Slack answered 200, but not `ok`: {word}"),
        _ => format!("Slack refused it ({}): {word}", answer.status),
    };
    let help = explain(&word).unwrap_or_else(|| {
        "check that the address is that of an incoming webhook of Slack, `https://hooks.slack.com/services/...`".into()
    });
    Err(Refusal { why, help: Some(help), ..Refusal::default() })
}

/// A refusal comes with status 200 and `ok: false`.
fn judge_bot(answer: &Response) -> Result<Taken, Refusal> {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if said["ok"] == true {
        let id = |name: &str| said[name].as_str().filter(|id| is_id(id));
        let message_id = id("channel").zip(id("ts")).map(|(channel, ts)| format!("{channel}/{ts}"));
        return Ok(Taken { message_id, note: None });
    }
    let Some(error) = said["error"].as_str() else {
        let why = format!("Slack's API did not answer ({}): {}", answer.status, excerpt(answer));
        return Err(Refusal { why, ..Refusal::default() });
    };
    let word = Untrusted::from(error).line(100);
    let help = match (word.as_str(), said["needed"].as_str()) {
        ("missing_scope", Some(needed)) => Some(format!(
            "give the bot the scope `{}` and install it anew",
            Untrusted::from(needed).line(100)
        )),
        _ => explain(&word),
    };
    let is_temporary = matches!(error, "ratelimited" | "rate_limited" | "service_unavailable");
    let is_gone = matches!(error, "message_not_found" | "cant_update_message" | "edit_window_closed");
    Err(Refusal { why: format!("Slack refused it: {word}"), help, is_temporary, is_gone })
}

/// What Slack's words mean, and what to do.
///
/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>,
/// <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
fn explain(word: &str) -> Option<String> {
    let help = match word {
        "not_in_channel" => "invite the bot to the channel: `/invite @bot`",
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "the token is wrong or no longer good: update the secret"
        }
        "is_archived" => "the channel is archived: unarchive it, or choose another one",
        "restricted_action" => "an admin of the workspace does not let the bot post there",
        "invalid_token" | "no_active_hooks" | "no_service" | "no_service_id" => {
            "the webhook does not exist any more, or the address is incomplete: create it anew and update the secret"
        }
        "no_team" | "team_disabled" => {
            "the workspace does not exist any more or is disabled: see the secret's address"
        }
        "channel_not_found" => {
            "the channel does not exist any more, or the bot does not see it: choose another one"
        }
        "channel_is_archived" => {
            "the webhook's channel is archived: unarchive it, or create a webhook for another one"
        }
        "action_prohibited" | "posting_to_general_channel_denied" => {
            "an admin of the workspace does not let the webhook post there: ask them, or choose another channel"
        }
        "user_not_found" => {
            "the webhook's owner does not exist any more: create it anew and update the secret"
        }
        "invalid_payload"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "msg_blocks_too_long"
        | "no_text"
        | "too_many_attachments" => {
            "Slack did not understand the message: please report it, with the output of `dry-run`"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::tests::answer;

    #[test]
    fn only_ok_is_ok_and_words_of_refusal_are_explained() {
        assert_eq!(judge_webhook(&answer(200, "ok")), Ok(Taken::default()));
        let cases = [
            (200, "<html>login</html>"),
            (200, ""),
            (403, "invalid_token"),
            (404, "channel_not_found"),
            (410, "channel_is_archived"),
            (400, "strange_new_word"),
        ];
        let told: Vec<String> = cases
            .iter()
            .map(|(status, body)| {
                let Refusal { why, help, .. } = judge_webhook(&answer(*status, body)).unwrap_err();
                format!("{why} => {}", help.unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
Slack answered 200, but not `ok`: <html>login</html> => check that the address is that of an incoming webhook of Slack, `https://hooks.slack.com/services/...`
Slack answered 200, but not `ok`: (an empty body) => check that the address is that of an incoming webhook of Slack, `https://hooks.slack.com/services/...`
Slack refused it (403 Forbidden): invalid_token => the webhook does not exist any more, or the address is incomplete: create it anew and update the secret
Slack refused it (404 Not Found): channel_not_found => the channel does not exist any more, or the bot does not see it: choose another one
Slack refused it (410 Gone): channel_is_archived => the webhook's channel is archived: unarchive it, or create a webhook for another one
Slack refused it (400 Bad Request): strange_new_word => check that the address is that of an incoming webhook of Slack, `https://hooks.slack.com/services/...`
"#);
    }
}
