//! An invitation: whoever follows its link sets the first password.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use overread_api::path;
use overread_api::session::{AcceptInvitation, InvitationToken, InvitationView, SessionView};

use super::App;
use crate::web::{dom, http};

/// Whether the address is that of an invitation.
pub fn invited() -> bool {
    window().location().pathname().is_ok_and(|at| at == path::WELCOME_PAGE)
}

#[component]
pub fn Welcome() -> impl IntoView {
    let token = window().location().hash().unwrap_or_default().trim_start_matches('#').to_owned();
    let asked = RwSignal::new(None::<Result<InvitationView, String>>);
    let (fresh, again) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (error, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let looked = InvitationToken { token: token.clone() };
    leptos::task::spawn_local(async move {
        let answer = http::post::<InvitationView>(path::INVITATION, &looked).await;
        asked.try_set(Some(answer.map_err(|failure| failure.message())));
        dom::focus_soon("welcome-password");
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let password = fresh.get_untracked();
        if password != again.get_untracked() {
            error.set(Some("The two passwords differ.".to_owned()));
            return;
        }
        busy.set(true);
        error.set(None);
        let taken = AcceptInvitation { token: token.clone(), password };
        leptos::task::spawn_local(async move {
            match http::post::<SessionView>(path::ACCEPT_INVITATION, &taken).await {
                Ok(_) => {
                    // The link is used up; nothing of it stays in the address, or in the way back.
                    let _ = window().location().replace("/");
                }
                Err(failure) => {
                    error.try_set(Some(failure.message()));
                }
            }
            busy.try_set(false);
        });
    };
    let field = move |id: &'static str, label: &'static str, value: RwSignal<String>| {
        view! {
            <label for=id>{label}</label>
            <input
                id=id
                type="password"
                autocomplete="new-password"
                required
                aria-describedby="welcome-error"
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        }
    };
    view! {
        <main class="gate" id="main">
            <h1>
                <span class="mark" aria-hidden="true"></span>
                "Welcome to Overread"
            </h1>
            {move || match asked.get() {
                None => view! { <p class="faint">"…"</p> }.into_any(),
                Some(Err(why)) => {
                    view! {
                        <p class="bad" role="alert">
                            {why}
                        </p>
                        <a class="button" href="/">
                            "Sign in"
                        </a>
                    }
                        .into_any()
                }
                Some(Ok(view)) => {
                    view! {
                        <p class="lead">
                            {format!("{}, you sign in as ", view.name)} <strong>{view.user.to_string()}</strong>
                            ". Choose a password: several words make a good one."
                        </p>
                        <form class="stack" on:submit=submit.clone()>
                            {field("welcome-password", "Password, 12 characters or more", fresh)}
                            {field("welcome-repeat", "Once more", again)}
                            <p id="welcome-error" class="bad" role="alert">
                                {move || error.get()}
                            </p>
                            <button id="welcome-submit" class="primary" type="submit">
                                "Set password and begin"
                            </button>
                        </form>
                    }
                        .into_any()
                }
            }}
        </main>
    }
}

/// Whoever follows an invitation's link while somebody is signed in here.
#[component]
pub fn SignedInAlready() -> impl IntoView {
    let app = expect_context::<App>();
    let name = app.view().map(|view| view.name).unwrap_or_default();
    view! {
        <main class="gate" id="main">
            <h1>"An invitation"</h1>
            <p>{format!("{name} is signed in here. Sign out first; then follow the link again.")}</p>
            <a class="button" href="/">
                "To the first page"
            </a>
        </main>
    }
}
