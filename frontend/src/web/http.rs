//! Requests to the server and what can become of them.

use std::cell::{Cell, RefCell};

use gloo_net::http::{Method, RequestBuilder, Response};
use leptos::prelude::{RwSignal, Set as _};
use overread_api::path::{self, BACKGROUND_HEADER, CSRF_HEADER, USER_HEADER};
use overread_api::{ErrorBody, ErrorCode};
use overread_domain::UserId;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why there is no answer to use.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The server did not answer, or not in our terms: try again later.
    Away,
    Refused(Box<ErrorBody>),
}

impl Failure {
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Away => None,
            Self::Refused(body) => Some(body.code),
        }
    }

    /// Whether the same request may go well later.
    pub fn is_passing(&self) -> bool {
        self.code().is_none_or(|code| {
            matches!(
                code,
                ErrorCode::TooManyRequests
                    | ErrorCode::Internal
                    | ErrorCode::Unavailable
                    | ErrorCode::StorageFull
            )
        })
    }

    pub fn message(&self) -> String {
        match self {
            Self::Away => "The server does not answer.".to_owned(),
            Self::Refused(body) => {
                let mut message = sentence(&body.message);
                if let Some(id) = &body.request_id {
                    message += " (request ";
                    message += id;
                    message += ")";
                }
                message
            }
        }
    }
}

/// A message of the wire as a sentence.
pub fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let mut out: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    out.push_str(chars.as_str());
    if !out.is_empty() && !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}

thread_local! {
    static EXPIRED: Cell<Option<RwSignal<bool>>> = const { Cell::new(None) };
    static PERSON: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Names the person the page shows. Another tab may have signed somebody else in; the server then refuses what this
/// page sends instead of taking it for theirs.
pub fn speak_for(user: &UserId) {
    PERSON.set(Some(path::encode(user.as_str())));
}

/// Names the signal that is set when the server no longer knows who asks.
pub fn tell_expiry(signal: RwSignal<bool>) {
    EXPIRED.set(Some(signal));
}

pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    let request = builder(Method::GET, path).build().map_err(|_| Failure::Away)?;
    read(request.send().await).await
}

/// What the page asks by itself: it does not count as somebody being there.
pub async fn poll<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    by_itself(Method::GET, path).await
}

/// The same with another method, and without a body.
pub async fn by_itself<T: DeserializeOwned>(method: Method, path: &str) -> Result<T, Failure> {
    let request = builder(method, path).header(BACKGROUND_HEADER, "1").build().map_err(|_| Failure::Away)?;
    read(request.send().await).await
}

pub async fn send<T: DeserializeOwned>(
    method: Method,
    path: &str,
    body: &impl Serialize,
) -> Result<T, Failure> {
    let request = builder(method, path).json(body).map_err(|_| Failure::Away)?;
    read(request.send().await).await
}

pub async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, Failure> {
    send(Method::POST, path, body).await
}

/// A request whose answer has no content.
pub async fn tell(method: Method, path: &str, body: Option<&impl Serialize>) -> Result<(), Failure> {
    let builder = builder(method, path);
    let request = match body {
        Some(body) => builder.json(body),
        None => builder.build(),
    };
    let response = request.map_err(|_| Failure::Away)?.send().await.map_err(|_| Failure::Away)?;
    if response.ok() { Ok(()) } else { Err(refusal(response).await) }
}

/// Sends bytes as they are.
pub async fn upload<T: DeserializeOwned>(
    path: &str,
    content_type: &str,
    body: wasm_bindgen::JsValue,
) -> Result<T, Failure> {
    let request = builder(Method::POST, path)
        .header("content-type", content_type)
        .body(body)
        .map_err(|_| Failure::Away)?;
    read(request.send().await).await
}

fn builder(method: Method, path: &str) -> RequestBuilder {
    let request = RequestBuilder::new(path)
        .method(method.clone())
        .header("accept", "application/json")
        .header(CSRF_HEADER, "1");
    match PERSON.with_borrow(Clone::clone) {
        Some(person) if method != Method::GET => request.header(USER_HEADER, &person),
        _ => request,
    }
}

async fn read<T: DeserializeOwned>(sent: Result<Response, gloo_net::Error>) -> Result<T, Failure> {
    let response = sent.map_err(|_| Failure::Away)?;
    if response.ok() {
        let text = response.text().await.map_err(|_| Failure::Away)?;
        serde_json::from_str(&text).map_err(|error| {
            leptos::logging::warn!(
                "an answer can't be read: line {}, column {}",
                error.line(),
                error.column()
            );
            Failure::Away
        })
    } else {
        Err(refusal(response).await)
    }
}

async fn refusal(response: Response) -> Failure {
    let text = response.text().await.unwrap_or_default();
    let Ok(body) = serde_json::from_str::<ErrorBody>(&text) else { return Failure::Away };
    let away = matches!(
        body.code,
        ErrorCode::NotSignedIn | ErrorCode::SessionLocked | ErrorCode::ConfirmationRequired
    );
    if away && let Some(signal) = EXPIRED.get() {
        signal.set(true);
    }
    Failure::Refused(Box::new(body))
}

/// Sends a form of files; the browser writes its content type.
pub async fn upload_parts<T: DeserializeOwned>(
    path: &str,
    parts: wasm_bindgen::JsValue,
) -> Result<T, Failure> {
    let request = builder(Method::POST, path).body(parts).map_err(|_| Failure::Away)?;
    read(request.send().await).await
}
