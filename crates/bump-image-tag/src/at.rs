//! `--at`: a place that is named outright.

use std::{path::PathBuf, str::FromStr};

use sluice_core::{Context, Place, Problem, escape, nearest};
use sluice_yaml::{Document, Edit, Node, Style, needs_quotes};

use crate::{
    ImageArgument, InvalidArgument,
    argument::parts,
    edit::{Change, EditedPlace},
    files::Read,
    formats::{Parsed, misread},
    overlay,
    source::Source,
};

/// A place of a file, and what it is to hold: `FILE[#DOCUMENT]:.path.to[name=x].key[=VALUE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The file, relative to the folder of the run.
    pub file: PathBuf,
    /// The document's position in the file, from 0; not needed where there is one.
    pub document: Option<usize>,
    /// The way to the place, as it was given.
    pub path: String,
    /// The value to set; else the tag of the image that is given.
    pub value: Option<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
    /// The item whose key has this text.
    Where(String, String),
}

impl FromStr for At {
    type Err = InvalidArgument;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason: &str| InvalidArgument::new(reason);
        let start = [":.", ":["].iter().filter_map(|start| text.find(start)).min();
        let start = start.ok_or_else(|| wrong("it names no place: write FILE:.path.to.key=VALUE"))?;
        let (file, rest) = (&text[..start], &text[start + 1..]);
        let (file, document) = match file.rsplit_once('#') {
            Some((file, number))
                if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                (file, Some(number.parse().map_err(|_| wrong("no file has that many documents"))?))
            }
            _ => (file, None),
        };
        if file.is_empty() {
            return Err(wrong("the file is missing: write FILE:.path.to.key=VALUE"));
        }
        let (steps, rest) = steps(rest).map_err(wrong)?;
        let path = &text[start + 1..text.len() - rest.len()];
        let value = rest.strip_prefix('=').map(str::to_owned);
        Ok(Self { file: PathBuf::from(file), document, path: path.to_owned(), value, steps })
    }
}

/// The steps of a path, and what stands behind them.
fn steps(mut rest: &str) -> Result<(Vec<Step>, &str), &'static str> {
    let mut steps = Vec::new();
    while !rest.is_empty() && !rest.starts_with('=') {
        if let Some(inner) = rest.strip_prefix('[') {
            let (inside, behind) = inner.split_once(']').ok_or("a \"[\" is not closed")?;
            steps.push(match inside.split_once('=') {
                Some((key, text)) => Step::Where(unquoted(key).to_owned(), unquoted(text).to_owned()),
                None if inside.starts_with('"') => Step::Key(unquoted(inside).to_owned()),
                None => {
                    Step::Item(inside.parse().map_err(|_| "between brackets stands a number or name=text")?)
                }
            });
            rest = behind;
        } else if let Some(key) = rest.strip_prefix(".\"") {
            let (key, behind) = key.split_once('"').ok_or("a quote is not closed")?;
            steps.push(Step::Key(key.to_owned()));
            rest = behind;
        } else {
            let key = rest.strip_prefix('.').ok_or("a \".\" is missing in the path")?;
            let end = key.find(['.', '[', '=']).unwrap_or(key.len());
            if end == 0 && !key[end..].starts_with('[') {
                return Err("a key is missing in the path");
            }
            if end > 0 {
                steps.push(Step::Key(key[..end].to_owned()));
            }
            rest = &key[end..];
        }
    }
    match steps.last() {
        None => Err("the path is empty"),
        Some(_) => Ok((steps, rest)),
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// The edit of a place, planned.
#[derive(Debug)]
pub(crate) struct Planned {
    at: At,
    /// The way, with the positions of the items that were found.
    trail: Vec<Step>,
    /// None when the place holds the value already.
    pub(crate) edit: Option<Edit>,
    before: Option<String>,
}

impl At {
    /// The file, without symlinks and inside the repository.
    pub(crate) fn find(&self, cx: &Context) -> Result<PathBuf, Problem> {
        let name = escape::bytes(self.file.as_os_str().as_encoded_bytes());
        overlay::file_at(&cx.folder().join(&self.file), &name, &overlay::root(cx)?)
    }

    /// The edit that makes the place hold the value, or the version of the image where there is no value.
    pub(crate) fn plan(&self, image: Option<&ImageArgument>, read: &Read) -> Result<Planned, Problem> {
        let Read { source, parsed } = read;
        let document = self.document_in(&parsed.documents, source)?;
        let mut trail = Vec::new();
        let (edit, before) =
            self.within(document.root(), &self.steps, source, &mut trail, &mut |target| {
                self.edit(&target, image, source)
            })?;
        Ok(Planned { at: self.clone(), trail, edit, before })
    }

    fn document_in<'a>(&self, documents: &'a [Document], source: &Source) -> Result<&'a Document, Problem> {
        let file = source.name();
        let count = documents.len();
        let problem = |what: String| Problem::misconfigured(what).at(Place::file(&file));
        match (self.document, documents) {
            (Some(number), _) => documents.get(number).ok_or_else(|| {
                problem(format!("{file} has no document #{number}"))
                    .why(format!("it holds {count}, counted from 0"))
            }),
            (None, [document]) => Ok(document),
            (None, []) => Err(problem(format!("{file} holds nothing"))),
            (None, _) => Err(problem(format!("{file} holds {count} documents")).help(format!(
                "say which one, counted from 0: {}#0:{}",
                self.file.display(),
                self.path
            ))),
        }
    }

    /// Goes the steps from `node` on; a block of text that holds YAML is gone into.
    fn within<T>(
        &self,
        node: Node<'_>,
        steps: &[Step],
        source: &Source,
        trail: &mut Vec<Step>,
        found: &mut dyn FnMut(Target<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let Some((step, rest)) = steps.split_first() else {
            return found(Target::Value(node));
        };
        if node.style() == Some(Style::Literal) && !node.is_alias() {
            let documents =
                Document::parse_block(&source.bytes, node).map_err(|error| misread(error, source))?;
            let document = documents.first().ok_or_else(|| self.astray(step, node, source))?;
            return self.within(document.root(), steps, source, trail, found);
        }
        let next = match step {
            Step::Item(index) => node.items().nth(*index),
            Step::Key(key) => node.get(key).map_err(|error| misread(error, source))?,
            Step::Where(key, text) => {
                let is_meant =
                    |item: &Node<'_>| item.get(key).ok().flatten().and_then(Node::as_str) == Some(text);
                let mut items = node.items().enumerate().filter(|(_, item)| is_meant(item));
                match (items.next(), items.next()) {
                    (Some((_, first)), Some((_, second))) => {
                        return Err(self.ambiguous(first, second, source));
                    }
                    (Some((index, item)), None) => {
                        trail.push(Step::Item(index));
                        return self.within(item, rest, source, trail, found);
                    }
                    (None, _) => None,
                }
            }
        };
        trail.push(step.clone());
        match (next, step) {
            (Some(next), _) => self.within(next, rest, source, trail, found),
            (None, Step::Key(key)) if rest.is_empty() && node.is_mapping() => {
                found(Target::Missing { mapping: node, key: key.clone() })
            }
            (None, _) => Err(self.astray(step, node, source)),
        }
    }

    fn edit(
        &self,
        target: &Target<'_>,
        image: Option<&ImageArgument>,
        source: &Source,
    ) -> Result<(Option<Edit>, Option<String>), Problem> {
        let present = match target {
            Target::Value(node) => Some(node.as_str().ok_or_else(|| {
                Problem::misconfigured(format!("{} is not a single value", self.path))
                    .at(source.place(node.place()))
            })?),
            Target::Missing { .. } => None,
        };
        let wanted = self.wanted(present, image)?;
        match target {
            Target::Missing { mapping, key } => {
                let last = mapping.entries().last().ok_or_else(|| {
                    Problem::misconfigured(format!("{} can't be added to an empty mapping", self.path))
                        .at(source.place(mapping.place()))
                })?;
                Ok((Some(Edit::insert_after(last, key.as_str(), wanted)), None))
            }
            Target::Value(node) if is_set(*node, &wanted) => Ok((None, present.map(str::to_owned))),
            Target::Value(node) => {
                let before = present.filter(|_| !node.is_null()).map(str::to_owned);
                let keeps_type = keeps_type(*node, &wanted);
                let edit = if keeps_type { Edit::set_plain(*node, wanted) } else { Edit::set(*node, wanted) };
                Ok((Some(edit), before))
            }
        }
    }

    /// The value, or the image's version; within the image's own reference, where that is what stands there.
    fn wanted(&self, present: Option<&str>, image: Option<&ImageArgument>) -> Result<String, Problem> {
        if let Some(value) = &self.value {
            return Ok(value.clone());
        }
        let problem = || {
            Problem::misconfigured(format!("it is not said what {} is to hold", self.path)).help(format!(
                "write {}:{}=VALUE, or give one `image` with a tag",
                self.file.display(),
                self.path
            ))
        };
        let image = image.ok_or_else(problem)?;
        if let Some(present) = present
            && parts(present).0 == image.name
        {
            let tag = image.tag.as_deref().map_or_else(String::new, |tag| format!(":{tag}"));
            let digest = image.digest.as_deref().map_or_else(String::new, |digest| format!("@{digest}"));
            return Ok(format!("{}{tag}{digest}", image.new_name.as_deref().unwrap_or(&image.name)));
        }
        image.tag.clone().ok_or_else(problem)
    }

    fn astray(&self, step: &Step, node: Node<'_>, source: &Source) -> Problem {
        let what = match step {
            Step::Key(key) => format!("there is no \"{key}\" on the way to {}", self.path),
            Step::Item(index) => format!("there is no item [{index}] on the way to {}", self.path),
            Step::Where(key, text) => format!("there is no item [{key}={text}] on the way to {}", self.path),
        };
        let problem = Problem::misconfigured(what).at(source.place(node.place()));
        let keys: Vec<&str> = node.entries().filter_map(|entry| entry.key.as_str()).collect();
        let names = match step {
            Step::Where(wanted, _) => node
                .items()
                .filter_map(|item| item.get(wanted).ok().flatten().and_then(Node::as_str))
                .collect(),
            _ => keys,
        };
        let word = match step {
            Step::Key(key) => key.as_str(),
            Step::Where(_, text) => text.as_str(),
            Step::Item(_) => "",
        };
        match nearest(word, names.iter().copied()) {
            Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
            None if (1..=12).contains(&names.len()) => {
                problem.help(format!("there are {}", names.join(", ")))
            }
            None => problem,
        }
    }

    fn ambiguous(&self, first: Node<'_>, second: Node<'_>, source: &Source) -> Problem {
        Problem::misconfigured(format!("two items match on the way to {}", self.path))
            .why(format!("the other is in line {}", first.place().line))
            .help("name it by its position: [0]")
            .at(source.place(second.place()))
    }
}

/// Where a path ends.
enum Target<'a> {
    Value(Node<'a>),
    /// The last key is not there yet.
    Missing {
        mapping: Node<'a>,
        key: String,
    },
}

fn is_set(node: Node<'_>, wanted: &str) -> bool {
    let is_text = node.style() != Some(Style::Plain) || !needs_quotes(wanted);
    node.as_str() == Some(wanted) && (is_text || keeps_type(node, wanted))
}

/// Whether the place holds a number or a truth value and goes on holding one. A tag is a text, whatever it looks like.
fn keeps_type(node: Node<'_>, wanted: &str) -> bool {
    let is_tag = node.key().and_then(Node::as_str).is_some_and(|key| key.to_lowercase().ends_with("tag"));
    let kind = |text: &str| match text {
        "true" | "false" => Some("truth value"),
        "0" => Some("number"),
        _ => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            (is_number && !digits.is_empty()).then_some("number")
        }
    };
    let present = node.as_str().and_then(kind);
    node.style() == Some(Style::Plain)
        && node.tag().is_none()
        && !is_tag
        && present.is_some()
        && present == kind(wanted)
}

impl Planned {
    /// What became of the place.
    pub(crate) fn done(self, written: &Source, parsed: &Parsed) -> Result<EditedPlace, Problem> {
        let Self { at, trail, edit, before } = self;
        let document = at.document_in(&parsed.documents, written)?;
        let (place, after) =
            at.within(document.root(), &trail, written, &mut Vec::new(), &mut |target| match target {
                Target::Value(node) => Ok((node.place(), node.as_str().unwrap_or_default().to_owned())),
                Target::Missing { mapping, .. } => Err(at.astray(&Step::Item(0), mapping, written)),
            })?;
        let key = match at.steps.last() {
            Some(Step::Key(key)) => key.clone(),
            _ => at.path.clone(),
        };
        let change = edit.map(|_| Change { key, place, before, after });
        Ok(EditedPlace { path: at.path, place, change })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        edit::{self, Edits},
        sandbox,
    };

    /// The file with the place set: `at` lacks the file's name.
    fn set(text: &str, at: &str, image: Option<&str>) -> Result<String, String> {
        let source = sandbox::source("values.yaml", text);
        let told = |problem: Problem| sandbox::told(&[problem]);
        let read = Read { parsed: Parsed::read(&source).map_err(told)?, source };
        let at: At =
            format!("values.yaml{at}").parse().map_err(|error: InvalidArgument| error.to_string())?;
        let image: Option<ImageArgument> = image.map(|image| image.parse().unwrap());
        let planned = at.plan(image.as_ref(), &read).map_err(told)?;
        let edited = edit::edit(&read, Edits { places: vec![planned], ..Edits::default() }).map_err(told)?;
        assert_eq!(edited.places[0].change.is_some(), edited.is_changed());
        Ok(String::from_utf8(edited.after).unwrap())
    }

    #[test]
    fn a_place_is_set_and_nothing_else() {
        let cases = [
            ("image: {tag: v1}\n", ":.image.tag=v2", None, "image: {tag: v2}\n"),
            ("image: {tag: v1}\n", ":.image.tag", Some("x/api:v2"), "image: {tag: v2}\n"),
            ("image: {tag: 1.10}\n", ":.image.tag=1.11", None, "image: {tag: \"1.11\"}\n"),
            ("image: x/api:v1\n", ":.image", Some("x/api:v2"), "image: x/api:v2\n"),
            ("replicas: 2 # c\n", ":.replicas=10", None, "replicas: 10 # c\n"),
            ("tag: 2\n", ":.tag=3", None, "tag: \"3\"\n"),
            ("on: true\n", ":.on=false", None, "on: false\n"),
            ("a: 'x'\n", ":.a=", None, "a: ''\n"),
            (
                "a: [{name: x, v: 1}, {name: y, v: k}]\n",
                ":.a[name=y].v=l=m",
                None,
                "a: [{name: x, v: 1}, {name: y, v: l=m}]\n",
            ),
            ("a: [{name: x}]\n", ":.a[name=x].name=z", None, "a: [{name: z}]\n"),
            ("a: [x, y]\n", ":.a[1]=z", None, "a: [x, z]\n"),
            ("- a: x\n", ":.[0].a=z", None, "- a: z\n"),
            ("- a: x\n", ":[0].a=z", None, "- a: z\n"),
            ("a.b: {c/d: x}\n", ":.\"a.b\".c/d=z", None, "a.b: {c/d: z}\n"),
            ("a.b: {c: x}\n", ":[\"a.b\"].c=z", None, "a.b: {c: z}\n"),
            ("a: x\n---\na: y\n", "#1:.a=z", None, "a: x\n---\na: z\n"),
            ("a:\n  b: x\n", ":.a.new=z", None, "a:\n  b: x\n  new: z\n"),
            ("a: |\n  b:\n    c: x # d\n", ":.a.b.c=z", None, "a: |\n  b:\n    c: z # d\n"),
            ("a: z\n", ":.a=z", None, "a: z\n"),
        ];
        for (text, at, image, expected) in cases {
            assert_eq!(set(text, at, image).as_deref(), Ok(expected), "{at} in {text}");
        }
    }

    #[test]
    fn a_place_that_is_not_certain_is_refused() {
        let cases = [
            ("a: {b: x}\n", ":.a.c.d=z", None),
            ("a: {image: x}\n", ":.a.imaeg.tag=z", None),
            ("a: [{name: x}, {name: x}]\n", ":.a[name=x].v=z", None),
            ("a: [{name: xyz}]\n", ":.a[name=xyy].v=z", None),
            ("a: [x]\n", ":.a[4]=z", None),
            ("a: {b: x}\n", ":.a=z", None),
            ("a: x\n", ":.a", None),
            (
                "a: x\n",
                ":.a",
                Some("x/api@sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
            ),
            ("a: {}\n", ":.a.b=z", None),
            ("a: x\n---\na: y\n", ":.a=z", None),
            ("a: x\n", "#1:.a=z", None),
            ("a: &x v\nb: *x\n", ":.b=z", None),
            ("a: x\na: y\n", ":.a=z", None),
        ];
        let told = cases.map(|(text, at, image)| format!("{at}: {}", set(text, at, image).unwrap_err()));
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn what_names_no_place_says_why() {
        let refused = |text: &str| text.parse::<At>().unwrap_err().to_string();
        assert_eq!(refused("values.yaml"), "it names no place: write FILE:.path.to.key=VALUE");
        assert_eq!(refused(":.a=x"), "the file is missing: write FILE:.path.to.key=VALUE");
        assert_eq!(refused("f:.a[b.c=x"), "a \"[\" is not closed");
        assert_eq!(refused("f:.a[b]=x"), "between brackets stands a number or name=text");
        assert_eq!(refused("f:.a..b=x"), "a key is missing in the path");
        let at: At = "a b#c#2:.x[name=a.b].y=1=2".parse().unwrap();
        assert_eq!(
            (at.file.to_str(), at.document, at.value.as_deref()),
            (Some("a b#c"), Some(2), Some("1=2"))
        );
        assert_eq!(at.path, ".x[name=a.b].y");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z:.#\\[\\]=\"0-9 ]{0,30}") {
            let _ = text.parse::<At>();
            let _ = set("a: [{name: x, b: 1}, c]\nd: |\n  e: f\n", &format!(":.{text}"), Some("a:v1"));
        }
    }
}
