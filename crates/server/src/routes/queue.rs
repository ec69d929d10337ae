//! The queue, how far it is, and what comes next.

use axum::extract::State;
use overread_api::entry::{
    DocumentTypeCount, EntryRow, NextQuery, NextView, ProgressView, QueueQuery, QueueSort,
};
use overread_api::{ErrorBody, Page, path};
use overread_domain::AuditAction;
use overread_domain::EntryId;
use overread_store::QueueFilter;

use crate::auth::Signed;
use crate::extract::{Json, Query};
use crate::mask::Mask;
use crate::views;
use crate::{App, Failure};

const DAY_MS: i64 = 24 * 3_600_000;

/// Longer queries mean nothing more.
pub const QUERY_CHARACTERS: usize = 400;

/// What stands for an absent limit, and what limits may be.
pub fn limit(asked: Option<u32>, absent: u32, most: u32) -> Result<u32, Failure> {
    let limit = asked.unwrap_or(absent);
    if (1..=most).contains(&limit) {
        Ok(limit)
    } else {
        Err(Failure::invalid("limit", format!("1 to {most}")))
    }
}

/// One page of the queue.
#[utoipa::path(get, path = path::ENTRIES, tag = "entries", params(QueueQuery), responses(
    (status = 200, body = Page<EntryRow>),
    (status = 422, body = ErrorBody, description = "`q`, `limit` or `after` won't do"),
))]
pub async fn queue(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<QueueQuery>,
) -> Result<Json<Page<EntryRow>>, Failure> {
    if query.q.as_ref().is_some_and(|q| q.chars().count() > QUERY_CHARACTERS) {
        return Err(Failure::invalid("q", format!("at most {QUERY_CHARACTERS} characters")));
    }
    let filter = QueueFilter {
        status: query.status,
        document_type: given(query.document_type),
        q: given(query.q),
        // A name in a title must not be found by who sees it masked.
        ids_only: !signed.reads_as_written(),
        sort: match query.sort.unwrap_or_default() {
            QueueSort::Oldest => overread_store::QueueSort::Oldest,
            QueueSort::Newest => overread_store::QueueSort::Newest,
            QueueSort::Confidence => overread_store::QueueSort::Confidence,
        },
        after: given(query.after),
        limit: limit(query.limit, 50, 200)?,
    };
    let page = signed.store(&app)?.queue(&filter).await?;
    // The words may be a patient's name: that somebody searched is kept, not for what. Leafing on is one search.
    if filter.q.is_some() && filter.after.is_none() {
        let event = signed.event(AuditAction::EntriesSearched).with("found", page.rows.len().to_string());
        app.store.record(event).await?;
    }
    let row = |row: overread_store::EntryRow| match Mask::of(&app, &signed, &row.note, &row.meta) {
        Some(mask) => mask.row(views::row(row)),
        None => views::row(row),
    };
    Ok(Json(Page { items: page.rows.into_iter().map(row).collect(), next: page.next }))
}

/// How far the queue is, and what the signed-in person did in the last 24 hours.
#[utoipa::path(get, path = path::PROGRESS, tag = "entries", responses((status = 200, body = ProgressView)))]
pub async fn progress(State(app): State<App>, signed: Signed) -> Result<Json<ProgressView>, Failure> {
    let progress = signed.store(&app)?.progress(&signed.user.id, app.now().plus_millis(-DAY_MS)).await?;
    Ok(Json(ProgressView {
        open: progress.open,
        in_progress: progress.in_progress,
        exception: progress.exception,
        finished: progress.finished,
        suggesting: progress.suggesting,
        failed: progress.failed,
        my_decisions_today: progress.decisions,
        my_finished_today: progress.finished_by_user,
        document_types: progress
            .document_types
            .into_iter()
            .map(|(document_type, entries)| DocumentTypeCount { document_type, entries })
            .collect(),
    }))
}

/// The entry to work on next.
#[utoipa::path(get, path = path::NEXT_ENTRY, tag = "entries", params(NextQuery), responses(
    (status = 200, body = NextView),
))]
pub async fn next(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<NextQuery>,
) -> Result<Json<NextView>, Failure> {
    let filter = QueueFilter {
        status: query.status,
        document_type: given(query.document_type),
        limit: 1,
        ..QueueFilter::default()
    };
    let after = given(query.after_entry).map(EntryId::new);
    let entry = signed.store(&app)?.next_entry(&signed.user.id, &filter, after.as_ref()).await?;
    Ok(Json(NextView { entry }))
}

/// A form's empty field asks for nothing.
fn given(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}
