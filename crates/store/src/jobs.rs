//! Background jobs: suggestions for one entry each. A worker holds a job for a time it names; when it dies, the job can be
//! claimed again.

use std::sync::Arc;
use std::time::Duration;

use overread_domain::{EntryId, JobId, NoteId, NoteMeta, SuggestionSet, Template, Timestamp};

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::counters::{self, Deltas};
use crate::dialect::{is_duplicate, with_lock};
use crate::entry::NO_CONFIDENCE;
use crate::row::{Columns, millionths, to_json};
use crate::{SKEW_MS, Store, StoreError};

/// How often a due job is looked for that somebody holds, each time waiting twice as long: a quarter of a second in all.
const LOOKS: u32 = 8;

macro_rules! job_select {
    () => {
        "SELECT j.id, j.entry_id, e.note_id, j.state, j.attempts, j.error, j.created_at, j.updated_at, j.due_at \
         FROM jobs j JOIN entries e ON e.id = j.entry_id"
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    Queued,
    Running,
    Done,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    pub id: JobId,
    pub entry: EntryId,
    pub note: NoteId,
    pub state: JobState,
    /// How often it was claimed.
    pub attempts: u32,
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it may be claimed next: for a running job the end of its claim.
    pub due_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPage {
    pub rows: Vec<JobRow>,
    pub next: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub queued: u64,
    pub running: u64,
    pub done: u64,
    pub failed: u64,
}

#[derive(Clone, Debug)]
pub struct ClaimedJob {
    pub id: JobId,
    pub entry: EntryId,
    pub note: NoteId,
    pub text: String,
    pub meta: NoteMeta,
    pub template: Arc<Template>,
    /// From 1.
    pub attempt: u32,
}

const JOB: &str = "job";

impl JobState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

impl Store {
    /// The job that waits longest, held for `claim_ms`; none when nothing is due. Jobs whose worker let the claim run out
    /// come first. What was written under a clock that has been set back since does not wait for that time to come again.
    pub async fn claim_job(&self, worker: &str, claim_ms: i64) -> Result<Option<ClaimedJob>, StoreError> {
        let now = self.now();
        let mut states = [JobState::Running, JobState::Queued].into_iter().peekable();
        let mut looks = 0;
        while let Some(&state) = states.peek() {
            // A look without the writers' lock: idle workers ask often.
            let due = sqlx::query(
                "SELECT 1 AS one FROM jobs WHERE state = $1 AND (due_at <= $2 OR updated_at > $3) LIMIT 1",
            )
            .bind(state.as_str())
            .bind(now.0)
            .bind(now.plus_millis(SKEW_MS).0)
            .fetch_optional(self.pool())
            .await?;
            if due.is_none() {
                states.next();
                continue;
            }
            let mut tx = self.begin().await?;
            let Some(row) = claim(self, &mut tx, state, worker, now, claim_ms).await? else {
                tx.rollback().await?;
                // Another worker is claiming it, or a request that was refused has not let go of it yet: its transaction is
                // rolled back only after the answer.
                looks += 1;
                if looks == LOOKS {
                    states.next();
                    looks = 0;
                } else {
                    tokio::time::sleep(Duration::from_millis(1 << looks)).await;
                }
                continue;
            };
            let entry = EntryId::new(row.text("entry_id")?);
            let mut deltas = Deltas::default();
            deltas.moved(counters::JOB, state.as_str(), JobState::Running.as_str());
            let job = JobId::new(row.text("id")?);
            show_state(self, &mut tx, &entry, &job, JobState::Running, &mut deltas).await?;
            match self.claimed(&mut tx, &job, &entry, row.number("attempts")?).await {
                Ok(claimed) => {
                    deltas.write(&mut tx).await?;
                    self.commit(tx).await?;
                    return Ok(Some(claimed));
                }
                // A damaged note must not stop the others: its job fails, and the next one is looked for.
                Err(error @ (StoreError::Corrupt { .. } | StoreError::NotFound { .. })) => {
                    end(&mut tx, &job, JobState::Failed, Some(&error.to_string()), now, now).await?;
                    deltas.moved(counters::JOB, JobState::Running.as_str(), JobState::Failed.as_str());
                    show_state(self, &mut tx, &entry, &job, JobState::Failed, &mut deltas).await?;
                    deltas.write(&mut tx).await?;
                    self.commit(tx).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// All that the worker of a claimed job needs.
    async fn claimed(
        &self,
        tx: &mut crate::store::Tx,
        job: &JobId,
        entry: &EntryId,
        attempt: u32,
    ) -> Result<ClaimedJob, StoreError> {
        let found = sqlx::query(
            "SELECT e.template_id, e.template_version, n.id, n.meta, n.sha256, n.body \
             FROM entries e JOIN notes n ON n.id = e.note_id WHERE e.id = $1",
        )
        .bind(entry.as_str())
        .fetch_one(&mut **tx)
        .await?;
        let template =
            self.template_in(tx, &found.text("template_id")?, found.number("template_version")?).await?;
        let note = NoteId::new(found.text("id")?);
        let text = crate::entry::text(&note, &found)?.0;
        let meta = found.json("meta")?;
        Ok(ClaimedJob { id: job.clone(), entry: entry.clone(), note, text, meta, template, attempt })
    }

    /// Holds on to a claimed job for `claim_ms` from now; `Conflict` when another worker has it.
    pub async fn renew_claim(&self, job: &JobId, worker: &str, claim_ms: i64) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE jobs SET due_at = $3, updated_at = $4 WHERE id = $1 AND state = 'running' AND claimed_by = $2",
        )
        .bind(job.as_str())
        .bind(worker)
        .bind(now.plus_millis(claim_ms).0)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            self.locked(&mut tx, job).await?;
            return Err(not_held(job));
        }
        self.commit(tx).await?;
        Ok(())
    }

    /// Keeps the set for ever and makes it the entry's suggestions, unless somebody decided there in the meantime. The
    /// same set again is no error, another is a `Conflict`.
    pub async fn complete_job(
        &self,
        job: &JobId,
        worker: &str,
        set: SuggestionSet,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let row = self.locked(&mut tx, job).await?;
        if row.word("state", JobState::parse)? == JobState::Done {
            let made = sqlx::query("SELECT id FROM suggestion_sets WHERE job_id = $1")
                .bind(job.as_str())
                .fetch_one(&mut *tx)
                .await?;
            if made.text("id")? == set.id.as_str() {
                return Ok(());
            }
            return Err(StoreError::conflict(JOB, job, "it is done with another result"));
        }
        held_by(&row, job, worker)?;
        let entry = EntryId::new(row.text("entry_id")?);
        let mut deltas = Deltas::default();
        end(&mut tx, job, JobState::Done, None, now, now).await?;
        deltas.moved(counters::JOB, JobState::Running.as_str(), JobState::Done.as_str());
        show_state(self, &mut tx, &entry, job, JobState::Done, &mut deltas).await?;
        insert_set(&mut tx, job, &entry, &set).await?;
        let shown = set.suggestions.iter().filter(|suggestion| suggestion.shown);
        let (n, sum) = shown.fold((0, 0), |(n, sum), s| (n + 1, sum + millionths(s.confidence)));
        sqlx::query(
            "UPDATE entries SET suggestion_set = $2, suggested = $3, decided = 0, confidence = $4, updated_at = $5 \
             WHERE id = $1 AND revision = 0 AND job_id = $6",
        )
        .bind(entry.as_str())
        .bind(set.id.as_str())
        .bind(n)
        .bind(if n == 0 { NO_CONFIDENCE } else { sum / n })
        .bind(now.0)
        .bind(job.as_str())
        .execute(&mut *tx)
        .await?;
        deltas.write(&mut tx).await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// Puts a claimed job back until `retry_at`, or marks it failed for good. `error` is for people and holds no clinical
    /// text.
    pub async fn fail_job(
        &self,
        job: &JobId,
        worker: &str,
        error: &str,
        retry_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let row = self.locked(&mut tx, job).await?;
        held_by(&row, job, worker)?;
        let state = if retry_at.is_some() { JobState::Queued } else { JobState::Failed };
        let mut deltas = Deltas::default();
        end(&mut tx, job, state, Some(error), retry_at.unwrap_or(now), now).await?;
        deltas.moved(counters::JOB, JobState::Running.as_str(), state.as_str());
        show_state(self, &mut tx, &EntryId::new(row.text("entry_id")?), job, state, &mut deltas).await?;
        deltas.write(&mut tx).await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// Queues a failed job again, now, with its attempts counted anew; `Conflict` where it has not failed.
    pub async fn retry_job(&self, job: &JobId) -> Result<JobRow, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let row = self.locked(&mut tx, job).await?;
        let sql = format!("SELECT 1 AS one FROM entries e WHERE e.id = $1{}", self.found("e"));
        let seen =
            sqlx::query(AssertSqlSafe(sql)).bind(row.text("entry_id")?).fetch_optional(&mut *tx).await?;
        if seen.is_none() {
            return Err(StoreError::not_found(JOB, job));
        }
        if row.word("state", JobState::parse)? != JobState::Failed {
            return Err(StoreError::conflict(JOB, job, "it has not failed"));
        }
        sqlx::query("UPDATE jobs SET attempts = 0 WHERE id = $1")
            .bind(job.as_str())
            .execute(&mut *tx)
            .await?;
        end(&mut tx, job, JobState::Queued, None, now, now).await?;
        let mut deltas = Deltas::default();
        deltas.moved(counters::JOB, JobState::Failed.as_str(), JobState::Queued.as_str());
        let entry = EntryId::new(row.text("entry_id")?);
        if !show_state(self, &mut tx, &entry, job, JobState::Queued, &mut deltas).await? {
            return Err(StoreError::conflict(JOB, job, "a later one took its place"));
        }
        deltas.write(&mut tx).await?;
        let row = job_in(&mut tx, job).await?;
        self.commit(tx).await?;
        Ok(row)
    }

    /// Asks for new suggestions; `Conflict` once anything is decided, `Leased` while somebody has the entry open: what they
    /// see must not be exchanged below their hands. Where a job is queued or running already, that one is the answer.
    pub async fn suggest_again(&self, entry: &EntryId) -> Result<JobRow, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let record = self.load(&mut tx, entry, true).await?;
        if record.row.revision > 0 {
            return Err(StoreError::conflict("entry", entry, "it has decisions, its suggestions stay"));
        }
        if let (Some(job), Some(JobState::Queued | JobState::Running)) = (&record.job, record.job_state) {
            return job_in(&mut tx, job).await;
        }
        if let Some(lease) = record.row.lease {
            return Err(StoreError::Leased(lease));
        }
        let job = JobId::new(self.new_id("j"));
        insert_job(&mut tx, job.as_str(), entry, now.0).await?;
        sqlx::query(
            "UPDATE entries SET job_id = $2, suggestion_set = NULL, suggested = 0, decided = 0, confidence = $3, \
             updated_at = $4 WHERE id = $1",
        )
        .bind(entry.as_str())
        .bind(job.as_str())
        .bind(NO_CONFIDENCE)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        let mut deltas = Deltas::default();
        deltas.add(counters::JOB, JobState::Queued.as_str(), 1);
        show_state(self, &mut tx, entry, &job, JobState::Queued, &mut deltas).await?;
        deltas.write(&mut tx).await?;
        let row = job_in(&mut tx, &job).await?;
        self.commit(tx).await?;
        Ok(row)
    }

    /// Newest first; `after` is [`JobPage::next`] of the page before.
    pub async fn jobs(
        &self,
        state: Option<JobState>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<JobPage, StoreError> {
        let limit = limit.clamp(1, 1_000) as usize;
        let after = after.unwrap_or("~");
        let of_state = if state.is_some() { "AND j.state = $3" } else { "" };
        let sql = format!(
            "{} WHERE j.id < $1 {of_state}{} ORDER BY j.id DESC LIMIT $2",
            job_select!(),
            self.listed("e")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(limit as i64 + 1);
        if let Some(state) = state {
            query = query.bind(state.as_str());
        }
        let found = query.fetch_all(self.pool()).await?;
        let rows = found.iter().take(limit).map(job_row).collect::<Result<Vec<_>, _>>()?;
        let next = if found.len() > limit { rows.last().map(|row| row.id.to_string()) } else { None };
        Ok(JobPage { rows, next })
    }

    pub async fn job(&self, job: &JobId) -> Result<Option<JobRow>, StoreError> {
        let row = sqlx::query(concat!(job_select!(), " WHERE j.id = $1"))
            .bind(job.as_str())
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(job_row).transpose()
    }

    /// Kept, not counted.
    pub async fn job_counts(&self) -> Result<JobCounts, StoreError> {
        let rows = sqlx::query("SELECT name, n FROM counters WHERE scope = $1")
            .bind(counters::JOB)
            .fetch_all(self.pool())
            .await?;
        let mut counts = JobCounts::default();
        for row in rows {
            let n = row.int("n")? as u64;
            match row.word("name", JobState::parse)? {
                JobState::Queued => counts.queued = n,
                JobState::Running => counts.running = n,
                JobState::Done => counts.done = n,
                JobState::Failed => counts.failed = n,
            }
        }
        Ok(counts)
    }

    /// A job's row, held until the transaction ends. Jobs are locked before their entries, everywhere.
    async fn locked(&self, connection: &mut AnyConnection, job: &JobId) -> Result<AnyRow, StoreError> {
        let sql = with_lock!(
            self.engine(),
            "FOR UPDATE",
            "SELECT entry_id, state, claimed_by FROM jobs WHERE id = $1"
        );
        sqlx::query(sql)
            .bind(job.as_str())
            .fetch_optional(connection)
            .await?
            .ok_or_else(|| StoreError::not_found(JOB, job))
    }
}

async fn claim(
    store: &Store,
    connection: &mut AnyConnection,
    state: JobState,
    worker: &str,
    now: Timestamp,
    claim_ms: i64,
) -> Result<Option<AnyRow>, StoreError> {
    let sql = with_lock!(
        store.engine(),
        "FOR UPDATE SKIP LOCKED",
        "SELECT id FROM jobs WHERE state = $1 AND (due_at <= $2 OR updated_at > $3) ORDER BY due_at, id LIMIT 1"
    );
    let found = sqlx::query(sql)
        .bind(state.as_str())
        .bind(now.0)
        .bind(now.plus_millis(SKEW_MS).0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(found) = found else { return Ok(None) };
    let row = sqlx::query(
        "UPDATE jobs SET state = 'running', claimed_by = $2, due_at = $3, attempts = attempts + 1, updated_at = $4 \
         WHERE id = $1 RETURNING id, entry_id, attempts",
    )
    .bind(found.text("id")?)
    .bind(worker)
    .bind(now.plus_millis(claim_ms).0)
    .bind(now.0)
    .fetch_one(connection)
    .await?;
    Ok(Some(row))
}

fn held_by(row: &AnyRow, job: &JobId, worker: &str) -> Result<(), StoreError> {
    let running = row.word("state", JobState::parse)? == JobState::Running;
    let held = row.text_or_none("claimed_by")?.as_deref() == Some(worker);
    if running && held { Ok(()) } else { Err(not_held(job)) }
}

fn not_held(job: &JobId) -> StoreError {
    StoreError::conflict(JOB, job, "this worker does not hold it")
}

/// A job after its claim: done, failed, or queued until `due`.
async fn end(
    connection: &mut AnyConnection,
    job: &JobId,
    state: JobState,
    error: Option<&str>,
    due: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE jobs SET state = $2, error = $3, due_at = $4, updated_at = $5, claimed_by = NULL WHERE id = $1",
    )
    .bind(job.as_str())
    .bind(state.as_str())
    .bind(error)
    .bind(due.0)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Carries the state of an entry's latest job over to its row; false where the entry has a later job.
async fn show_state(
    store: &Store,
    connection: &mut AnyConnection,
    entry: &EntryId,
    job: &JobId,
    state: JobState,
    deltas: &mut Deltas,
) -> Result<bool, StoreError> {
    let sql = with_lock!(
        store.engine(),
        "FOR UPDATE",
        "SELECT suggesting, job_id, compartment FROM entries WHERE id = $1"
    );
    let before = sqlx::query(sql).bind(entry.as_str()).fetch_one(&mut *connection).await?;
    if before.text("job_id")? != job.as_str() {
        return Ok(false);
    }
    let compartment = before.text("compartment")?;
    let within = |name: &str| counters::within(&compartment, name);
    deltas.moved(counters::SUGGESTING, &within(&before.text("suggesting")?), &within(state.as_str()));
    sqlx::query("UPDATE entries SET suggesting = $2, ready = $3 WHERE id = $1")
        .bind(entry.as_str())
        .bind(state.as_str())
        .bind(i64::from(matches!(state, JobState::Done | JobState::Failed)))
        .execute(connection)
        .await?;
    Ok(true)
}

pub(crate) async fn insert_job(
    connection: &mut AnyConnection,
    job: &str,
    entry: &EntryId,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO jobs (id, entry_id, state, attempts, due_at, created_at, updated_at) \
         VALUES ($1, $2, 'queued', 0, $3, $3, $3)",
    )
    .bind(job)
    .bind(entry.as_str())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_set(
    connection: &mut AnyConnection,
    job: &JobId,
    entry: &EntryId,
    set: &SuggestionSet,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO suggestion_sets (id, entry_id, job_id, model, code_release, made_at, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(set.id.as_str())
    .bind(entry.as_str())
    .bind(job.as_str())
    .bind(&set.model)
    .bind(&set.code_release)
    .bind(set.made_at.0)
    .bind(to_json("the suggestions", set)?)
    .execute(&mut *connection)
    .await
    .map_err(|error| {
        if is_duplicate(&error) {
            StoreError::conflict("suggestion set", &set.id, "it is kept already")
        } else {
            error.into()
        }
    })?;
    sqlx::query(
        "INSERT INTO models (model, first_at, last_at) VALUES ($1, $2, $2) \
         ON CONFLICT (model) DO UPDATE SET last_at = CASE WHEN excluded.last_at > models.last_at \
         THEN excluded.last_at ELSE models.last_at END",
    )
    .bind(&set.model)
    .bind(set.made_at.0)
    .execute(connection)
    .await?;
    Ok(())
}

async fn job_in(connection: &mut AnyConnection, job: &JobId) -> Result<JobRow, StoreError> {
    let row = sqlx::query(concat!(job_select!(), " WHERE j.id = $1"))
        .bind(job.as_str())
        .fetch_one(connection)
        .await?;
    job_row(&row)
}

fn job_row(row: &AnyRow) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: JobId::new(row.text("id")?),
        entry: EntryId::new(row.text("entry_id")?),
        note: NoteId::new(row.text("note_id")?),
        state: row.word("state", JobState::parse)?,
        attempts: row.number("attempts")?,
        error: row.text_or_none("error")?,
        created_at: Timestamp(row.int("created_at")?),
        updated_at: Timestamp(row.int("updated_at")?),
        due_at: Timestamp(row.int("due_at")?),
    })
}
