//! What is over, and what relatives have, is coded by body system where no code of its own exists: Z86 and Z87
//! "personal history of other diseases of ...", Z80 to Z84 for the family (Official Guidelines, I.C.21.c.4).

use super::Context;
use super::rank::{Found, keep};
use crate::release::Release;

/// First and last category of a system, then the code for the patient's own past and that for a relative.
const SYSTEMS: &[(&str, &str, &str, &str)] = &[
    ("A00", "B99", "Z86.19", "Z83.1"),
    ("C00", "C96", "Z85.9", "Z80.9"),
    ("D00", "D09", "Z86.008", "Z80.9"),
    ("D10", "D36", "Z86.018", "Z84.89"),
    ("D37", "D49", "Z86.03", "Z84.89"),
    ("D50", "D89", "Z86.2", "Z83.2"),
    ("E08", "E13", "Z86.39", "Z83.3"),
    ("E78", "E78", "Z86.39", "Z83.438"),
    ("E00", "E89", "Z86.39", "Z83.49"),
    ("F10", "F10", "Z86.59", "Z81.1"),
    ("F01", "F99", "Z86.59", "Z81.8"),
    ("G00", "G99", "Z86.69", "Z82.0"),
    ("H00", "H59", "Z86.69", "Z83.518"),
    ("H60", "H95", "Z86.69", "Z83.52"),
    ("I20", "I22", "I25.2", "Z82.49"),
    ("I26", "I26", "Z86.711", "Z82.49"),
    ("I82", "I82", "Z86.718", "Z82.49"),
    ("I60", "I69", "Z86.73", "Z82.3"),
    ("I00", "I99", "Z86.79", "Z82.49"),
    ("J12", "J18", "Z87.01", "Z83.6"),
    ("J45", "J45", "Z87.09", "Z82.5"),
    ("J00", "J99", "Z87.09", "Z83.6"),
    ("K25", "K28", "Z87.11", "Z83.79"),
    ("K00", "K95", "Z87.19", "Z83.79"),
    ("L00", "L99", "Z87.2", "Z84.0"),
    ("M00", "M25", "Z87.39", "Z82.61"),
    ("M00", "M99", "Z87.39", "Z82.69"),
    ("N20", "N23", "Z87.442", "Z84.19"),
    ("N30", "N30", "Z87.440", "Z84.2"),
    ("N39", "N39", "Z87.440", "Z84.2"),
    ("N00", "N39", "Z87.448", "Z84.19"),
    ("N40", "N53", "Z87.438", "Z84.2"),
    ("N60", "N98", "Z87.42", "Z84.2"),
    ("O00", "O9A", "Z87.59", "Z84.89"),
    ("P00", "P96", "Z87.68", "Z84.89"),
    ("Q20", "Q28", "Z87.74", "Z82.79"),
    ("Q35", "Q45", "Z87.738", "Z82.79"),
    ("Q50", "Q64", "Z87.718", "Z82.79"),
    ("Q00", "QA0", "Z87.798", "Z82.79"),
    ("R00", "R99", "Z87.898", "Z84.89"),
    ("S00", "T14", "Z87.828", "Z84.89"),
    ("T15", "T88", "Z87.828", "Z84.89"),
];

/// Offers the system's history codes of the best entries that are conditions of now.
pub(super) fn generic(release: &Release, context: Context, found: &mut Found) {
    if context == Context::Current {
        return;
    }
    let mut best: Vec<(u32, f32, u32)> =
        found.iter().map(|(&entry, &(score, doc))| (entry, score, doc)).collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let now = best.into_iter().filter_map(|(entry, score, doc)| Some((release.entry(entry)?, score, doc)));
    for (e, score, doc) in now.filter(|(e, ..)| !e.code().starts_with('Z')).take(4) {
        let Some(category) = e.code().get(..3) else { continue };
        let system = SYSTEMS.iter().find(|(first, last, ..)| (*first..=*last).contains(&category));
        let fracture = category.starts_with('S') && e.title().to_ascii_lowercase().contains("fracture");
        let code = match (system, context) {
            (Some(_), Context::PersonalHistory) if fracture => "Z87.81",
            (Some((_, _, own, _)), Context::PersonalHistory) => own,
            (Some((_, _, _, family)), _) => family,
            _ => continue,
        };
        if let Some(history) = release.get(code).filter(|h| h.billable()) {
            keep(found, history.index(), score - 0.2, doc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SYSTEMS;

    #[test]
    fn narrower_systems_stand_before_those_that_hold_them() {
        for (i, a) in SYSTEMS.iter().enumerate() {
            for b in &SYSTEMS[..i] {
                assert!(!(b.0 <= a.0 && a.1 <= b.1), "{}-{} is never reached", a.0, a.1);
            }
        }
    }
}
