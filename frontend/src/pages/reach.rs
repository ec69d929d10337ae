//! Which notes are open to a user.

use std::collections::BTreeSet;

use leptos::prelude::*;
use overread_api::access::PlacesView;
use overread_api::path;
use overread_api::session::{UserChange, UserView};
use overread_domain::{Reach, Role, Sensitivity, UserId};

use crate::web::http;

/// "all sites, queue inpatient, + HIV" for a cell of the list.
pub fn brief(reach: &Reach, role: Role) -> String {
    let names = |what: &str, names: &Option<BTreeSet<String>>| match names {
        None => None,
        Some(names) if names.is_empty() => Some(format!("no {what}")),
        Some(names) if names.len() == 1 => {
            Some(format!("{what} {}", names.first().map_or("", |name| shown(name))))
        }
        Some(names) => Some(format!("{} {what}s", names.len())),
    };
    let mut parts: Vec<String> =
        [names("site", &reach.sites), names("queue", &reach.queues)].into_iter().flatten().collect();
    if parts.is_empty() {
        parts.push("all".to_owned());
    }
    match reach.sensitivity.len() {
        0 => {}
        n if n == Sensitivity::ALL.len() => parts.push("all guarded".to_owned()),
        n => parts.push(format!("{n} guarded")),
    }
    if !reach.reads_as_written(role) {
        parts.push("masked".to_owned());
    }
    parts.join(", ")
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "(none)" } else { name }
}

#[component]
pub fn ReachEditor(
    user: UserView,
    change: Callback<(UserId, UserChange, String)>,
    close: Callback<()>,
) -> impl IntoView {
    let known = RwSignal::new(PlacesView::default());
    leptos::task::spawn_local(async move {
        if let Ok(places) = http::get::<PlacesView>(path::PLACES).await {
            known.try_set(places);
        }
    });
    let sites = RwSignal::new(user.reach.sites.clone());
    let queues = RwSignal::new(user.reach.queues.clone());
    let sensitivity = RwSignal::new(user.reach.sensitivity.clone());
    let as_written = RwSignal::new(user.reach.as_written);
    let id = user.id.clone();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let reach = Reach {
            sites: sites.get_untracked(),
            queues: queues.get_untracked(),
            sensitivity: sensitivity.get_untracked(),
            as_written: as_written.get_untracked(),
        };
        let wanted = UserChange { reach: Some(reach), ..UserChange::default() };
        change.run((id.clone(), wanted, format!("Saved; it holds for {id} at once.")));
        close.run(());
    };
    let by_role = if user.role.reads_as_written() {
        "as the role has it: as written"
    } else {
        "as the role has it: masked"
    };
    view! {
        <form class="sheet stack" id="reach" on:submit=save>
            <h2>"Notes open to " {user.id.to_string()}</h2>
            <Names what="sites" names=sites known=Signal::derive(move || known.get().sites) />
            <Names what="queues" names=queues known=Signal::derive(move || known.get().queues) />
            <fieldset>
                <legend>"Guarded categories (a note of several needs all of them)"</legend>
                <Categories sensitivity=sensitivity />
            </fieldset>
            <div class="row">
                <label for="reach-written">"Names, numbers and dates"</label>
                <select
                    id="reach-written"
                    on:change=move |event| {
                        as_written.set(match event_target_value(&event).as_str() {
                            "yes" => Some(true),
                            "no" => Some(false),
                            _ => None,
                        });
                    }
                >
                    <option value="" selected=user.reach.as_written.is_none()>{by_role}</option>
                    <option value="yes" selected=user.reach.as_written == Some(true)>"as written"</option>
                    <option value="no" selected=user.reach.as_written == Some(false)>"masked until they say why"</option>
                </select>
            </div>
            <div class="row">
                <button class="primary" type="submit" id="reach-save">"Save"</button>
                <button type="button" class="quiet" on:click=move |_| close.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

/// A box for each guarded category.
#[component]
pub fn Categories(sensitivity: RwSignal<BTreeSet<Sensitivity>>) -> impl IntoView {
    Sensitivity::ALL
        .iter()
        .map(|one| {
            let one = *one;
            view! {
                <label class="scope">
                    <input
                        type="checkbox"
                        data-sensitivity=one.as_str()
                        prop:checked=move || sensitivity.with(|set| set.contains(&one))
                        on:change=move |event| {
                            let on = event_target_checked(&event);
                            sensitivity
                                .update(|set| {
                                    if on { set.insert(one) } else { set.remove(&one) };
                                });
                        }
                    />
                    " "
                    {one.label()}
                </label>
            }
        })
        .collect_view()
}

/// All names, or some of them; notes without one are one of them.
#[component]
fn Names(
    what: &'static str,
    names: RwSignal<Option<BTreeSet<String>>>,
    known: Signal<Vec<String>>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let add = move || {
        let name = typed.get_untracked().trim().to_owned();
        if !name.is_empty() {
            names.update(|names| {
                names.get_or_insert_default().insert(name);
            });
            typed.set(String::new());
        }
    };
    let choices = move || {
        let mut all: BTreeSet<String> = known.get().into_iter().collect();
        all.insert(String::new());
        all.extend(names.get().unwrap_or_default());
        all.into_iter()
            .map(|name| {
                let (of, set) = (name.clone(), name.clone());
                let label = if name.is_empty() { format!("without {}", if what == "sites" { "a site" } else { "a queue" }) } else { name.clone() };
                view! {
                    <label class="scope">
                        <input
                            type="checkbox"
                            data-name=format!("{what}:{name}")
                            prop:checked=names.with(|names| names.as_ref().is_some_and(|names| names.contains(&of)))
                            on:change=move |event| {
                                let on = event_target_checked(&event);
                                names
                                    .update(|names| {
                                        let names = names.get_or_insert_default();
                                        if on { names.insert(set.clone()) } else { names.remove(&set) };
                                    });
                            }
                        />
                        " "
                        {label}
                    </label>
                }
            })
            .collect_view()
    };
    view! {
        <fieldset>
            <legend>{format!("Of which {what}")}</legend>
            <label class="scope">
                <input
                    type="checkbox"
                    data-all=what
                    prop:checked=move || names.with(Option::is_none)
                    on:change=move |event| {
                        names.set(if event_target_checked(&event) { None } else { Some(BTreeSet::new()) });
                    }
                />
                " all"
            </label>
            {move || names.with(Option::is_some).then(choices)}
            {move || {
                names
                    .with(Option::is_some)
                    .then(|| {
                        view! {
                            <span class="row">
                                <input
                                    type="text"
                                    autocomplete="off"
                                    aria-label=format!("Another of the {what}")
                                    placeholder="another"
                                    prop:value=typed
                                    on:input=move |event| typed.set(event_target_value(&event))
                                />
                                <button type="button" class="small" on:click=move |_| add()>"Add"</button>
                            </span>
                        }
                    })
            }}
        </fieldset>
    }
}
