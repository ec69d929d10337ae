//! How good the suggestions were.

use axum::extract::State;
use overread_api::accuracy::{AccuracyQuery, AccuracyRow, AccuracyView, CalibrationBin};
use overread_api::path;
use overread_domain::Timestamp;
use overread_store::{AccuracyFilter, Counts};

use crate::auth::Signed;
use crate::extract::{Json, Query};
use crate::stats::rate;
use crate::{App, Failure};

const BINS: usize = 10;

/// Shown, accepted, corrected, rejected and added, per field and per code, from finished entries.
#[utoipa::path(get, path = path::ACCURACY, tag = "accuracy", params(AccuracyQuery), responses(
    (status = 200, body = AccuracyView),
))]
pub async fn accuracy(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<AccuracyQuery>,
) -> Result<Json<AccuracyView>, Failure> {
    let filter = AccuracyFilter {
        model: query.model.filter(|model| !model.is_empty()),
        document_type: query.document_type.filter(|kind| !kind.is_empty()),
        since: query.since.map(Timestamp),
    };
    let accuracy = signed.store(&app)?.accuracy(&filter).await?;
    let least_n = app.config.least_n;
    let template = app.store.template(&app.config.template).await?;
    let label = |field: &str| {
        let known = template.as_ref().and_then(|template| template.field(field));
        known.map_or_else(|| field.to_owned(), |field| field.label.clone())
    };
    let (shelf, today) = (app.shelf(), app.today());
    let title = |system: &str, code: &str| {
        let entry = shelf.books.release(system, &today).and_then(|release| release.get(code));
        entry.map_or_else(String::new, |entry| entry.title().to_owned())
    };
    let calibration = accuracy
        .equal_mass_bins(BINS)
        .into_iter()
        .filter_map(|bin| {
            Some(CalibrationBin { mean_confidence: bin.confidence, accepted: rate(bin.accepted, bin.n, 1)? })
        })
        .collect();
    Ok(Json(AccuracyView {
        entries: accuracy.entries,
        least_n,
        total: row("total".to_owned(), "All fields".to_owned(), accuracy.total, least_n),
        fields: accuracy
            .fields
            .into_iter()
            .map(|field| row(field.field.clone(), label(&field.field), field.counts, least_n))
            .collect(),
        codes: accuracy
            .codes
            .into_iter()
            .map(|code| {
                let label = title(&code.code.system, &code.code.code);
                row(code.code.code, label, code.counts, least_n)
            })
            .collect(),
        calibration,
        models: accuracy.models,
    }))
}

fn row(key: String, label: String, counts: Counts, least: u64) -> AccuracyRow {
    AccuracyRow {
        key,
        label,
        shown: counts.shown,
        accepted: counts.accepted,
        corrected: counts.corrected,
        rejected: counts.rejected,
        added: counts.added,
        precision: rate(counts.accepted, counts.shown, least),
        recall: rate(counts.accepted, counts.accepted + counts.corrected + counts.added, least),
    }
}
