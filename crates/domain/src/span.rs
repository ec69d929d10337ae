//! Places in a note's text.
//!
//! Inside Rust a place is a UTF-8 byte range that lies on character boundaries ([`Span`]); on every wire it is
//! a half-open range of Unicode code points with its quote ([`Quoted`]), and a quote that is not what the text holds
//! there is refused. UTF-16 exists only in the frontend, where the browser's Range API counts in it.

use serde::{Deserialize, Serialize};

/// A byte range on character boundaries of the text it was made for. Half open, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    start: usize,
    end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    #[error("span {start}..{end} is empty or reversed")]
    Empty { start: usize, end: usize },
    #[error("span {start}..{end} reaches beyond the text, which ends at {len}")]
    Outside { start: usize, end: usize, len: usize },
    #[error("span {start}..{end} cuts a character in two")]
    InsideCharacter { start: usize, end: usize },
    /// Both quotes are clinical text: the message leaves them out, the wire error shows them to who sent them.
    #[error("the quote of span {start}..{end} is not what the text holds there")]
    QuoteMismatch { start: usize, end: usize, expected: String, found: String },
}

impl Span {
    /// `start..end` in bytes of `text`.
    pub fn new(text: &str, start: usize, end: usize) -> Result<Self, SpanError> {
        if start >= end {
            return Err(SpanError::Empty { start, end });
        }
        if end > text.len() {
            return Err(SpanError::Outside { start, end, len: text.len() });
        }
        if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            return Err(SpanError::InsideCharacter { start, end });
        }
        Ok(Self { start, end })
    }

    pub fn start(self) -> usize {
        self.start
    }

    pub fn end(self) -> usize {
        self.end
    }

    /// Length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a span is never empty")]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    pub fn quote(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// A span as it stands on every wire: Unicode code points, half open, and the words there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Quoted {
    pub start: usize,
    pub end: usize,
    pub quote: String,
}

/// Translates between byte and code point offsets of one text in O(log n), so that a note of megabytes with
/// thousands of spans is walked once and not once a span.
#[derive(Clone, Debug)]
pub struct CodePoints<'t> {
    text: &'t str,
    /// Byte offset of every `STEP`th code point.
    marks: Vec<usize>,
    len: usize,
}

const STEP: usize = 64;

impl<'t> CodePoints<'t> {
    pub fn new(text: &'t str) -> Self {
        let mut marks = Vec::with_capacity(text.len() / STEP + 1);
        let mut len = 0;
        for (byte, _) in text.char_indices() {
            if len % STEP == 0 {
                marks.push(byte);
            }
            len += 1;
        }
        Self { text, marks, len }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Length of the text in code points.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Byte offset of a code point offset; `None` beyond the end.
    pub fn to_byte(&self, point: usize) -> Option<usize> {
        if point == self.len {
            return Some(self.text.len());
        }
        let mark = *self.marks.get(point / STEP)?;
        self.text[mark..].char_indices().nth(point % STEP).map(|(byte, _)| mark + byte)
    }

    /// Code point offset of a byte offset that lies on a character boundary.
    pub fn to_point(&self, byte: usize) -> Option<usize> {
        if !self.text.is_char_boundary(byte) {
            return None;
        }
        let block = self.marks.partition_point(|&mark| mark <= byte).saturating_sub(1);
        let mark = self.marks.get(block).copied().unwrap_or(0);
        Some(block * STEP + self.text[mark..byte].chars().count())
    }

    /// The wire form of a span of this text.
    ///
    /// # Panics
    /// If the span was made for another text.
    pub fn quoted(&self, span: Span) -> Quoted {
        let start = self.to_point(span.start).expect("span belongs to this text");
        let quote = span.quote(self.text);
        Quoted { start, end: start + quote.chars().count(), quote: quote.to_owned() }
    }

    /// Reads a span off the wire and checks that its quote is what the text holds there.
    pub fn resolve(&self, quoted: &Quoted) -> Result<Span, SpanError> {
        let (start, end) = (quoted.start, quoted.end);
        if start >= end {
            return Err(SpanError::Empty { start, end });
        }
        let (Some(first), Some(last)) = (self.to_byte(start), self.to_byte(end)) else {
            return Err(SpanError::Outside { start, end, len: self.len });
        };
        let found = &self.text[first..last];
        if found != quoted.quote {
            return Err(SpanError::QuoteMismatch {
                start,
                end,
                expected: quoted.quote.clone(),
                found: found.to_owned(),
            });
        }
        Span::new(self.text, first, last)
    }
}

#[cfg(test)]
mod tests;
