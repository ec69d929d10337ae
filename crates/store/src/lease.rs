//! Leases: who works on an entry. They guard nobody's data, they only keep two people from doing the same work.

use overread_domain::{EntryId, UserId};

use crate::{Lease, Store, StoreError};

impl Store {
    /// Takes or renews the lease; [`StoreError::Leased`] while another person's runs.
    pub async fn take_lease(&self, entry: &EntryId, user: &UserId, millis: i64) -> Result<Lease, StoreError> {
        todo!("{entry} {user} {millis}")
    }

    /// Gives the lease back; nothing happens where the user does not hold it.
    pub async fn release_lease(&self, entry: &EntryId, user: &UserId) -> Result<(), StoreError> {
        todo!("{entry} {user}")
    }
}
