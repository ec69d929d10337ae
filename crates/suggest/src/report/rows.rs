//! Codes that a report may be given, with what speaks for each.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use overread_codes::Release;
use overread_domain::suggestion::Assertion;

use super::fold;
use super::learned::{Learned, Terms};
use crate::assertion::Scope;
use crate::linear::Row;
use crate::note::Doc;
use crate::pipeline::Analysis;

/// Widths of a candidate's features.
pub(super) const SPARSE: usize = 160;
pub(super) const DENSE: usize = 13;

/// Places of one code that are looked at, and that are shown.
const PLACES: usize = 8;
/// Codes of one mention that its words find.
const BY_WORDS: usize = 3;

/// A code that a report may be given.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub code: String,
    /// Where it is said, in order.
    pub places: Vec<Range<usize>>,
    pub row: Row,
}

#[derive(Clone, Debug, Default)]
struct Draft {
    /// Best share of reports with a phrase of this that have the code; the phrase's count and words, its marks and their
    /// share of all marks of the phrase.
    share: f32,
    reports: f32,
    words: usize,
    marked: f32,
    own: f32,
    /// Probability that no phrase speaks for it.
    none: f32,
    /// A phrase that is no part of a longer known one.
    free: bool,
    /// Words of the longest term that is said in full, and the number of codes that share it.
    term: usize,
    term_codes: usize,
    /// Rank and score of the search with a mention's words.
    lexical: Option<(usize, f32)>,
    /// How near a learned phrase lies, and what it says.
    places: Vec<Range<usize>>,
}

/// Everything that may be coded, in order of code.
pub(super) fn candidates(
    doc: &Doc<'_>,
    analysis: &Analysis,
    release: &Release,
    learned: &Learned,
    terms: &Terms,
) -> Vec<Candidate> {
    let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
    let said = fold::phrases(doc.text);
    let known: Vec<_> =
        said.iter().filter(|p| learned.get(p.key).is_some() || !terms.get(p.key).is_empty()).collect();
    let part = |range: &Range<usize>| {
        known
            .iter()
            .any(|o| o.range.start <= range.start && range.end <= o.range.end && o.range.len() > range.len())
    };
    for phrase in &known {
        let free = !part(&phrase.range);
        if let Some(found) = learned.get(phrase.key) {
            let all: f32 = found.codes.iter().map(|c| f32::from(c.marked)).sum();
            for seen in &found.codes {
                let draft = draft(&mut drafts, &learned.codes[usize::from(seen.code)]);
                let share = (f32::from(seen.together) + 0.3) / (f32::from(found.reports) + 1.5);
                let share = if free { share } else { 0.5 * share };
                draft.none *= 1.0 - 0.9 * share;
                draft.own = draft.own.max(f32::from(seen.marked) / all);
                if share > draft.share {
                    draft.share = share;
                    draft.reports = f32::from(found.reports);
                    draft.words = phrase.words;
                    draft.marked = f32::from(seen.marked);
                }
                draft.free |= free;
                draft.places.push(phrase.range.clone());
            }
        }
        let entries = terms.get(phrase.key);
        for entry in entries.iter().filter_map(|e| release.entry(e.1)) {
            let draft = draft(&mut drafts, entry.code());
            if phrase.words > draft.term {
                draft.term = phrase.words;
                draft.term_codes = entries.len();
            }
            draft.free |= free;
            draft.places.push(phrase.range.clone());
        }
    }
    for candidate in &analysis.candidates {
        for (rank, hit) in candidate.hits.iter().take(BY_WORDS).enumerate() {
            let draft = draft(&mut drafts, &hit.code);
            if draft.lexical.is_none_or(|l| hit.score > l.1) {
                draft.lexical = Some((rank, hit.score));
            }
            draft.places.push(candidate.mention.span.clone());
        }
    }
    // What can't stand on a claim can't come out.
    drafts.retain(|code, _| release.is_billable(code));
    finish(doc, learned, drafts)
}

fn draft<'d>(drafts: &'d mut BTreeMap<String, Draft>, code: &str) -> &'d mut Draft {
    drafts.entry(code.to_owned()).or_insert_with(|| Draft { none: 1.0, ..Draft::default() })
}

fn finish(doc: &Doc<'_>, learned: &Learned, drafts: BTreeMap<String, Draft>) -> Vec<Candidate> {
    let mut by_category: HashMap<String, usize> = HashMap::new();
    for code in drafts.keys() {
        *by_category.entry(code[..3].to_owned()).or_default() += 1;
    }
    let mut given: HashMap<&str, (f32, f32)> = HashMap::new();
    let mut categories: HashMap<&str, f32> = HashMap::new();
    for (code, &count) in learned.codes.iter().zip(&learned.given) {
        *categories.entry(&code[..3]).or_default() += f32::from(count);
        given.insert(code, (f32::from(count), 0.0));
    }
    for (code, entry) in &mut given {
        entry.1 = categories[&code[..3]];
    }
    let mut assertions: HashMap<Range<usize>, Assertion> = HashMap::new();
    let count = drafts.len();
    drafts
        .into_iter()
        .map(|(code, mut draft)| {
            draft.places.sort_by_key(|p| (p.start, std::cmp::Reverse(p.end)));
            draft.places.dedup();
            // Of places within one another the widest stays.
            let mut places: Vec<Range<usize>> = Vec::new();
            for place in std::mem::take(&mut draft.places) {
                if places.last().is_none_or(|last| place.start >= last.end) {
                    places.push(place);
                }
            }
            let said: Vec<Assertion> = places
                .iter()
                .take(PLACES)
                .map(|place| {
                    *assertions.entry(place.clone()).or_insert_with(|| {
                        doc.segment_at(place.start)
                            .map_or(Assertion::Present, |segment| Scope::new(doc, segment).assertion(place))
                    })
                })
                .collect();
            let (own, category) = given
                .get(code.as_str())
                .copied()
                .unwrap_or((0.0, categories.get(&code[..3]).copied().unwrap_or(0.0)));
            let facts = Facts {
                own,
                category,
                siblings: by_category[&code[..3]] - 1,
                mentions: places.len(),
                first: places.first().map_or(1.0, |p| p.start as f32 / doc.text.len().max(1) as f32),
                candidates: count,
                length: doc.text.len(),
            };
            let row = row(&code, &draft, &said, &facts);
            places.truncate(PLACES);
            Candidate { code, places, row }
        })
        .collect()
}

struct Facts {
    own: f32,
    category: f32,
    siblings: usize,
    mentions: usize,
    first: f32,
    candidates: usize,
    length: usize,
}

fn row(code: &str, d: &Draft, said: &[Assertion], f: &Facts) -> Row {
    let mut active = Vec::new();
    let mut base = 0usize;
    let mut one_of = |index: usize, width: usize| {
        active.push((base + index.min(width - 1)) as u32);
        base += width;
    };
    let letter = usize::from(code.as_bytes()[0].wrapping_sub(b'A')).min(25);
    let learned = d.share > 0.0;
    one_of((d.share * 12.0) as usize, 12);
    one_of(if learned { 1 + (d.reports + 1.0).log2() as usize } else { 0 }, 8);
    one_of(letter, 26);
    one_of(d.words, 7);
    one_of(d.term, 7);
    one_of(if d.term == 0 { 0 } else { 1 + d.term_codes.min(3) }, 5);
    one_of(d.lexical.map_or(0, |l| 1 + ((l.1 - 0.3).max(0.0) * 10.0) as usize), 13);
    one_of(d.lexical.map_or(0, |l| 1 + l.0), 5);
    one_of(usize::from(d.free) + 2 * usize::from(learned) + 4 * usize::from(d.term > 0), 8);
    one_of(f.mentions, 8);
    one_of(f.own as usize, 6);
    one_of(f.siblings, 6);
    let share =
        |wanted: Assertion| said.iter().filter(|a| **a == wanted).count() as f32 / said.len().max(1) as f32;
    let absent = share(Assertion::Absent);
    one_of((absent * 3.0) as usize, 4);
    one_of(usize::from(share(Assertion::Historical) >= 0.5), 2);
    one_of(usize::from(share(Assertion::Family) >= 0.5), 2);
    one_of(usize::from(share(Assertion::Possible) >= 0.5), 2);
    one_of(code.len(), 9);
    one_of(usize::from(code.ends_with('9')), 2);
    one_of(if f.first < 0.1 { 0 } else { 1 + (f.first * 4.0) as usize }, 5);
    debug_assert!(base <= SPARSE, "{base} features");
    let share = d.share.clamp(0.01, 0.99);
    let dense = vec![
        if learned { (share / (1.0 - share)).ln() * 0.5 } else { -2.0 },
        2.0 * (1.0 - d.none),
        (1.0 + d.reports).ln() * 0.5,
        (1.0 + d.marked).ln() * 0.5,
        d.own,
        (1.0 + f.own).ln() * 0.5,
        (1.0 + f.category).ln() * 0.3,
        f.own / (f.category + 1.0),
        d.lexical.map_or(0.0, |l| l.1),
        (1.0 + f.mentions as f32).ln(),
        absent,
        (f.candidates as f32).ln() * 0.3,
        (f.length.max(1) as f32).ln() * 0.3,
    ];
    Row { active, dense }
}
