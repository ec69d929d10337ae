//! The list of codes that a search brings up, and the choice in it.

use overread_api::code::{CodeHit, CodeLink, CodeNote, NoteKind, QuestionAxis, QuestionView};
use overread_api::code_system::{CodeSystems, HoldingKind};
use overread_domain::code::ICD_10_CM;

/// The very code that was typed, then billable codes, then others, each part in the search's own order.
pub fn billable_first(mut hits: Vec<CodeHit>, typed: &str) -> Vec<CodeHit> {
    let plain = |code: &str| code.chars().filter(|c| *c != '.').collect::<String>().to_uppercase();
    let typed = plain(typed.trim());
    hits.sort_by_key(|hit| (plain(&hit.code) != typed, !hit.billable));
    hits
}

/// The answers to a question, as hits: the part that tells them apart stands where a search has the words it met.
pub fn answers(view: &QuestionView) -> Vec<CodeHit> {
    let hit = |code: &CodeLink, matched: Option<String>| CodeHit {
        system: view.system.clone(),
        code: code.code.clone(),
        title: code.title.clone(),
        billable: code.billable,
        matched,
        score: 0.0,
    };
    if view.answers.is_empty() {
        return vec![hit(&view.at, None)];
    }
    let told = |words: &str, title: &str| (words != title).then(|| words.to_owned());
    view.answers.iter().map(|answer| hit(&answer.code, told(&answer.words, &answer.code.title))).collect()
}

/// What is asked, in words.
pub fn question(view: &QuestionView) -> String {
    let asked = match view.axis {
        QuestionAxis::Side => "Which side?",
        QuestionAxis::Encounter => "Which encounter?",
        QuestionAxis::Trimester => "Which trimester?",
        QuestionAxis::Displacement => "Displaced or not?",
        QuestionAxis::Severity => "How severe?",
        QuestionAxis::Complication => "With or without?",
        QuestionAxis::Kind => "Which kind?",
    };
    if view.answers.is_empty() {
        format!("{} is complete.", view.at.code)
    } else {
        format!("{asked} ({})", view.at.code)
    }
}

/// A note's text in pieces, those that name a code with the code.
pub fn pieces(note: &CodeNote) -> Vec<(String, Option<String>)> {
    let letters: Vec<char> = note.text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    for reference in &note.references {
        let (start, end) = (reference.start.clamp(at, letters.len()), reference.end.clamp(at, letters.len()));
        if start > at {
            out.push((letters[at..start].iter().collect(), None));
        }
        if end > start {
            out.push((letters[start..end].iter().collect(), Some(reference.code.clone())));
        }
        at = end.max(at);
    }
    if at < letters.len() {
        out.push((letters[at..].iter().collect(), None));
    }
    out
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

/// How people call a code system.
pub fn system_label(system: &str) -> String {
    match system {
        "icd-10-cm" => "ICD-10-CM".to_owned(),
        "icd-10-pcs" => "ICD-10-PCS".to_owned(),
        "icd-11" => "ICD-11".to_owned(),
        "hcpcs" => "HCPCS".to_owned(),
        "cpt" => "CPT".to_owned(),
        other => other.to_owned(),
    }
}

/// Code systems that have an edition, ICD-10-CM first; all of them together where there are several.
pub fn tabs_of(loaded: &CodeSystems) -> Vec<(String, String)> {
    let mut out = vec![(ICD_10_CM.to_owned(), system_label(ICD_10_CM))];
    for item in loaded.items.iter().filter(|item| item.kind == HoldingKind::Release) {
        if let Some(system) = item.system.as_ref().filter(|s| !out.iter().any(|(known, _)| known == *s)) {
            out.push((system.clone(), system_label(system)));
        }
    }
    if out.len() > 1 {
        out.push(("all".to_owned(), "All".to_owned()));
    }
    out
}

/// Books that are there: the tabular list always is.
pub fn books_of(loaded: &CodeSystems) -> Vec<String> {
    let books = loaded.items.iter().filter(|item| item.kind == HoldingKind::Book);
    std::iter::once("tabular".to_owned()).chain(books.filter_map(|item| item.system.clone())).collect()
}

/// Name of the tabular list of a system among the books.
pub fn tabular_of(system: &str) -> String {
    if system == "icd-10-cm" { "tabular".to_owned() } else { format!("tabular:{system}") }
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
        NoteKind::Definition => "Definition",
        NoteKind::Note => "Note",
        NoteKind::InclusionTerm => "Also",
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
        let hits = billable_first(
            vec![hit("E11", false), hit("E11.9", true), hit("E10", false), hit("E10.9", true)],
            "diabetes",
        );
        let codes: Vec<_> = hits.iter().map(|h| h.code.as_str()).collect();
        assert_eq!(codes, ["E11.9", "E10.9", "E11", "E10"]);
        // What was typed out is asked about, not passed over.
        let typed = billable_first(vec![hit("E11.9", true), hit("E11.2", false)], "e112");
        assert_eq!(typed[0].code, "E11.2");
    }

    #[test]
    fn notes_fall_into_pieces_at_their_codes() {
        use overread_api::code::NoteReference;
        let note = CodeNote {
            kind: NoteKind::Excludes1,
            text: "gicht é (M10.-, M1A)".into(),
            inherited_from: None,
            references: vec![
                NoteReference { start: 9, end: 14, code: "M10".into() },
                NoteReference { start: 16, end: 19, code: "M1A".into() },
            ],
        };
        let text: String = pieces(&note).iter().map(|(words, _)| words.as_str()).collect();
        assert_eq!(text, note.text);
        let named: Vec<_> =
            pieces(&note).into_iter().filter_map(|(words, code)| Some((words, code?))).collect();
        assert_eq!(named, [("M10.-".to_owned(), "M10".to_owned()), ("M1A".to_owned(), "M1A".to_owned())]);
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
