//! Records in a file, one a line.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use sluice_core::{Context, Problem};
use sluice_gate::record::{Record, Sealed};

use super::{Kept, broken, sealed};

pub(super) fn append(path: &Path, record: &Record, cx: &Context) -> Result<Kept, Problem> {
    let name = cx.name_of(path);
    let could_not =
        |error: io::Error| Problem::undecided(format!("could not add a record to {name}")).why(error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(could_not)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(could_not)?;
    if !file.metadata().map_err(could_not)?.is_file() {
        return Err(could_not(io::Error::other("it is not a file")));
    }
    // Held until the file is closed: who comes after reads what is written here.
    file.lock().map_err(could_not)?;
    let last = last_line(&mut file).map_err(could_not)?;
    let last = if last.is_empty() {
        None
    } else {
        Some(Sealed::read(&last).map_err(|error| broken(&name, &error))?)
    };
    let sealed = sealed(record, last.as_ref())?;
    // Not forced to the disk, which takes longer than all else: a line that a power cut cuts is seen by who comes next.
    file.write_all(&[&sealed.line[..], b"\n"].concat()).map_err(could_not)?;
    Ok(Kept { location: name, hash: sealed.hash })
}

/// The last line, with its end. A line without an end was cut while it was written.
fn last_line(file: &mut File) -> io::Result<Vec<u8>> {
    const STEP: u64 = 64 << 10;
    let length = file.metadata()?.len();
    let mut size = STEP;
    loop {
        let start = length.saturating_sub(size);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        if !tail.is_empty() && !tail.ends_with(b"\n") {
            return Err(io::Error::other("its last line has no end: it was cut off"));
        }
        let before = tail.get(..tail.len().saturating_sub(1)).unwrap_or_default();
        match before.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => return Ok(tail.split_off(end + 1)),
            None if start == 0 => return Ok(tail),
            None => size = size.saturating_mul(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_gate::record::broken_link;

    use super::{super::tests::record, *};

    fn read(path: &Path) -> Vec<Sealed> {
        let bytes = std::fs::read(path).unwrap();
        bytes.split_inclusive(|byte| *byte == b'\n').map(|line| Sealed::read(line).unwrap()).collect()
    }

    #[test]
    fn records_are_added_behind_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let cx = crate::condition::tests::context(folder.path());
        let path = folder.path().join("a/records.jsonl");
        let mut hashes = Vec::new();
        for run in ["one", "two", &"three".repeat(50_000)] {
            hashes.push(append(&path, &record(run), &cx).unwrap().hash);
        }
        hashes.push(append(&path, &record("four"), &cx).unwrap().hash);
        let records = read(&path);
        assert_eq!(records.iter().map(|sealed| sealed.hash.clone()).collect::<Vec<_>>(), hashes);
        assert_eq!(broken_link(&records), None);
        assert_eq!(records[3].record.number, 4);
    }

    #[test]
    fn of_many_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        std::thread::scope(|scope| {
            for run in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let cx = crate::condition::tests::context(Path::new("/"));
                    append(path, &record(&run.to_string()), &cx).unwrap()
                });
            }
        });
        let records = read(&path);
        assert_eq!(records.len(), 8);
        assert_eq!(broken_link(&records), None);
    }

    #[test]
    fn what_is_no_chain_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let cx = crate::condition::tests::context(folder.path());
        let path = folder.path().join("records.jsonl");
        append(&path, &record("one"), &cx).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let changed = String::from_utf8(whole.clone()).unwrap().replace("one", "two").into_bytes();
        for content in [&whole[..whole.len() - 1], &whole[..100], b"\n", b"hello\n", &changed] {
            std::fs::write(&path, content).unwrap();
            let problem = append(&path, &record("two"), &cx).unwrap_err();
            assert_eq!(problem.verdict, sluice_core::Verdict::Undecided);
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        assert!(append(folder.path(), &record("two"), &cx).is_err());
    }
}
