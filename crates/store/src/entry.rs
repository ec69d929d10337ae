//! Entries as they are read.

use std::sync::Arc;

use overread_domain::decision::ExceptionCause;
use overread_domain::{
    Decision, EntryId, EntryStatus, JobId, NoteId, NoteMeta, SuggestionSet, Template, Timestamp, UserId,
};

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
    pub meta: NoteMeta,
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

impl Store {
    /// Reads an entry with its note, suggestions and decisions as they were at one moment.
    pub async fn entry(&self, id: &EntryId) -> Result<EntryRecord, StoreError> {
        todo!("{id}")
    }
}
