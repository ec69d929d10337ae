//! The own account: second factor, passkeys, devices, tokens of scripts.

use overread_domain::{Permission, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountView {
    /// Whether an authenticator app is set up.
    pub totp: bool,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
    pub passkeys: Vec<PasskeyView>,
    /// Whether passkeys can be added: the installation must know its own address.
    pub passkeys_possible: bool,
    /// The latest used first.
    pub sessions: Vec<DeviceView>,
    /// The newest first.
    pub tokens: Vec<TokenView>,
    /// What tokens of this person may be given.
    pub scopes: Vec<Permission>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasskeyView {
    pub id: String,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Where somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceView {
    pub id: String,
    /// The session that asks.
    pub this: bool,
    pub locked: bool,
    /// By what the person signed in.
    pub method: String,
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Permission>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, in 1 to 200 characters.
    pub name: String,
    /// At least one; what the own role does not allow, a token can't.
    pub scopes: Vec<Permission>,
    /// 1 to 365.
    pub days: u32,
}

/// Shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenMade {
    pub token: String,
    pub view: TokenView,
}

/// To be taken into an authenticator app; counts once a code of it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TotpBegun {
    /// Base32, for typing.
    pub secret: String,
    /// `otpauth://`
    pub address: String,
    /// The address as a QR code: the rows of its squares, `1` dark.
    pub squares: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotp {
    pub code: String,
}

/// Each good for one sign-in; shown once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    /// Empty where there are some from before.
    pub codes: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    pub challenge: String,
    /// What the person calls it, in 1 to 200 characters.
    pub name: String,
    /// As JSON text: `RegistrationResponseJSON` (WebAuthn level 3).
    pub credential: String,
}
