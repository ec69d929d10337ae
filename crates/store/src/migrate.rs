//! The schema: versioned, embedded, and never edited once it is out.

use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Connection};

use crate::row::Columns;
use crate::{Engine, StoreError};

struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "first", sql: include_str!("../migrations/0001_first.sql") },
    Migration { version: 2, name: "memory", sql: include_str!("../migrations/0002_memory.sql") },
    Migration { version: 3, name: "edits", sql: include_str!("../migrations/0003_edits.sql") },
    Migration { version: 4, name: "codes", sql: include_str!("../migrations/0004_codes.sql") },
    Migration { version: 5, name: "audit", sql: include_str!("../migrations/0005_audit.sql") },
    Migration { version: 6, name: "sign_in", sql: include_str!("../migrations/0006_sign_in.sql") },
    Migration { version: 7, name: "access", sql: include_str!("../migrations/0007_access.sql") },
];

pub(crate) const KNOWN: u32 = MIGRATIONS.len() as u32;

/// Refuses a schema that is not ours or newer than we are, before anything is written; says which one is there.
pub(crate) async fn check(engine: Engine, connection: &mut AnyConnection) -> Result<Option<u32>, StoreError> {
    found(engine, connection).await
}

/// Brings the schema up to date, all of it or nothing.
pub(crate) async fn run(engine: Engine, connection: &mut AnyConnection, now: i64) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(engine.begin_write()).await?;
    engine.lock_schema(&mut transaction).await?;
    let found = found(engine, &mut transaction).await?;
    if found.is_none() {
        let sql = "CREATE TABLE overread_schema (version BIGINT PRIMARY KEY NOT NULL, name TEXT NOT NULL, \
                   sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";
        sqlx::raw_sql(sql).execute(&mut *transaction).await?;
    }
    for migration in &MIGRATIONS[found.unwrap_or(0) as usize..] {
        sqlx::raw_sql(engine.translate(migration.sql)).execute(&mut *transaction).await?;
        if let Some(sql) = engine.append_only(migration.version) {
            sqlx::raw_sql(sql).execute(&mut *transaction).await?;
        }
        sqlx::query(
            "INSERT INTO overread_schema (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(i64::from(migration.version))
        .bind(migration.name)
        .bind(sha256(migration.sql.as_bytes()))
        .bind(now)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The version that the database has; none where it is empty.
async fn found(engine: Engine, connection: &mut AnyConnection) -> Result<Option<u32>, StoreError> {
    let mut tables = Vec::new();
    let listed = sqlx::query(engine.list_tables()).fetch_all(&mut *connection).await;
    for row in listed.map_err(not_a_database)? {
        tables.push(row.text("name")?);
    }
    if tables.is_empty() {
        return Ok(None);
    }
    if !tables.iter().any(|table| table == "overread_schema") {
        return Err(StoreError::WrongSchema { found: None, known: KNOWN });
    }
    let rows = sqlx::query("SELECT version, sha256 FROM overread_schema ORDER BY version")
        .fetch_all(connection)
        .await?;
    for (place, row) in rows.iter().enumerate() {
        let version = row.number("version")?;
        let Some(migration) = MIGRATIONS.get(place) else {
            let found = rows.last().map_or(Ok(version), |last| last.number("version"))?;
            return Err(StoreError::WrongSchema { found: Some(found), known: KNOWN });
        };
        if migration.version != version || row.text("sha256")? != sha256(migration.sql.as_bytes()) {
            return Err(StoreError::corrupt(
                "schema version",
                &version,
                "it was made by another text than this program's",
            ));
        }
    }
    Ok(Some(rows.len() as u32))
}

/// `SQLITE_NOTADB`: a file of another kind.
fn not_a_database(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::code) {
        Some(code) if code == "26" => StoreError::WrongSchema { found: None, known: KNOWN },
        _ => error.into(),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
