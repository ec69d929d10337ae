//! The top bar.

use gloo_net::http::Method;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use overread_api::path;
use overread_domain::Permission;

use super::app::Theme;
use super::keys::remember_navigate;
use super::{App, Session};
use crate::web::http;

const PAGES: [(&str, &str, &str, Option<Permission>); 12] = [
    ("queue", "/", "Queue", Some(Permission::ReadEntries)),
    ("codes", "/codes", "Codes", Some(Permission::SearchCodes)),
    ("edits", "/edits", "Checks", None),
    ("import", "/import", "Import", Some(Permission::ImportNotes)),
    ("accuracy", "/accuracy", "Accuracy", Some(Permission::SeeAccuracy)),
    ("memory", "/memory", "Memory", Some(Permission::CurateMemory)),
    ("system", "/system", "System", Some(Permission::SeeSystem)),
    ("code-systems", "/code-systems", "Code systems", Some(Permission::ImportCodes)),
    ("audit", "/audit", "Audit", Some(Permission::SeeAudit)),
    ("access", "/access", "Access", None),
    ("users", "/users", "Users", Some(Permission::ManageUsers)),
    ("templates", "/templates", "Templates", Some(Permission::EditTemplates)),
];

#[component]
pub fn TopBar() -> impl IntoView {
    let app = expect_context::<App>();
    remember_navigate();
    let at = use_location().pathname;
    let links = PAGES
        .into_iter()
        .filter(|(.., needs)| needs.is_none_or(|permission| app.may(permission)))
        .map(|(name, to, label, _)| {
            let here = move || {
                let path = at.get();
                path == to || (to == "/" && path.starts_with("/entries/"))
            };
            view! {
                <a href=to data-nav=name aria-current=move || here().then_some("page")>
                    {label}
                </a>
            }
        })
        .collect_view();
    let who = move || app.view().map(|view| format!("{} · {}", view.name, view.role.label()));
    let theme = move || match app.theme.get() {
        Theme::System => ("◐", "Theme: as the system"),
        Theme::Light => ("☀", "Theme: light"),
        Theme::Dark => ("☾", "Theme: dark"),
    };
    let sign_out = move |_| {
        leptos::task::spawn_local(async move {
            match http::tell(Method::DELETE, path::SESSION, None::<&()>).await {
                Ok(()) => app.session.set(Session::Out),
                Err(failure) => app.warn(failure.message()),
            }
        });
    };
    view! {
        <header class="top">
            <a class="brand" href="/" aria-label="Overread, home">
                <span class="mark" aria-hidden="true"></span>
                "Overread"
            </a>
            <nav aria-label="Pages">{links}</nav>
            <span class="grow"></span>
            <span class="who">{who}</span>
            <button
                id="theme"
                class="quiet"
                title=move || theme().1
                aria-label=move || theme().1
                on:click=move |_| app.next_theme()
            >
                {move || theme().0}
            </button>
            <button id="help-button" class="quiet" title="Keys and help" on:click=move |_| app.help.set(true)>
                "Keys "
                <kbd>"?"</kbd>
            </button>
            <a id="account-link" class="quiet button" href="/account">"Account"</a>
            <button id="sign-out" class="quiet" on:click=sign_out>
                "Sign out"
            </button>
        </header>
    }
}
