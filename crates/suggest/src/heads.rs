//! Everything that was fitted to reference entries on top of rules and trained heads, as one file beside the weights:
//! `heads.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codeset::Prior;
use crate::linear::Linear;
use crate::mention::TRAINED_DENSE;
use crate::neural::ASSERTIONS;
use crate::{LoadError, asserted, codeset, link, mention, pipeline, stack};

/// What a mention may be. The order is that of the mention head's classes.
pub const CLASSES: [&str; 6] =
    ["none", "diagnosis", "history", "family_history", "absent_condition", "procedure"];

/// Fitted numbers. `dense` blocks belong to one encoder and are refused with any other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heads {
    /// By what the notes were read when the heads were fitted ([`crate::Suggester::reader`]); empty for heads on
    /// rules alone.
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
    /// The same for texts without any heading (case reports); without it `final_code` serves them too.
    #[serde(default)]
    pub final_plain: Linear,
    /// Whether a mention of the past is over (historical) rather than chronic (present).
    #[serde(default)]
    pub past: Linear,
    /// Softmax over the assertions; without it rules decide, and `past`.
    #[serde(default)]
    pub assertion: Linear,
    /// Concept -> whether a find is right, from its rule and the trained heads; without it its rule's probability
    /// stands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub finds: BTreeMap<String, Linear>,
    /// "concept/attribute" -> least logit of the link head at which an attribute is a find's; without it rules decide.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, f32>,
    /// Probability that a find of a rule is right: "concept/rule" -> 0 to 1.
    #[serde(default)]
    pub rules: BTreeMap<String, f32>,
    /// Confidence from which a concept's finds are shown.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f32>,
    /// Head or concept -> what its probability means: knots (said, true), rising, between which it is a straight
    /// line. What has none is taken at its word.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calibration: BTreeMap<String, Vec<(f32, f32)>>,
    /// Kind of field -> slope and offset from a span's logit to the log-odds that it is right, for fields that no
    /// concept is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slopes: BTreeMap<String, (f32, f32)>,
    /// How often codes stand in coded notes.
    #[serde(default, skip_serializing_if = "Prior::is_empty")]
    pub prior: Prior,
    /// Whether `code` chooses among a mention's candidates (a softmax over them and "none of these") instead of judging
    /// each alone.
    #[serde(default)]
    pub code_choice: bool,
    /// Probability that the codes shown for a mention must add up to; what is left out then is seldom the right one.
    #[serde(default)]
    pub code_mass: Option<f32>,
}

impl Heads {
    /// Heads on rule features alone, good with any encoder.
    pub fn built_in() -> Self {
        Self::from_json(include_bytes!("../data/heads.json")).expect("the built-in heads are legal")
    }

    /// Reads `heads.json`. Heads that were fitted before some features were added get weights of zero for them.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut heads: Self =
            serde_json::from_slice(bytes).map_err(|e| LoadError::Heads { reason: e.to_string() })?;
        heads.widen();
        heads.check()?;
        Ok(heads)
    }

    fn widen(&mut self) {
        self.mention = self.mention.widened(mention::SPARSE, self.mention.dense);
        self.code = self.code.widened(link::SPARSE, link::DENSE);
        self.final_code = self.final_code.widened(codeset::SPARSE, codeset::DENSE);
    }

    /// Whether each head has the features that this program makes: a file of another release may not.
    fn check(&self) -> Result<(), LoadError> {
        let named = [
            ("mention", &self.mention, mention::SPARSE, self.mention.dense, CLASSES.len()),
            ("code", &self.code, link::SPARSE, link::DENSE, 1),
            ("final_code", &self.final_code, codeset::SPARSE, codeset::DENSE, 1),
            ("final_plain", &self.final_plain, codeset::SPARSE, codeset::DENSE, 1),
            ("past", &self.past, pipeline::PAST_SPARSE, 0, 1),
            ("assertion", &self.assertion, asserted::SPARSE, asserted::DENSE, ASSERTIONS),
        ];
        let bad = |name: &str| LoadError::Heads {
            reason: format!("{name} has another shape than this program's features, or is not finite"),
        };
        for (name, head, sparse, dense, classes) in named {
            let fits = head.is_sound() && (head.sparse, head.dense, head.classes) == (sparse, dense, classes);
            if head.classes > 0 && !fits {
                return Err(bad(name));
            }
        }
        if let Some((name, _)) = self.finds.iter().find(|(_, head)| !stack::fits(head)) {
            return Err(bad(&format!("finds.{name}")));
        }
        for (name, knots) in &self.calibration {
            let rising = knots.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
            let legal = knots.iter().all(|k| (0.0..=1.0).contains(&k.0) && (0.0..=1.0).contains(&k.1));
            if knots.is_empty() || !rising || !legal {
                return Err(LoadError::Heads {
                    reason: format!("calibration.{name} does not rise from 0 to 1"),
                });
            }
        }
        Ok(())
    }

    /// Whether the mention head has the dense features of a model: trained heads, else states of `hidden` numbers.
    pub(crate) fn suits(&self, trained: bool, hidden: usize) -> bool {
        let dense = self.mention.dense;
        self.mention.classes == 0 || dense == 0 || dense == if trained { TRAINED_DENSE } else { hidden }
    }

    /// The head of the final list of a text with or without headings.
    pub(crate) fn final_head(&self, plain: bool) -> &Linear {
        if plain && self.final_plain.classes == 1 { &self.final_plain } else { &self.final_code }
    }

    /// Confidence of a find of `rule` for `concept`.
    pub fn rule(&self, concept: &str, rule: &str) -> f32 {
        self.rules
            .get(&format!("{concept}/{rule}"))
            .or_else(|| self.rules.get(concept))
            .copied()
            .unwrap_or(0.5)
    }

    /// The head that weighs finds of `concept`.
    pub(crate) fn find(&self, concept: &str) -> Option<&Linear> {
        self.finds.get(concept)
    }

    /// Confidence from which `concept` is shown.
    pub fn threshold(&self, concept: &str) -> f32 {
        self.thresholds.get(concept).copied().unwrap_or(0.5)
    }

    /// What probability `p`, said by the head or for the concept `name`, means.
    pub fn calibrated(&self, name: &str, p: f32) -> f32 {
        let Some(knots) = self.calibration.get(name) else { return p };
        let after = knots.partition_point(|k| k.0 <= p);
        match (after.checked_sub(1).and_then(|i| knots.get(i)), knots.get(after)) {
            (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (p - a.0) / (b.0 - a.0),
            (Some(only), None) | (None, Some(only)) => only.1,
            (None, None) => p,
        }
    }

    /// The same heads with weights rounded to what matters, as a file that reads the same everywhere.
    pub fn to_json(&self) -> String {
        let mut heads = self.clone();
        let named = [
            &mut heads.mention,
            &mut heads.code,
            &mut heads.final_code,
            &mut heads.final_plain,
            &mut heads.past,
            &mut heads.assertion,
        ];
        for head in named.into_iter().chain(heads.finds.values_mut()) {
            for w in &mut head.weights {
                *w = (*w * 10_000.0).round() / 10_000.0;
            }
        }
        serde_json::to_string(&heads).unwrap_or_default() + "\n"
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
        heads.mention.sparse += 1;
        let bytes = serde_json::to_vec(&heads).unwrap();
        assert!(matches!(Heads::from_json(&bytes), Err(LoadError::Heads { .. })));
        assert!(matches!(Heads::from_json(b"{"), Err(LoadError::Heads { .. })));
    }

    #[test]
    fn calibration_is_a_rising_line_through_its_knots() {
        let mut heads = Heads::built_in();
        heads.calibration.insert("x".into(), vec![(0.2, 0.1), (0.6, 0.5)]);
        let near = |p: f32, expected: f32| (heads.calibrated("x", p) - expected).abs() < 1e-6;
        assert!(near(0.0, 0.1) && near(0.4, 0.3) && near(0.9, 0.5));
        assert!((heads.calibrated("y", 0.9) - 0.9).abs() < 1e-6);
        heads.calibration.insert("x".into(), vec![(0.2, 0.1), (0.2, 0.5)]);
        assert!(Heads::from_json(&serde_json::to_vec(&heads).unwrap()).is_err());
    }
}
