//! How each head is fitted.

use std::collections::BTreeMap;
use std::ops::Range;

use overread_suggest::fitting::{
    CODE_DENSE, CODE_SPARSE, FINAL_DENSE, FINAL_SPARSE, MENTION_CLASSES, MENTION_SPARSE, PAST_SPARSE,
    Reading, matches,
};
use overread_suggest::linear::{Fit, Linear, Row};
use overread_suggest::{Heads, Suggester};

use crate::common::Note;

const MENTION: Fit = Fit { steps: 160, rate: 0.06, l2_sparse: 3.0, l2_dense: 6.0 };
const CODE: Fit = Fit { steps: 260, rate: 0.05, l2_sparse: 2.0, l2_dense: 0.5 };
const FINAL: Fit = Fit { steps: 260, rate: 0.05, l2_sparse: 3.0, l2_dense: 0.5 };
const PAST: Fit = Fit { steps: 200, rate: 0.05, l2_sparse: 2.0, l2_dense: 1.0 };

/// A reference entry in bytes.
struct Gold {
    field: String,
    span: Range<usize>,
    value: Option<String>,
    assertion: Option<String>,
    code: Option<String>,
}

pub struct Example<'n> {
    note: &'n Note,
    reading: &'n Reading<'n>,
    gold: Vec<Gold>,
}

impl<'n> Example<'n> {
    pub fn new(note: &'n Note, reading: &'n Reading<'n>) -> Self {
        let bytes: Vec<usize> = note.text.char_indices().map(|(at, _)| at).chain([note.text.len()]).collect();
        let gold = note
            .spans
            .iter()
            .map(|s| Gold {
                field: s.field.clone(),
                span: bytes[s.start]..bytes[s.end],
                value: s.value.clone(),
                assertion: s.assertion.clone(),
                code: s.code.clone(),
            })
            .collect();
        Self { note, reading, gold }
    }
}

/// Fits everything to `data`.
pub fn fit(base: &Suggester, data: &[&Example<'_>], dense: bool) -> Heads {
    let width = if dense { base.encoder().hidden() } else { 0 };
    let mut heads = Heads {
        encoder: if dense { base.encoder().version().as_str().to_owned() } else { String::new() },
        fitted_on: format!("{} notes with reference entries", data.len()),
        ..Heads::default()
    };
    heads.mention = mention_head(data, width);
    heads.past = past_head(data);
    heads.rules = rules(data);
    // Thresholds and the final list want probabilities of notes that the mention head did not see.
    let half = |parity: usize| {
        data.iter()
            .copied()
            .enumerate()
            .filter(move |(i, _)| i % 3 != parity)
            .map(|(_, e)| e)
            .collect::<Vec<_>>()
    };
    let inner: Vec<Linear> = (0..3).map(|parity| mention_head(&half(parity), width)).collect();
    heads.thresholds = thresholds(data, &inner, &heads.rules);
    heads.code = code_head(base, data, &heads);
    let mut rows = Vec::new();
    for (i, example) in data.iter().enumerate() {
        let mut own = heads.clone();
        own.mention = inner[i % 3].clone();
        let model = base.with_heads(own);
        let gold: Vec<&str> = example.note.codes.iter().map(|c| c.code.as_str()).collect();
        let found = model.final_rows(example.reading);
        rows.extend(
            found.into_iter().map(|(code, row)| (row, usize::from(gold.contains(&code.as_str())), i)),
        );
    }
    let all: Vec<(Row, usize, f32)> = rows.iter().map(|(r, y, _)| (r.clone(), *y, 1.0)).collect();
    heads.final_code = Linear::fit(1, FINAL_SPARSE, FINAL_DENSE, &all, &FINAL);
    let mut scored = Vec::new();
    for parity in 0..3 {
        let train: Vec<_> =
            rows.iter().filter(|r| r.2 % 3 != parity).map(|(r, y, _)| (r.clone(), *y, 1.0)).collect();
        let head = Linear::fit(1, FINAL_SPARSE, FINAL_DENSE, &train, &FINAL);
        scored.extend(
            rows.iter().filter(|r| r.2 % 3 == parity).map(|(r, y, _)| (head.probabilities(r)[0], *y == 1)),
        );
    }
    let total = data.iter().map(|e| e.note.codes.len()).sum();
    heads.thresholds.insert("final_code".to_owned(), best_threshold(scored, total));
    heads
}

fn class_of(example: &Example<'_>, span: &Range<usize>) -> usize {
    let mut best: Option<(usize, usize)> = None;
    for gold in &example.gold {
        let Some(class) = MENTION_CLASSES.iter().position(|c| *c == gold.field) else { continue };
        if matches(&gold.span, span) {
            let far = gold.span.start.abs_diff(span.start) + gold.span.end.abs_diff(span.end);
            if best.is_none_or(|b| far < b.0) {
                best = Some((far, class));
            }
        }
    }
    best.map_or(0, |b| b.1)
}

fn mention_head(data: &[&Example<'_>], width: usize) -> Linear {
    let mut rows = Vec::new();
    for example in data {
        let mentions = example.reading.mentions();
        let classes: Vec<usize> = mentions.iter().map(|m| class_of(example, &m.span)).collect();
        for (m, &class) in mentions.iter().zip(&classes) {
            // Another mention of what the reference marks elsewhere is neither right nor wrong.
            let twin = class == 0 && mentions.iter().zip(&classes).any(|(o, &c)| o.group == m.group && c > 0);
            rows.push((m.row.clone(), class, if twin { 0.25 } else { 1.0 }));
        }
    }
    Linear::fit(MENTION_CLASSES.len(), MENTION_SPARSE, width, &rows, &MENTION)
}

fn past_head(data: &[&Example<'_>]) -> Linear {
    let mut rows = Vec::new();
    for example in data {
        for m in example.reading.mentions() {
            let gold = example.gold.iter().find(|g| g.field == "history" && matches(&g.span, &m.span));
            if let Some(gold) = gold {
                rows.push((m.past, usize::from(gold.assertion.as_deref() == Some("historical")), 1.0));
            }
        }
    }
    Linear::fit(1, PAST_SPARSE, 0, &rows, &PAST)
}

/// The normal form as the scorer compares it.
fn norm(value: &str) -> String {
    let lower = value.to_lowercase().replace(['%', '°'], "");
    lower.split_whitespace().collect::<String>().trim_matches(['.', ',', ';']).to_owned()
}

const VALUES: &[&str] = &[
    "age",
    "sex",
    "blood_pressure",
    "heart_rate",
    "respiratory_rate",
    "temperature",
    "oxygen_saturation",
    "height",
    "weight",
    "bmi",
    "tobacco_use",
    "alcohol_use",
    "service_date",
    "admission_date",
    "discharge_date",
];

fn right(example: &Example<'_>, concept: &str, span: &Range<usize>, value: Option<&str>) -> bool {
    example.gold.iter().filter(|g| g.field == concept).any(|g| {
        if VALUES.contains(&concept) {
            g.value.as_deref().map(norm) == value.map(norm)
        } else {
            matches(&g.span, span) || g.value.as_deref() == Some("none known") && value == Some("none known")
        }
    })
}

/// How often each rule is right, drawn towards its concept's mean where it was seldom seen.
fn rules(data: &[&Example<'_>]) -> BTreeMap<String, f32> {
    let mut counts: BTreeMap<String, (f32, f32)> = BTreeMap::new();
    for example in data {
        for find in example.reading.finds() {
            let ok = f32::from(u8::from(right(example, find.concept, &find.span, find.value.as_deref())));
            for key in [find.concept.to_owned(), format!("{}/{}", find.concept, find.rule)] {
                let entry = counts.entry(key).or_default();
                entry.0 += ok;
                entry.1 += 1.0;
            }
        }
    }
    let mean = |key: &str| counts.get(key).map_or(0.5, |c| (c.0 + 1.0) / (c.1 + 2.0));
    counts
        .iter()
        .map(|(key, (ok, n))| {
            let prior = key.split('/').next().map_or(0.5, mean);
            let p = if key.contains('/') { (ok + 4.0 * prior) / (n + 4.0) } else { mean(key) };
            (key.clone(), (p * 1000.0).round() / 1000.0)
        })
        .collect()
}

/// The confidence from which showing gives the best F1; `scored` is (confidence, right), `total` what there is.
fn best_threshold(mut scored: Vec<(f32, bool)>, total: usize) -> f32 {
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut tp, mut best) = (0.0, (0.0, 0.5));
    for (i, (p, ok)) in scored.iter().enumerate() {
        tp += f32::from(u8::from(*ok));
        let f1 = 2.0 * tp / (i as f32 + 1.0 + total as f32);
        let last = scored.get(i + 1).is_none_or(|next| next.0 < *p);
        if last && f1 > best.0 {
            best = (f1, *p);
        }
    }
    // Drawn to what calibrated probabilities would ask for, since few notes make the optimum jump.
    let calibrated = best.0 / 2.0;
    ((best.1 * 0.5 + calibrated * 0.5) * 1000.0).floor() / 1000.0
}

fn thresholds(
    data: &[&Example<'_>],
    inner: &[Linear],
    rules: &BTreeMap<String, f32>,
) -> BTreeMap<String, f32> {
    let mut out = BTreeMap::new();
    let mut scored: BTreeMap<usize, Vec<(f32, bool)>> = BTreeMap::new();
    for (i, example) in data.iter().enumerate() {
        let mentions = example.reading.mentions();
        let mut best: BTreeMap<(usize, usize), (f32, f32, usize, usize)> = BTreeMap::new();
        for (k, m) in mentions.iter().enumerate() {
            let p = inner[i % inner.len()].probabilities(&m.row);
            let own = if p[1] >= p[2] { 1 } else { 2 };
            for (slot, class, score) in [(0, own, p[1] + p[2]), (3, 3, p[3]), (4, 4, p[4]), (5, 5, p[5])] {
                let entry = best.entry((m.group, slot)).or_insert((score, p[class], class, k));
                if score > entry.0 {
                    *entry = (score, p[class], class, k);
                }
            }
        }
        for (_, p, class, k) in best.into_values() {
            let ok = example.gold.iter().any(|g| {
                let wanted = g.field == MENTION_CLASSES[class]
                    || class <= 2 && matches!(g.field.as_str(), "diagnosis" | "history");
                wanted && matches(&g.span, &mentions[k].span)
            });
            scored.entry(class).or_default().push((p, ok));
        }
    }
    for (class, scored) in scored {
        let total: usize =
            data.iter().map(|e| e.gold.iter().filter(|g| g.field == MENTION_CLASSES[class]).count()).sum();
        out.insert(MENTION_CLASSES[class].to_owned(), best_threshold(scored, total));
    }
    // Rules are few and coarse: one that is right in a third of cases still helps the reviewer more than it costs.
    for concept in rules.keys().filter(|k| !k.contains('/')) {
        out.insert(concept.clone(), if VALUES.contains(&concept.as_str()) { 0.2 } else { 0.3 });
    }
    out
}

fn code_head(base: &Suggester, data: &[&Example<'_>], heads: &Heads) -> Linear {
    // A site without vectors yet is served by the same head: it learns from rows of both kinds.
    let models = [base.with_heads(heads.clone()), base.without_vectors().with_heads(heads.clone())];
    let models = if base.has_vectors() { &models[..] } else { &models[1..] };
    let mut rows = Vec::new();
    for (example, model) in data.iter().flat_map(|e| models.iter().map(move |m| (e, m))) {
        for gold in example.gold.iter().filter(|g| g.field == "diagnosis" || g.field == "history") {
            let Some(code) = &gold.code else { continue };
            for (candidate, row) in model.code_rows(example.reading, &gold.span, gold.field == "history") {
                rows.push((row, usize::from(candidate == *code), 1.0));
            }
        }
    }
    Linear::fit(1, CODE_SPARSE, CODE_DENSE, &rows, &CODE)
}

/// The heads with weights rounded to what matters, so that the file stays small and reads the same everywhere.
pub fn to_json(heads: &Heads) -> String {
    let mut heads = heads.clone();
    for head in [&mut heads.mention, &mut heads.code, &mut heads.final_code, &mut heads.past] {
        for w in &mut head.weights {
            *w = (*w * 10_000.0).round() / 10_000.0;
        }
    }
    serde_json::to_string(&heads).unwrap_or_default() + "\n"
}
