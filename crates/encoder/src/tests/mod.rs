mod goldens;
mod gradients;
mod loading;
mod tokenizing;
mod windowing;
mod working;

use crate::config::BertConfig;
use crate::weights::{Precision, write};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The model that the repository ships.
pub(crate) fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/overread-minilm")
}

/// A shape from few numbers.
pub(crate) fn config(heads: usize, size: usize, inner: usize, layers: usize, act: &str) -> BertConfig {
    let json = serde_json::json!({
        "vocab_size": 61, "hidden_size": heads * size, "num_hidden_layers": layers,
        "num_attention_heads": heads, "intermediate_size": inner, "max_position_embeddings": 300,
        "type_vocab_size": 2, "layer_norm_eps": 1e-6, "hidden_act": act,
    });
    BertConfig::from_json(json.to_string().as_bytes()).unwrap()
}

/// Random tensors for a shape: spread enough that attention is far from uniform and norms far from identity.
pub(crate) fn random_tensors(config: &BertConfig, seed: u64) -> Tensors {
    let mut rng = StdRng::seed_from_u64(seed);
    config
        .tensors()
        .into_iter()
        .map(|(name, shape)| {
            let centre = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
            let spread = if shape.len() == 2 && !name.starts_with("embeddings") {
                1.5 / (shape[1] as f32).sqrt()
            } else {
                0.4
            };
            let values =
                (0..shape.iter().product()).map(|_| centre + rng.random_range(-spread..spread)).collect();
            (name, (shape, values))
        })
        .collect()
}

/// A folder with a tiny BERT of 61 word pieces: the letters, inner letters, digits and the special tokens.
pub(crate) fn tiny_folder(folder: &Path, tensors: &Tensors, config: &BertConfig) {
    let mut vocab = serde_json::Map::new();
    let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let letters = ('a'..='z').map(String::from);
    let inner = ('a'..='z').map(|c| format!("##{c}"));
    let pieces = specials.iter().map(|s| (*s).to_owned());
    for (id, piece) in pieces.chain(letters).chain(inner).enumerate() {
        vocab.insert(piece, id.into());
    }
    let added: Vec<_> = (0..5)
        .map(|id| {
            serde_json::json!({"id": id, "content": specials[id], "special": true, "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false})
        })
        .collect();
    let special = |name: &str, id: u32| serde_json::json!({"id": name, "ids": [id], "tokens": [name]});
    let tokenizer = serde_json::json!({
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": special("[CLS]", 2), "[SEP]": special("[SEP]", 3)}},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab},
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let json = serde_json::to_string(config).unwrap();
    std::fs::write(folder.join("config.json"), json).unwrap();
    write(&folder.join("model.safetensors"), tensors, Precision::F32).unwrap();
}

/// Largest difference; NaN anywhere counts as infinite.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, |m, d| if d.is_nan() { f32::INFINITY } else { m.max(d) })
}
