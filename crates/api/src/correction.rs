//! The export of corrections: JSON Lines, one outcome a line, in a stable form that says its version.
//!
//! What was never shown is unknown, not negative: only decided rows are here.

use overread_domain::{Decision, EntryId, NoteId, Outcome, Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub const FORMAT: &str = "overread-corrections";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct CorrectionQuery {
    /// Only finished entries (the default) or all that were touched.
    pub all: Option<bool>,
    /// Entries that changed at or after this time, whole; milliseconds since 1970.
    pub since: Option<i64>,
    /// Leave the notes' texts out.
    pub without_text: Option<bool>,
}

/// One line of the export. The first line of a note carries its text; later ones refer to it by hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CorrectionLine {
    pub format: String,
    pub version: u32,
    pub note: NoteId,
    pub text_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub entry: EntryId,
    pub template: String,
    pub template_version: u32,
    /// Whether the entry is finished.
    pub finished: bool,
    /// Version of the model that suggested; none where nothing was suggested.
    pub model: Option<String>,
    /// Version of the correction memory that took part; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    pub code_release: Option<String>,
    pub outcome: Outcome,
    pub user: UserId,
    pub at: Timestamp,
    /// Whether the person saw the suggestion before deciding.
    pub suggestions_shown: bool,
    pub active_ms: u32,
    pub keystrokes: u32,
    /// Every decision on this row in order, also those taken back.
    pub decisions: Vec<Decision>,
}
