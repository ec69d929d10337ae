//! What every page shares: who is signed in, keys, theme, messages, the top bar.

mod app;
mod help;
mod idle;
mod keys;
mod modal;
mod nav;
mod sign_in;
mod unlock;
mod welcome;

use leptos::prelude::*;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;
use overread_api::path as paths;
use overread_api::session::SessionView;

pub use app::Key;
pub use app::{App, Session, Theme};
pub use keys::{PageKeys, current_entry, go};
pub use sign_in::SingleSignOn;

use crate::pages;
use crate::review::{Review, ReviewPage};
use crate::web::http;

/// The root of the page.
#[component]
pub fn Shell() -> impl IntoView {
    let app = App::new();
    provide_context(app);
    http::tell_expiry(app.expired);
    app.apply_theme();
    let review = Review::new(app);
    provide_context(review);
    keys::listen(app);
    leptos::task::spawn_local(async move {
        match http::get::<SessionView>(paths::SESSION).await {
            Ok(view) => app.signed_in(view),
            Err(http::Failure::Away) => app.session.set(Session::Away),
            Err(_) => app.session.set(Session::Out),
        }
        if app.stage.get_untracked() != Stage::In {
            app.expired.set(false);
        }
    });
    idle::watch(app);
    // Signing in stands over the page only where there is one.
    let ended = move || app.expired.get() && app.stage.get() == Stage::In;
    view! {
        <Router>
            <div class="beneath" inert=move || app.help.get() || ended()>
                {move || match app.stage.get() {
                    Stage::Waiting => view! { <main class="blank" aria-busy="true"></main> }.into_any(),
                    Stage::Away => view! { <sign_in::Away /> }.into_any(),
                    Stage::Out if welcome::invited() => view! { <welcome::Welcome /> }.into_any(),
                    Stage::Out => view! { <sign_in::SignInPage /> }.into_any(),
                    Stage::SecondFactor => view! { <unlock::SecondFactorPage /> }.into_any(),
                    Stage::SetUp => view! { <pages::SetUp /> }.into_any(),
                    Stage::Change => view! { <sign_in::PasswordPage /> }.into_any(),
                    Stage::In => view! { <Inside /> }.into_any(),
                }}
            </div>
            <div class="beneath" inert=ended>
                <help::Help />
            </div>
            <Show when=ended>
                <unlock::ComeBack />
            </Show>
            <app::Toasts />
        </Router>
    }
}

/// Which of the shell's faces is shown; changes only when it must, so that a renewed session leaves the page alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Waiting,
    Away,
    Out,
    SecondFactor,
    Change,
    SetUp,
    In,
}

#[component]
fn Inside() -> impl IntoView {
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <nav::TopBar />
        <Routes fallback=|| view! { <pages::NotFound /> }>
            <Route path=path!("/") view=pages::Home />
            <Route path=path!("/entries/:entry") view=ReviewPage />
            <Route path=path!("/import") view=pages::Import />
            <Route path=path!("/accuracy") view=pages::Accuracy />
            <Route path=path!("/system") view=pages::System />
            <Route path=path!("/memory") view=pages::Memory />
            <Route path=path!("/audit") view=pages::Audit />
            <Route path=path!("/access") view=pages::Access />
            <Route path=path!("/users") view=pages::Users />
            <Route path=path!("/codes") view=pages::Codes />
            <Route path=path!("/code-systems") view=pages::CodeSystemsPage />
            <Route path=path!("/edits") view=pages::Edits />
            <Route path=path!("/templates") view=pages::Templates />
            <Route path=path!("/welcome") view=welcome::SignedInAlready />
            <Route path=path!("/account") view=pages::Account />
            <Route path=path!("/password") view=sign_in::PasswordPage />
        </Routes>
    }
}
