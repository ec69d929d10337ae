//! The alphabetic index, the index of external causes, the tables of neoplasms and drugs: looked up by words, or read on
//! from a line.

use leptos::prelude::*;
use overread_api::code::{BookLine, BookQuery, BookView};
use overread_api::path::{self, fill};
use std::time::Duration;
use web_sys::KeyboardEvent;

use crate::logic::codes::step;
use crate::logic::filters::query_of;
use crate::web::{dom, http};

/// Lines that are read at once.
const PAGE: u32 = 120;
/// Lines shown before the one that was asked for.
const BEFORE: u32 = 6;
const REST_MS: u64 = 80;

/// One book. `open` gets the code of the line that is chosen; `line` is where to begin.
#[component]
pub fn Book(name: String, line: Option<u32>, open: Callback<String>) -> impl IntoView {
    let name = StoredValue::new(name);
    let words = RwSignal::new(String::new());
    let view = RwSignal::new(None::<Result<BookView, String>>);
    let at = RwSignal::new(0usize);
    let turn = StoredValue::new(0u32);
    let read = move |query: BookQuery, place: usize, rest: u64| {
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        set_timeout(
            move || {
                if turn.try_get_value() != Some(mine) {
                    return;
                }
                leptos::task::spawn_local(async move {
                    let address = fill(path::BOOK, &[&name.get_value()]);
                    let answer = http::get::<BookView>(&format!("{address}{}", query_of(&query))).await;
                    if turn.try_get_value() == Some(mine) {
                        at.try_set(place);
                        view.try_set(Some(answer.map_err(|failure| failure.message())));
                        dom::scroll_near(&format!("book-line-{place}"));
                    }
                });
            },
            Duration::from_millis(rest),
        );
    };
    let from = move |line: u32| {
        let first = line.saturating_sub(BEFORE);
        let query = BookQuery { line: Some(first), limit: Some(PAGE), ..BookQuery::default() };
        read(query, (line - first) as usize, 0);
    };
    let look_up = move |text: String, rest: u64| {
        read(BookQuery { q: Some(text), limit: Some(60), ..BookQuery::default() }, 0, rest);
    };
    from(line.unwrap_or(0));
    dom::focus_soon("book-search");
    let current = move || {
        view.with_untracked(|v| {
            let lines = &v.as_ref()?.as_ref().ok()?.lines;
            lines.get(at.get_untracked()).cloned()
        })
    };
    let choose = move |line: &BookLine| {
        if let Some(code) = line.codes.iter().find(|code| !code.is_empty()) {
            open.run(code.trim_end_matches(['-', '.']).to_owned());
        }
    };
    let walk = move |by: isize| {
        let len =
            view.with_untracked(|v| v.as_ref().and_then(|v| v.as_ref().ok()).map_or(0, |v| v.lines.len()));
        at.update(|at| *at = step(*at, by, len));
        dom::scroll_near(&format!("book-line-{}", at.get_untracked()));
    };
    let key = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "ArrowDown" => walk(1),
            "ArrowUp" => walk(-1),
            "Enter" => {
                if let Some(line) = current() {
                    choose(&line);
                }
            }
            // The nth column of a table.
            digit if event.alt_key() && digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit() => {
                let nth = usize::from(digit.as_bytes()[0] - b'0');
                let code = current().and_then(|line| line.codes.get(nth.checked_sub(1)?).cloned());
                if let Some(code) = code.filter(|code| !code.is_empty()) {
                    open.run(code.trim_end_matches(['-', '.']).to_owned());
                }
            }
            // Reads on from the line where it stands in the book.
            "ArrowRight" if event.alt_key() => {
                if let Some(line) = current() {
                    from(line.line);
                }
            }
            "PageDown" => {
                let last = view.with_untracked(|v| {
                    v.as_ref()
                        .and_then(|v| v.as_ref().ok())
                        .and_then(|v| v.lines.last().map(|line| line.line))
                });
                from(last.map_or(0, |line| line + 1));
            }
            "PageUp" => {
                let first = view.with_untracked(|v| {
                    v.as_ref()
                        .and_then(|v| v.as_ref().ok())
                        .and_then(|v| v.lines.first().map(|line| line.line))
                });
                from(first.unwrap_or(0).saturating_sub(PAGE - BEFORE));
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let row = move |nth: usize, line: BookLine, columns: &[String]| {
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
                    <span class="link" title=name.clone() data-code=to.clone() on:click=move |_| open.run(to.clone())>
                        {head.map(|head| view! { <span class="faint">{head} " "</span> })}
                        <b>{code.clone()}</b>
                    </span>
                    " "
                }
            })
            .collect_view();
        let above = (!line.above.is_empty()).then(|| format!("{} › ", line.above.join(" › ")));
        // What was looked for carries its path; what is read on is indented.
        let indent = if line.above.is_empty() { line.level } else { 0 };
        view! {
            <li
                id=format!("book-line-{nth}")
                role="option"
                data-line=line.line
                style=format!("padding-left: {}rem", 0.5 + 1.25 * f32::from(indent))
                aria-selected=move || (at.get() == nth).to_string()
                on:click=move |_| at.set(nth)
            >
                <span class="faint">{above}</span>
                <span class:main=line.level == 0>{line.term}</span>
                " "
                <span class="faint">{line.modifiers} " " {line.see}</span>
                " "
                {codes}
            </li>
        }
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
                    let any = view.with(|v| matches!(v, Some(Ok(book)) if !book.lines.is_empty()));
                    any.then(|| format!("book-line-{}", at.get()))
                }
                autocomplete="off"
                spellcheck="false"
                placeholder="Words, a beginning of each is enough"
                prop:value=words
                on:input=move |event| {
                    let text = event_target_value(&event);
                    words.set(text.clone());
                    if text.trim().is_empty() { from(0) } else { look_up(text, REST_MS) }
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
            {move || match view.get() {
                None => view! { <p class="faint">"…"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad" role="alert">{why}</p> }.into_any(),
                Some(Ok(book)) => {
                    let none = book.lines.is_empty();
                    let columns = book.columns;
                    let lines = book
                        .lines
                        .into_iter()
                        .enumerate()
                        .map(|(nth, line)| row(nth, line, &columns))
                        .collect_view();
                    view! {
                        <ul id="book-lines" class="book-lines" role="listbox" aria-label="Lines">
                            {lines}
                        </ul>
                        {none.then(|| view! { <p class="faint">"No line has these words."</p> })}
                    }
                        .into_any()
                }
            }}
        </div>
    }
}
