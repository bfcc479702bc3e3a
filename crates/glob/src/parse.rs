//! From text to tree, with the meaning that picomatch 2 gives each sign (<https://github.com/micromatch/picomatch>).
//!
//! picomatch writes a JavaScript regular expression; what a sign means depends on the sign before it. So does
//! it here: [`Before`] is what the parser knows of the last sign.

use std::collections::{BTreeMap, BTreeSet};

use crate::class::{self, Class};
use crate::error::{Error, Problem};
use crate::groups::{Group, after_text, after_token, groups};
use crate::shorthand;
use crate::syntax::{Check, Node, Pattern};

/// Parses a whole pattern.
pub(crate) fn parse(source: &str, captures: bool) -> Result<Pattern, Error> {
    if source.is_empty() {
        return Err(Error::new(source, 0, Problem::Empty));
    }
    if source.len() > Problem::MAX_LENGTH {
        return Err(Error::new(source, Problem::MAX_LENGTH, Problem::TooLong));
    }
    if let Some(node) = shorthand::read(source) {
        return Ok(Pattern { negated: false, node, names: Vec::new(), repeated: BTreeSet::new() });
    }
    let mut parser = Parser::new(source, captures);
    parser.here();
    parser.negations();
    while parser.here() {}
    let node = parser.whole()?;
    let Parser { negated, names, repeated, .. } = parser;
    Ok(Pattern { negated, node, names, repeated })
}

/// The sign before the one that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Slash,
    /// A dot that starts a segment or stands in a group.
    Dot,
    Star,
    Globstar,
    /// A bracket, or a `[` that has no end.
    Bracket,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    /// A comma between the choices of a brace.
    Comma,
    Other,
}

/// The five extended groups, `!(a)` and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extended {
    Not,
    Once,
    Optional,
    Some,
    Any,
}

struct Parser<'p> {
    source: &'p str,
    at: usize,
    groups: BTreeMap<usize, Group>,
    before: Before,
    /// What stood before the last slash.
    before_slash: Before,
    parens: usize,
    braces: usize,
    depth: usize,
    negated: bool,
    captures: bool,
    names: Vec<String>,
    repeated: BTreeSet<usize>,
    /// How many captures there are so far.
    held: usize,
}

impl<'p> Parser<'p> {
    fn new(source: &'p str, captures: bool) -> Self {
        Self {
            source,
            at: 0,
            groups: groups(source),
            before: Before::Start,
            before_slash: Before::Start,
            parens: 0,
            braces: 0,
            depth: 0,
            negated: false,
            captures,
            names: Vec::new(),
            repeated: BTreeSet::new(),
            held: 0,
        }
    }

    fn rest(&self) -> &'p str {
        &self.source[self.at..]
    }

    /// The byte `ahead` of the current one; 0 past the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn error<T>(&self, offset: usize, problem: Problem) -> Result<T, Error> {
        Err(Error::new(self.source, offset, problem))
    }

    /// Takes a leading `./`; whether there was one.
    fn here(&mut self) -> bool {
        let here = self.rest().starts_with("./");
        self.at += if here { 2 } else { 0 };
        here
    }

    /// Takes the leading `!`: each turns the meaning around. `!(` starts a group instead.
    fn negations(&mut self) {
        while self.peek(0) == b'!' && self.extended().is_none() {
            self.at += 1;
            self.negated = !self.negated;
        }
    }

    /// The whole pattern. A last `*` or bracket also takes a slash.
    fn whole(&mut self) -> Result<Node, Error> {
        let mut branches = self.branches(self.source.len(), false)?;
        if matches!(self.before, Before::Star | Before::Bracket)
            && let Some(last) = branches.last_mut()
        {
            last.push(Node::maybe_slash());
        }
        let node = choice(branches);
        if let (Node::Choice(_), Some(name)) = (&node, self.names.first()) {
            return self.error(0, Problem::CaptureInGroup(name.clone()));
        }
        Ok(node)
    }

    /// What stands up to `end`, in branches: `|` parts them, and `,` in a brace.
    fn branches(&mut self, end: usize, commas: bool) -> Result<Vec<Vec<Node>>, Error> {
        self.depth += 1;
        if self.depth > Problem::MAX_DEPTH {
            return self.error(self.at, Problem::TooDeep);
        }
        let braces = self.braces;
        let mut branches = vec![Vec::new()];
        while self.at < end {
            let sign = self.peek(0);
            if sign == b'|' || sign == b',' && commas && self.braces == braces {
                self.at += 1;
                self.before = if sign == b',' { Before::Comma } else { Before::Other };
                branches.push(Vec::new());
            } else if let Some(nodes) = branches.last_mut() {
                self.sign(nodes)?;
            }
        }
        self.depth -= 1;
        Ok(branches)
    }

    /// Reads one sign, or one run of text.
    fn sign(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        let sign = self.peek(0);
        if let Some(kind) = self.extended() {
            return self.extended_group(nodes, kind);
        }
        match sign {
            b'\\' => self.escape(nodes),
            b'"' => {
                self.quoted(nodes);
                Ok(())
            }
            b'[' => self.bracket(nodes),
            b'(' => self.group(nodes),
            b'{' => self.brace(nodes),
            b'*' => {
                self.stars(nodes);
                Ok(())
            }
            b'?' => self.question(nodes),
            b'+' => self.plus(nodes),
            _ => {
                self.text(nodes, sign);
                Ok(())
            }
        }
    }

    /// A sign that stands for itself, or plain text.
    fn text(&mut self, nodes: &mut Vec<Node>, sign: u8) {
        let start = self.at;
        self.at = match sign {
            b'/' | b'.' | b',' | b'@' | b')' | b']' | b'}' => start + 1,
            _ => after_text(self.source, start),
        };
        push_text(nodes, &self.source[start..self.at]);
        if sign == b'/' {
            self.before_slash = self.before;
        }
        self.before = match sign {
            b'/' => Before::Slash,
            b'.' if self.in_group() || matches!(self.before, Before::Start | Before::Slash) => Before::Dot,
            b')' => Before::CloseParen,
            b'}' => {
                // The end of a brace without a choice: plain text, but its inside counts as a group.
                self.braces = self.braces.saturating_sub(1);
                Before::CloseBrace
            }
            _ => Before::Other,
        };
    }

    fn in_group(&self) -> bool {
        self.parens + self.braces > 0
    }

    fn escape(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        let start = self.at;
        let next = self.source[start + 1..].chars().next();
        if let Some('/' | '.' | ';') = next {
            // The backslash says nothing; what follows keeps its meaning.
            self.at += 1;
            return Ok(());
        }
        self.at = after_token(self.source, start);
        self.before = Before::Other;
        match next {
            Some(digit) if digit.is_ascii_digit() => return self.error(start, Problem::BackReference),
            Some(letter) if let Some(class) = Class::escape(letter) => nodes.push(Node::Class(class)),
            Some(c) => push_text(nodes, c.encode_utf8(&mut [0; 4])),
            None => push_text(nodes, "\\"),
        }
        Ok(())
    }

    /// `"..."`: plain text, in which only a backslash says anything.
    fn quoted(&mut self, nodes: &mut Vec<Node>) {
        let token = &self.source[self.at..after_token(self.source, self.at)];
        self.at += token.len();
        let inner = token[1..].strip_suffix('"').unwrap_or(&token[1..]);
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            let c = if c == '\\' { chars.next().unwrap_or(c) } else { c };
            push_text(nodes, c.encode_utf8(&mut [0; 4]));
        }
        self.before = Before::Other;
    }

    fn bracket(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        let start = self.at;
        self.before = Before::Bracket;
        match class::bracket(self.source, start) {
            Err((low, high)) => return self.error(start, Problem::BackwardRange(low, high)),
            Ok(Some(bracket)) => {
                self.at = bracket.end;
                let class = Node::Class(bracket.class);
                nodes.push(match bracket.literal {
                    Some(literal) => Node::Choice(vec![Node::Text(literal), class]),
                    None => class,
                });
            }
            Ok(None) => {
                self.at = after_token(self.source, start);
                push_text(nodes, &self.source[start..self.at]);
            }
        }
        Ok(())
    }

    /// `(...)`, a plain group; also behind `@`. Without an end, a plain character.
    fn group(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        let start = self.at;
        let Some(&Group { close, .. }) = self.groups.get(&start) else {
            self.at += 1;
            self.parens += 1;
            self.before = Before::OpenParen;
            push_text(nodes, "(");
            return Ok(());
        };
        let inside = &self.source[start + 1..close];
        if inside.starts_with("?=") || inside.starts_with("?!") || inside.starts_with("?<") {
            return self.error(start, Problem::LookAround);
        }
        self.at = if inside.starts_with("?:") { start + 3 } else { start + 1 };
        nodes.push(self.inside(close)?);
        Ok(())
    }

    /// The inside of the parentheses that close here, as one node.
    fn inside(&mut self, close: usize) -> Result<Node, Error> {
        self.parens += 1;
        self.before = Before::OpenParen;
        let branches = self.branches(close, false)?;
        self.parens -= 1;
        self.at = close + 1;
        self.before = Before::CloseParen;
        Ok(choice(branches))
    }

    /// The kind of the extended group that starts here, if one does.
    fn extended(&self) -> Option<Extended> {
        let plain = self.peek(1) == b'(' && self.peek(2) != b'?';
        match self.peek(0) {
            b'!' if self.peek(1) == b'(' => {
                let regex = self.peek(2) == b'?' && b"!=<:".contains(&self.peek(3));
                (!regex).then_some(Extended::Not)
            }
            b'?' if plain && self.before != Before::OpenParen => Some(Extended::Optional),
            b'@' if plain => Some(Extended::Once),
            b'+' if plain => Some(Extended::Some),
            b'*' if plain => Some(Extended::Any),
            _ => None,
        }
    }

    fn extended_group(&mut self, nodes: &mut Vec<Node>, kind: Extended) -> Result<(), Error> {
        let start = self.at;
        let open = start + 1;
        let Some(&Group { close, .. }) = self.groups.get(&open) else {
            let signs = match kind {
                Extended::Not => "!(",
                Extended::Once => "@(",
                Extended::Optional => "?(",
                Extended::Some => "+(",
                Extended::Any => "*(",
            };
            return self.error(start, Problem::Unclosed(signs));
        };
        self.at = open + 1;
        let inside = Box::new(self.inside(close)?);
        nodes.push(match kind {
            Extended::Not => self.exclusion(inside, open, close)?,
            Extended::Once => *inside,
            Extended::Optional => Node::Repeat { node: inside, min: 0, many: false },
            Extended::Some => Node::Repeat { node: inside, min: 1, many: true },
            Extended::Any => Node::Repeat { node: inside, min: 0, many: true },
        });
        Ok(())
    }

    /// `!(...)`: any text of a segment (of the path, if a slash is excluded) that is not this. At the
    /// pattern's end it must not *be* this, before more text it must not *start* with it; but before a last
    /// extension, as in `!(*.d).ts`, it must not be this with that extension.
    fn exclusion(&self, inside: Box<Node>, open: usize, close: usize) -> Result<Node, Error> {
        let own = self.own_text(open + 1, close);
        let any = if own.len() > 1 && own.contains('/') { Node::Globstar } else { Node::Star };
        let rest = self.rest();
        let extension =
            rest.strip_prefix('.').is_some_and(|name| !name.is_empty() && !name.contains(['\\', '/', '.']));
        let not = if own.contains('*') && extension {
            let mut parser = Parser::new(rest, false);
            parser.depth = self.depth;
            let rest = parser.whole().map_err(|error| {
                Error::new(self.source, self.at + error.offset(), error.problem().clone())
            })?;
            Node::Not { node: Box::new(Node::Sequence(vec![*inside, rest])), to_end: false }
        } else {
            let to_end = matches!(any, Node::Globstar) || rest.bytes().all(|byte| byte == b')');
            Node::Not { node: inside, to_end }
        };
        Ok(Node::Sequence(vec![not, any]))
    }

    /// The text between these offsets without what stands in other extended groups and in brackets.
    fn own_text(&self, from: usize, to: usize) -> String {
        let bytes = self.source.as_bytes();
        let mut own = String::new();
        let mut at = from;
        while at < to {
            let sign = bytes[at];
            let group =
                self.groups.get(&(at + 1)).filter(|_| b"!?+*".contains(&sign) && bytes[at + 1] == b'(');
            let next = group.map_or_else(|| after_token(self.source, at), |group| group.close + 1);
            match sign {
                b'(' | b')' => {}
                b'[' => own.push('['),
                _ if group.is_some() => own.push(sign.into()),
                _ => own.push_str(&self.source[at..next]),
            }
            at = next;
        }
        own
    }

    fn brace(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        let start = self.at;
        let Some(&Group { close, comma, dots }) = self.groups.get(&start) else {
            return self.error(start, Problem::Unclosed("{"));
        };
        let inside = &self.source[start + 1..close];
        if dots {
            self.at = close + 1;
            self.before = Before::CloseBrace;
            return self.range(nodes, start, inside);
        }
        self.braces += 1;
        self.at = start + 1;
        if comma {
            self.before = Before::OpenBrace;
            let branches = self.branches(close, true)?;
            nodes.push(choice(branches));
            self.braces -= 1;
            self.at = close + 1;
            self.before = Before::CloseBrace;
        } else if self.captures {
            self.braces -= 1;
            self.capture(nodes, start, inside)?;
            self.at = close + 1;
        } else {
            self.before = Before::OpenBrace;
            push_text(nodes, "{");
        }
        Ok(())
    }

    fn range(&self, nodes: &mut Vec<Node>, start: usize, inside: &str) -> Result<(), Error> {
        let mut ends: Vec<&str> = inside.split("..").collect();
        if ends
            .iter()
            .any(|end| end.is_empty() || end.contains(|c: char| "@![].,$*+?^{}()|\\/\"".contains(c)))
        {
            return self.error(start, Problem::BadRange);
        }
        ends.sort_unstable();
        match class::range(&ends) {
            Some(class) => nodes.push(Node::Class(class)),
            None => push_text(nodes, &ends.join("..")),
        }
        Ok(())
    }

    fn capture(&mut self, nodes: &mut Vec<Node>, start: usize, name: &str) -> Result<(), Error> {
        let tail = name.strip_prefix(|c: char| c.is_ascii_lowercase());
        let tail_fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if !tail.is_some_and(|tail| tail.chars().all(tail_fits)) {
            return self.error(start, Problem::NotACapture(name.to_owned()));
        }
        if self.depth > 1 || self.negated {
            return self.error(start, Problem::CaptureInGroup(name.to_owned()));
        }
        self.held += 1;
        if self.held > Problem::MAX_CAPTURES {
            return self.error(start, Problem::TooManyCaptures);
        }
        let known = self.names.iter().position(|known| known == name);
        let index = known.unwrap_or(self.names.len());
        if known.is_some() {
            self.repeated.insert(index);
        } else {
            self.names.push(name.to_owned());
        }
        if self.repeated.len() > Problem::MAX_REPEATED {
            return self.error(start, Problem::TooManyRepeated);
        }
        nodes.push(Node::Capture(index));
        self.before = Before::Other;
        Ok(())
    }

    /// A `?` behind a group makes it optional, behind a `(` it is plain text; else it is one character.
    fn question(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        match self.before {
            Before::OpenParen => push_text(nodes, "?"),
            Before::CloseParen => self.repeat(nodes, '?')?,
            _ => nodes.push(Node::Class(Class::not_slash())),
        }
        self.at += 1;
        self.before = Before::Other;
        Ok(())
    }

    /// A `+` behind a group, or anywhere in parentheses, repeats what precedes it; else it is plain text.
    fn plus(&mut self, nodes: &mut Vec<Node>) -> Result<(), Error> {
        let behind = matches!(self.before, Before::Bracket | Before::CloseParen | Before::CloseBrace);
        if self.before != Before::OpenParen && (behind || self.parens > 0) {
            self.repeat(nodes, '+')?;
        } else {
            push_text(nodes, "+");
        }
        self.at += 1;
        self.before = Before::Other;
        Ok(())
    }

    /// Repeats the last node, or the last character of a text.
    fn repeat(&self, nodes: &mut Vec<Node>, sign: char) -> Result<(), Error> {
        let last = match nodes.pop() {
            Some(Node::Text(mut text)) => match text.pop() {
                Some(last) => {
                    if !text.is_empty() {
                        nodes.push(Node::Text(text));
                    }
                    Node::Text(last.to_string())
                }
                None => return self.error(self.at, Problem::NothingToRepeat(sign)),
            },
            // A regular expression reads this `?` as "as few as can be", which changes no answer.
            Some(repeat @ Node::Repeat { .. }) if sign == '?' => {
                nodes.push(repeat);
                return Ok(());
            }
            Some(last @ (Node::Class(_) | Node::Sequence(_) | Node::Choice(_))) => last,
            _ => return self.error(self.at, Problem::NothingToRepeat(sign)),
        };
        let (min, many) = if sign == '+' { (1, true) } else { (0, false) };
        nodes.push(Node::Repeat { node: Box::new(last), min, many });
        Ok(())
    }

    /// One or more `*`, up to one that starts an extended group.
    fn stars(&mut self, nodes: &mut Vec<Node>) {
        let run = self.rest().bytes().take_while(|&byte| byte == b'*').count();
        let group = self.peek(run) == b'(' && self.peek(run + 1) != b'?';
        let count = if group { run - 1 } else { run };
        let before = self.before;
        let single = self.peek(1) != b'*';
        self.at += count;
        if count == 2 && self.may_be_globstar(before) {
            self.globstar(nodes, before);
            return;
        }
        guard(nodes, before, single);
        nodes.push(Node::Star);
        self.before = Before::Star;
    }

    /// Whether `**` after this sign and before the next crosses slashes.
    fn may_be_globstar(&self, before: Before) -> bool {
        let starts = match before {
            Before::Start | Before::Slash | Before::OpenParen | Before::CloseParen => true,
            Before::OpenBrace | Before::CloseBrace | Before::Comma => self.braces > 0,
            _ => false,
        };
        let ends = match self.peek(0) {
            0 => self.rest().is_empty(),
            b'/' | b'(' | b')' => true,
            b'{' => !self.captures || self.groups.get(&self.at).is_some_and(|group| group.comma),
            b',' | b'}' => self.braces > 0,
            b'@' => self.peek(1) == b'(' && self.peek(2) != b'?',
            _ => false,
        };
        starts && ends
    }

    /// Adds what the `**` just read means here; it may take slashes around it.
    fn globstar(&mut self, nodes: &mut Vec<Node>, before: Before) {
        while self.rest().starts_with("/**") && matches!(self.peek(3), b'/' | 0) {
            self.at += 3;
        }
        let ends = self.rest().is_empty();
        let slash = self.peek(0) == b'/';
        let inner_slash = before == Before::Slash && self.before_slash != Before::Start;
        let after_star = matches!(self.before_slash, Before::Star | Before::Globstar);
        if before == Before::Start && slash {
            self.take_slash();
            nodes.push(Node::Leading);
        } else if inner_slash && ends && !after_star && pop_slash(nodes) {
            self.before = Before::Globstar;
            nodes.push(Node::Below);
        } else if inner_slash && slash && pop_slash(nodes) {
            self.take_slash();
            nodes.push(Node::Between { ends: !self.rest().is_empty() });
        } else {
            guard(nodes, before, false);
            self.before = Before::Globstar;
            nodes.push(Node::Globstar);
        }
    }

    fn take_slash(&mut self) {
        self.at += 1;
        self.before_slash = Before::Globstar;
        self.before = Before::Slash;
    }
}

/// What a `*` at the start of a segment must not take: `.`, `..`, and (`single`) nothing at all.
fn guard(nodes: &mut Vec<Node>, before: Before, single: bool) {
    match before {
        Before::Start | Before::Slash => nodes.push(Node::Check(Check::NoDots)),
        Before::Dot => nodes.push(Node::Check(Check::NoDotEnd)),
        _ => return,
    }
    if single {
        nodes.push(Node::Check(Check::NotEnd));
    }
}

fn push_text(nodes: &mut Vec<Node>, text: &str) {
    match nodes.last_mut() {
        Some(Node::Text(last)) => last.push_str(text),
        _ => nodes.push(Node::text(text)),
    }
}

/// Takes back the slash that was added last.
fn pop_slash(nodes: &mut Vec<Node>) -> bool {
    let Some(Node::Text(text)) = nodes.last_mut() else { return false };
    if !text.ends_with('/') {
        return false;
    }
    text.pop();
    if text.is_empty() {
        nodes.pop();
    }
    true
}

fn choice(mut branches: Vec<Vec<Node>>) -> Node {
    if branches.len() > 1 {
        return Node::Choice(branches.into_iter().map(Node::Sequence).collect());
    }
    Node::Sequence(branches.pop().unwrap_or_default())
}
