//! Lists of entries. They never carry note text and never count.

use overread_domain::{EntryId, EntryStatus, Timestamp, UserId};

use crate::{EntryRow, Store, StoreError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueSort {
    #[default]
    Oldest,
    Newest,
    /// The least sure first, those without suggestions last.
    Confidence,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    pub status: Option<EntryStatus>,
    pub document_type: Option<String>,
    /// Part of the note's id or title, in any case.
    pub q: Option<String>,
    pub sort: QueueSort,
    /// [`QueuePage::next`] of the page before; only good with the same filters.
    pub after: Option<String>,
    /// 1 to 1,000; what is beyond is brought into it.
    pub limit: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QueuePage {
    pub rows: Vec<EntryRow>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub open: u64,
    pub in_progress: u64,
    pub exception: u64,
    pub finished: u64,
    /// Entries that wait for suggestions.
    pub suggesting: u64,
    /// Entries whose suggesting failed for good.
    pub failed: u64,
    /// Decisions of the user since the given time.
    pub decisions: u64,
    /// Entries that the user finished since the given time.
    pub finished_by_user: u64,
    /// Document types by name, with how many entries have each.
    pub document_types: Vec<(String, u64)>,
}

impl Store {
    pub async fn queue(&self, filter: &QueueFilter) -> Result<QueuePage, StoreError> {
        todo!("{filter:?}")
    }

    /// Kept counters of the whole queue, and what `user` did at or after `since`.
    pub async fn progress(&self, user: &UserId, since: Timestamp) -> Result<Progress, StoreError> {
        todo!("{user} {since:?}")
    }

    /// The oldest entry after `after` in the filter's status and document type (open or in progress where none is given)
    /// that has its suggestions or failed to get them and that nobody else holds; from the start again where nothing is
    /// left behind `after`.
    pub async fn next_entry(
        &self,
        user: &UserId,
        filter: &QueueFilter,
        after: Option<&EntryId>,
    ) -> Result<Option<EntryId>, StoreError> {
        todo!("{user} {filter:?} {after:?}")
    }
}
