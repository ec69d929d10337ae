//! What every handler has at hand.

use std::ops::Deref;
use std::sync::Arc;

use overread_codes::{Book, BookKind, CodeList, Release};
use overread_domain::{Template, Timestamp, template};
use overread_edits::Books;
use overread_store::{Source, Store, StoreError};
use tokio::sync::Notify;

use crate::auth::password::Vault;
use crate::auth::throttle::Throttle;
use crate::memory::Cache;
use crate::metrics::Metrics;
use crate::{Config, Model};

/// What a server is made of.
#[derive(Clone)]
pub struct Setup {
    pub store: Store,
    /// The same that the store was opened with.
    pub source: Arc<dyn Source>,
    pub config: Config,
    /// Editions of code systems, several of one side by side.
    pub releases: Vec<Arc<Release>>,
    /// Lists that say more of codes.
    pub lists: Vec<Arc<CodeList>>,
    /// Indices and tables that lead to codes.
    pub indices: Vec<Arc<Book>>,
    pub model: Model,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("store", &self.store)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Shared by all requests; cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub setup: Setup,
    pub(crate) metrics: Metrics,
    pub(crate) throttle: Throttle,
    pub(crate) vault: Vault,
    /// Rings when there may be a job.
    pub(crate) work: Notify,
    /// What people's corrections taught.
    pub(crate) memory: Cache,
    /// The same releases and lists, as the edits look at them.
    pub books: Books,
    /// Entries and billable codes of each release, counted once.
    pub(crate) release_counts: Vec<(u64, u64)>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = Setup;

    fn deref(&self) -> &Setup {
        &self.setup
    }
}

impl App {
    pub fn new(setup: Setup) -> Self {
        let release_counts = setup
            .releases
            .iter()
            .map(|release| {
                let codes = release.iter().filter(|entry| entry.is_code());
                codes.fold((0, 0), |(all, billable), entry| (all + 1, billable + u64::from(entry.billable())))
            })
            .collect();
        let books = Books { releases: setup.releases.clone(), lists: setup.lists.clone() };
        Self(Arc::new(Inner {
            setup,
            books,
            metrics: Metrics::default(),
            throttle: Throttle::default(),
            vault: Vault::default(),
            work: Notify::new(),
            memory: Cache::default(),
            release_counts,
        }))
    }

    /// Makes sure that the template which ships is there. One that an administrator edited stays as it is.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        let shipped: Template =
            serde_json::from_str(template::ENCOUNTER_ABSTRACT).expect("the shipped template is legal");
        if self.store.template(&shipped.id).await?.is_none() {
            self.store.put_template(&shipped).await?;
        }
        // Without the books of procedures nobody could fill it.
        if self.release("icd-10-pcs").is_some() && self.store.template(template::INPATIENT).await?.is_none() {
            self.store.put_template(&template::inpatient(&shipped)).await?;
        }
        Ok(())
    }

    pub fn now(&self) -> Timestamp {
        self.source.now()
    }

    /// The edition of a code system in force today.
    pub fn release(&self, system: &str) -> Option<&Arc<Release>> {
        self.release_on(system, Some(&self.today()))
    }

    /// The edition in force on a date (ISO 8601).
    pub fn release_on(&self, system: &str, date: Option<&str>) -> Option<&Arc<Release>> {
        self.books.release(system, date)
    }

    /// The edition of a book in force today.
    pub fn index(&self, kind: BookKind) -> Option<&Arc<Book>> {
        let today = self.today();
        let own = || self.indices.iter().filter(|book| book.kind == kind);
        let begun = own().filter(|book| book.effective <= today).max_by_key(|book| book.effective.clone());
        begun.or_else(|| own().min_by_key(|book| book.effective.clone()))
    }

    /// ISO 8601, in UTC.
    pub fn today(&self) -> String {
        self.now().day()
    }
}
