//! Finding a code: words or a code in the box, arrows in the list, what the code says beside it.

use std::time::Duration;

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::code::{
    CodeHit, CodeHits, CodeQuery, CodeView, EditionQuery, MyCodes, QuestionQuery, QuestionView,
};
use overread_api::path::{self, fill};
use web_sys::KeyboardEvent;

use super::code_detail::CodeDetail;
use super::state::Review;
use crate::logic::codes::{Answered, answers, billable_first, question, step, system_label};
use crate::logic::filters::query_of;
use crate::logic::format::brief;
use crate::web::{dom, http};

/// How long typing must rest before a search goes out, milliseconds.
const REST_MS: u64 = 60;
const DETAIL_REST_MS: u64 = 90;

/// A list, the place in it, and what was said of it.
type Shown = (Vec<CodeHit>, usize, Option<String>);

/// Looks codes up as the query changes; answers that come late are left out.
#[derive(Clone, Copy, Debug)]
pub struct CodeFinder {
    pub query: RwSignal<String>,
    pub hits: RwSignal<Vec<CodeHit>>,
    pub at: RwSignal<usize>,
    pub detail: RwSignal<Option<CodeView>>,
    pub state: RwSignal<Option<String>>,
    /// The list answers a question: what tells the codes apart stands first.
    pub asking: RwSignal<bool>,
    answered: StoredValue<Answered>,
    /// Takes a code that Enter asked for before it was there.
    taker: StoredValue<Option<Callback<(CodeHit, bool)>>>,
    turn: StoredValue<u32>,
    system: StoredValue<String>,
    /// Lists that questions were answered from, with the place in each and what was said of it.
    back: StoredValue<Vec<Shown>>,
    /// What is known beside the words in the box: the sentence that they stand in.
    known: StoredValue<String>,
    /// The day whose editions are asked; today where there is none.
    on: StoredValue<Option<String>>,
    /// Only codes that can be billed.
    pub complete: RwSignal<bool>,
    /// Only what stands under this, with its title.
    pub under: RwSignal<Option<(String, String)>>,
    pub mine: RwSignal<MyCodes>,
}

impl CodeFinder {
    pub fn new(system: String, query: String) -> Self {
        let finder = Self {
            query: RwSignal::new(query),
            hits: RwSignal::new(Vec::new()),
            at: RwSignal::new(0),
            detail: RwSignal::new(None),
            state: RwSignal::new(None),
            asking: RwSignal::new(false),
            answered: StoredValue::new(Answered::default()),
            taker: StoredValue::new(None),
            turn: StoredValue::new(0),
            system: StoredValue::new(system),
            back: StoredValue::new(Vec::new()),
            known: StoredValue::new(String::new()),
            on: StoredValue::new(None),
            complete: RwSignal::new(false),
            under: RwSignal::new(None),
            mine: RwSignal::new(MyCodes::default()),
        };
        finder.fetch_mine();
        finder.search(0);
        finder
    }

    /// Words around the phrase: what they say need not be asked.
    #[must_use]
    pub fn knowing(self, words: String) -> Self {
        self.known.set_value(words);
        self
    }

    /// The day whose editions are asked.
    #[must_use]
    pub fn on_day(self, day: Option<String>) -> Self {
        self.on.set_value(day);
        self
    }

    pub fn day(self) -> Option<String> {
        self.on.try_get_value().flatten()
    }

    pub fn system(self) -> String {
        self.system.try_get_value().unwrap_or_default()
    }

    pub fn set_system(self, system: String) {
        self.system.set_value(system);
        self.under.set(None);
        self.search(0);
    }

    pub fn toggle_complete(self) {
        self.complete.update(|only| *only = !*only);
        self.search(0);
    }

    /// Looks only into the chapter of the highlighted code, or everywhere again.
    pub fn toggle_chapter(self) {
        let chapter = self.detail.with_untracked(|detail| {
            let first = detail.as_ref()?.ancestors.first()?;
            Some((first.code.clone(), first.title.clone()))
        });
        let wanted = self.under.with_untracked(Option::is_none).then_some(chapter).flatten();
        self.look_under(wanted);
    }

    pub fn look_under(self, under: Option<(String, String)>) {
        self.under.set(under);
        self.search(0);
    }

    fn fetch_mine(self) {
        leptos::task::spawn_local(async move {
            if let Ok(mine) = http::get::<MyCodes>(path::MY_CODES).await {
                self.mine.try_set(mine);
                if self.query.try_with_untracked(String::is_empty) == Some(true) {
                    self.search(0);
                }
            }
        });
    }

    /// Favourites, then what was used last, of this system.
    fn at_hand(self) -> Vec<CodeHit> {
        let system = self.system.try_get_value().unwrap_or_default();
        let mut hits: Vec<CodeHit> = Vec::new();
        self.mine.with_untracked(|mine| {
            for (hit, why) in mine
                .favourites
                .iter()
                .map(|hit| (hit, "kept at hand"))
                .chain(mine.recent.iter().map(|hit| (hit, "used lately")))
            {
                if hit.system == system && !hits.iter().any(|known| known.code == hit.code) {
                    hits.push(CodeHit { matched: Some(why.to_owned()), ..hit.clone() });
                }
            }
        });
        hits
    }

    /// Keeps the highlighted code at hand, or no longer.
    pub fn toggle_favourite(self) {
        let Some(hit) = self.highlighted() else { return };
        let kept = self.is_favourite(&hit.code);
        let method = if kept { Method::DELETE } else { Method::PUT };
        leptos::task::spawn_local(async move {
            let path = fill(path::MY_CODE, &[&hit.system, &hit.code]);
            match http::tell(method, &path, Some(&serde_json::json!({}))).await {
                Ok(()) => {
                    self.mine.try_update(|mine| {
                        mine.favourites.retain(|known| known.code != hit.code);
                        if !kept {
                            mine.favourites.insert(0, hit.clone());
                        }
                    });
                }
                Err(failure) => drop(self.state.try_set(Some(failure.message()))),
            }
        });
    }

    pub fn is_favourite(self, code: &str) -> bool {
        self.mine.with(|mine| mine.favourites.iter().any(|hit| hit.code == code))
    }

    pub fn search(self, rest: u64) {
        self.back.update_value(Vec::clear);
        self.asking.set(false);
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
            self.put(turn, self.at_hand(), None);
            self.settle(turn, &words);
            return;
        }
        let request = CodeQuery {
            q,
            system: self.system.try_get_value(),
            limit: Some(30),
            billable: self.complete.try_get_untracked().filter(|only| *only),
            under: self.under.try_get_untracked().flatten().map(|(code, _)| code),
            on: self.on.try_get_value().flatten(),
            semantic: None,
        };
        match http::post::<CodeHits>(path::CODES, &request).await {
            Ok(found) => {
                let state = found.hits.is_empty().then(|| "No code found. Fewer or other words?".to_owned());
                self.put(turn, billable_first(found.hits, &words), state);
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
                    let query = query_of(&EditionQuery { on: self.on.try_get_value().flatten() });
                    if let Ok(view) = http::get::<CodeView>(&format!("{path}{query}")).await
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

    /// Asks what is missing of a code that cannot be billed; what the words answer is not asked.
    pub fn open(self, hit: CodeHit) {
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        leptos::task::spawn_local(async move {
            let words = self.query.get_untracked();
            let said = brief(&format!("{words} {}", self.known.get_value()), 200);
            let path = fill(path::QUESTIONS, &[&hit.system, &hit.code]);
            let query = QuestionQuery { said: Some(said), on: self.on.get_value() };
            match http::post::<QuestionView>(&path, &query).await {
                Ok(view) => {
                    let before =
                        (self.hits.get_untracked(), self.at.get_untracked(), self.state.get_untracked());
                    self.back.update_value(|back| back.push(before));
                    self.asking.set(true);
                    self.put(turn, answers(&view), Some(question(&view)));
                    // The list answers what is in the box: Enter takes from it.
                    self.settle(turn, &words);
                }
                Err(failure) => {
                    self.state.try_set(Some(failure.message()));
                }
            }
        });
    }
}

impl CodeFinder {
    /// Back to the list before the last answer.
    pub fn go_back(self) {
        let Some((hits, at, state)) = self.back.try_update_value(Vec::pop).flatten() else { return };
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        self.asking.set(self.back.with_value(|back| !back.is_empty()));
        self.put(turn, hits, state);
        self.at.set(at);
        self.look_closer();
    }

    /// Looks a code up by its name.
    pub fn go_to(self, code: &str) {
        self.query.set(code.to_owned());
        self.search(0);
        dom::focus("code-search");
    }
}

/// The box and the list. `picked` gets the code that was chosen.
#[component]
pub fn CodeBox(finder: CodeFinder, picked: Callback<CodeHit>) -> impl IntoView {
    let take = move |hit: CodeHit, anyway: bool| {
        if hit.billable || anyway {
            picked.run(hit);
        } else {
            finder.open(hit);
        }
    };
    finder.taker.set_value(Some(Callback::new(move |(hit, anyway)| take(hit, anyway))));
    let key = move |event: KeyboardEvent| {
        let with_alt = dom::with_alt(&event);
        match event.key().as_str() {
            "ArrowDown" => finder.step(1),
            "ArrowUp" => finder.step(-1),
            "PageDown" => finder.step(8),
            "PageUp" => finder.step(-8),
            "ArrowRight" if event.alt_key() => {
                if let Some(hit) = finder.highlighted() {
                    finder.open(hit);
                }
            }
            "ArrowLeft" if event.alt_key() => finder.go_back(),
            _ if with_alt == Some('c') => finder.toggle_chapter(),
            _ if with_alt == Some('b') => finder.toggle_complete(),
            "b" | "B" if event.ctrl_key() || event.meta_key() => finder.toggle_favourite(),
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
            aria-activedescendant=move || {
                (!finder.hits.with(Vec::is_empty)).then(|| format!("code-hit-{}", finder.at.get()))
            }
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
        <div class="row filters" role="group" aria-label="Narrow the list">
            <button
                class="small quiet"
                data-filter="billable"
                aria-pressed=move || finder.complete.get().to_string()
                on:click=move |_| finder.toggle_complete()
            >
                <kbd>"Alt b"</kbd>
                " billable only"
            </button>
            {move || match finder.under.get() {
                Some((code, title)) => view! {
                    <button
                        class="small quiet"
                        data-filter="under"
                        data-under=code.clone()
                        aria-pressed="true"
                        title="Look everywhere again"
                        on:click=move |_| finder.look_under(None)
                    >
                        <kbd>"Alt c"</kbd>
                        " only under "
                        {brief(&title, 36)}
                        " ✕"
                    </button>
                }
                .into_any(),
                None => view! {
                    <button
                        class="small quiet"
                        data-filter="under"
                        aria-pressed="false"
                        disabled=move || finder.detail.with(|d| d.as_ref().is_none_or(|d| d.ancestors.is_empty()))
                        on:click=move |_| finder.toggle_chapter()
                    >
                        <kbd>"Alt c"</kbd>
                        " this chapter only"
                    </button>
                }
                .into_any(),
            }}
        </div>
        <ul id="code-hits" class="hits" role="listbox" aria-label="Codes">
            {move || {
                let every = finder.system() == "all";
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
                                {match hit.matched {
                                    Some(words) if finder.asking.get_untracked() => {
                                        view! {
                                            <span class="title">
                                                {words}
                                                " "
                                                <span class="faint">{hit.title}</span>
                                            </span>
                                        }
                                            .into_any()
                                    }
                                    matched => {
                                        view! {
                                            <span class="title">
                                                {every.then(|| view! { <span class="faint">{system_label(&hit.system)} " · "</span> })}
                                                {hit.title}
                                                {matched.map(|matched| view! { <q class="faint">{matched}</q> })}
                                            </span>
                                        }
                                            .into_any()
                                    }
                                }}
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
                        " takes it, or asks what is missing · "
                        <kbd>"Alt ←"</kbd>
                        " back · "
                        <kbd>"Ctrl b"</kbd>
                        " keep at hand · "
                        <kbd>"Shift Enter"</kbd>
                        " takes it anyway"
                    }
                        .into_any()
                }
            }}
        </p>
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
    let procedures = system == crate::pages::ICD_10_PCS;
    let words = brief(&query, 60);
    let around = review.around(&item);
    let finder = CodeFinder::new(system, query).knowing(around).on_day(review.coded_on());
    dom::focus_soon("code-search");
    let picked = Callback::new(move |hit: CodeHit| {
        review.learn_title(&hit.code, &hit.title);
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
            {if procedures {
                view! { <crate::pages::Builder picked=picked on=finder.day() /> }.into_any()
            } else {
                view! { <CodeDetail finder=finder /> }.into_any()
            }}
        </section>
    }
}
