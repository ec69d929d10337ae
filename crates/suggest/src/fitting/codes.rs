//! Which code is a mention's, and which codes make the final list.

use super::{Example, INNER, calibrate, serving};
use crate::codeset::Prior;
use crate::heads::Heads;
use crate::linear::{Fit, Linear, Row};
use crate::mention::{Candidate, matches};
use crate::{codeset, link};

const CODE: Fit = Fit { steps: 300, rate: 0.05, l2_sparse: 12.0, l2_dense: 0.3 };
const FINAL: Fit = Fit { steps: 260, rate: 0.05, l2_sparse: 10.0, l2_dense: 1.0 };
/// How often the right code must be among those shown, of the cases where it is among the candidates.
const SHOWN: f32 = 0.985;
/// Case reports from which they have a head of their own.
const ENOUGH: usize = 60;
/// What a coded case report weighs beside a note: there are many more of them, of another kind.
const CASE: f32 = 0.25;

fn nearest<'e>(example: &'e Example<'_>, span: &std::ops::Range<usize>) -> Option<&'e Candidate> {
    example
        .reading
        .analysis
        .candidates
        .iter()
        .filter(|c| matches(&c.mention.span, span))
        .min_by_key(|c| c.mention.span.start.abs_diff(span.start) + c.mention.span.end.abs_diff(span.end))
}

type Group = (Vec<Row>, Option<usize>, f32);

/// The code head, fitted to choose among the candidates of every mention that a reference span has.
pub(super) fn fit(notes: &[&Example<'_>], heads: &mut Heads) {
    let mut groups: Vec<(Group, usize)> = Vec::new();
    for (i, example) in notes.iter().enumerate() {
        let own = serving(example, heads);
        // A site without vectors yet is served by the same head: it learns from rows of both kinds.
        let plain = own.without_vectors();
        let models = if own.has_vectors() { vec![(own, 1.0), (plain, 0.5)] } else { vec![(plain, 1.0)] };
        for gold in example.note.spans.iter().filter(|g| g.field == "diagnosis" || g.field == "history") {
            let (Some(code), Some(candidate)) = (&gold.code, nearest(example, &gold.span)) else { continue };
            let class = if gold.field == "history" { 2 } else { 1 };
            for (model, weight) in &models {
                let rows = model.code_rows(example.reading, candidate, class);
                let right = rows.iter().position(|(c, _)| c == code);
                let rows: Vec<Row> = rows.into_iter().map(|r| r.1).collect();
                groups.push(((rows, right, *weight), i));
            }
        }
    }
    let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<Group> {
        groups.iter().filter(|g| wanted(g.1 % INNER)).map(|g| g.0.clone()).collect()
    };
    heads.code = Linear::fit_choice(link::SPARSE, link::DENSE, &of(&|_| true), &CODE);
    heads.code_choice = true;
    let mut cases = Vec::new();
    for part in 0..INNER {
        let head = Linear::fit_choice(link::SPARSE, link::DENSE, &of(&|p| p != part), &CODE);
        for (rows, right, weight) in of(&|p| p == part) {
            let Some(right) = right.filter(|_| weight >= 1.0) else { continue };
            let p = head.choice(&rows.iter().collect::<Vec<_>>());
            let mut order: Vec<usize> = (0..p.len()).collect();
            order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
            let Some(place) = order.iter().position(|o| *o == right) else { continue };
            cases.push((order.iter().map(|o| p[*o]).collect(), place));
        }
    }
    heads.code_mass = calibrate::mass(&cases, SHOWN);
}

/// The head of the final list with its calibration and thresholds; mention probabilities come from `inner`.
pub(super) fn fit_final(notes: &[&Example<'_>], coded: &[&Example<'_>], inner: &[Linear], heads: &mut Heads) {
    struct Scored {
        row: Row,
        right: bool,
        weight: f32,
        part: usize,
        headings: bool,
        /// Of a note, not of a case report.
        note: bool,
    }
    let lists = notes.iter().chain(coded).map(|e| (&e.note.codes[..], !e.reading.has_headings()));
    heads.prior = Prior::count(lists);
    let mut rows: Vec<Scored> = Vec::new();
    let mut totals = [0usize; 2];
    let cases = coded.iter().map(|e| (e, CASE));
    for (i, (example, weight)) in notes.iter().map(|e| (e, 1.0)).chain(cases).enumerate() {
        let model = serving(example, heads);
        // Case reports were seen by none of the inner heads: any of them is honest.
        let probabilities = example.reading.probabilities(&inner[i % INNER]);
        let headings = example.reading.has_headings();
        // Where notes tell, case reports that happen to have a heading say nothing of thresholds.
        let note = i < notes.len();
        let tells = note || !headings;
        totals[usize::from(headings)] += if tells { example.note.codes.len() } else { 0 };
        for (code, row) in model.final_rows(example.reading, &probabilities, &example.note.codes) {
            let right = example.note.codes.contains(&code);
            rows.push(Scored { row, right, weight, part: i % INNER, headings, note });
        }
    }
    let fit = |wanted: &dyn Fn(&Scored) -> bool| {
        let rows: Vec<(Row, usize, f32)> = rows
            .iter()
            .filter(|r| wanted(r))
            .map(|r| (r.row.clone(), usize::from(r.right), r.weight))
            .collect();
        Linear::fit(1, codeset::SPARSE, codeset::DENSE, &rows, &FINAL)
    };
    let mut scored: [Vec<(f32, bool)>; 2] = [Vec::new(), Vec::new()];
    let plain = coded.iter().filter(|e| !e.reading.has_headings()).count() >= ENOUGH;
    // Two kinds of text with different rules: case reports have a head of their own once there are enough of them.
    for headings in [true, false] {
        let of = |r: &Scored| !plain || r.headings == headings;
        if headings || plain {
            let head = fit(&of);
            if headings { heads.final_code = head } else { heads.final_plain = head }
        }
        for part in 0..INNER {
            let head = fit(&|r| of(r) && r.part != part);
            for row in
                rows.iter().filter(|r| r.part == part && r.headings == headings && (r.note || !headings))
            {
                scored[usize::from(headings)].push((head.probabilities(&row.row)[0], row.right));
            }
        }
    }
    for (headings, scored) in scored.into_iter().enumerate() {
        let name = if headings == 1 { "final_code" } else { "final_code/plain" };
        if scored.len() < 40 {
            continue;
        }
        heads.calibration.insert(name.to_owned(), calibrate::isotonic(scored.clone(), 6.0));
        let meant = scored.iter().map(|s| (heads.calibrated(name, s.0), s.1)).collect();
        heads.thresholds.insert(name.to_owned(), calibrate::best_threshold(meant, totals[headings]));
    }
}
