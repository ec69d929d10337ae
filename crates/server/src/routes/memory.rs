//! What the corrections taught: listed, and deleted where it is wrong.

use axum::extract::State;
use overread_api::memory::{MemoryDeletion, MemoryQuery, MemoryRow};
use overread_api::{ErrorBody, Page, path};
use overread_domain::{AuditAction, Permission};
use overread_store::{self as store, MemoryFilter, MemoryListed};

use super::queue::limit;
use crate::auth::Signed;
use crate::extract::{Json, Path, Query};
use crate::mask::Mask;
use crate::{App, Failure};

/// Characters of a search.
const WORDS: usize = 200;
/// Deletions in one answer.
const DELETIONS: u32 = 200;

/// Phrases that take part in suggestions because of decisions, latest first.
#[utoipa::path(get, operation_id = "memory", path = path::MEMORY, tag = "memory", params(MemoryQuery), responses(
    (status = 200, body = Page<MemoryRow>),
    (status = 422, body = ErrorBody, description = "`q`, `code`, `limit` or `after` won't do"),
))]
pub async fn list(
    State(app): State<App>,
    signed: Signed,
    Query(query): Query<MemoryQuery>,
) -> Result<Json<Page<MemoryRow>>, Failure> {
    let limit = limit(query.limit, 50, 200)?;
    for (place, words) in [("q", &query.q), ("code", &query.code), ("field", &query.field)] {
        if words.as_ref().is_some_and(|words| words.chars().count() > WORDS || words.contains('\0')) {
            return Err(Failure::invalid(place, format!("at most {WORDS} characters, none of them NUL")));
        }
    }
    let given = |words: Option<String>| words.filter(|words| !words.is_empty());
    let filter = MemoryFilter {
        q: query.q,
        field: given(query.field),
        kind: query.kind,
        code: query.code,
        after: given(query.after),
    };
    let page = signed.store(&app)?.memory(&filter, limit).await?;
    // Its rows are phrases of notes.
    if filter.after.is_none() {
        app.store.record(signed.event(AuditAction::MemoryViewed)).await?;
    }
    let template = app.store.template(&app.config.template).await?;
    let label = |field: &str| {
        let known = template.as_ref().and_then(|template| template.field(field));
        known.map_or_else(|| field.to_owned(), |field| field.label.clone())
    };
    let reads = signed.may(Permission::ReadEntries);
    // Whose words they were is not known: names in them are looked for all the same.
    let mask = (!signed.reads_as_written()).then(|| Mask::of_nobody(&app));
    let items = page.rows.into_iter().map(|listed| {
        let label = label(&listed.row.field);
        let mut listed = listed;
        if let Some(mask) = &mask {
            listed.row.phrase = mask.words(&listed.row.phrase);
        }
        row(&app, listed, label, reads)
    });
    Ok(Json(Page { items: items.collect(), next: page.next }))
}

fn row(app: &App, listed: MemoryListed, field_label: String, reads: bool) -> MemoryRow {
    let MemoryListed { row, user, entry, .. } = listed;
    let title = row
        .code
        .as_ref()
        .and_then(|code| Some(app.release(&code.system)?.get(&code.code)?.title().to_owned()))
        .unwrap_or_default();
    MemoryRow {
        id: row.id,
        kind: row.kind,
        field: row.field,
        field_label,
        phrase: row.phrase,
        code: row.code,
        title,
        uses: row.uses,
        first_at: row.first_at,
        last_at: row.last_at,
        user,
        entry: reads.then_some(entry),
    }
}

/// Lets one row be forgotten: the next suggestion does without it. The deletion is kept on record.
#[utoipa::path(delete, path = path::MEMORY_ROW, tag = "memory", params(("memory" = String, Path)), responses(
    (status = 200, body = MemoryDeletion),
    (status = 404, body = ErrorBody),
))]
pub async fn forget(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<MemoryDeletion>, Failure> {
    let event = signed.event(AuditAction::MemoryDeleted).on(id.as_str());
    let deletion = signed.store(&app)?.recording(event).forget(&id, &signed.user.id).await?;
    tracing::info!(user = %signed.user.id, memory = id, uses = deletion.uses, "memory deleted");
    Ok(Json(view(deletion)))
}

/// Who let what be forgotten, latest first; 200 at most.
#[utoipa::path(get, path = path::MEMORY_DELETIONS, tag = "memory", responses((status = 200, body = Vec<MemoryDeletion>)))]
pub async fn deletions(State(app): State<App>) -> Result<Json<Vec<MemoryDeletion>>, Failure> {
    let deletions = app.store.memory_deletions(DELETIONS).await?;
    Ok(Json(deletions.into_iter().map(view).collect()))
}

fn view(deletion: store::MemoryDeletion) -> MemoryDeletion {
    let store::MemoryDeletion { memory, user, at, uses } = deletion;
    MemoryDeletion { memory, user, at, uses }
}
