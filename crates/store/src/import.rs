//! Notes coming in: all of a request or nothing.

use overread_domain::{EntryId, NoteId, NoteMeta};

use crate::{Store, StoreError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNote {
    pub id: NoteId,
    pub text: String,
    /// Lower-case hexadecimal SHA-256 of `text`.
    pub sha256: String,
    pub meta: NoteMeta,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOutcome {
    /// Notes that were new.
    pub imported: u64,
    /// Notes that were there with the same text; what came with them this time is not looked at.
    pub unchanged: u64,
    /// The new entries, in the order of the notes.
    pub entries: Vec<EntryId>,
}

impl Store {
    /// Stores notes, opens an entry for each and asks for its suggestions, in one transaction. A known id with other text
    /// is a [`StoreError::Conflict`] that names the note and its place in `notes`. With `dry_run` nothing is kept.
    pub async fn import_notes(
        &self,
        notes: Vec<NewNote>,
        template: &str,
        dry_run: bool,
    ) -> Result<ImportOutcome, StoreError> {
        todo!("{} {template} {dry_run}", notes.len())
    }
}
