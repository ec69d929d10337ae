//! The queue, an entry with its note, and decisions on it.

use overread_domain::decision::ExceptionCause;
use overread_domain::{
    Action, Decision, Effort, EntryId, EntryStatus, Finding, Item, JobId, NoteId, NoteMeta, SuggestionSet,
    SuggestionSetId, Template, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use crate::access::OpenedNote;
use crate::code::CodeBadge;
use crate::system::JobState;

/// Query of the queue page. Everything is optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct QueueQuery {
    pub status: Option<EntryStatus>,
    pub document_type: Option<String>,
    /// Part of the note's id or title, case-insensitive.
    pub q: Option<String>,
    pub sort: Option<QueueSort>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// 1 to 200; 50 if absent.
    pub limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QueueSort {
    /// Oldest first: the order in which `next` hands them out.
    #[default]
    Oldest,
    Newest,
    /// The least sure first.
    Confidence,
}

/// One row of the queue. Never carries note text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryRow {
    pub id: EntryId,
    pub note: NoteId,
    #[serde(flatten)]
    pub meta: NoteMeta,
    pub words: u32,
    pub status: EntryStatus,
    pub exception_cause: Option<ExceptionCause>,
    pub revision: u32,
    /// Suggestions shown, and how many of them are decided.
    pub suggested: u32,
    pub decided: u32,
    /// Mean confidence of the shown suggestions.
    pub confidence: Option<f32>,
    pub suggesting: SuggestingState,
    pub lease: Option<Lease>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Whether an entry has its suggestions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SuggestingState {
    Queued,
    Running,
    Done,
    Failed,
}

/// Who works on an entry, until when. Another person may look on, and gets the lease when it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    pub user: UserId,
    pub until: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProgressView {
    pub open: u64,
    pub in_progress: u64,
    pub exception: u64,
    pub finished: u64,
    /// Entries that wait for suggestions.
    pub suggesting: u64,
    /// Entries whose suggesting failed for good.
    pub failed: u64,
    /// Decisions of the signed-in person in the last 24 hours.
    pub my_decisions_today: u64,
    /// Entries that the signed-in person finished in the last 24 hours.
    pub my_finished_today: u64,
    /// Document types in the queue, with how many entries each.
    pub document_types: Vec<DocumentTypeCount>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentTypeCount {
    pub document_type: String,
    pub entries: u64,
}

/// Query of `next`: the first undecided entry after this one that nobody else holds, in the queue's filters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct NextQuery {
    pub after_entry: Option<String>,
    pub status: Option<EntryStatus>,
    pub document_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NextView {
    /// None when nothing is left.
    pub entry: Option<EntryId>,
}

/// All that the review page needs, in one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryView {
    pub id: EntryId,
    pub note: NoteId,
    pub meta: NoteMeta,
    /// As it came, to the byte.
    pub text: String,
    pub text_sha256: String,
    pub template: Template,
    pub status: EntryStatus,
    pub exception_cause: Option<ExceptionCause>,
    pub revision: u32,
    pub items: Vec<Item>,
    /// Fields confirmed to hold nothing.
    pub confirmed_empty: Vec<String>,
    /// None while suggestions are awaited, or where suggesting failed.
    pub suggestions: Option<SuggestionSet>,
    pub suggesting: SuggestingState,
    /// Why suggesting failed, for people.
    pub suggesting_error: Option<String>,
    /// Every decision so far, oldest first.
    pub decisions: Vec<Decision>,
    /// What the coding edits say of the rows that stand; errors first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Errors and warnings that would come if the suggestions that wait were accepted as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<Finding>,
    /// The day whose editions its codes are of: discharge, else service; absent where nothing says it (ISO 8601, maybe to
    /// the month).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coded_on: Option<String>,
    /// What lists say of the codes of the rows, by code; empty where no list is loaded.
    #[serde(default)]
    pub badges: std::collections::BTreeMap<String, Vec<CodeBadge>>,
    pub lease: Option<Lease>,
    /// Whether the signed-in person may decide here now.
    pub may_decide: bool,
    /// Whether the names, numbers and dates of the note are others than it has: it is shown so to who measures quality, until
    /// they give a reason. Nothing can be decided on it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub masked: bool,
    /// By what reason the person sees the note, or sees it as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<OpenedNote>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Decisions that stand or fall together: one key press is one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// The revision that the page showed.
    pub expected_revision: u32,
    /// Made by the client, 8 to 64 characters; the same key with the same request gets the first answer again.
    pub idempotency_key: String,
    /// 1 to 200, applied in order.
    pub actions: Vec<Action>,
    #[serde(default)]
    pub effort: Effort,
    #[serde(default = "yes")]
    pub suggestions_shown: bool,
    /// The set that the page showed. Suggested rows are named by their place in it, so another set is a stale revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion_set: Option<SuggestionSetId>,
}

fn yes() -> bool {
    true
}

/// The entry after the decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decided {
    pub revision: u32,
    pub status: EntryStatus,
    pub exception_cause: Option<ExceptionCause>,
    pub items: Vec<Item>,
    pub confirmed_empty: Vec<String>,
    /// The decisions that this request made, with their ids.
    pub decisions: Vec<Decision>,
    /// What the coding edits say of the entry now.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// As in [`EntryView`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<Finding>,
    /// As in [`EntryView`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coded_on: Option<String>,
}

/// Taking or renewing the lease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaseView {
    pub lease: Lease,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuggestAgain {
    pub job: JobId,
    pub state: JobState,
}
