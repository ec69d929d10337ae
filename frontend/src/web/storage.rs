//! The browser's storage. A browser that refuses it only loses what reload would have kept.

use leptos::prelude::window;
use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::Storage;

fn local() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

pub fn get(key: &str) -> Option<String> {
    local()?.get_item(key).ok().flatten()
}

pub fn set(key: &str, value: &str) -> bool {
    local().is_some_and(|storage| storage.set_item(key, value).is_ok())
}

pub fn remove(key: &str) {
    if let Some(storage) = local() {
        let _ = storage.remove_item(key);
    }
}

pub fn get_json<T: DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_str(&get(key)?).ok()
}

pub fn set_json(key: &str, value: &impl Serialize) -> bool {
    serde_json::to_string(value).is_ok_and(|json| set(key, &json))
}

pub fn keys() -> Vec<String> {
    let Some(storage) = local() else { return Vec::new() };
    let count = storage.length().unwrap_or(0);
    (0..count).filter_map(|index| storage.key(index).ok().flatten()).collect()
}

/// A name of this tab that outlives reloads.
pub fn tab() -> String {
    const KEY: &str = "overread.tab";
    let Ok(Some(storage)) = window().session_storage() else { return "only".to_owned() };
    if let Ok(Some(tab)) = storage.get_item(KEY) {
        return tab;
    }
    let tab = super::dom::random_hex(6);
    let _ = storage.set_item(KEY, &tab);
    tab
}
