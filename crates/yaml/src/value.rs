//! What a scalar stands for, by the core schema of YAML 1.2: <https://yaml.org/spec/1.2.2/#103-core-schema>.
//!
//! A type that asks for a number gets one, quotes or not. Only where no type asks, how a scalar is written says what
//! it is.

use crate::mismatch::Mismatch;
use crate::{Node, Style};

/// A scalar that no type asks for anything particular.
#[derive(Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    Natural(u64),
    Negative(i64),
    Float(f64),
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// The value of a scalar whose text is `text`. What no number can hold, such as `.inf`, stays text.
    pub(crate) fn of(node: Node<'a>, text: &'a str) -> Result<Self, Mismatch> {
        if is_null(node) {
            return Ok(Self::Null);
        }
        match core_tag(node) {
            Some("bool") => {
                boolean(text).map(Self::Boolean).ok_or_else(|| Mismatch::expected("true or false"))
            }
            Some("int") => {
                whole(text).and_then(Self::whole).ok_or_else(|| Mismatch::expected("a whole number"))
            }
            Some("float") => float(text).map(Self::Float).ok_or_else(|| Mismatch::expected("a number")),
            _ => {
                let is_plain = node.style() == Some(Style::Plain) && !is_text(node);
                let plain = is_plain.then(|| Self::plain(text)).flatten();
                Ok(plain.unwrap_or(Self::Text(check_text(node, text)?)))
            }
        }
    }

    fn plain(text: &str) -> Option<Self> {
        let number = || text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
        boolean(text).map(Self::Boolean).or_else(|| {
            let finite = || float(text).filter(|number| number.is_finite()).map(Self::Float);
            number().then(|| whole(text).and_then(Self::whole).or_else(finite)).flatten()
        })
    }

    fn whole(number: i128) -> Option<Self> {
        let natural = u64::try_from(number).map(Self::Natural);
        natural.or_else(|_| i64::try_from(number).map(Self::Negative)).ok()
    }
}

/// Whether a reader takes the node for a null. A tag that is none of YAML's own does not count.
pub(crate) fn is_null(node: Node<'_>) -> bool {
    match core_tag(node) {
        Some(core) => core == "null" && node.as_str().is_some(),
        None => !is_text(node) && node.looks_null(),
    }
}

/// Whether the tag of a collection is one of a scalar, or of the other kind of collection.
pub(crate) fn has_wrong_tag(collection: Node<'_>) -> bool {
    let other = if collection.is_sequence() { "map" } else { "seq" };
    core_tag(collection).is_some_and(|core| {
        core == other || ["null", "bool", "int", "float", "str", "timestamp", "binary"].contains(&core)
    })
}

/// The text of a scalar that is to be text.
pub(crate) fn check_text<'a>(node: Node<'a>, text: &'a str) -> Result<&'a str, Mismatch> {
    if is_null(node) {
        return Err(Mismatch::expected("text"));
    }
    match core_tag(node) {
        Some("bool" | "int" | "float" | "binary" | "timestamp" | "seq" | "map") => {
            Err(Mismatch::Says("this tag does not go with text".to_owned()))
        }
        _ => Ok(text),
    }
}

/// Whether the scalar's tag lets a type take it for one of `kind`, a name of YAML's own types.
pub(crate) fn may_be(node: Node<'_>, kind: &str) -> bool {
    !is_null(node) && core_tag(node).is_none_or(|core| core == kind)
}

/// Whether the scalar's tag says that it is text, whatever it looks like.
fn is_text(node: Node<'_>) -> bool {
    core_tag(node) == Some("str") || node.resolved().tag() == Some("!")
}

fn core_tag(node: Node<'_>) -> Option<&str> {
    node.resolved().data().tag.as_ref()?.core.as_deref()
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match trim(text) {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A whole number: decimal, or with a prefix of its base; `_` may stand between digits. Zeros before a decimal are
/// refused: to YAML 1.1 they make it octal.
pub(crate) fn whole(text: &str) -> Option<i128> {
    let text = trim(text);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let prefixes = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    let (digits, base) = prefixes
        .iter()
        .find_map(|(prefix, base)| Some((unsigned.strip_prefix(prefix)?, *base)))
        .unwrap_or((unsigned, 10));
    if base == 10 && digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    if !digits.split('_').all(|group| !group.is_empty() && group.chars().all(|digit| digit.is_digit(base))) {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    i128::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), base).ok()
}

/// A number; words of the standard library such as `inf` are none.
pub(crate) fn float(text: &str) -> Option<f64> {
    let text = trim(text);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned {
        ".inf" | ".Inf" | ".INF" => Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// Quoted and block scalars may hold a number with space around it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
