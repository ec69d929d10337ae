//! The outcome words: what became of each suggestion, in the terms that exports and the accuracy page use.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::entry::{Item, ItemState};
use crate::{Content, DecisionId, Entry, ItemId, RejectReason, Suggestion};

/// What a correction changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It belongs to another field.
    Field,
    Span,
    Value,
    Code,
    /// Another code of the same three-character category.
    Specificity,
    Assertion,
    Role,
    Attribute,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    Accepted,
    Corrected,
    Rejected,
    /// The model missed it.
    Added,
    /// Typed by hand although the model had offered the same.
    TypedThoughSuggested,
    ConfirmedEmpty,
}

impl OutcomeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Corrected => "corrected",
            Self::Rejected => "rejected",
            Self::Added => "added",
            Self::TypedThoughSuggested => "typed_though_suggested",
            Self::ConfirmedEmpty => "confirmed_empty",
        }
    }
}

/// What became of one row, or of a field confirmed empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    pub kind: OutcomeKind,
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// The decision that it rests on.
    pub decision: DecisionId,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub changes: BTreeSet<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectReason>,
    /// What the model had offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested: Option<Suggestion>,
    /// What the entry holds; none for rejected rows and empty fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// What differs between what was offered and what was decided.
pub fn changes(suggested: &Content, decided: &Content) -> BTreeSet<Change> {
    let mut changes = BTreeSet::new();
    let mut note = |differs: bool, change| {
        if differs {
            changes.insert(change);
        }
    };
    note(suggested.field != decided.field, Change::Field);
    note(suggested.evidence != decided.evidence, Change::Span);
    note(suggested.value != decided.value, Change::Value);
    note(suggested.assertion != decided.assertion, Change::Assertion);
    note(suggested.role != decided.role, Change::Role);
    note(suggested.attributes != decided.attributes, Change::Attribute);
    if suggested.code != decided.code {
        let category = |content: &Content| {
            content.code.as_ref().map(|c| (c.system.clone(), c.code.chars().take(3).collect::<String>()))
        };
        let same = category(suggested).is_some() && category(suggested) == category(decided);
        note(true, if same { Change::Specificity } else { Change::Code });
    }
    changes
}

/// The outcome of every decided row and field of an entry.
pub fn outcomes(entry: &Entry<'_>, suggestions: &[Suggestion]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> =
        entry.items().iter().filter_map(|item| of_item(item, entry, suggestions)).collect();
    outcomes.extend(entry.confirmed_empty().map(|(field, decision)| Outcome {
        kind: OutcomeKind::ConfirmedEmpty,
        field: field.to_owned(),
        item: None,
        decision: decision.clone(),
        changes: BTreeSet::new(),
        reason: None,
        suggested: None,
        content: None,
    }));
    outcomes
}

fn of_item(item: &Item, entry: &Entry<'_>, suggestions: &[Suggestion]) -> Option<Outcome> {
    let decision = item.decision.clone()?;
    let suggested = item.id.suggestion_index().and_then(|index| suggestions.get(index)).cloned();
    let mut changed = BTreeSet::new();
    let kind = match item.state {
        ItemState::Suggested => return None,
        ItemState::Accepted => {
            // The order of the list gave it another role than the one that was offered.
            let role = suggested.as_ref().is_some_and(|s| s.content.role != item.content.role);
            changed.extend(role.then_some(Change::Role));
            if role { OutcomeKind::Corrected } else { OutcomeKind::Accepted }
        }
        ItemState::Rejected => OutcomeKind::Rejected,
        ItemState::Added if typed_though_suggested(&item.content, entry, suggestions) => {
            OutcomeKind::TypedThoughSuggested
        }
        ItemState::Added => OutcomeKind::Added,
        ItemState::Corrected => {
            changed = suggested.as_ref().map(|s| changes(&s.content, &item.content)).unwrap_or_default();
            // Opened for correction and saved as it was.
            if changed.is_empty() { OutcomeKind::Accepted } else { OutcomeKind::Corrected }
        }
    };
    Some(Outcome {
        kind,
        field: suggested.as_ref().map_or_else(|| item.content.field.clone(), |s| s.content.field.clone()),
        item: Some(item.id.clone()),
        decision,
        changes: changed,
        reason: item.reject_reason,
        suggested,
        content: item.state.is_kept().then(|| item.content.clone()),
    })
}

fn typed_though_suggested(content: &Content, entry: &Entry<'_>, suggestions: &[Suggestion]) -> bool {
    let meets = |a: &Content| {
        a.field == content.field
            && (a.code.is_some() && a.code == content.code
                || a.evidence
                    .iter()
                    .any(|x| content.evidence.iter().any(|y| x.start < y.end && y.start < x.end)))
    };
    suggestions.iter().enumerate().any(|(index, suggestion)| {
        let kept = entry.item(&ItemId::suggested(index)).is_some_and(|item| item.state.is_kept());
        suggestion.shown && !kept && meets(&suggestion.content)
    })
}
