//! The loss of one batch of windows or of terms.

use std::collections::HashMap;
use std::ops::Range;

use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::TrainError;
use super::example::{Packed, Term, Window, likeness};
use super::heads::{FieldLogits, TrainableHeads};
use super::loss;

/// How sharply phrase vectors are told apart.
const TEMPERATURE: f64 = 0.05;
/// Probability of a start or an end from which the model's own finds are put to the span head as questions.
const ASKED: f32 = 0.05;
/// Own finds of a window, at most: early in a run there are thousands.
const MOST_ASKED: usize = 40;
/// Power of the share of words that two spans have in common.
const SHARP: i32 = 3;
/// Longest span that is proposed, in pieces.
pub const LONGEST: usize = 24;

/// Weights of the parts of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    pub field: f64,
    pub span: f64,
    pub assertion: f64,
    pub link: f64,
    pub phrase: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { field: 1.0, span: 1.0, assertion: 0.5, link: 0.3, phrase: 0.5 }
    }
}

/// Parts of a loss, for the curves; NaN where a batch had nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Parts {
    pub total: f32,
    pub field: f32,
    pub span: f32,
    pub assertion: f32,
    pub link: f32,
    pub phrase: f32,
}

fn number(t: &Tensor) -> Result<f32, TrainError> {
    Ok(t.to_scalar::<f32>()?)
}

struct Sum {
    total: Option<Tensor>,
}

impl Sum {
    fn add(&mut self, part: &Tensor, weight: f64) -> Result<(), TrainError> {
        let part = (part * weight)?;
        self.total = Some(match self.total.take() {
            Some(total) => (total + part)?,
            None => part,
        });
        Ok(())
    }
}

/// What a batch of windows is asked beside its own targets.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Embeddings `[F, H]` of all labels.
    pub labels: &'a Tensor,
    /// Term vectors `[m, 128]` with their codes, for the batch's mentions to be told apart by.
    pub keys: Option<(&'a Tensor, &'a [u32])>,
    pub weights: Weights,
    /// Equal seeds ask the span head about equal spans.
    pub seed: u64,
}

/// Loss of a batch of windows. `states` are the packed states `[rows, H]`.
pub fn windows(
    heads: &TrainableHeads,
    states: &Tensor,
    packed: &Packed<'_>,
    windows: &[&Window],
    asked: &Asked<'_>,
) -> Result<(Option<Tensor>, Parts), TrainError> {
    let Asked { labels, keys, weights, seed } = *asked;
    let mut rng = StdRng::seed_from_u64(seed);
    let mut parts = Parts::default();
    let mut sum = Sum { total: None };
    let fields = labels.dim(0)?;
    let logits = heads.field_logits(states, labels)?;
    let cells = Cells::new(packed, windows, fields);
    let shape = (packed.rows, fields);
    let weight = Tensor::from_slice(&cells.weight, shape, &Device::Cpu)?;
    let mut field: Option<Tensor> = None;
    for (logits, targets) in [&logits.start, &logits.end, &logits.inside].into_iter().zip(&cells.targets) {
        let targets = Tensor::from_slice(targets, shape, &Device::Cpu)?;
        let part = loss::binary(logits, &targets, &weight)?;
        field = Some(match field {
            Some(f) => (f + part)?,
            None => part,
        });
    }
    if let Some(field) = field {
        let field = (field / cells.known.max(1) as f64)?;
        parts.field = number(&field)?;
        sum.add(&field, weights.field)?;
    }

    let asked = questions(&logits, packed, windows, fields, &mut rng)?;
    if !asked.spans.is_empty() {
        let scores = heads.span_logits(states, &asked.spans, labels, &logits)?;
        let shape = (asked.spans.len(), fields);
        let targets = Tensor::from_vec(asked.targets, shape, &Device::Cpu)?;
        let weight = Tensor::from_vec(asked.weights, shape, &Device::Cpu)?;
        let span = (loss::binary(&scores, &targets, &weight)? / asked.spans.len() as f64)?;
        parts.span = number(&span)?;
        sum.add(&span, weights.span)?;
    }

    let mut asserted = Vec::new();
    let mut classes = Vec::new();
    let mut pairs = Vec::new();
    let mut linked = Vec::new();
    let mut mentions = Vec::new();
    let mut codes = Vec::new();
    for (i, window) in windows.iter().enumerate() {
        let bounds = packed.shift(i, &(0..window.ids.len()));
        for (rows, class) in &window.assertions {
            asserted.push((packed.shift(i, rows), bounds.clone()));
            classes.push(*class);
        }
        for (head, tail, belongs) in &window.links {
            pairs.push((packed.shift(i, head), packed.shift(i, tail)));
            linked.push(f32::from(u8::from(*belongs)));
        }
        for (rows, code) in &window.mentions {
            mentions.push(packed.shift(i, rows));
            codes.push(*code);
        }
    }
    if !asserted.is_empty() {
        let part = loss::classes(&heads.assertion_logits(states, &asserted)?, &classes)?;
        parts.assertion = number(&part)?;
        sum.add(&part, weights.assertion)?;
    }
    if !pairs.is_empty() {
        let n = pairs.len();
        let logits = heads.link_logits(states, &pairs)?;
        let targets = Tensor::from_vec(linked, n, &Device::Cpu)?;
        let part = (loss::binary(&logits, &targets, &targets.ones_like()?)? / n as f64)?;
        parts.link = number(&part)?;
        sum.add(&part, weights.link)?;
    }
    if let Some((keys, key_codes)) = keys.filter(|_| !mentions.is_empty()) {
        let right: Vec<Vec<usize>> = codes
            .iter()
            .map(|code| (0..key_codes.len()).filter(|&k| key_codes[k] == *code).collect())
            .collect();
        let part = loss::contrastive(&heads.phrases(states, &mentions)?, keys, &right, TEMPERATURE)?;
        parts.phrase = number(&part)?;
        sum.add(&part, weights.phrase)?;
    }
    if let Some(total) = &sum.total {
        parts.total = number(total)?;
    }
    Ok((sum.total, parts))
}

/// Loss of a batch of terms: each one's right keys are the other terms of its code.
pub fn terms(
    heads: &TrainableHeads,
    states: &Tensor,
    packed: &Packed<'_>,
    terms: &[&Term],
    weights: &Weights,
) -> Result<(Tensor, Parts), TrainError> {
    let vectors = term_vectors(heads, states, packed)?;
    let right: Vec<Vec<usize>> = terms
        .iter()
        .enumerate()
        .map(|(i, t)| (0..terms.len()).filter(|&k| k != i && terms[k].code == t.code).collect())
        .collect();
    // A term is its own nearest neighbour: take it out of what it is compared with.
    let n = terms.len();
    let mut same = vec![0.0f32; n * n];
    for i in 0..n {
        same[i * n + i] = 1.0;
    }
    let part = loss::contrastive_but(&vectors, &vectors, &right, TEMPERATURE, Some(&same))?;
    let parts =
        Parts { phrase: number(&part)?, total: number(&part)? * weights.phrase as f32, ..Parts::default() };
    Ok(((part * weights.phrase)?, parts))
}

/// Vectors of framed terms: the frame's two rows stay out.
pub fn term_vectors(
    heads: &TrainableHeads,
    states: &Tensor,
    packed: &Packed<'_>,
) -> Result<Tensor, TrainError> {
    let spans: Vec<Range<usize>> = packed
        .sequences
        .iter()
        .enumerate()
        .map(|(i, ids)| packed.shift(i, &(1..ids.len().saturating_sub(1).max(1))))
        .collect();
    heads.phrases(states, &spans)
}

/// Targets and weights of every token for every field.
struct Cells {
    targets: [Vec<f32>; 3],
    weight: Vec<f32>,
    /// Tokens that some annotator looked at.
    known: usize,
}

impl Cells {
    fn new(packed: &Packed<'_>, windows: &[&Window], fields: usize) -> Self {
        let cells = packed.rows * fields;
        let mut out =
            Self { targets: std::array::from_fn(|_| vec![0.0; cells]), weight: vec![0.0; cells], known: 0 };
        for (i, window) in windows.iter().enumerate() {
            let first = packed.starts[i];
            out.known += window.own.len();
            for row in window.own.clone() {
                for &label in window.annotated.iter() {
                    out.weight[(first + row) * fields + label] = 1.0;
                }
            }
            for (rows, labels) in &window.doubtful {
                for row in rows.clone() {
                    for &label in labels {
                        out.weight[(first + row) * fields + label] = 0.0;
                    }
                }
            }
            for target in &window.spans {
                let at = |row: usize| (first + row) * fields + target.label;
                out.targets[0][at(target.rows.start)] = 1.0;
                out.targets[1][at(target.rows.end - 1)] = 1.0;
                for row in target.rows.clone() {
                    out.targets[2][at(row)] = 1.0;
                }
                // What is marked is known, also inside what is doubtful for others.
                for row in target.rows.clone() {
                    out.weight[at(row)] = 1.0;
                }
            }
        }
        out
    }
}

struct Questions {
    spans: Vec<Range<usize>>,
    targets: Vec<f32>,
    weights: Vec<f32>,
}

/// Spans that the span head is asked about: the marked ones, marked ones with moved borders, and the model's own
/// finds. The target falls off steeply with what is missing of a marked span or too much: a word too many is wrong, if
/// less so than another place.
fn questions(
    logits: &FieldLogits,
    packed: &Packed<'_>,
    windows: &[&Window],
    fields: usize,
    rng: &mut StdRng,
) -> Result<Questions, TrainError> {
    let plain =
        |t: &Tensor| -> Result<Vec<f32>, TrainError> { Ok(t.detach().flatten_all()?.to_vec1::<f32>()?) };
    let (start, end, inside) = (plain(&logits.start)?, plain(&logits.end)?, plain(&logits.inside)?);
    let mut out = Questions { spans: Vec::new(), targets: Vec::new(), weights: Vec::new() };
    for (i, window) in windows.iter().enumerate() {
        let first = packed.starts[i];
        let mut asked: HashMap<(usize, usize), f32> = HashMap::new();
        for target in &window.spans {
            asked.insert((target.rows.start, target.rows.end), f32::INFINITY);
            for _ in 0..2 {
                let (from, to) = moved(window, &target.rows, rng);
                asked.entry((from, to)).or_insert(f32::MAX);
            }
        }
        let at = |row: usize, label: usize| (first + row) * fields + label;
        for &label in window.annotated.iter() {
            for row in window.own.clone().filter(|&r| window.word_start[r]) {
                if sigmoid(start[at(row, label)]) < ASKED {
                    continue;
                }
                let mut total = 0.0;
                let last = (row + LONGEST).min(window.own.end);
                for to in row..last {
                    total += inside[at(to, label)];
                    let mean = total / (to - row + 1) as f32;
                    if mean < -2.0 {
                        break;
                    }
                    if window.word_end[to] && sigmoid(end[at(to, label)]) >= ASKED {
                        let score = start[at(row, label)] + end[at(to, label)] + mean;
                        let entry = asked.entry((row, to + 1)).or_insert(score);
                        *entry = entry.max(score);
                    }
                }
            }
        }
        let mut ranked: Vec<((usize, usize), f32)> = asked.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let sure = ranked.iter().filter(|r| r.1 >= f32::MAX).count();
        ranked.truncate(sure + MOST_ASKED);
        for ((from, to), _) in ranked {
            let span = from..to;
            let mut targets = vec![0.0f32; fields];
            let mut weights = vec![0.0f32; fields];
            for &label in window.annotated.iter() {
                weights[label] = 1.0;
            }
            for (_, labels) in window.doubtful.iter().filter(|d| likeness(&d.0, &span) > 0.0) {
                for &label in labels {
                    weights[label] = 0.0;
                }
            }
            for target in &window.spans {
                let share = likeness(&target.rows, &span);
                if share >= 0.5 {
                    targets[target.label] = targets[target.label].max(share.powi(SHARP));
                    weights[target.label] = 1.0;
                }
            }
            out.spans.push(packed.shift(i, &span));
            out.targets.extend(targets);
            out.weights.extend(weights);
        }
    }
    Ok(out)
}

/// A marked span with one or both borders moved to another word.
fn moved(window: &Window, rows: &Range<usize>, rng: &mut StdRng) -> (usize, usize) {
    let starts: Vec<usize> = (rows.start.saturating_sub(8).max(window.own.start)..rows.end)
        .filter(|&r| window.word_start[r])
        .collect();
    let ends: Vec<usize> =
        (rows.start + 1..=(rows.end + 8).min(window.own.end)).filter(|&r| window.word_end[r - 1]).collect();
    let mut from = rows.start;
    let mut to = rows.end;
    if !starts.is_empty() && rng.random_bool(0.6) {
        from = starts[rng.random_range(0..starts.len())];
    }
    if !ends.is_empty() && (from == rows.start || rng.random_bool(0.6)) {
        to = ends[rng.random_range(0..ends.len())];
    }
    if from < to { (from, to) } else { (rows.start, rows.end) }
}

pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
