//! Everything that was fitted to reference entries, as one file beside the weights: `heads.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::LoadError;
use crate::linear::Linear;

/// What a mention may be. The order is that of the mention head's classes.
pub const CLASSES: [&str; 6] =
    ["none", "diagnosis", "history", "family_history", "absent_condition", "procedure"];

/// Fitted numbers. `dense` blocks belong to one encoder and are refused with any other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heads {
    /// Version of the encoder whose states the heads were fitted on; empty for heads on rules alone.
    #[serde(default)]
    pub encoder: String,
    /// What it was fitted on and when, in words.
    #[serde(default)]
    pub fitted_on: String,
    /// Softmax over [`CLASSES`].
    pub mention: Linear,
    /// Whether a code candidate is the mention's code.
    #[serde(default)]
    pub code: Linear,
    /// Whether a code belongs into the note's final list.
    #[serde(default)]
    pub final_code: Linear,
    /// Whether a mention of the past is over (historical) rather than chronic (present).
    #[serde(default)]
    pub past: Linear,
    /// Probability that a find of a rule is right: "concept/rule" -> 0 to 1.
    #[serde(default)]
    pub rules: BTreeMap<String, f32>,
    /// Confidence from which a concept's finds are shown.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f32>,
}

impl Heads {
    /// Heads on rule features alone, good with any encoder.
    pub fn built_in() -> Self {
        serde_json::from_str(include_str!("../data/heads.json")).expect("the built-in heads are legal")
    }

    /// Reads `heads.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LoadError> {
        let heads: Self =
            serde_json::from_slice(bytes).map_err(|e| LoadError::Heads { reason: e.to_string() })?;
        let named = [
            ("mention", &heads.mention),
            ("code", &heads.code),
            ("final_code", &heads.final_code),
            ("past", &heads.past),
        ];
        for (name, head) in named {
            if head.classes > 0 && !head.is_sound() {
                return Err(LoadError::Heads {
                    reason: format!("{name} has another shape than it says or is not finite"),
                });
            }
        }
        Ok(heads)
    }

    /// Confidence of a find of `rule` for `concept`.
    pub fn rule(&self, concept: &str, rule: &str) -> f32 {
        self.rules
            .get(&format!("{concept}/{rule}"))
            .or_else(|| self.rules.get(concept))
            .copied()
            .unwrap_or(0.5)
    }

    /// Confidence from which `concept` is shown.
    pub fn threshold(&self, concept: &str) -> f32 {
        self.thresholds.get(concept).copied().unwrap_or(0.5)
    }
}
