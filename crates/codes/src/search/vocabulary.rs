//! The distinct stems of all terms, and the ways to reach them: exact, by prefix, by likeness.

use std::collections::HashMap;

/// Sorted stems; a word's id is its place.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    words: Vec<String>,
    /// Letters that occur, one bit each: a cheap bound on edit distance.
    masks: Vec<u32>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    pub fn new(mut words: Vec<String>) -> Self {
        words.sort_unstable();
        words.dedup();
        let masks = words.iter().map(|w| mask(w)).collect();
        let ids = words.iter().cloned().zip(0..).collect();
        Self { words, masks, ids }
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    pub fn id(&self, stem: &str) -> Option<u32> {
        self.ids.get(stem).copied()
    }

    pub fn word(&self, id: u32) -> &str {
        &self.words[id as usize]
    }

    pub fn with_prefix(&self, prefix: &str) -> std::ops::Range<u32> {
        let from = self.words.partition_point(|w| w.as_str() < prefix);
        let len = self.words[from..].partition_point(|w| w.starts_with(prefix));
        from as u32..(from + len) as u32
    }

    /// Words within `limit` edits (insertion, deletion, substitution, swap of neighbours), with their distance. With
    /// `as_prefix`, words that only begin like `word` count too.
    pub fn like(&self, word: &str, limit: u32, as_prefix: bool) -> Vec<(u32, u32)> {
        let pattern: Vec<char> = word.chars().collect();
        if pattern.is_empty() || pattern.len() > 63 {
            return Vec::new();
        }
        let wanted = mask(word);
        let matcher = Matcher::new(&pattern);
        let mut found = Vec::new();
        for (id, (candidate, &letters)) in (0..).zip(self.words.iter().zip(&self.masks)) {
            let long = candidate.len();
            let missing = (wanted & !letters).count_ones();
            if missing > limit
                || long + (limit as usize) < pattern.len()
                || (!as_prefix
                    && (long > pattern.len() + limit as usize || (letters & !wanted).count_ones() > limit))
                || candidate.starts_with('!')
            {
                continue;
            }
            let distance = matcher.distance(candidate, as_prefix);
            if distance <= limit {
                found.push((id, distance));
            }
        }
        found
    }
}

fn mask(word: &str) -> u32 {
    word.bytes().fold(0, |m, b| match b {
        b'a'..=b'z' => m | 1 << (b - b'a'),
        b'0'..=b'9' => m | 1 << (26 + (b - b'0') % 5),
        _ => m | 1 << 31,
    })
}

/// Bit-parallel optimal string alignment (Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and Damerau
/// edit distances").
struct Matcher {
    ascii: [u64; 128],
    other: HashMap<char, u64>,
    len: usize,
}

impl Matcher {
    fn new(pattern: &[char]) -> Self {
        let mut matcher = Self { ascii: [0; 128], other: HashMap::new(), len: pattern.len() };
        for (i, &c) in pattern.iter().enumerate() {
            match matcher.ascii.get_mut(c as usize) {
                Some(bits) => *bits |= 1 << i,
                None => *matcher.other.entry(c).or_default() |= 1 << i,
            }
        }
        matcher
    }

    /// Distance to `text`, or with `as_prefix` the least distance to any of its beginnings.
    fn distance(&self, text: &str, as_prefix: bool) -> u32 {
        let last = 1u64 << (self.len - 1);
        let (mut vp, mut vn, mut d0, mut pm_before) = (!0u64, 0u64, 0u64, 0u64);
        let mut score = self.len as u32;
        let mut least = score;
        for c in text.chars() {
            let pm = self
                .ascii
                .get(c as usize)
                .copied()
                .unwrap_or_else(|| self.other.get(&c).copied().unwrap_or_default());
            let swap = (((!d0) & pm) << 1) & pm_before;
            d0 = ((pm & vp).wrapping_add(vp) ^ vp) | pm | vn | swap;
            let hp = vn | !(d0 | vp);
            let hn = d0 & vp;
            score += u32::from(hp & last != 0);
            score -= u32::from(hn & last != 0);
            let hp = (hp << 1) | 1;
            vp = (hn << 1) | !(d0 | hp);
            vn = hp & d0;
            pm_before = pm;
            least = least.min(score);
        }
        if as_prefix { least } else { score }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slow(a: &[char], b: &[char]) -> u32 {
        let mut d = vec![vec![0u32; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                d[i][j] = if i == 0 || j == 0 {
                    (i + j) as u32
                } else {
                    let mut best = (d[i - 1][j] + 1).min(d[i][j - 1] + 1);
                    best = best.min(d[i - 1][j - 1] + u32::from(a[i - 1] != b[j - 1]));
                    if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                        best = best.min(d[i - 2][j - 2] + 1);
                    }
                    best
                };
            }
        }
        d[a.len()][b.len()]
    }

    proptest! {
        #[test]
        fn bit_parallel_distance_equals_the_table(a in "[abcé]{1,12}", b in "[abcé]{0,12}") {
            let pattern: Vec<char> = a.chars().collect();
            let text: Vec<char> = b.chars().collect();
            let matcher = Matcher::new(&pattern);
            prop_assert_eq!(matcher.distance(&b, false), slow(&pattern, &text));
            let least = (0..=text.len()).map(|n| slow(&pattern, &text[..n])).min().unwrap();
            prop_assert_eq!(matcher.distance(&b, true), least);
        }
    }

    #[test]
    fn finds_words_one_swap_away() {
        let v = Vocabulary::new(["diabete", "pneumonia", "anemia"].map(String::from).to_vec());
        assert_eq!(v.like("diabtee", 1, false), [(v.id("diabete").unwrap(), 1)]);
        assert_eq!(v.with_prefix("pneu").collect::<Vec<_>>(), [v.id("pneumonia").unwrap()]);
    }
}
