//! Entries as they are read.

use std::sync::Arc;

use overread_domain::decision::ExceptionCause;
use overread_domain::{
    Decision, DecisionId, EntryId, EntryStatus, JobId, NoteId, NoteMeta, SuggestionSet, SuggestionSetId,
    Template, Timestamp, UserId,
};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::row::{Columns, from_json};
use crate::{JobState, Store, StoreError};

/// Whether an entry has its suggestions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SuggestingState {
    Queued,
    Running,
    Done,
    Failed,
}

/// Who works on an entry, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub user: UserId,
    pub until: Timestamp,
}

/// An entry without its text, as the queue shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRow {
    pub id: EntryId,
    pub note: NoteId,
    /// What came with the note, placed where the entry belongs now.
    pub meta: NoteMeta,
    /// Stands for where it belongs.
    pub(crate) compartment: String,
    pub words: u32,
    pub status: EntryStatus,
    pub exception_cause: Option<ExceptionCause>,
    pub revision: u32,
    /// Suggestions shown.
    pub suggested: u32,
    /// Of those, how many are decided.
    pub decided: u32,
    /// Mean confidence of the shown suggestions, 0 to 1, to a millionth; none while there are none.
    pub confidence: Option<f32>,
    pub suggesting: SuggestingState,
    /// None once it has run out.
    pub lease: Option<Lease>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An entry with all that its value rests on.
#[derive(Clone, Debug)]
pub struct EntryRecord {
    pub row: EntryRow,
    /// The note as it came, to the byte.
    pub text: String,
    /// Lower-case hexadecimal SHA-256 of `text`, checked on every read.
    pub sha256: String,
    pub template: Arc<Template>,
    pub suggestion_set: Option<Arc<SuggestionSet>>,
    /// Oldest first.
    pub decisions: Vec<Decision>,
    /// The latest suggestion job.
    pub job: Option<JobId>,
    pub job_state: Option<JobState>,
    pub job_error: Option<String>,
}

/// The columns of an entry without its note's text, from [`entry_tables`].
macro_rules! entry_columns {
    () => {
        "e.id, e.note_id, n.meta, n.words, e.status, e.cause, e.revision, e.suggested, e.decided, e.confidence, \
         e.suggesting, e.lease_user, e.lease_until, e.created_at, e.updated_at, e.compartment, c.site, c.queue, \
         c.sensitivity"
    };
}
pub(crate) use entry_columns;

macro_rules! entry_tables {
    () => {
        "entries e JOIN notes n ON n.id = e.note_id LEFT JOIN compartments c ON c.id = e.compartment"
    };
}
pub(crate) use entry_tables;

/// Stands in `entries.confidence` where nothing is suggested: beyond every confidence, so that it sorts last.
pub(crate) const NO_CONFIDENCE: i64 = 2_000_000;

impl SuggestingState {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "done" => Self::Done,
            "failed" => Self::Failed,
            _ => return None,
        })
    }
}

impl Store {
    /// Reads an entry with its note, suggestions and decisions as they were at one moment.
    pub async fn entry(&self, id: &EntryId) -> Result<EntryRecord, StoreError> {
        let mut tx = self.begin_read().await?;
        let record = self.load(&mut tx, id, false).await?;
        tx.commit().await?;
        Ok(record)
    }

    /// Reads an entry within a transaction; with `lock` nobody else changes it before the transaction ends.
    pub(crate) async fn load(
        &self,
        connection: &mut AnyConnection,
        id: &EntryId,
        lock: bool,
    ) -> Result<EntryRecord, StoreError> {
        let sql = format!(
            "SELECT {}, e.template_id, e.template_version, e.suggestion_set, e.job_id, n.sha256, n.body, \
             j.state AS job_state, j.error AS job_error FROM {} LEFT JOIN jobs j ON j.id = e.job_id \
             WHERE e.id = $1{} {}",
            entry_columns!(),
            entry_tables!(),
            self.found("e"),
            if lock { self.engine().lock("FOR UPDATE OF e") } else { "" }
        );
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(&mut *connection).await?;
        let found = row.ok_or_else(|| StoreError::not_found("entry", id))?;
        let row = entry_row(&found, self.now())?;
        let (text, sha256) = text(&row.note, &found)?;
        let template = self
            .template_in(connection, &found.text("template_id")?, found.number("template_version")?)
            .await?;
        let suggestion_set = match found.text_or_none("suggestion_set")? {
            None => None,
            Some(set) => {
                let row = sqlx::query("SELECT body FROM suggestion_sets WHERE id = $1")
                    .bind(&set)
                    .fetch_optional(&mut *connection)
                    .await?
                    .ok_or_else(|| StoreError::corrupt("suggestion set", &set, "it is missing"))?;
                Some(Arc::new(row.json("body")?))
            }
        };
        Ok(EntryRecord {
            decisions: decisions_after(connection, id, 0).await?,
            text,
            sha256,
            template,
            suggestion_set,
            job: found.text_or_none("job_id")?.map(JobId::new),
            job_state: match found.text_or_none("job_state")? {
                None => None,
                Some(_) => Some(found.word("job_state", JobState::parse)?),
            },
            job_error: found.text_or_none("job_error")?,
            row,
        })
    }
}

pub(crate) fn entry_row(row: &AnyRow, now: Timestamp) -> Result<EntryRow, StoreError> {
    let until = row.int_or_none("lease_until")?.map(Timestamp).filter(|until| *until > now);
    let confidence = row.int("confidence")?;
    let mut meta: NoteMeta = row.json("meta")?;
    crate::reach::placing(row)?.put(&mut meta);
    Ok(EntryRow {
        id: EntryId::new(row.text("id")?),
        note: NoteId::new(row.text("note_id")?),
        meta,
        compartment: row.text("compartment")?,
        words: row.number("words")?,
        status: row.word("status", EntryStatus::parse)?,
        exception_cause: row.text_or_none("cause")?.map(|cause| from_json("cause", &cause)).transpose()?,
        revision: row.number("revision")?,
        suggested: row.number("suggested")?,
        decided: row.number("decided")?,
        confidence: (confidence != NO_CONFIDENCE).then_some((confidence as f64 / 1e6) as f32),
        suggesting: row.word("suggesting", SuggestingState::parse)?,
        lease: match (row.text_or_none("lease_user")?, until) {
            (Some(user), Some(until)) => Some(Lease { user: UserId::new(user), until }),
            _ => None,
        },
        created_at: Timestamp(row.int("created_at")?),
        updated_at: Timestamp(row.int("updated_at")?),
    })
}

/// A note's text and its hash, if they still belong together.
pub(crate) fn text(note: &NoteId, row: &AnyRow) -> Result<(String, String), StoreError> {
    let damaged = |reason: &str| StoreError::corrupt("note", note, reason);
    let (bytes, sha256) = (row.bytes("body")?, row.text("sha256")?);
    if crate::migrate::sha256(&bytes) != sha256 {
        return Err(damaged("its text does not have its hash"));
    }
    let text = String::from_utf8(bytes).map_err(|_| damaged("its text is not UTF-8"))?;
    Ok((text, sha256))
}

/// The decisions of an entry beyond a revision, oldest first.
pub(crate) async fn decisions_after(
    connection: &mut AnyConnection,
    entry: &EntryId,
    revision: u32,
) -> Result<Vec<Decision>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, revision, user_id, at, body, effort, suggestion_set, suggestions_shown FROM decisions \
         WHERE entry_id = $1 AND revision > $2 ORDER BY revision",
    )
    .bind(entry.as_str())
    .bind(i64::from(revision))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| decision(entry, row)).collect()
}

fn decision(entry: &EntryId, row: &AnyRow) -> Result<Decision, StoreError> {
    Ok(Decision {
        id: DecisionId::new(row.text("id")?),
        entry: entry.clone(),
        revision: row.number("revision")?,
        user: UserId::new(row.text("user_id")?),
        at: Timestamp(row.int("at")?),
        action: row.json("body")?,
        effort: row.json("effort")?,
        suggestion_set: row.text_or_none("suggestion_set")?.map(SuggestionSetId::new),
        suggestions_shown: row.truth("suggestions_shown")?,
    })
}
