//! A BERT that can be trained.
//!
//! The fused operations of `candle_nn` (layer norm, softmax) have no backward pass: a model built from them trains
//! nothing below its head while the loss still falls. Here the layers are one operation with its own ([`crate::ops`]),
//! and each tensor is a [`Var`] or a constant, as the caller says.
//! Reference: Devlin et al. 2019, <https://arxiv.org/abs/1810.04805>, post-norm as in Hugging Face's `BertModel`.

use crate::config::{BertConfig, names};
use crate::error::{Error, Result};
use crate::kernels::HalfIsa;
use crate::ops::{self, Dropout, Embed, Memory, Stack};
use crate::weights::{NamedTensors, Weights};
use candle_core::{Device, Tensor, Var};
use std::collections::BTreeMap;

/// A BERT whose tensors can be trained.
#[derive(Debug)]
pub struct TrainableBert {
    config: BertConfig,
    tensors: BTreeMap<String, Tensor>,
    vars: BTreeMap<String, Var>,
    memory: Memory,
    half: Option<HalfIsa>,
}

impl TrainableBert {
    /// Takes the tensors of `weights`; those whose name (without `bert.`) satisfies `trainable` become
    /// variables, the others constants through which gradients flow.
    pub fn load(config: &BertConfig, weights: &Weights, trainable: impl Fn(&str) -> bool) -> Result<Self> {
        let tensors = config
            .tensors()
            .into_iter()
            .map(|(name, shape)| Ok((name.clone(), (shape.clone(), weights.get(&name, &shape)?))))
            .collect::<Result<NamedTensors>>()?;
        Self::from_tensors(config, tensors, trainable)
    }

    /// As [`TrainableBert::load`] from values in memory, `name -> (shape, row-major values)`.
    pub fn from_tensors(
        config: &BertConfig,
        mut values: NamedTensors,
        trainable: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        let mut vars = BTreeMap::new();
        for (name, expected) in config.tensors() {
            let (shape, data) =
                values.remove(&name).ok_or_else(|| Error::MissingTensor { name: name.clone() })?;
            if shape != expected {
                return Err(Error::Shape { name, found: shape, expected });
            }
            let tensor = Tensor::from_vec(data, shape, &Device::Cpu)?;
            let tensor = if trainable(&name) {
                let var = Var::from_tensor(&tensor)?;
                let tensor = var.as_tensor().clone();
                vars.insert(name.clone(), var);
                tensor
            } else {
                tensor
            };
            tensors.insert(name, tensor);
        }
        Ok(Self { config: config.clone(), tensors, vars, memory: Memory::default(), half: None })
    }

    /// Multiplies matrices of the layers in bfloat16 with sums in f32 from now on, forward and back; weights,
    /// gradients, norms, attention and residuals stay f32. Micikevicius et al. 2018,
    /// <https://arxiv.org/abs/1710.03740>; no loss scaling is needed, bfloat16 reaches as far as f32.
    ///
    /// `None` goes back to f32. [`HalfIsa::best`] is worth it where it [is native](HalfIsa::is_native).
    #[must_use]
    pub fn with_half(mut self, half: Option<HalfIsa>) -> Self {
        self.half = half;
        self
    }

    /// Shape of the model.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// The trainable tensors by name.
    pub fn vars(&self) -> &BTreeMap<String, Var> {
        &self.vars
    }

    /// Current values of all tensors, for [`crate::write_folder`].
    pub fn export(&self) -> Result<NamedTensors> {
        self.tensors
            .iter()
            .map(|(name, tensor)| {
                let values = tensor.flatten_all()?.to_vec1::<f32>()?;
                Ok((name.clone(), (tensor.dims().to_vec(), values)))
            })
            .collect()
    }

    /// Last hidden states `[batch, length, hidden]` of `ids` `[batch, length]` (u32, `[CLS]` and `[SEP]`
    /// included). `lengths` gives the real length of each row where shorter rows are padded at the end;
    /// states at padded places are meaningless.
    pub fn forward(&self, ids: &Tensor, lengths: Option<&[usize]>) -> Result<Tensor> {
        let x = self.embeddings(ids)?;
        self.layers(&x, lengths, 0)
    }

    /// Last hidden states of sequences of ids (`[CLS]` and `[SEP]` included) of any lengths, without padding:
    /// `[sum of lengths, hidden]`, row after row. The cheapest way when lengths differ.
    pub fn forward_packed(&self, sequences: &[&[u32]], dropout: Option<Dropout>) -> Result<Tensor> {
        let x = self.embeddings_packed(sequences, dropout)?;
        let lengths: Vec<usize> = sequences.iter().map(|ids| ids.len()).collect();
        self.layers_packed(&x, &lengths, dropout, 0)
    }

    /// Output of the embedding layer, `[batch, length, hidden]`.
    pub fn embeddings(&self, ids: &Tensor) -> Result<Tensor> {
        let (batch, length) = ids.dims2()?;
        let rows = ids.to_vec2::<u32>()?;
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        Ok(self.embeddings_packed(&rows, None)?.reshape((batch, length, self.config.hidden_size))?)
    }

    /// As [`Self::embeddings`] without padding, `[sum of lengths, hidden]`.
    pub fn embeddings_packed(&self, sequences: &[&[u32]], dropout: Option<Dropout>) -> Result<Tensor> {
        for (index, ids) in sequences.iter().enumerate() {
            if ids.is_empty() || ids.len() > self.config.max_position_embeddings {
                return Err(Error::Input {
                    reason: format!(
                        "sequence {index} has {} ids, the model takes 1 to {}",
                        ids.len(),
                        self.config.max_position_embeddings
                    ),
                });
            }
            if let Some(at) = ids.iter().position(|&id| id as usize >= self.config.vocab_size) {
                return Err(Error::Input {
                    reason: format!("id {at} of sequence {index} is not in the vocabulary"),
                });
            }
        }
        let tables = [names::WORD, names::POSITION, names::SEGMENT].map(|name| self.tensor(name));
        let embed = Embed {
            ids: sequences.concat(),
            places: sequences.iter().flat_map(|ids| 0..ids.len() as u32).collect(),
            needs: tables.map(Tensor::is_variable),
        };
        let x = tables[0].apply_op3(tables[1], tables[2], embed)?;
        let norm = |part: &str| self.tensor(&format!("{}.{part}", names::NORM));
        let x = ops::layer_norm(&x, norm("weight"), norm("bias"), self.config.layer_norm_eps as f32)?;
        match dropout {
            Some(Dropout { probability, seed }) => ops::dropout(&x, probability, seed),
            None => Ok(x),
        }
    }

    /// Runs layers `from..` on `x` `[batch, length, hidden]`, so that frozen lower layers can be cached.
    pub fn layers(&self, x: &Tensor, lengths: Option<&[usize]>, from: usize) -> Result<Tensor> {
        let (batch, length, hidden) = x.dims3()?;
        let flat = x.reshape((batch * length, hidden))?;
        let Some(lengths) = lengths else {
            return Ok(self
                .layers_packed(&flat, &vec![length; batch], None, from)?
                .reshape((batch, length, hidden))?);
        };
        if lengths.len() != batch || lengths.iter().any(|&l| l == 0 || l > length) {
            return Err(Error::Input {
                reason: format!("{} lengths for {batch} rows of {length}", lengths.len()),
            });
        }
        let real: Vec<u32> = lengths
            .iter()
            .enumerate()
            .flat_map(|(row, &real)| (row * length..row * length + real).map(|place| place as u32))
            .collect();
        let x = self.layers_packed(&ops::gather_rows(&flat, &real)?, lengths, None, from)?;
        Ok(ops::scatter_rows(&x, &real, batch * length)?.reshape((batch, length, hidden))?)
    }

    /// As [`Self::layers`] on rows without padding, `[sum of lengths, hidden]`.
    pub fn layers_packed(
        &self,
        x: &Tensor,
        lengths: &[usize],
        dropout: Option<Dropout>,
        from: usize,
    ) -> Result<Tensor> {
        let (tokens, hidden) = x.dims2()?;
        if hidden != self.config.hidden_size
            || lengths.iter().sum::<usize>() != tokens
            || lengths.contains(&0)
        {
            return Err(Error::Input {
                reason: format!("{} sequences in states of shape {:?}", lengths.len(), x.dims()),
            });
        }
        if let Some(Dropout { probability, .. }) = dropout
            && !(0.0..1.0).contains(&probability)
        {
            return Err(Error::Input { reason: format!("dropout probability {probability} is not below 1") });
        }
        let layers = (from..self.config.num_hidden_layers)
            .map(|layer| {
                ops::layer_tensors(layer).map(|name| {
                    let part = |part: &str| self.tensor(&format!("{name}.{part}")).clone();
                    (part("weight"), part("bias"))
                })
            })
            .collect();
        Stack::new(&self.config, lengths, dropout, from, layers, self.memory.clone(), self.half).apply(x)
    }

    fn tensor(&self, name: &str) -> &Tensor {
        // `from_tensors` put every name of the configuration in.
        &self.tensors[name]
    }
}
