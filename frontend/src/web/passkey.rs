//! The browser's passkeys. Questions and answers go through as JSON (Web Authentication, level 3), so that nothing here
//! knows what is in them.

use js_sys::{Function, JSON, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Whether this browser can do it at all; older ones lack the way from and to JSON.
pub fn possible() -> bool {
    parser("parseRequestOptionsFromJSON").is_some()
}

/// Makes a passkey.
pub async fn make(options: &str) -> Result<String, String> {
    ask("create", "parseCreationOptionsFromJSON", options).await
}

/// Asks for one.
pub async fn get(options: &str) -> Result<String, String> {
    ask("get", "parseRequestOptionsFromJSON", options).await
}

fn class() -> Option<JsValue> {
    let window = web_sys::window()?;
    Reflect::get(&window, &"PublicKeyCredential".into()).ok().filter(|class| !class.is_undefined())
}

fn parser(name: &str) -> Option<(JsValue, Function)> {
    let class = class()?;
    let function = Reflect::get(&class, &name.into()).ok()?.dyn_into::<Function>().ok()?;
    Some((class, function))
}

const FAILED: &str = "The browser gave no passkey.";

async fn ask(how: &str, parse: &str, options: &str) -> Result<String, String> {
    let work = async {
        let (class, parse) = parser(parse)?;
        let options = parse.call1(&class, &JSON::parse(options).ok()?).ok()?;
        let request = Object::new();
        Reflect::set(&request, &"publicKey".into(), &options).ok()?;
        let navigator = web_sys::window()?.navigator();
        let credentials = Reflect::get(&navigator, &"credentials".into()).ok()?;
        let function = Reflect::get(&credentials, &how.into()).ok()?.dyn_into::<Function>().ok()?;
        let promise = function.call1(&credentials, &request).ok()?.dyn_into::<Promise>().ok()?;
        let credential = JsFuture::from(promise).await.ok()?;
        let to_json = Reflect::get(&credential, &"toJSON".into()).ok()?.dyn_into::<Function>().ok()?;
        JSON::stringify(&to_json.call0(&credential).ok()?).ok()?.as_string()
    };
    work.await.ok_or_else(|| FAILED.to_owned())
}
