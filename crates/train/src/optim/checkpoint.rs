//! A run on disk: weights, moments, and where it stood.

use super::Error;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Name of the file within its folder.
pub const FILE: &str = "checkpoint.safetensors";
const KEY: &str = "overread";
const FORMAT: u32 = 1;

/// One variable with what the optimizer knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub value: Vec<f32>,
    /// Running mean of its gradients.
    pub first: Vec<f32>,
    /// Running mean of their squares.
    pub second: Vec<f32>,
    /// Steps that it took.
    pub steps: u32,
}

/// A run between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What the caller knows the run by: recipe, data, seed.
    pub identity: String,
    /// Steps done.
    pub step: usize,
    /// Tokens read.
    pub tokens: usize,
    /// Variables by name.
    pub tensors: BTreeMap<String, Moments>,
}

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    identity: String,
    step: usize,
    tokens: usize,
    steps: BTreeMap<String, u32>,
}

impl Checkpoint {
    /// Writes the file in `folder`, which it makes where there is none. The last one is replaced only when the new
    /// one is whole and on disk.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
        let description = Description {
            format: FORMAT,
            identity: self.identity.clone(),
            step: self.step,
            tokens: self.tokens,
            steps: self.tensors.iter().map(|(name, t)| (name.clone(), t.steps)).collect(),
        };
        let json = serde_json::to_string(&description).map_err(|e| damaged(e.to_string()))?;
        let bytes: Vec<(String, &[usize], Vec<u8>)> = self
            .tensors
            .iter()
            .flat_map(|(name, t)| {
                [("value", &t.value), ("first", &t.first), ("second", &t.second)].map(|(part, values)| {
                    let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                    (format!("{part}/{name}"), t.shape.as_slice(), raw)
                })
            })
            .collect();
        let views = bytes
            .iter()
            .map(|(name, shape, raw)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.to_vec(), raw)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|e| damaged(e.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), json)]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(|e| damaged(e.to_string()))?;

        let part = folder.join(format!("{FILE}.part"));
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(io(folder))?;
        let mut out = fs::File::create(&part).map_err(io(&part))?;
        out.write_all(&file).map_err(io(&part))?;
        out.sync_all().map_err(io(&part))?;
        fs::rename(&part, &path).map_err(io(&path))
    }

    /// Reads the file of `folder`; `None` where there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path, source }),
        };
        Self::parse(&bytes).map(Some).map_err(|reason| Error::Damaged { path, reason })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let json = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(KEY))
            .ok_or("it is a safetensors file, but no checkpoint")?;
        let description: Description = serde_json::from_str(json).map_err(|e| e.to_string())?;
        if description.format != FORMAT {
            return Err(format!("its format is {}, only {FORMAT} is read", description.format));
        }
        let tensors = description
            .steps
            .into_iter()
            .map(|(name, steps)| {
                let read = |part: &str| -> Result<(Vec<usize>, Vec<f32>), String> {
                    let view = file.tensor(&format!("{part}/{name}")).map_err(|e| e.to_string())?;
                    if view.dtype() != Dtype::F32 {
                        return Err(format!("{part}/{name} is not f32"));
                    }
                    let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
                    Ok((view.shape().to_vec(), values.collect()))
                };
                let (shape, value) = read("value")?;
                let ((first_shape, first), (second_shape, second)) = (read("first")?, read("second")?);
                if first_shape != shape || second_shape != shape {
                    return Err(format!("the moments of {name} have another shape than its values"));
                }
                if let Some(at) = value.iter().chain(&first).chain(&second).position(|v| !v.is_finite()) {
                    return Err(format!("{name} holds a value that is not finite ({at})"));
                }
                Ok((name, Moments { shape, value, first, second, steps }))
            })
            .collect::<Result<_, String>>()?;
        let Description { identity, step, tokens, .. } = description;
        Ok(Self { identity, step, tokens, tensors })
    }
}
