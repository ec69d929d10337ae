//! Relatives of the codes that were found: the other side, another encounter, another severity, the code that says no
//! more. Words may fail to name them, but they are what the reviewer would turn to next.

use overread_codes::{Entry, Release};

use super::{Evidence, Found, KIN, Wanted};

/// Codes whose relatives are looked at.
const HEADS: usize = 3;

/// Adds relatives of the best codes by words and by meaning.
pub(super) fn add(release: &Release, found: &mut Found) {
    let mut heads: Vec<(f32, String)> = found
        .by_code
        .iter()
        .filter_map(|(code, e)| {
            let ways = [e.by_quote, e.by_item, e.by_past, e.by_meaning];
            let first = ways.iter().flatten().filter(|w| w.0 < 2).map(|w| w.1);
            Some((first.reduce(f32::max)?, code.clone()))
        })
        .collect();
    heads.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    for (score, code) in heads.into_iter().take(HEADS) {
        let Some(entry) = release.get(&code) else { continue };
        for (rank, kin) in relatives(release, entry).into_iter().take(KIN).enumerate() {
            let order = &mut found.order;
            let evidence = found.by_code.entry(kin.code().to_owned()).or_insert_with(|| {
                order.push(kin.code().to_owned());
                Evidence { title: kin.title().to_owned(), ..Evidence::default() }
            });
            if evidence.by_kin.is_none_or(|k| k.1 < score) {
                evidence.by_kin = Some((rank, score));
            }
        }
    }
}

/// Codes that the guidelines put in the place of another where the note says more: diabetes with complications
/// (I.C.4.a), hypertension with heart and kidney disease (I.C.9.a), anemia in other diseases (I.C.2.c, I.C.3).
const COMBINED: &[(&str, &[&str])] = &[
    ("E11.9", &["E11.22", "E11.21", "E11.65", "E11.42", "E11.40", "E11.319", "E11.51", "E11.621", "E11.649"]),
    ("E10.9", &["E10.22", "E10.21", "E10.65", "E10.42", "E10.40", "E10.319", "E10.51", "E10.649"]),
    ("I10", &["I11.9", "I11.0", "I12.9", "I13.0", "I13.10", "I12.0", "I13.2"]),
    ("D64.9", &["D63.1", "D62", "D63.0", "D63.8", "D50.9", "D50.0"]),
    ("I25.10", &["I25.119", "I25.110", "I25.2"]),
    ("N18.9", &["N18.30", "N18.4", "N18.6", "N19"]),
    ("D69.6", &["P61.0", "D69.59"]),
];

/// Adds codes that the table of status phrases has for words of the mention, and the code for any operation that is
/// over.
pub(super) fn add_status(release: &Release, found: &mut Found, wanted: &Wanted<'_>) {
    let mut codes = crate::codeset::status_named(wanted.quote);
    if (wanted.past() || wanted.history) && wanted.head.is_procedure() {
        codes.push("Z98.890");
    }
    for (rank, code) in codes.into_iter().enumerate() {
        let Some(entry) = release.get(code).filter(|e| e.billable()) else { continue };
        let order = &mut found.order;
        let evidence = found.by_code.entry(code.to_owned()).or_insert_with(|| {
            order.push(code.to_owned());
            Evidence { title: entry.title().to_owned(), ..Evidence::default() }
        });
        evidence.by_status = Some((rank, 0.7));
    }
}

/// Billable relatives, the nearest first.
fn relatives<'r>(release: &'r Release, entry: Entry<'r>) -> Vec<Entry<'r>> {
    let mut out: Vec<Entry<'r>> = Vec::new();
    let mut push = |kin: Entry<'r>| {
        let leaf = if kin.billable() { kin } else { kin.default_leaf() };
        if leaf.billable() && leaf.code() != entry.code() && !out.iter().any(|o| o.code() == leaf.code()) {
            out.push(leaf);
        }
    };
    entry.unspecified_sibling().into_iter().for_each(&mut push);
    let code = entry.code();
    let combined = COMBINED.iter().find(|(plain, _)| *plain == code).map_or(&[][..], |(_, more)| more);
    combined.iter().filter_map(|c| release.get(c)).for_each(&mut push);
    // With a 7th character the encounter stands last, and what tells sides apart stands before it.
    let encounter = (code.len() == 8).then(|| code.chars().last()).flatten();
    match (encounter, entry.parent()) {
        (Some(last), Some(parent)) => {
            for side in parent.siblings() {
                side.children()
                    .filter(|c| c.code().len() == 8 && c.code().ends_with(last))
                    .for_each(&mut push);
            }
            entry.siblings().filter(|s| s.code().ends_with(['D', 'S'])).for_each(&mut push);
        }
        _ => entry.siblings().for_each(&mut push),
    }
    if let Some(parent) = entry.parent().filter(|p| p.is_code()) {
        push(parent.default_leaf());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn codes_of_the_table_can_stand_on_a_claim() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/icd-10-cm/2026-04.ovr");
        let release = Release::from_bytes(&std::fs::read(path).unwrap()).unwrap();
        let all = COMBINED.iter().flat_map(|(plain, more)| more.iter().chain([plain]));
        let bad: Vec<_> = all.filter(|c| !release.is_billable(c)).collect();
        assert!(bad.is_empty(), "{bad:?}");
    }

    #[test]
    fn relatives_are_other_sides_encounters_and_the_unspecified() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/icd-10-cm/2026-04.ovr");
        let release = Release::from_bytes(&std::fs::read(path).unwrap()).unwrap();
        let codes = |code: &str| -> Vec<String> {
            relatives(&release, release.get(code).unwrap()).iter().map(|e| e.code().to_owned()).collect()
        };
        assert!(
            codes("M25.561").contains(&"M25.562".to_owned())
                && codes("M25.561").contains(&"M25.569".to_owned())
        );
        let fracture = codes("S52.501A");
        assert!(fracture.contains(&"S52.502A".to_owned()) && fracture.contains(&"S52.501D".to_owned()));
        assert!(codes("E11.9").contains(&"E11.22".to_owned()));
        assert!(fracture.iter().all(|c| release.is_billable(c)));
    }
}
