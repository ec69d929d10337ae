//! BERT from basic candle operations, every one of which has a backward pass.
//!
//! The fused operations of `candle_nn` (layer norm, softmax) have none: a model built from them trains nothing
//! below its head while the loss still falls. Here each tensor is a [`Var`] or a constant, as the caller says.
//! Reference: Devlin et al. 2019, <https://arxiv.org/abs/1810.04805>, post-norm as in Hugging Face's `BertModel`.

use crate::config::{Activation, BertConfig, names};
use crate::error::{Error, Result};
use crate::weights::{NamedTensors, Weights};
use candle_core::{D, DType, Device, Tensor, Var};
use std::collections::BTreeMap;

/// A BERT whose tensors can be trained.
#[derive(Debug)]
pub struct TrainableBert {
    config: BertConfig,
    tensors: BTreeMap<String, Tensor>,
    vars: BTreeMap<String, Var>,
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
        Ok(Self { config: config.clone(), tensors, vars })
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
        self.layers(x, lengths, 0)
    }

    /// Output of the embedding layer, `[batch, length, hidden]`.
    pub fn embeddings(&self, ids: &Tensor) -> Result<Tensor> {
        let (batch, length) = ids.dims2()?;
        if length > self.config.max_position_embeddings {
            return Err(Error::Input {
                reason: format!("{length} positions, the model has {}", self.config.max_position_embeddings),
            });
        }
        let words = self.tensor(names::WORD).index_select(&ids.flatten_all()?, 0)?.reshape((
            batch,
            length,
            self.config.hidden_size,
        ))?;
        let places = self.tensor(names::POSITION).narrow(0, 0, length)?;
        let segment = self.tensor(names::SEGMENT).narrow(0, 0, 1)?;
        let x = words.broadcast_add(&places)?.broadcast_add(&segment)?;
        self.layer_norm(&x, names::NORM)
    }

    /// Runs layers `from..` on `x` `[batch, length, hidden]`, so that frozen lower layers can be cached.
    pub fn layers(&self, mut x: Tensor, lengths: Option<&[usize]>, from: usize) -> Result<Tensor> {
        let (batch, length, _) = x.dims3()?;
        let mask = lengths.map(|lengths| mask(lengths, batch, length)).transpose()?;
        for layer in from..self.config.num_hidden_layers {
            let name = |part: &str| names::layer(layer, part);
            let context = self.attention(&x, mask.as_ref(), layer)?;
            let out = self.linear(&context, &name("attention.output.dense"))?;
            let y = self.layer_norm(&(out + &x)?, &name("attention.output.LayerNorm"))?;
            let up = self.activation(&self.linear(&y, &name("intermediate.dense"))?)?;
            let down = self.linear(&up, &name("output.dense"))?;
            x = self.layer_norm(&(down + &y)?, &name("output.LayerNorm"))?;
        }
        Ok(x)
    }

    fn attention(&self, x: &Tensor, mask: Option<&Tensor>, layer: usize) -> Result<Tensor> {
        let (batch, length, hidden) = x.dims3()?;
        let (heads, size) = (self.config.num_attention_heads, self.config.head_size());
        let split = |part: &str| -> Result<Tensor> {
            Ok(self
                .linear(x, &names::layer(layer, part))?
                .reshape((batch, length, heads, size))?
                .transpose(1, 2)?
                .contiguous()?)
        };
        let query = (split("attention.self.query")? / (size as f64).sqrt())?;
        let key = split("attention.self.key")?;
        let value = split("attention.self.value")?;
        let scores = query.matmul(&key.t()?)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        Ok(softmax(&scores)?
            .matmul(&value)?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((batch, length, hidden))?)
    }

    fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let (batch, length, inner) = x.dims3()?;
        let weight = self.tensor(&format!("{name}.weight"));
        let y = x.reshape((batch * length, inner))?.matmul(&weight.t()?)?;
        let y = y.broadcast_add(self.tensor(&format!("{name}.bias")))?;
        Ok(y.reshape((batch, length, ()))?)
    }

    fn layer_norm(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let deviation = (variance + self.config.layer_norm_eps)?.sqrt()?;
        Ok(centred
            .broadcast_div(&deviation)?
            .broadcast_mul(self.tensor(&format!("{name}.weight")))?
            .broadcast_add(self.tensor(&format!("{name}.bias")))?)
    }

    fn activation(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match self.config.hidden_act {
            Activation::Gelu => x.gelu_erf()?,
            Activation::GeluNew => x.gelu()?,
            Activation::Relu => x.relu()?,
        })
    }

    fn tensor(&self, name: &str) -> &Tensor {
        // `from_tensors` put every name of the configuration in.
        &self.tensors[name]
    }
}

/// Softmax over the last dimension. The maximum is taken as a constant: softmax does not depend on it.
fn softmax(x: &Tensor) -> Result<Tensor> {
    let max = x.max_keepdim(D::Minus1)?.detach();
    let e = x.broadcast_sub(&max)?.exp()?;
    Ok(e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?)
}

/// `[batch, 1, 1, length]`: 0 where there is a token, minus infinity's stand-in where there is padding.
fn mask(lengths: &[usize], batch: usize, length: usize) -> Result<Tensor> {
    if lengths.len() != batch || lengths.iter().any(|&l| l == 0 || l > length) {
        return Err(Error::Input {
            reason: format!("{} lengths for {batch} rows of {length}", lengths.len()),
        });
    }
    let values: Vec<f32> = lengths
        .iter()
        .flat_map(|&real| (0..length).map(move |i| if i < real { 0.0 } else { f32::MIN }))
        .collect();
    Ok(Tensor::from_vec(values, (batch, 1, 1, length), &Device::Cpu)?.to_dtype(DType::F32)?)
}
