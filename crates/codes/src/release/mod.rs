//! One edition of one code system in memory: hierarchy, titles, notes.
//!
//! Entries stand in the tabular's own order, so that everything under an entry follows it without a gap and an
//! entry's index is stable for one content hash.

mod content;
mod defaults;
mod entry;
pub(crate) mod file;
pub(crate) mod wire;

use std::sync::OnceLock;

pub(crate) use content::{Draft, DraftEntry, extended};
pub use entry::{Children, Entry, Note, SeventhCharacter, Term};
use serde::{Deserialize, Serialize};

use crate::search::Index;

/// No entry: the parent of a chapter.
const NONE: u32 = u32::MAX;

/// What an entry of the hierarchy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// One of the numbered chapters.
    Chapter,
    /// A range of categories ("I10-I1A"); blocks may hold blocks.
    Block,
    /// Three characters.
    Category,
    /// Four characters and more, written out in the tabular list.
    Subcategory,
    /// Made from the entry above it by a 7th character, with placeholders X where needed.
    Extension,
}

/// The instruction that a note gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    InclusionTerm,
    Includes,
    Excludes1,
    Excludes2,
    CodeFirst,
    UseAdditionalCode,
    CodeAlso,
    Note,
    SeventhCharacterNote,
    /// What a procedure's root operation means.
    Definition,
    /// A value of an axis of a table of procedures: position, character, label ("4:6:Stomach").
    AxisValue,
}

/// Where a term comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermKind {
    /// The entry's title in the tabular list.
    Title,
    /// An inclusion term of the tabular list.
    Inclusion,
    /// An everyday phrase of this project's own table, for the code that the alphabetic index would lead to.
    Synonym,
    /// The code itself: only in hits, when the query is a code or its beginning.
    Code,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    len: u32,
}

#[derive(Debug, Clone)]
struct Node {
    code: Span,
    title: Span,
    parent: u32,
    /// One past the last entry under this one.
    end: u32,
    notes_start: u32,
    notes_len: u32,
    /// Index into `sevenths` of the definition written at this entry.
    seventh: u32,
    kind: EntryKind,
}

/// One edition of one code system. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct Release {
    id: String,
    system: String,
    title: String,
    effective: String,
    sources: Vec<(String, String)>,
    hash: String,
    text: String,
    nodes: Vec<Node>,
    notes: Vec<(NoteKind, Span)>,
    /// Definitions of 7th characters: character, meaning, further note (empty when there is none).
    sevenths: Vec<Vec<(char, Span, Span)>>,
    /// Entries that are codes, by code.
    by_code: Vec<u32>,
    /// For every entry, the billable entry under it that says no more than it does; itself when billable.
    default_leaf: Vec<u32>,
    index: OnceLock<Index>,
}

/// Systems whose codes are written with a dot after the third character.
const DOTTED: [&str; 2] = ["icd-10-cm", "icd-9-cm"];

impl Release {
    /// Reads a release file and makes it ready to search.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReleaseError> {
        let release = file::read(bytes)?;
        release.index();
        Ok(release)
    }

    /// The release file: header (magic, format version, length, SHA-256 of the content), then the content packed
    /// with zstd at `level` (19 for what ships).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn to_bytes(&self, level: i32) -> Result<Vec<u8>, ReleaseError> {
        file::write(self, level)
    }

    /// For example `icd-10-cm-2026-04`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// For example `icd-10-cm`.
    pub fn system(&self) -> &str {
        &self.system
    }

    /// The edition in words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// First day in force, ISO 8601.
    pub fn effective(&self) -> &str {
        &self.effective
    }

    /// Name and SHA-256 (hex) of each official file that this was made from.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().map(|(name, hash)| (name.as_str(), hash.as_str()))
    }

    /// SHA-256 (hex) of the unpacked content: equal for equal releases, whatever packed them.
    pub fn content_hash(&self) -> &str {
        &self.hash
    }

    /// Number of entries: chapters, blocks and codes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All entries in the tabular's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        (0..self.nodes.len() as u32).map(|index| Entry::new(self, index))
    }

    /// The chapters.
    pub fn chapters(&self) -> Children<'_> {
        Children::new(self, 0, self.nodes.len() as u32)
    }

    /// The entry at `index` (see [`Entry::index`]).
    pub fn entry(&self, index: u32) -> Option<Entry<'_>> {
        ((index as usize) < self.nodes.len()).then(|| Entry::new(self, index))
    }

    /// The entry of a code with or without its dot and in any case; of a block ("A00-A09"); of a chapter ("9").
    /// A name shared by a category and its block ("B20") means the category.
    pub fn get(&self, code: &str) -> Option<Entry<'_>> {
        let wanted = self.written(code)?;
        if let Ok(at) = self.by_code.binary_search_by(|&i| self.code_of(i).cmp(&wanted)) {
            return Some(Entry::new(self, self.by_code[at]));
        }
        self.iter().find(|e| matches!(e.kind(), EntryKind::Chapter | EntryKind::Block) && e.code() == wanted)
    }

    /// Indices of the entry `code` (a chapter, a block, a code) and of all under it: from the first to before the second.
    pub fn under(&self, code: &str) -> Option<[u32; 2]> {
        let entry = self.get(code)?;
        Some([entry.index(), self.nodes[entry.index() as usize].end])
    }

    /// Whether `code` can stand on a claim: it exists and nothing is below it.
    pub fn is_billable(&self, code: &str) -> bool {
        self.get(code).is_some_and(Entry::billable)
    }

    /// The entry above.
    pub fn parent(&self, code: &str) -> Option<Entry<'_>> {
        self.get(code)?.parent()
    }

    /// The entries directly below; none for an unknown code.
    pub fn children(&self, code: &str) -> Children<'_> {
        self.get(code).map_or_else(|| Children::new(self, 0, 0), Entry::children)
    }

    /// The entries above, nearest first.
    pub fn ancestors(&self, code: &str) -> Vec<Entry<'_>> {
        self.get(code).map(|e| e.ancestors().collect()).unwrap_or_default()
    }

    /// The other entries under the same parent.
    pub fn siblings(&self, code: &str) -> Vec<Entry<'_>> {
        self.get(code).map(|e| e.siblings().collect()).unwrap_or_default()
    }

    /// Notes that hold for `code`: its own, then those of its ancestors, nearest first. Inclusion terms are not
    /// inherited.
    pub fn notes(&self, code: &str) -> Vec<Note<'_>> {
        self.get(code).map(|e| e.all_notes().collect()).unwrap_or_default()
    }

    /// Codes whose name begins with `prefix` (with or without dot, any case), in code order.
    pub fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = Entry<'_>> {
        let wanted = self.written(prefix).unwrap_or_default();
        let from = self.by_code.partition_point(|&i| self.code_of(i) < wanted.as_str());
        let found = if wanted.is_empty() { &[][..] } else { &self.by_code[from..] };
        found.iter().take_while(move |&&i| self.code_of(i).starts_with(&wanted)).map(|&i| Entry::new(self, i))
    }

    pub(crate) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::build(self))
    }

    /// A code as this system writes it.
    fn written(&self, code: &str) -> Option<String> {
        if DOTTED.contains(&self.system.as_str()) {
            return dotted(code);
        }
        let code = code.trim();
        let mut written =
            (!code.is_empty() && code.len() <= 32 && code.is_ascii()).then(|| code.to_ascii_uppercase())?;
        // ICD-11 has its dot after the fourth character; extension codes (X) and names of blocks have none.
        if self.system == "icd-11"
            && written.len() > 4
            && !written.contains(['.', '-'])
            && !written.starts_with('X')
        {
            written.insert(4, '.');
        }
        Some(written)
    }

    fn code_of(&self, index: u32) -> &str {
        self.slice(self.nodes[index as usize].code)
    }

    fn slice(&self, span: Span) -> &str {
        &self.text[span.start as usize..(span.start + span.len) as usize]
    }
}

/// Upper case, with the dot after the third character and none elsewhere; blocks and chapters as they are. `None`
/// for what can't be a name at all.
fn dotted(code: &str) -> Option<String> {
    let code = code.trim();
    if code.is_empty() || code.len() > 16 || !code.is_ascii() {
        return None;
    }
    let upper = code.to_ascii_uppercase();
    if upper.contains('-') && upper.len() > 4 {
        return Some(upper);
    }
    let mut plain: String = upper.chars().filter(|c| *c != '.').collect();
    if plain.len() > 3 {
        plain.insert(3, '.');
    }
    Some(plain)
}

use crate::ReleaseError;

#[cfg(test)]
mod tests;
