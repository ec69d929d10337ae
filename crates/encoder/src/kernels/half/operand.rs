//! Products of f32 matrices of any strides by way of bfloat16, for training.
//!
//! Both sides are rounded when they are brought into the order that the tiles want; sums are f32. The functions check
//! every extent, so that callers need no `unsafe`.

use super::{AHEAD, Half, HalfIsa, HalfJob, TILE};
use crate::kernels::buffer::{Buffer, Sums};
use crate::kernels::simd::Simd;

/// k that is taken at once: a panel's part of it and the rows that meet it stay near.
const DEPTH: usize = 512;

/// An f32 matrix somewhere in a slice: element `(i, j)` at `i * row + j * column`, of which one is 1.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub column: usize,
}

impl Source<'_> {
    fn check(&self, rows: usize, columns: usize) {
        assert!(self.row == 1 || self.column == 1, "rows or columns lie end to end");
        let last = rows.saturating_sub(1) * self.row + columns.saturating_sub(1) * self.column;
        assert!(rows == 0 || columns == 0 || last < self.data.len(), "the matrix lies within its slice");
    }
}

/// Rows `[m, k]` in bfloat16, padded with zeros to whole tiles.
#[derive(Debug, Default)]
pub struct HalfRows {
    values: Buffer<u16>,
    k: usize,
}

impl HalfRows {
    /// Rounds `m` rows of `k` of `source`, keeping the allocation.
    pub fn set(&mut self, isa: HalfIsa, source: Source<'_>, m: usize, k: usize) {
        source.check(m, k);
        let width = k.next_multiple_of(TILE);
        self.values.reserve(m.next_multiple_of(TILE) * width);
        self.k = k;
        // SAFETY: `source` was checked, and the values are as many as the job says.
        unsafe { isa.dispatch(SetRows { source, m, k, to: &mut self.values }) }
    }
}

struct SetRows<'a> {
    source: Source<'a>,
    m: usize,
    k: usize,
    to: &'a mut [u16],
}

impl HalfJob for SetRows<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let Self { source, m, k, to } = self;
        let width = k.next_multiple_of(TILE);
        let to = to.as_mut_ptr();
        if source.column == 1 {
            for i in 0..m {
                for j in (0..k).step_by(TILE) {
                    round::<H>(
                        &source.data[i * source.row + j..][..(k - j).min(TILE)],
                        to.add(i * width + j),
                    );
                }
            }
            for i in m..m.next_multiple_of(TILE) {
                std::ptr::write_bytes(to.add(i * width), 0, width);
            }
            return;
        }
        // Columns lie end to end: blocks of 32 steps by 32 rows are turned, two steps to a pair.
        let mut pairs = [[0u32; TILE]; TILE / 2];
        for j in (0..k).step_by(TILE) {
            for i in (0..m).step_by(TILE) {
                for (p, pairs) in pairs.iter_mut().enumerate() {
                    let mut two = [[0u16; TILE]; 2];
                    for (s, two) in two.iter_mut().enumerate() {
                        let step = j + 2 * p + s;
                        if step < k {
                            let at = step * source.column + i;
                            round::<H>(&source.data[at..][..(m - i).min(TILE)], two.as_mut_ptr());
                        }
                    }
                    H::interleave(two[0].as_ptr(), two[1].as_ptr(), pairs.as_mut_ptr().cast());
                }
                for half in [0, TILE / 2] {
                    let from = pairs.as_ptr().cast::<u32>().add(half);
                    H::transpose(from, TILE, to.add((i + half) * width + j).cast(), width / 2);
                }
            }
        }
    }
}

/// A right-hand side `[k, n]` in panels of 32 columns, `[k / 2][32][2]`, padded with zeros to whole tiles.
#[derive(Debug, Default)]
pub struct HalfPanels {
    values: Buffer<u16>,
    k: usize,
    n: usize,
}

impl HalfPanels {
    /// Room for `[k, n]`, whose panels are then filled by [`Self::fill`].
    pub fn reserve(&mut self, k: usize, n: usize) {
        self.values.reserve(k.next_multiple_of(TILE) * n.next_multiple_of(TILE));
        (self.k, self.n) = (k, n);
    }

    /// Columns of a panel.
    pub const WIDTH: usize = TILE;

    /// The panels, which may be filled on several threads.
    pub fn panels(&mut self) -> impl Iterator<Item = &mut [u16]> {
        self.values.chunks_exact_mut((TILE * self.k.next_multiple_of(TILE)).max(1))
    }

    /// Rounds columns `first..first + used` of `source` `[k, ..]` into one panel.
    pub fn fill(isa: HalfIsa, panel: &mut [u16], source: Source<'_>, k: usize, first: usize, used: usize) {
        source.check(k, first + used);
        assert_eq!(panel.len(), TILE * k.next_multiple_of(TILE), "the panel is [k, 32]");
        assert!(used <= TILE, "a panel has 32 columns");
        // SAFETY: as asserted.
        unsafe { isa.dispatch(Fill { source, k, first, used, panel }) }
    }
}

struct Fill<'a> {
    source: Source<'a>,
    k: usize,
    first: usize,
    used: usize,
    panel: &'a mut [u16],
}

impl HalfJob for Fill<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let Self { source, k, first, used, panel } = self;
        let panel = panel.as_mut_ptr();
        if source.column == 1 {
            for step in (0..k.next_multiple_of(TILE)).step_by(2) {
                let mut two = [[0u16; TILE]; 2];
                for (s, two) in two.iter_mut().enumerate() {
                    if step + s < k {
                        let at = (step + s) * source.row + first;
                        round::<H>(&source.data[at..][..used], two.as_mut_ptr());
                    }
                }
                H::interleave(two[0].as_ptr(), two[1].as_ptr(), panel.add(step * TILE));
            }
            return;
        }
        let mut block = [[0u16; TILE]; TILE];
        for step in (0..k).step_by(TILE) {
            for (i, row) in block.iter_mut().enumerate().take(used) {
                let at = (first + i) * source.column + step;
                round::<H>(&source.data[at..][..(k - step).min(TILE)], row.as_mut_ptr());
            }
            for half in [0, TILE / 2] {
                let from = block[half..].as_ptr().cast();
                H::transpose(from, TILE / 2, panel.add(step * TILE + 2 * half).cast(), TILE);
            }
        }
    }
}

/// Rounds up to 32 values to the nearest and pads with zeros.
#[inline(always)]
unsafe fn round<H: Half>(from: &[f32], to: *mut u16) {
    let mut padded = [0.0f32; TILE];
    let from = if from.len() == TILE {
        from.as_ptr()
    } else {
        padded[..from.len()].copy_from_slice(from);
        padded.as_ptr()
    };
    for i in (0..TILE).step_by(H::F::LANES) {
        H::store(to.add(i), H::F::load(from.add(i)));
    }
}

/// `c[m, n] = a * b`, or `c += a * b` if `add`; rows of `c` are `stride` apart.
pub fn multiply(
    isa: HalfIsa,
    a: &HalfRows,
    m: usize,
    b: &HalfPanels,
    c: &mut [f32],
    stride: usize,
    add: bool,
) {
    assert_eq!(a.k, b.k, "both have the same k");
    assert!(m == 0 || b.n == 0 || c.len() >= (m - 1) * stride + b.n && stride >= b.n, "c is [m, n]");
    let width = a.k.next_multiple_of(TILE);
    assert!(m.next_multiple_of(TILE) * width <= a.values.len(), "a is [m, k]");
    if b.k == 0 {
        if !add && b.n > 0 {
            c.chunks_mut(stride).take(m).for_each(|row| row[..b.n].fill(0.0));
        }
        return;
    }
    // SAFETY: as asserted; the panels are as many as `reserve` made room for.
    unsafe { isa.dispatch(Multiply { a, m, b, c, stride, add }) }
}

struct Multiply<'a> {
    a: &'a HalfRows,
    m: usize,
    b: &'a HalfPanels,
    c: &'a mut [f32],
    stride: usize,
    add: bool,
}

impl HalfJob for Multiply<'_> {
    #[inline(always)]
    unsafe fn run<H: Half>(self) {
        let Self { a, m, b, c, stride, add } = self;
        let kp = b.k.next_multiple_of(TILE);
        let (rows, panels) = (a.values.as_ptr(), b.values.as_ptr());
        let mut sums = Sums::<f32>::zeros();
        let _guard = H::begin();
        for k in (0..kp).step_by(DEPTH) {
            let steps = (kp - k).min(DEPTH) / TILE;
            let more = add || k > 0;
            for j in (0..b.n).step_by(TILE) {
                let panel = panels.add(j * kp + k * TILE);
                let columns = (b.n - j).min(TILE);
                for i in (0..m).step_by(TILE) {
                    let a = rows.add(i * kp + k);
                    let used = (m - i).min(TILE);
                    let next = panel.wrapping_add(TILE * kp + i * (AHEAD / TILE) * steps);
                    if columns == TILE && used.is_multiple_of(TILE / 2) {
                        let c = c.as_mut_ptr().add(i * stride + j);
                        H::multiply(a, kp, panel, steps, used, c, stride, more, next);
                        continue;
                    }
                    H::multiply(a, kp, panel, steps, used, sums.at(0), TILE, false, next);
                    for r in 0..used {
                        let sums = std::slice::from_raw_parts(sums.at(r), columns);
                        let c = &mut c[(i + r) * stride + j..][..columns];
                        if more {
                            c.iter_mut().zip(sums).for_each(|(c, s)| *c += s);
                        } else {
                            c.copy_from_slice(sums);
                        }
                    }
                }
            }
        }
    }
}
