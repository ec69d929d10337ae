//! [`Dot`] on x86-64: AVX2, AVX-VNNI, AVX-512 VNNI; and the product in AMX tiles.

use super::amx;
use super::buffer::Sums;
use super::int8::{Dot, DotJob, Product};
use super::simd::Simd;
use super::x86::{Avx2, Avx512};
#[allow(
    clippy::wildcard_imports,
    reason = "the names are the instruction set's own prefix apart; a list would be longer than the code"
)]
use std::arch::x86_64::*;

/// # Safety
/// The CPU has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<J: DotJob>(job: J) {
    job.run::<Avx2Dot>();
}

/// # Safety
/// The CPU has AVX2, FMA and AVX-VNNI.
#[target_feature(enable = "avxvnni,avx2,fma")]
pub(super) unsafe fn run_avxvnni<J: DotJob>(job: J) {
    job.run::<AvxVnniDot>();
}

/// # Safety
/// The CPU has AVX2, FMA, AVX-512F and AVX-512 VNNI.
#[target_feature(enable = "avx512f,avx512vnni,avx2,fma")]
pub(super) unsafe fn run_avx512<J: DotJob>(job: J) {
    job.run::<Avx512Dot>();
}

/// Four bytes in every lane of 256 bits.
#[inline(always)]
unsafe fn splat256(p: *const i8) -> __m256i {
    _mm256_set1_epi32(p.cast::<i32>().read_unaligned())
}

/// Eight floats to signed bytes, at the bottom of the register.
#[inline(always)]
unsafe fn bytes256(v: __m256) -> __m128i {
    let ints = _mm256_cvtps_epi32(v);
    let words = _mm_packs_epi32(_mm256_castsi256_si128(ints), _mm256_extracti128_si256::<1>(ints));
    _mm_packs_epi16(words, words)
}

#[derive(Clone, Copy)]
pub(super) struct Avx2Dot;

impl Dot for Avx2Dot {
    type F = Avx2;
    type Sum = __m256i;
    type Bytes = __m256i;
    const ROWS: usize = 4;
    const OFFSET: i32 = 0;

    #[inline(always)]
    unsafe fn load(p: *const i8) -> __m256i {
        _mm256_loadu_si256(p.cast())
    }
    #[inline(always)]
    unsafe fn splat(p: *const i8) -> __m256i {
        splat256(p)
    }
    #[inline(always)]
    unsafe fn start(p: *const i32) -> __m256i {
        _mm256_loadu_si256(p.cast())
    }
    #[inline(always)]
    unsafe fn dot(sum: __m256i, a: __m256i, w: __m256i) -> __m256i {
        // `maddubs` saturates in 16 bits: 255 * 127 * 2 would not fit. With the sign moved from the weight to the
        // activation both are at most 127, and 127 * 127 * 2 = 32258 does.
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
    #[inline(always)]
    unsafe fn float(sum: __m256i) -> __m256 {
        _mm256_cvtepi32_ps(sum)
    }
    #[inline(always)]
    unsafe fn store(p: *mut i8, v: __m256) {
        _mm_storel_epi64(p.cast(), bytes256(v));
    }
}

#[derive(Clone, Copy)]
pub(super) struct AvxVnniDot;

impl Dot for AvxVnniDot {
    type F = Avx2;
    type Sum = __m256i;
    type Bytes = __m256i;
    const ROWS: usize = 6;
    const OFFSET: i32 = 128;

    #[inline(always)]
    unsafe fn load(p: *const i8) -> __m256i {
        _mm256_loadu_si256(p.cast())
    }
    #[inline(always)]
    unsafe fn splat(p: *const i8) -> __m256i {
        splat256(p)
    }
    #[inline(always)]
    unsafe fn start(p: *const i32) -> __m256i {
        _mm256_loadu_si256(p.cast())
    }
    #[inline(always)]
    unsafe fn dot(sum: __m256i, a: __m256i, w: __m256i) -> __m256i {
        _mm256_dpbusd_avx_epi32(sum, a, w)
    }
    #[inline(always)]
    unsafe fn float(sum: __m256i) -> __m256 {
        _mm256_cvtepi32_ps(sum)
    }
    #[inline(always)]
    unsafe fn store(p: *mut i8, v: __m256) {
        _mm_storel_epi64(p.cast(), _mm_xor_si128(bytes256(v), _mm_set1_epi8(i8::MIN)));
    }
}

#[derive(Clone, Copy)]
pub(super) struct Avx512Dot;

impl Dot for Avx512Dot {
    type F = Avx512;
    type Sum = __m512i;
    type Bytes = __m512i;
    const ROWS: usize = 12;
    const OFFSET: i32 = 128;

    #[inline(always)]
    unsafe fn load(p: *const i8) -> __m512i {
        _mm512_loadu_si512(p.cast())
    }
    #[inline(always)]
    unsafe fn splat(p: *const i8) -> __m512i {
        _mm512_set1_epi32(p.cast::<i32>().read_unaligned())
    }
    #[inline(always)]
    unsafe fn start(p: *const i32) -> __m512i {
        _mm512_loadu_si512(p.cast())
    }
    #[inline(always)]
    unsafe fn dot(sum: __m512i, a: __m512i, w: __m512i) -> __m512i {
        _mm512_dpbusd_epi32(sum, a, w)
    }
    #[inline(always)]
    unsafe fn float(sum: __m512i) -> __m512 {
        _mm512_cvtepi32_ps(sum)
    }
    #[inline(always)]
    unsafe fn store(p: *mut i8, v: __m512) {
        let bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(v));
        _mm_storeu_si128(p.cast(), _mm_xor_si128(bytes, _mm_set1_epi8(i8::MIN)));
    }
}

/// [`Product`] in tiles of 32 rows and 32 columns.
///
/// # Safety
/// As [`Product`] says, `a` has rows up to a multiple of 16, and the CPU has AVX-512 VNNI and AMX with permission.
#[target_feature(enable = "avx512f,avx512vnni,avx2,fma")]
pub(super) unsafe fn product_amx(product: Product) {
    type D = Avx512Dot;
    let Product { a, kp, m, n, .. } = product;
    let mut sums = Sums::<i32>::zeros();
    let _tiles = amx::Tiles::configure();
    for j in (0..n).step_by(Avx512::NR) {
        let panel = product.panels.add(j * kp);
        let start = [D::start(product.start.add(j)), D::start(product.start.add(j + 16))];
        for i in (0..m).step_by(32) {
            let rows = (m - i).min(32);
            let next = panel.wrapping_add(32 * kp + i * 8 * (kp / 64));
            let a = a.add(i * kp).cast();
            amx::multiply_u8i8(a, kp, panel, kp / 64, rows > 16, sums.at(0), 128, false, next);
            for r in 0..rows {
                let row = Avx512::splat(*product.a_steps.add(i + r));
                let sums = sums.at(r);
                let s0 = D::float(_mm512_add_epi32(D::start(sums), start[0]));
                let s1 = D::float(_mm512_add_epi32(D::start(sums.add(16)), start[1]));
                let values = [product.finish::<D>(s0, row, j), product.finish::<D>(s1, row, j + 16)];
                product.store::<D>(i + r, j, values);
            }
        }
    }
}
