//! Relatives of the codes that were found: the other side, another encounter, another severity, the code that says no
//! more. Words may fail to name them, but they are what the reviewer would turn to next.

use overread_codes::{Entry, Release};

use super::{Evidence, Found, KIN};

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
        for (rank, kin) in relatives(entry).into_iter().take(KIN).enumerate() {
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

/// Billable relatives, the nearest first.
fn relatives<'r>(entry: Entry<'r>) -> Vec<Entry<'r>> {
    let mut out: Vec<Entry<'r>> = Vec::new();
    let mut push = |kin: Entry<'r>| {
        let leaf = if kin.billable() { kin } else { kin.default_leaf() };
        if leaf.billable() && leaf.code() != entry.code() && !out.iter().any(|o| o.code() == leaf.code()) {
            out.push(leaf);
        }
    };
    entry.unspecified_sibling().into_iter().for_each(&mut push);
    let code = entry.code();
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
    fn relatives_are_other_sides_encounters_and_the_unspecified() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/icd-10-cm/2026-04.ovr");
        let release = Release::from_bytes(&std::fs::read(path).unwrap()).unwrap();
        let codes = |code: &str| -> Vec<String> {
            relatives(release.get(code).unwrap()).iter().map(|e| e.code().to_owned()).collect()
        };
        assert!(
            codes("M25.561").contains(&"M25.562".to_owned())
                && codes("M25.561").contains(&"M25.569".to_owned())
        );
        let fracture = codes("S52.501A");
        assert!(fracture.contains(&"S52.502A".to_owned()) && fracture.contains(&"S52.501D".to_owned()));
        assert!(fracture.iter().all(|c| release.is_billable(c)));
    }
}
