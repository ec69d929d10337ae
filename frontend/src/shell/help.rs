//! The help overlay: every key, and the way to change them.

use leptos::prelude::*;

use super::App;
use super::app::overrides;
use crate::logic::keymap::{Binding, Scope, override_name, pretty};
use crate::web::dom;

#[component]
pub fn Help() -> impl IntoView {
    let app = expect_context::<App>();
    view! {
        <Show when=move || app.help.get()>
            <Overlay />
        </Show>
    }
}

#[component]
fn Overlay() -> impl IntoView {
    let app = expect_context::<App>();
    let asking = RwSignal::new(None::<String>);
    let refused = RwSignal::new(None::<String>);
    super::modal::returns_focus();
    dom::focus_soon("help-close");
    let listener = window_event_listener(leptos::ev::keydown, move |event: web_sys::KeyboardEvent| {
        let Some(name) = asking.get_untracked() else { return };
        let Some(pressed) = dom::press(&event).notation() else { return };
        event.prevent_default();
        event.stop_immediate_propagation();
        asking.set(None);
        if pressed != "Escape" {
            refused.set(app.remap(name, Some(vec![pressed])).err());
        }
    });
    on_cleanup(move || listener.remove());
    let part = move |scope: Scope, title: &'static str| {
        let rows = move || {
            app.keymap
                .with(|map| map.bindings().iter().filter(|b| b.scope == scope).cloned().collect::<Vec<_>>())
        };
        view! {
            <section>
                <h3>{title}</h3>
                <dl class="keys">
                    {move || rows().into_iter().map(|binding| row(binding, asking)).collect_view()}
                </dl>
            </section>
        }
    };
    view! {
        <div class="veil" on:click=move |_| app.help.set(false)>
            <section
                id="help"
                class="dialog wide"
                role="dialog"
                aria-modal="true"
                aria-labelledby="help-title"
                on:click=|event| event.stop_propagation()
            >
                <div class="row">
                    <h2 id="help-title">"Keys"</h2>
                    <span class="grow"></span>
                    <label class="check">
                        <input
                            type="checkbox"
                            prop:checked=move || !app.keys_off.get()
                            on:change=move |event| app.switch_keys(!event_target_checked(&event))
                        />
                        "Single keys are commands"
                    </label>
                    <button class="quiet" on:click=move |_| { app.reset_keys(); refused.set(None); }>
                        "Reset keys"
                    </button>
                    <button id="help-close" on:click=move |_| app.help.set(false)>
                        "Close "
                        <kbd>"Esc"</kbd>
                    </button>
                </div>
                <p class="bad" role="alert">{move || refused.get().or_else(|| app.keymap_refused.get())}</p>
                <div class="columns">
                    {part(Scope::Review, "Review")} <div>
                        {part(Scope::Queue, "Queue")} {part(Scope::Everywhere, "Everywhere")}
                        <p class="note">
                            "Click a key to give the command another one. In a list, arrows move and Enter picks. "
                            "Typing in a box never triggers a command; Esc leaves the box, and what you typed is kept."
                        </p>
                    </div>
                </div>
            </section>
        </div>
    }
}

fn row(binding: Binding, asking: RwSignal<Option<String>>) -> impl IntoView {
    let name = override_name(binding.scope, binding.command);
    let own = overrides().contains_key(&name);
    let keys: Vec<_> = binding.keys.iter().map(|key| view! { <kbd>{pretty(key)}</kbd> }).collect();
    let (waits, label, ask) = (name.clone(), binding.label, name);
    view! {
        <dt>
            <button
                class="quiet keycap"
                class:own=own
                on:click=move |_| asking.set(Some(ask.clone()))
            >
                {move || if asking.get().as_ref() == Some(&waits) { "press a key …".into_any() } else { keys.clone().into_any() }}
                <span class="hidden">" : change the key of " {label}</span>
            </button>
        </dt>
        <dd>{binding.label}</dd>
    }
}
