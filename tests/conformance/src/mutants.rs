//! Damaged copies of a seed, the same ones every time: what a fuzzer tries first, for tests that run without one.

/// Bytes that mean something to some reader.
const TELLING: &[u8] = b"\0\n\r\t\"\\{}[]<>&,;:|-+*/%'\x1b\x7f\x80\xff\xfe\xef\xbb\xbf\xc0\xed\xa0 09";

/// Cut, doubled, exchanged, overwritten and emptied parts; `count` of them.
pub fn mutants(seed: &[u8], count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed.len() as u64;
    // xorshift64* (Vigna 2016).
    let mut below = move |bound: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    };
    (0..count).map(move |_| {
        let mut bytes = seed.to_vec();
        for _ in 0..=below(3) {
            let (at, length) = (below(bytes.len()), 1 + below(40));
            let end = (at + length).min(bytes.len());
            match below(7) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                3 if at < bytes.len() => bytes[at] ^= 1 << below(8),
                4 => bytes.insert(at, TELLING[below(TELLING.len())]),
                5 => bytes[at..end].fill(TELLING[below(TELLING.len())]),
                _ => bytes[at..end].reverse(),
            }
        }
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::mutants;

    #[test]
    fn they_are_many_and_the_same_every_time() {
        let seed = b"{\"id\": \"a\", \"text\": \"b\"}\n";
        let all: Vec<_> = mutants(seed, 200).collect();
        assert!(mutants(seed, 200).eq(all.iter().cloned()));
        assert!(all.iter().filter(|bytes| bytes.as_slice() != seed).count() > 180);
        assert_eq!(mutants(b"", 20).count(), 20);
    }
}
