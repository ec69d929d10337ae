//! The model, the code releases, background jobs.

use axum::extract::State;
use overread_api::system::{JobQuery, JobView, SystemView};
use overread_api::{ErrorBody, Page, path};
use overread_domain::{AuditAction, JobId};
use overread_store::Engine;

use super::queue::limit;
use crate::auth::Signed;
use crate::extract::{Json, Path, Query};
use crate::views;
use crate::{App, Failure};

/// What is loaded, and what waits.
#[utoipa::path(get, path = path::SYSTEM, tag = "system", responses((status = 200, body = SystemView)))]
pub async fn system(State(app): State<App>) -> Result<Json<SystemView>, Failure> {
    let jobs = app.store.job_counts().await?;
    let shelf = app.shelf();
    let releases = shelf.books.releases.iter().map(|release| views::release(&app, &shelf, release));
    Ok(Json(SystemView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model: app.model.view(),
        releases: releases.collect(),
        database: match app.store.engine() {
            Engine::Sqlite => "SQLite".to_owned(),
            Engine::Postgres => "PostgreSQL".to_owned(),
        },
        jobs_waiting: jobs.queued + jobs.running,
        jobs_failed: jobs.failed,
    }))
}

/// Background jobs, newest first.
#[utoipa::path(get, path = path::JOBS, tag = "system", params(JobQuery), responses(
    (status = 200, body = Page<JobView>),
    (status = 422, body = ErrorBody, description = "`limit` or `after` won't do"),
))]
pub async fn jobs(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<JobQuery>,
) -> Result<Json<Page<JobView>>, Failure> {
    let limit = limit(query.limit, 50, 200)?;
    let state = query.state.map(views::job_state_of);
    let after = query.after.as_deref().filter(|after| !after.is_empty());
    let page = signed.store(&app)?.jobs(state, after, limit).await?;
    Ok(Json(Page { items: page.rows.into_iter().map(views::job).collect(), next: page.next }))
}

/// Queues a failed job again.
#[utoipa::path(post, path = path::RETRY_JOB, tag = "system", params(("job" = String, Path)), responses(
    (status = 200, body = JobView),
    (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "The job has not failed"),
))]
pub async fn retry(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<JobId>,
) -> Result<Json<JobView>, Failure> {
    let event = signed.event(AuditAction::JobRetried).on(id.as_str());
    let job = signed.store(&app)?.recording(event).retry_job(&id).await?;
    app.work.notify_waiters();
    Ok(Json(views::job(job)))
}
