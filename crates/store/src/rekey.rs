//! Another key for the file of an encrypted `SQLite` database.

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::dialect::{Address, LOCKED};
use crate::{DatabaseKey, StoreError};

/// Encrypts every page anew, in place, in one transaction of `SQLite`: cut off at any moment, the file opens with the one key
/// or the other. Nobody else may use the database meanwhile: in use, it is refused untouched.
pub async fn rekey(url: &str, old: &DatabaseKey, new: &DatabaseKey) -> Result<(), StoreError> {
    install_default_drivers();
    let address = Address::parse(url, Some(old))?;
    let name = address.path().map_or_else(String::new, |path| path.display().to_string());
    let used = || StoreError::conflict("database", &name, "something uses it: end servers and workers first");
    let mut connection = open(&address).await?;
    // Leaving the log of writes needs the file for oneself, and the journal that comes instead knows no page of the new key.
    let alone = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE; \
                 BEGIN EXCLUSIVE; COMMIT;";
    if let Err(error) = sqlx::raw_sql(alone).execute(&mut connection).await {
        return Err(match StoreError::from(error) {
            StoreError::Unavailable { reason } if reason == LOCKED => used(),
            error => error,
        });
    }
    let mode: String = sqlx::query("PRAGMA journal_mode").fetch_one(&mut connection).await?.try_get(0)?;
    if mode != "delete" {
        return Err(used());
    }
    new.encrypt(&mut connection).await?;
    connection.close().await?;
    // What it says of success is not to be relied on: only another connection knows.
    let address = Address::parse(url, Some(new))?;
    let mut connection = open(&address).await.map_err(|error| match error {
        StoreError::Damaged => StoreError::WrongKey,
        error => error,
    })?;
    let faults = sqlx::query("PRAGMA cipher_integrity_check").fetch_all(&mut connection).await?;
    sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut connection).await?;
    connection.close().await?;
    if faults.is_empty() { Ok(()) } else { Err(StoreError::Damaged) }
}

/// A connection that has read the first page.
async fn open(address: &Address) -> Result<AnyConnection, StoreError> {
    let mut connection = AnyConnection::connect(address.url()).await?;
    address.unlock(&mut connection).await?;
    sqlx::raw_sql("PRAGMA busy_timeout = 2000").execute(&mut connection).await?;
    sqlx::query("SELECT COUNT(*) FROM sqlite_master").fetch_one(&mut connection).await?;
    Ok(connection)
}
