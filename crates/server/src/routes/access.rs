//! Where entries belong, and what people open with a reason.

use axum::extract::State;
use axum::http::StatusCode;
use overread_api::access::{
    JudgeNote, JudgementView, OpenNote, OpenedKind, OpenedNote, OpenedQuery, PlacesView,
};
use overread_api::{ErrorBody, ErrorCode, Page, path};
use overread_domain::{AuditAction, EntryId, NoteId, Permission, Placing};
use overread_store::{Grant, GrantKind, NewGrant, StoreError};

use super::queue::limit;
use crate::auth::Signed;
use crate::extract::{Json, Path, Query};
use crate::{App, Failure};

/// Shorter than this says nothing.
const REASON_LEAST: usize = 10;
const REASON_MOST: usize = 500;
const COMMENT: usize = 1000;
const NAME: usize = 500;

/// Moves an entry, with the others of its note, to a site, a queue and guarded categories, maybe out of one's own sight.
#[utoipa::path(put, path = path::PLACING, tag = "entries", params(("entry" = String, Path)), request_body = Placing,
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "A name is too long"),
    ))]
pub async fn place(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EntryId>,
    Json(place): Json<Placing>,
) -> Result<StatusCode, Failure> {
    for (field, name) in [("site", &place.site), ("queue", &place.queue)] {
        if name.chars().count() > NAME || name.chars().any(char::is_control) {
            return Err(Failure::invalid(field, format!("at most {NAME} characters")));
        }
    }
    let categories: Vec<&str> = place.sensitivity.iter().map(|one| one.as_str()).collect();
    let event = signed
        .event(AuditAction::EntryPlaced)
        .on(id.as_str())
        .with("site", place.site.as_str())
        .with("queue", place.queue.as_str())
        .with("categories", categories.join(", "));
    signed.store(&app)?.recording(event).place_entry(&id, &place).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Names of sites and queues, for who says what is open to users and who moves notes.
#[utoipa::path(get, path = path::PLACES, tag = "users", responses((status = 200, body = PlacesView)))]
pub async fn places(State(app): State<App>) -> Result<Json<PlacesView>, Failure> {
    let (sites, queues) = app.store.places().await?;
    Ok(Json(PlacesView { sites, queues }))
}

/// Opens a note for a while, with a reason that somebody else judges later: one that is outside of the person's reach, or one
/// that they see masked.
#[utoipa::path(post, path = path::OPENED, tag = "access", request_body = OpenNote, responses(
    (status = 201, body = OpenedNote),
    (status = 404, body = ErrorBody, description = "There is no such note"),
    (status = 409, body = ErrorBody, description = "It is open already"),
    (status = 422, body = ErrorBody, description = "The reason is too short or too long"),
))]
pub async fn open(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<OpenNote>,
) -> Result<(StatusCode, Json<OpenedNote>), Failure> {
    // Who opens notes is a person, at this moment.
    signed.session()?;
    let reason = request.reason.trim();
    let long = reason.chars().count();
    if !(REASON_LEAST..=REASON_MOST).contains(&long) || reason.contains('\0') {
        let message = format!("why, in {REASON_LEAST} to {REASON_MOST} characters");
        return Err(Failure::invalid("reason", message));
    }
    let within = signed.store(&app)?.entries_of(&request.note).await?;
    let kind = match (within.is_empty(), signed.shows_as_written(&request.note)) {
        (false, true) => {
            return Err(Failure::new(ErrorCode::WrongState, "the note is open to you already"));
        }
        (false, false) => GrantKind::AsWritten,
        (true, _) => GrantKind::Emergency,
    };
    if kind == GrantKind::Emergency && !signed.may(Permission::BreakGlass) {
        return Err(Failure::new(ErrorCode::NotAllowed, "the role does not open notes in an emergency"));
    }
    let new = NewGrant {
        kind,
        user: signed.user.id.clone(),
        note: request.note.clone(),
        reason: reason.to_owned(),
        lasts: app.config.opened_minutes.max(1).saturating_mul(60_000),
    };
    let event = signed.event(AuditAction::AccessOpened).on(request.note.as_str()).with("kind", kind.as_str());
    let opened = match app.store.recording(event).open_note(new).await {
        Ok(grant) => grant,
        Err(error @ StoreError::NotFound { .. }) => {
            // Who tries names of notes leaves a trace of it.
            let event =
                signed.event(AuditAction::AccessRefused).with("route", format!("POST {}", path::OPENED));
            app.store.record(event).await?;
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    tracing::warn!(user = %signed.user.id, grant = opened.id, kind = kind.as_str(), "a note was opened with a reason");
    let entries = app.store.entries_of(&request.note).await?;
    Ok((StatusCode::CREATED, Json(OpenedNote { entries, ..view(opened) })))
}

/// What the person has open with a reason, the latest first.
#[utoipa::path(get, operation_id = "my_opened_notes", path = path::MY_OPENED, tag = "access", responses((status = 200, body = Vec<OpenedNote>)))]
pub async fn mine(State(app): State<App>, signed: Signed) -> Result<Json<Vec<OpenedNote>>, Failure> {
    let mut all = Vec::new();
    for grant in app.store.grants_of(&signed.user.id).await? {
        let entries = app.store.entries_of(&grant.note).await?;
        all.push(OpenedNote { entries, ..view(grant) });
    }
    Ok(Json(all))
}

/// Gives up what a reason opened before it ends by itself.
#[utoipa::path(delete, path = path::ONE_OPENED, tag = "access", params(("opened" = String, Path)), responses(
    (status = 204),
    (status = 404, body = ErrorBody),
))]
pub async fn end(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let event = signed.event(AuditAction::AccessEnded).on(id.as_str());
    app.store.recording(event).end_grant(&id, &signed.user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What people opened with a reason, the latest first.
#[utoipa::path(get, operation_id = "opened_notes", path = path::OPENED, tag = "access", params(OpenedQuery), responses(
    (status = 200, body = Page<OpenedNote>),
    (status = 422, body = ErrorBody, description = "`limit` won't do"),
))]
pub async fn list(
    State(app): State<App>,
    Query(query): Query<OpenedQuery>,
) -> Result<Json<Page<OpenedNote>>, Failure> {
    let limit = limit(query.limit, 50, 200)?;
    let after = query.after.as_deref().filter(|after| !after.is_empty());
    let page = app.store.grants(query.waiting.unwrap_or(false), after, limit).await?;
    Ok(Json(Page { items: page.rows.into_iter().map(view).collect(), next: page.next }))
}

/// Says once whether a reason was a good one. Nobody judges their own.
#[utoipa::path(post, path = path::JUDGEMENT, tag = "access", params(("opened" = String, Path)),
    request_body = JudgeNote, responses(
        (status = 200, body = OpenedNote),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is judged already, or one's own"),
        (status = 422, body = ErrorBody, description = "A reason that is not justified needs a comment"),
    ))]
pub async fn judge(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
    Json(request): Json<JudgeNote>,
) -> Result<Json<OpenedNote>, Failure> {
    let comment = request.comment.trim();
    if comment.chars().count() > COMMENT || comment.contains('\0') || comment.is_empty() && !request.justified
    {
        let message = format!("1 to {COMMENT} characters where the reason is not justified");
        return Err(Failure::invalid("comment", message));
    }
    let event = signed
        .event(AuditAction::AccessJudged)
        .on(id.as_str())
        .with("justified", request.justified.to_string());
    let grant =
        app.store.recording(event).judge_grant(&id, &signed.user.id, request.justified, comment).await?;
    Ok(Json(view(grant)))
}

/// By what reason a person sees a note just now, if by any.
pub async fn opened(app: &App, signed: &Signed, note: &NoteId) -> Result<Option<OpenedNote>, Failure> {
    let grants = app.store.grants_of(&signed.user.id).await?;
    Ok(grants.into_iter().find(|grant| grant.note == *note).map(view))
}

fn view(grant: Grant) -> OpenedNote {
    OpenedNote {
        id: grant.id,
        kind: match grant.kind {
            GrantKind::Emergency => OpenedKind::Emergency,
            GrantKind::AsWritten => OpenedKind::AsWritten,
        },
        user: grant.user,
        note: grant.note,
        entries: Vec::new(),
        reason: grant.reason,
        created_at: grant.created_at,
        until: grant.until,
        judgement: grant.judgement.map(|judgement| JudgementView {
            by: judgement.by,
            at: judgement.at,
            justified: judgement.justified,
            comment: judgement.comment,
        }),
    }
}
