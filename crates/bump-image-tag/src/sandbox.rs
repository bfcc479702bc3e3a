//! What unit tests share: a file of its own, edited in memory.

use std::path::PathBuf;

use sluice_core::{Problem, Problems};

use crate::{
    ImageArgument,
    edit::{self, Edited},
    files::Read,
    formats::Parsed,
    overlay::Overlay,
    select::{self, Manner},
    show::{self, Seen},
    source::Source,
};

pub(crate) fn overlay(file: &str) -> Overlay {
    Overlay {
        environment: None,
        name: file.to_owned(),
        label: file.to_owned(),
        files: [PathBuf::from(file)].into(),
        is_searched: false,
    }
}

pub(crate) fn source(file: &str, text: &str) -> Source {
    let file = PathBuf::from(file);
    Source { path: file.clone(), relative: file, bytes: text.into() }
}

pub(crate) fn set(file: &str, text: &str, images: &[&str], manner: Manner) -> Result<Edited, Problems> {
    let images: Vec<ImageArgument> = images.iter().map(|image| image.parse().unwrap()).collect();
    set_arguments(file, text, &images, manner)
}

pub(crate) fn set_arguments(
    file: &str,
    text: &str,
    images: &[ImageArgument],
    manner: Manner,
) -> Result<Edited, Problems> {
    let source = source(file, text);
    let files = vec![Read { parsed: Parsed::read(&source)?, source }];
    let edits = select::edits(&[overlay(file)], &select::look(&files)?, images, manner)?.remove(0);
    edit::edit(&files[0], edits).map_err(Problems::from)
}

/// What an environment's only file says of its images.
pub(crate) fn seen(environment: &str, file: &str, text: &str) -> Seen {
    let source = source(file, text);
    let read = [Read { parsed: Parsed::read(&source).unwrap(), source }];
    let overlay = Overlay {
        environment: Some(environment.to_owned()),
        name: file.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned(),
        label: environment.to_owned(),
        ..overlay(file)
    };
    show::see(overlay, &select::look(&read).unwrap()).unwrap()
}

/// Problems, one a line.
pub(crate) fn told(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| {
        let place = problem.place.as_ref().map(ToString::to_string).unwrap_or_default();
        let more = |text: &Option<String>| text.clone().map(|text| format!(" | {text}")).unwrap_or_default();
        format!("{place}: {}{}{}", problem.what, more(&problem.why), more(&problem.help))
    });
    lines.collect::<Vec<_>>().join("\n")
}
