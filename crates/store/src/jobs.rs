//! Background jobs: suggestions for one entry each. A worker holds a job for a time it names; when it dies, the job can be
//! claimed again.

use std::sync::Arc;

use overread_domain::{EntryId, JobId, NoteId, NoteMeta, SuggestionSet, Template, Timestamp};

use crate::{Store, StoreError};

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

impl Store {
    /// The job that waits longest, held for `claim_ms`; none when nothing is due.
    pub async fn claim_job(&self, worker: &str, claim_ms: i64) -> Result<Option<ClaimedJob>, StoreError> {
        todo!("{worker} {claim_ms}")
    }

    /// Holds on to a claimed job for `claim_ms` from now; `Conflict` when another worker has it.
    pub async fn renew_claim(&self, job: &JobId, worker: &str, claim_ms: i64) -> Result<(), StoreError> {
        todo!("{job} {worker} {claim_ms}")
    }

    /// Keeps the set for ever and makes it the entry's suggestions, unless somebody decided there in the meantime. The
    /// same set again is no error, another is a `Conflict`.
    pub async fn complete_job(&self, job: &JobId, worker: &str, set: SuggestionSet) -> Result<(), StoreError> {
        todo!("{job} {worker} {}", set.id)
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
        todo!("{job} {worker} {error} {retry_at:?}")
    }

    /// Queues a failed job again, now.
    pub async fn retry_job(&self, job: &JobId) -> Result<JobRow, StoreError> {
        todo!("{job}")
    }

    /// Asks for new suggestions; `Conflict` once anything is decided, `Leased` while somebody has the entry open. Where a
    /// job is queued or running already, that one is the answer.
    pub async fn suggest_again(&self, entry: &EntryId) -> Result<JobRow, StoreError> {
        todo!("{entry}")
    }

    /// Newest first.
    pub async fn jobs(
        &self,
        state: Option<JobState>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<JobPage, StoreError> {
        todo!("{state:?} {after:?} {limit}")
    }

    pub async fn job_counts(&self) -> Result<JobCounts, StoreError> {
        todo!()
    }
}
