//! Levels of the coding edits, version by version, and the codes that people keep at hand.

use overread_domain::{Action, CodeRef, RuleLevels, Timestamp, UserId};

use sqlx::AssertSqlSafe;

use crate::row::{Columns, from_json, to_json};
use crate::{Store, StoreError};

/// One version of the levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditLevels {
    /// From 1; 0 where nobody has set any.
    pub version: u32,
    pub levels: RuleLevels,
    /// Why they were set so.
    pub comment: String,
    pub user: UserId,
    pub at: Timestamp,
}

/// A code that stands beside another on finished entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    pub code: CodeRef,
    /// Entries that have both.
    pub entries: u64,
}

/// Finished entries that are looked through for the codes beside a code: the latest.
const BESIDE: i64 = 500;
/// Fewer entries than this say nothing of a habit.
const LEAST_BESIDE: i64 = 2;

/// Decisions that are looked through for the codes somebody used last.
const LOOKED_THROUGH: i64 = 400;

impl Store {
    /// The levels that hold; none where nobody has set any.
    pub async fn edit_levels(&self) -> Result<Option<EditLevels>, StoreError> {
        Ok(self.edit_level_versions(1).await?.into_iter().next())
    }

    /// The latest versions, newest first.
    pub async fn edit_level_versions(&self, most: u32) -> Result<Vec<EditLevels>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, levels, comment, user_id, at FROM edit_levels ORDER BY version DESC LIMIT $1",
        )
        .bind(i64::from(most))
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(EditLevels {
                    version: row.number("version")?,
                    levels: from_json("levels", &row.text("levels")?)?,
                    comment: row.text("comment")?,
                    user: UserId::new(row.text("user_id")?),
                    at: Timestamp(row.int("at")?),
                })
            })
            .collect()
    }

    /// Saves levels as the version after `expected`; refused where somebody saved another meanwhile.
    pub async fn put_edit_levels(
        &self,
        expected: u32,
        levels: &RuleLevels,
        comment: &str,
        user: &UserId,
    ) -> Result<u32, StoreError> {
        let version = expected + 1;
        let conflict = || StoreError::conflict("levels", &version, "somebody saved others meanwhile");
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT MAX(version) AS version FROM edit_levels").fetch_one(&mut *tx).await?;
        if row.int_or_none("version")?.unwrap_or(0) != i64::from(expected) {
            return Err(conflict());
        }
        sqlx::query(
            "INSERT INTO edit_levels (version, levels, comment, user_id, at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(i64::from(version))
        .bind(to_json("the levels", levels)?)
        .bind(comment)
        .bind(user.as_str())
        .bind(self.now().0)
        .execute(&mut *tx)
        .await
        .map_err(|error| if crate::dialect::is_duplicate(&error) { conflict() } else { error.into() })?;
        self.commit(tx).await?;
        Ok(version)
    }

    /// Codes that a person keeps at hand, the latest first.
    pub async fn favourites(&self, user: &UserId) -> Result<Vec<CodeRef>, StoreError> {
        let rows =
            sqlx::query("SELECT system, code FROM favourites WHERE user_id = $1 ORDER BY at DESC, code")
                .bind(user.as_str())
                .fetch_all(self.pool())
                .await?;
        rows.iter().map(|row| Ok(CodeRef { system: row.text("system")?, code: row.text("code")? })).collect()
    }

    /// Keeps a code at hand, or no longer.
    pub async fn set_favourite(&self, user: &UserId, code: &CodeRef, keep: bool) -> Result<(), StoreError> {
        let sql = if keep {
            "INSERT INTO favourites (user_id, system, code, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM favourites WHERE user_id = $1 AND system = $2 AND code = $3 AND at <= $4"
        };
        let mut tx = self.begin().await?;
        sqlx::query(sql)
            .bind(user.as_str())
            .bind(&code.system)
            .bind(&code.code)
            .bind(if keep { self.now().0 } else { i64::MAX })
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// Codes that stand beside `code` in the same kind of list on the entries finished last, the most frequent first; and
    /// how many entries have it, of the latest 500.
    pub async fn companions(&self, code: &CodeRef, most: u32) -> Result<(Vec<Companion>, u64), StoreError> {
        let having = "SELECT DISTINCT entry_id, field FROM (SELECT entry_id, field FROM outcomes \
             WHERE decided_system = $1 AND decided_code = $2 ORDER BY finished_at DESC LIMIT $3) latest";
        let count = sqlx::query(AssertSqlSafe(format!(
            "SELECT COUNT(DISTINCT entry_id) AS n FROM ({having}) having_it"
        )))
        .bind(&code.system)
        .bind(&code.code)
        .bind(BESIDE)
        .fetch_one(self.pool())
        .await?;
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT o.decided_system AS system, o.decided_code AS code, COUNT(DISTINCT o.entry_id) AS n \
             FROM ({having}) h JOIN outcomes o ON o.entry_id = h.entry_id AND o.field = h.field \
             WHERE o.decided_code IS NOT NULL AND NOT (o.decided_system = $1 AND o.decided_code = $2) \
             GROUP BY o.decided_system, o.decided_code HAVING COUNT(DISTINCT o.entry_id) >= $4 \
             ORDER BY n DESC, code LIMIT $5"
        )))
        .bind(&code.system)
        .bind(&code.code)
        .bind(BESIDE)
        .bind(LEAST_BESIDE)
        .bind(i64::from(most))
        .fetch_all(self.pool())
        .await?;
        let beside = rows.iter().map(|row| {
            Ok(Companion {
                code: CodeRef { system: row.text("system")?, code: row.text("code")? },
                entries: row.int("n")?.unsigned_abs(),
            })
        });
        Ok((beside.collect::<Result<_, StoreError>>()?, count.int("n")?.unsigned_abs()))
    }

    /// Codes that a person gave rows last, each once, the latest first.
    pub async fn recent_codes(&self, user: &UserId, most: usize) -> Result<Vec<CodeRef>, StoreError> {
        let rows = sqlx::query(
            "SELECT body FROM decisions WHERE user_id = $1 AND action IN ('correct', 'add') ORDER BY at DESC LIMIT $2",
        )
        .bind(user.as_str())
        .bind(LOOKED_THROUGH)
        .fetch_all(self.pool())
        .await?;
        let mut codes: Vec<CodeRef> = Vec::new();
        for row in &rows {
            let action: Action = row.json("body")?;
            let code = action.content().and_then(|content| content.code.clone());
            if let Some(code) = code.filter(|code| !codes.contains(code)) {
                codes.push(code);
                if codes.len() == most {
                    break;
                }
            }
        }
        Ok(codes)
    }
}
