//! People and their roles, for administrators.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use overread_api::session::{NewUser, UserChange, UserView};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, Reach, Role, UserId};
use overread_store::UserPatch;

use crate::auth::{Signed, password};
use crate::extract::{Json, Path};
use crate::views;
use crate::{App, Failure};

/// Names to sign in with: 1 to 64 letters, digits and `. _ - @`.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@".contains(&b))
}

/// All users, by id.
#[utoipa::path(get, operation_id = "users", path = path::USERS, tag = "users", responses((status = 200, body = Vec<UserView>)))]
pub async fn list(State(app): State<App>) -> Result<Json<Vec<UserView>>, Failure> {
    let second: BTreeSet<UserId> = app.store.users_with_second_factor().await?.into_iter().collect();
    let view = |user: overread_store::User| {
        let has = second.contains(&user.id);
        views::user(user, has)
    };
    Ok(Json(app.store.users().await?.into_iter().map(view).collect()))
}

/// Adds a user, who must choose another password at the first sign-in.
#[utoipa::path(post, path = path::USERS, tag = "users", request_body = NewUser, responses(
    (status = 201, body = UserView),
    (status = 409, body = ErrorBody, description = "The id is taken"),
    (status = 422, body = ErrorBody, description = "Id, name or password won't do"),
))]
pub async fn create(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewUser>,
) -> Result<(StatusCode, Json<UserView>), Failure> {
    if !is_id(request.id.as_str()) {
        return Err(Failure::invalid("id", "an id has 1 to 64 letters, digits and . _ - @"));
    }
    check_name(&request.name)?;
    let password_hash = match request.password {
        Some(password) => {
            check_password(&password, &request.id)?;
            app.vault.hash(password, app.source.random()).await
        }
        // Nothing verifies against it: an invitation comes first.
        None => String::new(),
    };
    let user = overread_store::NewUser {
        id: request.id,
        name: request.name,
        role: request.role,
        reach: check_reach(request.reach)?,
        must_change_password: !password_hash.is_empty(),
        password_hash,
    };
    let event = signed
        .event(AuditAction::UserCreated)
        .on(user.id.as_str())
        .with("role", user.role.as_str())
        .with("reach", told(&user.reach));
    Ok((StatusCode::CREATED, Json(views::user(app.store.recording(event).create_user(user).await?, false))))
}

/// Changes name, role or password, or shuts a user out.
#[utoipa::path(patch, path = path::USER, tag = "users", params(("user" = String, Path)), request_body = UserChange,
    responses(
        (status = 200, body = UserView),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Administrators can't shut themselves out"),
        (status = 422, body = ErrorBody, description = "Name or password won't do"),
    ))]
pub async fn change(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<UserId>,
    Json(request): Json<UserChange>,
) -> Result<Json<UserView>, Failure> {
    if id == signed.user.id && request.reset_second_factor == Some(true) {
        return Err(Failure::new(ErrorCode::WrongState, "the own second factor is changed in the account"));
    }
    let out = request.disabled == Some(true) || request.role.is_some_and(|role| role != Role::Administrator);
    if id == signed.user.id && out {
        return Err(Failure::new(ErrorCode::WrongState, "administrators can't shut themselves out"));
    }
    if let Some(name) = &request.name {
        check_name(name)?;
    }
    if let Some(password) = &request.password {
        check_password(password, &id)?;
    }
    let reach = request.reach.map(check_reach).transpose()?;
    let patch = UserPatch { name: request.name, role: request.role, reach, disabled: request.disabled };
    let mut event = signed.event(AuditAction::UserChanged).on(id.as_str());
    for (what, new) in [
        ("role", patch.role.map(|role| role.as_str().to_owned())),
        ("reach", patch.reach.as_ref().map(told)),
        ("disabled", patch.disabled.map(|disabled| disabled.to_string())),
        ("name", patch.name.as_ref().map(|_| "changed".to_owned())),
        ("password", request.password.as_ref().map(|_| "set".to_owned())),
    ] {
        if let Some(new) = new {
            event = event.with(what, new);
        }
    }
    let mut user = app.store.recording(event).update_user(&id, patch).await?;
    if let Some(password) = request.password {
        let hash = app.vault.hash(password, app.source.random()).await;
        app.store.give_password(&id, &hash, true).await?;
        user.must_change_password = true;
    }
    if request.reset_second_factor == Some(true) {
        app.store
            .recording(signed.event(AuditAction::SecondFactorReset).on(id.as_str()))
            .reset_factors(&id)
            .await?;
    }
    let second = app.store.factors(&id).await?.second();
    Ok(Json(views::user(user, second)))
}

const REACH_NAMES: usize = 200;
const REACH_CHARACTERS: usize = 500;

fn check_reach(reach: Reach) -> Result<Reach, Failure> {
    for (place, names) in [("reach.sites", &reach.sites), ("reach.queues", &reach.queues)] {
        let Some(names) = names else { continue };
        let fine =
            |name: &String| name.chars().count() <= REACH_CHARACTERS && !name.chars().any(char::is_control);
        if names.len() > REACH_NAMES || !names.iter().all(fine) {
            let message = format!("at most {REACH_NAMES} names of at most {REACH_CHARACTERS} characters");
            return Err(Failure::invalid(place, message));
        }
    }
    Ok(reach)
}

/// For the audit trail: names of sites, queues and categories.
pub fn told(reach: &Reach) -> String {
    let all = |names: &Option<BTreeSet<String>>| match names {
        None => "all".to_owned(),
        Some(names) => names.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    let categories: Vec<&str> = reach.sensitivity.iter().map(|one| one.as_str()).collect();
    let as_written = match reach.as_written {
        None => "by role",
        Some(true) => "yes",
        Some(false) => "no",
    };
    format!(
        "sites: {}; queues: {}; categories: {}; as written: {as_written}",
        all(&reach.sites),
        all(&reach.queues),
        categories.join(", ")
    )
}

pub fn check_name(name: &str) -> Result<(), Failure> {
    let fine = (1..=200).contains(&name.trim().chars().count()) && !name.chars().any(char::is_control);
    if fine { Ok(()) } else { Err(Failure::invalid("name", "a name has 1 to 200 characters")) }
}

/// Signs somebody out everywhere.
#[utoipa::path(delete, operation_id = "end_user_sessions", path = path::USER_SESSIONS, tag = "users", params(("user" = String, Path)), responses(
    (status = 204),
    (status = 404, body = ErrorBody),
))]
pub async fn end_sessions(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<UserId>,
) -> Result<StatusCode, Failure> {
    if app.store.user(&id).await?.is_none() {
        return Err(Failure::not_found("user"));
    }
    let event = signed.event(AuditAction::SessionsEnded).on(id.as_str());
    app.store.recording(event).delete_sessions_of(&id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_password(password: &str, id: &UserId) -> Result<(), Failure> {
    password::check(password, id.as_str()).map_err(|weak| Failure::invalid("password", weak.to_string()))
}
