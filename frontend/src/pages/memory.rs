//! The memory: what people's decisions taught the model about phrases, and deleting what is wrong.

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::Page;
use overread_api::memory::{MemoryDeletion, MemoryQuery, MemoryRow};
use overread_api::path::{self, fill};
use overread_api::system::TemplateRow;
use overread_domain::lesson::teaches;
use overread_domain::{LessonKind, Template};

use crate::logic::filters::query_of;
use crate::logic::format::{ago, moment, plural};
use crate::shell::App;
use crate::web::{dom, http};

/// Milliseconds after the last key until the list follows.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);
const SHOWN: u32 = 50;

fn shape(kind: LessonKind) -> &'static str {
    if kind.is_for() { "✓" } else { "✕" }
}

#[component]
pub fn Memory() -> impl IntoView {
    let app = expect_context::<App>();
    let query = RwSignal::new(MemoryQuery { limit: Some(SHOWN), ..MemoryQuery::default() });
    let rows = RwSignal::new(Vec::<MemoryRow>::new());
    let next = RwSignal::new(None::<String>);
    let state = RwSignal::new(None::<Result<(), String>>);
    let fields = RwSignal::new(Vec::<(String, String)>::new());
    let load = move |after: Option<String>| {
        let wanted = query.get_untracked();
        leptos::task::spawn_local(async move {
            let asked = MemoryQuery { after: after.clone(), ..wanted.clone() };
            let address = format!("{}{}", path::MEMORY, query_of(&asked));
            let answer = http::get::<Page<MemoryRow>>(&address).await;
            // A later question has its own answer.
            if query.try_get_untracked().as_ref() != Some(&wanted) {
                return;
            }
            match answer {
                Ok(page) => {
                    rows.update(|rows| {
                        if after.is_none() {
                            rows.clear();
                        }
                        rows.extend(page.items);
                    });
                    next.set(page.next);
                    state.set(Some(Ok(())));
                }
                Err(failure) => state.set(Some(Err(failure.message()))),
            }
        });
    };
    Effect::new(move |_| {
        let asked = query.get();
        let wait =
            if asked.q.is_some() || asked.code.is_some() { PATIENCE } else { std::time::Duration::ZERO };
        set_timeout(
            move || {
                if query.try_get_untracked().as_ref() == Some(&asked) {
                    load(None);
                }
            },
            wait,
        );
    });
    leptos::task::spawn_local(async move {
        if let Ok(found) = fields_that_teach().await {
            fields.try_set(found);
        }
    });
    let forget = Callback::new(move |row: MemoryRow| {
        leptos::task::spawn_local(async move {
            let address = fill(path::MEMORY_ROW, &[&row.id]);
            match http::send::<MemoryDeletion>(Method::DELETE, &address, &serde_json::json!({})).await {
                Ok(_) => {
                    app.tell(format!("Forgotten: {}.", row.phrase));
                    rows.update(|rows| rows.retain(|known| known.id != row.id));
                    dom::focus("memory-list");
                }
                Err(failure) => {
                    app.warn(failure.message());
                    load(None);
                }
            }
        });
    });
    let narrow =
        move || query.with(|q| q.q.is_some() || q.field.is_some() || q.kind.is_some() || q.code.is_some());
    let nothing = move || {
        (state.with(|state| matches!(state, Some(Ok(())))) && rows.with(Vec::is_empty)).then(|| {
            let told = if narrow() {
                "Nothing remembered fits these filters."
            } else {
                "Nothing is remembered yet. Each accepted, corrected or rejected phrase is kept here and changes the next \
                 suggestions."
            };
            view! {
                <p class="empty" id="memory-empty">
                    {told}
                </p>
            }
        })
    };
    view! {
        <main id="main" class="page">
            <header class="stack">
                <h1>"Memory"</h1>
                <p class="faint">
                    "What decisions taught about phrases. The next suggestions follow it at once; what you delete is forgotten, and stays so."
                </p>
            </header>
            <Filter query=query fields=fields />
            <div class="scroll" id="memory-list" tabindex="0" role="region" aria-label="Memory">
                <table class="list" id="memory">
                    <thead>
                        <tr>
                            <th scope="col">"Phrase"</th>
                            <th scope="col">"Field"</th>
                            <th scope="col">"Lesson"</th>
                            <th scope="col">"Code"</th>
                            <th scope="col" class="figure">"Decisions"</th>
                            <th scope="col">"Last"</th>
                            <th scope="col">"By"</th>
                            <th scope="col"><span class="hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.get() key=|row| (row.id.clone(), row.uses) let:row>
                            <Line row=row forget=forget />
                        </For>
                    </tbody>
                </table>
                {nothing}
                {move || {
                    state
                        .get()
                        .and_then(Result::err)
                        .map(|why| {
                            view! {
                                <p class="bad" role="alert">
                                    {why}
                                </p>
                            }
                        })
                }}
            </div>
            {move || {
                next.get()
                    .map(|after| {
                        view! {
                            <button id="memory-more" on:click=move |_| load(Some(after.clone()))>
                                "Show more"
                            </button>
                        }
                    })
            }}
        </main>
    }
}

/// Fields of all templates whose words can be remembered: id and label.
async fn fields_that_teach() -> Result<Vec<(String, String)>, http::Failure> {
    let mut out: Vec<(String, String)> = Vec::new();
    for row in http::get::<Vec<TemplateRow>>(path::TEMPLATES).await? {
        let template: Template = http::get(&fill(path::TEMPLATE, &[&row.id])).await?;
        for field in template.fields().filter(|field| teaches(field)) {
            if !out.iter().any(|(id, _)| *id == field.id) {
                out.push((field.id.clone(), field.label.clone()));
            }
        }
    }
    Ok(out)
}

#[component]
fn Filter(query: RwSignal<MemoryQuery>, fields: RwSignal<Vec<(String, String)>>) -> impl IntoView {
    let given = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    view! {
        <form class="filters" role="search" on:submit=|event| event.prevent_default()>
            <label for="memory-text" class="hidden">
                "Part of the phrase"
            </label>
            <input
                id="memory-text"
                type="search"
                placeholder="Part of the phrase"
                autocomplete="off"
                on:input=move |event| {
                    let q = given(event_target_value(&event));
                    query.update(|query| query.q = q);
                }
            />
            <label for="memory-code" class="hidden">
                "Beginning of a code"
            </label>
            <input
                id="memory-code"
                type="search"
                placeholder="Code"
                autocomplete="off"
                on:input=move |event| {
                    let code = given(event_target_value(&event));
                    query.update(|query| query.code = code);
                }
            />
            <label for="memory-field">"Field"</label>
            <select
                id="memory-field"
                on:change=move |event| {
                    let field = given(event_target_value(&event));
                    query.update(|query| query.field = field);
                }
            >
                <option value="">"all"</option>
                <For each=move || fields.get() key=|field| field.0.clone() let:field>
                    <option value=field.0>{field.1}</option>
                </For>
            </select>
            <label for="memory-kind">"Lesson"</label>
            <select
                id="memory-kind"
                on:change=move |event| {
                    let kind = LessonKind::parse(&event_target_value(&event));
                    query.update(|query| query.kind = kind);
                }
            >
                <option value="">"all"</option>
                {LessonKind::ALL
                    .into_iter()
                    .map(|kind| view! { <option value=kind.as_str()>{kind.label()}</option> })
                    .collect_view()}
            </select>
        </form>
    }
}

#[component]
fn Line(row: MemoryRow, forget: Callback<MemoryRow>) -> impl IntoView {
    let asking = RwSignal::new(false);
    let kept = StoredValue::new(row.clone());
    let confirm = format!("memory-confirm-{}", row.id);
    let ask = format!("memory-ask-{}", row.id);
    let (confirm_id, ask_id) = (StoredValue::new(confirm), StoredValue::new(ask));
    let focus = move |id: StoredValue<String>| {
        // The button is there after the next turn.
        set_timeout(move || id.with_value(|id| dom::focus(id)), std::time::Duration::ZERO);
    };
    let stay = move || {
        asking.set(false);
        focus(ask_id);
    };
    let phrase = row.phrase.clone();
    let delete_label = format!("Delete {phrase}");
    let code = row.code.as_ref().map(|code| code.code.clone());
    let title = row.title.clone();
    let last =
        view! { <time title=moment(row.last_at.0)>{ago(js_sys::Date::now() as i64, row.last_at.0)}</time> };
    let last = match &row.entry {
        Some(entry) => {
            let address = format!("/entries/{}", path::encode(entry.as_str()));
            view! { <a href=address>{last}</a> }.into_any()
        }
        None => last.into_any(),
    };
    view! {
        <tr data-memory=row.id.clone() data-kind=row.kind.as_str()>
            <th scope="row">{phrase}</th>
            <td>{row.field_label.clone()}</td>
            <td class:bad=!row.kind.is_for()>
                <span aria-hidden="true">{shape(row.kind)}</span>
                " "
                {row.kind.label()}
            </td>
            <td>
                {code.map(|code| view! { <code>{code}</code> })} " "
                <span class="faint">{title}</span>
            </td>
            <td class="figure">{row.uses}</td>
            <td class="faint">{last}</td>
            <td>{row.user.to_string()}</td>
            <td>
                {move || {
                    if asking.get() {
                        let told = format!("Forget {}?", plural(kept.with_value(|row| row.uses), "decision", "decisions"));
                        view! {
                            <span
                                class="row"
                                role="group"
                                aria-label="Confirm"
                                on:keydown=move |event| {
                                    if event.key() == "Escape" {
                                        event.stop_propagation();
                                        stay();
                                    }
                                }
                            >
                                <button
                                    class="small"
                                    id=confirm_id.get_value()
                                    on:click=move |_| forget.run(kept.get_value())
                                >
                                    {told}
                                </button>
                                <button class="small quiet" on:click=move |_| stay()>
                                    "Keep"
                                </button>
                            </span>
                        }
                            .into_any()
                    } else {
                        view! {
                            <button
                                class="small"
                                id=ask_id.get_value()
                                aria-label=delete_label.clone()
                                on:click=move |_| {
                                    asking.set(true);
                                    focus(confirm_id);
                                }
                            >
                                "Delete"
                            </button>
                        }
                            .into_any()
                    }
                }}
            </td>
        </tr>
    }
}
