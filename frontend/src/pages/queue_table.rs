//! The queue's parts: progress, filters, table.

use leptos::prelude::*;
use overread_api::entry::{EntryRow, QueueSort, SuggestingState};
use overread_api::path;
use overread_domain::suggestion::Band;
use overread_domain::{EntryStatus, Permission};

use super::home::List;
use crate::logic::filters::{Filters, SORTS, parse_sort, sort_name};
use crate::logic::format::{ago, band_shape, band_word, count, plural, status_shape, status_word};
use crate::logic::keymap::{Command, Scope};
use crate::shell::{App, Key, go};
use crate::web::dom;

#[component]
pub fn Progress(list: List) -> impl IntoView {
    let app = expect_context::<App>();
    let key = Signal::derive(move || app.hint(Scope::Queue, Command::OpenNext));
    let bar = move || {
        list.progress.get().map(|p| {
            let total = (p.open + p.in_progress + p.exception + p.finished).max(1);
            let share = move |n: u64| format!("{:.3}%", n as f64 / total as f64 * 100.0);
            let part = move |class: &'static str, n: u64, status: EntryStatus| {
                view! {
                    <li class=class>
                        <span aria-hidden="true">{status_shape(status)}</span>
                        {format!(" {} ", status_word(status).to_lowercase())}
                        <b>{count(n)}</b>
                    </li>
                }
            };
            view! {
                <div class="bar" role="img" aria-label=format!("{} of {} finished", p.finished, total)>
                    <i class="finished" style:width=share(p.finished)></i>
                    <i class="exception" style:width=share(p.exception)></i>
                    <i class="in_progress" style:width=share(p.in_progress)></i>
                </div>
                <ul class="legend">
                    {part("finished", p.finished, EntryStatus::Finished)}
                    {part("exception", p.exception, EntryStatus::Exception)}
                    {part("in_progress", p.in_progress, EntryStatus::InProgress)}
                    {part("open", p.open, EntryStatus::Open)}
                    {(p.suggesting > 0)
                        .then(|| {
                            view! {
                                <li class="suggesting">
                                    "… the model reads "
                                    <b>{count(p.suggesting)}</b>
                                </li>
                            }
                        })}
                    {(p.failed > 0)
                        .then(|| view! { <li class="bad">"▲ " <b>{count(p.failed)}</b> " without suggestions"</li> })}
                    <li class="grow"></li>
                    <li>
                        "You today: "
                        <b>{plural(p.my_decisions_today, "decision", "decisions")}</b>
                        ", "
                        <b>{plural(p.my_finished_today, "entry", "entries")}</b>
                        " finished"
                    </li>
                </ul>
            }
        })
    };
    view! {
        <section class="progress" aria-label="Progress">
            <header class="row">
                <h1>"Queue"</h1>
                <span class="grow"></span>
                <button
                    id="open-next"
                    class="primary"
                    on:click=move |_| {
                        leptos::task::spawn_local(super::home::next(app, list.filters.get_untracked()));
                    }
                >
                    <Key text=key />
                    " Review the next"
                </button>
            </header>
            {bar}
        </section>
    }
}

#[component]
pub fn Filter(list: List, change: Callback<Filters>) -> impl IntoView {
    let filters = list.filters;
    let with = move |edit: &dyn Fn(&mut Filters)| {
        let mut next = filters.get_untracked();
        edit(&mut next);
        change.run(next);
    };
    let types = move || {
        let chosen = filters.with(|f| f.document_type.clone());
        let known = list.progress.with(|p| p.as_ref().map(|p| p.document_types.clone()).unwrap_or_default());
        known
            .into_iter()
            .map(|kind| {
                let on = chosen.as_ref() == Some(&kind.document_type);
                let label = format!("{} ({})", kind.document_type, kind.entries);
                view! {
                    <option value=kind.document_type selected=on>
                        {label}
                    </option>
                }
            })
            .collect_view()
    };
    let only_own = only_own_finished(&expect_context::<App>());
    view! {
        <form class="filters" role="search" on:submit=|event| event.prevent_default()>
            <label for="queue-text" class="hidden">
                "Part of id or title"
            </label>
            <input
                id="queue-text"
                type="search"
                placeholder="Filter by id or title  ( / )"
                prop:value=move || filters.with(|f| f.text.clone())
                on:input=move |event| with(&|f| f.text = event_target_value(&event))
                on:keydown=move |event| {
                    if matches!(event.key().as_str(), "Escape" | "Enter") {
                        event.prevent_default();
                        dom::focus("queue");
                    }
                }
            />
            <label for="queue-status">"Status"</label>
            <select
                id="queue-status"
                on:change=move |event| with(&|f| f.status = EntryStatus::parse(&event_target_value(&event)))
            >
                <option value="" selected=move || filters.with(|f| f.status.is_none())>
                    "all"
                </option>
                {EntryStatus::ALL
                    .into_iter()
                    .map(|status| {
                        view! {
                            <option
                                value=status.as_str()
                                selected=move || filters.with(|f| f.status == Some(status))
                            >
                                {status_word(status)}
                                {(status == EntryStatus::Finished && only_own).then_some(" by me")}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <label for="queue-type">"Type"</label>
            <select
                id="queue-type"
                on:change=move |event| {
                    let value = event_target_value(&event);
                    with(&|f| f.document_type = (!value.is_empty()).then(|| value.clone()));
                }
            >
                <option value="">"all"</option>
                {types}
            </select>
            <label for="queue-sort">"Order"</label>
            <select id="queue-sort" on:change=move |event| with(&|f| f.sort = parse_sort(&event_target_value(&event)))>
                {SORTS
                    .into_iter()
                    .map(|(sort, name, label)| {
                        let on = move || filters.with(|f| sort_name(f.sort) == sort_name(sort));
                        view! {
                            <option value=name selected=on>
                                {label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <button
                type="button"
                class="small quiet"
                class:gone=move || filters.with(|f| !f.is_narrow() && f.sort == QueueSort::Oldest)
                on:click=move |_| change.run(Filters::default())
            >
                "Clear"
            </button>
        </form>
    }
}

#[component]
pub fn Table(list: List) -> impl IntoView {
    let indexed = move || list.rows.get().into_iter().enumerate();
    view! {
        <div id="queue" class="scroll" tabindex="0" role="region" aria-label="Entries">
            <table class="list">
                <thead>
                    <tr>
                        <th scope="col">"Note"</th>
                        <th scope="col">"Type"</th>
                        <th scope="col">"Date"</th>
                        <th scope="col" class="figure">
                            "Words"
                        </th>
                        <th scope="col">"Decided"</th>
                        <th scope="col">"Confidence"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"With"</th>
                        <th scope="col">"Changed"</th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=indexed
                        key=|(at, row)| {
                            (*at, row.id.clone(), row.revision, row.updated_at, row.suggesting as u8, row.lease.clone().map(|l| l.until))
                        }
                        children=move |(at, row)| view! { <Line at=at row=row list=list /> }
                    />
                </tbody>
            </table>
            <Empty list=list />
            <button
                id="queue-more"
                class:gone=move || list.next.with(Option::is_none)
                on:click=move |_| leptos::task::spawn_local(list.more())
            >
                "More"
            </button>
        </div>
    }
}

#[component]
fn Line(at: usize, row: EntryRow, list: List) -> impl IntoView {
    let here = Memo::new(move |_| list.current.get() == at);
    let id = row.id.to_string();
    let to = format!("/entries/{}", path::encode(&id));
    let link = to.clone();
    let title = row.meta.title.clone().unwrap_or_else(|| row.note.to_string());
    let note = row.meta.title.is_some().then(|| row.note.to_string());
    let decided = match row.suggesting {
        SuggestingState::Queued => view! { <span class="faint">"… waiting"</span> }.into_any(),
        SuggestingState::Running => view! { <span class="faint">"… reading"</span> }.into_any(),
        SuggestingState::Failed => view! { <span class="bad">"▲ none"</span> }.into_any(),
        SuggestingState::Done if row.suggested == 0 => {
            view! { <span class="faint">"none suggested"</span> }.into_any()
        }
        SuggestingState::Done => view! {
            <progress max=row.suggested.max(1) value=row.decided aria-label="Decided"></progress>
            {format!(" {}/{}", row.decided, row.suggested)}
        }
        .into_any(),
    };
    let confidence = row.confidence.map(|confidence| {
        let band = Band::of(confidence);
        view! {
            <span class=format!("band {}", band_word(band))>
                <span aria-hidden="true">{band_shape(band)}</span>
                {format!(" {} {:.0} %", band_word(band), confidence * 100.0)}
            </span>
        }
    });
    let status = row.status;
    let cause = row.exception_cause.map(|cause| format!(": {}", cause.label()));
    let with =
        row.lease.as_ref().filter(|lease| lease.until.0 > dom::now()).map(|lease| lease.user.to_string());
    let updated = row.updated_at.0;
    view! {
        <tr
            id=format!("entry-{at}")
            data-entry=id
            data-note=row.note.to_string()
            data-status=status.as_str()
            data-current=move || here.get().then_some("")
            aria-current=move || here.get().then_some("true")
            on:click=move |_| {
                list.current.set(at);
                go(&to);
            }
        >
            <td class="note">
                <a
                    href=link
                    on:click=|event| {
                        // The row opens the entry; with these keys the browser opens another tab.
                        if event.ctrl_key() || event.meta_key() || event.shift_key() {
                            event.stop_propagation();
                        } else {
                            event.prevent_default();
                        }
                    }
                >
                    {title}
                </a>
                {note.map(|note| view! { <span class="faint">{note}</span> })}
            </td>
            <td>{row.meta.document_type.clone()}</td>
            <td>{row.meta.service_date.clone()}</td>
            <td class="figure">{count(row.words.into())}</td>
            <td class="decided">{decided}</td>
            <td>{confidence}</td>
            <td>
                <span class="status" data-status=status.as_str()>
                    <span aria-hidden="true">{status_shape(status)}</span>
                    " "
                    {status_word(status)}
                    {cause}
                </span>
            </td>
            <td>{with}</td>
            <td class="faint">{move || ago(list.now.get(), updated)}</td>
        </tr>
    }
}

fn only_own_finished(app: &App) -> bool {
    app.view().is_some_and(|view| !view.role.sees_finished())
}

#[component]
fn Empty(list: List) -> impl IntoView {
    let app = expect_context::<App>();
    let empty =
        move || list.loaded.get() && list.rows.with(Vec::is_empty) && list.failed.with(Option::is_none);
    view! {
        <Show when=empty>
            <div id="queue-empty" class="empty">
                {move || {
                    let finished = list.filters.with(|f| f.status == Some(EntryStatus::Finished));
                    if finished && only_own_finished(&app) {
                        view! {
                            <p>"Here stand finished entries that you worked on. Those of others are listed for coders and QA leads."</p>
                        }
                            .into_any()
                    } else if list.filters.with(Filters::is_narrow) {
                        view! { <p>"No entry fits these filters."</p> }.into_any()
                    } else if app.may(Permission::ImportNotes) {
                        view! {
                            <p>"Nothing is here yet."</p>
                            <a class="button primary" href="/import">
                                "Import notes"
                            </a>
                        }
                            .into_any()
                    } else {
                        view! { <p>"Nothing is here yet. A QA lead or an administrator imports notes."</p> }.into_any()
                    }
                }}
            </div>
        </Show>
    }
}
