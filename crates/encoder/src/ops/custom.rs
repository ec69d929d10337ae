//! The operations as candle sees them.

use super::attention::{self, Heads};
use super::embed::add_rows;
use super::numbers::stream;
use super::product::{Matrix, Packed, multiply_wide};
use super::rows;
use crate::config::Activation;
use crate::error::{Error, Result};
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Device, Layout, Shape, Storage, StorageRef, Tensor};
use rayon::prelude::*;
use std::ops::{Deref, Range};

/// Rows that a thread takes at once.
const BLOCK: usize = 64;

type Candle<T> = candle_core::Result<T>;

/// `x weight^T + bias`: `x` `[.., inner]`, `weight` `[outer, inner]`, `bias` `[outer]` -> `[.., outer]`.
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outer, inner) = weight.dims2()?;
    if x.dims().last() != Some(&inner) || bias.dims() != [outer] {
        return Err(misfit("linear", &[x, weight, bias]));
    }
    let needs = [x.track_op(), weight.track_op(), bias.track_op()];
    Ok(x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Linear { needs })?)
}

/// Layer normalisation over the last dimension: `x` `[.., n]`, `scale` and `shift` `[n]`.
pub fn layer_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f32) -> Result<Tensor> {
    let n = scale.dims1()?;
    if n == 0 || x.dims().last() != Some(&n) || shift.dims() != [n] {
        return Err(misfit("layer norm", &[x, scale, shift]));
    }
    Ok(x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, Norm { eps })?)
}

/// `x * Phi(x)` with the exact error function, of any shape.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    activate(x, Activation::Gelu)
}

pub(super) fn activate(x: &Tensor, kind: Activation) -> Result<Tensor> {
    Ok(x.contiguous()?.apply_op1(Activate { kind })?)
}

/// Attention within sequences that lie end to end. `joint` `[tokens, 3 * hidden]` holds queries, keys and values
/// side by side, each with its heads side by side; `lengths` are the sequences' and add up to `tokens`.
/// Returns `[tokens, hidden]`.
pub fn attention_packed(joint: &Tensor, lengths: &[usize], heads: usize) -> Result<Tensor> {
    let (tokens, width) = joint.dims2()?;
    if heads == 0
        || width == 0
        || !width.is_multiple_of(3 * heads)
        || lengths.iter().sum::<usize>() != tokens
        || lengths.contains(&0)
    {
        return Err(misfit("attention", &[joint]));
    }
    let op = Attention {
        heads: Heads { count: heads, size: width / 3 / heads },
        ranges: attention::ranges(lengths),
    };
    Ok(joint.contiguous()?.apply_op1(op)?)
}

/// Rows of `table` `[rows, width]` by index, `[indices, width]`; an index may come more than once.
pub fn gather_rows(table: &Tensor, indices: &[u32]) -> Result<Tensor> {
    let (rows, _) = table.dims2()?;
    if let Some(at) = indices.iter().position(|&i| i as usize >= rows) {
        return Err(Error::Input { reason: format!("row index {at} is beyond the {rows} rows") });
    }
    Ok(table.contiguous()?.apply_op1(Gather { indices: indices.to_vec() })?)
}

/// Means of row ranges of `states` `[rows, width]`, `[ranges, width]`; ranges may overlap, the mean of an empty
/// one is zero.
pub fn segment_mean(states: &Tensor, ranges: &[Range<usize>]) -> Result<Tensor> {
    let (rows, _) = states.dims2()?;
    if let Some(at) = ranges.iter().position(|r| r.start > r.end || r.end > rows) {
        return Err(Error::Input { reason: format!("range {at} does not lie within the {rows} rows") });
    }
    Ok(states.contiguous()?.apply_op1(Means { ranges: ranges.to_vec() })?)
}

/// Dropout with a mask that follows from `seed` alone: the same seed and shape drop the same elements.
pub fn dropout(x: &Tensor, probability: f32, seed: u64) -> Result<Tensor> {
    if !(0.0..1.0).contains(&probability) {
        return Err(Error::Input { reason: format!("dropout probability {probability} is not below 1") });
    }
    if probability == 0.0 {
        return Ok(x.clone());
    }
    Ok(x.contiguous()?.apply_op1(Drop { probability, key: stream(seed, 0) })?)
}

fn misfit(what: &str, tensors: &[&Tensor]) -> Error {
    let shapes: Vec<_> = tensors.iter().map(|t| t.dims()).collect();
    Error::Input { reason: format!("{what} of shapes {shapes:?}") }
}

/// Values of a contiguous tensor on the CPU, locked while in use.
pub(super) struct Values<'a> {
    storage: StorageRef<'a>,
    range: (usize, usize),
}

impl<'a> Values<'a> {
    pub fn of(tensor: &'a Tensor) -> Candle<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let range = layout
            .contiguous_offsets()
            .ok_or_else(|| candle_core::Error::Msg("values do not lie end to end".into()))?;
        match &*storage {
            Storage::Cpu(CpuStorage::F32(values)) if range.1 <= values.len() => {}
            _ => candle_core::bail!("values are not f32 on the CPU"),
        }
        Ok(Self { storage, range })
    }
}

impl Deref for Values<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.range.0..self.range.1],
            // `of` saw that it is.
            _ => &[],
        }
    }
}

pub(super) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Candle<&'a [f32]> {
    let (from, to) = layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::Msg("values do not lie end to end".into()))?;
    Ok(&storage.as_slice::<f32>()?[from..to])
}

pub(super) fn tensor(values: Vec<f32>, like: &Tensor) -> Candle<Tensor> {
    Tensor::from_vec(values, like.shape(), &Device::Cpu)
}

/// Sums of the columns of `x` `[rows, n]`.
pub(super) fn column_sums(x: &[f32], n: usize) -> Vec<f32> {
    let parts: Vec<Vec<f32>> = x
        .par_chunks(BLOCK * 4 * n)
        .map(|x| {
            let mut total = vec![0.0; n];
            rows::add_columns(x, &mut total);
            total
        })
        .collect();
    // In order, so that the same input always rounds alike.
    let mut total = vec![0.0; n];
    for part in &parts {
        rows::add(&mut total, part);
    }
    total
}

struct Linear {
    needs: [bool; 3],
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Candle<(CpuStorage, Shape)> {
        let (x, weight, bias) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let (outer, inner) = l2.shape().dims2()?;
        let m = l1.shape().elem_count() / inner.max(1);
        let mut out = vec![0.0; m * outer];
        let packed = Packed::new(None, Matrix::columns(weight, inner), inner, outer);
        multiply_wide(Matrix::rows(x, inner), m, &packed, &mut out);
        if outer > 0 {
            out.par_chunks_mut(BLOCK * outer).for_each(|out| rows::add_bias(out, bias));
        }
        let mut dims = l1.dims().to_vec();
        if let Some(last) = dims.last_mut() {
            *last = outer;
        }
        Ok((CpuStorage::F32(out), dims.into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Candle<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (outer, inner) = weight.dims2()?;
        let m = x.elem_count() / inner.max(1);
        let gradient = gradient.contiguous()?;
        let g = Values::of(&gradient)?;
        let to_x = if self.needs[0] {
            let mut out = vec![0.0; m * inner];
            let packed = Packed::new(None, Matrix::rows(&Values::of(weight)?, inner), outer, inner);
            multiply_wide(Matrix::rows(&g, outer), m, &packed, &mut out);
            Some(tensor(out, x)?)
        } else {
            None
        };
        let to_weight = if self.needs[1] {
            let mut out = vec![0.0; outer * inner];
            let packed = Packed::new(None, Matrix::rows(&Values::of(x)?, inner), m, inner);
            multiply_wide(Matrix::columns(&g, outer), outer, &packed, &mut out);
            Some(tensor(out, weight)?)
        } else {
            None
        };
        let to_bias = if self.needs[2] { Some(tensor(column_sums(&g, outer.max(1)), bias)?) } else { None };
        Ok((to_x, to_weight, to_bias))
    }
}

struct Norm {
    eps: f32,
}

impl CustomOp3 for Norm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Candle<(CpuStorage, Shape)> {
        let (x, scale, shift) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let n = scale.len();
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(BLOCK * n).zip(x.par_chunks(BLOCK * n)).for_each(|(out, x)| {
            let mut centred = vec![0.0; x.len()];
            let mut inverse = [0.0; BLOCK];
            rows::norm(x, scale, shift, self.eps, &mut centred, &mut inverse, out);
        });
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Candle<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let mut out = Values::of(&gradient)?.to_vec();
        let (values, scales, shifts) = (Values::of(x)?, Values::of(scale)?, Values::of(shift)?);
        let n = scales.len();
        let (values, scales, shifts): (&[f32], &[f32], &[f32]) = (&values, &scales, &shifts);
        let parts: Vec<(Vec<f32>, Vec<f32>)> = out
            .par_chunks_mut(BLOCK * n)
            .zip(values.par_chunks(BLOCK * n))
            .map(|(g, x)| {
                let (mut centred, mut ignored) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                let mut inverse = [0.0; BLOCK];
                rows::norm(x, scales, shifts, self.eps, &mut centred, &mut inverse, &mut ignored);
                let (mut to_scale, mut to_shift) = (vec![0.0; n], vec![0.0; n]);
                rows::norm_back(g, &centred, &inverse, scales, &mut to_scale, &mut to_shift);
                (to_scale, to_shift)
            })
            .collect();
        let (mut to_scale, mut to_shift) = (vec![0.0; n], vec![0.0; n]);
        for (a, b) in &parts {
            rows::add(&mut to_scale, a);
            rows::add(&mut to_shift, b);
        }
        Ok((Some(tensor(out, x)?), Some(tensor(to_scale, scale)?), Some(tensor(to_shift, shift)?)))
    }
}

struct Activate {
    kind: Activation,
}

impl CustomOp1 for Activate {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Candle<(CpuStorage, Shape)> {
        let x = slice(storage, layout)?;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(1 << 14)
            .zip(x.par_chunks(1 << 14))
            .for_each(|(out, x)| rows::activate(self.kind, x, out));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Candle<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let mut out = Values::of(&gradient)?.to_vec();
        let values = Values::of(x)?;
        let values: &[f32] = &values;
        out.par_chunks_mut(1 << 14)
            .zip(values.par_chunks(1 << 14))
            .for_each(|(out, x)| rows::activate_back(self.kind, x, out));
        Ok(Some(tensor(out, x)?))
    }
}

struct Attention {
    heads: Heads,
    ranges: Vec<Range<usize>>,
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Candle<(CpuStorage, Shape)> {
        let (tokens, width) = layout.shape().dims2()?;
        let mut out = vec![0.0; tokens * width / 3];
        attention::forward(self.heads, slice(storage, layout)?, &self.ranges, &mut out);
        Ok((CpuStorage::F32(out), (tokens, width / 3).into()))
    }

    fn bwd(&self, joint: &Tensor, _: &Tensor, gradient: &Tensor) -> Candle<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let mut out = vec![0.0; joint.elem_count()];
        let (values, gradient) = (Values::of(joint)?, Values::of(&gradient)?);
        attention::backward(self.heads, &values, &gradient, &self.ranges, &mut out);
        Ok(Some(tensor(out, joint)?))
    }
}

struct Gather {
    indices: Vec<u32>,
}

impl CustomOp1 for Gather {
    fn name(&self) -> &'static str {
        "gather-rows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Candle<(CpuStorage, Shape)> {
        let table = slice(storage, layout)?;
        let (_, width) = layout.shape().dims2()?;
        let mut out = Vec::with_capacity(self.indices.len() * width);
        for &index in &self.indices {
            out.extend_from_slice(&table[index as usize * width..][..width]);
        }
        Ok((CpuStorage::F32(out), (self.indices.len(), width).into()))
    }

    fn bwd(&self, table: &Tensor, _: &Tensor, gradient: &Tensor) -> Candle<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let mut out = vec![0.0; table.elem_count()];
        add_rows(&mut out, &Values::of(&gradient)?, table.dim(1)?, &self.indices);
        Ok(Some(tensor(out, table)?))
    }
}

struct Means {
    ranges: Vec<Range<usize>>,
}

impl CustomOp1 for Means {
    fn name(&self) -> &'static str {
        "segment-mean"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Candle<(CpuStorage, Shape)> {
        let states = slice(storage, layout)?;
        let (_, width) = layout.shape().dims2()?;
        let mut out = vec![0.0; self.ranges.len() * width];
        if width > 0 {
            for (out, range) in out.chunks_exact_mut(width).zip(&self.ranges) {
                rows::add_columns(&states[range.start * width..range.end * width], out);
                rows::scale_rows(out, width, width, &[1.0 / range.len().max(1) as f32]);
            }
        }
        Ok((CpuStorage::F32(out), (self.ranges.len(), width).into()))
    }

    fn bwd(&self, states: &Tensor, _: &Tensor, gradient: &Tensor) -> Candle<Option<Tensor>> {
        let (_, width) = states.dims2()?;
        let gradient = gradient.contiguous()?;
        let gradient = Values::of(&gradient)?;
        let mut out = vec![0.0; states.elem_count()];
        if width > 0 {
            let mut share = vec![0.0; width];
            for (g, range) in gradient.chunks_exact(width).zip(&self.ranges) {
                share.copy_from_slice(g);
                rows::scale_rows(&mut share, width, width, &[1.0 / range.len().max(1) as f32]);
                rows::add_bias(&mut out[range.start * width..range.end * width], &share);
            }
        }
        Ok(Some(tensor(out, states)?))
    }
}

struct Drop {
    probability: f32,
    key: u64,
}

impl Drop {
    fn apply(&self, values: &[f32]) -> Vec<f32> {
        let mut out = values.to_vec();
        out.par_chunks_mut(1 << 14).enumerate().for_each(|(i, out)| {
            rows::drop_out(out, self.key, (i << 14) as u64, self.probability);
        });
        out
    }
}

impl CustomOp1 for Drop {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Candle<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(self.apply(slice(storage, layout)?)), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Candle<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        Ok(Some(tensor(self.apply(&Values::of(&gradient)?), x)?))
    }
}
