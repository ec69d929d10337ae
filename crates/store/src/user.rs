//! People and their sessions. Passwords and session tokens come hashed; this crate never sees either.

use overread_domain::{Role, Timestamp, UserId};

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

impl Store {
    /// `Conflict` where the id is taken.
    pub async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        todo!("{user:?}")
    }

    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        todo!("{id}")
    }

    /// By id.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        todo!()
    }

    /// Disabling ends the user's sessions.
    pub async fn update_user(&self, id: &UserId, patch: UserPatch) -> Result<User, StoreError> {
        todo!("{id} {patch:?}")
    }

    /// Sessions stay as they are; see [`Store::delete_sessions_of`].
    pub async fn set_password(&self, id: &UserId, hash: &str, must_change: bool) -> Result<(), StoreError> {
        todo!("{id} {hash} {must_change}")
    }

    pub async fn record_sign_in(&self, id: &UserId) -> Result<(), StoreError> {
        todo!("{id}")
    }

    pub async fn create_session(
        &self,
        user: &UserId,
        token_hash: &str,
        expires: Timestamp,
    ) -> Result<Session, StoreError> {
        todo!("{user} {token_hash} {expires:?}")
    }

    /// None where it is unknown, has expired, or its user is disabled.
    pub async fn session(&self, token_hash: &str) -> Result<Option<(Session, User)>, StoreError> {
        todo!("{token_hash}")
    }

    /// Notes that the session was used, and moves its end.
    pub async fn touch_session(&self, token_hash: &str, expires: Timestamp) -> Result<(), StoreError> {
        todo!("{token_hash} {expires:?}")
    }

    pub async fn delete_session(&self, token_hash: &str) -> Result<(), StoreError> {
        todo!("{token_hash}")
    }

    pub async fn delete_sessions_of(&self, user: &UserId) -> Result<u64, StoreError> {
        todo!("{user}")
    }

    pub async fn delete_expired_sessions(&self) -> Result<u64, StoreError> {
        todo!()
    }
}
