//! What the highlighted code says: where it stands, its notes, what leads to it, what stands beside it.

use leptos::prelude::*;

use super::code_search::CodeFinder;
use crate::logic::codes::{note_label, pieces, tabular_of};

/// Hierarchy and notes of the highlighted code.
#[component]
pub fn CodeDetail(
    finder: CodeFinder,
    /// Opens a book at a line, where there is room for one.
    #[prop(optional)]
    read: Option<Callback<(String, u32)>>,
) -> impl IntoView {
    move || {
        finder.detail.get().map(|view| {
            let parents = view
                .ancestors
                .iter()
                .map(|link| {
                    let to = link.code.clone();
                    view! {
                        <li>
                            <button class="link" on:click=move |_| finder.go_to(&to)>
                                <b>{link.code.clone()}</b>
                            </button>
                            " "
                            {link.title.clone()}
                        </li>
                    }
                })
                .collect_view();
            let badges = view
                .badges
                .iter()
                .map(|badge| {
                    view! { <span class="tag" data-badge=badge.kind.clone()>{badge.kind.to_uppercase()} " " {badge.text.clone()}</span> }
                })
                .collect_view();
            let own = view.code.clone();
            let beside = view
                .beside
                .iter()
                .map(|other| {
                    let to = other.code.clone();
                    view! {
                        <li>
                            <button class="link" data-beside=to.clone() on:click=move |_| finder.go_to(&to)>
                                <b>{other.code.clone()}</b>
                            </button>
                            " "
                            {other.title.clone()}
                            " "
                            <span class="faint">{format!("{} of {}", other.entries, other.of)}</span>
                        </li>
                    }
                })
                .collect::<Vec<_>>();
            let tabular = read
                .filter(|_| !crate::pages::ICD_10_PCS.eq(&view.system))
                .map(|read| {
                    let (line, book) = (view.line, tabular_of(&view.system));
                    view! {
                        " "
                        <button class="link" data-tabular=line on:click=move |_| read.run((book.clone(), line))>
                            "in the tabular list"
                        </button>
                    }
                });
            let places = view
                .index
                .iter()
                .map(|place| {
                    let words = place.path.join(" › ");
                    let (book, line) = (place.book.clone(), place.line);
                    match read {
                        Some(read) => view! {
                            <li>
                                <button class="link" data-line=line on:click=move |_| read.run((book.clone(), line))>
                                    {words}
                                </button>
                            </li>
                        }
                        .into_any(),
                        None => view! { <li>{words}</li> }.into_any(),
                    }
                })
                .collect::<Vec<_>>();
            let notes = view
                .notes
                .iter()
                .map(|note| {
                    let from = note.inherited_from.clone().map(|from| format!(" ({from})"));
                    let text = pieces(note)
                        .into_iter()
                        .map(|(words, code)| match code {
                            Some(code) => {
                                let to = code.clone();
                                view! {
                                    <button class="link" data-code=code on:click=move |_| finder.go_to(&to)>
                                        {words}
                                    </button>
                                }
                                    .into_any()
                            }
                            None => words.into_any(),
                        })
                        .collect_view();
                    view! {
                        <li>
                            <b>{note_label(note.kind)} {from}</b>
                            " "
                            {text}
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
                        {badges}
                        " "
                        <button
                            class="link"
                            aria-pressed=move || finder.is_favourite(&own).to_string()
                            on:click=move |_| finder.toggle_favourite()
                        >
                            "☆ keep at hand"
                        </button>
                        {tabular}
                    </p>
                    {(!view.inclusion_terms.is_empty())
                        .then(|| view! { <p class="faint">"Also: " {view.inclusion_terms.join("; ")}</p> })}
                    <ul class="code-notes">{notes}</ul>
                    {(!beside.is_empty())
                        .then(|| {
                            view! {
                                <h3 title="Finished entries that have both, of the latest that have this code">
                                    "Often beside it"
                                </h3>
                                <ul class="code-notes">{beside}</ul>
                            }
                        })}
                    {(!places.is_empty()).then(|| view! { <h3>"Index"</h3> <ul class="code-notes">{places}</ul> })}
                </div>
            }
        })
    }
}
