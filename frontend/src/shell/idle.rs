//! Locks the page when nobody is there: the server is told, the screen goes blank, and nothing typed is lost.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use gloo_net::http::Method;
use leptos::ev;
use leptos::prelude::*;
use overread_api::path;

use super::{App, Session, Stage};
use crate::web::http;

const LOOK_MS: u64 = 5_000;

/// Counts keys and clicks; the page's own requests are nobody's.
pub fn watch(app: App) {
    let last = Rc::new(Cell::new(js_sys::Date::now()));
    let seen = Rc::clone(&last);
    let note = move || seen.set(js_sys::Date::now());
    let on_key = note.clone();
    window_event_listener(ev::keydown, move |_| on_key());
    window_event_listener(ev::pointerdown, move |_| note());
    let _ = set_interval_with_handle(
        move || {
            let minutes = app.session.with_untracked(|session| match session {
                Session::In(view) => f64::from(view.idle_minutes),
                _ => f64::INFINITY,
            });
            let open = app.stage.get_untracked() == Stage::In && !app.expired.get_untracked();
            if open && js_sys::Date::now() - last.get() >= minutes * 60_000.0 {
                leptos::task::spawn_local(async move {
                    // The dialog asks the server how things stand: it is told first.
                    let _ = http::tell(Method::POST, path::LOCK, None::<&()>).await;
                    app.expired.set(true);
                });
                // A server that is slow, or away, does not keep the screen open; it locks by itself.
                set_timeout(move || app.expired.set(true), Duration::from_secs(2));
            }
        },
        Duration::from_millis(LOOK_MS),
    );
}
