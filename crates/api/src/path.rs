//! Paths of version 1. `{x}` stands for one segment; the functions fill them in for the page and the tests.

pub const SESSION: &str = "/api/v1/session";
pub const PASSWORD: &str = "/api/v1/session/password";
pub const SIGN_IN: &str = "/api/v1/sign-in";
pub const SECOND_FACTOR: &str = "/api/v1/session/second-factor";
pub const SESSION_PASSKEY: &str = "/api/v1/session/passkey";
pub const PASSKEY_CHALLENGE: &str = "/api/v1/session/passkey-challenge";
pub const LOCK: &str = "/api/v1/session/lock";
pub const UNLOCK: &str = "/api/v1/session/unlock";
pub const OIDC: &str = "/api/v1/oidc";
pub const OIDC_CALLBACK: &str = "/api/v1/oidc/callback";
pub const ACCOUNT: &str = "/api/v1/account";
pub const TOTP: &str = "/api/v1/account/totp";
pub const CONFIRM_TOTP: &str = "/api/v1/account/totp/confirm";
pub const RECOVERY_CODES: &str = "/api/v1/account/recovery-codes";
pub const PASSKEYS: &str = "/api/v1/account/passkeys";
pub const NEW_PASSKEY: &str = "/api/v1/account/passkey-challenge";
pub const PASSKEY: &str = "/api/v1/account/passkeys/{passkey}";
pub const SESSIONS: &str = "/api/v1/account/sessions";
pub const ONE_SESSION: &str = "/api/v1/account/sessions/{session}";
pub const TOKENS: &str = "/api/v1/account/tokens";
pub const TOKEN: &str = "/api/v1/account/tokens/{token}";
pub const INVITATION: &str = "/api/v1/invitation";
pub const ACCEPT_INVITATION: &str = "/api/v1/invitation/accept";
pub const ENTRIES: &str = "/api/v1/entries";
pub const PROGRESS: &str = "/api/v1/entries/progress";
pub const NEXT_ENTRY: &str = "/api/v1/entries/next";
pub const ENTRY: &str = "/api/v1/entries/{entry}";
pub const DECISIONS: &str = "/api/v1/entries/{entry}/decisions";
pub const LEASE: &str = "/api/v1/entries/{entry}/lease";
pub const SUGGEST_AGAIN: &str = "/api/v1/entries/{entry}/suggest";
pub const PLACING: &str = "/api/v1/entries/{entry}/placing";
pub const PLACES: &str = "/api/v1/places";
pub const OPENED: &str = "/api/v1/opened-notes";
pub const MY_OPENED: &str = "/api/v1/opened-notes/mine";
pub const ONE_OPENED: &str = "/api/v1/opened-notes/{opened}";
pub const JUDGEMENT: &str = "/api/v1/opened-notes/{opened}/judgement";
pub const IMPORT: &str = "/api/v1/import";
pub const CODES: &str = "/api/v1/codes";
pub const CODE: &str = "/api/v1/codes/{system}/{code}";
pub const QUESTIONS: &str = "/api/v1/codes/{system}/{code}/questions";
pub const PROCEDURES: &str = "/api/v1/procedures";
pub const BOOK: &str = "/api/v1/books/{book}";
pub const CODE_SYSTEMS: &str = "/api/v1/code-systems";
pub const CODE_SYSTEM: &str = "/api/v1/code-systems/{id}";
pub const MY_CODES: &str = "/api/v1/my-codes";
pub const MY_CODE: &str = "/api/v1/my-codes/{system}/{code}";
pub const EDITS: &str = "/api/v1/edits";
pub const SIMULATE_EDITS: &str = "/api/v1/edits/simulate";
pub const TEMPLATES: &str = "/api/v1/templates";
pub const TEMPLATE: &str = "/api/v1/templates/{template}";
pub const ACCURACY: &str = "/api/v1/accuracy";
pub const CORRECTIONS: &str = "/api/v1/corrections";
pub const MEMORY: &str = "/api/v1/memory";
pub const MEMORY_ROW: &str = "/api/v1/memory/{memory}";
pub const MEMORY_DELETIONS: &str = "/api/v1/memory-deletions";
pub const SYSTEM: &str = "/api/v1/system";
pub const PROTECTION: &str = "/api/v1/system/protection";
pub const JOBS: &str = "/api/v1/jobs";
pub const RETRY_JOB: &str = "/api/v1/jobs/{job}/retry";
pub const USERS: &str = "/api/v1/users";
pub const USER: &str = "/api/v1/users/{user}";
pub const INVITE: &str = "/api/v1/users/{user}/invitation";
pub const USER_SESSIONS: &str = "/api/v1/users/{user}/sessions";
pub const AUDIT: &str = "/api/v1/audit";
pub const UNUSUAL: &str = "/api/v1/audit/unusual";
pub const AUDIT_STATUS: &str = "/api/v1/audit/status";
pub const AUDIT_REVIEWS: &str = "/api/v1/audit/reviews";
pub const OPENAPI: &str = "/api/v1/openapi.json";

/// Every request that changes something carries this header with any value: a form on another site cannot set it.
pub const CSRF_HEADER: &str = "x-overread";

/// Whom the page shows as signed in, as [`encode`] writes the id. All tabs of a browser share one cookie: when another
/// person has signed in beside this page, what this page still sends must not count as theirs. Optional; checked on
/// requests that change something.
pub const USER_HEADER: &str = "x-overread-user";

/// On requests that a page sends by itself, with any value: they don't count as somebody being there.
pub const BACKGROUND_HEADER: &str = "x-overread-background";

/// How tokens for scripts begin; they go into `Authorization: Bearer`.
pub const TOKEN_PREFIX: &str = "ovr_";

/// Where an invitation leads; its token follows, behind `#`, so that it is in no log.
pub const WELCOME_PAGE: &str = "/welcome";

/// Fills the `{...}` segments of a path in their order.
pub fn fill(path: &str, segments: &[&str]) -> String {
    let mut segments = segments.iter();
    path.split('/')
        .map(|part| {
            if part.starts_with('{') {
                segments.next().map_or_else(String::new, |segment| encode(segment))
            } else {
                part.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// Percent-encodes all but RFC 3986 unreserved characters.
pub fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_and_encodes_segments() {
        assert_eq!(fill(CODE, &["icd-10-cm", "E11.22"]), "/api/v1/codes/icd-10-cm/E11.22");
        assert_eq!(fill(ENTRY, &["a/b ü"]), "/api/v1/entries/a%2Fb%20%C3%BC");
    }
}
