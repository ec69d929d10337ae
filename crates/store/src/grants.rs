//! What somebody opened with a reason: a note outside of their reach in an emergency (45 CFR 164.312(a)(2)(ii)), or a note as
//! written where they see masked ones. It ends by itself, and somebody else judges it.

use overread_domain::{NoteId, Timestamp, UserId};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::row::Columns;
use crate::{Store, StoreError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantKind {
    /// Outside of the person's reach.
    Emergency,
    /// As written, for somebody who sees masked notes.
    AsWritten,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    pub kind: GrantKind,
    pub user: UserId,
    pub note: NoteId,
    pub reason: String,
    /// Milliseconds.
    pub lasts: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: String,
    pub kind: GrantKind,
    pub user: UserId,
    pub note: NoteId,
    pub reason: String,
    pub created_at: Timestamp,
    pub until: Timestamp,
    pub judgement: Option<Judgement>,
}

/// What somebody else said of a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub by: UserId,
    pub at: Timestamp,
    pub justified: bool,
    pub comment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPage {
    pub rows: Vec<Grant>,
    pub next: Option<String>,
}

const GRANT: &str = "opened note";

impl GrantKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::AsWritten => "as_written",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Emergency, Self::AsWritten].into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Store {
    /// Opens a note for a while. `NotFound` where there is none.
    pub async fn open_note(&self, new: NewGrant) -> Result<Grant, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 AS one FROM notes WHERE id = $1")
            .bind(new.note.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(StoreError::not_found("note", &new.note));
        }
        let grant = Grant {
            id: self.new_id("g"),
            kind: new.kind,
            user: new.user,
            note: new.note,
            reason: new.reason,
            created_at: now,
            until: now.plus_millis(new.lasts),
            judgement: None,
        };
        sqlx::query(
            "INSERT INTO access_grants (id, kind, user_id, note_id, reason, created_at, until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&grant.id)
        .bind(grant.kind.as_str())
        .bind(grant.user.as_str())
        .bind(grant.note.as_str())
        .bind(&grant.reason)
        .bind(now.0)
        .bind(grant.until.0)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await?;
        Ok(grant)
    }

    /// Gives up what a reason opened before it ends by itself.
    pub async fn end_grant(&self, id: &str, user: &UserId) -> Result<(), StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let done =
            sqlx::query("UPDATE access_grants SET until = $3 WHERE id = $1 AND user_id = $2 AND until > $3")
                .bind(id)
                .bind(user.as_str())
                .bind(now.0)
                .execute(&mut *tx)
                .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(GRANT, id));
        }
        self.commit(tx).await
    }

    /// What is open to a person now, the latest first.
    pub async fn grants_of(&self, user: &UserId) -> Result<Vec<Grant>, StoreError> {
        sqlx::query("SELECT * FROM access_grants WHERE user_id = $1 AND until > $2 ORDER BY id DESC")
            .bind(user.as_str())
            .bind(self.now().0)
            .fetch_all(self.pool())
            .await?
            .iter()
            .map(grant)
            .collect()
    }

    /// What people opened, the latest first; only what nobody judged yet, or all.
    pub async fn grants(
        &self,
        waiting: bool,
        after: Option<&str>,
        limit: u32,
    ) -> Result<GrantPage, StoreError> {
        let limit = limit as usize;
        let waits = if waiting { "AND judged_at IS NULL " } else { "" };
        let sql =
            format!("SELECT * FROM access_grants WHERE id < $1 {waits}ORDER BY id DESC LIMIT {}", limit + 1);
        let found = sqlx::query(AssertSqlSafe(sql)).bind(after.unwrap_or("~")).fetch_all(self.pool()).await?;
        let rows = found.iter().take(limit).map(grant).collect::<Result<Vec<_>, _>>()?;
        let next = rows.last().filter(|_| found.len() > limit).map(|last| last.id.clone());
        Ok(GrantPage { rows, next })
    }

    /// Says once whether a reason was a good one. Nobody judges their own.
    pub async fn judge_grant(
        &self,
        id: &str,
        by: &UserId,
        justified: bool,
        comment: &str,
    ) -> Result<Grant, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "UPDATE access_grants SET judged_by = $2, judged_at = $3, justified = $4, comment = $5 \
             WHERE id = $1 AND judged_at IS NULL AND user_id <> $2 RETURNING *",
        )
        .bind(id)
        .bind(by.as_str())
        .bind(self.now().0)
        .bind(i64::from(justified))
        .bind(comment)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            let known = sqlx::query("SELECT user_id FROM access_grants WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?
                .ok_or_else(|| StoreError::not_found(GRANT, id))?;
            let own = known.text("user_id")? == by.as_str();
            let reason = if own { "somebody else judges it" } else { "it is judged already" };
            return Err(StoreError::conflict(GRANT, &id, reason));
        };
        let grant = grant(&row)?;
        self.commit(tx).await?;
        Ok(grant)
    }
}

fn grant(row: &AnyRow) -> Result<Grant, StoreError> {
    let judgement = match (row.text_or_none("judged_by")?, row.int_or_none("judged_at")?) {
        (Some(by), Some(at)) => Some(Judgement {
            by: UserId::new(by),
            at: Timestamp(at),
            justified: row.int_or_none("justified")? == Some(1),
            comment: row.text_or_none("comment")?.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(Grant {
        id: row.text("id")?,
        kind: row.word("kind", GrantKind::parse)?,
        user: UserId::new(row.text("user_id")?),
        note: NoteId::new(row.text("note_id")?),
        reason: row.text("reason")?,
        created_at: Timestamp(row.int("created_at")?),
        until: Timestamp(row.int("until")?),
        judgement,
    })
}
