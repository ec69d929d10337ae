//! The parts that commands are wired from.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use overread_codes::Release;
use overread_keys::Keyring;
use overread_server::{App, Loaded, Model, Setup, Shelf, SignInWays};
use overread_store::{Channel, DatabaseKey, Source, Store, StoreError};
use overread_suggest::{CodeSearch, Options, Suggester};

use crate::settings::Settings;
use crate::source::SystemSource;

pub async fn store(settings: &Settings) -> Result<(Store, Arc<dyn Source>)> {
    let source: Arc<dyn Source> = Arc::new(SystemSource);
    std::fs::create_dir_all(&settings.data_dir).with_context(|| settings.data_dir.display().to_string())?;
    let keys = keys(settings)?;
    let key = database_key(settings, &keys)?;
    let mut opened = Store::open_sealed(&settings.database, Arc::clone(&source), key.as_ref()).await;
    if matches!(opened, Err(StoreError::WrongKey))
        && let Some((path, next)) = next_database_key(settings, &keys)?
    {
        // The file had its new key when its change was cut off.
        opened = Store::open_sealed(&settings.database, Arc::clone(&source), Some(&next)).await;
        if opened.is_ok() {
            take_next_key(&path)?;
        }
    }
    let store = opened.context("opening the database")?;
    if matches!(store.channel(), Channel::Plain | Channel::Unverified) {
        tracing::warn!(
            "notes go to the database in a way that can be read or answered by others: sslmode=verify-full"
        );
    }
    Ok((store, source))
}

/// The installation's keys; made where there are none.
pub fn keys(settings: &Settings) -> Result<Keyring> {
    Keyring::open(&settings.key_file).context("the installation's keys")
}

/// What the key of an encrypted database is sealed for.
const DATABASE: &str = "database";

/// The file that holds a database's own key, sealed with the installation's: beside the database.
pub fn sealed_key_file(database: &str) -> Option<PathBuf> {
    let path = database.strip_prefix("sqlite:").filter(|path| !path.ends_with(":memory:"))?;
    Some(PathBuf::from(format!("{}.key", path.strip_prefix("//").unwrap_or(path))))
}

/// The key of an SQLite database: read where there is one, made where the database is new and is to be encrypted. A
/// database that was begun without stays as it is.
pub fn database_key(settings: &Settings, keys: &Keyring) -> Result<Option<DatabaseKey>> {
    let Some(path) = sealed_key_file(&settings.database) else { return Ok(None) };
    match std::fs::read_to_string(&path) {
        Ok(sealed) => Ok(Some(unsealed(&path, &sealed, keys)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // An encrypted file does not begin as SQLite's own do.
            let database = path.with_extension("");
            let mut begins = [0; 16];
            let read = std::fs::File::open(&database)
                .and_then(|mut file| std::io::Read::read(&mut file, &mut begins));
            match read {
                Ok(read) if read == begins.len() && begins != *b"SQLite format 3\0" => bail!(
                    "{}: it is missing, and {} seems to be encrypted with the key in it",
                    path.display(),
                    database.display()
                ),
                Ok(read) if read > 0 => return Ok(None),
                _ if !settings.encrypt_database => return Ok(None),
                _ => {}
            }
            let bytes: [u8; 32] = rand::random();
            save(&path, &keys.seal(DATABASE, DATABASE, &bytes))?;
            // Two programs may start at once: what stands there in the end counts.
            let sealed = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let bytes = keys.unseal(DATABASE, DATABASE, sealed.trim()).context("the key of the database")?;
            Ok(bytes.try_into().ok().map(DatabaseKey::new))
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

pub fn database_key_is_sealed_with(settings: &Settings, id: &str) -> bool {
    sealed_key_file(&settings.database)
        .and_then(|path| std::fs::read_to_string(path).ok())
        .is_some_and(|sealed| Keyring::sealed_by(sealed.trim()) == Some(id))
}

/// Seals a database's key with the key in use; false where it was already, or the database has none.
pub fn reseal_database_key(settings: &Settings, keys: &Keyring) -> Result<bool> {
    let Some(path) = sealed_key_file(&settings.database) else { return Ok(false) };
    let Ok(sealed) = std::fs::read_to_string(&path) else { return Ok(false) };
    if Keyring::sealed_by(sealed.trim()) == Some(keys.current().as_str()) {
        return Ok(false);
    }
    let bytes = keys.unseal(DATABASE, DATABASE, sealed.trim()).context("the key of the database")?;
    let fresh = path.with_extension("key.part");
    let _ = std::fs::remove_file(&fresh);
    save(&fresh, &keys.seal(DATABASE, DATABASE, &bytes))?;
    std::fs::rename(&fresh, &path).with_context(|| path.display().to_string())?;
    Ok(true)
}

/// Where the new key of a database lies while the file is encrypted with it.
fn next_key_file(sealed: &Path) -> PathBuf {
    let mut name = sealed.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

fn next_database_key(settings: &Settings, keys: &Keyring) -> Result<Option<(PathBuf, DatabaseKey)>> {
    let Some(path) = sealed_key_file(&settings.database) else { return Ok(None) };
    let next = next_key_file(&path);
    match std::fs::read_to_string(&next) {
        Ok(sealed) => Ok(Some((path, unsealed(&next, &sealed, keys)?))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| next.display().to_string()),
    }
}

fn take_next_key(path: &Path) -> Result<()> {
    std::fs::rename(next_key_file(path), path).with_context(|| path.display().to_string())
}

fn unsealed(path: &Path, sealed: &str, keys: &Keyring) -> Result<DatabaseKey> {
    let bytes = keys
        .unseal(DATABASE, DATABASE, sealed.trim())
        .with_context(|| format!("{}: the key of the database", path.display()))?;
    Ok(DatabaseKey::new(bytes.try_into().ok().context("the key of the database has another length")?))
}

/// Encrypts the file of the database with a fresh key. At any moment the file and one of the two key files beside it belong
/// together, and [`store`] finds out which.
pub async fn change_database_key(settings: &Settings) -> Result<()> {
    let keys = keys(settings)?;
    let path = sealed_key_file(&settings.database)
        .context("only the file of SQLite has a key; what PostgreSQL stores is its operator's to encrypt")?;
    // A change that was cut off comes to its end first.
    store(settings).await?.0.close().await;
    let old = database_key(settings, &keys)?.with_context(|| {
        format!("{} is not encrypted: back it up, and restore into a new file", settings.database)
    })?;
    let bytes: [u8; 32] = rand::random();
    let next = next_key_file(&path);
    let _ = std::fs::remove_file(&next);
    save(&next, &keys.seal(DATABASE, DATABASE, &bytes))?;
    match overread_store::rekey(&settings.database, &old, &DatabaseKey::new(bytes)).await {
        Ok(()) => take_next_key(&path),
        Err(error) => {
            // Only where the file still has its old key is the new one of no use.
            if let Ok((store, _)) = store(settings).await {
                store.close().await;
                let _ = std::fs::remove_file(&next);
            }
            Err(error).context("the key of the database stays as it was")
        }
    }
}

/// Writes a new file for its owner alone, whole or not at all; one that is there already stays.
fn save(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let work = || -> std::io::Result<()> {
        // Only its owner can read it (tempfile(3)).
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{text}")?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    };
    work().with_context(|| path.display().to_string())
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

/// The release that ships or was named, then all that was imported.
pub fn shelf(settings: &Settings) -> Shelf {
    Shelf::open(release(settings).into_iter().collect(), Some(code_folder(settings)))
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
    let shipped = release(settings);
    let shelf = Shelf::open(shipped.iter().cloned().collect(), Some(code_folder(settings)));
    let sign_in = SignInWays::new(&settings.server, keys(settings)?).map_err(|error| anyhow!(error))?;
    let config = settings.server.clone();
    let app = App::new(Setup { store, source, config, model: model.clone(), sign_in }, shelf);
    match shipped {
        Ok(shipped) => load_in_background(settings, shipped, &app, background),
        Err(error) => {
            tracing::error!("codes: {error:#}");
            model.set_unavailable(format!("suggesting needs a code release: {error:#}"));
        }
    }
    app.prepare().await?;
    Ok(app)
}

fn load_in_background(settings: &Settings, release: Arc<Release>, app: &App, background: bool) {
    let (settings, app) = (settings.clone(), app.clone());
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let model = &app.model;
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
        if background && settings.server.semantic && !kept && make_vectors(&search, &settings, model) {
            // From here on suggestions name another model version: they are other suggestions.
            model.set_ready(loaded(&suggester, &search));
        }
        if settings.server.semantic {
            search_others(&settings, &app, &suggester, background, &runtime);
        }
    });
}

/// Follows the shelf: every further edition can be searched by meaning once its vectors are there, read or made.
fn search_others(
    settings: &Settings,
    app: &App,
    suggester: &Suggester,
    background: bool,
    runtime: &tokio::runtime::Handle,
) {
    let mut shelved = app.shelved();
    let mut seen: Vec<String> = vec![suggester.release().content_hash().to_owned()];
    loop {
        shelved.mark_unchanged();
        let shelf = app.shelf();
        let mut releases = shelf.books.releases.clone();
        // What is in force longest from now on is needed first.
        releases.sort_by(|a, b| b.effective().cmp(a.effective()));
        for release in releases {
            if seen.iter().any(|hash| hash == release.content_hash()) {
                continue;
            }
            seen.push(release.content_hash().to_owned());
            let search = Arc::new(CodeSearch::of(&suggester.with_release(Arc::clone(&release))));
            if load_vectors(&search, settings) || background && make_vectors(&search, settings, &app.model) {
                app.model.add_search(search);
            }
            if shelved.has_changed().unwrap_or(false) {
                break;
            }
        }
        if shelved.has_changed().unwrap_or(false) {
            continue;
        }
        if runtime.block_on(shelved.changed()).is_err() {
            return;
        }
    }
}

fn loaded(suggester: &Suggester, search: &Arc<CodeSearch>) -> Loaded {
    Loaded { suggest: Arc::new(complete(suggester.clone(), search)), searches: vec![Arc::clone(search)] }
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
        model.set_building(Some((search.release(), done as u64, total as u64)));
        let started = Instant::now();
        while model.busy(source.now(), QUIET_MS) && started.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let made =
        search.build_vectors(&mut progress, &|| false).and_then(|()| search.save(&vector_folder(settings)));
    model.set_building(None);
    match made {
        Ok(()) => tracing::info!(release = search.release().id(), "codes can be found by meaning"),
        Err(error) => {
            tracing::warn!(release = search.release().id(), %error, "codes can't be found by meaning");
        }
    }
    search.has_vectors()
}
