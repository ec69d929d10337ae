//! What every handler has at hand.

use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use overread_codes::Release;
use overread_domain::{Template, Timestamp, template};
use overread_store::{Source, Store, StoreError};
use tokio::sync::{Notify, watch};

use crate::auth::SignInWays;
use crate::auth::password::Vault;
use crate::auth::rates::Rates;
use crate::auth::throttle::Throttle;
use crate::memory::Cache;
use crate::metrics::Metrics;
use crate::shown::Shown;
use crate::{Config, Model, Shelf};

/// What a server is made of.
#[derive(Clone)]
pub struct Setup {
    pub store: Store,
    /// The same that the store was opened with.
    pub source: Arc<dyn Source>,
    pub config: Config,
    pub model: Model,
    pub sign_in: SignInWays,
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
    pub(crate) rates: Rates,
    pub(crate) vault: Vault,
    pub(crate) shown: Shown,
    /// Rings when there may be a job.
    pub(crate) work: Notify,
    /// What people's corrections taught.
    pub(crate) memory: Cache,
    /// Code systems as they are now.
    shelf: RwLock<Arc<Shelf>>,
    /// Counts the shelves.
    shelved: watch::Sender<u64>,
    /// One import at a time.
    pub(crate) importing: tokio::sync::Mutex<()>,
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
    pub fn new(setup: Setup, shelf: Shelf) -> Self {
        Self(Arc::new(Inner {
            rates: Rates::new(&setup.config),
            setup,
            shelf: RwLock::new(Arc::new(shelf)),
            shelved: watch::Sender::new(0),
            importing: tokio::sync::Mutex::default(),
            metrics: Metrics::default(),
            throttle: Throttle::default(),
            vault: Vault::default(),
            shown: Shown::default(),
            work: Notify::new(),
            memory: Cache::default(),
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

    /// Code systems as they are now. Who asks several things of them asks one shelf.
    pub fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.shelf.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rings whenever another shelf takes the place of the one before.
    pub fn shelved(&self) -> watch::Receiver<u64> {
        self.shelved.subscribe()
    }

    /// Takes in what changed in the folder of imports; whether anything did. Reads files.
    pub(crate) async fn look_at_shelf(&self) -> Result<bool, StoreError> {
        let old = self.shelf();
        let Ok(Some(new)) = tokio::task::spawn_blocking(move || old.again()).await else { return Ok(false) };
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        self.shelved.send_modify(|shelves| *shelves += 1);
        self.prepare().await?;
        Ok(true)
    }

    /// The edition of a code system in force today.
    pub fn release(&self, system: &str) -> Option<Arc<Release>> {
        self.release_on(system, None)
    }

    /// The edition in force on a date (ISO 8601); today where there is none.
    pub fn release_on(&self, system: &str, date: Option<&str>) -> Option<Arc<Release>> {
        let today = self.today();
        self.shelf().books.release(system, date.unwrap_or(&today)).cloned()
    }

    /// ISO 8601, in UTC.
    pub fn today(&self) -> String {
        self.now().day()
    }
}
