//! The page's own state.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use overread_api::session::{self as api, SessionView};
use overread_domain::{Permission, UserId};

use super::Stage;
use super::keys::PageKeys;
use crate::logic::keymap::{Command, Keymap, Overrides, Scope, pretty};
use crate::logic::person::is_another;
use crate::web::{http, storage};

#[derive(Clone, Debug, PartialEq)]
pub enum Session {
    Unknown,
    /// The server does not answer.
    Away,
    Out,
    In(SessionView),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub text: String,
    pub bad: bool,
}

const THEME: &str = "overread.theme";
const KEYS: &str = "overread.keys";
const KEYS_OFF: &str = "overread.keys-off";

#[derive(Clone, Copy, Debug)]
pub struct App {
    pub session: RwSignal<Session>,
    pub stage: Memo<Stage>,
    /// Who has been signed in since the page was loaded, also after signing out.
    served: StoredValue<Option<UserId>>,
    /// What the page shows was asked while the session was locked.
    unread: StoredValue<bool>,
    /// The session has ended while a page was open.
    pub expired: RwSignal<bool>,
    pub theme: RwSignal<Theme>,
    pub keymap: RwSignal<Arc<Keymap>>,
    /// Why the person's own keys were not taken.
    pub keymap_refused: RwSignal<Option<String>>,
    /// Single-key commands switched off (WCAG 2.1.4).
    pub keys_off: RwSignal<bool>,
    pub help: RwSignal<bool>,
    pub toast: RwSignal<Option<Toast>>,
    pub page_keys: StoredValue<Option<PageKeys>>,
    pub page_turn: StoredValue<u32>,
    /// Follows the page that has `page_keys`, for help.
    pub scope: RwSignal<Scope>,
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    pub fn new() -> Self {
        let session = RwSignal::new(Session::Unknown);
        let stage = Memo::new(move |_| {
            session.with(|session| match session {
                Session::Unknown => Stage::Waiting,
                Session::Away => Stage::Away,
                Session::Out => Stage::Out,
                Session::In(view) if view.stage == api::Stage::SecondFactor => Stage::SecondFactor,
                Session::In(view) if view.must_change_password => Stage::Change,
                Session::In(view) if view.must_set_up_second_factor => Stage::SetUp,
                Session::In(_) => Stage::In,
            })
        });
        let theme = match storage::get(THEME).as_deref() {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::System,
        };
        let (keymap, refused) = match Keymap::with(&overrides()) {
            Ok(keymap) => (keymap, None),
            Err(error) => (Keymap::default(), Some(error.to_string())),
        };
        Self {
            session,
            stage,
            served: StoredValue::new(None),
            unread: StoredValue::new(false),
            expired: RwSignal::new(false),
            theme: RwSignal::new(theme),
            keymap: RwSignal::new(Arc::new(keymap)),
            keymap_refused: RwSignal::new(refused),
            keys_off: RwSignal::new(storage::get(KEYS_OFF).is_some()),
            help: RwSignal::new(false),
            toast: RwSignal::new(None),
            page_keys: StoredValue::new(None),
            page_turn: StoredValue::new(0),
            scope: RwSignal::new(Scope::Everywhere),
        }
    }

    /// Takes a session over. Another person than before begins with a clean page: nothing may change here before that,
    /// else what waits of the one goes out in the session of the other.
    pub fn signed_in(self, view: SessionView) {
        if self.served.with_value(|served| is_another(served.as_ref(), &view.user)) {
            let _ = window().location().assign("/");
            return;
        }
        self.served.set_value(Some(view.user.clone()));
        http::speak_for(&view.user);
        let open = view.stage == api::Stage::Open;
        if open && self.unread.get_value() {
            let _ = window().location().reload();
            return;
        }
        // A page that found the session locked could read nothing yet.
        self.unread
            .set_value(view.stage == api::Stage::Locked && self.stage.get_untracked() == Stage::Waiting);
        self.session.set(Session::In(view));
        self.expired.set(!open && self.stage.get_untracked() == Stage::In);
    }

    pub fn user(self) -> Option<UserId> {
        self.session.with_untracked(|session| match session {
            Session::In(view) => Some(view.user.clone()),
            _ => None,
        })
    }

    pub fn view(self) -> Option<SessionView> {
        self.session.with(|session| match session {
            Session::In(view) => Some(view.clone()),
            _ => None,
        })
    }

    /// Untracked: another role comes with another session, and that draws the page anew.
    pub fn may(self, permission: Permission) -> bool {
        self.session
            .with_untracked(|session| matches!(session, Session::In(view) if view.role.may(permission)))
    }

    pub fn tell(self, text: impl Into<String>) {
        self.toast(text.into(), false);
    }

    pub fn warn(self, text: impl Into<String>) {
        self.toast(text.into(), true);
    }

    fn toast(self, text: String, bad: bool) {
        let toast = Toast { text, bad };
        self.toast.set(Some(toast.clone()));
        let stay = Duration::from_secs(if bad { 12 } else { 5 });
        set_timeout(
            move || {
                if self.toast.with_untracked(|now| now.as_ref() == Some(&toast)) {
                    self.toast.set(None);
                }
            },
            stay,
        );
    }

    /// The key of a command, for a button's label. Reactive.
    pub fn hint(self, scope: Scope, command: Command) -> String {
        self.keymap.with(|map| map.hint(scope, command))
    }

    pub fn next_theme(self) {
        let next = match self.theme.get_untracked() {
            Theme::System => Theme::Light,
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::System,
        };
        self.theme.set(next);
        match next {
            Theme::System => storage::remove(THEME),
            Theme::Light => drop(storage::set(THEME, "light")),
            Theme::Dark => drop(storage::set(THEME, "dark")),
        }
        self.apply_theme();
    }

    pub fn apply_theme(self) {
        let Some(root) = document().document_element() else { return };
        let _ = match self.theme.get_untracked() {
            Theme::System => root.remove_attribute("data-theme"),
            Theme::Light => root.set_attribute("data-theme", "light"),
            Theme::Dark => root.set_attribute("data-theme", "dark"),
        };
    }

    pub fn switch_keys(self, off: bool) {
        self.keys_off.set(off);
        if off {
            storage::set(KEYS_OFF, "1");
        } else {
            storage::remove(KEYS_OFF);
        }
    }

    /// Gives a command another key; refused if it is taken.
    pub fn remap(self, name: String, keys: Option<Vec<String>>) -> Result<(), String> {
        let mut own = overrides();
        match keys {
            Some(keys) => own.insert(name, keys),
            None => own.remove(&name),
        };
        let keymap = Keymap::with(&own).map_err(|error| error.to_string())?;
        storage::set_json(KEYS, &own);
        self.keymap.set(Arc::new(keymap));
        self.keymap_refused.set(None);
        Ok(())
    }

    pub fn reset_keys(self) {
        storage::remove(KEYS);
        self.keymap.set(Arc::new(Keymap::default()));
        self.keymap_refused.set(None);
    }
}

pub fn overrides() -> Overrides {
    storage::get_json(KEYS).unwrap_or_default()
}

/// A key as it stands on a button.
#[component]
pub fn Key(#[prop(into)] text: Signal<String>) -> impl IntoView {
    view! { <kbd aria-hidden="true">{move || pretty(&text.get())}</kbd> }
}

#[component]
pub fn Toasts() -> impl IntoView {
    let app = expect_context::<App>();
    view! {
        <div id="toast" role="status" aria-live="polite" class="toasts">
            {move || {
                app.toast
                    .get()
                    .map(|toast| {
                        view! {
                            <p class="toast" class:bad=toast.bad>
                                <span aria-hidden="true">{if toast.bad { "▲ " } else { "✓ " }}</span>
                                {toast.text}
                                <button class="quiet" aria-label="Dismiss" on:click=move |_| app.toast.set(None)>
                                    "✕"
                                </button>
                            </p>
                        }
                    })
            }}
        </div>
    }
}
