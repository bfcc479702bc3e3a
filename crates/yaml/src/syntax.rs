//! Words what is not YAML.

use granit_parser::{ErrorKind, ScanError};

use crate::error::quoted;
use crate::{Error, Place, parse};

/// Some editors start a file with it; it is no part of the text.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// What the parser could not read, in our words.
pub(crate) fn explain(text: &str, error: &ScanError) -> Error {
    let place = parse::error_place(error);
    template_near(text, place).map_or_else(|| Error::new(place, message(error.kind())), template)
}

/// The error for a template that is not YAML yet.
pub(crate) fn template(place: Place) -> Error {
    Error::new(
        place,
        "`{{` looks like a Helm template, which is not YAML: render it first, or quote the value",
    )
}

/// The last `{{` in the line of `place`, or in the written line before it. `${{` is an expression of GitHub Actions,
/// which is plain text to YAML.
fn template_near(text: &str, place: Place) -> Option<Place> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let lines = text.lines().enumerate().take(place.line).filter(|(_, line)| !line.trim().is_empty());
    let mut last_two = lines.collect::<Vec<_>>().into_iter().rev().take(2);
    last_two.find_map(|(index, line)| {
        let braces = line.rmatch_indices("{{").map(|(at, _)| at).find(|at| !line[..*at].ends_with('$'))?;
        let commented = line[..braces].trim_start().starts_with('#');
        let column = line[..braces].chars().count() + 1;
        (!commented).then_some(Place { line: index + 1, column })
    })
}

fn message(kind: &ErrorKind) -> String {
    use ErrorKind as K;
    let text = match kind {
        K::UnexpectedCharacter { character } => {
            let shown = quoted(&character.to_string());
            return if character.is_control() {
                format!("the control character {shown} can't stand in a file")
            } else {
                format!("a value can't start with {shown}: quote the value")
            };
        }
        K::MismatchedFlowCollectionEnd { open, close } => {
            return format!("{} is closed by {}", quoted(&open.to_string()), quoted(&close.to_string()));
        }
        K::UnclosedFlowCollection { open } => return format!("{} is not closed", quoted(&open.to_string())),
        K::TabNotAllowed | K::TabInBlockIndentation | K::TabInIndentation | K::TabInPlainScalar => {
            "a tab can't stand here: indent with spaces"
        }
        K::TabAtBlockScalarStart => "a block of text can't start with a tab: indent with spaces",
        K::UnexpectedEofFlowSequence | K::ExpectedFlowSequenceSeparator => {
            "expected \",\" or \"]\" in the list"
        }
        K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::ExpectedFlowMappingSeparator => "expected \",\" or \"}\" in the mapping",
        K::UnexpectedEof | K::UnexpectedEofBlockSequence | K::UnexpectedEofBlockMapping => {
            "the file ends too early"
        }
        K::ExpectedBlockMappingKey => "expected a key here: check the indentation",
        K::ExpectedBlockSequenceEntry => "expected \"- \" here: check the indentation",
        K::InvalidIndentation | K::InvalidFlowScalarIndent => "wrong indentation",
        K::InvalidBlockScalarIndent => "wrong indentation in a block of text",
        K::InvalidQuotedScalarIndent | K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => {
            "the quoted text before this is not closed, or goes on with too little indentation"
        }
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => {
            "text can't follow a closing quote"
        }
        K::UnknownQuotedScalarEscape
        | K::InvalidQuotedScalarHexEscape
        | K::InvalidLowSurrogateHexEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate
        | K::InvalidUnicodeEscape => "unknown escape in double quotes: write \"\\\\\" for a backslash",
        K::MappingValueNotAllowed => {
            "a second \": \" in the value, or a key with wrong indentation: quote or indent it"
        }
        K::MappingKeyNotAllowed => "a key can't stand here: check the indentation",
        K::SimpleKeyExpected | K::InvalidSimpleKey => "expected \": \" behind the key",
        K::InvalidColonPlacement => "\":\" can't stand here: check the brackets and quotes before it",
        K::InvalidMappingValueWhitespace | K::FlowMappingValueAdjacentCollection => {
            "expected a space behind \":\""
        }
        K::InvalidBlockEntryWhitespace | K::PlainScalarStartsWithDashFlowIndicator => {
            "expected a space behind \"-\""
        }
        K::BlockEntryInFlowCollection | K::BlockSequenceEntryNotAllowed => "a list item can't start here",
        K::MisplacedFlowCollectionEnd => "a closing bracket that was not opened",
        K::CommentInterceptedScalar => "a comment in the middle of a value",
        K::CommentNotSeparated => "expected a space before \"#\"",
        K::UnknownAnchor => "this alias has no anchor: no `&name` before it in the document",
        K::MissingAnchorOrAliasName => {
            "expected a name behind \"&\" or \"*\"; quote a value that starts with them"
        }
        K::BomInsideDocument => "a byte order mark in the middle of the file",
        K::RecursionLimitExceeded => "nested too deeply",
        K::MissingDocumentEndBeforeDirective => "expected \"...\" before a line that starts with \"%\"",
        K::ExpectedDocumentStart | K::InvalidDocumentEnd => "expected the start of a document",
        K::ZeroBlockScalarIndent | K::InvalidBlockScalarHeader => {
            "expected a line break behind \"|\" or \">\""
        }
        K::UndeclaredTagHandle
        | K::ExpectedTagBang
        | K::InvalidTagTerminator
        | K::MissingTagUri
        | K::UnclosedVerbatimTag
        | K::InvalidTagEscape
        | K::InvalidTagUtf8
        | K::InvalidTagUtf8LeadingByte
        | K::InvalidTagUtf8TrailingByte
        | K::InvalidGlobalTagCharacter => "not a valid tag; quote a value that starts with \"!\"",
        K::UnsupportedYamlMajorVersion => "not a version of YAML that is known",
        _ => "not valid YAML",
    };
    text.to_owned()
}
