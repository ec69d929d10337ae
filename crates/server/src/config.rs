//! What an installation may set. Every value has a default that suits one machine.

use serde::{Deserialize, Serialize};

/// The `[server]` part of the settings.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each switches something else")]
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
    /// A session locks after this many minutes without a request by hand; who comes back shows who they are.
    pub idle_minutes: i64,
    /// The address that people open, such as `https://overread.example.org`: passkeys, invitations and the provider's
    /// answers need it.
    pub public_url: Option<String>,
    /// Nobody works before a second factor is set up: an authenticator app or a passkey.
    pub require_second_factor: bool,
    /// An invitation is good for this many hours.
    pub invitation_hours: i64,
    /// The address of an OpenID provider, for single sign-on.
    pub oidc_issuer: Option<String>,
    /// What the provider calls this installation.
    pub oidc_client_id: Option<String>,
    /// A secret: `file:PATH`, `env:NAME` and `command:LINE` say where it is.
    pub oidc_client_secret: Option<String>,
    /// What the button says.
    pub oidc_name: String,
    /// The claim of the ID token that says what somebody is; text or a list.
    pub oidc_role_claim: String,
    /// Which values of it mean which role: `overread-qa=qa_lead, overread-coders=coder`. The first that fits counts.
    pub oidc_roles: String,
    /// The claim that people are called by.
    pub oidc_user_claim: String,
    /// Requests of one person in a minute; 0 for no limit. A third of them may come at once.
    pub requests_per_minute: u32,
    /// Searches of one person in a minute: of entries, and of codes, which come with each key.
    pub searches_per_minute: u32,
    /// Requests of one address in a minute before anybody signs in, beside the tries to sign in, which have their own brake.
    pub stranger_requests_per_minute: u32,
    /// What a reason opens stays open for this many minutes.
    pub opened_minutes: i64,
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

impl std::fmt::Debug for Config {
    /// Secrets are in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("public_url", &self.public_url).finish_non_exhaustive()
    }
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
            idle_minutes: 15,
            public_url: None,
            require_second_factor: false,
            invitation_hours: 72,
            oidc_issuer: None,
            oidc_client_id: None,
            oidc_client_secret: None,
            oidc_name: "Single sign-on".to_owned(),
            oidc_role_claim: "roles".to_owned(),
            oidc_roles: String::new(),
            oidc_user_claim: "preferred_username".to_owned(),
            requests_per_minute: 3000,
            searches_per_minute: 900,
            stranger_requests_per_minute: 600,
            opened_minutes: 60,
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
