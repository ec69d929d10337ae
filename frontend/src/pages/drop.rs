//! A place to drop files on, or to choose them.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{File, FileList};

/// The files that are chosen, each with a way to let it go. `problem` says of a name why the file can't be read.
#[component]
pub fn Drop(
    files: RwSignal<Vec<File>, LocalStorage>,
    id: &'static str,
    label: &'static str,
    /// What the browser's own chooser shows.
    accept: &'static str,
    problem: fn(&str) -> Option<&'static str>,
    /// The choice is another.
    changed: Callback<()>,
) -> impl IntoView {
    let over = RwSignal::new(false);
    let take = move |list: Option<FileList>| {
        let Some(list) = list else { return };
        let found: Vec<File> = (0..list.length()).filter_map(|at| list.get(at)).collect();
        if !found.is_empty() {
            files.set(found);
            changed.run(());
        }
    };
    let names = move || {
        files.with(|files_now| {
            files_now
                .iter()
                .map(|file| {
                    let why = problem(&file.name());
                    let gone = file.clone();
                    let size = (file.size() / 1_000.0).ceil();
                    view! {
                        <li class:bad=why.is_some()>
                            {file.name()}
                            <span class="faint">{format!(" {size} kB")}</span>
                            {why.map(|why| format!(" — {why}"))}
                            <button
                                class="small quiet"
                                aria-label=format!("Remove {}", file.name())
                                on:click=move |_| {
                                    files.update(|files| files.retain(|other| *other != gone));
                                    changed.run(());
                                }
                            >
                                "✕"
                            </button>
                        </li>
                    }
                })
                .collect_view()
        })
    };
    view! {
        <section
            class="drop"
            class:over=over
            aria-label="Files"
            on:dragover=move |event| {
                event.prevent_default();
                over.set(true);
            }
            on:dragleave=move |_| over.set(false)
            on:drop=move |event| {
                event.prevent_default();
                over.set(false);
                take(event.data_transfer().and_then(|data| data.files()));
            }
        >
            <p>
                <label for=id>{label}</label>
                <input
                    id=id
                    type="file"
                    multiple
                    accept=accept
                    on:change=move |event| {
                        let input = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlInputElement>().ok());
                        take(input.as_ref().and_then(web_sys::HtmlInputElement::files));
                        // The list below says what is chosen. An empty box tells of the same file chosen again.
                        if let Some(input) = input {
                            input.set_value("");
                        }
                    }
                />
            </p>
            <ul>{names}</ul>
        </section>
    }
}
