//! Code systems, lists and books as a server has them: what ships, then what was imported into a folder. The folder is
//! looked at again and again, so that an import by another process counts without a restart.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use std::{fs, io, thread};

use overread_codes::import::Imported;
use overread_codes::{Book, BookKind, CodeList, Release, ReleaseError};
use overread_edits::Books;

/// How files of the folder end.
const ENDING: &str = "ovr";

/// A file of the folder.
#[derive(Debug, Clone)]
enum Item {
    Release(Arc<Release>),
    List(Arc<CodeList>),
    Book(Arc<Book>),
    /// It can't be read; said once.
    Broken,
}

/// When a file was written last, and its length: who writes one anew changes either.
type Stamp = (Option<SystemTime>, u64);

/// All that is loaded of code systems. Never changed: another one takes its place.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// Editions of code systems, several of one side by side, and lists that say more of codes.
    pub books: Books,
    /// Indices and tables that lead to codes.
    pub indices: Vec<Arc<Book>>,
    shipped: Vec<Arc<Release>>,
    folder: Option<PathBuf>,
    files: BTreeMap<PathBuf, (Stamp, Item)>,
    /// Codes and billable codes of each release, counted once.
    counts: HashMap<String, (u64, u64)>,
}

/// What an import is to what is there under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    New,
    /// The same content is there.
    Same,
    /// Other content is there: two editions would be in force from one month on.
    Other,
    /// It ships or was named at the start, with other content, and can't be replaced.
    Fixed,
}

impl Shelf {
    /// What ships and what the folder holds; without one nothing can be imported. A file that can't be read is told
    /// and left out.
    pub fn open(shipped: Vec<Arc<Release>>, folder: Option<PathBuf>) -> Self {
        let mut shelf = Self { shipped, folder, ..Self::default() };
        shelf.files = shelf.look(&BTreeMap::new());
        shelf.arrange();
        shelf
    }

    /// The folder's content as it is now, where it changed; what did not change is not read again.
    pub fn again(&self) -> Option<Self> {
        self.folder.as_ref()?;
        let files = self.look(&self.files);
        let same = files.len() == self.files.len()
            && files.iter().zip(&self.files).all(|(new, old)| new.0 == old.0 && new.1.0 == old.1.0);
        if same {
            return None;
        }
        let mut shelf = Self {
            shipped: self.shipped.clone(),
            folder: self.folder.clone(),
            files,
            counts: self.counts.clone(),
            ..Self::default()
        };
        shelf.arrange();
        Some(shelf)
    }

    /// Codes of a release, and how many of them are billable.
    pub fn counts(&self, release: &Release) -> (u64, u64) {
        self.counts.get(release.content_hash()).copied().unwrap_or_default()
    }

    /// The edition of a book in force on a date (ISO 8601).
    pub fn index(&self, kind: BookKind, date: &str) -> Option<&Arc<Book>> {
        let own = || self.indices.iter().filter(|book| book.kind == kind);
        let begun = own().filter(|book| book.effective.as_str() <= date);
        begun
            .max_by_key(|book| book.effective.as_str())
            .or_else(|| own().min_by_key(|book| book.effective.as_str()))
    }

    /// The edition that `new` comes after, or the nearest there is: what its changes are told against.
    pub fn before(&self, new: &Release) -> Option<&Arc<Release>> {
        let own = || self.books.releases.iter().filter(|r| r.system() == new.system() && r.id() != new.id());
        let earlier = own().filter(|r| r.effective() <= new.effective());
        earlier.max_by_key(|r| r.effective()).or_else(|| own().min_by_key(|r| r.effective()))
    }

    /// Where imports are kept.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether it was imported, so that it can be removed.
    pub fn is_imported(&self, id: &str) -> bool {
        self.file_of(id).is_some_and(|path| self.files.contains_key(&path))
            && !self.shipped.iter().any(|release| release.id() == id)
    }

    /// What keeping `bytes` under the id of `import` would be.
    pub fn standing(&self, import: &Imported, bytes: &[u8]) -> Standing {
        if let Imported::Release(new) = import
            && let Some(old) = self.shipped.iter().find(|release| release.id() == new.id())
        {
            let same = old.content_hash() == new.content_hash();
            return if same { Standing::Same } else { Standing::Fixed };
        }
        match self.file_of(import.id()).map(fs::read) {
            Some(Ok(old)) if old == bytes => Standing::Same,
            Some(Ok(_)) => Standing::Other,
            _ => Standing::New,
        }
    }

    /// The file of an id. Ids are made of letters, digits and hyphens; what else comes names no file.
    fn file_of(&self, id: &str) -> Option<PathBuf> {
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        plain.then(|| self.folder.as_ref().map(|folder| folder.join(format!("{id}.{ENDING}")))).flatten()
    }

    /// Keeps files under their ids: all are written before the first takes its place.
    ///
    /// # Errors
    /// Where the folder can't be written; what was there is as it was.
    pub fn keep(&self, files: &[(&str, &[u8])]) -> io::Result<Vec<PathBuf>> {
        let folder = self.folder.as_ref().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(folder)?;
        let mut ready = Vec::with_capacity(files.len());
        for (id, bytes) in files {
            let path = self.file_of(id).ok_or(io::ErrorKind::InvalidFilename)?;
            let unfinished = path.with_extension("part");
            let written = fs::File::create(&unfinished).and_then(|mut file| {
                io::Write::write_all(&mut file, bytes)?;
                file.sync_all()
            });
            ready.push((unfinished, path));
            if let Err(error) = written {
                for (unfinished, _) in &ready {
                    let _ = fs::remove_file(unfinished);
                }
                return Err(error);
            }
        }
        for (unfinished, path) in &ready {
            fs::rename(unfinished, path)?;
        }
        Ok(ready.into_iter().map(|(_, path)| path).collect())
    }

    /// Puts what was imported out of use; its file stays beside under another ending.
    ///
    /// # Errors
    /// Where the file can't be renamed.
    pub fn put_away(&self, id: &str) -> io::Result<()> {
        let path = self.file_of(id).ok_or(io::ErrorKind::NotFound)?;
        fs::rename(&path, path.with_extension("removed"))
    }

    fn look(&self, known: &BTreeMap<PathBuf, (Stamp, Item)>) -> BTreeMap<PathBuf, (Stamp, Item)> {
        let Some(folder) = &self.folder else { return BTreeMap::new() };
        let mut found: BTreeMap<PathBuf, (Stamp, Option<Item>)> = BTreeMap::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(meta) = entry.metadata() else { continue };
            if path.extension().is_none_or(|ending| ending != ENDING) || !meta.is_file() {
                continue;
            }
            let stamp = (meta.modified().ok(), meta.len());
            let item = known.get(&path).filter(|(old, _)| *old == stamp).map(|(_, item)| item.clone());
            found.insert(path, (stamp, item));
        }
        let new: Vec<&PathBuf> =
            found.iter().filter(|(_, (_, item))| item.is_none()).map(|(path, _)| path).collect();
        let mut read = read_all(&new);
        found
            .into_iter()
            .map(|(path, (stamp, item))| {
                let item = item.or_else(|| read.remove(&path)).unwrap_or(Item::Broken);
                (path, (stamp, item))
            })
            .collect()
    }

    fn arrange(&mut self) {
        let (mut lists, mut indices) = (Vec::new(), Vec::new());
        let mut releases = self.shipped.clone();
        for (_, item) in self.files.values() {
            match item {
                Item::Release(release) => {
                    if !releases.iter().any(|known| known.id() == release.id()) {
                        releases.push(Arc::clone(release));
                    }
                }
                Item::List(list) => lists.push(Arc::clone(list)),
                Item::Book(book) => indices.push(Arc::clone(book)),
                Item::Broken => {}
            }
        }
        for release in &releases {
            self.counts.entry(release.content_hash().to_owned()).or_insert_with(|| {
                let codes = release.iter().filter(|entry| entry.is_code());
                codes.fold((0, 0), |(all, billable), entry| (all + 1, billable + u64::from(entry.billable())))
            });
        }
        self.books = Books { releases, lists };
        self.indices = indices;
    }
}

/// Reads files on all cores: releases take some tenths of a second each.
fn read_all(paths: &[&PathBuf]) -> HashMap<PathBuf, Item> {
    let next = AtomicUsize::new(0);
    let out = Mutex::new(HashMap::new());
    let threads = thread::available_parallelism().map_or(1, usize::from).min(paths.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let item = read(path).unwrap_or_else(|error| {
                        tracing::error!("codes: {}: {error}; it is left out", path.display());
                        Item::Broken
                    });
                    out.lock().unwrap_or_else(PoisonError::into_inner).insert((*path).clone(), item);
                }
            });
        }
    });
    out.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Content(#[from] ReleaseError),
}

fn read(path: &Path) -> Result<Item, ReadError> {
    let bytes = fs::read(path)?;
    Ok(if Book::is_book(&bytes) {
        Item::Book(Arc::new(Book::from_bytes(&bytes)?))
    } else if CodeList::is_list(&bytes) {
        Item::List(Arc::new(CodeList::from_bytes(&bytes)?))
    } else {
        Item::Release(Arc::new(Release::from_bytes(&bytes)?))
    })
}
