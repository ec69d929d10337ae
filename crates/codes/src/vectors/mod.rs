//! Look-up by meaning: one vector a term of the release, quantised to 8 bits, searched exactly.
//!
//! The crate doesn't know the encoder: the caller embeds [`Release::terms`](crate::Release::terms) in their order and
//! hands over the vectors, and later the vector of a phrase. Similarity is the cosine.

mod file;
mod hybrid;
mod kernel;
mod scan;
#[cfg(test)]
mod tests;

pub use file::{Header, maker};
pub use hybrid::{Weights, hybrid};
use serde::{Deserialize, Serialize};

use crate::search::{Hit, Options, rank_terms};
use crate::{Release, VectorError};

/// A term near a query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Position in [`Release::terms`].
    pub term: u32,
    /// The entry that the term names.
    pub entry: u32,
    /// Cosine, from -1 to 1.
    pub score: f32,
}

/// Vectors of all terms of one release by one encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorIndex {
    encoder: String,
    terms_hash: String,
    dims: usize,
    /// Entry of each term.
    entries: Vec<u32>,
    /// Length of one step of each vector.
    scales: Vec<f32>,
    /// `entries.len()` rows of `dims` steps.
    steps: Vec<i8>,
}

impl VectorIndex {
    /// Quantises one vector a term, in the order of [`Release::terms`]. Vectors need no particular length; a vector
    /// of zeros is near to nothing.
    pub fn build<V: AsRef<[f32]>>(
        release: &Release,
        encoder: &str,
        vectors: impl IntoIterator<Item = V>,
    ) -> Result<Self, VectorError> {
        let entries: Vec<u32> = release.terms().map(|t| t.entry).collect();
        let mut index = Self {
            encoder: encoder.to_owned(),
            terms_hash: release.terms_hash(),
            dims: 0,
            entries,
            scales: Vec::new(),
            steps: Vec::new(),
        };
        for (at, vector) in vectors.into_iter().enumerate() {
            let vector = vector.as_ref();
            if at == 0 {
                index.dims = vector.len();
                index.scales.reserve_exact(index.entries.len());
                index.steps.reserve_exact(index.entries.len() * index.dims);
            }
            let (scale, steps) = quantise(at, vector, index.dims)?;
            index.scales.push(scale);
            index.steps.extend(steps);
        }
        if index.scales.len() != index.entries.len() {
            return Err(VectorError::Mismatch { what: "number of terms" });
        }
        Ok(index)
    }

    /// Name and version of the encoder that made the vectors.
    pub fn encoder(&self) -> &str {
        &self.encoder
    }

    /// Which terms the vectors are of: [`Release::terms_hash`].
    pub fn terms_hash(&self) -> &str {
        &self.terms_hash
    }

    /// Numbers a vector.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The `k` terms nearest to `query`, nearest first; of equally near ones the earlier term first.
    pub fn nearest(&self, query: &[f32], k: usize) -> Result<Vec<Neighbour>, VectorError> {
        Ok(self.nearest_many(&[query], k)?.remove(0))
    }

    /// What [`VectorIndex::nearest`] gives for each of `queries`, while the vectors pass by once.
    pub fn nearest_many<V: AsRef<[f32]>>(
        &self,
        queries: &[V],
        k: usize,
    ) -> Result<Vec<Vec<Neighbour>>, VectorError> {
        let queries = queries
            .iter()
            .enumerate()
            .map(|(at, query)| quantise(at, query.as_ref(), self.dims))
            .collect::<Result<Vec<_>, _>>()?;
        let neighbour =
            |(score, term): (f32, u32)| Neighbour { term, entry: self.entries[term as usize], score };
        Ok(self.scan(&queries, k).into_iter().map(|best| best.into_iter().map(neighbour).collect()).collect())
    }

    /// Codes near to `query`, the vector of `phrase`: each by its nearest term; what is not billable also leads to the
    /// billable code that says no more, and a side named in the phrase to that side's code.
    pub fn nearest_codes(
        &self,
        release: &Release,
        phrase: &str,
        query: &[f32],
        options: &Options,
    ) -> Result<Vec<Hit>, VectorError> {
        Ok(self.nearest_codes_many(release, &[(phrase, query, *options)])?.remove(0))
    }

    /// What [`VectorIndex::nearest_codes`] gives for each phrase, while the vectors pass by once.
    pub fn nearest_codes_many<V: AsRef<[f32]>>(
        &self,
        release: &Release,
        asked: &[(&str, V, Options)],
    ) -> Result<Vec<Vec<Hit>>, VectorError> {
        // Several terms a code: look at more than are asked for.
        let most = asked.iter().map(|(_, _, options)| options.limit).max().unwrap_or(0);
        let queries: Vec<&[f32]> = asked.iter().map(|(_, query, _)| query.as_ref()).collect();
        let near = self.nearest_many(&queries, most.saturating_mul(4).clamp(64, 512))?;
        let hits = asked.iter().zip(near).map(|((phrase, _, options), near)| {
            rank_terms(release, phrase, options, near.iter().map(|n| (n.term, n.score)))
        });
        Ok(hits.collect())
    }
}

/// Length of a step and the steps of `vector` brought to length one.
fn quantise(index: usize, vector: &[f32], dims: usize) -> Result<(f32, Vec<i8>), VectorError> {
    if vector.len() != dims || dims == 0 {
        return Err(VectorError::Dimensions { index, found: vector.len(), expected: dims });
    }
    if vector.iter().any(|x| !x.is_finite()) {
        return Err(VectorError::NotFinite { index });
    }
    let largest = vector.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return Ok((0.0, vec![0; dims]));
    }
    // Divided by the largest first, so that squares neither overflow nor vanish.
    let length = vector.iter().map(|x| (x / largest) * (x / largest)).sum::<f32>().sqrt();
    let steps = vector.iter().map(|x| (x / largest * 127.0).round() as i8).collect();
    Ok((1.0 / (127.0 * length), steps))
}
