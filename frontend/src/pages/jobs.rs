//! Background jobs and trying them again.

use leptos::prelude::*;
use overread_api::Page;
use overread_api::path::{self, fill};
use overread_api::system::{JobQuery, JobState, JobView};
use overread_domain::Permission;

use crate::logic::filters::query_of;
use crate::logic::format::moment;
use crate::shell::App;
use crate::web::http;

const STATES: [(JobState, &str, &str); 4] = [
    (JobState::Failed, "failed", "▲ failed"),
    (JobState::Running, "running", "◐ running"),
    (JobState::Queued, "queued", "○ waiting"),
    (JobState::Done, "done", "● done"),
];

fn word(state: JobState) -> &'static str {
    STATES.into_iter().find(|(known, ..)| *known == state).map_or("", |(.., word)| word)
}

/// `beat` changes when the list should be fetched anew.
#[component]
pub fn Jobs(beat: RwSignal<u32>) -> impl IntoView {
    let app = expect_context::<App>();
    let state = RwSignal::new(None::<JobState>);
    let jobs = RwSignal::new(None::<Result<Page<JobView>, String>>);
    let load = move || {
        let wanted = state.get_untracked();
        leptos::task::spawn_local(async move {
            let query = JobQuery { state: wanted, limit: Some(100), after: None };
            let address = format!("{}{}", path::JOBS, query_of(&query));
            let answer = http::poll::<Page<JobView>>(&address).await.map_err(|failure| failure.message());
            if state.try_get_untracked() == Some(wanted)
                && jobs.with_untracked(|old| old.as_ref() != Some(&answer))
            {
                jobs.set(Some(answer));
            }
        });
    };
    Effect::new(move |_| {
        beat.track();
        state.track();
        load();
    });
    let may = app.may(Permission::RunJobs);
    let retry = move |id: String| {
        leptos::task::spawn_local(async move {
            match http::post::<JobView>(&fill(path::RETRY_JOB, &[&id]), &serde_json::json!({})).await {
                Ok(_) => load(),
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    let lines = move |page: Page<JobView>| {
        page.items
            .into_iter()
            .map(|job| {
                let id = job.id.to_string();
                let again = id.clone();
                let failed = job.state == JobState::Failed;
                view! {
                    <tr data-job=id>
                        <td>{job.note.to_string()}</td>
                        <td class:bad=failed>{word(job.state)}</td>
                        <td class="figure">{job.attempts}</td>
                        <td>{job.error}</td>
                        <td class="faint">{moment(job.updated_at.0)}</td>
                        <td>
                            {(may && failed)
                                .then(|| {
                                    view! {
                                        <button class="small" on:click=move |_| retry(again.clone())>
                                            "Try again"
                                        </button>
                                    }
                                })}
                        </td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <section class="stack">
            <header class="row">
                <h2>"Jobs"</h2>
                <label for="job-state">"State"</label>
                <select
                    id="job-state"
                    on:change=move |event| {
                        let name = event_target_value(&event);
                        state.set(STATES.into_iter().find(|(_, known, _)| *known == name).map(|(state, ..)| state));
                    }
                >
                    <option value="">"all"</option>
                    {STATES
                        .into_iter()
                        .map(|(_, name, word)| view! { <option value=name>{word}</option> })
                        .collect_view()}
                </select>
            </header>
            <div class="scroll" tabindex="0" role="region" aria-label="Jobs">
                <table class="list" id="jobs">
                    <thead>
                        <tr>
                            <th scope="col">"Note"</th>
                            <th scope="col">"State"</th>
                            <th scope="col" class="figure">"Attempts"</th>
                            <th scope="col">"Error"</th>
                            <th scope="col">"Changed (UTC)"</th>
                            <th scope="col"><span class="hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || match jobs.get() {
                            Some(Ok(page)) => lines(page).into_any(),
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
                {move || {
                    jobs.with(|jobs| matches!(jobs, Some(Ok(page)) if page.items.is_empty()))
                        .then(|| view! { <p class="empty">"No jobs."</p> })
                }}
            </div>
        </section>
    }
}
