//! What an action shows to the outside, read from its types.

use std::fmt::Write as _;

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
#[derive(Clone)]
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
        let inputs = if subcommands.is_empty() {
            command.get_arguments().filter_map(input::<A>).collect()
        } else {
            inputs_of_several::<A>(&subcommands)
        };
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

/// The inputs of all commands, each once: with what it means to each of them, and who takes it.
fn inputs_of_several<A: Action>(commands: &[&Command]) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut meanings: Vec<Vec<(String, Vec<String>)>> = Vec::new();
    for command in commands {
        let name = command.get_name().to_owned();
        for found in command.get_arguments().filter_map(input::<A>) {
            let at = inputs.iter().position(|input| input.name == found.name).unwrap_or_else(|| {
                inputs.push(found.clone());
                meanings.push(Vec::new());
                inputs.len() - 1
            });
            inputs[at].commands.push(name.clone());
            match meanings[at].iter_mut().find(|(meaning, _)| *meaning == found.description) {
                Some((_, takers)) => takers.push(name.clone()),
                None => meanings[at].push((found.description, vec![name.clone()])),
            }
        }
    }
    for (input, meanings) in inputs.iter_mut().zip(meanings) {
        input.description = told(meanings);
        if input.commands.len() == commands.len() {
            input.commands.clear();
        } else {
            input.required = false;
        }
    }
    inputs
}

/// The first meaning is the usual one; the others are told with the commands that have them.
fn told(meanings: Vec<(String, Vec<String>)>) -> String {
    let mut told = String::new();
    for (meaning, commands) in meanings {
        if !told.is_empty() {
            let commands: Vec<String> = commands.iter().map(|command| format!("`{command}`")).collect();
            let _ = write!(told, ". With {}: ", commands.join(", "));
        }
        told.push_str(&meaning);
    }
    told
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
