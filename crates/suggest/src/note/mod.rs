//! A note as the rules see it: sections, sentences and list items, words. Nothing here changes the text; every
//! place is a byte range on character boundaries.

mod heading;
mod section;
mod segment;
mod words;

use std::ops::Range;

pub(crate) use section::{Section, SectionKind, prototypes};
pub(crate) use segment::Segment;
pub(crate) use words::Word;

/// A note taken apart.
#[derive(Debug)]
pub(crate) struct Doc<'t> {
    /// What is read of the note: its beginning up to the byte limit.
    pub text: &'t str,
    pub sections: Vec<Section>,
    pub segments: Vec<Segment>,
    pub words: Vec<Word>,
}

impl<'t> Doc<'t> {
    /// Takes the first `limit` bytes of `text` apart.
    pub fn new(text: &'t str, limit: usize) -> Self {
        let mut end = text.len().min(limit);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let sections = section::split(text);
        let segments = segment::split(text, &sections);
        let words = words::split(text);
        Self { text, sections, segments, words }
    }

    /// Headings that neither the lexicon nor a keyword knew.
    pub fn unknown_headings(&self) -> Vec<usize> {
        let unknown = |s: &Section| !s.known && s.title.len() > 3 && s.title.chars().any(char::is_alphabetic);
        self.sections.iter().enumerate().filter(|(_, s)| unknown(s)).map(|(i, _)| i).collect()
    }

    pub fn section(&self, segment: &Segment) -> &Section {
        &self.sections[segment.section]
    }

    /// The segment that holds `at`, or the next one.
    pub fn segment_at(&self, at: usize) -> Option<&Segment> {
        let index = self.segments.partition_point(|s| s.range.end <= at);
        self.segments.get(index)
    }

    pub fn kind_at(&self, at: usize) -> SectionKind {
        let index = self.sections.partition_point(|s| s.body.end <= at);
        self.sections.get(index).map_or(SectionKind::None, |s| s.kind)
    }

    /// Words that lie wholly in `range`.
    pub fn words_in(&self, range: Range<usize>) -> &[Word] {
        let from = self.words.partition_point(|w| w.start < range.start);
        let to = self.words.partition_point(|w| w.end <= range.end);
        &self.words[from..to.max(from)]
    }

    pub fn str(&self, range: &Range<usize>) -> &'t str {
        &self.text[range.clone()]
    }

    /// Up to `bytes` before `at`, within `floor..at`, cut on a character boundary.
    pub fn before(&self, at: usize, bytes: usize, floor: usize) -> &'t str {
        let mut from = at.saturating_sub(bytes).max(floor).min(at);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        &self.text[from..at]
    }

    /// Up to `bytes` after `at`, within `at..ceiling`.
    pub fn after(&self, at: usize, bytes: usize, ceiling: usize) -> &'t str {
        let mut to = at.saturating_add(bytes).min(ceiling).max(at).min(self.text.len());
        while !self.text.is_char_boundary(to) {
            to -= 1;
        }
        &self.text[at..to.max(at)]
    }
}

/// A phrase as the words that a note is split into, in lower case.
pub(crate) fn word_key(phrase: &str) -> String {
    let words = words::split(phrase);
    words.iter().map(|word| word.of(phrase).to_lowercase()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
