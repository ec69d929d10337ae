//! Tensors of a safetensors file, converted to f32 one at a time as they are asked for.

use crate::error::{Error, Result};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// A parsed safetensors file in memory. Names are given without the `bert.` prefix, and old `gamma`/`beta`
/// names of layer normalisation are understood.
#[derive(Debug)]
pub struct Weights {
    file: String,
    bytes: Vec<u8>,
    data_start: usize,
    metadata: Metadata,
}

impl Weights {
    /// Parses `bytes`; `file` names them in errors.
    pub fn parse(file: &str, bytes: Vec<u8>) -> Result<Self> {
        let (header, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|e| Error::Weights { file: file.to_owned(), reason: e.to_string() })?;
        Ok(Self { file: file.to_owned(), data_start: header + 8, bytes, metadata })
    }

    /// Values of tensor `name` in row-major order as f32.
    ///
    /// Refuses a tensor that is absent, of another shape, of a type other than f32, f16 and bf16, or with a
    /// value that is not finite.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let info = aliases(name)
            .find_map(|alias| self.metadata.info(&alias))
            .ok_or_else(|| Error::MissingTensor { name: name.to_owned() })?;
        if info.shape != shape {
            return Err(Error::Shape {
                name: name.to_owned(),
                found: info.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        let (from, to) = info.data_offsets;
        let raw = &self.bytes[self.data_start + from..self.data_start + to];
        let values = match info.dtype {
            Dtype::F32 => raw.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => {
                let halves: Vec<f16> =
                    raw.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b)).collect();
                let mut wide = vec![0.0; halves.len()];
                halves.convert_to_f32_slice(&mut wide);
                wide
            }
            Dtype::BF16 => raw.as_chunks::<2>().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
            other => {
                return Err(Error::Dtype { name: name.to_owned(), dtype: format!("{other:?}") });
            }
        };
        check_finite(name, &values)?;
        Ok(values)
    }

    /// A text of the file's own description, by key.
    pub fn described(&self, key: &str) -> Option<&str> {
        self.metadata.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// Name of the file, for messages.
    pub fn file(&self) -> &str {
        &self.file
    }
}

fn aliases(name: &str) -> impl Iterator<Item = String> {
    let old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
    [name.to_owned(), format!("bert.{name}"), old.clone(), format!("bert.{old}")].into_iter()
}

fn check_finite(name: &str, values: &[f32]) -> Result<()> {
    const BLOCK: usize = 1024;
    for (block, chunk) in values.chunks(BLOCK).enumerate() {
        // `x * 0` is 0 for every finite x: one branch-free pass, which the compiler vectorises.
        let sum: f32 = chunk.iter().map(|v| v * 0.0).sum();
        if sum != 0.0 || sum.is_nan() {
            let within = chunk.iter().position(|v| !v.is_finite()).unwrap_or(0);
            return Err(Error::NotFinite { name: name.to_owned(), at: block * BLOCK + within });
        }
    }
    Ok(())
}

/// Tensors by name, each with its shape and row-major values.
pub type NamedTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Number type of written weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Four bytes a value, exact.
    F32,
    /// Two bytes a value, rounded to nearest.
    F16,
}

/// Writes tensors (`name -> (shape, values)`) as a safetensors file.
pub fn write(path: &Path, tensors: &NamedTensors, precision: Precision) -> Result<()> {
    write_described(path, tensors, precision, ("format", "pt"))
}

/// [`write()`] with a text in the file's own description, for [`Weights::described`].
pub fn write_described(
    path: &Path,
    tensors: &NamedTensors,
    precision: Precision,
    (key, text): (&str, &str),
) -> Result<()> {
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            check_finite(name, values)?;
            let raw = match precision {
                Precision::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                Precision::F16 => {
                    let halves: Vec<f16> = values.iter().map(|v| f16::from_f32(*v)).collect();
                    // A weight beyond 65504 would become infinite.
                    if let Some(at) = halves.iter().position(|v| !v.is_finite()) {
                        return Err(Error::NotFinite { name: name.clone(), at });
                    }
                    halves.iter().flat_map(|v| v.to_le_bytes()).collect()
                }
            };
            Ok((name, shape, raw))
        })
        .collect::<Result<_>>()?;
    let dtype = match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
    };
    let bad = |reason: String| Error::Weights { file: path.display().to_string(), reason };
    let views: Vec<(&str, TensorView<'_>)> = bytes
        .iter()
        .map(|(name, shape, raw)| {
            TensorView::new(dtype, (*shape).clone(), raw)
                .map(|view| (name.as_str(), view))
                .map_err(|e| bad(e.to_string()))
        })
        .collect::<Result<_>>()?;
    let about = std::collections::HashMap::from([(key.to_owned(), text.to_owned())]);
    let file = safetensors::serialize(views, Some(about)).map_err(|e| bad(e.to_string()))?;
    std::fs::write(path, file).map_err(|source| Error::Io { path: path.to_owned(), source })
}
