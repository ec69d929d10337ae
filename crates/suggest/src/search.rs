//! Looking codes up by words and, once the release's terms have vectors, by meaning.

use std::sync::Arc;

use overread_codes::Release;
use overread_encoder::Encode;

use crate::SearchError;

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchOptions {
    /// At most so many hits.
    pub limit: usize,
    /// Leave out what can't stand on a claim.
    pub billable_only: bool,
    /// Whether meaning takes part, where there are vectors.
    pub semantic: bool,
    /// Whether the last word may be the beginning of a longer one.
    pub typing: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { limit: 20, billable_only: false, semantic: true, typing: true }
    }
}

/// A code found, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchHit {
    /// With its dot.
    pub code: String,
    pub title: String,
    pub billable: bool,
    /// The inclusion term or synonym that matched, where it was not the title.
    pub matched: Option<String>,
    /// Comparable within one result.
    pub score: f32,
}

/// Search over one release with one encoder. Share it behind an `Arc`.
pub struct CodeSearch {
    release: Arc<Release>,
    encoder: Arc<dyn Encode>,
}

impl std::fmt::Debug for CodeSearch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeSearch").field("release", &self.release.id()).finish_non_exhaustive()
    }
}

impl CodeSearch {
    /// Ready at once; meaning takes part after the vectors are there.
    pub fn new(release: Arc<Release>, encoder: Arc<dyn Encode>) -> Self {
        Self { release, encoder }
    }

    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Whether the release's terms have vectors.
    pub fn has_vectors(&self) -> bool {
        false
    }

    /// Codes that `query` may mean, best first, and whether meaning took part. An empty query finds nothing.
    pub fn search(
        &self,
        query: &str,
        options: &SearchOptions,
    ) -> Result<(Vec<SearchHit>, bool), SearchError> {
        let _ = &self.encoder;
        let lexical = overread_codes::Options {
            limit: options.limit,
            billable_only: options.billable_only,
            typing: options.typing,
            ..Default::default()
        };
        let hits = self
            .release
            .search(query, &lexical)
            .into_iter()
            .map(|hit| SearchHit {
                matched: (hit.matched_term != hit.title && hit.matched_term != hit.code)
                    .then_some(hit.matched_term),
                code: hit.code,
                title: hit.title,
                billable: hit.billable,
                score: hit.score,
            })
            .collect();
        Ok((hits, false))
    }
}
