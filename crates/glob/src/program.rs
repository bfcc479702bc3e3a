//! The tree as a program for the matcher: an automaton that reads a path from its end to its start.
//!
//! Backward, because `!(...)` asks whether something matches *from* a position on: one run from the end
//! answers that for all positions at once.

use crate::class::Class;
use crate::path::Unit;
use crate::syntax::{Check, Node};

/// An automaton. Its size grows with the length of the pattern; nothing is expanded.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    pub(crate) start: usize,
    /// The exclusions that `Step::Not` names.
    pub(crate) exclusions: Vec<Exclusion>,
}

/// What a `!(...)` excludes.
#[derive(Debug)]
pub(crate) struct Exclusion {
    pub(crate) program: Program,
    /// Whether it must reach the end of the path.
    pub(crate) to_end: bool,
}

/// A state. The number is the state that follows.
#[derive(Debug)]
pub(crate) enum Step {
    /// Takes this character.
    Char(Unit, usize),
    /// Takes a character of the class.
    Class(Class, usize),
    /// Takes any characters but slashes, or none.
    Star(usize),
    /// Takes what `**` may take, or nothing.
    Globstar(usize),
    /// Goes both ways.
    Fork(usize, usize),
    /// Goes on if the condition holds.
    Check(Check, usize),
    /// Goes on where the exclusion of this index does not match.
    Not(usize, usize),
    /// The whole program has matched.
    Done,
}

impl Program {
    /// Compiles nodes that follow one another.
    pub(crate) fn new(nodes: &[Node]) -> Self {
        let mut program = Self { steps: vec![Step::Done], start: 0, exclusions: Vec::new() };
        program.start = program.sequence(nodes, 0);
        program
    }

    /// The number of states, those of exclusions included.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        self.steps.len() + self.exclusions.iter().map(|exclusion| exclusion.program.size()).sum::<usize>()
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// The first node is the last to be read: `next` follows it.
    fn sequence(&mut self, nodes: &[Node], next: usize) -> usize {
        nodes.iter().fold(next, |next, node| self.node(node, next))
    }

    /// Compiles a node that `next` follows; gives the state that starts it.
    fn node(&mut self, node: &Node, next: usize) -> usize {
        match node {
            Node::Text(text) => self.text(text, next),
            Node::Class(class) => self.push(Step::Class(class.clone(), next)),
            Node::Star => self.push(Step::Star(next)),
            Node::Globstar => self.push(Step::Globstar(next)),
            Node::Check(check) => self.push(Step::Check(*check, next)),
            Node::Sequence(nodes) => self.sequence(nodes, next),
            Node::Choice(nodes) => {
                let starts: Vec<usize> = nodes.iter().map(|node| self.node(node, next)).collect();
                self.fork(&starts)
            }
            Node::Repeat { node, min: 0, many: false } => {
                let once = self.node(node, next);
                self.fork(&[once, next])
            }
            Node::Repeat { node, min, many: true } => {
                let again = self.push(Step::Fork(next, next));
                let once = self.node(node, again);
                self.steps[again] = Step::Fork(once, next);
                if *min == 0 { again } else { once }
            }
            Node::Repeat { node, .. } => self.node(node, next),
            Node::Not { node, to_end } => {
                let program = Self::new(node.parts());
                self.exclusions.push(Exclusion { program, to_end: *to_end });
                self.push(Step::Not(self.exclusions.len() - 1, next))
            }
            Node::Capture(_) => {
                let more = self.push(Step::Star(next));
                self.push(Step::Class(Class::not_slash(), more))
            }
            Node::Below => {
                let below = self.segments_after_slash(next);
                let end = self.push(Step::Check(Check::End, next));
                self.fork(&[below, end])
            }
            Node::Between { ends } => {
                let slash = self.text("/", next);
                let segments = self.segments_after_slash(next);
                let between = self.text("/", segments);
                if *ends {
                    let end = self.push(Step::Check(Check::End, next));
                    self.fork(&[between, slash, end])
                } else {
                    self.fork(&[between, slash])
                }
            }
            Node::Leading => {
                let start = self.push(Step::Check(Check::Start, next));
                let slash = self.text("/", next);
                let segments = self.push(Step::Globstar(next));
                let below = self.text("/", segments);
                self.fork(&[start, slash, below])
            }
        }
    }

    /// `/` and any segments behind it.
    fn segments_after_slash(&mut self, next: usize) -> usize {
        let slash = self.text("/", next);
        let guard = self.push(Step::Check(Check::NoDots, slash));
        self.push(Step::Globstar(guard))
    }

    fn text(&mut self, text: &str, next: usize) -> usize {
        text.chars().fold(next, |next, c| self.push(Step::Char(c.into(), next)))
    }

    /// A state that goes all these ways.
    fn fork(&mut self, ways: &[usize]) -> usize {
        match ways {
            [] => self.push(Step::Char(Unit::MAX, 0)),
            [only] => *only,
            [first, rest @ ..] => rest.iter().fold(*first, |so_far, way| self.push(Step::Fork(so_far, *way))),
        }
    }
}
