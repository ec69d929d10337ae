//! The parts that commands are wired from.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use overread_codes::Release;
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

pub fn suggester(settings: &Settings, release: &Arc<Release>) -> Result<Suggester> {
    let folder = settings
        .model
        .as_deref()
        .context("no model: name a folder with --model, or put one into models/minilm-base")?;
    Suggester::load(folder, Arc::clone(release), Options::default())
        .with_context(|| folder.display().to_string())
}

/// A server with its model on the way. Without a code release it serves too: nothing is suggested or coded then.
pub async fn app(settings: &Settings) -> Result<App> {
    let (store, source) = store(settings).await?;
    let model = Model::loading();
    let releases = match release(settings) {
        Ok(release) => vec![release],
        Err(error) => {
            tracing::error!("codes: {error:#}");
            model.set_unavailable(format!("suggesting needs a code release: {error:#}"));
            Vec::new()
        }
    };
    if let Some(release) = releases.first() {
        load_in_background(settings, release, &model);
    }
    let app = App::new(Setup { store, source, config: settings.server.clone(), releases, model });
    app.prepare().await?;
    Ok(app)
}

fn load_in_background(settings: &Settings, release: &Arc<Release>, model: &Model) {
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
        let search = Arc::new(CodeSearch::new(Arc::clone(&release), suggester.encoder()));
        tracing::info!("model ready");
        model.set_ready(Loaded { suggest: Arc::new(suggester), search: Some(Arc::clone(&search)) });
        vectors(&search, &settings.data_dir, &model);
    });
}

/// Lets codes be found by meaning, now or once their vectors are made.
pub fn vectors(_search: &CodeSearch, _folder: &Path, _model: &Model) {}
