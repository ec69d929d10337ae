//! Handles on a release's entries: small, copyable, borrowed from the release.

use serde::Serialize;

use super::{EntryKind, NONE, Node, NoteKind, Release, TermKind};

/// One chapter, block or code of a release.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    release: &'a Release,
    index: u32,
}

/// A note and the entry that it is written at.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    pub entry: Entry<'a>,
    pub kind: NoteKind,
    pub text: &'a str,
}

/// One choice of a 7th character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SeventhCharacter<'a> {
    pub character: char,
    pub meaning: &'a str,
    /// A further note at this choice, where the tabular has one.
    pub note: Option<&'a str>,
}

/// A phrase that names an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term<'a> {
    /// Index of the entry in the release.
    pub entry: u32,
    pub text: &'a str,
    pub kind: TermKind,
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} {:?})", self.code(), self.title())
    }
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.release, other.release) && self.index == other.index
    }
}

impl Eq for Entry<'_> {}

impl<'a> Entry<'a> {
    pub(super) fn new(release: &'a Release, index: u32) -> Self {
        Self { release, index }
    }

    fn node(self) -> &'a Node {
        &self.release.nodes[self.index as usize]
    }

    fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// Position in the tabular's order, below [`Release::len`].
    pub fn index(self) -> u32 {
        self.index
    }

    /// As shown to people: codes with their dot.
    pub fn code(self) -> &'a str {
        self.release.slice(self.node().code)
    }

    /// Full title; for a 7th character that of the code below it, a comma and the character's meaning.
    pub fn title(self) -> &'a str {
        self.release.slice(self.node().title)
    }

    pub fn kind(self) -> EntryKind {
        self.node().kind
    }

    /// Whether this is a code and not a chapter or block.
    pub fn is_code(self) -> bool {
        !matches!(self.kind(), EntryKind::Chapter | EntryKind::Block)
    }

    /// A code that nothing is below.
    pub fn billable(self) -> bool {
        self.is_code() && self.node().end == self.index + 1
    }

    pub fn parent(self) -> Option<Self> {
        let parent = self.node().parent;
        (parent != NONE).then(|| self.at(parent))
    }

    /// Nearest first.
    pub fn ancestors(self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), |e| e.parent())
    }

    /// The entries directly below.
    pub fn children(self) -> Children<'a> {
        Children::new(self.release, self.index + 1, self.node().end)
    }

    /// The other entries under the same parent.
    pub fn siblings(self) -> impl Iterator<Item = Self> {
        let all = self.parent().map_or_else(|| self.release.chapters(), Self::children);
        all.filter(move |e| *e != self)
    }

    /// Everything below, in order.
    pub fn descendants(self) -> impl Iterator<Item = Self> {
        (self.index + 1..self.node().end).map(move |i| self.at(i))
    }

    /// Whether `self` is `other` or stands under it.
    pub fn is_within(self, other: Self) -> bool {
        std::ptr::eq(self.release, other.release) && (other.index..other.node().end).contains(&self.index)
    }

    /// The billable codes at or below this entry.
    pub fn leaves(self) -> impl Iterator<Item = Self> {
        (self.index..self.node().end).map(move |i| self.at(i)).filter(|e| e.billable())
    }

    /// The billable code at or below this entry that says no more than the entry itself: "unspecified", "without
    /// complications", first encounter. Itself when billable.
    #[must_use]
    pub fn default_leaf(self) -> Self {
        self.at(self.release.default_leaf[self.index as usize])
    }

    /// The billable code under the same parent (or a nearer ancestor that has another) that says no more than that
    /// parent does; `None` when this code is that already.
    pub fn unspecified_sibling(self) -> Option<Self> {
        let parent = self.parent().filter(|p| p.is_code())?;
        let leaf = parent.default_leaf();
        (leaf != self && leaf != self.default_leaf()).then_some(leaf)
    }

    /// Notes written at this very entry.
    pub fn notes(self) -> impl Iterator<Item = Note<'a>> {
        let (start, len) = (self.node().notes_start as usize, self.node().notes_len as usize);
        self.release.notes[start..start + len].iter().map(move |&(kind, span)| Note {
            entry: self,
            kind,
            text: self.release.slice(span),
        })
    }

    /// Own notes, then the ancestors' (without their inclusion terms), nearest first.
    pub fn all_notes(self) -> impl Iterator<Item = Note<'a>> {
        let inherited = self.ancestors().flat_map(Self::notes);
        self.notes().chain(inherited.filter(|n| n.kind != NoteKind::InclusionTerm))
    }

    /// Inclusion terms written at this entry.
    pub fn inclusion_terms(self) -> impl Iterator<Item = &'a str> {
        self.notes().filter(|n| n.kind == NoteKind::InclusionTerm).map(|n| n.text)
    }

    /// The 7th characters that hold here: the nearest definition at this entry or above; empty when there is none.
    pub fn seventh_characters(self) -> impl Iterator<Item = SeventhCharacter<'a>> {
        let defining = |e: &Self| (e.node().seventh as usize) < e.release.sevenths.len();
        let defining = std::iter::once(self).chain(self.ancestors()).find(defining);
        defining.into_iter().flat_map(Self::own_seventh_characters)
    }

    /// The 7th characters that are defined at this very entry.
    pub fn own_seventh_characters(self) -> impl Iterator<Item = SeventhCharacter<'a>> {
        let release = self.release;
        let defined = release.sevenths.get(self.node().seventh as usize);
        defined.into_iter().flatten().map(move |&(character, meaning, note)| SeventhCharacter {
            character,
            meaning: release.slice(meaning),
            note: Some(release.slice(note)).filter(|n| !n.is_empty()),
        })
    }
}

/// Entries under one parent, skipping what is below them.
#[derive(Debug, Clone)]
pub struct Children<'a> {
    release: &'a Release,
    next: u32,
    end: u32,
}

impl<'a> Children<'a> {
    pub(super) fn new(release: &'a Release, next: u32, end: u32) -> Self {
        Self { release, next, end }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        (self.next < self.end).then(|| {
            let entry = Entry::new(self.release, self.next);
            self.next = entry.node().end;
            entry
        })
    }
}

impl Release {
    /// Every phrase that names an entry, for embedding: titles and inclusion terms of the tabular and the
    /// project's own synonyms. Codes made by a 7th character have no terms of their own, they share those of the
    /// entry above. The order is stable for one [`Release::terms_hash`].
    pub fn terms(&self) -> impl Iterator<Item = Term<'_>> {
        self.tabular_terms().chain(crate::search::synonym_terms(self))
    }

    /// Titles and inclusion terms, each entry's title first.
    pub(crate) fn tabular_terms(&self) -> impl Iterator<Item = Term<'_>> {
        self.iter().filter(|e| e.is_code() && e.kind() != EntryKind::Extension).flat_map(|e| {
            let title = std::iter::once(Term { entry: e.index(), text: e.title(), kind: TermKind::Title });
            let inclusion = move |text| Term { entry: e.index(), text, kind: TermKind::Inclusion };
            title.chain(e.inclusion_terms().map(inclusion))
        })
    }

    /// SHA-256 (hex) over [`Release::terms`]: what a vector index belongs to.
    pub fn terms_hash(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for term in self.terms() {
            hash.update(term.entry.to_le_bytes());
            hash.update((term.text.len() as u32).to_le_bytes());
            hash.update(term.text.as_bytes());
        }
        super::file::hex(&hash.finalize())
    }
}
