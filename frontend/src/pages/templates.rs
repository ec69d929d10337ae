//! Entry templates: which fields an entry has. Edited as JSON that is checked while it is typed.

use gloo_net::http::Method;
use leptos::html;
use leptos::prelude::*;
use overread_api::path::{self, fill};
use overread_api::system::TemplateRow;
use overread_domain::Template;

use crate::logic::format::plural;
use crate::logic::template_text::{Fault, differences, line_start_utf16, read};
use crate::shell::App;
use crate::web::http;

#[component]
pub fn Templates() -> impl IntoView {
    let rows = RwSignal::new(None::<Result<Vec<TemplateRow>, String>>);
    let open = RwSignal::new(None::<Template>);
    let load = move || {
        leptos::task::spawn_local(async move {
            let answer =
                http::get::<Vec<TemplateRow>>(path::TEMPLATES).await.map_err(|failure| failure.message());
            rows.try_set(Some(answer));
        });
    };
    load();
    let app = expect_context::<App>();
    let edit = move |id: String| {
        leptos::task::spawn_local(async move {
            match http::get::<Template>(&fill(path::TEMPLATE, &[&id])).await {
                Ok(template) => drop(open.try_set(Some(template))),
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    let lines = move |rows: Vec<TemplateRow>| {
        rows.into_iter()
            .map(|row| {
                let id = row.id.clone();
                view! {
                    <tr data-template=row.id.clone()>
                        <th scope="row">{row.name}</th>
                        <td>{row.id.clone()}</td>
                        <td class="figure">{row.version}</td>
                        <td class="figure">{row.fields}</td>
                        <td class="figure">{plural(row.entries, "entry", "entries")}</td>
                        <td>
                            <button class="small" on:click=move |_| edit(id.clone())>
                                "Edit"
                            </button>
                        </td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <main id="main" class="page">
            <h1>"Templates"</h1>
            <div class="scroll" tabindex="0" role="region" aria-label="Templates">
                <table class="list" id="templates">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Id"</th>
                            <th scope="col" class="figure">"Version"</th>
                            <th scope="col" class="figure">"Fields"</th>
                            <th scope="col" class="figure">"Used by"</th>
                            <th scope="col"><span class="hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || match rows.get() {
                            Some(Ok(rows)) => lines(rows).into_any(),
                            Some(Err(why)) => {
                                view! {
                                    <tr>
                                        <td class="bad" colspan="6">
                                            {why}
                                        </td>
                                    </tr>
                                }
                                    .into_any()
                            }
                            None => ().into_any(),
                        }}
                    </tbody>
                </table>
            </div>
            {move || {
                open.get()
                    .map(|template| {
                        view! { <Editor template=template saved=Callback::new(move |template| { open.set(Some(template)); load(); }) /> }
                    })
            }}
        </main>
    }
}

#[component]
fn Editor(template: Template, saved: Callback<Template>) -> impl IntoView {
    let app = expect_context::<App>();
    let text = RwSignal::new(serde_json::to_string_pretty(&template).unwrap_or_default());
    let before = StoredValue::new(template);
    let read_now = Memo::new(move |_| text.with(|text| read(text)));
    let refused = RwSignal::new(None::<String>);
    let area = NodeRef::<html::Textarea>::new();
    let news =
        move || read_now.get().ok().map(|after| before.with_value(|before| differences(before, &after)));
    let fault_line = move |fault: Fault| {
        let place = fault.line.map(|line| format!("Line {line}: "));
        let go = move |_| {
            let (Some(area), Some(line)) = (area.get_untracked(), fault.line) else { return };
            let (start, end) =
                text.with_untracked(|text| (line_start_utf16(text, line), line_start_utf16(text, line + 1)));
            let _ = area.focus();
            let _ = area.set_selection_range(start as u32, end as u32);
        };
        view! {
            <p class="bad" role="status">
                "▲ "
                {place}
                {fault.message}
                " "
                <button class="small" on:click=go>
                    "Show"
                </button>
            </p>
        }
    };
    let save = move |_| {
        let Ok(template) = read_now.get_untracked() else { return };
        leptos::task::spawn_local(async move {
            let path = fill(path::TEMPLATE, &[&template.id]);
            match http::send::<Template>(Method::PUT, &path, &template).await {
                Ok(template) => {
                    app.tell(format!(
                        "Saved as version {}. New entries use it; others keep theirs.",
                        template.version
                    ));
                    saved.run(template);
                }
                Err(http::Failure::Refused(body)) => {
                    let mut message = http::sentence(&body.message);
                    for place in &body.places {
                        message.push(' ');
                        message.push_str(&http::sentence(&place.message));
                    }
                    refused.try_set(Some(message));
                }
                Err(failure) => {
                    refused.try_set(Some(failure.message()));
                }
            }
        });
    };
    let ready = move || news().is_some_and(|news| !news.is_empty());
    view! {
        <section class="sheet stack">
            <header class="row">
                <h2>
                    <label for="template-text">"Template as JSON"</label>
                </h2>
                <span class="grow"></span>
                <button
                    id="template-save"
                    class="primary"
                    disabled=move || !ready()
                    on:click=save
                >
                    "Save as a new version"
                </button>
            </header>
            {move || {
                if let Err(fault) = read_now.get() {
                    return fault_line(fault).into_any();
                }
                let news = news().unwrap_or_default();
                let said = if news.is_empty() { "No change.".to_owned() } else { news.join("; ") };
                view! { <p class="faint" role="status">{said}</p> }.into_any()
            }}
            <p class="bad" role="alert">
                {move || refused.get()}
            </p>
            <textarea
                id="template-text"
                class="code-text"
                spellcheck="false"
                node_ref=area
                prop:value=text
                on:input=move |event| text.set(event_target_value(&event))
            ></textarea>
        </section>
    }
}
