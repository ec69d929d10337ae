//! The own account: second factor, devices, tokens of scripts.

use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use overread_api::account::{DeviceView, NewToken, TokenMade, TokenView};
use overread_api::path::{self, fill};
use overread_domain::Permission;

use super::account_factor::SecondFactors;
use super::account_state::{account, change};
use crate::logic::format::moment;
use crate::shell::App;
use crate::web::http;

#[component]
pub fn Account() -> impl IntoView {
    let app = expect_context::<App>();
    let (shown, load) = account();
    let federated = untrack(|| app.view()).is_some_and(|view| view.federated);
    view! {
        <main id="main" class="page">
            <h1>"Account"</h1>
            <section class="sheet">
                <h2>"Password"</h2>
                {if federated {
                    view! { <p>"You sign in through your organisation; there is no password here."</p> }.into_any()
                } else {
                    view! {
                        <a class="button" href="/password">
                            "Change password"
                        </a>
                    }
                        .into_any()
                }}
            </section>
            {move || match shown.get() {
                None => view! { <p class="faint">"Asking …"</p> }.into_any(),
                Some(Err(why)) => view! { <p class="bad">{why}</p> }.into_any(),
                Some(Ok(account)) => {
                    let (devices, tokens, scopes) =
                        (account.sessions.clone(), account.tokens.clone(), account.scopes.clone());
                    view! {
                        <SecondFactors account=account load=load />
                        <Devices devices=devices load=load />
                        <Tokens tokens=tokens scopes=scopes load=load />
                    }
                        .into_any()
                }
            }}
        </main>
    }
}

/// "Chrome on Windows": enough to tell one's devices apart.
fn device(agent: &str) -> String {
    let first = |names: &[(&str, &str)]| {
        names.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| (*name).to_owned())
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "unknown".to_owned(),
    }
}

#[component]
fn Devices(devices: Vec<DeviceView>, load: Callback<()>) -> impl IntoView {
    let app = expect_context::<App>();
    let others = devices.iter().any(|device| !device.this);
    let line = move |one: DeviceView| {
        let path = fill(path::ONE_SESSION, &[&one.id]);
        let label = format!("Sign out {} at {}", device(&one.agent), one.address);
        view! {
            <tr data-session=one.id>
                <th scope="row" title=one.agent.clone()>
                    {device(&one.agent)}
                    {one.this.then_some(" · this one")}
                </th>
                <td>{one.address}</td>
                <td>{one.method}</td>
                <td>{if one.locked { "○ locked" } else { "● open" }}</td>
                <td class="faint">{moment(one.last_seen_at.0)}</td>
                <td class="faint">{moment(one.created_at.0)}</td>
                <td>
                    {(!one.this)
                        .then(|| {
                            view! {
                                <button
                                    class="small"
                                    aria-label=label
                                    on:click=move |_| change(app, Method::DELETE, path.clone(), "Signed out there.", load)
                                >
                                    "Sign out"
                                </button>
                            }
                        })}
                </td>
            </tr>
        }
    };
    view! {
        <section class="sheet">
            <h2>"Where you are signed in"</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="Devices">
                <table class="list" id="devices">
                    <thead>
                        <tr>
                            <th scope="col">"Device"</th>
                            <th scope="col">"Address"</th>
                            <th scope="col">"By"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Last used (UTC)"</th>
                            <th scope="col">"Since (UTC)"</th>
                            <th scope="col">
                                <span class="hidden">"Actions"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{devices.into_iter().map(line).collect_view()}</tbody>
                </table>
            </div>
            {others
                .then(|| {
                    view! {
                        <button
                            id="end-others"
                            on:click=move |_| {
                                change(app, Method::DELETE, path::SESSIONS.to_owned(), "Signed out everywhere else.", load);
                            }
                        >
                            "Sign out everywhere else"
                        </button>
                    }
                })}
        </section>
    }
}

#[component]
fn Tokens(tokens: Vec<TokenView>, scopes: Vec<Permission>, load: Callback<()>) -> impl IntoView {
    let app = expect_context::<App>();
    let made = RwSignal::new(None::<String>);
    let none = tokens.is_empty();
    let line = move |one: TokenView| {
        let path = fill(path::TOKEN, &[&one.id]);
        let label = format!("Revoke {}", one.name);
        let may: Vec<&str> = one.scopes.iter().map(|scope| scope.label()).collect();
        view! {
            <tr data-token=one.id>
                <th scope="row">{one.name}</th>
                <td>{may.join(", ")}</td>
                <td class="faint">{moment(one.expires_at.0)}</td>
                <td class="faint">{one.last_used_at.map_or_else(|| "never".to_owned(), |at| moment(at.0))}</td>
                <td>
                    <button
                        class="small"
                        aria-label=label
                        on:click=move |_| change(app, Method::DELETE, path.clone(), "Revoked.", load)
                    >
                        "Revoke"
                    </button>
                </td>
            </tr>
        }
    };
    let (name, days) = (RwSignal::new(String::new()), RwSignal::new("90".to_owned()));
    let chosen = RwSignal::new(Vec::<Permission>::new());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let new = NewToken {
            name: name.get_untracked().trim().to_owned(),
            scopes: chosen.get_untracked(),
            days: days.get_untracked().trim().parse().unwrap_or(0),
        };
        leptos::task::spawn_local(async move {
            match http::post::<TokenMade>(path::TOKENS, &new).await {
                Ok(token) => {
                    made.try_set(Some(token.token));
                    name.try_set(String::new());
                }
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    view! {
        <section class="sheet">
            <h2>"Tokens for scripts"</h2>
            <p class="faint">
                "A script sends one as " <code>"Authorization: Bearer …"</code>
                " and may no more than its scopes and your role. Give each script its own."
            </p>
            {if none {
                view! { <p class="faint">"There are none."</p> }.into_any()
            } else {
                view! {
                    <div class="scroll" tabindex="0" role="region" aria-label="Tokens">
                        <table class="list" id="tokens">
                            <thead>
                                <tr>
                                    <th scope="col">"Name"</th>
                                    <th scope="col">"May"</th>
                                    <th scope="col">"Good until (UTC)"</th>
                                    <th scope="col">"Last used (UTC)"</th>
                                    <th scope="col">
                                        <span class="hidden">"Actions"</span>
                                    </th>
                                </tr>
                            </thead>
                            <tbody>{tokens.into_iter().map(line).collect_view()}</tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }}
            {move || {
                made.get()
                    .map(|token| {
                        view! {
                            <p role="status">
                                "This is shown once: " <code id="token-made">{token}</code> " "
                                <button
                                    class="small"
                                    on:click=move |_| {
                                        made.set(None);
                                        load.run(());
                                    }
                                >
                                    "I have it"
                                </button>
                            </p>
                        }
                    })
            }}
            <form class="stack" on:submit=submit>
                <div class="row">
                    <label for="token-name">"What for"</label>
                    <input
                        id="token-name"
                        type="text"
                        required
                        prop:value=name
                        on:input=move |event| name.set(event_target_value(&event))
                    />
                    <label for="token-days">"Days"</label>
                    <input
                        id="token-days"
                        type="number"
                        min="1"
                        max="365"
                        required
                        prop:value=days
                        on:input=move |event| days.set(event_target_value(&event))
                    />
                </div>
                <fieldset>
                    <legend>"It may"</legend>
                    {scopes
                        .into_iter()
                        .map(|scope| {
                            view! {
                                <label class="scope">
                                    <input
                                        type="checkbox"
                                        data-scope=scope.as_str()
                                        on:change=move |event| {
                                            let on = event_target_checked(&event);
                                            chosen
                                                .update(|chosen| {
                                                    chosen.retain(|other| *other != scope);
                                                    if on {
                                                        chosen.push(scope);
                                                    }
                                                });
                                        }
                                    />
                                    {scope.label()}
                                </label>
                            }
                        })
                        .collect_view()}
                </fieldset>
                <button id="token-make" type="submit">
                    "Make a token"
                </button>
            </form>
        </section>
    }
}
