//! Where entries belong, and what somebody opens with a reason.

use overread_domain::{EntryId, NoteId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Opens a note: outside of what is open to the person, or as written where they see masked ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenNote {
    pub note: NoteId,
    /// Why, in 10 to 500 characters; somebody else judges it.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OpenedKind {
    /// Outside of what is open to the person (45 CFR 164.312(a)(2)(ii)).
    Emergency,
    /// As written, for somebody who sees masked notes.
    AsWritten,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenedNote {
    pub id: String,
    pub kind: OpenedKind,
    pub user: UserId,
    pub note: NoteId,
    /// The note's entries; for who opened it alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryId>,
    pub reason: String,
    pub created_at: Timestamp,
    pub until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<JudgementView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JudgementView {
    pub by: UserId,
    pub at: Timestamp,
    pub justified: bool,
    pub comment: String,
}

/// Which reasons to list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct OpenedQuery {
    /// Only those that nobody judged yet.
    pub waiting: Option<bool>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// 1 to 200; 50 if absent.
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JudgeNote {
    pub justified: bool,
    /// At most 1000 characters; needed where the reason is not justified.
    #[serde(default)]
    pub comment: String,
}

/// Sites and queues that entries were ever placed in, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlacesView {
    pub sites: Vec<String>,
    pub queues: Vec<String>,
}
