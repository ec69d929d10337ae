//! What a model folder says about itself, and the version that follows from its bytes.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

/// `manifest.json` of a model folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Short name of the model.
    pub name: String,
    /// The model it was made from, or its own origin.
    pub base: String,
    /// SPDX identifier.
    pub licence: String,
    /// File name in the folder -> sha256 in lowercase hex.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    /// Parses `manifest.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|e| Error::Manifest { reason: e.to_string() })?;
        for (file, sum) in &manifest.files {
            let plain = !file.is_empty() && !file.contains(['/', '\\']) && file != "..";
            if !plain {
                return Err(Error::Manifest { reason: format!("\"{file}\" is not a file name") });
            }
            if sum.len() != 64 || !sum.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Error::Manifest {
                    reason: format!("the sha256 of \"{file}\" is not 64 hexadecimal digits"),
                });
            }
        }
        Ok(manifest)
    }
}

/// Identity of a model: sha256 over the names and sha256s of `config.json`, `tokenizer.json` and
/// `model.safetensors`, so equal versions give equal vectors, wherever the folder lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelVersion(String);

impl ModelVersion {
    /// From `(file name, sha256 in hex)` pairs, in any order.
    pub fn from_files(files: &[(&str, String)]) -> Self {
        let mut sorted: Vec<_> = files.iter().collect();
        sorted.sort();
        let mut hash = Sha256::new();
        for (name, sum) in sorted {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(sum.as_bytes());
            hash.update([b'\n']);
        }
        Self(hex(&hash.finalize()))
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for display.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// sha256 of `bytes` in lowercase hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}
