//! Walking over the elements of an XML file, strictly.
//!
//! A document type may be named, as coverage tools do, but must not bring entities of its own: nothing is
//! expanded but what XML itself defines, and nothing is ever fetched. Elements that are not closed are a
//! file that was cut off.

use std::collections::BTreeMap;

use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
    reader::Reader,
};

use super::silent::{Silent, cut};

const NAME: &str = "XML";

/// An element that opens.
pub(super) struct Element {
    pub(super) name: String,
    attributes: BTreeMap<String, String>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// An attribute that is a whole number, when it is there.
    pub(super) fn number(&self, name: &str, format: &'static str) -> Result<Option<u64>, Silent> {
        let Some(text) = self.attribute(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| {
            Silent::Malformed(
                format,
                format!("`{name}` of a <{}> is \"{}\", no whole number", cut(&self.name), cut(text)),
            )
        })
    }
}

/// What comes next in a document.
pub(super) enum Node {
    Open(Element),
    /// The last element that opened and did not close yet closes.
    Close,
}

/// The name of the outermost element.
pub(super) fn root(bytes: &[u8]) -> Result<String, Silent> {
    let mut name = None;
    let walked = walk(bytes, |node| {
        if let (Node::Open(element), None) = (node, &name) {
            name = Some(element.name);
        }
        Ok(())
    });
    match name {
        Some(name) => Ok(name),
        None => walked.and(Err(Silent::Malformed(NAME, "it has no element".to_owned()))),
    }
}

/// Visits the elements in their order, to the end of the document.
pub(super) fn walk(bytes: &[u8], mut visit: impl FnMut(Node) -> Result<(), Silent>) -> Result<(), Silent> {
    let text = std::str::from_utf8(bytes).map_err(|error| match error.error_len() {
        None => Silent::Cut("it ends within a character".to_owned()),
        Some(_) => malformed(format_args!("it is not UTF-8: {error}")),
    })?;
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    let mut is_over = false;
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            // What is not closed when the text is over was cut off.
            Err(quick_xml::Error::Syntax(error)) => return Err(Silent::Cut(error.to_string())),
            Err(error) => return Err(malformed(error)),
        };
        match event {
            Event::Start(_) | Event::Empty(_) if is_over => {
                return Err(malformed("something follows the outermost element"));
            }
            Event::Start(start) => {
                depth += 1;
                visit(Node::Open(element(&start)?))?;
            }
            Event::Empty(start) => {
                visit(Node::Open(element(&start)?))?;
                visit(Node::Close)?;
                is_over = depth == 0;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                is_over = depth == 0;
                visit(Node::Close)?;
            }
            Event::Text(text) if depth == 0 && !text.trim_ascii().is_empty() => {
                return Err(malformed("there is text outside of the outermost element"));
            }
            Event::CData(_) if depth == 0 => {
                return Err(malformed("there is text outside of the outermost element"));
            }
            Event::DocType(text) if text.contains('[') => {
                return Err(malformed("its document type defines things of its own, as entities"));
            }
            Event::GeneralRef(reference) => {
                let is_of_xml = matches!(&*reference, "amp" | "lt" | "gt" | "quot" | "apos");
                if !is_of_xml && !matches!(reference.resolve_char_ref(), Ok(Some(_))) {
                    return Err(malformed(format_args!("it refers to the entity `{}`", cut(&reference))));
                }
            }
            Event::Eof if depth > 0 => return Err(Silent::Cut("an element is not closed".to_owned())),
            Event::Eof if !is_over => return Err(malformed("it has no element")),
            Event::Eof => return Ok(()),
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Silent> {
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(malformed)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(malformed)?;
        attributes.insert(attribute.key.as_ref().to_owned(), value.into_owned());
    }
    Ok(Element { name: start.name().as_ref().to_owned(), attributes })
}

fn malformed(why: impl std::fmt::Display) -> Silent {
    Silent::Malformed(NAME, cut(&why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(text: &str) -> Result<String, String> {
        let mut seen = String::new();
        walk(text.as_bytes(), |node| {
            match node {
                Node::Open(element) => {
                    seen += &element.name;
                    for (name, value) in &element.attributes {
                        seen.extend(format!(" {name}={value:?}").chars());
                    }
                    seen += "(";
                }
                Node::Close => seen += ")",
            }
            Ok(())
        })
        .map_err(|silent| silent.to_string())?;
        Ok(seen)
    }

    #[test]
    fn elements_are_visited_in_their_order() {
        let text = "\n<?xml version='1.0'?><!DOCTYPE coverage SYSTEM 'http://example.com/a.dtd'><!-- c -->
            <a x='1 &lt; 2 &#65;' y=\"\"><b/>text &amp; &#x41; <c><![CDATA[<d>]]></c></a>\n<!-- end -->\n";
        assert_eq!(walked(text).unwrap(), r#"a x="1 < 2 A" y=""(b()c())"#);
        assert_eq!(walked("<a/>").unwrap(), "a()");
    }

    #[test]
    fn entities_of_its_own_and_what_is_not_well_formed_are_refused() {
        let laughs = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;">]><lolz>&lol2;</lolz>"#;
        let external = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#;
        let told: Vec<String> = [
            laughs,
            external,
            "<a>&x;</a>",
            "<a b='&x;'/>",
            "<a b='1' b='2'/>",
            "<a></b>",
            "</a>",
            "<a/></a>",
            "<a/><b/>",
            "<a></a>text",
            "text<a/>",
            "<a/><![CDATA[x]]>",
            "<a b=c/>",
            "<a b/>",
            "<!-- -->",
            "<a>&#0;</a>",
        ]
        .into_iter()
        .map(|text| walked(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r##"
is no XML: its document type defines things of its own, as entities
is no XML: its document type defines things of its own, as entities
is no XML: it refers to the entity `x`
is no XML: at 1..2: unrecognized entity `x`
is no XML: position 8: duplicated attribute, previous declaration at position 2
is no XML: ill-formed document: expected `</a>`, but `</b>` was found
is no XML: ill-formed document: close tag `</a>` does not match any open tag
is no XML: ill-formed document: close tag `</a>` does not match any open tag
is no XML: something follows the outermost element
is no XML: there is text outside of the outermost element
is no XML: there is text outside of the outermost element
is no XML: there is text outside of the outermost element
is no XML: position 4: attribute value must be enclosed in `"` or `'`
is no XML: position 3: attribute key must be directly followed by `=` or space
is no XML: it has no element
is no XML: it refers to the entity `#0`
"##);
    }

    #[test]
    fn a_document_that_is_cut_anywhere_is_refused() {
        let text = "<?xml version='1.0'?><a x='é'><b>é &amp; <![CDATA[x]]></b><!-- c --><c/></a>";
        assert!(walked(text).is_ok());
        for length in 0..text.len() {
            assert!(walk(&text.as_bytes()[..length], |_| Ok(())).is_err(), "cut at {length}");
        }
    }
}
