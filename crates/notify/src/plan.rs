//! What a run is to do: the inputs, checked against the configuration.

use std::path::PathBuf;

use indexmap::IndexMap;
use sluice_config::{Event, File};
use sluice_core::{Context, Finding, Problem, Secret};

use crate::{
    background::{Background, Question},
    github::Github,
    inputs::{Inputs, OnError},
    jobs::Jobs,
    mention::Mention,
    reports::Found,
    routes::{self, Told, What},
    sections::Sections,
    story::{Run, Sources, Story},
    untrusted::Untrusted,
};

pub(crate) struct Plan {
    reports: Option<PathBuf>,
    environment: Option<String>,
    pub(crate) event: Option<Event>,
    pub(crate) jobs: Jobs,
    expected: Vec<String>,
    channels: Vec<String>,
    stages: Vec<String>,
    mentions: Vec<Mention>,
    pub(crate) token: Option<Secret>,
    pub(crate) preview: Option<PathBuf>,
    /// The messages to update, by channel.
    pub(crate) message_ids: IndexMap<String, String>,
    pub(crate) on_error: OnError,
    pub(crate) dry_run: bool,
    pub(crate) http: sluice_http::Options,
}

impl Plan {
    pub(crate) fn new(inputs: Inputs, config: &File<Sections>, cx: &Context) -> Result<Self, Problem> {
        for name in &inputs.channel {
            config.sections.channel(name)?;
        }
        if let Some(name) = &inputs.environment {
            config.sections.check_environment(name)?;
        }
        Ok(Self {
            reports: inputs.reports.map(|folder| cx.folder().join(folder)).or_else(|| cx.reports()),
            environment: inputs.environment,
            event: inputs.event,
            jobs: inputs.needs.as_deref().map(Jobs::parse).transpose()?.unwrap_or_default(),
            expected: inputs.expect,
            channels: inputs.channel,
            stages: inputs.stages,
            mentions: inputs.mention.iter().map(|name| mention(name)).collect::<Result<_, _>>()?,
            token: inputs.token.or_else(|| cx.secret("GITHUB_TOKEN")),
            preview: inputs.preview.map(|folder| cx.folder().join(folder)),
            message_ids: inputs.message_id.as_deref().map(message_ids).transpose()?.unwrap_or_default(),
            on_error: inputs.on_error.unwrap_or_default(),
            dry_run: inputs.dry_run,
            http: sluice_http::Options { ca_file: inputs.http.ca_file.map(|file| cx.folder().join(file)) },
        })
    }

    /// Reads what there is and makes one story of it; with what could not be found out.
    pub(crate) fn story(
        &self,
        config: &File<Sections>,
        github: Option<&Github>,
        cx: &Context,
    ) -> Result<(Story, Vec<Finding>), Problem> {
        let found = self.reports.as_deref().map(Found::in_folder).unwrap_or_default();
        let environment = match &self.environment {
            Some(name) => Some(name.clone()),
            None => found.environment()?,
        };
        if let Some(name) = &environment {
            config.sections.check_environment(name)?;
        }
        let mut background = match github {
            Some(github) => {
                let environments: Vec<&str> =
                    config.sections.environments.keys().map(String::as_str).collect();
                let question = Question {
                    environment: environment.as_deref(),
                    versions: found.versions(),
                    environments: &environments,
                };
                cx.block_on(Background::ask(github, &question, cx))?
            }
            None => Background::of_event(cx),
        };
        let notes = std::mem::take(&mut background.notes);
        let sources = Sources {
            event: self.event,
            environment,
            found,
            jobs: &self.jobs,
            expected: &self.expected,
            stages: &self.stages,
            background,
            components: &config.sections.component_of_images(),
            mentions: self.mentions.clone(),
        };
        Ok((Story::tell(sources, Run::of(cx))?, notes))
    }

    /// The channels that the story is told to: those asked for, else those of the routes.
    pub(crate) fn channels<'a>(
        &'a self,
        config: &'a File<Sections>,
        story: &Story,
        cx: &Context,
    ) -> Result<IndexMap<&'a str, Told>, Problem> {
        if self.channels.is_empty() {
            let environment = story.environment.as_ref().map(Untrusted::raw);
            let what = What { event: story.event, verdict: story.verdict, environment };
            return routes::channels(config, what, cx.now());
        }
        Ok(self.channels.iter().map(|name| (name.as_str(), Told::default())).collect())
    }
}

fn mention(name: &str) -> Result<Mention, Problem> {
    name.parse().map_err(|why| Problem::misconfigured(format!("\"{name}\" can't be mentioned")).why(why))
}

fn message_ids(json: &str) -> Result<IndexMap<String, String>, Problem> {
    serde_json::from_str(json).map_err(|error| {
        Problem::misconfigured("the input `message-id` does not tell which messages to update")
            .why(error)
            .help("give it the output `message-id` of the run of notify before this one")
    })
}
