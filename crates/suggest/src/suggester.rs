//! The pipeline: one pass of the encoder over the note, then finders, heads, codes and confidence, then the
//! template's fields.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use overread_codes::Release;
use overread_codes::vectors::VectorIndex;
use overread_domain::Template;
use overread_domain::suggestion::Assertion;
use overread_encoder::{Encode, Encoder, Precision, sha256_hex};

use crate::bind::Binding;
use crate::compose::compose;
use crate::heads::Heads;
use crate::insight::Sense;
use crate::known::{self, KnownLabels};
use crate::memory::{self, Memory, Weights};
use crate::neural::{self, Neural};
use crate::note::Doc;
use crate::pipeline::Read;
use crate::placing::Placing;
use crate::report::{self, Reports};
use crate::states::States;
use crate::{
    LoadError, ModelInfo, NoteInput, Suggest, SuggestError, Suggested, asserted, bind, generic, pipeline,
};

/// Counts up whenever the rules change what comes out.
const RULES: &str = "4";
const HEADS: &str = "heads.json";

/// What a model folder may hold beside the encoder's own files.
const PARTS: [&str; 5] = [HEADS, neural::FILE, known::FILE, memory::FILE, report::FILE];

/// Takes the sums of these files into the folder's manifest, against which they are checked when the model is loaded. Whoever
/// writes one of them calls it.
pub fn seal(folder: &Path) -> Result<(), LoadError> {
    Ok(overread_encoder::seal(folder, &PARTS)?)
}
/// Codes of a final list that a reviewer can look through.
const TAIL: usize = 15;

/// How much of a note is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Word pieces for the transformer; a word takes about one and a half.
    pub token_limit: usize,
    /// Bytes for everything.
    pub byte_limit: usize,
    /// Compute threads of the encoder; 0 means one per core.
    pub threads: usize,
    /// In what the encoder computes.
    pub precision: Precision,
}

impl Default for Options {
    fn default() -> Self {
        Self { token_limit: 16_384, byte_limit: 131_072, threads: 0, precision: Precision::Auto }
    }
}

/// A model folder and a code release, ready to fill templates. Share it behind an `Arc`.
#[derive(Clone)]
pub struct Suggester {
    pub(crate) encoder: Arc<dyn Encode>,
    pub(crate) release: Arc<Release>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) sense: Option<Arc<Sense>>,
    /// How far spans of labels that `sense` learned are to be believed.
    known: Option<Arc<KnownLabels>>,
    pub(crate) vectors: Option<Arc<VectorIndex>>,
    memory: Option<Arc<Memory>>,
    memory_weights: Weights,
    /// How case reports are coded, where the model knows.
    pub(crate) reports: Option<Arc<Reports>>,
    /// Fields of the templates seen lately, by the hash of what the model reads of them.
    bindings: Arc<Mutex<HashMap<String, Arc<Binding>>>>,
    placing: Arc<Placing>,
    /// Codes of the final list that are handed out, shown or not.
    pub(crate) tail: usize,
    options: Options,
    info: ModelInfo,
}

impl std::fmt::Debug for Suggester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suggester").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Suggester {
    /// Loads the model of `folder` (as [`Encoder::load`] takes it, with `heads.safetensors` and `heads.json` where it
    /// has them) and binds it to `release`. A `heads.json` fitted on other readings is left aside for the built-in
    /// heads.
    pub fn load(folder: &Path, release: Arc<Release>, options: Options) -> Result<Self, LoadError> {
        let started = Instant::now();
        let encoder = Encoder::load_with(
            folder,
            overread_encoder::Options {
                threads: options.threads,
                precision: options.precision,
                ..Default::default()
            },
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
        let neural = Neural::load(folder, encoder.version().as_str(), config.hidden_size)?;
        let own = neural.as_ref().map_or(0, Neural::parameters);
        let mut suggester = Self::new(Arc::new(encoder), name, release, None, options);
        if let Some(neural) = neural {
            suggester = suggester.with_neural(neural)?;
        }
        let (reader, hidden) = (suggester.reader(), suggester.encoder.hidden());
        let heads = match std::fs::read(folder.join(HEADS)) {
            Ok(bytes) => Some(Heads::from_json(&bytes)?).filter(|h| h.encoder == reader),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(LoadError::Heads { reason: e.to_string() }),
        };
        if let Some(heads) = heads {
            if !heads.suits(suggester.sense.is_some(), hidden) {
                let reason = "mention has another shape than this program's features".to_owned();
                return Err(LoadError::Heads { reason });
            }
            suggester = suggester.with_heads(heads);
        }
        if let Some(known) = KnownLabels::load(folder)? {
            suggester = suggester.with_known_labels(Arc::new(known));
        }
        suggester = suggester.with_folder_memory(folder)?;
        if let Some(reports) = Reports::load(folder)? {
            suggester = suggester.with_reports(Arc::new(reports));
        }
        let parameters = parameters + own;
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
            sense: None,
            known: None,
            vectors: None,
            memory: None,
            memory_weights: Weights::default(),
            reports: None,
            bindings: Arc::default(),
            placing: Arc::default(),
            tail: TAIL,
            options,
            info,
        };
        suggester.info.version = suggester.version();
        suggester
    }

    /// The same model with trained heads.
    pub fn with_neural(&self, neural: Neural) -> Result<Self, LoadError> {
        let sense =
            Sense::new(&*self.encoder, neural).map_err(|e| LoadError::Neural { reason: e.to_string() })?;
        // Labels of templates were projected by other heads, and so were vectors of terms.
        let sense = Some(Arc::new(sense));
        let mut other = Self { sense, bindings: Arc::default(), known: None, vectors: None, ..self.clone() };
        other.info.version = other.version();
        Ok(other)
    }

    /// Whether the model has trained heads.
    pub fn has_neural(&self) -> bool {
        self.sense.is_some()
    }

    /// By what notes are read and terms have their vectors: the encoder's version, or a hash of it and of the trained
    /// heads.
    pub fn reader(&self) -> String {
        reader(&*self.encoder, self.sense.as_deref())
    }

    /// The same model with other heads.
    #[must_use]
    pub fn with_heads(&self, heads: Heads) -> Self {
        let mut other = Self { heads: Arc::new(heads), ..self.clone() };
        other.info.heads = true;
        other.info.version = other.version();
        other
    }

    /// The same model with the labels that its heads learned; those of other heads mean nothing to it and are left aside.
    #[must_use]
    pub fn with_known_labels(&self, known: Arc<KnownLabels>) -> Self {
        let own = known.reader == self.reader();
        let mut other = Self { known: own.then_some(known), bindings: Arc::default(), ..self.clone() };
        other.info.version = other.version();
        other
    }

    /// The same model with its own coding of case reports; see [`crate::report`].
    #[must_use]
    pub fn with_reports(&self, reports: Arc<Reports>) -> Self {
        let mut other = Self { reports: Some(reports), ..self.clone() };
        other.info.version = other.version();
        other
    }

    /// The same model with code candidates by meaning too; another version, since it says other things. Vectors that
    /// another model made mean nothing to this one and are left aside.
    #[must_use]
    pub fn with_vectors(&self, vectors: Arc<VectorIndex>) -> Self {
        let own = vectors.encoder() == self.reader();
        let mut other = Self { vectors: own.then_some(vectors), ..self.clone() };
        other.info.version = other.version();
        other
    }

    /// The same model with codes of another edition of the system, by words until it is given vectors.
    #[must_use]
    pub fn with_release(&self, release: Arc<Release>) -> Self {
        let mut other = Self { release, vectors: None, ..self.clone() };
        other.release.id().clone_into(&mut other.info.code_release);
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

    /// The same model with what people's corrections taught; it stands in [`ModelInfo::memory`], not in the version. An
    /// empty memory is none.
    #[must_use]
    pub fn with_memory(&self, memory: Arc<Memory>) -> Self {
        let memory = Some(memory).filter(|memory| !memory.is_empty());
        let mut other = Self { memory, ..self.clone() };
        other.info.memory = other.memory.as_ref().map(|memory| memory.version().to_owned());
        other
    }

    /// With the memory that a training run left in the folder, and its weights.
    fn with_folder_memory(self, folder: &Path) -> Result<Self, LoadError> {
        let bytes = match std::fs::read(folder.join(memory::FILE)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(self),
            Err(e) => return Err(LoadError::Memory { reason: e.to_string() }),
        };
        let memory = Memory::from_json(&bytes)?;
        let weights = memory.weights();
        Ok(Self { memory_weights: weights, ..self.with_memory(Arc::new(memory)) })
    }

    /// What it remembers.
    pub fn memory(&self) -> Option<Arc<Memory>> {
        self.memory.clone()
    }

    /// The same model with up to `codes` ranked codes in the final list, shown or not: scripts that measure rankings
    /// want more of them than reviewers do.
    #[must_use]
    pub fn with_tail(&self, codes: usize) -> Self {
        Self { tail: codes, ..self.clone() }
    }

    /// Whether code candidates are also found by meaning.
    pub fn has_vectors(&self) -> bool {
        self.vectors.is_some()
    }

    fn version(&self) -> String {
        let heads = serde_json::to_string(&*self.heads).unwrap_or_default();
        let reader = self.reader();
        let parts = [
            reader.as_str(),
            RULES,
            env!("CARGO_PKG_VERSION"),
            &sha256_hex(heads.as_bytes()),
            self.release.content_hash(),
            if self.vectors.is_some() { "vectors" } else { "words" },
            self.reports.as_ref().map_or("", |reports| reports.version()),
            &self.known.as_ref().map_or_else(String::new, |known| sha256_hex(known.to_json().as_bytes())),
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

    pub(crate) fn read<'t>(&self, text: &'t str) -> Result<Read<'t>, SuggestError> {
        let mut doc = Doc::new(text, self.options.byte_limit);
        self.placing.place(&*self.encoder, &mut doc)?;
        let states = States::new(&*self.encoder, &doc, self.options.token_limit)?;
        let insight = self.sense.as_ref().map(|sense| sense.insight(&states));
        Ok(Read { doc, states, insight })
    }

    pub(crate) fn fill(
        &self,
        text: &str,
        template: &Template,
        binding: &Binding,
    ) -> Result<Suggested, SuggestError> {
        let read = self.read(text)?;
        let analysis = pipeline::analyse(&read, self.sense.as_deref(), &self.release, &self.heads);
        let mut rows = compose(self, &read, &analysis, template, binding);
        rows.extend(generic::fill(self, &read, &analysis, template, binding));
        if let Some(memory) = &self.memory {
            memory::apply(self, memory, &read, template, binding, &mut rows);
        }
        let until = read.doc.text.len().min(read.states.until);
        Ok(crate::compose::finish(text, until, rows, template))
    }

    /// Whether what the bytes `span` of `text` name is present, possible, absent, historical, a relative's or
    /// planned.
    ///
    /// # Errors
    /// Where the encoder fails, or `span` is no range of characters of `text`.
    pub fn assertion_of(&self, text: &str, span: Range<usize>) -> Result<Assertion, SuggestError> {
        if text.get(span.clone()).is_none_or(str::is_empty) {
            return Err(SuggestError::Span { start: span.start, end: span.end });
        }
        let read = self.read(text)?;
        Ok(asserted::of_span(&read, self.sense.as_deref(), &self.release, &self.heads, &span))
    }

    fn binding(&self, template: &Template) -> Result<Arc<Binding>, SuggestError> {
        let key = bind::key(template);
        let mut known = self.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(binding) = known.get(&key) {
            return Ok(Arc::clone(binding));
        }
        let (sense, labels) = (self.sense.as_deref(), self.known.as_deref());
        let binding = Arc::new(Binding::new(&*self.encoder, sense, labels, template, true)?);
        // Templates are few; a site that edits one all day long must not grow the server.
        if known.len() >= 32 {
            known.clear();
        }
        known.insert(key, Arc::clone(&binding));
        Ok(binding)
    }
}

/// See [`Suggester::reader`].
pub(crate) fn reader(encoder: &dyn Encode, sense: Option<&Sense>) -> String {
    let version = encoder.version().as_str();
    match sense {
        Some(sense) => sha256_hex(format!("{version}\n{}", sense.heads.version()).as_bytes()),
        None => version.to_owned(),
    }
}

impl Suggest for Suggester {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn remembering(&self, memory: Arc<Memory>) -> Option<Arc<dyn Suggest>> {
        Some(Arc::new(self.with_memory(memory)))
    }

    fn coded_in(&self, release: Arc<Release>, vectors: Option<Arc<VectorIndex>>) -> Option<Arc<dyn Suggest>> {
        let other = self.with_release(release);
        Some(Arc::new(match vectors {
            Some(vectors) => other.with_vectors(vectors),
            None => other,
        }))
    }

    fn memory_weights(&self) -> Weights {
        self.memory_weights
    }

    fn phrase_space(&self) -> String {
        self.reader()
    }

    fn phrase_vectors(&self, phrases: &[&str]) -> Result<Vec<Vec<f32>>, SuggestError> {
        match &self.sense {
            Some(sense) => Ok(crate::insight::text_phrases(&*self.encoder, &sense.heads, phrases)?),
            None => Ok(self.encoder.embed(phrases)?),
        }
    }

    fn suggest(&self, note: &NoteInput<'_>, template: &Template) -> Result<Suggested, SuggestError> {
        template.check()?;
        let binding = self.binding(template)?;
        self.fill(note.text, template, &binding)
    }
}
