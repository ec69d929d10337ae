//! `AdamW` in place.
//!
//! Loshchilov and Hutter 2019, <https://arxiv.org/abs/1711.05101>; numbers as in `torch.optim.AdamW`.

use super::Error;
use super::checkpoint::{Checkpoint, Moments};
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp1, Layout, Storage, Tensor, Var};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Values that a thread takes at once; sums are added in this order, so that they always round alike.
const BLOCK: usize = 1 << 14;

/// Settings of the variables whose names begin alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    prefix: String,
    learning_rate: f32,
    weight_decay: f32,
    betas: (f32, f32),
    eps: f32,
}

impl Group {
    /// Variables whose name begins with `prefix`. Tensors of fewer than two dimensions (biases, norms) do not decay.
    pub fn new(prefix: impl Into<String>, learning_rate: f32, weight_decay: f32) -> Self {
        Self { prefix: prefix.into(), learning_rate, weight_decay, betas: (0.9, 0.999), eps: 1e-8 }
    }

    /// Decay of the two moments, 0.9 and 0.999 unless said.
    #[must_use]
    pub fn betas(mut self, first: f32, second: f32) -> Self {
        self.betas = (first, second);
        self
    }

    /// What is added to the root of the second moment, 1e-8 unless said.
    #[must_use]
    pub fn eps(mut self, eps: f32) -> Self {
        self.eps = eps;
        self
    }

    fn check(&self) -> Result<(), Error> {
        let fail = |name, value: f32, must| Err(Error::Setting { name, value: f64::from(value), must });
        if !(self.learning_rate.is_finite() && self.learning_rate >= 0.0) {
            return fail("learning rate", self.learning_rate, "0 or more");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return fail("weight decay", self.weight_decay, "0 or more");
        }
        for beta in [self.betas.0, self.betas.1] {
            if !(0.0..1.0).contains(&beta) {
                return fail("beta", beta, "0 or more and below 1");
            }
        }
        if !(self.eps.is_finite() && self.eps > 0.0) {
            return fail("eps", self.eps, "above 0");
        }
        Ok(())
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Norm of all gradients together, before clipping.
    pub norm: f32,
    /// What the gradients were multiplied with: 1 where the norm was within the bound.
    pub scale: f32,
    /// Variables that had a gradient.
    pub variables: usize,
}

/// A variable with its moments.
#[derive(Debug)]
struct Slot {
    var: Var,
    group: usize,
    /// Steps that this variable took: one without a gradient does not count, as in PyTorch.
    steps: u32,
    first: Vec<f32>,
    second: Vec<f32>,
    waiting: Option<Vec<f32>>,
}

/// The optimizer. A variable without a gradient in a step is left as it is.
#[derive(Debug)]
pub struct AdamW {
    slots: BTreeMap<String, Slot>,
    groups: Vec<Group>,
    clip: f32,
    waiting: usize,
}

impl AdamW {
    /// Each variable belongs to the first group whose prefix its name has. Gradients are scaled down together
    /// where their norm is above `clip`; infinity never clips.
    pub fn new(
        vars: impl IntoIterator<Item = (String, Var)>,
        groups: Vec<Group>,
        clip: f32,
    ) -> Result<Self, Error> {
        groups.iter().try_for_each(Group::check)?;
        if clip.is_nan() || clip <= 0.0 {
            return Err(Error::Setting { name: "clip", value: f64::from(clip), must: "above 0" });
        }
        let mut slots = BTreeMap::new();
        for (name, var) in vars {
            let Some(group) = groups.iter().position(|g| name.starts_with(&g.prefix)) else {
                return Err(Error::Variable { name, reason: "belongs to no group" });
            };
            if !var.is_contiguous() || var.dtype() != candle_core::DType::F32 {
                return Err(Error::Variable { name, reason: "is not f32 end to end" });
            }
            let n = var.elem_count();
            let (first, second) = (vec![0.0; n], vec![0.0; n]);
            let slot = Slot { var, group, steps: 0, first, second, waiting: None };
            if slots.insert(name.clone(), slot).is_some() {
                return Err(Error::Variable { name, reason: "comes twice" });
            }
        }
        Ok(Self { slots, groups, clip, waiting: 0 })
    }

    /// Names of the variables that have no gradient in `gradients`.
    pub fn without_gradient(&self, gradients: &GradStore) -> Vec<&str> {
        let missing = self.slots.iter().filter(|(_, slot)| gradients.get(&slot.var).is_none());
        missing.map(|(name, _)| name.as_str()).collect()
    }

    /// Adds the gradients of a micro-batch to those that wait. The sum is what [`Self::apply`] uses: divide each
    /// loss by the number of micro-batches for a mean. Refuses gradients that are not finite, and adds nothing.
    pub fn accumulate(&mut self, gradients: &GradStore) -> Result<(), Error> {
        self.norm(gradients)?;
        for slot in self.slots.values_mut() {
            let Some(gradient) = gradients.get(&slot.var) else { continue };
            let gradient = gradient.contiguous()?;
            with_values(&gradient, |values| match &mut slot.waiting {
                Some(sum) => {
                    sum.par_chunks_mut(BLOCK).zip(values.par_chunks(BLOCK)).for_each(|(sum, values)| {
                        sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
                    });
                }
                waiting => *waiting = Some(values.to_vec()),
            })?;
        }
        self.waiting += 1;
        Ok(())
    }

    /// One step with the gradients that wait. `factor` multiplies each group's learning rate.
    pub fn apply(&mut self, factor: f32) -> Result<Step, Error> {
        let waiting: BTreeMap<String, Vec<f32>> = self
            .slots
            .iter_mut()
            .filter_map(|(name, slot)| Some((name.clone(), slot.waiting.take()?)))
            .collect();
        self.waiting = 0;
        let mut squares = 0.0;
        for (name, values) in &waiting {
            squares += sum_of_squares(name, values)?;
        }
        let step = self.clipped(squares, waiting.len())?;
        for (name, values) in &waiting {
            if let Some(slot) = self.slots.get_mut(name) {
                slot.update(&self.groups[slot.group], values, factor, step.scale)?;
            }
        }
        Ok(step)
    }

    /// One step with the gradients of one backward pass. `factor` multiplies each group's learning rate.
    ///
    /// Refuses gradients that are not finite and changes nothing then.
    pub fn step(&mut self, gradients: &GradStore, factor: f32) -> Result<Step, Error> {
        if self.waiting > 0 {
            self.accumulate(gradients)?;
            return self.apply(factor);
        }
        let (squares, variables) = self.norm(gradients)?;
        let step = self.clipped(squares, variables)?;
        for slot in self.slots.values_mut() {
            let Some(gradient) = gradients.get(&slot.var) else { continue };
            let gradient = gradient.contiguous()?;
            let group = &self.groups[slot.group];
            with_values(&gradient, |values| slot.update(group, values, factor, step.scale))??;
        }
        Ok(step)
    }

    /// Everything that the run needs to go on as if it had not stopped, with what the caller knows of it:
    /// an `identity` of recipe and data, steps done, tokens read.
    pub fn checkpoint(&self, identity: String, step: usize, tokens: usize) -> Result<Checkpoint, Error> {
        if self.waiting > 0 {
            return Err(Error::Pending(self.waiting));
        }
        let tensors = self
            .slots
            .iter()
            .map(|(name, slot)| {
                let moments = Moments {
                    shape: slot.var.dims().to_vec(),
                    value: slot.var.flatten_all()?.to_vec1()?,
                    first: slot.first.clone(),
                    second: slot.second.clone(),
                    steps: slot.steps,
                };
                Ok((name.clone(), moments))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Checkpoint { identity, step, tokens, tensors })
    }

    /// Sets variables and moments to those of the checkpoint. Refuses one of other tensors, and changes nothing.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let other = |reason: String| Err(Error::OtherModel { reason });
        for (name, slot) in &self.slots {
            match checkpoint.tensors.get(name) {
                None => return other(format!("it has no {name}")),
                Some(moments) if moments.shape != slot.var.dims() => {
                    return other(format!("{name} is {:?} there, {:?} here", moments.shape, slot.var.dims()));
                }
                Some(_) => {}
            }
        }
        if let Some(name) = checkpoint.tensors.keys().find(|name| !self.slots.contains_key(*name)) {
            return other(format!("it has {name}, which is not trained here"));
        }
        for (slot, moments) in self.slots.values_mut().zip(checkpoint.tensors.values()) {
            slot.var.set(&Tensor::from_slice(&moments.value, slot.var.dims(), slot.var.device())?)?;
            slot.first.clone_from(&moments.first);
            slot.second.clone_from(&moments.second);
            slot.steps = moments.steps;
            slot.waiting = None;
        }
        self.waiting = 0;
        Ok(())
    }

    /// Sum of the squares of all gradients and the number of variables that have one.
    fn norm(&self, gradients: &GradStore) -> Result<(f64, usize), Error> {
        let (mut squares, mut variables) = (0.0, 0);
        for (name, slot) in &self.slots {
            if let Some(gradient) = gradients.get(&slot.var) {
                squares += with_values(&gradient.contiguous()?, |values| sum_of_squares(name, values))??;
                variables += 1;
            }
        }
        Ok((squares, variables))
    }

    fn clipped(&self, squares: f64, variables: usize) -> Result<Step, Error> {
        let norm = squares.sqrt() as f32;
        if !norm.is_finite() {
            return Err(Error::Norm);
        }
        let scale = if norm > self.clip { self.clip / norm } else { 1.0 };
        Ok(Step { norm, scale, variables })
    }
}

impl Slot {
    fn update(&mut self, group: &Group, gradient: &[f32], factor: f32, scale: f32) -> Result<(), Error> {
        self.steps += 1;
        let bias = |beta: f32| 1.0 - f64::from(beta).powi(self.steps as i32);
        let rate = f64::from(group.learning_rate) * f64::from(factor);
        let decay = if self.var.rank() < 2 { 0.0 } else { group.weight_decay };
        let update = Update {
            betas: group.betas,
            keep: (1.0 - rate * f64::from(decay)) as f32,
            rate: (rate / bias(group.betas.0)) as f32,
            root: (1.0 / bias(group.betas.1).sqrt()) as f32,
            eps: group.eps,
            scale,
            gradient,
            moments: Mutex::new((&mut self.first, &mut self.second)),
        };
        Ok(self.var.as_tensor().inplace_op1(&update)?)
    }
}

/// `value = keep * value - rate * m / (root * sqrt(v) + eps)` after the moments `m` and `v` took the gradient in.
struct Update<'a> {
    betas: (f32, f32),
    keep: f32,
    rate: f32,
    root: f32,
    eps: f32,
    scale: f32,
    gradient: &'a [f32],
    moments: Mutex<(&'a mut Vec<f32>, &'a mut Vec<f32>)>,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (Some((from, to)), CpuStorage::F32(values)) = (layout.contiguous_offsets(), storage) else {
            candle_core::bail!("a variable is not f32 end to end")
        };
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, second) = &mut *moments;
        values[from..to]
            .par_chunks_mut(BLOCK)
            .zip(self.gradient.par_chunks(BLOCK))
            .zip(first.par_chunks_mut(BLOCK))
            .zip(second.par_chunks_mut(BLOCK))
            .for_each(|(((value, gradient), first), second)| {
                pulp::Arch::new().dispatch(|| self.block(value, gradient, first, second));
            });
        Ok(())
    }
}

impl Update<'_> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must be compiled into each instruction set's copy of the loop")]
    fn block(&self, value: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let (a, b) = self.betas;
        let (keep, rate, root, eps, scale) = (self.keep, self.rate, self.root, self.eps, self.scale);
        for (((value, &gradient), m), v) in value.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = gradient * scale;
            *m = a * *m + (1.0 - a) * g;
            *v = b * *v + (1.0 - b) * g * g;
            *value = keep * *value - rate * *m / (root * v.sqrt() + eps);
        }
    }
}

/// The value of a loss, where it is a finite number.
pub fn finite(loss: &Tensor) -> Result<f32, Error> {
    let value = loss.to_scalar::<f32>()?;
    if value.is_finite() { Ok(value) } else { Err(Error::Loss { value }) }
}

fn with_values<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R, Error> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((from, to))) => Ok(f(&values[from..to])),
        _ => Err(candle_core::Error::Msg("a gradient is not f32 end to end".into()).into()),
    }
}

/// In f64 over blocks of f32. Refuses values that are not finite, of which it names the first.
fn sum_of_squares(name: &str, values: &[f32]) -> Result<f64, Error> {
    let parts: Vec<f64> = values
        .par_chunks(BLOCK)
        .map(|values| {
            pulp::Arch::new().dispatch(|| {
                let mut lanes = [0.0f32; 16];
                let (chunks, rest) = values.as_chunks::<16>();
                for chunk in chunks {
                    lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += v * v);
                }
                lanes.iter_mut().zip(rest).for_each(|(lane, v)| *lane += v * v);
                lanes.iter().map(|&v| f64::from(v)).sum()
            })
        })
        .collect();
    let sum: f64 = parts.iter().sum();
    if !sum.is_finite()
        && let Some(at) = values.iter().position(|v| !v.is_finite())
    {
        return Err(Error::NotFinite { name: name.to_owned(), at });
    }
    Ok(sum)
}
