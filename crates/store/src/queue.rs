//! Lists of entries. They never carry note text and never count.

use std::collections::BTreeMap;

use overread_domain::{EntryId, EntryStatus, Timestamp, UserId};

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::counters;
use crate::entry::{entry_columns, entry_row, entry_tables};
use crate::row::Columns;
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
    /// Looks for `q` in the note's id alone: titles name people.
    pub ids_only: bool,
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

/// Most rows of one page.
const MOST_ROWS: u32 = 1_000;

impl Store {
    pub async fn queue(&self, filter: &QueueFilter) -> Result<QueuePage, StoreError> {
        let limit = filter.limit.clamp(1, MOST_ROWS) as usize;
        let (sql, arguments) = page_query(filter, limit, &self.listed("s"))?;
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for argument in arguments {
            query = match argument {
                Argument::Text(text) => query.bind(text),
                Argument::Int(int) => query.bind(int),
            };
        }
        let rows = query.fetch_all(self.pool()).await?;
        let more = rows.len() > limit;
        let now = self.now();
        let rows = &rows[..rows.len().min(limit)];
        let next = match rows.last() {
            Some(last) if more => Some(cursor(filter.sort, last)?),
            _ => None,
        };
        let rows = rows.iter().map(|row| entry_row(row, now)).collect::<Result<_, _>>()?;
        Ok(QueuePage { rows, next })
    }

    /// Kept counters of all that is listed, and what `user` did at or after `since`.
    pub async fn progress(&self, user: &UserId, since: Timestamp) -> Result<Progress, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut progress = Progress::default();
        let mut document_types: BTreeMap<String, u64> = BTreeMap::new();
        let rows = sqlx::query("SELECT scope, name, n FROM counters WHERE scope IN ($1, $2, $3) AND n <> 0")
            .bind(counters::STATUS)
            .bind(counters::SUGGESTING)
            .bind(counters::DOCUMENT_TYPE)
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            let (scope, name, n) = (row.text("scope")?, row.text("name")?, row.int("n")? as u64);
            let Some(name) = self.counted(&name) else { continue };
            match (scope.as_str(), name) {
                (counters::STATUS, "open") => progress.open += n,
                (counters::STATUS, "in_progress") => progress.in_progress += n,
                (counters::STATUS, "exception") => progress.exception += n,
                (counters::STATUS, "finished") => progress.finished += n,
                (counters::SUGGESTING, "queued" | "running") => progress.suggesting += n,
                (counters::SUGGESTING, "failed") => progress.failed += n,
                (counters::DOCUMENT_TYPE, _) => *document_types.entry(name.to_owned()).or_default() += n,
                _ => {}
            }
        }
        progress.document_types = document_types.into_iter().collect();
        let row = sqlx::query(
            "SELECT COUNT(*) AS decisions, COUNT(DISTINCT CASE WHEN action = 'finish' THEN entry_id END) AS finished \
             FROM decisions WHERE user_id = $1 AND at >= $2",
        )
        .bind(user.as_str())
        .bind(since.0)
        .fetch_one(&mut *tx)
        .await?;
        progress.decisions = row.int("decisions")? as u64;
        progress.finished_by_user = row.int("finished")? as u64;
        tx.commit().await?;
        Ok(progress)
    }

    /// The oldest entry after `after` in the filter's status and document type (open or in progress where none is given)
    /// that has its suggestions or failed to get them and that nobody else holds; from the start again where nothing is
    /// left behind `after`. The filter's other parts are not looked at.
    pub async fn next_entry(
        &self,
        user: &UserId,
        filter: &QueueFilter,
        after: Option<&EntryId>,
    ) -> Result<Option<EntryId>, StoreError> {
        let after = after.map_or("", EntryId::as_str);
        let ahead = self.first_free(user, filter, after, None).await?;
        if ahead.is_some() || after.is_empty() {
            return Ok(ahead);
        }
        self.first_free(user, filter, "", Some(after)).await
    }

    /// The first free entry after one id and before another.
    async fn first_free(
        &self,
        user: &UserId,
        filter: &QueueFilter,
        after: &str,
        before: Option<&str>,
    ) -> Result<Option<EntryId>, StoreError> {
        let statuses = match &filter.status {
            Some(EntryStatus::Finished) => &[][..],
            Some(status) => std::slice::from_ref(status),
            None => &[EntryStatus::InProgress, EntryStatus::Open],
        };
        let now = self.now();
        let mut first: Option<String> = None;
        for status in statuses {
            // One query for each status: each is one step in an index.
            let of_type = if filter.document_type.is_some() { "AND e.document_type = $7 " } else { "" };
            let sql = format!(
                "SELECT e.id FROM entries e WHERE e.status = $1 AND e.ready = 1 {of_type}AND e.id > $2 AND e.id < $3 \
                 AND (e.lease_user IS NULL OR e.lease_user = $4 OR e.lease_until <= $5 OR e.lease_until > $6){} ORDER BY e.id LIMIT 1",
                self.listed("e")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql))
                .bind(status.as_str())
                .bind(after)
                .bind(before.unwrap_or(LAST_ID))
                .bind(user.as_str())
                .bind(now.0)
                .bind(now.plus_millis(LONGEST_LEASE).0);
            if let Some(document_type) = &filter.document_type {
                query = query.bind(document_type);
            }
            if let Some(row) = query.fetch_optional(self.pool()).await? {
                let id = row.text("id")?;
                first = Some(first.map_or(id.clone(), |first| first.min(id)));
            }
        }
        Ok(first.map(EntryId::new))
    }
}

/// Milliseconds; one that reaches further was taken before the clock was set back, and holds nobody up.
const LONGEST_LEASE: i64 = 60 * 60_000;

/// Sorts after every entry's id.
const LAST_ID: &str = "~";

enum Argument {
    Text(String),
    Int(i64),
}

/// A page and one row more, which tells whether there is another page. The rows are found by index alone, then joined with
/// what came with their notes.
fn page_query(
    filter: &QueueFilter,
    limit: usize,
    listed: &str,
) -> Result<(String, Vec<Argument>), StoreError> {
    let mut arguments = Vec::new();
    let mut conditions = Vec::new();
    let mut bind = |argument| {
        arguments.push(argument);
        format!("${}", arguments.len())
    };
    if let Some(status) = filter.status {
        conditions.push(format!("s.status = {}", bind(Argument::Text(status.as_str().to_owned()))));
    }
    if let Some(document_type) = &filter.document_type {
        conditions.push(format!("s.document_type = {}", bind(Argument::Text(document_type.clone()))));
    }
    if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
        let column = if filter.ids_only { "LOWER(s.note_id)" } else { "s.search" };
        conditions.push(format!("{column} LIKE {} ESCAPE '\\'", bind(Argument::Text(pattern(q)))));
    }
    if let Some(after) = &filter.after {
        conditions.push(match filter.sort {
            QueueSort::Oldest => format!("s.id > {}", bind(Argument::Text(after.clone()))),
            QueueSort::Newest => format!("s.id < {}", bind(Argument::Text(after.clone()))),
            QueueSort::Confidence => {
                let (confidence, id) = after
                    .split_once('.')
                    .and_then(|(confidence, id)| Some((confidence.parse().ok()?, id)))
                    .ok_or_else(|| StoreError::Invalid {
                        what: "after",
                        reason: "it is not of this list".into(),
                    })?;
                let confidence = bind(Argument::Int(confidence));
                let id = bind(Argument::Text(id.to_owned()));
                format!("(s.confidence, s.id) > ({confidence}, {id})")
            }
        });
    }
    let order = match filter.sort {
        QueueSort::Oldest => "{}.id",
        QueueSort::Newest => "{}.id DESC",
        QueueSort::Confidence => "{}.confidence, {}.id",
    };
    conditions.push(format!("1 = 1{listed}"));
    let sql = format!(
        "SELECT {} FROM {} WHERE e.id IN (SELECT s.id FROM entries s WHERE {} ORDER BY {} LIMIT {}) ORDER BY {}",
        entry_columns!(),
        entry_tables!(),
        conditions.join(" AND "),
        order.replace("{}", "s"),
        limit + 1,
        order.replace("{}", "e"),
    );
    Ok((sql, arguments))
}

/// The words as they stand, anywhere, in lower case like what they are compared with.
pub(crate) fn pattern(q: &str) -> String {
    let mut pattern = String::from("%");
    for c in q.to_lowercase().chars().filter(|c| *c != '\0') {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn cursor(sort: QueueSort, row: &AnyRow) -> Result<String, StoreError> {
    let id = row.text("id")?;
    Ok(match sort {
        QueueSort::Oldest | QueueSort::Newest => id,
        QueueSort::Confidence => format!("{}.{id}", row.int("confidence")?),
    })
}
