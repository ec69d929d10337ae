//! Dot products of 8-bit rows with many queries, by the instruction that adds neighbouring products where the
//! processor has it: `pulp` finds that out at run time and makes the intrinsics safe.

#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

/// Numbers that are multiplied at once; rows and queries are padded to it with zeros.
const LANES: usize = 16;

/// Queries that share a row while it is in registers.
const ABREAST: usize = 4;

/// Queries as the kernel wants them.
pub(super) struct Queries {
    count: usize,
    padded: usize,
    /// `[count, rounded up to ABREAST][padded]`.
    values: Vec<i16>,
}

impl Queries {
    /// Queries of `dims` steps each.
    pub fn new(dims: usize, queries: &[Vec<i8>]) -> Self {
        let padded = dims.next_multiple_of(LANES);
        let mut values = vec![0; queries.len().next_multiple_of(ABREAST) * padded];
        for (row, query) in values.chunks_exact_mut(padded.max(1)).zip(queries) {
            row.iter_mut().zip(query).for_each(|(to, from)| *to = i16::from(*from));
        }
        Self { count: queries.len(), padded, values }
    }

    pub fn len(&self) -> usize {
        self.count
    }
}

/// `out[query * (number of rows) + row]` = the dot product of the two. Rows are `dims` steps, one after the other; the
/// sum fits 32 bits below 133,000 of them. `wide` is working memory.
pub(super) fn dots(rows: &[i8], dims: usize, queries: &Queries, wide: &mut Vec<i16>, out: &mut [i32]) {
    if dims == 0 || rows.is_empty() {
        return;
    }
    wide.resize(queries.padded, 0);
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = V3::try_new() {
        return simd.vectorize(All { simd, rows, dims, queries, wide, out });
    }
    all(rows, dims, queries, wide, out, Plain);
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled into the instruction set's copy of the loop")]
fn all(rows: &[i8], dims: usize, queries: &Queries, wide: &mut [i16], out: &mut [i32], way: impl Way) {
    let count = rows.len() / dims;
    for (at, row) in rows.chunks_exact(dims).enumerate() {
        wide.iter_mut().zip(row).for_each(|(to, from)| *to = i16::from(*from));
        for (group, four) in queries.values.chunks_exact(ABREAST * queries.padded).enumerate() {
            let (low, high) = four.split_at(2 * queries.padded);
            let ((q0, q1), (q2, q3)) = (low.split_at(queries.padded), high.split_at(queries.padded));
            for (i, sum) in way.dot4(wide, [q0, q1, q2, q3]).into_iter().enumerate() {
                let query = group * ABREAST + i;
                if query < queries.count {
                    out[query * count + at] = sum;
                }
            }
        }
    }
}

/// A way to multiply; a trait, because closures cannot be made to be inlined.
trait Way: Copy {
    /// One row with four queries of its length, a multiple of [`LANES`].
    fn dot4(self, row: &[i16], queries: [&[i16]; ABREAST]) -> [i32; ABREAST];
}

#[derive(Clone, Copy)]
struct Plain;

impl Way for Plain {
    fn dot4(self, row: &[i16], queries: [&[i16]; ABREAST]) -> [i32; ABREAST] {
        queries.map(|query| row.iter().zip(query).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum())
    }
}

#[cfg(target_arch = "x86_64")]
impl Way for V3 {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as for `all`")]
    fn dot4(self, row: &[i16], queries: [&[i16]; ABREAST]) -> [i32; ABREAST] {
        let (row, _) = row.as_chunks::<LANES>();
        let [q0, q1, q2, q3] = queries;
        let (q0, q1) = (q0.as_chunks::<LANES>().0, q1.as_chunks::<LANES>().0);
        let (q2, q3) = (q2.as_chunks::<LANES>().0, q3.as_chunks::<LANES>().0);
        let mut sums = [pulp::cast([0i32; LANES / 2]); ABREAST];
        for ((((row, q0), q1), q2), q3) in row.iter().zip(q0).zip(q1).zip(q2).zip(q3) {
            for (sum, query) in sums.iter_mut().zip([q0, q1, q2, q3]) {
                let products = self.avx2._mm256_madd_epi16(pulp::cast(*row), pulp::cast(*query));
                *sum = self.avx2._mm256_add_epi32(*sum, products);
            }
        }
        sums.map(|sum| pulp::cast::<_, [i32; LANES / 2]>(sum).into_iter().sum())
    }
}

#[cfg(target_arch = "x86_64")]
struct All<'a> {
    simd: V3,
    rows: &'a [i8],
    dims: usize,
    queries: &'a Queries,
    wide: &'a mut [i16],
    out: &'a mut [i32],
}

#[cfg(target_arch = "x86_64")]
impl pulp::NullaryFnOnce for All<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as for `all`")]
    fn call(self) {
        all(self.rows, self.dims, self.queries, self.wide, self.out, self.simd);
    }
}
