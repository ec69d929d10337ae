//! The list of codes that a search brings up, and the choice in it.

use overread_api::code::{CodeHit, CodeLink, CodeView, NoteKind};

/// Billable codes first, each part in the search's own order.
pub fn billable_first(mut hits: Vec<CodeHit>) -> Vec<CodeHit> {
    hits.sort_by_key(|hit| !hit.billable);
    hits
}

/// The codes under one that cannot be billed, as hits.
pub fn children(view: &CodeView) -> Vec<CodeHit> {
    let hit = |link: &CodeLink| CodeHit {
        system: view.system.clone(),
        code: link.code.clone(),
        title: link.title.clone(),
        billable: link.billable,
        matched: None,
        score: 0.0,
    };
    view.children.iter().map(hit).collect()
}

/// The place `by` further in a list of `len`, around its ends.
pub fn step(at: usize, by: isize, len: usize) -> usize {
    if len == 0 { 0 } else { (at as isize + by).rem_euclid(len as isize) as usize }
}

pub fn note_label(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Includes => "Includes",
        NoteKind::Excludes1 => "Excludes1",
        NoteKind::Excludes2 => "Excludes2",
        NoteKind::CodeFirst => "Code first",
        NoteKind::UseAdditionalCode => "Use additional code",
        NoteKind::CodeAlso => "Code also",
        NoteKind::SeventhCharacter => "7th character",
        NoteKind::Note => "Note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(code: &str, billable: bool) -> CodeHit {
        CodeHit {
            system: "icd-10-cm".into(),
            code: code.into(),
            title: String::new(),
            billable,
            matched: None,
            score: 1.0,
        }
    }

    #[test]
    fn billable_codes_come_first_in_their_order() {
        let hits = billable_first(vec![
            hit("E11", false),
            hit("E11.9", true),
            hit("E10", false),
            hit("E10.9", true),
        ]);
        let codes: Vec<_> = hits.iter().map(|h| h.code.as_str()).collect();
        assert_eq!(codes, ["E11.9", "E10.9", "E11", "E10"]);
    }

    #[test]
    fn goes_round_the_ends() {
        assert_eq!(step(0, -1, 3), 2);
        assert_eq!(step(2, 1, 3), 0);
        assert_eq!(step(5, 1, 0), 0);
    }
}
