//! A run: steps, curves, checkpoints, and the model folder at its end.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use candle_core::{Device, Tensor};
use overread_encoder::weights::Precision;
use overread_encoder::{Dropout, HalfIsa, ModelFolder, TrainableBert, write_folder};
use overread_suggest::neural;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use super::batches::{Batch, Pool, course};
use super::example::{Packed, Term, Window};
use super::heads::{TrainableHeads, means};
use super::material::corpus_name;
use super::objective::{self, Asked, Parts, Weights};
use super::{Recipe, TrainError};
use crate::corpora::Document;
use crate::optim::{AdamW, Checkpoint, Group, Schedule};

/// Steps after which the labels are read again by the encoder as it has become.
const LABELS_STALE: usize = 100;
/// Word pieces that are read at once where nothing is learned.
const READ: usize = 4096;
/// Steps that a line of the curve stands for.
const CURVE: usize = 20;

/// What a run learns from.
#[derive(Debug)]
pub struct Material {
    /// Word pieces of every wording of every label.
    pub labels: Vec<Vec<Vec<u32>>>,
    pub pool: Pool,
    /// Windows that are never learned from, to see the loss on them.
    pub unseen: Vec<Window>,
    /// Documents with labels that no template has, never learned from, to learn how far their spans are to be
    /// believed.
    pub calibration: Vec<Document>,
    /// Name and sha256 of every file read, for the record.
    pub sources: BTreeMap<String, String>,
    /// Documents of each corpus that repeat a text kept for measuring, and so were left out.
    pub left_out: BTreeMap<String, usize>,
    pub cls: u32,
    pub sep: u32,
}

/// One line of `curve.jsonl`: means over the steps since the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    pub step: usize,
    pub loss: Parts,
    /// Loss on windows that are never learned from; absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Parts>,
    pub rate: f32,
    /// Windows and terms a second, each an example.
    #[serde(default)]
    pub examples_per_second: f32,
    pub tokens_per_second: f32,
    pub seconds_left: f32,
}

/// `training.json` beside the weights.
#[derive(Debug, Serialize)]
struct Record<'a> {
    recipe: &'a Recipe,
    sources: &'a BTreeMap<String, String>,
    windows: BTreeMap<&'a str, usize>,
    /// What matrices were multiplied in: a processor without bfloat16 trains in f32 whatever the recipe says.
    precision: &'a str,
    /// Documents of each corpus kept for calibrating labels, and so not learned from.
    for_calibration: BTreeMap<&'a str, usize>,
    left_out: &'a BTreeMap<String, usize>,
    terms: usize,
    steps: usize,
    tokens: usize,
    final_loss: Option<&'a CurvePoint>,
}

/// A run under way.
#[derive(Debug)]
pub struct Run {
    recipe: Recipe,
    base: PathBuf,
    material: Material,
    bert: TrainableBert,
    half: bool,
    heads: TrainableHeads,
    optimizer: AdamW,
    schedule: Schedule,
    course: Vec<Batch>,
    step: usize,
    tokens: usize,
    /// Since this process began.
    examples: usize,
    label_cache: Option<(usize, Vec<Vec<Vec<f32>>>)>,
    terms_of: HashMap<u32, Vec<usize>>,
    terms_in: HashMap<u32, Vec<usize>>,
}

impl Run {
    /// Begins with the weights of the folder `base`, and with its heads where it has some.
    pub fn new(recipe: Recipe, base: &Path, material: Material) -> Result<Self, TrainError> {
        recipe.check()?;
        let folder = ModelFolder::open(base)?;
        let frozen = recipe.frozen_layers;
        let trainable = |name: &str| {
            if name.starts_with("embeddings.word_embeddings") {
                return recipe.train_words && frozen == 0;
            }
            if name.starts_with("embeddings.") {
                return frozen == 0;
            }
            layer_of(name).is_none_or(|layer| layer >= frozen)
        };
        let half = Some(HalfIsa::best()).filter(|isa| recipe.half_precision && isa.is_native());
        let bert = TrainableBert::load(&folder.config, &folder.weights, trainable)?.with_half(half);
        let hidden = folder.config.hidden_size;
        let path = base.join(neural::FILE);
        let heads = if path.exists() {
            TrainableHeads::load(&path, hidden)?
        } else {
            TrainableHeads::new(hidden, recipe.seed)?
        };
        let course =
            course(&material.pool, &recipe.epochs, recipe.term_groups, recipe.tokens_per_step, recipe.seed);
        if course.is_empty() {
            return Err(TrainError::Data { reason: "the recipe reads nothing of what is there".to_owned() });
        }
        let warmup = (course.len() as f32 * recipe.warmup).ceil() as usize;
        let schedule = Schedule::linear(warmup, course.len());
        let vars = bert
            .vars()
            .iter()
            .map(|(name, var)| (format!("encoder.{name}"), var.clone()))
            .chain(heads.vars().iter().map(|(name, var)| (format!("heads.{name}"), var.clone())));
        let optimizer = AdamW::new(
            vars,
            vec![
                Group::new("encoder.", recipe.learning_rate, recipe.weight_decay),
                Group::new("heads.", recipe.head_learning_rate, recipe.weight_decay),
            ],
            recipe.clip,
        )?;
        let mut terms_of: HashMap<u32, Vec<usize>> = HashMap::new();
        let mut terms_in: HashMap<u32, Vec<usize>> = HashMap::new();
        for (i, (term, &category)) in material.pool.terms.iter().zip(&material.pool.categories).enumerate() {
            terms_of.entry(term.code).or_default().push(i);
            terms_in.entry(category).or_default().push(i);
        }
        Ok(Self {
            recipe,
            base: base.to_owned(),
            material,
            bert,
            half: half.is_some(),
            heads,
            optimizer,
            schedule,
            course,
            step: 0,
            tokens: 0,
            examples: 0,
            label_cache: None,
            terms_of,
            terms_in,
        })
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> usize {
        self.course.len()
    }

    /// Documents kept for calibrating labels.
    pub fn calibration(&self) -> &[Document] {
        &self.material.calibration
    }

    /// What it does.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Steps done.
    pub fn done(&self) -> usize {
        self.step
    }

    /// Goes on from the checkpoint in `folder`, if there is one.
    pub fn resume(&mut self, folder: &Path) -> Result<bool, TrainError> {
        let Some(checkpoint) = Checkpoint::read(folder)? else { return Ok(false) };
        let identity = self.identity();
        if checkpoint.identity != identity {
            return Err(TrainError::Recipe {
                reason: "the checkpoint is of another recipe or of other data".to_owned(),
            });
        }
        self.optimizer.restore(&checkpoint)?;
        self.step = checkpoint.step;
        self.tokens = checkpoint.tokens;
        Ok(true)
    }

    fn identity(&self) -> String {
        let recipe = toml::to_string(&self.recipe).unwrap_or_default();
        let sources: Vec<String> = self.material.sources.iter().map(|(k, v)| format!("{k} {v}\n")).collect();
        let sources = sources.concat();
        overread_encoder::sha256_hex(format!("{recipe}\n{sources}{}", self.course.len()).as_bytes())
    }

    /// Runs to the end; checkpoints and curves go to `folder`. `report` sees every line of the curve.
    pub fn run(&mut self, folder: &Path, mut report: impl FnMut(&CurvePoint)) -> Result<(), TrainError> {
        std::fs::create_dir_all(folder)
            .map_err(|source| TrainError::Io { path: folder.to_owned(), source })?;
        let (started, first) = (Instant::now(), self.step);
        let mut sums = Sums::default();
        let mut since = (Instant::now(), self.tokens, self.examples);
        let mut last = last_point(&folder.join("curve.jsonl"));
        while self.step < self.course.len() {
            let parts = self.step()?;
            sums.add(&parts);
            let end = self.step == self.course.len();
            let pause = self.step.is_multiple_of(self.recipe.checkpoint_every);
            if pause || end {
                self.checkpoint(folder)?;
            }
            if self.step.is_multiple_of(CURVE) || end {
                let each = started.elapsed().as_secs_f32() / (self.step - first) as f32;
                let unseen = if pause || end { self.unseen()? } else { None };
                let point = CurvePoint {
                    step: self.step,
                    loss: sums.mean(),
                    unseen,
                    rate: self.schedule.factor(self.step - 1) * self.recipe.learning_rate,
                    examples_per_second: (self.examples - since.2) as f32 / since.0.elapsed().as_secs_f32(),
                    tokens_per_second: (self.tokens - since.1) as f32 / since.0.elapsed().as_secs_f32(),
                    seconds_left: each * (self.course.len() - self.step) as f32,
                };
                append(&folder.join("curve.jsonl"), &point)?;
                report(&point);
                last = Some(point);
                sums = Sums::default();
                since = (Instant::now(), self.tokens, self.examples);
            }
        }
        self.write(folder, last.as_ref())
    }

    /// One step of the course.
    pub fn step(&mut self) -> Result<Parts, TrainError> {
        let step = self.step;
        let seed = self.recipe.seed ^ (step as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let dropout =
            (self.recipe.dropout > 0.0).then_some(Dropout { probability: self.recipe.dropout, seed });
        let batch = self.course[step].clone();
        let (loss, parts, rows, examples) = match &batch {
            Batch::Windows(windows) => {
                let mut rng = StdRng::seed_from_u64(seed);
                let labels = self.labels(&mut rng)?;
                let windows: Vec<&Window> = windows.iter().map(|&w| &self.material.pool.windows[w]).collect();
                let keys = self.keys(&windows, &mut rng);
                let framed: Vec<Vec<u32>> =
                    keys.iter().map(|&k| self.frame(&self.material.pool.terms[k])).collect();
                let window_rows: usize = windows.iter().map(|w| w.ids.len()).sum();
                let sequences: Vec<&[u32]> = windows
                    .iter()
                    .map(|w| w.ids.as_slice())
                    .chain(framed.iter().map(Vec::as_slice))
                    .collect();
                let states = self.bert.forward_packed(&sequences, dropout)?;
                let rows = states.dim(0)?;
                let packed = Packed::new(windows.iter().map(|w| w.ids.as_slice()));
                let own = states.narrow(0, 0, window_rows)?.contiguous()?;
                let key_codes: Vec<u32> = keys.iter().map(|&k| self.material.pool.terms[k].code).collect();
                let key_vectors = if keys.is_empty() {
                    None
                } else {
                    let of_keys = states.narrow(0, window_rows, rows - window_rows)?.contiguous()?;
                    let packed = Packed::new(framed.iter().map(Vec::as_slice));
                    Some(objective::term_vectors(&self.heads, &of_keys, &packed)?)
                };
                let keys = key_vectors.as_ref().map(|v| (v, key_codes.as_slice()));
                let (loss, parts) = objective::windows(
                    &self.heads,
                    &own,
                    &packed,
                    &windows,
                    &Asked { labels: &labels, keys, weights: Weights::default(), seed },
                )?;
                (loss, parts, rows, sequences.len())
            }
            Batch::Terms(terms) => {
                let terms: Vec<&Term> = terms.iter().map(|&t| &self.material.pool.terms[t]).collect();
                let framed: Vec<Vec<u32>> = terms.iter().map(|t| self.frame(t)).collect();
                let packed = Packed::new(framed.iter().map(Vec::as_slice));
                let states = self.bert.forward_packed(&packed.sequences, dropout)?;
                let (loss, parts) =
                    objective::terms(&self.heads, &states, &packed, &terms, &Weights::default())?;
                (Some(loss), parts, packed.rows, terms.len())
            }
        };
        if let Some(loss) = loss {
            let gradients = loss.backward()?;
            self.optimizer.step(&gradients, self.schedule.factor(step))?;
        }
        self.step += 1;
        self.tokens += rows;
        self.examples += examples;
        Ok(parts)
    }

    fn frame(&self, term: &Term) -> Vec<u32> {
        let mut ids = Vec::with_capacity(term.ids.len() + 2);
        ids.push(self.material.cls);
        ids.extend_from_slice(&term.ids);
        ids.push(self.material.sep);
        ids
    }

    /// Terms that the mentions of a batch are compared with: some of their codes, some of the same categories.
    fn keys(&self, windows: &[&Window], rng: &mut StdRng) -> Vec<usize> {
        let pool = &self.material.pool;
        let mut keys = Vec::new();
        let pick = |from: Option<&Vec<usize>>, n: usize, rng: &mut StdRng, keys: &mut Vec<usize>| {
            let Some(from) = from else { return };
            for _ in 0..n.min(from.len()) {
                let key = from[rng.random_range(0..from.len())];
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        };
        for (_, code) in windows.iter().flat_map(|w| &w.mentions) {
            pick(self.terms_of.get(code), 2, rng, &mut keys);
            let category = self.terms_of.get(code).map(|terms| pool.categories[terms[0]]);
            pick(category.and_then(|c| self.terms_in.get(&c)), 4, rng, &mut keys);
        }
        keys
    }

    /// Embeddings `[F, H]`, one wording of each label, picked by `rng`.
    fn labels(&mut self, rng: &mut StdRng) -> Result<Tensor, TrainError> {
        let stale = self.label_cache.as_ref().is_none_or(|(at, _)| self.step >= at + LABELS_STALE);
        if stale {
            self.label_cache = Some((self.step / LABELS_STALE * LABELS_STALE, self.read_labels()?));
        }
        let (_, cache) = self.label_cache.as_ref().expect("just read");
        let hidden = self.bert.config().hidden_size;
        let mut out = Vec::with_capacity(cache.len() * hidden);
        for wordings in cache {
            out.extend_from_slice(&wordings[rng.random_range(0..wordings.len())]);
        }
        Ok(Tensor::from_vec(out, (cache.len(), hidden), &Device::Cpu)?)
    }

    fn read_labels(&self) -> Result<Vec<Vec<Vec<f32>>>, TrainError> {
        let flat: Vec<Vec<u32>> = self
            .material
            .labels
            .iter()
            .flatten()
            .map(|ids| self.frame(&Term { ids: ids.clone(), code: 0 }))
            .collect();
        let mut vectors = Vec::with_capacity(flat.len());
        let mut at = 0;
        while at < flat.len() {
            let mut to = at;
            let mut pieces = 0;
            while to < flat.len() && (pieces == 0 || pieces + flat[to].len() <= READ) {
                pieces += flat[to].len();
                to += 1;
            }
            let sequences: Vec<&[u32]> = flat[at..to].iter().map(Vec::as_slice).collect();
            let states = self.bert.forward_packed(&sequences, None)?.detach();
            let packed = Packed::new(sequences.iter().copied());
            let spans: Vec<Range<usize>> =
                sequences.iter().enumerate().map(|(i, ids)| packed.shift(i, &(1..ids.len() - 1))).collect();
            vectors.extend(means(&states, &spans)?.to_vec2::<f32>()?);
            at = to;
        }
        let mut vectors = vectors.into_iter();
        Ok(self.material.labels.iter().map(|w| vectors.by_ref().take(w.len()).collect()).collect())
    }

    /// Loss on the windows that are never learned from, with the first wording of each label.
    fn unseen(&mut self) -> Result<Option<Parts>, TrainError> {
        if self.material.unseen.is_empty() {
            return Ok(None);
        }
        let labels = self.read_labels()?;
        let hidden = self.bert.config().hidden_size;
        let flat: Vec<f32> = labels.iter().flat_map(|w| w[0].iter().copied()).collect();
        let labels = Tensor::from_vec(flat, (labels.len(), hidden), &Device::Cpu)?;
        let mut sums = Sums::default();
        for windows in self.material.unseen.chunks(READ / 256) {
            let windows: Vec<&Window> = windows.iter().collect();
            let packed = Packed::new(windows.iter().map(|w| w.ids.as_slice()));
            let states = self.bert.forward_packed(&packed.sequences, None)?.detach();
            let (_, parts) = objective::windows(
                &self.heads,
                &states,
                &packed,
                &windows,
                &Asked { labels: &labels, keys: None, weights: Weights::default(), seed: 1 },
            )?;
            sums.add(&parts);
        }
        Ok(Some(sums.mean()))
    }

    fn checkpoint(&self, folder: &Path) -> Result<(), TrainError> {
        let checkpoint = self.optimizer.checkpoint(self.identity(), self.step, self.tokens)?;
        Ok(checkpoint.write(folder)?)
    }

    /// Writes the model folder: encoder in half precision, heads, recipe and record.
    fn write(&self, folder: &Path, last: Option<&CurvePoint>) -> Result<(), TrainError> {
        let about = (self.recipe.name.as_str(), self.recipe.base.as_str(), self.recipe.licence.as_str());
        let version = write_folder(&self.base, folder, about, &self.bert.export()?, Precision::F16)?;
        self.heads.write(&folder.join(neural::FILE), version.as_str())?;
        let record = Record {
            recipe: &self.recipe,
            sources: &self.material.sources,
            windows: self.material.pool.corpora.iter().map(|(k, r)| (k.as_str(), r.len())).collect(),
            precision: if self.half { "bfloat16" } else { "float32" },
            for_calibration: self.material.calibration.iter().map(|d| corpus_name(d.corpus)).fold(
                BTreeMap::new(),
                |mut counts, name| {
                    *counts.entry(name).or_default() += 1;
                    counts
                },
            ),
            left_out: &self.material.left_out,
            terms: self.material.pool.terms.len(),
            steps: self.step,
            tokens: self.tokens,
            final_loss: last,
        };
        let json =
            serde_json::to_string_pretty(&record).map_err(|e| TrainError::Data { reason: e.to_string() })?;
        let path = folder.join("training.json");
        std::fs::write(&path, json + "\n").map_err(|source| TrainError::Io { path, source })
    }
}

fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix("encoder.layer.")?.split('.').next()?.parse().ok()
}

fn append(path: &Path, point: &CurvePoint) -> Result<(), TrainError> {
    let io = |source| TrainError::Io { path: path.to_owned(), source };
    let line = serde_json::to_string(point).map_err(|e| TrainError::Data { reason: e.to_string() })?;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(io)?;
    writeln!(file, "{line}").map_err(io)
}

/// Where a run that goes on had come to.
fn last_point(path: &Path) -> Option<CurvePoint> {
    let text = std::fs::read_to_string(path).ok()?;
    serde_json::from_str(text.lines().last()?).ok()
}

/// Means of the parts that were there.
#[derive(Default)]
struct Sums {
    sums: [f32; 6],
    counts: [f32; 6],
}

impl Sums {
    fn add(&mut self, p: &Parts) {
        for (i, value) in [p.total, p.field, p.span, p.assertion, p.link, p.phrase].into_iter().enumerate() {
            if value != 0.0 {
                self.sums[i] += value;
                self.counts[i] += 1.0;
            }
        }
    }

    fn mean(&self) -> Parts {
        let m = |i: usize| self.sums[i] / self.counts[i].max(1.0);
        Parts { total: m(0), field: m(1), span: m(2), assertion: m(3), link: m(4), phrase: m(5) }
    }
}
