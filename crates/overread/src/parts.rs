//! The parts that commands are wired from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use overread_codes::{Book, CodeList, Release};
use overread_server::{App, Loaded, Model, Setup};
use overread_store::{Source, Store};
use overread_suggest::{CodeSearch, Options, Suggester};

use crate::settings::Settings;
use crate::source::SystemSource;

pub async fn store(settings: &Settings) -> Result<(Store, Arc<dyn Source>)> {
    let source: Arc<dyn Source> = Arc::new(SystemSource);
    std::fs::create_dir_all(&settings.data_dir).with_context(|| settings.data_dir.display().to_string())?;
    let store = Store::open(&settings.database, Arc::clone(&source)).await.context("opening the database")?;
    Ok((store, source))
}

pub fn release(settings: &Settings) -> Result<Arc<Release>> {
    let path = settings
        .codes
        .as_deref()
        .context("no code release: name a file with --codes, or put one into data/icd-10-cm")?;
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(Arc::new(Release::from_bytes(&bytes).with_context(|| path.display().to_string())?))
}

/// Where imported releases and lists are kept.
pub fn code_folder(settings: &Settings) -> PathBuf {
    settings.data_dir.join("codes")
}

/// All that is loaded of code systems.
#[derive(Debug, Default)]
pub struct Shelf {
    pub releases: Vec<Arc<Release>>,
    pub lists: Vec<Arc<CodeList>>,
    pub indices: Vec<Arc<Book>>,
}

/// The release that ships or was named, then all imported ones, then lists. A file that can't be read is told and left out.
pub fn books(settings: &Settings) -> Shelf {
    let mut releases: Vec<Arc<Release>> = release(settings).into_iter().collect();
    let (mut lists, mut indices) = (Vec::new(), Vec::new());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(code_folder(settings))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "ovr"))
        .collect();
    paths.sort();
    for path in paths {
        let read = std::fs::read(&path).map_err(anyhow::Error::from).and_then(|bytes| {
            if Book::is_book(&bytes) {
                indices.push(Arc::new(Book::from_bytes(&bytes)?));
            } else if CodeList::is_list(&bytes) {
                lists.push(Arc::new(CodeList::from_bytes(&bytes)?));
            } else {
                let read = Release::from_bytes(&bytes)?;
                if !releases.iter().any(|known| known.id() == read.id()) {
                    releases.push(Arc::new(read));
                }
            }
            Ok(())
        });
        if let Err(error) = read {
            tracing::error!("codes: {}: {error:#}; it is left out", path.display());
        }
    }
    Shelf { releases, lists, indices }
}

pub fn suggester(settings: &Settings, release: &Arc<Release>) -> Result<Suggester> {
    let folder = settings
        .model
        .as_deref()
        .context("no model: name a folder with --model, or put one into models/overread-minilm")?;
    Suggester::load(folder, Arc::clone(release), Options::default())
        .with_context(|| folder.display().to_string())
}

/// A server with its model on the way; with `background`, also what can be made while it idles. Without a code release it serves too: nothing is suggested or coded then.
pub async fn app(settings: &Settings, background: bool) -> Result<App> {
    let (store, source) = store(settings).await?;
    let model = Model::loading();
    let Shelf { releases, lists, indices } = books(settings);
    let shipped = release(settings).map(|release| release.id().to_owned());
    if let Err(error) = &shipped {
        tracing::error!("codes: {error:#}");
        model.set_unavailable(format!("suggesting needs a code release: {error:#}"));
    }
    let suggesting = releases.iter().find(|release| shipped.as_ref().is_ok_and(|id| release.id() == id));
    if let Some(release) = suggesting {
        load_in_background(settings, release, &model, background);
    }
    let app =
        App::new(Setup { store, source, config: settings.server.clone(), releases, lists, indices, model });
    app.prepare().await?;
    Ok(app)
}

fn load_in_background(settings: &Settings, release: &Arc<Release>, model: &Model, background: bool) {
    let (settings, release, model) = (settings.clone(), Arc::clone(release), model.clone());
    std::thread::spawn(move || {
        let suggester = match suggester(&settings, &release) {
            Ok(suggester) => suggester,
            Err(error) => {
                tracing::error!("model: {error:#}; reviewing goes on without suggestions");
                model.set_unavailable(format!("{error:#}"));
                return;
            }
        };
        let search = Arc::new(CodeSearch::of(&suggester));
        let kept = settings.server.semantic && load_vectors(&search, &settings);
        model.set_ready(loaded(&suggester, &search));
        tracing::info!(by_meaning = kept, "model ready");
        if background && settings.server.semantic && !kept && make_vectors(&search, &settings, &model) {
            // From here on suggestions name another model version: they are other suggestions.
            model.set_ready(loaded(&suggester, &search));
        }
    });
}

fn loaded(suggester: &Suggester, search: &Arc<CodeSearch>) -> Loaded {
    Loaded { suggest: Arc::new(complete(suggester.clone(), search)), search: Some(Arc::clone(search)) }
}

/// The suggester with code candidates by meaning, where their vectors are there.
pub fn complete(suggester: Suggester, search: &CodeSearch) -> Suggester {
    match search.vectors() {
        Some(vectors) => suggester.with_vectors(vectors),
        None => suggester,
    }
}

/// How long one batch of vectors waits at most for the machine to idle, and what counts as idle.
const PATIENCE: Duration = Duration::from_secs(3);
const QUIET_MS: i64 = 500;

/// Where vectors are kept.
pub fn vector_folder(settings: &Settings) -> PathBuf {
    settings.data_dir.join("vectors")
}

/// Reads the vectors that ship with the model or that an earlier run made; false where there are none for this release.
pub fn load_vectors(search: &CodeSearch, settings: &Settings) -> bool {
    let mut folders = settings.model.iter().cloned().chain(std::iter::once(vector_folder(settings)));
    folders.any(|folder| {
        search.load(&folder).unwrap_or_else(|error| {
            tracing::warn!(%error, "vectors can't be used and are made anew");
            false
        })
    })
}

/// Makes the vectors by which codes are found by meaning, in the machine's idle time; whether they are there then.
fn make_vectors(search: &CodeSearch, settings: &Settings, model: &Model) -> bool {
    let source = SystemSource;
    let mut progress = |done: usize, total: usize| {
        model.set_building(done as u64, total as u64);
        let started = Instant::now();
        while model.busy(source.now(), QUIET_MS) && started.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let made =
        search.build_vectors(&mut progress, &|| false).and_then(|()| search.save(&vector_folder(settings)));
    match made {
        Ok(()) => tracing::info!("codes can be found by meaning"),
        Err(error) => {
            model.set_building(0, 0);
            tracing::warn!(%error, "codes can't be found by meaning");
        }
    }
    search.has_vectors()
}
