//! [`Half`] on x86-64: AVX-512 with bfloat16, and AMX tiles.

use super::{Half, HalfJob};
use crate::kernels::amx;
use crate::kernels::simd::Simd;
use crate::kernels::x86::Avx512;
#[allow(
    clippy::wildcard_imports,
    reason = "the names are the instruction set's own prefix apart; a list would be longer than the code"
)]
use std::arch::x86_64::*;
use std::mem::transmute;

/// # Safety
/// The CPU has AVX2, FMA, AVX-512F and AVX-512 BF16.
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
pub(super) unsafe fn run_avx512<J: HalfJob>(job: J) {
    job.run::<Avx512Half>();
}

/// # Safety
/// As for [`run_avx512`], and AMX with permission.
#[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
pub(super) unsafe fn run_amx<J: HalfJob>(job: J) {
    job.run::<AmxHalf>();
}

#[derive(Clone, Copy)]
pub(super) struct Avx512Half;

#[derive(Clone, Copy)]
pub(super) struct AmxHalf;

impl Half for AmxHalf {
    type F = Avx512;
    type Guard = amx::Tiles;

    #[inline(always)]
    unsafe fn begin() -> amx::Tiles {
        amx::Tiles::configure()
    }
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
        next: *const u16,
    ) {
        amx::multiply_bf16(a, lda * 2, panel, steps, rows > 16, c, ldc * 4, more, next);
    }
    #[inline(always)]
    unsafe fn store(p: *mut u16, v: __m512) {
        Avx512Half::store(p, v);
    }
    #[inline(always)]
    unsafe fn reciprocal(v: __m512) -> __m512 {
        Avx512Half::reciprocal(v)
    }
    #[inline(always)]
    unsafe fn scale(v: __m512, n: __m512) -> __m512 {
        Avx512Half::scale(v, n)
    }
    #[inline(always)]
    unsafe fn interleave(a: *const u16, b: *const u16, out: *mut u16) {
        Avx512Half::interleave(a, b, out);
    }
    #[inline(always)]
    unsafe fn transpose(from: *const u32, from_stride: usize, to: *mut u32, to_stride: usize) {
        Avx512Half::transpose(from, from_stride, to, to_stride);
    }
}

impl Half for Avx512Half {
    type F = Avx512;
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
        next: *const u16,
    ) {
        let mut i = 0;
        while i < rows {
            let (a, c) = (a.add(i * lda), c.add(i * ldc));
            i += match rows - i {
                12.. => tile::<12>(a, lda, panel, steps, c, ldc, more, next),
                8.. => tile::<8>(a, lda, panel, steps, c, ldc, more, next),
                4.. => tile::<4>(a, lda, panel, steps, c, ldc, more, next),
                2.. => tile::<2>(a, lda, panel, steps, c, ldc, more, next),
                _ => tile::<1>(a, lda, panel, steps, c, ldc, more, next),
            };
        }
    }
    #[inline(always)]
    unsafe fn store(p: *mut u16, v: __m512) {
        _mm256_storeu_si256(p.cast(), transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(v)));
    }
    #[inline(always)]
    unsafe fn reciprocal(v: __m512) -> __m512 {
        // 14 bits, and one step of Newton's: where erf is flat an error would be multiplied by the input.
        let r = _mm512_rcp14_ps(v);
        _mm512_mul_ps(r, _mm512_fnmadd_ps(v, r, _mm512_set1_ps(2.0)))
    }
    #[inline(always)]
    unsafe fn scale(v: __m512, n: __m512) -> __m512 {
        _mm512_scalef_ps(v, n)
    }
    #[inline(always)]
    unsafe fn interleave(a: *const u16, b: *const u16, out: *mut u16) {
        for part in 0..2 {
            let low = _mm512_cvtepu16_epi32(_mm256_loadu_si256(a.add(16 * part).cast()));
            let high = _mm512_cvtepu16_epi32(_mm256_loadu_si256(b.add(16 * part).cast()));
            let pairs = _mm512_or_si512(low, _mm512_slli_epi32::<16>(high));
            _mm512_storeu_si512(out.add(32 * part).cast(), pairs);
        }
    }
    #[inline(always)]
    unsafe fn transpose(from: *const u32, from_stride: usize, to: *mut u32, to_stride: usize) {
        let mut r = [_mm512_setzero_si512(); 16];
        for (i, r) in r.iter_mut().enumerate() {
            *r = _mm512_loadu_si512(from.add(i * from_stride).cast());
        }
        // Pairs of rows, then fours, by lanes of 128 bits; then lanes across registers.
        let mut t = r;
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..4 {
            let [a, b, c, d] = [t[4 * i], t[4 * i + 1], t[4 * i + 2], t[4 * i + 3]];
            r[4 * i] = _mm512_unpacklo_epi64(a, c);
            r[4 * i + 1] = _mm512_unpackhi_epi64(a, c);
            r[4 * i + 2] = _mm512_unpacklo_epi64(b, d);
            r[4 * i + 3] = _mm512_unpackhi_epi64(b, d);
        }
        for i in 0..4 {
            let [a, b, c, d] = [r[i], r[4 + i], r[8 + i], r[12 + i]];
            let (ab0, ab1) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
            let (cd0, cd1) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
            t[i] = _mm512_shuffle_i32x4::<0x88>(ab0, cd0);
            t[8 + i] = _mm512_shuffle_i32x4::<0xdd>(ab0, cd0);
            t[4 + i] = _mm512_shuffle_i32x4::<0x88>(ab1, cd1);
            t[12 + i] = _mm512_shuffle_i32x4::<0xdd>(ab1, cd1);
        }
        for (i, t) in t.iter().enumerate() {
            _mm512_storeu_si512(to.add(i * to_stride).cast(), *t);
        }
    }
}

/// `R` rows of [`Half::multiply`]; returns `R`.
#[expect(clippy::too_many_arguments, reason = "a product has as many")]
#[inline(always)]
unsafe fn tile<const R: usize>(
    a: *const u16,
    lda: usize,
    panel: *const u16,
    steps: usize,
    c: *mut f32,
    ldc: usize,
    more: bool,
    next: *const u16,
) -> usize {
    let mut acc = [[_mm512_setzero_ps(); 2]; R];
    if more {
        for (r, acc) in acc.iter_mut().enumerate() {
            *acc = [Avx512::load(c.add(r * ldc)), Avx512::load(c.add(r * ldc + 16))];
        }
    }
    let pairs = |p: *const u16| transmute::<__m512i, __m512bh>(_mm512_loadu_si512(p.cast()));
    for k in 0..steps * 16 {
        let b = panel.add(k * 64);
        let (b0, b1) = (pairs(b), pairs(b.add(32)));
        if k % 4 == 0 {
            Avx512::prefetch(next.wrapping_add(k / 4 * 32).cast());
        }
        for (r, acc) in acc.iter_mut().enumerate() {
            let pair = _mm512_set1_epi32(a.add(r * lda + 2 * k).cast::<i32>().read_unaligned());
            let pair = transmute::<__m512i, __m512bh>(pair);
            acc[0] = _mm512_dpbf16_ps(acc[0], pair, b0);
            acc[1] = _mm512_dpbf16_ps(acc[1], pair, b1);
        }
    }
    for (r, acc) in acc.iter().enumerate() {
        Avx512::store(c.add(r * ldc), acc[0]);
        Avx512::store(c.add(r * ldc + 16), acc[1]);
    }
    R
}
