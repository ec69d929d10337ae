//! Leases: who works on an entry. They guard nobody's data, they only keep two people from doing the same work.

use overread_domain::{EntryId, Timestamp, UserId};

use sqlx::AssertSqlSafe;

use crate::row::Columns;
use crate::{Lease, SKEW_MS, Store, StoreError};

impl Store {
    /// Takes or renews the lease; [`StoreError::Leased`] while another person's runs.
    pub async fn take_lease(&self, entry: &EntryId, user: &UserId, millis: i64) -> Result<Lease, StoreError> {
        let now = self.now();
        let until = now.plus_millis(millis);
        let mut tx = self.begin().await?;
        let sql = format!(
            "UPDATE entries SET lease_user = $2, lease_until = $3 \
             WHERE id = $1 AND (lease_user IS NULL OR lease_user = $2 OR lease_until <= $4 OR lease_until > $5){}",
            self.found("entries")
        );
        let done = sqlx::query(AssertSqlSafe(sql))
            .bind(entry.as_str())
            .bind(user.as_str())
            .bind(until.0)
            .bind(now.0)
            // No lease reaches so far: the clock has been set back since.
            .bind(until.plus_millis(SKEW_MS).0)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 1 {
            self.commit(tx).await?;
            return Ok(Lease { user: user.clone(), until });
        }
        let sql =
            format!("SELECT lease_user, lease_until FROM entries WHERE id = $1{}", self.found("entries"));
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(entry.as_str())
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| StoreError::not_found("entry", entry))?;
        Err(StoreError::Leased(Lease {
            user: UserId::new(row.text_or_none("lease_user")?.unwrap_or_default()),
            until: Timestamp(row.int_or_none("lease_until")?.unwrap_or_default()),
        }))
    }

    /// Gives the lease back; nothing happens where the user does not hold it.
    pub async fn release_lease(&self, entry: &EntryId, user: &UserId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE entries SET lease_user = NULL, lease_until = NULL WHERE id = $1 AND lease_user = $2",
        )
        .bind(entry.as_str())
        .bind(user.as_str())
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await?;
        Ok(())
    }
}
