//! The queue, or for who does not read entries the page that they are here for.

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};
use leptos_router::{NavigateOptions, components::Redirect};
use overread_api::Page;
use overread_api::entry::{EntryRow, NextView, ProgressView};
use overread_api::path;
use overread_domain::{EntryStatus, Permission};

use super::queue_table::{Filter, Progress, Table};
use crate::logic::filters::{Filters, query_of};
use crate::logic::keymap::{Command, Scope};
use crate::review::Review;
use crate::shell::{App, PageKeys, go};
use crate::web::{dom, http};

const PAGE: u32 = 50;
const WATCH_MS: u64 = 2_500;

#[component]
pub fn Home() -> impl IntoView {
    let app = expect_context::<App>();
    if app.may(Permission::ReadEntries) {
        view! { <Queue /> }.into_any()
    } else {
        view! { <Redirect path="/system" /> }.into_any()
    }
}

/// What the queue shows.
#[derive(Clone, Copy)]
pub struct List {
    pub filters: Memo<Filters>,
    pub rows: RwSignal<Vec<EntryRow>>,
    pub next: RwSignal<Option<String>>,
    pub progress: RwSignal<Option<ProgressView>>,
    pub current: RwSignal<usize>,
    pub loaded: RwSignal<bool>,
    pub failed: RwSignal<Option<String>>,
    pub now: RwSignal<i64>,
    turn: StoredValue<u32>,
}

impl List {
    /// Fetches the list from its head; as much of it as is shown.
    pub async fn load(self, fresh: bool) {
        let Some(turn) = self.turn.try_update_value(|turn| {
            *turn += 1;
            *turn
        }) else {
            return;
        };
        let shown = if fresh { 0 } else { self.rows.with_untracked(Vec::len) as u32 };
        let filters = self.filters.get_untracked();
        let request = filters.request(None, shown.clamp(PAGE, 200));
        let answer = http::poll::<Page<EntryRow>>(&format!("{}{}", path::ENTRIES, query_of(&request))).await;
        if self.turn.try_get_value() != Some(turn) {
            return;
        }
        match answer {
            Ok(page) => {
                self.now.set(dom::now());
                let reached = page.items.len();
                // Rows beyond what one request may bring stay as they were.
                self.rows.update(|rows| {
                    if fresh || rows.len() <= reached {
                        *rows = page.items;
                        self.next.set(page.next);
                    } else {
                        let rest = rows.split_off(reached);
                        *rows = page.items;
                        rows.extend(rest.into_iter().filter(|row| row.created_at.0 >= 0));
                    }
                });
                let last = self.rows.with_untracked(Vec::len).saturating_sub(1);
                self.current.update(|at| *at = if fresh { 0 } else { (*at).min(last) });
                self.failed.set(None);
            }
            Err(failure) => self.failed.set(Some(failure.message())),
        }
        self.loaded.set(true);
    }

    pub async fn more(self) {
        let Some(after) = self.next.get_untracked() else { return };
        let request = self.filters.get_untracked().request(Some(after.clone()), PAGE);
        let answer = http::get::<Page<EntryRow>>(&format!("{}{}", path::ENTRIES, query_of(&request))).await;
        match answer {
            Ok(page) if self.next.try_get_untracked().flatten() == Some(after) => {
                self.rows.update(|rows| rows.extend(page.items));
                self.next.set(page.next);
            }
            Ok(_) => {}
            Err(failure) => {
                self.failed.try_set(Some(failure.message()));
            }
        }
    }

    async fn measure(self) {
        if let Ok(progress) = http::poll::<ProgressView>(path::PROGRESS).await {
            self.progress.try_set(Some(progress));
        }
    }

    fn step(self, by: isize) {
        let last = self.rows.with_untracked(Vec::len).saturating_sub(1);
        self.current.update(|at| *at = at.saturating_add_signed(by).min(last));
        dom::scroll_near(&format!("entry-{}", self.current.get_untracked()));
    }

    fn open(self) {
        let at = self.current.get_untracked();
        if let Some(id) = self.rows.with_untracked(|rows| rows.get(at).map(|row| row.id.to_string())) {
            go(&format!("/entries/{}", path::encode(&id)));
        }
    }
}

#[component]
fn Queue() -> impl IntoView {
    let app = expect_context::<App>();
    let review = expect_context::<Review>();
    let query = use_query_map();
    let filters = Memo::new(move |_| query.with(|query| Filters::read(|name| query.get(name))));
    let list = List {
        filters,
        rows: RwSignal::new(Vec::new()),
        next: RwSignal::new(None),
        progress: RwSignal::new(None),
        current: RwSignal::new(0),
        loaded: RwSignal::new(false),
        failed: RwSignal::new(None),
        now: RwSignal::new(dom::now()),
        turn: StoredValue::new(0),
    };
    Effect::new(move |_| {
        filters.track();
        leptos::task::spawn_local(list.load(true));
    });
    leptos::task::spawn_local(list.measure());
    leptos::task::spawn_local(send_left_over(app, review));
    // A new session shows what the old one could not fetch.
    Effect::new(move |before: Option<bool>| {
        let expired = app.expired.get();
        if before == Some(true) && !expired {
            leptos::task::spawn_local(list.measure());
            leptos::task::spawn_local(list.load(false));
        }
        expired
    });
    // While the model reads, the list follows it.
    if let Ok(watch) = set_interval_with_handle(
        move || {
            let busy = list.progress.with_untracked(|p| p.as_ref().is_none_or(|p| p.suggesting > 0));
            if busy && !document().hidden() {
                leptos::task::spawn_local(list.measure());
                leptos::task::spawn_local(list.load(false));
            }
        },
        Duration::from_millis(WATCH_MS),
    ) {
        on_cleanup(move || watch.clear());
    }
    let navigate = use_navigate();
    let change = Callback::new(move |filters: Filters| {
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&filters.address(), options);
    });
    app.page_keys(PageKeys {
        scope: Scope::Queue,
        first: Callback::new(|_| false),
        command: Callback::new(move |(command, _)| match command {
            Command::RowDown => list.step(1),
            Command::RowUp => list.step(-1),
            Command::Open => list.open(),
            Command::OpenNext => leptos::task::spawn_local(next(app, filters.get_untracked())),
            Command::Filter => dom::focus("queue-text"),
            Command::Refresh => {
                leptos::task::spawn_local(list.measure());
                leptos::task::spawn_local(list.load(false));
            }
            _ => {}
        }),
    });
    view! {
        <main id="main" class="page">
            <Progress list=list />
            <Filter list=list change=change />
            <p class="bad" role="alert">{move || list.failed.get()}</p>
            <Table list=list />
        </main>
    }
}

/// Opens the next entry that waits for somebody.
pub async fn next(app: App, filters: Filters) {
    let wanted = filters.status.filter(|status| *status != EntryStatus::Finished);
    let query = overread_api::entry::NextQuery { status: wanted, ..filters.next(None) };
    match http::get::<NextView>(&format!("{}{}", path::NEXT_ENTRY, query_of(&query))).await {
        Ok(NextView { entry: Some(entry) }) => go(&format!("/entries/{}", path::encode(entry.as_str()))),
        Ok(NextView { entry: None }) => app.tell("Nothing is left to review here."),
        Err(failure) => app.warn(failure.message()),
    }
}

/// Sends what was left unsent on entries that are not open any more.
async fn send_left_over(app: App, review: Review) {
    use crate::logic::drafts::parse_outbox_key;
    use crate::logic::settled::told_of_all;
    let Some(user) = app.user() else { return };
    let keys = crate::web::storage::keys();
    let entries: std::collections::BTreeSet<String> = keys
        .iter()
        .filter_map(|key| parse_outbox_key(key))
        .filter(|(owner, _)| *owner == user.as_str())
        .map(|(_, entry)| entry.to_owned())
        .collect();
    let mut all = Vec::new();
    for entry in entries {
        all.push(review.flush(entry).await);
    }
    let lost = all.iter().any(|settled| !settled.dropped.is_empty());
    match told_of_all(&all) {
        Some(text) if lost => app.warn(text),
        Some(text) => app.tell(text),
        None => {}
    }
}
