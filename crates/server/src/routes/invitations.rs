//! Invitations: a link, good for some days and once, by which somebody sets their first password.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use overread_api::session::{AcceptInvitation, InvitationToken, InvitationView, Invited, SessionView};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, UserId};
use overread_store::{Event, Origin};

use crate::auth::begin::{Arrival, answer, begin};
use crate::auth::rates::Rate;
use crate::auth::{Signed, hash_token, new_token, password};
use crate::extract::{Json, Path};
use crate::{App, Failure};

fn unknown() -> Failure {
    Failure::new(
        ErrorCode::NotFound,
        "this invitation was used already, or its time is over; ask who invited you for another",
    )
}

/// Invites somebody, also once more: an invitation of before is good for nothing then.
#[utoipa::path(post, path = path::INVITE, tag = "users", params(("user" = String, Path)), responses(
    (status = 201, body = Invited),
    (status = 404, body = ErrorBody),
))]
pub async fn invite(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<UserId>,
) -> Result<(StatusCode, Json<Invited>), Failure> {
    let token = new_token(&app);
    let expires_at = app.now().plus_millis(app.config.invitation_hours.saturating_mul(3_600_000));
    let event = signed.event(AuditAction::InvitationMade).on(id.as_str());
    app.store.recording(event).invite(&id, &hash_token(&token), &signed.user.id, expires_at).await?;
    let home = app.config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    let link = format!("{home}{}#{token}", path::WELCOME_PAGE);
    Ok((StatusCode::CREATED, Json(Invited { user: id, link, expires_at })))
}

/// Whom an invitation is for.
#[utoipa::path(post, path = path::INVITATION, tag = "session", request_body = InvitationToken, responses(
    (status = 200, body = InvitationView),
    (status = 404, body = ErrorBody),
    (status = 429, body = ErrorBody, description = "Too many; `Retry-After` says how long to wait"),
))]
pub async fn look(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Json(request): Json<InvitationToken>,
) -> Result<Json<InvitationView>, Failure> {
    app.rates.admit(Rate::Stranger, &origin.address)?;
    let invitation = app.store.invitation(&hash_token(&request.token)).await?.ok_or_else(unknown)?;
    let user = app.store.user(&invitation.user).await?.ok_or_else(unknown)?;
    Ok(Json(InvitationView { user: user.id, name: user.name, expires_at: invitation.expires_at }))
}

/// Sets the first password and signs in.
#[utoipa::path(post, path = path::ACCEPT_INVITATION, tag = "session", request_body = AcceptInvitation, responses(
    (status = 200, body = SessionView),
    (status = 404, body = ErrorBody),
    (status = 422, body = ErrorBody, description = "The password won't do"),
    (status = 429, body = ErrorBody, description = "Too many; `Retry-After` says how long to wait"),
))]
pub async fn accept(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    Json(request): Json<AcceptInvitation>,
) -> Result<Response, Failure> {
    app.rates.admit(Rate::Stranger, &origin.address)?;
    let hash = hash_token(&request.token);
    let invitation = app.store.invitation(&hash).await?.ok_or_else(unknown)?;
    password::check(&request.password, invitation.user.as_str())
        .map_err(|weak| Failure::invalid("password", weak.to_string()))?;
    let set = app.vault.hash(request.password, app.source.random()).await;
    let event = Event::new(AuditAction::InvitationAccepted, Some(&invitation.user), &origin);
    if !app.store.recording(event).accept_invitation(&hash, &set).await? {
        return Err(unknown());
    }
    let user = app.store.user(&invitation.user).await?.ok_or_else(unknown)?;
    let arrival = Arrival { headers: &headers, origin: &origin };
    // Whoever had a second factor still shows it.
    let second = app.store.factors(&user.id).await?.second();
    let stage = if second { overread_store::Stage::SecondFactor } else { overread_store::Stage::Open };
    app.store.record_sign_in(&user.id).await?;
    let (session, token) = begin(&app, arrival, &user, "password", stage).await?;
    answer(&app, arrival, &user, &session, &token).await
}
