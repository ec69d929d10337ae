//! One decision as a question to a model: would it have said so?

use std::ops::Range;

use overread_domain::template::FINAL_CODES;
use overread_domain::{Content, OutcomeKind};

use crate::corrections::Reviewed;
use crate::eval::normal_form;
use crate::prediction::{Prediction, Suggested};

/// What a person decided on one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub field: String,
    /// Code points.
    pub span: Range<usize>,
    pub value: Option<String>,
    pub code: Option<String>,
    /// Whether it belongs into the entry.
    pub kept: bool,
    /// Whether the person saw the suggestion.
    pub seen: bool,
}

/// The decisions of an entry that can be asked of any model. A field confirmed empty and a row without words are none; a
/// row moved to another field asks twice: it must be here, and no longer there.
pub fn decided(entry: &Reviewed) -> Vec<Decided> {
    let mut out = Vec::new();
    for correction in &entry.corrections {
        let outcome = &correction.outcome;
        let suggested = outcome.suggested.as_ref().map(|suggestion| &suggestion.content);
        if outcome.kind == OutcomeKind::Rejected {
            out.extend(suggested.and_then(|content| question(content, false, correction.seen)));
        }
        if let Some(content) = &outcome.content {
            out.extend(question(content, true, correction.seen));
            let moved = suggested.filter(|suggested| suggested.field != content.field);
            out.extend(moved.and_then(|suggested| question(suggested, false, correction.seen)));
        }
    }
    out
}

fn question(content: &Content, kept: bool, seen: bool) -> Option<Decided> {
    let first = content.evidence.first()?;
    Some(Decided {
        field: content.field.clone(),
        span: first.start..first.end,
        value: content.value.clone(),
        code: content.code.as_ref().map(|code| code.code.clone()),
        kept,
        seen,
    })
}

impl Decided {
    /// Whether what the model shows agrees: what was kept is shown with its value and its code first, what was rejected
    /// is not shown.
    pub fn is_met(&self, prediction: Option<&Prediction>) -> bool {
        if self.field == FINAL_CODES {
            let shown = prediction.into_iter().flat_map(|p| &p.codes).filter(|code| code.shown);
            return self.kept == shown.map(|code| &code.code).any(|code| Some(code) == self.code.as_ref());
        }
        let shown = prediction.into_iter().flat_map(|p| &p.suggestions).filter(|s| s.shown);
        let mut same = shown.filter(|s| s.field == self.field && self.overlaps(s));
        if self.kept { same.any(|s| self.agrees(s)) } else { same.next().is_none() }
    }

    fn overlaps(&self, s: &Suggested) -> bool {
        let common = self.span.end.min(s.end).saturating_sub(self.span.start.max(s.start));
        let shorter = self.span.len().min(s.end.saturating_sub(s.start));
        common > 0 && common * 2 >= shorter
    }

    fn agrees(&self, s: &Suggested) -> bool {
        let value = match &self.value {
            Some(value) => normal_form(value) == normal_form(s.value.as_deref().unwrap_or(&s.quote)),
            None => true,
        };
        let code = match &self.code {
            Some(code) => s.codes.first().is_some_and(|first| first.code == *code),
            None => true,
        };
        value && code
    }
}
