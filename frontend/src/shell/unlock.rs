//! The second factor, and the way back to a page that was left: by password, code or passkey.

use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use overread_api::path;
use overread_api::session::{PasskeyAnswer, PasskeyChallenge, SecondFactor, SessionView, Stage, Unlock, Way};

use super::sign_in::{SignInForm, SingleSignOn};
use super::{App, Session};
use crate::web::{dom, http, passkey};

/// Asks the server and the browser for a passkey, and signs in by it.
pub async fn by_passkey() -> Result<SessionView, String> {
    let told = |failure: http::Failure| failure.message();
    let asked: PasskeyChallenge = http::post(path::PASSKEY_CHALLENGE, &()).await.map_err(told)?;
    let credential = passkey::get(&asked.options).await?;
    let answer = PasskeyAnswer { challenge: asked.challenge, credential };
    http::post(path::SESSION_PASSKEY, &answer).await.map_err(told)
}

#[component]
pub fn PasskeyButton(error: RwSignal<Option<String>>, busy: RwSignal<bool>) -> impl IntoView {
    let app = expect_context::<App>();
    let press = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        leptos::task::spawn_local(async move {
            match by_passkey().await {
                Ok(view) => app.signed_in(view),
                Err(why) => {
                    error.try_set(Some(why));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        <button id="use-passkey" type="button" on:click=press>
            "Use a passkey"
        </button>
    }
}

#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let app = expect_context::<App>();
    let ways = untrack(|| app.view()).map(|view| view.ways).unwrap_or_default();
    let (code, error, busy) =
        (RwSignal::new(String::new()), RwSignal::new(None::<String>), RwSignal::new(false));
    let codes = ways.contains(&Way::Totp) || ways.contains(&Way::RecoveryCode);
    dom::focus_soon(if codes { "second-code" } else { "use-passkey" });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            let given = SecondFactor { code: code.get_untracked().trim().to_owned() };
            match http::post::<SessionView>(path::SECOND_FACTOR, &given).await {
                Ok(view) => app.signed_in(view),
                Err(failure) => {
                    error.try_set(Some(failure.message()));
                    code.try_set(String::new());
                    dom::focus("second-code");
                }
            }
            busy.try_set(false);
        });
    };
    let back = move |_| {
        leptos::task::spawn_local(async move {
            let _ = http::tell(Method::DELETE, path::SESSION, None::<&()>).await;
            app.session.set(Session::Out);
        });
    };
    view! {
        <main class="gate" id="main">
            <h1>"Second factor"</h1>
            <p class="lead">"The password was right. One more thing shows that it is you."</p>
            <form class="stack" on:submit=submit>
                {codes
                    .then(|| {
                        view! {
                            <label for="second-code">"Code of your authenticator app, or a recovery code"</label>
                            <input
                                id="second-code"
                                type="text"
                                autocomplete="one-time-code"
                                autocapitalize="characters"
                                spellcheck="false"
                                required
                                aria-describedby="second-error"
                                prop:value=code
                                on:input=move |event| code.set(event_target_value(&event))
                            />
                        }
                    })}
                <p id="second-error" class="bad" role="alert">
                    {move || error.get()}
                </p>
                {codes
                    .then(|| {
                        view! {
                            <button id="second-submit" class="primary" type="submit">
                                "Go on"
                            </button>
                        }
                    })}
                {ways.contains(&Way::Passkey).then(|| view! { <PasskeyButton error=error busy=busy /> })}
                <button type="button" class="quiet" on:click=back>
                    "Sign in as somebody else"
                </button>
            </form>
        </main>
    }
}

/// Over the open page: nobody was here for a while, or what is asked needs to be sure who is. Nothing typed is lost.
#[component]
pub fn ComeBack() -> impl IntoView {
    let app = expect_context::<App>();
    let user = app.user().map(|user| user.to_string());
    let asked = RwSignal::new(None::<Option<SessionView>>);
    super::modal::returns_focus();
    leptos::task::spawn_local(async move {
        // Locked by the page a moment ago, or ended meanwhile: the server knows.
        let now = http::get::<SessionView>(path::SESSION).await.ok();
        asked.try_set(Some(now.filter(|view| view.stage != Stage::SecondFactor)));
        // Asking must not close what it asks for.
        app.expired.set(true);
    });
    view! {
        <div class="veil blank">
            <section id="sign-in-dialog" class="dialog gate" role="dialog" aria-modal="true" aria-labelledby="again">
                {move || match asked.get() {
                    None => view! { <p id="again">"…"</p> }.into_any(),
                    Some(Some(view)) => view! { <Confirm view=view /> }.into_any(),
                    Some(None) => {
                        view! {
                            <h2 id="again">"Your session has ended"</h2>
                            <p>"Sign in again to go on. Your drafts and unsent decisions are kept."</p>
                            <SignInForm fixed=user.clone() />
                        }
                            .into_any()
                    }
                }}
            </section>
        </div>
    }
}

#[component]
fn Confirm(view: SessionView) -> impl IntoView {
    let app = expect_context::<App>();
    let has = |way: Way| view.ways.contains(&way);
    let (by_password, by_code) = (has(Way::Password), has(Way::Totp));
    let (secret, error, busy) =
        (RwSignal::new(String::new()), RwSignal::new(None::<String>), RwSignal::new(false));
    dom::focus_soon("unlock-secret");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let text = secret.get_untracked();
        // Six digits are no password that this product takes.
        let digits = text.trim().chars().filter(|c| !c.is_whitespace()).count() == 6;
        let is_code =
            by_code && digits && text.trim().chars().all(|c| c.is_ascii_digit() || c.is_whitespace());
        let given = if is_code || !by_password {
            Unlock { code: Some(text), ..Unlock::default() }
        } else {
            Unlock { password: Some(text), ..Unlock::default() }
        };
        leptos::task::spawn_local(async move {
            match http::post::<SessionView>(path::UNLOCK, &given).await {
                Ok(view) => app.signed_in(view),
                Err(failure) => {
                    error.try_set(Some(failure.message()));
                    secret.try_set(String::new());
                    dom::focus("unlock-secret");
                }
            }
            busy.try_set(false);
        });
    };
    let label = match (by_password, by_code) {
        (true, true) => "Password, or code of your authenticator app",
        (true, false) => "Password",
        _ => "Code of your authenticator app",
    };
    let locked = view.stage == Stage::Locked;
    let out = move |_| {
        leptos::task::spawn_local(async move {
            let _ = http::tell(Method::DELETE, path::SESSION, None::<&()>).await;
            app.session.set(Session::Out);
            app.expired.set(false);
        });
    };
    view! {
        <h2 id="again">{if locked { "Locked" } else { "Is it still you?" }}</h2>
        <p>
            {if locked {
                format!("Nobody was here for a while. Show that it is you, {}: all you typed is kept.", view.name)
            } else {
                "How you sign in can only be changed right after you showed who you are. Then ask once more.".to_owned()
            }}
        </p>
        <form class="stack" on:submit=submit>
            {(by_password || by_code)
                .then(|| {
                    view! {
                        <label for="unlock-secret">{label}</label>
                        <input
                            id="unlock-secret"
                            type="password"
                            autocomplete="current-password"
                            required
                            aria-describedby="unlock-error"
                            prop:value=secret
                            on:input=move |event| secret.set(event_target_value(&event))
                        />
                    }
                })}
            <p id="unlock-error" class="bad" role="alert">
                {move || error.get()}
            </p>
            {(by_password || by_code)
                .then(|| {
                    view! {
                        <button id="unlock-submit" class="primary" type="submit">
                            "Go on"
                        </button>
                    }
                })}
            {(has(Way::Passkey) && passkey::possible()).then(|| view! { <PasskeyButton error=error busy=busy /> })}
            {has(Way::Oidc).then(|| view! { <SingleSignOn name="your provider".to_owned() /> })}
            <button type="button" class="quiet" on:click=out>
                "Sign out"
            </button>
        </form>
    }
}
