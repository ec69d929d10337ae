//! Which words translate which: word translation probabilities both ways by expectation maximisation (Brown et al.
//! 1993, model 1) with a prior along the diagonal (Dyer et al. 2013) and for words of common origin.

use std::collections::HashMap;

use super::words::{Word, likeness};

/// Rounds of expectation maximisation.
const ROUNDS: usize = 6;
/// How sharply word order is expected to be kept.
const DIAGONAL: f32 = 4.0;
/// Weight of "no word of the other language".
const NOTHING: f32 = 0.08;
/// Observations that a likeness of letters counts as.
const COGNATE: f32 = 3.0;

/// A pair of texts that say the same.
#[derive(Clone, Debug)]
struct Pair {
    source: Vec<u32>,
    target: Vec<u32>,
    /// Index of each pair of words, by source, then target.
    cells: Vec<u32>,
    weight: f32,
    ordered: bool,
}

/// Translation probabilities.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    source: HashMap<String, u32>,
    target: HashMap<String, u32>,
    cells: HashMap<(u32, u32), u32>,
    /// Of the source and target words of a cell.
    ends: Vec<(u32, u32)>,
    /// Likeness of the words of a cell.
    alike: Vec<f32>,
    forward: Vec<f32>,
    backward: Vec<f32>,
    pairs: Vec<Pair>,
}

impl Lexicon {
    /// Adds a pair of texts; `ordered` where words are expected in like order.
    pub fn add(&mut self, source: &[Word], target: &[Word], weight: f32, ordered: bool) {
        if source.is_empty() || target.is_empty() || source.len() > 120 || target.len() > 120 {
            return;
        }
        let id = |table: &mut HashMap<String, u32>, word: &Word| {
            let next = table.len() as u32;
            *table.entry(word.stem.clone()).or_insert(next)
        };
        let from: Vec<u32> = source.iter().map(|w| id(&mut self.source, w)).collect();
        let to: Vec<u32> = target.iter().map(|w| id(&mut self.target, w)).collect();
        let mut cells = Vec::with_capacity(from.len() * to.len());
        for (a, wa) in from.iter().zip(source) {
            for (b, wb) in to.iter().zip(target) {
                let next = self.ends.len() as u32;
                let cell = *self.cells.entry((*a, *b)).or_insert(next);
                if cell == next {
                    self.ends.push((*a, *b));
                    self.alike.push(likeness(&wa.common, &wb.common));
                }
                cells.push(cell);
            }
        }
        self.pairs.push(Pair { source: from, target: to, cells, weight, ordered });
    }

    /// Learns from all pairs added.
    pub fn learn(&mut self) {
        let start: Vec<f32> = self.alike.iter().map(|a| 0.02 + a * a).collect();
        let of_source: Vec<u32> = self.ends.iter().map(|e| e.0).collect();
        let of_target: Vec<u32> = self.ends.iter().map(|e| e.1).collect();
        let (sources, targets) = (self.source.len(), self.target.len());
        self.forward = normalised(start.clone(), &of_source, sources);
        self.backward = normalised(start, &of_target, targets);
        for _ in 0..ROUNDS {
            let mut forward: Vec<f32> = self.alike.iter().map(|a| COGNATE * a * a).collect();
            let mut backward = forward.clone();
            for pair in &self.pairs {
                let (n, m) = (pair.source.len(), pair.target.len());
                for j in 0..m {
                    let share = column(pair, &self.forward, j);
                    for (i, p) in share.into_iter().enumerate() {
                        forward[pair.cells[i * m + j] as usize] += pair.weight * p;
                    }
                }
                for i in 0..n {
                    let share = row(pair, &self.backward, i);
                    for (j, p) in share.into_iter().enumerate() {
                        backward[pair.cells[i * m + j] as usize] += pair.weight * p;
                    }
                }
            }
            self.forward = normalised(forward, &of_source, sources);
            self.backward = normalised(backward, &of_target, targets);
        }
        self.pairs = Vec::new();
    }

    /// How surely two words translate each other, 0 to 1, wherever they stand.
    pub fn translates(&self, source: &Word, target: &Word) -> f32 {
        let cell = self.source.get(&source.stem).zip(self.target.get(&target.stem));
        let cell = cell.and_then(|(a, b)| self.cells.get(&(*a, *b)));
        cell.map_or(0.0, |&c| (self.forward[c as usize] * self.backward[c as usize]).sqrt())
    }

    /// How surely each word of `target` stands for each of `source`, `[source][target]`: the geometric mean of both
    /// directions.
    pub fn links(&self, source: &[Word], target: &[Word]) -> Vec<Vec<f32>> {
        let (n, m) = (source.len(), target.len());
        let ids = |table: &HashMap<String, u32>, words: &[Word]| -> Vec<Option<u32>> {
            words.iter().map(|w| table.get(&w.stem).copied()).collect()
        };
        let (from, to) = (ids(&self.source, source), ids(&self.target, target));
        let mut forward = vec![vec![0.0f32; m]; n];
        let mut backward = vec![vec![0.0f32; m]; n];
        for i in 0..n {
            for j in 0..m {
                let cell = from[i].zip(to[j]).and_then(|k| self.cells.get(&k)).map(|&c| c as usize);
                let alike = likeness(&source[i].common, &target[j].common);
                let near = diagonal(i, n, j, m);
                forward[i][j] = cell.map_or(0.3 * alike * alike, |c| self.forward[c]) * near;
                backward[i][j] = cell.map_or(0.3 * alike * alike, |c| self.backward[c]) * near;
            }
        }
        let by_column: Vec<f32> = (0..m).map(|j| (0..n).map(|i| forward[i][j]).sum::<f32>()).collect();
        (0..n)
            .map(|i| {
                let total: f32 = backward[i].iter().sum();
                (0..m)
                    .map(|j| {
                        let p = forward[i][j] / (by_column[j] + NOTHING * 0.02);
                        let q = backward[i][j] / (total + NOTHING * 0.02);
                        // Of words that differ by their ending alone nothing needs to be learned.
                        let alike = likeness(&source[i].common, &target[j].common);
                        (p * q).sqrt().max(if alike >= 0.9 { 0.9 * alike } else { 0.0 })
                    })
                    .collect()
            })
            .collect()
    }
}

fn diagonal(i: usize, n: usize, j: usize, m: usize) -> f32 {
    let apart = (i as f32 + 0.5) / n as f32 - (j as f32 + 0.5) / m as f32;
    (-DIAGONAL * apart.abs()).exp()
}

fn column(pair: &Pair, t: &[f32], j: usize) -> Vec<f32> {
    let (n, m) = (pair.source.len(), pair.target.len());
    let near = |i: usize| if pair.ordered { diagonal(i, n, j, m) } else { 1.0 };
    shares((0..n).map(|i| t[pair.cells[i * m + j] as usize] * near(i)).collect())
}

fn row(pair: &Pair, t: &[f32], i: usize) -> Vec<f32> {
    let (n, m) = (pair.source.len(), pair.target.len());
    let near = |j: usize| if pair.ordered { diagonal(i, n, j, m) } else { 1.0 };
    shares((0..m).map(|j| t[pair.cells[i * m + j] as usize] * near(j)).collect())
}

/// Shares of one, where a little goes to no word at all.
fn shares(mut weights: Vec<f32>) -> Vec<f32> {
    let total: f32 = weights.iter().sum::<f32>() + NOTHING * 0.02;
    for w in &mut weights {
        *w /= total;
    }
    weights
}

/// Counts as shares of all counts with the same owner.
fn normalised(mut counts: Vec<f32>, owner: &[u32], owners: usize) -> Vec<f32> {
    let mut totals = vec![0.0f32; owners];
    for (count, &o) in counts.iter().zip(owner) {
        totals[o as usize] += count;
    }
    for (count, &o) in counts.iter_mut().zip(owner) {
        *count /= totals[o as usize].max(1e-9);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn learns_words_of_no_common_origin_from_pairs() {
        let mut lexicon = Lexicon::default();
        for (es, en) in [
            ("tos y fiebre", "cough and fever"),
            ("tos seca", "dry cough"),
            ("fiebre alta", "high fever"),
            ("piel seca", "dry skin"),
            ("tos", "cough"),
        ] {
            lexicon.add(&words(es), &words(en), 1.0, false);
        }
        lexicon.learn();
        let (es, en) = (words("tos seca y fiebre"), words("dry cough and fever"));
        let links = lexicon.links(&es, &en);
        assert!(links[0][1] > links[0][0] && links[0][1] > links[0][3], "{links:?}");
        assert!(links[1][0] > links[1][1], "{links:?}");
    }
}
