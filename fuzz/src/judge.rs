//! Holds a file before and after an edit against each other, as another reader reads them.

use std::{ffi::CStr, mem::MaybeUninit, slice};

use sluice_yaml::{Document, Node};
use unsafe_libyaml::{
    yaml_event_delete, yaml_event_t, yaml_event_type_t, yaml_mapping_style_t, yaml_parser_delete,
    yaml_parser_initialize, yaml_parser_parse, yaml_parser_set_input_string, yaml_scalar_style_t,
    yaml_sequence_style_t,
};

use crate::request::Meant;

/// What the other reader says of a file, one fact an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar { value: String, plain: bool, tag: Option<String>, anchor: Option<String> },
    Sequence { flow: bool, tag: Option<String>, anchor: Option<String> },
    Mapping { flow: bool, tag: Option<String>, anchor: Option<String> },
    End,
}

/// The facts of a file; none where the other reader does not read it.
pub fn facts(bytes: &[u8]) -> Option<Vec<Fact>> {
    let mut parser = MaybeUninit::uninit();
    // SAFETY: as libyaml's documentation asks: what is initialised is deleted once, and each event too; `bytes` outlive
    // the parser.
    unsafe {
        if yaml_parser_initialize(parser.as_mut_ptr()).fail {
            return None;
        }
        let parser = parser.as_mut_ptr();
        yaml_parser_set_input_string(parser, bytes.as_ptr(), u64::try_from(bytes.len()).ok()?);
        let mut facts = Some(Vec::new());
        loop {
            let mut event = MaybeUninit::uninit();
            if yaml_parser_parse(parser, event.as_mut_ptr()).fail {
                facts = None;
                break;
            }
            let event = event.as_mut_ptr();
            let is_end = (*event).type_ == yaml_event_type_t::YAML_STREAM_END_EVENT;
            if let (Some(facts), Some(fact)) = (&mut facts, fact(&*event)) {
                facts.push(fact);
            }
            yaml_event_delete(event);
            if is_end {
                break;
            }
        }
        yaml_parser_delete(parser);
        facts
    }
}

/// Whether the other reader found the values that we found.
fn agrees(documents: &[Document], facts: &[Fact]) -> bool {
    let mut facts = facts.iter();
    documents.iter().all(|document| {
        matches!(facts.next(), Some(Fact::DocumentStart))
            && same(document.root(), &mut facts)
            && matches!(facts.next(), Some(Fact::DocumentEnd))
    }) && facts.next().is_none()
}

fn same<'f>(node: Node<'_>, facts: &mut dyn Iterator<Item = &'f Fact>) -> bool {
    let Some(fact) = facts.next() else { return false };
    if node.is_alias() {
        return matches!(fact, Fact::Alias(_));
    }
    let collection_ends = |facts: &mut dyn Iterator<Item = &'f Fact>| matches!(facts.next(), Some(Fact::End));
    match (node.as_str(), fact) {
        (Some(_), Fact::Scalar { value, .. }) if node.span().is_empty() => value.is_empty(),
        (Some(text), Fact::Scalar { value, .. }) => text == value,
        (None, Fact::Sequence { .. }) if node.is_sequence() => {
            node.items().all(|item| same(item, &mut *facts)) && collection_ends(facts)
        }
        (None, Fact::Mapping { .. }) if node.is_mapping() => {
            node.entries().all(|entry| same(entry.key, &mut *facts) && same(entry.value, &mut *facts))
                && collection_ends(facts)
        }
        _ => false,
    }
}

/// What an event says; none where that is nothing about values.
unsafe fn fact(event: &yaml_event_t) -> Option<Fact> {
    use yaml_event_type_t as Type;
    // SAFETY: the union holds what the type says, and its texts end with a NUL, or are as long as is said.
    unsafe {
        Some(match event.type_ {
            Type::YAML_DOCUMENT_START_EVENT => Fact::DocumentStart,
            Type::YAML_DOCUMENT_END_EVENT => Fact::DocumentEnd,
            Type::YAML_ALIAS_EVENT => Fact::Alias(text(event.data.alias.anchor)?),
            Type::YAML_SCALAR_EVENT => {
                let scalar = &event.data.scalar;
                let value = slice::from_raw_parts(scalar.value, usize::try_from(scalar.length).ok()?);
                Fact::Scalar {
                    value: String::from_utf8_lossy(value).into_owned(),
                    plain: scalar.style == yaml_scalar_style_t::YAML_PLAIN_SCALAR_STYLE,
                    tag: text(scalar.tag),
                    anchor: text(scalar.anchor),
                }
            }
            Type::YAML_SEQUENCE_START_EVENT => {
                let start = &event.data.sequence_start;
                let flow = start.style == yaml_sequence_style_t::YAML_FLOW_SEQUENCE_STYLE;
                Fact::Sequence { flow, tag: text(start.tag), anchor: text(start.anchor) }
            }
            Type::YAML_MAPPING_START_EVENT => {
                let start = &event.data.mapping_start;
                let flow = start.style == yaml_mapping_style_t::YAML_FLOW_MAPPING_STYLE;
                Fact::Mapping { flow, tag: text(start.tag), anchor: text(start.anchor) }
            }
            Type::YAML_SEQUENCE_END_EVENT | Type::YAML_MAPPING_END_EVENT => Fact::End,
            _ => return None,
        })
    }
}

/// A text that ends with a NUL; none where there is none.
unsafe fn text(start: *const u8) -> Option<String> {
    // SAFETY: libyaml ends its texts with a NUL.
    (!start.is_null()).then(|| unsafe { CStr::from_ptr(start.cast()) }.to_string_lossy().into_owned())
}

/// Panics where the edit of a file, which the other reader reads as we do, did anything but what is meant.
pub fn hold(before: &[u8], documents: &[Document], after: &[u8], meant: &Meant) {
    let Some(facts_before) = facts(before).filter(|facts| agrees(documents, facts)) else { return };
    let judged = match (facts(after), meant) {
        (None, _) => Err("it is not readable any more".to_owned()),
        (Some(facts_after), Meant::Texts { texts, .. }) => {
            only_texts_differ(&facts_before, &facts_after, texts)
        }
        (Some(facts_after), Meant::Inserted { scalars }) => only_is_new(&facts_before, &facts_after, scalars),
    };
    if let Err(what) = judged.and_then(|()| only_those_bytes(before, after, meant)) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        panic!("{what}:\n{:?}\n{:?}", text(before), text(after));
    }
}

/// All bytes but those of one value stay; where something is new all of them do.
fn only_those_bytes(before: &[u8], after: &[u8], meant: &Meant) -> Result<(), String> {
    let same_start = before.iter().zip(after).take_while(|(was, is)| was == is).count();
    let same_end = before.iter().rev().zip(after.iter().rev()).take_while(|(was, is)| was == is).count();
    let stays = match meant {
        Meant::Texts { written, .. } if written.is_empty() => same_start + same_end >= before.len(),
        Meant::Texts { written, .. } => {
            same_start >= written.start && same_end >= before.len().saturating_sub(written.end)
        }
        Meant::Inserted { .. } => same_start + same_end >= before.len(),
    };
    if stays { Ok(()) } else { Err("other bytes differ".to_owned()) }
}

fn only_texts_differ(before: &[Fact], after: &[Fact], texts: &[(String, String)]) -> Result<(), String> {
    if before.len() != after.len() {
        return Err("events came or went".to_owned());
    }
    let mut expected = texts.iter();
    for (was, is) in before.iter().zip(after).filter(|(was, is)| was != is) {
        let meant = match (was, is) {
            (
                Fact::Scalar { value: old, tag, anchor, .. },
                Fact::Scalar { value: new, tag: new_tag, anchor: new_anchor, .. },
            ) => {
                (tag, anchor) == (new_tag, new_anchor) && expected.any(|(from, to)| (from, to) == (old, new))
            }
            _ => false,
        };
        if !meant {
            return Err(format!("{was:?} became {is:?}"));
        }
    }
    Ok(())
}

fn only_is_new(before: &[Fact], after: &[Fact], scalars: &[String]) -> Result<(), String> {
    let same = before.iter().zip(after).take_while(|(was, is)| was == is).count();
    let new = after.len().checked_sub(before.len()).ok_or("events went")?;
    // The first new event may equal the one that stood there before: the new ones begin there or further up.
    let fits = (0..=same).rev().any(|start| {
        let inserted = &after[start..start + new];
        let texts = inserted.iter().filter_map(|fact| match fact {
            Fact::Scalar { value, tag: None, anchor: None, .. } => Some(value),
            _ => None,
        });
        let is_plain_data = inserted
            .iter()
            .all(|fact| !matches!(fact, Fact::Alias(_) | Fact::DocumentStart | Fact::DocumentEnd));
        before[start..] == after[start + new..] && is_plain_data && texts.eq(scalars)
    });
    if fits { Ok(()) } else { Err("more is new than what was inserted".to_owned()) }
}
