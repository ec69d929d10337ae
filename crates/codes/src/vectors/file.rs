//! The vector file. Header, little endian: magic `OVRVECT1` (8), dims (4), count (4), length of the encoder's name
//! (4), SHA-256 of the release's terms (32), SHA-256 of all that follows (32); then the encoder's name, the lengths of
//! a step (4 bytes a vector) and the rows.
//!
//! A file may be made anywhere and be shipped beside the model: it fits a release wherever the list of terms and the
//! maker are the same, which its header tells without the release.

use sha2::{Digest, Sha256};

use super::VectorIndex;
use crate::{Release, VectorError};

const MAGIC: &[u8; 7] = b"OVRVECT";
const VERSION: u8 = b'1';
const HEADER: usize = 84;

/// The name to give as encoder for vectors that a head projected: the encoder's version and the hash of the head's
/// weights. Vectors of other weights of either have another name and are refused.
pub fn maker(encoder: &str, head: Option<&str>) -> String {
    head.map_or_else(|| encoder.to_owned(), |head| format!("{encoder}+{head}"))
}

/// What a vector file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What made the vectors, see [`maker`].
    pub encoder: String,
    /// [`Release::terms_hash`] of the release they are of.
    pub terms_hash: String,
    /// Numbers a vector.
    pub dims: usize,
    /// Number of vectors.
    pub count: usize,
}

impl Header {
    /// Reads the start of a vector file, to find the one that fits among several. Nothing is checked but the form:
    /// [`VectorIndex::from_bytes`] checks the rest.
    pub fn read(bytes: &[u8]) -> Result<Self, VectorError> {
        let (header, int) = header(bytes)?;
        let name = bytes.get(HEADER..HEADER + int(16)).and_then(|name| str::from_utf8(name).ok());
        Ok(Self {
            encoder: name.ok_or(VectorError::Header { what: "encoder" })?.to_owned(),
            terms_hash: hex(&header[20..52]),
            dims: int(8),
            count: int(12),
        })
    }

    /// Whether the file holds what `encoder` (see [`maker`]) makes of the terms of `release`.
    pub fn fits(&self, release: &Release, encoder: &str) -> bool {
        self.encoder == encoder && self.terms_hash == release.terms_hash()
    }
}

/// The fixed part, and its numbers by their place.
fn header(bytes: &[u8]) -> Result<(&[u8], impl Fn(usize) -> usize), VectorError> {
    if !bytes.starts_with(MAGIC) {
        return Err(VectorError::Foreign);
    }
    let Some(header) = bytes.get(..HEADER) else {
        return Err(VectorError::Length { found: bytes.len(), expected: HEADER });
    };
    if header[7] != VERSION {
        let number = |byte: u8| u16::from(byte.wrapping_sub(b'0'));
        return Err(VectorError::Version { found: number(header[7]), known: number(VERSION) });
    }
    let int =
        |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
    Ok((header, int))
}

impl VectorIndex {
    /// The file to keep beside the release.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.encoder.len() + self.len() * (self.dims + 4));
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        for n in [self.dims, self.len(), self.encoder.len()] {
            out.extend_from_slice(&(n as u32).to_le_bytes());
        }
        out.extend_from_slice(&unhex(&self.terms_hash));
        out.extend_from_slice(&[0; 32]);
        out.extend_from_slice(self.encoder.as_bytes());
        for scale in &self.scales {
            out.extend_from_slice(&scale.to_le_bytes());
        }
        out.extend(self.steps.iter().map(|s| *s as u8));
        let digest = checksum(&out);
        out[52..84].copy_from_slice(&digest);
        out
    }

    /// Reads a vector file for `release` and refuses one of another list of terms or of another encoder than
    /// `encoder`.
    pub fn from_bytes(bytes: &[u8], release: &Release, encoder: &str) -> Result<Self, VectorError> {
        let (header, int) = header(bytes)?;
        let (dims, count, name) = (int(8), int(12), int(16));
        let body = count.checked_mul(dims.saturating_add(4)).and_then(|n| n.checked_add(HEADER + name));
        let expected = body.ok_or(VectorError::Header { what: "size" })?;
        if bytes.len() != expected {
            return Err(VectorError::Length { found: bytes.len(), expected });
        }
        if checksum(bytes)[..] != header[52..84] {
            return Err(VectorError::Checksum);
        }
        let terms_hash = release.terms_hash();
        if unhex(&terms_hash)[..] != header[20..52] {
            return Err(VectorError::Mismatch { what: "list of terms" });
        }
        let (name, rest) = bytes[HEADER..].split_at(name);
        if name != encoder.as_bytes() {
            return Err(VectorError::Mismatch { what: "encoder" });
        }
        let entries: Vec<u32> = release.terms().map(|t| t.entry).collect();
        if entries.len() != count || (dims == 0 && count > 0) {
            return Err(VectorError::Header { what: "count" });
        }
        let (scales, steps) = rest.split_at(count * 4);
        let scales: Vec<f32> =
            scales.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if let Some(index) = scales.iter().position(|s| !s.is_finite()) {
            return Err(VectorError::NotFinite { index });
        }
        let steps = steps.iter().map(|b| *b as i8).collect();
        Ok(Self { encoder: encoder.to_owned(), terms_hash, dims, entries, scales, steps })
    }
}

/// Over everything but the checksum itself.
fn checksum(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(&bytes[..52]);
    hash.update(&bytes[HEADER..]);
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).unwrap_or_default() as u8;
        *byte = digit(pair[0]) << 4 | digit(pair[1]);
    }
    out
}
