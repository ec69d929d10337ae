//! The store itself: pools, time, ids.

use std::sync::Arc;

use overread_domain::Timestamp;
use sqlx::AnyPool;

use crate::source::IdMaker;
use crate::{Engine, Source, StoreError};

/// A database that holds what Overread knows. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    engine: Engine,
    read: AnyPool,
    write: AnyPool,
    source: Arc<dyn Source>,
    ids: IdMaker,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("engine", &self.inner.engine).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `sqlite:PATH` (the file is made where there is none), `sqlite::memory:` or `postgres://...`, and brings its
    /// schema up to date. A newer schema and a database that holds other tables are refused, untouched.
    pub async fn open(url: &str, source: Arc<dyn Source>) -> Result<Self, StoreError> {
        let _ = source;
        todo!("{url}")
    }

    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        todo!()
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
}
