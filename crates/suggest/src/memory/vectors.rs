//! Vectors of phrases in 8 bits, searched whole: a site has thousands of phrases, not millions.

use crate::states::normalise;

/// One row for each phrase, zeros where it has no vector.
#[derive(Clone, Debug, Default)]
pub(super) struct Vectors {
    space: String,
    width: usize,
    rows: Vec<i8>,
}

const SCALE: f32 = 127.0;

fn quantised(vector: &[f32]) -> Vec<i8> {
    let mut unit = vector.to_vec();
    normalise(&mut unit);
    unit.iter().map(|x| (x * SCALE).round().clamp(-SCALE, SCALE) as i8).collect()
}

impl Vectors {
    pub fn new<'v>(space: &str, vectors: impl Iterator<Item = Option<&'v [f32]>>) -> Self {
        let all: Vec<Option<&[f32]>> = vectors.collect();
        let width = all.iter().flatten().map(|vector| vector.len()).next().unwrap_or(0);
        let mut rows = vec![0; all.len() * width];
        for (vector, row) in all.iter().zip(rows.chunks_exact_mut(width.max(1))) {
            if let Some(vector) = vector.filter(|vector| vector.len() == width) {
                row.copy_from_slice(&quantised(vector));
            }
        }
        Self { space: space.to_owned(), width, rows }
    }

    pub fn space(&self) -> &str {
        &self.space
    }

    /// Whether they can be compared with vectors of this space.
    pub fn are_of(&self, space: &str) -> bool {
        self.width > 0 && self.space == space
    }

    /// Tells one set of vectors from another: they follow from the phrases and the model, but some may be missing yet.
    pub fn version(&self) -> String {
        let filled = self.rows.chunks_exact(self.width.max(1)).filter(|row| row.iter().any(|x| *x != 0));
        format!("{} {}", self.space, filled.count())
    }

    /// Rows at least as near as `floor`, nearest first, with their cosine.
    pub fn nearest(&self, vector: &[f32], floor: f32, most: usize) -> Vec<(usize, f32)> {
        if self.width == 0 || vector.len() != self.width {
            return Vec::new();
        }
        let wanted = quantised(vector);
        let least = floor * SCALE * SCALE;
        let mut out: Vec<(usize, f32)> = self
            .rows
            .chunks_exact(self.width)
            .enumerate()
            .map(|(index, row)| (index, dot(row, &wanted) as f32))
            .filter(|(_, product)| *product >= least)
            .map(|(index, product)| (index, product / (SCALE * SCALE)))
            .collect();
        out.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        out.truncate(most);
        out
    }

    /// Each row in hexadecimal; empty where it has no vector.
    pub fn hex(&self) -> impl Iterator<Item = String> {
        use std::fmt::Write as _;
        let rows = self.rows.chunks_exact(self.width.max(1));
        rows.map(|row| {
            if row.iter().all(|x| *x == 0) {
                return String::new();
            }
            row.iter().fold(String::with_capacity(row.len() * 2), |mut out, x| {
                let _ = write!(out, "{:02x}", x.cast_unsigned());
                out
            })
        })
    }
}

pub(super) fn from_hex(hex: &str) -> Option<Vec<f32>> {
    if hex.is_empty() || !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok().map(|byte| f32::from(byte.cast_signed())))
        .collect()
}

fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum()
}
