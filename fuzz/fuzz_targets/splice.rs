//! Arbitrary files, arbitrary edits: refused, or done and nothing else with it.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use sluice_fuzz::{judge, request::Request};
use sluice_yaml::{Document, apply};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some(request) = Request::of(bytes) else { return Corpus::Reject };
    let Ok(documents) = Document::parse_all(request.file) else { return Corpus::Keep };
    let Some(planned) = request.plan(&documents) else { return Corpus::Keep };
    if let Ok(after) = apply(request.file, &planned.edits) {
        judge::hold(request.file, &documents, &after, &planned.meant);
    }
    Corpus::Keep
});
