//! Dot products of 8-bit rows with one query, in the widest integers that the processor at hand has: `pulp` compiles
//! the same plain loop for each instruction set and picks at run time.

use pulp::Arch;

/// `out[row]` = the row's dot product with `query`. A row is `dims` steps; the sum fits 32 bits below 133,000 of them.
pub(super) fn dots(rows: &[i8], dims: usize, query: &[i16], out: &mut [f32]) {
    if dims == 0 {
        return;
    }
    Arch::new().dispatch(|| {
        for (row, out) in rows.chunks_exact(dims).zip(out) {
            *out = dot(row, query) as f32;
        }
    });
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled into each instruction set's copy of the loop")]
fn dot(row: &[i8], query: &[i16]) -> i32 {
    row.iter().zip(query).map(|(&a, &b)| i32::from(i16::from(a)) * i32::from(b)).sum()
}
