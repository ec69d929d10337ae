//! What is not there.

use leptos::prelude::*;

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <main id="main" class="page narrow">
            <h1>"Not here"</h1>
            <p>"There is nothing at this address, or it is not for you to see."</p>
            <p>
                <a class="button primary" href="/">
                    "To the queue"
                </a>
            </p>
        </main>
    }
}
