//! Whether a condition is there, by cue words and their reach (NegEx, Chapman et al. 2001; ConText, Harkema et al.
//! 2009) and by the section that it stands in.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use overread_domain::suggestion::Assertion;

use crate::note::{Doc, SectionKind, Segment, Word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Before,
    After,
    Pseudo,
    Stop,
}

#[derive(Clone, Copy, Debug)]
struct Cue {
    class: Assertion,
    direction: Direction,
}

struct Table {
    /// Phrases as folded words; the value may hold a cue for either direction.
    phrases: HashMap<Vec<&'static str>, Vec<Cue>>,
    longest: usize,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut phrases: HashMap<Vec<&'static str>, Vec<Cue>> = HashMap::new();
    for line in include_str!("../data/cues.tsv").lines().filter(|l| !l.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[class, direction, list] = columns.as_slice() else { continue };
        let class = match class {
            "absent" => Assertion::Absent,
            "possible" => Assertion::Possible,
            "historical" => Assertion::Historical,
            "family" => Assertion::Family,
            "planned" => Assertion::Planned,
            _ => Assertion::Present,
        };
        let direction = match direction {
            "before" => Direction::Before,
            "after" => Direction::After,
            "pseudo" => Direction::Pseudo,
            _ => Direction::Stop,
        };
        for phrase in list.split(';') {
            phrases.entry(tokens(phrase)).or_default().push(Cue { class, direction });
        }
    }
    let longest = phrases.keys().map(Vec::len).max().unwrap_or(1);
    Table { phrases, longest }
});

/// As [`crate::note`] splits words, on the folded phrase.
fn tokens(phrase: &'static str) -> Vec<&'static str> {
    phrase.split([' ', '/']).map(|t| t.trim_end_matches('.')).filter(|t| !t.is_empty()).collect()
}

#[derive(Clone, Debug)]
struct Hit {
    cue: Cue,
    words: Range<usize>,
}

/// The cues of one segment, found once for all mentions in it.
#[derive(Debug)]
pub(crate) struct Scope<'d> {
    words: &'d [Word],
    hits: Vec<Hit>,
    kind: SectionKind,
}

/// How far a cue reaches, in words.
fn reach(class: Assertion) -> usize {
    match class {
        Assertion::Absent => 26,
        Assertion::Family | Assertion::Planned => 14,
        _ => 9,
    }
}

/// Cue kinds of [`Scope::reaches`].
pub(crate) const REACHES: usize = 5;
/// Distance classes of [`Scope::reaches`].
pub(crate) const REACH_CLASSES: usize = 6;

impl<'d> Scope<'d> {
    /// How far the nearest cue of each kind (absent, possible, historical, family, planned) is that reaches `span`:
    /// 0 none, 1 in or beside it, 2 one or two words, 3 up to five, 4 up to nine, 5 more.
    pub fn reaches(&self, span: &Range<usize>) -> [u8; REACHES] {
        use Assertion as A;
        [A::Absent, A::Possible, A::Historical, A::Family, A::Planned].map(|class| {
            match self.reached(class, span) {
                None => 0,
                Some(0) => 1,
                Some(1..=2) => 2,
                Some(3..=5) => 3,
                Some(6..=9) => 4,
                Some(_) => 5,
            }
        })
    }

    pub fn new(doc: &'d Doc<'_>, segment: &Segment) -> Self {
        let words = doc.words_in(segment.range.clone());
        let folded: Vec<String> =
            words.iter().map(|w| w.of(doc.text).to_lowercase().replace('’', "'")).collect();
        let mut hits = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let longest = TABLE.longest.min(words.len() - at);
            let found = (1..=longest).rev().find_map(|length| {
                let key: Vec<&str> = folded[at..at + length].iter().map(String::as_str).collect();
                TABLE.phrases.get(key.as_slice()).map(|cues| (length, cues))
            });
            match found {
                Some((length, cues)) => {
                    hits.extend(cues.iter().map(|&cue| Hit { cue, words: at..at + length }));
                    at += length;
                }
                None => at += 1,
            }
        }
        Self { words, hits, kind: doc.section(segment).kind }
    }

    /// Whether a cue of `class` reaches `span`, and by how many words it is away.
    pub fn reached(&self, class: Assertion, span: &Range<usize>) -> Option<usize> {
        let first = self.words.partition_point(|w| w.start < span.start);
        let last = self.words.partition_point(|w| w.end <= span.end);
        let stopped = |range: Range<usize>| {
            self.hits.iter().any(|h| {
                h.cue.direction == Direction::Stop && h.words.start >= range.start && h.words.end <= range.end
            })
        };
        self.hits
            .iter()
            .filter(|h| h.cue.class == class)
            .filter_map(|h| match h.cue.direction {
                Direction::Before if h.words.end <= first => {
                    let distance = first - h.words.end;
                    (distance <= reach(class) && !stopped(h.words.end..first)).then_some(distance)
                }
                // A single word that is the mention's own ("old infarction") counts as well.
                Direction::Before
                    if h.words.start >= first && h.words.end < last && class != Assertion::Absent =>
                {
                    Some(0)
                }
                Direction::After if h.words.start >= last => {
                    let distance = h.words.start - last;
                    (distance <= 4 && !stopped(last..h.words.start)).then_some(distance)
                }
                _ => None,
            })
            .min()
    }

    /// The assertion of a mention at `span`.
    pub fn assertion(&self, span: &Range<usize>) -> Assertion {
        let absent = self.reached(Assertion::Absent, span);
        let family = self.reached(Assertion::Family, span);
        if absent.is_some() && self.kind != SectionKind::Family {
            return Assertion::Absent;
        }
        if self.kind == SectionKind::Family || family.is_some_and(|d| d <= 8) && !self.kind.concludes() {
            return if absent.is_some() { Assertion::Absent } else { Assertion::Family };
        }
        if self.reached(Assertion::Possible, span).is_some_and(|d| d <= 6) {
            return Assertion::Possible;
        }
        if self.reached(Assertion::Historical, span).is_some_and(|d| d <= 5) {
            return Assertion::Historical;
        }
        Assertion::Present
    }

    /// Whether the mention is something still to be done.
    pub fn planned(&self, span: &Range<usize>) -> bool {
        self.reached(Assertion::Planned, span).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, mention: &str) -> Assertion {
        let doc = Doc::new(text, 1000);
        let start = text.find(mention).unwrap();
        let segment = doc.segment_at(start).unwrap().clone();
        Scope::new(&doc, &segment).assertion(&(start..start + mention.len()))
    }

    #[test]
    fn negation_reaches_through_a_list() {
        let text = "He denies fever, chills, night sweats or cough.";
        for mention in ["fever", "chills", "night sweats", "cough"] {
            assert_eq!(of(text, mention), Assertion::Absent, "{mention}");
        }
    }

    #[test]
    fn negation_ends_at_a_turn() {
        let text = "She has no rash but complains of itching.";
        assert_eq!(of(text, "rash"), Assertion::Absent);
        assert_eq!(of(text, "itching"), Assertion::Present);
    }

    #[test]
    fn negation_may_follow() {
        assert_eq!(of("Pulmonary embolism was ruled out.", "Pulmonary embolism"), Assertion::Absent);
    }

    #[test]
    fn a_phrase_that_only_looks_negative_is_none() {
        assert_eq!(of("There is no change in her asthma.", "asthma"), Assertion::Present);
        assert_eq!(of("Gram-negative sepsis.", "sepsis"), Assertion::Present);
    }

    #[test]
    fn doubt_and_the_past_have_their_cues() {
        assert_eq!(of("Possible pneumonia in the left base.", "pneumonia"), Assertion::Possible);
        assert_eq!(of("Rule out appendicitis.", "appendicitis"), Assertion::Possible);
        assert_eq!(of("Status post stroke with residual weakness.", "stroke"), Assertion::Historical);
        assert_eq!(of("He had hepatitis ten years ago.", "hepatitis"), Assertion::Historical);
    }

    #[test]
    fn relatives_have_their_own_conditions() {
        assert_eq!(of("FAMILY HISTORY: Mother died of breast cancer.", "breast cancer"), Assertion::Family);
        assert_eq!(of("Her father had diabetes.", "diabetes"), Assertion::Family);
    }
}
