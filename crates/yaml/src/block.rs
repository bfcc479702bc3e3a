//! The text of a literal block (`|`), read as a file within the file.
//!
//! What is found in it has its place and its bytes in the outer file, so that it is edited there as anything else is.

use crate::error::Refusal;
use crate::node::Data;
use crate::{Document, Error, Node, Place, Style, parse, refuse};

impl Document {
    /// The documents of the text that a literal block holds, with their places in the file that `bytes` are.
    ///
    /// Errors where the node is no literal block, is used through an alias too, stands in a block itself, or where its
    /// text is not YAML.
    pub fn parse_block(bytes: &[u8], block: Node<'_>) -> Result<Vec<Self>, Error> {
        let text = parse::text(bytes)?;
        let lines = Lines::of(text, block)?;
        let within = block.as_str().unwrap_or_default();
        let mut documents = Self::parse_all(within.as_bytes())
            .map_err(|error| Error { place: lines.place(error.place), ..error })?;
        for document in &mut documents {
            document.within = Some((block.document.number, block.id));
            document.place = lines.place(document.place);
            for node in &mut document.nodes {
                lines.carry_over(node);
            }
        }
        Ok(documents)
    }
}

/// Where the lines of a block's text stand in the file.
struct Lines {
    /// The offset of each line in the text, and the offset of the same character in the file; the end is the last.
    starts: Vec<(usize, usize)>,
    /// The line of the file before the text's first one.
    before: usize,
    indentation: usize,
    /// Where the text starts.
    first: Place,
}

impl Lines {
    fn of(text: &str, block: Node<'_>) -> Result<Self, Error> {
        let refused = |refusal, what: &str| Err(Error::refused(block.place(), refusal, what));
        refuse::shared(block)?;
        let data = block.data();
        if block.is_alias() || block.style() != Some(Style::Literal) || data.tag.is_some() {
            return refused(Refusal::BlockScalar, "the value is no literal block (`|`)");
        }
        if block.document.within.is_some() {
            return refused(Refusal::BlockScalar, "a block within a block is not edited");
        }
        let within = block.as_str().unwrap_or_default();
        // The block's span starts with its first line that is not blank, behind the indentation.
        let blank = within.len() - within.trim_start_matches('\n').len();
        let indentation = data.place.column - 1;
        let mut starts: Vec<(usize, usize)> = (0..blank).map(|line| (line, data.span.start)).collect();
        let (mut inner, mut outer) = (blank, data.span.start);
        for line in within[blank..].split_inclusive('\n') {
            let rest = text.get(outer..).unwrap_or_default();
            // The span's own start is behind the indentation already.
            let spaces = rest.bytes().take(if inner == blank { 0 } else { indentation });
            let start = outer + spaces.take_while(|byte| *byte == b' ').count();
            let content = line.trim_end_matches('\n');
            let Some(behind) = text.get(start..).and_then(|rest| rest.strip_prefix(content)) else {
                return refused(Refusal::BlockScalar, "the lines of the block can't be told apart");
            };
            starts.push((inner, start));
            inner += line.len();
            let line_break = ["\r\n", "\n", "\r"].iter().find(|line_break| behind.starts_with(**line_break));
            outer = start + content.len() + line_break.map_or(0, |line_break| line_break.len());
        }
        // Where the text ends without a line break, its end is the end of the last line.
        if !within.ends_with(|last| last != '\n') {
            starts.push((inner, outer));
        }
        Ok(Self { starts, before: data.place.line - blank - 1, indentation, first: data.place })
    }

    fn offset(&self, inner: usize) -> usize {
        let index = self.starts.partition_point(|(start, _)| *start <= inner).saturating_sub(1);
        self.starts.get(index).map_or(0, |(start, outer)| outer + (inner - start))
    }

    fn place(&self, inner: Place) -> Place {
        if inner.line == 0 {
            return self.first;
        }
        Place { line: self.before + inner.line, column: inner.column + self.indentation }
    }

    fn carry_over(&self, node: &mut Data) {
        let spans = [
            Some(&mut node.span),
            node.tag.as_mut().map(|tag| &mut tag.span),
            node.anchor.as_mut().map(|anchor| &mut anchor.span),
        ];
        for span in spans.into_iter().flatten() {
            *span = self.offset(span.start)..self.offset(span.end);
        }
        node.place = self.place(node.place);
    }
}
