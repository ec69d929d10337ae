//! The audit trail: looking through it, whether it is whole, signing it off.

use axum::extract::State;
use overread_api::audit::{AuditPage, AuditQuery, AuditReview, AuditRow, AuditStatus, ReviewAudit, Unusual};
use overread_api::{ErrorBody, ErrorCode, path};
use overread_domain::{AuditAction, Timestamp};
use overread_store::{self as store, AuditFilter, Chain};

use super::queue::limit;
use crate::auth::Signed;
use crate::extract::{Json, Query};
use crate::{App, Failure};

/// Characters of a filter or a comment.
const WORDS: usize = 500;
const REVIEWS: u32 = 100;

/// Who did what, the latest first.
#[utoipa::path(get, operation_id = "audit_trail", path = path::AUDIT, tag = "audit", params(AuditQuery), responses(
    (status = 200, body = AuditPage),
    (status = 422, body = ErrorBody, description = "A filter or `limit` won't do"),
))]
pub async fn list(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, Failure> {
    let limit = limit(query.limit, 100, 500)?;
    let given = |name: &'static str, text: Option<String>| match text.filter(|text| !text.is_empty()) {
        Some(text) if text.chars().count() > WORDS || text.contains('\0') => {
            Err(Failure::invalid(name, format!("at most {WORDS} characters")))
        }
        text => Ok(text),
    };
    let filter = AuditFilter {
        user: given("user", query.user)?,
        action: query.action,
        subject: given("subject", query.subject)?,
        since: query.since.map(Timestamp),
        until: query.until.map(Timestamp),
        before: query.before,
    };
    // Who looks is seen, too; leafing on is one look.
    if filter.before.is_none() {
        let mut event = signed.event(AuditAction::AuditViewed);
        for (name, value) in [("user", &filter.user), ("subject", &filter.subject)] {
            if let Some(value) = value {
                event = event.with(name, value.as_str());
            }
        }
        app.store.record(event).await?;
    }
    let rows = app.store.audit(&filter, limit).await?;
    let next = rows.last().map(|row| row.seq).filter(|seq| *seq > 1 && rows.len() == limit as usize);
    Ok(Json(AuditPage { rows: rows.into_iter().map(row).collect(), next }))
}

fn row(row: store::AuditRow) -> AuditRow {
    AuditRow {
        seq: row.seq,
        at: row.at,
        action: row.event.action,
        user: row.event.user,
        subject: row.event.subject,
        detail: row.event.detail,
        request: row.event.origin.request,
        address: row.event.origin.address,
        hash: row.hash,
    }
}

/// Checks the whole chain, and says who signed it off.
#[utoipa::path(get, path = path::AUDIT_STATUS, tag = "audit", responses((status = 200, body = AuditStatus)))]
pub async fn status(State(app): State<App>) -> Result<Json<AuditStatus>, Failure> {
    let reviews = app.store.audit_reviews(REVIEWS).await?.into_iter().map(review).collect();
    Ok(Json(match app.store.verify_audit().await? {
        Ok(chain) => AuditStatus { rows: chain.rows, hash: Some(chain.hash), broken: None, reviews },
        Err(broken) => {
            tracing::error!(%broken, "the audit trail is broken");
            let rows = app.store.audit(&AuditFilter::default(), 1).await?.first().map_or(0, |row| row.seq);
            AuditStatus { rows, hash: None, broken: Some(broken.to_string()), reviews }
        }
    }))
}

/// What of the last 30 days somebody should look at, the latest first: by count, against what is usual.
#[utoipa::path(get, path = path::UNUSUAL, tag = "audit", responses((status = 200, body = Vec<Unusual>)))]
pub async fn unusual(State(app): State<App>) -> Result<Json<Vec<Unusual>>, Failure> {
    let since = app.now().plus_millis(-crate::unusual::COMPARED_MS);
    let reported = app.now().plus_millis(-crate::unusual::REPORTED_MS);
    Ok(Json(crate::unusual::report(&app.store.activity(since).await?, reported)))
}

fn review(review: store::AuditReview) -> AuditReview {
    AuditReview {
        seq: review.seq,
        hash: review.hash,
        user: review.user,
        at: review.at,
        comment: review.comment,
    }
}

/// Signs the trail off up to the row that the status named. A broken trail is not signed off.
#[utoipa::path(post, path = path::AUDIT_REVIEWS, tag = "audit", request_body = ReviewAudit, responses(
    (status = 200, body = AuditReview),
    (status = 409, body = ErrorBody, description = "The trail is broken, has no such row, or was signed off up to it"),
    (status = 422, body = ErrorBody, description = "No comment"),
))]
pub async fn sign_off(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<ReviewAudit>,
) -> Result<Json<AuditReview>, Failure> {
    let comment = request.comment.trim();
    if comment.is_empty() || comment.chars().count() > WORDS || comment.contains('\0') {
        return Err(Failure::invalid("comment", format!("what was looked at, in 1 to {WORDS} characters")));
    }
    if let Err(broken) = app.store.verify_audit().await? {
        return Err(Failure::new(ErrorCode::Conflict, format!("the trail is not signed off: {broken}")));
    }
    let chain = Chain { rows: request.rows, hash: request.hash };
    let event = signed.event(AuditAction::AuditReviewed).with("rows", chain.rows.to_string());
    let signed_off = app.store.recording(event).review_audit(&chain, &signed.user.id, comment).await?;
    // The log is another place: who makes the whole trail anew would have to find this line, too.
    tracing::info!(user = %signed.user.id, rows = chain.rows, hash = chain.hash, "the audit trail was signed off");
    Ok(Json(review(signed_off)))
}
