//! Which sentences of a translation say what its original says: monotone alignment by length and shared words (Gale and
//! Church 1993; Varga et al. 2005).

use std::ops::Range;

use super::words::{Word, likeness};

/// Word ranges of the sentences of a text.
pub(super) fn sentences(words: &[Word]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut from = 0;
    for (i, word) in words.iter().enumerate() {
        if word.ends_sentence {
            out.push(from..i + 1);
            from = i + 1;
        }
    }
    out
}

/// A stretch of the original and the stretch of the translation that says it; either may be empty. Word ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bead {
    pub source: Range<usize>,
    pub target: Range<usize>,
}

/// Numbers of sentences that may stand for each other, with their cost.
const STEPS: [(usize, usize, f32); 9] = [
    (1, 1, 0.0),
    (1, 0, 2.2),
    (0, 1, 2.2),
    (2, 1, 0.7),
    (1, 2, 0.7),
    (3, 1, 1.5),
    (1, 3, 1.5),
    (2, 2, 1.2),
    (4, 1, 2.5),
];

/// Cheapest alignment. `translates` says how surely two words say the same, 0 to 1, where likeness of letters can't.
pub(super) fn align(source: &[Word], target: &[Word], translates: &dyn Fn(&Word, &Word) -> f32) -> Vec<Bead> {
    let (from, to) = (sentences(source), sentences(target));
    let (n, m) = (from.len(), to.len());
    let letters = |words: &[Word]| words.iter().map(|w| w.fold.len() + 1).sum::<usize>() as f32;
    let ratio = (letters(target) / letters(source).max(1.0)).clamp(0.5, 1.5);
    let word_range = |list: &[Range<usize>], at: usize, count: usize, all: usize| {
        let start = list.get(at).map_or(all, |r| r.start);
        start..if count == 0 { start } else { list[at + count - 1].end }
    };
    // Shared words of each pair of sentences near the diagonal.
    let mut shared = vec![0.0f32; n * m];
    for (i, a) in from.iter().enumerate() {
        for (j, b) in to.iter().enumerate() {
            let apart = i as f32 / n as f32 - j as f32 / m as f32;
            if apart.abs() < 0.35 || n < 6 || m < 6 {
                shared[i * m + j] = overlap(&source[a.clone()], &target[b.clone()], translates);
            }
        }
    }
    let mut best = vec![f32::INFINITY; (n + 1) * (m + 1)];
    let mut back = vec![0usize; (n + 1) * (m + 1)];
    best[0] = 0.0;
    for i in 0..=n {
        for j in 0..=m {
            let here = best[i * (m + 1) + j];
            if !here.is_finite() {
                continue;
            }
            for (step, &(a, b, price)) in STEPS.iter().enumerate() {
                if i + a > n || j + b > m {
                    continue;
                }
                let mut cost = price;
                if a > 0 && b > 0 {
                    let (ra, rb) = (word_range(&from, i, a, 0), word_range(&to, j, b, 0));
                    let (la, lb) = (letters(&source[ra.clone()]) * ratio, letters(&target[rb.clone()]));
                    let met: f32 = (i..i + a)
                        .flat_map(|x| (j..j + b).map(move |y| (x, y)))
                        .map(|(x, y)| shared[x * m + y])
                        .sum();
                    cost +=
                        1.4 * (la / lb).ln().abs() - 4.5 * met / (ra.len().min(rb.len()).max(3) as f32) + 0.9;
                }
                let next = (i + a) * (m + 1) + j + b;
                if here + cost < best[next] {
                    best[next] = here + cost;
                    back[next] = step;
                }
            }
        }
    }
    let mut out = Vec::new();
    let (mut i, mut j) = (n, m);
    while i > 0 || j > 0 {
        let (a, b, _) = STEPS[back[i * (m + 1) + j]];
        let source_words = word_range(&from, i - a, a, source.len());
        let target_words = word_range(&to, j - b, b, target.len());
        out.push(Bead { source: source_words, target: target_words });
        (i, j) = (i - a, j - b);
    }
    out.reverse();
    out
}

/// Number of words of the shorter that the other has too.
fn overlap(source: &[Word], target: &[Word], translates: &dyn Fn(&Word, &Word) -> f32) -> f32 {
    let mut total = 0.0;
    for a in source.iter().filter(|w| w.fold.len() > 3 || w.fold.bytes().any(|b| b.is_ascii_digit())) {
        let best = target
            .iter()
            .map(|b| likeness(&a.common, &b.common).max(translates(a, b)))
            .fold(0.0f32, f32::max);
        total += if best >= 0.6 || best > 0.0 && best < 0.5 { best } else { 0.0 };
    }
    total
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn a_sentence_that_the_translation_lost_parts_no_others() {
        let es = words(
            "Presenta fiebre de 39 grados.\nNo refiere alergias.\nLa radiografía mostró neumonía lobar.",
        );
        let en = words("He presents fever of 39 degrees.\nThe radiography showed lobar pneumonia.");
        let beads = align(&es, &en, &|_, _| 0.0);
        let bead = |fold: &str| {
            let at = |words: &[Word]| words.iter().position(|w| w.fold == fold);
            beads.iter().position(|b| {
                at(&es).is_some_and(|i| b.source.contains(&i))
                    || at(&en).is_some_and(|i| b.target.contains(&i))
            })
        };
        assert_eq!(bead("fiebre"), bead("fever"));
        assert_eq!(bead("neumonia"), bead("pneumonia"));
        assert_ne!(bead("fever"), bead("pneumonia"));
    }
}
