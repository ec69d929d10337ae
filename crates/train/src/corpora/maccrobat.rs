//! MACCROBAT: case reports in the form of brat, with events, relations and attributes.
//!
//! `other` holds brat lines that are not spans: `E1\tLABEL:T3` names a span, `R1\tMODIFY Arg1:E2 Arg2:E1` says that
//! the first belongs to the second, `A1\tPOLARITY E1 NEG` that it is not there.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use overread_domain::Assertion;
use serde::Deserialize;

use super::doubt::Doubts;
use super::source::{Ids, Places};
use super::{Collection, Corpus, CorpusError, Document, Dropped, Mention, Split, labels, source};

/// A span in pieces is taken whole where its hull has at most this many bytes more than its pieces.
const MAX_GAP: usize = 12;
/// One document of this many is for measuring.
const DEV_ONE_IN: u64 = 5;

#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
    spans: Vec<Annotation>,
    #[serde(default)]
    other: Vec<String>,
}

#[derive(Deserialize)]
struct Annotation {
    id: String,
    label: String,
    offsets: Vec<(usize, usize)>,
}

pub(super) fn read(path: &Path) -> Result<Collection, CorpusError> {
    let (lines, source) = source::read::<Line>(path)?;
    let annotated: Arc<BTreeSet<String>> = Arc::new(labels::of_maccrobat().collect());
    let mut ids = Ids::new(path);
    let mut dropped = Vec::new();
    let documents = lines
        .into_iter()
        .map(|(line, found)| {
            ids.add(line, &found.id)?;
            document(path, line, found, &annotated, &mut dropped)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Collection { corpus: Corpus::Maccrobat, source, documents, dropped })
}

fn document(
    path: &Path,
    line: usize,
    found: Line,
    annotated: &Arc<BTreeSet<String>>,
    dropped: &mut Vec<Dropped>,
) -> Result<Document, CorpusError> {
    let places = Places::new(path, line, &found.text);
    let mut spans: HashMap<&str, Mention> = HashMap::new();
    let mut pieces: Vec<(Vec<Range<usize>>, String)> = Vec::new();
    for (index, s) in found.spans.iter().enumerate() {
        let fault = |what| CorpusError::Annotation { path: path.to_owned(), line, index, what };
        let label = format!("maccrobat.{}", s.label.to_lowercase());
        if !annotated.contains(&label) {
            return Err(fault("the label is not one of this corpus"));
        }
        let parts = s
            .offsets
            .iter()
            .map(|&(start, end)| places.range(index, start, end, None))
            .collect::<Result<Vec<_>, _>>()?;
        let (Some(start), Some(end)) =
            (parts.iter().map(|p| p.start).min(), parts.iter().map(|p| p.end).max())
        else {
            return Err(fault("the span has no place"));
        };
        let inside: usize = parts.iter().map(ExactSizeIterator::len).sum();
        if parts.len() > 1 && (end - start).saturating_sub(inside) > MAX_GAP {
            dropped.push(Dropped { line, what: "a span in pieces that stand far apart" });
            pieces.push((parts, label));
            continue;
        }
        let mention =
            Mention { label, range: start..end, assertion: None, code: None, concept: None, value: None };
        spans.insert(&s.id, mention);
    }
    let brat = Brat::parse(&found.other);
    assert_all(&mut spans, &brat);

    // In the order of the file, so that the first of two equal spans is the one that stays.
    let heads = found.spans.iter().filter_map(|s| spans.get(s.id.as_str()));
    let mut pairs: Vec<(Mention, Option<Mention>)> = heads.map(|head| (head.clone(), None)).collect();
    for &(tail, head) in &brat.modifies {
        if let (Some(head), Some(tail)) = (spans.get(brat.span(head)), spans.get(brat.span(tail)))
            && (head.label != tail.label || head.range != tail.range)
        {
            pairs.push((head.clone(), Some(tail.clone())));
        }
    }
    let (mentions, links) = super::gold::arrange(&pairs);
    let mut doubts = Doubts::new(&found.text, &mentions);
    for (parts, label) in &pieces {
        for part in parts {
            doubts.add(part, [label.as_str()]);
        }
    }
    let doubtful = doubts.finish();
    Ok(Document {
        split: split(&found.id),
        id: found.id,
        corpus: Corpus::Maccrobat,
        fold: None,
        mentions,
        links,
        annotated: Arc::clone(annotated),
        doubtful,
        note_codes: Vec::new(),
        section: None,
        text: found.text,
    })
}

/// By the id alone, so that a document stays where it is when others come or go.
fn split(id: &str) -> Split {
    let digest = source::hex(id.as_bytes());
    let number = u64::from_str_radix(&digest[..15], 16).unwrap_or(0);
    if number.is_multiple_of(DEV_ONE_IN) { Split::Dev } else { Split::Train }
}

/// The lines of `other` that say something here.
struct Brat<'a> {
    events: HashMap<&'a str, &'a str>,
    /// What modifies, and what is modified.
    modifies: Vec<(&'a str, &'a str)>,
    polarity: Vec<(&'a str, &'a str)>,
}

impl<'a> Brat<'a> {
    fn parse(lines: &'a [String]) -> Self {
        let mut out = Self { events: HashMap::new(), modifies: Vec::new(), polarity: Vec::new() };
        for line in lines {
            let Some((id, rest)) = line.split_once('\t') else { continue };
            let mut words = rest.split_whitespace();
            match (id.as_bytes().first(), words.next()) {
                (Some(b'E'), Some(trigger)) => {
                    if let Some((_, span)) = trigger.split_once(':') {
                        out.events.insert(id, span);
                    }
                }
                (Some(b'R'), Some("MODIFY")) => {
                    let side = |word: Option<&'a str>| word.and_then(|w| w.split_once(':')).map(|(_, at)| at);
                    if let (Some(tail), Some(head)) = (side(words.next()), side(words.next())) {
                        out.modifies.push((tail, head));
                    }
                }
                (Some(b'A'), Some("POLARITY")) => {
                    if let (Some(event), Some(value)) = (words.next(), words.next()) {
                        out.polarity.push((event, value));
                    }
                }
                _ => {}
            }
        }
        out
    }

    /// The span that an event or a span id names.
    fn span(&self, id: &'a str) -> &'a str {
        self.events.get(id).copied().unwrap_or(id)
    }
}

/// Signs, diseases and procedures that the text states. Those inside a history or a family history may be over or another's:
/// only what is said of them counts.
fn assert_all(spans: &mut HashMap<&str, Mention>, brat: &Brat<'_>) {
    let of = |spans: &HashMap<&str, Mention>, label: &str| -> Vec<Range<usize>> {
        spans.values().filter(|m| m.label == label).map(|m| m.range.clone()).collect()
    };
    let history = of(spans, "maccrobat.history");
    let family = of(spans, "maccrobat.family_history");
    let inside = |hulls: &[Range<usize>], range: &Range<usize>| {
        hulls.iter().any(|hull| hull.start <= range.start && range.end <= hull.end)
    };
    let said: HashMap<&str, &str> =
        brat.polarity.iter().map(|&(event, value)| (brat.span(event), value)).collect();
    for (id, mention) in spans.iter_mut() {
        let label = mention.label.trim_start_matches("maccrobat.");
        if !matches!(label, "sign_symptom" | "disease_disorder") {
            continue;
        }
        let in_family = inside(&family, &mention.range);
        let in_history = inside(&history, &mention.range);
        mention.assertion = match said.get(id).copied() {
            Some("NEG") if !in_family => Some(Assertion::Absent),
            Some("UNCERTAIN" | "MAYBE_POS") if !in_family => Some(Assertion::Possible),
            Some("POS") if !in_family => Some(Assertion::Present),
            None if in_family => Some(Assertion::Family),
            None if !in_history => Some(Assertion::Present),
            _ => None,
        };
    }
}
