//! All that differs between the two engines.

use std::fs::OpenOptions;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe};

use crate::StoreError;

/// Which database answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Takes one text for `SQLite` and the same with an ending for `PostgreSQL`: row locks, which an immediate transaction of
/// `SQLite` holds anyway.
macro_rules! with_lock {
    ($engine:expr, $lock:literal, $($sql:tt)+) => {
        match $engine {
            $crate::Engine::Sqlite => concat!($($sql)+),
            $crate::Engine::Postgres => concat!($($sql)+, " ", $lock),
        }
    };
}
pub(crate) use with_lock;

/// Where a database is, in the form that the driver reads.
#[derive(Debug)]
pub(crate) enum Address {
    Memory,
    File { path: PathBuf, url: String, key: Option<DatabaseKey> },
    Server { url: String, channel: Channel },
}

/// How what goes to the database and back is protected on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// It does not leave the machine: a file, a socket, a loopback address.
    Local,
    /// TLS, with a certificate that is verified.
    Verified,
    /// TLS with whomever: it can't be read along, but somebody else may answer.
    Unverified,
    /// Maybe not encrypted at all.
    Plain,
}

impl Channel {
    fn of(options: &PgConnectOptions, mode: PgSslMode) -> Self {
        match mode {
            _ if is_local(options) => Self::Local,
            PgSslMode::VerifyFull | PgSslMode::VerifyCa => Self::Verified,
            PgSslMode::Require => Self::Unverified,
            PgSslMode::Prefer | PgSslMode::Allow | PgSslMode::Disable => Self::Plain,
        }
    }
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

/// Where somebody said how to protect the way to the server (libpq's names,
/// <https://www.postgresql.org/docs/current/libpq-ssl.html>), it is done as said. Else what leaves the machine goes encrypted
/// to a server that shows a certificate for its name.
fn server(url: &str) -> Result<Address, StoreError> {
    let options: PgConnectOptions = url.parse().map_err(|_| StoreError::Invalid {
        what: "the address of the database",
        reason: "postgres://USER@HOST/DATABASE is needed".into(),
    })?;
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let said = query.split('&').any(|pair| pair.starts_with("sslmode=") || pair.starts_with("ssl-mode="))
        || std::env::var_os("PGSSLMODE").is_some();
    if said || is_local(&options) {
        let channel = Channel::of(&options, options.get_ssl_mode());
        return Ok(Address::Server { url: url.to_owned(), channel });
    }
    let and = if url.contains('?') { '&' } else { '?' };
    Ok(Address::Server { url: format!("{url}{and}sslmode=verify-full"), channel: Channel::Verified })
}

/// What the file of an `SQLite` database is encrypted with.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseKey([u8; 32]);

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseKey(..)")
    }
}

impl DatabaseKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Before anything else (<https://www.zetetic.net/sqlcipher/sqlcipher-api/#key>); a raw key is derived from nothing.
    async fn unlock(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        self.tell(connection, "key").await
    }

    /// Encrypts all pages with this key (<https://www.zetetic.net/sqlcipher/sqlcipher-api/#rekey>). It says nothing of what fails.
    pub(crate) async fn encrypt(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        self.tell(connection, "rekey").await
    }

    async fn tell(&self, connection: &mut AnyConnection, pragma: &str) -> Result<(), sqlx::Error> {
        let hex = crate::row::hex(&self.0);
        let sql = AssertSqlSafe(format!("PRAGMA {pragma} = \"x'{hex}'\""));
        sqlx::raw_sql(sql).execute(connection).await.map(|_| ())
    }
}

/// Tables whose rows are written once, with the migration that makes them.
const APPEND_ONLY: [(u32, &str); 7] = [
    (1, "notes"),
    (1, "suggestion_sets"),
    (1, "decisions"),
    (2, "memory_deletions"),
    (5, "audit"),
    (5, "audit_reviews"),
    (7, "compartments"),
];

/// Connections that read at the same time; each has a thread of its own.
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

impl Address {
    pub(crate) fn parse(url: &str, key: Option<&DatabaseKey>) -> Result<Self, StoreError> {
        let address = Self::of(url, key)?;
        if key.is_some() && !matches!(address, Self::File { .. }) {
            return Err(StoreError::Invalid {
                what: "the key of the database",
                reason: "only the file of SQLite is encrypted with one".into(),
            });
        }
        Ok(address)
    }

    fn of(url: &str, key: Option<&DatabaseKey>) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return server(url);
        }
        let Some(rest) = url.strip_prefix("sqlite:") else {
            return Err(StoreError::Invalid {
                what: "the address of the database",
                reason: "it starts with sqlite: or postgres://".into(),
            });
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path {
            ":memory:" => Ok(Self::Memory),
            "" => Err(StoreError::Invalid {
                what: "the address of the database",
                reason: "sqlite: is followed by a path".into(),
            }),
            path => {
                let path = absolute(Path::new(path))?;
                let url = format!("sqlite:{}?mode=rwc", percent_encoded(&path)?);
                Ok(Self::File { path, url, key: key.cloned() })
            }
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Memory | Self::File { .. } => Engine::Sqlite,
            Self::Server { .. } => Engine::Postgres,
        }
    }

    pub(crate) fn channel(&self) -> Channel {
        match self {
            Self::Memory | Self::File { .. } => Channel::Local,
            Self::Server { channel, .. } => *channel,
        }
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Memory => "sqlite::memory:",
            Self::File { url, .. } | Self::Server { url, .. } => url,
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Memory | Self::Server { .. } => None,
        }
    }

    /// Makes the file for nobody but its owner to read: it will hold notes. The driver's own journal files take its mode.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        let Self::File { path, .. } = self else { return Ok(()) };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(StoreError::Unavailable { reason: format!("{}: {error}", path.display()) }),
        }
    }

    /// Gives a connection the file's key, where it has one.
    pub(crate) async fn unlock(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::File { key: Some(key), .. } => key.unlock(connection).await,
            _ => Ok(()),
        }
    }

    /// Pools for reading and for writing; the same one where the engine orders writers by itself.
    pub(crate) fn pools(&self) -> Result<(AnyPool, AnyPool), StoreError> {
        let wait = Duration::from_secs(30);
        Ok(match self {
            // A second connection would see a second database; one that idles away would take it along.
            Self::Memory => {
                let pool = AnyPoolOptions::new()
                    .max_connections(1)
                    .min_connections(1)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .test_before_acquire(false)
                    .acquire_timeout(wait)
                    .connect_lazy(self.url())?;
                (pool.clone(), pool)
            }
            Self::File { key, .. } => {
                let options = |count, pragmas: &'static str| {
                    let key = key.clone();
                    AnyPoolOptions::new()
                        .max_connections(count)
                        .idle_timeout(None)
                        .max_lifetime(None)
                        .test_before_acquire(false)
                        .acquire_timeout(wait)
                        .after_connect(move |connection, _| {
                            let key = key.clone();
                            Box::pin(async move {
                                if let Some(key) = key {
                                    key.unlock(&mut *connection).await?;
                                }
                                run(connection, pragmas).await
                            })
                        })
                };
                (
                    options(SQLITE_READERS, SQLITE_READER).connect_lazy(self.url())?,
                    options(1, SQLITE_WRITER).connect_lazy(self.url())?,
                )
            }
            Self::Server { .. } => {
                let pool = AnyPoolOptions::new()
                    .max_connections(POSTGRES_CONNECTIONS)
                    .acquire_timeout(wait)
                    .connect_lazy(self.url())?;
                (pool.clone(), pool)
            }
        })
    }
}

/// Why a database that somebody else holds does not answer.
pub(crate) const LOCKED: &str = "it is locked";

/// Full synchronisation: what was acknowledged survives a power cut (<https://sqlite.org/pragma.html#pragma_synchronous>).
const SQLITE_WRITER: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000; \
                             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; \
                             PRAGMA journal_size_limit = 67108864;";
const SQLITE_READER: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 10000; PRAGMA temp_store = MEMORY; \
                             PRAGMA cache_size = -16384; PRAGMA mmap_size = 268435456;";

async fn run(connection: &mut AnyConnection, statements: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(connection).await.map(|_| ())
}

fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    let unavailable =
        |error: std::io::Error| StoreError::Unavailable { reason: format!("{}: {error}", path.display()) };
    let path = std::path::absolute(path).map_err(unavailable)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(StoreError::Invalid {
            what: "the address of the database",
            reason: "it names no file".into(),
        });
    };
    let folder = folder
        .canonicalize()
        .map_err(|error| StoreError::Unavailable { reason: format!("{}: {error}", folder.display()) })?;
    Ok(folder.join(name))
}

fn percent_encoded(path: &Path) -> Result<String, StoreError> {
    use std::fmt::Write as _;
    let path = path.to_str().ok_or_else(|| StoreError::Invalid {
        what: "the address of the database",
        reason: "its path is not UTF-8".into(),
    })?;
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Ok(out)
}

impl Engine {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Starts a transaction that will write.
    pub(crate) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Starts a transaction that sees the database as it is at one moment.
    pub(crate) fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Names of all tables that somebody made.
    pub(crate) fn list_tables(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            }
            Self::Postgres => {
                "SELECT CAST(c.relname AS TEXT) AS name FROM pg_class c \
                 WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
                 AND c.relkind IN ('r', 'p')"
            }
        }
    }

    /// Two programs that start at once must not migrate at once. `SQLite`'s transaction sees to it by itself.
    pub(crate) async fn lock_schema(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite => Ok(()),
            Self::Postgres => run(connection, "SELECT pg_advisory_xact_lock(7308901)").await,
        }
    }

    /// Readers go on while somebody writes (<https://sqlite.org/wal.html>); the setting stays with the file.
    pub(crate) async fn prepare(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite => {
                run(connection, "PRAGMA journal_mode = WAL").await?;
                run(connection, SQLITE_WRITER).await
            }
            Self::Postgres => Ok(()),
        }
    }

    /// The end of a statement that locks the rows it reads; an immediate transaction of `SQLite` has locked all.
    pub(crate) fn lock(self, rows: &'static str) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => rows,
        }
    }

    /// A migration in the engine's own words.
    pub(crate) fn translate(self, migration: &str) -> AssertSqlSafe<String> {
        let (key, bytes) = match self {
            Self::Sqlite => ("TEXT", "BLOB"),
            Self::Postgres => ("TEXT COLLATE \"C\"", "BYTEA"),
        };
        AssertSqlSafe(migration.replace("{key}", key).replace("{bytes}", bytes))
    }

    /// Statements that make the database refuse to change what is written once, for the tables of a migration.
    pub(crate) fn append_only(self, version: u32) -> Option<AssertSqlSafe<String>> {
        use std::fmt::Write as _;
        let mut sql = String::new();
        if self == Self::Postgres && version == 1 {
            sql.push_str(
                "CREATE FUNCTION overread_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN RAISE EXCEPTION '% is written once', TG_TABLE_NAME; END $$;\n",
            );
        }
        for (_, table) in APPEND_ONLY.into_iter().filter(|(made, _)| *made == version) {
            let _ = match self {
                Self::Sqlite => write!(
                    sql,
                    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} \
                     BEGIN SELECT RAISE(ABORT, '{table} is written once'); END;\n\
                     CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} \
                     BEGIN SELECT RAISE(ABORT, '{table} is written once'); END;\n"
                ),
                Self::Postgres => write!(
                    sql,
                    "CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table} \
                     FOR EACH ROW EXECUTE FUNCTION overread_refuse();\n\
                     CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} \
                     FOR EACH STATEMENT EXECUTE FUNCTION overread_refuse();\n"
                ),
            };
        }
        (!sql.is_empty()).then_some(AssertSqlSafe(sql))
    }
}

pub(crate) enum Failure {
    StorageFull,
    Damaged,
    Unavailable(String),
    Other(String),
}

/// What a driver's error means to the callers of this crate: `SQLite` result codes (<https://sqlite.org/rescode.html>) and SQLSTATE
/// (`PostgreSQL` manual, appendix A).
pub(crate) fn classify(error: &sqlx::Error) -> Failure {
    use sqlx::Error as E;
    let away = |reason: &str| Failure::Unavailable(reason.to_owned());
    match error {
        E::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => Failure::StorageFull,
        // What rustls says of a certificate comes as data that is not valid.
        E::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Failure::Unavailable(format!("no encrypted connection came about: {error}"))
        }
        E::Io(error) => Failure::Unavailable(error.kind().to_string()),
        E::PoolTimedOut => away("no connection became free in time"),
        E::PoolClosed | E::WorkerCrashed => away("the connection is closed"),
        E::Tls(error) => Failure::Unavailable(format!("no encrypted connection came about: {error}")),
        E::Configuration(_) => away("its address can't be read"),
        E::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            match code.as_str() {
                "13" | "53100" => Failure::StorageFull,
                // SQLITE_CORRUPT and its kinds, SQLITE_NOTADB (what a page without its HMAC reads like), data_corrupted,
                // index_corrupted.
                "11" | "267" | "523" | "779" | "26" | "XX001" | "XX002" => Failure::Damaged,
                "5" | "6" | "261" | "517" | "55P03" => away(LOCKED),
                "14" => away("the file can't be opened"),
                "8" | "1032" => away("the file can't be written"),
                "53300" => away("it has too many connections"),
                "57P01" | "57P02" | "57P03" => away("it is starting or stopping"),
                "28000" | "28P01" => away("it refuses this user or password"),
                "3D000" => away("the server has no database of this name"),
                code if code.starts_with("08") => away("the connection is lost"),
                _ => Failure::Other(code),
            }
        }
        E::RowNotFound => Failure::Other("row not found".into()),
        E::Decode(_) | E::ColumnDecode { .. } => Failure::Other("decode".into()),
        E::Encode(_) => Failure::Other("encode".into()),
        E::Protocol(_) => Failure::Other("protocol".into()),
        _ => Failure::Other("driver".into()),
    }
}

/// Whether a value that must be unique was there already.
pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_somebody_says_otherwise() {
        for (url, channel, url_then) in [
            ("postgres://u@db.example/d", Channel::Verified, "postgres://u@db.example/d?sslmode=verify-full"),
            (
                "postgres://u@db.example/d?application_name=o",
                Channel::Verified,
                "postgres://u@db.example/d?application_name=o&sslmode=verify-full",
            ),
            (
                "postgres://u@10.0.0.7:5433/d",
                Channel::Verified,
                "postgres://u@10.0.0.7:5433/d?sslmode=verify-full",
            ),
            ("postgres://u@db.example/d?sslmode=verify-ca", Channel::Verified, ""),
            ("postgres://u@db.example/d?sslmode=require", Channel::Unverified, ""),
            ("postgres://u@db.example/d?sslmode=prefer", Channel::Plain, ""),
            ("postgres://u@db.example/d?sslmode=disable", Channel::Plain, ""),
            ("postgres://u@localhost/d", Channel::Local, ""),
            ("postgres://u@127.0.0.1/d", Channel::Local, ""),
            ("postgres://u@[::1]:5433/d", Channel::Local, ""),
            ("postgres://u@localhost/d?host=/run/postgresql", Channel::Local, ""),
            // A name that only looks like it.
            (
                "postgres://u@localhost.example/d",
                Channel::Verified,
                "postgres://u@localhost.example/d?sslmode=verify-full",
            ),
        ] {
            let address = Address::parse(url, None).unwrap();
            assert_eq!(address.channel(), channel, "{url}");
            assert_eq!(address.url(), if url_then.is_empty() { url } else { url_then });
        }
        let refused = Address::parse("postgres://u:secret@h:many/d", None).unwrap_err().to_string();
        assert!(!refused.contains("secret"), "{refused}");
    }

    #[test]
    fn reads_addresses() {
        assert!(matches!(Address::parse("sqlite::memory:", None), Ok(Address::Memory)));
        assert!(matches!(Address::parse("postgres://u@h/d", None), Ok(Address::Server { .. })));
        let folder = std::env::temp_dir();
        let address = Address::parse(&format!("sqlite:{}/a b%#?.db", folder.display()), None).unwrap();
        assert!(address.url().ends_with("/a%20b%25%23%3F.db?mode=rwc"), "{}", address.url());
        for wrong in ["mysql://x", "data.db", "sqlite:"] {
            assert!(matches!(Address::parse(wrong, None), Err(StoreError::Invalid { .. })), "{wrong}");
        }
        assert!(matches!(
            Address::parse("sqlite:/no/such/folder/x.db", None),
            Err(StoreError::Unavailable { .. })
        ));
    }
}
