//! The audit trail.

use std::collections::BTreeMap;

use overread_domain::{AuditAction, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Query of the trail; rows come the latest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[serde(default, deny_unknown_fields)]
pub struct AuditQuery {
    pub user: Option<String>,
    pub action: Option<AuditAction>,
    /// What it was done to: the id of an entry, a user, a template, a code system.
    pub subject: Option<String>,
    /// Milliseconds since 1970.
    pub since: Option<i64>,
    /// Milliseconds since 1970, not included.
    pub until: Option<i64>,
    /// Rows before this one.
    pub before: Option<u64>,
    /// 1 to 500; 100 if absent.
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditRow {
    /// From 1, without gaps.
    pub seq: u64,
    pub at: Timestamp,
    pub action: AuditAction,
    /// Absent where nobody was signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Never clinical text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, String>,
    /// Id of the request, as in the log and in `x-request-id`.
    pub request: String,
    pub address: String,
    /// SHA-256 (hex) over this row and the hash of the row before it.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    /// For `before` of the next page; none at the beginning of the trail.
    pub next: Option<u64>,
}

/// Something in the trail that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unusual {
    /// Who did it, or whose sign-in was refused; absent where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// ISO 8601 date, in UTC.
    pub day: String,
    pub kind: UnusualKind,
    pub count: u64,
    /// The median of the days that it is compared with, where it is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnusualKind {
    /// More entries were viewed than usual.
    ManyEntries,
    /// Entries were viewed and hardly anything was decided.
    ViewedOnly,
    SignInsRefused,
    AccessRefused,
    OpenedWithReason,
    Exports,
}

/// Whether the trail is whole, checked row by row when it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditStatus {
    pub rows: u64,
    /// Of the last row; absent where the chain is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The first place where the chain does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// Sign-offs, the latest first.
    pub reviews: Vec<AuditReview>,
}

/// Somebody's word that the trail was looked through up to a row, and whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditReview {
    pub seq: u64,
    pub hash: String,
    pub user: UserId,
    pub at: Timestamp,
    pub comment: String,
}

/// Signs the trail off up to the row that the status named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReviewAudit {
    pub rows: u64,
    pub hash: String,
    /// What was looked at, 1 to 500 characters.
    pub comment: String,
}
