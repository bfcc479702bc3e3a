//! An event bus of Amazon EventBridge: the story as data, for rules to match.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>

use serde_json::{Value, json};
use sluice_config::EventBridge;
use sluice_core::Problem;
use sluice_http::Response;
use sluice_sigv4::{Access, Call, Refusal as AwsRefusal, Service};

use super::{Channel, Message, Refusal, Sending, Taken, nothing_rendered, refused_by_aws};
use crate::{
    data,
    delivery::{Post, Repeat},
    story::Story,
};

impl Channel for EventBridge {
    fn kind(&self) -> &'static str {
        "eventbridge"
    }

    fn render(&self, story: &Story) -> Result<Vec<Message>, Problem> {
        let bus = self.bus.as_ref().map_or("default", |bus| bus.as_str());
        // The detail of an entry is JSON in a string.
        let entry = json!({
            "Source": "sluice",
            "DetailType": format!("Sluice {}", crate::inputs::name_of(story.event)),
            "EventBusName": bus,
            "Detail": data::of(story).to_string(),
        });
        Ok(vec![Message::new("event", json!({"Entries": [entry]}))])
    }

    fn send<'a>(&'a self, messages: &'a [Message], post: &'a Post<'a>) -> Sending<'a> {
        Box::pin(async move {
            let [message] = messages else { return Err(nothing_rendered()) };
            let access = Access::from_lookup(post.variable, region(self))?;
            let call = Call::json(Service::EVENTBRIDGE, "AWSEvents.PutEvents", &message.body);
            let request = access
                .sign(&call, post.now)
                .map_err(|error| Problem::misconfigured("the event could not be signed").why(error))?;
            Ok(post.request(self.kind(), request, Repeat::NotArrived, judge).await)
        })
    }
}

/// The region that is given, else that of `arn:aws:events:eu-west-1:123456789012:event-bus/name`.
fn region(bridge: &EventBridge) -> Option<&str> {
    let of_bus = || match bridge.bus.as_ref()?.as_str().split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "events", region, ..] => Some(*region),
        _ => None,
    };
    bridge.region.as_ref().map(|region| region.as_str()).or_else(of_bus)
}

/// An entry that failed is told in an answer of 200.
fn judge(answer: &Response) -> Result<Taken, Refusal> {
    if answer.status != 200 {
        return Err(refused_by_aws("EventBridge", answer));
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if said["FailedEntryCount"] == 0 {
        return Ok(Taken::default());
    }
    let entry = &said["Entries"][0];
    let refusal = AwsRefusal::new(None, entry["ErrorCode"].as_str(), entry["ErrorMessage"].as_str());
    Err(super::refusal_of_aws("EventBridge", &refusal))
}
