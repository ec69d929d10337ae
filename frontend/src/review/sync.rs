//! Sending decisions in order, meeting what others did, holding the lease.

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::ErrorCode;
use overread_api::entry::{Decided, EntryView, LeaseView};
use overread_api::path::{self, fill};
use overread_domain::{Action, EntryStatus};

use super::state::{Net, Opened, Review};
use crate::logic::effort::{Meter, renewal_due};
use crate::logic::outbox::backoff;
use crate::logic::review::{Dropped, Review as Model};
use crate::logic::settled::Settled;
use crate::web::dom;
use crate::web::http::{self, Failure};

/// How often a tab says that it lives, milliseconds.
const ALIVE_EVERY_MS: i64 = 10_000;
/// How soon it is noticed that somebody is back.
const LOOK_EVERY_MS: u32 = 2_000;

pub(super) fn entry_path(path: &str, entry: &str) -> String {
    fill(path, &[entry])
}

impl Review {
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

    pub(super) async fn drain(self, turn: u32) {
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
                    let _ = self.with_mut(|model| model.delivered(&request.idempotency_key, decided));
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
                        ErrorCode::NotSignedIn
                        | ErrorCode::SessionLocked
                        | ErrorCode::SecondFactorRequired
                        | ErrorCode::SecondFactorSetupRequired
                        | ErrorCode::PasswordChangeRequired => {
                            self.net.set(Net::SignedOut);
                            return;
                        }
                        ErrorCode::Leased => {
                            self.net.set(Net::Held);
                            self.fetch_again(turn).await;
                            return;
                        }
                        ErrorCode::StaleRevision | ErrorCode::KeyReused | ErrorCode::WrongState => {
                            if !self.fetch_again(turn).await {
                                return;
                            }
                        }
                        _ => self.take_back(&request.idempotency_key, &body),
                    }
                }
                Err(Failure::Away) => return,
            }
        }
    }

    /// Waits, but no longer than until somebody asks for a try.
    pub(super) async fn pause(self, ms: u32, turn: u32) {
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
    pub(super) fn take_back(self, key: &str, body: &overread_api::ErrorBody) {
        let refused = self.with_mut(|model| model.outbox.refused(key)).flatten();
        self.keep_outbox();
        self.refresh();
        let place = refused
            .as_ref()
            .and_then(|pending| pending.actions.iter().find_map(crate::logic::review::touched))
            .or_else(|| body.undecided.first().cloned().map(crate::logic::rows::RowKey::Item))
            .or_else(|| body.required.first().cloned().map(crate::logic::rows::RowKey::Field));
        let place = place.or_else(|| body.findings.first().and_then(crate::logic::checks::place));
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
            message += " Expected “";
            message += &quotes.expected;
            message += "”, the note has “";
            message += &quotes.found;
            message += "”.";
        }
        self.complain(message);
        if !body.findings.is_empty() {
            // What keeps the entry open, at the first of it.
            let _ = self.with_mut(|model| model.told(&body.findings));
            self.refresh();
            self.open_checks();
        }
    }

    /// Looks for news, but never while decisions are on their way: what waits would get new keys under the answer.
    pub(super) async fn look_again(self, turn: u32) -> bool {
        !self.pumping.get_value() && self.fetch_and_rebase(turn, || self.pumping.get_value()).await
    }

    /// The same between two requests of those that are on their way.
    async fn fetch_again(self, turn: u32) -> bool {
        self.fetch_and_rebase(turn, || false).await
    }

    /// Fetches the entry anew and puts what waits on top of it. False if that failed, or `late` says that it must not
    /// be any more.
    async fn fetch_and_rebase(self, turn: u32, late: impl Fn() -> bool) -> bool {
        let Some(entry) = self.entry_id() else { return false };
        let fetched = http::get::<EntryView>(&entry_path(path::ENTRY, &entry)).await;
        if self.turn.get_value() != turn || late() {
            return false;
        }
        match fetched {
            Ok(view) if self.with(|model| view.revision < model.view.revision).unwrap_or(true) => {
                // Asked before the last decision arrived: older than what the page knows.
                dom::sleep(backoff(3)).await;
                self.turn.get_value() == turn
            }
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
                self.tell_settled(&Settled { sent: 0, dropped }, false);
                if self.outbox_is_empty() {
                    self.net.set(Net::Idle);
                }
                true
            }
            Err(failure)
                if matches!(failure.code(), Some(ErrorCode::NotSignedIn | ErrorCode::SessionLocked)) =>
            {
                self.net.set(Net::SignedOut);
                false
            }
            Err(failure) => {
                self.net.set(Net::Away(failure.message()));
                dom::sleep(backoff(3)).await;
                failure.is_passing() && self.turn.get_value() == turn
            }
        }
    }

    /// Says what became of decisions left unsent, and that what was typed is back.
    pub(super) fn tell_settled(self, settled: &Settled, restored: bool) {
        let label = |dropped: &Dropped| {
            let name = dropped.action.name().replace('_', " ");
            match crate::logic::review::touched(&dropped.action) {
                Some(key) => self
                    .projection
                    .with_untracked(|p| {
                        p.as_ref().and_then(|p| p.row(&key).map(|row| row.field_label.clone()))
                    })
                    .unwrap_or(name),
                None => name,
            }
        };
        match settled.told(restored, label) {
            Some(text) if settled.dropped.is_empty() => self.say(text),
            Some(text) => self.complain(text),
            None => {}
        }
    }

    /// Takes the lease and renews it as long as the entry is open and somebody is there; tells other tabs that this one
    /// lives.
    pub(super) async fn hold(self, entry: String, turn: u32) {
        let (mut renewed, mut kept) = (None, 0);
        while self.turn.get_value() == turn {
            let now = dom::now();
            if renewal_due(renewed, self.meter.with_value(Meter::last_active), now) {
                renewed = Some(now);
                self.renew(&entry, turn).await;
            }
            if self.turn.get_value() == turn
                && (now - kept).abs() >= ALIVE_EVERY_MS
                && !self.outbox_is_empty()
            {
                kept = now;
                self.keep_outbox();
            }
            dom::sleep(LOOK_EVERY_MS).await;
        }
    }

    pub(super) async fn renew(self, entry: &str, turn: u32) {
        let finished =
            self.projection.with_untracked(|p| p.as_ref().is_some_and(|p| p.status == EntryStatus::Finished));
        if finished || untrack(|| self.may_not(false)).is_some() {
            return;
        }
        let answer = http::by_itself::<LeaseView>(Method::POST, &entry_path(path::LEASE, entry)).await;
        if self.turn.get_value() != turn {
            return;
        }
        let waits = self.holder.with_untracked(Option::is_some) || self.net.get_untracked() == Net::Held;
        match answer {
            Ok(_) if waits && !self.pumping.get_value() => {
                self.net.set(Net::Idle);
                if self.look_again(turn).await {
                    self.pump();
                }
            }
            Err(failure) if !waits && failure.code() == Some(ErrorCode::Leased) => {
                self.look_again(turn).await;
            }
            _ => {}
        }
    }

    pub fn outbox_is_empty(self) -> bool {
        self.with(|model| model.outbox.is_empty()).unwrap_or(true)
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
