//! The pipeline: one pass of the encoder over the note, then finders, heads, codes and confidence, then the
//! template's fields.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use overread_codes::Release;
use overread_codes::vectors::VectorIndex;
use overread_domain::Template;
use overread_encoder::{Encode, Encoder, sha256_hex};

use crate::bind::Binding;
use crate::compose::compose;
use crate::heads::Heads;
use crate::note::Doc;
use crate::placing::Placing;
use crate::states::States;
use crate::{LoadError, ModelInfo, NoteInput, Suggest, SuggestError, Suggested, bind, generic, pipeline};

/// Counts up whenever the rules change what comes out.
const RULES: &str = "1";
const HEADS: &str = "heads.json";

/// How much of a note is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Word pieces for the transformer; a word takes about one and a half.
    pub token_limit: usize,
    /// Bytes for everything.
    pub byte_limit: usize,
    /// Compute threads of the encoder; 0 means one per core.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { token_limit: 16_384, byte_limit: 131_072, threads: 0 }
    }
}

/// A model folder and a code release, ready to fill templates. Share it behind an `Arc`.
#[derive(Clone)]
pub struct Suggester {
    pub(crate) encoder: Arc<dyn Encode>,
    pub(crate) release: Arc<Release>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) vectors: Option<Arc<VectorIndex>>,
    /// Fields of the templates seen lately, by the hash of what the model reads of them.
    bindings: Arc<Mutex<HashMap<String, Arc<Binding>>>>,
    placing: Arc<Placing>,
    options: Options,
    info: ModelInfo,
}

impl std::fmt::Debug for Suggester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suggester").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Suggester {
    /// Loads the model of `folder` (as [`Encoder::load`] takes it, with `heads.json` where it has one) and binds it
    /// to `release`. Heads of another encoder are left aside for the built-in ones.
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
        let rows = config.vocab_size + config.max_position_embeddings + config.type_vocab_size;
        let parameters = rows as u64 * h + 2 * h + config.num_hidden_layers as u64 * layer;
        let heads = match std::fs::read(folder.join(HEADS)) {
            Ok(bytes) => Some(Heads::from_json(&bytes)?).filter(|h| h.encoder == encoder.version().as_str()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(LoadError::Heads { reason: e.to_string() }),
        };
        let mut suggester = Self::new(Arc::new(encoder), name, release, heads, options);
        suggester.info.parameters = parameters;
        suggester.info.loaded_in_ms = started.elapsed().as_millis() as u32;
        Ok(suggester)
    }

    /// Binds an encoder that is already there. Without `heads` the built-in ones serve, which rest on rules alone.
    pub fn new(
        encoder: Arc<dyn Encode>,
        name: String,
        release: Arc<Release>,
        heads: Option<Heads>,
        options: Options,
    ) -> Self {
        let info = ModelInfo {
            name,
            version: String::new(),
            encoder: encoder.version().as_str().to_owned(),
            code_release: release.id().to_owned(),
            parameters: 0,
            loaded_in_ms: 0,
            token_limit: options.token_limit,
            byte_limit: options.byte_limit,
            memory: None,
            heads: heads.is_some(),
        };
        let heads = Arc::new(heads.unwrap_or_else(Heads::built_in));
        let mut suggester = Self {
            encoder,
            release,
            heads,
            vectors: None,
            bindings: Arc::default(),
            placing: Arc::default(),
            options,
            info,
        };
        suggester.info.version = suggester.version();
        suggester
    }

    /// The same model with other heads.
    #[must_use]
    pub fn with_heads(&self, heads: Heads) -> Self {
        let mut other = Self { heads: Arc::new(heads), ..self.clone() };
        other.info.heads = true;
        other.info.version = other.version();
        other
    }

    /// The same model with code candidates by meaning too; another version, since it says other things.
    #[must_use]
    pub fn with_vectors(&self, vectors: Arc<VectorIndex>) -> Self {
        let mut other = Self { vectors: Some(vectors), ..self.clone() };
        other.info.version = other.version();
        other
    }

    /// The same model with code candidates by words only.
    #[must_use]
    pub fn without_vectors(&self) -> Self {
        let mut other = Self { vectors: None, ..self.clone() };
        other.info.version = other.version();
        other
    }

    /// Whether code candidates are also found by meaning.
    pub fn has_vectors(&self) -> bool {
        self.vectors.is_some()
    }

    fn version(&self) -> String {
        let heads = serde_json::to_string(&*self.heads).unwrap_or_default();
        let parts = [
            self.encoder.version().as_str(),
            RULES,
            env!("CARGO_PKG_VERSION"),
            &sha256_hex(heads.as_bytes()),
            self.release.content_hash(),
            if self.vectors.is_some() { "vectors" } else { "words" },
            &format!("{}/{}", self.options.token_limit, self.options.byte_limit),
        ];
        sha256_hex(parts.join("\n").as_bytes())
    }

    /// The encoder, to share with [`crate::CodeSearch`].
    pub fn encoder(&self) -> Arc<dyn Encode> {
        Arc::clone(&self.encoder)
    }

    /// The code release that suggestions are coded in.
    pub fn release(&self) -> Arc<Release> {
        Arc::clone(&self.release)
    }

    pub(crate) fn read<'t>(&self, text: &'t str) -> Result<(Doc<'t>, States), SuggestError> {
        let mut doc = Doc::new(text, self.options.byte_limit);
        self.placing.place(&*self.encoder, &mut doc)?;
        let states = States::new(&*self.encoder, &doc, self.options.token_limit)?;
        Ok((doc, states))
    }

    pub(crate) fn fill(
        &self,
        text: &str,
        template: &Template,
        binding: &Binding,
    ) -> Result<Suggested, SuggestError> {
        let (doc, states) = self.read(text)?;
        let analysis = pipeline::analyse(&doc, Some(&states), &self.release, &self.heads);
        let mut rows = compose(self, &doc, &states, &analysis, template, binding);
        rows.extend(generic::fill(&doc, &states, &analysis, template, binding, &self.release));
        Ok(crate::compose::finish(text, doc.text.len().min(states.until), rows, template))
    }

    fn binding(&self, template: &Template) -> Result<Arc<Binding>, SuggestError> {
        let key = bind::key(template);
        let mut known = self.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(binding) = known.get(&key) {
            return Ok(Arc::clone(binding));
        }
        let binding = Arc::new(Binding::new(&*self.encoder, template, true)?);
        // Templates are few; a site that edits one all day long must not grow the server.
        if known.len() >= 32 {
            known.clear();
        }
        known.insert(key, Arc::clone(&binding));
        Ok(binding)
    }
}

impl Suggest for Suggester {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn suggest(&self, note: &NoteInput<'_>, template: &Template) -> Result<Suggested, SuggestError> {
        template.check()?;
        let binding = self.binding(template)?;
        self.fill(note.text, template, &binding)
    }
}
