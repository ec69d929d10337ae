//! The correction memory: what people decided on a phrase changes what is suggested for the same and for like words in
//! the next note, at once and without training.
//!
//! It is transparent on purpose. A mention's calibrated probability is shifted, in log-odds, by how often its words were
//! kept and rejected in the field; its codes are the posterior of a Dirichlet whose base measure is the model's own
//! ranking, so that a code accepted once for exactly these words comes first. Like words (cosine of phrase vectors) count
//! as fractions of a use. The few weights are fitted leave-one-note-out ([`fit`]); every entry can be listed and
//! deleted, and a deleted one is as if it had never been.

mod apply;
pub mod fit;
mod vectors;

use std::collections::{BTreeMap, HashMap};

use overread_domain::lesson::phrase_key;
use overread_domain::{CodeRef, LessonKind};
use overread_encoder::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::LoadError;
use vectors::Vectors;

pub(crate) use apply::apply;

/// File of a model folder that holds a memory.
pub const FILE: &str = "memory.json";
const FORMAT: u32 = 1;
/// Uses of one fact that count at most: a thousand acceptances of one phrase say no more than this many.
const MOST_USES: u32 = 20;
/// Like phrases that are looked at for one mention.
const NEAREST: usize = 8;

/// What is remembered of one phrase in one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    pub kind: LessonKind,
    pub field: String,
    /// As it stood in a note.
    pub phrase: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeRef>,
    /// How many standing decisions say so.
    pub uses: u32,
}

/// How much what is remembered weighs. See [`fit`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Log-odds that a mention gains for each unit of `ln((kept + 1) / (rejected + 1))`.
    pub mention: f32,
    /// Strength of the model's own code ranking, in uses; at most 1, so that an accepted code comes first.
    pub code_prior: f32,
    /// What a phrase of cosine 1 that is not the same phrase counts for, in uses.
    pub near: f32,
    /// Cosine from which phrases are like at all.
    pub floor: f32,
    /// Probability that words kept before belong into the field where no finder saw them, before the shift.
    pub missed: f32,
}

impl Default for Weights {
    /// Fitted on simulated reviews of dictated notes; see `models/MODEL_CARD.md`.
    fn default() -> Self {
        Self { mention: 1.0, code_prior: 0.5, near: 0.3, floor: 0.75, missed: 0.25 }
    }
}

impl Weights {
    fn is_sound(&self) -> bool {
        let all = [self.mention, self.code_prior, self.near, self.floor, self.missed];
        all.iter().all(|w| w.is_finite() && *w >= 0.0)
            && self.code_prior > 0.0
            && self.code_prior <= 1.0
            && self.floor < 1.0
            && self.missed < 1.0
    }
}

/// Facts of one phrase, counted by field.
#[derive(Clone, Debug, Default)]
struct Phrase {
    key: String,
    fields: BTreeMap<String, Counts>,
}

/// Standing decisions for and against.
#[derive(Clone, Debug, Default)]
struct Counts {
    kept: f32,
    rejected: f32,
    /// By system and code: accepted, rejected.
    codes: BTreeMap<CodeRef, (f32, f32)>,
}

/// A phrase that is remembered, and how like the one asked for it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remembered<'m> {
    phrase: &'m str,
    index: usize,
    /// 1 for the same phrase; less, in uses, for one that is only like it.
    pub weight: f32,
}

impl Remembered<'_> {
    /// The remembered words, in the form in which they are compared.
    pub fn phrase(&self) -> &str {
        self.phrase
    }
}

/// Everything that is remembered, ready to be asked. Never changed: a new decision makes a new one.
#[derive(Clone, Debug)]
pub struct Memory {
    weights: Weights,
    phrases: Vec<Phrase>,
    by_key: HashMap<String, usize>,
    /// By the phrase's words as notes are split into words, to find it where no finder saw anything.
    by_words: HashMap<String, Vec<usize>>,
    longest: usize,
    vectors: Vectors,
    version: String,
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    /// What made the vectors ([`crate::Suggest::phrase_space`]); empty where there are none.
    space: String,
    weights: Weights,
    facts: Vec<Fact>,
    /// By phrase, as [`phrase_key`] has it: 8-bit numbers in hexadecimal.
    #[serde(default)]
    vectors: BTreeMap<String, String>,
}

impl Memory {
    /// Takes facts in; those with no uses are passed over.
    pub fn new(facts: &[Fact], weights: Weights) -> Self {
        let mut memory = Self {
            weights,
            phrases: Vec::new(),
            by_key: HashMap::new(),
            by_words: HashMap::new(),
            longest: 0,
            vectors: Vectors::default(),
            version: String::new(),
        };
        for fact in facts {
            memory.add(fact);
        }
        memory.version = memory.hash();
        memory
    }

    fn add(&mut self, fact: &Fact) {
        let key = phrase_key(&fact.phrase);
        if fact.uses == 0 || key.is_empty() {
            return;
        }
        let index = *self.by_key.entry(key.clone()).or_insert_with(|| {
            let words = crate::note::word_key(&key);
            self.longest = self.longest.max(words.split(' ').count());
            self.by_words.entry(words).or_default().push(self.phrases.len());
            self.phrases.push(Phrase { key, fields: BTreeMap::new() });
            self.phrases.len() - 1
        });
        let counts = self.phrases[index].fields.entry(fact.field.clone()).or_default();
        let uses = fact.uses.min(MOST_USES) as f32;
        match (fact.kind, &fact.code) {
            (LessonKind::MentionAccepted, _) => counts.kept += uses,
            (LessonKind::MentionRejected, _) => counts.rejected += uses,
            (LessonKind::CodeAccepted, Some(code)) => {
                counts.codes.entry(code.clone()).or_default().0 += uses;
            }
            (LessonKind::CodeRejected, Some(code)) => {
                counts.codes.entry(code.clone()).or_default().1 += uses;
            }
            _ => {}
        }
    }

    /// The same with vectors of its phrases, so that like words are found too; `space` is
    /// [`crate::Suggest::phrase_space`] of who made them. `vector` is asked for every phrase; a phrase without one is only found by its own words.
    #[must_use]
    pub fn with_vectors<'v>(
        mut self,
        space: &str,
        mut vector: impl FnMut(&str) -> Option<&'v [f32]>,
    ) -> Self {
        self.vectors = Vectors::new(space, self.phrases.iter().map(|phrase| vector(&phrase.key)));
        self.version = self.hash();
        self
    }

    /// Hash (64 hexadecimal digits) of all that it says: equal versions change suggestions alike.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn weights(&self) -> Weights {
        self.weights
    }

    pub fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

    /// Phrases that are remembered, in the form in which they are compared.
    pub fn phrases(&self) -> impl Iterator<Item = &str> {
        self.phrases.iter().map(|phrase| phrase.key.as_str())
    }

    fn hash(&self) -> String {
        let mut lines: Vec<String> = Vec::with_capacity(self.phrases.len());
        for phrase in &self.phrases {
            for (field, counts) in &phrase.fields {
                lines.push(format!("{}\t{field}\t{counts:?}", phrase.key));
            }
        }
        lines.sort_unstable();
        lines.push(format!("{FORMAT} {:?} {}", self.weights, self.vectors.version()));
        sha256_hex(lines.join("\n").as_bytes())
    }

    /// The phrase itself where it is remembered, and the phrases most like it, best first. `vector` is that of the
    /// mention in the space of this memory's vectors.
    pub fn look_up(&self, phrase: &str, vector: Option<&[f32]>) -> Vec<Remembered<'_>> {
        let own = self.by_key.get(&phrase_key(phrase)).copied();
        let known = |index: usize, weight| Remembered { phrase: &self.phrases[index].key, index, weight };
        let mut out: Vec<Remembered<'_>> = own.map(|index| known(index, 1.0)).into_iter().collect();
        if let Some(vector) = vector.filter(|_| self.weights.near > 0.0) {
            let near = self.vectors.nearest(vector, self.weights.floor, NEAREST);
            out.extend(
                near.into_iter()
                    .filter(|(index, _)| Some(*index) != own)
                    .map(|(index, cosine)| known(index, likeness(&self.weights, cosine)))
                    .filter(|remembered| remembered.weight > 0.01),
            );
        }
        out
    }

    /// What is remembered of a field in log-odds: what a mention's probability is shifted by.
    pub fn mention_shift(&self, remembered: &[Remembered<'_>], field: &str) -> f32 {
        let (mut kept, mut rejected) = (0.0, 0.0);
        for (counts, weight) in self.counts(remembered, field) {
            kept += weight * counts.kept;
            rejected += weight * counts.rejected;
        }
        self.weights.mention * evidence(kept, rejected)
    }

    /// What is remembered of a code in a field, in log-odds.
    pub fn code_shift(&self, remembered: &[Remembered<'_>], field: &str, code: &CodeRef) -> f32 {
        let (mut accepted, mut rejected) = (0.0, 0.0);
        for (counts, weight) in self.counts(remembered, field) {
            let (a, r) = counts.codes.get(code).copied().unwrap_or_default();
            accepted += weight * a;
            rejected += weight * r;
        }
        self.weights.mention * evidence(accepted, rejected)
    }

    /// The probabilities of `codes` (what the model says, in sum 1 at most) with what is remembered; also of codes that
    /// the model did not think of. Best first.
    pub fn rank(
        &self,
        remembered: &[Remembered<'_>],
        field: &str,
        codes: &[(CodeRef, f32)],
    ) -> Vec<(CodeRef, f32)> {
        let mut seen: BTreeMap<&CodeRef, (f32, f32)> = BTreeMap::new();
        for (counts, weight) in self.counts(remembered, field) {
            for (code, (accepted, rejected)) in &counts.codes {
                let sum = seen.entry(code).or_default();
                sum.0 += weight * accepted;
                sum.1 += weight * rejected;
            }
        }
        posterior(&self.weights, &seen, codes)
    }

    fn counts<'s>(
        &'s self,
        remembered: &'s [Remembered<'_>],
        field: &'s str,
    ) -> impl Iterator<Item = (&'s Counts, f32)> {
        remembered.iter().filter_map(move |r| {
            let counts = self.phrases.get(r.index)?.fields.get(field)?;
            Some((counts, r.weight))
        })
    }

    /// As `memory.json` of a model folder.
    pub fn to_json(&self) -> String {
        let mut facts = Vec::new();
        for phrase in &self.phrases {
            for (field, counts) in &phrase.fields {
                let mut add = |kind, code: Option<&CodeRef>, uses: f32| {
                    if uses > 0.0 {
                        let (field, phrase, code) = (field.clone(), phrase.key.clone(), code.cloned());
                        facts.push(Fact { kind, field, phrase, code, uses: uses as u32 });
                    }
                };
                add(LessonKind::MentionAccepted, None, counts.kept);
                add(LessonKind::MentionRejected, None, counts.rejected);
                for (code, (accepted, rejected)) in &counts.codes {
                    add(LessonKind::CodeAccepted, Some(code), *accepted);
                    add(LessonKind::CodeRejected, Some(code), *rejected);
                }
            }
        }
        let keys = self.phrases.iter().map(|phrase| phrase.key.clone());
        let file = File {
            format: FORMAT,
            space: self.vectors.space().to_owned(),
            weights: self.weights,
            facts,
            vectors: keys.zip(self.vectors.hex()).filter(|(_, hex)| !hex.is_empty()).collect(),
        };
        serde_json::to_string(&file).unwrap_or_default() + "\n"
    }

    /// Reads `memory.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LoadError> {
        let bad = |reason: String| LoadError::Memory { reason };
        // Serde's own message may quote a phrase of a note: only its place is told.
        let file: File = serde_json::from_slice(bytes)
            .map_err(|e| bad(format!("line {} column {} is not as expected", e.line(), e.column())))?;
        if file.format != FORMAT {
            return Err(bad(format!("format {} is not {FORMAT}", file.format)));
        }
        if !file.weights.is_sound() {
            return Err(bad("a weight is out of its range".to_owned()));
        }
        let mut parsed: HashMap<&str, Vec<f32>> = HashMap::new();
        for (key, hex) in &file.vectors {
            let vector =
                vectors::from_hex(hex).ok_or_else(|| bad("a vector is no list of numbers".into()))?;
            parsed.insert(key, vector);
        }
        let width = parsed.values().next().map_or(0, Vec::len);
        if parsed.values().any(|vector| vector.len() != width) {
            return Err(bad("vectors differ in length".to_owned()));
        }
        let memory = Self::new(&file.facts, file.weights);
        if file.space.is_empty() {
            return Ok(memory);
        }
        Ok(memory.with_vectors(&file.space, |key| parsed.get(key).map(Vec::as_slice)))
    }
}

/// `ln((for + 1) / (against + 1))`: the log-odds of a coin seen so often, with one unseen toss to either side.
fn evidence(kept: f32, rejected: f32) -> f32 {
    ((kept + 1.0) / (rejected + 1.0)).ln()
}

/// What a phrase of this cosine counts for, in uses.
fn likeness(weights: &Weights, cosine: f32) -> f32 {
    let above = ((cosine - weights.floor) / (1.0 - weights.floor)).clamp(0.0, 1.0);
    weights.near * above * above
}

/// The posterior mean of a Dirichlet with the model's ranking as base measure and accepted codes as counts. A code rejected
/// more often than accepted loses of its base measure.
fn posterior(
    weights: &Weights,
    seen: &BTreeMap<&CodeRef, (f32, f32)>,
    codes: &[(CodeRef, f32)],
) -> Vec<(CodeRef, f32)> {
    let net = |code: &CodeRef| seen.get(code).map_or(0.0, |(accepted, rejected)| accepted - rejected);
    let total: f32 = seen.keys().map(|code| net(code).max(0.0)).sum();
    let scale = total + weights.code_prior;
    let value = |code: &CodeRef, base: f32| {
        let net = net(code);
        let base = base / (1.0 - net.min(0.0));
        (net.max(0.0) + weights.code_prior * base) / scale
    };
    let mut out: Vec<(CodeRef, f32)> =
        codes.iter().map(|(code, base)| (code.clone(), value(code, *base))).collect();
    let new = seen.keys().filter(|code| net(code) > 0.0 && !codes.iter().any(|(known, _)| known == **code));
    out.extend(new.map(|code| ((*code).clone(), value(code, 0.0))));
    out.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    out
}

#[cfg(test)]
mod tests;
