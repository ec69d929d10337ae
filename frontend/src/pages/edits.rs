//! The coding edits' levels: seen by everybody, set by QA leads and administrators, tried on past entries before they hold.

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::edit::{EditsView, PutEdits, SimulateEdits, SimulatedEdits};
use overread_api::path;
use overread_domain::{Level, Permission, RuleLevels};

use crate::logic::checks::level_word;
use crate::logic::format::{moment, plural};
use crate::shell::App;
use crate::web::http;

#[component]
pub fn Edits() -> impl IntoView {
    let app = expect_context::<App>();
    let view = RwSignal::new(None::<Result<EditsView, String>>);
    let levels = RwSignal::new(RuleLevels::default());
    // Empty: for all notes; else for one document type.
    let queue = RwSignal::new(String::new());
    let comment = RwSignal::new(String::new());
    let tried = RwSignal::new(None::<SimulatedEdits>);
    let busy = RwSignal::new(false);
    let take = move |answer: Result<EditsView, String>| {
        if let Ok(view) = &answer {
            levels.set(view.levels.clone());
        }
        view.set(Some(answer));
    };
    leptos::task::spawn_local(async move {
        let answer = http::get::<EditsView>(path::EDITS).await.map_err(|failure| failure.message());
        take(answer);
    });
    let may = app.may(Permission::EditRules);
    let changed = move || {
        view.with(|v| {
            v.as_ref().and_then(|v| v.as_ref().ok()).is_some_and(|v| levels.with(|l| *l != v.levels))
        })
    };
    let simulate = move |_| {
        busy.set(true);
        let request = SimulateEdits { levels: levels.get_untracked() };
        leptos::task::spawn_local(async move {
            match http::post::<SimulatedEdits>(path::SIMULATE_EDITS, &request).await {
                Ok(answer) => drop(tried.try_set(Some(answer))),
                Err(failure) => app.warn(failure.message()),
            }
            busy.try_set(false);
        });
    };
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(version) =
            view.with_untracked(|v| v.as_ref().and_then(|v| v.as_ref().ok()).map(|v| v.version))
        else {
            return;
        };
        let request = PutEdits {
            expected_version: version,
            levels: levels.get_untracked(),
            comment: comment.get_untracked(),
        };
        leptos::task::spawn_local(async move {
            match http::send::<EditsView>(Method::PUT, path::EDITS, &request).await {
                Ok(saved) => {
                    app.tell(format!("Version {} of the levels holds from now on.", saved.version));
                    comment.try_set(String::new());
                    tried.try_set(None);
                    take(Ok(saved));
                }
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    let set = move |rule: String, value: String| {
        let level = Level::ALL.into_iter().find(|level| level.as_str() == value);
        let queue = queue.get_untracked();
        levels.update(|levels| {
            let own = if queue.is_empty() {
                &mut levels.levels
            } else {
                levels.by_document_type.entry(queue.clone()).or_default()
            };
            match level {
                Some(level) => drop(own.insert(rule, level)),
                None => drop(own.remove(&rule)),
            }
            levels.by_document_type.retain(|_, own| !own.is_empty());
        });
        tried.set(None);
    };
    let table = move |edits: EditsView| {
        edits
            .rules
            .into_iter()
            .map(|rule| {
                let number = rule.number.clone();
                let (own, seen) = (number.clone(), number.clone());
                let now = move || {
                    let queue = queue.get();
                    levels.with(|levels| {
                        let set = if queue.is_empty() {
                            levels.levels.get(&own)
                        } else {
                            levels.by_document_type.get(&queue).and_then(|levels| levels.get(&own))
                        };
                        set.map_or("", |level| level.as_str())
                    })
                };
                let default = rule.default;
                let found = move || {
                    tried.with(|t| {
                        t.as_ref().map(|t| {
                            let rule = t.rules.get(&seen).copied().unwrap_or_default();
                            format!("{} → {}", rule.now, rule.then)
                        })
                    })
                };
                let change = number.clone();
                view! {
                    <tr data-rule=number.clone()>
                        <th scope="row">{number.clone()}</th>
                        <td>
                            {rule.title}
                            <br />
                            <span class="faint">{rule.citation}</span>
                        </td>
                        <td>
                            <select
                                aria-label=format!("Level of {number}")
                                disabled=!may
                                prop:value=now
                                on:change=move |event| set(change.clone(), event_target_value(&event))
                            >
                                <option value="">{format!("as the rule says ({})", level_word(default))}</option>
                                {Level::ALL
                                    .into_iter()
                                    .map(|level| view! { <option value=level.as_str()>{level_word(level)}</option> })
                                    .collect_view()}
                            </select>
                        </td>
                        <td class="figure">{found}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    let history = move |edits: &EditsView| {
        edits
            .history
            .iter()
            .map(|version| {
                view! {
                    <li>
                        <b>{version.version}</b>
                        " "
                        {moment(version.at.0)}
                        " "
                        {version.user.to_string()}
                        ": "
                        {version.comment.clone()}
                    </li>
                }
            })
            .collect_view()
    };
    let verdict = move || {
        tried.get().map(|tried| {
            view! {
                <p id="simulated" role="status">
                    {format!(
                        "Of the latest {}, {} would have been kept open by an error with the levels that hold, {} with these ({} that are not now).",
                        plural(u64::from(tried.entries), "finished entry", "finished entries"),
                        tried.blocked_now,
                        tried.blocked_then,
                        tried.newly_blocked.len(),
                    )}
                </p>
            }
        })
    };
    view! {
        <main id="main" class="page">
            <h1>"Checks"</h1>
            <p class="faint">
                "What is looked at in every entry, and how much it weighs. An error keeps an entry from being finished until it is mended or overridden with a reason."
            </p>
            {move || match view.get() {
                None => view! { <p class="faint">"…"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad" role="alert">{why}</p> }.into_any(),
                Some(Ok(edits)) => {
                    let earlier = history(&edits);
                    let any = !edits.history.is_empty();
                    view! {
                        {may
                            .then(|| {
                                view! {
                                    <form class="row" on:submit=save>
                                        <label for="edits-queue">"For"</label>
                                        <input
                                            id="edits-queue"
                                            type="text"
                                            placeholder="all notes, or a document type"
                                            prop:value=queue
                                            on:change=move |event| queue.set(event_target_value(&event).trim().to_owned())
                                        />
                                        <button type="button" class="small" disabled=move || busy.get() on:click=simulate>
                                            "Try on past entries"
                                        </button>
                                        <label for="edits-comment">"Why"</label>
                                        <input
                                            id="edits-comment"
                                            type="text"
                                            required=true
                                            prop:value=comment
                                            on:input=move |event| comment.set(event_target_value(&event))
                                        />
                                        <button class="primary small" type="submit" disabled=move || !changed()>
                                            "Save as a new version"
                                        </button>
                                    </form>
                                    {verdict}
                                }
                            })}
                        <div class="scroll" tabindex="0" role="region" aria-label="Rules">
                            <table class="list" id="edits">
                                <thead>
                                    <tr>
                                        <th scope="col">"Rule"</th>
                                        <th scope="col">"What it looks at"</th>
                                        <th scope="col">"Level"</th>
                                        <th scope="col" class="figure">"Found"</th>
                                    </tr>
                                </thead>
                                <tbody>{table(edits)}</tbody>
                            </table>
                        </div>
                        {any
                            .then(|| {
                                view! {
                                    <h2>"Versions"</h2>
                                    <ul class="stack">{earlier}</ul>
                                }
                            })}
                    }
                        .into_any()
                }
            }}
        </main>
    }
}
