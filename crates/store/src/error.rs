//! What can go wrong here, and which failures of the drivers it stands for.

use overread_domain::{Decision, EntryError};

use crate::Lease;
use crate::dialect::{Failure, classify};

/// Messages name ids and places, never clinical text; the cause of [`StoreError::Database`] is the driver's own word.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no {what} \"{id}\"")]
    NotFound { what: &'static str, id: String },
    /// Something else stands there already, or the state does not allow it.
    #[error("{what} \"{id}\": {reason}")]
    Conflict {
        what: &'static str,
        id: String,
        reason: &'static str,
        /// Place in the request, from 0, where the request is a list.
        index: Option<usize>,
    },
    /// The request itself is not acceptable.
    #[error("{what}: {reason}")]
    Invalid { what: &'static str, reason: String },
    /// The entry has moved on; `changes` are the decisions since the expected revision, oldest first.
    #[error("the entry is at revision {revision}")]
    Stale { revision: u32, changes: Vec<Decision> },
    #[error("user \"{}\" works on the entry", .0.user)]
    Leased(Lease),
    #[error("the idempotency key came before with another request")]
    KeyReused,
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("the disk of the database is full; nothing was written")]
    StorageFull,
    #[error("the database can't be reached: {reason}")]
    Unavailable { reason: String },
    /// `found` is none where the database holds tables that are not Overread's.
    #[error("{}", schema_message(*found, *known))]
    WrongSchema { found: Option<u32>, known: u32 },
    /// The file is not encrypted with this key, is not encrypted at all, or is no database.
    #[error(
        "the key does not open the database: it was encrypted with another key, is not encrypted, or its first page is damaged"
    )]
    WrongKey,
    /// What is stored is not what was written.
    #[error("{what} \"{id}\" is damaged in the database: {reason}")]
    Corrupt { what: &'static str, id: String, reason: String },
    /// The database itself says that its file is not what it wrote.
    #[error(
        "the database's file is damaged: `overread check` names what, `overread restore` brings a copy back"
    )]
    Damaged,
    #[error("the database refused a statement (code {code})")]
    Database {
        /// SQLSTATE, `SQLite` result code, or the kind of driver error.
        code: String,
        #[source]
        source: sqlx::Error,
    },
}

impl StoreError {
    pub(crate) fn not_found(what: &'static str, id: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn conflict(what: &'static str, id: &(impl ToString + ?Sized), reason: &'static str) -> Self {
        Self::Conflict { what, id: id.to_string(), reason, index: None }
    }

    pub(crate) fn corrupt(
        what: &'static str,
        id: &(impl ToString + ?Sized),
        reason: &(impl ToString + ?Sized),
    ) -> Self {
        Self::Corrupt { what, id: id.to_string(), reason: reason.to_string() }
    }
}

fn schema_message(found: Option<u32>, known: u32) -> String {
    match found {
        None => "the database holds tables that are not Overread's; give it a database of its own".to_owned(),
        Some(found) => format!(
            "the database has schema version {found}, this program knows up to {known}; run the program that wrote it, \
             or restore the backup made before the upgrade"
        ),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        match classify(&source) {
            Failure::StorageFull => Self::StorageFull,
            Failure::Damaged => Self::Damaged,
            Failure::Unavailable(reason) => Self::Unavailable { reason },
            Failure::Other(code) => Self::Database { code, source },
        }
    }
}
