//! The release file. Header of 54 bytes, little endian: magic `OVRCODES` (8), format version (2), length of the
//! content (4), reserved zeros (8), SHA-256 of the content (32). Then the content in one zstd frame.
//!
//! Content: id, system, title, effective date, sources; then the entries in order. Each begins with a byte: kind in
//! the low three bits; an extension holds only its 7th character after that, everything else depth, code, title,
//! notes and definitions of 7th characters.

use sha2::{Digest, Sha256};

use super::content::Assembler;
use super::wire::{Reader, Writer};
use super::{EntryKind, NoteKind, Release};
use crate::ReleaseError;

const MAGIC: &[u8; 8] = b"OVRCODES";
const VERSION: u16 = 1;
const HEADER: usize = 54;
/// Refuses a header that would make a reader unpack more than any code system holds.
const MAX_CONTENT: usize = 256 << 20;

const ENTRY_KINDS: [EntryKind; 5] =
    [EntryKind::Chapter, EntryKind::Block, EntryKind::Category, EntryKind::Subcategory, EntryKind::Extension];

const NOTE_KINDS: [NoteKind; 11] = [
    NoteKind::InclusionTerm,
    NoteKind::Includes,
    NoteKind::Excludes1,
    NoteKind::Excludes2,
    NoteKind::CodeFirst,
    NoteKind::UseAdditionalCode,
    NoteKind::CodeAlso,
    NoteKind::Note,
    NoteKind::SeventhCharacterNote,
    NoteKind::Definition,
    NoteKind::AxisValue,
];

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

pub(super) fn content_hash(release: &Release) -> String {
    hex(&Sha256::digest(content(release)))
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn write(release: &Release, level: i32) -> Result<Vec<u8>, ReleaseError> {
    seal(*MAGIC, &content(release), level)
}

/// Header and packed content.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn seal(magic: [u8; 8], content: &[u8], level: i32) -> Result<Vec<u8>, ReleaseError> {
    if content.len() > MAX_CONTENT {
        return Err(ReleaseError::Malformed { at: MAX_CONTENT, what: "content too large" });
    }
    let mut out = Vec::with_capacity(content.len() / 4);
    out.extend_from_slice(&magic);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&Sha256::digest(content));
    let packed =
        zstd::bulk::compress(content, level).map_err(|e| ReleaseError::Unpack { what: e.to_string() })?;
    out.extend_from_slice(&packed);
    Ok(out)
}

pub(super) fn read(bytes: &[u8]) -> Result<Release, ReleaseError> {
    let (content, digest) = open(*MAGIC, bytes)?;
    let mut release = parse(&content)?;
    release.hash = digest;
    Ok(release)
}

/// Content and its SHA-256 (hex), after all that the header promises has been checked.
pub(crate) fn open(magic: [u8; 8], bytes: &[u8]) -> Result<(Vec<u8>, String), ReleaseError> {
    if !bytes.starts_with(&magic[..bytes.len().min(magic.len())]) {
        return Err(ReleaseError::Foreign);
    }
    let header = bytes.get(..HEADER).ok_or(ReleaseError::Truncated { at: bytes.len() })?;
    let found = u16::from_le_bytes([header[8], header[9]]);
    if found != VERSION {
        return Err(ReleaseError::Version { found, known: VERSION });
    }
    let len = u32::from_le_bytes([header[10], header[11], header[12], header[13]]) as usize;
    if len > MAX_CONTENT || header[14..22] != [0; 8] {
        return Err(ReleaseError::Malformed { at: 0, what: "header" });
    }
    let packed = &bytes[HEADER..];
    if packed.is_empty() {
        return Err(ReleaseError::Truncated { at: HEADER });
    }
    let content = unpack(packed, len)?;
    let digest = Sha256::digest(&content);
    if content.len() != len || digest[..] != header[22..] {
        return Err(ReleaseError::Checksum);
    }
    let digest = hex(&digest);
    Ok((content, digest))
}

#[cfg(not(target_arch = "wasm32"))]
fn unpack(packed: &[u8], len: usize) -> Result<Vec<u8>, ReleaseError> {
    zstd::bulk::decompress(packed, len).map_err(|e| ReleaseError::Unpack { what: e.to_string() })
}

#[cfg(target_arch = "wasm32")]
fn unpack(packed: &[u8], len: usize) -> Result<Vec<u8>, ReleaseError> {
    use std::io::Read as _;
    let failed = |what: String| ReleaseError::Unpack { what };
    let frame = ruzstd::decoding::StreamingDecoder::new(packed).map_err(|e| failed(e.to_string()))?;
    let mut out = Vec::new();
    frame.take(len as u64 + 1).read_to_end(&mut out).map_err(|e| failed(e.to_string()))?;
    Ok(out)
}

pub(super) fn content(release: &Release) -> Vec<u8> {
    let mut w = Writer::default();
    for text in [&release.id, &release.system, &release.title, &release.effective] {
        w.text(text);
    }
    w.int(release.sources.len() as u32);
    for (name, hash) in release.sources() {
        w.text(name);
        w.text(hash);
    }
    w.int(release.nodes.len() as u32);
    for entry in release.iter() {
        let kind = ENTRY_KINDS.iter().position(|k| *k == entry.kind()).unwrap_or_default() as u8;
        w.byte(kind);
        if entry.kind() == EntryKind::Extension {
            w.byte(entry.code().as_bytes().last().copied().unwrap_or_default());
            continue;
        }
        w.int(entry.ancestors().count() as u32);
        w.text(entry.code());
        w.text(entry.title());
        w.int(entry.notes().count() as u32);
        for note in entry.notes() {
            w.byte(NOTE_KINDS.iter().position(|k| *k == note.kind).unwrap_or_default() as u8);
            w.text(note.text);
        }
        let own = release.sevenths.get(release.nodes[entry.index() as usize].seventh as usize);
        w.int(own.map_or(0, Vec::len) as u32);
        for &(character, meaning, note) in own.into_iter().flatten() {
            w.byte(character as u8);
            w.text(release.slice(meaning));
            w.text(release.slice(note));
        }
    }
    w.0
}

pub(super) fn parse(content: &[u8]) -> Result<Release, ReleaseError> {
    let mut r = Reader::new(content);
    let (id, system, title, effective) = (r.text()?, r.text()?, r.text()?, r.text()?);
    let mut a = Assembler::new(id, system, title, effective);
    for _ in 0..r.count()? {
        let (name, hash) = (r.text()?, r.text()?);
        a.source(name, hash);
    }
    for _ in 0..r.count()? {
        let kind = *ENTRY_KINDS.get(usize::from(r.byte()?)).ok_or_else(|| r.malformed("kind of entry"))?;
        if kind == EntryKind::Extension {
            let character = ascii(r.byte()?).ok_or_else(|| r.malformed("7th character"))?;
            a.extension(character).map_err(|what| r.malformed(what))?;
            continue;
        }
        let depth = r.int()? as usize;
        let (code, title) = (r.text()?, r.text()?);
        if code.is_empty() || !code.is_ascii() || title.is_empty() {
            return Err(r.malformed("entry without a code or title"));
        }
        a.entry(depth, kind, code, title).map_err(|what| r.malformed(what))?;
        for _ in 0..r.count()? {
            let kind = *NOTE_KINDS.get(usize::from(r.byte()?)).ok_or_else(|| r.malformed("kind of note"))?;
            a.note(kind, r.text()?);
        }
        for _ in 0..r.count()? {
            let character = ascii(r.byte()?).ok_or_else(|| r.malformed("7th character"))?;
            let (meaning, note) = (r.text()?, r.text()?);
            a.seventh(character, meaning, note);
        }
    }
    r.end()?;
    a.finish().map_err(|what| r.malformed(what))
}

fn ascii(byte: u8) -> Option<char> {
    byte.is_ascii_alphanumeric().then_some(char::from(byte))
}
