//! From a mention's words to ranked code candidates: by words, by meaning, and the relatives of both (sides,
//! encounters, severities, the code that says no more).

mod features;
mod kin;

use std::collections::HashMap;

use overread_codes::search::Patient;
use overread_codes::vectors::VectorIndex;
use overread_codes::{Context, Hit, Options, Release, TermKind};
use overread_domain::suggestion::Assertion;

use crate::find::condition::HeadKind;
use crate::heads::Heads;
use crate::linear::Row;
use crate::pipeline::Visit;

pub(crate) use features::{DENSE, SPARSE};

/// Candidates a mention, for the reviewer to choose from.
pub(crate) const SHOWN: usize = 8;
/// Candidates that the ranking looks at, by words and by meaning.
pub(crate) const DEEP: usize = 16;
const NEAR: usize = 10;
/// Candidates that are ranked for the final list.
const RANKED: usize = 12;
/// Relatives of one code that are looked at.
const KIN: usize = 14;

/// Codes that may stand on a claim for `query`, best first.
pub(crate) fn lookup(
    release: &Release,
    query: &str,
    context: Context,
    patient: Patient,
    limit: usize,
) -> Vec<Hit> {
    release.search(
        &plain(query),
        &Options { limit, billable_only: true, typing: false, context, patient, within: None },
    )
}

/// The words that say which condition it is: without doubt, course and size, which no title has.
fn plain(query: &str) -> String {
    const IDLE: &[&str] = &[
        "possible",
        "probable",
        "likely",
        "suspected",
        "known",
        "marked",
        "significant",
        "new",
        "stable",
        "resolved",
        "resolving",
        "improving",
        "improved",
        "longstanding",
        "long-standing",
        "documented",
        "questionable",
        "apparent",
        "obvious",
        "controlled",
        "well-controlled",
        "some",
        "approximately",
        "cm",
        "mm",
        "his",
        "her",
        "previous",
        "prior",
        "recent",
    ];
    let all: Vec<&str> = query.split_whitespace().collect();
    let kept: Vec<&str> = all
        .iter()
        .copied()
        .filter(|w| !IDLE.contains(&w.trim_matches([',', '.']).to_lowercase().as_str()))
        .collect();
    // "Moderate to severe stenosis" is looked for as "stenosis"; "severe persistent asthma" keeps its grade.
    let kept = match kept.as_slice() {
        [_, to, _, rest @ ..] if to.eq_ignore_ascii_case("to") && !rest.is_empty() => rest,
        kept => kept,
    };
    if kept.is_empty() { all.join(" ") } else { kept.join(" ") }
}

/// What is known of a mention when its code is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The mention's words, and what they find in the release as a condition of now.
    pub quote: &'a str,
    pub hits: &'a [Hit],
    /// The list item or clause that it stands in, where that is short: it may name the side, the stage, the cause.
    pub around: Option<&'a str>,
    pub sentence: &'a str,
    /// Nothing else is named in `around`.
    pub alone: bool,
    pub assertion: Assertion,
    pub head: HeadKind,
    /// Chosen for the field of past conditions.
    pub history: bool,
    pub visit: Visit,
}

impl Wanted<'_> {
    fn past(&self) -> bool {
        self.assertion == Assertion::Historical || self.history && self.head == HeadKind::Operation
    }
}

/// A code and why it may be the mention's.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub code: String,
    pub title: String,
    pub row: Row,
    /// The order without a fitted head.
    pub score: f32,
}

/// Rank and score by one way of finding.
type Way = Option<(usize, f32)>;

#[derive(Clone, Default)]
struct Evidence {
    by_quote: Way,
    by_item: Way,
    by_past: Way,
    by_meaning: Way,
    /// As a relative of a code that was found: which, and how well that one was.
    by_kin: Way,
    /// By the table of status phrases.
    by_status: Way,
    kind: Option<TermKind>,
    title: String,
}

/// Looks codes up for the mentions of one note.
pub(crate) struct Finder<'r> {
    release: &'r Release,
    vectors: Option<&'r VectorIndex>,
    patient: Patient,
    /// Codes by meaning, of each mention.
    near: Vec<Vec<Hit>>,
    known: HashMap<(String, u8), Vec<Hit>>,
}

impl<'r> Finder<'r> {
    pub fn new(release: &'r Release, vectors: Option<&'r VectorIndex>, patient: Patient) -> Self {
        Self { release, vectors, patient, near: Vec::new(), known: HashMap::new() }
    }

    /// Looks all mentions up by meaning, in one passage over the vectors: words and vector of each, and whether it is a
    /// relative's, in the order in which candidates will be asked for.
    pub fn near(&mut self, asked: &[(&str, Vec<f32>, bool)]) {
        let Some(index) = self.vectors.filter(|_| !asked.is_empty()) else { return };
        let asked: Vec<(&str, &[f32], Options)> = asked
            .iter()
            .map(|(quote, vector, family)| {
                let context = if *family { Context::FamilyHistory } else { Context::Current };
                let patient = self.patient;
                let how = Options {
                    limit: NEAR,
                    billable_only: true,
                    typing: false,
                    context,
                    patient,
                    within: None,
                };
                (*quote, &vector[..], how)
            })
            .collect();
        // Vectors of another width were refused when the model took them.
        self.near = index.nearest_codes_many(self.release, &asked).unwrap_or_default();
    }

    fn lookup(&mut self, query: &str, context: Context, limit: usize) -> Vec<Hit> {
        let (release, patient) = (self.release, self.patient);
        self.known
            .entry((query.to_lowercase(), context as u8))
            .or_insert_with_key(|(query, _)| lookup(release, query, context, patient, limit))
            .clone()
    }

    /// All candidates of mention `index` with their features, in the order of the plain score.
    pub fn candidates(&mut self, wanted: &Wanted<'_>, index: usize) -> Vec<Candidate> {
        let mut found = Found::default();
        let family = wanted.assertion == Assertion::Family;
        let context = if family { Context::FamilyHistory } else { Context::Current };
        if family || wanted.hits.is_empty() {
            found.add(self.lookup(wanted.quote, context, DEEP), |e| &mut e.by_quote);
        } else {
            found.add(wanted.hits.to_vec(), |e| &mut e.by_quote);
        }
        if let Some(around) = wanted.around.filter(|a| a.len() > wanted.quote.len() + 2 && !family) {
            found.add(self.lookup(around, context, 8), |e| &mut e.by_item);
        }
        if wanted.past() || wanted.history {
            found.add(self.lookup(wanted.quote, Context::PersonalHistory, 8), |e| &mut e.by_past);
        }
        if let Some(near) = self.near.get_mut(index) {
            found.add(std::mem::take(near), |e| &mut e.by_meaning);
        }
        if !family {
            kin::add(self.release, &mut found);
            kin::add_status(self.release, &mut found, wanted);
        }
        let best = features::Best::of(&found);
        let text = features::Text::of(wanted);
        let mut out: Vec<Candidate> = found
            .order
            .iter()
            .filter_map(|code| {
                let evidence = found.by_code.get(code)?;
                let (row, score) = features::row(code, evidence, wanted, &best, &text);
                Some(Candidate { title: evidence.title.clone(), code: code.clone(), row, score })
            })
            .collect();
        out.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.code.cmp(&b.code)));
        out
    }
}

/// Codes in the order in which they were found.
#[derive(Default)]
struct Found {
    order: Vec<String>,
    by_code: HashMap<String, Evidence>,
}

impl Found {
    fn add(&mut self, hits: Vec<Hit>, slot: fn(&mut Evidence) -> &mut Way) {
        for (rank, hit) in hits.into_iter().enumerate() {
            let order = &mut self.order;
            let evidence = self.by_code.entry(hit.code.clone()).or_insert_with(|| {
                order.push(hit.code.clone());
                Evidence { title: hit.title, kind: Some(hit.matched_kind), ..Evidence::default() }
            });
            slot(evidence).get_or_insert((rank, hit.score));
        }
    }
}

/// Ranks candidates by the fitted head, or by the plain score without one; `(code, title, probability)`.
pub(crate) fn rank(heads: &Heads, candidates: Vec<Candidate>) -> Vec<(String, String, f32)> {
    let rows: Vec<&Row> = candidates.iter().map(|c| &c.row).collect();
    let probabilities: Vec<f32> = if heads.code.classes != 1 {
        candidates.iter().map(|c| c.score.clamp(0.0, 1.0) * 0.6).collect()
    } else if heads.code_choice {
        heads.code.choice(&rows)
    } else {
        rows.iter().map(|row| heads.code.probabilities(row)[0]).collect()
    };
    let mut ranked: Vec<(String, String, f32)> =
        candidates.into_iter().zip(probabilities).map(|(c, p)| (c.code, c.title, p)).collect();
    ranked.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(RANKED);
    // At most one of them is right: probabilities of more than one in all are scaled down.
    let sum: f32 = ranked.iter().map(|r| r.2).sum();
    if sum > 1.0 {
        for r in &mut ranked {
            r.2 /= sum;
        }
    }
    ranked
}

/// The candidates that a reviewer is shown: as many as are needed for the fitted share of the probability, so that
/// the right one is left out as seldom as was asked for when the share was fitted (conformal prediction, Vovk et al.
/// 2005), and [`SHOWN`] at most.
pub(crate) fn shown(heads: &Heads, mut ranked: Vec<(String, String, f32)>) -> Vec<(String, String, f32)> {
    let total: f32 = ranked.iter().map(|r| r.2).sum();
    let mut passed = 0.0;
    let mut count = 0;
    for (_, _, p) in &ranked {
        if heads.code_mass.is_some_and(|mass| passed >= mass * total) {
            break;
        }
        passed += p;
        count += 1;
    }
    ranked.truncate(count.clamp(1, SHOWN));
    ranked
}
