//! Looking codes up by words and, once the release's terms have vectors, by meaning.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use overread_codes::vectors::{VectorIndex, Weights, hybrid};
use overread_codes::{Release, TermKind};
use overread_encoder::Encode;

use crate::insight::{Sense, text_phrases};
use crate::{SearchError, Suggester, suggester};

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
    /// Only entries under one: see [`Release::under`].
    pub within: Option<[u32; 2]>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { limit: 20, billable_only: false, semantic: true, typing: true, within: None }
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

/// Terms embedded between two calls of the progress callback.
const BATCH: usize = 256;

/// Search over one release with one encoder. Share it behind an `Arc`.
pub struct CodeSearch {
    release: Arc<Release>,
    encoder: Arc<dyn Encode>,
    sense: Option<Arc<Sense>>,
    /// By what the vectors are made; see [`Suggester::reader`].
    reader: String,
    vectors: RwLock<Option<Arc<VectorIndex>>>,
}

impl std::fmt::Debug for CodeSearch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeSearch")
            .field("release", &self.release.id())
            .field("vectors", &self.has_vectors())
            .finish_non_exhaustive()
    }
}

impl CodeSearch {
    /// Ready at once; meaning takes part after the vectors are there. Vectors are the encoder's own; see
    /// [`CodeSearch::of`].
    pub fn new(release: Arc<Release>, encoder: Arc<dyn Encode>) -> Self {
        let reader = suggester::reader(&*encoder, None);
        Self { release, encoder, sense: None, reader, vectors: RwLock::new(None) }
    }

    /// Search with the encoder, the trained phrase head and the release of `suggester`, whose mentions find their codes
    /// by the same vectors.
    pub fn of(suggester: &Suggester) -> Self {
        let (encoder, sense) = (suggester.encoder(), suggester.sense.clone());
        let reader = suggester.reader();
        Self { release: suggester.release(), encoder, sense, reader, vectors: RwLock::new(None) }
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, SearchError> {
        Ok(match &self.sense {
            Some(sense) => text_phrases(&*self.encoder, &sense.heads, texts)?,
            None => self.encoder.embed(texts)?,
        })
    }

    pub fn release(&self) -> &Arc<Release> {
        &self.release
    }

    /// The vectors of the release's terms, once they are there.
    pub fn vectors(&self) -> Option<Arc<VectorIndex>> {
        self.vectors.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the release's terms have vectors.
    pub fn has_vectors(&self) -> bool {
        self.vectors().is_some()
    }

    fn set(&self, index: VectorIndex) {
        *self.vectors.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(index));
    }

    /// Name of the file that holds the vectors of this release by this encoder: `<terms>-<reader>.vec`.
    pub fn file_name(&self) -> String {
        let terms = self.release.terms_hash();
        format!("{}-{}.vec", terms.get(..12).unwrap_or(&terms), self.reader.get(..12).unwrap_or(&self.reader))
    }

    /// Embeds all terms of the release (tens of thousands: minutes). `progress` hears how many are done of how many;
    /// `cancelled` is asked between batches. On an error or a stop nothing has changed.
    pub fn build_vectors(
        &self,
        progress: &mut dyn FnMut(usize, usize),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), SearchError> {
        let terms: Vec<&str> = self.release.terms().map(|t| t.text).collect();
        let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(terms.len());
        for batch in terms.chunks(BATCH) {
            if cancelled() {
                return Err(SearchError::Cancelled { done: vectors.len(), total: terms.len() });
            }
            vectors.extend(self.embed(batch)?);
            progress(vectors.len(), terms.len());
        }
        self.set(VectorIndex::build(&self.release, &self.reader, vectors)?);
        Ok(())
    }

    /// Writes the vectors to `folder` under [`CodeSearch::file_name`], whole or not at all. Nothing to write is fine.
    pub fn save(&self, folder: &Path) -> Result<(), SearchError> {
        let Some(index) = self.vectors() else { return Ok(()) };
        let path = folder.join(self.file_name());
        let partial = path.with_extension("partial");
        let failed = |source| SearchError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        std::fs::write(&partial, index.to_bytes()).map_err(failed)?;
        std::fs::rename(&partial, &path).map_err(failed)
    }

    /// Reads the vectors from `folder`; false where there are none for this release and encoder.
    pub fn load(&self, folder: &Path) -> Result<bool, SearchError> {
        let path = folder.join(self.file_name());
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(SearchError::Io { path, source }),
        };
        self.set(VectorIndex::from_bytes(&bytes, &self.release, &self.reader)?);
        Ok(true)
    }

    /// What a query means, for [`CodeSearch::search_with`] on releases that one encoder reads; nothing for half a word.
    pub fn meaning_of(&self, query: &str) -> Result<Option<Vec<f32>>, SearchError> {
        let wordy = query.chars().filter(|c| c.is_alphabetic()).count() >= 4;
        Ok(if wordy { self.embed(&[query])?.pop() } else { None })
    }

    /// Codes that `query` may mean, best first, and whether meaning took part. An empty query finds nothing.
    pub fn search(
        &self,
        query: &str,
        options: &SearchOptions,
    ) -> Result<(Vec<SearchHit>, bool), SearchError> {
        self.search_with(query, options, &|| self.meaning_of(query))
    }

    /// The same with a meaning from elsewhere; it is asked for only where it counts.
    pub fn search_with(
        &self,
        query: &str,
        options: &SearchOptions,
        meaning: &dyn Fn() -> Result<Option<Vec<f32>>, SearchError>,
    ) -> Result<(Vec<SearchHit>, bool), SearchError> {
        let how = overread_codes::Options {
            limit: options.limit,
            billable_only: options.billable_only,
            typing: options.typing,
            within: options.within,
            ..Default::default()
        };
        let mut hits = self.release.search(query, &how);
        // A code typed out asks for itself.
        let by_code = hits.first().is_some_and(|h| h.matched_kind == TermKind::Code);
        let vectors = self.vectors().filter(|_| options.semantic && !by_code);
        let mut semantic = false;
        if let Some(index) = vectors
            && let Some(vector) = meaning()?
        {
            let near = index.nearest_codes(&self.release, query, &vector, &how)?;
            hits = hybrid(&hits, &near, Weights::default(), options.limit);
            semantic = true;
        }
        let hits = hits
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
        Ok((hits, semantic))
    }
}
