//! The export of corrections, streamed.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use overread_api::correction::{CorrectionLine, CorrectionQuery};
use overread_api::path;
use overread_domain::{AuditAction, Timestamp};
use overread_store::{CorrectionFilter, Corrections, EntryRecord, StoreError};

use crate::auth::Signed;
use crate::export::correction_lines;
use crate::extract::Query;
use crate::mask::Mask;
use crate::{App, Failure};

struct Export {
    corrections: Corrections,
    first: Option<EntryRecord>,
    with_text: bool,
    app: App,
    signed: Signed,
}

/// What people decided, as JSON Lines: one decided row or field a line, oldest entry first.
#[utoipa::path(get, path = path::CORRECTIONS, tag = "corrections", params(CorrectionQuery), responses(
    (status = 200, body = CorrectionLine, content_type = "application/x-ndjson"),
))]
pub async fn corrections(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<CorrectionQuery>,
) -> Result<Response, Failure> {
    let since = query.since.map(Timestamp);
    let mut corrections =
        signed.store(&app)?.corrections(CorrectionFilter { all: query.all.unwrap_or(false), since });
    // Before the answer begins a failure can still be told as one.
    let first = corrections.next().await?;
    let mut event = signed.event(AuditAction::CorrectionsExported);
    if !signed.reads_as_written() {
        event = event.with("masked", "true");
    }
    app.store.record(event).await?;
    tracing::info!(user = %signed.user.id, "corrections exported");
    let with_text = !query.without_text.unwrap_or(false);
    let export = Export { corrections, first, with_text, app, signed };
    let body = Body::from_stream(stream::try_unfold(export, next));
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"corrections.jsonl\""),
    ];
    Ok((headers, body).into_response())
}

/// The lines of the next entry. A failure breaks the connection off, so that nobody takes a part for the whole.
async fn next(mut export: Export) -> Result<Option<(Bytes, Export)>, StoreError> {
    loop {
        let record = match export.first.take() {
            Some(record) => record,
            None => match export.corrections.next().await {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(error) => {
                    tracing::error!(%error, "export broken off");
                    return Err(error);
                }
            },
        };
        let mut bytes = Vec::new();
        let mask = Mask::of(&export.app, &export.signed, &record.row.note, &record.row.meta);
        let mut lines = correction_lines(&record, export.with_text);
        if let Some(mask) = mask {
            let masked = tokio::task::spawn_blocking(move || mask.lines(lines, &record.text)).await;
            lines = masked.ok().and_then(Result::ok).ok_or_else(|| StoreError::Invalid {
                what: "a line",
                reason: "it could not be carried over to the mask".to_owned(),
            })?;
        }
        for line in lines {
            serde_json::to_writer(&mut bytes, &line).expect("lines are JSON");
            bytes.push(b'\n');
        }
        if !bytes.is_empty() {
            return Ok(Some((Bytes::from(bytes), export)));
        }
    }
}
