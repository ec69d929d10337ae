//! One person's HTTP session with the server.

use std::io::Read as _;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use overread_api::path;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Request;

/// Sends requests, keeps the session's cookie, and carries the header that every write needs.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    cookie: Mutex<Option<String>>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON, if the status is one of success.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        serde_json::from_slice(&self.body).context("reading an answer")
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// `base` is scheme, host and port.
    pub fn new(base: impl Into<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(2)))
            .build();
        Self { agent: config.into(), base: base.into(), cookie: Mutex::new(None) }
    }

    pub fn sign_in(&self, user: &str, password: &str) -> Result<()> {
        let answer = self.post(path::SESSION, &serde_json::json!({ "user": user, "password": password }))?;
        if answer.status >= 300 {
            bail!("signing in as {user}: status {}: {}", answer.status, answer.text());
        }
        Ok(())
    }

    /// The cookie of the session, to give it to a browser.
    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().expect("no panic while locked").clone()
    }

    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, None, "")
    }

    pub fn post<T: Serialize>(&self, path: &str, body: &T) -> Result<Answer> {
        self.send("POST", path, Some(serde_json::to_vec(body)?), "application/json")
    }

    pub fn delete(&self, path: &str) -> Result<Answer> {
        self.send("DELETE", path, None, "")
    }

    /// Any request; an error only where no answer came.
    pub fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>, media: &str) -> Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(path::CSRF_HEADER, "1")
            .header("accept", "application/json");
        if let Some(cookie) = self.cookie() {
            request = request.header("cookie", cookie);
        }
        let response = match body {
            Some(body) => self.agent.run(request.header("content-type", media).body(body)?),
            None => self.agent.run(request.body(())?),
        };
        let response = response.with_context(|| format!("{method} {path}"))?;
        let status = response.status().as_u16();
        if let Some(set) = response.headers().get("set-cookie").and_then(|value| value.to_str().ok()) {
            let pair = set.split(';').next().unwrap_or_default();
            *self.cookie.lock().expect("no panic while locked") = Some(pair.to_owned());
        }
        let mut body = Vec::new();
        response
            .into_body()
            .into_reader()
            .read_to_end(&mut body)
            .with_context(|| format!("{method} {path}"))?;
        Ok(Answer { status, body })
    }
}
