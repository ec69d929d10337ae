//! Sessions begin, and come back, here.

use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use overread_domain::UserId;
use overread_store::{Event, Factors, NewSession, Origin, Session, Stage, User};

use super::throttle::Attempt;
use super::{cookie, device, hash_token, new_token, session_end, token};
use crate::extract::Json;
use crate::{App, Failure, views};

/// Characters of what a browser calls itself.
const AGENT: usize = 300;
/// For how long the second factor is awaited.
const SECOND_FACTOR_MS: i64 = 10 * 60_000;

/// How somebody came in.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'r> {
    pub headers: &'r HeaderMap,
    pub origin: &'r Origin,
}

/// What a browser calls itself.
fn agent(headers: &HeaderMap) -> String {
    let value = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.chars().take(AGENT).collect()
}

/// Begins a session; one that came with the request ends, for its token may be known to others.
pub async fn begin(
    app: &App,
    arrival: Arrival<'_>,
    user: &User,
    method: &str,
    stage: Stage,
) -> Result<(Session, String), Failure> {
    if let Some(old) = token(arrival.headers) {
        app.store.delete_session(&hash_token(old)).await?;
    }
    let token = new_token(app);
    let expires = match stage {
        Stage::SecondFactor => app.now().plus_millis(SECOND_FACTOR_MS),
        Stage::Open | Stage::Locked => session_end(app),
    };
    let session = NewSession {
        token_hash: hash_token(&token),
        stage,
        method: method.to_owned(),
        expires_at: expires,
        address: arrival.origin.address.clone(),
        agent: agent(arrival.headers),
    };
    Ok((app.store.create_session(&user.id, session).await?, token))
}

/// Somebody is in: says so in the trail, begins the session or takes it up again, and marks the browser.
pub async fn enter(
    app: &App,
    arrival: Arrival<'_>,
    user: &User,
    method: &str,
    event: Event,
) -> Result<Response, Failure> {
    let old = token(arrival.headers).map(hash_token);
    let before = match &old {
        Some(hash) => app.store.session(hash).await?.filter(|(session, _)| session.user == user.id),
        None => None,
    };
    // The same device, the same person: lists go on calling it what they did.
    let (session, token) = if let (Some((session, _)), Some(old)) = (before, old) {
        let token = new_token(app);
        let ends = if session.stage == Stage::SecondFactor { session_end(app) } else { session.expires_at };
        let recording = app.store.recording(event);
        if !recording.confirm_session(&old, &hash_token(&token), method, ends).await? {
            return Err(super::refused());
        }
        let now = app.now();
        let session = Session {
            stage: Stage::Open,
            method: method.to_owned(),
            expires_at: ends,
            last_seen_at: now,
            confirmed_at: now,
            ..session
        };
        (session, token)
    } else {
        app.store.recording(event).record_sign_in(&user.id).await?;
        begin(app, arrival, user, method, Stage::Open).await?
    };
    app.metrics.count("overread_sign_ins_total", &[("result", "accepted")], 1);
    answer(app, arrival, user, &session, &token).await
}

/// The session's cookie and, where it is open, the browser's mark.
pub async fn answer(
    app: &App,
    arrival: Arrival<'_>,
    user: &User,
    session: &Session,
    token: &str,
) -> Result<Response, Failure> {
    let factors = app.store.factors(&user.id).await?;
    Ok((cookies(app, arrival, user, session, token), Json(views::session(app, user, session, factors)))
        .into_response())
}

/// See [`answer`].
pub fn cookies(
    app: &App,
    arrival: Arrival<'_>,
    user: &User,
    session: &Session,
    token: &str,
) -> AppendHeaders<Vec<(header::HeaderName, header::HeaderValue)>> {
    let mut cookies = vec![(header::SET_COOKIE, cookie(app, Some(token)))];
    if session.stage == Stage::Open {
        cookies.push((header::SET_COOKIE, device::mark(app, arrival.headers, &user.id)));
    }
    AppendHeaders(cookies)
}

/// Lets a try go on, or says how long to wait. `what` keeps apart what is tried.
pub fn throttle(app: &App, arrival: Arrival<'_>, what: &str, user: &UserId) -> Result<Attempt, Failure> {
    let device = device::known(app, arrival.headers, user);
    let key = format!("{what}{}", user.as_str());
    app.throttle.admit(&key, &arrival.origin.address, device.as_deref(), app.now()).map_err(|wait| {
        app.metrics.count("overread_sign_ins_total", &[("result", "throttled")], 1);
        let seconds = (wait.max(0) as u64).div_ceil(1000);
        Failure::new(
            overread_api::ErrorCode::TooManyRequests,
            format!("too many failures; try again in {seconds} s"),
        )
        .retry_after(seconds)
    })
}

/// By what somebody can show who they are.
pub fn ways(app: &App, session: &Session, user: &User, factors: Factors) -> Vec<overread_api::session::Way> {
    use overread_api::session::Way;
    let mut ways = Vec::new();
    if session.stage != Stage::SecondFactor && !user.password_hash.is_empty() {
        ways.push(Way::Password);
    }
    if factors.totp {
        ways.push(Way::Totp);
    }
    if factors.passkeys > 0 && app.sign_in.passkeys.is_some() {
        ways.push(Way::Passkey);
    }
    if session.stage == Stage::SecondFactor && factors.recovery_codes > 0 {
        ways.push(Way::RecoveryCode);
    }
    if factors.federated && app.sign_in.oidc.is_some() {
        ways.push(Way::Oidc);
    }
    ways
}
