//! Exchanges, kept for judgement by the owner's own description of what is said.

use std::{io::Write as _, path::PathBuf};

use serde_json::Value;

/// Where exchanges are kept: a folder that all tests share.
pub struct Exchanges {
    folder: PathBuf,
}

impl Exchanges {
    /// The folder that this variable names; nothing when they are not to be kept.
    pub fn at(variable: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a part of tests, which have no context")]
        std::env::var_os(variable).map(|folder| Self { folder: folder.into() })
    }

    /// Keeps one, in the file of this process.
    pub fn keep(&self, exchange: &Value) {
        std::fs::create_dir_all(&self.folder).expect("a folder for exchanges");
        let file = self.folder.join(format!("{}.jsonl", std::process::id()));
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(file).expect("a file for exchanges");
        // One write, so that the lines of several servers do not mix.
        file.write_all(format!("{exchange}\n").as_bytes()).expect("to keep an exchange");
    }
}
