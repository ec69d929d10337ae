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

#[test]
fn questions_go_on_where_the_words_end() {
    let release = &*RELEASE;
    // The words say which bone and side; the encounter is asked.
    let drill = release.drill("S52.53", "Colles' fracture of the left wrist").unwrap();
    assert_eq!((drill.at.code(), drill.axis), ("S52.532", overread_codes::Axis::Encounter));
    assert_eq!(drill.choices.len(), 16);
    assert_eq!(drill.choices[0].words, "initial encounter for closed fracture");
    let side = release.drill("S52.53", "Colles' fracture").unwrap();
    assert_eq!((side.at.code(), side.axis), ("S52.53", overread_codes::Axis::Side));
    let done = release.drill("S52.532A", "").unwrap();
    assert!(done.at.billable() && done.choices.is_empty() && done.taken.is_empty());
    let trimester = release.drill("O26.0", "").unwrap();
    assert_eq!(trimester.axis, overread_codes::Axis::Trimester);
    assert!(release.drill("nothing", "").is_none());
}

#[test]
fn every_complete_code_can_be_reached_by_answers() {
    let release = &*RELEASE;
    for entry in release.iter().filter(|e| e.is_code() && e.code().len() == 3) {
        let mut open = vec![entry];
        let mut reached = 0;
        while let Some(at) = open.pop() {
            if at.billable() {
                reached += 1;
                continue;
            }
            let drill = release.drill(at.code(), "").unwrap();
            // Codes that are the only ones under theirs need no question.
            assert!(drill.at.is_within(at));
            if drill.choices.is_empty() {
                assert!(drill.at.billable());
                reached += 1;
            }
            let mut words: Vec<&str> = drill.choices.iter().map(|c| c.words.as_str()).collect();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), drill.choices.len(), "{}: answers must differ", drill.at.code());
            open.extend(drill.choices.iter().map(|c| c.entry));
        }
        assert_eq!(reached, entry.leaves().count(), "{}", entry.code());
    }
}

#[test]
fn the_side_of_a_code_can_be_turned() {
    use overread_codes::Side;
    let release = &*RELEASE;
    let turned = |code: &str, side| release.get(code).unwrap().on_side(side).map(|e| e.code().to_owned());
    assert_eq!(turned("H66.90", Side::Left).as_deref(), Some("H66.92"));
    assert_eq!(turned("S52.531A", Side::Left).as_deref(), Some("S52.532A"));
    assert_eq!(turned("I10", Side::Left), None);
}

/// Checked by hand against the tabular list of April 2026: a code, another, and whether an Excludes1 note of either
/// forbids them together.
const EXCLUDES1: &[(&str, &str, bool)] = &[
    // 1: infectious diseases
    ("A09", "K52.9", true),
    ("A41.9", "R78.81", true),
    ("A41.9", "J18.9", false),
    ("B34.9", "B33.0", false),
    // 2: neoplasms
    ("C43.9", "C51.9", false),
    ("C50.911", "C44.501", true),
    ("C34.90", "C46.50", true),
    // 3: blood
    ("D50.9", "D62", false),
    ("D64.9", "D63.1", false),
    ("D62", "D50.0", true),
    // 4: endocrine
    ("E10.9", "E11.9", true),
    ("E11.9", "E13.9", true),
    ("E11.65", "E11.9", false),
    ("E66.9", "E66.2", false),
    // The note names diabetes "with ketoacidosis" only.
    ("E87.21", "E11.22", false),
    ("E86.0", "E87.1", false),
    // 5: mental
    ("F32.9", "F33.9", true),
    ("F11.20", "F11.93", true),
    ("F03.90", "F05", false),
    // 6: nervous system
    ("G40.909", "R56.9", true),
    ("G43.909", "R51.9", false),
    // 7: eye
    ("H10.9", "H16.209", true),
    // 8: ear
    ("H91.90", "H90.3", true),
    // 9: circulatory
    ("I10", "O13.1", true),
    ("I12.9", "I15.0", true),
    ("I25.10", "I25.110", false),
    ("I50.9", "I11.0", false),
    ("I63.9", "I69.30", false),
    // 10: respiratory
    ("J18.9", "J69.0", false),
    ("J20.9", "J40", true),
    ("J45.909", "J44.9", false),
    // 11: digestive
    ("K21.9", "K21.00", false),
    ("K57.30", "K57.20", false),
    ("K35.80", "K37", false),
    // 12: skin
    ("L03.115", "L02.415", false),
    // 13: musculoskeletal
    ("M54.50", "M54.40", true),
    ("M54.16", "M51.16", true),
    // 14: genitourinary
    ("N39.0", "N30.00", true),
    ("N20.0", "N13.2", true),
    // 15: pregnancy
    ("O24.410", "O24.111", false),
    // 16: perinatal
    ("P59.9", "P57.9", true),
    // 17: congenital
    ("Q21.0", "I51.0", true),
    // 18: symptoms
    ("R07.9", "R07.1", false),
    ("R10.9", "N23", true),
    ("R05.9", "R04.2", false),
    ("K52.9", "R19.7", true),
    // 19: injuries
    ("S06.0X0A", "S06.5X0A", true),
    ("T78.40XA", "T88.7XXA", false),
    // 20: external causes
    ("W19.XXXA", "Y92.009", false),
    // 21: factors
    ("Z79.4", "Z79.84", false),
    ("Z85.3", "C50.911", false),
    ("Z21", "B20", true),
    // 22: special purposes
    ("U07.1", "J12.81", false),
];

#[test]
fn excludes1_notes_are_read_as_a_person_reads_them() {
    let release = &*RELEASE;
    let mut wrong = Vec::new();
    for &(a, b, forbidden) in EXCLUDES1 {
        let (Some(one), Some(other)) = (release.get(a), release.get(b)) else {
            wrong.push(format!("{a} or {b} is not in the release"));
            continue;
        };
        let found =
            release.excludes1(one, other).map(|x| format!("{}: {}", x.note.entry.code(), x.note.text));
        let same = release.excludes1(other, one).is_some();
        if found.is_some() != forbidden || same != forbidden {
            wrong.push(format!("{a} {b}: {found:?}, expected {forbidden}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nearly_all_excludes1_notes_lead_to_codes() {
    let release = &*RELEASE;
    let notes: Vec<&str> = release
        .iter()
        .flat_map(overread_codes::Entry::notes)
        .filter(|n| n.kind == NoteKind::Excludes1)
        .map(|n| n.text)
        .collect();
    let named = notes.iter().filter(|text| !overread_codes::reference::references(text).is_empty()).count();
    let resolved = notes.iter().filter(|text| !release.references(text).is_empty()).count();
    println!("{} Excludes1 notes, {named} name codes, {resolved} lead to codes of the release", notes.len());
    assert!(resolved * 1000 >= named * 998, "{resolved} of {named}");
    assert!(named > 5200);
}
