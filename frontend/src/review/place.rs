//! Where the note belongs: site, queue and guarded categories, which decide who sees it.

use gloo_net::http::Method;
use leptos::prelude::*;
use overread_api::access::PlacesView;
use overread_api::path::{self, fill};
use overread_domain::{Permission, Placing};

use super::choosers::Cancel;
use super::panel::Panel;
use super::state::Review;
use crate::logic::format::place_words;
use crate::pages::Categories;
use crate::shell::go;
use crate::web::{dom, http};

impl Review {
    pub fn ask_place(self) {
        if self.app.may(Permission::PlaceEntries) {
            self.panel.set(Panel::Place);
        } else {
            self.complain("Coders and QA leads move notes; send it to exceptions instead");
        }
    }
}

#[component]
pub fn Place() -> impl IntoView {
    let review = expect_context::<Review>();
    let now =
        review.head.with_untracked(|head| head.as_ref().map(|head| head.place.clone()).unwrap_or_default());
    let known = RwSignal::new(None::<PlacesView>);
    leptos::task::spawn_local(async move {
        if let Ok(places) = http::get::<PlacesView>(path::PLACES).await {
            known.try_set(Some(places));
        }
    });
    let site = RwSignal::new(now.site.clone());
    let queue = RwSignal::new(now.queue.clone());
    let sensitivity = RwSignal::new(now.sensitivity.clone());
    let moving = RwSignal::new(false);
    dom::focus_soon("place-queue");
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(head) = review.head.get_untracked() else { return };
        let place = Placing {
            site: site.get_untracked().trim().to_owned(),
            queue: queue.get_untracked().trim().to_owned(),
            sensitivity: sensitivity.get_untracked(),
        };
        if place == head.place || moving.get_untracked() {
            review.close_panel();
            return;
        }
        moving.set(true);
        leptos::task::spawn_local(async move {
            match http::tell(Method::PUT, &fill(path::PLACING, &[&head.entry]), Some(&place)).await {
                Ok(()) => {
                    review.app.tell(format!("{} lies now in: {}", head.note, place_words(&place)));
                    go("/");
                }
                Err(failure) => {
                    moving.try_set(false);
                    review.complain(failure.message());
                }
            }
        });
    };
    view! {
        <form class="card" id="place" aria-labelledby="place-title" on:submit=submit>
            <h2 id="place-title">"Where the note belongs"</h2>
            <p class="faint">
                "Who sees it follows from this; it may leave your sight. All entries of the note move, and it is on record."
            </p>
            <Name id="place-queue" label="Queue" name=queue known=Signal::derive(move || known.get().map(|k| k.queues)) />
            <Name id="place-site" label="Site" name=site known=Signal::derive(move || known.get().map(|k| k.sites)) />
            <fieldset>
                <legend>"Guarded: only who was given all of these sees it"</legend>
                <Categories sensitivity=sensitivity />
            </fieldset>
            <div class="acts">
                <button class="primary small" type="submit" aria-busy=move || moving.get().to_string()>
                    <kbd>"Enter"</kbd>
                    " Move"
                </button>
                <Cancel />
            </div>
        </form>
    }
}

/// A name that notes have already, or a new one, which is said: a slip of the pen would hide the note.
#[component]
fn Name(
    id: &'static str,
    label: &'static str,
    name: RwSignal<String>,
    known: Signal<Option<Vec<String>>>,
) -> impl IntoView {
    let list = format!("{id}-known");
    let told = format!("{id}-told");
    let new = move || {
        let typed = name.get().trim().to_owned();
        known.with(|known| known.as_ref().is_some_and(|known| !typed.is_empty() && !known.contains(&typed)))
    };
    view! {
        <label for=id>{label}</label>
        <input
            id=id
            type="text"
            maxlength="500"
            autocomplete="off"
            list=list.clone()
            placeholder="none"
            aria-describedby=told.clone()
            prop:value=name
            on:input=move |event| name.set(event_target_value(&event))
        />
        <datalist id=list>
            {move || {
                known.get().unwrap_or_default().into_iter().map(|name| view! { <option value=name></option> }).collect_view()
            }}
        </datalist>
        <p id=told class="faint" aria-live="polite">
            {move || new().then_some("▲ No note has this name yet: only who sees all of them, or is given it, will see the note.")}
        </p>
    }
}
