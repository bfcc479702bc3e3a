//! The short patterns that picomatch decides ahead of its parser, with slightly different answers: patterns
//! without any of `/()[]{}"`, and `*.js`, `**/*.js` and their like.

use crate::class::Class;
use crate::syntax::{Check, Node};

/// The pattern as a tree, if it is one of the short ones.
pub(crate) fn read(source: &str) -> Option<Node> {
    let whole = match source {
        "***" => "*",
        "**/**" | "**/**/**" => "**",
        _ => source,
    };
    let body = whole.strip_prefix("./").unwrap_or(whole);
    if whole.starts_with(['.', '*'])
        && let Some(mut nodes) = with_extension(body)
    {
        nodes.push(Node::maybe_slash());
        return Some(Node::Sequence(nodes));
    }
    let simple = !body.starts_with(['*', '!']) && !body.contains(['/', '(', ')', '[', ']', '{', '}', '"']);
    let refers_back = body.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit());
    (simple && !refers_back).then(|| plain(body))
}

/// `*`, `**/*` and so on, with or without extensions behind.
fn with_extension(body: &str) -> Option<Vec<Node>> {
    if let Some(nodes) = bare(body) {
        return Some(nodes);
    }
    let (stem, extension) = body.rsplit_once('.')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if extension.is_empty() || !extension.chars().all(word) {
        return None;
    }
    let mut nodes = with_extension(stem)?;
    match nodes.last_mut() {
        Some(Node::Text(text)) => text.push_str(&body[stem.len()..]),
        _ => nodes.push(Node::text(&body[stem.len()..])),
    }
    Some(nodes)
}

fn bare(body: &str) -> Option<Vec<Node>> {
    use Node::{Globstar, Star};
    let no_dots = || Node::Check(Check::NoDots);
    let more = || Node::Check(Check::NotEnd);
    let dot = || Node::text(".");
    let folders = || Node::Repeat {
        node: Box::new(Node::Sequence(vec![no_dots(), Globstar, Node::text("/")])),
        min: 0,
        many: false,
    };
    Some(match body {
        "*" => vec![no_dots(), more(), Star],
        ".*" => vec![dot(), more(), Star],
        "*.*" => vec![no_dots(), Star, dot(), more(), Star],
        "*/*" => vec![no_dots(), Star, Node::text("/"), more(), no_dots(), Star],
        "**" => vec![no_dots(), Globstar],
        "**/*" => vec![folders(), no_dots(), more(), Star],
        "**/*.*" => vec![folders(), no_dots(), Star, dot(), more(), Star],
        "**/.*" => vec![folders(), dot(), more(), Star],
        _ => return None,
    })
}

/// A pattern in which only `*`, `?` and the backslash say anything.
fn plain(body: &str) -> Node {
    let mut nodes = Vec::new();
    let mut chars = body.chars().peekable();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        let special = match c {
            '*' => Node::Star,
            '?' => Node::Class(Class::not_slash()),
            '\\' => match chars.next() {
                Some(letter) if let Some(class) = Class::escape(letter) => Node::Class(class),
                escaped => {
                    text.push(escaped.unwrap_or('\\'));
                    continue;
                }
            },
            _ => {
                text.push(c);
                continue;
            }
        };
        if !text.is_empty() {
            nodes.push(Node::Text(std::mem::take(&mut text)));
        }
        nodes.push(special);
        while c == '*' && chars.next_if_eq(&'*').is_some() {}
    }
    if !text.is_empty() {
        nodes.push(Node::Text(text));
    }
    Node::Sequence(nodes)
}
