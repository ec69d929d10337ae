//! The audit trail: who did what, whether the chain holds, signing it off.

use leptos::prelude::*;
use overread_api::audit::{
    AuditPage, AuditQuery, AuditReview, AuditRow, AuditStatus, ReviewAudit, Unusual, UnusualKind,
};
use overread_api::path;
use overread_domain::AuditAction;

use crate::logic::filters::query_of;
use crate::logic::format::{count, moment, plural};
use crate::shell::App;
use crate::web::http;

#[component]
pub fn Audit() -> impl IntoView {
    let rows = RwSignal::new(Vec::<AuditRow>::new());
    let next = RwSignal::new(None::<u64>);
    let problem = RwSignal::new(None::<String>);
    let asked = RwSignal::new(false);
    let (user, subject, action) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(None::<AuditAction>));
    let turn = StoredValue::new(0u32);
    let load = move |before: Option<u64>| {
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        let given = |text: RwSignal<String>| {
            let text = text.get_untracked().trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let query = AuditQuery {
            user: given(user),
            subject: given(subject),
            action: action.get_untracked(),
            before,
            ..AuditQuery::default()
        };
        leptos::task::spawn_local(async move {
            let answer = http::get::<AuditPage>(&format!("{}{}", path::AUDIT, query_of(&query))).await;
            if turn.try_get_value() != Some(mine) {
                return;
            }
            asked.try_set(true);
            match answer {
                Ok(page) => {
                    problem.try_set(None);
                    next.try_set(page.next);
                    if before.is_some() {
                        rows.try_update(|rows| rows.extend(page.rows));
                    } else {
                        rows.try_set(page.rows);
                    }
                }
                Err(failure) => drop(problem.try_set(Some(failure.message()))),
            }
        });
    };
    load(None);
    let field = move |id: &'static str, label: &'static str, value: RwSignal<String>| {
        view! {
            <label for=id>{label}</label>
            <input
                id=id
                type="search"
                autocomplete="off"
                prop:value=value
                on:change=move |event| {
                    value.set(event_target_value(&event));
                    load(None);
                }
            />
        }
    };
    let actions = AuditAction::ALL
        .iter()
        .map(|action| view! { <option value=action.as_str()>{action.label()}</option> })
        .collect_view();
    view! {
        <main id="main" class="page">
            <h1>"Audit trail"</h1>
            <Whole />
            <Odd />
            <div class="row filters" role="group" aria-label="Filters">
                {field("audit-user", "User", user)}
                <label for="audit-action">"What"</label>
                <select
                    id="audit-action"
                    on:change=move |event| {
                        action.set(AuditAction::parse(&event_target_value(&event)));
                        load(None);
                    }
                >
                    <option value="">"everything"</option>
                    {actions}
                </select>
                {field("audit-subject", "Entry, user, system", subject)}
            </div>
            {move || problem.get().map(|why| view! { <p class="bad" role="alert">{why}</p> })}
            <table class="list" id="audit">
                <thead>
                    <tr>
                        <th class="number">"Row"</th>
                        <th>"When"</th>
                        <th>"Who"</th>
                        <th>"What"</th>
                        <th>"To what"</th>
                        <th>"Details"</th>
                        <th>"From"</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || rows.get() key=|row| row.seq children=line />
                </tbody>
            </table>
            {move || {
                (asked.get() && rows.with(Vec::is_empty))
                    .then(|| view! { <p class="faint">"Nothing of this kind is on record."</p> })
            }}
            {move || {
                next.get()
                    .map(|before| {
                        view! {
                            <button id="audit-older" on:click=move |_| load(Some(before))>
                                "Older rows"
                            </button>
                        }
                    })
            }}
        </main>
    }
}

fn line(row: AuditRow) -> impl IntoView {
    let detail: Vec<String> = row.detail.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    view! {
        <tr data-seq=row.seq data-action=row.action.as_str()>
            <td class="number">{count(row.seq)}</td>
            <td class="date">{moment(row.at.0)}</td>
            <td>{row.user.map_or_else(|| "—".to_owned(), |user| user.to_string())}</td>
            <td>{row.action.label()}</td>
            <td>{row.subject}</td>
            <td class="faint">{detail.join(" · ")}</td>
            <td class="faint" title=format!("request {}", row.request)>{row.address}</td>
        </tr>
    }
}

/// Whether the chain holds, and signing it off.
#[component]
fn Whole() -> impl IntoView {
    let app = expect_context::<App>();
    let status = RwSignal::new(None::<Result<AuditStatus, String>>);
    let comment = RwSignal::new(String::new());
    let load = move || {
        leptos::task::spawn_local(async move {
            let answer = http::get::<AuditStatus>(path::AUDIT_STATUS).await.map_err(|f| f.message());
            status.try_set(Some(answer));
        });
    };
    load();
    let sign = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(Ok(AuditStatus { rows, hash: Some(hash), .. })) = status.get_untracked() else { return };
        let request = ReviewAudit { rows, hash, comment: comment.get_untracked() };
        leptos::task::spawn_local(async move {
            match http::post::<AuditReview>(path::AUDIT_REVIEWS, &request).await {
                Ok(review) => {
                    comment.try_set(String::new());
                    app.tell(format!("Signed off up to row {}.", count(review.seq)));
                }
                Err(failure) => app.warn(failure.message()),
            }
            load();
        });
    };
    view! {
        <section class="sheet stack" id="audit-status">
            {move || match status.get() {
                None => view! { <p class="faint">"Checking every row …"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad" role="alert">{why}</p> }.into_any(),
                Some(Ok(status)) => {
                    let reviews = status.reviews.into_iter().map(review).collect_view();
                    let told = match (&status.broken, &status.hash) {
                        (Some(broken), _) => view! {
                            <p class="bad" role="alert" data-whole="no">
                                "▲ The trail is broken: " {broken.clone()} "."
                            </p>
                        }
                        .into_any(),
                        (None, hash) => view! {
                            <p data-whole="yes">
                                "✓ Whole: "
                                {plural(status.rows, "row", "rows")}
                                ", each with the hash of the one before. The last is "
                                <code>{hash.clone().unwrap_or_default().chars().take(16).collect::<String>()}</code>
                                "…"
                            </p>
                        }
                        .into_any(),
                    };
                    view! {
                        {told}
                        {status.broken
                            .is_none()
                            .then(|| {
                                view! {
                                    <form class="row" on:submit=sign>
                                        <label for="audit-comment">"Looked through up to here"</label>
                                        <input
                                            id="audit-comment"
                                            type="text"
                                            required=true
                                            autocomplete="off"
                                            placeholder="what was looked at"
                                            prop:value=comment
                                            on:input=move |event| comment.set(event_target_value(&event))
                                        />
                                        <button id="audit-sign" type="submit">"Sign off"</button>
                                    </form>
                                }
                            })}
                        <ul class="plain faint" id="audit-reviews">{reviews}</ul>
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

/// What of the last days somebody should look at.
#[component]
fn Odd() -> impl IntoView {
    let shown = RwSignal::new(None::<Result<Vec<Unusual>, String>>);
    leptos::task::spawn_local(async move {
        let answer = http::get::<Vec<Unusual>>(path::UNUSUAL).await.map_err(|failure| failure.message());
        shown.try_set(Some(answer));
    });
    view! {
        <section class="sheet stack" aria-labelledby="unusual-title" id="unusual">
            <h2 id="unusual-title">"Unusual in the last 30 days"</h2>
            {move || match shown.get() {
                None => view! { <p class="faint">"Counting …"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad">{why}</p> }.into_any(),
                Some(Ok(all)) if all.is_empty() => {
                    view! { <p class="faint">"Nothing stands out."</p> }.into_any()
                }
                Some(Ok(all)) => {
                    view! { <ul class="plain">{all.into_iter().map(odd).collect_view()}</ul> }.into_any()
                }
            }}
        </section>
    }
}

fn odd(one: Unusual) -> impl IntoView {
    let who = one.user.map_or_else(|| "somebody".to_owned(), |user| user.to_string());
    let n = count(one.count);
    let usual = count(one.usual.unwrap_or(0));
    let what = match one.kind {
        UnusualKind::ManyEntries => format!("viewed {n} entries; {usual} are usual"),
        UnusualKind::ViewedOnly => format!("viewed {n} entries and decided on {usual}"),
        UnusualKind::SignInsRefused => format!("was refused {n} sign-ins"),
        UnusualKind::AccessRefused => format!("was refused {n} times what the role does not allow"),
        UnusualKind::OpenedWithReason => format!("opened {n} notes with a reason"),
        UnusualKind::Exports => format!("exported corrections {n} times"),
    };
    view! {
        <li>
            <span class="date">{one.day}</span>
            " "
            <b>{who}</b>
            " "
            {what}
        </li>
    }
}

fn review(review: AuditReview) -> impl IntoView {
    view! {
        <li>
            "Signed off up to row " {count(review.seq)} " by " {review.user.to_string()} ", "
            {moment(review.at.0)} ": " {review.comment}
        </li>
    }
}
