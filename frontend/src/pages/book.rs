//! The tabular list, the alphabetic index, the index of external causes, the tables of neoplasms and drugs as books: looked
//! up by words, or read on from a line. What is far from the eye is not on the page.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use overread_api::code::{BookLine, BookQuery, BookView};
use overread_api::path::{self, fill};
use web_sys::KeyboardEvent;

use crate::logic::books::{Window, place_told};
use crate::logic::codes::{note_label, pieces};
use crate::logic::filters::query_of;
use crate::web::{dom, http};

/// Lines that are read at once.
const PAGE: u32 = 120;
/// Lines kept on the page.
const KEPT: usize = 480;
/// Lines shown before the one that was asked for.
const BEFORE: u32 = 6;
const REST_MS: u64 = 80;
/// So near to an end of what is on the page, in pixels, more is read.
const NEAR: i32 = 700;

/// What is asked of a book.
#[derive(Clone, Debug, PartialEq)]
enum Ask {
    /// To read on from this line, with some before it.
    From(u32),
    Code(String),
    Words(String),
}

#[derive(Clone, Copy)]
struct Reader {
    name: StoredValue<String>,
    window: RwSignal<Window>,
    problem: RwSignal<Option<String>>,
    /// The line that is chosen.
    at: RwSignal<u32>,
    turn: StoredValue<u32>,
    /// A further page is on its way.
    busy: StoredValue<bool>,
    list: NodeRef<html::Ul>,
}

impl Reader {
    fn ask(self, ask: Ask, rest: u64) {
        self.turn.update_value(|turn| *turn += 1);
        let mine = self.turn.get_value();
        set_timeout(
            move || {
                if self.turn.try_get_value() != Some(mine) {
                    return;
                }
                leptos::task::spawn_local(async move {
                    let (query, wanted) = match ask {
                        Ask::From(line) => {
                            let first = line.saturating_sub(BEFORE);
                            (
                                BookQuery { line: Some(first), limit: Some(PAGE), ..BookQuery::default() },
                                Some(line),
                            )
                        }
                        Ask::Code(code) => {
                            (BookQuery { code: Some(code), limit: Some(PAGE), ..BookQuery::default() }, None)
                        }
                        Ask::Words(words) => {
                            (BookQuery { q: Some(words), limit: Some(60), ..BookQuery::default() }, None)
                        }
                    };
                    let found = query.q.is_some();
                    let answer = self.fetch(&query).await;
                    if self.turn.try_get_value() != Some(mine) {
                        return;
                    }
                    match answer {
                        Ok(book) => {
                            let window = Window::new(book, found);
                            let at = window.nearest(wanted);
                            self.problem.try_set(None);
                            self.at.try_set(at);
                            self.window.try_set(window);
                            let top = at;
                            set_timeout(
                                move || dom::scroll_near(&format!("book-line-{top}")),
                                Duration::ZERO,
                            );
                        }
                        Err(why) => drop(self.problem.try_set(Some(why))),
                    }
                });
            },
            Duration::from_millis(rest),
        );
    }

    async fn fetch(self, query: &BookQuery) -> Result<BookView, String> {
        let name = self.name.try_get_value().unwrap_or_default();
        let address = fill(path::BOOK, &[&name]);
        http::get::<BookView>(&format!("{address}{}", query_of(query)))
            .await
            .map_err(|failure| failure.message())
    }

    /// Reads on where an end of what is on the page comes near.
    fn scrolled(self) {
        let Some(list) = self.list.get_untracked() else { return };
        let (top, height, seen) = (list.scroll_top(), list.scroll_height(), list.client_height());
        if top + seen > height - NEAR {
            self.more(true);
        } else if top < NEAR {
            self.more(false);
        }
    }

    fn more(self, forward: bool) {
        let place = self.window.with_untracked(|window| window.further(forward, PAGE));
        let Some(from) = place.filter(|_| !self.busy.get_value()) else { return };
        self.busy.set_value(true);
        let mine = self.turn.get_value();
        leptos::task::spawn_local(async move {
            let query = BookQuery { line: Some(from), limit: Some(PAGE), ..BookQuery::default() };
            let answer = self.fetch(&query).await;
            if self.turn.try_get_value() == Some(mine)
                && let Ok(book) = answer
            {
                // The line that is in view stays where it is, whatever comes or goes above it.
                let held = self.window.with_untracked(Window::middle);
                let before = held.and_then(top_of);
                self.window.try_update(|window| window.take(book.lines, forward, KEPT));
                set_timeout(
                    move || {
                        if let (Some(before), Some(after), Some(list)) =
                            (before, held.and_then(top_of), self.list.try_get_untracked().flatten())
                        {
                            list.set_scroll_top(list.scroll_top() + (after - before) as i32);
                        }
                    },
                    Duration::ZERO,
                );
            }
            self.busy.try_set_value(false);
        });
    }

    fn current(self) -> Option<BookLine> {
        let at = self.at.get_untracked();
        self.window.with_untracked(|window| window.line(at).cloned())
    }

    fn walk(self, by: isize) {
        let at = self.at.get_untracked();
        if let Some(next) = self.window.with_untracked(|window| window.step(at, by)) {
            self.at.set(next);
            dom::scroll_near(&format!("book-line-{next}"));
        }
    }
}

/// Where a line is on the screen.
fn top_of(line: u32) -> Option<f64> {
    let element = document().get_element_by_id(&format!("book-line-{line}"))?;
    Some(element.get_bounding_client_rect().top())
}

/// One book. `open` gets the code of the line that is chosen; `line` or `code` is where to begin.
#[component]
pub fn Book(name: String, line: Option<u32>, code: Option<String>, open: Callback<String>) -> impl IntoView {
    let words = RwSignal::new(String::new());
    // There the code stands first.
    let tabular = name.starts_with("tabular");
    let reader = Reader {
        name: StoredValue::new(name),
        window: RwSignal::new(Window::default()),
        problem: RwSignal::new(None),
        at: RwSignal::new(0),
        turn: StoredValue::new(0),
        busy: StoredValue::new(false),
        list: NodeRef::new(),
    };
    reader.ask(code.map_or(Ask::From(line.unwrap_or(0)), Ask::Code), 0);
    dom::focus_soon("book-search");
    let choose = move |line: &BookLine, column: usize| {
        let code = if column == 0 {
            line.codes.iter().find(|code| !code.is_empty())
        } else {
            line.codes.get(column - 1).filter(|code| !code.is_empty())
        };
        if let Some(code) = code {
            open.run(code.trim_end_matches(['-', '.']).to_owned());
        }
    };
    let key = move |event: KeyboardEvent| {
        let column = dom::with_alt(&event).and_then(|key| key.to_digit(10)).map(|digit| digit as usize);
        match event.key().as_str() {
            "ArrowDown" => reader.walk(1),
            "ArrowUp" => reader.walk(-1),
            "PageDown" => reader.walk(14),
            "PageUp" => reader.walk(-14),
            "Enter" => {
                if let Some(line) = reader.current() {
                    choose(&line, 0);
                }
            }
            // The nth column of a table.
            _ if column.is_some() => {
                let nth = column.unwrap_or_default();
                if let Some(line) = reader.current().filter(|_| nth > 0) {
                    choose(&line, nth);
                }
            }
            // Reads on from the line where it stands in the book.
            "ArrowRight" if event.alt_key() => {
                if let Some(line) = reader.current() {
                    words.set(String::new());
                    reader.ask(Ask::From(line.line), 0);
                }
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let lines = move || {
        let (lines, columns) =
            reader.window.with(|window| (window.lines.clone(), std::sync::Arc::clone(&window.columns)));
        lines.into_iter().map(move |line| (line, std::sync::Arc::clone(&columns))).collect::<Vec<_>>()
    };
    view! {
        <div class="book" on:keydown=key>
            <input
                id="book-search"
                type="text"
                role="combobox"
                aria-label="Words of the book"
                aria-expanded="true"
                aria-controls="book-lines"
                aria-activedescendant=move || {
                    reader.window.with(|w| !w.lines.is_empty()).then(|| format!("book-line-{}", reader.at.get()))
                }
                autocomplete="off"
                spellcheck="false"
                placeholder="Words, a beginning of each is enough"
                prop:value=words
                on:input=move |event| {
                    let text = event_target_value(&event);
                    words.set(text.clone());
                    if text.trim().is_empty() {
                        reader.ask(Ask::From(0), 0);
                    } else {
                        reader.ask(Ask::Words(text), REST_MS);
                    }
                }
            />
            <p class="faint hint">
                <kbd>"Enter"</kbd>
                " opens the code, "
                <kbd>"Alt 2"</kbd>
                " that of the second column · "
                <kbd>"Alt →"</kbd>
                " reads on from the line · "
                <kbd>"Page ↓"</kbd>
                <kbd>"Page ↑"</kbd>
            </p>
            <div class="row place">
                <input
                    id="book-place"
                    type="range"
                    aria-label="Place in the book"
                    min="0"
                    max=move || reader.window.with(|w| w.total.saturating_sub(1)).to_string()
                    prop:value=move || reader.at.get().to_string()
                    on:change=move |event| {
                        if let Ok(line) = event_target_value(&event).parse() {
                            words.set(String::new());
                            reader.ask(Ask::From(line), 0);
                        }
                    }
                />
                <span class="faint">{move || reader.window.with(|w| place_told(w, reader.at.get()))}</span>
            </div>
            {move || reader.problem.get().map(|why| view! { <p class="bad" role="alert">{why}</p> })}
            <ul
                id="book-lines"
                class="book-lines"
                role="listbox"
                aria-label="Lines"
                node_ref=reader.list
                on:scroll=move |_| reader.scrolled()
            >
                <For
                    each=lines
                    key=|(line, _)| (line.line, line.above.len())
                    children=move |(line, columns)| row(line, &columns, tabular, reader.at, open)
                />
            </ul>
            {move || {
                reader
                    .window
                    .with(|w| w.found && w.lines.is_empty())
                    .then(|| view! { <p class="faint">"No line has these words."</p> })
            }}
        </div>
    }
}

fn row(
    line: BookLine,
    columns: &[String],
    tabular: bool,
    at: RwSignal<u32>,
    open: Callback<String>,
) -> impl IntoView + use<> {
    let number = line.line;
    let codes = line
        .codes
        .iter()
        .enumerate()
        .filter(|(_, code)| !code.is_empty())
        .map(|(column, code)| {
            let to = code.trim_end_matches(['-', '.']).to_owned();
            let name = columns.get(column).cloned();
            let head = name.clone();
            view! {
                <span class="link" title=name data-code=to.clone() on:click=move |_| open.run(to.clone())>
                    {head.map(|head| view! { <span class="faint">{head} " "</span> })}
                    <b>{code.clone()}</b>
                </span>
                " "
            }
        })
        .collect_view();
    let notes = (!line.notes.is_empty()).then(|| {
        let notes = line
            .notes
            .iter()
            .map(|note| {
                let text = pieces(note)
                    .into_iter()
                    .map(|(words, code)| match code {
                        Some(code) => view! {
                            <span class="link" data-code=code.clone() on:click=move |_| open.run(code.clone())>
                                {words}
                            </span>
                        }
                        .into_any(),
                        None => words.into_any(),
                    })
                    .collect_view();
                view! {
                    <span class="book-note">
                        <b>{note_label(note.kind)}</b>
                        " "
                        {text}
                    </span>
                }
            })
            .collect_view();
        view! { <span class="book-notes">{notes}</span> }
    });
    let above = (!line.above.is_empty()).then(|| format!("{} › ", line.above.join(" › ")));
    // What was looked for carries its path; what is read on is indented.
    let indent = if line.above.is_empty() { line.level } else { 0 };
    let (before, after) = if tabular { (Some(codes), None) } else { (None, Some(codes)) };
    view! {
        <li
            id=format!("book-line-{number}")
            role="option"
            data-line=number
            style:padding-left=format!("{}rem", 0.5 + 1.25 * f32::from(indent))
            aria-selected=move || (at.get() == number).to_string()
            on:click=move |_| at.set(number)
        >
            <span class="faint">{above}</span>
            {before}
            <span class:main=line.level == 0>{line.term}</span>
            " "
            <span class="faint">{line.modifiers} " " {line.see}</span>
            " "
            {after}
            {notes}
        </li>
    }
}
