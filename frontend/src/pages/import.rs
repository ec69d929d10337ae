//! Import of notes: files or pasted text, checked first if wanted; all of it or nothing.

use leptos::prelude::*;
use overread_api::import::{ImportQuery, ImportView};
use overread_api::{ErrorBody, Place, path};
use wasm_bindgen::JsValue;
use web_sys::{File, FormData};

use super::drop::Drop;
use crate::logic::filters::query_of;
use crate::logic::format::{count, plural};
use crate::logic::intake::{self, Form, Ready};
use crate::web::http::{self, Failure, sentence};

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Nothing,
    Busy,
    Checked(ImportView),
    Imported(ImportView),
    /// What was refused, and what became of it.
    Refused(Box<ErrorBody>, &'static str),
    Failed(String, &'static str),
}

#[derive(Clone, Copy)]
struct Desk {
    files: RwSignal<Vec<File>, LocalStorage>,
    text: RwSignal<String>,
    id: RwSignal<String>,
    title: RwSignal<String>,
    outcome: RwSignal<Outcome>,
}

/// What one request takes: what is added or typed meanwhile stays on the page.
struct Load {
    files: Vec<File>,
    text: String,
    id: String,
    title: String,
}

impl Desk {
    /// What was said about another choice no longer holds; a request on its way goes on.
    fn changed(self) {
        if self.outcome.with_untracked(|outcome| *outcome != Outcome::Busy) {
            self.outcome.set(Outcome::Nothing);
        }
    }

    fn pasted_form(self) -> Form {
        self.text.with(|text| intake::of_paste(text))
    }

    fn ready(self) -> Ready {
        let files = self.files.with(Vec::len);
        self.text.with(|text| self.id.with(|id| Ready::of(files, text, id)))
    }

    fn load(self) -> Load {
        Load {
            files: self.files.get_untracked(),
            text: self.text.get_untracked(),
            id: self.id.get_untracked(),
            title: self.title.get_untracked(),
        }
    }

    /// Takes off the page what is in the database now.
    fn clear(self, sent: &Load) {
        if !sent.files.is_empty() {
            self.files.try_update(|files| files.retain(|file| !sent.files.contains(file)));
            return;
        }
        if self.text.try_with_untracked(|text| *text == sent.text) == Some(true) {
            for field in [self.text, self.id, self.title] {
                field.try_set(String::new());
            }
        }
    }

    fn send(self, dry_run: bool) {
        self.outcome.set(Outcome::Busy);
        let load = self.load();
        leptos::task::spawn_local(async move {
            let answer = request(&load, dry_run).await;
            let outcome = match answer {
                Ok(view) if dry_run => Outcome::Checked(view),
                Ok(view) => {
                    self.clear(&load);
                    Outcome::Imported(view)
                }
                Err(Failure::Refused(body)) => {
                    let after = intake::after_failure(Some(body.code.status()), dry_run);
                    Outcome::Refused(body, after)
                }
                Err(failure) => Outcome::Failed(failure.message(), intake::after_failure(None, dry_run)),
            };
            self.outcome.try_set(outcome);
        });
    }
}

async fn request(load: &Load, dry_run: bool) -> Result<ImportView, Failure> {
    let mut query = ImportQuery { dry_run: Some(dry_run), ..ImportQuery::default() };
    if load.files.is_empty() {
        let form = intake::of_paste(&load.text);
        if form == Form::Text {
            let title = load.title.trim().to_owned();
            query.id = Some(load.id.trim().to_owned());
            query.title = (!title.is_empty()).then_some(title);
        }
        let path = format!("{}{}", path::IMPORT, query_of(&query));
        return http::upload(&path, form.content_type(), JsValue::from_str(&load.text)).await;
    }
    let parts = FormData::new().map_err(|_| Failure::Away)?;
    for file in &load.files {
        let _ = parts.append_with_blob_and_filename("file", file, &file.name());
    }
    let path = format!("{}{}", path::IMPORT, query_of(&query));
    http::upload_parts(&path, parts.into()).await
}

#[component]
pub fn Import() -> impl IntoView {
    let desk = Desk {
        files: RwSignal::new_local(Vec::new()),
        text: RwSignal::new(String::new()),
        id: RwSignal::new(String::new()),
        title: RwSignal::new(String::new()),
        outcome: RwSignal::new(Outcome::Nothing),
    };
    let busy = Signal::derive(move || desk.outcome.with(|outcome| *outcome == Outcome::Busy));
    let idle = move || busy.get() || !desk.ready().may_send();
    view! {
        <main id="main" class="page narrow">
            <h1>"Import notes"</h1>
            <Drop
                files=desk.files
                id="import-files"
                label="Drop .jsonl or .txt files here, or choose them: "
                accept=".jsonl,.ndjson,.txt"
                problem=|name| intake::of_file(name).is_none().then_some("only .jsonl and .txt can be read")
                changed=Callback::new(move |()| desk.changed())
            />
            <Paste desk=desk />
            <div class="row">
                <button id="import-check" disabled=idle on:click=move |_| desk.send(true)>
                    "Check only"
                </button>
                <button id="import-send" class="primary" disabled=idle on:click=move |_| desk.send(false)>
                    {move || if busy.get() { "Working …" } else { "Import" }}
                </button>
                <span class="faint">"All of it is taken, or nothing."</span>
            </div>
            <p class="faint" role="status">{move || desk.ready().advice()}</p>
            <div role="status" aria-live="polite">
                {move || told(desk.outcome.get())}
            </div>
            <Forms />
        </main>
    }
}

#[component]
fn Paste(desk: Desk) -> impl IntoView {
    let plain = Memo::new(move |_| {
        desk.text.with(|text| !text.trim().is_empty()) && desk.pasted_form() == Form::Text
    });
    let field = move |id: &'static str, label: &'static str, value: RwSignal<String>| {
        view! {
            <label for=id>{label}</label>
            <input
                id=id
                type="text"
                autocomplete="off"
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        }
    };
    view! {
        <section class="stack">
            <label for="import-text">"Or paste one note, or JSON Lines"</label>
            <textarea
                id="import-text"
                spellcheck="false"
                prop:value=desk.text
                on:input=move |event| {
                    desk.text.set(event_target_value(&event));
                    desk.changed();
                }
            ></textarea>
            <Show when=move || plain.get()>
                <div class="row">
                    {field("import-id", "Id of the note", desk.id)}
                    {field("import-title", "Title (not needed)", desk.title)}
                </div>
            </Show>
        </section>
    }
}

fn told(outcome: Outcome) -> AnyView {
    match outcome {
        Outcome::Nothing => ().into_any(),
        Outcome::Busy => view! { <p class="faint">"Reading …"</p> }.into_any(),
        Outcome::Checked(view) => view! {
            <p id="import-result" class="sheet">
                "Checked: "
                <b>{plural(view.imported, "note", "notes")}</b>
                " would be imported, "
                {count(view.unchanged)}
                " are there already with the same text. Nothing was changed."
            </p>
        }
        .into_any(),
        Outcome::Imported(view) => {
            let first =
                view.entries.first().map(|entry| format!("/entries/{}", path::encode(entry.as_str())));
            view! {
                <p id="import-result" class="sheet">
                    <b>{plural(view.imported, "note", "notes")}</b>
                    " imported, "
                    {count(view.unchanged)}
                    " were there already with the same text. "
                    <a href="/">"To the queue"</a>
                    {first
                        .map(|first| {
                            view! {
                                " · "
                                <a href=first>"Open the first"</a>
                            }
                        })}
                </p>
            }
            .into_any()
        }
        Outcome::Failed(why, after) => view! { <p class="bad">{why} " " {after}</p> }.into_any(),
        Outcome::Refused(body, after) => {
            let more = body.places.len();
            view! {
                <section id="import-errors" class="stack">
                    <p class="bad">"▲ " {sentence(&body.message)} " " {after}</p>
                    {(more > 0)
                        .then(|| {
                            view! {
                                <ul class="places">
                                    {body.places.iter().map(|place| view! { <li>{at(place)}</li> }).collect_view()}
                                </ul>
                            }
                        })}
                </section>
            }
            .into_any()
        }
    }
}

pub(super) fn at(place: &Place) -> impl IntoView + use<> {
    let mut parts = Vec::new();
    if let Some(file) = &place.file {
        parts.push(file.clone());
    }
    if let Some(line) = place.line {
        parts.push(format!("line {line}"));
    }
    if let Some(byte) = place.byte {
        parts.push(format!("byte {byte}"));
    }
    if let Some(field) = &place.field {
        parts.push(format!("field {field}"));
    }
    view! {
        <code>{parts.join(", ")}</code>
        " "
        {sentence(&place.message)}
    }
}

#[component]
fn Forms() -> impl IntoView {
    view! {
        <section class="faint stack">
            <h2>"What is read"</h2>
            <p>
                "JSON Lines: one object a line with " <code>"id"</code> " and " <code>"text"</code> "; if known also "
                <code>"title"</code> ", " <code>"document_type"</code> ", " <code>"service_date"</code> ", "
                <code>"encounter"</code> ", " <code>"patient"</code> ". Plain text: one note a file, named after it. UTF-8."
            </p>
            <p>
                "The text is kept exactly as it is. The same id with the same text is passed over; with another text it is refused."
            </p>
        </section>
    }
}
