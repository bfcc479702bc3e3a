//! What an action shows to the outside, read from its types.

use clap::{Arg, Command};
use sluice_core::{Action, is_input};

/// The face of one action.
pub(crate) struct Face {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) commands: Vec<(String, String)>,
    pub(crate) default_command: Option<&'static str>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Output>,
}

/// One input, of one or several commands.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) required: bool,
    /// Its default in a workflow.
    pub(crate) runner_default: Option<&'static str>,
    /// The commands that take it; empty for all.
    pub(crate) commands: Vec<String>,
}

/// One output.
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) description: String,
}

impl Face {
    pub(crate) fn of<A: Action>() -> Self {
        let mut command = sluice_core::command::<A>();
        command.build();
        let description = about(&command);
        let subcommands: Vec<&Command> = command.get_subcommands().collect();
        let mut inputs: Vec<Input> = Vec::new();
        if subcommands.is_empty() {
            inputs.extend(command.get_arguments().filter_map(input::<A>));
        }
        for subcommand in &subcommands {
            for mut found in subcommand.get_arguments().filter_map(input::<A>) {
                let command = subcommand.get_name().to_owned();
                if let Some(known) = inputs.iter_mut().find(|input| input.name == found.name) {
                    if known.description != found.description {
                        known.description =
                            format!("{}. With `{command}`: {}", known.description, found.description);
                    }
                    known.commands.push(command);
                } else {
                    found.commands = vec![command];
                    inputs.push(found);
                }
            }
        }
        for input in &mut inputs {
            if input.commands.len() == subcommands.len() {
                input.commands.clear();
            } else {
                input.required = false;
            }
        }
        Self {
            name: A::NAME.to_owned(),
            description,
            commands: subcommands
                .iter()
                .map(|command| (command.get_name().to_owned(), about(command)))
                .collect(),
            default_command: A::DEFAULT_COMMAND,
            inputs,
            outputs: outputs::<A>(),
        }
    }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn input<A: Action>(arg: &Arg) -> Option<Input> {
    let name = arg.get_long().filter(|_| is_input(arg))?;
    let description = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let default = A::RUNNER_DEFAULTS.iter().find(|(input, _)| *input == name);
    Some(Input {
        name: name.to_owned(),
        description,
        required: arg.is_required_set(),
        runner_default: default.map(|(_, value)| *value),
        commands: Vec::new(),
    })
}

fn outputs<A: Action>() -> Vec<Output> {
    let schema = schemars::schema_for!(A::Outputs);
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    let described = properties.into_iter().flatten().map(|(name, property)| {
        let description = property.get("description").and_then(serde_json::Value::as_str).unwrap_or_default();
        Output { name: name.clone(), description: description.replace('\n', " ") }
    });
    let report = Output {
        name: "report-file".to_owned(),
        description: "The report of this run as JSON, below the folder `RUNNER_TEMP`".to_owned(),
    };
    described.chain([report]).collect()
}
