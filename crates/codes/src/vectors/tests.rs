use proptest::prelude::*;

use super::*;
use crate::source::tests::small;

fn vectors(release: &Release, dims: usize) -> Vec<Vec<f32>> {
    // Directions that differ from term to term, by a fixed congruence.
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    release.terms().map(|_| (0..dims).map(|_| next()).collect()).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn the_nearest_term_to_a_terms_own_vector_is_that_term() {
    let release = small();
    let all = vectors(&release, 48);
    let index = VectorIndex::build(&release, "test-1", &all).unwrap();
    for (term, vector) in (0..).zip(&all) {
        let near = index.nearest(vector, 3).unwrap();
        assert_eq!(near[0].term, term);
        assert!((near[0].score - 1.0).abs() < 0.02);
        assert!(near[0].score >= near[1].score && near[1].score >= near[2].score);
    }
}

#[test]
fn a_category_near_the_phrase_leads_to_its_billable_code() {
    let release = small();
    let all = vectors(&release, 48);
    let index = VectorIndex::build(&release, "test-1", &all).unwrap();
    let term = release.terms().position(|t| t.text == "Traumatic cerebral edema").unwrap();
    let options = Options { billable_only: true, ..Options::default() };
    let hits = index.nearest_codes(&release, "edema, subsequent", &all[term], &options).unwrap();
    assert_eq!(hits[0].code, "S06.1XXD");
    assert!(hits.iter().all(|h| h.billable));
}

#[test]
fn wrong_vectors_are_refused() {
    let release = small();
    let mut all = vectors(&release, 8);
    let short = &all[..all.len() - 1];
    assert_eq!(
        VectorIndex::build(&release, "t", short).unwrap_err(),
        VectorError::Mismatch { what: "number of terms" }
    );
    all[2].pop();
    assert_eq!(
        VectorIndex::build(&release, "t", &all).unwrap_err(),
        VectorError::Dimensions { index: 2, found: 7, expected: 8 }
    );
    all[1][0] = f32::NAN;
    assert_eq!(VectorIndex::build(&release, "t", &all).unwrap_err(), VectorError::NotFinite { index: 1 });
    let index = VectorIndex::build(&release, "t", vectors(&release, 8)).unwrap();
    assert!(index.nearest(&[1.0; 7], 3).is_err());
    assert!(index.nearest(&[f32::INFINITY; 8], 3).is_err());
}

#[test]
fn a_file_belongs_to_its_terms_and_encoder() {
    let release = small();
    let index = VectorIndex::build(&release, "test-1", vectors(&release, 8)).unwrap();
    let bytes = index.to_bytes();
    assert_eq!(VectorIndex::from_bytes(&bytes, &release, "test-1").unwrap(), index);
    assert_eq!(
        VectorIndex::from_bytes(&bytes, &release, "test-2").unwrap_err(),
        VectorError::Mismatch { what: "encoder" }
    );
    let tabular = crate::source::tests::TABULAR.replace("Diffuse injury", "Diffuse injuries");
    let (other, _) = crate::source::tests::build_from(&tabular, crate::source::tests::LIST).unwrap();
    assert_eq!(
        VectorIndex::from_bytes(&bytes, &other, "test-1").unwrap_err(),
        VectorError::Mismatch { what: "list of terms" }
    );
}

#[test]
fn a_header_tells_which_release_and_encoder_a_file_is_for() {
    let release = small();
    let name = maker("bert-1", Some("abcd"));
    assert_ne!(name, maker("bert-1", None));
    assert_ne!(name, maker("bert-1", Some("abce")));
    let bytes = VectorIndex::build(&release, &name, vectors(&release, 8)).unwrap().to_bytes();
    let header = Header::read(&bytes).unwrap();
    assert_eq!((header.dims, header.count), (8, release.terms().count()));
    assert!(header.fits(&release, &name));
    assert!(!header.fits(&release, "bert-1"));
    let tabular = crate::source::tests::TABULAR.replace("Diffuse injury", "Diffuse injuries");
    let (other, _) = crate::source::tests::build_from(&tabular, crate::source::tests::LIST).unwrap();
    assert!(!header.fits(&other, &name));
    assert_eq!(Header::read(b"PK").unwrap_err(), VectorError::Foreign);
    assert!(Header::read(&bytes[..90]).is_err());
}

#[test]
fn no_queries_and_no_neighbours_are_nothing() {
    let release = small();
    let index = VectorIndex::build(&release, "t", vectors(&release, 8)).unwrap();
    assert!(index.nearest_many::<Vec<f32>>(&[], 3).unwrap().is_empty());
    assert!(index.nearest(&[1.0; 8], 0).unwrap().is_empty());
    assert!(index.nearest(&[0.0; 8], 2).unwrap().iter().all(|n| n.score == 0.0));
    assert_eq!(index.nearest(&[1.0; 8], usize::MAX).unwrap().len(), index.len());
}

/// An index of any size, which a release of that many terms would be slow to make for.
fn index(rows: usize, dims: usize, seed: u32) -> VectorIndex {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    // Few values and few scales, so that many scores are equal.
    let steps = (0..rows * dims).map(|_| ((next() % 5) as i16 * 60 - 120) as i8).collect();
    let scales = (0..rows).map(|_| (next() % 3) as f32).collect();
    let entries = (0..rows as u32).collect();
    VectorIndex { encoder: String::new(), terms_hash: String::new(), dims, entries, scales, steps }
}

#[test]
fn joined_lists_prefer_what_both_sides_found() {
    let hit = |code: &str, score: f32| Hit {
        code: code.into(),
        title: String::new(),
        billable: true,
        score,
        matched_term: String::new(),
        matched_kind: crate::TermKind::Title,
        entry: 0,
    };
    let codes = |hits: Vec<Hit>| hits.into_iter().map(|h| h.code).collect::<Vec<_>>();
    let lexical = [hit("A", 0.9), hit("B", 0.85), hit("D", 0.5)];
    let semantic = [hit("C", 0.9), hit("B", 0.85), hit("D", 0.5)];
    let even = Weights { lexical: 0.5, semantic: 0.5 };
    assert_eq!(codes(hybrid(&lexical, &semantic, even, 3)), ["B", "A", "C"]);
    assert_eq!(codes(hybrid(&lexical, &[], even, 2)), ["A", "B"]);
    assert!(hybrid(&[], &[], Weights::default(), 5).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nearest_are_the_first_of_all_in_order(
        rows in 1usize..1500,
        dims in 1usize..150,
        count in 1usize..10,
        k in 0usize..200,
        seed: u32,
    ) {
        let index = index(rows, dims, seed);
        let queries: Vec<Vec<f32>> = (0..count)
            .map(|q| (0..dims).map(|d| ((q * 7 + d * 3 + seed as usize % 97) % 5) as f32 - 2.0).collect())
            .collect();
        let together = index.nearest_many(&queries, k).unwrap();
        for (query, found) in queries.iter().zip(&together) {
            let (scale, steps) = quantise(0, query, dims).unwrap();
            let mut all: Vec<(f32, u32)> = (0..rows)
                .map(|row| {
                    let steps = index.steps[row * dims..][..dims].iter().zip(&steps);
                    let dot: i32 = steps.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
                    (dot as f32 * (index.scales[row] * scale) + 0.0, row as u32)
                })
                .collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(k);
            let found: Vec<(f32, u32)> = found.iter().map(|n| (n.score, n.term)).collect();
            prop_assert_eq!(&found, &all);
            let alone = index.nearest(query, k).unwrap();
            prop_assert_eq!(alone.iter().map(|n| (n.score, n.term)).collect::<Vec<_>>(), all);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn threads_find_what_one_finds(k in 1usize..100, seed: u32) {
        // 2,000 rows of 512 with 40 queries: enough to be shared out.
        let index = index(2000, 512, seed);
        let queries: Vec<Vec<f32>> = (0..40)
            .map(|q| (0..512).map(|d| ((q * 11 + d * 7) % 9) as f32 - 4.0).collect())
            .collect();
        for (query, found) in queries.iter().zip(index.nearest_many(&queries, k).unwrap()) {
            prop_assert_eq!(index.nearest(query, k).unwrap(), found);
        }
    }
}

proptest! {
    #[test]
    fn any_damage_to_a_file_is_refused(at in 0usize..100_000, bit in 0u8..8) {
        let release = small();
        let mut bytes = VectorIndex::build(&release, "test-1", vectors(&release, 8)).unwrap().to_bytes();
        let at = at % bytes.len();
        prop_assert!(VectorIndex::from_bytes(&bytes[..at], &release, "test-1").is_err());
        bytes[at] ^= 1 << bit;
        prop_assert!(VectorIndex::from_bytes(&bytes, &release, "test-1").is_err());
    }

    #[test]
    fn quantised_cosines_are_close(query in proptest::collection::vec(-1.0f32..1.0, 48)) {
        prop_assume!(query.iter().any(|x| x.abs() > 0.01));
        let release = small();
        let all = vectors(&release, 48);
        let index = VectorIndex::build(&release, "test-1", &all).unwrap();
        for near in index.nearest(&query, all.len()).unwrap() {
            prop_assert!((near.score - cosine(&query, &all[near.term as usize])).abs() < 0.02);
        }
    }
}
