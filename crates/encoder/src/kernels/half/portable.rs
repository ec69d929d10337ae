//! [`Half`] in plain Rust.

use super::{Half, TILE};
use crate::kernels::simd::{Portable, Simd};
use half::bf16;

fn wide(x: u16) -> f32 {
    bf16::from_bits(x).to_f32()
}

impl Half for Portable {
    type F = Self;
    type Guard = ();

    #[inline(always)]
    unsafe fn begin() {}

    #[inline(always)]
    unsafe fn multiply(
        a: *const u16,
        lda: usize,
        panel: *const u16,
        steps: usize,
        rows: usize,
        c: *mut f32,
        ldc: usize,
        more: bool,
        _next: *const u16,
    ) {
        for r in 0..rows {
            let c = c.add(r * ldc);
            let mut sums = if more { c.cast::<[f32; TILE]>().read_unaligned() } else { [0.0; TILE] };
            for k in 0..steps * (TILE / 2) {
                let a = a.add(r * lda + 2 * k);
                let (a0, a1) = (wide(*a), wide(*a.add(1)));
                let pairs = panel.add(k * 2 * TILE).cast::<[[u16; 2]; TILE]>().read_unaligned();
                for (sum, [b0, b1]) in sums.iter_mut().zip(pairs) {
                    *sum += a0 * wide(b0) + a1 * wide(b1);
                }
            }
            c.cast::<[f32; TILE]>().write_unaligned(sums);
        }
    }
    #[inline(always)]
    unsafe fn store(p: *mut u16, v: [f32; 4]) {
        p.cast::<[u16; 4]>().write_unaligned(v.map(|v| bf16::from_f32(v).to_bits()));
    }
    #[inline(always)]
    unsafe fn reciprocal(v: [f32; 4]) -> [f32; 4] {
        v.map(|v| 1.0 / v)
    }
    #[inline(always)]
    unsafe fn scale(v: [f32; 4], n: [f32; 4]) -> [f32; 4] {
        Self::mul(v, Self::pow2(Self::max(n, [-126.0; 4])))
    }
    #[inline(always)]
    unsafe fn interleave(a: *const u16, b: *const u16, out: *mut u16) {
        for i in 0..TILE {
            *out.add(2 * i) = *a.add(i);
            *out.add(2 * i + 1) = *b.add(i);
        }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const u32, from_stride: usize, to: *mut u32, to_stride: usize) {
        for r in 0..16 {
            for p in 0..16 {
                to.add(p * to_stride + r).write_unaligned(from.add(r * from_stride + p).read_unaligned());
            }
        }
    }
}
