//! Code systems: releases, hierarchy and look-up.
//!
//! A [`Release`] is one edition of one code system (today ICD-10-CM), read from a compact file that
//! [`source::build`] makes from the official CDC/NCHS files. It answers by code ([`Release::get`]), by words
//! ([`Release::search`]) and, with vectors that the caller's encoder made, by meaning ([`vectors`]).
//! The crate takes and gives bytes; it opens no file and knows no encoder.

mod error;
pub mod release;
pub mod search;
pub mod source;
pub mod vectors;

pub use error::{ReleaseError, SourceError, VectorError};
pub use release::{Children, Entry, EntryKind, Note, NoteKind, Release, SeventhCharacter, Term, TermKind};
pub use search::{Context, Hit, Options, Patient};
