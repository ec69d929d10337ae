//! An entry is one filled template for one note. Its current value is a projection of its decisions over the
//! suggestions; [`Entry::apply`] is the one place that says which decision is legal when.

mod order;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use order::in_claim_order;

use crate::decision::ExceptionCause;
use crate::span::CodePoints;
use crate::template::{Cardinality, FieldKind};
use crate::{
    Action, Content, DecisionId, ItemId, Overridden, Poa, RejectReason, SpanError, Suggestion, Template,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntryStatus {
    /// Nobody has decided anything yet.
    Open,
    InProgress,
    /// In the coders' queue.
    Exception,
    Finished,
}

impl EntryStatus {
    pub const ALL: [Self; 4] = [Self::Open, Self::InProgress, Self::Exception, Self::Finished];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Exception => "exception",
            Self::Finished => "finished",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// The model offers it, nobody has decided.
    Suggested,
    Accepted,
    Corrected,
    Rejected,
    Added,
}

impl ItemState {
    /// Whether the row is part of the entry's value.
    pub fn is_kept(self) -> bool {
        matches!(self, Self::Accepted | Self::Corrected | Self::Added)
    }
}

/// One row of the entry as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Item {
    pub id: ItemId,
    pub state: ItemState,
    pub content: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<RejectReason>,
    /// The decision that made it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// Place in the order that a person gave the list, from 0; rows without one come after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poa: Option<Poa>,
}

/// An entry's current value and all it needs to judge the next decision.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    template: &'a Template,
    suggestions: &'a [Suggestion],
    text: &'a CodePoints<'a>,
    /// Every decision so far, with whether it was taken back.
    log: Vec<Logged>,
    items: Vec<Item>,
    confirmed_empty: BTreeMap<String, DecisionId>,
    overridden: BTreeMap<String, Overridden>,
    /// The order that was given last, by field.
    sequences: BTreeMap<String, Vec<ItemId>>,
    status: EntryStatus,
    cause: Option<ExceptionCause>,
}

#[derive(Clone, Debug)]
struct Logged {
    id: DecisionId,
    action: Action,
    undone: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("the entry is finished; reopen it first")]
    Finished,
    #[error("the entry is not finished")]
    NotFinished,
    #[error("the entry is already an exception")]
    AlreadyException,
    #[error("the entry is not an exception")]
    NotException,
    #[error("the entry has no row \"{0}\"")]
    UnknownItem(ItemId),
    #[error("the row \"{0}\" is there already")]
    DuplicateItem(ItemId),
    #[error("\"{0}\" can't be the id of an added row: a, then letters, digits and hyphens, 41 at most")]
    BadItemId(ItemId),
    #[error("only suggested rows can be accepted; \"{0}\" was added")]
    NotSuggested(ItemId),
    #[error("the template has no field \"{0}\"")]
    UnknownField(String),
    #[error("field \"{field}\" has no attribute \"{attribute}\"")]
    UnknownAttribute { field: String, attribute: String },
    #[error("field \"{field}\" takes one of its options")]
    NotAnOption { field: String },
    #[error("field \"{0}\" takes one value and has one")]
    FieldFull(String),
    #[error("field \"{0}\" has a value; reject or undo it before confirming that nothing belongs there")]
    FieldNotEmpty(String),
    #[error("field \"{0}\" needs a code")]
    CodeMissing(String),
    #[error("field \"{0}\" takes no code")]
    NoCodeHere(String),
    #[error("field \"{0}\" needs a value or words of the note")]
    NothingGiven(String),
    #[error("the entry has no decision \"{0}\" that can be undone")]
    CannotUndo(DecisionId),
    #[error("decision \"{0}\" has later decisions on the same row; undo those first")]
    LaterDecisions(DecisionId),
    #[error("{} suggestions are undecided and {} required fields are empty", undecided.len(), required.len())]
    Unfinished { undecided: Vec<ItemId>, required: Vec<String> },
    #[error("a reason is needed")]
    ReasonMissing,
    #[error("field \"{0}\" holds no list of codes that could be put in order")]
    NoSequence(String),
    #[error("the order names \"{0}\", which is no row of its list, or names it twice")]
    NotInSequence(ItemId),
    #[error("row \"{0}\" is no code of a final list")]
    NoPoaHere(ItemId),
    #[error("an edit is named by 1 to 200 characters")]
    BadEdit,
    #[error("evidence {index}: {error}")]
    Evidence { index: usize, error: SpanError },
    #[error("attribute \"{attribute}\": {error}")]
    AttributeSpan { attribute: String, error: SpanError },
}

impl<'a> Entry<'a> {
    /// The entry before anybody decided anything.
    pub fn new(template: &'a Template, suggestions: &'a [Suggestion], text: &'a CodePoints<'a>) -> Self {
        let mut entry = Self {
            template,
            suggestions,
            text,
            log: Vec::new(),
            items: Vec::new(),
            confirmed_empty: BTreeMap::new(),
            overridden: BTreeMap::new(),
            sequences: BTreeMap::new(),
            status: EntryStatus::Open,
            cause: None,
        };
        entry.rebuild();
        entry
    }

    /// Replays decisions that were legal when they were made, oldest first.
    pub fn replay(
        template: &'a Template,
        suggestions: &'a [Suggestion],
        text: &'a CodePoints<'a>,
        decisions: impl IntoIterator<Item = (DecisionId, Action)>,
    ) -> Self {
        let mut entry = Self::new(template, suggestions, text);
        for (id, action) in decisions {
            entry.record(id, action);
        }
        entry.rebuild();
        entry
    }

    pub fn status(&self) -> EntryStatus {
        self.status
    }

    pub fn exception_cause(&self) -> Option<ExceptionCause> {
        self.cause
    }

    /// Shown suggestions in the order of their set, then added rows in the order they came.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    pub fn item(&self, id: &ItemId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == *id)
    }

    /// Fields confirmed to hold nothing.
    pub fn confirmed_empty(&self) -> impl Iterator<Item = (&str, &DecisionId)> {
        self.confirmed_empty.iter().map(|(field, id)| (field.as_str(), id))
    }

    /// Findings that a person overrode, by their key.
    pub fn overridden(&self) -> &BTreeMap<String, Overridden> {
        &self.overridden
    }

    pub fn revision(&self) -> u32 {
        self.log.len() as u32
    }

    pub fn undecided(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.state == ItemState::Suggested)
    }

    /// Required fields that have neither a kept value nor the word that nothing belongs there.
    pub fn missing_required(&self) -> impl Iterator<Item = &str> {
        self.template
            .fields()
            .filter(|field| {
                field.required
                    && !self.confirmed_empty.contains_key(&field.id)
                    && !self.items.iter().any(|item| item.state.is_kept() && item.content.field == field.id)
            })
            .map(|field| field.id.as_str())
    }

    /// Judges an action and, if it is legal, makes it part of the entry. On an error nothing has changed.
    pub fn apply(&mut self, id: DecisionId, action: Action) -> Result<(), EntryError> {
        self.check(&action)?;
        self.record(id, action);
        self.rebuild();
        Ok(())
    }

    fn record(&mut self, id: DecisionId, action: Action) {
        if let Action::Undo { decision } = &action
            && let Some(logged) = self.log.iter_mut().find(|logged| logged.id == *decision)
        {
            logged.undone = true;
        }
        self.log.push(Logged { id, action, undone: false });
    }

    fn check(&self, action: &Action) -> Result<(), EntryError> {
        match action {
            Action::Reopen { reason } => {
                return match self.status {
                    EntryStatus::Finished if reason.trim().is_empty() => Err(EntryError::ReasonMissing),
                    EntryStatus::Finished => Ok(()),
                    _ => Err(EntryError::NotFinished),
                };
            }
            _ if self.status == EntryStatus::Finished => return Err(EntryError::Finished),
            _ => {}
        }
        match action {
            Action::Accept { item } => {
                let row = self.known(item)?;
                if item.suggestion_index().is_none() {
                    return Err(EntryError::NotSuggested(item.clone()));
                }
                let suggested = self.suggested(item).map_or(&row.content, |s| &s.content);
                self.check_room(&suggested.field, Some(item))
            }
            Action::Correct { item, content } => {
                self.known(item)?;
                self.check_content(content)?;
                self.check_room(&content.field, Some(item))
            }
            Action::Reject { item, .. } => self.known(item).map(|_| ()),
            Action::Add { item, content } => {
                if !item.is_valid_added() {
                    return Err(EntryError::BadItemId(item.clone()));
                }
                if self.item(item).is_some() {
                    return Err(EntryError::DuplicateItem(item.clone()));
                }
                self.check_content(content)?;
                self.check_room(&content.field, None)
            }
            Action::ConfirmEmpty { field } => {
                if self.template.field(field).is_none() {
                    return Err(EntryError::UnknownField(field.clone()));
                }
                let occupied = self
                    .items
                    .iter()
                    .any(|item| item.content.field == *field && item.state != ItemState::Rejected);
                if occupied { Err(EntryError::FieldNotEmpty(field.clone())) } else { Ok(()) }
            }
            Action::Sequence { field, items } => self.check_sequence(field, items),
            Action::PresentOnAdmission { item, .. } => {
                let row = self.known(item)?;
                let listed = self.is_list(&row.content.field) && row.state != ItemState::Rejected;
                if listed { Ok(()) } else { Err(EntryError::NoPoaHere(item.clone())) }
            }
            Action::Override { edit, reason } => {
                if !(1..=200).contains(&edit.chars().count()) || edit.chars().any(char::is_control) {
                    Err(EntryError::BadEdit)
                } else if reason.trim().is_empty() {
                    Err(EntryError::ReasonMissing)
                } else {
                    Ok(())
                }
            }
            Action::Undo { decision } => self.check_undo(decision),
            Action::Escalate { .. } if self.status == EntryStatus::Exception => {
                Err(EntryError::AlreadyException)
            }
            Action::Escalate { .. } | Action::Reopen { .. } => Ok(()),
            Action::Return { .. } if self.status == EntryStatus::Exception => Ok(()),
            Action::Return { .. } => Err(EntryError::NotException),
            Action::Finish {} => {
                let undecided: Vec<_> = self.undecided().map(|item| item.id.clone()).collect();
                let required: Vec<_> = self.missing_required().map(str::to_owned).collect();
                if undecided.is_empty() && required.is_empty() {
                    Ok(())
                } else {
                    Err(EntryError::Unfinished { undecided, required })
                }
            }
        }
    }

    fn is_list(&self, field: &str) -> bool {
        self.template.field(field).is_some_and(|field| field.kind == FieldKind::Code)
    }

    fn check_sequence(&self, field: &str, items: &[ItemId]) -> Result<(), EntryError> {
        if !self.is_list(field) || items.is_empty() {
            return Err(EntryError::NoSequence(field.to_owned()));
        }
        for (nth, id) in items.iter().enumerate() {
            if self.known(id)?.content.field != field || items[..nth].contains(id) {
                return Err(EntryError::NotInSequence(id.clone()));
            }
        }
        Ok(())
    }

    fn known(&self, id: &ItemId) -> Result<&Item, EntryError> {
        self.item(id).ok_or_else(|| EntryError::UnknownItem(id.clone()))
    }

    fn suggested(&self, id: &ItemId) -> Option<&'a Suggestion> {
        self.suggestions.get(id.suggestion_index()?)
    }

    /// A field that takes one value must not get a second.
    fn check_room(&self, field: &str, itself: Option<&ItemId>) -> Result<(), EntryError> {
        let single = self.template.field(field).is_some_and(|field| field.cardinality == Cardinality::One);
        let taken = self
            .items
            .iter()
            .any(|item| item.content.field == field && item.state.is_kept() && Some(&item.id) != itself);
        if single && taken { Err(EntryError::FieldFull(field.to_owned())) } else { Ok(()) }
    }

    fn check_content(&self, content: &Content) -> Result<(), EntryError> {
        let name = || content.field.clone();
        let field = self.template.field(&content.field).ok_or_else(|| EntryError::UnknownField(name()))?;
        for (index, quoted) in content.evidence.iter().enumerate() {
            self.text.resolve(quoted).map_err(|error| EntryError::Evidence { index, error })?;
        }
        for (attribute, quoted) in &content.attributes {
            if !field.attributes.iter().any(|known| known.id == *attribute) {
                return Err(EntryError::UnknownAttribute { field: name(), attribute: attribute.clone() });
            }
            self.text
                .resolve(quoted)
                .map_err(|error| EntryError::AttributeSpan { attribute: attribute.clone(), error })?;
        }
        if content.code.is_some() && field.code_system.is_none() {
            return Err(EntryError::NoCodeHere(name()));
        }
        match &field.kind {
            FieldKind::Code if content.code.is_none() => return Err(EntryError::CodeMissing(name())),
            FieldKind::Code => return Ok(()),
            FieldKind::Choice { options } => {
                if let Some(value) = &content.value
                    && !options.contains(value)
                {
                    return Err(EntryError::NotAnOption { field: name() });
                }
            }
            _ => {}
        }
        let blank = content.value.as_deref().is_none_or(|value| value.trim().is_empty());
        if blank && content.evidence.is_empty() {
            return Err(EntryError::NothingGiven(name()));
        }
        Ok(())
    }

    fn check_undo(&self, id: &DecisionId) -> Result<(), EntryError> {
        let place = self.log.iter().position(|logged| logged.id == *id && !logged.undone);
        let Some(place) = place else { return Err(EntryError::CannotUndo(id.clone())) };
        let target = subject(&self.log[place].action);
        if target.is_none() {
            return Err(EntryError::CannotUndo(id.clone()));
        }
        let later =
            self.log[place + 1..].iter().any(|later| !later.undone && subject(&later.action) == target);
        if later {
            return Err(EntryError::LaterDecisions(id.clone()));
        }
        // What comes back must still find room: the field may have been filled or confirmed empty since.
        let mut after = self.clone();
        after.log[place].undone = true;
        after.rebuild();
        let Some(back) = after.items.iter().find(|item| target == Some(format!("item {}", item.id))) else {
            return Ok(());
        };
        let field = &back.content.field;
        if back.state.is_kept() {
            after.check_room(field, Some(&back.id))?;
        }
        let open = back.state != ItemState::Rejected;
        if open && self.confirmed_empty.contains_key(field) {
            return Err(EntryError::FieldNotEmpty(field.clone()));
        }
        Ok(())
    }

    fn rebuild(&mut self) {
        self.items = self
            .suggestions
            .iter()
            .enumerate()
            .filter(|(_, suggestion)| suggestion.shown)
            .map(|(index, suggestion)| Item {
                id: ItemId::suggested(index),
                state: ItemState::Suggested,
                content: suggestion.content.clone(),
                reject_reason: None,
                decision: None,
                rank: None,
                poa: None,
            })
            .collect();
        self.confirmed_empty.clear();
        self.overridden.clear();
        self.sequences.clear();
        self.status = EntryStatus::Open;
        self.cause = None;
        let log = std::mem::take(&mut self.log);
        for logged in &log {
            if !logged.undone {
                self.project(&logged.id, &logged.action);
            }
        }
        if !log.is_empty() && self.status == EntryStatus::Open {
            self.status = EntryStatus::InProgress;
        }
        self.log = log;
        self.put_in_order();
    }

    fn project(&mut self, id: &DecisionId, action: &Action) {
        match action {
            Action::Accept { item } => {
                let suggested = self.suggested(item).map(|suggestion| suggestion.content.clone());
                self.set(item, ItemState::Accepted, suggested, None, id);
            }
            Action::Correct { item, content } => {
                let state =
                    if item.suggestion_index().is_some() { ItemState::Corrected } else { ItemState::Added };
                self.set(item, state, Some(content.clone()), None, id);
            }
            Action::Reject { item, reason, .. } => {
                self.set(item, ItemState::Rejected, None, Some(*reason), id);
            }
            Action::Add { item, content } => {
                self.confirmed_empty.remove(&content.field);
                self.items.push(Item {
                    id: item.clone(),
                    state: ItemState::Added,
                    content: content.clone(),
                    reject_reason: None,
                    decision: Some(id.clone()),
                    rank: None,
                    poa: None,
                });
            }
            Action::ConfirmEmpty { field } => {
                self.confirmed_empty.insert(field.clone(), id.clone());
            }
            Action::Sequence { field, items } => {
                self.sequences.insert(field.clone(), items.clone());
            }
            Action::PresentOnAdmission { item, poa } => {
                if let Some(item) = self.items.iter_mut().find(|row| row.id == *item) {
                    item.poa = Some(*poa);
                }
            }
            Action::Override { edit, reason } => {
                let overridden = Overridden { decision: id.clone(), reason: reason.trim().to_owned() };
                self.overridden.insert(edit.clone(), overridden);
            }
            Action::Escalate { cause, .. } => {
                self.status = EntryStatus::Exception;
                self.cause = Some(*cause);
            }
            Action::Return { .. } | Action::Reopen { .. } => {
                self.status = EntryStatus::InProgress;
                self.cause = None;
            }
            Action::Finish {} => self.status = EntryStatus::Finished,
            Action::Undo { .. } => {}
        }
    }

    fn set(
        &mut self,
        id: &ItemId,
        state: ItemState,
        content: Option<Content>,
        reject_reason: Option<RejectReason>,
        decision: &DecisionId,
    ) {
        if let Some(item) = self.items.iter_mut().find(|item| item.id == *id) {
            item.state = state;
            item.reject_reason = reject_reason;
            item.decision = Some(decision.clone());
            if let Some(content) = content {
                item.content = content;
            }
            if state.is_kept() {
                self.confirmed_empty.remove(&item.content.field);
            }
        }
    }
}

/// What an undoable action is about; two with the same subject stand on each other.
fn subject(action: &Action) -> Option<String> {
    match action {
        Action::Accept { item }
        | Action::Correct { item, .. }
        | Action::Reject { item, .. }
        | Action::Add { item, .. } => Some(format!("item {item}")),
        Action::ConfirmEmpty { field } => Some(format!("field {field}")),
        Action::Sequence { field, .. } => Some(format!("order of {field}")),
        Action::PresentOnAdmission { item, .. } => Some(format!("poa of {item}")),
        Action::Override { edit, .. } => Some(format!("edit {edit}")),
        Action::Escalate { .. }
        | Action::Return { .. }
        | Action::Undo { .. }
        | Action::Finish {}
        | Action::Reopen { .. } => None,
    }
}

#[cfg(test)]
mod tests;
