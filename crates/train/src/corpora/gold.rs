//! Notes with reference entries.
//!
//! Their guidelines ask for one span a distinct condition, drug or procedure, for the first of repeated vital signs, and
//! for a bounded number of absent conditions and laboratory results. What the note says again elsewhere is therefore
//! neither right nor wrong, and doubtful here.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use overread_domain::template::{ENCOUNTER_ABSTRACT, FINAL_CODES};
use overread_domain::{Assertion, Template};

use super::doubt::Doubts;
use super::source::{Ids, Places};
use super::{Collection, Corpus, CorpusError, Document, FOLDS, Link, Mention, Split, source};
use crate::gold::{GoldNote, GoldSpan};

/// The guidelines' bounds: a note that reaches one may state more.
const BOUNDS: [(&str, usize); 2] = [("absent_condition", 8), ("lab_result", 15)];

/// The label of a drug's own name is the drug's; only for results does the name stand apart from the figure.
const NAME_IS_THE_SPAN: &str = "medication";

/// Words that state a sex. Only the first clear one is marked.
const SEX_WORDS: [&str; 14] = [
    "man",
    "men",
    "woman",
    "women",
    "male",
    "female",
    "gentleman",
    "lady",
    "boy",
    "girl",
    "he",
    "she",
    "his",
    "her",
];

/// Letters of a noun that says enough by itself.
const SHORTEST_NOUN: usize = 5;

const CONDITIONS: [&str; 2] = ["diagnosis", "history"];

pub(super) fn read(path: &Path) -> Result<Collection, CorpusError> {
    let (lines, source) = source::read::<GoldNote>(path)?;
    let annotated = Arc::new(annotated());
    let mut ids = Ids::new(path);
    let documents = lines
        .into_iter()
        .enumerate()
        .map(|(index, (line, note))| {
            ids.add(line, &note.id)?;
            let fold = u8::try_from(index % usize::from(FOLDS)).expect("under the number of folds");
            document(path, line, note, fold, &annotated)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Collection { corpus: Corpus::NotesGold, source, documents, dropped: Vec::new() })
}

/// Every field of the default template that is stated in words, and every attribute.
fn annotated() -> BTreeSet<String> {
    let template: Template = serde_json::from_str(ENCOUNTER_ABSTRACT).expect("the shipped template is valid");
    let mut out = BTreeSet::new();
    for field in template.fields().filter(|field| field.id != FINAL_CODES) {
        out.insert(field.id.clone());
        out.extend(field.attributes.iter().map(|attribute| format!("{}.{}", field.id, attribute.id)));
    }
    out
}

fn document(
    path: &Path,
    line: usize,
    note: GoldNote,
    fold: u8,
    annotated: &Arc<BTreeSet<String>>,
) -> Result<Document, CorpusError> {
    let places = Places::new(path, line, &note.text);
    let mut found: Vec<(Mention, Option<Mention>)> = Vec::new();
    for (index, span) in note.spans.iter().enumerate() {
        let fault = |what| CorpusError::Annotation { path: path.to_owned(), line, index, what };
        if !annotated.contains(&span.field) {
            return Err(fault("the field is not one of the template"));
        }
        let head = Mention {
            label: span.field.clone(),
            range: places.range(index, span.start, span.end, Some(&span.quote))?,
            assertion: assertion(span).map_err(fault)?,
            code: span.code.clone().filter(|code| !code.is_empty()),
            concept: None,
            value: span.value.clone(),
        };
        for (name, quoted) in &span.attrs {
            let label = format!("{}.{name}", span.field);
            if span.field == NAME_IS_THE_SPAN && name == "name" {
                continue;
            }
            if !annotated.contains(&label) {
                return Err(fault("the attribute is not one of the template"));
            }
            let range = places.range(index, quoted.start, quoted.end, Some(&quoted.quote))?;
            let tail = Mention { label, range, assertion: None, code: None, concept: None, value: None };
            found.push((head.clone(), Some(tail)));
        }
        found.push((head, None));
    }
    let (mentions, links) = arrange(&found);
    let doubtful = doubts(&note, &places, &mentions)?;
    Ok(Document {
        id: note.id,
        corpus: Corpus::NotesGold,
        split: Split::Train,
        fold: Some(fold),
        mentions,
        links,
        annotated: Arc::clone(annotated),
        doubtful,
        note_codes: note.codes.into_iter().map(|code| code.code).collect(),
        section: None,
        text: note.text,
    })
}

/// Conditions and procedures always have one; others where the entry says so.
fn assertion(span: &GoldSpan) -> Result<Option<Assertion>, &'static str> {
    let Some(said) = span.assertion.as_deref().filter(|said| !said.is_empty()) else {
        let carries = matches!(span.field.as_str(), "diagnosis" | "history" | "procedure");
        return Ok(carries.then_some(Assertion::Present));
    };
    let known = Assertion::ALL.into_iter().find(|known| known.as_str() == said);
    known.map(Some).ok_or("the assertion is none of the six")
}

/// Sorted mentions without repeats, and the links between them.
pub(super) fn arrange(found: &[(Mention, Option<Mention>)]) -> (Vec<Mention>, Vec<Link>) {
    let mut mentions: Vec<Mention> = Vec::new();
    for mention in found.iter().flat_map(|(head, tail)| std::iter::once(head).chain(tail)) {
        if !mentions.iter().any(|known| same(known, mention)) {
            mentions.push(mention.clone());
        }
    }
    mentions
        .sort_by(|a, b| (a.range.start, a.range.end, &a.label).cmp(&(b.range.start, b.range.end, &b.label)));
    let place = |mention: &Mention| mentions.iter().position(|known| same(known, mention));
    let mut links: Vec<Link> = found
        .iter()
        .filter_map(|(head, tail)| Some(Link { head: place(head)?, tail: place(tail.as_ref()?)? }))
        .collect();
    links.sort_unstable();
    links.dedup();
    (mentions, links)
}

fn same(a: &Mention, b: &Mention) -> bool {
    a.label == b.label && a.range == b.range
}

fn doubts(
    note: &GoldNote,
    places: &Places<'_>,
    mentions: &[Mention],
) -> Result<Vec<super::Doubt>, CorpusError> {
    let mut out = Doubts::new(&note.text, mentions);
    for mention in mentions {
        let phrase = &note.text[mention.range.clone()];
        match mention.label.as_str() {
            label if CONDITIONS.contains(&label) => {
                for core in cores(phrase) {
                    out.phrase(core, &CONDITIONS);
                }
            }
            label => out.phrase(phrase, &[label]),
        }
    }
    for word in SEX_WORDS {
        out.phrase(word, &["sex"]);
    }
    // What justifies a code states a condition; marked as one it may be somewhere else.
    for (index, quoted) in note.codes.iter().flat_map(|code| &code.evidence).enumerate() {
        let range = places.range(index, quoted.start, quoted.end, Some(&quoted.quote))?;
        let marked = |m: &Mention| CONDITIONS.contains(&m.label.as_str()) && overlap(&m.range, &range);
        if !mentions.iter().any(marked) {
            out.add(&range, CONDITIONS);
        }
    }
    for (field, bound) in BOUNDS {
        let marked: Vec<_> = mentions.iter().filter(|mention| mention.label == field).collect();
        if marked.len() >= bound {
            for mention in marked {
                out.add(&paragraph(&note.text, &mention.range), [field]);
            }
        }
    }
    Ok(out.finish())
}

/// The phrase, without what follows its noun, and its endings of two words and more: "congestive heart failure" is told
/// again as "heart failure".
fn cores(phrase: &str) -> Vec<&str> {
    const AFTER: [&str; 9] =
        [",", " with ", " without ", " of ", " in ", " due ", " secondary ", " status ", " involving "];
    let end = AFTER.iter().filter_map(|mark| phrase.find(mark)).min().unwrap_or(phrase.len());
    let noun = phrase[..end].trim();
    let mut out = vec![phrase];
    let starts = noun.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    for core in std::iter::once(noun).chain(starts.map(|at| noun[at..].trim_start())) {
        let words = core.split_whitespace().count();
        if core != phrase && (words >= 2 || (core == noun && words == 1 && core.len() >= SHORTEST_NOUN)) {
            out.push(core);
        }
    }
    out
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// The line around `range`.
fn paragraph(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_told_again_in_fewer_words() {
        assert_eq!(cores("congestive heart failure"), ["congestive heart failure", "heart failure"]);
        assert_eq!(cores("Pneumonia of the left lung"), ["Pneumonia of the left lung", "Pneumonia"]);
        assert_eq!(cores("gout"), ["gout"]);
        assert_eq!(cores("rash, viral"), ["rash, viral"], "too short a noun");
        assert_eq!(cores("é\u{a0}x failure"), ["é\u{a0}x failure", "x failure"]);
    }
}
