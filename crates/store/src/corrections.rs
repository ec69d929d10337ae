//! Entries streamed oldest first, for exports and for learning.

use std::collections::VecDeque;

use overread_domain::{EntryId, Timestamp};

use crate::{EntryRecord, Store, StoreError};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrectionFilter {
    /// Every entry with a decision instead of only the finished ones.
    pub all: bool,
    /// Only entries that changed at or after this time.
    pub since: Option<Timestamp>,
}

/// A walk over entries in the order in which they came; a few are in memory at a time, no transaction stays open.
#[derive(Debug)]
pub struct Corrections {
    store: Store,
    filter: CorrectionFilter,
    after: Option<EntryId>,
    ready: VecDeque<EntryRecord>,
    exhausted: bool,
}

impl Store {
    pub fn corrections(&self, filter: CorrectionFilter) -> Corrections {
        Corrections { store: self.clone(), filter, after: None, ready: VecDeque::new(), exhausted: false }
    }
}

impl Corrections {
    pub async fn next(&mut self) -> Result<Option<EntryRecord>, StoreError> {
        todo!("{:?}{:?}{:?}{:?}{}", self.store, self.filter, self.after, self.ready, self.exhausted)
    }
}
