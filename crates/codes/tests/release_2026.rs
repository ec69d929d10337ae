//! The release that ships: complete, quick to search, and where coders would look.

use std::sync::LazyLock;

use overread_codes::{Context, EntryKind, NoteKind, Options, Patient, Release, ReleaseError, TermKind};
use proptest::prelude::*;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/icd-10-cm/2026-04.ovr");
    std::fs::read(path).expect("the release lies beside the crates")
});
static RELEASE: LazyLock<Release> =
    LazyLock::new(|| Release::from_bytes(&BYTES).expect("the release is whole"));

fn codes(query: &str, options: &Options) -> Vec<String> {
    RELEASE.search(query, options).into_iter().map(|h| h.code).collect()
}

fn first(query: &str) -> String {
    codes(query, &Options::default()).first().cloned().unwrap_or_default()
}

#[test]
fn holds_every_code_of_the_official_list() {
    let count = |kind: EntryKind| RELEASE.iter().filter(|e| e.kind() == kind).count();
    assert_eq!(
        (RELEASE.id(), RELEASE.system(), RELEASE.effective()),
        ("icd-10-cm-2026-04", "icd-10-cm", "2026-04-01")
    );
    assert_eq!(count(EntryKind::Chapter), 22);
    assert_eq!(count(EntryKind::Block), 297);
    // 98,225 lines of the list less the 39 that name a block of one category.
    assert_eq!(RELEASE.iter().filter(|e| e.is_code()).count(), 98_186);
    assert_eq!(RELEASE.iter().filter(|e| e.billable()).count(), 74_719);
    let shared = |e: overread_codes::Entry<'_>| e.kind() == EntryKind::Block && !e.code().contains('-');
    assert_eq!(RELEASE.iter().filter(|e| shared(*e)).count(), 39);
}

#[test]
fn every_code_is_found_by_its_name_and_stands_under_a_shorter_one() {
    for entry in RELEASE.iter().filter(|e| e.is_code()) {
        assert_eq!(RELEASE.get(entry.code()), Some(entry));
        assert_eq!(RELEASE.get(&entry.code().replace('.', "").to_lowercase()), Some(entry));
        assert!(!entry.title().is_empty());
        let parent = entry.parent().expect("no code stands alone");
        if entry.kind() == EntryKind::Category {
            assert_eq!(parent.kind(), EntryKind::Block);
        } else {
            let stem = parent.code().trim_end_matches('X');
            assert!(entry.code().starts_with(stem), "{entry:?} under {parent:?}");
        }
        assert!(entry.default_leaf().billable());
        assert!(entry.default_leaf().is_within(entry));
    }
}

#[test]
fn seventh_characters_are_spelt_out_in_titles() {
    let code = RELEASE.get("s52501b").unwrap();
    assert_eq!(code.code(), "S52.501B");
    assert_eq!(
        code.title(),
        "Unspecified fracture of the lower end of right radius, initial encounter for open fracture type I or II"
    );
    assert_eq!(RELEASE.get("T07.XXXA").unwrap().kind(), EntryKind::Extension);
    assert!(RELEASE.get("S06.1X7D").is_none());
}

#[test]
fn notes_reach_down_from_chapters() {
    let notes = RELEASE.notes("E11.9");
    assert!(notes.iter().any(|n| n.kind == NoteKind::Excludes1 && n.entry.code() == "E11"));
    assert!(notes.iter().any(|n| n.kind == NoteKind::UseAdditionalCode && n.text.contains("Z79.4")));
    assert!(notes.iter().any(|n| n.entry.kind() == EntryKind::Chapter));
    // T20-T32 holds no category of its own; its exclusions must reach the burns below.
    assert!(
        RELEASE
            .notes("T20.011A")
            .iter()
            .any(|n| n.entry.code() == "T20-T32" && n.kind == NoteKind::Excludes2)
    );
}

#[test]
fn defaults_are_what_coders_fall_back_to() {
    for (category, leaf) in [
        ("I50", "I50.9"),
        ("J45", "J45.909"),
        ("E11", "E11.9"),
        ("M25.5", "M25.50"),
        ("K57.3", "K57.30"),
        ("S93.40", "S93.409A"),
        ("C34", "C34.90"),
        ("N18", "N18.9"),
        ("F32", "F32.9"),
        ("J18", "J18.9"),
    ] {
        assert_eq!(RELEASE.get(category).unwrap().default_leaf().code(), leaf);
    }
    assert_eq!(RELEASE.get("M25.562").unwrap().unspecified_sibling().unwrap().code(), "M25.569");
}

#[test]
fn typed_codes_come_first_with_or_without_dot() {
    assert_eq!(first("e119"), "E11.9");
    assert_eq!(first("E11.9"), "E11.9");
    let found = codes("m54.5", &Options { billable_only: true, ..Options::default() });
    assert_eq!(found[..3], ["M54.50", "M54.51", "M54.59"]);
    let hits = RELEASE.search("I10", &Options::default());
    assert_eq!((hits[0].code.as_str(), hits[0].matched_kind), ("I10", TermKind::Code));
}

#[test]
fn words_are_met_in_any_order_half_typed_misspelt_and_abbreviated() {
    for (query, code) in [
        ("knee left pain", "M25.562"),
        ("pain in left knee", "M25.562"),
        ("hypertens", "I10"),
        ("pnuemonia", "J18.9"),
        ("diabtes mellitus type 2", "E11.9"),
        ("copd", "J44.9"),
        ("gastro esophageal reflux", "K21.9"),
        ("oesophagitis", "K20.90"),
        ("fracture of distal radius, right, open", "S52.501B"),
        ("sprain of right ankle, subsequent encounter", "S93.401D"),
        ("heart attack", "I21.9"),
    ] {
        let options = Options { billable_only: true, ..Options::default() };
        assert_eq!(codes(query, &options).first().map(String::as_str), Some(code), "{query}");
    }
}

#[test]
fn what_is_denied_is_not_what_is_found() {
    let with =
        codes("reflux disease with esophagitis", &Options { billable_only: true, ..Options::default() });
    assert_eq!(with[0], "K21.00");
    let without =
        codes("reflux disease without esophagitis", &Options { billable_only: true, ..Options::default() });
    assert_eq!(without[0], "K21.9");
}

#[test]
fn the_projects_own_phrases_are_found() {
    let (mut n, mut first, mut five) = (0, 0, 0);
    for (phrase, wanted) in include_str!("../data/phrases.tsv").lines().filter_map(|l| l.split_once('\t')) {
        let options = Options { limit: 5, billable_only: true, typing: false, ..Options::default() };
        let found = codes(phrase, &options);
        let rank = found.iter().position(|c| wanted.split('|').any(|w| w == c));
        n += 1;
        first += usize::from(rank == Some(0));
        five += usize::from(rank.is_some());
    }
    assert!(n >= 120);
    assert!(first * 100 >= n * 95 && five * 100 >= n * 98, "{first} first, {five} among five, of {n}");
}

#[test]
fn limits_and_filters_hold() {
    for query in ["fracture", "diabetes", "e11", "unspecified", "a", ""] {
        for limit in [0, 1, 7] {
            let hits = RELEASE.search(query, &Options { limit, billable_only: true, ..Options::default() });
            assert!(hits.len() <= limit && hits.iter().all(|h| h.billable && RELEASE.is_billable(&h.code)));
        }
    }
    assert!(codes("", &Options::default()).is_empty());
    assert!(codes("zzzzqqqq", &Options::default()).is_empty());
}

#[test]
fn hits_survive_json() {
    let hits = RELEASE.search("asthma", &Options::default());
    let json = serde_json::to_string(&hits).unwrap();
    let back: Vec<overread_codes::Hit> = serde_json::from_str(&json).unwrap();
    assert_eq!(
        back.iter().map(|h| &h.code).collect::<Vec<_>>(),
        hits.iter().map(|h| &h.code).collect::<Vec<_>>()
    );
}

#[test]
fn damage_to_the_shipped_file_is_refused() {
    for cut in [0, 7, 8, 53, 54, 1000, BYTES.len() - 1] {
        assert!(Release::from_bytes(&BYTES[..cut]).is_err());
    }
    let mut bytes = BYTES.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    assert!(matches!(Release::from_bytes(&bytes), Err(ReleaseError::Checksum | ReleaseError::Unpack { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_query_panics_and_order_is_by_score(query in "\\PC{0,40}", billable_only: bool, typing: bool) {
        let hits = RELEASE.search(&query, &Options { billable_only, typing, ..Options::default() });
        prop_assert!(hits.windows(2).all(|w| w[0].score >= w[1].score));
    }

    #[test]
    fn the_same_query_finds_the_same(query in "[a-z]{2,8}( [a-z]{2,8}){0,2}") {
        prop_assert_eq!(codes(&query, &Options::default()), codes(&query, &Options::default()));
    }
}

#[test]
fn what_is_over_and_what_relatives_have_get_history_codes() {
    let first = |query: &str, context: Context| {
        codes(query, &Options { billable_only: true, context, ..Options::default() })
            .first()
            .cloned()
            .unwrap_or_default()
    };
    for (query, own, family) in [
        ("breast cancer", "Z85.3", "Z80.3"),
        ("stroke", "Z86.73", "Z82.3"),
        ("diverticulitis", "Z87.19", "Z83.79"),
        ("kidney stones", "Z87.442", "Z84.19"),
    ] {
        assert_eq!(first(query, Context::PersonalHistory), own, "{query}");
        assert_eq!(first(query, Context::FamilyHistory), family, "{query}");
    }
    assert_eq!(first("history of breast cancer", Context::Current), "Z85.3");
    assert_eq!(first("family history of breast cancer", Context::Current), "Z80.3");
}

#[test]
fn who_the_patient_is_decides_between_like_codes() {
    let find =
        |patient| codes("hypertension", &Options { billable_only: true, patient, ..Options::default() });
    assert_eq!(find(Patient::Anyone)[0], "I10");
    assert!(find(Patient::Newborn)[..5].contains(&"P29.2".to_owned()));
    assert!(find(Patient::Pregnant)[..5].iter().any(|c| c.starts_with('O')));
}

#[test]
fn every_code_of_the_projects_tables_is_billable() {
    for table in [include_str!("../data/synonyms.tsv")] {
        for (code, _) in table.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t')) {
            assert!(RELEASE.is_billable(code), "{code}");
        }
    }
    let phrases = include_str!("../data/phrases.tsv").lines().filter(|l| !l.starts_with('#'));
    for code in phrases.filter_map(|l| l.split_once('\t')).flat_map(|(_, codes)| codes.split('|')) {
        assert!(RELEASE.is_billable(code), "{code}");
    }
}
