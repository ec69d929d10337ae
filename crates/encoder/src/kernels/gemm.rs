//! Matrix products against weights that were packed once.
//!
//! `C[m, n] = init + A[m, k] * B[k, n]`, where B lies in panels of `NR` columns: `panel[k][NR]`. A tile of
//! `MR` rows and `NR` columns is kept in registers over all of k. One thread each; callers split rows.

use super::buffer::Buffer;
use super::simd::{Isa, Job, Simd};

/// A linear layer's weights, packed for one instruction set.
#[derive(Clone, Debug)]
pub struct Packed {
    isa: Isa,
    n: usize,
    k: usize,
    panels: Buffer,
    bias: Buffer,
}

impl Packed {
    /// Packs `weight` `[n, k]` (a Linear layer's layout) and `bias` `[n]`.
    ///
    /// # Panics
    /// If the lengths do not fit.
    pub fn new(isa: Isa, weight: &[f32], bias: &[f32], n: usize, k: usize) -> Self {
        assert_eq!(weight.len(), n * k, "weight is [n, k]");
        assert_eq!(bias.len(), n, "bias is [n]");
        let width = isa.panel();
        let mut panels = Buffer::zeros(n.div_ceil(width) * width * k);
        for (j, row) in weight.chunks_exact(k).enumerate() {
            let panel = &mut panels[(j / width) * width * k..][..width * k];
            for (i, &value) in row.iter().enumerate() {
                panel[i * width + j % width] = value;
            }
        }
        let mut padded = Buffer::zeros(n.div_ceil(width) * width);
        padded[..n].copy_from_slice(bias);
        Self { isa, n, k, panels, bias: padded }
    }

    /// `out[m, n] = x[m, k] * weight^T + bias`.
    ///
    /// # Panics
    /// If the lengths do not fit.
    pub fn apply(&self, x: &[f32], out: &mut [f32]) {
        let m = x.len() / self.k;
        assert_eq!(x.len(), m * self.k, "x is [m, k]");
        assert_eq!(out.len(), m * self.n, "out is [m, n]");
        let product = Product {
            a: x.as_ptr(),
            lda: self.k,
            panels: self.panels.as_ptr(),
            init: self.bias.as_ptr(),
            init_step: self.isa.panel(),
            c: out.as_mut_ptr(),
            ldc: self.n,
            m,
            n: self.n,
            k: self.k,
        };
        // SAFETY: the lengths of `x` and `out` were just checked, those of the packed parts follow from `new`.
        unsafe { self.isa.dispatch(product) }
    }
}

/// A product by pointers. `a` is `[m, k]` with rows `lda` apart, `c` is `[m, n]` with rows `ldc` apart,
/// `panels` holds `ceil(n / NR)` panels of `k * NR`, `init` holds `NR` floats at every `init_step`.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub a: *const f32,
    pub lda: usize,
    pub panels: *const f32,
    pub init: *const f32,
    pub init_step: usize,
    pub c: *mut f32,
    pub ldc: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

impl Job for Product {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for j in 0..self.n.div_ceil(S::NR) {
            let panel = self.panels.add(j * S::NR * self.k);
            let init = self.init.add(j * self.init_step);
            let width = (self.n - j * S::NR).min(S::NR);
            let c = self.c.add(j * S::NR);
            let mut i = 0;
            while i < self.m {
                let a = self.a.add(i * self.lda);
                let c = c.add(i * self.ldc);
                let left = self.m - i;
                // `S::MR` is a constant: only the arms of this instruction set are compiled.
                i += if S::MR == 12 && left >= 12 {
                    self.tile::<S, 12>(a, panel, init, c, width)
                } else if S::MR == 12 && left >= 8 {
                    self.tile::<S, 8>(a, panel, init, c, width)
                } else if S::MR == 6 && left >= 6 {
                    self.tile::<S, 6>(a, panel, init, c, width)
                } else if left >= 4 {
                    self.tile::<S, 4>(a, panel, init, c, width)
                } else if left >= 2 {
                    self.tile::<S, 2>(a, panel, init, c, width)
                } else {
                    self.tile::<S, 1>(a, panel, init, c, width)
                };
            }
        }
    }
}

impl Product {
    /// Computes `R` rows of one panel and returns `R`.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize>(
        &self,
        a: *const f32,
        panel: *const f32,
        init: *const f32,
        c: *mut f32,
        width: usize,
    ) -> usize {
        let mut acc = [[S::load(init), S::load(init.add(S::LANES))]; R];
        for kk in 0..self.k {
            let b0 = S::load(panel.add(kk * S::NR));
            let b1 = S::load(panel.add(kk * S::NR + S::LANES));
            // The next panel comes from the third-level cache or memory; by its turn it is near.
            let next = panel.wrapping_add((self.k + kk) * S::NR);
            S::prefetch(next);
            S::prefetch(next.wrapping_add(S::LANES));
            for (i, row) in acc.iter_mut().enumerate() {
                let value = S::splat(*a.add(i * self.lda + kk));
                row[0] = S::fma(value, b0, row[0]);
                row[1] = S::fma(value, b1, row[1]);
            }
        }
        for (i, row) in acc.iter().enumerate() {
            let c = c.add(i * self.ldc);
            if width == S::NR {
                S::store(c, row[0]);
                S::store(c.add(S::LANES), row[1]);
            } else if width > S::LANES {
                S::store(c, row[0]);
                S::store_part(c.add(S::LANES), row[1], width - S::LANES);
            } else if width == S::LANES {
                S::store(c, row[0]);
            } else {
                S::store_part(c, row[0], width);
            }
        }
        R
    }
}
