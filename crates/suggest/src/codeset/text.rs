//! Codes that the note's words ask for beside its conditions: external causes (I.C.20), reasons for an encounter and
//! status codes (I.C.21), adverse effects and underdosing (I.C.19.e).

use std::ops::Range;
use std::sync::LazyLock;

use overread_domain::suggestion::Assertion;

use super::{Condition, Draft, Source};
use crate::assertion::Scope;
use crate::note::{Doc, SectionKind};

struct Rule {
    code: &'static str,
    /// Only with an injury among the conditions.
    injury: bool,
    phrases: Vec<&'static str>,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let lines = include_str!("../../data/text_codes.tsv").lines().filter(|l| !l.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let (code, when, phrases) = (columns.next()?, columns.next()?, columns.next()?);
            Some(Rule { code, injury: when == "injury", phrases: phrases.split(';').collect() })
        })
        .collect()
});

/// Whether a condition is an injury or a poisoning (chapter 19), to which external causes belong.
fn injured(conditions: &[Condition]) -> bool {
    conditions.iter().any(|c| {
        c.probability >= 0.2
            && c.assertion == Assertion::Present
            && c.codes.first().is_some_and(|code| code.0.starts_with(['S', 'T']))
    })
}

/// Status codes (chapter 21) whose phrases stand in a mention's words.
pub(crate) fn status_named(quote: &str) -> Vec<&'static str> {
    let lower = quote.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let apart = |at: Option<&u8>| at.is_none_or(|b| !b.is_ascii_alphanumeric());
    let stands = |phrase: &str| {
        lower.match_indices(phrase).any(|(at, _)| {
            apart(at.checked_sub(1).and_then(|i| bytes.get(i))) && apart(bytes.get(at + phrase.len()))
        })
    };
    let named = RULES.iter().filter(|r| matches!(r.code.get(..2), Some("Z8" | "Z9")));
    named.filter(|r| r.phrases.iter().any(|p| stands(p))).map(|r| r.code).take(4).collect()
}

/// The first place of each phrase that stands alone, outside what is denied, a relative's or only in a heading.
pub(super) fn drafts(doc: &Doc<'_>, conditions: &[Condition]) -> Vec<Draft> {
    // Lower case of ASCII alone keeps every place where it is.
    let lower = doc.text.to_ascii_lowercase();
    let injured = injured(conditions);
    let mut out = Vec::new();
    for rule in RULES.iter().filter(|r| injured || !r.injury) {
        let found = rule.phrases.iter().find_map(|phrase| place(doc, &lower, phrase));
        let Some((span, assertion)) = found else { continue };
        out.push(Draft {
            code: rule.code.to_owned(),
            source: Source::Text,
            rank: 0,
            assertion,
            section: doc.kind_at(span.start),
            evidence: vec![span],
            mention: 0.3,
            link: 1.0,
        });
    }
    out
}

fn place(doc: &Doc<'_>, lower: &str, phrase: &str) -> Option<(Range<usize>, Assertion)> {
    let bytes = lower.as_bytes();
    let apart = |at: Option<&u8>| at.is_none_or(|b| !b.is_ascii_alphanumeric());
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find(phrase)) {
        let span = from + at..from + at + phrase.len();
        from = span.end;
        let whole = apart(span.start.checked_sub(1).and_then(|i| bytes.get(i))) && apart(bytes.get(span.end));
        let Some(segment) = doc.segment_at(span.start).filter(|s| s.range.start <= span.start) else {
            continue;
        };
        // "Not on" is no denial of a condition, but it is of what one is on.
        let denied = lower[..span.start].trim_end().ends_with(" not");
        if !whole || denied || doc.section(segment).kind == SectionKind::Family {
            continue;
        }
        // The last word alone: a phrase like "on dialysis" may begin within a cue ("not on").
        let last = span.start + phrase.rfind(' ').map_or(0, |at| at + 1)..span.end;
        let assertion = Scope::new(doc, segment).assertion(&last);
        if !matches!(assertion, Assertion::Absent | Assertion::Family) {
            return Some((span, assertion));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use overread_codes::Release;

    use super::*;

    #[test]
    fn every_code_of_the_table_can_stand_on_a_claim_or_is_of_another_release() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/icd-10-cm/2026-04.ovr");
        let release = Release::from_bytes(&std::fs::read(path).unwrap()).unwrap();
        let bad: Vec<&str> = RULES.iter().map(|r| r.code).filter(|c| !release.is_billable(c)).collect();
        assert!(bad.is_empty(), "{bad:?}");
    }

    #[test]
    fn causes_need_an_injury_and_status_needs_no_denial() {
        let doc = Doc::new("HPI: She fell at home. She is not on dialysis. Colostomy in place.", 1000);
        let codes = |conditions: &[Condition]| -> Vec<String> {
            drafts(&doc, conditions).into_iter().map(|d| d.code).collect()
        };
        assert_eq!(codes(&[]), ["Z93.3"]);
        let injury = Condition {
            span: 0..3,
            history: false,
            assertion: Assertion::Present,
            section: SectionKind::Assessment,
            probability: 0.9,
            codes: vec![("S52.501A".into(), String::new(), 0.9)],
        };
        assert!(codes(&[injury]).contains(&"W19.XXXA".to_owned()));
    }
}
