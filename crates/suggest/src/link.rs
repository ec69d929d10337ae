//! From a mention's words to ranked code candidates.

use overread_codes::search::Patient;
use overread_codes::vectors::VectorIndex;
use overread_codes::{Context, Hit, Options, Release, TermKind};
use overread_domain::suggestion::Assertion;

use crate::find::condition::HeadKind;
use crate::heads::Heads;
use crate::linear::Row;

/// Candidates a mention, for the reviewer to choose from.
pub(crate) const SHOWN: usize = 8;
/// Candidates that the ranking looks at.
const DEEP: usize = 16;

/// Width of a candidate's binary features.
pub(crate) const SPARSE: usize = 144;

/// Codes that may stand on a claim for `query`, best first.
pub(crate) fn lookup(
    release: &Release,
    query: &str,
    context: Context,
    patient: Patient,
    limit: usize,
) -> Vec<Hit> {
    release.search(&plain(query), &Options { limit, billable_only: true, typing: false, context, patient })
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
    /// The mention's words.
    pub quote: &'a str,
    /// The list item or clause that it stands in, where that is short: it may name the side, the stage, the cause.
    pub around: Option<&'a str>,
    /// Nothing else is named in `around`.
    pub alone: bool,
    pub patient: Patient,
    pub assertion: Assertion,
    pub head: HeadKind,
    /// Chosen for the field of past conditions.
    pub history: bool,
    /// The mention's vector, where terms have vectors too.
    pub vector: Option<&'a [f32]>,
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

#[derive(Clone, Default)]
struct Evidence {
    by_quote: Option<(usize, f32)>,
    by_item: Option<(usize, f32)>,
    by_past: Option<(usize, f32)>,
    by_meaning: Option<(usize, f32)>,
    kind: Option<TermKind>,
    title: String,
}

fn past_context(wanted: &Wanted<'_>) -> bool {
    wanted.assertion == Assertion::Historical || wanted.history && wanted.head == HeadKind::Operation
}

/// All candidates with their features, in the order of the plain score.
pub(crate) fn candidates(
    release: &Release,
    vectors: Option<&VectorIndex>,
    wanted: &Wanted<'_>,
) -> Vec<Candidate> {
    let mut order: Vec<String> = Vec::new();
    let mut found: std::collections::HashMap<String, Evidence> = std::collections::HashMap::new();
    let mut add = |hits: Vec<Hit>, slot: fn(&mut Evidence) -> &mut Option<(usize, f32)>| {
        for (rank, hit) in hits.into_iter().enumerate() {
            let evidence = found.entry(hit.code.clone()).or_insert_with(|| {
                order.push(hit.code.clone());
                Evidence { title: hit.title.clone(), kind: Some(hit.matched_kind), ..Evidence::default() }
            });
            slot(evidence).get_or_insert((rank, hit.score));
        }
    };
    let family = wanted.assertion == Assertion::Family;
    let plain = if family { Context::FamilyHistory } else { Context::Current };
    let patient = wanted.patient;
    add(lookup(release, wanted.quote, plain, patient, DEEP), |e| &mut e.by_quote);
    if let Some(around) = wanted.around.filter(|a| a.len() > wanted.quote.len() + 2 && !family) {
        add(lookup(release, around, plain, patient, 8), |e| &mut e.by_item);
    }
    if past_context(wanted) || wanted.history {
        add(lookup(release, wanted.quote, Context::PersonalHistory, patient, 8), |e| &mut e.by_past);
    }
    if let (Some(index), Some(vector)) = (vectors, wanted.vector) {
        let options = Options { limit: 8, billable_only: true, typing: false, context: plain, patient };
        if let Ok(near) = index.nearest_codes(release, wanted.quote, vector, &options) {
            add(near, |e| &mut e.by_meaning);
        }
    }
    let mut out: Vec<Candidate> = order
        .into_iter()
        .filter_map(|code| {
            let evidence = found.get(&code)?;
            let (row, score) = features(&code, evidence, wanted);
            Some(Candidate { title: evidence.title.clone(), code, row, score })
        })
        .collect();
    out.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.code.cmp(&b.code)));
    out
}

/// Ranks candidates by the fitted head, or by the plain score without one; `(code, title, probability)`.
pub(crate) fn rank(heads: &Heads, candidates: Vec<Candidate>) -> Vec<(String, String, f32)> {
    let mut ranked: Vec<(String, String, f32)> = candidates
        .into_iter()
        .map(|c| {
            let p = if heads.code.classes == 1 {
                heads.code.probabilities(&c.row)[0]
            } else {
                c.score.clamp(0.0, 1.0) * 0.6
            };
            (c.code, c.title, p)
        })
        .collect();
    ranked.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(SHOWN);
    // At most one of them is right: probabilities of more than one in all are scaled down.
    let sum: f32 = ranked.iter().map(|r| r.2).sum();
    if sum > 1.0 {
        for r in &mut ranked {
            r.2 /= sum;
        }
    }
    ranked
}

fn features(code: &str, e: &Evidence, wanted: &Wanted<'_>) -> (Row, f32) {
    let mut active = Vec::new();
    let mut base = 0usize;
    let mut one_of = |index: usize, width: usize| {
        if index < width {
            active.push((base + index) as u32);
        }
        base += width;
    };
    let rank_bin = |r: Option<(usize, f32)>| match r {
        None => 5,
        Some((rank, _)) => match rank {
            0 => 0,
            1 => 1,
            2 | 3 => 2,
            4..=7 => 3,
            _ => 4,
        },
    };
    one_of(rank_bin(e.by_quote), 6);
    one_of(rank_bin(e.by_item), 6);
    one_of(rank_bin(e.by_past), 6);
    one_of(rank_bin(e.by_meaning), 6);
    let score = |r: Option<(usize, f32)>| r.map_or(0.0, |r| r.1);
    one_of((score(e.by_quote) * 10.0) as usize, 13);
    one_of((score(e.by_item) * 10.0) as usize, 13);
    let letter = code.as_bytes().first().copied().unwrap_or(b'A');
    let status = letter == b'Z';
    let past = past_context(wanted);
    one_of(usize::from(status) * 4 + usize::from(past) * 2 + usize::from(wanted.history), 8);
    one_of(usize::from(letter == b'R') * HeadKind::COUNT + wanted.head as usize, 2 * HeadKind::COUNT);
    let title = e.title.to_lowercase();
    one_of(usize::from(!title.contains("unspecified")), 1);
    one_of(usize::from(!title.starts_with("other ")), 1);
    let injury = matches!(letter, b'S' | b'T');
    one_of(usize::from(injury) * 2 + usize::from(code.ends_with('A')), 4);
    one_of(e.kind.map_or(3, |k| k as usize).min(3), 4);
    one_of(usize::from(!title.contains("sequela") && !title.contains("subsequent")), 1);
    one_of(usize::from(letter != b'O' && letter != b'P'), 1);
    one_of(usize::from(wanted.alone) * 6 + rank_bin(e.by_item), 12);
    one_of(usize::from(past) * 6 + rank_bin(e.by_past), 12);
    let side = |text: &str| (text.contains("left"), text.contains("right"));
    let (own, theirs) = (side(&wanted.quote.to_lowercase()), side(&title));
    one_of(
        if own == theirs {
            0
        } else if theirs == (false, false) {
            1
        } else {
            2
        },
        3,
    );
    debug_assert!(base <= SPARSE, "{base} features");
    let z = if past { score(e.by_past).max(0.0) } else { 0.0 };
    let plain = score(e.by_quote).max(0.9 * score(e.by_item)).max(z * 1.1).max(0.8 * score(e.by_meaning));
    let dense = vec![score(e.by_quote), score(e.by_item), score(e.by_past), score(e.by_meaning), plain];
    (Row { active, dense }, plain)
}

/// Width of a candidate's dense features.
pub(crate) const DENSE: usize = 5;
