//! Signing in and out, the second factor, a locked session, and the own password.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use overread_api::session::{
    ChangePassword, PasskeyAnswer, PasskeyChallenge, SecondFactor, SessionView, SignIn, SignInOptions, Unlock,
};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, UserId};
use overread_store::{Event, Origin, Stage, User};

use crate::auth::begin::{Arrival, answer, begin, enter, throttle};
use crate::auth::passkey::{Asked, Passkeys};
use crate::auth::rates::Rate;
use crate::auth::{Signed, cookie, hash_token, password, second, token};
use crate::extract::Json;
use crate::{App, Failure, views};

/// Longer than any id or password that is ever accepted: nothing is worth hashing beyond it.
const LONGEST: usize = 4 * password::MOST;
/// For how long a browser may think about a passkey.
const PASSKEY_MS: i64 = 5 * 60_000;
/// What kind of question a passkey answers.
const PASSKEY: &str = "passkey";

/// How one can sign in here.
#[utoipa::path(get, path = path::SIGN_IN, tag = "session", responses((status = 200, body = SignInOptions)))]
pub async fn options(State(app): State<App>) -> Json<SignInOptions> {
    Json(SignInOptions {
        passkeys: app.sign_in.passkeys.is_some(),
        oidc: app.sign_in.oidc.as_ref().map(|oidc| oidc.name.clone()),
    })
}

/// Who is signed in, and how far.
#[utoipa::path(get, path = path::SESSION, tag = "session", responses((status = 200, body = SessionView)))]
pub async fn current(State(app): State<App>, signed: Signed) -> Result<Json<SessionView>, Failure> {
    let (session, _) = signed.session()?;
    let factors = app.store.factors(&signed.user.id).await?;
    Ok(Json(views::session(&app, &signed.user, session, factors)))
}

/// Signs in: sets the session's cookie. Where the person has a second factor, the session waits for it.
#[utoipa::path(post, path = path::SESSION, tag = "session", request_body = SignIn, responses(
    (status = 200, body = SessionView),
    (status = 401, body = ErrorBody, description = "User name or password wrong"),
    (status = 429, body = ErrorBody, description = "Too many failures; `Retry-After` says how long to wait"),
))]
pub async fn sign_in(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Json(request): Json<SignIn>,
) -> Result<Response, Failure> {
    let wrong = || Failure::new(ErrorCode::WrongCredentials, "user name or password wrong");
    // Nobody's id holds NUL, and PostgreSQL can't be asked for it.
    if request.user.len() > LONGEST || request.password.len() > LONGEST || request.user.contains('\0') {
        return Err(wrong());
    }
    let arrival = Arrival { headers: &headers, origin: &origin };
    let asked = UserId::new(request.user.as_str());
    let attempt = throttle(&app, arrival, "", &asked)?;
    let user = app.store.user(&asked).await?;
    // Who has no password takes as long to refuse as who is not there.
    let hash = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| !hash.is_empty());
    let known = user.as_ref().map(|user| user.id.clone());
    let right = app.vault.verify(request.password, hash).await;
    let Some(user) = user.filter(|user| right && !user.disabled) else {
        tracing::warn!(user = %loggable(&request.user), address = origin.address, "sign-in refused");
        // People type their password into the wrong box: only the id of somebody known is kept.
        refuse(&app, &origin, known.as_ref(), "password").await?;
        return Err(wrong());
    };
    app.throttle.forgive(attempt);
    if app.store.factors(&user.id).await?.second() {
        let (session, token) = begin(&app, arrival, &user, "password", Stage::SecondFactor).await?;
        return answer(&app, arrival, &user, &session, &token).await;
    }
    let event = Event::new(AuditAction::SignedIn, Some(&user.id), &origin).with("by", "password");
    // A session of before does not come back by a password alone.
    if let Some(old) = token(&headers) {
        app.store.delete_session(&hash_token(old)).await?;
    }
    enter(&app, arrival, &user, "password", event).await
}

/// Records a refusal.
async fn refuse(app: &App, origin: &Origin, user: Option<&UserId>, by: &str) -> Result<(), Failure> {
    app.metrics.count("overread_sign_ins_total", &[("result", "refused")], 1);
    let mut event = Event::new(AuditAction::SignInRefused, None, origin).with("by", by);
    if let Some(user) = user {
        event = event.on(user.as_str());
    }
    Ok(app.store.record(event).await?)
}

/// Gives the second factor: a code of the authenticator app, or a recovery code.
#[utoipa::path(post, path = path::SECOND_FACTOR, tag = "session", request_body = SecondFactor, responses(
    (status = 200, body = SessionView),
    (status = 401, body = ErrorBody, description = "The code is wrong, or was used before"),
    (status = 409, body = ErrorBody, description = "The session waits for no second factor"),
    (status = 429, body = ErrorBody, description = "Too many failures; `Retry-After` says how long to wait"),
))]
pub async fn second_factor(
    State(app): State<App>,
    signed: Signed,
    headers: HeaderMap,
    Json(request): Json<SecondFactor>,
) -> Result<Response, Failure> {
    let (session, _) = signed.session()?;
    if session.stage != Stage::SecondFactor {
        return Err(Failure::new(ErrorCode::WrongState, "this session waits for no second factor"));
    }
    let arrival = Arrival { headers: &headers, origin: &signed.origin };
    let user = &signed.user;
    let attempt = throttle(&app, arrival, "second factor of ", &user.id)?;
    let method = if let Some(hash) = second::hashed(&request.code) {
        let event = signed.event(AuditAction::RecoveryCodeUsed);
        app.store
            .recording(event)
            .take_recovery_code(&user.id, &hash)
            .await?
            .then_some("password, recovery code")
    } else {
        second::check(&app, &app.store, &user.id, &request.code).await?.then_some("password, totp")
    };
    let Some(method) = method else {
        refuse(&app, &signed.origin, Some(&user.id), "second factor").await?;
        return Err(Failure::new(ErrorCode::WrongCredentials, "the code is wrong, or was used before"));
    };
    app.throttle.forgive(attempt);
    let event = signed.event(AuditAction::SignedIn).with("by", method);
    app.store.record_sign_in(&user.id).await?;
    enter(&app, arrival, user, method, event).await
}

/// What to ask the browser's passkeys: of the person whose session came along, else of anybody.
#[utoipa::path(post, path = path::PASSKEY_CHALLENGE, tag = "session", responses(
    (status = 200, body = PasskeyChallenge),
    (status = 409, body = ErrorBody, description = "This installation does not know its own address"),
    (status = 429, body = ErrorBody, description = "Too many questions; `Retry-After` says how long to wait"),
))]
pub async fn passkey_challenge(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Result<Json<PasskeyChallenge>, Failure> {
    let passkeys = passkeys(&app)?;
    let session = match token(&headers).map(hash_token) {
        Some(hash) => app.store.session(&hash).await?,
        None => None,
    };
    let user = session.map(|(session, _)| session.user);
    // Many people behind one address come back to their pages at the same time.
    match &user {
        Some(user) => app.rates.admit(Rate::Person, user.as_str())?,
        None => app.rates.admit(Rate::Stranger, &origin.address)?,
    }
    let has = match &user {
        Some(user) => app.store.passkeys_of(user).await?,
        None => Vec::new(),
    };
    let asked = if has.is_empty() { passkeys.begin_for_anybody() } else { passkeys.begin_for(&has) };
    let (options, state) = asked.map_err(|error| Failure::internal(format!("passkeys: {error}")))?;
    let body =
        serde_json::to_string(&state).map_err(|error| Failure::internal(format!("passkeys: {error}")))?;
    let challenge = ask(&app, PASSKEY, user.as_ref().filter(|_| !has.is_empty()), &body).await?;
    Ok(Json(PasskeyChallenge { challenge, options }))
}

/// Keeps a question to a browser; says what it is called.
pub async fn ask(app: &App, kind: &str, user: Option<&UserId>, body: &str) -> Result<String, Failure> {
    let id = format!("{:032x}", app.source.random());
    app.store.ask(kind, &id, user, body, app.now().plus_millis(PASSKEY_MS)).await?;
    Ok(id)
}

pub fn passkeys(app: &App) -> Result<&Passkeys, Failure> {
    app.sign_in.passkeys.as_ref().ok_or_else(|| {
        Failure::new(
            ErrorCode::WrongState,
            "passkeys are off: an administrator sets public_url to the address that people open",
        )
    })
}

/// Signs in by a passkey, gives the second factor by it, or comes back to a locked session.
#[utoipa::path(post, path = path::SESSION_PASSKEY, tag = "session", request_body = PasskeyAnswer, responses(
    (status = 200, body = SessionView),
    (status = 401, body = ErrorBody, description = "The passkey is unknown, or its answer was not accepted"),
    (status = 409, body = ErrorBody, description = "This installation does not know its own address"),
))]
pub async fn by_passkey(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Json(request): Json<PasskeyAnswer>,
) -> Result<Response, Failure> {
    let passkeys = passkeys(&app)?;
    let refused = || Failure::new(ErrorCode::WrongCredentials, "the passkey was not accepted");
    // Asked once: an answer that comes again finds no question.
    let asked = app.store.asked(PASSKEY, &request.challenge).await?;
    let kept = match Passkeys::named(&request.credential) {
        Ok(id) => app.store.passkey(&id).await?,
        Err(_) => None,
    };
    let (Some(asked), Some(kept)) = (asked, kept) else {
        refuse(&app, &origin, None, "passkey").await?;
        return Err(refused());
    };
    let state: Asked = serde_json::from_str(&asked.body)
        .map_err(|error| Failure::internal(format!("a passkey's question: {error}")))?;
    let meant = asked.user.is_none_or(|user| user == kept.user);
    let user = app.store.user(&kept.user).await?.filter(|user| meant && !user.disabled);
    let checked = passkeys.check(&request.credential, state, &kept);
    let (Some(user), Ok(credential)) = (user, &checked) else {
        if let Err(why) = checked {
            tracing::warn!(user = %kept.user, address = origin.address, why, "a passkey was refused");
        }
        refuse(&app, &origin, Some(&kept.user), "passkey").await?;
        return Err(refused());
    };
    app.store.use_passkey(&kept.id, credential).await?;
    let event = Event::new(AuditAction::SignedIn, Some(&user.id), &origin).with("by", "passkey");
    app.store.record_sign_in(&user.id).await?;
    enter(&app, Arrival { headers: &headers, origin: &origin }, &user, "passkey", event).await
}

/// Ends the session.
#[utoipa::path(delete, path = path::SESSION, tag = "session", responses((status = 204)))]
pub async fn sign_out(State(app): State<App>, signed: Signed) -> Result<Response, Failure> {
    let (_, hash) = signed.session()?;
    let event = signed.event(AuditAction::SignedOut);
    app.store.recording(event).delete_session(hash).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&app, None))]).into_response())
}

/// Locks the session: nobody is there. It comes back by [`unlock`] or a passkey, until its end.
#[utoipa::path(post, path = path::LOCK, tag = "session", responses((status = 204)))]
pub async fn lock(State(app): State<App>, signed: Signed) -> Result<StatusCode, Failure> {
    let (_, hash) = signed.session()?;
    app.store.recording(signed.event(AuditAction::SessionLocked)).lock_session(hash).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Comes back to a locked session, or shows in an open one that it is still the same person, by password or by a code of the
/// authenticator app.
#[utoipa::path(post, path = path::UNLOCK, tag = "session", request_body = Unlock, responses(
    (status = 200, body = SessionView),
    (status = 401, body = ErrorBody, description = "Password or code wrong"),
    (status = 409, body = ErrorBody, description = "The second factor is awaited"),
    (status = 429, body = ErrorBody, description = "Too many failures; `Retry-After` says how long to wait"),
))]
pub async fn unlock(
    State(app): State<App>,
    signed: Signed,
    headers: HeaderMap,
    Json(request): Json<Unlock>,
) -> Result<Response, Failure> {
    let (session, _) = signed.session()?;
    if session.stage == Stage::SecondFactor {
        return Err(Failure::new(ErrorCode::WrongState, "the second factor is awaited"));
    }
    let arrival = Arrival { headers: &headers, origin: &signed.origin };
    let user = &signed.user;
    // Only who has this session's cookie gets here: nobody else's tries count against it.
    let attempt = throttle(&app, arrival, &format!("{} of ", session.id), &user.id)?;
    let right = match (request.password, request.code) {
        (Some(password), None) if password.len() <= LONGEST && !user.password_hash.is_empty() => {
            app.vault.verify(password, Some(user.password_hash.clone())).await
        }
        (None, Some(code)) => second::check(&app, &app.store, &user.id, &code).await?,
        _ => false,
    };
    if !right {
        refuse(&app, &signed.origin, Some(&user.id), "unlock").await?;
        return Err(Failure::new(ErrorCode::WrongCredentials, "the password or code is wrong"));
    }
    app.throttle.forgive(attempt);
    enter(&app, arrival, user, &session.method, signed.event(AuditAction::SessionUnlocked)).await
}

/// Changes the own password. All sessions end; a new one begins.
#[utoipa::path(post, path = path::PASSWORD, tag = "session", request_body = ChangePassword, responses(
    (status = 200, body = SessionView),
    (status = 409, body = ErrorBody, description = "The person has no password here"),
    (status = 422, body = ErrorBody, description = "The new password won't do"),
    (status = 429, body = ErrorBody, description = "Too many failures; `Retry-After` says how long to wait"),
))]
pub async fn change_password(
    State(app): State<App>,
    signed: Signed,
    headers: HeaderMap,
    Json(request): Json<ChangePassword>,
) -> Result<Response, Failure> {
    let (session, _) = signed.session()?;
    let method = session.method.clone();
    let event = signed.event(AuditAction::PasswordChanged).on(signed.user.id.as_str());
    let arrival = Arrival { headers: &headers, origin: &signed.origin };
    let user = &signed.user;
    if user.password_hash.is_empty() {
        return Err(Failure::new(ErrorCode::WrongState, "there is no password here to change"));
    }
    if request.current.len() > LONGEST {
        return Err(Failure::new(ErrorCode::WrongCredentials, "the current password is wrong"));
    }
    password::check(&request.new, user.id.as_str())
        .map_err(|weak| Failure::invalid("new", weak.to_string()))?;
    if request.new == request.current {
        return Err(Failure::invalid("new", "the new password is the current one"));
    }
    // One person's failures must not keep the others from changing theirs.
    let attempt = throttle(&app, arrival, &format!("{} of ", session.id), &user.id)?;
    if !app.vault.verify(request.current, Some(user.password_hash.clone())).await {
        return Err(Failure::new(ErrorCode::WrongCredentials, "the current password is wrong"));
    }
    app.throttle.forgive(attempt);
    let hash = app.vault.hash(request.new, app.source.random()).await;
    app.store.recording(event).set_password(&user.id, &hash, false).await?;
    app.store.delete_sessions_of(&user.id, None).await?;
    let user = User { must_change_password: false, password_hash: hash, ..user.clone() };
    let (session, token) = begin(&app, arrival, &user, &method, Stage::Open).await?;
    answer(&app, arrival, &user, &session, &token).await
}

/// People type their password into the wrong box: only what looks like an id goes to the log.
fn loggable(user: &str) -> &str {
    if super::users::is_id(user) { user } else { "(not an id)" }
}
