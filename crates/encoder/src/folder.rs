//! A Hugging Face model folder, read and checked but not yet turned into an encoder.

use crate::config::BertConfig;
use crate::error::{Error, Result};
use crate::manifest::{Manifest, ModelVersion, sha256_hex};
use crate::tokenizer::Tokenizer;
use crate::weights::{self, NamedTensors, Precision, Weights};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const MANIFEST: &str = "manifest.json";
const SENTENCE: &str = "sentence_bert_config.json";

/// The parts of a model folder. Tensors are not looked at until [`Weights::get`].
#[derive(Debug)]
pub struct ModelFolder {
    /// Shape of the model.
    pub config: BertConfig,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its tensors.
    pub weights: Weights,
    /// What the folder says about itself, where it does.
    pub manifest: Option<Manifest>,
    /// Hash of what determines the vectors.
    pub version: ModelVersion,
    /// Word pieces (with `[CLS]` and `[SEP]`) after which an embedded text is cut: `max_seq_length` of
    /// `sentence_bert_config.json`, else 256, never above the model's positions.
    pub embed_limit: usize,
}

#[derive(Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

impl ModelFolder {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors`, and checks them against `manifest.json`
    /// where the folder has one. Files that the manifest names beside these are checked too.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let manifest = optional(folder, MANIFEST)?.map(|bytes| Manifest::from_json(&bytes)).transpose()?;
        let config_bytes = required(folder, CONFIG)?;
        let tokenizer_bytes = required(folder, TOKENIZER)?;
        let weight_bytes = required(folder, WEIGHTS)?;
        let sentence = optional(folder, SENTENCE)?;

        // Hashing the weights and parsing the vocabulary take about as long: do both at once.
        let (tokenizer, weight_sum) = std::thread::scope(|scope| {
            let sum = scope.spawn(|| sha256_hex(&weight_bytes));
            let tokenizer = Tokenizer::from_json(&tokenizer_bytes);
            (tokenizer, sum.join().expect("hashing does not panic"))
        });
        let sums = [
            (CONFIG, sha256_hex(&config_bytes)),
            (TOKENIZER, sha256_hex(&tokenizer_bytes)),
            (WEIGHTS, weight_sum),
        ];
        if let Some(manifest) = &manifest {
            for (file, expected) in &manifest.files {
                let known = sums.iter().find(|(name, _)| name == file);
                let found = match known {
                    Some((_, sum)) => sum.clone(),
                    None => sha256_hex(&required(folder, file)?),
                };
                if !found.eq_ignore_ascii_case(expected) {
                    return Err(Error::Checksum { file: file.clone(), found, expected: expected.clone() });
                }
            }
        }

        let config = BertConfig::from_json(&config_bytes)?;
        let tokenizer = tokenizer?;
        tokenizer.check_fits(config.vocab_size)?;
        let weights = Weights::parse(WEIGHTS, weight_bytes)?;
        let embed_limit = sentence
            .and_then(|bytes| serde_json::from_slice::<SentenceConfig>(&bytes).ok())
            .and_then(|s| s.max_seq_length)
            .unwrap_or(256)
            .clamp(3, config.max_position_embeddings);
        Ok(Self {
            version: ModelVersion::from_files(&sums),
            config,
            tokenizer,
            weights,
            manifest,
            embed_limit,
        })
    }
}

/// Writes a model folder: `tensors` as `model.safetensors`, the configuration and tokenizer of the folder `from`
/// as they are, and a manifest of them all. Returns the new folder's version.
pub fn write_folder(
    from: &Path,
    to: &Path,
    (name, base, licence): (&str, &str, &str),
    tensors: &NamedTensors,
    precision: Precision,
) -> Result<ModelVersion> {
    let io = |path: &Path, source| Error::Io { path: path.to_owned(), source };
    std::fs::create_dir_all(to).map_err(|e| io(to, e))?;
    weights::write(&to.join(WEIGHTS), tensors, precision)?;
    for file in [CONFIG, TOKENIZER, SENTENCE] {
        if let Some(bytes) = optional(from, file)? {
            let path = to.join(file);
            std::fs::write(&path, bytes).map_err(|e| io(&path, e))?;
        }
    }
    let mut files = BTreeMap::new();
    for file in [CONFIG, TOKENIZER, WEIGHTS, SENTENCE] {
        if let Some(bytes) = optional(to, file)? {
            files.insert(file.to_owned(), sha256_hex(&bytes));
        }
    }
    let manifest =
        Manifest { name: name.to_owned(), base: base.to_owned(), licence: licence.to_owned(), files };
    write_manifest(to, &manifest)?;
    Ok(ModelFolder::open(to)?.version)
}

/// Brings the sums of `names` in a folder's manifest to what lies there; names without a file go. A folder without a manifest
/// stays without one.
pub fn seal(folder: &Path, names: &[&str]) -> Result<()> {
    let Some(bytes) = optional(folder, MANIFEST)? else { return Ok(()) };
    let mut manifest = Manifest::from_json(&bytes)?;
    for name in names {
        match optional(folder, name)? {
            Some(bytes) => manifest.files.insert((*name).to_owned(), sha256_hex(&bytes)),
            None => manifest.files.remove(*name),
        };
    }
    write_manifest(folder, &manifest)
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<()> {
    let path = folder.join(MANIFEST);
    let json =
        serde_json::to_string_pretty(manifest).map_err(|e| Error::Manifest { reason: e.to_string() })?;
    std::fs::write(&path, json + "\n").map_err(|source| Error::Io { path, source })
}

fn required(folder: &Path, file: &str) -> Result<Vec<u8>> {
    optional(folder, file)?
        .ok_or_else(|| Error::MissingFile { folder: folder.to_owned(), file: file.to_owned() })
}

fn optional(folder: &Path, file: &str) -> Result<Option<Vec<u8>>> {
    let path = folder.join(file);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path, source }),
    }
}
