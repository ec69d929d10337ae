//! Outcomes of finished entries as rows, so that rates over many entries are one query.

use overread_domain::outcome::outcomes;
use overread_domain::span::CodePoints;
use overread_domain::{CodeRef, EntryId, ItemId, Outcome, Timestamp};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::decide::replay;
use crate::row::{ROWS_AT_ONCE, millionths, places};
use crate::{EntryRecord, StoreError};

/// An entry opened again has no outcome before it is finished again.
pub(crate) async fn remove(connection: &mut AnyConnection, entry: &EntryId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM outcomes WHERE entry_id = $1").bind(entry.as_str()).execute(connection).await?;
    Ok(())
}

pub(crate) async fn write(
    connection: &mut AnyConnection,
    record: &EntryRecord,
    finished_at: Timestamp,
) -> Result<(), StoreError> {
    let points = CodePoints::new(&record.text);
    let suggestions = record.suggestion_set.as_ref().map_or(&[][..], |set| &set.suggestions);
    let entry = replay(&record.template, suggestions, &points, &record.decisions);
    let all: Vec<(usize, Outcome)> = outcomes(&entry, suggestions).into_iter().enumerate().collect();
    for some in all.chunks(ROWS_AT_ONCE) {
        insert(connection, record, some, finished_at).await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut AnyConnection,
    record: &EntryRecord,
    outcomes: &[(usize, Outcome)],
    finished_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO outcomes (entry_id, place, decision_id, field, item, kind, suggested_system, suggested_code, \
         decided_system, decided_code, confidence, model, document_type, user_id, decided_at, finished_at, \
         suggestions_shown) VALUES {}",
        places(outcomes.len(), 17)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (place, outcome) in outcomes {
        let decision = record.decisions.iter().find(|decision| decision.id == outcome.decision);
        let decision = decision.ok_or_else(|| {
            StoreError::corrupt("entry", record.row.id.as_str(), "an outcome rests on no decision")
        })?;
        let suggested = outcome.suggested.as_ref().and_then(|suggestion| suggestion.content.code.as_ref());
        let decided = outcome.content.as_ref().and_then(|content| content.code.as_ref());
        let system = |code: Option<&CodeRef>| code.map(|code| code.system.clone());
        let code = |code: Option<&CodeRef>| code.map(|code| code.code.clone());
        query = query
            .bind(record.row.id.as_str())
            .bind(*place as i64)
            .bind(decision.id.as_str())
            .bind(&outcome.field)
            .bind(outcome.item.as_ref().map(ItemId::as_str))
            .bind(outcome.kind.as_str())
            .bind(system(suggested))
            .bind(code(suggested))
            .bind(system(decided))
            .bind(code(decided))
            .bind(outcome.suggested.as_ref().map(|suggestion| millionths(suggestion.confidence)))
            .bind(record.suggestion_set.as_ref().map(|set| set.model.as_str()))
            .bind(record.row.meta.document_type.as_deref())
            .bind(decision.user.as_str())
            .bind(decision.at.0)
            .bind(finished_at.0)
            .bind(i64::from(decision.suggestions_shown));
    }
    query.execute(connection).await?;
    Ok(())
}
