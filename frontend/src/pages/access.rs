//! Notes opened with a reason: opening one, what is open now, and judging what others opened.

use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use overread_api::access::{JudgeNote, OpenNote, OpenedKind, OpenedNote, OpenedQuery};
use overread_api::path::{self, fill};
use overread_api::{ErrorCode, Page};
use overread_domain::{NoteId, Permission};

use crate::logic::filters::query_of;
use crate::logic::format::moment;
use crate::shell::App;
use crate::web::http;

#[component]
pub fn Access() -> impl IntoView {
    let app = expect_context::<App>();
    view! {
        <main id="main" class="page">
            <h1>"Opened with a reason"</h1>
            {app.may(Permission::ReadEntries).then(|| view! { <Mine /> })}
            {app.may(Permission::ReviewAccess).then(|| view! { <Judging /> })}
        </main>
    }
}

fn kind(kind: OpenedKind) -> &'static str {
    match kind {
        OpenedKind::Emergency => "▲ outside of what is open to them",
        OpenedKind::AsWritten => "● as written",
    }
}

#[component]
fn Mine() -> impl IntoView {
    let app = expect_context::<App>();
    let open = RwSignal::new(Vec::<OpenedNote>::new());
    let problem = RwSignal::new(None::<String>);
    let (note, reason) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let load = move || {
        leptos::task::spawn_local(async move {
            match http::get::<Vec<OpenedNote>>(path::MY_OPENED).await {
                Ok(all) => drop(open.try_set(all)),
                Err(failure) => drop(problem.try_set(Some(failure.message()))),
            }
        });
    };
    load();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let request = OpenNote {
            note: NoteId::new(note.get_untracked().trim()),
            reason: reason.get_untracked().trim().to_owned(),
        };
        leptos::task::spawn_local(async move {
            match http::post::<OpenedNote>(path::OPENED, &request).await {
                Ok(opened) => {
                    problem.try_set(None);
                    note.try_set(String::new());
                    reason.try_set(String::new());
                    app.tell(format!("{} is open until {} (UTC).", opened.note, moment(opened.until.0)));
                    load();
                }
                Err(failure) => drop(problem.try_set(Some(told(&failure)))),
            }
        });
    };
    let end = move |id: String| {
        leptos::task::spawn_local(async move {
            let path = fill(path::ONE_OPENED, &[&id]);
            if let Err(failure) = http::tell(Method::DELETE, &path, None::<&()>).await {
                app.warn(failure.message());
            }
            load();
        });
    };
    view! {
        <section class="sheet stack" aria-labelledby="open-title">
            <h2 id="open-title">"Open a note in an emergency"</h2>
            <p class="faint">
                "For a note that is not among those open to you. It is on record at once, ends by itself, and somebody else \
                 judges the reason."
            </p>
            <form class="row" on:submit=submit>
                <label for="open-note">"Note"</label>
                <input
                    id="open-note"
                    type="text"
                    required=true
                    autocomplete="off"
                    placeholder="its id"
                    prop:value=note
                    on:input=move |event| note.set(event_target_value(&event))
                />
                <label for="open-reason">"Why"</label>
                <input
                    id="open-reason"
                    class="wide"
                    type="text"
                    required=true
                    minlength="10"
                    maxlength="500"
                    autocomplete="off"
                    prop:value=reason
                    on:input=move |event| reason.set(event_target_value(&event))
                />
                <button id="open-submit" type="submit">"Open"</button>
            </form>
            {move || problem.get().map(|why| view! { <p class="bad" role="alert">{why}</p> })}
            <ul class="plain" id="open-now">
                {move || {
                    open.get()
                        .into_iter()
                        .map(|opened| {
                            let id = opened.id.clone();
                            let links = opened
                                .entries
                                .iter()
                                .map(|entry| {
                                    let to = format!("/entries/{}", path::encode(entry.as_str()));
                                    view! { <a href=to>{opened.note.to_string()}</a> " " }
                                })
                                .collect_view();
                            view! {
                                <li data-opened=opened.id.clone()>
                                    {links}
                                    <span class="faint">
                                        "until " {moment(opened.until.0)} " (UTC): " {opened.reason.clone()} " "
                                    </span>
                                    <button class="small" on:click=move |_| end(id.clone())>
                                        "Give up"
                                    </button>
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
        </section>
    }
}

/// Why a note was not opened, for people.
pub fn told(failure: &http::Failure) -> String {
    match failure.code() {
        Some(ErrorCode::NotFound) => "There is no such note.".to_owned(),
        _ => failure.message(),
    }
}

#[component]
fn Judging() -> impl IntoView {
    let rows = RwSignal::new(Vec::<OpenedNote>::new());
    let next = RwSignal::new(None::<String>);
    let asked = RwSignal::new(false);
    let waiting = RwSignal::new(true);
    let problem = RwSignal::new(None::<String>);
    let turn = StoredValue::new(0u32);
    let load = move |after: Option<String>| {
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        let query =
            OpenedQuery { waiting: Some(waiting.get_untracked()), after: after.clone(), limit: Some(50) };
        leptos::task::spawn_local(async move {
            let answer =
                http::get::<Page<OpenedNote>>(&format!("{}{}", path::OPENED, query_of(&query))).await;
            if turn.try_get_value() != Some(mine) {
                return;
            }
            asked.try_set(true);
            match answer {
                Ok(page) => {
                    next.try_set(page.next);
                    if after.is_some() {
                        rows.try_update(|rows| rows.extend(page.items));
                    } else {
                        rows.try_set(page.items);
                    }
                }
                Err(failure) => drop(problem.try_set(Some(failure.message()))),
            }
        });
    };
    load(None);
    let judged = Callback::new(move |()| load(None));
    view! {
        <section aria-labelledby="judge-title">
            <h2 id="judge-title">"What others opened"</h2>
            <div class="row">
                <label>
                    <input
                        id="judge-waiting"
                        type="checkbox"
                        prop:checked=waiting
                        on:change=move |event| {
                            waiting.set(event_target_checked(&event));
                            load(None);
                        }
                    />
                    " only what nobody judged yet"
                </label>
            </div>
            {move || problem.get().map(|why| view! { <p class="bad" role="alert">{why}</p> })}
            <div class="scroll" tabindex="0" role="region" aria-label="What others opened">
                <table class="list" id="judging">
                    <thead>
                        <tr>
                            <th scope="col">"When (UTC)"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col">"Note"</th>
                            <th scope="col">"How"</th>
                            <th scope="col">"Why"</th>
                            <th scope="col">"Judgement"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For
                            each=move || rows.get()
                            key=|row| (row.id.clone(), row.judgement.is_some())
                            children=move |row| view! { <Line opened=row judged=judged /> }
                        />
                    </tbody>
                </table>
            </div>
            {move || {
                (asked.get() && rows.with(Vec::is_empty))
                    .then(|| view! { <p class="faint" id="judging-none">"Nothing waits to be judged."</p> })
            }}
            {move || {
                next.get()
                    .map(|after| {
                        view! { <button on:click=move |_| load(Some(after.clone()))>"Older"</button> }
                    })
            }}
        </section>
    }
}

#[component]
fn Line(opened: OpenedNote, judged: Callback<()>) -> impl IntoView {
    let app = expect_context::<App>();
    let comment = RwSignal::new(String::new());
    let id = StoredValue::new(opened.id.clone());
    let own = app.user().as_ref() == Some(&opened.user);
    let judge = move |justified: bool| {
        let comment = comment.get_untracked().trim().to_owned();
        if !justified && comment.is_empty() {
            app.warn("Say what is wrong with the reason.");
            return;
        }
        let path = fill(path::JUDGEMENT, &[&id.get_value()]);
        leptos::task::spawn_local(async move {
            match http::post::<OpenedNote>(&path, &JudgeNote { justified, comment }).await {
                Ok(_) => app.tell(if justified { "Justified." } else { "Not justified; it is on record." }),
                Err(failure) => app.warn(failure.message()),
            }
            judged.run(());
        });
    };
    let judgement = match opened.judgement.clone() {
        Some(judgement) => {
            let word = if judgement.justified { "✓ justified" } else { "✕ not justified" };
            view! {
                <td>
                    {word} <span class="faint">" " {judgement.by.to_string()} ": " {judgement.comment}</span>
                </td>
            }
            .into_any()
        }
        None if own => view! { <td class="faint">"somebody else judges it"</td> }.into_any(),
        None => view! {
            <td><span class="row">
                <input
                    type="text"
                    autocomplete="off"
                    aria-label=format!("Remark on what {} opened", opened.user)
                    placeholder="remark"
                    prop:value=comment
                    on:input=move |event| comment.set(event_target_value(&event))
                />
                <button class="small" data-judge="yes" on:click=move |_| judge(true)>"Justified"</button>
                <button class="small" data-judge="no" on:click=move |_| judge(false)>"Not justified"</button>
            </span></td>
        }
        .into_any(),
    };
    view! {
        <tr data-opened=opened.id.clone()>
            <td class="date">{moment(opened.created_at.0)}</td>
            <td>{opened.user.to_string()}</td>
            <td>{opened.note.to_string()}</td>
            <td>{kind(opened.kind)}</td>
            <td class="words">{opened.reason.clone()}</td>
            {judgement}
        </tr>
    }
}
