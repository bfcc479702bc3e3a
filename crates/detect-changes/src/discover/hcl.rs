//! Just enough of HCL to find an attribute of a block: where blocks and brackets begin and end, what is text
//! and what is a comment. <https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md>
//!
//! Expressions are not understood, so that those of a newer version are no obstacle. Brackets and quotes must
//! match: where they do not, nothing can be told, and that is an error.

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) kind: Kind,
    /// The byte that it starts at.
    pub(super) start: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text(String),
    /// A text that is computed, and what it begins with.
    Template(String),
    /// Anything else.
    Expression,
}

/// Why a file can't be read, and the byte where that shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) why: &'static str,
    pub(super) at: usize,
}

/// The values of the attribute `key` in the blocks of a type, those at the top of the file.
pub(super) fn attributes(text: &str, block: &str, key: &str) -> Result<Vec<Value>, Broken> {
    let mut lexer = Lexer { text, at: 0 };
    let mut values = Vec::new();
    let mut open: Vec<(u8, usize)> = Vec::new();
    // The first word of a statement at the top, and whether it is that of a block.
    let mut first = None;
    let mut is_block = false;
    let mut statement = Statement::Start;
    loop {
        let start = lexer.skip_blanks()?;
        let Some(token) = lexer.next()? else { break };
        if open.len() == 1 && is_block {
            statement = statement.after(&token, start, key, &mut values);
        }
        match token {
            Token::Line if open.is_empty() => first = None,
            Token::Word(word) if open.is_empty() => first = first.or(Some(word)),
            // `module = { ... }` is no block.
            Token::Sign(b'=') if open.is_empty() => first = Some(""),
            Token::Sign(sign @ (b'{' | b'[' | b'(')) => {
                if open.is_empty() {
                    is_block = sign == b'{' && first == Some(block);
                    statement = Statement::Start;
                }
                open.push((sign, start));
            }
            Token::Sign(sign @ (b'}' | b']' | b')')) => {
                let is_match =
                    |(opened, _)| matches!((opened, sign), (b'{', b'}') | (b'[', b']') | (b'(', b')'));
                if !open.pop().is_some_and(is_match) {
                    return Err(Broken { why: "a bracket closes nothing", at: start });
                }
            }
            _ => {}
        }
    }
    match open.last() {
        Some((_, at)) => Err(Broken { why: "a bracket is never closed", at: *at }),
        None => Ok(values),
    }
}

/// What was read of a statement in a block.
enum Statement {
    Start,
    /// Its key is the one that is looked for.
    Key,
    Equals,
    /// The first token of its value, the last of the values, may be all of it.
    Value,
    /// It is of no interest from here on.
    Other,
}

impl Statement {
    fn after(self, token: &Token<'_>, start: usize, key: &str, values: &mut Vec<Value>) -> Self {
        match (self, token) {
            (_, Token::Line) => Self::Start,
            (Self::Start, Token::Word(word)) if *word == key => Self::Key,
            (Self::Key, Token::Sign(b'=')) => Self::Equals,
            (Self::Equals, token) => {
                let kind = match token {
                    Token::Text { text, is_whole: true } => Kind::Text(text.clone()),
                    Token::Text { text, is_whole: false } => Kind::Template(text.clone()),
                    _ => Kind::Expression,
                };
                values.push(Value { kind, start });
                Self::Value
            }
            (Self::Value, token) => {
                if let (false, Some(value)) = (matches!(token, Token::Sign(b'}')), values.last_mut()) {
                    value.kind = Kind::Expression;
                }
                Self::Other
            }
            _ => Self::Other,
        }
    }
}

/// A piece of HCL.
#[derive(Debug)]
enum Token<'a> {
    /// The end of a line.
    Line,
    /// A name, a keyword or a number.
    Word(&'a str),
    /// A text in quotes, up to the first thing in it that is computed.
    Text { text: String, is_whole: bool },
    /// A text of several lines.
    Heredoc,
    /// Anything else, byte by byte.
    Sign(u8),
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn broken<T>(&self, why: &'static str, at: usize) -> Result<T, Broken> {
        Err(Broken { why, at: at.min(self.text.len()) })
    }

    /// Goes over blanks and comments, and tells where it is then.
    fn skip_blanks(&mut self) -> Result<usize, Broken> {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r', ..] => self.at += 1,
                [b'#', ..] | [b'/', b'/', ..] => self.at += length_until(self.rest(), b"\n"),
                [b'/', b'*', rest @ ..] => {
                    let length = length_until(rest, b"*/");
                    if length == rest.len() {
                        return self.broken("a comment never ends", self.at);
                    }
                    self.at += 2 + length + 2;
                }
                _ => return Ok(self.at),
            }
        }
    }

    /// The next token, from where blanks are skipped.
    fn next(&mut self) -> Result<Option<Token<'a>>, Broken> {
        let start = self.at;
        let Some(&byte) = self.rest().first() else { return Ok(None) };
        self.at += 1;
        Ok(Some(match byte {
            b'\n' => Token::Line,
            b'"' => self.quoted(start)?,
            b'<' if self.heredoc(start)? => Token::Heredoc,
            byte if is_word(byte) => {
                self.at += self.rest().iter().take_while(|byte| is_word(**byte)).count();
                Token::Word(self.text.get(start..self.at).unwrap_or_default())
            }
            sign => Token::Sign(sign),
        }))
    }

    /// A text in quotes, behind its first quote. Texts in what is computed in it, and so on, are passed over.
    fn quoted(&mut self, start: usize) -> Result<Token<'a>, Broken> {
        let (mut text, mut is_whole) = (String::new(), true);
        // For each text that is open how many braces are open in what is computed in it; none between.
        let mut open: Vec<Option<usize>> = vec![None];
        while let Some(braces) = open.last_mut() {
            let from = self.at;
            match (braces, self.rest()) {
                (_, []) => return self.broken("a text never ends", start),
                (None, [b'\n', ..]) => return self.broken("a text ends with its line", start),
                (None, [b'"', ..]) => {
                    open.pop();
                    self.at += 1;
                }
                (None, [b'\\', ..]) => {
                    let character = self.escaped()?;
                    if is_whole {
                        text.push(character);
                    }
                }
                (None, [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..]) => {
                    if is_whole {
                        text.push_str(self.text.get(from + 1..from + 3).unwrap_or_default());
                    }
                    self.at += 3;
                }
                (braces @ None, [b'$' | b'%', b'{', ..]) => {
                    is_whole = false;
                    *braces = Some(0);
                    self.at += 2;
                }
                (None, _) => {
                    let Some(character) = self.text.get(from..).and_then(|rest| rest.chars().next()) else {
                        return self.broken("a text never ends", start);
                    };
                    if is_whole {
                        text.push(character);
                    }
                    self.at += character.len_utf8();
                }
                (Some(depth), [b'{', ..]) => {
                    *depth += 1;
                    self.at += 1;
                }
                (braces @ Some(0), [b'}', ..]) => {
                    *braces = None;
                    self.at += 1;
                }
                (Some(depth), [b'}', ..]) => {
                    *depth -= 1;
                    self.at += 1;
                }
                (Some(_), [b'"', ..]) => {
                    open.push(None);
                    self.at += 1;
                }
                (Some(_), [b'<', ..]) => {
                    self.at += 1;
                    self.heredoc(from)?;
                }
                (Some(_), _) => {
                    if self.skip_blanks()? == from {
                        self.at += 1;
                    }
                }
            }
        }
        Ok(Token::Text { text, is_whole })
    }

    /// The character that a backslash stands for.
    fn escaped(&mut self) -> Result<char, Broken> {
        let start = self.at;
        let digits = match self.rest().get(1) {
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => 0,
        };
        self.at += 2 + digits;
        let code = self.text.get(start + 2..self.at).filter(|_| digits > 0);
        let character = match self.text.as_bytes().get(start + 1) {
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            Some(b'"') => Some('"'),
            Some(b'\\') => Some('\\'),
            _ => code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32),
        };
        character.map_or_else(|| self.broken("a backslash stands for no character", start), Ok)
    }

    /// Goes over a text that begins with `<<NAME` or `<<-NAME` and ends with a line of that name, behind the
    /// first `<`; tells whether there is one.
    fn heredoc(&mut self, start: usize) -> Result<bool, Broken> {
        let rest = self.rest();
        let Some(rest) = rest.strip_prefix(b"<") else { return Ok(false) };
        let name = rest.strip_prefix(b"-").unwrap_or(rest);
        let length = name.iter().take_while(|byte| is_word(**byte)).count();
        let (name, behind) = name.split_at(length);
        let lines = behind.strip_prefix(b"\r").unwrap_or(behind).strip_prefix(b"\n");
        let (Some(mut lines), false) = (lines, name.is_empty()) else { return Ok(false) };
        loop {
            let end = length_until(lines, b"\n");
            let line = &lines[..end];
            if line.trim_ascii() == name {
                // The line break belongs to what follows.
                self.at = self.text.len() - (lines.len() - end);
                return Ok(true);
            }
            let Some(next) = lines.get(end + 1..) else { return self.broken("a heredoc never ends", start) };
            lines = next;
        }
    }
}

/// How many bytes stand before `end`, or all.
fn length_until(bytes: &[u8], end: &[u8]) -> usize {
    bytes.windows(end.len()).position(|window| window == end).unwrap_or(bytes.len())
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use hcl_edit::{expr::Expression, structure::Body, template::Element};
    use proptest::prelude::*;

    use super::*;

    fn sources(text: &str) -> Result<Vec<Kind>, Broken> {
        Ok(attributes(text, "module", "source")?.into_iter().map(|value| value.kind).collect())
    }

    /// What a reader of all of HCL finds; none where the text is no HCL to it.
    fn sources_by_grammar(text: &str) -> Option<Vec<Kind>> {
        let body: Body = text.parse().ok()?;
        let blocks = body.get_blocks("module").filter_map(|block| block.body.get_attribute("source"));
        let kind = |value: &Expression| match value {
            Expression::String(text) => Kind::Text(text.as_str().to_owned()),
            Expression::StringTemplate(template) => match template.iter().next() {
                Some(Element::Literal(text)) => Kind::Template(text.as_str().to_owned()),
                _ => Kind::Template(String::new()),
            },
            _ => Kind::Expression,
        };
        Some(blocks.map(|attribute| kind(&attribute.value)).collect())
    }

    #[test]
    fn what_is_broken_is_told_with_its_place() {
        for (text, why, at) in [
            ("a = \"x\nb\"", "a text ends with its line", 4),
            ("a = \"x", "a text never ends", 4),
            ("a = \"${\"", "a text never ends", 4),
            ("a = <<EOT\nx\n", "a heredoc never ends", 4),
            ("a {\n", "a bracket is never closed", 2),
            ("a = (]", "a bracket closes nothing", 5),
            ("/* a", "a comment never ends", 0),
            ("a = \"\\q\"", "a backslash stands for no character", 5),
        ] {
            assert_eq!(sources(text), Err(Broken { why, at }), "{text}");
        }
    }

    #[test]
    fn escapes_stand_for_what_they_mean() {
        let source = |text: &str| {
            sources(&format!("module \"x\" {{\n  source = {text}\n}}\n")).map(|mut all| all.remove(0))
        };
        assert_eq!(source(r#""./a$${b}%%{c}\"\u00e9""#), Ok(Kind::Text("./a${b}%{c}\"é".into())));
        assert_eq!(source(r#""./a${"}"}b""#), Ok(Kind::Template("./a".into())));
        assert_eq!(source(r#""./a" == "b""#), Ok(Kind::Expression));
    }

    #[test]
    fn depth_takes_no_stack() {
        let deep =
            |open: &str, close: &str| format!("a = {}1{}\n", open.repeat(100_000), close.repeat(100_000));
        assert_eq!(sources(&deep("[", "]")), Ok(vec![]));
        assert_eq!(sources(&deep("\"${", "}\"")), Ok(vec![]));
    }

    #[test]
    fn what_a_newer_version_may_say_is_no_obstacle() {
        let text = "a = f(<<EOF\nx\nEOF\n, b) ?? @c\nmodule \"x\" {\n  source = \"./x\"\n}\n";
        assert_eq!(sources(text), Ok(vec![Kind::Text("./x".into())]));
    }

    /// Expressions, some with braces, quotes and comment signs where they mean nothing.
    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("var.x".to_owned()),
            Just("1".to_owned()),
            "\"[a-z./]{0,8}\"",
            Just(r#""a\"b\\""#.to_owned()),
            Just(r##""# // /* } { $${x} %%{y} \u00e9""##.to_owned()),
            Just("<<EOT\nmodule \"x\" {\n source = \"./no\"\n}\nEOT\n".to_owned()),
            Just("<<-EOT\n  ${var.x} }\n  EOT\n".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|x| format!("\"./a/${{{x}}}/b\"")),
                inner.clone().prop_map(|x| format!("\"${{ f({x}) /* \" */ }}\"")),
                inner.clone().prop_map(|x| format!("\"a%{{ if {x} }}b%{{ endif }}\"")),
                (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("[{x}, {y}]")),
                (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("{{ a = {x}, source = {y} }}")),
                (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("{x} == {y}")),
                inner.prop_map(|x| format!("({x})")),
            ]
        })
    }

    fn body() -> impl Strategy<Value = String> {
        let attribute =
            (prop_oneof![Just("source"), Just("a"), Just("module"), Just("sources")], expression())
                .prop_map(|(key, value)| format!("  {key} = {value} # source = \"./no\"\n"));
        let nested = expression().prop_map(|value| format!("  providers {{\n    source = {value}\n  }}\n"));
        prop_oneof![3 => attribute, 1 => nested]
    }

    fn file() -> impl Strategy<Value = String> {
        let kind =
            prop_oneof![Just("module \"x\""), Just("module x"), Just("resource \"module\" \"x\""), Just("a")];
        let block = (kind, prop::collection::vec(body(), 0..3))
            .prop_map(|(kind, body)| format!("{kind} {{ // {{\n{}}}\n", body.concat()));
        let one_line = expression().prop_map(|value| format!("module \"y\" {{ source = {value} }}\n"));
        let attribute = expression().prop_map(|value| format!("module = {value}\n"));
        prop::collection::vec(prop_oneof![4 => block, 1 => one_line, 1 => attribute], 0..4)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Wherever the grammar has an answer, this is the same.
        #[test]
        fn it_agrees_with_the_grammar(text in file()) {
            if let Some(expected) = sources_by_grammar(&text) {
                prop_assert_eq!(sources(&text), Ok(expected), "{}", text);
            }
        }

        /// Pieces in any order, well formed or not.
        #[test]
        fn it_agrees_on_whatever_is_well_formed(text in "(a = 1\n|module x \\{\n|source = \"\\./x\"\n|\\}\n|\"|\\$\\{|\\$|\\}|<<EOT\n|EOT\n|#|//|/\\*|\\*/|x|\\[|\\]|\\(|\\)|,|=|\n| |\\\\){0,14}") {
            if let Some(expected) = sources_by_grammar(&text) {
                prop_assert_eq!(sources(&text), Ok(expected), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = sources(&text);
            let _ = sources(&format!("module x {{\nsource = \"{text}"));
        }
    }
}
