//! Doses and routes of common drugs (`data/doses.tsv`).

use std::sync::LazyLock;

use overread_domain::Item;

use crate::case::{Case, Found};
use crate::words::{has_phrase, number};

struct Drug {
    names: Vec<&'static str>,
    unit: &'static str,
    most: f64,
    not_by: Vec<&'static str>,
}

static DRUGS: LazyLock<Vec<Drug>> = LazyLock::new(|| {
    let lines = include_str!("../../data/doses.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let (names, unit, most) = (columns.next()?, columns.next()?, columns.next()?);
            let split = |text: &'static str| text.split(';').filter(|part| !part.is_empty()).collect();
            Some(Drug {
                names: split(names),
                unit,
                most: most.parse().ok()?,
                not_by: columns.next().map(split).unwrap_or_default(),
            })
        })
        .collect()
});

fn drug(item: &Item) -> Option<&'static Drug> {
    let words = item.content.evidence.first()?;
    let named = item.content.attributes.get("name").unwrap_or(words);
    DRUGS.iter().find(|drug| drug.names.iter().any(|name| has_phrase(&named.quote, name)))
}

/// Value and unit: mg, mcg, units, meq. The larger end of a range.
fn dose(text: &str) -> Option<(f64, Option<&'static str>)> {
    let (first, mut rest) = number(text)?;
    let mut value = first;
    for joint in ["-", "to ", "\u{2013}"] {
        if let Some((second, after)) = rest.strip_prefix(joint).and_then(number) {
            (value, rest) = (second.max(first), after);
            break;
        }
    }
    // "24/26 mg", "5/325": two drugs in one.
    if rest.starts_with('/') {
        return None;
    }
    let unit: String =
        rest.chars().take_while(|c| c.is_alphabetic() || *c == 'µ').collect::<String>().to_lowercase();
    Some(match unit.as_str() {
        "mg" | "milligram" | "milligrams" => (value, Some("mg")),
        "g" | "gm" | "gram" | "grams" => (value * 1000.0, Some("mg")),
        "mcg" | "ug" | "µg" | "microgram" | "micrograms" => (value, Some("mcg")),
        "unit" | "units" | "u" | "iu" => (value, Some("units")),
        "meq" => (value, Some("meq")),
        "" => (value, None),
        // Millilitres, puffs, tablets: an amount of another kind.
        _ => return None,
    })
}

pub(super) fn too_much(case: &Case<'_>) -> Vec<Found> {
    case.of("medication")
        .filter_map(|item| {
            let drug = drug(item)?;
            let (value, unit) = dose(&item.content.attributes.get("dose")?.quote)?;
            let amount = match (unit?, drug.unit) {
                (own, unit) if own == unit => value,
                ("mg", "mcg") => value * 1000.0,
                ("mcg", "mg") => value / 1000.0,
                _ => return None,
            };
            (amount > drug.most).then(|| {
                let message = format!(
                    "{amount} {} of {} is more than {} {} at once",
                    drug.unit, drug.names[0], drug.most, drug.unit
                );
                Found::on(&[item], message)
            })
        })
        .collect()
}

pub(super) fn no_unit(case: &Case<'_>) -> Vec<Found> {
    case.of("medication")
        .filter_map(|item| {
            let drug = drug(item)?;
            let (value, unit) = dose(&item.content.attributes.get("dose")?.quote)?;
            unit.is_none().then(|| {
                Found::on(
                    &[item],
                    format!("{value} of {} has no unit ({} as a rule)", drug.names[0], drug.unit),
                )
            })
        })
        .collect()
}

pub(super) fn route(case: &Case<'_>) -> Vec<Found> {
    case.of("medication")
        .filter_map(|item| {
            let drug = drug(item)?;
            let said = item.content.attributes.get("route")?.quote.to_lowercase();
            let letters: String = said.chars().filter(|c| c.is_alphabetic()).collect();
            let way = match letters.as_str() {
                "po" | "bymouth" | "oral" | "orally" => "po",
                "iv" | "intravenous" | "intravenously" => "iv",
                "im" | "intramuscular" | "intramuscularly" => "im",
                _ => return None,
            };
            drug.not_by.contains(&way).then(|| {
                let word = match way {
                    "po" => "by mouth",
                    "iv" => "into a vein",
                    _ => "into a muscle",
                };
                Found::on(&[item], format!("{} is not given {word}", drug.names[0]))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(DRUGS.len() > 80);
        for drug in DRUGS.iter() {
            assert!(
                drug.most > 0.0 && ["mg", "mcg", "units", "meq"].contains(&drug.unit),
                "{:?}",
                drug.names
            );
            assert!(drug.not_by.iter().all(|way| ["po", "iv", "im"].contains(way)), "{:?}", drug.names);
        }
    }

    #[test]
    fn reads_doses_as_people_write_them() {
        assert_eq!(dose("500 mg"), Some((500.0, Some("mg"))));
        assert_eq!(dose("1-2 g"), Some((2000.0, Some("mg"))));
        assert_eq!(dose("0.1 mcg"), Some((0.1, Some("mcg"))));
        assert_eq!(dose("20"), Some((20.0, None)));
        assert_eq!(dose("2 puffs"), None);
        assert_eq!(dose("24/26 mg"), None);
    }
}
