//! The inputs of notify.

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use sluice_config::Event;
use sluice_core::Secret;

/// Tell people what a pipeline did: one message a channel, delivered or loudly not
#[derive(Clone, Debug, clap::Parser)]
pub struct Inputs {
    /// Folder with the reports of the pipeline's jobs, itself and one level below. Default: the reports of this job
    #[arg(long, value_name = "FOLDER")]
    pub reports: Option<String>,
    /// Environment that the message is about. Default: the one that the reports name
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// What happened: `start`, `success`, `failure`, `rollback`, `recovery`, `pending` or `cancelled`. Default: what the worst verdict of reports and jobs amounts to
    #[arg(long, value_name = "EVENT", value_parser = event_parser())]
    pub event: Option<Event>,
    /// How the jobs ended that this one needs: the expression `toJSON(needs)`. Default: no job is looked at
    #[arg(long, value_name = "JSON")]
    pub needs: Option<String>,
    /// Actions whose report must be there: a missing one is told and makes the event a failure. Default: none
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    pub expect: Vec<String>,
    /// Channels of the configuration to tell, whatever its routes say. Default: those of the routes that fit
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub channel: Vec<String>,
    /// Output `message-id` of the run before, whose messages are updated. Default: new messages
    #[arg(long, value_name = "JSON")]
    pub message_id: Option<String>,
    /// Stages of the pipeline in order, by the names of its jobs or actions, shown as a progress line. Default: none
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub stages: Vec<String>,
    /// Whom the messages mention, by the ids of their channels, besides those that the routes name. Default: nobody
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub mention: Vec<String>,
    /// The token to ask GitHub with, and to write issues, statuses and deployments. Default: the job's token in a workflow, else the variable `GITHUB_TOKEN`
    ///
    /// With `actions: read` the message tells durations, failed steps and logs, and a recovery from a failure.
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<Secret>,
    /// Folder to write each message to, as JSON and as a page that shows it. Default: none is written
    #[arg(long, value_name = "FOLDER")]
    pub preview: Option<String>,
    /// What an undelivered message means for the step: `fail`, or `warn` (it is shown, and the step passes). Default: `fail`
    #[arg(long, value_name = "fail|warn")]
    pub on_error: Option<OnError>,
    /// Print the messages and send nothing. Default: `false`
    #[arg(long)]
    pub dry_run: bool,
    /// How to reach the channels.
    #[command(flatten)]
    pub http: sluice_http::Options,
}

/// What an undelivered message means for the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// The step fails.
    #[default]
    Fail,
    /// The step passes, and shows what was not delivered.
    Warn,
}

const EVENTS: [(&str, Event); 7] = [
    ("start", Event::Start),
    ("success", Event::Success),
    ("failure", Event::Failure),
    ("rollback", Event::Rollback),
    ("recovery", Event::Recovery),
    ("pending", Event::Pending),
    ("cancelled", Event::Cancelled),
];

fn event_parser() -> impl TypedValueParser<Value = Event> {
    PossibleValuesParser::new(EVENTS.map(|(name, _)| name)).map(|word| {
        // The parser before lets no other word through.
        EVENTS.into_iter().find(|(name, _)| *name == word).map_or(Event::Failure, |(_, event)| event)
    })
}

/// The event as inputs, routes and outputs spell it.
pub(crate) fn name_of(event: Event) -> &'static str {
    EVENTS.into_iter().find(|(_, each)| *each == event).map_or("failure", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn each_event_is_spelled_as_in_the_configuration() {
        for (name, event) in EVENTS {
            assert_eq!(serde_json::to_value(event).unwrap(), name);
            assert_eq!(name_of(event), name);
            assert_eq!(Inputs::parse_from(["notify", "--event", name]).event, Some(event));
        }
        assert!(Inputs::try_parse_from(["notify", "--event", "failed"]).is_err());
    }
}
