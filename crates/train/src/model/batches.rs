//! The whole course of a run, laid out before its first step: which windows and terms each step reads. A run that is
//! resumed goes on in the same course.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::example::{Term, Window};

/// What one step reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Windows by their place in the pool.
    Windows(Vec<usize>),
    /// Terms by their place in the list.
    Terms(Vec<usize>),
}

/// Windows of all corpora, each corpus a range of `windows`.
#[derive(Debug, Default)]
pub struct Pool {
    pub windows: Vec<Window>,
    pub corpora: BTreeMap<String, std::ops::Range<usize>>,
    pub terms: Vec<Term>,
    /// Category of each term's code: terms of one category make a group.
    pub categories: Vec<u32>,
}

/// Terms of a group: near misses for one another.
const GROUP: usize = 12;

/// Lays out the steps: every corpus as often as `epochs` says, windows in random order packed up to `tokens` pieces,
/// and `term_groups` groups of terms, packed the same way; all steps in random order.
pub fn course(
    pool: &Pool,
    epochs: &BTreeMap<String, f32>,
    term_groups: usize,
    tokens: usize,
    seed: u64,
) -> Vec<Batch> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut order = Vec::new();
    for (corpus, range) in &pool.corpora {
        let epochs = epochs.get(corpus).copied().unwrap_or(0.0);
        let mut left = (range.len() as f32 * epochs).round() as usize;
        while left > 0 {
            let mut all: Vec<usize> = range.clone().collect();
            all.shuffle(&mut rng);
            all.truncate(left);
            left -= all.len();
            order.extend(all);
        }
    }
    order.shuffle(&mut rng);
    let mut batches = packed(&order, tokens, |w| pool.windows[w].ids.len(), Batch::Windows);
    let groups = groups(pool, term_groups, &mut rng);
    let flat: Vec<usize> = groups.into_iter().flatten().collect();
    batches.extend(packed(&flat, tokens, |t| pool.terms[t].ids.len() + 2, Batch::Terms));
    batches.shuffle(&mut rng);
    batches
}

fn packed(
    order: &[usize],
    tokens: usize,
    length: impl Fn(usize) -> usize,
    make: impl Fn(Vec<usize>) -> Batch,
) -> Vec<Batch> {
    let mut out = Vec::new();
    let (mut open, mut used) = (Vec::new(), 0);
    for &item in order {
        let n = length(item);
        if used + n > tokens && !open.is_empty() {
            out.push(make(std::mem::take(&mut open)));
            used = 0;
        }
        open.push(item);
        used += n;
    }
    if !open.is_empty() {
        out.push(make(open));
    }
    out
}

/// Groups of terms of one category each, holding at least two terms of every code in them where the code has two.
fn groups(pool: &Pool, wanted: usize, rng: &mut StdRng) -> Vec<Vec<usize>> {
    let mut by_code: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut by_category: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (i, (term, &category)) in pool.terms.iter().zip(&pool.categories).enumerate() {
        let terms = by_code.entry(term.code).or_default();
        if terms.is_empty() {
            by_category.entry(category).or_default().push(term.code);
        }
        terms.push(i);
    }
    let pairs: Vec<(&u32, &Vec<u32>)> =
        by_category.iter().filter(|(_, codes)| codes.iter().any(|c| by_code[c].len() > 1)).collect();
    if pairs.is_empty() {
        return Vec::new();
    }
    // Categories with many codes are asked for more often, but not in proportion: fractures would be all there is.
    let shares: Vec<f64> = pairs.iter().map(|(_, codes)| (codes.len() as f64).sqrt()).collect();
    let total: f64 = shares.iter().sum();
    (0..wanted)
        .map(|_| {
            let mut at = rng.random_range(0.0..total);
            let mut chosen = 0;
            for (i, share) in shares.iter().enumerate() {
                chosen = i;
                at -= share;
                if at < 0.0 {
                    break;
                }
            }
            let mut codes = pairs[chosen].1.clone();
            codes.shuffle(rng);
            // Codes with several terms first: they are what is learned from; the others are near misses.
            codes.sort_by_key(|c| by_code[c].len() < 2);
            let mut group = Vec::with_capacity(GROUP);
            for code in codes {
                let mut terms = by_code[&code].clone();
                terms.shuffle(rng);
                terms.truncate(2);
                if group.len() + terms.len() > GROUP {
                    break;
                }
                group.extend(terms);
            }
            group
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        let window = |n: usize| Window { ids: vec![1; n], ..Window::default() };
        Pool {
            windows: (0..40).map(|i| window(50 + i)).collect(),
            corpora: BTreeMap::from([("a".to_owned(), 0..30), ("b".to_owned(), 30..40)]),
            terms: (0..60).map(|i| Term { ids: vec![5; 6], code: i / 3 }).collect(),
            categories: (0..60).map(|i| i / 12).collect(),
        }
    }

    #[test]
    fn every_window_is_read_as_often_as_asked() {
        let epochs = BTreeMap::from([("a".to_owned(), 2.0), ("b".to_owned(), 0.5)]);
        let course = course(&pool(), &epochs, 0, 256, 1);
        let mut counts = [0; 40];
        for batch in &course {
            let Batch::Windows(windows) = batch else { panic!("no terms were asked for") };
            assert!(windows.iter().map(|w| 50 + w).sum::<usize>() <= 256);
            for &w in windows {
                counts[w] += 1;
            }
        }
        assert!(counts[..30].iter().all(|&c| c == 2));
        assert_eq!(counts[30..].iter().sum::<i32>(), 5);
    }

    #[test]
    fn groups_hold_two_terms_of_a_code_and_others_of_its_category() {
        let pool = pool();
        let mut rng = StdRng::seed_from_u64(2);
        for group in groups(&pool, 20, &mut rng) {
            assert!(group.len() > 2 && group.len() <= GROUP);
            assert!(group.iter().all(|&t| pool.categories[t] == pool.categories[group[0]]));
            for &t in &group {
                assert_eq!(group.iter().filter(|&&o| pool.terms[o].code == pool.terms[t].code).count(), 2);
            }
        }
    }

    #[test]
    fn equal_seeds_lay_out_equal_courses() {
        let epochs = BTreeMap::from([("a".to_owned(), 1.0)]);
        assert_eq!(course(&pool(), &epochs, 9, 300, 7), course(&pool(), &epochs, 9, 300, 7));
        assert_ne!(course(&pool(), &epochs, 9, 300, 7), course(&pool(), &epochs, 9, 300, 8));
    }
}
