//! Combination codes: one code for what is to be reported together.

use std::ops::Range;

use overread_codes::Release;
use overread_domain::suggestion::Assertion;

use super::{Condition, Draft, Source, drafts};

/// Puts the combination code first among the candidates of the conditions that it combines, so that the mention and
/// the final list speak alike.
pub(crate) fn candidates(release: &Release, conditions: &mut [Condition]) {
    let mut drafts = drafts(None, conditions, &[]);
    drafts.retain(|d| d.source != Source::Second && d.rank == 0);
    let before: Vec<String> = drafts.iter().map(|d| d.code.clone()).collect();
    combine(&mut drafts);
    for draft in drafts.iter().filter(|d| d.source == Source::Combination) {
        let Some(entry) = release.get(&draft.code).filter(|e| e.billable()) else { continue };
        for condition in conditions.iter_mut().filter(|c| draft.evidence.contains(&c.span)) {
            let Some(first) = condition.codes.first() else { continue };
            // The stage of a kidney disease and the kind of a heart failure stay codes of their own.
            if first.0.starts_with(['N', 'G', 'H'])
                || first.0.starts_with("I50")
                || !before.contains(&first.0)
            {
                continue;
            }
            let p = first.2;
            condition.codes.retain(|c| c.0 != draft.code);
            condition.codes.insert(0, (draft.code.clone(), entry.title().to_owned(), p));
            if let Some(second) = condition.codes.get_mut(1) {
                second.2 *= 0.3;
            }
            condition.codes.truncate(crate::link::SHOWN);
        }
    }
}

/// Combination codes: hypertension with heart failure and kidney disease (I.C.9.a), diabetes with its complications
/// (I.C.4.a). The parts that the combination says drop out.
pub(super) fn combine(drafts: &mut Vec<Draft>) {
    let sure = |d: &Draft| {
        d.rank == 0
            && matches!(d.source, Source::Diagnosis | Source::History)
            && d.mention * d.link >= 0.1
            && !matches!(d.assertion, Assertion::Possible | Assertion::Historical)
    };
    let find = |drafts: &[Draft], prefix: &[&str]| {
        drafts.iter().position(|d| sure(d) && prefix.iter().any(|p| d.code.starts_with(p)))
    };
    let pressure = find(drafts, &["I10"]);
    let heart = find(drafts, &["I50"]);
    let kidney = find(drafts, &["N18"]);
    let stage = kidney.map(|k| drafts[k].code.clone());
    if let Some(at) = pressure {
        let late = stage.as_deref().is_some_and(|s| matches!(s, "N18.5" | "N18.6"));
        let combined = match (heart, kidney) {
            (Some(_), Some(_)) if late => Some("I13.2"),
            (Some(_), Some(_)) => Some("I13.0"),
            (Some(_), None) => Some("I11.0"),
            (None, Some(_)) if late => Some("I12.0"),
            (None, Some(_)) => Some("I12.9"),
            (None, None) => None,
        };
        if let Some(code) = combined {
            let parts = [Some(at), heart, kidney];
            merge(drafts, at, code, &parts);
        }
    }
    if let Some(at) = find(drafts, &["E11.9", "E10.9"]) {
        let kind = drafts[at].code[..3].to_owned();
        let with =
            [("N18", "22"), ("E1", "21"), ("G62.9", "42"), ("H35", "319"), ("G60", "40"), ("G99", "40")];
        for (prefix, tail) in with {
            let part = drafts.iter().position(|d| {
                sure(d) && (d.code.starts_with(prefix) && (prefix != "E1" || d.code == format!("{kind}.21")))
            });
            if let Some(part) = part {
                merge(drafts, at, &format!("{kind}.{tail}"), &[Some(at), Some(part)]);
                return;
            }
        }
        let specific = drafts.iter().any(|d| sure(d) && d.code.starts_with(&kind) && !d.code.ends_with(".9"));
        if specific {
            drafts.retain(|d| d.code != format!("{kind}.9"));
        }
    }
}

/// Replaces the draft at `at` by a combination code with the evidence of `parts`.
fn merge(drafts: &mut [Draft], at: usize, code: &str, parts: &[Option<usize>]) {
    let indices: Vec<usize> = parts.iter().copied().flatten().collect();
    let evidence: Vec<Range<usize>> = indices.iter().flat_map(|&i| drafts[i].evidence.clone()).collect();
    let mention = indices.iter().map(|&i| drafts[i].mention).fold(1.0, f32::min);
    let link = indices.iter().map(|&i| drafts[i].link).fold(1.0, f32::min);
    let draft = &mut drafts[at];
    (draft.code, draft.source, draft.mention, draft.link) =
        (code.to_owned(), Source::Combination, mention, link);
    draft.evidence = evidence;
}
