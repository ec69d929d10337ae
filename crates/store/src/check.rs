//! Whether the database is what was written.

use overread_domain::{EntryId, NoteId};
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::dialect::Address;
use crate::row::Columns;
use crate::{DatabaseKey, Engine, Store, StoreError};

/// What was read, and what of it does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub notes: u64,
    pub entries: u64,
    /// Rows of the audit trail.
    pub trail: u64,
    /// At most [`MOST`].
    pub damage: Vec<Damage>,
}

/// One thing that is not as it was written. No clinical text is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, a note, an entry, the trail: with its id.
    pub what: String,
    pub reason: String,
}

/// Faults after which nothing further is looked for.
pub const MOST: usize = 100;
const PAGE: i64 = 200;

impl Checked {
    fn found(&mut self, what: impl Into<String>, reason: impl Into<String>) {
        self.damage.push(Damage { what: what.into(), reason: reason.into() });
    }

    fn full(&self) -> bool {
        self.damage.len() >= MOST
    }
}

impl Store {
    /// Reads everything: the file by the engine's own means, each note against its hash, each entry with its decisions, the
    /// chain of the trail. An error only where the database can't be asked at all.
    pub async fn check(&self) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        let mut tx = self.begin_read().await?;
        if self.engine() == Engine::Sqlite {
            pages(&mut tx, self.is_sealed(), &mut checked).await?;
        }
        self.check_notes(&mut tx, &mut checked).await?;
        self.check_entries(&mut tx, &mut checked).await?;
        // What is damaged leaves the transaction in no state to be ended.
        drop(tx);
        match self.verify_audit().await {
            Ok(Ok(chain)) => checked.trail = chain.rows,
            Ok(Err(broken)) => checked.found("audit trail", broken.to_string()),
            Err(error) => checked.failed("audit trail", error)?,
        }
        checked.damage.truncate(MOST);
        Ok(checked)
    }

    async fn check_notes(
        &self,
        connection: &mut AnyConnection,
        checked: &mut Checked,
    ) -> Result<(), StoreError> {
        let mut after = String::new();
        while !checked.full() {
            let rows = sqlx::query("SELECT id, sha256, body FROM notes WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(&after)
                .bind(PAGE)
                .fetch_all(&mut *connection)
                .await;
            let rows = match rows {
                Ok(rows) => rows,
                Err(error) => return checked.failed("notes", error.into()),
            };
            for row in &rows {
                after = row.text("id")?;
                checked.notes += 1;
                if let Err(error) = crate::entry::text(&NoteId::new(after.clone()), row) {
                    checked.failed(format!("note {after}"), error)?;
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        Ok(())
    }

    async fn check_entries(
        &self,
        connection: &mut AnyConnection,
        checked: &mut Checked,
    ) -> Result<(), StoreError> {
        let mut after = String::new();
        while !checked.full() {
            let rows = sqlx::query("SELECT id FROM entries WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(&after)
                .bind(PAGE)
                .fetch_all(&mut *connection)
                .await;
            let rows = match rows {
                Ok(rows) => rows,
                Err(error) => return checked.failed("entries", error.into()),
            };
            for row in &rows {
                after = row.text("id")?;
                checked.entries += 1;
                if let Err(error) = self.load(connection, &EntryId::new(after.clone()), false).await {
                    checked.failed(format!("entry {after}"), error)?;
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// What `SQLite` says of a file that can't be opened as a store; of other engines nothing.
pub async fn check_file(url: &str, key: Option<&DatabaseKey>) -> Result<Vec<Damage>, StoreError> {
    install_default_drivers();
    let address = Address::parse(url, key)?;
    let mut checked = Checked::default();
    if address.engine() == Engine::Sqlite {
        let mut connection = AnyConnection::connect(address.url()).await?;
        address.unlock(&mut connection).await?;
        pages(&mut connection, key.is_some(), &mut checked).await?;
        connection.close().await?;
    }
    Ok(checked.damage)
}

/// <https://www.zetetic.net/sqlcipher/sqlcipher-api/#cipher_integrity_check>,
/// <https://sqlite.org/pragma.html#pragma_integrity_check>.
async fn pages(
    connection: &mut AnyConnection,
    sealed: bool,
    checked: &mut Checked,
) -> Result<(), StoreError> {
    for (statement, wanted) in
        [("PRAGMA cipher_integrity_check", sealed), ("PRAGMA integrity_check(100)", true)]
    {
        if !wanted {
            continue;
        }
        match sqlx::query(statement).fetch_all(&mut *connection).await {
            Ok(rows) => {
                for row in rows {
                    let line: String = row.try_get(0)?;
                    if line != "ok" {
                        checked.found("file", line);
                    }
                }
            }
            Err(error) => checked.failed("file", error.into())?,
        }
    }
    Ok(())
}

impl Checked {
    /// What the database says of itself is damage; that it is away is not.
    fn failed(&mut self, what: impl Into<String>, error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::Unavailable { .. } | StoreError::StorageFull => Err(error),
            error => {
                self.found(what, error.to_string());
                Ok(())
            }
        }
    }
}
