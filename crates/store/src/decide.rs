//! Decisions: the one way in which an entry changes.

use overread_domain::span::CodePoints;
use overread_domain::{
    Action, Decision, DecisionId, Effort, Entry, EntryId, EntryStatus, Item, ItemState, Suggestion,
    SuggestionSetId, Template, Timestamp, UserId,
};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::counters::{self, Deltas};
use crate::migrate::sha256;
use crate::row::{Columns, places, to_json};
use crate::{EntryRecord, EntryRow, Store, StoreError, outcomes};

/// Decisions that stand or fall together.
#[derive(Clone, Debug, PartialEq)]
pub struct DecideRequest {
    pub entry: EntryId,
    pub user: UserId,
    /// The revision that the decisions were made on.
    pub expected_revision: u32,
    /// Unique for the user; the same key with the same request gets the first answer again.
    pub idempotency_key: String,
    /// 1 to 200, applied in order.
    pub actions: Vec<Action>,
    /// Cost of the whole request; it is kept with the first decision, so that sums stay right.
    pub effort: Effort,
    pub suggestions_shown: bool,
    /// The set that the decisions speak of, where the caller knows it; another one is refused as stale.
    pub suggestion_set: Option<SuggestionSetId>,
}

#[derive(Clone, Debug)]
pub struct DecideOutcome {
    /// The decisions that this request made.
    pub decisions: Vec<Decision>,
    /// The entry right after them.
    pub record: EntryRecord,
    /// Whether this is the first answer, given again.
    pub repeated: bool,
}

/// Most actions in one request.
const MOST_ACTIONS: usize = 200;

impl Store {
    /// Judges the actions with [`Entry::apply`] and keeps them, all or none, in one transaction: a repeated key gets the first
    /// answer, another person's lease and a stale revision are refused, the entry's row and the outcomes follow.
    pub async fn decide(&self, request: DecideRequest) -> Result<DecideOutcome, StoreError> {
        let hash = check(&request)?;
        let now = self.now();
        let mut tx = self.begin().await?;
        let mut record = self.load(&mut tx, &request.entry, true).await?;
        if let Some((first, last)) = repeated(&mut tx, &request, &hash).await? {
            // The connection goes back before the answer is put together.
            tx.rollback().await?;
            return Ok(answer_again(record, first, last));
        }
        if let Some(lease) = record.row.lease.take_if(|lease| lease.user != request.user) {
            return Err(StoreError::Leased(lease));
        }
        let revision = record.row.revision;
        if revision != request.expected_revision {
            let changes =
                record.decisions.into_iter().filter(|d| d.revision > request.expected_revision).collect();
            return Err(StoreError::Stale { revision, changes });
        }
        let current = record.suggestion_set.as_ref().map(|set| &set.id);
        if request.suggestion_set.is_some() && request.suggestion_set.as_ref() != current {
            return Err(StoreError::Stale { revision, changes: Vec::new() });
        }
        let before = record.row.status;
        let made = self.apply(&mut record, &request, now)?;
        insert_decisions(&mut tx, &made).await?;
        insert_request(&mut tx, &request, &hash, &made, now).await?;
        let finished = record.row.status == EntryStatus::Finished;
        if finished {
            record.row.lease = None;
        }
        update_entry(&mut tx, &record, now).await?;
        if before == EntryStatus::Finished {
            outcomes::remove(&mut tx, &request.entry).await?;
        }
        if finished {
            outcomes::write(&mut tx, &record, now).await?;
        }
        let mut deltas = Deltas::default();
        let within = |status: EntryStatus| counters::within(&record.row.compartment, status.as_str());
        deltas.moved(counters::STATUS, &within(before), &within(record.row.status));
        deltas.write(&mut tx).await?;
        self.commit(tx).await?;
        Ok(DecideOutcome { decisions: made, record, repeated: false })
    }

    /// Makes decisions of the request's actions and brings the record up to date with them.
    fn apply(
        &self,
        record: &mut EntryRecord,
        request: &DecideRequest,
        now: Timestamp,
    ) -> Result<Vec<Decision>, StoreError> {
        let mut made = Vec::with_capacity(request.actions.len());
        let points = CodePoints::new(&record.text);
        let suggestions = record.suggestion_set.as_ref().map_or(&[][..], |set| &set.suggestions);
        let mut entry = replay(&record.template, suggestions, &points, &record.decisions);
        for action in &request.actions {
            let id = DecisionId::new(self.new_id("d"));
            entry.apply(id.clone(), action.clone())?;
            made.push(Decision {
                id,
                entry: request.entry.clone(),
                revision: entry.revision(),
                user: request.user.clone(),
                at: now,
                action: action.clone(),
                effort: if made.is_empty() { request.effort.clone() } else { Effort::default() },
                suggestion_set: record.suggestion_set.as_ref().map(|set| set.id.clone()),
                suggestions_shown: request.suggestions_shown,
            });
        }
        project(&mut record.row, &entry);
        record.row.updated_at = now;
        record.decisions.extend(made.iter().cloned());
        Ok(made)
    }
}

/// What must hold whatever the entry's state; the hash that tells a repeated request from another one.
fn check(request: &DecideRequest) -> Result<String, StoreError> {
    let invalid = |what, reason: &str| Err(StoreError::Invalid { what, reason: reason.to_owned() });
    if request.actions.is_empty() || request.actions.len() > MOST_ACTIONS {
        return invalid("the actions", "there are 1 to 200 in a request");
    }
    if !(1..=200).contains(&request.idempotency_key.len()) || request.idempotency_key.contains('\0') {
        return invalid("the idempotency key", "it has 1 to 200 characters");
    }
    let whole = (
        &request.entry,
        request.expected_revision,
        &request.actions,
        &request.effort,
        request.suggestions_shown,
        &request.suggestion_set,
    );
    Ok(sha256(to_json("the request", &whole)?.as_bytes()))
}

pub(crate) fn replay<'a>(
    template: &'a Template,
    suggestions: &'a [Suggestion],
    points: &'a CodePoints<'a>,
    decisions: &[Decision],
) -> Entry<'a> {
    let log = decisions.iter().map(|decision| (decision.id.clone(), decision.action.clone()));
    Entry::replay(template, suggestions, points, log)
}

/// The parts of the row that follow from the decisions.
fn project(row: &mut EntryRow, entry: &Entry<'_>) {
    let decided = |item: &&Item| item.id.suggestion_index().is_some() && item.state != ItemState::Suggested;
    row.status = entry.status();
    row.exception_cause = entry.exception_cause();
    row.revision = entry.revision();
    row.decided = entry.items().iter().filter(decided).count() as u32;
}

/// The first answer to a request that came before: decisions are never changed, so the entry as it was is the entry as it
/// is without what came later.
fn answer_again(mut record: EntryRecord, first: u32, last: u32) -> DecideOutcome {
    record.decisions.retain(|decision| decision.revision <= last);
    let points = CodePoints::new(&record.text);
    let suggestions = record.suggestion_set.as_ref().map_or(&[][..], |set| &set.suggestions);
    let entry = replay(&record.template, suggestions, &points, &record.decisions);
    project(&mut record.row, &entry);
    if let Some(decision) = record.decisions.last() {
        record.row.updated_at = decision.at;
    }
    let decisions = record.decisions.iter().filter(|d| d.revision >= first).cloned().collect();
    DecideOutcome { decisions, record, repeated: true }
}

/// Revisions of the first and the last decision that the request made when it came before.
async fn repeated(
    connection: &mut AnyConnection,
    request: &DecideRequest,
    hash: &str,
) -> Result<Option<(u32, u32)>, StoreError> {
    let row = sqlx::query(
        "SELECT hash, first_revision, last_revision FROM requests WHERE user_id = $1 AND key = $2",
    )
    .bind(request.user.as_str())
    .bind(&request.idempotency_key)
    .fetch_optional(connection)
    .await?;
    match row {
        None => Ok(None),
        Some(row) if row.text("hash")? == hash => {
            Ok(Some((row.number("first_revision")?, row.number("last_revision")?)))
        }
        Some(_) => Err(StoreError::KeyReused),
    }
}

async fn insert_request(
    connection: &mut AnyConnection,
    request: &DecideRequest,
    hash: &str,
    made: &[Decision],
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query(
        "INSERT INTO requests (user_id, key, hash, entry_id, first_revision, last_revision, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, key) DO NOTHING",
    )
    .bind(request.user.as_str())
    .bind(&request.idempotency_key)
    .bind(hash)
    .bind(request.entry.as_str())
    .bind(made.first().map_or(0, |decision| i64::from(decision.revision)))
    .bind(made.last().map_or(0, |decision| i64::from(decision.revision)))
    .bind(now.0)
    .execute(connection)
    .await?;
    // Somebody used the key on another entry a moment ago: on this one the lock would have shown it.
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::KeyReused) }
}

async fn insert_decisions(connection: &mut AnyConnection, made: &[Decision]) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO decisions (id, entry_id, revision, user_id, at, action, body, effort, suggestion_set, \
         suggestions_shown) VALUES {}",
        places(made.len(), 10)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for decision in made {
        query = query
            .bind(decision.id.as_str())
            .bind(decision.entry.as_str())
            .bind(i64::from(decision.revision))
            .bind(decision.user.as_str())
            .bind(decision.at.0)
            .bind(decision.action.name())
            .bind(to_json("the action", &decision.action)?)
            .bind(to_json("the effort", &decision.effort)?)
            .bind(decision.suggestion_set.as_ref().map(SuggestionSetId::as_str))
            .bind(i64::from(decision.suggestions_shown));
    }
    query.execute(connection).await?;
    Ok(())
}

async fn update_entry(
    connection: &mut AnyConnection,
    record: &EntryRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = &record.row;
    let cause = row.exception_cause.map(|cause| to_json("the cause", &cause)).transpose()?;
    sqlx::query(
        "UPDATE entries SET status = $2, cause = $3, revision = $4, decided = $5, updated_at = $6, finished_at = $7, \
         lease_user = $8, lease_until = $9 WHERE id = $1",
    )
    .bind(row.id.as_str())
    .bind(row.status.as_str())
    .bind(cause)
    .bind(i64::from(row.revision))
    .bind(i64::from(row.decided))
    .bind(now.0)
    .bind((row.status == EntryStatus::Finished).then_some(now.0))
    .bind(row.lease.as_ref().map(|lease| lease.user.as_str()))
    .bind(row.lease.as_ref().map(|lease| lease.until.0))
    .execute(connection)
    .await?;
    Ok(())
}
