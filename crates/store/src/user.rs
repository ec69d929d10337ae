//! People. Passwords come hashed; this crate never sees one.

use overread_domain::{Reach, Role, Timestamp, UserId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::dialect::is_duplicate;
use crate::row::{Columns, to_json};
use crate::{Store, StoreError};

#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name to sign in with.
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub reach: Reach,
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
    pub reach: Reach,
    pub password_hash: String,
    pub must_change_password: bool,
}

/// What is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserPatch {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub reach: Option<Reach>,
    pub disabled: Option<bool>,
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

pub(crate) const USER: &str = "user";

impl Store {
    /// `Conflict` where the id is taken.
    pub async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let user = self.insert_user(&mut tx, user).await?;
        self.commit(tx).await?;
        Ok(user)
    }

    /// The same, for somebody whom an OpenID provider means by a subject.
    pub async fn create_federated_user(
        &self,
        user: NewUser,
        issuer: &str,
        subject: &str,
    ) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let user = self.insert_user(&mut tx, user).await?;
        sqlx::query("INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)")
            .bind(issuer)
            .bind(subject)
            .bind(user.id.as_str())
            .bind(user.created_at.0)
            .execute(&mut *tx)
            .await
            .map_err(|error| {
                if is_duplicate(&error) {
                    StoreError::conflict("identity", &user.id, "the subject is somebody already")
                } else {
                    error.into()
                }
            })?;
        self.commit(tx).await?;
        Ok(user)
    }

    async fn insert_user(&self, tx: &mut AnyConnection, user: NewUser) -> Result<User, StoreError> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO users (id, name, role, password_hash, must_change, disabled, created_at, reach) \
             VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
        )
        .bind(user.id.as_str())
        .bind(&user.name)
        .bind(user.role.as_str())
        .bind(&user.password_hash)
        .bind(i64::from(user.must_change_password))
        .bind(now.0)
        .bind(to_json("the reach", &user.reach)?)
        .execute(tx)
        .await
        .map_err(|error| {
            if is_duplicate(&error) {
                StoreError::conflict(USER, &user.id, "the name is taken")
            } else {
                error.into()
            }
        })?;
        Ok(User {
            id: user.id,
            name: user.name,
            role: user.role,
            reach: user.reach,
            password_hash: user.password_hash,
            must_change_password: user.must_change_password,
            disabled: false,
            created_at: now,
            last_sign_in: None,
        })
    }

    /// Deletes what a person owns in a table: the row of an id, or the only one they can have. `NotFound` where it is not
    /// theirs.
    pub(crate) async fn delete_own(
        &self,
        table: &'static str,
        what: &'static str,
        of: &UserId,
        id: Option<&str>,
    ) -> Result<(), StoreError> {
        let one = if id.is_some() { " AND id = $2" } else { "" };
        let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE user_id = $1{one}"));
        let mut query = sqlx::query(sql).bind(of.as_str());
        if let Some(id) = id {
            query = query.bind(id);
        }
        let mut tx = self.begin().await?;
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(StoreError::not_found(what, id.unwrap_or(of.as_str())));
        }
        self.commit(tx).await
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

    /// Disabling ends the user's sessions, tokens and invitation.
    pub async fn update_user(&self, id: &UserId, patch: UserPatch) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "UPDATE users SET name = COALESCE($2, name), role = COALESCE($3, role), \
             disabled = COALESCE($4, disabled), reach = COALESCE($5, reach) WHERE id = $1 RETURNING *",
        )
        .bind(id.as_str())
        .bind(patch.name)
        .bind(patch.role.map(Role::as_str))
        .bind(patch.disabled.map(i64::from))
        .bind(patch.reach.map(|reach| to_json("the reach", &reach)).transpose()?)
        .fetch_optional(&mut *tx)
        .await?;
        let user = user(&row.ok_or_else(|| StoreError::not_found(USER, id))?)?;
        if user.disabled {
            crate::session::end_sessions(&mut tx, id, None).await?;
            drop_tokens(&mut tx, id).await?;
        }
        self.commit(tx).await?;
        Ok(user)
    }

    /// Somebody else sets a first password, perhaps because the person's own was stolen: all sessions, tokens and
    /// invitations end, and another password must be chosen where `must_change` says so. Says how many sessions there were.
    pub async fn give_password(&self, id: &UserId, hash: &str, must_change: bool) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        write_password(&mut tx, id, hash, must_change).await?;
        let ended = crate::session::end_sessions(&mut tx, id, None).await?;
        drop_tokens(&mut tx, id).await?;
        self.commit(tx).await?;
        Ok(ended)
    }

    /// Sessions stay as they are; see [`Store::delete_sessions_of`].
    pub async fn set_password(&self, id: &UserId, hash: &str, must_change: bool) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        write_password(&mut tx, id, hash, must_change).await?;
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
}

async fn write_password(
    connection: &mut AnyConnection,
    id: &UserId,
    hash: &str,
    must_change: bool,
) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE users SET password_hash = $2, must_change = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(hash)
        .bind(i64::from(must_change))
        .execute(connection)
        .await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found(USER, id)) } else { Ok(()) }
}

/// Nothing that was given out for this person is good any more.
pub(crate) async fn drop_tokens(connection: &mut AnyConnection, user: &UserId) -> Result<(), StoreError> {
    for sql in ["DELETE FROM api_tokens WHERE user_id = $1", "DELETE FROM invitations WHERE user_id = $1"] {
        sqlx::query(sql).bind(user.as_str()).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(crate) fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::new(row.text("id")?),
        name: row.text("name")?,
        role: row.word("role", Role::parse)?,
        reach: row.json("reach")?,
        password_hash: row.text("password_hash")?,
        must_change_password: row.truth("must_change")?,
        disabled: row.truth("disabled")?,
        created_at: Timestamp(row.int("created_at")?),
        last_sign_in: row.int_or_none("last_sign_in")?.map(Timestamp),
    })
}
