//! Code systems: releases, hierarchy and look-up.
//!
//! A [`Release`] is one edition of one code system, read from a compact file that [`source`] makes of the official files;
//! a [`CodeList`] says more of its codes. It answers by code ([`Release::get`]), by words
//! ([`Release::search`]) and, with vectors that the caller's encoder made, by meaning ([`vectors`]).
//! The crate takes and gives bytes; it opens no file and knows no encoder.

pub mod book;
pub mod builder;
pub mod drill;
mod error;
#[cfg(not(target_arch = "wasm32"))]
pub mod import;
pub mod lists;
pub mod reference;
pub mod release;
pub mod search;
pub mod source;
pub mod vectors;

pub use book::{Book, BookKind};
pub use drill::{Axis, Choice, Drill};
pub use error::{ReleaseError, SourceError, VectorError};
pub use lists::{CodeList, ListKind};
pub use reference::{Exclusion, Reference};
pub use release::{Children, Entry, EntryKind, Note, NoteKind, Release, SeventhCharacter, Term, TermKind};
pub use search::{Context, Hit, Options, Patient, Side};
