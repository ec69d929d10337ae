//! Places where an annotation scheme leaves open what is right.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Doubt, Mention};

/// Collects doubtful places; what a mention of the same label covers is taken out.
pub(super) struct Doubts<'a> {
    text: &'a str,
    mentions: &'a [Mention],
    out: Vec<Doubt>,
}

impl<'a> Doubts<'a> {
    pub fn new(text: &'a str, mentions: &'a [Mention]) -> Self {
        Self { text, mentions, out: Vec::new() }
    }

    /// `range` is doubtful for each of `labels`.
    pub fn add<'l>(&mut self, range: &Range<usize>, labels: impl IntoIterator<Item = &'l str>) {
        for label in labels {
            let covered =
                self.mentions.iter().filter(|mention| mention.label == label).map(|m| m.range.clone());
            for piece in without(range.clone(), covered) {
                let piece = super::source::trimmed(self.text, piece);
                if !piece.is_empty() {
                    self.insert(piece, label);
                }
            }
        }
    }

    /// Every whole-word occurrence of `phrase`, in any case, is doubtful for each of `labels`.
    pub fn phrase(&mut self, phrase: &str, labels: &[&str]) {
        for range in occurrences(self.text, phrase) {
            self.add(&range, labels.iter().copied());
        }
    }

    fn insert(&mut self, range: Range<usize>, label: &str) {
        if let Some(known) = self.out.iter_mut().find(|doubt| doubt.range == range) {
            known.labels.insert(label.to_owned());
        } else {
            self.out.push(Doubt { range, labels: BTreeSet::from([label.to_owned()]) });
        }
    }

    /// In order of place.
    pub fn finish(mut self) -> Vec<Doubt> {
        self.out.sort_by_key(|doubt| (doubt.range.start, doubt.range.end));
        self.out
    }
}

/// The parts of `range` that none of `holes` covers.
fn without(range: Range<usize>, holes: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut holes: Vec<_> = holes.collect();
    holes.sort_by_key(|hole| hole.start);
    let mut out = Vec::new();
    let mut from = range.start;
    for hole in holes {
        if hole.end <= from || hole.start >= range.end {
            continue;
        }
        if hole.start > from {
            out.push(from..hole.start);
        }
        from = from.max(hole.end);
    }
    if from < range.end {
        out.push(from..range.end);
    }
    out
}

/// Byte ranges where `phrase` stands as whole words, ASCII case aside.
pub(super) fn occurrences(text: &str, phrase: &str) -> Vec<Range<usize>> {
    let (hay, needle) = (text.as_bytes(), phrase.as_bytes());
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut out = Vec::new();
    if needle.is_empty() || needle.len() > hay.len() {
        return out;
    }
    for start in 0..=hay.len() - needle.len() {
        let end = start + needle.len();
        if !hay[start..end].eq_ignore_ascii_case(needle)
            || !text.is_char_boundary(start)
            || !text.is_char_boundary(end)
        {
            continue;
        }
        let before = word(text[..start].chars().next_back()) && word(phrase.chars().next());
        let after = word(text[end..].chars().next()) && word(phrase.chars().next_back());
        if !before && !after {
            out.push(start..end);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_cut_out() {
        assert_eq!(without(0..10, [2..3, 5..12].into_iter()), [0..2, 3..5]);
        assert!(without(4..6, std::iter::once(0..10)).is_empty());
        assert_eq!(without(4..6, std::iter::once(8..10)).first(), Some(&(4..6)));
    }

    #[test]
    fn occurrences_are_whole_words_in_any_case() {
        let text = "Gout. GOUT, gouty, é gout";
        assert_eq!(occurrences(text, "gout"), [0..4, 6..10, 22..26]);
        assert_eq!(occurrences("2.5, 12.5 and 2.5", "2.5"), [0..3, 14..17]);
        assert!(occurrences("a", "").is_empty());
    }
}
