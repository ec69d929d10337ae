//! What people sign in with beside a password: authenticator apps, recovery codes, passkeys, an OpenID provider. Secrets
//! come sealed, codes come hashed.

use overread_domain::{Timestamp, UserId};

use crate::dialect::is_duplicate;
use crate::row::Columns;
use crate::{Store, StoreError};

/// What a person has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    pub totp: bool,
    pub passkeys: u32,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
    /// Signs in through an OpenID provider.
    pub federated: bool,
}

impl Factors {
    /// Whether a password alone is not enough.
    pub fn second(&self) -> bool {
        self.totp || self.passkeys > 0
    }
}

/// An authenticator app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totp {
    /// Sealed.
    pub secret: String,
    pub confirmed: bool,
    pub last_step: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    pub id: String,
    pub user: UserId,
    pub name: String,
    pub credential: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// A question that is answered once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub user: Option<UserId>,
    pub body: String,
}

const PASSKEY: &str = "passkey";

impl Store {
    pub async fn factors(&self, of: &UserId) -> Result<Factors, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM totp WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS apps, \
             (SELECT COUNT(*) FROM passkeys WHERE user_id = $1) AS passkeys, \
             (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1) AS codes, \
             (SELECT COUNT(*) FROM identities WHERE user_id = $1) AS identities",
        )
        .bind(of.as_str())
        .fetch_one(self.pool())
        .await?;
        Ok(Factors {
            totp: row.int("apps")? > 0,
            passkeys: row.int("passkeys")? as u32,
            recovery_codes: row.int("codes")? as u32,
            federated: row.int("identities")? > 0,
        })
    }

    /// Who has a second factor, for lists of people.
    pub async fn users_with_second_factor(&self) -> Result<Vec<UserId>, StoreError> {
        let rows = sqlx::query(
            "SELECT user_id FROM totp WHERE confirmed_at IS NOT NULL UNION SELECT user_id FROM passkeys",
        )
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(|row| Ok(UserId::new(row.text("user_id")?))).collect()
    }

    pub async fn totp(&self, of: &UserId) -> Result<Option<Totp>, StoreError> {
        let row = sqlx::query("SELECT secret, confirmed_at, last_step FROM totp WHERE user_id = $1")
            .bind(of.as_str())
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| {
            Ok(Totp {
                secret: row.text("secret")?,
                confirmed: row.int_or_none("confirmed_at")?.is_some(),
                last_step: row.int("last_step")?,
            })
        })
        .transpose()
    }

    /// Begins with an authenticator app. `Conflict` where one is confirmed: it is removed first.
    pub async fn begin_totp(&self, of: &UserId, secret: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "INSERT INTO totp (user_id, secret, made_at, last_step) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, made_at = excluded.made_at, last_step = 0 \
             WHERE totp.confirmed_at IS NULL",
        )
        .bind(of.as_str())
        .bind(secret)
        .bind(self.now().0)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::conflict("authenticator app", of, "there is one already"));
        }
        self.commit(tx).await
    }

    /// Takes a step's code, once: false where this or a later one was taken. The first confirms the app.
    pub async fn take_step(&self, of: &UserId, step: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE totp SET last_step = $2, confirmed_at = COALESCE(confirmed_at, $3) \
             WHERE user_id = $1 AND last_step < $2",
        )
        .bind(of.as_str())
        .bind(step)
        .bind(self.now().0)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit(tx).await?;
        Ok(true)
    }

    /// Seals a secret anew, unless it changed meanwhile.
    pub async fn reseal_totp(&self, of: &UserId, old: &str, new: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE totp SET secret = $3 WHERE user_id = $1 AND secret = $2")
            .bind(of.as_str())
            .bind(old)
            .bind(new)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await
    }

    /// Every sealed secret with whose it is.
    pub async fn sealed_totp(&self) -> Result<Vec<(UserId, String)>, StoreError> {
        let rows =
            sqlx::query("SELECT user_id, secret FROM totp ORDER BY user_id").fetch_all(self.pool()).await?;
        rows.iter().map(|row| Ok((UserId::new(row.text("user_id")?), row.text("secret")?))).collect()
    }

    pub async fn remove_totp(&self, of: &UserId) -> Result<(), StoreError> {
        self.delete_own("totp", "authenticator app", of, None).await
    }

    /// Takes the place of all codes before.
    pub async fn set_recovery_codes(&self, of: &UserId, hashes: &[String]) -> Result<(), StoreError> {
        let now = self.now().0;
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
            .bind(of.as_str())
            .execute(&mut *tx)
            .await?;
        for hash in hashes {
            sqlx::query("INSERT INTO recovery_codes (user_id, hash, made_at) VALUES ($1, $2, $3)")
                .bind(of.as_str())
                .bind(hash)
                .bind(now)
                .execute(&mut *tx)
                .await?;
        }
        self.commit(tx).await
    }

    /// Takes a code, once: false where there is none such.
    pub async fn take_recovery_code(&self, of: &UserId, hash: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2")
            .bind(of.as_str())
            .bind(hash)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit(tx).await?;
        Ok(true)
    }

    /// `Conflict` where somebody has it already.
    pub async fn add_passkey(
        &self,
        of: &UserId,
        id: &str,
        name: &str,
        credential: &str,
    ) -> Result<Passkey, StoreError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO passkeys (id, user_id, name, credential, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(of.as_str())
        .bind(name)
        .bind(credential)
        .bind(now.0)
        .execute(&mut *tx)
        .await
        .map_err(|error| {
            if is_duplicate(&error) {
                StoreError::conflict(PASSKEY, &id, "it is known already")
            } else {
                error.into()
            }
        })?;
        self.commit(tx).await?;
        Ok(Passkey {
            id: id.to_owned(),
            user: of.clone(),
            name: name.to_owned(),
            credential: credential.to_owned(),
            created_at: now,
            last_used_at: None,
        })
    }

    /// By the credential's id; none where nobody has it.
    pub async fn passkey(&self, id: &str) -> Result<Option<Passkey>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM passkeys WHERE id = $1").bind(id).fetch_optional(self.pool()).await?;
        row.as_ref().map(passkey).transpose()
    }

    /// The oldest first.
    pub async fn passkeys_of(&self, of: &UserId) -> Result<Vec<Passkey>, StoreError> {
        sqlx::query("SELECT * FROM passkeys WHERE user_id = $1 ORDER BY created_at, id")
            .bind(of.as_str())
            .fetch_all(self.pool())
            .await?
            .iter()
            .map(passkey)
            .collect()
    }

    /// Notes a use, with the counter that came with it.
    pub async fn use_passkey(&self, id: &str, credential: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE passkeys SET credential = $2, last_used_at = $3 WHERE id = $1")
            .bind(id)
            .bind(credential)
            .bind(self.now().0)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await
    }

    pub async fn remove_passkey(&self, of: &UserId, id: &str) -> Result<(), StoreError> {
        self.delete_own("passkeys", PASSKEY, of, Some(id)).await
    }

    /// For somebody who lost everything: app, codes and passkeys are gone, and all sessions, tokens and invitations end.
    pub async fn reset_factors(&self, of: &UserId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for sql in [
            "DELETE FROM totp WHERE user_id = $1",
            "DELETE FROM recovery_codes WHERE user_id = $1",
            "DELETE FROM passkeys WHERE user_id = $1",
        ] {
            sqlx::query(sql).bind(of.as_str()).execute(&mut *tx).await?;
        }
        crate::session::end_sessions(&mut tx, of, None).await?;
        crate::user::drop_tokens(&mut tx, of).await?;
        self.commit(tx).await
    }

    /// Keeps a question until it is answered or its time is over; says its id.
    pub async fn ask(
        &self,
        kind: &str,
        id: &str,
        user: Option<&UserId>,
        body: &str,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO challenges (id, kind, user_id, body, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(kind)
        .bind(user.map(UserId::as_str))
        .bind(body)
        .bind(expires.0)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await
    }

    /// Takes a question back, once: none where it was answered, is of another kind, or its time is over.
    pub async fn asked(&self, kind: &str, id: &str) -> Result<Option<Challenge>, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "DELETE FROM challenges WHERE id = $1 AND kind = $2 AND expires_at > $3 RETURNING user_id, body",
        )
        .bind(id)
        .bind(kind)
        .bind(self.now().0)
        .fetch_optional(&mut *tx)
        .await?;
        self.commit(tx).await?;
        row.map(|row| {
            Ok(Challenge { user: row.text_or_none("user_id")?.map(UserId::new), body: row.text("body")? })
        })
        .transpose()
    }

    /// Whom a provider means by a subject.
    pub async fn identity(&self, issuer: &str, subject: &str) -> Result<Option<UserId>, StoreError> {
        let row = sqlx::query("SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2")
            .bind(issuer)
            .bind(subject)
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| Ok(UserId::new(row.text("user_id")?))).transpose()
    }
}

fn passkey(row: &sqlx::any::AnyRow) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.text("id")?,
        user: UserId::new(row.text("user_id")?),
        name: row.text("name")?,
        credential: row.text("credential")?,
        created_at: Timestamp(row.int("created_at")?),
        last_used_at: row.int_or_none("last_used_at")?.map(Timestamp),
    })
}
