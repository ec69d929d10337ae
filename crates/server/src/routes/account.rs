//! The own account: second factor, passkeys, devices, tokens of scripts. What changes how one signs in needs a sign-in of the
//! last minutes.

use axum::extract::State;
use axum::http::StatusCode;
use overread_api::account::{
    AccountView, ConfirmTotp, DeviceView, NewPasskey, NewToken, PasskeyView, RecoveryCodes, TokenMade,
    TokenView, TotpBegun,
};
use overread_api::session::PasskeyChallenge;
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, Permission, UserId};
use overread_store::{ApiToken, Passkey, Session, Stage};

use super::session::{ask, passkeys};
use crate::auth::{Signed, hash_token, new_token, second};
use crate::extract::{Json, Path};
use crate::{App, Failure};

/// What kind of question adds a passkey.
const NEW_PASSKEY: &str = "new passkey";
/// Of one person.
const MOST_PASSKEYS: usize = 20;
const MOST_TOKENS: usize = 50;
const NAME: usize = 200;
const DAY_MS: i64 = 24 * 3_600_000;
const DAYS: u32 = 365;

/// What the person signs in with, where, and which tokens stand for them.
#[utoipa::path(get, path = path::ACCOUNT, tag = "account", responses((status = 200, body = AccountView)))]
pub async fn account(State(app): State<App>, signed: Signed) -> Result<Json<AccountView>, Failure> {
    let (session, _) = signed.session()?;
    let of = &signed.user.id;
    let factors = app.store.factors(of).await?;
    let idle = app.config.idle_minutes.saturating_mul(60_000);
    let device = |other: Session| DeviceView {
        this: other.id == session.id,
        locked: other.stage == Stage::Locked || app.now().since(other.last_seen_at) >= idle,
        id: other.id,
        method: other.method,
        address: other.address,
        agent: other.agent,
        created_at: other.created_at,
        last_seen_at: other.last_seen_at,
        expires_at: other.expires_at,
    };
    let sessions = app.store.sessions_of(of).await?;
    Ok(Json(AccountView {
        totp: factors.totp,
        recovery_codes: factors.recovery_codes,
        passkeys: app.store.passkeys_of(of).await?.into_iter().map(passkey).collect(),
        passkeys_possible: app.sign_in.passkeys.is_some(),
        sessions: sessions
            .into_iter()
            .filter(|other| other.stage != Stage::SecondFactor)
            .map(device)
            .collect(),
        tokens: app.store.tokens_of(of).await?.into_iter().map(token).collect(),
        scopes: Permission::ALL.iter().copied().filter(|scope| signed.user.role.may(*scope)).collect(),
    }))
}

fn passkey(kept: Passkey) -> PasskeyView {
    PasskeyView { id: kept.id, name: kept.name, created_at: kept.created_at, last_used_at: kept.last_used_at }
}

fn token(kept: ApiToken) -> TokenView {
    TokenView {
        id: kept.id,
        name: kept.name,
        scopes: kept.scopes.iter().filter_map(|scope| Permission::parse(scope)).collect(),
        created_at: kept.created_at,
        expires_at: kept.expires_at,
        last_used_at: kept.last_used_at,
    }
}

/// Begins with an authenticator app; it counts once a code of it was given.
#[utoipa::path(post, path = path::TOTP, tag = "account", responses(
    (status = 200, body = TotpBegun),
    (status = 409, body = ErrorBody, description = "There is one already"),
))]
pub async fn begin_totp(State(app): State<App>, signed: Signed) -> Result<Json<TotpBegun>, Failure> {
    signed.confirmed(&app)?;
    let (secret, address) = second::begin(&app, &app.store, &signed.user.id).await?;
    let squares = squares(&address).ok_or_else(|| Failure::internal("a QR code can't be made"))?;
    Ok(Json(TotpBegun { secret, address, squares }))
}

/// The rows of a QR code, `1` dark.
fn squares(text: &str) -> Option<Vec<String>> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M).ok()?;
    let dark = |color: &qrcode::Color| if *color == qrcode::Color::Dark { '1' } else { '0' };
    Some(code.to_colors().chunks(code.width()).map(|row| row.iter().map(dark).collect()).collect())
}

/// Confirms the app by a code of it. The first second factor brings recovery codes.
#[utoipa::path(post, path = path::CONFIRM_TOTP, tag = "account", request_body = ConfirmTotp, responses(
    (status = 200, body = RecoveryCodes),
    (status = 422, body = ErrorBody, description = "The code is not one of the app"),
))]
pub async fn confirm_totp(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<ConfirmTotp>,
) -> Result<Json<RecoveryCodes>, Failure> {
    signed.confirmed(&app)?;
    let of = &signed.user.id;
    let recording = app.store.recording(signed.event(AuditAction::SecondFactorAdded).with("kind", "totp"));
    if app.store.totp(of).await?.is_none_or(|totp| totp.confirmed)
        || !second::check(&app, &recording, of, &request.code).await?
    {
        return Err(Failure::invalid(
            "code",
            "this is not the code that the app shows now; is its clock right?",
        ));
    }
    Ok(Json(RecoveryCodes { codes: first_codes(&app, &signed, of).await? }))
}

/// Recovery codes, where there are none yet.
async fn first_codes(app: &App, signed: &Signed, of: &UserId) -> Result<Vec<String>, Failure> {
    if app.store.factors(of).await?.recovery_codes > 0 {
        return Ok(Vec::new());
    }
    let recording = app.store.recording(signed.event(AuditAction::RecoveryCodesMade));
    Ok(second::make_codes(app, &recording, of).await?)
}

/// Forgets the authenticator app.
#[utoipa::path(delete, path = path::TOTP, tag = "account", responses(
    (status = 204),
    (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "It is the only second factor, and this installation asks for one"),
))]
pub async fn remove_totp(State(app): State<App>, signed: Signed) -> Result<StatusCode, Failure> {
    signed.confirmed(&app)?;
    let factors = app.store.factors(&signed.user.id).await?;
    keeps_one(&app, factors.passkeys > 0)?;
    let event = signed.event(AuditAction::SecondFactorRemoved).with("kind", "totp");
    app.store.recording(event).remove_totp(&signed.user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn keeps_one(app: &App, another: bool) -> Result<(), Failure> {
    if another || !app.config.require_second_factor {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::WrongState, "it is the only second factor: add another one first"))
}

/// Makes new recovery codes; those before are good for nothing any more.
#[utoipa::path(post, path = path::RECOVERY_CODES, tag = "account", responses(
    (status = 200, body = RecoveryCodes),
    (status = 409, body = ErrorBody, description = "There is no second factor to recover"),
))]
pub async fn recovery_codes(State(app): State<App>, signed: Signed) -> Result<Json<RecoveryCodes>, Failure> {
    signed.confirmed(&app)?;
    if !app.store.factors(&signed.user.id).await?.second() {
        return Err(Failure::new(ErrorCode::WrongState, "there is no second factor to recover"));
    }
    let recording = app.store.recording(signed.event(AuditAction::RecoveryCodesMade));
    Ok(Json(RecoveryCodes { codes: second::make_codes(&app, &recording, &signed.user.id).await? }))
}

/// What to ask the browser for a new passkey.
#[utoipa::path(post, path = path::NEW_PASSKEY, tag = "account", responses(
    (status = 200, body = PasskeyChallenge),
    (status = 409, body = ErrorBody, description = "This installation does not know its own address"),
))]
pub async fn new_passkey(State(app): State<App>, signed: Signed) -> Result<Json<PasskeyChallenge>, Failure> {
    signed.confirmed(&app)?;
    let has = app.store.passkeys_of(&signed.user.id).await?;
    let begun = passkeys(&app)?.begin_adding(&signed.user.id, &signed.user.name, &has);
    let (options, state) = begun.map_err(|error| Failure::internal(format!("passkeys: {error}")))?;
    let challenge = ask(&app, NEW_PASSKEY, Some(&signed.user.id), &state).await?;
    Ok(Json(PasskeyChallenge { challenge, options }))
}

/// Adds a passkey. The first second factor brings recovery codes.
#[utoipa::path(post, path = path::PASSKEYS, tag = "account", request_body = NewPasskey, responses(
    (status = 200, body = RecoveryCodes),
    (status = 409, body = ErrorBody, description = "Somebody has it already, or there are too many"),
    (status = 422, body = ErrorBody, description = "The browser's answer was not accepted"),
))]
pub async fn add_passkey(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewPasskey>,
) -> Result<Json<RecoveryCodes>, Failure> {
    signed.confirmed(&app)?;
    let of = &signed.user.id;
    let name = named(&request.name)?;
    let asked = app.store.asked(NEW_PASSKEY, &request.challenge).await?;
    let refused = || Failure::invalid("credential", "the browser's answer was not accepted; try once more");
    let asked = asked.filter(|asked| asked.user.as_ref() == Some(of)).ok_or_else(refused)?;
    if app.store.passkeys_of(of).await?.len() >= MOST_PASSKEYS {
        return Err(Failure::new(ErrorCode::WrongState, format!("{MOST_PASSKEYS} passkeys are the most")));
    }
    let (id, credential) = passkeys(&app)?.add(&request.credential, &asked.body).map_err(|why| {
        tracing::warn!(user = %of, why, "a new passkey was refused");
        refused()
    })?;
    let event = signed.event(AuditAction::SecondFactorAdded).with("kind", "passkey");
    app.store.recording(event).add_passkey(of, &id, &name, &credential).await?;
    Ok(Json(RecoveryCodes { codes: first_codes(&app, &signed, of).await? }))
}

fn named(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    let fine = (1..=NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fine {
        Ok(name.to_owned())
    } else {
        Err(Failure::invalid("name", format!("a name has 1 to {NAME} characters")))
    }
}

/// Forgets a passkey.
#[utoipa::path(delete, path = path::PASSKEY, tag = "account", params(("passkey" = String, Path)), responses(
    (status = 204),
    (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "It is the only second factor, and this installation asks for one"),
))]
pub async fn remove_passkey(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    signed.confirmed(&app)?;
    let factors = app.store.factors(&signed.user.id).await?;
    keeps_one(&app, factors.totp || factors.passkeys > 1)?;
    let event = signed.event(AuditAction::SecondFactorRemoved).with("kind", "passkey");
    app.store.recording(event).remove_passkey(&signed.user.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out one device.
#[utoipa::path(delete, path = path::ONE_SESSION, tag = "account", params(("session" = String, Path)), responses(
    (status = 204),
    (status = 404, body = ErrorBody),
))]
pub async fn end_session(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let event = signed.event(AuditAction::SessionsEnded).on(signed.user.id.as_str()).with("session", &*id);
    app.store.recording(event).end_session(&signed.user.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out everywhere but here.
#[utoipa::path(delete, operation_id = "end_other_sessions", path = path::SESSIONS, tag = "account", responses((status = 204)))]
pub async fn end_sessions(State(app): State<App>, signed: Signed) -> Result<StatusCode, Failure> {
    let (session, _) = signed.session()?;
    let event =
        signed.event(AuditAction::SessionsEnded).on(signed.user.id.as_str()).with("session", "all others");
    app.store.recording(event).delete_sessions_of(&signed.user.id, Some(&session.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a token for a script. It is shown once.
#[utoipa::path(post, path = path::TOKENS, tag = "account", request_body = NewToken, responses(
    (status = 201, body = TokenMade),
    (status = 409, body = ErrorBody, description = "There are too many"),
    (status = 422, body = ErrorBody, description = "Name, scopes or days won't do"),
))]
pub async fn make_token(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewToken>,
) -> Result<(StatusCode, Json<TokenMade>), Failure> {
    signed.confirmed(&app)?;
    let of = &signed.user.id;
    let name = named(&request.name)?;
    if !(1..=DAYS).contains(&request.days) {
        return Err(Failure::invalid("days", format!("1 to {DAYS}")));
    }
    if request.scopes.is_empty() {
        return Err(Failure::invalid("scopes", "a token without scopes could do nothing"));
    }
    if let Some(scope) = request.scopes.iter().find(|scope| !signed.user.role.may(**scope)) {
        let role = signed.user.role.label();
        return Err(Failure::invalid(
            "scopes",
            format!("the role \"{role}\" does not allow {}", scope.as_str()),
        ));
    }
    if app.store.tokens_of(of).await?.len() >= MOST_TOKENS {
        return Err(Failure::new(ErrorCode::WrongState, format!("{MOST_TOKENS} tokens are the most")));
    }
    let mut scopes: Vec<String> = request.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    scopes.sort();
    scopes.dedup();
    let secret = new_token(&app);
    let event = signed.event(AuditAction::TokenMade).with("scopes", scopes.join(", "));
    let new = overread_store::NewToken {
        token_hash: hash_token(&secret),
        name,
        scopes,
        expires_at: app.now().plus_millis(i64::from(request.days) * DAY_MS),
    };
    let made = app.store.recording(event).create_token(of, new).await?;
    let view = TokenMade { token: format!("{}{secret}", path::TOKEN_PREFIX), view: token(made) };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Revokes a token, at once.
#[utoipa::path(delete, path = path::TOKEN, tag = "account", params(("token" = String, Path)), responses(
    (status = 204),
    (status = 404, body = ErrorBody),
))]
pub async fn revoke_token(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let event = signed.event(AuditAction::TokenRevoked).with("revoked", &*id);
    app.store.recording(event).revoke_token(&signed.user.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
