//! Mentions: noun phrases that may name a condition, a symptom, an operation or a study. Many more than belong into
//! an entry; the fitted head decides which do.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use crate::note::{Doc, SectionKind, Segment, Word};

/// What the head word of a mention is. The order is that of the fitted heads' features: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum HeadKind {
    Disease,
    Symptom,
    Injury,
    Operation,
    Study,
    Therapy,
    /// No head word known: taken for where it stands.
    Unknown,
}

impl HeadKind {
    pub const COUNT: usize = 7;

    /// Whether the phrase says what is done and not what is wrong.
    pub fn is_procedure(self) -> bool {
        matches!(self, Self::Operation | Self::Study | Self::Therapy)
    }
}

/// A phrase that may belong into the entry.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    pub span: Range<usize>,
    pub head: HeadKind,
    /// Index into [`Doc::segments`].
    pub segment: usize,
    /// Folded words, without severity and articles: equal for mentions of one thing.
    pub key: String,
}

struct Lexicon {
    heads: HashMap<String, HeadKind>,
    breaks: HashSet<&'static str>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut heads = HashMap::new();
    for line in include_str!("../../data/heads.tsv").lines().filter(|l| !l.starts_with('#')) {
        let Some((kind, words)) = line.split_once('\t') else { continue };
        let kind = match kind {
            "disease" => HeadKind::Disease,
            "symptom" => HeadKind::Symptom,
            "injury" => HeadKind::Injury,
            "operation" => HeadKind::Operation,
            "study" => HeadKind::Study,
            _ => HeadKind::Therapy,
        };
        for word in words.split(';') {
            heads.entry(word.split(' ').map(singular).collect::<Vec<_>>().join(" ")).or_insert(kind);
        }
    }
    let breaks = include_str!("../../data/breaks.txt")
        .lines()
        .filter(|l| !l.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect();
    Lexicon { heads, breaks }
});

const SUFFIXES: &[(&str, HeadKind)] = &[
    ("itis", HeadKind::Disease),
    ("osis", HeadKind::Disease),
    ("iasis", HeadKind::Disease),
    ("emia", HeadKind::Disease),
    ("aemia", HeadKind::Disease),
    ("opathy", HeadKind::Disease),
    ("noma", HeadKind::Disease),
    ("toma", HeadKind::Disease),
    ("sarcoma", HeadKind::Disease),
    ("plegia", HeadKind::Disease),
    ("paresis", HeadKind::Disease),
    ("megaly", HeadKind::Disease),
    ("trophy", HeadKind::Disease),
    ("penia", HeadKind::Disease),
    ("cytosis", HeadKind::Disease),
    ("ectasis", HeadKind::Disease),
    ("stenosis", HeadKind::Disease),
    ("phobia", HeadKind::Disease),
    ("algia", HeadKind::Symptom),
    ("uria", HeadKind::Symptom),
    ("pnea", HeadKind::Symptom),
    ("phagia", HeadKind::Symptom),
    ("rrhea", HeadKind::Symptom),
    ("rrhagia", HeadKind::Symptom),
    ("ectomy", HeadKind::Operation),
    ("ectomies", HeadKind::Operation),
    ("otomy", HeadKind::Operation),
    ("ostomy", HeadKind::Operation),
    ("plasty", HeadKind::Operation),
    ("pexy", HeadKind::Operation),
    ("desis", HeadKind::Operation),
    ("scopy", HeadKind::Study),
    ("gram", HeadKind::Study),
    ("graphy", HeadKind::Study),
    ("metry", HeadKind::Study),
    ("centesis", HeadKind::Study),
];

/// Words that qualify a condition without making it another.
const QUALIFIERS: &[&str] = &[
    "severe",
    "mild",
    "moderate",
    "marked",
    "significant",
    "chronic",
    "acute",
    "known",
    "stable",
    "new",
    "recurrent",
    "longstanding",
    "long-standing",
    "controlled",
    "uncontrolled",
    "persistent",
    "intermittent",
    "slight",
    "some",
    "increased",
    "recent",
    "old",
    "minimal",
    "obvious",
    "symptomatic",
    "well-controlled",
    "progressive",
    "worsening",
    "underlying",
    "extensive",
    "questionable",
    "apparent",
    "prior",
    "previous",
    "further",
    "overt",
    "gross",
];

fn singular(word: &str) -> String {
    let lower = word.to_lowercase().replace('’', "'");
    let lower = lower.strip_suffix("'s").unwrap_or(&lower);
    let n = lower.len();
    if n <= 3 || !lower.is_ascii() || lower.ends_with("ss") || lower.ends_with("us") || lower.ends_with("is")
    {
        return lower.to_owned();
    }
    if let Some(stem) = lower.strip_suffix("ies").filter(|s| s.len() > 2) {
        return format!("{stem}y");
    }
    if let Some(stem) = lower.strip_suffix("oses") {
        return format!("{stem}osis");
    }
    lower.strip_suffix('s').unwrap_or(lower).to_owned()
}

/// The head of a phrase: the last of its words, or of its pairs and triples, that the lexicon or an ending knows.
pub(crate) fn head(words: &[String]) -> Option<HeadKind> {
    for at in (0..words.len()).rev() {
        for length in (2..=3).rev() {
            if at + 1 >= length
                && let Some(&kind) = LEXICON.heads.get(&words[at + 1 - length..=at].join(" "))
            {
                return Some(kind);
            }
        }
        let word = &words[at];
        if let Some(&kind) = LEXICON.heads.get(word) {
            return Some(kind);
        }
        if let Some(last) = word.rsplit('-').next().filter(|last| last.len() < word.len())
            && let Some(&kind) = LEXICON.heads.get(last)
        {
            return Some(kind);
        }
        if word.len() >= 6
            && let Some((_, kind)) = SUFFIXES.iter().find(|(suffix, _)| word.ends_with(suffix))
        {
            return Some(*kind);
        }
    }
    None
}

/// All mentions in order of place; they don't overlap.
pub(crate) fn mentions(doc: &Doc<'_>) -> Vec<Mention> {
    let mut out = Vec::new();
    for (index, segment) in doc.segments.iter().enumerate() {
        in_segment(doc, index, segment, &mut out);
    }
    out
}

/// The mention that a span of the trained heads names, without blanks and stops at its ends; `None` where it lies in
/// no sentence or has no letter.
pub(crate) fn mention_at(doc: &Doc<'_>, span: &Range<usize>) -> Option<Mention> {
    let segment = doc.segments.partition_point(|s| s.range.end <= span.start);
    let within = &doc.segments.get(segment)?.range;
    let (start, end) = (span.start.max(within.start), span.end.min(within.end));
    let words = doc.words_in(start..end.max(start));
    let (first, last) = (words.first()?, words.last()?);
    let span = first.start..last.end;
    if span.len() > 200 || !doc.text[span.clone()].chars().any(char::is_alphabetic) {
        return None;
    }
    let head = head(&folded(doc, words)).unwrap_or(HeadKind::Unknown);
    Some(Mention { key: key(doc, words), span, head, segment })
}

fn in_segment(doc: &Doc<'_>, index: usize, segment: &Segment, out: &mut Vec<Mention>) {
    let words = doc.words_in(segment.range.clone());
    let kind = doc.section(segment).kind;
    let listing = kind.concludes()
        || matches!(
            kind,
            SectionKind::Past
                | SectionKind::Surgical
                | SectionKind::AdmissionDiagnosis
                | SectionKind::Procedure
                | SectionKind::Family
        );
    let chunks = chunks(doc, words);
    let mut at = 0;
    while at < chunks.len() {
        let mut last = at;
        // "stenosis of the left carotid artery" is one phrase.
        while last + 1 < chunks.len() && bridged(doc, words, &chunks[last], &chunks[last + 1]) {
            last += 1;
        }
        let range = chunks[at].start..chunks[last].end;
        let first_head = head(&folded(doc, &words[chunks[at].clone()]));
        let any_head = first_head.or_else(|| head(&folded(doc, &words[range.clone()])));
        at = last + 1;
        let short_item = listing && segment.item && range.start <= 1 && range.len() <= 8;
        let shape = match any_head {
            Some(kind) => kind,
            None if short_item || listing && range.len() <= 5 => HeadKind::Unknown,
            None => continue,
        };
        let span = words[range.start].start..words[range.end - 1].end;
        if span.len() > 160 || !doc.text[span.clone()].chars().any(char::is_alphabetic) {
            continue;
        }
        out.push(Mention { key: key(doc, &words[range]), span, head: shape, segment: index });
    }
}

fn folded(doc: &Doc<'_>, words: &[Word]) -> Vec<String> {
    words.iter().map(|w| singular(w.of(doc.text))).collect()
}

fn key(doc: &Doc<'_>, words: &[Word]) -> String {
    let all = folded(doc, words);
    let bare: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|w| !QUALIFIERS.contains(w) && !LEXICON.breaks.contains(w) && *w != "of")
        .collect();
    if bare.is_empty() { all.join(" ") } else { bare.join(" ") }
}

/// Runs of words without a break, as ranges of `words`, trimmed of figures at both ends.
fn chunks(doc: &Doc<'_>, words: &[Word]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut open: Option<usize> = None;
    for i in 0..=words.len() {
        let breaks = match words.get(i) {
            None => true,
            Some(w) => {
                let lower = w.of(doc.text).to_lowercase();
                LEXICON.breaks.contains(lower.as_str()) || lower == "of"
            }
        };
        let apart = i > 0 && i < words.len() && {
            let gap = &doc.text[words[i - 1].end..words[i].start];
            gap.contains([',', ';', ':', '(', ')', '.', '?', '!', '[', ']', '"', '/', '\r'])
                && !(gap == "/" || gap == ". " && words[i - 1].of(doc.text).len() <= 2)
                || gap.contains('\n') && gap.matches('\n').count() > 1
        };
        if (breaks || apart)
            && let Some(start) = open.take()
        {
            out.extend(trim(doc, words, start..i));
        }
        if !breaks && open.is_none() {
            open = Some(i);
        }
    }
    out
}

fn trim(doc: &Doc<'_>, words: &[Word], mut range: Range<usize>) -> Option<Range<usize>> {
    let figure = |i: usize| words[i].of(doc.text).chars().all(|c| !c.is_alphabetic());
    while range.start < range.end && figure(range.start) {
        range.start += 1;
    }
    if range.len() > 9 {
        range.start = range.end - 9;
    }
    (range.start < range.end).then_some(range)
}

/// Whether only "of", "of the", "in the", "to the" or "in his" lies between two chunks, and the second is no
/// condition of its own.
fn bridged(doc: &Doc<'_>, words: &[Word], a: &Range<usize>, b: &Range<usize>) -> bool {
    let between: Vec<String> = words[a.end..b.start].iter().map(|w| w.of(doc.text).to_lowercase()).collect();
    let text = between.join(" ");
    let joins = matches!(
        text.as_str(),
        "of" | "of the"
            | "of his"
            | "of her"
            | "of an"
            | "of a"
            | "in the"
            | "in her"
            | "in his"
            | "to the"
            | "on the"
            | "in"
            | "to"
            | "at the"
            | "over the"
            | "to his"
            | "to her"
            | "involving the"
            | "involving"
    );
    let gap = &doc.text[words[a.end - 1].end..words[b.start].start];
    let last = head(&folded(doc, &words[a.clone()]));
    let plain = !gap.contains([',', ';', ':', '.', '(', ')', '\n']);
    let next = head(&folded(doc, &words[b.clone()]));
    joins
        && plain
        && b.len() <= 4
        && if text.starts_with("of") {
            last.is_some() || next.is_some()
        } else {
            last.is_some() && next.is_none()
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, HeadKind)> {
        let doc = Doc::new(text, 2000);
        mentions(&doc).into_iter().map(|m| (&text[m.span], m.head)).collect()
    }

    #[test]
    fn finds_conditions_in_a_sentence() {
        let names: Vec<_> = found("She has severe stenosis of the left carotid artery and mild asthma.")
            .iter()
            .map(|m| m.0)
            .collect();
        assert_eq!(names, ["severe stenosis of the left carotid artery", "mild asthma"]);
    }

    #[test]
    fn endings_tell_operations_from_diseases() {
        assert_eq!(
            found("He had a zygomectomy for chronic zygomitis."),
            [("zygomectomy", HeadKind::Operation), ("chronic zygomitis", HeadKind::Disease)]
        );
    }

    #[test]
    fn an_item_of_a_diagnosis_list_needs_no_known_head() {
        assert_eq!(
            found("ASSESSMENT:\n1. Zorbulation.\n2. Gout."),
            [("Zorbulation", HeadKind::Unknown), ("Gout", HeadKind::Disease)]
        );
    }

    #[test]
    fn severity_does_not_make_another_condition() {
        let doc = Doc::new("Severe asthma. Asthma.", 100);
        let found = mentions(&doc);
        assert_eq!(found[0].key, found[1].key);
    }
}
