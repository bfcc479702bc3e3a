//! Runs a program over a path. The time is at most the length of the path times the size of the program,
//! whatever the two hold: each state is entered once for each position.

use crate::path::{Unit, globstar_takes, holds, unit_before};
use crate::program::{Program, Step};

/// Whether the program matches the whole path.
pub(crate) fn is_match(program: &Program, path: &[u8]) -> bool {
    Run::new(program, path).whole()
}

/// For each position up to the path's end: the nearest end of a match that starts there, of those that
/// `ends` allows.
pub(crate) fn nearest_ends(
    program: &Program,
    path: &[u8],
    ends: impl Fn(usize) -> bool,
) -> Vec<Option<usize>> {
    let mut nearest = vec![None; path.len() + 1];
    Run::new(program, path).over(ends, 0, |start, end| nearest[start] = Some(end));
    nearest
}

/// How many states a whole match enters.
#[cfg(test)]
pub(crate) fn work(program: &Program, path: &[u8]) -> u64 {
    let mut run = Run::new(program, path);
    run.whole();
    run.work
}

/// A state that is active, and where the match that it belongs to ends.
#[derive(Clone, Copy)]
struct Thread {
    state: usize,
    end: usize,
}

struct Run<'r> {
    program: &'r Program,
    path: &'r [u8],
    /// For each exclusion, whether it matches from a position on.
    excluded: Vec<Vec<bool>>,
    /// The position at which a state was entered last.
    entered: Vec<usize>,
    pending: Vec<usize>,
    /// How many states were entered, over all positions and exclusions.
    work: u64,
}

impl<'r> Run<'r> {
    fn new(program: &'r Program, path: &'r [u8]) -> Self {
        let mut work = 0;
        let excluded = program
            .exclusions
            .iter()
            .map(|exclusion| {
                let mut matches = vec![false; path.len() + 1];
                let mut run = Run::new(&exclusion.program, path);
                let anywhere = !exclusion.to_end;
                run.over(|end| anywhere || end == path.len(), 0, |start, _| matches[start] = true);
                work += run.work;
                matches
            })
            .collect();
        let entered = vec![usize::MAX; program.steps.len()];
        Self { program, path, excluded, entered, pending: Vec::with_capacity(program.steps.len()), work }
    }

    fn whole(&mut self) -> bool {
        let mut matched = false;
        let path = self.path;
        self.over(|end| end == path.len(), path.len(), |start, _| matched |= start == 0);
        matched
    }

    /// Runs from the end of the path to its start. A match may end where `ends` says, and nowhere before
    /// `last_end`. Tells each start of a match with its nearest end.
    fn over(&mut self, ends: impl Fn(usize) -> bool, last_end: usize, mut done: impl FnMut(usize, usize)) {
        let mut threads: Vec<Thread> = Vec::with_capacity(self.program.steps.len());
        let mut next: Vec<Thread> = Vec::with_capacity(self.program.steps.len());
        let mut at = self.path.len();
        let mut taken: Option<Unit> = None;
        loop {
            // The nearest end first: of two ways into a state, the first one stays.
            if ends(at) {
                self.enter(Thread { state: self.program.start, end: at }, at, &mut next, &mut done);
            }
            if let Some(unit) = taken {
                for thread in &threads {
                    if let Some(state) = self.take(thread.state, unit, at) {
                        self.enter(Thread { state, end: thread.end }, at, &mut next, &mut done);
                    }
                }
            }
            std::mem::swap(&mut threads, &mut next);
            next.clear();
            if at == 0 || threads.is_empty() && at <= last_end {
                return;
            }
            let (unit, start) = unit_before(self.path, at);
            taken = Some(unit);
            at = start;
        }
    }

    /// The state behind this one if it takes the character that starts at `at`.
    fn take(&self, state: usize, unit: Unit, at: usize) -> Option<usize> {
        const SLASH: Unit = b'/' as Unit;
        match &self.program.steps[state] {
            Step::Char(wanted, next) => (*wanted == unit).then_some(*next),
            Step::Class(class, next) => class.contains(unit).then_some(*next),
            Step::Star(_) => (unit != SLASH).then_some(state),
            Step::Globstar(_) => globstar_takes(self.path, at).then_some(state),
            Step::Fork(..) | Step::Check(..) | Step::Not(..) | Step::Done => None,
        }
    }

    /// Adds the states that take a character and are reached from this one at `at`.
    fn enter(
        &mut self,
        thread: Thread,
        at: usize,
        threads: &mut Vec<Thread>,
        done: &mut impl FnMut(usize, usize),
    ) {
        let mut state = thread.state;
        loop {
            let mut onward = None;
            if self.entered[state] != at {
                self.entered[state] = at;
                self.work += 1;
                match &self.program.steps[state] {
                    Step::Fork(first, second) => {
                        self.pending.push(*second);
                        onward = Some(*first);
                    }
                    Step::Check(check, next) => onward = holds(*check, self.path, at).then_some(*next),
                    Step::Not(index, next) => onward = (!self.excluded[*index][at]).then_some(*next),
                    Step::Star(next) | Step::Globstar(next) => {
                        threads.push(Thread { state, end: thread.end });
                        onward = Some(*next);
                    }
                    Step::Char(..) | Step::Class(..) => threads.push(Thread { state, end: thread.end }),
                    Step::Done => done(at, thread.end),
                }
            }
            match onward.or_else(|| self.pending.pop()) {
                Some(next) => state = next,
                None => return,
            }
        }
    }
}
