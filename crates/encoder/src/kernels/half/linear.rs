//! A linear layer's weights in bfloat16.

use super::rows::Finish;
use super::{AHEAD, Half, TILE};
use crate::kernels::buffer::{Buffer, Sums};
use crate::kernels::simd::Simd;
use half::bf16;

/// k that is taken at once: a panel's part of it and the rows that meet it stay near.
const DEPTH: usize = 512;

/// Weights `[n, k]` in panels of 32 columns, `[k / 2][32][2]`, both dimensions padded with zeros to multiples of 32;
/// the same for every instruction set.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// n, padded.
    pub np: usize,
    /// k, padded.
    pub kp: usize,
    panels: Buffer<u16>,
    /// Padded with zeros.
    pub bias: Buffer,
}

impl Packed {
    /// # Panics
    /// If the lengths do not fit.
    pub fn new(weight: &[f32], bias: &[f32], n: usize, k: usize) -> Self {
        assert_eq!(weight.len(), n * k, "weight is [n, k]");
        assert_eq!(bias.len(), n, "bias is [n]");
        assert!(k > 0, "a layer has inputs");
        let (np, kp) = (n.next_multiple_of(TILE), k.next_multiple_of(TILE));
        let mut panels = Buffer::zeros(np * kp);
        for (j, row) in weight.chunks_exact(k).enumerate() {
            let panel: &mut [u16] = &mut panels[(j / TILE) * TILE * kp..][..TILE * kp];
            for (i, &value) in row.iter().enumerate() {
                panel[(i / 2) * TILE * 2 + (j % TILE) * 2 + i % 2] = bf16::from_f32(value).to_bits();
            }
        }
        let mut padded = Buffer::zeros(np);
        padded[..n].copy_from_slice(bias);
        Self { np, kp, panels, bias: padded }
    }

    /// `out[m, np] = F(a[m, kp] * weight^T + bias)`, rounded.
    ///
    /// # Safety
    /// `a` is valid for `[m, kp]`, and for reading up to the next multiple of 16 rows; `out` for m rows of np. `H` has
    /// begun.
    #[inline(always)]
    pub unsafe fn rounded<H: Half, F: Finish>(&self, a: *const u16, m: usize, out: *mut u16) {
        let lanes = H::F::LANES;
        let mut sums = Sums::<f32>::zeros();
        for j in (0..self.np).step_by(TILE) {
            let panel = self.panels.as_ptr().add(j * self.kp);
            let bias = self.bias.as_ptr().add(j);
            for i in (0..m).step_by(TILE) {
                let rows = (m - i).min(TILE);
                let a = a.add(i * self.kp);
                let next = panel.wrapping_add(TILE * self.kp + i * (AHEAD / TILE) * (self.kp / TILE));
                H::multiply(a, self.kp, panel, self.kp / TILE, rows, sums.at(0), TILE, false, next);
                for r in 0..rows {
                    let sums = sums.at(r);
                    let out = out.add((i + r) * self.np + j);
                    for v in (0..TILE).step_by(lanes) {
                        let sum = H::F::add(H::F::load(sums.add(v)), H::F::load(bias.add(v)));
                        H::store(out.add(v), F::apply::<H>(sum));
                    }
                }
            }
        }
    }

    /// `out[m, np] = a[m, kp] * weight^T`, without the bias.
    ///
    /// # Safety
    /// `a` is valid for `[m, kp]` and `out` for `[m, np]`, both up to the next multiple of 16 rows. `H` has begun.
    #[inline(always)]
    pub unsafe fn sums<H: Half>(&self, a: *const u16, m: usize, out: *mut f32) {
        for k in (0..self.kp).step_by(DEPTH) {
            let steps = (self.kp - k).min(DEPTH) / TILE;
            for j in (0..self.np).step_by(TILE) {
                let panel = self.panels.as_ptr().add(j * self.kp + k * TILE);
                for i in (0..m).step_by(TILE) {
                    let a = a.add(i * self.kp + k);
                    let next = panel.wrapping_add(TILE * self.kp + i * (AHEAD / TILE) * steps);
                    let c = out.add(i * self.np + j);
                    H::multiply(a, self.kp, panel, steps, (m - i).min(TILE), c, self.np, k > 0, next);
                }
            }
        }
    }
}
