//! The editor of one value.

use leptos::prelude::*;
use overread_api::code::CodeHit;
use overread_domain::{Assertion, CodeRef, Field, FieldKind, Quoted};
use web_sys::KeyboardEvent;

use super::choosers::Cancel;
use super::code_detail::CodeDetail;
use super::code_search::{CodeBox, CodeFinder};
use super::state::Review;
use crate::logic::drafts::{Draft, form_slot};
use crate::logic::form::{Form, shape};
use crate::logic::format::{CODE_ROLES, assertion_word, brief, role_word};
use crate::web::dom;

#[component]
pub fn Editor(form: Form) -> impl IntoView {
    let review = expect_context::<Review>();
    let adds = form.adds;
    let first = StoredValue::new(review.untouched(&form));
    let slot = StoredValue::new(form_slot(&form.item));
    let form = RwSignal::new(form);
    let problem = RwSignal::new(None::<&'static str>);
    let field = Memo::new(move |_| form.with(|form| review.field(&form.field)));
    // A draft from the first keystroke on: nothing typed is lost.
    Effect::new(move |_| {
        let now = form.get();
        if first.with_value(|first| first.as_ref() == Some(&now)) {
            review.drop_draft(&slot.get_value());
        } else {
            review.keep_draft(&Draft::Form { form: now });
        }
    });
    let save = move || {
        let now = form.get_untracked();
        let Some(field) = field.get_untracked() else { return };
        problem.set(now.problem(&field));
        if problem.get_untracked().is_none() {
            review.save(&now);
        }
    };
    let key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.is_composing() && !dom::takes_button(&event) {
            event.prevent_default();
            event.stop_propagation();
            // The key that opened the editor may still be held.
            if !event.repeat() {
                save();
            }
        }
    };
    dom::focus_soon(first_control(field.get_untracked().as_ref(), &form.get_untracked()));
    let body = move || field.get().map(|field| view! { <Fields field=field form=form /> });
    view! {
        <section id="editor" class="card tall" aria-labelledby="editor-title" on:keydown=key>
            <header>
                <h2 id="editor-title">{if adds { "Add a value" } else { "Edit" }}</h2>
                <span class="grow"></span>
                <button id="edit-save" class="primary small" on:click=move |_| save()>
                    <kbd>"Enter"</kbd>
                    " Save"
                </button>
                <button
                    class="small quiet"
                    on:click=move |_| {
                        review.drop_draft(&slot.get_value());
                        review.close_panel();
                    }
                >
                    "Throw away"
                </button>
                <Cancel />
            </header>
            <p class="bad" role="alert">{move || problem.get()}</p>
            {body}
        </section>
    }
}

fn first_control(field: Option<&Field>, form: &Form) -> &'static str {
    match field.map(|field| &field.kind) {
        Some(FieldKind::Code) => "code-search",
        _ if form.adds && form.evidence.is_empty() => "edit-value",
        Some(FieldKind::Condition) if form.adds => "code-search",
        _ => "edit-value",
    }
}

#[component]
fn Fields(field: Field, form: RwSignal<Form>) -> impl IntoView {
    let review = expect_context::<Review>();
    let all: Vec<(String, String)> = review
        .with(|model| model.view.template.fields().map(|f| (f.id.clone(), f.label.clone())).collect())
        .unwrap_or_default();
    let adds = form.with_untracked(|form| form.adds);
    let here = field.id.clone();
    let move_to = move |id: String| {
        if let Some(field) = review.field(&id) {
            form.update(|form| form.move_to(&field));
        }
    };
    let is_code = matches!(field.kind, FieldKind::Code);
    let doubtful = {
        let field = field.clone();
        move || form.with(|form| form.doubt(&field))
    };
    let with_assertion = field.assertion;
    let coded = field.code_system.clone();
    view! {
        <div class="grid">
            <label for="edit-field">"Field"</label>
            <select id="edit-field" on:change=move |event| move_to(event_target_value(&event))>
                {all
                    .into_iter()
                    .map(|(id, label)| {
                        let on = id == here;
                        view! {
                            <option value=id selected=on>
                                {label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            {(!is_code).then(|| view! { <Value field=field.clone() form=form /> })}
            <p class="faint across" role="status">{doubtful}</p>
            {with_assertion.then(|| view! { <AssertionChoice form=form /> })}
            {(is_code && field.code_system.as_deref() == Some(overread_domain::code::ICD_10_CM)).then(|| view! { <RoleChoice form=form /> })}
            <span class="label">"Words"</span>
            <Evidence form=form />
            {field
                .attributes
                .iter()
                .map(|attribute| {
                    view! { <AttributeRow id=attribute.id.clone() label=attribute.label.clone() form=form /> }
                })
                .collect_view()}
        </div>
        {coded.map(|system| view! { <CodeChoice system=system form=form adds=adds /> })}
    }
}

#[component]
fn Value(field: Field, form: RwSignal<Form>) -> impl IntoView {
    let set = move |text: String| form.update(|form| form.value = text);
    let hint = shape(&field.kind);
    match field.kind {
        FieldKind::Choice { options } => {
            let now = form.with_untracked(|form| form.value.clone());
            view! {
                <label for="edit-value">"Value"</label>
                <select id="edit-value" on:change=move |event| set(event_target_value(&event))>
                    <option value="" selected=now.is_empty()>
                        "(the words)"
                    </option>
                    {options
                        .into_iter()
                        .map(|option| {
                            let on = option == now;
                            view! {
                                <option value=option.clone() selected=on>
                                    {option.clone()}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            }
            .into_any()
        }
        _ => view! {
            <label for="edit-value">"Value"</label>
            <input
                id="edit-value"
                type="text"
                autocomplete="off"
                placeholder=hint
                prop:value=move || form.with(|form| form.value.clone())
                on:input=move |event| set(event_target_value(&event))
            />
        }
        .into_any(),
    }
}

#[component]
fn AssertionChoice(form: RwSignal<Form>) -> impl IntoView {
    view! {
        <label for="edit-assertion">"Assertion"</label>
        <select
            id="edit-assertion"
            on:change=move |event| {
                let name = event_target_value(&event);
                let chosen = Assertion::ALL.into_iter().find(|assertion| assertion.as_str() == name);
                form.update(|form| form.assertion = chosen);
            }
        >
            {Assertion::ALL
                .into_iter()
                .map(|assertion| {
                    let on = form.with_untracked(|form| form.assertion == Some(assertion));
                    view! {
                        <option value=assertion.as_str() selected=on>
                            {assertion_word(assertion)}
                        </option>
                    }
                })
                .collect_view()}
        </select>
    }
}

#[component]
fn RoleChoice(form: RwSignal<Form>) -> impl IntoView {
    view! {
        <label for="edit-role">"Role"</label>
        <select
            id="edit-role"
            on:change=move |event| {
                let name = event_target_value(&event);
                let chosen = CODE_ROLES.into_iter().find(|role| role_word(*role) == name);
                form.update(|form| form.role = chosen);
            }
        >
            {CODE_ROLES
                .into_iter()
                .map(|role| {
                    let on = form.with_untracked(|form| form.role == Some(role));
                    view! {
                        <option value=role_word(role) selected=on>
                            {role_word(role)}
                        </option>
                    }
                })
                .collect_view()}
        </select>
    }
}

#[component]
fn Evidence(form: RwSignal<Form>) -> impl IntoView {
    let review = expect_context::<Review>();
    let remove = move |words: Quoted| form.update(|form| form.evidence.retain(|other| *other != words));
    view! {
        <div class="chips">
            {move || {
                form.with(|form| form.evidence.clone())
                    .into_iter()
                    .map(|words| {
                        let quote = brief(&words.quote, 44);
                        view! {
                            <span class="chip">
                                <q>{quote.clone()}</q>
                                <button
                                    class="quiet"
                                    aria-label=format!("Remove the words {quote}")
                                    on:click=move |_| remove(words.clone())
                                >
                                    "✕"
                                </button>
                            </span>
                        }
                    })
                    .collect_view()
            }}
            {move || {
                review
                    .selection
                    .get()
                    .map(|words| {
                        let (added, only) = (words.clone(), words.clone());
                        view! {
                            <button
                                class="small"
                                data-testid="evidence-replace"
                                on:click=move |_| form.update(|form| form.evidence = vec![only.clone()])
                            >
                                "Use "
                                <q>{brief(&words.quote, 20)}</q>
                                " instead"
                            </button>
                            <button
                                class="small"
                                data-testid="evidence-add"
                                on:click=move |_| form.update(|form| form.add_evidence(added.clone()))
                            >
                                "Add it"
                            </button>
                        }
                    })
            }}
            {move || {
                (review.selection.with(Option::is_none))
                    .then(|| view! { <span class="faint">"select words in the note to change"</span> })
            }}
        </div>
    }
}

#[component]
fn AttributeRow(id: String, label: String, form: RwSignal<Form>) -> impl IntoView {
    let review = expect_context::<Review>();
    let id = StoredValue::new(id);
    let words =
        move || form.with(|form| form.attributes.get(&id.get_value()).map(|words| words.quote.clone()));
    let spoken = label.clone();
    view! {
        <span class="label">{label}</span>
        <div class="chips" data-attribute=id.get_value()>
            {move || {
                words()
                    .map(|quote| {
                        view! {
                            <span class="chip">
                                <q>{brief(&quote, 32)}</q>
                                <button
                                    class="quiet"
                                    aria-label=format!("Remove {spoken}")
                                    on:click=move |_| {
                                        form.update(|form| drop(form.attributes.remove(&id.get_value())));
                                    }
                                >
                                    "✕"
                                </button>
                            </span>
                        }
                    })
            }}
            {move || {
                review
                    .selection
                    .get()
                    .map(|selected| {
                        let quote = brief(&selected.quote, 20);
                        view! {
                            <button
                                class="small"
                                on:click=move |_| {
                                    let words = selected.clone();
                                    form.update(|form| drop(form.attributes.insert(id.get_value(), words)));
                                }
                            >
                                "Use "
                                <q>{quote}</q>
                            </button>
                        }
                    })
            }}
        </div>
    }
}

#[component]
fn CodeChoice(system: String, form: RwSignal<Form>, adds: bool) -> impl IntoView {
    let review = expect_context::<Review>();
    let words = form.with_untracked(|form| form.evidence.first().map(|words| words.quote.clone()));
    let start =
        if adds { words.or_else(|| Some(form.with_untracked(|form| form.value.clone()))) } else { words };
    let procedures = system == crate::pages::ICD_10_PCS;
    let known = form.with_untracked(|form| form.evidence.first().map(|words| review.sentence(words)));
    let finder = CodeFinder::new(system, start.unwrap_or_default())
        .knowing(known.unwrap_or_default())
        .on_day(review.coded_on());
    let picked = Callback::new(move |hit: CodeHit| {
        review.learn_title(&hit.code, &hit.title);
        form.update(|form| {
            form.code = Some(CodeRef { system: hit.system.clone(), code: hit.code.clone() });
            form.code_title = Some(hit.title.clone());
        });
        dom::focus_soon("edit-save");
    });
    let chosen = move || {
        form.with(|form| form.code.clone().map(|code| (code, form.code_title.clone()))).map(
            |(code, title)| {
                let title = title.or_else(|| review.title(&code)).unwrap_or_default();
                view! {
                    <span class="chip">
                        <b>{code.code}</b>
                        " "
                        {brief(&title, 60)}
                        <button
                            class="quiet"
                            aria-label="Remove the code"
                            on:click=move |_| {
                                form.update(|form| {
                                    form.code = None;
                                    form.code_title = None;
                                });
                            }
                        >
                            "✕"
                        </button>
                    </span>
                }
            },
        )
    };
    view! {
        <div class="code-choice">
            <p>
                <span class="label">"Code "</span>
                {move || {
                    chosen().map_or_else(|| view! { <span class="faint">"none"</span> }.into_any(), IntoAny::into_any)
                }}
            </p>
            <CodeBox finder=finder picked=picked />
            {if procedures {
                view! { <crate::pages::Builder picked=picked on=finder.day() /> }.into_any()
            } else {
                view! { <CodeDetail finder=finder /> }.into_any()
            }}
        </div>
    }
}
