//! Offsets point into the text that was given, whatever it holds.

use super::base;
use crate::{Error, Tokenizer};
use proptest::prelude::*;
use std::sync::LazyLock;

static BASE: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::from_json(&std::fs::read(base().join("tokenizer.json")).unwrap()).unwrap());

fn pieces(text: &str) -> Vec<&str> {
    let tokens = BASE.encode(text).unwrap();
    tokens.offsets.iter().map(|&(a, b)| &text[a..b]).collect()
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let tokens = BASE.encode(text).unwrap();
    prop_assert_eq!(tokens.ids.len(), tokens.offsets.len());
    prop_assert_eq!(tokens.ids.len(), tokens.words.len());
    let mut last = (0, 0);
    for &(start, end) in &tokens.offsets {
        prop_assert!(start < end && end <= text.len(), "{start}..{end}");
        prop_assert!(text.is_char_boundary(start) && text.is_char_boundary(end));
        prop_assert!(start >= last.0 && end >= last.1, "{start}..{end} after {last:?}");
        last = (start, end);
    }
    prop_assert!(tokens.words.is_sorted());
    prop_assert_eq!(BASE.ids(text).unwrap(), tokens.ids);
    Ok(())
}

/// What notes hold that breaks offsets elsewhere.
fn awkward() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\t".to_owned()),
        Just("\u{a0}".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("İ".to_owned()),
        Just("ß".to_owned()),
        Just("ﬁ".to_owned()),
        Just("각".to_owned()),
        Just("漢字".to_owned()),
        Just("👨\u{200d}👩\u{200d}👧".to_owned()),
        Just("\u{10348}".to_owned()),
        Just("שלום".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("\u{0}".to_owned()),
        Just("\u{fffd}".to_owned()),
        Just("[SEP]".to_owned()),
        Just("½mg".to_owned()),
        "[a-zA-Z]{1,12}",
        "[0-9.,/%]{1,5}",
        "[ .,:;()]{1,3}",
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

#[test]
fn an_empty_range_within_a_token_overlaps_none() {
    let tokens = BASE.encode("cough").unwrap();
    assert!(tokens.overlapping(2..2).is_empty());
    assert_eq!(tokens.overlapping(2..3), 0..1);
}

proptest! {
    #[test]
    fn offsets_lie_on_character_boundaries_of_any_text(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn offsets_lie_on_character_boundaries_of_awkward_text(text in awkward()) {
        check(&text)?;
    }

    #[test]
    fn overlapping_finds_just_the_tokens_that_touch(text in "[a-z .]{0,60}", a in 0usize..60, b in 0usize..60) {
        let (a, b) = (a.min(b).min(text.len()), a.max(b).min(text.len()));
        let tokens = BASE.encode(&text).unwrap();
        let found = tokens.overlapping(a..b);
        for (i, &(start, end)) in tokens.offsets.iter().enumerate() {
            let touches = start.max(a) < end.min(b);
            prop_assert_eq!(touches, found.contains(&i));
        }
    }
}

#[test]
fn offsets_are_bytes_of_the_original() {
    assert_eq!(pieces("Crème  Brûlée"), ["Cr", "ème", "Br", "ûlé", "e"]);
    assert_eq!(pieces("a\r\nb"), ["a", "b"]);
    assert_eq!(pieces("95%"), ["95", "%"]);
}

#[test]
fn never_truncates_or_pads() {
    assert_eq!(BASE.encode(&"word ".repeat(1000)).unwrap().len(), 1000);
    assert_eq!(BASE.encode("word").unwrap().len(), 1);
    assert!(BASE.encode(" \r\n\t").unwrap().is_empty());
}

#[test]
fn a_text_cannot_forge_control_tokens() {
    let tokens = BASE.encode("[CLS] [SEP] [MASK] [PAD]").unwrap();
    for id in [BASE.cls(), BASE.sep(), 103, 0] {
        assert!(!tokens.ids.contains(&id));
    }
}

#[test]
fn words_join_their_pieces() {
    let tokens = BASE.encode("electroencephalography, then sleep").unwrap();
    let word = &tokens.words;
    assert!(tokens.len() > 4);
    assert_eq!(word.iter().filter(|w| **w == 0).count(), tokens.len() - 3);
    assert_eq!(*word.last().unwrap(), 3);
}

#[test]
fn refuses_a_tokenizer_that_frames_nothing() {
    let mut json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(base().join("tokenizer.json")).unwrap()).unwrap();
    json["post_processor"] = serde_json::Value::Null;
    let error = Tokenizer::from_json(json.to_string().as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Tokenizer { .. }), "{error}");
}
