//! Finds of rules and of the trained heads: how often each rule is right, and how far the trained heads move that.

use std::collections::BTreeMap;
use std::ops::Range;

use super::gold::{VALUES, norm};
use super::{Example, INNER, calibrate, without};
use crate::Heads;
use crate::concept::Concept;
use crate::linear::{Fit, Linear, Row};
use crate::mention::matches;
use crate::stack;

const FIND: Fit = Fit { steps: 250, rate: 0.05, l2_sparse: 2.0, l2_dense: 2.0 };
/// Finds of one concept from which it has a head of its own.
const ENOUGH: usize = 24;

/// Fits rules, the heads over them, calibration and thresholds of finds.
pub(super) fn fit(notes: &[&Example<'_>], heads: &mut Heads) {
    heads.rules = rules(notes);
    if notes.iter().any(|e| e.model.has_neural()) {
        heads.finds = stacked(notes, &heads.rules);
    }
    heads.links = links(notes);
    heads.slopes = slopes(notes);
    // Where the trained heads make honest probabilities no better, the rule's own stand.
    let alone = honest(notes, &Heads { rules: heads.rules.clone(), ..Heads::default() });
    for (concept, scored) in honest(notes, heads) {
        let rules = alone.get(&concept).map_or(0.0, |scored| cost(scored));
        if cost(&scored) > rules - 0.002 {
            heads.finds.remove(&concept);
        }
    }
    // Rules are few and coarse: one that is right in a third of cases still helps the reviewer more than it costs.
    let concepts: Vec<String> = heads.rules.keys().filter(|k| !k.contains('/')).cloned().collect();
    for concept in concepts {
        let floor = if VALUES.contains(&concept.as_str()) { 0.2 } else { 0.3 };
        heads.thresholds.insert(concept, floor);
    }
    for (concept, scored) in honest(notes, heads) {
        let total = notes.iter().flat_map(|e| &e.note.spans).filter(|g| g.field == concept).count();
        if total >= ENOUGH && !VALUES.contains(&concept.as_str()) && heads.finds.contains_key(&concept) {
            heads.thresholds.insert(concept, calibrate::best_threshold(scored, total).clamp(0.2, 0.6));
        }
    }
}

fn right(example: &Example<'_>, concept: &str, span: &Range<usize>, value: Option<&str>) -> bool {
    example.note.spans.iter().filter(|g| g.field == concept).any(|g| {
        if VALUES.contains(&concept) {
            g.value.as_deref().map(norm) == value.map(norm)
        } else {
            matches(&g.span, span) || g.value.as_deref() == Some("none known") && value == Some("none known")
        }
    })
}

/// How often each rule is right, drawn towards its concept's mean where it was seldom seen.
fn rules(notes: &[&Example<'_>]) -> BTreeMap<String, f32> {
    let mut counts: BTreeMap<String, (f32, f32)> = BTreeMap::new();
    for example in notes {
        for find in &example.reading.analysis.found {
            let concept = find.concept.id();
            let ok = f32::from(u8::from(right(example, concept, &find.span, find.value.as_deref())));
            for key in [concept.to_owned(), format!("{concept}/{}", find.rule)] {
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

type Rows = Vec<(Row, usize, f32)>;

fn rows(notes: &[&Example<'_>], rules: &BTreeMap<String, f32>) -> BTreeMap<String, Rows> {
    let heads = Heads { rules: rules.clone(), ..Heads::default() };
    let mut out: BTreeMap<String, Rows> = BTreeMap::new();
    for example in notes {
        for find in &example.reading.analysis.found {
            let concept = find.concept.id();
            let ok = right(example, concept, &find.span, find.value.as_deref());
            let row = stack::row(find, heads.rule(concept, find.rule));
            out.entry(concept.to_owned()).or_default().push((row, usize::from(ok), 1.0));
        }
    }
    out
}

/// A head for each concept that was found often enough to fit one; others share the head of all.
fn stacked(notes: &[&Example<'_>], rules: &BTreeMap<String, f32>) -> BTreeMap<String, Linear> {
    let rows = rows(notes, rules);
    let all: Rows = rows.values().flatten().cloned().collect();
    // What the rule says is the beginning; the trained heads move it as far as the notes bear out.
    let shared = stack::rule_alone().refined(&all, &FIND);
    rows.into_iter()
        .map(|(concept, rows)| {
            let wrong = rows.iter().filter(|r| r.1 == 0).count();
            let own = rows.len() >= ENOUGH && wrong >= 5 && rows.len() - wrong >= 5;
            let head =
                if own { Linear::fit(1, stack::SPARSE, stack::DENSE, &rows, &FIND) } else { shared.clone() };
            (concept, head)
        })
        .collect()
}

/// Mean negative log likelihood.
fn cost(scored: &[(f32, bool)]) -> f32 {
    let one = |(p, right): &(f32, bool)| {
        let p = p.clamp(0.005, 0.995);
        if *right { -p.ln() } else { -(1.0 - p).ln() }
    };
    scored.iter().map(one).sum::<f32>() / scored.len().max(1) as f32
}

/// Probabilities of finds by heads that did not see their note, and whether they were right.
fn honest(notes: &[&Example<'_>], heads: &Heads) -> BTreeMap<String, Vec<(f32, bool)>> {
    let mut out: BTreeMap<String, Vec<(f32, bool)>> = BTreeMap::new();
    for part in 0..INNER {
        let train = without(notes, part);
        let rules = rules(&train);
        let fitted = if heads.finds.is_empty() { BTreeMap::new() } else { stacked(&train, &rules) };
        let own = Heads { rules, finds: fitted, ..Heads::default() };
        for example in notes.iter().enumerate().filter(|(i, _)| i % INNER == part).map(|(_, e)| *e) {
            for find in &example.reading.analysis.found {
                let concept = find.concept.id();
                let prior = own.rule(concept, find.rule);
                let p =
                    own.find(concept).map_or(prior, |head| head.probabilities(&stack::row(find, prior))[0]);
                let ok = right(example, concept, &find.span, find.value.as_deref());
                out.entry(concept.to_owned()).or_default().push((p, ok));
            }
        }
    }
    out
}

/// From which link logit an attribute that a rule found is kept: where more of what is dropped was wrong than right.
fn links(notes: &[&Example<'_>]) -> BTreeMap<String, f32> {
    let mut cases: BTreeMap<String, Vec<(f32, bool)>> = BTreeMap::new();
    for example in notes {
        for find in &example.reading.analysis.found {
            let concept = find.concept.id();
            let gold = example.note.spans.iter().find(|g| g.field == concept && matches(&g.span, &find.span));
            let Some(gold) = gold else { continue };
            for ((name, span), link) in find.attributes.iter().zip(&find.links) {
                let ok = gold.attributes.iter().any(|(n, s)| n == name && matches(s, span));
                cases.entry(format!("{concept}/{name}")).or_default().push((*link, ok));
            }
        }
    }
    let mut out = BTreeMap::new();
    for (key, mut scored) in cases {
        scored.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Wrong ones dropped less right ones dropped, up to each place.
        let (mut gain, mut best) = (0i32, (2, None));
        for (i, (link, ok)) in scored.iter().enumerate() {
            gain += if *ok { -1 } else { 1 };
            let next = scored.get(i + 1).map_or(*link + 1.0, |n| n.0);
            if gain > best.0 && next > *link {
                best = (gain, Some(f32::midpoint(*link, next)));
            }
        }
        if let (_, Some(least)) = best {
            out.insert(key, least);
        }
    }
    out
}

/// Labels that were never learned from deserve less belief than those fitted on: the slope is flatter and the line
/// lower by these.
const UNSEEN: (f32, f32) = (0.85, -0.4);

/// For each kind of field, from the logit of a span to the log-odds that it is right.
fn slopes(notes: &[&Example<'_>]) -> BTreeMap<String, (f32, f32)> {
    const KINDS: &[(&str, &[Concept])] = &[
        ("text", &[Concept::ChiefComplaint, Concept::Procedure, Concept::Disposition, Concept::FollowUp]),
        ("condition", &[Concept::Diagnosis, Concept::History, Concept::AbsentCondition]),
        (
            "quantity",
            &[
                Concept::HeartRate,
                Concept::Temperature,
                Concept::Weight,
                Concept::RespiratoryRate,
                Concept::LabResult,
            ],
        ),
        ("choice", &[Concept::Sex, Concept::TobaccoUse, Concept::AlcoholUse]),
        ("date", &[Concept::ServiceDate, Concept::AdmissionDate, Concept::DischargeDate]),
        ("age", &[Concept::Age]),
        ("blood_pressure", &[Concept::BloodPressure]),
    ];
    let mut out = BTreeMap::new();
    for (kind, concepts) in KINDS {
        let mut scored = Vec::new();
        for example in notes {
            let Some(insight) = &example.reading.read.insight else { continue };
            for concept in *concepts {
                for hit in insight.hits(*concept).iter().filter(|h| h.logit > -4.0) {
                    let mut golds = example.note.spans.iter().filter(|g| g.field == concept.id());
                    scored.push((hit.logit, golds.any(|g| matches(&g.span, &hit.bytes))));
                }
            }
        }
        let right = scored.iter().filter(|s| s.1).count();
        if right >= 10 && scored.len() - right >= 10 {
            let (slope, offset) = calibrate::platt(&scored);
            out.insert((*kind).to_owned(), (slope.max(0.05) * UNSEEN.0, offset + UNSEEN.1));
        }
    }
    out
}
