//! People and their sessions. Passwords and session tokens come hashed; this crate never sees either.

use overread_domain::{Role, Timestamp, UserId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::dialect::is_duplicate;
use crate::row::Columns;
use crate::{Store, StoreError};

#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name to sign in with.
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub must_change_password: bool,
    pub disabled: bool,
    pub created_at: Timestamp,
    pub last_sign_in: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub must_change_password: bool,
}

/// What is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserPatch {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub disabled: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_seen_at: Timestamp,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

const USER: &str = "user";

impl Store {
    /// `Conflict` where the id is taken.
    pub async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO users (id, name, role, password_hash, must_change, disabled, created_at) \
             VALUES ($1, $2, $3, $4, $5, 0, $6)",
        )
        .bind(user.id.as_str())
        .bind(&user.name)
        .bind(user.role.as_str())
        .bind(&user.password_hash)
        .bind(i64::from(user.must_change_password))
        .bind(now.0)
        .execute(&mut *tx)
        .await
        .map_err(|error| {
            if is_duplicate(&error) {
                StoreError::conflict(USER, &user.id, "the name is taken")
            } else {
                error.into()
            }
        })?;
        self.commit(tx).await?;
        Ok(User {
            id: user.id,
            name: user.name,
            role: user.role,
            password_hash: user.password_hash,
            must_change_password: user.must_change_password,
            disabled: false,
            created_at: now,
            last_sign_in: None,
        })
    }

    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT * FROM users WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(user).transpose()
    }

    /// By id.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        sqlx::query("SELECT * FROM users ORDER BY id")
            .fetch_all(self.pool())
            .await?
            .iter()
            .map(user)
            .collect()
    }

    /// Disabling ends the user's sessions.
    pub async fn update_user(&self, id: &UserId, patch: UserPatch) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "UPDATE users SET name = COALESCE($2, name), role = COALESCE($3, role), \
             disabled = COALESCE($4, disabled) WHERE id = $1 RETURNING *",
        )
        .bind(id.as_str())
        .bind(patch.name)
        .bind(patch.role.map(Role::as_str))
        .bind(patch.disabled.map(i64::from))
        .fetch_optional(&mut *tx)
        .await?;
        let user = user(&row.ok_or_else(|| StoreError::not_found(USER, id))?)?;
        if user.disabled {
            end_sessions(&mut tx, id).await?;
        }
        self.commit(tx).await?;
        Ok(user)
    }

    /// Sessions stay as they are; see [`Store::delete_sessions_of`].
    pub async fn set_password(&self, id: &UserId, hash: &str, must_change: bool) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE users SET password_hash = $2, must_change = $3 WHERE id = $1")
            .bind(id.as_str())
            .bind(hash)
            .bind(i64::from(must_change))
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(USER, id));
        }
        self.commit(tx).await?;
        Ok(())
    }

    pub async fn record_sign_in(&self, id: &UserId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE users SET last_sign_in = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(self.now().0)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(USER, id));
        }
        self.commit(tx).await?;
        Ok(())
    }

    pub async fn create_session(
        &self,
        user: &UserId,
        token_hash: &str,
        expires: Timestamp,
    ) -> Result<Session, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 AS one FROM users WHERE id = $1 AND disabled = 0")
            .bind(user.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(StoreError::not_found(USER, user));
        }
        sqlx::query(
            "INSERT INTO sessions (token_hash, user_id, created_at, expires_at, last_seen_at) \
             VALUES ($1, $2, $3, $4, $3)",
        )
        .bind(token_hash)
        .bind(user.as_str())
        .bind(now.0)
        .bind(expires.0)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await?;
        Ok(Session { user: user.clone(), created_at: now, expires_at: expires, last_seen_at: now })
    }

    /// None where it is unknown, has expired, or its user is disabled.
    pub async fn session(&self, token_hash: &str) -> Result<Option<(Session, User)>, StoreError> {
        let row = sqlx::query(
            "SELECT u.*, s.created_at AS session_created_at, s.expires_at, s.last_seen_at \
             FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled = 0",
        )
        .bind(token_hash)
        .bind(self.now().0)
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user = user(&row)?;
        let session = Session {
            user: user.id.clone(),
            created_at: Timestamp(row.int("session_created_at")?),
            expires_at: Timestamp(row.int("expires_at")?),
            last_seen_at: Timestamp(row.int("last_seen_at")?),
        };
        Ok(Some((session, user)))
    }

    /// Notes that the session was used, and moves its end.
    pub async fn touch_session(&self, token_hash: &str, expires: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE token_hash = $1")
            .bind(token_hash)
            .bind(self.now().0)
            .bind(expires.0)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await?;
        Ok(())
    }

    pub async fn delete_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash).execute(&mut *tx).await?;
        self.commit(tx).await?;
        Ok(())
    }

    /// Says how many there were.
    pub async fn delete_sessions_of(&self, user: &UserId) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let ended = end_sessions(&mut tx, user).await?;
        self.commit(tx).await?;
        Ok(ended)
    }

    /// Says how many there were.
    pub async fn delete_expired_sessions(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(self.now().0)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await?;
        Ok(done.rows_affected())
    }
}

async fn end_sessions(connection: &mut AnyConnection, user: &UserId) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1")
        .bind(user.as_str())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::new(row.text("id")?),
        name: row.text("name")?,
        role: row.word("role", Role::parse)?,
        password_hash: row.text("password_hash")?,
        must_change_password: row.truth("must_change")?,
        disabled: row.truth("disabled")?,
        created_at: Timestamp(row.int("created_at")?),
        last_sign_in: row.int_or_none("last_sign_in")?.map(Timestamp),
    })
}
