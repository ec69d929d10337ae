//! Fits the memory's weights leave-one-note-out: what a note taught never takes part in judging that note.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use overread_domain::lesson::phrase_key;
use overread_domain::{CodeRef, LessonKind};

use super::{Weights, evidence, likeness, posterior};
use crate::states::dot;

/// Something that a note taught.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    /// Any number that is the note's own.
    pub note: usize,
    pub kind: LessonKind,
    pub field: String,
    pub phrase: String,
    pub code: Option<CodeRef>,
}

/// A mention that the model offered without a memory, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub note: usize,
    pub field: String,
    pub phrase: String,
    /// The model's probability that it belongs into the field.
    pub confidence: f32,
    pub kept: bool,
    /// The model's codes, best first, and the one that was decided on.
    pub codes: Vec<(CodeRef, f32)>,
    pub code: Option<CodeRef>,
}

/// Fits of the weights that are looked through.
const PRIORS: [f32; 6] = [0.15, 0.3, 0.5, 0.7, 0.85, 1.0];
const NEAR: [f32; 4] = [0.0, 0.15, 0.3, 0.6];
const FLOORS: [f32; 4] = [0.65, 0.75, 0.82, 0.9];
/// Decisions below which the weights stay what they are: a handful says nothing.
const LEAST: usize = 30;
/// Strength of the starting weights, in decisions.
const RIDGE: f64 = 20.0;

/// What others than a note say of a phrase in a field: kept, rejected, and by code.
type Evidence = (f32, f32, BTreeMap<CodeRef, (f32, f32)>);

struct Facts<'t, S> {
    /// By key: who taught what.
    by_key: HashMap<String, Vec<&'t Taught>>,
    vectors: &'t HashMap<String, Vec<f32>, S>,
}

impl<S: BuildHasher> Facts<'_, S> {
    fn of(&self, judged: &Judged, near: &[(&str, f32)]) -> Evidence {
        let mut out = Evidence::default();
        let own = phrase_key(&judged.phrase);
        for (key, weight) in [(own.as_str(), 1.0)].into_iter().chain(near.iter().copied()) {
            for taught in self.by_key.get(key).into_iter().flatten() {
                if taught.note == judged.note || taught.field != judged.field {
                    continue;
                }
                match (taught.kind, &taught.code) {
                    (LessonKind::MentionAccepted, _) => out.0 += weight,
                    (LessonKind::MentionRejected, _) => out.1 += weight,
                    (LessonKind::CodeAccepted, Some(code)) => {
                        out.2.entry(code.clone()).or_default().0 += weight;
                    }
                    (LessonKind::CodeRejected, Some(code)) => {
                        out.2.entry(code.clone()).or_default().1 += weight;
                    }
                    _ => {}
                }
            }
        }
        out
    }

    /// Keys with a cosine of at least the lowest floor.
    fn neighbours(&self, phrase: &str) -> Vec<(&str, f32)> {
        let own = phrase_key(phrase);
        let Some(vector) = self.vectors.get(&own) else { return Vec::new() };
        let others = self.by_key.keys().filter(|key| **key != own);
        let mut out: Vec<(&str, f32)> = others
            .filter_map(|key| {
                let cosine = dot(vector, self.vectors.get(key)?);
                (cosine >= FLOORS[0]).then_some((key.as_str(), cosine))
            })
            .collect();
        out.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        out.truncate(super::NEAREST);
        out
    }
}

/// The weights that make the decisions likeliest, drawn towards `start`. `vectors` are of length 1, by phrase in the
/// form that [`phrase_key`] gives it; without any, like phrases keep their starting weights.
pub fn fit<S: BuildHasher>(
    taught: &[Taught],
    judged: &[Judged],
    vectors: &HashMap<String, Vec<f32>, S>,
    start: Weights,
) -> Weights {
    let mut by_key: HashMap<String, Vec<&Taught>> = HashMap::new();
    for one in taught {
        by_key.entry(phrase_key(&one.phrase)).or_default().push(one);
    }
    let facts = Facts { by_key, vectors };
    let neighbours: Vec<Vec<(&str, f32)>> = judged.iter().map(|j| facts.neighbours(&j.phrase)).collect();
    let mut best = (f64::INFINITY, start);
    let pairs: Vec<(f32, f32)> = if vectors.is_empty() {
        vec![(start.near, start.floor)]
    } else {
        NEAR.iter().flat_map(|near| FLOORS.map(|floor| (*near, floor))).collect()
    };
    for (near, floor) in pairs {
        let weights = Weights { near, floor, ..start };
        let seen: Vec<Evidence> = judged
            .iter()
            .zip(&neighbours)
            .map(|(judged, near)| {
                let like: Vec<(&str, f32)> = near
                    .iter()
                    .map(|(key, cosine)| (*key, likeness(&weights, *cosine)))
                    .filter(|(_, weight)| *weight > 0.01)
                    .collect();
                facts.of(judged, &like)
            })
            .collect();
        let (mention, mention_loss) = mention_weight(judged, &seen, start.mention);
        let (code_prior, code_loss) = code_prior(judged, &seen, start);
        let loss = mention_loss + code_loss;
        if loss < best.0 - 1e-9 {
            best = (loss, Weights { mention, code_prior, ..weights });
        }
    }
    best.1
}

/// One slope, the model's log-odds as offset: Newton's method on a convex loss.
fn mention_weight(judged: &[Judged], seen: &[Evidence], start: f32) -> (f32, f64) {
    let rows: Vec<(f64, f64, bool)> = judged
        .iter()
        .zip(seen)
        .map(|(judged, (kept, rejected, _))| {
            let p = f64::from(judged.confidence).clamp(1e-4, 1.0 - 1e-4);
            ((p / (1.0 - p)).ln(), f64::from(evidence(*kept, *rejected)), judged.kept)
        })
        .collect();
    let loss = |weight: f64| -> f64 {
        let fit: f64 = rows
            .iter()
            .map(|(offset, x, kept)| {
                let logit = offset + weight * x;
                let signed = if *kept { -logit } else { logit };
                signed.max(0.0) + (-signed.abs()).exp().ln_1p()
            })
            .sum();
        fit + RIDGE * 0.5 * (weight - f64::from(start)).powi(2)
    };
    let told = rows.iter().filter(|(_, x, _)| *x != 0.0).count();
    if told < LEAST {
        return (start, loss(f64::from(start)));
    }
    let mut weight = f64::from(start);
    for _ in 0..30 {
        let (mut slope, mut curve) = (RIDGE * (weight - f64::from(start)), RIDGE);
        for (offset, x, kept) in &rows {
            let p = 1.0 / (1.0 + (-(offset + weight * x)).exp());
            slope += (p - f64::from(u8::from(*kept))) * x;
            curve += p * (1.0 - p) * x * x;
        }
        let step = slope / curve;
        weight = (weight - step).clamp(0.0, 4.0);
        if step.abs() < 1e-6 {
            break;
        }
    }
    (weight as f32, loss(weight))
}

fn code_prior(judged: &[Judged], seen: &[Evidence], start: Weights) -> (f32, f64) {
    let coded: Vec<(&Judged, &Evidence, &CodeRef)> = judged
        .iter()
        .zip(seen)
        .filter_map(|(judged, seen)| Some((judged, seen, judged.code.as_ref()?)))
        .collect();
    let loss = |code_prior: f32| -> f64 {
        let weights = Weights { code_prior, ..start };
        coded
            .iter()
            .map(|(judged, seen, code)| {
                let codes: BTreeMap<&CodeRef, (f32, f32)> = seen.2.iter().map(|(c, n)| (c, *n)).collect();
                let ranked = posterior(&weights, &codes, &judged.codes);
                let p = ranked.iter().find(|(c, _)| c == *code).map_or(0.0, |(_, p)| *p);
                -f64::from(p.max(1e-3)).ln()
            })
            .sum()
    };
    let told = coded.iter().filter(|(_, seen, _)| !seen.2.is_empty()).count();
    if told < LEAST {
        return (start.code_prior, loss(start.code_prior));
    }
    PRIORS
        .into_iter()
        .map(|prior| (prior, loss(prior)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((start.code_prior, 0.0))
}
