//! What a run does, as one TOML file; written beside the weights that it made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TrainError;

/// A training run. Equal recipes on equal data with equal seeds give equal weights on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the model that comes out.
    pub name: String,
    /// Whose weights it begins with, in words.
    pub base: String,
    pub licence: String,
    #[serde(default)]
    pub seed: u64,
    /// How often each corpus is read. Fractions read a part; corpora not named are not read.
    pub epochs: BTreeMap<String, f32>,
    /// Groups of terms to learn codes from; 0 for none.
    #[serde(default)]
    pub term_groups: usize,
    /// Fold of the reference notes (line index modulo 5) that must not be read, nor anything that contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_fold: Option<usize>,
    /// Labels that must not be learned, to see how well they are found all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_labels: Vec<String>,
    /// Word pieces of a step.
    #[serde(default = "default_tokens")]
    pub tokens_per_step: usize,
    #[serde(default = "default_rate")]
    pub learning_rate: f32,
    #[serde(default = "default_head_rate")]
    pub head_learning_rate: f32,
    #[serde(default = "default_warmup")]
    pub warmup: f32,
    #[serde(default = "default_decay")]
    pub weight_decay: f32,
    #[serde(default = "default_clip")]
    pub clip: f32,
    #[serde(default = "default_dropout")]
    pub dropout: f32,
    /// Whether word embeddings are trained too: half of all weights, for words of the corpora only.
    #[serde(default)]
    pub train_words: bool,
    /// Layers from below that stay as they are.
    #[serde(default)]
    pub frozen_layers: usize,
    /// Whether matrices are multiplied in bfloat16 where the processor does so natively; weights and sums stay f32.
    #[serde(default)]
    pub half_precision: bool,
    /// Steps between checkpoints.
    #[serde(default = "default_checkpoint")]
    pub checkpoint_every: usize,
}

fn default_tokens() -> usize {
    2048
}
fn default_rate() -> f32 {
    1e-4
}
fn default_head_rate() -> f32 {
    5e-4
}
fn default_warmup() -> f32 {
    0.06
}
fn default_decay() -> f32 {
    0.01
}
fn default_clip() -> f32 {
    1.0
}
fn default_dropout() -> f32 {
    0.1
}
fn default_checkpoint() -> usize {
    200
}

impl Recipe {
    /// Reads and checks a recipe.
    pub fn from_toml(text: &str) -> Result<Self, TrainError> {
        let recipe: Self = toml::from_str(text).map_err(|e| TrainError::Recipe { reason: e.to_string() })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Refuses what cannot train.
    pub fn check(&self) -> Result<(), TrainError> {
        let bad = |reason: String| Err(TrainError::Recipe { reason });
        let positive = [
            ("learning_rate", self.learning_rate),
            ("head_learning_rate", self.head_learning_rate),
            ("clip", self.clip),
        ];
        for (name, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return bad(format!("{name} is {value}, it must be greater than 0"));
            }
        }
        for (name, value) in [("warmup", self.warmup), ("dropout", self.dropout)] {
            if !(0.0..1.0).contains(&value) {
                return bad(format!("{name} is {value}, it must be from 0 to below 1"));
            }
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return bad(format!("weight_decay is {}, it must be 0 or more", self.weight_decay));
        }
        if self.tokens_per_step < 256 {
            return bad(format!("tokens_per_step is {}, a window needs 256", self.tokens_per_step));
        }
        if self.checkpoint_every == 0 {
            return bad("checkpoint_every is 0".to_owned());
        }
        if let Some((corpus, epochs)) = self.epochs.iter().find(|e| !(e.1.is_finite() && *e.1 >= 0.0)) {
            return bad(format!("{corpus} is to be read {epochs} times"));
        }
        if self.epochs.values().all(|e| *e == 0.0) && self.term_groups == 0 {
            return bad("it reads nothing".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = \"m\"\nbase = \"b\"\nlicence = \"Apache-2.0\"\n[epochs]\nnotes = 1.0\n";

    #[test]
    fn what_is_left_out_has_a_default() {
        let recipe = Recipe::from_toml(LEAST).unwrap();
        assert_eq!((recipe.tokens_per_step, recipe.without_fold), (2048, None));
        let again = Recipe::from_toml(&toml::to_string(&recipe).unwrap()).unwrap();
        assert_eq!(again, recipe);
    }

    #[test]
    fn names_what_cannot_train() {
        for (line, said) in [
            ("dropout = 1.0", "dropout is 1"),
            ("learning_rate = -0.1", "learning_rate is -0.1"),
            ("tokens_per_step = 10", "tokens_per_step is 10"),
            ("teh_seed = 1", "teh_seed"),
        ] {
            let e = Recipe::from_toml(&format!("{line}\n{LEAST}")).unwrap_err().to_string();
            assert!(e.contains(said), "{e}");
        }
    }
}
