//! Builds the tree of nodes from the parser's events.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use crate::node::{Anchor, Content, Data, Document, Style, Tag};
use crate::{Error, Place, syntax};

/// Where YAML keeps the names of its own types: <https://yaml.org/spec/1.2.2/#101-failsafe-schema>.
const YAML_TYPES: &str = "tag:yaml.org,2002:";

/// The text of a file, or the place of the first byte that is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let text = valid.strip_prefix(syntax::BYTE_ORDER_MARK).unwrap_or(valid);
        Error::new(Place::at(text, text.len()), "not valid UTF-8: save the file as UTF-8")
    })
}

/// The documents of a file.
pub(crate) fn documents(bytes: &[u8]) -> Result<Vec<Document>, Error> {
    let text = text(bytes)?;
    let options = granit_parser::options! { emit_anchor_events: true, emit_comments: false };
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax::explain(text, &error))?;
        builder.take(text, event, &span)?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    documents: Vec<Document>,
    /// The collections that are open, outermost first.
    open: Vec<usize>,
    /// The node of each anchor, by the parser's number for it.
    anchored: BTreeMap<usize, usize>,
}

impl Builder {
    fn take(&mut self, text: &str, event: Event<'_>, span: &Span) -> Result<(), Error> {
        match event {
            Event::DocumentStart(..) => {
                let number = self.documents.len();
                let (nodes, aliases) = (Vec::new(), Vec::new());
                self.documents.push(Document { number, within: None, place: place(span), nodes, aliases });
                self.anchored.clear();
            }
            Event::Scalar(value, style, anchor, tag) => {
                let content = Content::Scalar { value: value.into_owned(), style: scalar_style(style) };
                self.add(content, span, anchor, tag.as_deref())?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                let content = Content::Sequence { children: Vec::new(), flow: style == StructureStyle::Flow };
                let id = self.add(content, span, anchor, tag.as_deref())?;
                self.open.push(id);
            }
            Event::MappingStart(style, anchor, tag) => {
                let content = Content::Mapping { children: Vec::new(), flow: style == StructureStyle::Flow };
                let id = self.add(content, span, anchor, tag.as_deref())?;
                self.open.push(id);
                self.refuse_template(text, id)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let Some(&target) = self.anchored.get(&anchor) else {
                    return Err(Error::new(place(span), "this alias has no anchor"));
                };
                let id = self.add(Content::Alias { target }, span, 0, None)?;
                if let Some(document) = self.documents.last_mut() {
                    document.aliases.push(id);
                }
            }
            Event::Anchor(_, name) => {
                if let Some(node) = self.nodes().and_then(|nodes| nodes.last_mut()) {
                    let anchor = Anchor { name: name.into_owned(), span: bytes(span) };
                    node.anchor = Some(Box::new(anchor));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn nodes(&mut self) -> Option<&mut Vec<Data>> {
        self.documents.last_mut().map(|document| &mut document.nodes)
    }

    /// Adds a node to the collection that is open, and returns its position in the document's list.
    fn add(
        &mut self,
        content: Content,
        span: &Span,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
    ) -> Result<usize, Error> {
        let parent = self.open.last().copied();
        let tag = tag.map(|tag| {
            Box::new(Tag {
                name: format!("{}{}", tag.handle(), tag.suffix()),
                core: tag.suffix_in_namespace(YAML_TYPES).map(std::borrow::Cow::into_owned),
                span: span.tag_span().map_or_else(|| bytes(span), |tag| bytes(&tag)),
            })
        });
        let Some(nodes) = self.nodes() else {
            return Err(Error::new(place(span), "a value outside of a document"));
        };
        let id = nodes.len();
        if let Some(Content::Sequence { children, .. } | Content::Mapping { children, .. }) =
            parent.and_then(|parent| nodes.get_mut(parent)).map(|parent| &mut parent.content)
        {
            children.push(id);
        }
        nodes.push(Data { content, span: bytes(span), place: place(span), tag, anchor: None, parent });
        if anchor != 0 {
            self.anchored.insert(anchor, id);
        }
        Ok(id)
    }

    /// Ends the collection that is open. The parser ends a block collection where the next text starts, beyond
    /// comments and blank lines; here it ends with its last value.
    fn close(&mut self, end: &Span) {
        let Some(id) = self.open.pop() else { return };
        let Some(nodes) = self.nodes() else { return };
        let last_value = match &nodes[id].content {
            Content::Sequence { children, flow: false } | Content::Mapping { children, flow: false } => {
                children.last().map(|child| nodes[*child].span.end)
            }
            _ => None,
        };
        nodes[id].span.end = last_value.unwrap_or(bytes(end).end);
    }

    /// `{{ value }}` is a mapping as the key of a mapping to YAML: nobody means that.
    fn refuse_template(&mut self, text: &str, id: usize) -> Result<(), Error> {
        let Some(nodes) = self.nodes() else { return Ok(()) };
        let Some(outer) = nodes[id].parent.map(|parent| &nodes[parent]) else { return Ok(()) };
        match text.get(outer.span.start..nodes[id].span.end) {
            Some("{{") => Err(syntax::template(outer.place)),
            _ => Ok(()),
        }
    }
}

fn scalar_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

/// The bytes of a span: a parser over a string knows them always.
fn bytes(span: &Span) -> std::ops::Range<usize> {
    span.byte_range().unwrap_or_default()
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

/// The place where the parser gave up.
pub(crate) fn error_place(error: &ScanError) -> Place {
    Place { line: error.marker().line(), column: error.marker().col() + 1 }
}
