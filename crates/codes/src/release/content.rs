//! From a draft (what the parser of the official files makes) to a release.

use super::{EntryKind, NONE, Node, NoteKind, Release, Span, defaults};
use crate::ReleaseError;

/// A release before its texts are laid out.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub id: String,
    pub system: String,
    pub title: String,
    pub effective: String,
    pub sources: Vec<(String, String)>,
    pub entries: Vec<DraftEntry>,
}

/// One entry; `depth` counts from 0 for chapters and never jumps down by more than one.
#[derive(Debug)]
pub(crate) struct DraftEntry {
    pub depth: u8,
    pub kind: EntryKind,
    pub code: String,
    pub title: String,
    pub notes: Vec<(NoteKind, String)>,
    pub sevenths: Vec<(char, String, String)>,
}

impl DraftEntry {
    pub fn new(depth: u8, kind: EntryKind, code: String, title: String) -> Self {
        Self { depth, kind, code, title, notes: Vec::new(), sevenths: Vec::new() }
    }
}

/// Lays out entries one by one, checking that they form a tree.
pub(super) struct Assembler {
    release: Release,
    /// Open entries, one a depth.
    path: Vec<u32>,
}

impl Assembler {
    pub fn new(id: &str, system: &str, title: &str, effective: &str) -> Self {
        let release = Release {
            id: id.into(),
            system: system.into(),
            title: title.into(),
            effective: effective.into(),
            sources: Vec::new(),
            hash: String::new(),
            text: String::with_capacity(12 << 20),
            nodes: Vec::new(),
            notes: Vec::new(),
            sevenths: Vec::new(),
            by_code: Vec::new(),
            default_leaf: Vec::new(),
            index: std::sync::OnceLock::new(),
        };
        Self { release, path: Vec::new() }
    }

    pub fn source(&mut self, name: &str, hash: &str) {
        self.release.sources.push((name.into(), hash.into()));
    }

    fn put(&mut self, text: &str) -> Span {
        let start = self.release.text.len() as u32;
        self.release.text.push_str(text);
        Span { start, len: text.len() as u32 }
    }

    pub fn entry(
        &mut self,
        depth: usize,
        kind: EntryKind,
        code: &str,
        title: &str,
    ) -> Result<(), &'static str> {
        if depth > self.path.len() || depth > 24 {
            return Err("entry deeper than its parent allows");
        }
        if self.release.text.len() > (u32::MAX >> 1) as usize {
            return Err("more text than an index can reach");
        }
        self.close(depth);
        let index = self.release.nodes.len() as u32;
        let node = Node {
            code: self.put(code),
            title: self.put(title),
            parent: self.path.last().copied().unwrap_or(NONE),
            end: index + 1,
            notes_start: self.release.notes.len() as u32,
            notes_len: 0,
            seventh: NONE,
            kind,
        };
        self.release.nodes.push(node);
        self.path.push(index);
        Ok(())
    }

    /// An entry that the open one yields with a 7th character of the nearest definition.
    pub fn extension(&mut self, character: char) -> Result<(), &'static str> {
        let mut base = self.path.last().copied().ok_or("7th character without a code")?;
        if self.release.nodes[base as usize].kind == EntryKind::Extension {
            self.close(self.path.len() - 1);
            base = *self.path.last().ok_or("7th character without a code")?;
        }
        let meaning = super::Entry::new(&self.release, base)
            .seventh_characters()
            .find(|s| s.character == character)
            .ok_or("7th character without a meaning")?
            .meaning;
        let node = &self.release.nodes[base as usize];
        let (code, title) = (self.release.slice(node.code), self.release.slice(node.title));
        let code = extended(code, character).ok_or("7th character on a code that has no room for it")?;
        let title = format!("{title}, {meaning}");
        self.entry(self.path.len(), EntryKind::Extension, &code, &title)
    }

    pub fn note(&mut self, kind: NoteKind, text: &str) {
        let span = self.put(text);
        self.release.notes.push((kind, span));
        if let Some(node) = self.release.nodes.last_mut() {
            node.notes_len += 1;
        }
    }

    pub fn seventh(&mut self, character: char, meaning: &str, note: &str) {
        let (meaning, note) = (self.put(meaning), self.put(note));
        let next = self.release.sevenths.len() as u32;
        if let Some(node) = self.release.nodes.last_mut() {
            if node.seventh == NONE {
                node.seventh = next;
                self.release.sevenths.push(Vec::new());
            }
            self.release.sevenths[node.seventh as usize].push((character, meaning, note));
        }
    }

    fn close(&mut self, depth: usize) {
        let end = self.release.nodes.len() as u32;
        for index in self.path.drain(depth..) {
            self.release.nodes[index as usize].end = end;
        }
    }

    pub fn finish(mut self) -> Result<Release, &'static str> {
        self.close(0);
        let mut release = self.release;
        let mut by_code: Vec<u32> = release.iter().filter(|e| e.is_code()).map(super::Entry::index).collect();
        by_code.sort_by(|&a, &b| release.code_of(a).cmp(release.code_of(b)));
        if by_code.windows(2).any(|w| release.code_of(w[0]) == release.code_of(w[1])) {
            return Err("the same code twice");
        }
        release.by_code = by_code;
        release.default_leaf = defaults::default_leaves(&release);
        Ok(release)
    }
}

/// The code with placeholders X up to its sixth character and `character` as seventh.
pub(crate) fn extended(code: &str, character: char) -> Option<String> {
    let plain = code.len() - usize::from(code.contains('.'));
    if !(3..=6).contains(&plain) || !code.is_ascii() {
        return None;
    }
    let dot = if plain == 3 { "." } else { "" };
    Some(format!("{code}{dot}{}{character}", "X".repeat(6 - plain)))
}

impl Release {
    /// Lays out `draft`; its content hash is that of the file it would be written to.
    pub(crate) fn assemble(draft: &Draft) -> Result<Self, ReleaseError> {
        let broken = |what| ReleaseError::Malformed { at: 0, what };
        let mut a = Assembler::new(&draft.id, &draft.system, &draft.title, &draft.effective);
        for (name, hash) in &draft.sources {
            a.source(name, hash);
        }
        for e in &draft.entries {
            if e.kind == EntryKind::Extension {
                a.extension(e.code.chars().last().ok_or_else(|| broken("empty code"))?).map_err(broken)?;
                continue;
            }
            a.entry(usize::from(e.depth), e.kind, &e.code, &e.title).map_err(broken)?;
            for (kind, text) in &e.notes {
                a.note(*kind, text);
            }
            for (character, meaning, note) in &e.sevenths {
                a.seventh(*character, meaning, note);
            }
        }
        let mut release = a.finish().map_err(broken)?;
        release.hash = super::file::content_hash(&release);
        Ok(release)
    }
}
