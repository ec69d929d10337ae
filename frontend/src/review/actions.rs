//! From commands to decisions.

use leptos::prelude::*;
use overread_api::entry::{NextQuery, NextView};
use overread_api::path;
use overread_domain::decision::ExceptionCause;
use overread_domain::{Action, EntryError, EntryStatus, ItemId, ItemState, Permission, RejectReason};

use super::panel::Panel;
use super::state::Review;
use crate::logic::drafts::{Draft, ESCALATE, REOPEN, form_slot, reject_slot};
use crate::logic::filters::query_of;
use crate::logic::form::Form;
use crate::logic::format::state_word;
use crate::logic::keymap::{Command, Scope};
use crate::logic::rows::{RowKey, RowState};
use crate::shell::go;
use crate::web::{dom, http};

impl Review {
    /// Takes a decision: shown at once, sent in its turn. True if it was legal.
    pub fn decide(self, actions: Vec<Action>) -> bool {
        if actions.is_empty() {
            return false;
        }
        if let Some(holder) = self.holder.get_untracked() {
            self.complain(format!("{holder} works on this entry; you look on"));
            return false;
        }
        if let Some(why) =
            untrack(|| self.may_not(actions.iter().any(|action| matches!(action, Action::Reopen { .. }))))
        {
            self.complain(why);
            return false;
        }
        let now = dom::now();
        let effort = self.meter.with_value(|meter| meter.spent(now));
        match self.with_mut(|model| model.decide(dom::new_key(), actions, effort)) {
            Some(Ok(())) => {
                self.meter.update_value(|meter| drop(meter.take(now)));
                self.message.set(None);
                self.keep_outbox();
                self.refresh();
                self.pump();
                true
            }
            Some(Err(error)) => {
                self.refuse(&error);
                false
            }
            None => false,
        }
    }

    /// Why this person may not decide here, if so. The server judges by the same rule.
    pub fn may_not(self, reopens: bool) -> Option<&'static str> {
        if self.masked() {
            return Some("Names, numbers and dates are masked; show the note as written to decide");
        }
        let status = self.projection.with(|p| p.as_ref().map(|p| p.status));
        let (needs, why) = match status {
            _ if reopens => (Permission::Reopen, "Coders and QA leads open finished entries again"),
            Some(EntryStatus::Exception) => {
                (Permission::ResolveExceptions, "The entry is with the coders; you can read it")
            }
            _ => (Permission::Decide, "You can read this entry, but not decide here"),
        };
        (!self.app.may(needs)).then_some(why)
    }

    fn refuse(self, error: &EntryError) {
        if let EntryError::Unfinished { undecided, required } = error {
            let place = self.with(crate::logic::review::Review::in_the_way).flatten();
            self.select(place);
            let mut parts = Vec::new();
            if !undecided.is_empty() {
                parts.push(format!("{} suggested", undecided.len()));
            }
            if !required.is_empty() {
                parts.push(format!("{} required and empty", required.len()));
            }
            self.complain(format!("Not finished: still undecided are {}", parts.join(", ")));
        } else {
            self.complain(error.to_string());
        }
    }

    /// On to the next undecided row after a decision.
    pub fn advance(self) {
        let next = self.projection.with_untracked(|p| {
            p.as_ref().and_then(|p| p.undecided_from(self.current.get_untracked().as_ref(), true))
        });
        if next.is_some() {
            self.select(next);
        } else {
            self.mark_done();
            self.show_evidence();
        }
    }

    fn mark_done(self) {
        let open =
            self.projection.with_untracked(|p| p.as_ref().is_some_and(|p| p.status != EntryStatus::Finished));
        if open {
            self.say("All decided. Ctrl Enter finishes and opens the next.");
        }
    }

    pub fn accept(self) {
        let Some(row) = self.current_row_now() else { return };
        if row.state.stands() {
            self.advance();
            if let RowState::Item(state @ (ItemState::Corrected | ItemState::Added)) = row.state {
                let hint = |command| self.app.keymap.with_untracked(|map| map.hint(Scope::Review, command));
                let (edit, undo) = (hint(Command::Edit), hint(Command::Undo));
                let word = state_word(state);
                self.say(format!(
                    "Kept as {word}. {edit} edits a row; {undo} takes your last decision back."
                ));
            }
            return;
        }
        match &row.key {
            RowKey::Item(item) => {
                if self.decide(vec![Action::Accept { item: item.clone() }]) {
                    self.advance();
                }
            }
            RowKey::Field(field) => self.add_to(field, self.selection.get_untracked()),
        }
    }

    pub fn accept_all(self) {
        let Some(row) = self.current_row_now() else { return };
        let items = self.with(|model| model.all_likely_of(&row.field)).unwrap_or_default();
        if items.is_empty() {
            self.complain(format!("No highly likely suggestion is undecided in {}", row.field_label));
            return;
        }
        let count = items.len();
        if self.decide(items.into_iter().map(|item| Action::Accept { item }).collect()) {
            self.advance();
            self.say(format!("{count} accepted in {}.", row.field_label));
        }
    }

    pub fn reject(self, item: &ItemId, reason: RejectReason, comment: &str) {
        let comment = comment.trim();
        let comment = (!comment.is_empty()).then(|| comment.to_owned());
        if self.decide(vec![Action::Reject { item: item.clone(), reason, comment }]) {
            self.drop_draft(&reject_slot(item));
            self.close_panel();
            self.advance();
        }
    }

    pub fn confirm_empty(self) {
        let Some(row) = self.current_row_now() else { return };
        if self.decide(vec![Action::ConfirmEmpty { field: row.field.clone() }]) {
            if row.key.item().is_some() {
                self.select(Some(RowKey::Field(row.field)));
            }
            self.advance();
        }
    }

    pub fn undo(self) {
        let Some(actions) = self.with(crate::logic::review::Review::undo).flatten() else {
            self.complain("You have decided nothing here that can be undone");
            return;
        };
        let touched = self.touched_by(&actions);
        let count = actions.len();
        if self.decide(actions) {
            let known = |key: &RowKey| {
                self.projection.with_untracked(|p| p.as_ref().is_some_and(|p| p.position(key).is_some()))
            };
            if let Some(key) = touched.filter(known) {
                self.select(Some(key));
            }
            self.say(if count == 1 { "Undone.".to_owned() } else { format!("{count} decisions undone.") });
        }
    }

    /// The row that the undone decisions were about.
    fn touched_by(self, undo: &[Action]) -> Option<RowKey> {
        let Action::Undo { decision } = undo.last()? else { return None };
        self.with(|model| {
            let told = model.view.decisions.iter().map(|d| (d.id.clone(), d.action.clone()));
            let waiting = model.outbox.pending.iter().flat_map(crate::logic::outbox::Pending::local);
            told.chain(waiting)
                .find(|(id, _)| id == decision)
                .and_then(|(_, action)| crate::logic::review::touched(&action))
        })
        .flatten()
    }

    /// Takes the nth code that the model offers for the current row.
    pub fn take_candidate(self, nth: usize) {
        let Some(item) = self.current_item() else { return };
        let candidate =
            self.with(|model| model.suggestion(&item).and_then(|s| s.candidates.get(nth).cloned())).flatten();
        match candidate {
            Some(candidate) => self.take_code(&item, &candidate.system, &candidate.code),
            None => self.complain(format!("No code {} is offered here", nth + 1)),
        }
    }

    pub fn take_code(self, item: &ItemId, system: &str, code: &str) {
        let Some(action) = self.with(|model| model.with_code(item, system, code)).flatten() else { return };
        if self.decide(vec![action]) {
            self.close_panel();
            self.advance();
        }
    }

    pub fn current_item(self) -> Option<ItemId> {
        self.current.with_untracked(|key| key.as_ref().and_then(|key| key.item().cloned()))
    }

    pub fn edit(self) {
        let Some(row) = self.current_row_now() else { return };
        match row.key {
            RowKey::Item(id) => {
                if let Some(Draft::Form { form }) = self.draft(&form_slot(&id)) {
                    self.panel.set(Panel::Edit(form));
                } else if let Some(item) = self.item_of(&id) {
                    self.panel.set(Panel::Edit(Form::of(&item)));
                }
            }
            RowKey::Field(field) => self.add_to(&field, self.selection.get_untracked()),
        }
    }

    /// Begins a new value of a field.
    pub fn add_to(self, field: &str, words: Option<overread_domain::Quoted>) {
        let Some(field) = self.field(field) else { return };
        if words.is_none() {
            let typed = self.drafts().into_iter().find_map(|draft| match draft {
                Draft::Form { form } if form.adds && form.field == field.id => Some(form),
                _ => None,
            });
            if let Some(form) = typed {
                self.panel.set(Panel::Edit(form));
                return;
            }
        }
        let id = ItemId::new(format!("a{}", dom::random_hex(8)));
        self.panel.set(Panel::Edit(Form::new(id, &field, words)));
    }

    /// The form as it was before anything was typed, where that is known.
    pub fn untouched(self, form: &Form) -> Option<Form> {
        if form.adds {
            // A new row with nothing but words is one key press away.
            let field = self.field(&form.field)?;
            let words = form.evidence.first().cloned();
            let fresh = Form::new(form.item.clone(), &field, words);
            return Some(fresh);
        }
        self.item_of(&form.item).map(|item| Form::of(&item))
    }

    /// Saves what the editor holds.
    pub fn save(self, form: &Form) -> bool {
        let content = form.content();
        let action = if form.adds {
            Action::Add { item: form.item.clone(), content }
        } else {
            let same = self
                .with(|model| model.suggestion(&form.item).is_some_and(|s| s.content == content))
                .unwrap_or(false);
            if same {
                Action::Accept { item: form.item.clone() }
            } else {
                Action::Correct { item: form.item.clone(), content }
            }
        };
        if !self.decide(vec![action]) {
            return false;
        }
        self.drop_draft(&form_slot(&form.item));
        self.close_panel();
        self.clear_selection();
        self.select(Some(RowKey::Item(form.item.clone())));
        self.advance();
        true
    }

    /// Makes the selected words the evidence of the current row.
    pub fn use_selection(self) {
        let Some(words) = self.selection.get_untracked() else {
            self.complain("Select words in the note first, or find them with f");
            return;
        };
        match self.current_row_now().map(|row| row.key) {
            Some(RowKey::Item(id)) => {
                let Some(item) = self.item_of(&id) else { return };
                let mut content = item.content;
                content.evidence = vec![words];
                if self.decide(vec![Action::Correct { item: id, content }]) {
                    self.clear_selection();
                    self.advance();
                }
            }
            Some(RowKey::Field(field)) => self.add_to(&field, Some(words)),
            None => {}
        }
    }

    pub fn clear_selection(self) {
        self.selection.set(None);
        if let Ok(Some(selection)) = document().get_selection() {
            let _ = selection.remove_all_ranges();
        }
    }

    pub fn escalate(self, cause: ExceptionCause, comment: &str) {
        let comment = comment.trim();
        let comment = (!comment.is_empty()).then(|| comment.to_owned());
        if self.decide(vec![Action::Escalate { cause, comment }]) {
            self.drop_draft(ESCALATE);
            self.close_panel();
            self.say(format!("Sent to exceptions: {}.", cause.label()));
        }
    }

    /// Opens a finished entry again, or hands an exception back.
    pub fn reopen(self, reason: &str) {
        let status = self.projection.with_untracked(|p| p.as_ref().map(|p| p.status));
        let reason = reason.trim().to_owned();
        let action = match status {
            Some(EntryStatus::Exception) => {
                Action::Return { comment: (!reason.is_empty()).then_some(reason) }
            }
            _ => Action::Reopen { reason },
        };
        if self.decide(vec![action]) {
            self.drop_draft(REOPEN);
            self.close_panel();
            self.say("The entry is open again.");
        }
    }

    pub fn finish(self) {
        let finished =
            self.projection.with_untracked(|p| p.as_ref().is_some_and(|p| p.status == EntryStatus::Finished));
        if finished {
            self.open_next();
            return;
        }
        if self.decide(vec![Action::Finish {}]) {
            self.finishing.set(true);
            self.say("Finishing …");
        }
    }

    /// Opens the next entry that waits for somebody.
    pub fn open_next(self) {
        let query = NextQuery { after_entry: self.entry_id(), ..NextQuery::default() };
        let app = self.app;
        leptos::task::spawn_local(async move {
            match http::get::<NextView>(&format!("{}{}", path::NEXT_ENTRY, query_of(&query))).await {
                Ok(NextView { entry: Some(entry) }) => {
                    go(&format!("/entries/{}", path::encode(entry.as_str())));
                }
                Ok(NextView { entry: None }) => {
                    app.tell("Finished. Nothing is left to review.");
                    go("/");
                }
                Err(failure) => app.warn(failure.message()),
            }
        });
    }
}
