//! Coding edits: what rules say of an entry, at which level, and what people answered.
//!
//! The rules themselves are the `edits` crate's matter; here stand the words in which they speak, because the page, the
//! log and the server all use them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Action, DecisionId, ItemId, Quoted};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The entry can't be finished before it is mended or overridden with a reason.
    Error,
    Warning,
    Information,
    /// The rule does not run.
    Off,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Information, Self::Off];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
            Self::Off => "off",
        }
    }
}

/// What one rule says of one place of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// Names this finding as long as what it is about stays the same: the rule's number, the rows, and a hash of their
    /// codes and values. Overrides speak of it.
    pub key: String,
    /// The rule's number.
    pub rule: String,
    /// Never [`Level::Off`].
    pub level: Level,
    /// One sentence. Codes and titles, never words of the note.
    pub message: String,
    /// Section of the guidelines, note of the tabular list, or table that the rule rests on.
    pub citation: String,
    /// The rows that it is about, the one to go to first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemId>,
    /// Words of the note that speak for it, beside the evidence of the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Quoted>,
    /// What would mend it, likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<Fix>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden>,
}

impl Finding {
    /// Whether it keeps the entry from being finished.
    pub fn blocks(&self) -> bool {
        self.level == Level::Error && self.overridden.is_none()
    }
}

/// Decisions that mend a finding, taken with one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fix {
    /// What it does, in a few words.
    pub label: String,
    pub actions: Vec<Action>,
}

/// A person's word that a finding does not hold here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overridden {
    pub decision: DecisionId,
    pub reason: String,
}

/// Levels that differ from the rules' own: for all queues, and for entries of one document type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RuleLevels {
    pub levels: BTreeMap<String, Level>,
    /// By document type, compared without regard to case.
    pub by_document_type: BTreeMap<String, BTreeMap<String, Level>>,
}

impl RuleLevels {
    /// The level of a rule for notes of a document type; `default` is the rule's own.
    pub fn level(&self, rule: &str, default: Level, document_type: Option<&str>) -> Level {
        document_type
            .and_then(|own| {
                self.by_document_type
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(own.trim()))
                    .and_then(|(_, levels)| levels.get(rule))
            })
            .or_else(|| self.levels.get(rule))
            .copied()
            .unwrap_or(default)
    }
}

/// Whether a condition was there when the patient was admitted (UB-04, form locator 67; ICD-10-CM Official Guidelines,
/// appendix I).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Poa {
    Yes,
    No,
    /// The documentation does not say.
    Unknown,
    /// The provider cannot tell.
    Undetermined,
    /// The code is on the list of codes that need no indicator.
    Exempt,
}

impl Poa {
    pub const ALL: [Self; 5] = [Self::Yes, Self::No, Self::Unknown, Self::Undetermined, Self::Exempt];

    /// As it stands on a claim.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Yes => "Y",
            Self::No => "N",
            Self::Unknown => "U",
            Self::Undetermined => "W",
            Self::Exempt => "1",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Yes => "Present on admission",
            Self::No => "Not present on admission",
            Self::Unknown => "Documentation does not say",
            Self::Undetermined => "Provider cannot tell",
            Self::Exempt => "Exempt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queues_own_level_goes_before_the_general_one() {
        let mut levels = RuleLevels::default();
        assert_eq!(levels.level("C-1", Level::Error, Some("x")), Level::Error);
        levels.levels.insert("C-1".into(), Level::Warning);
        levels.by_document_type.insert("Discharge summary".into(), [("C-1".to_owned(), Level::Off)].into());
        assert_eq!(levels.level("C-1", Level::Error, None), Level::Warning);
        assert_eq!(levels.level("C-1", Level::Error, Some("discharge SUMMARY ")), Level::Off);
        assert_eq!(levels.level("C-2", Level::Information, Some("Discharge summary")), Level::Information);
    }
}
