//! One entry: reading it, holding it, asking for its suggestions again.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use overread_api::entry::{EntryView, LeaseView, SuggestAgain};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, EntryId, EntryStatus, Permission};

use crate::auth::{Signed, Via};
use crate::extract::{Json, Path};
use crate::mask::Mask;
use crate::views;
use crate::{App, Failure};

/// All that the review page needs.
#[utoipa::path(get, path = path::ENTRY, tag = "entries", params(("entry" = String, Path)), responses(
    (status = 200, body = EntryView),
    (status = 404, body = ErrorBody),
))]
pub async fn entry(
    State(app): State<App>,
    signed: Signed,
    headers: HeaderMap,
    Path(id): Path<EntryId>,
) -> Result<Json<EntryView>, Failure> {
    let store = signed.store(&app)?;
    let record = store.entry(&id).await?;
    let opened = super::access::opened(&app, &signed, &record.row.note).await?;
    let mask = Mask::of(&app, &signed, &record.row.note, &record.row.meta);
    let checked = crate::edits::check(&app, &record).await?;
    // What was shown is on record before it is shown.
    let mut event = signed.event(AuditAction::EntryViewed).on(id.as_str());
    if let Some(set) = &record.suggestion_set {
        event = event.with("suggestion_set", set.id.as_str());
    }
    if mask.is_some() {
        event = event.with("masked", "true");
    }
    if let Some(opened) = &opened {
        event = event.with("opened", opened.id.as_str());
    }
    match &signed.via {
        Via::Session { token_hash, .. } => {
            let set = record.suggestion_set.as_ref().map_or("", |set| set.id.as_str());
            let opened = opened.as_ref().map_or("", |opened| opened.id.as_str());
            let state = format!("{} {set} {} {opened}", record.row.revision, mask.is_some());
            let by_itself = headers.contains_key(path::BACKGROUND_HEADER);
            if !(by_itself && app.shown.is(token_hash, &id, &state)) {
                app.store.record(event).await?;
                app.shown.was(token_hash, &id, state);
            }
        }
        Via::Token(_) => app.store.record(event).await?,
    }
    let mut view = views::entry(record, &signed, app.model.problem(), checked);
    view.opened = opened;
    Ok(Json(match mask {
        Some(mask) => tokio::task::spawn_blocking(move || mask.entry(view))
            .await
            .map_err(|_| Failure::internal("masking an entry panicked"))??,
        None => view,
    }))
}

/// Takes or renews the lease.
#[utoipa::path(post, path = path::LEASE, tag = "entries", params(("entry" = String, Path)), responses(
    (status = 200, body = LeaseView),
    (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "Another person holds it"),
))]
pub async fn take_lease(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EntryId>,
) -> Result<Json<LeaseView>, Failure> {
    let store = signed.store(&app)?;
    let row = store.entry(&id).await?.row;
    if !signed.shows_as_written(&row.note) {
        return Err(Failure::masked());
    }
    if !signed.may(Permission::ResolveExceptions) && row.status == EntryStatus::Exception {
        return Err(Failure::new(ErrorCode::NotAllowed, "exceptions are for coders"));
    }
    let lease = store.take_lease(&id, &signed.user.id, app.config.lease_seconds.saturating_mul(1000)).await?;
    Ok(Json(LeaseView { lease: views::lease(lease) }))
}

/// Gives the lease back.
#[utoipa::path(delete, path = path::LEASE, tag = "entries", params(("entry" = String, Path)), responses(
    (status = 204),
    (status = 404, body = ErrorBody),
))]
pub async fn release_lease(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EntryId>,
) -> Result<StatusCode, Failure> {
    signed.store(&app)?.release_lease(&id, &signed.user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for new suggestions, as long as nothing is decided.
#[utoipa::path(post, path = path::SUGGEST_AGAIN, tag = "entries", params(("entry" = String, Path)), responses(
    (status = 200, body = SuggestAgain),
    (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "Something is decided already, or somebody works on the entry"),
))]
pub async fn suggest_again(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EntryId>,
) -> Result<Json<SuggestAgain>, Failure> {
    let event = signed.event(AuditAction::SuggestedAgain).on(id.as_str());
    let job = signed.store(&app)?.recording(event).suggest_again(&id).await?;
    app.work.notify_waiters();
    Ok(Json(SuggestAgain { job: job.id, state: views::job_state(job.state) }))
}
