//! Everything that was fitted to reference entries, as one file beside the weights: `heads.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::linear::Linear;
use crate::{LoadError, fitting};

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
        heads.check()?;
        Ok(heads)
    }

    /// Whether each head has the features that this program makes: a file of another release may not.
    fn check(&self) -> Result<(), LoadError> {
        let named = [
            ("mention", &self.mention, fitting::MENTION_SPARSE, CLASSES.len()),
            ("code", &self.code, fitting::CODE_SPARSE, 1),
            ("final_code", &self.final_code, fitting::FINAL_SPARSE, 1),
            ("past", &self.past, fitting::PAST_SPARSE, 1),
        ];
        for (name, head, sparse, classes) in named {
            let fits = head.is_sound() && head.sparse == sparse && head.classes == classes;
            if head.classes > 0 && !fits {
                let reason =
                    format!("{name} has another shape than this program's features, or is not finite");
                return Err(LoadError::Heads { reason });
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_heads_fit_the_features() {
        let heads = Heads::built_in();
        assert_eq!(heads.mention.classes, CLASSES.len());
        assert_eq!(heads.mention.dense, 0, "they must serve any encoder");
        heads.check().unwrap();
    }

    #[test]
    fn refuses_heads_of_another_shape() {
        let mut heads = Heads::built_in();
        heads.mention.sparse -= 1;
        let bytes = serde_json::to_vec(&heads).unwrap();
        assert!(matches!(Heads::from_json(&bytes), Err(LoadError::Heads { .. })));
        assert!(matches!(Heads::from_json(b"{"), Err(LoadError::Heads { .. })));
    }
}
