//! One open entry: what the server last said, what was decided since, and what both amount to.

use overread_api::entry::{Decided, EntryView};
use overread_domain::entry::in_claim_order;
use overread_domain::span::CodePoints;
use overread_domain::{
    Action, Content, Decision, DecisionId, Effort, Entry, EntryError, FieldKind, Finding, Item, ItemId,
    ItemState, Suggestion, UserId,
};

use super::checks::{can_be_taken_back, dropped_on, moved};
use super::outbox::{Outbox, Pending};
use super::rows::{self, Projection, RowKey};

fn on_suggested_row(action: &Action) -> bool {
    match action {
        Action::Accept { item } | Action::Correct { item, .. } | Action::Reject { item, .. } => {
            item.suggestion_index().is_some()
        }
        _ => false,
    }
}

/// An entry under review.
#[derive(Clone, Debug)]
pub struct Review {
    pub view: EntryView,
    pub outbox: Outbox,
    user: UserId,
}

/// A decision of this page that no longer fits, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropped {
    pub action: Action,
    pub why: String,
}

impl Review {
    pub fn new(view: EntryView, outbox: Outbox, user: UserId) -> Self {
        Self { view, outbox, user }
    }

    pub fn suggestions(&self) -> &[Suggestion] {
        self.view.suggestions.as_ref().map_or(&[], |set| set.suggestions.as_slice())
    }

    pub fn suggestion(&self, item: &ItemId) -> Option<&Suggestion> {
        self.suggestions().get(item.suggestion_index()?)
    }

    /// The entry with everything decided so far, also what the server has yet to hear.
    fn with_entry<R>(&self, work: impl FnOnce(&mut Entry<'_>) -> R) -> R {
        let text = CodePoints::new(&self.view.text);
        let told = self.view.decisions.iter().map(|d| (d.id.clone(), d.action.clone()));
        let waiting = self.outbox.pending.iter().flat_map(Pending::local).map(|(id, action)| {
            // What waits may speak of a decision that has its real id by now.
            let action = match action {
                Action::Undo { decision } => Action::Undo { decision: self.outbox.server_id(&decision) },
                other => other,
            };
            (id, action)
        });
        let mut entry = Entry::replay(&self.view.template, self.suggestions(), &text, told.chain(waiting));
        work(&mut entry)
    }

    pub fn projection(&self) -> Projection {
        self.with_entry(|entry| {
            let empty: Vec<String> = entry.confirmed_empty().map(|(field, _)| field.to_owned()).collect();
            let rows = rows::rows(&self.view.template, self.suggestions(), entry.items(), &empty);
            Projection {
                undecided: rows.iter().filter(|row| row.state.is_undecided()).count(),
                suggested: entry.items().len(),
                rows,
                items: entry.items().to_vec(),
                status: entry.status(),
                cause: entry.exception_cause(),
            }
        })
    }

    pub fn item(&self, id: &ItemId) -> Option<Item> {
        self.with_entry(|entry| entry.item(id).cloned())
    }

    /// Judges actions and takes them all or none.
    pub fn decide(&mut self, key: String, actions: Vec<Action>, effort: Effort) -> Result<(), EntryError> {
        let suggestion_set = self.view.suggestions.as_ref().map(|set| set.id.clone());
        let suggestions_shown = suggestion_set.is_some();
        let base = self.view.revision;
        let pending = Pending { key, actions, effort, suggestions_shown, base, suggestion_set, sent: None };
        self.with_entry(|entry| pending.local().try_for_each(|(id, action)| entry.apply(id, action)))?;
        self.outbox.push(pending);
        Ok(())
    }

    /// The server took the request sent under `key`.
    pub fn delivered(&mut self, key: &str, decided: Decided) {
        self.outbox.delivered(key, &decided.decisions);
        if decided.revision >= self.view.revision {
            self.view.revision = decided.revision;
            self.view.status = decided.status;
        }
        let known: std::collections::BTreeSet<DecisionId> =
            self.view.decisions.iter().map(|d| d.id.clone()).collect();
        self.view.decisions.extend(decided.decisions.into_iter().filter(|d| !known.contains(&d.id)));
        self.view.findings = decided.findings;
        self.view.ahead = decided.ahead;
        self.view.coded_on = decided.coded_on;
    }

    /// The server refused to finish for these: they are told where they were not known yet.
    pub fn told(&mut self, findings: &[Finding]) {
        for finding in findings {
            if !self.view.findings.iter().any(|known| known.key == finding.key) {
                self.view.findings.insert(0, finding.clone());
            }
        }
    }

    /// The decision that moves a code within its list by so many places, or to its head with [`isize::MIN`].
    pub fn reordered(&self, item: &ItemId, by: isize) -> Option<Action> {
        self.in_order(item, |order| {
            let at = order.iter().position(|row| row.id == *item)? as isize;
            // Already at the head: the order is still worth a decision where no row leads.
            moved(order, item, if by == isize::MIN { -at } else { by })
        })
    }

    /// The decision that puts a code where another of its list stands.
    pub fn dropped(&self, item: &ItemId, target: &ItemId) -> Option<Action> {
        self.in_order(item, |order| dropped_on(order, item, target))
    }

    fn in_order(
        &self,
        item: &ItemId,
        arrange: impl FnOnce(&[&Item]) -> Option<Vec<ItemId>>,
    ) -> Option<Action> {
        self.with_entry(|entry| {
            let field = entry.item(item)?.content.field.clone();
            let listed = self.view.template.field(&field)?.kind == FieldKind::Code;
            let rows =
                entry.items().iter().filter(|i| i.content.field == field && i.state != ItemState::Rejected);
            let items = arrange(&in_claim_order(rows))?;
            listed.then_some(Action::Sequence { field, items })
        })
    }

    /// Takes a newer view and keeps of what waits all that still fits: legal, and not about a row that somebody else
    /// has decided since it was made.
    pub fn rebase(&mut self, view: EntryView, key: impl FnMut() -> String) -> Vec<Dropped> {
        let others: Vec<Decision> = view.decisions.iter().filter(|d| d.user != self.user).cloned().collect();
        self.view = view;
        self.outbox.renew(key);
        let waiting = std::mem::take(&mut self.outbox.pending);
        let set = self.view.suggestions.as_ref().map(|set| set.id.clone());
        let mut dropped = Vec::new();
        for mut pending in waiting {
            let exchanged = pending.suggestion_set.is_some() && pending.suggestion_set != set;
            pending.suggestion_set.clone_from(&set);
            // Not the revision of the view before: after a reload there is none, or it is the same as now.
            let base = std::mem::replace(&mut pending.base, self.view.revision);
            let mut kept = Vec::new();
            for action in std::mem::take(&mut pending.actions) {
                // The same place in another set is another suggestion.
                if exchanged && on_suggested_row(&action) {
                    dropped.push(Dropped { action, why: "the suggestions were made anew".into() });
                    continue;
                }
                if let Some(other) = others.iter().find(|d| d.revision > base && meets(&d.action, &action)) {
                    let why = format!("{} decided it in the meantime", other.user);
                    dropped.push(Dropped { action, why });
                    continue;
                }
                pending.actions.clone_from(&kept);
                pending.actions.push(action.clone());
                let fits = self.with_entry(|entry| {
                    pending.local().try_for_each(|(id, action)| {
                        let action = match action {
                            Action::Undo { decision } => {
                                Action::Undo { decision: self.outbox.server_id(&decision) }
                            }
                            other => other,
                        };
                        entry.apply(id, action)
                    })
                });
                match fits {
                    Ok(()) => kept.push(action),
                    Err(error) => dropped.push(Dropped { action, why: error.to_string() }),
                }
            }
            pending.actions = kept;
            if !pending.actions.is_empty() {
                self.outbox.pending.push(pending);
            }
        }
        dropped
    }

    /// The actions that take this person's last decision back: one key press, however many rows it decided.
    pub fn undo(&self) -> Option<Vec<Action>> {
        struct Made {
            id: DecisionId,
            action: Action,
            batch: String,
        }
        let mut log: Vec<Made> = self
            .view
            .decisions
            .iter()
            .filter(|d| d.user == self.user)
            .map(|d| Made { id: d.id.clone(), action: d.action.clone(), batch: d.at.0.to_string() })
            .collect();
        for pending in &self.outbox.pending {
            log.extend(pending.local().map(|(id, action)| Made { id, action, batch: pending.key.clone() }));
        }
        let undone: std::collections::BTreeSet<DecisionId> = log
            .iter()
            .filter_map(|made| match &made.action {
                Action::Undo { decision } => Some(self.outbox.server_id(decision)),
                _ => None,
            })
            .collect();
        log.retain(|made| can_be_taken_back(&made.action) && !undone.contains(&made.id));
        let last = log.last()?.batch.clone();
        let batch: Vec<Action> = log
            .iter()
            .rev()
            .take_while(|made| made.batch == last)
            .map(|made| Action::Undo { decision: made.id.clone() })
            .collect();
        Some(batch)
    }

    /// What stands in the way of finishing: the first row to look at.
    pub fn in_the_way(&self) -> Option<RowKey> {
        self.projection().undecided_from(None, true)
    }

    /// A suggestion's content with another code.
    pub fn with_code(&self, item: &ItemId, system: &str, code: &str) -> Option<Action> {
        let row = self.item(item)?;
        let code = overread_domain::CodeRef { system: system.to_owned(), code: code.to_owned() };
        let same = self.suggestion(item).is_some_and(|s| {
            let with = Content { code: Some(code.clone()), ..row.content.clone() };
            s.content == with
        });
        if same {
            return Some(Action::Accept { item: item.clone() });
        }
        Some(Action::Correct { item: item.clone(), content: Content { code: Some(code), ..row.content } })
    }

    /// The row that an action leaves the person at: what it decided.
    pub fn all_likely_of(&self, field: &str) -> Vec<ItemId> {
        self.projection()
            .rows
            .iter()
            .filter(|row| row.field == field && row.bulk())
            .filter_map(|row| row.key.item().cloned())
            .collect()
    }

    /// Whether the item is undecided.
    pub fn is_suggested(&self, item: &ItemId) -> bool {
        self.item(item).is_some_and(|item| item.state == ItemState::Suggested)
    }
}

/// What a row-wise action is about.
pub fn touched(action: &Action) -> Option<RowKey> {
    match action {
        Action::Accept { item }
        | Action::Correct { item, .. }
        | Action::Reject { item, .. }
        | Action::Add { item, .. }
        | Action::PresentOnAdmission { item, .. } => Some(RowKey::Item(item.clone())),
        Action::ConfirmEmpty { field } => Some(RowKey::Field(field.clone())),
        _ => None,
    }
}

fn meets(theirs: &Action, ours: &Action) -> bool {
    touched(theirs).is_some_and(|theirs| touched(ours) == Some(theirs))
}

#[cfg(test)]
mod tests;
