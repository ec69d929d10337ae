//! Sessions. Tokens come hashed; this crate never sees one.

use overread_domain::{Timestamp, UserId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::row::Columns;
use crate::user::{USER, user};
use crate::{Store, StoreError, User};

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The password was right; the second factor is awaited.
    SecondFactor,
    Open,
    /// The person went away; who comes back shows who they are.
    Locked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub user: UserId,
    pub stage: Stage,
    /// By what the person signed in: "password", "password, totp", "passkey", "oidc".
    pub method: String,
    pub created_at: Timestamp,
    /// Its absolute end.
    pub expires_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// When the person last showed who they are.
    pub confirmed_at: Timestamp,
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    pub token_hash: String,
    pub stage: Stage,
    pub method: String,
    pub expires_at: Timestamp,
    pub address: String,
    pub agent: String,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecondFactor => "second_factor",
            Self::Open => "open",
            Self::Locked => "locked",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::SecondFactor, Self::Open, Self::Locked].into_iter().find(|stage| stage.as_str() == word)
    }
}

impl Store {
    /// `NotFound` where the user is unknown or disabled.
    pub async fn create_session(&self, of: &UserId, new: NewSession) -> Result<Session, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 AS one FROM users WHERE id = $1 AND disabled = 0")
            .bind(of.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(StoreError::not_found(USER, of));
        }
        let id = self.new_id("ses");
        sqlx::query(
            "INSERT INTO sessions (token_hash, id, user_id, stage, method, created_at, expires_at, last_seen_at, \
             confirmed_at, address, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $6, $8, $9)",
        )
        .bind(&new.token_hash)
        .bind(&id)
        .bind(of.as_str())
        .bind(new.stage.as_str())
        .bind(&new.method)
        .bind(now.0)
        .bind(new.expires_at.0)
        .bind(&new.address)
        .bind(&new.agent)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await?;
        Ok(Session {
            id,
            user: of.clone(),
            stage: new.stage,
            method: new.method,
            created_at: now,
            expires_at: new.expires_at,
            last_seen_at: now,
            confirmed_at: now,
            address: new.address,
            agent: new.agent,
        })
    }

    /// None where it is unknown, has expired, or its user is disabled.
    pub async fn session(&self, token_hash: &str) -> Result<Option<(Session, User)>, StoreError> {
        let row = sqlx::query(
            "SELECT u.*, s.id AS session_id, s.stage, s.method, s.created_at AS session_created_at, s.expires_at, \
             s.last_seen_at, s.confirmed_at, s.address, s.agent \
             FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled = 0",
        )
        .bind(token_hash)
        .bind(self.now().0)
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user = user(&row)?;
        Ok(Some((session(&row, &user.id)?, user)))
    }

    /// Sessions of a person that have not ended, the latest used first.
    pub async fn sessions_of(&self, of: &UserId) -> Result<Vec<Session>, StoreError> {
        sqlx::query(
            "SELECT id AS session_id, stage, method, created_at AS session_created_at, expires_at, last_seen_at, \
             confirmed_at, address, agent FROM sessions WHERE user_id = $1 AND expires_at > $2 \
             ORDER BY last_seen_at DESC, id DESC",
        )
        .bind(of.as_str())
        .bind(self.now().0)
        .fetch_all(self.pool())
        .await?
        .iter()
        .map(|row| session(row, of))
        .collect()
    }

    /// Notes that the session was used.
    pub async fn touch_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sessions SET last_seen_at = $2 WHERE token_hash = $1 AND stage = 'open'")
            .bind(token_hash)
            .bind(self.now().0)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await
    }

    pub async fn lock_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sessions SET stage = 'locked' WHERE token_hash = $1 AND stage = 'open'")
            .bind(token_hash)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await
    }

    /// The person showed who they are: the session is open, under a new token. False where it is gone.
    pub async fn confirm_session(
        &self,
        token_hash: &str,
        new_hash: &str,
        method: &str,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE sessions SET stage = 'open', token_hash = $2, method = $3, expires_at = $4, last_seen_at = $5, \
             confirmed_at = $5 WHERE token_hash = $1",
        )
        .bind(token_hash)
        .bind(new_hash)
        .bind(method)
        .bind(expires.0)
        .bind(self.now().0)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn delete_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash).execute(&mut *tx).await?;
        self.commit(tx).await
    }

    /// Ends one session of a person by what lists call it.
    pub async fn end_session(&self, of: &UserId, id: &str) -> Result<(), StoreError> {
        self.delete_own("sessions", "session", of, Some(id)).await
    }

    /// Ends a person's sessions, but for one where it is named; says how many there were.
    pub async fn delete_sessions_of(&self, of: &UserId, but: Option<&str>) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let ended = end_sessions(&mut tx, of, but).await?;
        self.commit(tx).await?;
        Ok(ended)
    }

    /// Sessions, challenges and invitations whose time is over; says how many sessions there were.
    pub async fn delete_expired_sessions(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let now = self.now().0;
        for sql in [
            "DELETE FROM challenges WHERE expires_at <= $1",
            "DELETE FROM invitations WHERE expires_at <= $1",
            "DELETE FROM api_tokens WHERE expires_at <= $1",
        ] {
            sqlx::query(sql).bind(now).execute(&mut *tx).await?;
        }
        let done =
            sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(&mut *tx).await?;
        self.commit(tx).await?;
        Ok(done.rows_affected())
    }
}

pub(crate) async fn end_sessions(
    connection: &mut AnyConnection,
    of: &UserId,
    but: Option<&str>,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(of.as_str())
        .bind(but.unwrap_or_default())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

fn session(row: &AnyRow, user: &UserId) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.text("session_id")?,
        user: user.clone(),
        stage: row.word("stage", Stage::parse)?,
        method: row.text("method")?,
        created_at: Timestamp(row.int("session_created_at")?),
        expires_at: Timestamp(row.int("expires_at")?),
        last_seen_at: Timestamp(row.int("last_seen_at")?),
        confirmed_at: Timestamp(row.int("confirmed_at")?),
        address: row.text("address")?,
        agent: row.text("agent")?,
    })
}
