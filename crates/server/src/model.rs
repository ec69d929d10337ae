//! The model as the server sees it: on its way, there, or the reason why not.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use overread_api::system::{ModelView, SemanticState};
use overread_codes::Release;
use overread_domain::Timestamp;
use overread_suggest::{CodeSearch, Suggest};
use tokio::sync::watch;

/// What a loaded model folder gives.
#[derive(Clone)]
pub struct Loaded {
    pub suggest: Arc<dyn Suggest>,
    /// Look codes up by meaning, one for each edition of a code system that has vectors.
    pub searches: Vec<Arc<CodeSearch>>,
}

impl Loaded {
    pub fn search_of(&self, release: &Release) -> Option<&Arc<CodeSearch>> {
        self.searches.iter().find(|search| search.release().content_hash() == release.content_hash())
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("model", self.suggest.model()).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
enum State {
    Loading,
    Ready(Loaded),
    Unavailable(String),
}

/// Shared between who loads the model and who needs it. Reviewing goes on whatever it says.
#[derive(Clone, Debug)]
pub struct Model {
    state: Arc<RwLock<State>>,
    ready: watch::Sender<bool>,
    /// The code release whose terms get vectors, how many have them, and all of them.
    building: Arc<Mutex<Option<(String, u64, u64)>>>,
    /// Jobs that run, and when the last request came.
    busy: Arc<(AtomicUsize, AtomicI64)>,
}

impl Model {
    pub fn loading() -> Self {
        Self {
            state: Arc::new(RwLock::new(State::Loading)),
            ready: watch::Sender::new(false),
            building: Arc::default(),
            busy: Arc::default(),
        }
    }

    pub fn ready(loaded: Loaded) -> Self {
        let model = Self::loading();
        model.set_ready(loaded);
        model
    }

    /// `message` says why, for people.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let model = Self::loading();
        model.set_unavailable(message);
        model
    }

    pub fn set_ready(&self, loaded: Loaded) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State::Ready(loaded);
        self.ready.send_replace(true);
    }

    pub fn set_unavailable(&self, message: impl Into<String>) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State::Unavailable(message.into());
    }

    pub fn loaded(&self) -> Option<Loaded> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready(loaded) => Some(loaded.clone()),
            _ => None,
        }
    }

    /// Why there are no suggestions, where there are none.
    pub fn problem(&self) -> Option<String> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Unavailable(message) => Some(message.clone()),
            _ => None,
        }
    }

    /// Waits until a model is there: for ever, where none comes.
    pub async fn wait(&self) -> Loaded {
        let mut ready = self.ready.subscribe();
        loop {
            if let Some(loaded) = self.loaded() {
                return loaded;
            }
            // The sender lives in `self`.
            let _ = ready.changed().await;
        }
    }

    /// Says how far the vectors of a code release are; `None` once nobody makes any.
    pub fn set_building(&self, release: Option<(&Release, u64, u64)>) {
        *self.building.lock().unwrap_or_else(PoisonError::into_inner) =
            release.map(|(release, done, total)| (release.content_hash().to_owned(), done, total));
    }

    /// Codes of another edition can be found by meaning.
    pub fn add_search(&self, search: Arc<CodeSearch>) {
        if let State::Ready(loaded) = &mut *self.state.write().unwrap_or_else(PoisonError::into_inner) {
            loaded.searches.retain(|old| old.release().content_hash() != search.release().content_hash());
            loaded.searches.push(search);
        }
    }

    /// Whether somebody waits for this machine: a job runs, or a request came within `millis` before `now`. Work that
    /// can wait asks this.
    pub fn busy(&self, now: Timestamp, millis: i64) -> bool {
        self.busy.0.load(Ordering::Relaxed) > 0
            || now.0.saturating_sub(self.busy.1.load(Ordering::Relaxed)) < millis
    }

    pub(crate) fn job_begins(&self) {
        self.busy.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn job_ends(&self) {
        self.busy.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn asked(&self, now: Timestamp) {
        self.busy.1.store(now.0, Ordering::Relaxed);
    }

    /// Whether codes of this edition can be looked up by meaning.
    pub fn semantic(&self, release: &Release) -> SemanticState {
        let loaded = self.loaded();
        let search = loaded.as_ref().and_then(|loaded| loaded.search_of(release));
        if search.is_some_and(|search| search.has_vectors()) {
            return SemanticState::Ready;
        }
        match &*self.building.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((of, done, total)) if of == release.content_hash() => {
                SemanticState::Building { done: *done, total: *total }
            }
            _ => SemanticState::Absent,
        }
    }

    pub fn view(&self) -> ModelView {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Loading => ModelView::Loading,
            State::Unavailable(message) => ModelView::Unavailable { message: message.clone() },
            State::Ready(loaded) => {
                let info = loaded.suggest.model();
                ModelView::Ready {
                    name: info.name.clone(),
                    version: info.version.clone(),
                    parameters: info.parameters,
                    loaded_in_ms: u64::from(info.loaded_in_ms),
                }
            }
        }
    }
}
