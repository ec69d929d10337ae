//! Which permission each route needs: one table, asked on every request. A route that does not stand here answers nobody.

use axum::http::Method;
use overread_api::path as p;
use overread_domain::Permission;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Without signing in.
    Public,
    /// A session, also one that is locked or awaits its second factor.
    AnyStage,
    /// Any signed-in person, even before a forced change of password or the set-up of a second factor. No tokens.
    Session,
    /// Any signed-in person. Tokens only read.
    SignedIn,
    Needs(Permission),
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub method: Method,
    /// The route's template.
    pub path: &'static str,
    pub access: Access,
}

const fn rule(method: Method, path: &'static str, access: Access) -> Rule {
    Rule { method, path, access }
}

/// All routes of the product but the page's files.
pub const RULES: &[Rule] = &[
    rule(Method::GET, p::SIGN_IN, Access::Public),
    rule(Method::GET, p::SESSION, Access::AnyStage),
    rule(Method::POST, p::SESSION, Access::Public),
    rule(Method::DELETE, p::SESSION, Access::AnyStage),
    rule(Method::POST, p::SECOND_FACTOR, Access::AnyStage),
    rule(Method::POST, p::PASSKEY_CHALLENGE, Access::Public),
    rule(Method::POST, p::SESSION_PASSKEY, Access::Public),
    rule(Method::POST, p::LOCK, Access::Session),
    rule(Method::POST, p::UNLOCK, Access::AnyStage),
    rule(Method::GET, p::OIDC, Access::Public),
    rule(Method::GET, p::OIDC_CALLBACK, Access::Public),
    rule(Method::POST, p::INVITATION, Access::Public),
    rule(Method::POST, p::ACCEPT_INVITATION, Access::Public),
    rule(Method::POST, p::PASSWORD, Access::Session),
    rule(Method::GET, p::ACCOUNT, Access::Session),
    rule(Method::POST, p::TOTP, Access::Session),
    rule(Method::POST, p::CONFIRM_TOTP, Access::Session),
    rule(Method::DELETE, p::TOTP, Access::Session),
    rule(Method::POST, p::RECOVERY_CODES, Access::Session),
    rule(Method::POST, p::NEW_PASSKEY, Access::Session),
    rule(Method::POST, p::PASSKEYS, Access::Session),
    rule(Method::DELETE, p::PASSKEY, Access::Session),
    rule(Method::DELETE, p::SESSIONS, Access::Session),
    rule(Method::DELETE, p::ONE_SESSION, Access::Session),
    rule(Method::POST, p::TOKENS, Access::SignedIn),
    rule(Method::DELETE, p::TOKEN, Access::Session),
    rule(Method::GET, p::ENTRIES, Access::Needs(Permission::ReadEntries)),
    rule(Method::GET, p::PROGRESS, Access::Needs(Permission::ReadEntries)),
    rule(Method::GET, p::NEXT_ENTRY, Access::Needs(Permission::ReadEntries)),
    rule(Method::GET, p::ENTRY, Access::Needs(Permission::ReadEntries)),
    rule(Method::POST, p::DECISIONS, Access::Needs(Permission::Decide)),
    rule(Method::POST, p::LEASE, Access::Needs(Permission::Decide)),
    rule(Method::DELETE, p::LEASE, Access::Needs(Permission::Decide)),
    rule(Method::POST, p::SUGGEST_AGAIN, Access::Needs(Permission::RunJobs)),
    rule(Method::PUT, p::PLACING, Access::Needs(Permission::PlaceEntries)),
    rule(Method::GET, p::PLACES, Access::Needs(Permission::SeePlaces)),
    rule(Method::POST, p::OPENED, Access::Needs(Permission::ReadEntries)),
    rule(Method::GET, p::OPENED, Access::Needs(Permission::ReviewAccess)),
    rule(Method::GET, p::MY_OPENED, Access::Needs(Permission::ReadEntries)),
    rule(Method::DELETE, p::ONE_OPENED, Access::Needs(Permission::ReadEntries)),
    rule(Method::POST, p::JUDGEMENT, Access::Needs(Permission::ReviewAccess)),
    rule(Method::POST, p::IMPORT, Access::Needs(Permission::ImportNotes)),
    rule(Method::POST, p::CODES, Access::Needs(Permission::SearchCodes)),
    rule(Method::GET, p::CODE, Access::Needs(Permission::SearchCodes)),
    rule(Method::POST, p::QUESTIONS, Access::Needs(Permission::SearchCodes)),
    rule(Method::GET, p::PROCEDURES, Access::Needs(Permission::SearchCodes)),
    rule(Method::GET, p::BOOK, Access::Needs(Permission::SearchCodes)),
    rule(Method::GET, p::CODE_SYSTEMS, Access::Needs(Permission::SearchCodes)),
    rule(Method::POST, p::CODE_SYSTEMS, Access::Needs(Permission::ImportCodes)),
    rule(Method::DELETE, p::CODE_SYSTEM, Access::Needs(Permission::ImportCodes)),
    rule(Method::GET, p::MY_CODES, Access::Needs(Permission::SearchCodes)),
    rule(Method::PUT, p::MY_CODE, Access::Needs(Permission::SearchCodes)),
    rule(Method::DELETE, p::MY_CODE, Access::Needs(Permission::SearchCodes)),
    rule(Method::GET, p::EDITS, Access::SignedIn),
    rule(Method::PUT, p::EDITS, Access::Needs(Permission::EditRules)),
    rule(Method::POST, p::SIMULATE_EDITS, Access::Needs(Permission::EditRules)),
    rule(Method::GET, p::TEMPLATES, Access::SignedIn),
    rule(Method::GET, p::TEMPLATE, Access::SignedIn),
    rule(Method::PUT, p::TEMPLATE, Access::Needs(Permission::EditTemplates)),
    rule(Method::GET, p::ACCURACY, Access::Needs(Permission::SeeAccuracy)),
    rule(Method::GET, p::CORRECTIONS, Access::Needs(Permission::ExportCorrections)),
    rule(Method::GET, p::MEMORY, Access::Needs(Permission::CurateMemory)),
    rule(Method::DELETE, p::MEMORY_ROW, Access::Needs(Permission::CurateMemory)),
    rule(Method::GET, p::MEMORY_DELETIONS, Access::Needs(Permission::CurateMemory)),
    rule(Method::GET, p::SYSTEM, Access::Needs(Permission::SeeSystem)),
    rule(Method::GET, p::PROTECTION, Access::Needs(Permission::SeeSystem)),
    rule(Method::GET, p::JOBS, Access::Needs(Permission::SeeSystem)),
    rule(Method::POST, p::RETRY_JOB, Access::Needs(Permission::RunJobs)),
    rule(Method::GET, p::USERS, Access::Needs(Permission::ManageUsers)),
    rule(Method::POST, p::USERS, Access::Needs(Permission::ManageUsers)),
    rule(Method::PATCH, p::USER, Access::Needs(Permission::ManageUsers)),
    rule(Method::POST, p::INVITE, Access::Needs(Permission::ManageUsers)),
    rule(Method::DELETE, p::USER_SESSIONS, Access::Needs(Permission::ManageUsers)),
    rule(Method::GET, p::AUDIT, Access::Needs(Permission::SeeAudit)),
    rule(Method::GET, p::UNUSUAL, Access::Needs(Permission::SeeAudit)),
    rule(Method::GET, p::AUDIT_STATUS, Access::Needs(Permission::SeeAudit)),
    rule(Method::POST, p::AUDIT_REVIEWS, Access::Needs(Permission::SeeAudit)),
    rule(Method::GET, p::OPENAPI, Access::Public),
    rule(Method::GET, HEALTHZ, Access::Public),
    rule(Method::GET, READYZ, Access::Public),
    // Has a guard of its own.
    rule(Method::GET, METRICS, Access::Public),
];

pub const HEALTHZ: &str = "/healthz";
pub const READYZ: &str = "/readyz";
pub const METRICS: &str = "/metrics";

/// What a route asks for. `HEAD` is `GET` without its body.
pub fn access(method: &Method, path: &str) -> Option<Access> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    RULES.iter().find(|rule| rule.method == *method && rule.path == path).map(|rule| rule.access)
}
