//! Opening an entry, taking over what was left unsent, leaving it again.

use std::sync::Arc;

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::ErrorCode;
use overread_api::code::CodeView;
use overread_api::entry::{Decided, EntryView, SuggestingState};
use overread_api::path::{self, fill};
use overread_domain::Placing;

use super::panel::Panel;
use super::state::{Head, Net, Opened, Review};
use super::sync::entry_path;
use crate::logic::drafts::{Draft, outbox_key, parse_outbox_key};
use crate::logic::outbox::Outbox;
use crate::logic::review::Review as Model;
use crate::logic::settled::{Settled, told_of_all};
use crate::web::http::{self, Failure};
use crate::web::{dom, storage};

const SUGGESTIONS_EVERY_MS: u32 = 2_000;

impl Review {
    /// Opens an entry; what this person left unsent on it goes out first.
    pub fn open(self, entry: String) {
        if self.entry_id().is_some_and(|before| before != entry) {
            self.part();
        }
        let turn = self.turn.get_value() + 1;
        self.turn.set_value(turn);
        self.opened.set(Opened::Loading);
        self.model.set_value(None);
        self.head.set(None);
        self.projection.set(None);
        self.order.set(Vec::new());
        self.draw_first();
        self.rows.set_value(std::collections::HashMap::new());
        self.current.set(None);
        self.evidence.set(0);
        self.panel.set(Panel::None);
        self.selection.set(None);
        self.message.set(None);
        self.holder.set(None);
        self.net.set(Net::Idle);
        self.note.set_value(None);
        self.pumping.set_value(false);
        self.finishing.set(false);
        leptos::task::spawn_local(async move {
            let (waiting, settled) = self.adopt(&entry).await;
            let fetched = http::get::<EntryView>(&entry_path(path::ENTRY, &entry)).await;
            if self.turn.get_value() != turn {
                return;
            }
            match fetched {
                Ok(view) => self.show(view, waiting, settled, turn),
                Err(failure) => self.opened.set(match failure.code() {
                    Some(ErrorCode::NotFound) => Opened::Missing,
                    // The dialog for signing in stands over the page; it is opened again afterwards.
                    Some(ErrorCode::NotSignedIn | ErrorCode::SessionLocked) => Opened::Loading,
                    _ => Opened::Failed(failure.message()),
                }),
            }
        });
    }

    pub(super) fn show(self, view: EntryView, waiting: Outbox, mut settled: Settled, turn: u32) {
        let Some(user) = self.app.user() else { return };
        let entry = view.id.to_string();
        self.set_head(&view);
        self.learn_titles(&view);
        self.note_holder(&view);
        // What waits was made on another revision: it goes through the same sieve as after a conflict.
        let mut model = Model::new(view.clone(), waiting, user);
        settled.dropped.extend(model.rebase(view, dom::new_key));
        self.model.set_value(Some(model));
        self.opened.set(Opened::Entry);
        self.refresh();
        let first = self.projection.with_untracked(|p| p.as_ref().and_then(|p| p.undecided_from(None, true)));
        let first = first.or_else(|| self.order.with_untracked(|order| order.first().cloned()));
        self.current.set(first);
        self.draw_rest(turn);
        self.meter.update_value(|meter| {
            let _ = meter.take(dom::now());
        });
        if self.app.help.get_untracked() {
            self.app.help.set(false);
        }
        let mut restored = false;
        // The newest whose row is still there.
        let lost = |draft: &Draft| draft.row().is_some_and(|item| self.item_of(item).is_none());
        if let Some(draft) = self.drafts().into_iter().find(|draft| !lost(draft)) {
            restored = self.restore(draft);
        }
        self.tell_settled(&settled, restored);
        self.keep_outbox();
        self.pump();
        self.fetch_titles(turn);
        leptos::task::spawn_local(async move { self.hold(entry, turn).await });
        if self.awaits_suggestions() {
            leptos::task::spawn_local(async move { self.await_suggestions(turn).await });
        }
    }

    pub(super) fn set_head(self, view: &EntryView) {
        self.head.set(Some(Head {
            entry: view.id.to_string(),
            note: view.note.to_string(),
            title: view.meta.title.clone(),
            document_type: view.meta.document_type.clone(),
            service_date: view.meta.service_date.clone(),
            template: Arc::new(view.template.clone()),
            suggesting: view.suggesting,
            suggesting_error: view.suggesting_error.clone(),
            read_percent: view
                .suggestions
                .as_ref()
                .and_then(|set| set.read_until)
                .map(|until| until * 100 / view.text.chars().count().max(1)),
            model: view.suggestions.as_ref().map(|set| set.model.clone()),
            place: Placing::of(&view.meta),
            masked: view.masked,
            opened: view.opened.clone(),
        }));
    }

    pub(super) fn note_holder(self, view: &EntryView) {
        let me = self.app.user();
        let other = view
            .lease
            .as_ref()
            .filter(|lease| Some(&lease.user) != me.as_ref() && lease.until.0 > dom::now());
        self.holder.set(other.map(|lease| lease.user.to_string()));
    }

    /// Opens what was being typed. False if its row is gone.
    pub(super) fn restore(self, draft: Draft) -> bool {
        let panel = match draft {
            Draft::Form { form } => Panel::Edit(form),
            Draft::Reject { item, comment } => Panel::Reject { item, comment },
            Draft::Escalate { comment, .. } => Panel::Escalate { comment },
            Draft::Reopen { reason } => Panel::Reopen { reason },
        };
        let item = match &panel {
            Panel::Edit(form) if !form.adds => Some(form.item.clone()),
            Panel::Reject { item, .. } => Some(item.clone()),
            _ => None,
        };
        if let Some(item) = item {
            if self.item_of(&item).is_none() {
                return false;
            }
            self.current.set(Some(crate::logic::rows::RowKey::Item(item)));
        }
        self.panel.set(panel);
        true
    }

    /// Takes over what this person's tabs left unsent on an entry, and settles whether the first of it arrived. What is
    /// stored stays until the outcome can be told: asked again, the server answers the same.
    pub(super) async fn adopt(self, entry: &str) -> (Outbox, Settled) {
        let mut settled = Settled::default();
        let Some(user) = self.app.user() else { return (Outbox::default(), settled) };
        let tab = self.tab();
        let mut all = Outbox { tab: tab.clone(), ..Outbox::default() };
        for key in storage::keys() {
            if parse_outbox_key(&key) != Some((user.as_str(), entry)) {
                continue;
            }
            let Some(left) = storage::get_json::<Outbox>(&key) else {
                storage::remove(&key);
                continue;
            };
            if left.may_adopt(&tab, dom::now()) {
                all.known.extend(left.known);
                all.pending.extend(left.pending);
                storage::set_json(&outbox_key(user.as_str(), entry, &tab), &all);
                if left.tab != tab {
                    storage::remove(&key);
                }
            }
        }
        while all.pending.first().is_some_and(|first| first.sent.is_some()) {
            let Some(request) = all.next(0) else { break };
            match http::post::<Decided>(&entry_path(path::DECISIONS, entry), &request).await {
                Ok(decided) => {
                    settled.sent += request.actions.len();
                    all.delivered(&request.idempotency_key, &decided.decisions);
                }
                Err(failure) if failure.code() == Some(ErrorCode::StaleRevision) => break,
                Err(Failure::Refused(body)) if body.code.status() == 422 => {
                    if let Some(pending) = all.refused(&request.idempotency_key) {
                        settled.refuse(pending, &body.message);
                    }
                }
                Err(_) => break,
            }
        }
        (all, settled)
    }

    pub fn leave(self) {
        self.part();
        self.turn.update_value(|turn| *turn += 1);
        self.model.set_value(None);
        self.note.set_value(None);
        self.opened.set(Opened::Nothing);
    }

    /// Gives the lease of the open entry back and sends on what waits there.
    pub(super) fn part(self) {
        let Some(entry) = self.entry_id() else { return };
        let waits = !self.outbox_is_empty();
        self.keep_outbox();
        leptos::task::spawn_local(async move {
            if waits {
                let settled = self.flush(entry.clone()).await;
                if !settled.dropped.is_empty()
                    && let Some(text) = told_of_all(&[settled])
                {
                    self.app.warn(text);
                }
            }
            let _ = http::tell(Method::DELETE, &entry_path(path::LEASE, &entry), None::<&()>).await;
        });
    }

    /// Sends what this person left unsent on an entry that is not open, and tells what became of it. Whoever asks while
    /// that is under way is told nothing.
    pub async fn flush(self, entry: String) -> Settled {
        let first = self.flushing.try_update_value(|all| all.insert(entry.clone())).unwrap_or(false);
        if !first {
            return Settled::default();
        }
        let settled = self.flush_alone(&entry).await;
        self.flushing.update_value(|all| drop(all.take(&entry)));
        settled
    }

    async fn flush_alone(self, entry: &str) -> Settled {
        let Some(user) = self.app.user() else { return Settled::default() };
        let key = outbox_key(user.as_str(), entry, &self.tab());
        let (mut outbox, mut settled) = self.adopt(entry).await;
        if !outbox.is_empty()
            && let Ok(view) = http::poll::<EntryView>(&entry_path(path::ENTRY, entry)).await
        {
            let mut model = Model::new(view.clone(), outbox, user);
            settled.dropped.extend(model.rebase(view, dom::new_key));
            let mut revision = model.view.revision;
            while let Some(request) = model.outbox.next(revision) {
                storage::set_json(&key, &model.outbox);
                match http::post::<Decided>(&entry_path(path::DECISIONS, entry), &request).await {
                    Ok(decided) => {
                        settled.sent += request.actions.len();
                        revision = decided.revision;
                        model.delivered(&request.idempotency_key, decided);
                    }
                    Err(Failure::Refused(body)) if body.code.status() == 422 => {
                        if let Some(pending) = model.outbox.refused(&request.idempotency_key) {
                            settled.refuse(pending, &body.message);
                        }
                    }
                    Err(_) => break,
                }
            }
            outbox = model.outbox;
        }
        if outbox.is_empty() {
            storage::remove(&key);
        } else {
            storage::set_json(&key, &outbox);
        }
        settled
    }

    pub(super) fn awaits_suggestions(self) -> bool {
        self.head.with_untracked(|head| {
            head.as_ref().is_some_and(|head| {
                matches!(head.suggesting, SuggestingState::Queued | SuggestingState::Running)
            })
        })
    }

    pub(super) async fn await_suggestions(self, turn: u32) {
        while self.turn.get_value() == turn && self.awaits_suggestions() {
            dom::sleep(SUGGESTIONS_EVERY_MS).await;
            if self.turn.get_value() == turn && self.outbox_is_empty() {
                self.look_again(turn).await;
            }
        }
    }

    pub(super) fn learn_titles(self, view: &EntryView) {
        let set = view.suggestions.iter().flat_map(|set| &set.suggestions);
        self.titles.update(|titles| {
            for candidate in set.flat_map(|suggestion| &suggestion.candidates) {
                if !candidate.title.is_empty() {
                    titles.entry(candidate.code.clone()).or_insert_with(|| candidate.title.clone());
                }
            }
        });
    }

    /// Asks for the titles of codes on the page that came without.
    pub(super) fn fetch_titles(self, turn: u32) {
        let wanted: Vec<_> = self.projection.with_untracked(|p| {
            p.iter()
                .flat_map(|p| &p.items)
                .filter_map(|item| item.content.code.clone())
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .filter(|code| self.titles.with_untracked(|titles| !titles.contains_key(&code.code)))
                .take(60)
                .collect()
        });
        leptos::task::spawn_local(async move {
            for code in wanted {
                if self.turn.get_value() != turn {
                    return;
                }
                let path = fill(path::CODE, &[&code.system, &code.code]);
                if let Ok(view) = http::get::<CodeView>(&path).await {
                    self.learn_title(&view.code, &view.title);
                }
            }
        });
    }
}
