//! Decisions: the one way in which an entry changes.

use overread_domain::{Action, Decision, Effort, EntryId, UserId};

use crate::{EntryRecord, Store, StoreError};

/// Decisions that stand or fall together.
#[derive(Clone, Debug, PartialEq)]
pub struct DecideRequest {
    pub entry: EntryId,
    pub user: UserId,
    /// The revision that the decisions were made on.
    pub expected_revision: u32,
    /// Unique for the user; the same key with the same request gets the first answer again.
    pub idempotency_key: String,
    /// 1 to 200, applied in order.
    pub actions: Vec<Action>,
    /// Cost of the whole request; it is kept with the first decision, so that sums stay right.
    pub effort: Effort,
    pub suggestions_shown: bool,
}

#[derive(Clone, Debug)]
pub struct DecideOutcome {
    /// The decisions that this request made.
    pub decisions: Vec<Decision>,
    /// The entry right after them.
    pub record: EntryRecord,
    /// Whether this is the first answer, given again.
    pub repeated: bool,
}

impl Store {
    pub async fn decide(&self, request: DecideRequest) -> Result<DecideOutcome, StoreError> {
        todo!("{}", request.entry)
    }
}
