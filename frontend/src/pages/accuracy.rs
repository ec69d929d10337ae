//! How good the suggestions were, for who answers for it.

use leptos::prelude::*;
use overread_api::accuracy::{AccuracyQuery, AccuracyRow, AccuracyView, Rate};
use overread_api::path;
use overread_domain::Permission;

use super::charts::{Calibration, Precision};
use crate::logic::filters::query_of;
use crate::logic::format::{count, percent};
use crate::shell::App;
use crate::web::{dom, http};

const DAY_MS: i64 = 86_400_000;

#[component]
pub fn Accuracy() -> impl IntoView {
    let app = expect_context::<App>();
    let query = RwSignal::new(AccuracyQuery::default());
    let shown = RwSignal::new(None::<Result<AccuracyView, String>>);
    let models = RwSignal::new(Vec::<String>::new());
    Effect::new(move |_| {
        let wanted = query.get();
        leptos::task::spawn_local(async move {
            let address = format!("{}{}", path::ACCURACY, query_of(&wanted));
            let answer = http::get::<AccuracyView>(&address).await.map_err(|failure| failure.message());
            if query.try_get_untracked() == Some(wanted) {
                if let Ok(view) = &answer
                    && models.with_untracked(Vec::is_empty)
                {
                    models.set(view.models.clone());
                }
                shown.set(Some(answer));
            }
        });
    });
    let export = app.may(Permission::ExportCorrections);
    let choose_model = move |event| {
        let value = event_target_value(&event);
        query.update(|query| query.model = (!value.is_empty()).then_some(value));
    };
    let choose_since = move |event| {
        let days = event_target_value(&event).parse::<i64>().ok();
        query.update(|query| query.since = days.map(|days| dom::now() - days * DAY_MS));
    };
    view! {
        <main id="main" class="page">
            <header class="row">
                <h1>"Accuracy"</h1>
                <span class="grow"></span>
                <label for="accuracy-model">"Model"</label>
                <select id="accuracy-model" on:change=choose_model>
                    <option value="">"all"</option>
                    {move || {
                        models
                            .get()
                            .into_iter()
                            .map(|model| {
                                let short: String = model.chars().take(12).collect();
                                view! { <option value=model>{short}</option> }
                            })
                            .collect_view()
                    }}
                </select>
                <label for="accuracy-since">"Finished"</label>
                <select id="accuracy-since" on:change=choose_since>
                    <option value="">"at any time"</option>
                    <option value="1">"in the last day"</option>
                    <option value="7">"in the last 7 days"</option>
                    <option value="30">"in the last 30 days"</option>
                </select>
                {export
                    .then(|| {
                        view! {
                            <a id="export" class="button" href=path::CORRECTIONS download="corrections.jsonl">
                                "Export corrections"
                            </a>
                        }
                    })}
            </header>
            {move || match shown.get() {
                None => view! { <p class="faint">"Counting …"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad">{why}</p> }.into_any(),
                Some(Ok(view)) => view! { <Shown figures=view /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Shown(figures: AccuracyView) -> impl IntoView {
    if figures.entries == 0 {
        return view! {
            <div class="sheet empty">
                <p>"No entry is finished yet; accuracy is counted on finished entries."</p>
            </div>
        }
        .into_any();
    }
    let least = figures.least_n;
    let total = figures.total.clone();
    view! {
        <dl class="sheet figures">
            {figure("Finished entries", count(figures.entries))}
            {figure("Suggestions decided", count(total.shown))}
            {figure("Accepted", count(total.accepted))}
            {figure("Corrected", count(total.corrected))}
            {figure("Rejected", count(total.rejected))}
            {figure("Added by people", count(total.added))}
            {figure("Precision", rate_text(total.precision, least))}
            {figure("Recall", rate_text(total.recall, least))}
        </dl>
        <p class="faint">
            "Reviewers saw the suggestions before they decided, which flatters the model. Intervals are 95 % Wilson. "
            {format!("Below {least} decisions no rate is shown.")}
        </p>
        <div class="charts">
            <Precision rows=figures.fields.clone() />
            <Calibration bins=figures.calibration.clone() least=least />
        </div>
        <div class="tables">
            <Rows id="accuracy-fields" title="By field" rows=figures.fields least=least />
            <Rows id="accuracy-codes" title="By code" rows=figures.codes least=least />
        </div>
    }
    .into_any()
}

fn figure(name: &'static str, value: String) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}

fn rate_text(rate: Option<Rate>, least: u64) -> String {
    match rate {
        Some(rate) => format!("{} ({} to {})", percent(rate.value), percent(rate.low), percent(rate.high)),
        None => format!("too few (< {least})"),
    }
}

#[component]
fn Rows(id: &'static str, title: &'static str, rows: Vec<AccuracyRow>, least: u64) -> impl IntoView {
    let codes = id == "accuracy-codes";
    let cell = move |rate: Option<Rate>| match rate {
        Some(rate) => view! {
            <td class="figure">{percent(rate.value)}</td>
            <td class="faint">{format!("{} to {}", percent(rate.low), percent(rate.high))}</td>
            <td class="figure">{count(rate.n)}</td>
        }
        .into_any(),
        None => view! {
            <td class="faint" colspan="3">
                {format!("too few (< {least})")}
            </td>
        }
        .into_any(),
    };
    let empty = rows.is_empty();
    let lines = rows
        .into_iter()
        .map(|row| {
            view! {
                <tr data-key=row.key.clone()>
                    <th scope="row">
                        {codes.then(|| view! { <b>{row.key.clone()}</b> " " })}
                        {row.label}
                    </th>
                    <td class="figure">{count(row.shown)}</td>
                    <td class="figure">{count(row.accepted)}</td>
                    <td class="figure">{count(row.corrected)}</td>
                    <td class="figure">{count(row.rejected)}</td>
                    <td class="figure">{count(row.added)}</td>
                    {cell(row.precision)}
                    {cell(row.recall)}
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="scroll" tabindex="0" role="region" aria-label=title>
            <table class="list" id=id>
                <caption class="hidden">{title}</caption>
                <thead>
                    <tr>
                        <th scope="col">{title}</th>
                        <th scope="col" class="figure">"Shown"</th>
                        <th scope="col" class="figure">"Accepted"</th>
                        <th scope="col" class="figure">"Corrected"</th>
                        <th scope="col" class="figure">"Rejected"</th>
                        <th scope="col" class="figure">"Added"</th>
                        <th scope="col" class="figure">"Precision"</th>
                        <th scope="col">"95 %"</th>
                        <th scope="col" class="figure">"n"</th>
                        <th scope="col" class="figure">"Recall"</th>
                        <th scope="col">"95 %"</th>
                        <th scope="col" class="figure">"n"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
            {empty.then(|| view! { <p class="empty">"Nothing decided yet."</p> })}
        </section>
    }
}
