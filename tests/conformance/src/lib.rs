//! Texts that break naive offsets (`spans.json`, written by `make.py`), for every border that carries text or spans.

use overread_domain::Quoted;
use serde::Deserialize;

mod mutants;

pub use mutants::mutants;

/// A note with places in it, counted three ways.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    pub id: String,
    /// What it is there to break.
    pub why: String,
    pub text: String,
    /// Of the text's UTF-8 bytes, hexadecimal.
    pub sha256: String,
    pub spans: Vec<Place>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    pub quote: String,
    /// Unicode code points, half open: what stands on the wire.
    pub start: usize,
    pub end: usize,
    /// UTF-8 bytes.
    pub bytes: [usize; 2],
    /// UTF-16 code units: what a browser counts.
    pub utf16: [usize; 2],
}

impl Place {
    pub fn quoted(&self) -> Quoted {
        Quoted { start: self.start, end: self.end, quote: self.quote.clone() }
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../spans.json")).expect("make.py writes valid JSON")
}
