//! The model, the code releases, the jobs.

use std::time::Duration;

use leptos::prelude::*;
use overread_api::path;
use overread_api::system::{ModelView, Protection, ReleaseView, SemanticState, SystemView};

use super::jobs::Jobs;
use crate::logic::format::{count, moment, plural};
use crate::web::http;

const EVERY_MS: u64 = 3_000;

#[component]
pub fn System() -> impl IntoView {
    let shown = RwSignal::new(None::<Result<SystemView, String>>);
    let beat = RwSignal::new(0u32);
    let load = move || {
        leptos::task::spawn_local(async move {
            let answer = http::poll::<SystemView>(path::SYSTEM).await.map_err(|failure| failure.message());
            shown.try_set(Some(answer));
            beat.try_update(|beat| *beat += 1);
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
    view! {
        <main id="main" class="page">
            <h1>"System"</h1>
            <div id="system" class="tables">
                {move || match shown.get() {
                    None => view! { <p class="faint">"Asking …"</p> }.into_any(),
                    Some(Err(why)) => view! { <p class="bad">{why}</p> }.into_any(),
                    Some(Ok(view)) => figures(view).into_any(),
                }}
            </div>
            <Protections />
            <Jobs beat=beat />
        </main>
    }
}

/// What protects the notes, and whether it is on.
#[component]
fn Protections() -> impl IntoView {
    let shown = RwSignal::new(None::<Result<Vec<Protection>, String>>);
    leptos::task::spawn_local(async move {
        let answer =
            http::get::<Vec<Protection>>(path::PROTECTION).await.map_err(|failure| failure.message());
        shown.try_set(Some(answer));
    });
    let line = |one: Protection| {
        let (mark, word) = match one.on {
            Some(true) => ("●", "on"),
            Some(false) => ("○", "off"),
            None => ("◌", "not known"),
        };
        let at = one.at.map(|at| format!("{} (UTC), ", moment(at.0))).unwrap_or_default();
        let name = one.what.clone();
        view! {
            <tr data-protection=name data-on=one.on.map(|on| on.to_string())>
                <th scope="row">{one.what}</th>
                <td class:bad=one.on == Some(false)>{mark} " " {word}</td>
                <td class="faint">{at} {one.detail}</td>
            </tr>
        }
    };
    view! {
        <section aria-labelledby="protection-title">
            <h2 id="protection-title">"What protects the notes"</h2>
            {move || match shown.get() {
                None => view! { <p class="faint">"Asking …"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad">{why}</p> }.into_any(),
                Some(Ok(all)) => view! {
                    <table class="list" id="protection">
                        <thead>
                            <tr>
                                <th scope="col">"What"</th>
                                <th scope="col">"State"</th>
                                <th scope="col">"How"</th>
                            </tr>
                        </thead>
                        <tbody>{all.into_iter().map(line).collect_view()}</tbody>
                    </table>
                }
                .into_any(),
            }}
        </section>
    }
}

fn figures(view: SystemView) -> impl IntoView {
    view! {
        <section class="sheet">
            <h2>"Model"</h2>
            {model(view.model)}
        </section>
        <section class="sheet">
            <h2>"Codes"</h2>
            {if view.releases.is_empty() {
                view! { <p class="bad">"▲ No code release is loaded."</p> }.into_any()
            } else {
                view.releases.into_iter().map(release).collect_view().into_any()
            }}
        </section>
        <section class="sheet">
            <h2>"Server"</h2>
            <dl class="figures">
                <div>
                    <dt>"Version"</dt>
                    <dd>{view.version}</dd>
                </div>
                <div>
                    <dt>"Database"</dt>
                    <dd>{view.database}</dd>
                </div>
                <div>
                    <dt>"Jobs waiting"</dt>
                    <dd>{count(view.jobs_waiting)}</dd>
                </div>
                <div>
                    <dt>"Jobs failed"</dt>
                    <dd>{count(view.jobs_failed)}</dd>
                </div>
            </dl>
        </section>
    }
}

fn model(model: ModelView) -> AnyView {
    match model {
        ModelView::Loading => view! { <p>"… The model is being loaded."</p> }.into_any(),
        ModelView::Unavailable { message } => view! {
            <p class="bad">"▲ Not available: " {message}</p>
            <p class="faint">"Reviewing goes on; nothing new is suggested."</p>
        }
        .into_any(),
        ModelView::Ready { name, version, parameters, loaded_in_ms } => view! {
            <dl class="figures">
                <div>
                    <dt>"Name"</dt>
                    <dd>{name}</dd>
                </div>
                <div>
                    <dt>"Version"</dt>
                    <dd title=version.clone()>{version.chars().take(12).collect::<String>()}</dd>
                </div>
                <div>
                    <dt>"Parameters"</dt>
                    <dd>{format!("{:.1} million", parameters as f64 / 1e6)}</dd>
                </div>
                <div>
                    <dt>"Loaded in"</dt>
                    <dd>{format!("{loaded_in_ms} ms")}</dd>
                </div>
            </dl>
        }
        .into_any(),
    }
}

fn release(release: ReleaseView) -> impl IntoView {
    let semantic = match release.semantic {
        SemanticState::Ready => "✓ ready".to_owned(),
        SemanticState::Absent => "not there".to_owned(),
        SemanticState::Building { done, total } => {
            format!(
                "… building, {:.0} % of {}",
                done as f64 / total.max(1) as f64 * 100.0,
                plural(total, "term", "terms")
            )
        }
    };
    view! {
        <dl class="figures">
            <div>
                <dt>"System"</dt>
                <dd>{release.system}</dd>
            </div>
            <div>
                <dt>"Release"</dt>
                <dd>{release.id}</dd>
            </div>
            <div>
                <dt>"In force from"</dt>
                <dd>{release.effective_from}</dd>
            </div>
            <div>
                <dt>"Codes"</dt>
                <dd>{count(release.codes)}</dd>
            </div>
            <div>
                <dt>"Billable"</dt>
                <dd>{count(release.billable)}</dd>
            </div>
            <div>
                <dt>"Search by meaning"</dt>
                <dd>{semantic}</dd>
            </div>
        </dl>
    }
}
