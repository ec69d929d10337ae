//! The encoder as others use it: texts in, vectors out.

use crate::config::BertConfig;
use crate::error::{Error, Result};
use crate::folder::ModelFolder;
use crate::kernels::{Engine, Kernel, Precision};
use crate::manifest::{Manifest, ModelVersion};
use crate::tokenizer::{Tokenizer, Tokens};
use crate::windows::{self, TokenStates, Window};
use std::path::Path;

/// How texts are cut and computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Positions of a window, `[CLS]` and `[SEP]` included; cut to what the model has.
    pub window: usize,
    /// Tokens that neighbouring windows share.
    pub overlap: usize,
    /// Compute threads; 0 means one per core.
    pub threads: usize,
    /// What the transformer computes in; what the CPU lacks is computed in what it has.
    pub precision: Precision,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: 256, overlap: 32, threads: 0, precision: Precision::Auto }
    }
}

/// Turns texts into vectors. Synchronous; see [`crate::worker`] for use from asynchronous code.
pub trait Encode: Send + Sync {
    /// Identity of the weights; equal versions give equal vectors.
    fn version(&self) -> &ModelVersion;

    /// Width of every vector.
    fn hidden(&self) -> usize;

    /// Positions of a window, `[CLS]` and `[SEP]` included.
    fn window(&self) -> usize;

    /// Tokens that neighbouring windows of [`Encode::token_states`] share.
    fn overlap(&self) -> usize;

    /// The tokenizer, to plan windows with.
    fn tokenizer(&self) -> &Tokenizer;

    /// One vector of length 1 for each text, in order: the mean over its token states (`[CLS]` and `[SEP]`
    /// included), as sentence-transformers has it. Texts are cut at the model's sequence limit.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>>;

    /// States of `tokens`, encoded in `windows` of the caller's making. A token that lies in several windows
    /// takes its state from the one where it is farther from the edge; every token must lie in one.
    fn states_in(&self, tokens: Tokens, windows: Vec<Window>) -> Result<TokenStates>;

    /// States of all word pieces of `text`, of any length, in overlapping windows.
    fn token_states(&self, text: &str) -> Result<TokenStates> {
        let tokens = self.tokenizer().encode(text)?;
        let windows = windows::plan(tokens.len(), self.window(), self.overlap());
        self.states_in(tokens, windows)
    }
}

/// A BERT in memory.
#[derive(Debug)]
pub struct Encoder {
    config: BertConfig,
    tokenizer: Tokenizer,
    version: ModelVersion,
    manifest: Option<Manifest>,
    options: Options,
    embed_limit: usize,
    engine: Engine,
}

impl Encoder {
    /// Loads a model folder with default options.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(folder, Options::default())
    }

    /// Loads a model folder.
    pub fn load_with(folder: impl AsRef<Path>, options: Options) -> Result<Self> {
        Self::from_folder(ModelFolder::open(folder)?, options)
    }

    /// Takes an opened folder apart.
    pub fn from_folder(folder: ModelFolder, options: Options) -> Result<Self> {
        let engine = Engine::new(
            &folder.config,
            Kernel::choose(options.precision),
            options.threads,
            |name, shape| folder.weights.get(name, shape),
        )?;
        let window = options.window.clamp(3, folder.config.max_position_embeddings);
        Ok(Self {
            config: folder.config,
            tokenizer: folder.tokenizer,
            version: folder.version,
            manifest: folder.manifest,
            options: Options { window, ..options },
            embed_limit: folder.embed_limit,
            engine,
        })
    }

    /// Shape of the model.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// What runs: never [`Precision::Auto`]. Vectors of two precisions are near, but not the same.
    pub fn precision(&self) -> Precision {
        self.engine.kernel().precision()
    }

    /// What the folder says about itself.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Word pieces (with `[CLS]` and `[SEP]`) after which [`Encode::embed`] cuts a text.
    pub fn embed_limit(&self) -> usize {
        self.embed_limit
    }

    /// Last hidden states of each sequence of ids (`[CLS]` and `[SEP]` included), row-major
    /// `[length, hidden]`, in the order given.
    pub fn forward(&self, sequences: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let mut all = Vec::with_capacity(sequences.len());
        self.engine.forward(sequences, |_, states| all.push(states.to_vec()))?;
        Ok(all)
    }

    /// [`Encode::embed`] with another limit than the model's.
    pub fn embed_cut(&self, texts: &[&str], limit: usize) -> Result<Vec<Vec<f32>>> {
        let limit = limit.clamp(3, self.config.max_position_embeddings);
        let sequences = texts
            .iter()
            .map(|text| {
                let mut ids = self.tokenizer.ids(text)?;
                ids.truncate(limit - 2);
                Ok(self.frame(&[], &ids))
            })
            .collect::<Result<Vec<_>>>()?;
        let hidden = self.config.hidden_size;
        Ok(self.forward(&sequences)?.iter().map(|states| mean_pooled(states, hidden)).collect())
    }

    fn frame(&self, prefix: &[u32], ids: &[u32]) -> Vec<u32> {
        let mut framed = Vec::with_capacity(prefix.len() + ids.len() + 2);
        framed.push(self.tokenizer.cls());
        framed.extend_from_slice(prefix);
        framed.extend_from_slice(ids);
        framed.push(self.tokenizer.sep());
        framed
    }
}

impl Encode for Encoder {
    fn version(&self) -> &ModelVersion {
        &self.version
    }

    fn hidden(&self) -> usize {
        self.config.hidden_size
    }

    fn window(&self) -> usize {
        self.options.window
    }

    fn overlap(&self) -> usize {
        self.options.overlap
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.embed_cut(texts, self.embed_limit)
    }

    fn states_in(&self, tokens: Tokens, windows: Vec<Window>) -> Result<TokenStates> {
        let hidden = self.config.hidden_size;
        let owners = windows::owners(tokens.len(), &windows)?;
        let limit = self.config.max_position_embeddings;
        let mut skips = Vec::with_capacity(windows.len());
        let mut sequences = Vec::with_capacity(windows.len());
        for (index, window) in windows.iter().enumerate() {
            let pieces = window.range.len() + 2;
            if pieces > limit {
                return Err(Error::WindowTooLong { window: index, pieces, limit });
            }
            let prefix = &window.prefix[..window.prefix.len().min(limit - pieces)];
            skips.push(1 + prefix.len());
            sequences.push(self.frame(prefix, &tokens.ids[window.range.clone()]));
        }
        let outputs = self.forward(&sequences)?;
        let mut states = Vec::with_capacity(tokens.len() * hidden);
        for (token, &owner) in owners.iter().enumerate() {
            let row = skips[owner] + token - windows[owner].range.start;
            states.extend_from_slice(&outputs[owner][row * hidden..(row + 1) * hidden]);
        }
        Ok(TokenStates { tokens, states, hidden })
    }
}

/// Mean of the rows of `states` `[n, hidden]`, scaled to length 1.
fn mean_pooled(states: &[f32], hidden: usize) -> Vec<f32> {
    let mut sum = vec![0.0f32; hidden];
    for row in states.chunks_exact(hidden) {
        for (s, v) in sum.iter_mut().zip(row) {
            *s += v;
        }
    }
    let norm = sum.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
    for v in &mut sum {
        *v /= norm;
    }
    sum
}
