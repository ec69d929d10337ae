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

/// Which words a list of codes answers, and whether its first code was asked for before the answer came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    words: Option<String>,
    wanted: Option<(String, bool)>,
}

impl Answered {
    /// Enter, with these words in the box: true if the list answers them. Else it is remembered until the answer comes,
    /// with whether also a code that cannot be billed is taken.
    pub fn enter(&mut self, words: &str, anyway: bool) -> bool {
        let now = self.words.as_deref() == Some(words);
        self.wanted = (!now).then(|| (words.to_owned(), anyway));
        now
    }

    /// Other words, or a walk in the list: what Enter asked for no longer holds.
    pub fn forget(&mut self) {
        self.wanted = None;
    }

    /// The list answers these words now. Gives what Enter asked for, if it was for them.
    pub fn answer(&mut self, words: &str) -> Option<bool> {
        self.words = Some(words.to_owned());
        self.wanted.take().filter(|(wanted, _)| wanted == words).map(|(_, anyway)| anyway)
    }

    /// No answer came.
    pub fn fail(&mut self) {
        *self = Self::default();
    }
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
    fn enter_takes_only_from_a_list_that_answers_the_words() {
        let mut answered = Answered::default();
        assert_eq!(answered.answer("gout"), None);
        assert!(answered.enter("gout", false));
        assert!(!answered.enter("I10", true), "the list is still about gout");
        assert_eq!(answered.answer("gout"), None, "a late answer to the old words takes nothing");
        assert!(!answered.enter("I10", true));
        assert_eq!(answered.answer("I10"), Some(true));
        assert_eq!(answered.answer("I10"), None, "once only");
    }

    #[test]
    fn other_words_or_no_answer_take_nothing() {
        let mut answered = Answered::default();
        assert!(!answered.enter("I1", false));
        answered.forget();
        assert_eq!(answered.answer("I1"), None);
        assert!(!answered.enter("I10", false));
        answered.fail();
        assert!(!answered.enter("I10", false), "nothing is answered");
    }

    #[test]
    fn goes_round_the_ends() {
        assert_eq!(step(0, -1, 3), 2);
        assert_eq!(step(2, 1, 3), 0);
        assert_eq!(step(5, 1, 0), 0);
    }
}
