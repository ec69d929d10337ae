//! Code systems, lists and books: what is loaded, bringing in official files, putting away what was brought in.

use std::time::Duration;

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::code_system::{
    ChangedCodes, CodeChange, CodeSystemView, CodeSystems, HoldingKind, Impact, ImportCodesQuery,
    ImportStanding, ImportedCodes, ImportedResult,
};
use overread_api::path::{self, fill};
use overread_api::system::SemanticState;
use overread_api::{ErrorBody, ErrorCode};
use overread_domain::Permission;
use web_sys::{File, FormData};

use super::drop::Drop;
use super::import::at;
use crate::logic::filters::query_of;
use crate::logic::format::{count, plural};
use crate::logic::intake::after_failure;
use crate::shell::App;
use crate::web::http::{self, Failure, sentence};

const EVERY_MS: u64 = 4_000;

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Nothing,
    Busy,
    Done(Box<ImportedCodes>),
    Refused(Box<ErrorBody>, &'static str),
    Failed(String, &'static str),
}

#[component]
pub fn CodeSystemsPage() -> impl IntoView {
    let app = expect_context::<App>();
    let shown = RwSignal::new(None::<Result<CodeSystems, String>>);
    let load = move || {
        leptos::task::spawn_local(async move {
            let answer = http::poll::<CodeSystems>(path::CODE_SYSTEMS).await.map_err(|f| f.message());
            shown.try_set(Some(answer));
        });
    };
    load();
    if let Ok(watch) = set_interval_with_handle(
        move || {
            if !document().hidden() {
                load();
            }
        },
        Duration::from_millis(EVERY_MS),
    ) {
        on_cleanup(move || watch.clear());
    }
    let may = app.may(Permission::ImportCodes);
    let loaded = Callback::new(move |()| load());
    view! {
        <main id="main" class="page">
            <h1>"Code systems"</h1>
            {may.then(|| view! { <BringIn loaded=loaded /> })}
            {move || match shown.get() {
                None => view! { <p class="faint">"Asking …"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad" role="alert">{why}</p> }.into_any(),
                Some(Ok(systems)) => table(app, systems, may, loaded).into_any(),
            }}
        </main>
    }
}

fn kind_word(kind: HoldingKind) -> &'static str {
    match kind {
        HoldingKind::Release => "codes",
        HoldingKind::List => "list",
        HoldingKind::Book => "book",
    }
}

fn table(app: App, systems: CodeSystems, may: bool, loaded: Callback<()>) -> impl IntoView {
    let rows = systems.items.into_iter().map(|item| line(app, item, may, loaded)).collect_view();
    view! {
        <table class="list" id="code-systems">
            <thead>
                <tr>
                    <th>"Name"</th>
                    <th>"Kind"</th>
                    <th>"From"</th>
                    <th>"Today"</th>
                    <th class="number">"Size"</th>
                    <th>"Search by meaning"</th>
                    <th>"Made from"</th>
                    <th></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn line(app: App, item: CodeSystemView, may: bool, loaded: Callback<()>) -> impl IntoView {
    let semantic = match item.semantic {
        None => String::new(),
        Some(SemanticState::Ready) => "✓ ready".to_owned(),
        Some(SemanticState::Absent) => "not there".to_owned(),
        Some(SemanticState::Building { done, total }) => {
            format!(
                "… {:.0} % of {}",
                done as f64 / total.max(1) as f64 * 100.0,
                plural(total, "term", "terms")
            )
        }
    };
    let sources = item
        .sources
        .iter()
        .map(|source| view! { <li title=format!("SHA-256 {}", source.sha256)>{source.name.clone()}</li> })
        .collect_view();
    let asked = RwSignal::new(false);
    let id = StoredValue::new(item.id.clone());
    let remove = move |_| {
        leptos::task::spawn_local(async move {
            let name = id.get_value();
            match http::tell(Method::DELETE, &fill(path::CODE_SYSTEM, &[&name]), None::<&()>).await {
                Ok(()) => app.tell(format!("{name} was put away; its file stays beside the others.")),
                Err(failure) => app.warn(failure.message()),
            }
            loaded.run(());
        });
    };
    let away = (may && item.imported).then(|| {
        view! {
            {move || if asked.get() {
                view! {
                    <span class="row">
                        "Entries keep its codes and are judged by what is left. "
                        <button class="small" data-remove=id.get_value() on:click=remove>"Put it away"</button>
                        <button class="small quiet" on:click=move |_| asked.set(false)>"Keep it"</button>
                    </span>
                }
                .into_any()
            } else {
                view! {
                    <button class="small quiet" on:click=move |_| asked.set(true)>
                        "Put away " <span class="hidden">{id.get_value()}</span> "…"
                    </button>
                }
                .into_any()
            }}
        }
    });
    let name = item.id.clone();
    view! {
        <tr data-id=name>
            <td>
                <b>{item.id}</b>
                <br />
                <span class="faint">{item.title}</span>
            </td>
            <td>{kind_word(item.kind)}</td>
            <td class="date">{item.effective}</td>
            <td class="date">{if item.in_force { "✓ in force" } else { "—" }}</td>
            <td class="number">{count(item.size)}</td>
            <td>{semantic}</td>
            <td><ul class="plain faint">{sources}</ul></td>
            <td>{away}</td>
        </tr>
    }
}

#[component]
fn BringIn(loaded: Callback<()>) -> impl IntoView {
    let files = RwSignal::new_local(Vec::<File>::new());
    let effective = RwSignal::new(String::new());
    let system = RwSignal::new(String::new());
    let replace = RwSignal::new(false);
    let outcome = RwSignal::new(Outcome::Nothing);
    let changed = Callback::new(move |()| {
        if outcome.with_untracked(|outcome| *outcome != Outcome::Busy) {
            outcome.set(Outcome::Nothing);
            replace.set(false);
        }
    });
    let send = move |dry_run: bool| {
        outcome.set(Outcome::Busy);
        let given = |text: RwSignal<String>| {
            let text = text.get_untracked().trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let query = ImportCodesQuery {
            effective: given(effective),
            system: given(system),
            dry_run: Some(dry_run),
            replace: Some(replace.get_untracked()),
        };
        let chosen = files.get_untracked();
        leptos::task::spawn_local(async move {
            let answer = request(&chosen, &query).await;
            let told = match answer {
                Ok(found) => {
                    if found.kept {
                        files.try_set(Vec::new());
                        loaded.run(());
                    }
                    Outcome::Done(Box::new(found))
                }
                Err(Failure::Refused(body)) => {
                    let after = after_failure(Some(body.code.status()), dry_run);
                    Outcome::Refused(body, after)
                }
                Err(failure) => Outcome::Failed(failure.message(), after_failure(None, dry_run)),
            };
            outcome.try_set(told);
        });
    };
    let busy = move || outcome.with(|outcome| *outcome == Outcome::Busy);
    let idle = Signal::derive(move || busy() || files.with(Vec::is_empty));
    let field = move |id: &'static str, label: &'static str, hint: &'static str, value: RwSignal<String>| {
        view! {
            <label for=id>{label}</label>
            <input
                id=id
                type="text"
                autocomplete="off"
                placeholder=hint
                prop:value=value
                on:input=move |event| {
                    value.set(event_target_value(&event));
                    changed.run(());
                }
            />
        }
    };
    view! {
        <section class="stack narrow" id="bring-in">
            <h2>"Bring in official files"</h2>
            <Drop
                files=files
                id="code-files"
                label="Drop files as downloaded here, zipped or not, or choose them: "
                accept=".zip,.xml,.txt,.csv,.tsv"
                problem=|_| None
                changed=changed
            />
            <div class="row">
                {field("code-effective", "In force from", "as the files say, or 2026-10-01", effective)}
                {field("code-system", "Name of a system of your own", "for a CSV: code, title, parent", system)}
            </div>
            <div class="row">
                <button id="codes-check" class="primary" disabled=idle on:click=move |_| send(true)>
                    {move || if busy() { "Reading …" } else { "Check: what would change" }}
                </button>
                <button id="codes-send" disabled=idle on:click=move |_| send(false)>
                    "Import"
                </button>
                <span class="faint">"All of it is taken, or nothing."</span>
            </div>
            <div role="status" aria-live="polite">
                {move || told(outcome.get(), replace)}
            </div>
            <p class="faint">
                "Read are ICD-10-CM (tabular XML with the order or code list, index, neoplasm and drug tables, external causes), "
                "ICD-10-PCS (tables, order file, index, definitions), HCPCS Level II, MCE lists, POA-exempt codes, CCSR, CMS-HCC, "
                "GEMs, NCCI edits, ICD-11, CPT, and CSV files of your own. Licensed content is yours to bring; none comes with the product."
            </p>
        </section>
    }
}

async fn request(files: &[File], query: &ImportCodesQuery) -> Result<ImportedCodes, Failure> {
    let parts = FormData::new().map_err(|_| Failure::Away)?;
    for file in files {
        let _ = parts.append_with_blob_and_filename("file", file, &file.name());
    }
    http::upload_parts(&format!("{}{}", path::CODE_SYSTEMS, query_of(query)), parts.into()).await
}

fn told(outcome: Outcome, replace: RwSignal<bool>) -> AnyView {
    match outcome {
        Outcome::Nothing => ().into_any(),
        Outcome::Busy => {
            view! { <p class="faint">"Reading; a whole code system takes some seconds …"</p> }.into_any()
        }
        Outcome::Failed(why, after) => view! { <p class="bad">{why} " " {after}</p> }.into_any(),
        Outcome::Refused(body, after) => {
            let taken = body.code == ErrorCode::Conflict;
            let places = body.places.iter().map(|place| view! { <li>{at(place)}</li> }).collect_view();
            view! {
                <section id="codes-errors" class="stack">
                    <p class="bad">"▲ " {sentence(&body.message)} " " {after}</p>
                    <ul class="places">{places}</ul>
                    {taken
                        .then(|| {
                            view! {
                                <label>
                                    <input
                                        id="code-replace"
                                        type="checkbox"
                                        prop:checked=replace
                                        on:change=move |event| replace.set(event_target_checked(&event))
                                    />
                                    " Take its place. Codes that only it had are then unknown on the entries of its time."
                                </label>
                            }
                        })}
                </section>
            }
            .into_any()
        }
        Outcome::Done(found) => {
            let results = found.results.iter().map(|result| view! { <li>{one(result)}</li> }).collect_view();
            let files = found
                .files
                .iter()
                .map(|file| view! { <li><code>{file.name.clone()}</code> " " {file.taken_for.clone()}</li> })
                .collect_view();
            let head = if found.kept {
                "Imported, and in use from now on."
            } else {
                "Checked. Nothing was changed."
            };
            view! {
                <section id="codes-result" class="sheet stack">
                    <p><b>{head}</b></p>
                    <ul class="plain">{results}</ul>
                    <details>
                        <summary>{plural(found.files.len() as u64, "file", "files")} " read"</summary>
                        <ul>{files}</ul>
                    </details>
                </section>
            }
            .into_any()
        }
    }
}

fn one(result: &ImportedResult) -> impl IntoView + use<> {
    let standing = match result.standing {
        ImportStanding::New => "new",
        ImportStanding::Same => "there already with the same content",
        ImportStanding::Replaces => "takes the place of what is there",
    };
    let changes = result.changes.as_ref().map(|changes| {
        view! {
            <div>
                "Against " <b>{changes.against.clone()}</b> ":"
                {some("added", &changes.added)}
                {some("deleted", &changes.deleted)}
                {some("worded anew", &changes.revised)}
                {some("complete, or no longer", &changes.completeness)}
            </div>
        }
    });
    let impact = result.impact.as_ref().map(impact);
    view! {
        <p>
            {result.told.clone()}
            ", in force from "
            {result.effective.clone()}
            " "
            <span class="tag">{standing}</span>
        </p>
        {changes}
        {impact}
    }
}

fn some(what: &'static str, codes: &ChangedCodes) -> impl IntoView + use<> {
    let head = format!("{} {what}", count(codes.count));
    if codes.codes.is_empty() {
        return view! { <p class="faint">{head}</p> }.into_any();
    }
    let more = if codes.count as usize > codes.codes.len() { " …" } else { "" };
    view! {
        <details data-changes=what>
            <summary>{head}</summary>
            <p class="faint">{codes.codes.join(" ")} {more}</p>
        </details>
    }
    .into_any()
}

fn impact(found: &Impact) -> impl IntoView + use<> {
    if found.touched == 0 {
        let all = plural(found.entries, "entry", "entries");
        return view! { <p data-impact="0">"Of " {all} " that are not finished and that it would judge, none holds a code it changes."</p> }
            .into_any();
    }
    let codes = found
        .codes
        .iter()
        .map(|code| {
            let what = match code.change {
                CodeChange::Deleted => "is gone",
                CodeChange::Incomplete => "is complete no longer",
                CodeChange::Revised => "is worded anew",
            };
            let examples = code
                .examples
                .iter()
                .map(|entry| view! { <a href=format!("/entries/{}", path::encode(entry.as_str()))>{entry.to_string()}</a> " " })
                .collect_view();
            view! {
                <li>
                    <b>{code.code.clone()}</b>
                    " " {what} " · " {plural(code.entries, "entry", "entries")} " " {examples}
                </li>
            }
        })
        .collect_view();
    view! {
        <div data-impact=found.touched>
            <p>
                "▲ " <b>{plural(found.touched, "entry", "entries")}</b> " of "
                {count(found.entries)} " that are not finished hold codes that it changes:"
            </p>
            <ul>{codes}</ul>
        </div>
    }
    .into_any()
}
