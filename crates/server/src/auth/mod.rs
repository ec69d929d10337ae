//! Who asks, and whether they may.

pub mod access;
pub mod password;
pub mod throttle;

use std::fmt::Write as _;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use overread_api::{ErrorCode, path};
use overread_domain::{AuditAction, Permission, Timestamp};
use overread_store::{Event, Origin, Session, StoreError, User};

use crate::{App, Failure};
use access::Access;

/// The cookie that carries a session's token.
pub const COOKIE: &str = "overread_session";

/// How seldom the use of a session is written down.
const TOUCH_MS: i64 = 60_000;

/// The person who asks. Only behind [`guard`].
#[derive(Clone, Debug)]
pub struct Signed {
    pub user: User,
    pub session: Session,
    pub token_hash: String,
    /// Where the request came from, for the audit trail.
    pub origin: Origin,
}

impl Signed {
    pub fn may(&self, permission: Permission) -> bool {
        self.user.role.may(permission)
    }

    /// An event of the audit trail that this person caused.
    pub fn event(&self, action: AuditAction) -> Event {
        Event::new(action, Some(&self.user.id), &self.origin)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Failure::internal("a route without guard asks who is there"))
    }
}

/// Stands before every route: finds its rule, the session, and whether the role may.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, Failure> {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("", MatchedPath::as_str);
    let Some(access) = access::access(request.method(), route) else {
        return Err(Failure::new(ErrorCode::NotFound, "nothing takes this here"));
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        check_origin(request.headers())?;
    }
    if access != Access::Public {
        let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
        let signed = signed_in(&app, request.headers(), origin).await?;
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            check_person(request.headers(), &signed.user)?;
        }
        if signed.user.must_change_password && access != Access::Session {
            return Err(Failure::new(
                ErrorCode::PasswordChangeRequired,
                "choose a password of your own first",
            ));
        }
        if let Access::Needs(permission) = access
            && !signed.may(permission)
        {
            let event = signed
                .event(AuditAction::AccessRefused)
                .with("route", format!("{} {route}", request.method()));
            app.store.record(event).await?;
            return Err(Failure::new(
                ErrorCode::NotAllowed,
                format!("the role \"{}\" does not allow this", signed.user.role.label()),
            ));
        }
        request.extensions_mut().insert(signed);
    }
    Ok(next.run(request).await)
}

/// Another site's form can't set a header of its own (OWASP CSRF cheat sheet, custom request headers).
fn check_origin(headers: &HeaderMap) -> Result<(), Failure> {
    let foreign = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if foreign || !headers.contains_key(path::CSRF_HEADER) {
        return Err(Failure::new(
            ErrorCode::NotAllowed,
            format!("requests that change something carry the header {}", path::CSRF_HEADER),
        ));
    }
    Ok(())
}

/// A page that shows one person must not act for another who has signed in beside it.
fn check_person(headers: &HeaderMap, user: &User) -> Result<(), Failure> {
    let meant = path::encode(user.id.as_str());
    if headers.get_all(path::USER_HEADER).iter().any(|named| named.as_bytes() != meant.as_bytes()) {
        return Err(Failure::new(
            ErrorCode::NotSignedIn,
            "another person has signed in in this browser; sign in again",
        ));
    }
    Ok(())
}

async fn signed_in(app: &App, headers: &HeaderMap, origin: Origin) -> Result<Signed, Failure> {
    let refused = || Failure::new(ErrorCode::NotSignedIn, "sign in first");
    let token_hash = token(headers).map(hash_token).ok_or_else(refused)?;
    let (mut session, user) = app.store.session(&token_hash).await?.ok_or_else(refused)?;
    let now = app.now();
    if session.expires_at <= now {
        return Err(refused());
    }
    if now.since(session.last_seen_at) >= TOUCH_MS {
        let expires = session_end(app, session.created_at, now);
        match app.store.touch_session(&token_hash, expires).await {
            Ok(()) => session.expires_at = expires,
            // The session was good a moment ago; only its idle time could not be moved.
            Err(StoreError::StorageFull | StoreError::Unavailable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Signed { user, session, token_hash, origin })
}

/// The sooner of the absolute end and the end of idle time.
pub fn session_end(app: &App, created: Timestamp, now: Timestamp) -> Timestamp {
    created
        .plus_millis(app.config.session_hours.saturating_mul(3_600_000))
        .min(now.plus_millis(app.config.idle_minutes.saturating_mul(60_000)))
}

/// 256 random bits in hex.
pub fn new_token(app: &App) -> String {
    format!("{:032x}{:032x}", app.source.random(), app.source.random())
}

/// What is kept of a token: a reader of the database can't sign in with it.
pub fn hash_token(token: &str) -> String {
    overread_intake::sha256_hex(token.as_bytes())
}

/// The session token of a request's cookies.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && value.len() == 64)
        .map(|(_, value)| value)
}

/// The header that sets the cookie, or takes it away where there is no token.
pub fn cookie(app: &App, token: Option<&str>) -> HeaderValue {
    let age = if token.is_some() { app.config.session_hours.saturating_mul(3600) } else { 0 };
    let mut cookie =
        format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}", token.unwrap_or_default());
    if app.config.secure_cookies {
        let _ = write!(cookie, "; Secure");
    }
    HeaderValue::from_str(&cookie).expect("hex and fixed words are a header")
}
