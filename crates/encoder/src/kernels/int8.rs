//! Linear layers in 8 bits: weights once per output channel, activations per row as they come.
//!
//! Both are symmetric, -127 to 127 times a step: no zero point, and the same integers on every instruction set.
//! Sums are exact in 32 bits. Where the instruction takes unsigned activations they are stored with 128 added, and
//! the sum of the channel's weights is taken away 128 times beforehand.
//! Weights lie in panels of `NR` columns, groups of four k together: `panel[k / 4][NR][4]`.

use super::buffer::Buffer;
use super::simd::{Portable, Simd};
use std::fmt;

/// k is padded to this, the bytes of a tile's row.
const STEP: usize = 64;

/// Sums of four products of bytes in each lane.
///
/// # Safety
/// As for [`Simd`]; [`Int8Isa::dispatch`] sees to the instruction set.
pub(super) trait Dot: Copy {
    /// The floats beside them, with as many lanes.
    type F: Simd;
    /// `LANES` sums.
    type Sum: Copy;
    /// `LANES` groups of four bytes.
    type Bytes: Copy;
    /// Rows of the tile.
    const ROWS: usize;
    /// What is added to each activation before it is stored.
    const OFFSET: i32;

    unsafe fn load(p: *const i8) -> Self::Bytes;
    /// The same four bytes in every lane.
    unsafe fn splat(p: *const i8) -> Self::Bytes;
    unsafe fn start(p: *const i32) -> Self::Sum;
    /// `sum + a * w`, exact for activations as [`Dot::store`] leaves them and weights from -127.
    unsafe fn dot(sum: Self::Sum, a: Self::Bytes, w: Self::Bytes) -> Self::Sum;
    unsafe fn float(sum: Self::Sum) -> <Self::F as Simd>::V;
    /// Rounds to the nearest, adds the offset and stores `LANES` bytes. Values lie between -127 and 127; what is
    /// not a number is stored as anything.
    unsafe fn store(p: *mut i8, v: <Self::F as Simd>::V);
}

/// Work that is compiled for each instruction set.
pub(super) trait DotJob {
    /// # Safety
    /// As for [`super::simd::Job::run`].
    unsafe fn run<D: Dot>(self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    Amx,
}

/// A way to multiply bytes that this CPU has: a value can only come from detection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Int8Isa(Kind);

impl Int8Isa {
    /// The fastest that this CPU has.
    pub fn best() -> Self {
        *Self::available().last().expect("portable is always there")
    }

    /// All that this CPU has, the fastest last.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut found = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            found.push(Self(Kind::Avx2));
            if is_x86_feature_detected!("avxvnni") {
                found.push(Self(Kind::AvxVnni));
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                found.push(Self(Kind::Avx512Vnni));
                if super::amx::Amx::get().is_some() {
                    found.push(Self(Kind::Amx));
                }
            }
        }
        found
    }

    /// Whether there is an instruction for it: without one, floats are as fast.
    pub fn is_native(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return !matches!(self.0, Kind::Portable | Kind::Avx2);
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    fn panel(self) -> usize {
        match self.0 {
            Kind::Portable => Portable::NR,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni => super::x86::Avx2::NR,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni | Kind::Amx => super::x86::Avx512::NR,
        }
    }

    fn offset(self) -> i32 {
        match self.0 {
            Kind::Portable => <Portable as Dot>::OFFSET,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => super::x86_int8::Avx2Dot::OFFSET,
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => super::x86_int8::AvxVnniDot::OFFSET,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni | Kind::Amx => super::x86_int8::Avx512Dot::OFFSET,
        }
    }

    /// # Safety
    /// What the job itself asks of its pointers; the instruction set is there, or the kind would not be.
    unsafe fn dispatch<J: DotJob>(self, job: J) {
        match self.0 {
            Kind::Portable => job.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => super::x86_int8::run_avx2(job),
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => super::x86_int8::run_avxvnni(job),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni | Kind::Amx => super::x86_int8::run_avx512(job),
        }
    }
}

impl fmt::Debug for Int8Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Rows of activations in 8 bits.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// `[m, kp]`.
    values: Buffer<i8>,
    /// What a step is worth in each row.
    steps: Vec<f32>,
}

/// A linear layer's weights in 8 bits, packed for one instruction set.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    isa: Int8Isa,
    n: usize,
    k: usize,
    /// k, padded with zeros.
    kp: usize,
    panels: Buffer<i8>,
    /// Minus the offset's share of each channel.
    start: Buffer<i32>,
    steps: Buffer,
    bias: Buffer,
}

impl Packed {
    /// Quantises and packs `weight` `[n, k]` (a Linear layer's layout) and `bias` `[n]`. A channel with a weight
    /// that is not finite gives NaN.
    ///
    /// # Panics
    /// If the lengths do not fit, or a sum over k could leave 32 bits.
    pub fn new(isa: Int8Isa, weight: &[f32], bias: &[f32], n: usize, k: usize) -> Self {
        assert_eq!(weight.len(), n * k, "weight is [n, k]");
        assert_eq!(bias.len(), n, "bias is [n]");
        assert!(k < 60_000, "sums of {k} products may leave 32 bits");
        let width = isa.panel();
        let np = n.div_ceil(width) * width;
        let kp = k.div_ceil(STEP).max(1) * STEP;
        let mut panels = Buffer::zeros(np * kp);
        let mut start = Buffer::zeros(np);
        let mut steps = Buffer::zeros(np);
        for (j, row) in weight.chunks_exact(k).enumerate() {
            let step = step(row);
            let inverse = inverse(step);
            steps[j] = step;
            let panel: &mut [i8] = &mut panels[(j / width) * width * kp..][..width * kp];
            let mut sum = 0;
            for (i, &value) in row.iter().enumerate() {
                let q = (value * inverse).round_ties_even().clamp(-127.0, 127.0) as i8;
                sum += i32::from(q);
                panel[(i / 4) * width * 4 + (j % width) * 4 + i % 4] = q;
            }
            start[j] = -isa.offset() * sum;
        }
        let mut padded = Buffer::zeros(np);
        padded[..n].copy_from_slice(bias);
        Self { isa, n, k, kp, panels, start, steps, bias: padded }
    }

    /// `out[m, n] = x[m, k] * weight^T + bias`. A row of `x` that holds what is not finite gives a row of NaN.
    ///
    /// # Panics
    /// If the lengths do not fit.
    pub fn apply(&self, x: &[f32], out: &mut [f32], rows: &mut Rows) {
        let m = x.len() / self.k;
        assert_eq!(x.len(), m * self.k, "x is [m, k]");
        assert_eq!(out.len(), m * self.n, "out is [m, n]");
        // Tiles take sixteen rows at a time; the last ones may be left over from before.
        rows.values.reserve(m.next_multiple_of(16) * self.kp);
        rows.steps.resize(m, 0.0);
        let quantise = Quantise {
            x: x.as_ptr(),
            out: rows.values.as_mut_ptr(),
            steps: rows.steps.as_mut_ptr(),
            m,
            k: self.k,
            kp: self.kp,
        };
        // SAFETY: `x` is [m, k], `values` has at least m rows of kp bytes and `steps` m floats.
        unsafe { self.isa.dispatch(quantise) };
        let product = Product {
            a: rows.values.as_ptr(),
            a_steps: rows.steps.as_ptr(),
            kp: self.kp,
            panels: self.panels.as_ptr(),
            start: self.start.as_ptr(),
            steps: self.steps.as_ptr(),
            bias: self.bias.as_ptr(),
            c: out.as_mut_ptr(),
            m,
            n: self.n,
        };
        #[cfg(target_arch = "x86_64")]
        if self.isa.0 == Kind::Amx {
            // SAFETY: `product` is as it says, `values` has rows up to a multiple of 16, and the tiles are there
            // or the kind would not be.
            return unsafe { super::x86_int8::product_amx(product) };
        }
        // SAFETY: the lengths of `x` and `out` were checked, those of the packed parts follow from `new`.
        unsafe { self.isa.dispatch(product) }
    }
}

/// What one of 127 steps is worth so that all of `row` fits; NaN if anything in it is not finite.
fn step(row: &[f32]) -> f32 {
    let mut largest = 0.0f32;
    let mut poison = 0.0f32;
    for v in row {
        largest = largest.max(v.abs());
        poison += v * 0.0;
    }
    largest / 127.0 + poison
}

/// One over a step; 0 for rows of zeros and those too small to divide by.
fn inverse(step: f32) -> f32 {
    let inverse = 1.0 / step;
    if inverse.is_finite() { inverse } else { 0.0 }
}

/// Rows `[m, k]` at `x` to bytes `[m, kp]` at `out`, with what a step is worth in each at `steps`.
struct Quantise {
    x: *const f32,
    out: *mut i8,
    steps: *mut f32,
    m: usize,
    k: usize,
    kp: usize,
}

impl DotJob for Quantise {
    #[inline(always)]
    unsafe fn run<D: Dot>(self) {
        let lanes = D::F::LANES;
        let full = self.k / lanes * lanes;
        let rest = self.k - full;
        let zero = D::F::splat(0.0);
        for i in 0..self.m {
            let x = self.x.add(i * self.k);
            let out = self.out.add(i * self.kp);
            let (mut high, mut low, mut poison) = (zero, zero, zero);
            for j in (0..full).step_by(lanes) {
                let v = D::F::load(x.add(j));
                high = D::F::max(high, v);
                low = D::F::min(low, v);
                poison = D::F::fma(v, zero, poison);
            }
            if rest > 0 {
                let v = D::F::load_part(x.add(full), rest, 0.0);
                high = D::F::max(high, v);
                low = D::F::min(low, v);
                poison = D::F::fma(v, zero, poison);
            }
            let largest = D::F::highest(D::F::max(high, D::F::sub(zero, low)));
            let step = largest / 127.0 + D::F::sum(poison);
            *self.steps.add(i) = step;
            let inverse = D::F::splat(inverse(step));
            for j in (0..full).step_by(lanes) {
                D::store(out.add(j), D::F::mul(D::F::load(x.add(j)), inverse));
            }
            // The padded tail meets weights of zero, so that only its being initialised counts.
            let mut j = full;
            if rest > 0 {
                D::store(out.add(j), D::F::mul(D::F::load_part(x.add(full), rest, 0.0), inverse));
                j += lanes;
            }
            while j < self.kp {
                D::store(out.add(j), zero);
                j += lanes;
            }
        }
    }
}

/// A product by pointers: `a` `[m, kp]` with a step each row, `c` `[m, n]`, panels and what goes with their columns.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub a: *const i8,
    pub a_steps: *const f32,
    pub kp: usize,
    pub panels: *const i8,
    pub start: *const i32,
    pub steps: *const f32,
    pub bias: *const f32,
    pub c: *mut f32,
    pub m: usize,
    pub n: usize,
}

impl DotJob for Product {
    #[inline(always)]
    unsafe fn run<D: Dot>(self) {
        let width = D::F::NR;
        for j in (0..self.n).step_by(width) {
            let mut i = 0;
            while i < self.m {
                let left = self.m - i;
                i += if D::ROWS == 12 && left >= 12 {
                    self.tile::<D, 12>(i, j)
                } else if D::ROWS == 12 && left >= 8 {
                    self.tile::<D, 8>(i, j)
                } else if D::ROWS == 6 && left >= 6 {
                    self.tile::<D, 6>(i, j)
                } else if left >= 4 {
                    self.tile::<D, 4>(i, j)
                } else if left >= 2 {
                    self.tile::<D, 2>(i, j)
                } else {
                    self.tile::<D, 1>(i, j)
                };
            }
        }
    }
}

impl Product {
    /// Computes `R` rows from `i` of the panel at column `j` and returns `R`.
    #[inline(always)]
    unsafe fn tile<D: Dot, const R: usize>(&self, i: usize, j: usize) -> usize {
        let (lanes, width) = (D::F::LANES, D::F::NR);
        let panel = self.panels.add(j * self.kp);
        let a = self.a.add(i * self.kp);
        let mut acc = [[D::start(self.start.add(j)), D::start(self.start.add(j + lanes))]; R];
        for k in 0..self.kp / 4 {
            let w0 = D::load(panel.add(k * width * 4));
            let w1 = D::load(panel.add((k * width + lanes) * 4));
            // As in the product of floats: the next panel is far away.
            D::F::prefetch(panel.wrapping_add((self.kp + k * 4) * width).cast());
            for (r, row) in acc.iter_mut().enumerate() {
                let a = D::splat(a.add(r * self.kp + k * 4));
                row[0] = D::dot(row[0], a, w0);
                row[1] = D::dot(row[1], a, w1);
            }
        }
        for (r, sums) in acc.iter().enumerate() {
            let row = D::F::splat(*self.a_steps.add(i + r));
            let finish = [
                self.finish::<D>(D::float(sums[0]), row, j),
                self.finish::<D>(D::float(sums[1]), row, j + lanes),
            ];
            self.store::<D>(i + r, j, finish);
        }
        R
    }

    /// Sums to values: times what a step of the row and of the column is worth, and the bias.
    #[inline(always)]
    pub(super) unsafe fn finish<D: Dot>(
        &self,
        sums: <D::F as Simd>::V,
        row: <D::F as Simd>::V,
        j: usize,
    ) -> <D::F as Simd>::V {
        let steps = D::F::mul(row, D::F::load(self.steps.add(j)));
        D::F::fma(sums, steps, D::F::load(self.bias.add(j)))
    }

    /// Stores a panel's worth of values of row `i` from column `j`, as far as there are columns.
    #[inline(always)]
    pub(super) unsafe fn store<D: Dot>(&self, i: usize, j: usize, values: [<D::F as Simd>::V; 2]) {
        let lanes = D::F::LANES;
        let c = self.c.add(i * self.n + j);
        for (part, value) in values.into_iter().enumerate() {
            let left = (self.n - j).saturating_sub(part * lanes);
            if left >= lanes {
                D::F::store(c.add(part * lanes), value);
            } else if left > 0 {
                D::F::store_part(c.add(part * lanes), value, left);
            }
        }
    }
}

impl Dot for Portable {
    type F = Self;
    type Sum = [i32; 4];
    type Bytes = [[i8; 4]; 4];
    const ROWS: usize = 4;
    const OFFSET: i32 = 0;

    #[inline(always)]
    unsafe fn load(p: *const i8) -> Self::Bytes {
        p.cast::<Self::Bytes>().read_unaligned()
    }
    #[inline(always)]
    unsafe fn splat(p: *const i8) -> Self::Bytes {
        [p.cast::<[i8; 4]>().read_unaligned(); 4]
    }
    #[inline(always)]
    unsafe fn start(p: *const i32) -> Self::Sum {
        p.cast::<Self::Sum>().read_unaligned()
    }
    #[inline(always)]
    unsafe fn dot(mut sum: Self::Sum, a: Self::Bytes, w: Self::Bytes) -> Self::Sum {
        for (sum, (a, w)) in sum.iter_mut().zip(a.iter().zip(&w)) {
            for (a, w) in a.iter().zip(w) {
                *sum += i32::from(*a) * i32::from(*w);
            }
        }
        sum
    }
    #[inline(always)]
    unsafe fn float(sum: Self::Sum) -> [f32; 4] {
        sum.map(|v| v as f32)
    }
    #[inline(always)]
    unsafe fn store(p: *mut i8, v: [f32; 4]) {
        p.cast::<[i8; 4]>().write_unaligned(v.map(|v| v.round_ties_even() as i8));
    }
}
