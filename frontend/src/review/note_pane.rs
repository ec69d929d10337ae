//! The left side: outline, the note, the strip for selected words.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::minimap::Minimap;
use super::note::NoteView;
use super::panel::Panel;
use super::state::Review;
use crate::logic::format::brief;
use crate::logic::keymap::{Command, Scope};
use crate::logic::rows::RowKey;
use crate::logic::sections;
use crate::shell::Key;

#[component]
pub fn NotePane() -> impl IntoView {
    let review = expect_context::<Review>();
    let root = NodeRef::<html::Div>::new();
    let text = review.with(|model| model.view.text.clone()).unwrap_or_default();
    let outline = sections::outline(&text);
    let has_outline = outline.len() > 1;
    Effect::new(move |_| {
        let Some(element) = root.get() else { return };
        let text = review.with(|model| model.view.text.clone()).unwrap_or_default();
        review.note.set_value(Some(NoteView::new(element.into(), text)));
        review.refresh();
        review.show_evidence();
    });
    let read_selection = move || {
        let range = review.note.with_value(|note| note.as_ref().and_then(NoteView::selected));
        // Focus going into a box collapses the selection; what was selected stays until something else is.
        if let Some((start, end)) = range {
            let words = review.quote(start, end);
            if review.selection.with_untracked(|old| *old != words) {
                review.selection.set(words);
            }
        }
    };
    // While a panel has the focus the browser shows no selection of its own.
    Effect::new(move |_| {
        let words = review.selection.get();
        let panel = review.panel.with(Panel::is_open);
        // The check that is chosen points at its own words, which need not be those of its row.
        let check = review.panel.with(|panel| match panel {
            Panel::Checks { at, .. } => Some(*at),
            _ => None,
        });
        let told = check
            .and_then(|at| review.listed_check(at))
            .and_then(|(found, _)| found.evidence.first().cloned());
        review.note.update_value(|note| {
            if let Some(note) = note {
                let shown = told.or_else(|| words.filter(|_| panel || note.selected().is_none()));
                note.paint_selection(shown.map(|words| (words.start, words.end)));
            }
        });
    });
    // A selection may end outside of the note.
    let released = window_event_listener(leptos::ev::mouseup, move |_| read_selection());
    on_cleanup(move || released.remove());
    let click = move |event: web_sys::MouseEvent| {
        read_selection();
        let selecting = review.note.with_value(|note| note.as_ref().and_then(NoteView::selected)).is_some();
        if selecting {
            return;
        }
        review.selection.set(None);
        let node = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let text = node.and_then(|element| element.first_child());
        let item = text
            .and_then(|node| review.note.with_value(|note| note.as_ref().and_then(|note| note.at(&node))));
        if let Some(item) = item {
            review.select(Some(RowKey::Item(item)));
        }
    };
    view! {
        <section class="left" aria-label="Note">
            {has_outline
                .then(|| {
                    view! {
                        <nav class="outline" aria-label="Sections of the note">
                            <ul>
                                {outline
                                    .into_iter()
                                    .map(|section| {
                                        let start = section.start;
                                        view! {
                                            <li>
                                                <button
                                                    class="quiet"
                                                    title=section.label.clone()
                                                    on:click=move |_| {
                                                        review
                                                            .note
                                                            .with_value(|note| {
                                                                if let Some(note) = note {
                                                                    note.show_point(start);
                                                                }
                                                            });
                                                    }
                                                >
                                                    {heading(&section.label)}
                                                </button>
                                            </li>
                                        }
                                    })
                                    .collect_view()}
                            </ul>
                        </nav>
                    }
                })}
            <div class="paper">
                <div
                    id="note"
                    class="note-text"
                    role="region"
                    aria-label="Text of the note"
                    tabindex="0"
                    data-scrolls=""
                    node_ref=root
                    on:click=click
                    on:keyup=move |_| read_selection()
                    on:copy=move |event: web_sys::ClipboardEvent| copy(review, &event)
                ></div>
                <Minimap />
            </div>
            <Strip />
        </section>
    }
}

/// Headings that shout are easier to read when they speak.
fn heading(label: &str) -> String {
    if label.chars().any(char::is_lowercase) || label.chars().count() <= 4 {
        return brief(label, 26);
    }
    let lower = label.to_lowercase();
    let mut chars = lower.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    brief(&format!("{first}{}", chars.as_str()), 26)
}

/// What is copied is the note as it stands, line ends and all.
fn copy(review: Review, event: &web_sys::ClipboardEvent) {
    let range = review.note.with_value(|note| note.as_ref().and_then(NoteView::selected));
    if let Some(words) = range.and_then(|(start, end)| review.quote(start, end))
        && let Some(data) = event.clipboard_data()
        && data.set_data("text/plain", &words.quote).is_ok()
    {
        event.prevent_default();
    }
}

/// What can be done with the selected words.
#[component]
fn Strip() -> impl IntoView {
    let review = expect_context::<Review>();
    let key = move |command| Signal::derive(move || review.app.hint(Scope::Review, command));
    view! {
        <div class="strip" class:full=move || review.selection.with(Option::is_some)>
            {move || match review.selection.get() {
                None => {
                    view! {
                        <span class="faint">
                            "Select words to add a value · " <Key text=key(Command::FindWords) />
                            " finds words by typing"
                        </span>
                    }
                        .into_any()
                }
                Some(words) => {
                    view! {
                        <q title=words.quote.clone()>{brief(&words.quote, 48)}</q>
                        <button
                            data-command="add"
                            class="small"
                            on:click=move |_| {
                                review.panel.set(Panel::Add { words: review.selection.get_untracked() });
                            }
                        >
                            <Key text=key(Command::Add) />
                            " Add as a value"
                        </button>
                        <button
                            data-command="find_code"
                            class="small"
                            on:click=move |_| review.command(Command::FindCode, 0)
                        >
                            <Key text=key(Command::FindCode) />
                            " Find its code"
                        </button>
                        <button
                            data-command="use_selection"
                            class="small"
                            on:click=move |_| review.use_selection()
                        >
                            <Key text=key(Command::UseSelection) />
                            " Evidence of this row"
                        </button>
                        <button
                            class="small quiet"
                            aria-label="Forget the selection"
                            on:click=move |_| review.clear_selection()
                        >
                            "✕"
                        </button>
                    }
                        .into_any()
                }
            }}
        </div>
    }
}
