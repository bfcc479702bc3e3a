//! Plans an edit: which bytes to write, and where.

use std::ops::Range;

use crate::edit::{Change, Edit, Item};
use crate::error::{Refusal, quoted};
use crate::node::Content;
use crate::splice::Splice;
use crate::{Document, Error, Node, Style, parse, refuse, scalar, syntax};

/// A file's text.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
}

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self { text: parse::text(bytes)? })
    }

    /// The piece of text that makes the edit; new quotes are single ones where those are preferred.
    pub(crate) fn plan(&self, edit: &Edit, node: Node<'_>, prefers_single: bool) -> Result<Splice, Error> {
        let splice = match &edit.change {
            Change::Set { value } => self.set(node, value, prefers_single),
            Change::SetPlain { value } => set_plain(node, value),
            Change::Append { items } => self.append(node, items, prefers_single),
            Change::InsertList { key, items } => self.insert_list(node, key, items, prefers_single),
            Change::Insert { key, value } => self.insert(node, key, value, prefers_single),
        }?;
        let is_new = splice.inserts || splice.text.ends_with(['"', '\'']);
        if is_new && !is_within_flow(node) && self.is_before_tab(splice.at.end) {
            let what =
                "a line with a tab follows, which some readers take behind a bare value only: remove the tab";
            return Err(Error::refused(node.place(), Refusal::Tab, what));
        }
        Ok(splice)
    }

    /// Whether the lines behind `offset` are blank up to one that holds a tab. libyaml and its ports read such a line
    /// as the end of a plain scalar that is indented no more than the tab, and refuse it everywhere else.
    fn is_before_tab(&self, offset: usize) -> bool {
        let rest = self.text.get(offset..).unwrap_or_default();
        let blank = &rest[..rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len()];
        blank.find(['\n', '\r']).is_some_and(|line_break| blank[line_break..].contains('\t'))
    }

    fn set(&self, node: Node<'_>, value: &str, prefers_single: bool) -> Result<Splice, Error> {
        refuse::shared(node)?;
        let style = refuse::unless_settable(node)?;
        // In JSON, which is YAML too, every text has double quotes.
        let json = node.key().is_some_and(|key| key.style() == Some(Style::DoubleQuoted)) && in_flow(node);
        let style = if json && style == Style::Plain { Style::DoubleQuoted } else { style };
        let written = scalar::write(value, style, prefers_single);
        if !node.is_unwritten() {
            return Ok(Splice { at: node.span(), text: written, inserts: false });
        }
        match self.room_for(node) {
            Some(at) => Ok(Splice { at: at..at, text: format!(" {written}"), inserts: false }),
            None => Err(Error::refused(
                node.place(),
                Refusal::Unwritten,
                "the value is not written, and has no `:`",
            )),
        }
    }

    /// Where a value that is not written would stand: behind its tag and anchor, its key's colon, or its dash.
    fn room_for(&self, node: Node<'_>) -> Option<usize> {
        let data = node.data();
        let properties =
            [data.tag.as_ref().map(|tag| tag.span.end), data.anchor.as_ref().map(|anchor| anchor.span.end)];
        if let Some(end) = properties.into_iter().flatten().max() {
            return Some(end);
        }
        if let Some(key) = node.key() {
            let behind = self.text.get(key.span().end..)?;
            let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
            return behind[blanks..].starts_with(':').then_some(key.span().end + blanks + 1);
        }
        self.behind_dash(data.span.start)
    }

    /// Behind the dash of a list item that holds nothing: on the last line before `offset` that is no comment.
    fn behind_dash(&self, offset: usize) -> Option<usize> {
        let mut end = offset;
        loop {
            let line = self.line_before(end)?;
            let start = end - line.len();
            let indicators = line.split('#').next()?.trim_end();
            if !indicators.is_empty() {
                return indicators.ends_with('-').then_some(start + indicators.len());
            }
            end = start.checked_sub(1)?;
        }
    }

    fn insert(&self, value: Node<'_>, key: &str, text: &str, prefers_single: bool) -> Result<Splice, Error> {
        let (Some(beside), Some(mapping)) = (value.key(), value.parent()) else {
            return Err(Error::refused(value.place(), Refusal::NotAScalar, "not the value of an entry"));
        };
        refuse::shared(mapping)?;
        if let Some(taken) =
            mapping.entries().map(|entry| entry.key).find(|taken| taken.as_str() == Some(key))
        {
            let what = format!("the key {} is there already", quoted(key));
            return Err(Error::refused(taken.place(), Refusal::Taken, what));
        }
        let key_style = quotes_of(beside).unwrap_or(Style::Plain);
        let value_style = quotes_of(value).unwrap_or(key_style);
        let write = |text, style| scalar::write(text, style, prefers_single);
        let entry = format!("{}: {}", write(key, key_style), write(text, value_style));

        let flow = matches!(mapping.data().content, Content::Mapping { flow: true, .. });
        let splice = if flow {
            self.insert_in_flow(beside, value, &entry)
        } else {
            self.insert_in_block(mapping, value, &entry)
        };
        splice.ok_or_else(|| {
            Error::refused(value.place(), Refusal::Unwritten, "no place for an entry behind this value")
        })
    }

    /// On a line of its own where the entry before it has one, else in the same line.
    fn insert_in_flow(&self, key: Node<'_>, value: Node<'_>, entry: &str) -> Option<Splice> {
        // A comma right behind a colon or a tag is a part of it to some readers.
        let (end, before_comma) = match self.room_for(value).filter(|_| value.is_unwritten()) {
            Some(room) => (room, " "),
            None if value.is_unwritten() => (key.span().end, ""),
            None => (value.span().end, ""),
        };
        let indentation = self.line_before(start_of(key))?;
        let rest = self.text.get(end..self.line_end(end))?;
        let rest = rest.trim_start_matches([' ', '\t']).trim_start_matches(',');
        let own_line = is_blank(indentation) && is_blank(rest) && self.line_end(end) < self.text.len();
        let gap = if own_line { format!("{}{indentation}", self.line_break(end)) } else { " ".to_owned() };
        Some(Splice { at: end..end, text: format!("{before_comma},{gap}{entry}"), inserts: true })
    }

    /// On a line of its own below the last line of the entry before it, indented as the mapping is.
    fn insert_in_block(&self, mapping: Node<'_>, value: Node<'_>, entry: &str) -> Option<Splice> {
        let indentation = " ".repeat(self.line_before(mapping.span().start)?.chars().count());
        self.lines_below(value, &[format!("{indentation}{entry}")])
    }

    /// Behind an item of a list, as that item is written: in the same line in flow style, else on lines of their own.
    fn append(&self, item: Node<'_>, items: &[Item], prefers_single: bool) -> Result<Splice, Error> {
        let refused = |what: &str| {
            Error::refused(item.place(), Refusal::Unwritten, format!("no place for an item: {what}"))
        };
        let list =
            item.parent().filter(|list| list.is_sequence()).ok_or_else(|| refused("this is no list"))?;
        refuse::shared(list)?;
        let first = item.entries().next().ok_or_else(|| refused("the one before it is no mapping"))?;
        let key_style = quotes_of(first.key).unwrap_or(Style::Plain);
        let value_style = quotes_of(first.value).unwrap_or(key_style);
        let pairs = |item: &Item| -> Vec<String> {
            let write = |text: &str, style| scalar::write(text, style, prefers_single);
            item.iter()
                .map(|(key, value)| format!("{}: {}", write(key, key_style), write(value, value_style)))
                .collect()
        };
        let is_flow = matches!(item.data().content, Content::Mapping { flow: true, .. });
        let before = self.line_before(start_of(item)).ok_or_else(|| refused("its line is not known"))?;
        if matches!(list.data().content, Content::Sequence { flow: true, .. }) {
            let Range { start, end } = item.span();
            // `[a: b]` and `[? a]` hold a mapping too, which readers end in ways of their own.
            if !self.text.get(start..end).is_some_and(|text| text.starts_with('{') && text.ends_with('}')) {
                return Err(refused("the one before it has no braces"));
            }
            let gap =
                if is_blank(before) { format!("{}{before}", self.line_break(end)) } else { " ".to_owned() };
            let texts: Vec<String> =
                items.iter().map(|item| format!(",{gap}{{{}}}", pairs(item).join(", "))).collect();
            return Ok(Splice { at: end..end, text: texts.concat(), inserts: true });
        }
        if before.trim_matches([' ', '\t']) != "-" {
            return Err(refused("something stands before the item in its line"));
        }
        let lines = items.iter().flat_map(|item| {
            if is_flow {
                return vec![format!("{before}{{{}}}", pairs(item).join(", "))];
            }
            let indentation = before.replace('-', " ");
            let lead = |index| if index == 0 { before } else { indentation.as_str() };
            pairs(item).iter().enumerate().map(|(index, pair)| format!("{}{pair}", lead(index))).collect()
        });
        self.lines_below(item, &lines.collect::<Vec<_>>()).ok_or_else(|| refused("its end is not known"))
    }

    /// Behind the last entry of a block mapping, its items not indented as kustomize writes them, or as the first list
    /// of the mapping is.
    fn insert_list(
        &self,
        value: Node<'_>,
        key: &str,
        items: &[Item],
        prefers_single: bool,
    ) -> Result<Splice, Error> {
        let refused =
            || Error::refused(value.place(), Refusal::Unwritten, "no place for a list behind this value");
        let mapping = value.parent().ok_or_else(refused)?;
        refuse::shared(mapping)?;
        if !matches!(mapping.data().content, Content::Mapping { flow: false, .. }) {
            return Err(refused());
        }
        let indentation = " ".repeat(mapping.place().column - 1);
        let list = mapping
            .entries()
            .map(|entry| entry.value)
            .find(|value| matches!(value.data().content, Content::Sequence { flow: false, .. }));
        let deeper = list.map_or(0, |list| list.place().column.saturating_sub(mapping.place().column));
        let dash = format!("{indentation}{}- ", " ".repeat(deeper));
        let write = |text: &str| scalar::write(text, Style::Plain, prefers_single);
        let mut lines = vec![format!("{indentation}{}:", write(key))];
        for item in items {
            for (index, (key, value)) in item.iter().enumerate() {
                let lead = if index == 0 { dash.clone() } else { dash.replace('-', " ") };
                lines.push(format!("{lead}{}: {}", write(key), write(value)));
            }
        }
        self.lines_below(value, &lines).ok_or_else(refused)
    }

    /// Lines below the last line of a value.
    fn lines_below(&self, value: Node<'_>, lines: &[String]) -> Option<Splice> {
        let last = last_below(value);
        let end = if last.is_unwritten() { self.room_for(last)? } else { last.span().end };
        let line_break = self.line_break(end);
        if last.style().is_some_and(Style::is_block) && !last.is_alias() {
            // A block of text ends where the next text starts.
            let at = end - self.line_before(end)?.len();
            let text = lines.join(line_break) + line_break;
            return Some(Splice { at: at..at, text, inserts: true });
        }
        let at = self.line_end(end);
        let text = format!("{line_break}{}", lines.join(line_break));
        Some(Splice { at: at..at, text, inserts: true })
    }

    /// The part before `offset` of its line.
    fn line_before(&self, offset: usize) -> Option<&str> {
        let before = self.text.get(..offset)?;
        let before = before.strip_prefix(syntax::BYTE_ORDER_MARK).unwrap_or(before);
        before.rsplit(['\n', '\r']).next()
    }

    /// Where the line of `offset` ends, before its line break.
    fn line_end(&self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or_default();
        offset + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }

    /// The line break behind `offset`, or else the first one of the file.
    fn line_break(&self, offset: usize) -> &'static str {
        let next = self.text.get(self.line_end(offset)..).filter(|rest| !rest.is_empty());
        let rest =
            next.or_else(|| self.text.find(['\n', '\r']).map(|first| &self.text[first..])).unwrap_or("\n");
        if rest.starts_with("\r\n") {
            "\r\n"
        } else if rest.starts_with('\r') {
            "\r"
        } else {
            "\n"
        }
    }
}

/// The text as it is, in place of a scalar that is plain too.
fn set_plain(node: Node<'_>, value: &str) -> Result<Splice, Error> {
    refuse::shared(node)?;
    let style = refuse::unless_settable(node)?;
    if style != Style::Plain || node.is_unwritten() || !scalar::is_one_plain_line(value) {
        let what = "the value can't be written without quotes here";
        return Err(Error::refused(node.place(), Refusal::Typed, what));
    }
    Ok(Splice { at: node.span(), text: value.to_owned(), inserts: false })
}

/// Whether the documents have more single quotes than double ones.
pub(crate) fn prefers_single(documents: &[Document]) -> bool {
    let count = |wanted: Style| {
        let nodes = documents.iter().flat_map(|document| &document.nodes);
        nodes.filter(|node| matches!(node.content, Content::Scalar { style, .. } if style == wanted)).count()
    };
    count(Style::SingleQuoted) > count(Style::DoubleQuoted)
}

/// The quotes that a scalar is written in.
fn quotes_of(node: Node<'_>) -> Option<Style> {
    match node.data().content {
        Content::Scalar { style: style @ (Style::SingleQuoted | Style::DoubleQuoted), .. } => Some(style),
        _ => None,
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte == b'\t')
}

fn is_within_flow(node: Node<'_>) -> bool {
    let is_flow = |content: &Content| {
        matches!(content, Content::Mapping { flow: true, .. } | Content::Sequence { flow: true, .. })
    };
    node.parent().is_some_and(|parent| is_flow(&parent.data().content))
}

fn in_flow(node: Node<'_>) -> bool {
    node.parent().is_some_and(|parent| matches!(parent.data().content, Content::Mapping { flow: true, .. }))
}

/// Where a node starts, with its tag and anchor.
fn start_of(node: Node<'_>) -> usize {
    let data = node.data();
    let properties =
        [data.tag.as_ref().map(|tag| tag.span.start), data.anchor.as_ref().map(|anchor| anchor.span.start)];
    properties.into_iter().flatten().fold(data.span.start, usize::min)
}

/// The last node within a block collection, else the node itself.
fn last_below(node: Node<'_>) -> Node<'_> {
    match &node.data().content {
        Content::Sequence { children, flow: false } | Content::Mapping { children, flow: false } => {
            children.last().map_or(node, |last| last_below(node.with_id(*last)))
        }
        _ => node,
    }
}
