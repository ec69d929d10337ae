//! Seeing a masked note as it is written, with a reason.

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::access::{OpenNote, OpenedKind, OpenedNote};
use overread_api::path::{self, fill};
use overread_domain::NoteId;

use super::choosers::Cancel;
use super::state::Review;
use crate::logic::format::moment;
use crate::pages::not_opened;
use crate::web::{dom, http};

impl Review {
    /// Whether names, numbers and dates are others than the note has.
    pub fn masked(self) -> bool {
        self.head.with(|head| head.as_ref().is_some_and(|head| head.masked))
    }
}

#[component]
pub fn AsWritten() -> impl IntoView {
    let review = expect_context::<Review>();
    let reason = RwSignal::new(String::new());
    dom::focus_soon("as-written-reason");
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(head) = review.head.get_untracked() else { return };
        let request =
            OpenNote { note: NoteId::new(head.note), reason: reason.get_untracked().trim().to_owned() };
        leptos::task::spawn_local(async move {
            match http::post::<OpenedNote>(path::OPENED, &request).await {
                Ok(_) => review.open(head.entry),
                Err(failure) => review.complain(not_opened(&failure)),
            }
        });
    };
    view! {
        <form class="card" id="as-written" aria-labelledby="as-written-title" on:submit=submit>
            <h2 id="as-written-title">"Show the note as it is written"</h2>
            <p class="faint">"It is on record, ends by itself, and somebody else judges the reason."</p>
            <label for="as-written-reason">"Why do you need the names, numbers and dates?"</label>
            <input
                id="as-written-reason"
                type="text"
                required=true
                minlength="10"
                maxlength="500"
                autocomplete="off"
                prop:value=reason
                on:input=move |event| reason.set(event_target_value(&event))
            />
            <button class="primary small" type="submit">"Show"</button>
            <Cancel />
        </form>
    }
}

/// That the note is open by a reason, until when, and giving it up.
#[component]
pub fn OpenedNow() -> impl IntoView {
    let review = expect_context::<Review>();
    let line = move || {
        let (entry, opened) = review.head.with(|head| {
            let head = head.as_ref()?;
            Some((head.entry.clone(), head.opened.clone()?))
        })?;
        let what = match opened.kind {
            OpenedKind::Emergency => "▲ Opened in an emergency",
            OpenedKind::AsWritten => "● Shown as written",
        };
        let text = format!("{what} until {} (UTC), with a reason that is on record.", moment(opened.until.0));
        let id = opened.id;
        let give_up = move |_| {
            let (id, entry) = (id.clone(), entry.clone());
            leptos::task::spawn_local(async move {
                let path = fill(path::ONE_OPENED, &[&id]);
                match http::tell(Method::DELETE, &path, None::<&()>).await {
                    Ok(()) => review.open(entry),
                    Err(failure) => review.complain(failure.message()),
                }
            });
        };
        Some(view! {
            <span>{text}</span>
            <button id="give-up" class="small" on:click=give_up>
                "Give up"
            </button>
        })
    };
    view! {
        <div id="opened" class="banner" role="status">
            {line}
        </div>
    }
}
