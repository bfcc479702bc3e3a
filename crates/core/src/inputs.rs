//! The inputs of a run, from the command line and from the runner.
//!
//! The runner hands a container action each input as `INPUT_<NAME>`: upper case, spaces turned into
//! underscores, hyphens kept; and each declared input that was not given as an empty string. So empty
//! means absent. What the command line lacks and a variable gives is turned into `--name=value`, and
//! clap parses once: a flag wins over an input, and both are checked by the same code.

use std::{any::TypeId, ffi::OsString, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _};

use crate::{Action, Environment, Period, Problem, Secret, nearest};

// The inputs that every action takes. No doc comment: clap would take it for the action's description.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of every action")]
pub(crate) struct Common {
    /// The configuration file. Default: `.github/sluice.yml` of the repository, where it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Say what is wrong with the configuration, and end
    #[arg(long, global = true)]
    pub(crate) check_config: bool,
    /// What to print: `text`, or `json` (one object, `{"outputs": ..., "report": ...}`). Default: `text`
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// End the run after this time, e.g. `10m`. Default: no end but the action's own waits
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) deadline: Option<Period>,
    // The folder to work in, for an action that has the input `working-directory`.
    #[arg(skip)]
    pub(crate) working_directory: Option<PathBuf>,
}

impl Common {
    fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let working_directory = matches.try_get_one("working_directory").ok().flatten().cloned();
        Ok(Self { working_directory, ..Self::from_arg_matches(matches)? })
    }
}

/// What a run prints on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// What the command line and the runner asked for.
#[derive(Debug)]
pub(crate) struct Parsed<I> {
    pub(crate) common: Common,
    pub(crate) command: Option<String>,
    /// Absent when only the configuration is to be checked: then no input is required.
    pub(crate) inputs: Option<I>,
}

/// Why there is nothing to run.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Help or the version was asked for: this text.
    Answered(String),
    Problem(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// The clap command of an action: its inputs and the common ones.
pub fn command<A: Action>() -> Command {
    let command = Common::augment_args(A::Inputs::command())
        .name(A::NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .arg_required_else_help(false)
        .subcommand_required(false);
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| positional::<A>(sub.mut_args(boolean)))
    });
    positional::<A>(command.mut_args(boolean))
}

/// `--flag` means true, `--flag=false` and an input `false` are taken too.
fn boolean(arg: Arg) -> Arg {
    if arg.get_value_parser().type_id() != TypeId::of::<bool>() {
        return arg;
    }
    let implied = matches!(arg.get_action(), ArgAction::SetTrue);
    let arg = arg
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_name("true|false");
    if implied { arg.default_value("false").hide_default_value(true) } else { arg }
}

/// The id of the argument that holds words given without a flag.
const WORDS: &str = "words";

fn positional<A: Action>(command: Command) -> Command {
    let Some(name) = A::POSITIONAL else { return command };
    let Some(flag) = command.get_arguments().find(|arg| arg.get_long() == Some(name)) else { return command };
    let is_list = matches!(flag.get_action(), ArgAction::Append);
    let words = Arg::new(WORDS)
        .value_names(flag.get_value_names().unwrap_or_default().to_vec())
        .num_args(if is_list { 0..=usize::MAX } else { 0..=1 })
        .help(format!("The same as `--{name}`"));
    command.arg(words)
}

/// Reads the inputs of a run with the [`command`] of its action.
pub(crate) fn parse<A: Action>(
    command: &mut Command,
    words: &[OsString],
    environment: &Environment,
) -> Result<Parsed<A::Inputs>, Stop> {
    command.build();
    let mut words = words.to_vec();
    if command.has_subcommands() {
        choose_command::<A>(command, &mut words, environment);
    }
    let chosen = words.get(1).and_then(|word| command.find_subcommand(word)).cloned();
    let flags = Flags::of(chosen.as_ref().unwrap_or(command));

    refuse_secrets_on_the_command_line(&flags, &words)?;
    if let Some(name) = A::POSITIONAL {
        take_positional(command, &flags, name, &mut words)?;
    }
    for flag in &flags.0 {
        if !is_given(&words, flag.long) {
            words.extend(flag.words_from(environment));
        }
    }
    refuse_inputs_of_other_commands::<A>(command, &flags, chosen.as_ref(), environment)?;

    let name = chosen.map(|command| command.get_name().to_owned());
    if is_given(&words, "check-config") {
        let matches = optional(command).try_get_matches_from(&words).map_err(explain)?;
        let common = Common::of(&matches).map_err(explain)?;
        if common.check_config {
            return Ok(Parsed { common, command: name, inputs: None });
        }
    }
    let mut matches = command.try_get_matches_from_mut(words).map_err(explain)?;
    let common = Common::of(&matches).map_err(explain)?;
    let inputs = A::Inputs::from_arg_matches_mut(&mut matches).map_err(explain)?;
    Ok(Parsed { common, command: name, inputs: Some(inputs) })
}

/// The same command, with no input required.
fn optional(command: &Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = command.clone().mut_args(|arg| arg.required(false));
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| sub.mut_args(|arg| arg.required(false)))
    })
}

/// What is asked to be printed, even where the inputs as a whole can't be read.
pub(crate) fn format_asked(words: &[OsString], environment: &Environment) -> Format {
    let asked = words.iter().any(|word| word == "--format=json")
        || words.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || environment.get("INPUT_FORMAT") == Some("json");
    if asked { Format::Json } else { Format::Text }
}

/// The secrets among the inputs, to be masked before anything else is said.
pub(crate) fn secrets(command: &Command, environment: &Environment) -> Vec<Secret> {
    let secret = Flags::of_all(command).filter(|flag| flag.is_secret);
    secret.filter_map(|flag| environment.get(&variable(flag.long))).map(Secret::new).collect()
}

/// Variables that look like inputs and are none: each with the input that was most likely meant.
pub(crate) fn unknown(command: &Command, environment: &Environment) -> Vec<(String, Option<String>)> {
    // The runner itself reads `args` and `entrypoint` of a container action.
    let others = ["command", "args", "entrypoint"];
    let known: Vec<&str> = Flags::of_all(command).map(|flag| flag.long).chain(others).collect();
    environment
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, _)| name.strip_prefix("INPUT_").map(str::to_lowercase))
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            let meant = nearest(&name, known.iter().copied()).map(str::to_owned);
            (name, meant)
        })
        .collect()
}

/// `base-ref` is handed over as `INPUT_BASE-REF`:
/// <https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax#inputs>
fn variable(input: &str) -> String {
    format!("INPUT_{}", input.to_uppercase())
}

fn is_secret(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<Secret>()
}

/// Whether an argument is an input, and does not ask for help or for the program's own version. An input may be called
/// `version`.
pub fn is_input(arg: &Arg) -> bool {
    use ArgAction::{Help, HelpLong, HelpShort, Version};
    !matches!(arg.get_action(), Help | HelpLong | HelpShort | Version)
}

/// The long flags of one command.
struct Flags<'a>(Vec<Flag<'a>>);

struct Flag<'a> {
    long: &'a str,
    is_list: bool,
    /// What separates the items of a list, beside lines.
    separator: Option<char>,
    is_secret: bool,
}

impl<'a> Flags<'a> {
    fn of(command: &'a Command) -> Self {
        let flags = command.get_arguments().filter_map(|arg| {
            let long = arg.get_long().filter(|_| is_input(arg))?;
            Some(Flag {
                long,
                is_list: matches!(arg.get_action(), ArgAction::Append),
                separator: arg.get_value_delimiter(),
                is_secret: is_secret(arg),
            })
        });
        Self(flags.collect())
    }

    /// The flags of a command and of those below it.
    fn of_all(command: &'a Command) -> impl Iterator<Item = Flag<'a>> {
        std::iter::once(command).chain(command.get_subcommands()).flat_map(|command| Self::of(command).0)
    }
}

impl Flag<'_> {
    fn words_from(&self, environment: &Environment) -> Vec<OsString> {
        let Some(value) = environment.get(&variable(self.long)) else { return Vec::new() };
        let word = |value: &str| OsString::from(format!("--{}={value}", self.long));
        if self.is_list {
            let items = value.split(|c| c == '\n' || Some(c) == self.separator);
            items.map(str::trim).filter(|line| !line.is_empty()).map(word).collect()
        } else {
            vec![word(value)]
        }
    }
}

/// Whether the command line has the flag: flags are long, and a value never starts with dashes.
fn is_given(words: &[OsString], long: &str) -> bool {
    words.iter().skip(1).take_while(|word| *word != "--").any(|word| {
        let flag = word.as_encoded_bytes().strip_prefix(b"--");
        flag.and_then(|flag| flag.split(|byte| *byte == b'=').next()) == Some(long.as_bytes())
    })
}

/// The command is the first word, else the input `command`, else the default.
fn choose_command<A: Action>(command: &Command, words: &mut Vec<OsString>, environment: &Environment) {
    let first = words.get(1).map(|word| word.to_string_lossy().into_owned());
    let is_named = first.as_deref().is_some_and(|word| command.find_subcommand(word).is_some());
    let is_question = matches!(first.as_deref(), Some("--help" | "-h" | "--version" | "-V"));
    let is_word = first.as_deref().is_some_and(|word| !word.starts_with('-'));
    if is_named || is_question || (is_word && A::POSITIONAL.is_none()) {
        return;
    }
    if let Some(name) = environment.get("INPUT_COMMAND").or(A::DEFAULT_COMMAND) {
        words.insert(1.min(words.len()), name.into());
    }
}

fn refuse_secrets_on_the_command_line(flags: &Flags<'_>, words: &[OsString]) -> Result<(), Problem> {
    match flags.0.iter().find(|flag| flag.is_secret && is_given(words, flag.long)) {
        Some(Flag { long, .. }) => {
            Err(Problem::misconfigured(format!("`--{long}` is not taken from the command line"))
                .why("everyone on the machine can read a command line")
                .help(format!("give it in the environment variable {}", variable(long))))
        }
        None => Ok(()),
    }
}

/// Turns words without a flag into values of the positional input.
fn take_positional(
    command: &Command,
    flags: &Flags<'_>,
    name: &str,
    words: &mut Vec<OsString>,
) -> Result<(), Stop> {
    // What is missing is told by the parse that follows, when all inputs are there.
    let lenient = optional(command).ignore_errors(true);
    let Ok(matches) = lenient.try_get_matches_from(words.iter()) else { return Ok(()) };
    let matches = matches.subcommand().map_or(&matches, |(_, matches)| matches);
    let Ok(Some(values)) = matches.try_get_many::<String>(WORDS) else { return Ok(()) };
    if !flags.0.iter().any(|flag| flag.long == name) {
        return Ok(());
    }
    if is_given(words, name) {
        return Err(Problem::misconfigured(format!("`{name}` is given twice, as a word and as `--{name}`"))
            .help("give it once")
            .into());
    }
    words.extend(values.map(|value| OsString::from(format!("--{name}={value}"))));
    Ok(())
}

/// action.yml holds the inputs of all commands: one that the chosen command lacks would be ignored.
fn refuse_inputs_of_other_commands<A: Action>(
    command: &Command,
    flags: &Flags<'_>,
    chosen: Option<&Command>,
    environment: &Environment,
) -> Result<(), Problem> {
    let Some(chosen) = chosen else { return Ok(()) };
    for other in command.get_subcommands() {
        for flag in Flags::of(other).0 {
            let is_ours = flags.0.iter().any(|ours| ours.long == flag.long);
            // Nobody gave it: the runner passes it to every command.
            let is_of_runner = A::RUNNER_DEFAULTS.iter().any(|(name, _)| *name == flag.long);
            if !is_ours && !is_of_runner && environment.get(&variable(flag.long)).is_some() {
                return Err(Problem::misconfigured(format!(
                    "the command `{}` takes no input `{}`",
                    chosen.get_name(),
                    flag.long
                ))
                .help(format!("leave it out, or set `command: {}`", other.get_name())));
            }
        }
    }
    Ok(())
}

/// clap's words as a problem: the first line says what, its tip what to do.
#[expect(clippy::needless_pass_by_value, reason = "it is used with map_err")]
fn explain(error: clap::Error) -> Stop {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let text = error.to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Stop::Answered(text);
    }
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(ContextValue::Strings(flags)) = error.get(ContextKind::InvalidArg)
    {
        let names: Vec<String> = flags.iter().map(|flag| format!("`{}`", name_of(flag))).collect();
        let (noun, verb) = if names.len() == 1 { ("input", "is") } else { ("inputs", "are") };
        return Problem::misconfigured(format!("the required {noun} {} {verb} missing", names.join(" and ")))
            .help(format!("give {}, or in a workflow {} below `with:`", flags.join(" "), names.join(" and ")))
            .into();
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut what = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    let mut help = None;
    let mut more = Vec::new();
    for line in lines {
        if let Some(tip) = line.strip_prefix("tip: ") {
            help = Some(tip.to_owned());
        } else if line.starts_with("Usage:") || line.starts_with("For more information") {
            break;
        } else {
            more.push(line.to_owned());
        }
    }
    if what.ends_with(':') && !more.is_empty() {
        what = format!("{what} {}", more.join(", "));
        more.clear();
    }
    let mut problem = Problem::misconfigured(what).help(help.unwrap_or_else(|| "see `--help`".to_owned()));
    if !more.is_empty() {
        problem = problem.why(more.join(" "));
    }
    problem.into()
}

/// The input's name in `--base-ref <REVISION>`.
fn name_of(flag: &str) -> &str {
    flag.trim_start_matches('-').split([' ', '=']).next().unwrap_or(flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Done};

    /// An action with one input of each kind.
    struct Sample;

    /// Does nothing
    #[derive(Debug, clap::Parser)]
    struct Inputs {
        /// A word
        #[arg(long, required = true)]
        base_ref: String,
        /// Several words
        #[arg(long)]
        file: Vec<String>,
        /// Names
        #[arg(long, value_delimiter = ',')]
        environment: Vec<String>,
        /// A number
        #[arg(long)]
        count: Option<u32>,
        /// True or false
        #[arg(long)]
        dry_run: bool,
        /// True unless told
        #[arg(long)]
        dependents: Option<bool>,
        /// A token
        #[arg(long)]
        token: Option<Secret>,
    }

    impl Action for Sample {
        const NAME: &'static str = "sample";
        const POSITIONAL: Option<&'static str> = Some("file");
        type Inputs = Inputs;
        type Config = ();
        type Outputs = ();

        fn run(_: Inputs, (): (), _: &Context) -> anyhow::Result<Done<()>> {
            anyhow::bail!("never run")
        }
    }

    fn parse_sample(words: &[&str], variables: &[(&str, &str)]) -> Result<Inputs, Stop> {
        let words: Vec<OsString> =
            std::iter::once("sample").chain(words.iter().copied()).map(OsString::from).collect();
        parse::<Sample>(&mut command::<Sample>(), &words, &variables.iter().copied().collect())
            .map(|parsed| parsed.inputs.unwrap())
    }

    fn problem(words: &[&str], variables: &[(&str, &str)]) -> Problem {
        match parse_sample(words, variables) {
            Err(Stop::Problem(problem)) => problem,
            other => panic!("no problem: {other:?}"),
        }
    }

    #[test]
    fn the_runner_s_variables_are_inputs_and_empty_ones_are_absent() {
        let inputs = parse_sample(
            &[],
            &[
                ("INPUT_BASE-REF", "main"),
                ("INPUT_FILE", "a b\n\n  c\n"),
                ("INPUT_ENVIRONMENT", "dev, staging\nprod\r\n"),
                ("INPUT_COUNT", ""),
                ("INPUT_DRY-RUN", "true"),
                ("INPUT_DEPENDENTS", "false"),
                ("INPUT_TOKEN", "s3cret"),
            ],
        )
        .unwrap();
        assert_eq!(inputs.base_ref, "main");
        assert_eq!(inputs.file, ["a b", "c"]);
        assert_eq!(inputs.environment, ["dev", "staging", "prod"]);
        assert_eq!((inputs.count, inputs.dry_run, inputs.dependents), (None, true, Some(false)));
        assert_eq!(inputs.token.unwrap().expose(), "s3cret");
    }

    #[test]
    fn a_flag_wins_over_an_input() {
        let inputs = parse_sample(
            &["--base-ref", "flag", "--dry-run=false"],
            &[("INPUT_BASE-REF", "input"), ("INPUT_DRY-RUN", "true")],
        )
        .unwrap();
        assert_eq!((inputs.base_ref.as_str(), inputs.dry_run), ("flag", false));
    }

    #[test]
    fn words_are_the_positional_input_and_win_over_the_variable() {
        let inputs =
            parse_sample(&["one.yml", "--base-ref=x", "two.yml", "--dry-run"], &[("INPUT_FILE", "three")])
                .unwrap();
        assert_eq!(inputs.file, ["one.yml", "two.yml"]);
        assert!(inputs.dry_run);
        assert_eq!(
            problem(&["one.yml", "--file=two.yml", "--base-ref=x"], &[]).what,
            "`file` is given twice, as a word and as `--file`"
        );
    }

    #[test]
    fn to_check_the_configuration_no_input_is_required() {
        let words: Vec<OsString> = ["sample", "--check-config"].map(OsString::from).into();
        let parsed = parse::<Sample>(&mut command::<Sample>(), &words, &Environment::default()).unwrap();
        assert!(parsed.common.check_config && parsed.inputs.is_none());
        assert!(parse_sample(&["--check-config=false"], &[]).is_err());
    }

    #[test]
    fn a_secret_is_refused_on_the_command_line() {
        let problem = problem(&["--token=abc", "--base-ref=x"], &[]);
        assert_eq!(problem.help.as_deref(), Some("give it in the environment variable INPUT_TOKEN"));
        assert!(!format!("{problem:?}").contains("abc"));
    }

    #[test]
    fn mistakes_are_told_with_what_to_do() {
        let missing = problem(&[], &[]);
        assert_eq!(missing.what, "the required input `base-ref` is missing");
        assert_eq!(
            missing.help.as_deref(),
            Some("give --base-ref <BASE_REF>, or in a workflow `base-ref` below `with:`")
        );
        let number = problem(&["--base-ref=x"], &[("INPUT_COUNT", "many")]);
        assert_eq!(number.what, "invalid value 'many' for '--count <COUNT>': invalid digit found in string");
        let flag = problem(&["--base-ref=x", "--dry-rum"], &[]);
        assert!(flag.help.unwrap().contains("--dry-run"));
    }

    #[test]
    fn a_variable_that_is_no_input_is_told_with_the_nearest() {
        let environment =
            [("INPUT_BASE_REF", "x"), ("INPUT_COUNT", "1"), ("INPUT_X", ""), ("INPUT_ZEBRA", "1")]
                .into_iter()
                .collect();
        assert_eq!(
            unknown(&command::<Sample>(), &environment),
            [("base_ref".to_owned(), Some("base-ref".to_owned())), ("zebra".to_owned(), None)]
        );
    }

    #[test]
    fn help_names_inputs_as_flags() {
        let Err(Stop::Answered(help)) = parse_sample(&["--help"], &[]) else { panic!("no help") };
        assert!(help.contains("--base-ref"), "{help}");
        assert!(help.contains("--check-config"), "{help}");
    }

    /// An action with commands.
    struct Commands;

    /// Does one of two things
    #[derive(Debug, clap::Parser)]
    enum CommandInputs {
        /// Sets
        Set {
            /// What
            #[arg(long)]
            image: Vec<String>,
        },
        /// Shows
        Show {
            /// How
            #[arg(long)]
            wide: bool,
            /// Of which version
            #[arg(long)]
            version: Option<String>,
        },
    }

    impl Action for Commands {
        const NAME: &'static str = "commands";
        const DEFAULT_COMMAND: Option<&'static str> = Some("set");
        type Inputs = CommandInputs;
        type Config = ();
        type Outputs = ();

        fn run(_: CommandInputs, (): (), _: &Context) -> anyhow::Result<Done<()>> {
            anyhow::bail!("never run")
        }
    }

    fn chosen(words: &[&str], variables: &[(&str, &str)]) -> Result<(Option<String>, Common), Stop> {
        let words: Vec<OsString> =
            std::iter::once("commands").chain(words.iter().copied()).map(OsString::from).collect();
        parse::<Commands>(&mut command::<Commands>(), &words, &variables.iter().copied().collect())
            .map(|parsed| (parsed.command, parsed.common))
    }

    #[test]
    fn the_command_is_a_word_or_an_input_or_the_default() {
        let name = |words: &[&str], variables: &[(&str, &str)]| chosen(words, variables).unwrap().0;
        assert_eq!(name(&["show", "--wide"], &[]).as_deref(), Some("show"));
        assert_eq!(name(&[], &[("INPUT_COMMAND", "show"), ("INPUT_WIDE", "true")]).as_deref(), Some("show"));
        assert_eq!(name(&["--image=x"], &[]).as_deref(), Some("set"));
        assert_eq!(name(&["show"], &[("INPUT_COMMAND", "set")]).as_deref(), Some("show"));
        let common = chosen(&["show", "--deadline", "10m"], &[("INPUT_FORMAT", "json")]).unwrap().1;
        assert_eq!(common.format, Some(Format::Json));
        assert_eq!(common.deadline.unwrap().to_string(), "10m");
    }

    #[test]
    fn an_input_may_be_called_version() {
        let words = ["commands", "show"].map(OsString::from);
        let environment: Environment = [("INPUT_VERSION", "v2")].into_iter().collect();
        let parsed = parse::<Commands>(&mut command::<Commands>(), &words, &environment).unwrap();
        let Some(CommandInputs::Show { version, .. }) = parsed.inputs else { panic!("not shown") };
        assert_eq!(version.as_deref(), Some("v2"));
        let Err(Stop::Answered(own)) = chosen(&["--version"], &[]) else { panic!("no version") };
        assert_eq!(own.trim(), concat!("commands ", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn an_input_of_another_command_and_an_unknown_command_are_refused() {
        let Err(Stop::Problem(problem)) = chosen(&["show"], &[("INPUT_IMAGE", "x")]) else { panic!("taken") };
        assert_eq!(problem.what, "the command `show` takes no input `image`");
        let Err(Stop::Problem(problem)) = chosen(&["shwo"], &[]) else { panic!("taken") };
        assert!(problem.what.contains("shwo") && problem.help.unwrap().contains("show"));
    }
}
