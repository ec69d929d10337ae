//! From places in the text to word pieces and back.

use std::ops::Range;

use overread_encoder::Tokens;

/// Pieces that share a byte with `bytes`, so that together they cover all of it that any piece covers. `None` where no
/// piece does: blanks, control characters.
pub fn align(tokens: &Tokens, bytes: &Range<usize>) -> Option<Range<usize>> {
    let found = tokens.overlapping(bytes.clone());
    (!found.is_empty() && !bytes.is_empty()).then_some(found)
}

/// [`align`], then out to the borders of words (blanks and punctuation separate them).
pub fn align_words(tokens: &Tokens, bytes: &Range<usize>) -> Option<Range<usize>> {
    let found = align(tokens, bytes)?;
    let (first, last) = (tokens.words[found.start], tokens.words[found.end - 1]);
    let start = tokens.words.partition_point(|&word| word < first);
    let end = tokens.words.partition_point(|&word| word <= last);
    Some(start..end)
}

/// Bytes from the first of `pieces` to the end of the last; empty at 0 for none.
pub fn bytes(tokens: &Tokens, pieces: &Range<usize>) -> Range<usize> {
    let of = &tokens.offsets[pieces.clone()];
    match (of.first(), of.last()) {
        (Some(first), Some(last)) => first.0..last.1,
        _ => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::OnceLock;

    use overread_encoder::Tokenizer;
    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> &'static Tokenizer {
        static ONE: OnceLock<Tokenizer> = OnceLock::new();
        ONE.get_or_init(|| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/overread-minilm");
            Tokenizer::from_json(&std::fs::read(folder.join("tokenizer.json")).unwrap()).unwrap()
        })
    }

    #[test]
    fn pieces_of_a_phrase_are_found_and_snap_outward() {
        let text = "Known hypercholesterolemia, stable.";
        let tokens = tokenizer().encode(text).unwrap();
        let place = text.find("hyper").unwrap()..text.find(',').unwrap();
        let exact = align(&tokens, &place).unwrap();
        assert!(exact.len() > 1, "the word is in several pieces");
        assert_eq!(bytes(&tokens, &exact), place);
        let inside = place.start + 7..place.start + 8;
        let snapped = align(&tokens, &inside).unwrap();
        let covered = bytes(&tokens, &snapped);
        assert!(covered.start <= inside.start && inside.end <= covered.end && snapped.len() == 1);
        assert_eq!(align_words(&tokens, &inside), Some(exact));
        assert_eq!(align(&tokens, &(5..6)), None, "a blank");
        assert_eq!(align(&tokens, &(3..3)), None);
        assert_eq!(bytes(&tokens, &(0..0)), 0..0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn aligned_pieces_cover_the_words_of_the_span(
            text in "([a-zA-Z0-9 .,%/()-]|\\PC|é|\u{301}|漢|\u{1F9EA}|\r\n){0,60}",
            from in 0usize..200,
            len in 0usize..80,
        ) {
            let borders: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            let start = borders[from % borders.len()];
            let end = borders[(from % borders.len() + len).min(borders.len() - 1)];
            let tokens = tokenizer().encode(&text).unwrap();
            let Some(found) = align(&tokens, &(start..end)) else {
                prop_assert!(tokens.offsets.iter().all(|o| o.1 <= start || o.0 >= end || start == end));
                return Ok(());
            };
            // Each piece is needed, and no other shares a byte.
            for (index, o) in tokens.offsets.iter().enumerate() {
                let shares = o.0 < end && start < o.1;
                prop_assert!(!shares || found.contains(&index));
            }
            for index in [found.start, found.end - 1] {
                let o = tokens.offsets[index];
                prop_assert!(o.0 < end && start < o.1);
            }
            // Every byte of the span that some piece covers is between the ends.
            let covered = bytes(&tokens, &found);
            for o in &tokens.offsets {
                if o.0 < end && start < o.1 {
                    prop_assert!(covered.start <= o.0 && o.1 <= covered.end);
                }
            }
            let words = align_words(&tokens, &(start..end)).unwrap();
            prop_assert!(words.start <= found.start && found.end <= words.end);
            // Coming back gives the same pieces or more that share a character with them.
            let back = align(&tokens, &covered).unwrap();
            prop_assert!(back.start <= found.start && found.end <= back.end);
        }
    }
}
