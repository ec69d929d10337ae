//! The border to those who ask for suggestions.

use std::sync::Arc;

use overread_codes::Release;
use overread_codes::vectors::VectorIndex;
use overread_domain::{NoteMeta, Suggestion, Template};
use serde::Serialize;

use crate::SuggestError;
use crate::memory::{Memory, Weights};

/// What a running model says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelInfo {
    /// The encoder's name by its manifest, or the name of its folder.
    pub name: String,
    /// Hash (64 hexadecimal digits) over the weights, the heads, the rules and the code release: equal versions
    /// give equal suggestions.
    pub version: String,
    /// The part of `version` that the encoder's weights determine.
    pub encoder: String,
    /// Id of the code release that suggestions are coded in.
    pub code_release: String,
    /// Trainable numbers of the encoder.
    pub parameters: u64,
    /// Milliseconds from opening the folder to being ready.
    pub loaded_in_ms: u32,
    /// Word pieces a note after which the transformer stops reading; rules go on a little further.
    pub token_limit: usize,
    /// Bytes a note after which nothing is read.
    pub byte_limit: usize,
    /// Hash (64 hexadecimal digits) of the correction memory that takes part; none where there is none. It changes with
    /// every correction, so it is no part of `version`.
    pub memory: Option<String>,
    /// Whether the fitted heads belong to this encoder; without them confidences rest on rules alone.
    pub heads: bool,
}

/// A note as it came.
#[derive(Clone, Copy, Debug)]
pub struct NoteInput<'n> {
    pub text: &'n str,
    pub meta: &'n NoteMeta,
}

/// What the model says about one note, for one template. Ids and times are the caller's to add.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggested {
    /// The lowest confidence that any field shows; fields have their own, which `shown` speaks of.
    pub threshold: f32,
    /// In the order of the template's fields, then of the text. Each has evidence.
    pub suggestions: Vec<Suggestion>,
    /// Where reading stopped, in code points, when the note is longer than the model reads.
    pub read_until: Option<usize>,
}

/// Fills templates from notes. Equal input gives equal output.
pub trait Suggest: Send + Sync {
    fn model(&self) -> &ModelInfo;

    /// The same model with what people's corrections taught; none where it takes no memory.
    fn remembering(&self, _memory: Arc<Memory>) -> Option<Arc<dyn Suggest>> {
        None
    }

    /// The same model with codes of another edition, and the vectors of its terms where there are any; none where it
    /// knows but one.
    fn coded_in(
        &self,
        _release: Arc<Release>,
        _vectors: Option<Arc<VectorIndex>>,
    ) -> Option<Arc<dyn Suggest>> {
        None
    }

    /// How much a memory weighs for this model.
    fn memory_weights(&self) -> Weights {
        Weights::default()
    }

    /// Names what makes the vectors of phrases: vectors of one space mean nothing in another. Empty where the model has
    /// none to give.
    fn phrase_space(&self) -> String {
        String::new()
    }

    /// Vectors of phrases, by which a memory finds like words; none where the model has none to give.
    fn phrase_vectors(&self, _phrases: &[&str]) -> Result<Vec<Vec<f32>>, SuggestError> {
        Ok(Vec::new())
    }

    /// Suggestions for every field of `template` that the note says something about. Any text is legal.
    fn suggest(&self, note: &NoteInput<'_>, template: &Template) -> Result<Suggested, SuggestError>;
}
