//! What people decide. Decisions are only ever added; an entry's value is what they amount to.

use serde::{Deserialize, Serialize};

use crate::{Content, DecisionId, EntryId, ItemId, Poa, SuggestionSetId, Timestamp, UserId};

/// Why a suggestion does not belong into the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    Wrong,
    Negated,
    Historical,
    Family,
    NotDocumented,
    /// A coding guideline says not to report it.
    Guideline,
    Duplicate,
}

impl RejectReason {
    pub const ALL: [Self; 7] = [
        Self::Wrong,
        Self::Negated,
        Self::Historical,
        Self::Family,
        Self::NotDocumented,
        Self::Guideline,
        Self::Duplicate,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Negated => "negated",
            Self::Historical => "historical",
            Self::Family => "family",
            Self::NotDocumented => "not_documented",
            Self::Guideline => "guideline",
            Self::Duplicate => "duplicate",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Wrong => "Wrong",
            Self::Negated => "Negated in the note",
            Self::Historical => "Only historical",
            Self::Family => "About a relative",
            Self::NotDocumented => "Not documented",
            Self::Guideline => "Guideline says no",
            Self::Duplicate => "Already there",
        }
    }
}

/// Why an entry needs a coder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExceptionCause {
    LowConfidence,
    RuleError,
    Disagreement,
    UnreadableSource,
    Escalated,
    LateDocument,
    IdentityMismatch,
}

impl ExceptionCause {
    pub const ALL: [Self; 7] = [
        Self::LowConfidence,
        Self::RuleError,
        Self::Disagreement,
        Self::UnreadableSource,
        Self::Escalated,
        Self::LateDocument,
        Self::IdentityMismatch,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::LowConfidence => "Low confidence",
            Self::RuleError => "Rule error",
            Self::Disagreement => "Disagreement",
            Self::UnreadableSource => "Source can't be read",
            Self::Escalated => "Needs a coder",
            Self::LateDocument => "Late document",
            Self::IdentityMismatch => "Identity mismatch",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The suggestion belongs into the entry as it stands.
    Accept { item: ItemId },
    /// The row belongs into the entry with this content instead; also for rows decided or added before.
    Correct { item: ItemId, content: Content },
    Reject {
        item: ItemId,
        reason: RejectReason,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// The model missed it.
    Add { item: ItemId, content: Content },
    /// Nothing belongs into this field.
    ConfirmEmpty { field: String },
    /// The order of a list of codes; the first is the principal (first-listed) one. Rows left out come after.
    Sequence { field: String, items: Vec<ItemId> },
    /// Whether a condition of the final list was there on admission.
    PresentOnAdmission { item: ItemId, poa: Poa },
    /// A finding of the coding edits does not hold here.
    Override {
        /// [`crate::Finding::key`].
        edit: String,
        reason: String,
    },
    /// Takes back an earlier decision, which stays on record.
    Undo { decision: DecisionId },
    /// Sends the entry to the coders' queue.
    Escalate {
        cause: ExceptionCause,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// Hands an exception back to the reviewers.
    Return {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// Locks the entry.
    Finish {},
    /// Unlocks a finished entry.
    Reopen { reason: String },
}

impl Action {
    /// The stable name that stands on the wire and in the store.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::Correct { .. } => "correct",
            Self::Reject { .. } => "reject",
            Self::Add { .. } => "add",
            Self::ConfirmEmpty { .. } => "confirm_empty",
            Self::Sequence { .. } => "sequence",
            Self::PresentOnAdmission { .. } => "present_on_admission",
            Self::Override { .. } => "override",
            Self::Undo { .. } => "undo",
            Self::Escalate { .. } => "escalate",
            Self::Return { .. } => "return",
            Self::Finish {} => "finish",
            Self::Reopen { .. } => "reopen",
        }
    }

    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Correct { content, .. } | Self::Add { content, .. } => Some(content),
            _ => None,
        }
    }
}

/// What the decision cost: shown to the person first, never used alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Effort {
    /// Milliseconds of active time since the decision before; idle time is left out.
    pub active_ms: u32,
    pub keystrokes: u32,
    /// Names of the commands used on the way ("next", "evidence", "accept"), at most 32; never typed text.
    pub keys: Vec<String>,
    /// How often evidence was brought into view.
    pub evidence_opened: u32,
}

/// A decision as it is kept. `revision` counts up by one within its entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decision {
    pub id: DecisionId,
    pub entry: EntryId,
    /// The entry's revision after this decision.
    pub revision: u32,
    pub user: UserId,
    pub at: Timestamp,
    pub action: Action,
    pub effort: Effort,
    /// The set that was on the screen; none where the entry had no suggestions.
    pub suggestion_set: Option<SuggestionSetId>,
    /// Whether the suggestions were visible when this was decided.
    pub suggestions_shown: bool,
}
