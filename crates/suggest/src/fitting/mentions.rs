//! Which mention is what, whether it is there, and from where it is shown.

use std::collections::BTreeMap;
use std::ops::Range;

use overread_domain::suggestion::Assertion;

use super::{Example, INNER, calibrate};
use crate::asserted::{self, Facts};
use crate::heads::{CLASSES, Heads};
use crate::linear::{Fit, Linear};
use crate::mention::{self, matches};
use crate::neural::ASSERTIONS;
use crate::pipeline::{PAST_SPARSE, past_row};

const MENTION: Fit = Fit { steps: 160, rate: 0.06, l2_sparse: 3.0, l2_dense: 6.0 };
/// The few numbers of trained heads are worth more than hundreds of states.
const TRAINED: Fit = Fit { steps: 260, rate: 0.06, l2_sparse: 8.0, l2_dense: 8.0 };
const PAST: Fit = Fit { steps: 200, rate: 0.05, l2_sparse: 2.0, l2_dense: 1.0 };
const ASSERTION: Fit = Fit { steps: 260, rate: 0.05, l2_sparse: 1.5, l2_dense: 0.5 };

/// The class of a mention by the nearest reference span.
fn class_of(example: &Example<'_>, span: &Range<usize>) -> usize {
    let mut best: Option<(usize, usize)> = None;
    for gold in &example.note.spans {
        let Some(class) = CLASSES.iter().position(|c| *c == gold.field) else { continue };
        if matches(&gold.span, span) {
            let far = gold.span.start.abs_diff(span.start) + gold.span.end.abs_diff(span.end);
            if best.is_none_or(|b| far < b.0) {
                best = Some((far, class));
            }
        }
    }
    best.map_or(0, |b| b.1)
}

/// The mention head.
pub(super) fn fit(notes: &[&Example<'_>]) -> Linear {
    let mut rows = Vec::new();
    let mut width = 0;
    for example in notes {
        let candidates = &example.reading.analysis.candidates;
        let groups = mention::groups(candidates);
        let classes: Vec<usize> = candidates.iter().map(|c| class_of(example, &c.mention.span)).collect();
        for (i, candidate) in candidates.iter().enumerate() {
            // Another mention of what the reference marks elsewhere is neither right nor wrong.
            let twin = classes[i] == 0 && groups.iter().zip(&classes).any(|(g, c)| *g == groups[i] && *c > 0);
            width = candidate.row.dense.len();
            rows.push((candidate.row.clone(), classes[i], if twin { 0.25 } else { 1.0 }));
        }
    }
    let how = if width == mention::TRAINED_DENSE { TRAINED } else { MENTION };
    Linear::fit(CLASSES.len(), mention::SPARSE, width, &rows, &how)
}

/// Whether what is past is over.
pub(super) fn past(notes: &[&Example<'_>]) -> Linear {
    let mut rows = Vec::new();
    for example in notes {
        for c in &example.reading.analysis.candidates {
            let mut golds = example.note.spans.iter();
            if let Some(gold) = golds.find(|g| g.field == "history" && matches(&g.span, &c.mention.span)) {
                let over = gold.assertion.as_deref() == Some("historical");
                rows.push((past_row(c), usize::from(over), 1.0));
            }
        }
    }
    Linear::fit(1, PAST_SPARSE, 0, &rows, &PAST)
}

/// The assertion head: of every mention that a reference span has, as its field's and as nobody's.
pub(super) fn assertion(notes: &[&Example<'_>]) -> Linear {
    let mut rows = Vec::new();
    for example in notes {
        for c in &example.reading.analysis.candidates {
            let gold = example
                .note
                .spans
                .iter()
                .find(|g| CLASSES.contains(&g.field.as_str()) && matches(&g.span, &c.mention.span));
            let Some(gold) = gold else { continue };
            let said = gold.assertion.as_deref().unwrap_or("present");
            let Some(class) = Assertion::ALL.iter().position(|a| a.as_str() == said) else { continue };
            let field = CLASSES.iter().position(|f| *f == gold.field).unwrap_or(0);
            rows.push((asserted::row(&Facts::of(c, field)), class, 1.0));
            rows.push((asserted::row(&Facts::of(c, 0)), class, 0.7));
        }
    }
    Linear::fit(ASSERTIONS, asserted::SPARSE, asserted::DENSE, &rows, &ASSERTION)
}

/// Calibration and thresholds, from mentions of notes that the head (`inner`, one a part) did not see.
pub(super) fn calibrate(notes: &[&Example<'_>], inner: &[Linear], heads: &mut Heads) {
    let mut scored: BTreeMap<usize, Vec<(f32, bool, bool)>> = BTreeMap::new();
    for (i, example) in notes.iter().enumerate() {
        let probabilities = example.reading.probabilities(&inner[i % INNER]);
        let candidates = &example.reading.analysis.candidates;
        for chosen in mention::choose(candidates, &probabilities) {
            let span = &candidates[chosen.candidate].mention.span;
            let field = CLASSES[chosen.class];
            let own = example.note.spans.iter().any(|g| g.field == field && matches(&g.span, span));
            let either = own
                || chosen.class <= 2
                    && example.note.spans.iter().any(|g| {
                        matches!(g.field.as_str(), "diagnosis" | "history") && matches(&g.span, span)
                    });
            scored.entry(chosen.class).or_default().push((chosen.probability, own, either));
        }
    }
    for (class, scored) in scored {
        let name = CLASSES[class];
        let knots = calibrate::isotonic(scored.iter().map(|s| (s.0, s.1)).collect(), 6.0);
        heads.calibration.insert(name.to_owned(), knots);
        let total = notes.iter().flat_map(|e| &e.note.spans).filter(|g| g.field == name).count();
        let meant = scored.iter().map(|s| (heads.calibrated(name, s.0), s.2)).collect();
        heads.thresholds.insert(name.to_owned(), calibrate::best_threshold(meant, total));
    }
}
