use proptest::prelude::*;

use super::wire::{Reader, Writer};
use super::*;
use crate::source::tests::small;

#[test]
fn what_is_written_is_read_back() {
    let release = small();
    let read = Release::from_bytes(&release.to_bytes(3).unwrap()).unwrap();
    assert_eq!(read.content_hash(), release.content_hash());
    assert_eq!((read.id(), read.system(), read.effective()), ("icd-10-cm-test", "icd-10-cm", "2026-04-01"));
    assert_eq!(read.sources().collect::<Vec<_>>(), release.sources().collect::<Vec<_>>());
    assert_eq!(read.len(), release.len());
    for (a, b) in read.iter().zip(release.iter()) {
        assert_eq!(
            (a.code(), a.title(), a.kind(), a.billable()),
            (b.code(), b.title(), b.kind(), b.billable())
        );
        assert_eq!(a.parent().map(Entry::index), b.parent().map(Entry::index));
        let notes = |e: Entry<'_>| e.notes().map(|n| (n.kind, n.text.to_owned())).collect::<Vec<_>>();
        assert_eq!(notes(a), notes(b));
        assert!(a.seventh_characters().eq(b.seventh_characters()));
    }
    assert_eq!(read.terms_hash(), release.terms_hash());
}

#[test]
fn foreign_bytes_and_other_versions_are_named() {
    assert_eq!(Release::from_bytes(b"PK\x03\x04 something").unwrap_err(), ReleaseError::Foreign);
    assert_eq!(Release::from_bytes(b"").unwrap_err(), ReleaseError::Truncated { at: 0 });
    let mut bytes = small().to_bytes(3).unwrap();
    bytes[8] = 9;
    assert_eq!(Release::from_bytes(&bytes).unwrap_err(), ReleaseError::Version { found: 9, known: 1 });
}

#[test]
fn content_other_than_the_checksum_says_is_refused() {
    let mut bytes = small().to_bytes(3).unwrap();
    bytes[30] ^= 1;
    assert_eq!(Release::from_bytes(&bytes).unwrap_err(), ReleaseError::Checksum);
}

#[test]
fn codes_are_found_in_any_spelling() {
    let release = small();
    for spelling in ["S06.1XXA", "S061XXA", "s06.1xxa", " s061xxa "] {
        assert_eq!(release.get(spelling).unwrap().code(), "S06.1XXA");
    }
    assert_eq!(release.get("s00-s09").unwrap().kind(), EntryKind::Block);
    assert_eq!(release.get("19").unwrap().kind(), EntryKind::Chapter);
    for unknown in ["", "S", "S06.1XX", "é", "S06.1XXAA", "................"] {
        assert!(release.get(unknown).is_none(), "{unknown:?}");
    }
}

#[test]
fn the_tree_is_walked_in_all_directions() {
    let release = small();
    let codes = |found: Vec<Entry<'_>>| found.iter().map(|e| e.code().to_owned()).collect::<Vec<_>>();
    assert_eq!(codes(release.children("S06").collect()), ["S06.1", "S06.2"]);
    assert_eq!(codes(release.ancestors("S06.1XXA")), ["S06.1", "S06", "S00-S09", "S00-S90", "19"]);
    assert_eq!(codes(release.siblings("S06.1XXA")), ["S06.1XXD"]);
    assert_eq!(codes(release.chapters().collect()), ["19"]);
    let category = release.get("S06").unwrap();
    assert_eq!(codes(category.leaves().collect()), ["S06.1XXA", "S06.1XXD", "S06.2XXA"]);
    assert!(release.get("S06.1XXA").unwrap().is_within(category));
    assert!(!category.is_within(release.get("S06.1").unwrap()));
    assert_eq!(codes(release.with_prefix("s061x").collect()), ["S06.1XXA", "S06.1XXD"]);
    assert_eq!(codes(release.with_prefix("").collect()), Vec::<String>::new());
}

#[test]
fn the_first_encounter_is_the_default() {
    let release = small();
    assert_eq!(release.get("S06.1").unwrap().default_leaf().code(), "S06.1XXA");
    assert_eq!(release.get("S06.1XXD").unwrap().unspecified_sibling().unwrap().code(), "S06.1XXA");
    assert!(release.get("S06.1XXA").unwrap().unspecified_sibling().is_none());
}

proptest! {
    #[test]
    fn a_cut_file_is_refused(share in 0.0f64..1.0) {
        let bytes = small().to_bytes(3).unwrap();
        let cut = (bytes.len() as f64 * share) as usize;
        prop_assert!(Release::from_bytes(&bytes[..cut]).is_err());
    }

    #[test]
    fn a_flipped_bit_is_refused_or_changes_nothing(at in 0usize..4096, bit in 0u8..8) {
        let release = small();
        let mut bytes = release.to_bytes(3).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(read) = Release::from_bytes(&bytes) {
            prop_assert_eq!(read.content_hash(), release.content_hash());
        }
    }

    #[test]
    fn no_content_panics_even_under_a_right_checksum(junk in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..2000) {
        let mut content = file::content(&small());
        let at = at % content.len();
        let end = (at + junk.len()).min(content.len());
        content[at..end].copy_from_slice(&junk[..end - at]);
        if let Ok(release) = file::parse(&content) {
            let _ = release.search("injury", &crate::Options::default());
            release.iter().for_each(|e| { let _ = (e.all_notes().count(), e.seventh_characters().count()); });
        }
        let _ = file::parse(&junk);
    }

    #[test]
    fn integers_and_texts_survive(numbers in proptest::collection::vec(any::<u32>(), 0..20), text in ".{0,40}") {
        let mut w = Writer::default();
        for n in &numbers {
            w.int(*n);
        }
        w.text(&text);
        let mut r = Reader::new(&w.0);
        for n in numbers {
            prop_assert_eq!(r.int().unwrap(), n);
        }
        prop_assert_eq!(r.text().unwrap(), text);
        prop_assert!(r.end().is_ok());
    }
}
