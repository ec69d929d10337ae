//! What an installation may set. Every value has a default that suits one machine.

use serde::{Deserialize, Serialize};

/// The `[server]` part of the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bytes of one note.
    pub note_bytes: usize,
    /// Bytes of one import request.
    pub import_bytes: usize,
    /// Bytes of one import of code systems.
    pub code_bytes: usize,
    /// Bytes of any other request.
    pub request_bytes: usize,
    /// Seconds until a request is given up.
    pub request_seconds: u64,
    /// The same for an import.
    pub import_seconds: u64,
    /// A session ends after this many hours, whatever happens.
    pub session_hours: i64,
    /// A session ends after this many minutes without a request.
    pub idle_minutes: i64,
    /// How long an entry stays with who works on it; the page renews it.
    pub lease_seconds: i64,
    /// Send cookies over TLS only. Set it wherever TLS ends before or in this program.
    pub secure_cookies: bool,
    /// Believe the last address of `X-Forwarded-For`. Only behind a proxy that sets it.
    pub behind_proxy: bool,
    /// Who scrapes `/metrics` sends it as a bearer token. Without one only this machine may read them.
    pub metrics_token: Option<String>,
    /// Suggestion jobs that run at once. The encoder uses all cores for one.
    pub workers: usize,
    /// How often a job is tried before it counts as failed.
    pub attempts: u32,
    /// Seconds until the second try; each further one waits four times as long.
    pub retry_seconds: i64,
    /// Seconds after which the job of a dead worker is free again.
    pub claim_seconds: i64,
    /// Fewer decisions than this and the accuracy page shows no rate.
    pub least_n: u64,
    /// Find codes by meaning too: once the server idles it makes the vectors that this needs (minutes, once) and keeps
    /// them in the data folder.
    pub semantic: bool,
    /// The template of imports that name none.
    pub template: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            note_bytes: 2_000_000,
            import_bytes: 64 * 1024 * 1024,
            code_bytes: 256 * 1024 * 1024,
            request_bytes: 1024 * 1024,
            request_seconds: 30,
            import_seconds: 300,
            session_hours: 12,
            idle_minutes: 30,
            lease_seconds: 300,
            secure_cookies: false,
            behind_proxy: false,
            metrics_token: None,
            workers: 1,
            attempts: 3,
            retry_seconds: 5,
            claim_seconds: 60,
            least_n: 20,
            semantic: true,
            template: "encounter-abstract".to_owned(),
        }
    }
}
