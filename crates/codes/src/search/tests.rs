use super::text::{Role, query_words, stem, term_words};

fn roles(text: &str) -> Vec<(String, Role)> {
    term_words(text).into_iter().map(|w| (w.stem, w.role)).collect()
}

#[test]
fn plurals_and_possessives_fold() {
    for (word, expected) in [
        ("fractures", "fracture"),
        ("diagnoses", "diagnosis"),
        ("allergies", "allergy"),
        ("branches", "branch"),
        ("headaches", "headache"),
        ("pelvis", "pelvis"),
        ("abscess", "abscess"),
        ("gas", "gas"),
    ] {
        assert_eq!(stem(word), expected);
    }
    assert_eq!(query_words("Crohn's disease; Sjögren’s"), ["crohn", "disease", "sjogren"]);
}

#[test]
fn the_classifications_punctuation_is_understood() {
    use Role::{Absent, Filler, Optional, Plain};
    let expected = [("reflux", Plain), ("disease", Plain), ("!esophagiti", Absent)];
    let found = roles("Reflux disease without esophagiti");
    assert!(found.iter().map(|(s, r)| (s.as_str(), *r)).eq(expected));
    let found = roles("Pneumonia, unspecified organism");
    assert!(found.iter().skip(1).all(|w| w.1 == Filler));
    let found = roles("Hypertension (benign) [HTN]");
    assert_eq!(found.iter().map(|w| w.1).collect::<Vec<_>>(), [Plain, Optional, Optional]);
    assert_eq!(roles("Gastro-esophageal X-ray drug-induced").len(), 4);
}
