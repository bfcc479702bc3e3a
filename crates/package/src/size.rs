//! How large images may be: a container action is pulled before every job that names it, also when its step is skipped.

use std::fmt::{self, Write as _};

use crate::layout::Parts;

/// The actions that speak to AWS or to Kubernetes.
const WITH_CLOUD: [&str; 3] = ["gate-approval", "rollout", "backup"];
/// The most that is pulled for one action, in bytes.
const MOST: u64 = 2_500_000;
/// The same, for one that speaks to AWS or to Kubernetes.
const MOST_WITH_CLOUD: u64 = 4_000_000;
/// The most that all of them take together, in bytes.
const MOST_OF_ALL: u64 = 20_000_000;

/// The sizes of images, as a table beside their limits.
pub(crate) struct Sizes {
    architectures: Vec<String>,
    /// The action, and the bytes of its image for each architecture.
    rows: Vec<(String, Vec<u64>)>,
}

impl Sizes {
    pub(crate) fn of(images: &[(String, Vec<Parts>)]) -> Self {
        let architectures = images.first().map_or(&[][..], |(_, parts)| parts.as_slice());
        Self {
            architectures: architectures.iter().map(|parts| parts.architecture.clone()).collect(),
            rows: images
                .iter()
                .map(|(action, parts)| (action.clone(), parts.iter().map(Parts::size).collect()))
                .collect(),
        }
    }

    /// Whether no image, and not all of them together, is larger than it may be.
    pub(crate) fn hold(&self) -> bool {
        let lines = self.rows.iter().map(|(action, sizes)| Line::new(action, sizes.clone(), limit(action)));
        lines.chain([self.total()]).all(|line| line.holds())
    }

    fn total(&self) -> Line {
        let sum = |column: usize| self.rows.iter().filter_map(|(_, sizes)| sizes.get(column)).sum();
        Line::new("together", (0..self.architectures.len()).map(sum).collect(), MOST_OF_ALL)
    }
}

fn limit(action: &str) -> u64 {
    if WITH_CLOUD.contains(&action) { MOST_WITH_CLOUD } else { MOST }
}

struct Line {
    name: String,
    sizes: Vec<u64>,
    limit: u64,
}

impl Line {
    fn new(name: &str, sizes: Vec<u64>, limit: u64) -> Self {
        Self { name: name.to_owned(), sizes, limit }
    }

    fn holds(&self) -> bool {
        self.sizes.iter().all(|size| *size <= self.limit)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<16}", self.name)?;
        for size in &self.sizes {
            write!(f, "{:>10}", megabytes(*size))?;
        }
        let sign = if self.holds() { '✓' } else { '✗' };
        writeln!(f, "   ≤ {:<8} {sign}", megabytes(self.limit))
    }
}

/// Rounded up, so that what is too large never looks as if it were not.
fn megabytes(bytes: u64) -> String {
    let hundredths = bytes.div_ceil(10_000);
    format!("{}.{:02} MB", hundredths / 100, hundredths % 100)
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = format!("{:<16}", "");
        for architecture in &self.architectures {
            let _ = write!(head, "{architecture:>10}");
        }
        writeln!(f, "What is pulled for an action, compressed\n\n{head}   must")?;
        for (action, sizes) in &self.rows {
            Line::new(action, sizes.clone(), limit(action)).fmt(f)?;
        }
        self.total().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(rows: &[(&str, [u64; 2])]) -> Sizes {
        Sizes {
            architectures: vec!["amd64".into(), "arm64".into()],
            rows: rows.iter().map(|(action, sizes)| ((*action).to_owned(), sizes.to_vec())).collect(),
        }
    }

    #[test]
    fn sizes_stand_beside_their_limits() {
        let sizes = sizes(&[
            ("notify", [2_500_000, 2_400_000]),
            ("gate-approval", [3_999_999, 4_000_000]),
            ("smoke-test", [2_400_000, 2_500_001]),
        ]);
        assert!(!sizes.hold());
        insta::assert_snapshot!(sizes.to_string(), @"
        What is pulled for an action, compressed

                             amd64     arm64   must
        notify             2.50 MB   2.40 MB   ≤ 2.50 MB  ✓
        gate-approval      4.00 MB   4.00 MB   ≤ 4.00 MB  ✓
        smoke-test         2.40 MB   2.51 MB   ≤ 2.50 MB  ✗
        together           8.90 MB   8.91 MB   ≤ 20.00 MB ✓
        ");
    }

    #[test]
    fn each_is_held_to_its_own_limit_and_all_to_theirs() {
        assert!(sizes(&[("notify", [2_500_000, 2_500_000])]).hold());
        assert!(!sizes(&[("notify", [2_500_001, 1])]).hold());
        assert!(sizes(&[("rollout", [4_000_000, 1])]).hold());
        assert!(!sizes(&[("rollout", [1, 4_000_001])]).hold());
        assert!(sizes(&[("backup", [4_000_000, 1]); 5]).hold());
        assert!(!sizes(&[("backup", [4_000_000, 1]); 6]).hold());
    }
}
