//! Entries streamed oldest first, for exports and for learning.

use std::collections::VecDeque;

use overread_domain::{EntryId, Timestamp};

use sqlx::AssertSqlSafe;

use crate::row::Columns;
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

/// Entries looked up at once, and kept in memory with their texts.
const AT_ONCE: i64 = 16;

impl Corrections {
    /// The next entry; none at the end. What is decided while the walk goes on is in it or not, never half.
    pub async fn next(&mut self) -> Result<Option<EntryRecord>, StoreError> {
        if self.ready.is_empty() && !self.exhausted {
            self.fetch().await?;
        }
        Ok(self.ready.pop_front())
    }

    async fn fetch(&mut self) -> Result<(), StoreError> {
        let mut tx = self.store.begin_read().await?;
        let done = if self.filter.all { "e.revision > 0" } else { "e.status = 'finished'" };
        let sql = format!(
            "SELECT e.id FROM entries e WHERE e.id > $1 AND {done} AND e.updated_at >= $2{} ORDER BY e.id LIMIT $3",
            self.store.listed("e")
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(self.after.as_ref().map_or("", EntryId::as_str))
            .bind(self.filter.since.map_or(i64::MIN, |since| since.0))
            .bind(AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
        self.exhausted = rows.is_empty();
        for row in rows {
            let id = EntryId::new(row.text("id")?);
            self.ready.push_back(self.store.load(&mut tx, &id, false).await?);
            self.after = Some(id);
        }
        tx.commit().await?;
        Ok(())
    }
}
