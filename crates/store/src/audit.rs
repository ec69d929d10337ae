//! The audit trail: a chain of rows, each with the hash of the one before.
//!
//! [`Store::recording`] gives a store whose next write carries an event in its own transaction; [`Store::record`] writes an
//! event of what only reads. The chain has one end for all servers (`audit_head`), locked from the event to the commit.

use std::collections::BTreeMap;

use overread_domain::{AuditAction, Timestamp, UserId};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::dialect::with_lock;
use crate::row::{Columns, to_json};
use crate::{Engine, Store, StoreError};

/// Rows read at once while the chain is checked.
const PAGE: i64 = 2_000;
/// The hash before the first row.
const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Something that somebody did. Never clinical text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub action: AuditAction,
    /// Absent where nobody is signed in.
    pub user: Option<UserId>,
    /// What it was done to: the id of an entry, a user, a template.
    pub subject: Option<String>,
    pub detail: BTreeMap<String, String>,
    pub origin: Origin,
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Its id, as in the log.
    pub request: String,
    pub address: String,
}

impl Event {
    pub fn new(action: AuditAction, user: Option<&UserId>, origin: &Origin) -> Self {
        Self { action, user: user.cloned(), subject: None, detail: BTreeMap::new(), origin: origin.clone() }
    }

    #[must_use]
    pub fn on(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// A row of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// From 1, without gaps.
    pub seq: u64,
    pub at: Timestamp,
    pub event: Event,
    pub hash: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub user: Option<String>,
    pub action: Option<AuditAction>,
    pub subject: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Rows before this one: pages go back in time.
    pub before: Option<u64>,
}

/// What somebody did on one day, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub user: Option<UserId>,
    /// Its beginning.
    pub day: Timestamp,
    pub action: AuditAction,
    pub events: u64,
    /// Different things that it was done to.
    pub subjects: u64,
}

/// Somebody's word that the trail was whole and looked through up to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReview {
    pub seq: u64,
    pub hash: String,
    pub user: UserId,
    pub at: Timestamp,
    pub comment: String,
}

/// A whole chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub rows: u64,
    /// Of the last row. Kept elsewhere, it shows whether the whole chain was made anew.
    pub hash: String,
}

/// The first place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("row {seq} was changed after it was written")]
    Changed { seq: u64 },
    #[error("row {seq} is missing")]
    Missing { seq: u64 },
    #[error(
        "row {seq} does not follow on the row before it: rows were moved, or one between them was removed"
    )]
    Moved { seq: u64 },
    #[error("the trail ends at row {found}, but {expected} were written")]
    Truncated { found: u64, expected: u64 },
    #[error("the trail goes on after row {expected}, where it was said to end")]
    Longer { expected: u64 },
    #[error("the trail was signed off at row {seq} with another content")]
    Reviewed { seq: u64 },
}

struct Written {
    seq: u64,
    at: i64,
    action: String,
    user: Option<String>,
    subject: Option<String>,
    detail: String,
    request: String,
    address: String,
    previous: String,
    hash: String,
}

impl Written {
    fn of(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?.unsigned_abs(),
            at: row.int("at")?,
            action: row.text("action")?,
            user: row.text_or_none("user_id")?,
            subject: row.text_or_none("subject")?,
            detail: row.text("detail")?,
            request: row.text("request")?,
            address: row.text("address")?,
            previous: row.text("previous")?,
            hash: row.text("hash")?,
        })
    }

    /// SHA-256 over the row before and every field, each with its length: no two rows read alike. The number is not in it,
    /// so that a row that was moved is told from one that was changed.
    fn sealed(&self) -> String {
        let mut hash = Sha256::new();
        let absent =
            |field: &Option<String>| field.clone().map_or_else(|| "-".to_owned(), |text| format!("+{text}"));
        let (at, user, subject) = (self.at.to_string(), absent(&self.user), absent(&self.subject));
        for field in
            [&self.previous, &at, &self.action, &user, &subject, &self.detail, &self.request, &self.address]
        {
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field.as_bytes());
        }
        format!("{:x}", hash.finalize())
    }

    fn row(self) -> Result<AuditRow, StoreError> {
        let action = AuditAction::parse(&self.action)
            .ok_or_else(|| StoreError::corrupt("column", "action", "the word is unknown"))?;
        Ok(AuditRow {
            seq: self.seq,
            at: Timestamp(self.at),
            event: Event {
                action,
                user: self.user.map(UserId::new),
                subject: self.subject,
                detail: crate::row::from_json("detail", &self.detail)?,
                origin: Origin { request: self.request, address: self.address },
            },
            hash: self.hash,
        })
    }
}

/// Adds an event at the end of the chain, in somebody's transaction.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    engine: Engine,
    now: Timestamp,
    event: &Event,
) -> Result<(), StoreError> {
    let sql = with_lock!(engine, "FOR UPDATE", "SELECT seq, hash FROM audit_head WHERE id = 1");
    let head = sqlx::query(sql).fetch_one(&mut *connection).await?;
    let mut row = Written {
        seq: head.int("seq")?.unsigned_abs() + 1,
        at: now.0,
        action: event.action.as_str().to_owned(),
        user: event.user.as_ref().map(|user| user.as_str().to_owned()),
        subject: event.subject.clone(),
        detail: to_json("the detail of an event", &event.detail)?,
        request: event.origin.request.clone(),
        address: event.origin.address.clone(),
        previous: head.text("hash")?,
        hash: String::new(),
    };
    row.hash = row.sealed();
    sqlx::query(
        "INSERT INTO audit (seq, at, action, user_id, subject, detail, request, address, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(row.seq as i64)
    .bind(row.at)
    .bind(row.action)
    .bind(row.user)
    .bind(row.subject)
    .bind(row.detail)
    .bind(row.request)
    .bind(row.address)
    .bind(row.previous)
    .bind(row.hash.clone())
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1")
        .bind(row.seq as i64)
        .bind(row.hash)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Writes an event of something that itself writes nothing.
    pub async fn record(&self, event: Event) -> Result<(), StoreError> {
        let recording = self.recording(event);
        let tx = recording.begin().await?;
        recording.commit(tx).await
    }

    /// Rows of the trail, the latest first.
    pub async fn audit(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let texts: Vec<(&str, String)> = [
            ("user_id = ", filter.user.clone()),
            ("action = ", filter.action.map(|action| action.as_str().to_owned())),
            ("subject = ", filter.subject.clone()),
        ]
        .into_iter()
        .filter_map(|(column, text)| Some((column, text?)))
        .collect();
        let times: Vec<(&str, i64)> = [("at >= ", filter.since), ("at < ", filter.until)]
            .into_iter()
            .filter_map(|(column, at)| Some((column, at?.0)))
            .collect();
        let names = texts.iter().map(|t| t.0).chain(times.iter().map(|t| t.0));
        let mut narrowed = Vec::new();
        for (nth, column) in names.enumerate() {
            narrowed.push(format!(" AND {column}${}", nth + 2));
        }
        let narrowed = narrowed.concat();
        let sql = format!(
            "SELECT seq, at, action, user_id, subject, detail, request, address, previous, hash FROM audit \
             WHERE seq < $1{narrowed} ORDER BY seq DESC LIMIT ${}",
            texts.len() + times.len() + 2
        );
        let mut query =
            sqlx::query(AssertSqlSafe(sql)).bind(filter.before.map_or(i64::MAX, |before| before as i64));
        for (_, text) in texts {
            query = query.bind(text);
        }
        for (_, at) in times {
            query = query.bind(at);
        }
        let rows = query.bind(i64::from(limit)).fetch_all(self.pool()).await?;
        rows.iter().map(|row| Written::of(row)?.row()).collect()
    }

    /// What each person did on each day (UTC) since a time, by action; refused sign-ins count for the name that was tried.
    pub async fn activity(&self, since: Timestamp) -> Result<Vec<Activity>, StoreError> {
        let rows = sqlx::query(
            "SELECT COALESCE(user_id, CASE WHEN action = 'sign_in_refused' THEN subject END) AS who, at / 86400000 AS day, \
             action, COUNT(*) AS n, COUNT(DISTINCT subject) AS subjects FROM audit WHERE at >= $1 \
             GROUP BY COALESCE(user_id, CASE WHEN action = 'sign_in_refused' THEN subject END), at / 86400000, action \
             ORDER BY 2, 1, 3",
        )
        .bind(since.0)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Activity {
                    user: row.text_or_none("who")?.map(UserId::new),
                    day: Timestamp(row.int("day")? * 86_400_000),
                    action: row.word("action", AuditAction::parse)?,
                    events: row.int("n")? as u64,
                    subjects: row.int("subjects")? as u64,
                })
            })
            .collect()
    }

    /// Rows after one, the oldest first: for export.
    pub async fn audit_after(&self, seq: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(seq as i64)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(|row| Written::of(row)?.row()).collect()
    }

    /// Goes through the whole chain; the error in the answer names the first place where it does not hold. What is written
    /// meanwhile is left out.
    pub async fn verify_audit(&self) -> Result<Result<Chain, Broken>, StoreError> {
        let mut tx = self.begin_read().await?;
        let head =
            sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_optional(&mut *tx).await?;
        let (expected, end) = match head {
            Some(head) => (head.int("seq")?.unsigned_abs(), head.text("hash")?),
            None => (0, START.to_owned()),
        };
        let reviews =
            sqlx::query("SELECT seq, hash FROM audit_reviews ORDER BY seq").fetch_all(&mut *tx).await?;
        let reviews = reviews
            .iter()
            .map(|row| Ok((row.int("seq")?.unsigned_abs(), row.text("hash")?)))
            .collect::<Result<BTreeMap<u64, String>, StoreError>>()?;
        let (mut seq, mut hash) = (0u64, START.to_owned());
        loop {
            let rows = sqlx::query("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
                .bind(seq as i64)
                .bind(PAGE)
                .fetch_all(&mut *tx)
                .await?;
            for row in &rows {
                let row = Written::of(row)?;
                if row.seq != seq + 1 {
                    return Ok(Err(Broken::Missing { seq: seq + 1 }));
                }
                if row.sealed() != row.hash {
                    return Ok(Err(Broken::Changed { seq: row.seq }));
                }
                if row.previous != hash {
                    return Ok(Err(Broken::Moved { seq: row.seq }));
                }
                if reviews.get(&row.seq).is_some_and(|signed| *signed != row.hash) {
                    return Ok(Err(Broken::Reviewed { seq: row.seq }));
                }
                (seq, hash) = (row.seq, row.hash);
            }
            if rows.is_empty() {
                break;
            }
        }
        tx.commit().await?;
        let signed = reviews.last_key_value().map_or(0, |(signed, _)| *signed);
        if seq < expected.max(signed) {
            return Ok(Err(Broken::Truncated { found: seq, expected: expected.max(signed) }));
        }
        if seq > expected || hash != end {
            return Ok(Err(Broken::Longer { expected }));
        }
        Ok(Ok(Chain { rows: seq, hash }))
    }

    /// Signs the trail off up to the row whose number and hash a person saw as its end.
    pub async fn review_audit(
        &self,
        chain: &Chain,
        user: &UserId,
        comment: &str,
    ) -> Result<AuditReview, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT hash FROM audit WHERE seq = $1")
            .bind(chain.rows as i64)
            .fetch_optional(&mut *tx)
            .await?;
        let there = row.map(|row| row.text("hash")).transpose()?;
        if there.as_ref() != Some(&chain.hash) {
            return Err(StoreError::conflict("audit", &chain.rows, "the trail has no such row"));
        }
        let review = AuditReview {
            seq: chain.rows,
            hash: chain.hash.clone(),
            user: user.clone(),
            at: self.now(),
            comment: comment.to_owned(),
        };
        sqlx::query(
            "INSERT INTO audit_reviews (seq, hash, user_id, at, comment) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(review.seq as i64)
        .bind(&review.hash)
        .bind(user.as_str())
        .bind(review.at.0)
        .bind(comment)
        .execute(&mut *tx)
        .await
        .map_err(|error| {
            if crate::dialect::is_duplicate(&error) {
                StoreError::conflict("audit", &review.seq, "somebody signed it off up to here")
            } else {
                error.into()
            }
        })?;
        self.commit(tx).await?;
        Ok(review)
    }

    /// Sign-offs, the latest first.
    pub async fn audit_reviews(&self, limit: u32) -> Result<Vec<AuditReview>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, hash, user_id, at, comment FROM audit_reviews ORDER BY seq DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditReview {
                    seq: row.int("seq")?.unsigned_abs(),
                    hash: row.text("hash")?,
                    user: UserId::new(row.text("user_id")?),
                    at: Timestamp(row.int("at")?),
                    comment: row.text("comment")?,
                })
            })
            .collect()
    }
}
