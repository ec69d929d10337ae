//! Second factors: authenticator app, passkeys, recovery codes.

use std::fmt::Write as _;

use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use overread_api::account::{AccountView, ConfirmTotp, NewPasskey, PasskeyView, RecoveryCodes, TotpBegun};
use overread_api::path::{self, fill};
use overread_api::session::{PasskeyChallenge, SessionView};

use super::account_state::{account, change};
use crate::logic::format::{moment, plural};
use crate::shell::{App, Session};
use crate::web::{dom, http, passkey};

/// Before anything else, where the installation asks for a second factor.
#[component]
pub fn SetUp() -> impl IntoView {
    let app = expect_context::<App>();
    let (shown, load) = account();
    let go_on = move |_| {
        leptos::task::spawn_local(async move {
            match http::get::<SessionView>(path::SESSION).await {
                Ok(view) => app.signed_in(view),
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    let out = move |_| {
        leptos::task::spawn_local(async move {
            let _ = http::tell(Method::DELETE, path::SESSION, None::<&()>).await;
            app.session.set(Session::Out);
        });
    };
    let has = move || {
        shown.with(|shown| matches!(shown, Some(Ok(account)) if account.totp || !account.passkeys.is_empty()))
    };
    view! {
        <main class="page narrow" id="main">
            <h1>"Set up a second factor"</h1>
            <p>"This installation asks for more than a password: an authenticator app or a passkey."</p>
            {move || match shown.get() {
                None => view! { <p class="faint">"Asking …"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad">{why}</p> }.into_any(),
                Some(Ok(account)) => view! { <SecondFactors account=account load=load /> }.into_any(),
            }}
            <div class="row">
                <button id="set-up-done" class="primary" disabled=move || !has() on:click=go_on>
                    "Go on"
                </button>
                <button class="quiet" on:click=out>
                    "Sign out"
                </button>
            </div>
        </main>
    }
}

#[component]
pub fn SecondFactors(account: AccountView, load: Callback<()>) -> impl IntoView {
    let app = expect_context::<App>();
    let begun = RwSignal::new(None::<TotpBegun>);
    let codes = RwSignal::new(Vec::<String>::new());
    let has_any = account.totp || !account.passkeys.is_empty();
    // Codes are shown once: the page is drawn anew only after the person has them.
    let after = Callback::new(move |made: RecoveryCodes| {
        if made.codes.is_empty() {
            load.run(());
        } else {
            codes.set(made.codes);
            begun.set(None);
            dom::focus_soon("codes-kept");
        }
    });
    let begin = move |_| {
        leptos::task::spawn_local(async move {
            match http::post::<TotpBegun>(path::TOTP, &()).await {
                Ok(view) => {
                    begun.try_set(Some(view));
                    dom::focus_soon("totp-code");
                }
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    let new_codes = move |_| {
        leptos::task::spawn_local(async move {
            match http::post::<RecoveryCodes>(path::RECOVERY_CODES, &()).await {
                Ok(made) => after.run(made),
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    view! {
        <section class="sheet" id="second-factors">
            <h2>"Second factor"</h2>
            <Show when=move || !has_any && codes.with(Vec::is_empty)>
                <p>"○ Your password is all that protects this account."</p>
            </Show>
            <Show when=move || codes.with(|codes| !codes.is_empty())>
                <div role="status" class="stack">
                    <p>
                        <strong>"Recovery codes. "</strong>
                        "Each signs you in once, when app and passkeys are out of reach. They are shown this once: print them or keep them in a password manager."
                    </p>
                    <ul id="recovery-codes" class="codes">
                        {move || codes.get().into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view()}
                    </ul>
                    <button
                        id="codes-kept"
                        on:click=move |_| {
                            codes.set(Vec::new());
                            load.run(());
                        }
                    >
                        "I have kept them"
                    </button>
                </div>
            </Show>
            <h3>"Authenticator app"</h3>
            {if account.totp {
                view! {
                    <p>
                        "● Set up. "
                        <button
                            class="small"
                            id="totp-remove"
                            on:click=move |_| {
                                change(app, Method::DELETE, path::TOTP.to_owned(), "The app is forgotten.", load);
                            }
                        >
                            "Remove"
                        </button>
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <Show when=move || begun.with(Option::is_none)>
                        <button id="totp-begin" on:click=begin>
                            "Set up an authenticator app"
                        </button>
                    </Show>
                    {move || begun.get().map(|begun| view! { <Begun begun=begun after=after /> })}
                }
                    .into_any()
            }}
            <h3>"Passkeys"</h3>
            <Passkeys passkeys=account.passkeys possible=account.passkeys_possible load=load after=after />
            {has_any
                .then(|| {
                    view! {
                        <h3>"Recovery codes"</h3>
                        <p>
                            {plural(u64::from(account.recovery_codes), "code is left. ", "codes are left. ")}
                            <button class="small" id="codes-new" on:click=new_codes>
                                "Make new ones"
                            </button>
                        </p>
                    }
                })}
        </section>
    }
}

#[component]
fn Begun(begun: TotpBegun, after: Callback<RecoveryCodes>) -> impl IntoView {
    let (code, error) = (RwSignal::new(String::new()), RwSignal::new(None::<String>));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        leptos::task::spawn_local(async move {
            let given = ConfirmTotp { code: code.get_untracked() };
            match http::post::<RecoveryCodes>(path::CONFIRM_TOTP, &given).await {
                Ok(made) => after.run(made),
                Err(failure) => {
                    error.try_set(Some(failure.message()));
                    code.try_set(String::new());
                    dom::focus("totp-code");
                }
            }
        });
    };
    let side = begun.squares.len() + 8;
    let mut dark = String::new();
    for (y, row) in begun.squares.iter().enumerate() {
        for (x, _) in row.bytes().enumerate().filter(|(_, b)| *b == b'1') {
            let _ = write!(dark, "M{} {}h1v1h-1z", x + 4, y + 4);
        }
    }
    view! {
        <form class="stack" on:submit=submit>
            <p>"Scan this with the app, or type the secret in; then give the code that the app shows."</p>
            <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label="QR code of the secret">
                <rect width=side.to_string() height=side.to_string() fill="#fff" />
                <path d=dark fill="#000" />
            </svg>
            <p>
                "Secret: " <code id="totp-secret">{begun.secret}</code>
            </p>
            <label for="totp-code">"Code"</label>
            <input
                id="totp-code"
                type="text"
                inputmode="numeric"
                autocomplete="one-time-code"
                required
                aria-describedby="totp-error"
                prop:value=code
                on:input=move |event| code.set(event_target_value(&event))
            />
            <p id="totp-error" class="bad" role="alert">
                {move || error.get()}
            </p>
            <button id="totp-confirm" class="primary" type="submit">
                "Confirm"
            </button>
        </form>
    }
}

#[component]
fn Passkeys(
    passkeys: Vec<PasskeyView>,
    possible: bool,
    load: Callback<()>,
    after: Callback<RecoveryCodes>,
) -> impl IntoView {
    let app = expect_context::<App>();
    let name = RwSignal::new(String::new());
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        leptos::task::spawn_local(async move {
            let work = async {
                let told = |failure: http::Failure| failure.message();
                let asked: PasskeyChallenge = http::post(path::NEW_PASSKEY, &()).await.map_err(told)?;
                let credential = passkey::make(&asked.options).await?;
                let new = NewPasskey {
                    challenge: asked.challenge,
                    name: name.get_untracked().trim().to_owned(),
                    credential,
                };
                http::post::<RecoveryCodes>(path::PASSKEYS, &new).await.map_err(told)
            };
            match work.await {
                Ok(made) => {
                    app.tell("The passkey is added.");
                    after.run(made);
                }
                Err(why) => app.warn(why),
            }
        });
    };
    let line = move |one: PasskeyView| {
        let path = fill(path::PASSKEY, &[&one.id]);
        let label = format!("Remove {}", one.name);
        let used = one
            .last_used_at
            .map_or_else(|| "never used".to_owned(), |at| format!("last used {}", moment(at.0)));
        view! {
            <li>
                "● " <strong>{one.name}</strong> " "
                <span class="faint">{format!("added {}, {used}", moment(one.created_at.0))}</span> " "
                <button
                    class="small"
                    aria-label=label
                    on:click=move |_| change(app, Method::DELETE, path.clone(), "The passkey is forgotten.", load)
                >
                    "Remove"
                </button>
            </li>
        }
    };
    view! {
        <ul id="passkeys" class="plain">
            {passkeys.into_iter().map(line).collect_view()}
        </ul>
        {if !possible {
            view! {
                <p class="faint">
                    "Off: an administrator sets public_url to the address that people open, with https and a name."
                </p>
            }
                .into_any()
        } else if !passkey::possible() {
            view! { <p class="faint">"This browser has none."</p> }.into_any()
        } else {
            view! {
                <form class="row" on:submit=add>
                    <label for="passkey-name">"Name"</label>
                    <input
                        id="passkey-name"
                        type="text"
                        required
                        placeholder="such as: laptop"
                        prop:value=name
                        on:input=move |event| name.set(event_target_value(&event))
                    />
                    <button id="passkey-add" type="submit">
                        "Add a passkey"
                    </button>
                </form>
            }
                .into_any()
        }}
    }
}
