//! Allergies beside the drugs that are given (`data/classes.tsv`).

use std::sync::LazyLock;

use overread_domain::Item;

use crate::case::{Case, Found};
use crate::words::has_phrase;

struct Class {
    name: &'static str,
    members: Vec<&'static str>,
}

static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| {
    let lines = include_str!("../../data/classes.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let (name, members) = line.split_once('\t')?;
            let members =
                members.split('\t').next()?.split(';').filter(|member| !member.is_empty()).collect();
            Some(Class { name, members })
        })
        .collect()
});

fn words(item: &Item) -> Option<&str> {
    let named = item.content.attributes.get("name").or_else(|| item.content.evidence.first())?;
    Some(&named.quote)
}

/// "NKDA" and its kind, which has a value; a substance has none.
fn is_none_known(item: &Item) -> bool {
    item.content.value.as_deref().is_some_and(|value| value.starts_with("none"))
}

pub(super) fn given(case: &Case<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for allergy in case.of("allergy").filter(|item| !is_none_known(item)) {
        let Some(substance) = words(allergy) else { continue };
        for drug in case.of("medication").filter(|item| item.content.value.as_deref() != Some("stopped")) {
            let Some(name) = words(drug) else { continue };
            let same = has_phrase(name, substance) || has_phrase(substance, name);
            let class = CLASSES.iter().find(|class| {
                let member = |text: &str| class.members.iter().any(|member| has_phrase(text, member));
                member(substance) && member(name)
            });
            let message = match class {
                _ if same => {
                    "The patient is allergic to a drug that is on the list of medications".to_owned()
                }
                Some(class) => {
                    format!("The patient is allergic to {}, and a drug of that class is listed", class.name)
                }
                None => continue,
            };
            out.push(Found::on(&[drug, allergy], message));
        }
    }
    out
}

pub(super) fn contradicted(case: &Case<'_>) -> Vec<Found> {
    let (none, some): (Vec<&Item>, Vec<&Item>) = case.of("allergy").partition(|item| is_none_known(item));
    let (Some(none), Some(first)) = (none.first(), some.first()) else { return Vec::new() };
    vec![Found::on(&[none, first], "The entry says that there are no allergies, and names one")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_drug_is_in_two_classes() {
        let mut all: Vec<&str> = CLASSES.iter().flat_map(|class| class.members.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(CLASSES.len() > 8);
    }
}
