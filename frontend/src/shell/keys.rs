//! One listener for all keys; what they mean is in the table, what they do is the page's matter.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use web_sys::KeyboardEvent;

use super::App;
use crate::logic::keymap::{Command, Match, Scope};
use crate::web::dom;

/// What the open page does with keys.
#[derive(Clone)]
pub struct PageKeys {
    pub scope: Scope,
    /// Sees every key first, in the table's notation, with whether it is typed into a text box; true if it took it.
    pub first: Callback<(String, bool), bool>,
    pub command: Callback<(Command, usize)>,
}

impl std::fmt::Debug for PageKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageKeys").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl App {
    /// Gives the keys to a page for as long as the current owner lives.
    pub fn page_keys(self, keys: PageKeys) {
        self.scope.set(keys.scope);
        let mine = self.page_turn.get_value() + 1;
        self.page_turn.set_value(mine);
        self.page_keys.set_value(Some(keys));
        // The router makes the next page before it drops this one.
        on_cleanup(move || {
            if self.page_turn.get_value() == mine {
                self.page_keys.set_value(None);
                self.scope.set(Scope::Everywhere);
            }
        });
    }
}

pub fn listen(app: App) {
    let before = StoredValue::new(None::<String>);
    let _ = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        if event.is_composing() || event.default_prevented() || app.expired.get_untracked() {
            return;
        }
        let Some(pressed) = dom::press(&event).notation() else { return };
        let text = dom::takes_text(&event);
        if app.help.get_untracked() {
            if pressed == "Escape" {
                app.help.set(false);
                event.prevent_default();
            }
            return;
        }
        // A held key moves on; it never decides twice.
        if event.repeat() && !text {
            let scope = app.scope.get_untracked();
            let found = app.keymap.with_untracked(|map| map.lookup(scope, None, &pressed));
            if !matches!(found, Match::Command(command, _) if command.is_movement()) {
                if matches!(found, Match::Command(..)) || (pressed == "Enter" && dom::takes_button(&event)) {
                    event.prevent_default();
                }
                return;
            }
        }
        let own = matches!(pressed.as_str(), "Enter" | "Space") && dom::takes_enter(&event);
        if own || (pressed.starts_with("Arrow") && dom::scrolls(&event)) {
            return;
        }
        let keys = app.page_keys.get_value();
        if let Some(keys) = &keys
            && keys.first.run((pressed.clone(), text))
        {
            event.prevent_default();
            before.set_value(None);
            return;
        }
        let plain = pressed.chars().count() == 1;
        if text || (plain && app.keys_off.get_untracked()) {
            return;
        }
        let scope = keys.as_ref().map_or(Scope::Everywhere, |keys| keys.scope);
        let first = before.get_value();
        let found = app.keymap.with_untracked(|map| map.lookup(scope, first.as_deref(), &pressed));
        before.set_value(None);
        match found {
            Match::None => {}
            Match::Prefix => {
                before.set_value(Some(pressed));
                event.prevent_default();
            }
            Match::Command(command, nth) => {
                event.prevent_default();
                if !everywhere(app, command)
                    && let Some(keys) = &keys
                {
                    keys.command.run((command, nth));
                }
            }
        }
    });
}

fn everywhere(app: App, command: Command) -> bool {
    match command {
        Command::Help => app.help.set(true),
        Command::Theme => app.next_theme(),
        Command::GoQueue => go("/"),
        Command::GoImport => go("/import"),
        Command::GoAccuracy => go("/accuracy"),
        Command::GoSystem => go("/system"),
        Command::GoCodes => go("/codes"),
        _ => return false,
    }
    true
}

type Go = Option<Box<dyn Fn(&str)>>;

thread_local! {
    static GO: std::cell::RefCell<Go> = const { std::cell::RefCell::new(None) };
}

/// Remembers how to change the page, for code outside of components. Called by a component inside the router.
pub fn remember_navigate() {
    let navigate = leptos_router::hooks::use_navigate();
    GO.with_borrow_mut(|go| *go = Some(Box::new(move |to| navigate(to, NavigateOptions::default()))));
}

pub fn go(to: &str) {
    GO.with_borrow(|go| {
        if let Some(go) = go {
            go(to);
        }
    });
}

/// The entry that the page's address names.
pub fn current_entry() -> Option<String> {
    let path = window().location().pathname().ok()?;
    let segment = path.strip_prefix("/entries/")?;
    let decoded = js_sys::decode_uri_component(segment).ok()?;
    Some(String::from(decoded))
}
