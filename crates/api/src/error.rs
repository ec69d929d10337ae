//! Errors on the wire: a closed set of codes, a sentence for people and, for bad input, the place.
//!
//! `5xx` answers say nothing of the inside, and no message repeats clinical text; where both quotes of a refused span
//! must be shown to who sent it, they stand in [`ErrorBody::quotes`] and nowhere else.

use overread_domain::{Decision, Finding, ItemId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the request can't be read.
    BadRequest,
    /// 401
    NotSignedIn,
    /// 401: user name or password wrong.
    WrongCredentials,
    /// 401: the password was right; the second factor is awaited.
    SecondFactorRequired,
    /// 401: nobody was there for a while; who comes back shows who they are.
    SessionLocked,
    /// 403
    NotAllowed,
    /// 403: what is asked needs a sign-in of the last minutes.
    ConfirmationRequired,
    /// 403: this installation asks for a second factor; it must be set up first.
    SecondFactorSetupRequired,
    /// 403: the password must be changed first.
    PasswordChangeRequired,
    /// 404
    NotFound,
    /// 409: the entry has moved on; `changes` says how.
    StaleRevision,
    /// 409: another person holds the lease.
    Leased,
    /// 409: the same idempotency key came before with another request.
    KeyReused,
    /// 409: the entry's state does not allow this.
    WrongState,
    /// 409: something with this id is there already.
    Conflict,
    /// 413
    TooLarge,
    /// 415
    UnsupportedMedia,
    /// 422: understood, but not acceptable; `places` says where.
    Invalid,
    /// 422: a quote is not what the text holds there; `quotes` shows both.
    QuoteMismatch,
    /// 422: finishing refused; `undecided`, `required` and `findings` say why.
    Unfinished,
    /// 429
    TooManyRequests,
    /// 500
    Internal,
    /// 503: the model is not loaded, or the database is away.
    Unavailable,
    /// 507: the disk is full; nothing was written.
    StorageFull,
}

/// Where bad input was bad. All that is known is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// From 0, within the line or file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong there.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    pub code: ErrorCode,
    /// One sentence for people.
    pub message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotes: Option<Quotes>,
    /// With `stale_revision`: the decisions since the revision that the request expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Decision>,
    /// With `unfinished`: suggestions that nobody decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<ItemId>,
    /// With `unfinished`: required fields without a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// With `unfinished`: errors of the coding edits that nobody mended or overrode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// With `internal`: what the server's log calls this failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quotes {
    /// What the request said.
    pub expected: String,
    /// What the text holds.
    pub found: String,
}

impl ErrorBody {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            places: Vec::new(),
            quotes: None,
            changes: Vec::new(),
            undecided: Vec::new(),
            required: Vec::new(),
            findings: Vec::new(),
            request_id: None,
        }
    }
}

impl ErrorCode {
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotSignedIn | Self::WrongCredentials | Self::SecondFactorRequired | Self::SessionLocked => {
                401
            }
            Self::NotAllowed
            | Self::PasswordChangeRequired
            | Self::ConfirmationRequired
            | Self::SecondFactorSetupRequired => 403,
            Self::NotFound => 404,
            Self::StaleRevision | Self::Leased | Self::KeyReused | Self::WrongState | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMedia => 415,
            Self::Invalid | Self::QuoteMismatch | Self::Unfinished => 422,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::StorageFull => 507,
        }
    }
}
