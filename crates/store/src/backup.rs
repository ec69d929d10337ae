//! Backup and restore: the whole database as lines of JSON, the same for both engines, so that a copy made on one comes back
//! on the other. It is taken from one moment while people work.
//!
//! The first line says what it is, one line a row follows, and the last says how many rows of each table and the SHA-256 of all
//! lines before it: a copy that is cut short, or changed, is refused. Sessions, invitations and tokens of scripts are left out:
//! a restore signs nobody in and gives nothing back that was revoked after the copy was made.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sqlx::any::{AnyArguments, AnyRow, AnyTypeInfoKind};
use sqlx::{AssertSqlSafe, Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::migrate::KNOWN;
use crate::row::{Columns, hex};
use crate::{Store, StoreError};

const FORMAT: &str = "overread-backup";
const VERSION: u32 = 1;
/// Longer than any row: a note has two megabytes, and hexadecimal doubles.
const LINE: u64 = 64 << 20;

/// Every table but those of [`LEFT_OUT`], those first that others refer to.
const TABLES: [&str; 26] = [
    "users",
    "totp",
    "recovery_codes",
    "passkeys",
    "identities",
    "templates",
    "compartments",
    "notes",
    "access_grants",
    "entries",
    "suggestion_sets",
    "models",
    "jobs",
    "decisions",
    "requests",
    "outcomes",
    "counters",
    "memory",
    "memory_uses",
    "memory_deletions",
    "memory_vectors",
    "edit_levels",
    "favourites",
    "audit",
    "audit_head",
    "audit_reviews",
];
const LEFT_OUT: [&str; 5] = ["sessions", "challenges", "invitations", "api_tokens", "overread_schema"];

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    schema: u32,
    made_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    t: String,
    r: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    rows: BTreeMap<String, u64>,
    sha256: String,
}

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Milliseconds since 1970.
    pub made_at: i64,
    pub rows: BTreeMap<String, u64>,
    pub sha256: String,
}

fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::Invalid { what: "the backup", reason: reason.into() }
}

fn unwritten(error: &std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        StoreError::StorageFull
    } else {
        StoreError::Unavailable { reason: format!("the copy can't be written: {error}") }
    }
}

struct Out<'w> {
    out: &'w mut (dyn Write + Send),
    hash: Sha256,
}

impl Out<'_> {
    fn line(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        let mut text = crate::row::to_json("a row", line)?;
        text.push('\n');
        self.hash.update(text.as_bytes());
        self.out.write_all(text.as_bytes()).map_err(|error| unwritten(&error))
    }
}

impl Store {
    /// Writes a copy of the whole database as it is at one moment.
    ///
    /// # Errors
    /// Where the database is away, `out` can't be written, or the database has a table that this program does not know.
    pub async fn back_up(&self, out: &mut (dyn Write + Send)) -> Result<Backup, StoreError> {
        let mut tx = self.begin_read().await?;
        for table in sqlx::query(self.engine().list_tables()).fetch_all(&mut *tx).await? {
            let name = table.text("name")?;
            if !TABLES.contains(&name.as_str()) && !LEFT_OUT.contains(&name.as_str()) {
                return Err(StoreError::corrupt("table", &name, "a backup does not know it"));
            }
        }
        let made_at = self.now().0;
        let mut out = Out { out, hash: Sha256::new() };
        out.line(&Head { format: FORMAT.to_owned(), version: VERSION, schema: KNOWN, made_at })?;
        let mut rows = BTreeMap::new();
        for table in TABLES {
            let mut count = 0;
            let mut stream = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch(&mut *tx);
            while let Some(row) = stream.try_next().await? {
                out.line(&Line { t: table.to_owned(), r: values(&row)? })?;
                count += 1;
            }
            rows.insert(table.to_owned(), count);
        }
        tx.commit().await?;
        let sha256 = format!("{:x}", out.hash.clone().finalize());
        out.line(&End { rows: rows.clone(), sha256: sha256.clone() })?;
        out.out.flush().map_err(|error| unwritten(&error))?;
        Ok(Backup { made_at, rows, sha256 })
    }

    /// Fills an empty database from a copy: all of it or nothing.
    ///
    /// # Errors
    /// Where the database holds anything, the copy is of another program or schema, cut short, changed, or does not fit.
    pub async fn restore(&self, copy: &mut (dyn BufRead + Send)) -> Result<Backup, StoreError> {
        let mut tx = self.begin().await?;
        for table in TABLES.into_iter().filter(|table| *table != "audit_head") {
            let sql = AssertSqlSafe(format!("SELECT COUNT(*) AS n FROM {table}"));
            if sqlx::query(sql).fetch_one(&mut *tx).await?.int("n")? > 0 {
                return Err(StoreError::conflict("table", table, "a restore needs an empty database"));
            }
        }
        let mut lines = Lines { copy, hash: Sha256::new(), number: 0, text: String::new() };
        let head: Head = lines.next()?.ok_or_else(|| refused("it is empty"))?;
        if head.format != FORMAT || head.version != VERSION {
            return Err(refused("it is not one that this program can read"));
        }
        if head.schema != KNOWN {
            return Err(refused(format!(
                "it has schema version {}, this program has {KNOWN}: restore it with the program that made it, which this one \
                 then brings up to date",
                head.schema
            )));
        }
        sqlx::query("DELETE FROM audit_head").execute(&mut *tx).await?;
        let mut rows: BTreeMap<String, u64> = TABLES.iter().map(|table| ((*table).to_owned(), 0)).collect();
        let end = loop {
            let before = lines.hash.clone();
            let line: Value =
                lines.next()?.ok_or_else(|| refused("it is cut short: its last line is missing"))?;
            let Ok(Line { t, r }) = Line::deserialize(&line) else {
                let end = End::deserialize(&line).map_err(|_| lines.wrong("is no row"))?;
                if format!("{:x}", before.finalize()) != end.sha256 {
                    return Err(refused("it was changed after it was made: its SHA-256 is another"));
                }
                break end;
            };
            let Some(table) = TABLES.into_iter().find(|table| *table == t) else {
                return Err(lines.wrong("names a table that there is not"));
            };
            let (sql, arguments) =
                insert(table, r).ok_or_else(|| lines.wrong("holds a value of no known kind"))?;
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut *tx).await.map_err(|error| {
                match StoreError::from(error) {
                    StoreError::Database { .. } => lines.wrong("does not fit the table"),
                    other => other,
                }
            })?;
            *rows.entry(t).or_default() += 1;
        };
        if end.rows != rows {
            return Err(refused("it holds other numbers of rows than it says"));
        }
        self.commit(tx).await?;
        Ok(Backup { made_at: head.made_at, rows, sha256: end.sha256 })
    }
}

struct Lines<'r> {
    copy: &'r mut (dyn BufRead + Send),
    hash: Sha256,
    number: u64,
    text: String,
}

impl Lines<'_> {
    fn next<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        use std::io::Read as _;
        self.text.clear();
        self.number += 1;
        let read = (&mut *self.copy).take(LINE).read_line(&mut self.text);
        match read {
            Ok(0) => return Ok(None),
            Ok(_) if self.text.ends_with('\n') => {}
            Ok(_) => return Err(self.wrong("is cut short")),
            Err(_) => return Err(self.wrong("can't be read")),
        }
        self.hash.update(self.text.as_bytes());
        serde_json::from_str(&self.text).map(Some).map_err(|_| self.wrong("is not JSON of a backup"))
    }

    fn wrong(&self, what: &str) -> StoreError {
        refused(format!("line {} {what}", self.number))
    }
}

/// What a row holds; absent values are left out.
fn values(row: &AnyRow) -> Result<Map<String, Value>, StoreError> {
    let mut out = Map::new();
    for (at, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            continue;
        }
        let kind = raw.type_info().kind();
        let value = match kind {
            AnyTypeInfoKind::Text => Value::from(row.try_get::<String, _>(at)?),
            AnyTypeInfoKind::Blob => json!({ "x": hex(&row.try_get::<Vec<u8>, _>(at)?) }),
            AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
                Value::from(row.try_get::<i64, _>(at)?)
            }
            _ => {
                let reason = format!("a backup does not know values of kind {}", raw.type_info().name());
                return Err(StoreError::corrupt("column", column.name(), &reason));
            }
        };
        out.insert(column.name().to_owned(), value);
    }
    Ok(out)
}

/// Names of columns come from the copy: what is no name is refused, since it goes into the statement.
fn insert(table: &str, row: Map<String, Value>) -> Option<(String, AnyArguments)> {
    use sqlx::Arguments as _;
    let mut arguments = AnyArguments::default();
    let mut names: Vec<String> = Vec::new();
    for (name, value) in row {
        let plain = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain {
            return None;
        }
        match value {
            Value::String(text) => arguments.add(text).ok()?,
            Value::Number(number) => arguments.add(number.as_i64()?).ok()?,
            Value::Object(bytes) => arguments.add(unhex(bytes.get("x")?.as_str()?)?).ok()?,
            _ => return None,
        }
        names.push(name);
    }
    if names.is_empty() {
        return None;
    }
    let places: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
    Some((format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), places.join(", ")), arguments))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?)).collect()
}
