//! The model, the code releases, background jobs, templates.

use overread_domain::{EntryId, JobId, NoteId, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemView {
    pub version: String,
    pub model: ModelView,
    pub releases: Vec<ReleaseView>,
    pub database: String,
    pub jobs_waiting: u64,
    pub jobs_failed: u64,
}

/// What protects the notes, and whether it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Protection {
    pub what: String,
    /// Absent where this program can't know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// How it stands, or what would turn it on.
    pub detail: String,
    /// When it was last done, for what is done again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ModelView {
    Loading,
    Ready {
        name: String,
        /// Hash of weights and settings.
        version: String,
        parameters: u64,
        loaded_in_ms: u64,
    },
    /// Reviewing goes on, suggesting does not; the message says why.
    Unavailable {
        message: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseView {
    pub system: String,
    pub id: String,
    pub codes: u64,
    pub billable: u64,
    /// ISO 8601 date.
    pub effective_from: String,
    /// Whether the search by meaning is ready, and how far its index is.
    pub semantic: SemanticState,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SemanticState {
    Ready,
    Building { done: u64, total: u64 },
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Done,
    Failed,
}

/// A background job: suggestions for one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    pub id: JobId,
    pub entry: EntryId,
    pub note: NoteId,
    pub state: JobState,
    pub attempts: u32,
    /// For people; never clinical text.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it is tried next.
    pub due_at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct JobQuery {
    pub state: Option<JobState>,
    pub after: Option<String>,
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateRow {
    pub id: String,
    pub version: u32,
    pub name: String,
    pub fields: u32,
    pub entries: u64,
}
