//! One small vocabulary of vector operations, spoken by AVX-512, AVX2 with FMA, and plain Rust.
//!
//! Every kernel is written once over [`Simd`] and compiled once for each instruction set inside a function
//! that enables it ([`Isa::dispatch`]), as the `pulp` crate does. All of a kernel has to be `inline(always)`,
//! or the intrinsics are called instead of inlined.

use std::fmt;

/// Vector operations on `LANES` floats.
///
/// # Safety
/// Every function may be called only where the CPU has the instruction set, which [`Isa::dispatch`] sees to.
/// Pointers must be valid for `LANES` floats, or for `n` in the `_part` functions; no alignment is needed.
pub(super) trait Simd: Copy {
    const LANES: usize;
    /// Rows of the matrix-product tile, so that `2 * MR` accumulators, two columns and one broadcast fit the
    /// registers.
    const MR: usize;
    /// Columns of the tile and of a packed panel.
    const NR: usize = 2 * Self::LANES;
    type V: Copy;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    /// The first `n < LANES` floats, the rest `fill`.
    unsafe fn load_part(p: *const f32, n: usize, fill: f32) -> Self::V;
    /// Stores the first `n < LANES` floats.
    unsafe fn store_part(p: *mut f32, v: Self::V, n: usize);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// To the nearest integer.
    unsafe fn round(v: Self::V) -> Self::V;
    /// `2^n` for integers between -126 and 127.
    unsafe fn pow2(n: Self::V) -> Self::V;
    unsafe fn sum(v: Self::V) -> f32;
    /// Asks for the cache line of `p`, which need not be valid, into the second-level cache.
    unsafe fn prefetch(p: *const f32);
    unsafe fn highest(v: Self::V) -> f32;
}

/// Work that is compiled for each instruction set.
pub(super) trait Job {
    /// # Safety
    /// The CPU has the instruction set of `S`, and the job's pointers are valid as it says. Implementations
    /// are `inline(always)`.
    unsafe fn run<S: Simd>(self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this CPU has: a value can only come from detection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Kind);

impl Isa {
    /// The widest that this CPU has.
    pub fn best() -> Self {
        *Self::available().last().expect("portable is always there")
    }

    /// All that this CPU has, the widest last.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut found = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self(Kind::Avx2));
                if is_x86_feature_detected!("avx512f") {
                    found.push(Self(Kind::Avx512));
                }
            }
        }
        found
    }

    /// Columns of a packed panel.
    pub(super) fn panel(self) -> usize {
        match self.0 {
            Kind::Portable => Portable::NR,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => super::x86::Avx2::NR,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => super::x86::Avx512::NR,
        }
    }

    /// # Safety
    /// What the job itself asks of its pointers. The instruction set is no concern of the caller: a kind other
    /// than portable is only ever made after the CPU was found to have it.
    pub(super) unsafe fn dispatch<J: Job>(self, job: J) {
        match self.0 {
            Kind::Portable => job.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => super::x86::run_avx2(job),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => super::x86::run_avx512(job),
        }
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Four lanes in plain Rust, which the compiler turns into the baseline vectors of the target (SSE2, NEON).
#[derive(Clone, Copy)]
pub(super) struct Portable;

macro_rules! lanewise {
    ($a:ident, $b:ident, $e:expr) => {{
        let mut out = [0.0f32; 4];
        for i in 0..4 {
            let ($a, $b) = ($a[i], $b[i]);
            out[i] = $e;
        }
        out
    }};
}

impl Simd for Portable {
    const LANES: usize = 4;
    const MR: usize = 4;
    type V = [f32; 4];

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        p.cast::<[f32; 4]>().read_unaligned()
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        p.cast::<[f32; 4]>().write_unaligned(v);
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize, fill: f32) -> Self::V {
        let mut v = [fill; 4];
        std::ptr::copy_nonoverlapping(p, v.as_mut_ptr(), n);
        v
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: Self::V, n: usize) {
        std::ptr::copy_nonoverlapping(v.as_ptr(), p, n);
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, a * b)
    }
    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, a / b)
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V {
        lanewise!(a, b, if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `mul_add`: without FMA in the target that is a library call for each lane.
        let p = Self::mul(a, b);
        Self::add(p, c)
    }
    #[inline(always)]
    unsafe fn round(v: Self::V) -> Self::V {
        // Adding and taking away 1.5 * 2^23 leaves no room for a fraction.
        const MAGIC: f32 = 12_582_912.0;
        v.map(|x| (x + MAGIC) - MAGIC)
    }
    #[inline(always)]
    unsafe fn pow2(n: Self::V) -> Self::V {
        n.map(|x| f32::from_bits(((x as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> f32 {
        (v[0] + v[2]) + (v[1] + v[3])
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn highest(v: Self::V) -> f32 {
        v[0].max(v[1]).max(v[2].max(v[3]))
    }
}
