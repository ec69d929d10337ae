//! What dialogs over the page have in common. While one is shown the page beneath is inert: see `Shell`.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::web::dom;

/// Gives the focus back to where it was, once the current owner is gone.
pub fn returns_focus() {
    let before = document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    let before = StoredValue::new_local(before);
    on_cleanup(move || {
        let before = before.try_get_value().flatten();
        // The page takes the focus again only when it is no longer inert.
        set_timeout(
            move || match before {
                Some(element) if element.is_connected() && element.tag_name() != "BODY" => {
                    let _ = element.focus();
                }
                _ => dom::focus("rows"),
            },
            Duration::ZERO,
        );
    });
}
