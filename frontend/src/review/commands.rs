//! What each key does on the review page.

use leptos::prelude::*;
use overread_domain::{EntryStatus, Permission};

use super::panel::Panel;
use super::state::Review;
use crate::logic::codes::step;
use crate::logic::drafts::{Draft, ESCALATE, REOPEN, reject_slot};
use crate::logic::effort::Meter;
use crate::logic::keymap::{Command, Scope};
use crate::logic::rows::RowKey;
use crate::shell::go;
use crate::web::dom;

impl Review {
    pub fn command(self, command: Command, nth: usize) {
        self.meter.update_value(|meter| meter.command(command.name()));
        self.message.set(None);
        let item = self.current_item();
        match command {
            Command::Accept => self.accept(),
            Command::AcceptAll => self.accept_all(),
            Command::Reject => match item {
                Some(item) => {
                    let comment = match self.draft(&reject_slot(&item)) {
                        Some(Draft::Reject { comment, .. }) => comment,
                        _ => String::new(),
                    };
                    self.panel.set(Panel::Reject { item, comment });
                }
                None => self.complain("Nothing to reject here"),
            },
            Command::Edit => self.edit(),
            Command::FindCode => self.find_code(),
            Command::Candidate => self.take_candidate(nth),
            Command::NextUndecided => self.walk(true),
            Command::PreviousUndecided => self.walk(false),
            Command::RowDown => self.step_row(1),
            Command::RowUp => self.step_row(-1),
            Command::NextEvidence => self.step_evidence(1),
            Command::PreviousEvidence => self.step_evidence(-1),
            Command::ConfirmEmpty => self.confirm_empty(),
            Command::Add => self.panel.set(Panel::Add { words: self.selection.get_untracked() }),
            Command::UseSelection => self.use_selection(),
            Command::Checks => self.open_checks(),
            Command::SequenceUp => self.sequence(-1),
            Command::SequenceDown => self.sequence(1),
            Command::Principal => self.sequence(isize::MIN),
            Command::Poa => match item {
                Some(item) if self.is_listed(&item) => self.panel.set(Panel::Poa { item }),
                _ => self.complain("Only codes of the final list say whether they were present on admission"),
            },
            Command::FindWords => self.panel.set(Panel::FindWords),
            Command::Undo => self.undo(),
            Command::Escalate => {
                let comment = match self.draft(ESCALATE) {
                    Some(Draft::Escalate { comment, .. }) => comment,
                    _ => String::new(),
                };
                self.panel.set(Panel::Escalate { comment });
            }
            Command::Place => self.ask_place(),
            Command::Reopen => self.ask_reopen(),
            Command::Finish => self.finish(),
            Command::Back => self.back(),
            _ => {}
        }
    }

    fn find_code(self) {
        // Marked words are asked for first: their candidates are one key away, whatever row is current.
        if let Some(words) = self.selection.get_untracked() {
            match self.field_for_codes() {
                Some(field) => self.add_to(&field, Some(words)),
                None => self.complain("No field of this entry takes a code"),
            }
            return;
        }
        let Some(row) = self.current_row_now() else { return };
        let coded = self.field(&row.field).is_some_and(|field| field.code_system.is_some());
        match row.key {
            RowKey::Item(item) if coded => {
                let query = row.words.unwrap_or(row.value);
                self.panel.set(Panel::Codes { item, query });
            }
            RowKey::Field(field) if coded => self.add_to(&field, self.selection.get_untracked()),
            _ => self.complain(format!("{} takes no code", row.field_label)),
        }
    }

    /// The field that a marked phrase is coded in: the current row's where it takes codes, else the first that does.
    fn field_for_codes(self) -> Option<String> {
        let here = self.current_row_now().and_then(|row| self.field(&row.field));
        let here = here.filter(|field| field.code_system.is_some());
        here.or_else(|| {
            self.with(|model| model.view.template.fields().find(|f| f.code_system.is_some()).cloned())
                .flatten()
        })
        .map(|field| field.id)
    }

    fn walk(self, forward: bool) {
        let next = self.projection.with_untracked(|p| {
            p.as_ref().and_then(|p| p.undecided_from(self.current.get_untracked().as_ref(), forward))
        });
        match next {
            Some(next) => self.select(Some(next)),
            None => self.say("Nothing is undecided."),
        }
    }

    fn step_row(self, by: isize) {
        let next = self
            .projection
            .with_untracked(|p| p.as_ref().and_then(|p| p.step(self.current.get_untracked().as_ref(), by)));
        self.select(next);
    }

    fn step_evidence(self, by: isize) {
        let count = self.evidence_count();
        if count == 0 {
            self.complain("No words of the note support this row");
            return;
        }
        self.evidence.update(|at| *at = step(*at, by, count));
        self.show_evidence();
    }

    fn ask_reopen(self) {
        let status = self.projection.with_untracked(|p| p.as_ref().map(|p| p.status));
        match status {
            Some(EntryStatus::Finished) if !self.app.may(Permission::Reopen) => {
                self.complain("Coders and QA leads open finished entries again");
            }
            Some(EntryStatus::Exception) if !self.app.may(Permission::ResolveExceptions) => {
                self.complain("Coders and QA leads resolve exceptions");
            }
            Some(EntryStatus::Finished | EntryStatus::Exception) => {
                let reason = match self.draft(REOPEN) {
                    Some(Draft::Reopen { reason }) => reason,
                    _ => String::new(),
                };
                self.panel.set(Panel::Reopen { reason });
            }
            _ => self.complain("The entry is open"),
        }
    }

    /// Closes what is open, then what is selected, then the page.
    pub fn back(self) {
        if self.panel.with_untracked(Panel::is_open) {
            self.close_panel();
        } else if self.selection.with_untracked(Option::is_some) {
            self.clear_selection();
        } else {
            go("/");
        }
    }

    /// A command by its key. Beside an open panel only what moves about works: a key must not decide on what is behind it.
    pub fn key_command(self, command: Command, nth: usize) {
        if self.panel.with_untracked(Panel::is_open) && !command.is_movement() && command != Command::Back {
            let back = self.app.hint(Scope::Review, Command::Back);
            self.complain(format!("Not while this is open; {back} closes it"));
            return;
        }
        self.command(command, nth);
    }

    /// Keys before they become commands. True where a panel takes them.
    pub fn first_key(self, pressed: &str, text: bool) -> bool {
        let now = dom::now();
        self.meter.update_value(|meter: &mut Meter| meter.key(now));
        let panel = self.panel.get_untracked();
        let plain = pressed.chars().count() == 1;
        if !panel.is_open() || (plain && !text && self.app.keys_off.get_untracked()) {
            return false;
        }
        if self.app.keymap.with_untracked(|map| map.goes_back(pressed, text)) {
            self.close_panel();
            return true;
        }
        if text {
            return false;
        }
        if let Panel::Checks { at, .. } = panel {
            return self.check_key(at, pressed);
        }
        let digit = pressed.parse::<usize>().ok().filter(|digit| (1..=9).contains(digit));
        match (panel, digit) {
            (Panel::Reject { item, comment }, Some(digit)) => {
                if let Some(reason) = overread_domain::RejectReason::ALL.get(digit - 1) {
                    self.reject(&item, *reason, &comment);
                }
                true
            }
            (Panel::Poa { item }, Some(digit)) => {
                if let Some(poa) = overread_domain::Poa::ALL.get(digit - 1) {
                    self.say_poa(&item, *poa);
                }
                true
            }
            (Panel::Escalate { comment }, Some(digit)) => {
                if let Some(cause) = overread_domain::decision::ExceptionCause::ALL.get(digit - 1) {
                    self.escalate(*cause, &comment);
                }
                true
            }
            _ => false,
        }
    }
}
