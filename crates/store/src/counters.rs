//! Counters, kept in the transaction that changes what they count.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use crate::StoreError;

/// Changes of counters, written last and in the order of their names, so that two transactions never wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Deltas(BTreeMap<(&'static str, String), i64>);

/// Entries by compartment and status.
pub(crate) const STATUS: &str = "status";
/// Entries by compartment and the state of their latest job.
pub(crate) const SUGGESTING: &str = "suggesting";
/// Entries by compartment and document type.
pub(crate) const DOCUMENT_TYPE: &str = "document_type";
/// Entries by template.
pub(crate) const TEMPLATE: &str = "template";
/// Jobs by state.
pub(crate) const JOB: &str = "job";

/// The name of what is counted for each compartment by itself.
pub(crate) fn within(compartment: &str, name: &str) -> String {
    format!("{compartment} {name}")
}

impl Deltas {
    pub(crate) fn add(&mut self, scope: &'static str, name: &str, n: i64) {
        *self.0.entry((scope, name.to_owned())).or_default() += n;
    }

    pub(crate) fn moved(&mut self, scope: &'static str, from: &str, to: &str) {
        self.add(scope, from, -1);
        self.add(scope, to, 1);
    }

    pub(crate) async fn write(self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        for ((scope, name), n) in self.0.into_iter().filter(|(_, n)| *n != 0) {
            sqlx::query(
                "INSERT INTO counters (scope, name, n) VALUES ($1, $2, $3) \
                 ON CONFLICT (scope, name) DO UPDATE SET n = counters.n + excluded.n",
            )
            .bind(scope)
            .bind(name)
            .bind(n)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
