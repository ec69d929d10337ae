//! The nearest rows to many queries in one passage through the rows.

use std::ops::Range;

use super::VectorIndex;
use super::kernel::{self, Queries};

/// Rows taken at once: with 60 queries their sums stay in the second-level cache.
const BLOCK: usize = 256;

/// Scores that are compared at once: few of them exceed the bar.
const GLANCE: usize = 16;

/// Products below which a second thread costs more than it saves.
const ALONE: usize = 20_000_000;

/// Score and row, best first; of equal scores the earlier row first.
pub(super) type Best = Vec<(f32, u32)>;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as sorting passes them")]
fn order(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// What has been best so far; rows come in rising order.
struct Top {
    k: usize,
    /// A score that a row must exceed once there are `k`: later rows lose where scores are equal.
    bar: f32,
    rows: Best,
}

impl Top {
    fn new(k: usize) -> Self {
        Self { k, bar: f32::NEG_INFINITY, rows: Vec::new() }
    }

    fn offer(&mut self, score: f32, row: u32) {
        if self.k > 0 && (self.rows.len() < self.k || score > self.bar) {
            self.rows.push((score, row));
            // Room for as many again, so that the selection is paid once for many rows.
            if self.rows.len() >= 2 * self.k + 64 {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if self.rows.len() > self.k {
            self.rows.select_nth_unstable_by(self.k - 1, order);
            self.rows.truncate(self.k);
            self.bar = self.rows[self.k - 1].0;
        }
    }

    fn finish(mut self) -> Best {
        self.cut();
        self.rows.truncate(self.k);
        self.rows.sort_unstable_by(order);
        self.rows
    }
}

impl VectorIndex {
    /// The `k` best rows for each query, given as steps and what a step is worth.
    pub(super) fn scan(&self, queries: &[(f32, Vec<i8>)], k: usize) -> Vec<Best> {
        let (scales, steps): (Vec<f32>, Vec<Vec<i8>>) = queries.iter().cloned().unzip();
        let packed = Queries::new(self.dims, &steps);
        let k = k.min(self.len());
        let parts = threads(self.len() * self.dims * queries.len());
        let share = self.len().div_ceil(parts).max(1);
        let ranges: Vec<Range<usize>> =
            (0..parts).map(|p| (p * share).min(self.len())..((p + 1) * share).min(self.len())).collect();
        let scan = |range: Range<usize>| self.scan_rows(&packed, &scales, range, k);
        let mut found: Vec<Vec<Best>> = if let [all] = &ranges[..] {
            vec![scan(all.clone())]
        } else {
            std::thread::scope(|scope| {
                let (first, rest) = ranges.split_first().expect("at least one part");
                let others: Vec<_> = rest.iter().map(|range| scope.spawn(|| scan(range.clone()))).collect();
                let mut found = vec![scan(first.clone())];
                found.extend(others.into_iter().map(|other| other.join().expect("the scan does not panic")));
                found
            })
        };
        let mut best = found.remove(0);
        for part in found {
            for (best, part) in best.iter_mut().zip(part) {
                best.extend(part);
            }
        }
        for best in &mut best {
            best.sort_unstable_by(order);
            best.truncate(k);
        }
        best
    }

    fn scan_rows(&self, queries: &Queries, scales: &[f32], range: Range<usize>, k: usize) -> Vec<Best> {
        let mut tops: Vec<Top> = scales.iter().map(|_| Top::new(k)).collect();
        let mut wide = Vec::new();
        let mut sums = vec![0; BLOCK * queries.len()];
        for start in range.clone().step_by(BLOCK) {
            let end = (start + BLOCK).min(range.end);
            let sums = &mut sums[..(end - start) * queries.len()];
            kernel::dots(
                &self.steps[start * self.dims..end * self.dims],
                self.dims,
                queries,
                &mut wide,
                sums,
            );
            let steps = &self.scales[start..end];
            for ((sums, scale), top) in sums.chunks_exact(end - start).zip(scales).zip(&mut tops) {
                for (at, (sums, steps)) in sums.chunks(GLANCE).zip(steps.chunks(GLANCE)).enumerate() {
                    let mut scores = [0.0f32; GLANCE];
                    for (score, (sum, step)) in scores.iter_mut().zip(sums.iter().zip(steps)) {
                        // Adding zero turns minus zero into zero: one order for both comparisons.
                        *score = *sum as f32 * (step * scale) + 0.0;
                    }
                    let bar = top.bar;
                    if scores.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a }) > bar
                    {
                        for (row, score) in (start + at * GLANCE..).zip(&scores[..sums.len()]) {
                            top.offer(*score, row as u32);
                        }
                    }
                }
            }
        }
        tops.into_iter().map(Top::finish).collect()
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn threads(products: usize) -> usize {
    if products < ALONE { 1 } else { std::thread::available_parallelism().map_or(1, |n| n.get().min(4)) }
}

/// The browser has none.
#[cfg(target_arch = "wasm32")]
fn threads(_products: usize) -> usize {
    1
}
