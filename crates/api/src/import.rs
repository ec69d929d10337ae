//! Importing notes. A request is taken whole or not at all.

use overread_domain::EntryId;
use serde::{Deserialize, Serialize};

/// Query of the import route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct ImportQuery {
    /// The entry template; `encounter-abstract` if absent.
    pub template: Option<String>,
    /// Id of the note, where the body is plain text.
    pub id: Option<String>,
    /// Title of the note, where the body is plain text.
    pub title: Option<String>,
    /// Only say what would happen.
    pub dry_run: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportView {
    /// Notes that are new.
    pub imported: u64,
    /// Notes that were there with the same text.
    pub unchanged: u64,
    /// The new entries, at most the first 100.
    pub entries: Vec<EntryId>,
}
