//! Small doors to the browser.

use std::time::Duration;

use leptos::prelude::{document, set_timeout, window};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlElement, KeyboardEvent};

use crate::logic::keymap::Press;

/// Milliseconds since 1970.
pub fn now() -> i64 {
    js_sys::Date::now() as i64
}

/// `n` random bytes as hexadecimal digits.
pub fn random_hex(n: usize) -> String {
    let mut bytes = vec![0u8; n];
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A key for one request: 32 hexadecimal digits.
pub fn new_key() -> String {
    random_hex(16)
}

pub async fn sleep(ms: u32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(
            move || {
                let _ = resolve.call0(&wasm_bindgen::JsValue::NULL);
            },
            Duration::from_millis(ms.into()),
        );
    });
    let _ = JsFuture::from(promise).await;
}

/// Puts text into the clipboard; whether the browser let us.
pub async fn copy(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Outside of secure contexts there is none.
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

pub fn press(event: &KeyboardEvent) -> Press {
    let graph = event.get_modifier_state("AltGraph");
    Press {
        key: event.key(),
        ctrl: (event.ctrl_key() || event.meta_key()) && !graph,
        alt: event.alt_key() && !graph,
    }
}

/// Whether keys typed at this element are text or belong to the element itself.
pub fn takes_text(event: &KeyboardEvent) -> bool {
    let Some(target) = event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok()) else { return false };
    let tag = target.tag_name();
    if tag == "INPUT" {
        let kind = target.get_attribute("type").unwrap_or_default();
        return !matches!(kind.as_str(), "checkbox" | "radio" | "button" | "submit" | "file");
    }
    matches!(tag.as_str(), "TEXTAREA" | "SELECT") || target.is_content_editable()
}

/// Whether Enter or Space at this element does what the element says.
pub fn takes_enter(event: &KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|t| t.dyn_into::<HtmlElement>().ok())
        .is_some_and(|target| matches!(target.tag_name().as_str(), "BUTTON" | "A" | "SUMMARY" | "INPUT"))
}

pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = element.focus_with_options(&options);
    }
}

/// Focuses an element that the next rendering brings.
pub fn focus_soon(id: &'static str) {
    set_timeout(
        move || {
            focus(id);
            if let Some(input) =
                document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlInputElement>().ok())
                && input.type_() == "text"
            {
                input.select();
            }
        },
        Duration::ZERO,
    );
}

pub fn scroll_near(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        scroll_into(&element, web_sys::ScrollLogicalPosition::Nearest);
    }
}

pub fn scroll_into(element: &web_sys::Element, block: web_sys::ScrollLogicalPosition) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(block);
    options.set_behavior(web_sys::ScrollBehavior::Instant);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// The letter or digit that is pressed with Alt, by its place on the keyboard: what it types there is another sign on some
/// systems.
pub fn with_alt(event: &KeyboardEvent) -> Option<char> {
    if !event.alt_key() || event.ctrl_key() {
        return None;
    }
    let code = event.code();
    let sign = code.strip_prefix("Key").or_else(|| code.strip_prefix("Digit"))?.chars().next()?;
    Some(sign.to_ascii_lowercase())
}

/// Whether the event comes from a button.
pub fn takes_button(event: &KeyboardEvent) -> bool {
    event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok()).is_some_and(|t| t.tag_name() == "BUTTON")
}

/// Whether arrows at this element scroll it.
pub fn scrolls(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| target.closest("[data-scrolls]").ok().flatten().is_some())
}
