//! The coding edits: which rules there are, at which level, and what other levels would have done.

use std::collections::BTreeMap;

use overread_domain::{EntryId, Level, RuleLevels, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// The rules with the levels that hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditsView {
    /// Of the levels; 0 while nobody has set any.
    pub version: u32,
    pub rules: Vec<RuleView>,
    pub levels: RuleLevels,
    /// Earlier versions, newest first.
    pub history: Vec<LevelsVersion>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleView {
    pub number: String,
    pub title: String,
    pub citation: String,
    /// Where nobody set another.
    pub default: Level,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LevelsVersion {
    pub version: u32,
    pub comment: String,
    pub user: UserId,
    pub at: Timestamp,
}

/// Sets levels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PutEdits {
    /// The version that was shown.
    pub expected_version: u32,
    pub levels: RuleLevels,
    /// Why; needed.
    pub comment: String,
}

/// Asks what levels would have done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulateEdits {
    pub levels: RuleLevels,
}

/// What levels would have done to entries of the past, beside the ones that hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedEdits {
    /// Entries looked at: the latest finished ones.
    pub entries: u32,
    /// Entries that an error would keep open: with the levels that hold, and with those asked about.
    pub blocked_now: u32,
    pub blocked_then: u32,
    /// Of the second, those that are not among the first.
    pub newly_blocked: Vec<EntryId>,
    /// By rule: findings at each level, now and then.
    pub rules: BTreeMap<String, SimulatedRule>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedRule {
    pub now: u32,
    pub then: u32,
}
