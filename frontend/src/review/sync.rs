//! Opening an entry, sending decisions in order, holding the lease.

use std::sync::Arc;

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::ErrorCode;
use overread_api::code::CodeView;
use overread_api::entry::{Decided, EntryView, LeaseView, SuggestingState};
use overread_api::path::{self, fill};
use overread_domain::{Action, EntryStatus};

use super::panel::Panel;
use super::state::{Head, Net, Opened, Review};
use crate::logic::drafts::{Draft, outbox_key, parse_outbox_key};
use crate::logic::outbox::{Outbox, backoff};
use crate::logic::review::{Dropped, Review as Model};
use crate::web::http::{self, Failure};
use crate::web::{dom, storage};

const LEASE_EVERY_MS: u32 = 30_000;
const SUGGESTIONS_EVERY_MS: u32 = 2_000;

fn entry_path(path: &str, entry: &str) -> String {
    fill(path, &[entry])
}

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
        self.rows.set_value(std::collections::HashMap::new());
        self.current.set(None);
        self.panel.set(Panel::None);
        self.selection.set(None);
        self.message.set(None);
        self.holder.set(None);
        self.net.set(Net::Idle);
        self.note.set_value(None);
        self.pumping.set_value(false);
        self.finishing.set(false);
        leptos::task::spawn_local(async move {
            let waiting = self.adopt(&entry).await;
            let fetched = http::get::<EntryView>(&entry_path(path::ENTRY, &entry)).await;
            if self.turn.get_value() != turn {
                return;
            }
            match fetched {
                Ok(view) => self.show(view, waiting, turn),
                Err(failure) => self.opened.set(match failure.code() {
                    Some(ErrorCode::NotFound) => Opened::Missing,
                    // The dialog for signing in stands over the page; it is opened again afterwards.
                    Some(ErrorCode::NotSignedIn) => Opened::Loading,
                    _ => Opened::Failed(failure.message()),
                }),
            }
        });
    }

    fn show(self, view: EntryView, waiting: Outbox, turn: u32) {
        let Some(user) = self.app.user() else { return };
        let entry = view.id.to_string();
        self.set_head(&view);
        self.learn_titles(&view);
        self.note_holder(&view);
        // What waits was made on another revision: it goes through the same sieve as after a conflict.
        let mut model = Model::new(view.clone(), waiting, user);
        let dropped = model.rebase(view, dom::new_key);
        self.model.set_value(Some(model));
        self.opened.set(Opened::Entry);
        self.refresh();
        let first = self.projection.with_untracked(|p| p.as_ref().and_then(|p| p.undecided_from(None, true)));
        let first = first.or_else(|| self.order.with_untracked(|order| order.first().cloned()));
        self.current.set(first);
        self.meter.update_value(|meter| {
            let _ = meter.take(dom::now());
        });
        if self.app.help.get_untracked() {
            self.app.help.set(false);
        }
        self.tell_dropped(&dropped);
        if let Some(draft) = self.draft() {
            self.restore(draft);
        }
        self.keep_outbox();
        self.pump();
        self.fetch_titles(turn);
        leptos::task::spawn_local(async move { self.hold(entry, turn).await });
        if self.awaits_suggestions() {
            leptos::task::spawn_local(async move { self.await_suggestions(turn).await });
        }
    }

    fn set_head(self, view: &EntryView) {
        self.head.set(Some(Head {
            entry: view.id.to_string(),
            note: view.note.to_string(),
            title: view.meta.title.clone(),
            document_type: view.meta.document_type.clone(),
            service_date: view.meta.service_date.clone(),
            template: Arc::new(view.template.clone()),
            suggesting: view.suggesting,
            suggesting_error: view.suggesting_error.clone(),
            model: view.suggestions.as_ref().map(|set| set.model.clone()),
        }));
    }

    fn note_holder(self, view: &EntryView) {
        let me = self.app.user();
        let other = view
            .lease
            .as_ref()
            .filter(|lease| Some(&lease.user) != me.as_ref() && lease.until.0 > dom::now());
        self.holder.set(other.map(|lease| lease.user.to_string()));
    }

    fn restore(self, draft: Draft) {
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
                return;
            }
            self.current.set(Some(crate::logic::rows::RowKey::Item(item)));
        }
        self.panel.set(panel);
        self.say("What you had typed is back.");
    }

    /// Takes over what this person's tabs left unsent on an entry, and settles whether the first of it arrived.
    async fn adopt(self, entry: &str) -> Outbox {
        let Some(user) = self.app.user() else { return Outbox::default() };
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
                Ok(decided) => all.delivered(&decided.decisions),
                Err(failure) if failure.code() == Some(ErrorCode::StaleRevision) => break,
                Err(Failure::Refused(body)) if body.code.status() == 422 => drop(all.refused()),
                Err(_) => break,
            }
        }
        all
    }

    /// Sends what waits, one request after the other.
    pub fn pump(self) {
        if self.pumping.get_value() {
            return;
        }
        self.pumping.set_value(true);
        let turn = self.turn.get_value();
        leptos::task::spawn_local(async move {
            self.drain(turn).await;
            if self.turn.get_value() == turn {
                self.pumping.set_value(false);
            }
        });
    }

    async fn drain(self, turn: u32) {
        let mut attempt = 0;
        loop {
            let next = self
                .with_mut(|model| {
                    let revision = model.view.revision;
                    model.outbox.next(revision)
                })
                .flatten();
            let (Some(request), Some(entry)) = (next, self.entry_id()) else {
                self.net.set(Net::Idle);
                return;
            };
            self.keep_outbox();
            if self.net.with_untracked(|net| *net == Net::Idle) {
                self.net.set(Net::Sending);
            }
            let finishes = request.actions.iter().any(|action| matches!(action, Action::Finish {}));
            let answer = http::post::<Decided>(&entry_path(path::DECISIONS, &entry), &request).await;
            if self.turn.get_value() != turn {
                return;
            }
            match answer {
                Ok(decided) => {
                    attempt = 0;
                    let _ = self.with_mut(|model| model.delivered(decided));
                    self.keep_outbox();
                    self.refresh();
                    if finishes {
                        self.finishing.set(false);
                        self.open_next();
                    }
                }
                Err(failure) if failure.is_passing() => {
                    attempt += 1;
                    self.net.set(Net::Away(failure.message()));
                    self.pause(backoff(attempt), turn).await;
                    if self.turn.get_value() != turn {
                        return;
                    }
                }
                Err(Failure::Refused(body)) => {
                    self.finishing.set(false);
                    match body.code {
                        ErrorCode::NotSignedIn | ErrorCode::PasswordChangeRequired => {
                            self.net.set(Net::SignedOut);
                            return;
                        }
                        ErrorCode::Leased => {
                            self.net.set(Net::Held);
                            self.look_again(turn).await;
                            return;
                        }
                        ErrorCode::StaleRevision | ErrorCode::KeyReused | ErrorCode::WrongState => {
                            if !self.look_again(turn).await {
                                return;
                            }
                        }
                        _ => self.take_back(&body),
                    }
                }
                Err(Failure::Away) => return,
            }
        }
    }

    /// Waits, but no longer than until somebody asks for a try.
    async fn pause(self, ms: u32, turn: u32) {
        let step = 250;
        let mut left = ms;
        while left > 0 && self.turn.get_value() == turn {
            if self.net.with_untracked(|net| *net == Net::Sending) {
                return;
            }
            dom::sleep(step.min(left)).await;
            left = left.saturating_sub(step);
        }
    }

    /// Tries again at once: the button on the banner, the browser coming back online, a new session.
    pub fn try_again(self) {
        match self.opened.get_untracked() {
            Opened::Entry => {
                self.net.set(Net::Sending);
                self.pump();
            }
            Opened::Loading | Opened::Failed(_) => {
                if let Some(entry) = crate::shell::current_entry() {
                    self.open(entry);
                }
            }
            Opened::Nothing | Opened::Missing => {}
        }
    }

    /// The server has the last word: the decision goes, and why is said where it was made.
    fn take_back(self, body: &overread_api::ErrorBody) {
        let refused = self.with_mut(|model| model.outbox.refused()).flatten();
        self.keep_outbox();
        self.refresh();
        let place = refused
            .as_ref()
            .and_then(|pending| pending.actions.iter().find_map(crate::logic::review::touched))
            .or_else(|| body.undecided.first().cloned().map(crate::logic::rows::RowKey::Item))
            .or_else(|| body.required.first().cloned().map(crate::logic::rows::RowKey::Field));
        let known = self.projection.with_untracked(|p| {
            p.as_ref().is_some_and(|p| place.as_ref().is_some_and(|k| p.position(k).is_some()))
        });
        if known {
            self.select(place);
        }
        let mut message = http::sentence(&body.message);
        for place in &body.places {
            message.push(' ');
            message.push_str(&http::sentence(&place.message));
        }
        if let Some(quotes) = &body.quotes {
            message.push_str(&format!(" Expected “{}”, the note has “{}”.", quotes.expected, quotes.found));
        }
        self.complain(message);
    }

    /// Fetches the entry anew and puts what waits on top of it. False if that failed.
    async fn look_again(self, turn: u32) -> bool {
        let Some(entry) = self.entry_id() else { return false };
        let fetched = http::get::<EntryView>(&entry_path(path::ENTRY, &entry)).await;
        if self.turn.get_value() != turn {
            return false;
        }
        match fetched {
            Ok(view) => {
                let others = self.with(|model| changed_by_others(model, &view)).unwrap_or_default();
                self.set_head(&view);
                self.learn_titles(&view);
                self.note_holder(&view);
                let dropped = self.with_mut(|model| model.rebase(view, dom::new_key)).unwrap_or_default();
                self.keep_outbox();
                self.refresh();
                if dropped.is_empty() && !others.is_empty() {
                    self.say(others);
                }
                self.tell_dropped(&dropped);
                true
            }
            Err(failure) => {
                self.net.set(Net::Away(failure.message()));
                dom::sleep(backoff(3)).await;
                failure.is_passing() && self.turn.get_value() == turn
            }
        }
    }

    fn tell_dropped(self, dropped: &[Dropped]) {
        if let Some(first) = dropped.first() {
            let what = match crate::logic::review::touched(&first.action) {
                Some(key) => self
                    .projection
                    .with_untracked(|p| {
                        p.as_ref().and_then(|p| p.row(&key).map(|row| row.field_label.clone()))
                    })
                    .unwrap_or_else(|| first.action.name().to_owned()),
                None => first.action.name().replace('_', " "),
            };
            let more =
                if dropped.len() > 1 { format!(" ({} more)", dropped.len() - 1) } else { String::new() };
            self.complain(format!("Not kept, {what}: {}{more}", first.why));
        }
    }

    /// Takes the lease and renews it as long as the entry is open.
    async fn hold(self, entry: String, turn: u32) {
        loop {
            let finished = self
                .projection
                .with_untracked(|p| p.as_ref().is_some_and(|p| p.status == EntryStatus::Finished));
            if !finished && untrack(|| self.may_not(false)).is_none() {
                let path = entry_path(path::LEASE, &entry);
                match http::post::<LeaseView>(&path, &serde_json::json!({})).await {
                    Ok(_) if self.turn.get_value() == turn => {
                        if self.holder.with_untracked(Option::is_some)
                            || self.net.get_untracked() == Net::Held
                        {
                            self.net.set(Net::Idle);
                            if self.look_again(turn).await {
                                self.pump();
                            }
                        }
                    }
                    Err(failure) if failure.code() == Some(ErrorCode::Leased) => {
                        if self.turn.get_value() == turn && self.holder.with_untracked(Option::is_none) {
                            self.look_again(turn).await;
                        }
                    }
                    _ => {}
                }
            }
            if !self.outbox_is_empty() {
                self.keep_outbox();
            }
            dom::sleep(LEASE_EVERY_MS / 3).await;
            for _ in 0..2 {
                if self.turn.get_value() != turn {
                    break;
                }
                if !self.outbox_is_empty() {
                    self.keep_outbox();
                }
                dom::sleep(LEASE_EVERY_MS / 3).await;
            }
            if self.turn.get_value() != turn {
                return;
            }
        }
    }

    pub fn outbox_is_empty(self) -> bool {
        self.with(|model| model.outbox.is_empty()).unwrap_or(true)
    }

    pub fn leave(self) {
        self.part();
        self.turn.update_value(|turn| *turn += 1);
        self.model.set_value(None);
        self.note.set_value(None);
        self.opened.set(Opened::Nothing);
    }

    /// Gives the lease of the open entry back and sends on what waits there.
    fn part(self) {
        let Some(entry) = self.entry_id() else { return };
        let waits = !self.outbox_is_empty();
        self.keep_outbox();
        leptos::task::spawn_local(async move {
            if waits {
                self.flush(entry.clone()).await;
            }
            let _ = http::tell(Method::DELETE, &entry_path(path::LEASE, &entry), None::<&()>).await;
        });
    }

    /// Sends what this person left unsent on an entry that is not open. True if nothing is left.
    pub async fn flush(self, entry: String) -> bool {
        let Some(user) = self.app.user() else { return false };
        let key = outbox_key(user.as_str(), &entry, &self.tab());
        let mut outbox = self.adopt(&entry).await;
        if !outbox.is_empty()
            && let Ok(view) = http::get::<EntryView>(&entry_path(path::ENTRY, &entry)).await
        {
            let mut model = Model::new(view.clone(), outbox, user);
            let _ = model.rebase(view, dom::new_key);
            let mut revision = model.view.revision;
            while let Some(request) = model.outbox.next(revision) {
                storage::set_json(&key, &model.outbox);
                match http::post::<Decided>(&entry_path(path::DECISIONS, &entry), &request).await {
                    Ok(decided) => {
                        revision = decided.revision;
                        model.delivered(decided);
                    }
                    Err(_) => break,
                }
            }
            outbox = model.outbox;
        }
        if outbox.is_empty() {
            storage::remove(&key);
        }
        outbox.is_empty()
    }

    fn awaits_suggestions(self) -> bool {
        self.head.with_untracked(|head| {
            head.as_ref().is_some_and(|head| {
                matches!(head.suggesting, SuggestingState::Queued | SuggestingState::Running)
            })
        })
    }

    async fn await_suggestions(self, turn: u32) {
        while self.turn.get_value() == turn && self.awaits_suggestions() {
            dom::sleep(SUGGESTIONS_EVERY_MS).await;
            if self.turn.get_value() == turn && self.outbox_is_empty() {
                self.look_again(turn).await;
            }
        }
    }

    fn learn_titles(self, view: &EntryView) {
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
    fn fetch_titles(self, turn: u32) {
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

fn changed_by_others(model: &Model, view: &EntryView) -> String {
    let news: Vec<_> = view.decisions.iter().filter(|d| d.revision > model.view.revision).collect();
    match news.last() {
        Some(last) => format!("{} decided {} here in the meantime.", last.user, news.len()),
        None if view.suggestions.is_some() && model.view.suggestions.is_none() => {
            "Suggestions are here.".to_owned()
        }
        None => String::new(),
    }
}
