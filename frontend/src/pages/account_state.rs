//! The account as the server knows it, loaded anew after each change.

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::account::AccountView;
use overread_api::path;

use crate::shell::App;
use crate::web::http;

pub type Shown = RwSignal<Option<Result<AccountView, String>>>;

/// What is shown, and how to load it anew.
pub fn account() -> (Shown, Callback<()>) {
    let shown = RwSignal::new(None);
    let load = Callback::new(move |()| {
        leptos::task::spawn_local(async move {
            let answer = http::get::<AccountView>(path::ACCOUNT).await.map_err(|failure| failure.message());
            shown.try_set(Some(answer));
        });
    });
    load.run(());
    (shown, load)
}

/// Sends something without content, says so, and loads anew.
pub fn change(app: App, method: Method, path: String, done: &'static str, load: Callback<()>) {
    leptos::task::spawn_local(async move {
        match http::tell(method, &path, None::<&()>).await {
            Ok(()) => app.tell(done),
            Err(failure) => app.warn(failure.message()),
        }
        load.run(());
    });
}
