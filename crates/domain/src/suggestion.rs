//! What the model says about a note. A suggestion set is made once and kept for ever.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{CodeCandidate, CodeRef, CodeRole, Quoted, SuggestionSetId, Timestamp};

/// Whether the text says that a condition is there (i2b2/VA 2010 assertion classes, with `historical` and `family`
/// from ConText and `planned` for procedures).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Assertion {
    #[default]
    Present,
    Possible,
    Absent,
    Historical,
    Family,
    Planned,
}

impl Assertion {
    pub const ALL: [Self; 6] =
        [Self::Present, Self::Possible, Self::Absent, Self::Historical, Self::Family, Self::Planned];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Possible => "possible",
            Self::Absent => "absent",
            Self::Historical => "historical",
            Self::Family => "family",
            Self::Planned => "planned",
        }
    }
}

/// A field's value with all that belongs to it: what a suggestion offers and what a decision records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub field: String,
    /// The words it came from, the best first. Empty: unsupported.
    #[serde(default)]
    pub evidence: Vec<Quoted>,
    /// The normal form; absent where the words themselves are the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Assertion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeRef>,
    /// For codes of the final list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<CodeRole>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Quoted>,
}

impl Content {
    /// What a person reads as the value: the normal form, else the words, else the code.
    pub fn display(&self) -> &str {
        self.value
            .as_deref()
            .or_else(|| self.evidence.first().map(|quoted| quoted.quote.as_str()))
            .or_else(|| self.code.as_ref().map(|code| code.code.as_str()))
            .unwrap_or("")
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suggestion {
    /// `content.code` is the first candidate.
    pub content: Content,
    /// Best first; siblings of the likely code are among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CodeCandidate>,
    /// Probability that this belongs into the entry as it stands, 0 to 1.
    pub confidence: f32,
    /// Whether it passes the threshold of its set; what does not is kept and never shown.
    pub shown: bool,
    /// Whether the correction memory put it there, chose its code or moved its confidence.
    #[serde(default, skip_serializing_if = "is_false")]
    pub remembered: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Everything that one run of the model said about one note. Never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuggestionSet {
    pub id: SuggestionSetId,
    /// Hash of the model's weights and settings.
    pub model: String,
    /// Version (hash) of the correction memory that took part; none where there was none. It changes with every
    /// correction, so it stands beside the model's version and not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    pub code_release: String,
    pub template: String,
    pub template_version: u32,
    /// Below it a suggestion is not shown.
    pub threshold: f32,
    pub made_at: Timestamp,
    /// Milliseconds of computing.
    pub took_ms: u32,
    /// Code point where reading stopped, for notes longer than the model takes; nothing after it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_until: Option<usize>,
    pub suggestions: Vec<Suggestion>,
}

/// How sure the model is, in the bands that the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Band {
    Low,
    Medium,
    High,
}

impl Band {
    pub fn of(confidence: f32) -> Self {
        if confidence >= 0.8 {
            Self::High
        } else if confidence >= 0.5 {
            Self::Medium
        } else {
            Self::Low
        }
    }
}
