//! Tokens of scripts, and invitations. Both come hashed.

use overread_domain::{Timestamp, UserId};
use sqlx::any::AnyRow;

use crate::row::{Columns, to_json};
use crate::user::{USER, user};
use crate::{Store, StoreError, User};

/// What a script shows instead of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: String,
    pub user: UserId,
    pub name: String,
    /// Names of what it may; never more than its user.
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    pub token_hash: String,
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub user: UserId,
    pub expires_at: Timestamp,
}

impl Store {
    pub async fn create_token(&self, of: &UserId, new: NewToken) -> Result<ApiToken, StoreError> {
        let (id, now) = (self.new_id("tok"), self.now());
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO api_tokens (id, token_hash, user_id, name, scopes, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(&new.token_hash)
        .bind(of.as_str())
        .bind(&new.name)
        .bind(to_json("scopes", &new.scopes)?)
        .bind(now.0)
        .bind(new.expires_at.0)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await?;
        Ok(ApiToken {
            id,
            user: of.clone(),
            name: new.name,
            scopes: new.scopes,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
        })
    }

    /// None where it is unknown, has expired, or its user is disabled.
    pub async fn token(&self, token_hash: &str) -> Result<Option<(ApiToken, User)>, StoreError> {
        let row = sqlx::query(
            "SELECT u.*, t.id AS token_id, t.name AS token_name, t.scopes, t.created_at AS token_created_at, \
             t.expires_at, t.last_used_at FROM api_tokens t JOIN users u ON u.id = t.user_id \
             WHERE t.token_hash = $1 AND t.expires_at > $2 AND u.disabled = 0",
        )
        .bind(token_hash)
        .bind(self.now().0)
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user = user(&row)?;
        Ok(Some((token(&row, &user.id)?, user)))
    }

    /// The newest first.
    pub async fn tokens_of(&self, of: &UserId) -> Result<Vec<ApiToken>, StoreError> {
        sqlx::query(
            "SELECT id AS token_id, name AS token_name, scopes, created_at AS token_created_at, expires_at, \
             last_used_at FROM api_tokens WHERE user_id = $1 AND expires_at > $2 ORDER BY id DESC",
        )
        .bind(of.as_str())
        .bind(self.now().0)
        .fetch_all(self.pool())
        .await?
        .iter()
        .map(|row| token(row, of))
        .collect()
    }

    pub async fn touch_token(&self, id: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
            .bind(id)
            .bind(self.now().0)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await
    }

    pub async fn revoke_token(&self, of: &UserId, id: &str) -> Result<(), StoreError> {
        self.delete_own("api_tokens", "token", of, Some(id)).await
    }

    /// A person has one invitation at a time: a new one takes the place of the one before.
    pub async fn invite(
        &self,
        of: &UserId,
        token_hash: &str,
        by: &UserId,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 AS one FROM users WHERE id = $1 AND disabled = 0")
            .bind(of.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(StoreError::not_found(USER, of));
        }
        sqlx::query("DELETE FROM invitations WHERE user_id = $1").bind(of.as_str()).execute(&mut *tx).await?;
        sqlx::query(
            "INSERT INTO invitations (token_hash, user_id, made_by, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(token_hash)
        .bind(of.as_str())
        .bind(by.as_str())
        .bind(self.now().0)
        .bind(expires.0)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await
    }

    /// Whom an invitation is for; it stays good until it is taken.
    pub async fn invitation(&self, token_hash: &str) -> Result<Option<Invitation>, StoreError> {
        let row = sqlx::query(
            "SELECT i.user_id, i.expires_at FROM invitations i JOIN users u ON u.id = i.user_id \
             WHERE i.token_hash = $1 AND i.expires_at > $2 AND u.disabled = 0",
        )
        .bind(token_hash)
        .bind(self.now().0)
        .fetch_optional(self.pool())
        .await?;
        row.map(|row| {
            Ok(Invitation {
                user: UserId::new(row.text("user_id")?),
                expires_at: Timestamp(row.int("expires_at")?),
            })
        })
        .transpose()
    }

    /// Takes an invitation, once: the password is set, and all sessions and tokens end. False where it is gone.
    pub async fn accept_invitation(&self, token_hash: &str, password_hash: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "DELETE FROM invitations WHERE token_hash = $1 AND expires_at > $2 RETURNING user_id",
        )
        .bind(token_hash)
        .bind(self.now().0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(false) };
        let of = UserId::new(row.text("user_id")?);
        sqlx::query("UPDATE users SET password_hash = $2, must_change = 0 WHERE id = $1 AND disabled = 0")
            .bind(of.as_str())
            .bind(password_hash)
            .execute(&mut *tx)
            .await?;
        crate::session::end_sessions(&mut tx, &of, None).await?;
        crate::user::drop_tokens(&mut tx, &of).await?;
        self.commit(tx).await?;
        Ok(true)
    }
}

fn token(row: &AnyRow, user: &UserId) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.text("token_id")?,
        user: user.clone(),
        name: row.text("token_name")?,
        scopes: row.json("scopes")?,
        created_at: Timestamp(row.int("token_created_at")?),
        expires_at: Timestamp(row.int("expires_at")?),
        last_used_at: row.int_or_none("last_used_at")?.map(Timestamp),
    })
}
