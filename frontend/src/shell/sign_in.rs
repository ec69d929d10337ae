//! Signing in, also over an open page, and changing the password.

use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use overread_api::path;
use overread_api::session::{ChangePassword, SessionView, SignIn, SignInOptions};

use super::unlock::PasskeyButton;
use super::{App, Session};
use crate::web::{dom, http, passkey};

#[component]
pub fn Away() -> impl IntoView {
    view! {
        <main class="gate">
            <h1>"Overread"</h1>
            <p class="bad">"The server does not answer."</p>
            <button class="primary" on:click=move |_| drop(window().location().reload())>
                "Try again"
            </button>
        </main>
    }
}

#[component]
pub fn SignInPage() -> impl IntoView {
    view! {
        <main class="gate" id="main">
            <h1>
                <span class="mark" aria-hidden="true"></span>
                "Overread"
            </h1>
            <p class="lead">"Check what the machine has read."</p>
            <SignInForm fixed=None />
        </main>
    }
}

/// To the installation's provider.
#[component]
pub fn SingleSignOn(name: String) -> impl IntoView {
    view! {
        <a id="single-sign-on" class="button" href=path::OIDC rel="external">
            {name}
        </a>
    }
}

/// Why the provider's answer did not sign anybody in.
fn refused() -> Option<&'static str> {
    let query = window().location().search().ok()?;
    Some(match query.strip_prefix("?refused=")? {
        "cancelled" => "The sign-on was broken off.",
        "away" => "The provider does not answer. Try again.",
        "no-role" => "Your account there has no role here. Ask an administrator.",
        "taken" => "Somebody else has your name here. Ask an administrator.",
        "disabled" => "You are shut out here. Ask an administrator.",
        _ => "The provider's answer was not accepted. Try again.",
    })
}

#[component]
pub fn SignInForm(fixed: Option<String>) -> impl IntoView {
    let app = expect_context::<App>();
    let user = RwSignal::new(fixed.clone().unwrap_or_default());
    let password = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let error = RwSignal::new(refused().map(str::to_owned));
    let options = RwSignal::new(None::<SignInOptions>);
    leptos::task::spawn_local(async move {
        options.try_set(http::get::<SignInOptions>(path::SIGN_IN).await.ok());
    });
    dom::focus_soon(if fixed.is_some() { "sign-in-password" } else { "sign-in-user" });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        leptos::task::spawn_local(async move {
            let request =
                SignIn { user: user.get_untracked().trim().to_owned(), password: password.get_untracked() };
            match http::post::<SessionView>(path::SESSION, &request).await {
                Ok(view) => app.signed_in(view),
                Err(failure) => {
                    error.try_set(Some(failure.message()));
                    password.try_set(String::new());
                    dom::focus("sign-in-password");
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <label for="sign-in-user">"User name"</label>
            <input
                id="sign-in-user"
                type="text"
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
                required
                prop:value=user
                on:input=move |event| user.set(event_target_value(&event))
            />
            <label for="sign-in-password">"Password"</label>
            <input
                id="sign-in-password"
                type="password"
                autocomplete="current-password"
                required
                aria-describedby="sign-in-error"
                prop:value=password
                on:input=move |event| password.set(event_target_value(&event))
            />
            <p id="sign-in-error" class="bad" role="alert">{move || error.get()}</p>
            <button id="sign-in-submit" class="primary" type="submit" aria-busy=move || busy.get().to_string()>
                {move || if busy.get() { "Signing in …" } else { "Sign in" }}
            </button>
            {move || {
                options
                    .get()
                    .map(|options| {
                        view! {
                            {(options.passkeys && passkey::possible())
                                .then(|| view! { <PasskeyButton error=error busy=busy /> })}
                            {options.oidc.map(|name| view! { <SingleSignOn name=name /> })}
                        }
                    })
            }}
        </form>
    }
}

const SHORTEST: usize = 12;

#[component]
pub fn PasswordPage() -> impl IntoView {
    let app = expect_context::<App>();
    let current = RwSignal::new(String::new());
    let fresh = RwSignal::new(String::new());
    let again = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<String>);
    let forced = untrack(|| app.view()).is_some_and(|view| view.must_change_password);
    dom::focus_soon("password-current");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (old, new) = (current.get_untracked(), fresh.get_untracked());
        let problem = if new.chars().count() < SHORTEST {
            Some("The new password needs at least 12 characters.")
        } else if new != again.get_untracked() {
            Some("The two new passwords differ.")
        } else if new == old {
            Some("The new password is the old one.")
        } else {
            None
        };
        error.set(problem.map(str::to_owned));
        if problem.is_some() || busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            let request = ChangePassword { current: old, new };
            match http::tell(Method::POST, path::PASSWORD, Some(&request)).await {
                Ok(()) => {
                    for field in [current, fresh, again] {
                        field.try_set(String::new());
                    }
                    app.tell("Password changed.");
                    match http::get::<SessionView>(path::SESSION).await {
                        Ok(view) => app.signed_in(view),
                        Err(_) => app.session.set(Session::Out),
                    }
                }
                Err(failure) => {
                    error.try_set(Some(failure.message()));
                }
            }
            busy.try_set(false);
        });
    };
    let field = move |id: &'static str, label: &'static str, hint: &'static str, value: RwSignal<String>| {
        view! {
            <label for=id>{label}</label>
            <input
                id=id
                type="password"
                autocomplete=hint
                required
                aria-describedby="password-error"
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        }
    };
    view! {
        <main class="gate" id="main">
            <h1>"Change password"</h1>
            {forced.then(|| view! { <p class="lead">"This password was given to you. Choose your own to go on."</p> })}
            <form class="stack" on:submit=submit>
                {field("password-current", "Current password", "current-password", current)}
                {field("password-new", "New password, 12 characters or more", "new-password", fresh)}
                {field("password-repeat", "New password again", "new-password", again)}
                <p id="password-error" class="bad" role="alert">{move || error.get()}</p>
                <button id="password-submit" class="primary" type="submit" aria-busy=move || busy.get().to_string()>
                    "Change password"
                </button>
            </form>
        </main>
    }
}
