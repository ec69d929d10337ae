//! Matrix products of any strides: `C[m, n] (+)= A[m, k] * B[k, n]`.
//!
//! B is packed once into panels of `NR` columns, `panel[k][NR]`, and shared by the threads that each take some rows
//! of A; A is packed a block at a time into panels of `MR` rows, `panel[k][MR]`. A tile of `MR` by `NR` is kept in
//! registers over a block of k. Goto and van de Geijn 2008, <https://doi.org/10.1145/1356052.1356053>.

use crate::kernels::HalfIsa;
use crate::kernels::operand::{self, HalfPanels, HalfRows, Source};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::cell::RefCell;

/// Steps of k that a tile takes at once: its panels of A and B then lie in the first-level cache.
const STEPS: usize = 192;
/// Panels of A that are packed at once, so that they lie in the second-level cache.
const PANELS: usize = 12;

thread_local! {
    static PACKED_ROWS: RefCell<Lines> = RefCell::default();
    static HALF_ROWS: RefCell<HalfRows> = RefCell::default();
    static PACKED_COLUMNS: RefCell<Lines> = RefCell::default();
}

/// A matrix somewhere in a slice: element `(i, j)` at `i * row + j * column`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub column: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `width` end to end.
    pub fn rows(data: &'a [f32], width: usize) -> Self {
        Self { data, row: width, column: 1 }
    }

    /// The transpose of rows of `width` end to end.
    pub fn columns(data: &'a [f32], width: usize) -> Self {
        Self { data, row: 1, column: width }
    }
}

/// Where a product goes: rows of `n`, `stride` apart.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub data: &'a mut [f32],
    pub stride: usize,
    /// Add to what is there instead of replacing it.
    pub add: bool,
}

/// Panels of a right-hand side `[k, n]`.
#[derive(Debug)]
pub(super) struct Packed {
    n: usize,
    k: usize,
    panels: Panels,
}

#[derive(Debug)]
enum Panels {
    Float(Lines),
    Half(HalfIsa, HalfPanels),
}

/// Floats from a cache line's beginning on: a vector that straddles two lines costs two loads.
#[derive(Debug, Default)]
struct Lines {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Lines {
    /// `len` floats, zero or what was there.
    fn reserve(&mut self, len: usize) -> &mut [f32] {
        if self.values.len() < len + 16 {
            self.values = vec![0.0; len + 16];
            self.start = self.values.as_ptr().align_offset(64).min(16);
        }
        self.len = len;
        &mut self.values[self.start..self.start + len]
    }

    fn get(&self) -> &[f32] {
        &self.values[self.start..self.start + self.len]
    }
}

impl Packed {
    /// Packs `source` `[k, n]`, on all threads; in bfloat16 where `half` says how to multiply it.
    pub fn new(half: Option<HalfIsa>, source: Matrix<'_>, k: usize, n: usize) -> Self {
        Self::stack(half, &[source], k, n)
    }

    /// Packs sources `[k, n]` side by side.
    pub fn stack(half: Option<HalfIsa>, sources: &[Matrix<'_>], k: usize, n: usize) -> Self {
        let all = n * sources.len();
        if let Some(isa) = half {
            let mut panels = HalfPanels::default();
            panels.reserve(k, all);
            let width = HalfPanels::WIDTH;
            let list: Vec<&mut [u16]> = panels.panels().collect();
            list.into_par_iter().enumerate().for_each(|(j, panel)| {
                let (first, used) = (j * width, (all - j * width).min(width));
                if first / n == (first + used - 1) / n {
                    let Matrix { data, row, column } = sources[first / n];
                    HalfPanels::fill(isa, panel, Source { data, row, column }, k, first % n, used);
                } else {
                    // Of several sources: columns one after the other.
                    let mut columns = vec![0.0; k * used];
                    for (i, column) in columns.chunks_exact_mut(k.max(1)).enumerate() {
                        let source = sources[(first + i) / n];
                        let at = (first + i) % n * source.column;
                        for (step, out) in column.iter_mut().enumerate() {
                            *out = source.data[at + step * source.row];
                        }
                    }
                    HalfPanels::fill(isa, panel, Source { data: &columns, row: 1, column: k }, k, 0, used);
                }
            });
            return Self { n: all, k, panels: Panels::Half(isa, panels) };
        }
        let width = tile().1;
        let mut panels = Lines::default();
        let values = panels.reserve(all.div_ceil(width) * width * k);
        if k > 0 {
            values.par_chunks_mut(width * k).enumerate().for_each(|(j, panel)| {
                let mut at = 0;
                while at < width && j * width + at < all {
                    let column = j * width + at;
                    let used = (width - at).min(n - column % n);
                    pack(sources[column / n], panel, at, column % n, used, width, 0);
                    at += used;
                }
            });
        }
        Self { n: all, k, panels: Panels::Float(panels) }
    }
}

/// `target = a * b` for `m` rows of `a` `[m, k]`, on this thread.
pub(super) fn multiply(a: Matrix<'_>, m: usize, b: &Packed, target: Target<'_>) {
    match &b.panels {
        Panels::Float(panels) => PACKED_ROWS.with_borrow_mut(|scratch| {
            run(a, m, panels.get(), b.k, b.n, target, scratch);
        }),
        Panels::Half(isa, panels) => HALF_ROWS.with_borrow_mut(|rows| {
            let Matrix { data, row, column } = a;
            rows.set(*isa, Source { data, row, column }, m, b.k);
            operand::multiply(*isa, rows, m, panels, target.data, target.stride, target.add);
        }),
    }
}

/// As [`multiply`] with an unpacked `b` `[k, n]`, for small products.
pub(super) fn multiply_small(a: Matrix<'_>, b: Matrix<'_>, m: usize, n: usize, k: usize, target: Target<'_>) {
    let width = tile().1;
    PACKED_COLUMNS.with_borrow_mut(|panels| {
        let panels = panels.reserve(n.div_ceil(width) * width * k);
        if k > 0 {
            for (j, panel) in panels.chunks_exact_mut(width * k).enumerate() {
                pack(b, panel, 0, j * width, (n - j * width).min(width), width, 0);
            }
        }
        PACKED_ROWS.with_borrow_mut(|scratch| run(a, m, panels, k, n, target, scratch));
    });
}

/// Whole product on all threads, into rows end to end.
pub(super) fn multiply_wide(a: Matrix<'_>, m: usize, b: &Packed, out: &mut [f32]) {
    let n = b.n;
    assert_eq!(out.len(), m * n, "out is [m, n]");
    if n == 0 {
        return;
    }
    // A multiple of both tiles' heights.
    let block = 96;
    out.par_chunks_mut(block * n).enumerate().for_each(|(i, out)| {
        let a = Matrix { data: &a.data[(i * block * a.row).min(a.data.len())..], ..a };
        let rows = out.len() / n;
        multiply(a, rows, b, Target { data: out, stride: n, add: false });
    });
}

/// Copies columns `first..first + used` of `source` (its rows for a left-hand side, which comes turned) from step
/// `from` on into columns `at..` of `panel[k][width]`.
fn pack(
    source: Matrix<'_>,
    panel: &mut [f32],
    at: usize,
    first: usize,
    used: usize,
    width: usize,
    from: usize,
) {
    let Matrix { data, row, column } = source;
    let steps = panel.len() / width;
    if column == 1 {
        // Copies of constant length are moves instead of calls.
        match (used == width, width) {
            (true, 32) => copy_steps::<32>(data, panel, row, from * row + first),
            (true, 16) => copy_steps::<16>(data, panel, row, from * row + first),
            (true, 12) => copy_steps::<12>(data, panel, row, from * row + first),
            (true, 6) => copy_steps::<6>(data, panel, row, from * row + first),
            _ => {
                for (step, out) in panel.chunks_exact_mut(width).enumerate() {
                    let start = (from + step) * row + first;
                    out[at..at + used].copy_from_slice(&data[start..start + used]);
                }
            }
        }
    } else if row == 1 {
        let line = |i: usize| &data[(first + i) * column + from..][..steps];
        let fours = used / 4 * 4;
        for i in (0..fours).step_by(4) {
            turn(std::array::from_fn(|r| line(i + r)), &mut panel[at + i..], width);
        }
        for i in fours..used {
            for (out, &value) in panel[at + i..].iter_mut().step_by(width).zip(line(i)) {
                *out = value;
            }
        }
    } else {
        for (step, out) in panel.chunks_exact_mut(width).enumerate() {
            for (i, out) in out[at..at + used].iter_mut().enumerate() {
                *out = data[(from + step) * row + (first + i) * column];
            }
        }
    }
}

/// Four rows to the first four columns of rows of `width`, by blocks of four by four.
fn turn(lines: [&[f32]; 4], panel: &mut [f32], width: usize) {
    let blocks = lines.map(|line| line.as_chunks::<4>());
    let steps = lines[0].len();
    for step in 0..steps / 4 {
        let rows: [[f32; 4]; 4] = std::array::from_fn(|r| blocks[r].0[step]);
        for c in 0..4 {
            let out = &mut panel[(4 * step + c) * width..][..4];
            out.copy_from_slice(&[rows[0][c], rows[1][c], rows[2][c], rows[3][c]]);
        }
    }
    for step in steps / 4 * 4..steps {
        for (r, line) in lines.iter().enumerate() {
            panel[step * width + r] = line[step];
        }
    }
}

fn copy_steps<const W: usize>(data: &[f32], panel: &mut [f32], row: usize, start: usize) {
    for (step, out) in panel.as_chunks_mut::<W>().0.iter_mut().enumerate() {
        let at = start + step * row;
        out.copy_from_slice(&data[at..at + W]);
    }
}

/// Rows and columns of a tile here.
pub(super) fn tile() -> (usize, usize) {
    struct Ask;
    impl WithSimd for Ask {
        type Output = (usize, usize);
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
            (height::<S>(), 2 * S::F32_LANES)
        }
    }
    Arch::new().dispatch(Ask)
}

/// So many rows that the accumulators, two vectors of columns and a broadcast fit the registers.
const fn height<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 12 } else { 6 }
}

fn run(a: Matrix<'_>, m: usize, panels: &[f32], k: usize, n: usize, target: Target<'_>, scratch: &mut Lines) {
    assert!(m == 0 || n == 0 || target.data.len() >= (m - 1) * target.stride + n, "target is [m, n]");
    if k == 0 {
        if !target.add && n > 0 {
            target.data.chunks_mut(target.stride).take(m).for_each(|row| row[..n].fill(0.0));
        }
        return;
    }
    Arch::new().dispatch(Run { a, m, panels, k, n, target, scratch });
}

struct Run<'a> {
    a: Matrix<'a>,
    m: usize,
    panels: &'a [f32],
    k: usize,
    n: usize,
    target: Target<'a>,
    scratch: &'a mut Lines,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if height::<S>() == 12 { self.tiles::<S, 12>(simd) } else { self.tiles::<S, 6>(simd) }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const MR: usize>(self, simd: S) {
        let Self { a, m, panels, k, n, target, scratch } = self;
        let width = 2 * S::F32_LANES;
        let turned = Matrix { data: a.data, row: a.column, column: a.row };
        for from in (0..k).step_by(STEPS) {
            let steps = STEPS.min(k - from);
            let add = target.add || from > 0;
            for top in (0..m).step_by(MR * PANELS) {
                let rows = (MR * PANELS).min(m - top);
                let blocks = rows.div_ceil(MR);
                let packed = scratch.reserve(blocks * MR * steps);
                for (i, panel) in packed.chunks_exact_mut(MR * steps).enumerate() {
                    let used = (rows - i * MR).min(MR);
                    if used < MR {
                        panel.fill(0.0);
                    }
                    pack(turned, panel, 0, top + i * MR, used, MR, from);
                }
                for (j, panel) in panels.chunks_exact(width * k).enumerate() {
                    let b = &panel[from * width..(from + steps) * width];
                    let columns = width.min(n - j * width);
                    for (i, a) in packed.chunks_exact(MR * steps).enumerate() {
                        let rows = MR.min(rows - i * MR);
                        let c = &mut target.data[(top + i * MR) * target.stride + j * width..];
                        let sums = panel_product::<S, MR>(simd, a, b);
                        store::<S, MR>(simd, sums, c, target.stride, rows, columns, add);
                    }
                }
            }
        }
    }
}

type Tile<S, const MR: usize> = [[<S as Simd>::f32s; 2]; MR];

/// A tile from a panel of A, `[steps][MR]`, and one of B.
#[inline(always)]
fn panel_product<S: Simd, const MR: usize>(simd: S, a: &[f32], b: &[f32]) -> Tile<S, MR> {
    let mut sums = [[simd.splat_f32s(0.0); 2]; MR];
    let (b, _) = S::as_simd_f32s(b);
    for (a, b) in a.as_chunks::<MR>().0.iter().zip(b.as_chunks::<2>().0) {
        for i in 0..MR {
            let value = simd.splat_f32s(a[i]);
            sums[i][0] = simd.mul_add_f32s(value, b[0], sums[i][0]);
            sums[i][1] = simd.mul_add_f32s(value, b[1], sums[i][1]);
        }
    }
    sums
}

#[inline(always)]
fn store<S: Simd, const MR: usize>(
    simd: S,
    sums: Tile<S, MR>,
    c: &mut [f32],
    stride: usize,
    rows: usize,
    columns: usize,
    add: bool,
) {
    let lanes = S::F32_LANES;
    for (i, sums) in sums.iter().enumerate() {
        if i == rows {
            break;
        }
        let row = &mut c[i * stride..][..columns];
        if columns == 2 * lanes {
            let (row, _) = S::as_mut_simd_f32s(row);
            for (out, &sum) in row.iter_mut().zip(sums) {
                *out = if add { simd.add_f32s(*out, sum) } else { sum };
            }
        } else {
            let (first, second) = row.split_at_mut(columns.min(lanes));
            for (part, &sum) in [first, second].into_iter().zip(sums) {
                let sum = if add { simd.add_f32s(simd.partial_load_f32s(part), sum) } else { sum };
                simd.partial_store_f32s(part, sum);
            }
        }
    }
}
