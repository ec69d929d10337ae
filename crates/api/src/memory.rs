//! The correction memory: what decisions taught about phrases, to see and to delete.

use overread_domain::{CodeRef, EntryId, LessonKind, Timestamp, UserId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct MemoryQuery {
    /// Part of the phrase.
    pub q: Option<String>,
    /// A field's id.
    pub field: Option<String>,
    pub kind: Option<LessonKind>,
    /// The beginning of a code.
    pub code: Option<String>,
    pub after: Option<String>,
    /// 1 to 200; 50 if absent.
    pub limit: Option<u32>,
}

/// Something remembered of a phrase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryRow {
    /// Follows from kind, field, code and phrase.
    pub id: String,
    pub kind: LessonKind,
    pub field: String,
    pub field_label: String,
    /// The words as they stood where they were decided on first.
    pub phrase: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeRef>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Decisions that stand behind it.
    pub uses: u64,
    pub first_at: Timestamp,
    /// When it was decided last, by whom, and on which entry; the entry is absent for who may not read entries.
    pub last_at: Timestamp,
    pub user: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryId>,
}

/// A deletion on record: what was decided until then is forgotten, what is decided later counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemoryDeletion {
    pub memory: String,
    pub user: UserId,
    pub at: Timestamp,
    /// Decisions that were forgotten.
    pub uses: u64,
}
