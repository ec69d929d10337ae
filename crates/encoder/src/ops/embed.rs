//! Sums of embedding rows, and rows put back where they came from.

use super::custom::{Values, slice, tensor};
use super::rows;
use crate::error::{Error, Result};
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Shape, Tensor};

type Candle<T> = candle_core::Result<T>;

/// `words[id] + places[place] + segments[0]` for each token, before normalisation.
pub(crate) struct Embed {
    /// Word pieces, each within the table.
    pub ids: Vec<u32>,
    /// Position of each within its sequence, within the table.
    pub places: Vec<u32>,
    /// Which of the three tables are trained.
    pub needs: [bool; 3],
}

impl CustomOp3 for Embed {
    fn name(&self) -> &'static str {
        "embed"
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
        let (words, places, segments) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let (_, width) = l1.shape().dims2()?;
        let mut out = Vec::with_capacity(self.ids.len() * width);
        for (&id, &place) in self.ids.iter().zip(&self.places) {
            let word = &words[id as usize * width..][..width];
            let place = &places[place as usize * width..][..width];
            out.extend(word.iter().zip(place).zip(segments).map(|((w, p), s)| w + p + s));
        }
        Ok((CpuStorage::F32(out), (self.ids.len(), width).into()))
    }

    fn bwd(
        &self,
        words: &Tensor,
        places: &Tensor,
        segments: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Candle<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let g = Values::of(&gradient)?;
        let width = words.dim(1)?;
        let back = |needed: bool, table: &Tensor, indices: &[u32]| -> Candle<Option<Tensor>> {
            if !needed {
                return Ok(None);
            }
            let mut out = vec![0.0; table.elem_count()];
            add_rows(&mut out, &g, width, indices);
            Ok(Some(tensor(out, table)?))
        };
        Ok((
            back(self.needs[0], words, &self.ids)?,
            back(self.needs[1], places, &self.places)?,
            back(self.needs[2], segments, &vec![0; self.ids.len()])?,
        ))
    }
}

/// `table[indices[i]] += values[i]` for rows of `width`, in order.
pub(super) fn add_rows(table: &mut [f32], values: &[f32], width: usize, indices: &[u32]) {
    if width > 0 {
        for (&index, row) in indices.iter().zip(values.chunks_exact(width)) {
            rows::add(&mut table[index as usize * width..][..width], row);
        }
    }
}

/// Puts row `i` of `x` `[indices, width]` at row `indices[i]` of `[rows, width]`; the others are zero. No index may
/// come twice.
pub(crate) fn scatter_rows(x: &Tensor, indices: &[u32], rows: usize) -> Result<Tensor> {
    let (count, _) = x.dims2()?;
    if count != indices.len() || indices.iter().any(|&i| i as usize >= rows) {
        return Err(Error::Input { reason: format!("{count} rows for {} places", indices.len()) });
    }
    Ok(x.contiguous()?.apply_op1(Scatter { indices: indices.to_vec(), rows })?)
}

struct Scatter {
    indices: Vec<u32>,
    rows: usize,
}

impl CustomOp1 for Scatter {
    fn name(&self) -> &'static str {
        "scatter-rows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Candle<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let mut out = vec![0.0; self.rows * width];
        add_rows(&mut out, slice(storage, layout)?, width, &self.indices);
        Ok((CpuStorage::F32(out), (self.rows, width).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Candle<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let g = Values::of(&gradient)?;
        let width = x.dim(1)?;
        let mut out = Vec::with_capacity(x.elem_count());
        for &index in &self.indices {
            out.extend_from_slice(&g[index as usize * width..][..width]);
        }
        Ok(Some(tensor(out, x)?))
    }
}
