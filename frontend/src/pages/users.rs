//! Users: who may sign in, and as what.

use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use overread_api::path::{self, fill};
use overread_api::session::{Invited, NewUser, UserChange, UserView};
use overread_domain::{Reach, Role, UserId};

use super::reach::{ReachEditor, brief};
use crate::logic::format::moment;
use crate::shell::App;
use crate::web::{dom, http};

#[component]
pub fn Users() -> impl IntoView {
    let app = expect_context::<App>();
    let users = RwSignal::new(None::<Result<Vec<UserView>, String>>);
    let load = move || {
        leptos::task::spawn_local(async move {
            let answer = http::get::<Vec<UserView>>(path::USERS).await.map_err(|failure| failure.message());
            users.try_set(Some(answer));
        });
    };
    load();
    let invited = RwSignal::new(None::<Invited>);
    let reached = RwSignal::new(None::<UserView>);
    let change = Callback::new(move |(id, change, done): (UserId, UserChange, String)| {
        leptos::task::spawn_local(async move {
            let path = fill(path::USER, &[id.as_str()]);
            match http::send::<UserView>(Method::PATCH, &path, &change).await {
                Ok(_) => app.tell(done),
                Err(failure) => app.warn(failure.message()),
            }
            load();
        });
    });
    view! {
        <main id="main" class="page">
            <h1>"Users"</h1>
            <div class="scroll" tabindex="0" role="region" aria-label="Users">
                <table class="list" id="users">
                    <thead>
                        <tr>
                            <th scope="col">"User name"</th>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Role"</th>
                            <th scope="col">"Notes"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Second factor"</th>
                            <th scope="col">"Last sign-in (UTC)"</th>
                            <th scope="col">"First password"</th>
                            <th scope="col"><span class="hidden">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || match users.get() {
                            Some(Ok(all)) => {
                                all.into_iter()
                                    .map(|user| view! { <Line user=user change=change invited=invited reached=reached /> })
                                    .collect_view()
                                    .into_any()
                            }
                            Some(Err(why)) => {
                                view! {
                                    <tr>
                                        <td class="bad" colspan="9">
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
                reached
                    .get()
                    .map(|user| {
                        let close = Callback::new(move |()| reached.set(None));
                        view! { <ReachEditor user=user change=change close=close /> }
                    })
            }}
            <div role="status">
                {move || {
                    invited
                        .get()
                        .map(|made| {
                            view! {
                                <p class="sheet">
                                    {format!("For {}, once and until {} (UTC): ", made.user, moment(made.expires_at.0))}
                                    <code id="invitation">{whole(&made.link)}</code>
                                    " Hand it on by a way that only they read."
                                </p>
                            }
                        })
                }}
            </div>
            <NewOne invited=invited added=Callback::new(move |()| load()) />
        </main>
    }
}

/// Where the installation does not know its own address, the page does.
fn whole(link: &str) -> String {
    if link.starts_with('/') {
        format!("{}{link}", window().location().origin().unwrap_or_default())
    } else {
        link.to_owned()
    }
}

fn invite(app: App, user: UserId, invited: RwSignal<Option<Invited>>) {
    leptos::task::spawn_local(async move {
        match http::post::<Invited>(&fill(path::INVITE, &[user.as_str()]), &()).await {
            Ok(made) => {
                invited.try_set(Some(made));
            }
            Err(failure) => app.warn(failure.message()),
        }
    });
}

#[component]
fn Line(
    user: UserView,
    change: Callback<(UserId, UserChange, String)>,
    invited: RwSignal<Option<Invited>>,
    reached: RwSignal<Option<UserView>>,
) -> impl IntoView {
    let whole = StoredValue::new(user.clone());
    let app = expect_context::<App>();
    let id = user.id.clone();
    let me = app.user() == Some(id.clone());
    let state = match (user.disabled, user.must_change_password) {
        (true, _) => "✕ shut out",
        (_, true) => "○ must change password",
        _ if user.last_sign_in.is_none() => "○ not here yet",
        _ => "● active",
    };
    let name = id.to_string();
    let (for_role, for_state, for_password, for_factor, for_invitation) =
        (id.clone(), id.clone(), id.clone(), id.clone(), id);
    let has_factor = user.second_factor;
    let disabled = user.disabled;
    let fresh = RwSignal::new(String::new());
    let role_label = format!("Role of {name}");
    let password_label = format!("New first password for {name}");
    let set_role = move |event| {
        if let Some(role) = Role::parse(&event_target_value(&event)) {
            let wanted = UserChange { role: Some(role), ..UserChange::default() };
            change.run((for_role.clone(), wanted, format!("{} is now {}.", for_role, role.label())));
        }
    };
    let set_password = move |_| {
        let password = fresh.get_untracked();
        if password.chars().count() < 12 {
            app.warn("A password needs at least 12 characters.");
            return;
        }
        let wanted = UserChange { password: Some(password), ..UserChange::default() };
        change.run((
            for_password.clone(),
            wanted,
            format!("{for_password} must change it at the next sign-in."),
        ));
        fresh.set(String::new());
    };
    view! {
        <tr data-user=name.clone()>
            <th scope="row">{name.clone()}</th>
            <td>{user.name}</td>
            <td>
                <select aria-label=role_label disabled=me on:change=set_role>
                    {Role::ALL
                        .into_iter()
                        .map(|role| {
                            let on = role == user.role;
                            view! {
                                <option value=role.as_str() selected=on>
                                    {role.label()}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            </td>
            <td>
                {brief(&user.reach, user.role)} " "
                <button
                    class="small"
                    data-reach=name.clone()
                    aria-label=format!("Which notes are open to {name}")
                    on:click=move |_| {
                        reached.set(Some(whole.get_value()));
                        dom::focus_soon("reach-save");
                    }
                >
                    "…"
                </button>
            </td>
            <td class:bad=disabled>{state}</td>
            <td>
                {if has_factor { "● " } else { "○ none" }}
                {(has_factor && !me)
                    .then(|| {
                        view! {
                            <button
                                class="small"
                                on:click=move |_| {
                                    let wanted = UserChange {
                                        reset_second_factor: Some(true),
                                        ..UserChange::default()
                                    };
                                    let done = format!("{for_factor} has no second factor any more.");
                                    change.run((for_factor.clone(), wanted, done));
                                }
                            >
                                "Reset"
                            </button>
                        }
                    })}
            </td>
            <td class="faint">{user.last_sign_in.map_or_else(|| "never".to_owned(), |at| moment(at.0))}</td>
            <td>
                <input
                    type="password"
                    autocomplete="new-password"
                    aria-label=password_label
                    prop:value=fresh
                    on:input=move |event| fresh.set(event_target_value(&event))
                />
                " "
                <button class="small" on:click=set_password>
                    "Set"
                </button>
            </td>
            <td>
                <button
                    class="small"
                    disabled=me
                    on:click=move |_| {
                        let wanted = UserChange { disabled: Some(!disabled), ..UserChange::default() };
                        let done = if disabled { "may sign in again" } else { "is shut out" };
                        change.run((for_state.clone(), wanted, format!("{for_state} {done}.")));
                    }
                >
                    {if disabled { "Let in" } else { "Shut out" }}
                </button>
                " "
                <button
                    class="small"
                    data-invite=name.clone()
                    disabled=me || disabled
                    on:click=move |_| invite(app, for_invitation.clone(), invited)
                >
                    "Invite"
                </button>
            </td>
        </tr>
    }
}

#[component]
fn NewOne(added: Callback<()>, invited: RwSignal<Option<Invited>>) -> impl IntoView {
    let app = expect_context::<App>();
    let id = RwSignal::new(String::new());
    let name = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let role = RwSignal::new(Role::Reviewer);
    let error = RwSignal::new(None::<String>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let user = NewUser {
            id: UserId::new(id.get_untracked().trim()),
            name: name.get_untracked().trim().to_owned(),
            role: role.get_untracked(),
            reach: Reach::default(),
            password: Some(password.get_untracked()).filter(|password| !password.is_empty()),
        };
        leptos::task::spawn_local(async move {
            match http::post::<UserView>(path::USERS, &user).await {
                Ok(view) => {
                    for field in [id, name, password] {
                        field.try_set(String::new());
                    }
                    error.try_set(None);
                    if user.password.is_some() {
                        app.tell(format!("{} can sign in, and must choose a password then.", view.id));
                    } else {
                        invite(app, view.id, invited);
                    }
                    added.run(());
                }
                Err(http::Failure::Refused(body)) => {
                    let mut message = http::sentence(&body.message);
                    for place in &body.places {
                        message.push(' ');
                        message.push_str(&http::sentence(&place.message));
                    }
                    error.try_set(Some(message));
                }
                Err(failure) => {
                    error.try_set(Some(failure.message()));
                }
            }
        });
    };
    let field = move |dom: &'static str, label: &'static str, kind: &'static str, value: RwSignal<String>| {
        view! {
            <label for=dom>{label}</label>
            <input
                id=dom
                type=kind
                required=kind != "password"
                autocomplete=if kind == "password" { "new-password" } else { "off" }
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        }
    };
    view! {
        <form class="sheet stack" on:submit=submit>
            <h2>"Add a user"</h2>
            <div class="row">
                {field("user-id", "User name", "text", id)} {field("user-name", "Name", "text", name)}
                <label for="user-role">"Role"</label>
                <select
                    id="user-role"
                    on:change=move |event| role.set(Role::parse(&event_target_value(&event)).unwrap_or(Role::Reviewer))
                >
                    {Role::ALL
                        .into_iter()
                        .map(|role| view! { <option value=role.as_str()>{role.label()}</option> })
                        .collect_view()}
                </select>
                {field("user-password", "First password (empty: by invitation)", "password", password)}
                <button class="primary" type="submit" id="user-add">
                    "Add"
                </button>
            </div>
            <p class="bad" role="alert">
                {move || error.get()}
            </p>
        </form>
    }
}
