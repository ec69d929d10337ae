//! Signing in, users.

use overread_domain::{Reach, Role, Timestamp, UserId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub user: String,
    pub password: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionView {
    pub user: UserId,
    pub name: String,
    pub role: Role,
    pub stage: Stage,
    /// By what the second factor, or the way back to a locked session, can be given.
    pub ways: Vec<Way>,
    /// Until it is changed, only the account's own routes answer.
    pub must_change_password: bool,
    /// Until a second factor is set up, only the account's own routes answer.
    pub must_set_up_second_factor: bool,
    /// Signs in through the installation's provider, and has no password here.
    pub federated: bool,
    /// The page locks after so many minutes without a key or a click.
    pub idle_minutes: u32,
    pub expires_at: Timestamp,
}

/// How far a session is. Only an open one gets answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    SecondFactor,
    Open,
    Locked,
}

/// What a person can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Password,
    /// A code of an authenticator app.
    Totp,
    RecoveryCode,
    Passkey,
    /// The installation's provider.
    Oidc,
}

/// How one can sign in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInOptions {
    pub passkeys: bool,
    /// What the provider is called, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc: Option<String>,
}

/// A code of an authenticator app, or a recovery code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    pub code: String,
}

/// One of the two. A recovery code is none: it is for signing in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Unlock {
    pub password: Option<String>,
    /// Of an authenticator app.
    pub code: Option<String>,
}

/// What the browser's `navigator.credentials` is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyChallenge {
    /// Goes back with the answer, once.
    pub challenge: String,
    /// As JSON text: `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON` (WebAuthn level 3).
    pub options: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasskeyAnswer {
    pub challenge: String,
    /// As JSON text: `AuthenticationResponseJSON` (WebAuthn level 3).
    pub credential: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InvitationToken {
    pub token: String,
}

/// Whom an invitation is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationView {
    pub user: UserId,
    pub name: String,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    pub token: String,
    /// 12 to 256 characters.
    pub password: String,
}

/// For whoever invites: to be handed on by another way than the password's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invited {
    pub user: UserId,
    /// The whole address where the installation knows its own, else without the host.
    pub link: String,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    pub current: String,
    /// 12 to 256 characters.
    pub new: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserView {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    /// Which notes are open to the user.
    pub reach: Reach,
    pub disabled: bool,
    pub must_change_password: bool,
    /// An authenticator app or a passkey.
    pub second_factor: bool,
    pub created_at: Timestamp,
    pub last_sign_in: Option<Timestamp>,
}

/// The id is the name to sign in with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    /// Absent: notes of every site and queue, but none that is guarded more than others.
    #[serde(default)]
    pub reach: Reach,
    /// Must be changed at the first sign-in. Absent: the user can't sign in before an invitation.
    #[serde(default)]
    pub password: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct UserChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub reach: Option<Reach>,
    pub disabled: Option<bool>,
    /// A new first password; ends the user's sessions.
    pub password: Option<String>,
    /// For somebody who lost app, codes and passkeys: all are forgotten, and the user's sessions end.
    pub reset_second_factor: Option<bool>,
}
