//! Finding a code: words or a code in the box, arrows in the list, what the code says beside it.

use std::time::Duration;

use leptos::prelude::*;
use overread_api::code::{CodeHit, CodeHits, CodeQuery, CodeView};
use overread_api::path::{self, fill};
use web_sys::KeyboardEvent;

use super::state::Review;
use crate::logic::codes::{Answered, billable_first, children, note_label, step};
use crate::logic::filters::query_of;
use crate::logic::format::brief;
use crate::web::{dom, http};

/// How long typing must rest before a search goes out, milliseconds.
const REST_MS: u64 = 60;
const DETAIL_REST_MS: u64 = 90;

/// Looks codes up as the query changes; answers that come late are left out.
#[derive(Clone, Copy)]
pub struct CodeFinder {
    pub query: RwSignal<String>,
    pub hits: RwSignal<Vec<CodeHit>>,
    pub at: RwSignal<usize>,
    pub detail: RwSignal<Option<CodeView>>,
    pub state: RwSignal<Option<String>>,
    answered: StoredValue<Answered>,
    /// Takes a code that Enter asked for before it was there.
    taker: StoredValue<Option<Callback<(CodeHit, bool)>>>,
    turn: StoredValue<u32>,
    system: StoredValue<String>,
}

impl CodeFinder {
    pub fn new(system: String, query: String) -> Self {
        let finder = Self {
            query: RwSignal::new(query),
            hits: RwSignal::new(Vec::new()),
            at: RwSignal::new(0),
            detail: RwSignal::new(None),
            state: RwSignal::new(None),
            answered: StoredValue::new(Answered::default()),
            taker: StoredValue::new(None),
            turn: StoredValue::new(0),
            system: StoredValue::new(system),
        };
        finder.search(0);
        finder
    }

    pub fn search(self, rest: u64) {
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        set_timeout(
            move || {
                if self.turn.try_get_value() == Some(turn) {
                    leptos::task::spawn_local(self.look_up(turn));
                }
            },
            Duration::from_millis(rest),
        );
    }

    async fn look_up(self, turn: u32) {
        let Some(words) = self.query.try_get_untracked() else { return };
        let q = brief(&words, 200);
        if q.is_empty() {
            self.put(turn, Vec::new(), None);
            self.settle(turn, &words);
            return;
        }
        let request =
            CodeQuery { q, system: self.system.try_get_value(), limit: Some(30), ..CodeQuery::default() };
        match http::get::<CodeHits>(&format!("{}{}", path::CODES, query_of(&request))).await {
            Ok(found) => {
                let state = found.hits.is_empty().then(|| "No code found. Fewer or other words?".to_owned());
                self.put(turn, billable_first(found.hits), state);
                self.settle(turn, &words);
            }
            Err(failure) => {
                if self.turn.try_get_value() == Some(turn) {
                    self.answered.try_update_value(Answered::fail);
                }
                self.put(turn, Vec::new(), Some(failure.message()));
            }
        }
    }

    /// The list answers these words now: what Enter asked for meanwhile is taken.
    fn settle(self, turn: u32, words: &str) {
        if self.turn.try_get_value() != Some(turn) {
            return;
        }
        let wanted = self.answered.try_update_value(|answered| answered.answer(words)).flatten();
        if let Some(anyway) = wanted
            && let Some(hit) = self.highlighted()
            && let Some(taker) = self.taker.try_get_value().flatten()
        {
            taker.run((hit, anyway));
        }
    }

    /// Enter in the box: takes what is highlighted, or what the words just typed bring up, once they do.
    fn enter(self, anyway: bool) {
        let words = self.query.get_untracked();
        let answers =
            self.answered.try_update_value(|answered| answered.enter(&words, anyway)).unwrap_or_default();
        if !answers {
            self.state.set(Some("Looking …".to_owned()));
            self.search(0);
        } else if let Some(hit) = self.highlighted()
            && let Some(taker) = self.taker.get_value()
        {
            taker.run((hit, anyway));
        }
    }

    fn put(self, turn: u32, hits: Vec<CodeHit>, state: Option<String>) {
        if self.turn.try_get_value() != Some(turn) {
            return;
        }
        self.at.try_set(0);
        self.hits.try_set(hits);
        self.state.try_set(state);
        self.look_closer();
    }

    /// Fetches what the highlighted code says.
    fn look_closer(self) {
        let Some(hit) = self.highlighted() else {
            self.detail.try_set(None);
            return;
        };
        set_timeout(
            move || {
                let here = move || self.highlighted().map(|now| now.code);
                if here().as_ref() != Some(&hit.code) {
                    return;
                }
                leptos::task::spawn_local(async move {
                    let path = fill(path::CODE, &[&hit.system, &hit.code]);
                    if let Ok(view) = http::get::<CodeView>(&path).await
                        && here().as_ref() == Some(&hit.code)
                    {
                        self.detail.try_set(Some(view));
                    }
                });
            },
            Duration::from_millis(DETAIL_REST_MS),
        );
    }

    pub fn highlighted(self) -> Option<CodeHit> {
        let at = self.at.try_get_untracked()?;
        self.hits.try_with_untracked(|hits| hits.get(at).cloned()).flatten()
    }

    pub fn step(self, by: isize) {
        self.answered.update_value(Answered::forget);
        let len = self.hits.with_untracked(Vec::len);
        self.at.update(|at| *at = step(*at, by, len));
        dom::scroll_near(&format!("code-hit-{}", self.at.get_untracked()));
        self.look_closer();
    }

    /// Lists the codes under one that cannot be billed.
    fn open(self, hit: CodeHit) {
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        leptos::task::spawn_local(async move {
            let path = fill(path::CODE, &[&hit.system, &hit.code]);
            match http::get::<CodeView>(&path).await {
                Ok(view) => {
                    let state =
                        view.children.is_empty().then(|| format!("{} has nothing under it.", hit.code));
                    self.put(turn, children(&view), state);
                }
                Err(failure) => {
                    self.state.try_set(Some(failure.message()));
                }
            }
        });
    }
}

/// The box and the list. `picked` gets the code that was chosen.
#[component]
pub fn CodeBox(finder: CodeFinder, picked: Callback<CodeHit>) -> impl IntoView {
    let review = expect_context::<Review>();
    let take = move |hit: CodeHit, anyway: bool| {
        if hit.billable || anyway {
            review.learn_title(&hit.code, &hit.title);
            picked.run(hit);
        } else {
            finder.open(hit);
        }
    };
    finder.taker.set_value(Some(Callback::new(move |(hit, anyway)| take(hit, anyway))));
    let key = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "ArrowDown" => finder.step(1),
            "ArrowUp" => finder.step(-1),
            "PageDown" => finder.step(8),
            "PageUp" => finder.step(-8),
            "Enter" if !event.ctrl_key() && !event.is_composing() => {
                if !event.repeat() {
                    finder.enter(event.shift_key());
                }
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    view! {
        <input
            id="code-search"
            type="text"
            role="combobox"
            aria-label="Code or words"
            aria-expanded="true"
            aria-controls="code-hits"
            aria-activedescendant=move || format!("code-hit-{}", finder.at.get())
            autocomplete="off"
            spellcheck="false"
            placeholder="Code, or words in any order"
            prop:value=finder.query
            on:input=move |event| {
                finder.query.set(event_target_value(&event));
                finder.answered.update_value(Answered::forget);
                finder.search(REST_MS);
            }
            on:keydown=key
        />
        <ul id="code-hits" class="hits" role="listbox" aria-label="Codes">
            {move || {
                finder
                    .hits
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(nth, hit)| {
                        let chosen = hit.clone();
                        view! {
                            <li
                                id=format!("code-hit-{nth}")
                                role="option"
                                data-code=hit.code.clone()
                                class:category=!hit.billable
                                aria-selected=move || (finder.at.get() == nth).to_string()
                                on:click=move |event| {
                                    finder.at.set(nth);
                                    take(chosen.clone(), event.shift_key());
                                }
                            >
                                <b>{hit.code.clone()}</b>
                                <span class="title">
                                    {hit.title}
                                    {hit.matched.map(|matched| view! { <q class="faint">{matched}</q> })}
                                </span>
                                {(!hit.billable).then(|| view! { <span class="tag">"not billable ▸"</span> })}
                            </li>
                        }
                    })
                    .collect_view()
            }}
        </ul>
        <p class="faint hint" role="status">
            {move || match finder.state.get() {
                Some(state) => state.into_any(),
                None => {
                    view! {
                        <kbd>"↑"</kbd>
                        <kbd>"↓"</kbd>
                        " "
                        <kbd>"Enter"</kbd>
                        " takes it, or opens what is not billable · "
                        <kbd>"Shift Enter"</kbd>
                        " takes it anyway"
                    }
                        .into_any()
                }
            }}
        </p>
    }
}

/// Hierarchy and notes of the highlighted code.
#[component]
pub fn CodeDetail(finder: CodeFinder) -> impl IntoView {
    move || {
        finder.detail.get().map(|view| {
            let parents = view
                .ancestors
                .iter()
                .map(|link| view! { <li><b>{link.code.clone()}</b> " " {link.title.clone()}</li> })
                .collect_view();
            let notes = view
                .notes
                .iter()
                .map(|note| {
                    let from = note.inherited_from.clone().map(|from| format!(" ({from})"));
                    view! {
                        <li>
                            <b>{note_label(note.kind)} {from}</b>
                            " "
                            {note.text.clone()}
                        </li>
                    }
                })
                .collect_view();
            view! {
                <div class="code-detail" role="region" tabindex="0" data-scrolls="" aria-label="What the highlighted code says">
                    <ul class="ancestors">{parents}</ul>
                    <p>
                        <b>{view.code.clone()}</b>
                        " "
                        {view.title.clone()}
                        {(!view.billable).then(|| view! { <span class="tag">"not billable"</span> })}
                    </p>
                    {(!view.inclusion_terms.is_empty())
                        .then(|| view! { <p class="faint">"Also: " {view.inclusion_terms.join("; ")}</p> })}
                    <ul class="code-notes">{notes}</ul>
                </div>
            }
        })
    }
}

/// The search in place of the card: picks a code for a row.
#[component]
pub fn CodePanel(item: overread_domain::ItemId, query: String) -> impl IntoView {
    let review = expect_context::<Review>();
    let system = review
        .item_of(&item)
        .and_then(|item| review.field(&item.content.field))
        .and_then(|field| field.code_system)
        .unwrap_or_default();
    let words = brief(&query, 60);
    let finder = CodeFinder::new(system, query);
    dom::focus_soon("code-search");
    let picked = Callback::new(move |hit: CodeHit| {
        review.take_code(&item, &hit.system, &hit.code);
    });
    view! {
        <section class="card tall" aria-labelledby="code-title">
            <header>
                <h2 id="code-title">"Code for " <q>{words}</q></h2>
                <span class="grow"></span>
                <super::choosers::Cancel />
            </header>
            <CodeBox finder=finder picked=picked />
            <CodeDetail finder=finder />
        </section>
    }
}
