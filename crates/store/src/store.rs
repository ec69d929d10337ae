//! The store itself: pools, time, ids.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use overread_domain::{Template, Timestamp};
use sqlx::any::install_default_drivers;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Transaction};

use crate::audit::{self, Event};
use crate::dialect::{Address, Channel, DatabaseKey, LOCKED};
use crate::source::IdMaker;
use crate::{Engine, Scope, Source, StoreError, migrate};

/// A database that holds what Overread knows. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// Goes into the audit trail with the next write.
    event: Option<Arc<Event>>,
    /// What of the entries is there for whoever asks; all of them where there is none.
    scope: Option<Arc<Scope>>,
}

struct Inner {
    engine: Engine,
    sealed: bool,
    channel: Channel,
    read: AnyPool,
    write: AnyPool,
    source: Arc<dyn Source>,
    ids: IdMaker,
    /// Versions of templates never change, and every entry read needs one.
    templates: Mutex<HashMap<(String, u32), Arc<Template>>>,
}

pub(crate) type Tx = Transaction<'static, Any>;

/// Templates kept in memory at most; installations have a handful.
const TEMPLATES_KEPT: usize = 64;
/// Milliseconds for which a start waits for a locked database, and between two looks.
const PATIENCE: u64 = 5_000;
const PAUSE: u64 = 20;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("engine", &self.inner.engine).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `sqlite:PATH` (the file is made where there is none, its folder is not), `sqlite::memory:` or
    /// `postgres://...`, and brings its schema up to date. A newer schema and a database that holds other tables are
    /// refused, untouched.
    pub async fn open(url: &str, source: Arc<dyn Source>) -> Result<Self, StoreError> {
        Self::open_sealed(url, source, None).await
    }

    /// The same, where the file of an `SQLite` database is encrypted with a key (`SQLCipher` 4: AES-256 and an HMAC for
    /// each page). A key for a database of another kind is refused, and so is a file that is not encrypted.
    pub async fn open_sealed(
        url: &str,
        source: Arc<dyn Source>,
        key: Option<&DatabaseKey>,
    ) -> Result<Self, StoreError> {
        install_default_drivers();
        let address = Address::parse(url, key)?;
        let engine = address.engine();
        address.prepare()?;
        let (read, write) = address.pools()?;
        let now = source.now().0;
        if let Address::Memory = address {
            prepare(engine, &mut *write.acquire().await?, now, false, None).await?;
        } else {
            // A connection of its own: those of the pools change settings that stay with the file.
            let mut connection = AnyConnection::connect(address.url()).await?;
            address.unlock(&mut connection).await?;
            let prepared = prepare(engine, &mut connection, now, key.is_some(), address.path()).await;
            let closed = connection.close().await;
            if key.is_some() && matches!(prepared, Err(StoreError::Damaged)) {
                // With the right key the first page can be read; the connection that failed reads nothing any more.
                let mut connection = AnyConnection::connect(address.url()).await?;
                address.unlock(&mut connection).await?;
                let first = sqlx::query("PRAGMA user_version").fetch_one(&mut connection).await;
                return Err(if first.is_ok() { StoreError::Damaged } else { StoreError::WrongKey });
            }
            prepared?;
            closed?;
        }
        let inner = Inner {
            engine,
            sealed: key.is_some(),
            channel: address.channel(),
            read,
            write,
            source,
            ids: IdMaker::default(),
            templates: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner), event: None, scope: None })
    }

    /// Whether the database's file is encrypted.
    pub fn is_sealed(&self) -> bool {
        self.inner.sealed
    }

    /// How the way to the database is protected.
    pub fn channel(&self) -> Channel {
        self.inner.channel
    }

    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").fetch_one(self.pool()).await?;
        Ok(())
    }

    /// Waits for running transactions and closes every connection.
    pub async fn close(&self) {
        self.inner.read.close().await;
        self.inner.write.close().await;
    }

    /// A new id: `prefix`, a hyphen and 32 hexadecimal digits. Ids of one store rise in text order.
    pub fn new_id(&self, prefix: &str) -> String {
        self.inner.ids.make(prefix, &*self.inner.source)
    }

    pub fn now(&self) -> Timestamp {
        self.inner.source.now()
    }

    /// Lets the file of an `SQLite` database grow to so many pages and no further; a number below its size stands for the
    /// size. What a full disk does can be tried with it.
    pub async fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        if self.inner.engine == Engine::Sqlite {
            let mut connection = self.inner.write.acquire().await?;
            let pragma = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::raw_sql(pragma).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// For single statements that only read.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.inner.read
    }

    /// A transaction that sees the database as it is at one moment.
    pub(crate) async fn begin_read(&self) -> Result<Tx, StoreError> {
        Ok(self.inner.read.begin_with(self.inner.engine.begin_read()).await?)
    }

    /// A transaction that writes: the only one at its time where the engine is `SQLite`.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        let statement = self.inner.engine.begin_write();
        loop {
            match self.inner.write.begin_with(statement).await {
                // On a full disk SQLite may have rolled back by itself, which the driver does not notice: it still counts a
                // transaction as open. Such a connection is of no more use.
                Err(sqlx::Error::InvalidSavePointStatement) => {
                    self.inner.write.acquire().await?.close().await?;
                }
                begun => return Ok(begun?),
            }
        }
    }

    /// The same store, whose writes carry an event of the audit trail in their own transaction: use it for one.
    #[must_use]
    pub fn recording(&self, event: Event) -> Self {
        Self { event: Some(Arc::new(event)), ..self.clone() }
    }

    /// The same store as somebody may see it: entries outside of the scope are not there.
    #[must_use]
    pub fn within(&self, scope: Arc<Scope>) -> Self {
        Self { scope: Some(scope), ..self.clone() }
    }

    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.scope.as_deref()
    }

    /// Ends a transaction that wrote, with what is to be recorded of it.
    pub(crate) async fn commit(&self, mut tx: Tx) -> Result<(), StoreError> {
        if let Some(event) = &self.event {
            audit::append(&mut tx, self.engine(), self.now(), event).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(crate) fn known_template(&self, id: &str, version: u32) -> Option<Arc<Template>> {
        let known = self.inner.templates.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(id.to_owned(), version)).cloned()
    }

    pub(crate) fn remember_template(&self, template: &Arc<Template>) {
        let mut known = self.inner.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TEMPLATES_KEPT {
            known.clear();
        }
        known.insert((template.id.clone(), template.version), template.clone());
    }
}

async fn prepare(
    engine: Engine,
    connection: &mut AnyConnection,
    now: i64,
    sealed: bool,
    path: Option<&std::path::Path>,
) -> Result<(), StoreError> {
    let mut waited = 0;
    loop {
        match prepare_once(engine, connection, now, path).await {
            // While another program that starts turns the journal to WAL, SQLite does not wait as it does elsewhere.
            Err(StoreError::Unavailable { reason }) if reason == LOCKED && waited < PATIENCE => {
                waited += PAUSE;
                tokio::time::sleep(Duration::from_millis(PAUSE)).await;
            }
            // What a wrong key makes of a file reads like no database at all.
            Err(StoreError::WrongSchema { found: None, .. }) if sealed => return Err(StoreError::WrongKey),
            prepared => return prepared,
        }
    }
}

/// For its owner alone, like the file it comes from.
fn restrict(path: &str) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
            .map_err(|error| StoreError::Unavailable { reason: format!("{path}: {error}") })?;
    }
    Ok(())
}

async fn prepare_once(
    engine: Engine,
    connection: &mut AnyConnection,
    now: i64,
    path: Option<&std::path::Path>,
) -> Result<(), StoreError> {
    let found = migrate::check(engine, connection).await?;
    // Before the schema changes, what is there is copied beside it; the copy has the file's own key.
    if let (Some(path), Some(found)) = (path, found.filter(|found| *found < migrate::KNOWN)) {
        let copy = format!("{}.schema-{found}", path.display());
        if !std::path::Path::new(&copy).exists() {
            let sql = format!("VACUUM INTO '{}'", copy.replace('\'', "''"));
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await?;
            restrict(&copy)?;
        }
    }
    engine.prepare(connection).await?;
    migrate::run(engine, connection, now).await
}
