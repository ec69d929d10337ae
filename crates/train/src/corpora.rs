//! Public corpora in one form, for training and measuring.
//!
//! A [`Document`] is a text with [`Mention`]s on byte ranges, the [`Link`]s between them, and what its corpus does *not*
//! say: labels outside [`Document::annotated`] and the places in [`Document::doubtful`] are to be left out of a loss,
//! for an unmarked place there is neither right nor wrong. [`labels`] says every label in words, as the fields of a
//! template are said, so that one model reads them all. [`leaks`] tells what must not be trained on.
//!
//! The files are not part of the product: a folder is passed in, and [`load`] names the file that is not there.

pub mod align;
pub mod archive;
pub mod augment;
mod doubt;
mod gold;
mod index;
pub mod labels;
pub mod leaks;
mod maccrobat;
pub mod negex;
mod plain;
mod pubtator;
mod source;
pub mod terms;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use overread_domain::Assertion;

pub use source::{CorpusError, SourceFile};

/// One public collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Corpus {
    /// Dictated notes with reference entries; fields, attributes, assertions, ICD-10-CM codes.
    NotesGold,
    /// Case reports with 41 kinds of spans and their relations (Caufield et al. 2018).
    Maccrobat,
    /// Abstracts with diseases and chemicals (Li et al. 2016), training part.
    Bc5cdrTrain,
    /// The development part of the same.
    Bc5cdrDev,
    /// Abstracts with diseases (Doğan et al. 2014).
    NcbiDisease,
    /// Case reports with their ICD-10-CM codes (Miranda-Escalada et al. 2020), training part, in English translation.
    CodiespTrain,
    /// The development part of the same.
    CodiespDev,
    /// Case reports without annotation.
    CodiespBackground,
    /// Dictated notes without annotation.
    Mtsamples,
    /// Notes written from visits; the text without the dialogue.
    AciBench,
    /// Sections of notes with their kind; the text without the dialogue.
    MtsDialog,
}

impl Corpus {
    pub const ALL: [Self; 11] = [
        Self::NotesGold,
        Self::Maccrobat,
        Self::Bc5cdrTrain,
        Self::Bc5cdrDev,
        Self::NcbiDisease,
        Self::CodiespTrain,
        Self::CodiespDev,
        Self::CodiespBackground,
        Self::Mtsamples,
        Self::AciBench,
        Self::MtsDialog,
    ];

    /// Name of its file, without `.jsonl` or `.jsonl.gz`.
    pub fn file_stem(self) -> &'static str {
        match self {
            Self::NotesGold => "notes_gold_dev",
            Self::Maccrobat => "maccrobat",
            Self::Bc5cdrTrain => "bc5cdr_train",
            Self::Bc5cdrDev => "bc5cdr_dev",
            Self::NcbiDisease => "ncbi_disease",
            Self::CodiespTrain => "codiesp_train",
            Self::CodiespDev => "codiesp_dev",
            Self::CodiespBackground => "codiesp_background_en",
            Self::Mtsamples => "mtsamples",
            Self::AciBench => "aci_bench",
            Self::MtsDialog => "mts_dialog",
        }
    }
}

/// Which part of a corpus a document is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    Train,
    /// For measuring; no training run sees it.
    Dev,
}

/// One text and what its corpus says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: String,
    pub corpus: Corpus,
    pub split: Split,
    /// Fold of a note of [`Corpus::NotesGold`]: its line index (from 0) modulo [`FOLDS`]. Such notes are all
    /// [`Split::Train`]; a model that is scored on a fold is trained without it.
    pub fold: Option<u8>,
    pub text: String,
    /// In order of place: start, then end, then label. No two are equal in label and range.
    pub mentions: Vec<Mention>,
    pub links: Vec<Link>,
    /// Labels of which every instance in the text is marked, but for [`Document::doubtful`].
    pub annotated: Arc<BTreeSet<String>>,
    pub doubtful: Vec<Doubt>,
    /// ICD-10-CM codes of the whole note, as the corpus writes them.
    pub note_codes: Vec<String>,
    /// What part of a note the text is, in the corpus's own short form (`GENHX`), where the text is such a part.
    pub section: Option<String>,
}

/// Number of folds of the notes with reference entries.
pub const FOLDS: u8 = 5;

/// A labelled place.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    /// Field id (`diagnosis`), attribute (`medication.dose`), or the label of a corpus (`maccrobat.sign_symptom`,
    /// `disease`, `chemical`).
    pub label: String,
    /// Bytes of [`Document::text`], on character boundaries, never empty, no blank at either end.
    pub range: Range<usize>,
    /// Absent where the corpus does not say.
    pub assertion: Option<Assertion>,
    /// ICD-10-CM.
    pub code: Option<String>,
    /// `MeSH` or OMIM identifiers as the corpus writes them; several with `|` (composite mention) or `+`.
    pub concept: Option<String>,
    /// Normal form.
    pub value: Option<String>,
}

/// `tail` belongs to `head`: a dose to a medication, a value to a laboratory test. Indices into
/// [`Document::mentions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    pub head: usize,
    pub tail: usize,
}

/// A place where nothing is known of some labels. Never overlaps a mention of any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub range: Range<usize>,
    pub labels: BTreeSet<String>,
}

impl Document {
    /// Places that a loss for `label` passes over; the whole text where the corpus does not annotate it.
    pub fn masked(&self, label: &str) -> Vec<Range<usize>> {
        if !self.annotated.contains(label) {
            return std::iter::once(0..self.text.len()).collect();
        }
        let of_label = self.doubtful.iter().filter(|doubt| doubt.labels.contains(label));
        of_label.map(|doubt| doubt.range.clone()).collect()
    }

    /// Mentions of one label.
    pub fn labelled<'a>(&'a self, label: &'a str) -> impl Iterator<Item = &'a Mention> {
        self.mentions.iter().filter(move |mention| mention.label == label)
    }

    /// What is linked to the mention at `head`.
    pub fn attributes(&self, head: usize) -> impl Iterator<Item = &Mention> {
        self.links.iter().filter(move |link| link.head == head).map(|link| &self.mentions[link.tail])
    }
}

/// A corpus as read, with the hash that a training record names.
#[derive(Clone, Debug)]
pub struct Collection {
    pub corpus: Corpus,
    pub source: SourceFile,
    pub documents: Vec<Document>,
    /// Annotations that the internal form cannot hold; their places are doubtful.
    pub dropped: Vec<Dropped>,
}

/// An annotation left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Line of the file, from 1.
    pub line: usize,
    pub what: &'static str,
}

impl Collection {
    pub fn part(&self, split: Split) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.split == split)
    }
}

/// Reads a corpus from `folder`: `STEM.jsonl.gz`, else `STEM.jsonl`.
pub fn load(folder: &Path, corpus: Corpus) -> Result<Collection, CorpusError> {
    let path = source::find(folder, corpus.file_stem())?;
    match corpus {
        Corpus::NotesGold => gold::read(&path),
        Corpus::Maccrobat => maccrobat::read(&path),
        Corpus::Bc5cdrTrain | Corpus::Bc5cdrDev | Corpus::NcbiDisease => pubtator::read(&path, corpus),
        _ => plain::read(&path, corpus),
    }
}

/// Reads notes with reference entries from a file of their own, such as the invented ones of the product.
pub fn read_notes(path: &Path) -> Result<Collection, CorpusError> {
    gold::read(path)
}

#[cfg(test)]
mod tests;
