//! The shape of a BERT, read from `config.json`.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Activation between the two halves of the feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x * Phi(x)` with the exact error function.
    Gelu,
    /// The tanh approximation.
    #[serde(alias = "gelu_pytorch_tanh", alias = "gelu_fast")]
    GeluNew,
    /// `max(x, 0)`.
    Relu,
}

/// A BERT's shape. Field names are those of Hugging Face's `BertConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// Rows of the word-piece table.
    pub vocab_size: usize,
    /// Width of a token state.
    pub hidden_size: usize,
    /// Transformer layers.
    pub num_hidden_layers: usize,
    /// Attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Longest sequence, `[CLS]` and `[SEP]` included.
    pub max_position_embeddings: usize,
    /// Rows of the segment table; only segment 0 is used.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Epsilon of layer normalisation.
    #[serde(default = "default_eps")]
    pub layer_norm_eps: f64,
    /// Feed-forward activation.
    #[serde(default = "default_activation")]
    pub hidden_act: Activation,
    /// Must be `bert` where present.
    #[serde(default = "bert")]
    pub model_type: String,
    /// Must be `absolute` where present.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn two() -> usize {
    2
}
fn default_eps() -> f64 {
    1e-12
}
fn default_activation() -> Activation {
    Activation::Gelu
}
fn bert() -> String {
    "bert".into()
}
fn absolute() -> String {
    "absolute".into()
}

impl BertConfig {
    /// Parses and checks `config.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let config: Self =
            serde_json::from_slice(bytes).map_err(|e| Error::Config { reason: e.to_string() })?;
        config.check()?;
        Ok(config)
    }

    /// Width of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    fn check(&self) -> Result<()> {
        let fail = |reason: String| Err(Error::Config { reason });
        if self.model_type != "bert" {
            return fail(format!("model_type is \"{}\", only \"bert\" is read", self.model_type));
        }
        if self.position_embedding_type != "absolute" {
            return fail(format!(
                "position_embedding_type is \"{}\", only \"absolute\" is read",
                self.position_embedding_type
            ));
        }
        // Bounds keep a hostile file from asking for absurd allocations or overflowing a product.
        for (name, value, max) in [
            ("vocab_size", self.vocab_size, 1 << 24),
            ("hidden_size", self.hidden_size, 1 << 14),
            ("num_hidden_layers", self.num_hidden_layers, 1 << 8),
            ("num_attention_heads", self.num_attention_heads, 1 << 10),
            ("intermediate_size", self.intermediate_size, 1 << 16),
            ("max_position_embeddings", self.max_position_embeddings, 1 << 17),
            ("type_vocab_size", self.type_vocab_size, 1 << 10),
        ] {
            if value == 0 || value > max {
                return fail(format!("{name} is {value}, must be between 1 and {max}"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return fail(format!(
                "hidden_size {} is not divisible by num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if self.max_position_embeddings < 3 {
            return fail("max_position_embeddings leaves no room for a token".into());
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return fail(format!("layer_norm_eps is {}, must be between 0 and 1", self.layer_norm_eps));
        }
        Ok(())
    }

    /// Every tensor of the encoder with its shape, in the order of computation. A pooler, where a file has
    /// one, is not used.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (h, f) = (self.hidden_size, self.intermediate_size);
        let mut all = vec![
            (names::WORD.to_owned(), vec![self.vocab_size, h]),
            (names::POSITION.to_owned(), vec![self.max_position_embeddings, h]),
            (names::SEGMENT.to_owned(), vec![self.type_vocab_size, h]),
            (format!("{}.weight", names::NORM), vec![h]),
            (format!("{}.bias", names::NORM), vec![h]),
        ];
        for layer in 0..self.num_hidden_layers {
            for (part, out, inner) in [
                ("attention.self.query", h, h),
                ("attention.self.key", h, h),
                ("attention.self.value", h, h),
                ("attention.output.dense", h, h),
                ("intermediate.dense", f, h),
                ("output.dense", h, f),
            ] {
                let name = names::layer(layer, part);
                all.push((format!("{name}.weight"), vec![out, inner]));
                all.push((format!("{name}.bias"), vec![out]));
            }
            for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
                let name = names::layer(layer, part);
                all.push((format!("{name}.weight"), vec![h]));
                all.push((format!("{name}.bias"), vec![h]));
            }
        }
        all
    }
}

/// Tensor names of Hugging Face's BERT, without the `bert.` that some checkpoints carry.
pub(crate) mod names {
    pub const WORD: &str = "embeddings.word_embeddings.weight";
    pub const POSITION: &str = "embeddings.position_embeddings.weight";
    pub const SEGMENT: &str = "embeddings.token_type_embeddings.weight";
    pub const NORM: &str = "embeddings.LayerNorm";

    pub fn layer(index: usize, part: &str) -> String {
        format!("encoder.layer.{index}.{part}")
    }
}
