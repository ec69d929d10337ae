//! The only crate with SQL: `SQLite` in one file by default, `PostgreSQL` by URL, one set of texts for both.
//!
//! Notes, suggestion sets and decisions are written once and never changed (the database itself refuses); an entry's row
//! is a projection of its decisions, brought up to date in the same transaction as the decision. Nothing here knows of
//! HTTP, and no error or log line carries clinical text.

// Its feature makes SQLite of SQLCipher.
use libsqlite3_sys as _;

mod accuracy;
mod audit;
mod backup;
mod check;
mod corrections;
mod counters;
mod decide;
mod dialect;
mod edits;
mod entry;
mod error;
mod factors;
mod grants;
mod import;
mod jobs;
mod lease;
mod memory;
mod migrate;
mod outcomes;
mod queue;
mod reach;
mod rekey;
mod row;
mod session;
mod source;
mod store;
mod template;
mod tokens;
mod user;

/// How far the clocks of servers on one database may stand apart. What lies further in the future was written under a
/// clock that has been set back since.
pub const SKEW_MS: i64 = 5 * 60_000;

pub use accuracy::{Accuracy, AccuracyFilter, CalibrationBin, CodeCounts, Counts, FieldCounts};
pub use audit::{Activity, AuditFilter, AuditReview, AuditRow, Broken, Chain, Event, Origin};
pub use backup::Backup;
pub use check::{Checked, Damage, check_file};
pub use corrections::{CorrectionFilter, Corrections};
pub use decide::{DecideOutcome, DecideRequest};
pub use dialect::{Channel, DatabaseKey, Engine};
pub use edits::{Companion, EditLevels};
pub use entry::{EntryRecord, EntryRow, Lease, SuggestingState};
pub use error::StoreError;
pub use factors::{Challenge, Factors, Passkey, Totp};
pub use grants::{Grant, GrantKind, GrantPage, Judgement, NewGrant};
pub use import::{ImportOutcome, NewNote};
pub use jobs::{ClaimedJob, JobCounts, JobPage, JobRow, JobState};
pub use memory::{MemoryDeletion, MemoryFilter, MemoryListed, MemoryPage, MemoryRow};
pub use queue::{Progress, QueueFilter, QueuePage, QueueSort};
pub use reach::Scope;
pub use rekey::rekey;
pub use session::{NewSession, Session, Stage};
pub use source::Source;
pub use store::Store;
pub use template::TemplateRow;
pub use tokens::{ApiToken, Invitation, NewToken};
pub use user::{NewUser, User, UserPatch};
