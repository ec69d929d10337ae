//! Signing in and out, and the own password.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_api::session::{ChangePassword, SessionView, SignIn};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, UserId};
use overread_store::{Event, Origin, User};

use crate::auth::throttle::Attempt;
use crate::auth::{Signed, cookie, hash_token, new_token, password, session_end, token};
use crate::extract::Json;
use crate::views;
use crate::web::observe::address;
use crate::{App, Failure};

/// Longer than any id or password that is ever accepted: nothing is worth hashing beyond it.
const LONGEST: usize = 4 * password::MOST;

/// Who is signed in.
#[utoipa::path(get, path = path::SESSION, tag = "session", responses((status = 200, body = SessionView)))]
pub async fn current(signed: Signed) -> Json<SessionView> {
    Json(views::session(&signed.user, &signed.session))
}

/// Signs in: sets the session's cookie.
#[utoipa::path(post, path = path::SESSION, tag = "session", request_body = SignIn, responses(
    (status = 200, body = SessionView),
    (status = 401, body = ErrorBody, description = "User name or password wrong"),
    (status = 429, body = ErrorBody, description = "Too many failures; `Retry-After` says how long to wait"),
))]
pub async fn sign_in(
    State(app): State<App>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    origin: axum::Extension<Origin>,
    headers: HeaderMap,
    Json(request): Json<SignIn>,
) -> Result<Response, Failure> {
    let wrong = || Failure::new(ErrorCode::WrongCredentials, "user name or password wrong");
    // Nobody's id holds NUL, and PostgreSQL can't be asked for it.
    if request.user.len() > LONGEST || request.password.len() > LONGEST || request.user.contains('\0') {
        return Err(wrong());
    }
    let address = address(&app, &headers, peer.as_deref());
    let attempt = throttle(&app, &request.user, &address)?;
    let user = app.store.user(&UserId::new(request.user.as_str())).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let known = user.as_ref().map(|user| user.id.clone());
    let right = app.vault.verify(request.password, hash).await;
    let Some(user) = user.filter(|user| right && !user.disabled) else {
        app.metrics.count("overread_sign_ins_total", &[("result", "refused")], 1);
        tracing::warn!(user = %loggable(&request.user), address, "sign-in refused");
        // People type their password into the wrong box: only the id of somebody known is kept.
        let mut event = Event::new(AuditAction::SignInRefused, None, &origin);
        if let Some(user) = &known {
            event = event.on(user.as_str());
        }
        app.store.record(event).await?;
        return Err(wrong());
    };
    app.throttle.forgive(attempt);
    // A session that came with the request ends: its token may be known to others.
    if let Some(old) = token(&headers) {
        app.store.delete_session(&hash_token(old)).await?;
    }
    let event = Event::new(AuditAction::SignedIn, Some(&user.id), &origin);
    app.store.recording(event).record_sign_in(&user.id).await?;
    app.metrics.count("overread_sign_ins_total", &[("result", "accepted")], 1);
    begin(&app, &user).await
}

/// Ends the session.
#[utoipa::path(delete, path = path::SESSION, tag = "session", responses((status = 204)))]
pub async fn sign_out(State(app): State<App>, signed: Signed) -> Result<Response, Failure> {
    let event = signed.event(AuditAction::SignedOut);
    app.store.recording(event).delete_session(&signed.token_hash).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&app, None))]).into_response())
}

/// Changes the own password. All sessions end; a new one begins.
#[utoipa::path(post, path = path::PASSWORD, tag = "session", request_body = ChangePassword, responses(
    (status = 200, body = SessionView),
    (status = 422, body = ErrorBody, description = "The new password won't do"),
    (status = 429, body = ErrorBody, description = "Too many failures; `Retry-After` says how long to wait"),
))]
pub async fn change_password(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<ChangePassword>,
) -> Result<Response, Failure> {
    let event = signed.event(AuditAction::PasswordChanged).on(signed.user.id.as_str());
    let user = signed.user;
    if request.current.len() > LONGEST {
        return Err(Failure::new(ErrorCode::WrongCredentials, "the current password is wrong"));
    }
    password::check(&request.new, user.id.as_str())
        .map_err(|weak| Failure::invalid("new", weak.to_string()))?;
    if request.new == request.current {
        return Err(Failure::invalid("new", "the new password is the current one"));
    }
    // One person's failures must not keep the others from changing theirs.
    let attempt = throttle(&app, user.id.as_str(), &format!("change of password of {}", user.id.as_str()))?;
    if !app.vault.verify(request.current, Some(user.password_hash.clone())).await {
        return Err(Failure::new(ErrorCode::WrongCredentials, "the current password is wrong"));
    }
    app.throttle.forgive(attempt);
    let hash = app.vault.hash(request.new, app.source.random()).await;
    app.store.recording(event).set_password(&user.id, &hash, false).await?;
    app.store.delete_sessions_of(&user.id).await?;
    begin(&app, &User { must_change_password: false, ..user }).await
}

async fn begin(app: &App, user: &User) -> Result<Response, Failure> {
    let token = new_token(app);
    let now = app.now();
    let session = app.store.create_session(&user.id, &hash_token(&token), session_end(app, now, now)).await?;
    Ok(([(header::SET_COOKIE, cookie(app, Some(&token)))], Json(views::session(user, &session)))
        .into_response())
}

fn throttle(app: &App, user: &str, address: &str) -> Result<Attempt, Failure> {
    app.throttle.admit(user, address, app.now()).map_err(|wait| {
        app.metrics.count("overread_sign_ins_total", &[("result", "throttled")], 1);
        let seconds = (wait.max(0) as u64).div_ceil(1000);
        Failure::new(ErrorCode::TooManyRequests, format!("too many failures; try again in {seconds} s"))
            .retry_after(seconds)
    })
}

/// People type their password into the wrong box: only what looks like an id goes to the log.
fn loggable(user: &str) -> &str {
    if super::users::is_id(user) { user } else { "(not an id)" }
}
