//! The wire: what the server answers and the page asks, and nothing else. Types of `domain` stand on it as they are;
//! what is here gives them their envelopes. Shared by server, frontend and tests.

use serde::{Deserialize, Serialize};

pub mod access;
pub mod account;
pub mod accuracy;
pub mod audit;
pub mod code;
pub mod code_system;
pub mod correction;
pub mod edit;
pub mod entry;
pub mod error;
pub mod import;
pub mod memory;
pub mod path;
pub mod session;
pub mod system;

pub use error::{ErrorBody, ErrorCode, Place};

/// One page of a list. Pages are found by key, never by number: `next` goes back as `after`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Opaque; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
