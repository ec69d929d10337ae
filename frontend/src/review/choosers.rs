//! Short questions: why rejected, which field, why an exception, why reopened, which words.

use leptos::prelude::*;
use overread_domain::decision::ExceptionCause;
use overread_domain::{EntryStatus, ItemId, Quoted, RejectReason};
use web_sys::KeyboardEvent;

use super::panel::Panel;
use super::state::Review;
use crate::logic::codes::step;
use crate::logic::drafts::Draft;
use crate::logic::find;
use crate::logic::format::brief;
use crate::web::dom;

#[component]
pub fn Reject(item: ItemId, comment: String) -> impl IntoView {
    let review = expect_context::<Review>();
    let comment = RwSignal::new(comment);
    let row = review.item_of(&item).map(|item| {
        let field = review.field(&item.content.field).map_or(item.content.field.clone(), |field| field.label);
        (brief(item.content.display(), 60), field)
    });
    let id = StoredValue::new(item);
    dom::focus_soon("reject-first");
    let typed = move |text: String| {
        comment.set(text.clone());
        let item = id.get_value();
        review.keep_draft(&Draft::Reject { item: item.clone(), comment: text.clone() });
        // Untracked: the panel must see the words without being drawn anew under the cursor.
        review.panel.update_untracked(|panel| *panel = Panel::Reject { item, comment: text });
    };
    view! {
        <section id="reject" class="card" role="group" aria-labelledby="reject-title">
            <h2 id="reject-title">
                {match row {
                    Some((value, field)) => {
                        view! { "Why does " <q>{value}</q> " not belong in " {field} "?" }.into_any()
                    }
                    None => "Why does it not belong here?".into_any(),
                }}
            </h2>
            <ol class="choices">
                {RejectReason::ALL
                    .into_iter()
                    .enumerate()
                    .map(|(nth, reason)| {
                        view! {
                            <li>
                                <button
                                    id={(nth == 0).then_some("reject-first")}
                                    data-reason=reason.as_str()
                                    on:click=move |_| review.reject(&id.get_value(), reason, &comment.get_untracked())
                                >
                                    <kbd>{nth + 1}</kbd>
                                    " "
                                    {reason.label()}
                                </button>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
            <label for="reject-comment">"Remark (not needed)"</label>
            <input
                id="reject-comment"
                type="text"
                prop:value=comment
                on:input=move |event| typed(event_target_value(&event))
            />
            <Cancel />
        </section>
    }
}

#[component]
pub fn Cancel() -> impl IntoView {
    let review = expect_context::<Review>();
    view! {
        <button class="small quiet" on:click=move |_| review.close_panel()>
            <kbd>"Esc"</kbd>
            " Cancel"
        </button>
    }
}

#[component]
pub fn Escalate(comment: String) -> impl IntoView {
    let review = expect_context::<Review>();
    let comment = RwSignal::new(comment);
    dom::focus_soon("escalate-first");
    let typed = move |text: String| {
        comment.set(text.clone());
        review.keep_draft(&Draft::Escalate { cause: None, comment: text.clone() });
        review.panel.update_untracked(|panel| *panel = Panel::Escalate { comment: text });
    };
    view! {
        <section id="escalate" class="card" role="group" aria-labelledby="escalate-title">
            <h2 id="escalate-title">"Send the entry to exceptions: why?"</h2>
            <ol class="choices">
                {ExceptionCause::ALL
                    .into_iter()
                    .enumerate()
                    .map(|(nth, cause)| {
                        let name = serde_json::to_value(cause).ok().and_then(|v| v.as_str().map(str::to_owned));
                        view! {
                            <li>
                                <button
                                    id={(nth == 0).then_some("escalate-first")}
                                    data-cause=name
                                    on:click=move |_| review.escalate(cause, &comment.get_untracked())
                                >
                                    <kbd>{nth + 1}</kbd>
                                    " "
                                    {cause.label()}
                                </button>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
            <label for="escalate-comment">"Remark for the coder (not needed)"</label>
            <input
                id="escalate-comment"
                type="text"
                prop:value=comment
                on:input=move |event| typed(event_target_value(&event))
            />
            <Cancel />
        </section>
    }
}

#[component]
pub fn Reopen(reason: String) -> impl IntoView {
    let review = expect_context::<Review>();
    let reason = RwSignal::new(reason);
    let exception =
        review.projection.with_untracked(|p| p.as_ref().is_some_and(|p| p.status == EntryStatus::Exception));
    dom::focus_soon("reopen-reason");
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        review.reopen(&reason.get_untracked());
    };
    view! {
        <form class="card" aria-labelledby="reopen-title" on:submit=submit>
            <h2 id="reopen-title">
                {if exception { "Hand the exception back to the reviewers" } else { "Open the finished entry again" }}
            </h2>
            <label for="reopen-reason">{if exception { "Remark (not needed)" } else { "Reason" }}</label>
            <input
                id="reopen-reason"
                type="text"
                required=!exception
                prop:value=reason
                on:input=move |event| {
                    let text = event_target_value(&event);
                    review.keep_draft(&Draft::Reopen { reason: text.clone() });
                    reason.set(text);
                }
            />
            <div class="acts">
                <button class="primary small" type="submit">
                    <kbd>"Enter"</kbd>
                    {if exception { " Hand back" } else { " Reopen" }}
                </button>
                <Cancel />
            </div>
        </form>
    }
}

/// Which field a new value belongs to, by typing a part of its name.
#[component]
pub fn FieldChooser(words: Option<Quoted>) -> impl IntoView {
    let review = expect_context::<Review>();
    let typed = RwSignal::new(String::new());
    let at = RwSignal::new(0usize);
    let quote = words.as_ref().map(|words| brief(&words.quote, 60));
    let words = StoredValue::new(words);
    let fields: Vec<(String, String, String)> = review
        .with(|model| {
            let groups = &model.view.template.groups;
            let all = groups.iter().flat_map(|group| group.fields.iter().map(move |f| (group, f)));
            all.map(|(group, f)| (f.id.clone(), f.label.clone(), group.label.clone())).collect()
        })
        .unwrap_or_default();
    let hits = Memo::new(move |_| {
        let wanted = typed.get().to_lowercase();
        let rank = |label: &str| {
            let label = label.to_lowercase();
            if label.starts_with(&wanted) {
                Some(0)
            } else if label.split_whitespace().any(|word| word.starts_with(&wanted)) {
                Some(1)
            } else {
                label.contains(&wanted).then_some(2)
            }
        };
        let mut hits: Vec<_> = fields.iter().filter_map(|f| Some((rank(&f.1)?, f.clone()))).collect();
        hits.sort_by_key(|(rank, _)| *rank);
        hits.into_iter().map(|(_, field)| field).collect::<Vec<_>>()
    });
    let choose = move |field: &str| review.add_to(field, words.get_value());
    dom::focus_soon("field-chooser");
    let key = move |event: KeyboardEvent| {
        let len = hits.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" => at.update(|at| *at = step(*at, 1, len)),
            "ArrowUp" => at.update(|at| *at = step(*at, -1, len)),
            "Enter" => {
                let chosen = hits.with_untracked(|hits| hits.get(at.get_untracked()).cloned());
                if let Some((id, ..)) = chosen.filter(|_| !event.repeat()) {
                    choose(&id);
                }
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
        dom::scroll_near(&format!("field-hit-{}", at.get_untracked()));
    };
    view! {
        <section class="card tall" aria-labelledby="add-title">
            <h2 id="add-title">
                "Add a value " {quote.map(|quote| view! { <q>{quote}</q> })}
            </h2>
            <label for="field-chooser">"Field"</label>
            <input
                id="field-chooser"
                type="text"
                role="combobox"
                aria-expanded="true"
                aria-controls="field-hits"
                aria-activedescendant=move || format!("field-hit-{}", at.get())
                autocomplete="off"
                prop:value=typed
                on:input=move |event| {
                    typed.set(event_target_value(&event));
                    at.set(0);
                }
                on:keydown=key
            />
            <ul id="field-hits" class="hits" role="listbox" aria-label="Fields">
                {move || {
                    hits.get()
                        .into_iter()
                        .enumerate()
                        .map(|(nth, (id, label, group))| {
                            let chosen = id.clone();
                            view! {
                                <li
                                    id=format!("field-hit-{nth}")
                                    role="option"
                                    data-field=id
                                    aria-selected=move || (at.get() == nth).to_string()
                                    on:click=move |_| choose(&chosen)
                                >
                                    <b>{label}</b>
                                    <span class="faint">{group}</span>
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
            <Cancel />
        </section>
    }
}

/// Finds words by typing them and selects them: the keyboard's way to evidence.
#[component]
pub fn FindWords() -> impl IntoView {
    let review = expect_context::<Review>();
    let found = RwSignal::new(Vec::<(usize, usize)>::new());
    let at = RwSignal::new(0usize);
    dom::focus_soon("find-words");
    let show = move || {
        let range = found.with_untracked(|found| found.get(at.get_untracked()).copied());
        review.selection.set(range.and_then(|(start, end)| review.quote(start, end)));
    };
    let search = move |words: String| {
        let hits = review.with(|model| find::find(&model.view.text, &words, 200)).unwrap_or_default();
        found.set(hits);
        at.set(0);
        show();
    };
    let key = move |event: KeyboardEvent| {
        let len = found.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" => at.update(|at| *at = step(*at, 1, len)),
            "ArrowUp" => at.update(|at| *at = step(*at, -1, len)),
            "Enter" => {
                event.prevent_default();
                event.stop_propagation();
                if len > 0 && !event.repeat() {
                    review.panel.set(Panel::None);
                    dom::focus("rows");
                }
                return;
            }
            _ => return,
        }
        event.prevent_default();
        show();
    };
    let count = move || {
        let count = found.with(Vec::len);
        if count == 0 { "not found".to_owned() } else { format!("{} of {count}", at.get() + 1) }
    };
    view! {
        <section class="card" aria-labelledby="find-title">
            <h2 id="find-title">"Find and select words of the note"</h2>
            <input
                id="find-words"
                type="text"
                aria-labelledby="find-title"
                autocomplete="off"
                on:input=move |event| search(event_target_value(&event))
                on:keydown=key
            />
            <p class="faint" role="status">
                {count}
                " · ↑ ↓ other places · Enter keeps them selected, then i adds a value or w makes them evidence"
            </p>
            <Cancel />
        </section>
    }
}
