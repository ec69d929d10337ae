//! One person at the interface.

use std::sync::LazyLock;

use http_body_util::BodyExt as _;
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::EntryId;
use overread_server::axum::Router;
use overread_server::axum::body::Body;
use overread_server::axum::http::{HeaderMap, Method, Request, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt as _;

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&overread_server::openapi()).expect("the description is JSON"));

#[derive(Clone, Debug)]
pub struct Client {
    router: Router,
    pub cookie: Option<String>,
    /// Whether requests carry the header against forgery.
    pub careful: bool,
    /// Whom the page shows, as it stands in the header.
    pub shows: Option<String>,
    /// A script's token.
    pub bearer: Option<String>,
    /// The sign that a known browser carries.
    pub device: Option<String>,
    /// Whether requests say that the page asks by itself.
    pub by_itself: bool,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Itself, if the status is the one named.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check is the point")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The error, if it is the one named.
    #[track_caller]
    pub fn error(&self, code: ErrorCode) -> ErrorBody {
        let body: ErrorBody = self.json();
        assert_eq!(body.code, code, "{}", self.text());
        body
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    pub fn new(router: Router) -> Self {
        Self {
            router,
            cookie: None,
            careful: true,
            shows: None,
            bearer: None,
            device: None,
            by_itself: false,
        }
    }

    pub async fn sign_in(&mut self, user: &str, password: &str) -> Answer {
        let answer = self.post(path::SESSION, &json!({ "user": user, "password": password })).await;
        self.take_cookies(&answer);
        answer
    }

    /// Does with an answer's cookies what a browser does.
    pub fn take_cookies(&mut self, answer: &Answer) {
        for value in answer.headers.get_all(header::SET_COOKIE) {
            let Some(pair) = value.to_str().ok().and_then(|value| value.split(';').next()) else { continue };
            if pair.starts_with("overread_session=") {
                self.cookie = Some(pair.to_owned());
            } else if pair.starts_with("overread_device=") {
                self.device = Some(pair.to_owned());
            }
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.json("POST", path, body).await
    }

    pub async fn json(&self, method: &str, path: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).expect("bodies are JSON");
        self.send(method, path, Some(("application/json", body))).await
    }

    /// Decides with a key of its own for each call of a test.
    pub async fn decide(&self, entry: &EntryId, revision: u32, key: &str, actions: Value) -> Answer {
        let body = json!({
            "expected_revision": revision,
            "idempotency_key": format!("key-{key:0>8}"),
            "actions": actions,
            "effort": { "active_ms": 1200, "keystrokes": 2, "keys": ["next", "accept"], "evidence_opened": 1 },
        });
        self.post(&path::fill(path::DECISIONS, &[entry.as_str()]), &body).await
    }

    /// Any request. What comes back must be what the description says of the route.
    pub async fn send(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if self.careful {
            request = request.header(path::CSRF_HEADER, "1");
        }
        if self.by_itself {
            request = request.header(path::BACKGROUND_HEADER, "1");
        }
        if let Some(person) = &self.shows {
            request = request.header(path::USER_HEADER, person);
        }
        for cookie in self.cookie.iter().chain(&self.device) {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(token) = &self.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = match body {
            Some((kind, bytes)) => request.header(header::CONTENT_TYPE, kind).body(Body::from(bytes)),
            None => request.body(Body::empty()),
        };
        self.request(request.expect("a request")).await
    }

    pub async fn request(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        check(&method, &path, &answer);
        answer
    }
}

/// Holds an answer against the description and the rules for all errors.
fn check(method: &Method, path: &str, answer: &Answer) {
    let status = answer.status.to_string();
    if let Some(template) = template(method, path) {
        let operation = &DESCRIPTION["paths"][template][method.as_str().to_lowercase()];
        assert!(
            operation["responses"].get(&status).is_some(),
            "{method} {template} answered {status}, which its description does not know: {}",
            answer.text()
        );
    }
    if answer.status >= 400 && path != "/readyz" {
        let body: ErrorBody = answer.json();
        assert_eq!(body.code.status(), answer.status, "{}", answer.text());
        assert!(!body.message.is_empty());
    }
    for name in ["content-security-policy", "x-content-type-options", "x-request-id", "cache-control"] {
        assert!(answer.headers.contains_key(name), "{method} {path} answers without {name}");
    }
}

/// The described route that a path belongs to; fixed segments go before variable ones.
fn template(method: &Method, path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let (a, b): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.starts_with('{') || a == b)
    };
    overread_server::RULES
        .iter()
        .filter(|rule| rule.method == *method && fits(rule.path))
        .map(|rule| rule.path)
        .min_by_key(|template| template.matches('{').count())
}
