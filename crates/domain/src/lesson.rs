//! What a decision teaches about a phrase: the rows of the correction memory.
//!
//! A lesson is about words, not about their place, so decisions that rest on the place teach nothing here: a rejection
//! because the mention was negated, historical, a relative's or already there says nothing of the same words elsewhere
//! (the heads learn from those, through the export). What was never shown is unknown, not negative.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::outcome::Change;
use crate::{
    Cardinality, CodeRef, Content, DecisionId, Field, FieldKind, ItemId, Outcome, OutcomeKind, RejectReason,
    Template,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LessonKind {
    /// The phrase in this field has this code.
    CodeAccepted,
    /// The phrase in this field has not this code.
    CodeRejected,
    /// The phrase belongs into this field.
    MentionAccepted,
    /// The phrase does not belong into this field.
    MentionRejected,
}

impl LessonKind {
    pub const ALL: [Self; 4] =
        [Self::CodeAccepted, Self::CodeRejected, Self::MentionAccepted, Self::MentionRejected];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeAccepted => "code_accepted",
            Self::CodeRejected => "code_rejected",
            Self::MentionAccepted => "mention_accepted",
            Self::MentionRejected => "mention_rejected",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::CodeAccepted => "Code accepted",
            Self::CodeRejected => "Code rejected",
            Self::MentionAccepted => "Accepted here",
            Self::MentionRejected => "Rejected here",
        }
    }

    /// Whether it speaks of a code.
    pub fn is_of_code(self) -> bool {
        matches!(self, Self::CodeAccepted | Self::CodeRejected)
    }

    /// Whether it speaks for rather than against.
    pub fn is_for(self) -> bool {
        matches!(self, Self::CodeAccepted | Self::MentionAccepted)
    }
}

impl fmt::Display for LessonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that a standing decision teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub kind: LessonKind,
    pub field: String,
    /// The words as they stood in the note, blanks squeezed.
    pub phrase: String,
    /// There where the kind is of a code.
    pub code: Option<CodeRef>,
    pub item: ItemId,
    pub decision: DecisionId,
}

impl Lesson {
    /// What makes two lessons one: equal words, whatever their case.
    pub fn key(&self) -> String {
        phrase_key(&self.phrase)
    }
}

/// Longer quotes are passages, not phrases.
const MOST_WORDS: usize = 8;
const MOST_CHARACTERS: usize = 100;

/// The form in which phrases are compared: lower case, blanks squeezed, no punctuation at either end, no article.
pub fn phrase_key(phrase: &str) -> String {
    let mut words: Vec<String> = phrase.split_whitespace().map(str::to_lowercase).collect();
    if words.len() > 1 && matches!(words[0].as_str(), "a" | "an" | "the") {
        words.remove(0);
    }
    words.join(" ").trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// Whether the words of a field's values say something of other notes: a blood pressure or an age does not.
pub fn teaches(field: &Field) -> bool {
    field.cardinality == Cardinality::Many
        && matches!(
            field.kind,
            FieldKind::Text | FieldKind::Choice { .. } | FieldKind::Condition | FieldKind::Code
        )
}

/// The words of a row, where they are a phrase.
fn phrase(content: &Content) -> Option<String> {
    let quote = &content.evidence.first()?.quote;
    let words: Vec<&str> = quote.split_whitespace().collect();
    let phrase = words.join(" ");
    let fits = (1..=MOST_WORDS).contains(&words.len())
        && phrase.chars().count() <= MOST_CHARACTERS
        && phrase.chars().any(char::is_alphabetic);
    fits.then_some(phrase)
}

/// What the outcomes of an entry teach, in their order.
pub fn lessons(outcomes: &[Outcome], template: &Template) -> Vec<Lesson> {
    outcomes.iter().flat_map(|outcome| of_outcome(outcome, template)).collect()
}

fn of_outcome(outcome: &Outcome, template: &Template) -> Vec<Lesson> {
    let Some(item) = &outcome.item else { return Vec::new() };
    let mut out = Vec::new();
    let mut add = |kind: LessonKind, content: &Content, code: Option<&CodeRef>| {
        let known = template.field(&content.field).filter(|field| teaches(field));
        // In the final list the code is the row: there is no mention beside it.
        let final_list = known.is_some_and(|field| field.kind == FieldKind::Code);
        if known.is_none() || kind.is_of_code() && code.is_none() || final_list && !kind.is_of_code() {
            return;
        }
        out.extend(phrase(content).map(|phrase| Lesson {
            kind,
            field: content.field.clone(),
            phrase,
            code: code.cloned(),
            item: item.clone(),
            decision: outcome.decision.clone(),
        }));
    };
    let suggested = outcome.suggested.as_ref().map(|suggestion| &suggestion.content);
    if let Some(content) = &outcome.content {
        add(LessonKind::MentionAccepted, content, None);
        add(LessonKind::CodeAccepted, content, content.code.as_ref());
    }
    match (outcome.kind, suggested, &outcome.content) {
        (OutcomeKind::Corrected, Some(suggested), Some(content)) => {
            if suggested.code.is_some() && suggested.code != content.code {
                // The code was offered for the words that were marked when it was offered.
                add(LessonKind::CodeRejected, suggested, suggested.code.as_ref());
            }
            if outcome.changes.contains(&Change::Field) {
                add(LessonKind::MentionRejected, suggested, None);
            }
        }
        (OutcomeKind::Rejected, Some(suggested), _) if about_words(outcome.reason) => {
            add(LessonKind::MentionRejected, suggested, None);
            let final_list =
                template.field(&suggested.field).is_some_and(|field| field.kind == FieldKind::Code);
            if final_list {
                add(LessonKind::CodeRejected, suggested, suggested.code.as_ref());
            }
        }
        _ => {}
    }
    out
}

/// Whether the reason is one that holds for the same words in another note.
fn about_words(reason: Option<RejectReason>) -> bool {
    matches!(reason, None | Some(RejectReason::Wrong | RejectReason::NotDocumented))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::ENCOUNTER_ABSTRACT;
    use crate::{Quoted, Suggestion};

    fn template() -> Template {
        serde_json::from_str(ENCOUNTER_ABSTRACT).unwrap()
    }

    fn content(field: &str, quote: &str, code: Option<&str>) -> Content {
        Content {
            field: field.into(),
            evidence: vec![Quoted { start: 0, end: quote.chars().count(), quote: quote.into() }],
            code: code.map(CodeRef::icd10cm),
            ..Content::default()
        }
    }

    fn outcome(kind: OutcomeKind, suggested: Option<Content>, decided: Option<Content>) -> Outcome {
        let changes = match (&suggested, &decided) {
            (Some(a), Some(b)) => crate::outcome::changes(a, b),
            _ => std::collections::BTreeSet::new(),
        };
        Outcome {
            kind,
            field: suggested.as_ref().or(decided.as_ref()).unwrap().field.clone(),
            item: Some(ItemId::suggested(0)),
            decision: "d1".into(),
            changes,
            reason: None,
            suggested: suggested.map(|content| Suggestion {
                content,
                candidates: Vec::new(),
                confidence: 0.5,
                shown: true,
                remembered: false,
            }),
            content: decided,
        }
    }

    fn said(outcomes: &[Outcome]) -> Vec<(LessonKind, String, String, Option<String>)> {
        lessons(outcomes, &template())
            .into_iter()
            .map(|l| (l.kind, l.field, l.phrase, l.code.map(|c| c.code)))
            .collect()
    }

    #[test]
    fn a_changed_code_teaches_both_ways() {
        let suggested = content("diagnosis", "hot swollen  knee", Some("M25.569"));
        let decided = content("diagnosis", "hot swollen  knee", Some("M00.9"));
        let row = |kind, code: Option<&str>| {
            (kind, "diagnosis".to_owned(), "hot swollen knee".to_owned(), code.map(str::to_owned))
        };
        assert_eq!(
            said(&[outcome(OutcomeKind::Corrected, Some(suggested), Some(decided))]),
            [
                row(LessonKind::MentionAccepted, None),
                row(LessonKind::CodeAccepted, Some("M00.9")),
                row(LessonKind::CodeRejected, Some("M25.569")),
            ]
        );
    }

    #[test]
    fn a_rejection_that_rests_on_the_place_teaches_nothing() {
        let mut rejected =
            outcome(OutcomeKind::Rejected, Some(content("diagnosis", "fever", Some("R50.9"))), None);
        assert_eq!(said(std::slice::from_ref(&rejected)).len(), 1);
        for reason in [RejectReason::Negated, RejectReason::Family, RejectReason::Duplicate] {
            rejected.reason = Some(reason);
            assert_eq!(said(std::slice::from_ref(&rejected)), []);
        }
    }

    #[test]
    fn values_and_passages_teach_nothing() {
        for row in [
            content("blood_pressure", "130/80", None),
            content("diagnosis", "a b c d e f g h i", None),
            content("diagnosis", "12", None),
            content("no_such_field", "gout", None),
        ] {
            assert_eq!(said(&[outcome(OutcomeKind::Accepted, Some(row.clone()), Some(row))]), []);
        }
    }

    #[test]
    fn the_final_list_teaches_codes_only() {
        let row = content("final_code", "gout", Some("M10.9"));
        let kept = said(&[outcome(OutcomeKind::Accepted, Some(row.clone()), Some(row.clone()))]);
        assert_eq!(kept.iter().map(|k| k.0).collect::<Vec<_>>(), [LessonKind::CodeAccepted]);
        let gone = said(&[outcome(OutcomeKind::Rejected, Some(row), None)]);
        assert_eq!(gone.iter().map(|k| k.0).collect::<Vec<_>>(), [LessonKind::CodeRejected]);
    }

    #[test]
    fn keys_are_equal_for_equal_words() {
        assert_eq!(phrase_key("  The  Gout, "), "gout");
        assert_eq!(phrase_key("A"), "a");
        assert_eq!(phrase_key("Type 2\nDiabetes"), "type 2 diabetes");
        for kind in LessonKind::ALL {
            assert_eq!(LessonKind::parse(kind.as_str()), Some(kind));
        }
    }
}
