//! Who asks, and whether they may.

pub mod access;
pub mod begin;
pub mod device;
pub mod oidc;
pub mod passkey;
pub mod password;
pub mod rates;
pub mod second;
pub mod throttle;

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use overread_api::{ErrorCode, path};
use overread_domain::{AuditAction, NoteId, Permission, Timestamp};
use overread_store::{
    ApiToken, Event, Factors, Origin, SKEW_MS, Scope, Session, Stage, Store, StoreError, User,
};

use crate::{App, Config, Failure};
use access::Access;
use oidc::Oidc;
use overread_keys::Keyring;
use passkey::Passkeys;
use rates::Rate;

/// By what people can sign in beside a password, and the keys that it needs.
#[derive(Clone, Debug)]
pub struct SignInWays {
    pub keys: Keyring,
    pub passkeys: Option<Passkeys>,
    pub oidc: Option<Arc<Oidc>>,
}

impl SignInWays {
    /// # Errors
    /// Where a setting won't do; the message names it.
    pub fn new(config: &Config, keys: Keyring) -> Result<Self, String> {
        let named = |url: &&String| !url.trim().is_empty();
        Ok(Self {
            keys,
            passkeys: match config.public_url.as_ref().filter(named) {
                Some(url) => Passkeys::new(url)?,
                None => None,
            },
            oidc: Oidc::new(config)?.map(Arc::new),
        })
    }
}

/// The cookie that carries a session's token.
pub const COOKIE: &str = "overread_session";

/// How seldom the use of a session is written down.
const TOUCH_MS: i64 = 60_000;
/// For how long somebody counts as having just shown who they are.
const CONFIRMED_MS: i64 = 10 * 60_000;

/// The person who asks. Only behind [`guard`].
#[derive(Clone, Debug)]
pub struct Signed {
    pub user: User,
    pub via: Via,
    /// What of all entries is there for the person; none on routes that need no permission.
    pub scope: Option<Arc<Scope>>,
    /// Where the request came from, for the audit trail.
    pub origin: Origin,
}

/// By what the person is known.
#[derive(Clone, Debug)]
pub enum Via {
    Session { session: Box<Session>, token_hash: String },
    Token(ApiToken),
}

impl Signed {
    pub fn may(&self, permission: Permission) -> bool {
        let scoped = match &self.via {
            Via::Session { .. } => true,
            Via::Token(token) => token.scopes.iter().any(|scope| scope == permission.as_str()),
        };
        scoped && self.user.role.may(permission)
    }

    /// The database as this person may see it.
    pub fn store(&self, app: &App) -> Result<Store, Failure> {
        let scope = self
            .scope
            .clone()
            .ok_or_else(|| Failure::internal("a route without permission asks for entries"))?;
        Ok(app.store.within(scope))
    }

    /// Whether this person sees a note as it is written.
    pub fn shows_as_written(&self, note: &NoteId) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.shows_as_written(note))
    }

    /// Whether this person sees notes as they are written without giving a reason.
    pub fn reads_as_written(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.reads_as_written())
    }

    /// An event of the audit trail that this person caused.
    pub fn event(&self, action: AuditAction) -> Event {
        let event = Event::new(action, Some(&self.user.id), &self.origin);
        match &self.via {
            Via::Session { .. } => event,
            Via::Token(token) => event.with("token", token.id.as_str()),
        }
    }

    /// The session and its token's hash.
    pub fn session(&self) -> Result<(&Session, &str), Failure> {
        match &self.via {
            Via::Session { session, token_hash } => Ok((session, token_hash)),
            Via::Token(_) => Err(Failure::new(ErrorCode::NotAllowed, "tokens can't do this")),
        }
    }

    /// Refuses where the person did not show who they are within the last minutes: an open page that somebody left is not
    /// enough to change how one signs in.
    pub fn confirmed(&self, app: &App) -> Result<(), Failure> {
        let (session, _) = self.session()?;
        if app.now().since(session.confirmed_at) < CONFIRMED_MS {
            return Ok(());
        }
        Err(Failure::new(ErrorCode::ConfirmationRequired, "show that it is you first"))
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

/// Stands before every route: finds its rule, who asks, and whether they may.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, Failure> {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("", MatchedPath::as_str);
    let Some(access) = access::access(request.method(), route) else {
        return Err(Failure::new(ErrorCode::NotFound, "nothing takes this here"));
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    // No other site's form can send a token.
    let bearer = bearer(request.headers()).map(hash_token);
    if changes && bearer.is_none() {
        check_origin(request.headers())?;
    }
    if access != Access::Public {
        let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
        let mut signed = match bearer {
            Some(hash) => by_token(&app, &hash, origin).await?,
            None => by_session(&app, request.headers(), origin).await?,
        };
        if changes {
            check_person(request.headers(), &signed.user)?;
        }
        check_stage(&app, &signed, access, changes).await?;
        app.rates.admit(Rate::Person, signed.user.id.as_str())?;
        if searches(route, request.uri().query()) {
            app.rates.admit(Rate::Search, signed.user.id.as_str())?;
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
                match &signed.via {
                    Via::Token(_) if signed.user.role.may(permission) => {
                        "the scopes of this token do not allow this".to_owned()
                    }
                    _ => format!("the role \"{}\" does not allow this", signed.user.role.label()),
                },
            ));
        }
        if matches!(access, Access::Needs(_)) {
            signed.scope = Some(Arc::new(app.store.scope_of(&signed.user).await?));
        }
        request.extensions_mut().insert(signed);
    }
    Ok(next.run(request).await)
}

fn searches(route: &str, query: Option<&str>) -> bool {
    route == path::CODES || route == path::ENTRIES && query.is_some_and(|query| query.contains("q="))
}

/// What a session must be before its role counts.
async fn check_stage(app: &App, signed: &Signed, access: Access, changes: bool) -> Result<(), Failure> {
    let session = match &signed.via {
        Via::Session { session, .. } => session,
        Via::Token(_) => {
            let fine = matches!(access, Access::Needs(_)) || access == Access::SignedIn && !changes;
            return if fine {
                Ok(())
            } else {
                Err(Failure::new(ErrorCode::NotAllowed, "tokens can't do this"))
            };
        }
    };
    if access == Access::AnyStage {
        return Ok(());
    }
    match session.stage {
        Stage::Open => {}
        Stage::SecondFactor => {
            return Err(Failure::new(ErrorCode::SecondFactorRequired, "the second factor is missing"));
        }
        Stage::Locked => {
            return Err(Failure::new(
                ErrorCode::SessionLocked,
                "nobody was here for a while; show that it is you",
            ));
        }
    }
    if access == Access::Session {
        return Ok(());
    }
    if signed.user.must_change_password {
        return Err(Failure::new(ErrorCode::PasswordChangeRequired, "choose a password of your own first"));
    }
    if app.config.require_second_factor && must_set_up(&app.store.factors(&signed.user.id).await?) {
        return Err(Failure::new(
            ErrorCode::SecondFactorSetupRequired,
            "set up a second factor first: an authenticator app or a passkey",
        ));
    }
    Ok(())
}

/// Whether somebody lacks a second factor where one is asked for; a provider sees to its own.
pub fn must_set_up(factors: &Factors) -> bool {
    !factors.second() && !factors.federated
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

fn refused() -> Failure {
    Failure::new(ErrorCode::NotSignedIn, "sign in first")
}

async fn by_session(app: &App, headers: &HeaderMap, origin: Origin) -> Result<Signed, Failure> {
    let token_hash = token(headers).map(hash_token).ok_or_else(refused)?;
    let (mut session, user) = app.store.session(&token_hash).await?.ok_or_else(refused)?;
    let now = app.now();
    let idle = now.since(session.last_seen_at);
    // Seen in the future: the clock has been set back since, and nobody knows for how long the person was away.
    let away = idle >= app.config.idle_minutes.saturating_mul(60_000) || idle < -SKEW_MS;
    if session.stage == Stage::Open && away {
        session.stage = Stage::Locked;
    }
    // What a page asks by itself says nothing of somebody being there.
    let by_hand = !headers.contains_key(path::BACKGROUND_HEADER);
    if session.stage == Stage::Open && idle >= TOUCH_MS && by_hand {
        match app.store.touch_session(&token_hash).await {
            // The session was good a moment ago; only its idle time could not be moved.
            Ok(()) | Err(StoreError::StorageFull | StoreError::Unavailable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Signed { user, via: Via::Session { session: Box::new(session), token_hash }, scope: None, origin })
}

async fn by_token(app: &App, hash: &str, origin: Origin) -> Result<Signed, Failure> {
    let Some((token, user)) = app.store.token(hash).await? else {
        app.store.record(Event::new(AuditAction::TokenRefused, None, &origin)).await?;
        return Err(Failure::new(
            ErrorCode::NotSignedIn,
            "the token is unknown, revoked, or its time is over",
        ));
    };
    if token.last_used_at.is_none_or(|last| app.now().since(last) >= TOUCH_MS) {
        app.store.touch_token(&token.id).await?;
    }
    Ok(Signed { user, via: Via::Token(token), scope: None, origin })
}

/// When a session ends, whatever happens.
pub fn session_end(app: &App) -> Timestamp {
    app.now().plus_millis(app.config.session_hours.saturating_mul(3_600_000))
}

/// A script's token, in hexadecimal.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")?.strip_prefix(path::TOKEN_PREFIX)
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
    named(headers, COOKIE).filter(|value| value.len() == 64)
}

/// The value of a cookie.
pub fn named<'h>(headers: &'h HeaderMap, cookie: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie)
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
