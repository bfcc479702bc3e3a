//! Files as people write them: styles, comments, line breaks, several documents.

use proptest::prelude::*;

/// A value as a person might write it.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    /// The scalar's bytes, with tag and anchor.
    Scalar(&'static str),
    /// The lines of a block of text, below its header.
    Block(&'static str, Vec<&'static str>),
    Unwritten,
    List(Vec<(Written, &'static str)>, bool),
    Mapping(Vec<(Written, &'static str)>, bool),
}

/// How the file's lines are written.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    line_break: &'static str,
    byte_order_mark: bool,
    pub(crate) ends_with_line_break: bool,
    indentation: usize,
}

const SCALARS: [&str; 20] = [
    "v1.10",
    "latest",
    "1.10",
    "'it''s'",
    "\"a\\tb\"",
    "''",
    "~",
    "on",
    "a b  c",
    "a#b",
    "registry:5000/x",
    "!!str 5",
    "&a x",
    "&a !mine 'y'",
    "\"{not: flow}\"",
    "'# no comment'",
    "2001-01-01",
    "ü🦀",
    "0x1F",
    "\"\"",
];
const COMMENTS: [&str; 5] = ["", "", " # c", "  # a: b", " # 'x"];
const KEYS: [&str; 10] =
    ["name", "newTag", "'quoted key'", "\"k\\x31\"", "on", "1.10", "ä", "a b", "null", "k-2"];

pub(crate) fn written() -> impl Strategy<Value = Written> {
    let scalar = prop_oneof![
        8 => prop::sample::select(&SCALARS[..]).prop_map(Written::Scalar),
        1 => Just(Written::Unwritten),
        1 => (prop::sample::select(&["|", ">", "|-", ">-", "|+"][..]), prop::collection::vec(prop::sample::select(&["x", "  y: z", "# no comment", ""][..]), 1..4))
            .prop_map(|(header, mut lines)| { lines.insert(0, "first"); Written::Block(header, lines) }),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        let children = || prop::collection::vec((inner.clone(), prop::sample::select(&COMMENTS[..])), 1..4);
        prop_oneof![
            (children(), prop::bool::weighted(0.3)).prop_map(|(items, flow)| Written::List(items, flow)),
            (children(), prop::bool::weighted(0.3))
                .prop_map(|(entries, flow)| Written::Mapping(entries, flow)),
        ]
    })
}

pub(crate) fn form() -> impl Strategy<Value = Form> {
    (prop::sample::select(&["\n", "\n", "\r\n"][..]), any::<bool>(), any::<bool>(), 1..4_usize).prop_map(
        |(line_break, byte_order_mark, ends_with_line_break, indentation)| Form {
            line_break,
            byte_order_mark,
            ends_with_line_break,
            indentation,
        },
    )
}

impl Form {
    pub(crate) fn file(&self, documents: &[Written]) -> String {
        let mut text = documents
            .iter()
            .map(|document| {
                let mut text = String::new();
                self.block(&mut text, document, "", 0);
                text
            })
            .collect::<Vec<_>>()
            .join("--- # next\n");
        if !self.ends_with_line_break {
            text.truncate(text.trim_end_matches('\n').len());
        }
        let mark = if self.byte_order_mark { "\u{feff}" } else { "" };
        format!("{mark}{}", text.replace('\n', self.line_break))
    }

    /// Writes a value behind what introduces it (a key, a dash, nothing), and the comment behind it.
    fn block(&self, text: &mut String, value: &Written, comment: &str, depth: usize) {
        let introduced = !text.is_empty() && !text.ends_with('\n');
        let space = if introduced { " " } else { "" };
        let indentation = " ".repeat(self.indentation * depth);
        match value {
            Written::Scalar(scalar) => text.extend([space, scalar, comment, "\n"]),
            Written::Unwritten if introduced => text.extend([comment, "\n"]),
            Written::Unwritten => text.extend(["~", comment, "\n"]),
            Written::Block(header, lines) => {
                text.extend([space, header, "\n"]);
                let inner = " ".repeat(self.indentation * depth.max(1));
                for line in lines {
                    text.extend([if line.is_empty() { "" } else { &inner }, line, "\n"]);
                }
            }
            Written::List(_, true) | Written::Mapping(_, true) => {
                *text += space;
                flow(text, value);
                text.extend([comment, "\n"]);
            }
            Written::List(items, false) => {
                if introduced {
                    text.extend([comment, "\n"]);
                }
                for (item, comment) in items {
                    text.extend([&indentation, "-"]);
                    self.block(text, item, comment, depth + 1);
                }
            }
            Written::Mapping(entries, false) => {
                if introduced {
                    text.extend([comment, "\n"]);
                }
                for (index, (value, comment)) in entries.iter().enumerate() {
                    if comment.len() > 4 {
                        text.extend([&indentation, comment.trim(), "\n\n"]);
                    }
                    text.extend([&indentation, KEYS[index], ":"]);
                    self.block(text, value, comment, depth + 1);
                }
            }
        }
    }
}

fn flow(text: &mut String, value: &Written) {
    match value {
        Written::Scalar(scalar) => *text += scalar,
        Written::Block(..) => *text += "'a block'",
        Written::Unwritten => *text += "~",
        Written::List(items, _) => {
            *text += "[";
            for (index, (item, _)) in items.iter().enumerate() {
                *text += if index == 0 { "" } else { ", " };
                flow(text, item);
            }
            *text += " ]";
        }
        Written::Mapping(entries, _) => {
            *text += "{";
            for (index, (value, _)) in entries.iter().enumerate() {
                text.extend([if index == 0 { " " } else { " ,  " }, KEYS[index], ":"]);
                if !matches!(value, Written::Unwritten) {
                    *text += " ";
                    flow(text, value);
                }
            }
            *text += "}";
        }
    }
}
